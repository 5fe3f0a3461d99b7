"""A batch through a network: in halves where memory runs out, not waited for on a GPU, and checked at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from isexplore.classifiers import Classifier

__all__ = ["fetch_later", "in_parts", "probabilities"]

_SUM_TOLERANCE = 1e-4


def in_parts(
    run: Callable[[torch.Tensor], torch.Tensor], place: torch.device
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Make a network compute a batch of the CPU in halves, quarters … where memory runs out; it remembers what fitted.

    Each part is copied to the device, so that the batch is whole whatever the network does to its input.

    Examples
    --------
    >>> import torch
    >>> def small(batch):
    ...     if len(batch) > 3:
    ...         raise torch.OutOfMemoryError
    ...     print(len(batch), "at once")
    ...     return 2 * batch
    >>> in_parts(small, torch.device("cpu"))(torch.arange(6))
    3 at once
    3 at once
    tensor([ 0,  2,  4,  6,  8, 10])
    """
    import torch

    most: int | None = None
    copies = torch.cuda.Stream(place) if place.type == "cuda" else None

    def compute(batch: torch.Tensor) -> torch.Tensor:
        nonlocal most
        while True:
            at_once = min(most or len(batch), len(batch))
            try:
                if at_once == len(batch):
                    return run(_copy(batch, place, copies))
                return torch.cat([run(_copy(part, place, copies)) for part in batch.split(at_once)])
            except (RuntimeError, MemoryError) as error:
                if at_once == 1 or not _out_of_memory(error):
                    raise
            most = at_once // 2  # only here is what the error held on to free
            if copies is not None:
                torch.cuda.empty_cache()

    return compute


def fetch_later(logits: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Start to bring logits to the CPU, behind what the GPU has to do for them, and return what waits for them.

    Examples
    --------
    >>> import torch
    >>> fetch_later(torch.zeros(2))()
    tensor([0., 0.])
    """
    import torch

    if not (isinstance(logits, torch.Tensor) and logits.is_cuda):
        return lambda: logits
    here = torch.empty(logits.shape, dtype=logits.dtype, pin_memory=True)
    here.copy_(logits, non_blocking=True)
    arrived = torch.cuda.Event()
    arrived.record(torch.cuda.current_stream(logits.device))

    def wait() -> torch.Tensor:
        arrived.synchronize()
        return here

    return wait


def probabilities(logits: object, names: Sequence[str], network: Classifier) -> NDArray[np.float32]:
    """Check logits, and take their softmax in float64.

    Parameters
    ----------
    logits : object
        What the network returned.
    names : sequence of str, length B
        Of the images, for messages.
    network : Classifier

    Returns
    -------
    ndarray of float32, shape (B, C)

    Raises
    ------
    ValueError
        If these are no finite logits, or probabilities already.

    Examples
    --------
    >>> import torch
    >>> from isexplore.classifiers import load_classifier
    >>> probabilities(torch.zeros(1, 10), ["a.png"], load_classifier("digits")).sum()
    np.float32(1.0)
    """
    import torch

    classifier, classes = network.name, network.class_names
    if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or logits.shape[0] != len(names) or logits.shape[1] < 2:  # noqa: PLR2004
        found = f"shape {tuple(logits.shape)}" if isinstance(logits, torch.Tensor) else f"a {type(logits).__name__}"
        raise ValueError(f"{classifier} must return logits of shape ({len(names)}, classes ≥ 2), but returned {found}")
    if classes is not None and len(classes) != logits.shape[1]:
        raise ValueError(f"{classifier} has {len(classes)} class names, but returned {logits.shape[1]} logits an image")
    values = logits.detach().cpu().double()
    finite = values.isfinite().all(dim=1)
    if not finite.all():
        raise ValueError(
            f"{classifier} returned logits that are not finite, first for {names[int((~finite).int().argmax())]!r}"
        )
    if (values >= 0).all() and ((values.sum(dim=1) - 1).abs() < _SUM_TOLERANCE).all():
        raise ValueError(
            f"{classifier} seems to return probabilities: its rows sum to one. It must return logits, "
            "without the final softmax; a softmax applied twice gives a score near 1"
        )
    rows: NDArray[np.float32] = values.softmax(dim=1).float().numpy()
    return rows


def _copy(batch: torch.Tensor, place: torch.device, copies: torch.cuda.Stream | None) -> torch.Tensor:
    """Copy a batch to a device: to a GPU beside what it computes, on a stream of its own."""
    import torch

    if copies is None:
        return batch.to(place, copy=True)
    computing = torch.cuda.current_stream(place)
    with torch.cuda.stream(copies):
        there = batch.to(place, non_blocking=True)
    computing.wait_stream(copies)
    there.record_stream(computing)  # its memory is free again only when that stream is through with it
    return there


def _out_of_memory(error: Exception) -> bool:
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    # Apple's GPU, the CPU, and NVIDIA's libraries, each in its own words.
    return any(words in str(error) for words in ("out of memory", "can't allocate memory", "STATUS_ALLOC_FAILED"))
