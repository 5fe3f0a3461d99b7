"""From images to predictions: batches through a network, with progress, on the best device there is."""

from __future__ import annotations

import datetime as dt
import warnings
from contextlib import contextmanager
from importlib.metadata import version
from threading import RLock
from typing import TYPE_CHECKING, Any

from isexplore.classifiers import load_classifier
from isexplore.images import open_images
from isexplore.inference.devices import find_device
from isexplore.inference.fast_check import compared
from isexplore.inference.ranks import find_ranks, working_folder
from isexplore.inference.settings import OnError, Precision, Settings
from isexplore.inference.shard_run import plan, write_shard
from isexplore.predictions import Predictions, Provenance, load
from isexplore.predictions.assembly import assemble, checked_out, reasons

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from isexplore.classifiers import Classifier
    from isexplore.images import ImageSet
    from isexplore.inference.batches import Batch
    from isexplore.inference.shard_run import Outcome

__all__ = ["classify", "predict"]

# Precision belongs to the process and modes to the network: runs that overlap would restore the wrong ones.
ONE_RUN = RLock()


def predict(  # noqa: PLR0913 - these are the options that users asked other libraries for
    images: Any,
    classifier: str | os.PathLike[str] | torch.nn.Module | Classifier,
    *,
    device: str = "auto",
    precision: Precision = "exact",
    batch_size: int | None = None,
    on_error: OnError = "skip",
    out: str | os.PathLike[str] | None = None,
    embeddings: bool = False,
    progress: bool | Callable[[int, int], None] = True,
) -> Predictions:
    """Classify every image of a sample set.

    Memory stays flat: predictions go to disk as they come, and are memory-mapped in the end. Those of a network whose
    weights have a SHA-256, as the Inception networks and network files have, are also kept in a cache, found again by
    the pixels of the images. So a run that was interrupted, by Ctrl-C, a kill or a power cut, goes on where it was, and
    a set is not computed twice, as long as its batches are of one size. The cache lies in
    ``~/.cache/isexplore/predictions`` (or in $XDG_CACHE_HOME), is trimmed to 10 GiB, and may be deleted at any time.

    Parameters
    ----------
    images : ImageSet or anything that `isexplore.open_images` takes
    classifier : str, path, torch.nn.Module or Classifier
        ``"digits"``, ``"inception-2015"``, ``"inception-v3"``, a network file (TorchScript or torch.export), or any
        module that returns logits of shape (B, C).
    device : str
        ``"auto"`` is the first of `devices`: CUDA if there is one, else Apple's MPS, else the CPU; or a name that
        torch knows, such as ``"cpu"``, ``"cuda:1"`` or ``"mps"``.
    precision : {"exact", "fast"}
        "exact" is float32 throughout, without TF32. "fast" is bfloat16 where the device has it, and compiled where the
        run is long enough; some images, 256 at most or one batch, are computed in both, and how much their ln IS
        changed is reported.
    batch_size : int, optional
        Images a batch. By default what suits the network, the images and the device's free memory; where memory runs
        out all the same, batches are computed in halves.
    on_error : {"skip", "raise"}
        Whether an image that can't be read is skipped, listed in ``provenance.skipped`` and counted in one warning, or
        ends the run.
    out : path, optional
        Where to save the predictions, as ``.safetensors``; the same as ``save`` afterwards, without a copy.
    embeddings : bool
        Whether to keep ``embeddings`` (N, D), too: what the last `torch.nn.Linear` that the network calls gets of each
        image, in float16. They are 2048 numbers in the Inception networks, 256 in the digits' network; a network file
        has none.
    progress : bool or callable
        True draws a progress bar; a callable is called with (images done, images in all) after each batch, and what it
        raises ends the run.

    Returns
    -------
    Predictions
        Probabilities (N, C) in float32: the softmax, in float64, of the network's logits; and a digest (16 bytes) of
        each image's pixels, equal where images are.

    Raises
    ------
    ValueError
        If no image can be read, the network returns something other than finite logits, the device is unknown, or there
        is no linear layer to take embeddings from, or they are beyond what float16 can hold.
    OSError
        If `out` can't be written, or the classifier's weights can't be had.

    Warns
    -----
    UserWarning
        If images were skipped, or ln IS of a fast run is off by more than a thousandth.

    Examples
    --------
    >>> import isexplore as ix
    >>> ix.predict(ix.demo.real(), classifier="digits", device="cpu", progress=False)
    Predictions(1797 images × 10 classes, digits: real, digits)
    """
    settings = Settings(device, precision, batch_size, on_error, out, embeddings)
    with _reporter(progress) as report:
        predictions = classify(open_images(images), load_classifier(classifier), settings, report)
    skipped = predictions.provenance.skipped
    if skipped:
        of = len(skipped) + len(predictions)
        warnings.warn(f"{len(skipped)} of {of} images skipped: {reasons(skipped)}", stacklevel=2)
    return predictions


