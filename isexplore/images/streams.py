"""Pictures that can only be read one after the other: of a DataLoader, or of an iterable dataset."""

from __future__ import annotations

import sys
from functools import partial
from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING, Any

from isexplore.images.datasets import FIRST, dataset_labels, is_hugging_face, label_column, picture_column
from isexplore.images.image_set import ImageSet
from isexplore.images.items import Meaning, canonical, describe, learn_meaning, picture_in, pictures_in, shows_labels
from isexplore.images.pixels import Layout, array_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray


def is_stream(source: object) -> bool:
    """Say whether something is a DataLoader or an iterable dataset.

    Examples
    --------
    >>> import torch
    >>> is_stream(torch.utils.data.DataLoader([1, 2])), is_stream([1, 2])
    (True, False)
    """
    data = _torch_data()
    is_torch = data is not None and isinstance(source, data.DataLoader | data.IterableDataset)
    return is_torch or is_hugging_face(source, "IterableDataset")


def stream_set(
    source: Any, name: str | None, value_range: tuple[float, float] | None, layout: Layout | None, n: int | None
) -> ImageSet:
    """Open a DataLoader, whose workers and batches stay as they are, or an iterable dataset.

    Pictures are read in their order. To read an earlier one again the source is started again, so what shuffles gives
    another picture then. The labels are those of the loader's dataset, if it is read in order and collated as by
    default; where the first batch has labels and they are not kept, the description says so.

    Parameters
    ----------
    source : DataLoader, or IterableDataset of torch or of Hugging Face
        It gives pictures, alone or in batches, (pictures, labels, …), or dicts with pictures.
    name : str, optional
        By default the name of its type.
    value_range, layout
        As for `isexplore.open_images`. By default the range of floats is inferred from the first batch, or 16.
    n : int, optional
        How many pictures to read: needed where the source does not know how many it has.

    Raises
    ------
    ValueError
        If n is missing or larger than what there is, or range or layout must be stated.
    RuntimeError
        If the source raises.

    Examples
    --------
    >>> import torch
    >>> data = torch.utils.data.TensorDataset(torch.zeros(7, 3, 5, 6), torch.arange(7))
    >>> images = stream_set(torch.utils.data.DataLoader(data, batch_size=4), None, None, None, None)
    >>> images
    DataLoader: 7 images, first is 6×5 RGB, float32, range 0–1 (inferred from the first 4)
    >>> images.labels
    (0, 1, 2, 3, 4, 5, 6)
    """
    data = _torch_data()
    is_loader = data is not None and isinstance(source, data.DataLoader)
    name = name or type(source).__name__
    known = _loader_count(source) if is_loader else _length(source)
    if n is None and known is None:
        raise ValueError(f"{name} does not know how many images it has: state n, as in open_images({name}, n=50_000)")
    if n is not None and known is not None and n > known:
        raise ValueError(f"{name} has {known} images, fewer than n={n}")
    count = n or known or 0
    if count == 0:
        raise ValueError(f"{name} is empty")
    names = tuple(array_name(i, count) for i in range(count))
    stream = _Stream(partial(_loader_batches if is_loader else _item_batches, picture_column(source)), name, count)
    try:
        stream.find(0)
        meaning = learn_meaning(stream.batch, value_range, layout)
        description = describe(count, stream.batch, meaning)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    shuffled = is_loader and _shuffles(source)
    in_order = is_loader and known is not None and not shuffled and _keeps_order(source)
    labels = dataset_labels(source.dataset) if in_order else None
    description += ", shuffled: in another order each time" if shuffled else ""
    if labels is None and (stream.labelled or label_column(source)):
        description += ", labels not kept"
    read = partial(_read, stream, names, meaning)
    return ImageSet(name, names, read, description, labels and labels[:count], shuffled=shuffled)


def _shuffles(loader: Any) -> bool:
    data = _torch_data()
    sampler = getattr(loader.batch_sampler, "sampler", loader.sampler)
    at_random = isinstance(sampler, data.RandomSampler | data.SubsetRandomSampler | data.WeightedRandomSampler)
    racing = loader.num_workers > 1 and not getattr(loader, "in_order", True)  # the fastest worker comes first
    return at_random or racing


def _keeps_order(loader: Any) -> bool:
    data = _torch_data()
    # Another collate_fn may sort its batch, or leave some out.
    return isinstance(loader.sampler, data.SequentialSampler) and loader.collate_fn is data.default_collate


def _read(stream: _Stream, names: Sequence[str], meaning: Meaning, index: int) -> NDArray[np.uint8]:
    return canonical(stream.find(index), names[index], meaning)


class _Stream:
    """Holds one batch: what is later is read on, and for what is earlier the source starts again."""

    def __init__(self, batches: Callable[[], Iterator[tuple[list[Any], bool]]], name: str, count: int) -> None:
        self._batches, self._name, self._count = batches, name, count
        self._iterator: Iterator[tuple[list[Any], bool]] | None = None
        self._start = 0  # the number of the first picture of the batch
        self.batch: list[Any] = []
        self.labelled = False  # whether the batch has labels beside the pictures
        self._lock = RLock()

    def find(self, index: int) -> Any:
        with self._lock:
            if index < self._start or (self._iterator is None and index >= self._start + len(self.batch)):
                self._iterator, self._start, self.batch = None, 0, []
            while index >= self._start + len(self.batch):
                self._next()
            picture = self.batch[index - self._start]
            if index == self._count - 1:
                self._iterator = None  # so that a loader's workers end
            return picture

    def _next(self) -> None:
        done = self._start + len(self.batch)
        try:
            self._iterator = self._iterator or self._batches()
            batch, self.labelled = next(self._iterator, (None, False))
        except Exception as error:
            self._iterator = None
            raise RuntimeError(f"{self._name} failed at image {done} of {self._count}: {error}") from error
        if batch is None:
            self._iterator = None
            raise RuntimeError(f"{self._name} ended after {done} of {self._count} images: state n={done}")
        self._start, self.batch = done, batch


def _item_batches(source: Any) -> Iterator[tuple[list[Any], bool]]:
    """Yield pictures, and whether there are labels beside them."""
    items = ((picture_in(item), shows_labels(item)) for item in source)
    while batch := list(islice(items, FIRST)):
        yield [picture for picture, _ in batch], batch[0][1]


def _loader_batches(loader: Any) -> Iterator[tuple[list[Any], bool]]:
    data = _torch_data()
    collated = loader.collate_fn is data.default_collate
    alone = loader.batch_size is None and loader.batch_sampler is None
    for batch in loader:
        if alone and getattr(picture := picture_in(batch), "ndim", 3) < 4:  # noqa: PLR2004 - the dataset may give batches
            yield [picture], shows_labels(batch)
        else:
            yield pictures_in(batch, collated=collated), shows_labels(batch)


def _loader_count(loader: Any) -> int | None:
    """How many pictures a loader gives, if its batches are made in the usual way."""
    if loader.batch_size is None:
        return None
    iterable = isinstance(loader.dataset, _torch_data().IterableDataset)
    count = _length(loader.dataset if iterable else loader.sampler)
    return count if count is None or not loader.drop_last else count - count % loader.batch_size


def _length(source: Any) -> int | None:
    try:
        return len(source)
    except TypeError:
        return None


def _torch_data() -> Any:
    """Return torch.utils.data, if somebody has imported it."""
    return sys.modules.get("torch.utils.data")
