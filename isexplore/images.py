"""Where images come from: a folder of pictures, an ``.npz`` or ``.npy`` file, an array or a tensor."""

from __future__ import annotations

import difflib
import html
import io
import math
import os
import sys
import zipfile
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.folders import find_pictures, plural
from isexplore.pixels import (
    IMAGE_ENDINGS,
    Layout,
    array_name,
    decode,
    find_range,
    hwc_view,
    naming,
    printable,
    tensor_to_array,
    to_uint8,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ImageSet:
    """A set of pictures that are read one at a time.

    Attributes
    ----------
    name : str
        The name of the file, of the folder, or ``"array"``.
    image_names : tuple of str, length N
        One name a picture: its path in the folder with ``/`` between, or ``"image 0000"`` for arrays.
    read : callable
        ``read(i)`` is picture i as ``(H, W, C)`` uint8 with C 1 or 3. It raises ValueError, naming the file, if the
        picture can't be read.
    description : str
        One line for people: how many, width × height, colours, type and range of the values.
    labels : tuple of int, length N, optional
        The true class of each picture, if known.

    Examples
    --------
    >>> images = open_images(np.zeros((5, 8, 8), np.uint8), name="black")
    >>> images
    black: 5 images, 8×8 gray, uint8, 0–255
    >>> images.read(0).shape
    (8, 8, 1)
    """

    name: str
    image_names: tuple[str, ...]
    read: Callable[[int], NDArray[np.uint8]]
    description: str
    labels: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.image_names)

    def __repr__(self) -> str:
        return f"{self.name}: {self.description}"

    def _repr_html_(self) -> str:
        return html.escape(repr(self))


def open_images(
    source: ImageSet | str | os.PathLike[str] | NDArray[Any] | torch.Tensor,
    *,
    value_range: tuple[float, float] | None = None,
    layout: Layout | None = None,
    name: str | None = None,
) -> ImageSet:
    """Open a set of pictures from wherever it is.

    Parameters
    ----------
    source : ImageSet, path, array or tensor
        A folder with pictures at any depth, an ``.npz`` or ``.npy`` file, a NumPy array, a torch tensor, or an
        ImageSet, which comes back as it is. Arrays are ``(N, H, W)``, ``(N, H, W, C)`` or ``(N, C, H, W)`` with C 1,
        3 or 4; they are not copied, so leave them as they are while the set is in use. In a folder links to pictures
        are followed; links to folders are not, since they may lead anywhere: the description counts them.
    value_range : tuple of two floats, optional
        The values of black and white in an array. By default 0–255 for uint8, else inferred from the values.
    layout : {"HWC", "CHW"}, optional
        The order of the axes of a 4-D array. By default seen from its shape.
    name : str, optional
        What to call the set. By default the name of the file or folder.

    Returns
    -------
    ImageSet
        Read lazily, except for the array in an ``.npz`` file; an ``.npy`` file is memory-mapped.

    Raises
    ------
    FileNotFoundError
        If there is nothing at the path.
    ValueError
        If what is there is no set of pictures, is damaged, or must be described (layout or range).
    TypeError
        If the source is none of these kinds.

    Examples
    --------
    >>> open_images(np.linspace(-1, 1, 2 * 3 * 4 * 5).reshape(2, 3, 4, 5))
    array: 2 images, 5×4 RGB, float64, range −1–1 (inferred)
    """
    return open_interruptibly(source, value_range, layout, name, lambda: None)


def open_interruptibly(
    source: ImageSet | str | os.PathLike[str] | NDArray[Any] | torch.Tensor,
    value_range: tuple[float, float] | None,
    layout: Layout | None,
    name: str | None,
    check: Callable[[], None],
) -> ImageSet:
    """Do the work of `open_images`: `check` is called in each folder and each block, and what it raises ends the work.

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        As `open_images`.

    Examples
    --------
    >>> open_interruptibly(np.zeros((5, 8, 8), np.uint8), None, None, "black", check=lambda: None)
    black: 5 images, 8×8 gray, uint8, 0–255
    """
    torch_module = sys.modules.get("torch")  # a tensor can't exist before its library was imported
    if isinstance(source, np.ndarray):
        return _array_set(source, name or "array", value_range, layout, check)
    if torch_module is not None and isinstance(source, torch_module.Tensor):
        return _array_set(source, name or "tensor", value_range, layout, check)
    if isinstance(source, str | os.PathLike):
        path = _existing(source)
        name = name or printable(path.name or path.resolve().name or path)
        if not path.is_dir():
            return _array_set(_load(path), name, value_range, layout, check)
    elif not isinstance(source, ImageSet):
        raise TypeError(
            f"images come from a folder, an .npz or .npy file, a NumPy array or a torch tensor, not from"
            f" {type(source).__name__}: try numpy.stack(images) or numpy.asarray(images)"
        )
    if value_range is not None or layout is not None:
        raise ValueError("value_range and layout describe arrays: pictures of a folder or an ImageSet have their own")
    if isinstance(source, ImageSet):
        return source if name is None else replace(source, name=name)
    return _folder_set(path, name or "", check)


