"""Open a set of pictures, wherever it is: files, arrays, datasets, loaders, generators."""

from __future__ import annotations

import difflib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.images.archives import ARCHIVE_ENDINGS, archive_set
from isexplore.images.arrays import array_set, is_array, load_arrays
from isexplore.images.datasets import dataset_set, is_dataset
from isexplore.images.decoding import IMAGE_ENDINGS
from isexplore.images.folders import folder_set
from isexplore.images.generators import generator_set, is_generator
from isexplore.images.image_set import ImageSet, as_labels
from isexplore.images.pixels import Layout, printable
from isexplore.images.streams import is_stream, stream_set

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ImageSet", "open_images", "open_interruptibly"]

_KINDS = (
    "a folder, a .zip or .tar archive, an .npz or .npy file, a NumPy array, a torch tensor, a dataset or DataLoader,"
    " a list of images, or a generator"
)


def open_images(  # noqa: PLR0913 - every one is named
    source: Any,
    *,
    value_range: tuple[float, float] | None = None,
    layout: Layout | None = None,
    name: str | None = None,
    n: int | None = None,
    seed: int = 0,
) -> ImageSet:
    """Open a set of pictures from wherever it is.

    Pictures are read lazily, except for the array in an ``.npz`` file and the files in a compressed tar. Picture files,
    and Pillow's images, become RGB as Pillow converts them, upright; 16-bit gray is scaled to 8 bit.

    Parameters
    ----------
    source
        One of these, or an ImageSet, which comes back as it is.

        - *Folder*: the path of a folder with pictures at any depth. Links to pictures are followed; links to folders
          are not, since they may lead anywhere. If all pictures are in sub-folders, their names are the labels.
        - *Archive*: the path of a ``.zip``, ``.tar``, ``.tar.gz``, ``.tar.xz`` …, which is read in place.
        - *Array*: the path of an ``.npy`` file, which is memory-mapped, or of an ``.npz`` file with one 3-D or 4-D
          array (and labels in ``arr_1``, ``labels``, ``label`` or ``y``); a NumPy array; a torch tensor. The shape is
          ``(N, H, W)``, ``(N, H, W, C)`` or ``(N, C, H, W)`` with C 1, 3 or 4. Arrays are not copied, so leave them as
          they are while the set is in use.
        - *Dataset*: of ``torch.utils.data`` or Hugging Face ``datasets``, or a list. Items are pictures (images of
          Pillow's, arrays or tensors), tuples that start with one, or dicts with one. `isexplore.images.datasets` says
          where labels are looked for; where there are some and they are not kept, the description says so.
        - *Loader or stream*: a ``DataLoader``, which keeps its workers and its batches, or an iterable dataset.
        - *Generator*: a function of the number of pictures wanted that returns them, or a ``torch.nn.Module`` that says
          what its latents are: see `isexplore.images.generators.generator_set`.
    value_range : tuple of two floats, optional
        The values of black and white in arrays and tensors. By default 0–255 for uint8, else inferred from the values;
        of datasets and generators from the first ones, and a later picture outside that range ends the run.
    layout : {"HWC", "CHW"}, optional
        The order of the axes of a colour picture. By default seen from its shape.
    name : str, optional
        What to call the set. By default the name of the file, folder, type or function.
    n : int, optional
        How many pictures to take from a generator or a stream; needed for a generator, and for a stream that does not
        know how many it has.
    seed : int
        Of a generator's randomness.

    Raises
    ------
    FileNotFoundError
        If there is nothing at the path.
    ValueError
        If what is there is no set of pictures, is damaged, or must be described (layout, range or n).
    RuntimeError
        If a loader or generator fails.
    TypeError
        If the source is none of these kinds.

    Examples
    --------
    >>> open_images(np.linspace(-1, 1, 2 * 3 * 4 * 5).reshape(2, 3, 4, 5))
    array: 2 images, 5×4 RGB, float64, range −1–1 (inferred)
    >>> open_images(lambda batch: np.random.rand(batch, 8, 8, 3), n=1000)
    generator: 1000 images, first is 8×8 RGB, float64, range 0–1 (inferred from the first 64), drawn with seed 0
    """
    return open_interruptibly(source, value_range, layout, name, lambda: None, n=n, seed=seed)


