"""Pictures of a ``torch.utils.data`` dataset, or of a Hugging Face one, read by number."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.images.decoding import from_pillow
from isexplore.images.image_set import ImageSet, as_labels
from isexplore.images.items import Meaning, canonical, describe, learn_meaning, picture_in, shows_labels
from isexplore.images.pixels import Layout, array_name, naming

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# So many pictures are looked at to tell the range of floats.
FIRST = 16


def is_dataset(source: object) -> bool:
    """Say whether something has items by number, and how many.

    Examples
    --------
    >>> is_dataset([np.zeros((5, 6))]), is_dataset("images"), is_dataset({0: 1})
    (True, False, False)
    """
    if is_hugging_face(source, "DatasetDict"):
        return True
    if isinstance(source, Mapping | str | bytes | bytearray | memoryview | type):
        return False
    return hasattr(source, "__len__") and hasattr(source, "__getitem__")


def dataset_set(
    dataset: Any, name: str | None, value_range: tuple[float, float] | None, layout: Layout | None
) -> ImageSet:
    """Open a dataset whose items are read by number.

    An item is a picture, a tuple that starts with one, or a dict with one; a picture is an image of Pillow's, an array
    or a tensor: (H, W), (H, W, C) or (C, H, W).

    Labels are taken where they cost nothing: from an attribute ``targets`` or ``labels``, by the names in ``classes``
    if there are such; from the second tensor of a TensorDataset; from a ClassLabel column, or one that is called
    ``label`` or ``labels``; and from what a Subset or a ConcatDataset is made of. Where the first item has one and none
    are taken, the description says so.

    Parameters
    ----------
    dataset : object with ``len`` and items by number
    name : str, optional
        By default the name of its type.
    value_range, layout
        As for `isexplore.open_images`. By default the range of floats is inferred from those of the first 16
        items that can be read.

    Raises
    ------
    ValueError
        If it is empty, none of the first 16 items is a picture, or range or layout must be stated.

    Examples
    --------
    >>> dataset_set([np.zeros((5, 6), np.uint8)] * 3, None, None, None)
    list: 3 images, first is 6×5 gray, uint8, 0–255
    """
    if is_hugging_face(dataset, "DatasetDict"):
        splits = ", ".join(dataset)
        raise ValueError(f"this dataset has the splits {splits}: choose one, as in dataset[{next(iter(dataset))!r}]")
    name = name or type(dataset).__name__
    count = len(dataset)
    if count == 0:
        raise ValueError(f"{name} is empty")
    labels, column = dataset_labels(dataset), label_column(dataset)
    dataset = picture_column(dataset)
    names = tuple(array_name(i, count) for i in range(count))
    try:
        items, pictures = _first_items(dataset, names)
        meaning = learn_meaning(pictures, value_range, layout)
        description = describe(count, pictures, meaning)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if labels is None and (column is not None or shows_labels(items[0])):
        description += ", labels not kept"
    return ImageSet(name, names, partial(_read, dataset, names, meaning), description, labels)


def dataset_labels(dataset: Any) -> tuple[int | str, ...] | None:
    """Return a label for each item of a dataset, if they are there without reading the items.

    Examples
    --------
    >>> import torch
    >>> data = torch.utils.data.TensorDataset(torch.zeros(3, 1, 8, 8), torch.tensor([7, 8, 9]))
    >>> dataset_labels(torch.utils.data.Subset(data, [2, 0]))
    (9, 7)
    """
    count = len(dataset)
    if is_hugging_face(dataset, "Dataset"):
        return _column_labels(dataset, count)
    data: Any = sys.modules.get("torch.utils.data")
    if data is not None and isinstance(dataset, data.Subset):
        labels = dataset_labels(dataset.dataset)
        return labels and tuple(labels[i] for i in dataset.indices)
    if data is not None and isinstance(dataset, data.ConcatDataset):
        parts = [dataset_labels(part) for part in dataset.datasets]
        return None if None in parts else tuple(label for part in parts if part for label in part)
    if data is not None and isinstance(dataset, data.TensorDataset):
        return as_labels(dataset.tensors[1].numpy(force=True), count) if len(dataset.tensors) > 1 else None
    for attribute in ("targets", "labels"):
        labels = as_labels(getattr(dataset, attribute, None), count)
        if labels is not None:
            return _by_name(labels, getattr(dataset, "classes", None))
    return None


def _by_name(labels: Sequence[int | str], classes: Any) -> tuple[int | str, ...]:
    named = isinstance(classes, list | tuple) and all(isinstance(entry, str) for entry in classes)
    if named and all(isinstance(label, int) and 0 <= label < len(classes) for label in labels):
        return tuple(classes[label] for label in labels)
    return tuple(labels)


def is_hugging_face(source: object, kind: str) -> bool:
    """Say whether something is a Dataset, IterableDataset or DatasetDict of Hugging Face's, without importing them.

    Examples
    --------
    >>> is_hugging_face([], "Dataset")
    False
    """
    found = getattr(sys.modules.get("datasets"), kind, None)  # None can't be told from another module of that name
    return isinstance(found, type) and isinstance(source, found)


def picture_column(dataset: Any) -> Any:
    """Choose the column of pictures in a Hugging Face dataset, so that the others are not read; else do nothing.

    Examples
    --------
    >>> picture_column([1, 2])
    [1, 2]
    """
    if not (is_hugging_face(dataset, "Dataset") or is_hugging_face(dataset, "IterableDataset")):
        return dataset
    image = sys.modules["datasets"].Image
    columns = [column for column, feature in (dataset.features or {}).items() if isinstance(feature, image)]
    transformed = getattr(dataset, "format", {}).get("type") == "custom"  # what a transform returns, we can't know
    return dataset.select_columns(columns[:1]) if columns and not transformed else dataset


def label_column(dataset: Any) -> str | None:
    """Choose the column of labels in a Hugging Face dataset: the first ClassLabel, or else one that is called so.

    Examples
    --------
    >>> label_column([1, 2])
    """
    if not (is_hugging_face(dataset, "Dataset") or is_hugging_face(dataset, "IterableDataset")):
        return None
    kind, features = sys.modules["datasets"].ClassLabel, dataset.features or {}
    classes = (column for column, feature in features.items() if isinstance(feature, kind))
    return next(classes, None) or next((column for column in ("label", "labels") if column in features), None)


def _column_labels(dataset: Any, count: int) -> tuple[int | str, ...] | None:
    name = label_column(dataset)
    if name is None:
        return None
    labels = as_labels(dataset.with_format(None).select_columns([name])[:][name], count)
    return labels and _by_name(labels, getattr(dataset.features[name], "names", None))


def _read(dataset: Any, names: Sequence[str], meaning: Meaning, index: int) -> NDArray[np.uint8]:
    return canonical(_item(dataset, names, index), names[index], meaning)


def _item(dataset: Any, names: Sequence[str], index: int) -> Any:
    with naming(names[index]):  # whatever a dataset raises on an item is about that item
        return picture_in(dataset[index])


def _check_readable(picture: Any) -> None:
    if not isinstance(picture, np.ndarray):
        from_pillow(picture)
    elif picture.dtype.kind == "f" and not np.isfinite(picture).all():
        raise ValueError("it holds NaN or an infinite value")


def _first_items(dataset: Any, names: Sequence[str]) -> tuple[list[Any], list[Any]]:
    """Return the first item that can be read, or of floats all of the first 16 that can, and their pictures."""
    items: list[Any] = []
    pictures: list[Any] = []
    first_error: ValueError | None = None
    for index in range(min(len(names), FIRST)):
        try:
            with naming(names[index]):
                item = dataset[index]
                picture = picture_in(item)
                _check_readable(picture)
        except ValueError as error:
            first_error = first_error or error
            continue
        items.append(item)
        pictures.append(picture)
        if not (isinstance(pictures[0], np.ndarray) and pictures[0].dtype.kind not in "bu"):
            break
    if first_error is not None and not items:
        raise first_error
    return items, pictures
