"""From a sample set to batches that are ready for a network: decoded in worker processes where that takes work."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image

from isexplore.predictions import THUMBNAIL_SIDE
from isexplore.predictions.parts import DIGEST_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from collections.abc import Set as AbstractSet

    import torch
    from numpy.typing import NDArray

    from isexplore.images import ImageSet
    from isexplore.inference.row_cache import KnownRows, RowCache

__all__ = ["Batch", "read_batches"]

_MOST_WORKERS = 16
_IN_FLIGHT = 2  # batches that each worker may be ahead
_AMPLE = 2  # times what is in flight, of shared memory: containers often have 64 MB, and who asks for more is killed


@dataclass(frozen=True, eq=False)
class Batch:
    """Consecutive images of a set.

    Attributes
    ----------
    number, stop : int
        Which batch it is, and the number of the image behind its last one.
    indices : tuple of int, length B
        Which images these are: those that could be read.
    pixels : tensor or ndarray of shape (B, C, H, W), or None
        What the classifier made of them; None where there are none, or where their rows are known already.
    thumbnails : list of ndarray, length B
        (h, w, 1 or 3) uint8, at most 64 pixels a side.
    skipped : list of (str, str)
        Images that could not be read, and why.
    digests : ndarray of uint8, shape (B, 16)
        BLAKE2b of each image's shape and pixels.
    digest : str
        Names the pixels of the images, for the cache; empty where there is no cache.
    known : KnownRows or None
        The rows, where an earlier run has computed them.
    error : Exception or None
        Why the pictures can't be made ready for the classifier.
    """

    number: int
    stop: int
    indices: tuple[int, ...]
    pixels: torch.Tensor | NDArray[Any] | None
    thumbnails: list[NDArray[np.uint8]]
    skipped: list[tuple[str, str]]
    digests: NDArray[np.uint8]
    digest: str
    known: KnownRows | None
    error: Exception | None = None

    def pin_memory(self) -> Self:
        """Put the pixels where a GPU can fetch them by itself: torch's loader calls this in a thread of its own."""
        return self if self.pixels is None else replace(self, pixels=_tensor(self.pixels).pin_memory())

    @property
    def tensor(self) -> torch.Tensor:
        """The pixels as a torch tensor on the CPU."""
        return _tensor(self.pixels)


@dataclass(frozen=True)
class _Reader:
    """Reads batch k of a set, in whatever process it is."""

    sample: ImageSet
    prepare: Callable[[Sequence[NDArray[np.uint8]]], torch.Tensor]
    batch_size: int
    cache: RowCache | None
    twice: AbstractSet[int]
    embeddings: bool
    in_flight: int  # batches on their way between processes; none where this one reads them

    def __len__(self) -> int:
        return count_batches(len(self.sample), self.batch_size)

    def __getitem__(self, number: int) -> Batch:
        pictures: dict[int, NDArray[np.uint8]] = {}
        skipped: list[tuple[str, str]] = []
        start = number * self.batch_size
        stop = min(start + self.batch_size, len(self.sample))
        for i in range(start, stop):
            try:
                pictures[i] = self.sample.read(i)
            except (OSError, ValueError) as error:
                skipped.append((self.sample.image_names[i], str(error)))
        batch = list(pictures.values())
        digest, known, pixels, failure = "", None, None, None
        if self.cache is not None and batch:
            digest = _digest(batch)
            known = self.cache.find(digest, len(batch), twice=number in self.twice, embeddings=self.embeddings)
        if known is None and batch:
            try:
                pixels = self._prepared(batch)
            except Exception as error:  # noqa: BLE001 - told by whoever asked; from here it would be a page of traceback
                failure = error
        thumbnails = [_thumbnail(picture) for picture in batch]
        digests = np.frombuffer(b"".join(map(_image_digest, batch)), np.uint8).reshape(-1, DIGEST_BYTES)
        return Batch(number, stop, tuple(pictures), pixels, thumbnails, skipped, digests, digest, known, failure)

    def _prepared(self, pictures: Sequence[NDArray[np.uint8]]) -> torch.Tensor | NDArray[Any]:
        """Return pixels in shared memory where there is enough of it, else such as are sent through a pipe."""
        prepared = self.prepare(pictures)
        ample = not self.in_flight or _shared_memory() > _AMPLE * self.in_flight * prepared.nbytes
        return prepared if ample else prepared.numpy()


