"""Pictures in an array or a tensor, or in an ``.npy`` or ``.npz`` file."""

from __future__ import annotations

import io
import math
import sys
import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.images.image_set import ImageSet
from isexplore.images.memory import available_memory
from isexplore.images.pixels import (
    Layout,
    array_name,
    find_range,
    hwc_view,
    naming,
    plural,
    printable,
    range_text,
    tensor_to_array,
    to_uint8,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

# ADM and what evaluates it (openai/guided-diffusion) write arr_0 and arr_1, without names of their own.
_LABEL_NAMES = ("arr_1", "labels", "label", "y")
_Header = tuple[tuple[int, ...], np.dtype[Any]]


def is_array(source: object) -> bool:
    """Say whether something is a NumPy array or a torch tensor, without importing torch.

    Examples
    --------
    >>> is_array(np.zeros(3)), is_array([0, 0, 0])
    (True, False)
    """
    torch = sys.modules.get("torch")  # a tensor can't exist before its library was imported
    return isinstance(source, np.ndarray) or (torch is not None and isinstance(source, torch.Tensor))


def array_set(
    source: NDArray[Any] | torch.Tensor,
    name: str,
    value_range: tuple[float, float] | None,
    layout: Layout | None,
    check: Callable[[], None],
) -> ImageSet:
    """Open an array or a tensor of pictures, without copying it.

    Parameters
    ----------
    source : array or tensor
        ``(N, H, W)``, ``(N, H, W, C)`` or ``(N, C, H, W)`` with C 1, 3 or 4.
    name : str
        What to call the set.
    value_range, layout
        As for `isexplore.open_images`.
    check : callable
        Called before each block of the look for the range; what it raises ends it.

    Raises
    ------
    ValueError
        If these are no pictures, or range or layout must be stated.

    Examples
    --------
    >>> array_set(np.zeros((2, 8, 8)), "black", None, None, check=lambda: None)
    black: 2 images, 8×8 gray, float64, range 0–1 (inferred)
    """
    array = source if isinstance(source, np.ndarray) else tensor_to_array(source)
    try:
        pixels = hwc_view(array, layout)
        low, high = find_range(pixels, value_range, check)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    count, height, width, channels = pixels.shape
    fixed = value_range is None and array.dtype in (np.uint8, np.bool_)
    described = (
        plural(count, "image"),
        f"{width}×{height} {'gray' if channels == 1 else 'RGB'}",
        str(source.dtype).removeprefix("torch."),
        f"{'' if fixed else 'range '}{range_text(low, high)}"
        + ("" if fixed or value_range is not None else " (inferred)"),
    )
    names = tuple(array_name(i, count) for i in range(count))
    read = partial(_read_array, pixels, (low, high))
    return ImageSet(name, names, read, ", ".join(described))


def load_arrays(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Map an ``.npy`` file into memory, or read the pictures of an ``.npz`` file, and their labels where it has them.

    Returns
    -------
    pictures : array
        3-D or 4-D from an ``.npz`` file; an ``.npy`` file may hold anything.
    labels : array, or None
        ``arr_1``, ``labels``, ``label`` or ``y`` of an ``.npz`` file, if it has one value a picture.

    Raises
    ------
    ValueError
        If the file is damaged, holds no pictures, several sets of them, or more than fits into memory.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/samples.npz", np.zeros((2, 8, 8, 3), np.uint8), np.array([207, 88]))
    ...     pictures, labels = load_arrays(Path(folder, "samples.npz"))
    >>> pictures.shape, labels
    ((2, 8, 8, 3), array([207,  88]))
    """
    if path.suffix.lower() == ".npz":
        return _load_npz(path)
    with naming(path):
        return np.lib.format.open_memmap(path, mode="r"), None


def _read_array(pixels: NDArray[Any], value_range: tuple[float, float], index: int) -> NDArray[np.uint8]:
    return to_uint8(pixels[index], value_range)


def _load_npz(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    with naming(path), zipfile.ZipFile(path) as archive:
        headers = {info: _header(archive, info) for info in archive.infolist() if info.filename.endswith(".npy")}
    listed = ", ".join(f"{info.filename.removesuffix('.npy')} {shape}" for info, (shape, _) in headers.items())
    pictures = [info for info, (shape, _) in headers.items() if len(shape) in (3, 4)]
    if not pictures:
        flat = any(len(shape) == 2 for shape, _ in headers.values())  # noqa: PLR2004 - two axes
        hint = " (for probabilities use Predictions.from_probabilities)" if flat else ""
        raise ValueError(f"{printable(path)} holds {listed or 'no arrays'} and no 3-D or 4-D array of pictures{hint}")
    if len(pictures) > 1:
        raise ValueError(f"{printable(path)} holds several arrays ({listed}): pass the array itself")
    by_name = {info.filename.removesuffix(".npy"): info for info in headers}
    named = [by_name[name] for name in _LABEL_NAMES if name in by_name]
    # Objects, which could only be read by unpickling, are no labels.
    count = headers[pictures[0]][0][0]
    labels = [info for info in named if headers[info][0] == (count,) and not headers[info][1].hasobject]
    with naming(path), zipfile.ZipFile(path) as archive:
        return (
            _member(archive, pictures[0], headers[pictures[0]]),
            _member(archive, labels[0], headers[labels[0]]) if labels else None,
        )


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, header: _Header) -> NDArray[Any]:
    shape, dtype = header
    size, memory = math.prod(shape) * dtype.itemsize, available_memory()
    if size > member.file_size and not dtype.hasobject:
        raise ValueError(f"it is damaged: {shape} {dtype} is more than it holds")
    if memory is not None and member.file_size > memory:
        raise ValueError(
            f"it needs {member.file_size / 2**30:.1f} GiB of memory and {memory / 2**30:.1f} are free:"
            " save the array as an .npy file, which is read piece by piece"
        )
    with archive.open(member) as stream:
        array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


def _header(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Header:
    with archive.open(info) as stream:
        start = io.BytesIO(stream.read(1 << 14))  # a hostile header may claim gigabytes
    version = np.lib.format.read_magic(start)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(start)
    return shape, dtype
