"""Canonical pixels: from any array or tensor to ``(H, W, C)`` uint8, as a PNG would hold it."""

from __future__ import annotations

import math
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch
    from numpy.typing import NDArray

Layout = Literal["HWC", "CHW"]

_CHANNELS = {1: "gray", 3: "RGB", 4: "RGBA"}
_BLOCK_BYTES = 1 << 25
_SLACK = 0.01
_NUMPY_FLOATS = {"float16", "float32", "float64"}


def hwc_view(pixels: NDArray[Any], layout: Layout | None = None) -> NDArray[Any]:
    """See an array of pictures as ``(N, H, W, C)`` with C 1 or 3, without copying it.

    Parameters
    ----------
    pixels : array
        ``(N, H, W)``, ``(N, H, W, C)`` or ``(N, C, H, W)`` with C 1, 3 or 4, of bools, integers or floats. A fourth
        channel is alpha and is left out, as Pillow's ``convert("RGB")`` does.
    layout : {"HWC", "CHW"}, optional
        Which of the two orders a 4-D array has. By default seen from the shape.

    Raises
    ------
    ValueError
        If the shape or the type can't be pictures, or the shape fits both layouts.

    Examples
    --------
    >>> hwc_view(np.zeros((5, 3, 16, 24))).shape
    (5, 16, 24, 3)
    """
    shape = pixels.shape
    if pixels.dtype.kind not in "buif":
        raise ValueError(f"values of type {pixels.dtype} are no pixels: give bools, integers or floats")
    if pixels.ndim == 2:  # noqa: PLR2004
        raise ValueError(
            f"a 2-D array {shape} is no set of pictures: reshape it; for probabilities, Predictions.from_probabilities"
        )
    if pixels.ndim not in (3, 4):
        raise ValueError(f"shape {shape} is no set of pictures: give (N, H, W), (N, H, W, C) or (N, C, H, W)")
    if 0 in shape:
        raise ValueError(f"shape {shape} holds no pixels")
    if pixels.ndim == 3:  # noqa: PLR2004
        if shape[0] in _CHANNELS or shape[2] in _CHANNELS:
            raise ValueError(
                f"shape {shape} looks like one picture: add an axis with images[None]"
                " (if it is a stack of gray pictures, with images[..., None])"
            )
        return pixels[..., None]
    moved = np.moveaxis(pixels, 1, -1) if _layout(shape, layout) == "CHW" else pixels
    return moved[..., :3]


def _layout(shape: tuple[int, ...], stated: Layout | None) -> Layout:
    if stated not in (None, "HWC", "CHW"):
        raise ValueError(f'layout is "HWC", "CHW" or None, not {stated!r}')
    axes: dict[Layout, int] = {"HWC": shape[3], "CHW": shape[1]}
    fitting: list[Layout] = [layout for layout, channels in axes.items() if channels in _CHANNELS]
    if stated is not None and stated not in fitting:
        raise ValueError(f'layout="{stated}" says that shape {shape} has {axes[stated]} channels: it takes 1, 3 or 4')
    if not fitting:
        raise ValueError(f"shape {shape} has no axis of channels: the last or the second must be 1, 3 or 4")
    if stated is None and len(fitting) > 1:
        raise ValueError(
            f"shape {shape} may be (N, H, W, C) or (N, C, H, W):"
            ' state layout="HWC" or layout="CHW" (--layout in a shell)'
        )
    return stated or fitting[0]


def find_range(
    pixels: NDArray[Any], stated: tuple[float, float] | None = None, check: Callable[[], None] = lambda: None
) -> tuple[float, float]:
    """Say which values are black and white: as stated, by type, or from the smallest and largest value.

    uint8 is 0–255 and bool 0–1. Other values are looked at in blocks, so that a memory-mapped array stays on disk.

    Parameters
    ----------
    pixels : array of shape (N, H, W, C)
    stated : tuple of two floats, optional
        The values of black and white, if the caller knows them.
    check : callable
        Called before each block; what it raises ends the look.

    Raises
    ------
    ValueError
        If a value is NaN or infinite, or outside the stated range by more than 1 % of it (the first such image is
        named), or if the range can't be told from the values.

    Examples
    --------
    >>> find_range(np.linspace(-1, 1, 12).reshape(1, 2, 2, 3))
    (-1.0, 1.0)
    """
    if stated is not None:
        stated = checked_range(stated)
    elif pixels.dtype == np.uint8:
        return 0.0, 255.0
    elif pixels.dtype == np.bool_:
        return 0.0, 1.0
    slack = _SLACK * (stated[1] - stated[0]) if stated else math.inf
    low, high = stated or (0.0, 0.0)
    least, most = math.inf, -math.inf
    for start, block in _blocks(pixels):
        check()
        with np.errstate(invalid="ignore"):
            block_least, block_most = float(block.min()), float(block.max())
        if not (math.isfinite(block_least) and math.isfinite(block_most)):
            bad = start + next(i for i, picture in enumerate(block) if not np.isfinite(picture).all())
            raise ValueError(f"{array_name(bad, len(pixels))} holds NaN or an infinite value")
        if block_least < low - slack or block_most > high + slack:
            bad, worst = next(
                (start + i, picture)
                for i, picture in enumerate(block)
                if float(picture.min()) < low - slack or float(picture.max()) > high + slack
            )
            raise ValueError(
                f"{array_name(bad, len(pixels))} has values from {worst.min():g} to {worst.max():g},"
                f" outside the stated value_range=({low:g}, {high:g})"
            )
        least, most = min(least, block_least), max(most, block_most)
    return stated or infer_range(least, most)


