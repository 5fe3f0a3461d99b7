"""One run of the chooser, in a worker's thread, and what is seen of it meanwhile: progress, images, a first score."""

from __future__ import annotations

import io
import time
from collections import deque
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from isexplore.classifiers import load_classifier
from isexplore.inference import classify
from isexplore.predictions import Predictions
from isexplore.shards import ShardSums, shard_sums
from isexplore.widgets.progress import Pace, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from isexplore.images import ImageSet
    from isexplore.inference.batches import Batch
    from isexplore.inference.settings import Settings

_PAINT_EVERY = 0.2  # seconds between two pictures of a run
_NEWEST = 16  # images that are shown while it runs
_SIDE, _GAP = 64, 6  # pixels of an image, and between two; the page shows them smaller


class Run:
    """Classifies a sample set, or just hands over predictions.

    Parameters
    ----------
    images : ImageSet or Predictions
    classifier : str, Path, torch.nn.Module or Classifier
    settings : Settings
    paint : callable
        Called at most five times a second, in the thread that it runs in, when there is a new `picture`.

    Attributes
    ----------
    picture : dict or None
        What there is to see, all of it provisional.

    Examples
    --------
    >>> import isexplore as ix
    >>> from isexplore.inference.settings import Settings
    >>> run = Run(ix.demo.real(), "digits", Settings("cpu"), paint=lambda: None)
    >>> run(check=lambda: None)
    Predictions(1797 images × 10 classes, digits: real, digits)
    >>> run.picture["done"], run.picture["scored"]
    (1797, 1797)
    """

    def __init__(
        self, images: ImageSet | Predictions, classifier: Any, settings: Settings, paint: Callable[[], None]
    ) -> None:
        self.picture: dict[str, Any] | None = None
        self._images, self._classifier, self._settings, self._paint = images, classifier, settings, paint
        self._began = self._painted = 0.0
        self._rows: list[NDArray[np.float32]] = []  # that are not in the sums yet
        self._sums: ShardSums | None = None
        self._newest: deque[NDArray[np.uint8]] = deque(maxlen=_NEWEST)

    def __call__(self, check: Callable[[], None]) -> Predictions:
        """Do it; `check` is called at every image, batch, and piece of a download, and what it raises ends it."""
        self._began = time.monotonic()
        if isinstance(self._images, Predictions):
            return self._images
        network = load_classifier(self._classifier, partial(self._report, check, "bytes", Pace()))
        report = partial(self._report, check, "images", Pace())
        return classify(_heeding(self._images, check), network, self._settings, report, self._watch)

    def outcome(self, predictions: Predictions) -> str:
        """Say in a few words what came of it."""
        if predictions is self._images:
            return "opened"
        how = predictions.provenance.precision
        return f"done in {time.monotonic() - self._began:.1f} s{f', {how}' if how else ''}"

    def _watch(self, batch: Batch, rows: NDArray[np.float32]) -> None:
        self._newest.extendleft(batch.thumbnails[-_NEWEST:])
        self._rows.append(rows)

    def _report(self, check: Callable[[], None], unit: str, pace: Pace, done: int, total: int | None) -> None:
        check()
        now = time.monotonic()
        rate = pace.rate(done, now)
        if now - self._painted >= _PAINT_EVERY or done in (0, total):
            self._painted = now
            progress = Progress(done, total, rate)
            self.picture = asdict(progress) | {"left": progress.left, "unit": unit} | self._look()
            self._paint()

    def _look(self) -> dict[str, Any]:
        """Return the score of the images so far, as one split, and the newest of them."""
        if self._rows:
            more = shard_sums(np.concatenate(self._rows))
            self._rows = []
            self._sums = more if self._sums is None else self._sums + more
        if self._sums is None:
            return {"scored": 0, "score": None, "newest": b""}
        summary = self._sums.summary()
        return {"scored": summary.n_images, "score": summary.overall, "newest": draw_row(self._newest)}


def _heeding(images: ImageSet, check: Callable[[], None]) -> ImageSet:
    """Return the set with a check at every image that is read here; worker processes would not hear it."""

    def read(index: int) -> NDArray[np.uint8]:
        check()
        return images.read(index)

    return images if images.in_files else replace(images, read=read)


def draw_row(thumbnails: Sequence[NDArray[np.uint8]]) -> bytes:
    """Draw thumbnails beside each other, each in the middle of a square, as a PNG file.

    Parameters
    ----------
    thumbnails : sequence of ndarray
        (h, w, 1 or 3) uint8.

    Examples
    --------
    >>> draw_row([np.zeros((8, 8, 1), np.uint8)])[1:4]
    b'PNG'
    """
    tiles = [Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture) for picture in thumbnails]
    row = Image.new("RGBA", (len(tiles) * (_SIDE + _GAP) - _GAP, _SIDE))
    for k, tile in enumerate(tiles):
        scale = _SIDE / max(tile.size)
        size = max(1, round(tile.width * scale)), max(1, round(tile.height * scale))
        fitted = tile.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX)
        row.paste(fitted, (k * (_SIDE + _GAP) + (_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2))
    stream = io.BytesIO()
    row.save(stream, "PNG", compress_level=1)
    return stream.getvalue()
