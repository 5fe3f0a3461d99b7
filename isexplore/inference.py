"""From images to predictions: batches through a network, with progress, on the best device there is."""

from __future__ import annotations

import datetime as dt
import warnings
from contextlib import contextmanager
from importlib.metadata import version
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from isexplore.classifiers import load_classifier
from isexplore.devices import find_device, full_precision, on_device
from isexplore.images import open_images
from isexplore.predictions import THUMBNAIL_SIDE, Predictions, Provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch
    from numpy.typing import NDArray

    from isexplore.classifiers import Classifier
    from isexplore.images import ImageSet

__all__ = ["classify", "predict"]

_MOST_REASONS_SHOWN = 3
# A batch of photos ends early, so that it fits into memory: 200 MB of float32 RGB.
_BATCH_PIXELS = 2**24
# Precision belongs to the process and modes to the network: runs that overlap would restore the wrong ones.
_ONE_RUN = RLock()


def predict(
    images: Any,
    classifier: str | torch.nn.Module | Classifier,
    *,
    device: str = "auto",
    batch_size: int = 256,
    progress: bool | Callable[[int, int], None] = True,
) -> Predictions:
    """Classify every image of a sample set.

    Images that can't be read are skipped, listed in ``provenance.skipped`` and counted in one warning.
    Ctrl-C stops within a batch, and so does an exception raised by `progress`.

    Parameters
    ----------
    images : ImageSet or anything that `isexplore.open_images` takes
    classifier : str, torch.nn.Module or Classifier
        ``"digits"``, ``"inception-2015"``, ``"inception-v3"``, or any module that returns logits of shape (B, C).
    device : str
        ``"auto"`` is the first of `devices`: CUDA if there is one, else Apple's MPS, else the CPU; or a name that
        torch knows, such as ``"cpu"``, ``"cuda:1"`` or ``"mps"``.
    batch_size : int
        Images a batch, at most: large images come in smaller batches.
    progress : bool or callable
        True draws a progress bar; a callable is called with (images done, images in all) after each batch.

    Returns
    -------
    Predictions
        Probabilities (N, C) in float32: the softmax, in float64, of the network's logits.

    Raises
    ------
    ValueError
        If no image can be read, the network returns something other than finite logits, or the device is unknown.

    Examples
    --------
    >>> import isexplore as ix
    >>> ix.predict(ix.demo.real(), classifier="digits", device="cpu", progress=False)
    Predictions(1797 images × 10 classes, digits: real, digits)
    """
    with _reporter(progress) as report:
        predictions = classify(open_images(images), load_classifier(classifier), device, batch_size, report)
    skipped = predictions.provenance.skipped
    if skipped:
        of = len(skipped) + len(predictions)
        warnings.warn(f"{len(skipped)} of {of} images skipped: {_reasons(skipped)}", stacklevel=2)
    return predictions