def checked_range(stated: tuple[float, float]) -> tuple[float, float]:
    """Return a stated range as two floats.

    Raises
    ------
    ValueError
        If it is not two finite numbers, the smaller first.

    Examples
    --------
    >>> checked_range((0, 16))
    (0.0, 16.0)
    """
    try:
        low, high = (float(value) for value in stated)
    except (TypeError, ValueError) as error:
        raise ValueError(f"value_range is two numbers, black and white, not {stated!r}") from error
    if not (low < high and math.isfinite(high - low)):
        raise ValueError(f"value_range is two finite numbers, the smaller first, not {stated!r}")
    return low, high


def infer_range(least: float, most: float) -> tuple[float, float]:
    """Say which values are black and white from the smallest and the largest.

    Raises
    ------
    ValueError
        If they don't tell.

    Examples
    --------
    >>> infer_range(-0.9, 0.8)
    (-1.0, 1.0)
    """
    if least >= 0 and most <= 1:
        return 0.0, 1.0
    if -1 <= least < -0.5 and most <= 1:  # noqa: PLR2004
        return -1.0, 1.0
    if least >= 0 and 128 < most <= 255:  # noqa: PLR2004
        return 0.0, 255.0
    hint = "leave out Normalize, if there is one, or " if least < 0 else ""
    raise ValueError(
        f"values from {least:g} to {most:g} don't tell what black and white are: {hint}"
        "state the values of black and white, for example value_range=(0, 16) in Python or --range 0 16 in a shell"
    )


def range_text(low: float, high: float) -> str:
    """Say a range, with a proper minus.

    Examples
    --------
    >>> range_text(-1, 1)
    '−1–1'
    """
    return f"{low:g}–{high:g}".replace("-", "−")


def _blocks(pixels: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    step = max(1, _BLOCK_BYTES // max(1, pixels[0].nbytes))
    for start in range(0, len(pixels), step):
        yield start, pixels[start : start + step]


def to_uint8(picture: NDArray[Any], value_range: tuple[float, float]) -> NDArray[np.uint8]:
    """Scale one picture to 0–255, round and clip it: a new array, in C order.

    Halves go up, as when ``torchvision.utils.save_image`` writes a PNG.

    Examples
    --------
    >>> to_uint8(np.array([[[-1.0, 0.0, 1.0]]]), (-1, 1))
    array([[[  0, 128, 255]]], dtype=uint8)
    """
    low, high = value_range
    if picture.dtype == np.uint8 and (low, high) == (0, 255):
        return np.array(picture, order="C", subok=False)
    scaled = (np.array(picture, dtype=np.float64, order="C") - low) * (255 / (high - low))
    rounded: NDArray[np.uint8] = np.floor(np.clip(scaled, 0, 255) + 0.5).astype(np.uint8)
    return rounded


def array_name(index: int, count: int) -> str:
    """Name a picture that has no name of its own, so that names sort.

    Examples
    --------
    >>> array_name(7, 100)
    'image 0007'
    """
    return f"image {index:0{max(4, len(str(count - 1)))}d}"


def tensor_to_array(tensor: torch.Tensor) -> NDArray[Any]:
    """Bring a torch tensor to NumPy: shared memory where it can be, else one copy.

    Types that NumPy lacks, such as bfloat16, become float32.

    Raises
    ------
    ValueError
        If the tensor has no dense values, as sparse and meta tensors.

    Examples
    --------
    >>> import torch
    >>> tensor_to_array(torch.zeros(2, 3, 8, 8, dtype=torch.bfloat16)).dtype
    dtype('float32')
    """
    try:
        if tensor.dtype.is_floating_point and str(tensor.dtype).removeprefix("torch.") not in _NUMPY_FLOATS:
            tensor = tensor.float()
        array: NDArray[Any] = tensor.numpy(force=True)
    except (TypeError, RuntimeError) as error:
        raise ValueError(f"this tensor has no pixels that can be read: {error}") from error
    return array


@contextmanager
def naming(file: str | os.PathLike[str]) -> Iterator[None]:
    """Turn whatever a reader raises on a damaged or hostile file into one ValueError that names the file.

    Examples
    --------
    >>> with naming("a.png"):
    ...     raise EOFError("it ends early")
    Traceback (most recent call last):
        ...
    ValueError: a.png can't be read: it ends early
    """
    try:
        yield
    except Exception as error:
        # The system's words without the path, which may be nobody's business.
        why = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
        raise ValueError(f"{printable(file)} can't be read: {why}") from error


def printable(path: str | os.PathLike[str]) -> str:
    r"""Spell a path so that it can be printed and saved, also where the file system holds what is no UTF-8.

    Examples
    --------
    >>> printable("caf\udce9.png")
    'caf�.png'
    """
    return os.fsencode(path).decode(errors="replace")


def plural(count: int, noun: str) -> str:
    """Say how many there are.

    Examples
    --------
    >>> plural(1, "image"), plural(2, "image")
    ('1 image', '2 images')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"