def open_interruptibly(  # noqa: PLR0913 - as open_images, and check
    source: Any,
    value_range: tuple[float, float] | None,
    layout: Layout | None,
    name: str | None,
    check: Callable[[], None],
    *,
    n: int | None = None,
    seed: int = 0,
) -> ImageSet:
    """Do the work of `open_images`: `check` is called in each folder and each block, and what it raises ends the work.

    Raises
    ------
    FileNotFoundError, ValueError, RuntimeError, TypeError
        As `open_images`.

    Examples
    --------
    >>> open_interruptibly(np.zeros((5, 8, 8), np.uint8), None, None, "black", check=lambda: None)
    black: 5 images, 8×8 gray, uint8, 0–255
    """
    if is_stream(source):
        _refuse(seed=seed)
        return stream_set(source, name, value_range, layout, None if n is None else _whole("n", n, least=1))
    if is_generator(source):
        if n is None:
            raise ValueError("state how many images to draw from the generator, as in open_images(generator, n=50_000)")
        count, start = _whole("n", n, least=1), _whole("seed", seed, least=0)
        return generator_set(source, name, value_range, layout, count, start)
    _refuse(n=n, seed=seed)
    if is_array(source):
        kind = "array" if isinstance(source, np.ndarray) else "tensor"
        return array_set(source, name or kind, value_range, layout, check)
    if isinstance(source, str | os.PathLike):
        return _open_path(_existing(source), value_range, layout, name, check)
    if isinstance(source, ImageSet):
        _refuse(value_range=value_range, layout=layout)
        return source if name is None else replace(source, name=name)
    if is_dataset(source):
        return dataset_set(source, name, value_range, layout)
    hint = ": make one of it first" if isinstance(source, type) else ""
    what = f"the class {source.__name__}" if isinstance(source, type) else type(source).__name__
    raise TypeError(f"images come from {_KINDS}, not from {what}{hint}")


def _open_path(
    path: Path,
    value_range: tuple[float, float] | None,
    layout: Layout | None,
    name: str | None,
    check: Callable[[], None],
) -> ImageSet:
    name = name or printable(path.name or path.resolve().name or path)
    ending = path.suffix.lower()
    if not path.is_dir() and ending in (".npy", ".npz"):
        pictures, labels = load_arrays(path)
        images = array_set(pictures, name, value_range, layout, check)
        return replace(images, labels=as_labels(labels, len(images)))
    _refuse(value_range=value_range, layout=layout)
    if path.is_dir():
        return folder_set(path, name, check)
    if path.name.lower().endswith(ARCHIVE_ENDINGS):
        return archive_set(path, name, check)
    if ending in IMAGE_ENDINGS:
        raise ValueError(f"{printable(path)} is one picture: give the folder that it is in")
    raise ValueError(
        f"{printable(path)} is no folder, no .zip or .tar archive, and no .npz or .npy file:"
        " load it yourself and pass the array or tensor"
    )


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


def _whole(what: str, number: object, least: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
        raise ValueError(f"{what} is a whole number from {least}, not {number!r}")
    return int(number)


def _refuse(
    *,
    value_range: tuple[float, float] | None = None,
    layout: Layout | None = None,
    n: int | None = None,
    seed: int = 0,
) -> None:
    if value_range is not None or layout is not None:
        raise ValueError("value_range and layout describe arrays: picture files and an ImageSet have their own")
    if n is not None:
        raise ValueError("n says how many images to take from a generator or a stream: all of this one are taken")
    if seed != 0:
        raise ValueError("seed is for generators: nothing else here is drawn at random")