def read_batches(  # noqa: PLR0913 - what, how, and where to
    sample: ImageSet,
    prepare: Callable[[Sequence[NDArray[np.uint8]]], torch.Tensor],
    batch_size: int,
    numbers: range,
    *,
    cache: RowCache | None,
    twice: AbstractSet[int] = frozenset(),
    embeddings: bool = False,
    pinned: bool = False,
) -> Generator[Batch]:
    """Read batches of a set, in order: batch k holds the images from k · batch_size on.

    Pictures in files are decoded by worker processes, a few batches ahead of whoever asks.

    Parameters
    ----------
    sample : ImageSet
    prepare : callable
        Of the classifier: from (H, W, 1 or 3) uint8 images to a (B, C, H, W) tensor.
    batch_size : int
    numbers : range
        Which batches to read.
    cache : RowCache or None
        Where rows may be known already.
    twice : set of int
        The numbers of the batches whose rows are wanted in exact precision, too.
    embeddings : bool
        Whether rows are wanted only with embeddings.
    pinned : bool
        Whether a GPU will fetch the pixels.

    Examples
    --------
    >>> import isexplore as ix
    >>> from isexplore.classifiers import load_classifier
    >>> prepare = load_classifier("digits").prepare
    >>> batches = read_batches(ix.demo.real(), prepare, 1000, range(2), cache=None)
    >>> [len(batch.indices) for batch in batches]
    [1000, 797]
    """
    from torch.utils.data import DataLoader

    workers = _workers(len(numbers)) if sample.in_files else 0
    reader: Any = _Reader(sample, prepare, batch_size, cache, twice, embeddings, in_flight=workers * _IN_FLIGHT)
    options: dict[str, Any] = {"multiprocessing_context": "fork", "prefetch_factor": _IN_FLIGHT} if workers else {}
    loader: DataLoader[Batch] = DataLoader(
        reader,
        batch_size=None,
        sampler=numbers,
        num_workers=workers,
        collate_fn=_as_it_is,
        pin_memory=pinned,
        **options,
    )
    with warnings.catch_warnings():
        # Python 3.12 warns of any fork beside threads. The workers only decode: they hold no lock of ours.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        batches = iter(loader)
    yield from batches


def count_batches(n_images: int, batch_size: int) -> int:
    """Return how many batches there are.

    Examples
    --------
    >>> count_batches(1797, 256)
    8
    """
    return -(-n_images // batch_size)


def _workers(n_batches: int) -> int:
    """As many processes as there are cores for this one; none where they can't be forked, or aren't worth it."""
    if n_batches < 2 or sys.platform != "linux":  # noqa: PLR2004 - elsewhere a new process would import everything anew
        return 0
    cores = len(os.sched_getaffinity(0)) // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return min(max(cores, 1), _MOST_WORKERS, n_batches)


def _shared_memory() -> int:
    try:
        return shutil.disk_usage("/dev/shm").free  # noqa: S108 - it is asked only for its size
    except OSError:
        return 0


def _as_it_is(batch: Any) -> Any:
    return batch


def _tensor(pixels: torch.Tensor | NDArray[Any] | None) -> torch.Tensor:
    import torch

    return torch.as_tensor(pixels)


def _digest(pictures: Sequence[NDArray[np.uint8]]) -> str:
    found = hashlib.sha256()
    for picture in pictures:
        found.update(repr(picture.shape).encode())
        found.update(np.ascontiguousarray(picture).data)
    return found.hexdigest()


def _image_digest(picture: NDArray[np.uint8]) -> bytes:
    found = hashlib.blake2b(repr(picture.shape).encode(), digest_size=DIGEST_BYTES)
    found.update(np.ascontiguousarray(picture).data)
    return found.digest()


def _thumbnail(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if max(picture.shape[:2]) <= THUMBNAIL_SIDE:
        return picture
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return np.asarray(image).reshape(image.height, image.width, -1)
