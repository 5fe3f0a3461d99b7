"""What datasets and generators hand out: pictures, alone or in batches, with labels or in dictionaries."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.images.decoding import from_pillow
from isexplore.images.pixels import (
    Layout,
    checked_range,
    hwc_view,
    infer_range,
    naming,
    plural,
    range_text,
    tensor_to_array,
    to_uint8,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# How datasets of Hugging Face, their processors and webdataset call a picture.
_KEYS = ("image", "img", "images", "pixel_values", "jpg", "png", "webp")
# How they call a label.
_LABEL_KEYS = ("label", "labels", "target", "targets", "cls")
_FIXED = {np.dtype(np.uint8): (0.0, 255.0), np.dtype(np.bool_): (0.0, 1.0)}
_SLACK = 0.01


@dataclass(frozen=True)
class Meaning:
    """How the numbers of pictures are meant.

    Attributes
    ----------
    value_range : tuple of two floats, or None
        The values of black and white, stated or inferred; None while all pictures are uint8, bool or Pillow's.
    stated : bool
        Whether the range was stated: then it holds for uint8 and bool too.
    layout : {"HWC", "CHW"} or None
        The order of the axes.

    Examples
    --------
    >>> Meaning((0, 1), False, "CHW").layout
    'CHW'
    """

    value_range: tuple[float, float] | None
    stated: bool
    layout: Layout | None


def picture_in(item: object) -> Any:
    """Find the picture, or batch of them, in what a dataset hands out.

    Parameters
    ----------
    item : picture, tuple or list that starts with one, or dict with one
        A picture is a Pillow image, an array or a tensor.

    Returns
    -------
    Pillow image or array

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> picture_in({"img": np.zeros((5, 6)), "label": 3}).shape
    (5, 6)
    """
    if isinstance(item, Mapping):
        key = next((key for key in (*_KEYS, *(item if len(item) == 1 else ())) if key in item), None)
        if key is None:
            raise ValueError(f"a dict with {', '.join(map(str, item))} has none of {', '.join(_KEYS)}")
        return picture_in(item[key])
    if isinstance(item, tuple | list) and item:
        return picture_in(item[0])
    if _is_pillow(item):
        return item
    array = _as_array(item)
    if array is None:
        raise ValueError(f"{_a(item)} is no picture: it takes a Pillow image, an array or a tensor")
    return array


def pictures_in(batch: object, *, collated: bool = False) -> list[Any]:
    """Find the pictures in a batch.

    Parameters
    ----------
    batch : array, tensor, list, tuple or dict
        (B, H, W), (B, H, W, C) or (B, C, H, W), a list of pictures, (pictures, labels, …), a list of (picture, label,
        …), or a dict with pictures.
    collated : bool
        Whether torch's ``default_collate`` made the batch: of a list the first entry is then the pictures.

    Raises
    ------
    ValueError
        If there are none.

    Examples
    --------
    >>> len(pictures_in((np.zeros((7, 3, 8, 8)), np.arange(7))))
    7
    >>> len(pictures_in([(np.zeros((3, 8, 8)), 0), (np.zeros((3, 9, 9)), 1)]))
    2
    """
    if isinstance(batch, Mapping):
        key = next((key for key in _KEYS if key in batch), None)
        if key is None:
            raise ValueError(f"a dict with {', '.join(map(str, batch))} has none of {', '.join(_KEYS)}")
        return pictures_in(batch[key])
    if isinstance(batch, tuple | list) and batch:
        if collated or _are_pictures(batch):
            return pictures_in(batch[0])
        return [picture_in(item) for item in batch]
    array = _as_array(batch)
    if array is None or array.ndim not in (3, 4):
        what = _a(batch) if array is None else f"shape {array.shape}"
        raise ValueError(f"{what} is no batch of pictures: it takes (B, C, H, W), (B, H, W, C), (B, H, W) or a list")
    return list(array)


def shows_labels(made: object) -> bool:
    """Say whether an item or a batch has labels beside the pictures.

    Examples
    --------
    >>> shows_labels((np.zeros((7, 3, 8, 8)), np.arange(7))), shows_labels((np.zeros((5, 6)), np.zeros((5, 6))))
    (True, False)
    >>> shows_labels([(np.zeros((3, 8, 8)), 0), (np.zeros((3, 9, 9)), 1)]), shows_labels({"image": 0, "label": 1})
    (True, True)
    """
    if isinstance(made, Mapping):
        return any(key in made for key in _LABEL_KEYS)
    if not isinstance(made, tuple | list) or not made:
        return False
    return shows_labels(made[0]) or (len(made) > 1 and _are_labels(made[1]))


def learn_meaning(pictures: Sequence[Any], value_range: tuple[float, float] | None, layout: Layout | None) -> Meaning:
    """Say what the numbers of pictures mean, from what is stated and the first of them.

    Raises
    ------
    ValueError
        If the range or the layout can't be told, or is stated where there are only images of Pillow's.

    Examples
    --------
    >>> learn_meaning([np.full((3, 8, 8), -1.0), np.full((3, 8, 8), 0.9)], None, None)
    Meaning(value_range=(-1.0, 1.0), stated=False, layout='CHW')
    """
    arrays = [picture for picture in pictures if isinstance(picture, np.ndarray)]
    if not arrays and not (value_range is None and layout is None):
        raise ValueError("value_range and layout describe arrays: Pillow images have their own")
    views = [_hwc(array, layout) for array in arrays]
    if layout is None:
        layouts = [_layout_of(array, view) for array, view in zip(arrays, views, strict=True) if array.ndim == 3]  # noqa: PLR2004
        layout = layouts[0] if layouts else None
    if value_range is not None:
        return Meaning(checked_range(value_range), True, layout)
    free = [view for view in views if view.dtype not in _FIXED]
    if not free:
        return Meaning(None, False, layout)
    least, most = min(float(view.min()) for view in free), max(float(view.max()) for view in free)
    if not math.isfinite(most - least):
        raise ValueError("the first pictures hold NaN or infinite values")
    return Meaning(infer_range(least, most), False, layout)


def canonical(picture: Any, name: str, meaning: Meaning) -> NDArray[np.uint8]:
    """Turn a picture into (H, W, 1 or 3) uint8.

    Raises
    ------
    ValueError
        If this picture can't be read, with its name.
    RuntimeError
        If its values are outside the range: what was inferred from the first is wrong then for all.

    Examples
    --------
    >>> canonical(np.array([[-1.0, 1.0]]), "image 0000", Meaning((-1, 1), False, None)).ravel()
    array([  0, 255], dtype=uint8)
    """
    with naming(name):
        if not isinstance(picture, np.ndarray):
            return from_pillow(picture)
        pixels = _hwc(picture, meaning.layout)
        least, most = float(pixels.min()), float(pixels.max())
        if not math.isfinite(most - least):
            raise ValueError("it holds NaN or an infinite value")
    value_range = meaning.value_range if meaning.stated else _FIXED.get(pixels.dtype, meaning.value_range)
    if value_range is None:
        raise RuntimeError(f"{name} is {pixels.dtype} and the first are not: state value_range")
    slack = _SLACK * (value_range[1] - value_range[0])
    if least < value_range[0] - slack or most > value_range[1] + slack:
        whence = "that was stated" if meaning.stated else "that the first images have"
        raise RuntimeError(
            f"{name} has values from {least:g} to {most:g}, outside the range {range_text(*value_range)} {whence}:"
            " state another value_range, or clamp the values"
        )
    return to_uint8(pixels, value_range)


def describe(count: int, pictures: Sequence[Any], meaning: Meaning) -> str:
    """Describe a set by its first pictures, for people.

    Examples
    --------
    >>> pictures = [np.zeros((3, 5, 6), np.float32)]
    >>> describe(100, pictures, learn_meaning(pictures, None, None))
    '100 images, first is 6×5 RGB, float32, range 0–1 (inferred from the first)'
    """
    first = pictures[0]
    height, width, channels = canonical(first, "the first image", meaning).shape
    parts = [plural(count, "image"), f"first is {width}×{height} {'gray' if channels == 1 else 'RGB'}"]
    if isinstance(first, np.ndarray):
        fixed = _FIXED.get(first.dtype)
        low, high = fixed if fixed and not meaning.stated else meaning.value_range or (0, 255)
        seen = "the first" if len(pictures) == 1 else f"the first {len(pictures)}"
        how = "" if fixed or meaning.stated else f" (inferred from {seen})"
        parts += [str(first.dtype), f"{'' if fixed and not meaning.stated else 'range '}{range_text(low, high)}{how}"]
    return ", ".join(parts)


def _hwc(array: NDArray[Any], layout: Layout | None) -> NDArray[Any]:
    if array.ndim == 2:  # noqa: PLR2004 - a gray picture
        array, layout = array[..., None], "HWC"
    if array.ndim != 3:  # noqa: PLR2004
        raise ValueError(f"shape {array.shape} is no picture: it takes (H, W), (H, W, C) or (C, H, W)")
    view: NDArray[Any] = hwc_view(array[None], layout)[0]
    return view


def _layout_of(array: NDArray[Any], view: NDArray[Any]) -> Layout:
    return "HWC" if view.shape[:2] == array.shape[:2] else "CHW"


def _are_pictures(batch: Sequence[Any]) -> bool:
    """Tell (pictures, labels, …) from a list of pictures or of (picture, label, …)."""
    first = batch[0]
    if isinstance(first, tuple | list):
        return all(_is_pillow(entry) or getattr(entry, "ndim", 0) > 1 for entry in first)
    if getattr(first, "ndim", 0) == 4:  # noqa: PLR2004 - (B, C, H, W)
        return True
    beside = getattr(batch[1], "shape", None) if len(batch) > 1 else None
    return getattr(first, "ndim", 0) == 3 and beside is not None and tuple(beside) == (len(first),)  # noqa: PLR2004


def _are_labels(entry: object) -> bool:
    if isinstance(entry, tuple | list) and entry:
        entry = entry[0]
    if isinstance(entry, int | str | np.integer):
        return True
    array = _as_array(entry) if getattr(entry, "ndim", 2) < 2 else None  # noqa: PLR2004 - a picture has two axes
    return array is not None and array.dtype.kind in "biuU"


def _is_pillow(item: object) -> bool:
    module = sys.modules.get("PIL.Image")  # an image can't exist before its library was imported
    return module is not None and isinstance(item, module.Image)


def _as_array(item: object) -> NDArray[Any] | None:
    if isinstance(item, np.ndarray):
        return item
    torch = sys.modules.get("torch")
    return tensor_to_array(item) if torch is not None and isinstance(item, torch.Tensor) else None


def _a(item: object) -> str:
    return f"a {type(item).__name__}" if item is not None else "None"