def classify(
    sample: ImageSet,
    network: Classifier,
    settings: Settings,
    report: Callable[[int, int], None],
    watch: Callable[[Batch, NDArray[np.float32]], None] = lambda *_: None,
) -> Predictions:
    """Do the work of `predict`, silently; one run at a time, others wait.

    Parameters
    ----------
    sample : ImageSet
    network : Classifier
    settings : Settings
    report : callable
        Called with (images done, images in all) at the start and after each batch.
    watch : callable
        Called with each batch and its rows p(y|x), for whoever wants to look on.

    Raises
    ------
    ValueError, OSError
        As `predict`.

    Examples
    --------
    >>> import numpy as np
    >>> sample = open_images(np.zeros((2, 8, 8), np.uint8))
    >>> classify(sample, load_classifier("digits"), Settings("cpu", batch_size=1), print)
    0 2
    1 2
    2 2
    Predictions(2 images × 10 classes, array, digits)
    """
    out = None if settings.out is None else checked_out(settings.out)
    place = find_device(settings.device)
    with ONE_RUN, find_ranks() as ranks, working_folder(ranks, out) as folder:
        shards = [folder / f"shard-{rank:05d}" for rank in range(ranks.world)]
        with ranks.together():
            job = plan(sample, network, settings, place, ranks)
            outcome = write_shard(job, ranks, shards[ranks.rank], settings.on_error, report, watch)
        provenance = Provenance(
            source=sample.name,
            classifier=network.name,
            preprocessing=network.preprocessing,
            device=str(place),
            precision=_precision(ranks.of_all(outcome)),
            weights_sha256=getattr(network, "weights_sha256", None),
            versions={name: version(name) for name in ("numpy", "torch")},
            created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        )
        result = out or folder / "predictions.safetensors"
        with ranks.together():
            if ranks.rank == 0:
                assemble(shards, result, network.class_names, provenance)
        with ranks.together():  # before the folder is deleted, which the memory map survives
            return load(result)


def _precision(outcomes: Sequence[Outcome]) -> str:
    """Say how exactly the rows of all shards were computed."""
    how = " and ".join(dict.fromkeys(precision for outcome in outcomes for precision in outcome.precisions))
    if "bfloat16" not in how:
        return how
    return f"{how} ({compared([known for outcome in outcomes for known in outcome.checked])})"


@contextmanager
def _reporter(progress: bool | Callable[[int, int], None]) -> Iterator[Callable[[int, int], None]]:  # noqa: FBT001 - as predict takes it
    if callable(progress):
        yield progress
        return
    from tqdm.auto import tqdm

    bar = None

    def report(done: int, total: int) -> None:
        nonlocal bar
        if bar is None:  # not before there is something to do: an early error stands alone
            bar = tqdm(total=total, unit=" images", disable=not (progress and total))
        bar.update(done - bar.n)

    try:
        yield report
    finally:
        if bar is not None:
            bar.close()