def classify(
    sample: ImageSet, network: Classifier, device: str, batch_size: int, report: Callable[[int, int], None]
) -> Predictions:
    """Do the work of `predict`, silently; one run at a time, others wait.

    Parameters
    ----------
    sample : ImageSet
    network : Classifier
    device : str
        As for `predict`.
    batch_size : int
        Images a batch, at most.
    report : callable
        Called with (images done, images in all) at the start and after each batch.

    Raises
    ------
    ValueError
        As `predict`.

    Examples
    --------
    >>> sample = open_images(np.zeros((2, 8, 8), np.uint8))
    >>> classify(sample, load_classifier("digits"), "cpu", 1, print)
    0 2
    1 2
    2 2
    Predictions(2 images × 10 classes, array, digits)
    """
    import torch

    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    place = find_device(device)
    rows: list[NDArray[np.float32]] = []
    thumbnails, shapes = bytearray(), list[tuple[int, ...]]()  # an array for each would scatter the memory
    names: list[str] = []
    skipped: list[tuple[str, str]] = []
    report(0, len(sample))
    with _ONE_RUN, on_device(network.module, place), full_precision(), torch.inference_mode():
        for done, batch in _batches(sample, batch_size, skipped):
            if batch:
                pictures = list(batch.values())
                logits = network.module(network.prepare(pictures).to(place))
                readable = [sample.image_names[i] for i in batch]
                rows.append(_probabilities(logits, readable, network))
                names.extend(readable)
                for thumbnail in map(_thumbnail, pictures):
                    thumbnails += thumbnail.tobytes()
                    shapes.append(thumbnail.shape)
                del pictures  # before the next batch is read
            report(done, len(sample))
    if not rows:
        raise ValueError(f"none of the {len(sample)} images of {sample.name} could be read: {_reasons(skipped)}")

    p = np.concatenate(rows)
    rows.clear()  # before the matrix is copied
    return Predictions.from_probabilities(p, network.class_names, names, _stack(thumbnails, shapes)).described(
        Provenance(
            source=sample.name,
            classifier=network.name,
            preprocessing=network.preprocessing,
            device=str(place),
            precision="float32",
            versions={name: version(name) for name in ("numpy", "torch")},
            created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            skipped=tuple(skipped),
        )
    )


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
            bar = tqdm(total=total, unit=" images", disable=not progress)
        bar.update(done - bar.n)

    try:
        yield report
    finally:
        if bar is not None:
            bar.close()


def _batches(
    sample: ImageSet, batch_size: int, skipped: list[tuple[str, str]]
) -> Iterator[tuple[int, dict[int, NDArray[np.uint8]]]]:
    """Yield (images done with it, its images by number) for each batch; what can't be read is listed as skipped."""
    batch: dict[int, NDArray[np.uint8]] = {}
    start = pixels = 0
    for i, name in enumerate(sample.image_names):
        try:
            picture = batch[i] = sample.read(i)
            pixels += picture.shape[0] * picture.shape[1]
        except (OSError, ValueError) as error:
            skipped.append((name, str(error)))
        done = i + 1
        if done in (start + batch_size, len(sample)) or pixels >= _BATCH_PIXELS:
            yield done, batch
            batch.clear()
            start, pixels = done, 0


def _probabilities(logits: object, names: Sequence[str], network: Classifier) -> NDArray[np.float32]:
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
    if (values >= 0).all() and ((values.sum(dim=1) - 1).abs() < 1e-4).all():  # noqa: PLR2004
        raise ValueError(
            f"{classifier} seems to return probabilities: its rows sum to one. It must return logits, "
            "without the final softmax; a softmax applied twice gives a score near 1"
        )
    result: NDArray[np.float32] = values.softmax(dim=1).float().numpy()
    return result


def _thumbnail(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if max(picture.shape[:2]) <= THUMBNAIL_SIDE:
        return picture
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return np.asarray(image).reshape(image.height, image.width, -1)


def _stack(pixels: bytearray, shapes: list[tuple[int, ...]]) -> NDArray[np.uint8]:
    """Stack pictures of any sizes, each in the middle of the smallest box that holds all."""
    height, width, channels = map(max, zip(*shapes, strict=True))
    flat = np.frombuffer(pixels, np.uint8)
    if len(flat) == len(shapes) * height * width * channels:
        return flat.reshape(-1, height, width, channels)  # all of one size: the block itself
    stack = np.zeros((len(shapes), height, width, channels), np.uint8)
    start = 0
    for place, (h, w, c) in zip(stack, shapes, strict=True):
        top, left, stop = (height - h) // 2, (width - w) // 2, start + h * w * c
        place[top : top + h, left : left + w] = flat[start:stop].reshape(h, w, c)  # one channel spreads to three
        start = stop
    return stack


def _reasons(skipped: Sequence[tuple[str, str]]) -> str:
    more = len(skipped) - _MOST_REASONS_SHOWN
    # Most reasons name the image already.
    named = [reason if name in reason else f"{name}: {reason}" for name, reason in skipped]
    shown = "; ".join(named[:_MOST_REASONS_SHOWN])
    return shown + (f"; and {more} more" if more > 0 else "")