def _array_set(
    source: NDArray[Any] | torch.Tensor,
    name: str,
    value_range: tuple[float, float] | None,
    layout: Layout | None,
    check: Callable[[], None],
) -> ImageSet:
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
        f"{'' if fixed else 'range '}{low:g}–{high:g}".replace("-", "−")
        + ("" if fixed or value_range is not None else " (inferred)"),
    )
    names = tuple(array_name(i, count) for i in range(count))
    return ImageSet(name, names, partial(_read_array, pixels, (low, high)), ", ".join(described))


def _read_array(pixels: NDArray[Any], value_range: tuple[float, float], index: int) -> NDArray[np.uint8]:
    return to_uint8(pixels[index], value_range)


def _folder_set(folder: Path, name: str, check: Callable[[], None]) -> ImageSet:
    paths, notes = find_pictures(folder, check)
    read = partial(_read_file, folder.absolute(), paths)
    endings = Counter(Path(path).suffix.lower() for path in paths).most_common()
    kinds = ", ".join(f"{ending} {count}" for ending, count in endings)
    description = ", ".join([f"{plural(len(paths), 'image')} ({kinds})", _first_size(read), *notes])
    return ImageSet(name, tuple(map(printable, paths)), read, description)


def _read_file(folder: Path, paths: Sequence[str], index: int) -> NDArray[np.uint8]:
    with naming(paths[index]):
        return decode(folder / paths[index])


def _first_size(read: Callable[[int], NDArray[np.uint8]]) -> str:
    try:
        height, width, _ = read(0).shape
    except ValueError:
        return "first can't be read"
    return f"first is {width}×{height} RGB"


def _existing(source: str | os.PathLike[str]) -> Path:
    if source == "":
        raise FileNotFoundError("the path of the images is empty")
    try:
        path = Path(source).expanduser()
    except RuntimeError as error:
        raise FileNotFoundError(f"there is no {printable(source)}: its ~ stands for no known home folder") from error
    if path.exists():
        return path
    try:
        close = difflib.get_close_matches(path.name, [sibling.name for sibling in path.parent.iterdir()], n=1)
    except OSError:
        close = []
    hint = f": did you mean {printable(path.parent / close[0])}?" if close else ""
    raise FileNotFoundError(f"there is no {printable(path)}{hint}")


def _load(path: Path) -> NDArray[Any]:
    ending = path.suffix.lower()
    if ending == ".npy":
        with naming(path):
            return np.lib.format.open_memmap(path, mode="r")
    if ending == ".npz":
        return _load_npz(path)
    if ending in IMAGE_ENDINGS:
        raise ValueError(f"{printable(path)} is one picture: give the folder that it is in")
    raise ValueError(
        f"{printable(path)} is no folder, .npz or .npy file: load it yourself and pass the array or tensor"
    )


def _load_npz(path: Path) -> NDArray[Any]:
    with naming(path), zipfile.ZipFile(path) as archive:
        headers = {info: _header(archive, info) for info in archive.infolist() if info.filename.endswith(".npy")}
    listed = ", ".join(f"{info.filename.removesuffix('.npy')} {shape}" for info, (shape, _) in headers.items())
    pictures = [info for info, (shape, _) in headers.items() if len(shape) in (3, 4)]
    if not pictures:
        flat = any(len(shape) == 2 for shape, _ in headers.values())  # noqa: PLR2004
        hint = " (for probabilities use Predictions.from_probabilities)" if flat else ""
        raise ValueError(f"{printable(path)} holds {listed or 'no arrays'} and no 3-D or 4-D array of pictures{hint}")
    if len(pictures) > 1:
        raise ValueError(f"{printable(path)} holds several arrays ({listed}): pass the array itself")
    member = pictures[0]
    shape, dtype = headers[member]
    size, memory = math.prod(shape) * dtype.itemsize, _available_memory()
    if size > member.file_size and not dtype.hasobject:
        raise ValueError(f"{printable(path)} is damaged: {shape} {dtype} is more than it holds")
    if memory is not None and member.file_size > memory:
        raise ValueError(
            f"{printable(path)} needs {member.file_size / 2**30:.1f} GiB of memory and {memory / 2**30:.1f} are free:"
            " save the array as an .npy file, which is read piece by piece"
        )
    with naming(path), zipfile.ZipFile(path) as archive, archive.open(member) as stream:
        array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


def _header(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> tuple[tuple[int, ...], np.dtype[Any]]:
    with archive.open(info) as stream:
        start = io.BytesIO(stream.read(1 << 14))  # a hostile header may claim gigabytes
    version = np.lib.format.read_magic(start)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(start)
    return shape, dtype


def _available_memory() -> int | None:
    """Bytes that can be had without swapping; where that is not told, all that are built in; else None."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
