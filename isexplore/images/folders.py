"""The pictures of a folder, at any depth."""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from isexplore.images.decoding import IMAGE_ENDINGS, decode
from isexplore.images.image_set import ImageSet
from isexplore.images.pixels import naming, plural, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray


def folder_set(folder: Path, name: str, check: Callable[[], None]) -> ImageSet:
    """Open a folder of pictures.

    Parameters
    ----------
    folder : Path
    name : str
        What to call the set.
    check : callable
        Called in each folder; what it raises ends the walk.

    Raises
    ------
    ValueError
        If there are no pictures.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as place:
    ...     Image.new("RGB", (6, 5)).save(f"{place}/a.png")
    ...     folder_set(Path(place), "one", check=lambda: None)
    one: 1 image (.png 1), first is 6×5 RGB
    """
    paths, notes = find_pictures(folder, check)
    return files_set(name, paths, partial(_read_file, folder.absolute(), paths), notes)


def find_pictures(folder: Path, check: Callable[[], None]) -> tuple[list[str], list[str]]:
    """Walk through a folder and list its pictures.

    What is hidden is left out. A link to a folder is not followed, since it may lead anywhere.

    Parameters
    ----------
    folder : Path
    check : callable
        Called in each folder; what it raises ends the walk.

    Returns
    -------
    paths : list of str
        The path of each picture in the folder, with ``/`` between, in natural order: ``img2`` before ``img10``.
    notes : list of str
        What was left out, for people.

    Raises
    ------
    ValueError
        If there are no pictures.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     for file in ("img10.png", "img2.png", "notes.txt"):
    ...         Path(name, file).touch()
    ...     find_pictures(Path(name), check=lambda: None)
    (['img2.png', 'img10.png'], ['1 other file ignored'])
    """
    paths: list[str] = []
    others, links, unreadable = 0, 0, list[OSError]()
    for here, folders, files in os.walk(folder, onerror=unreadable.append):
        check()
        folders[:] = [entry for entry in folders if not entry.startswith(".")]
        below = Path(here).relative_to(folder)
        visible = [below / entry for entry in files if not entry.startswith(".")]
        found = [path.as_posix() for path in visible if path.suffix.lower() in IMAGE_ENDINGS]
        paths += found
        others += len(visible) - len(found)
        links += sum(Path(here, entry).is_symlink() for entry in folders)
    notes = [f"{plural(others, 'other file')} ignored"] if others else []
    notes += [f"{plural(links, 'linked folder')} not followed"] if links else []
    notes += [f"{plural(len(unreadable), 'folder')} could not be opened"] if unreadable else []
    if not paths:
        raise ValueError(no_pictures(folder, notes))
    return in_order(paths), notes


def in_order(paths: Iterable[str]) -> list[str]:
    """Sort paths naturally, as file managers do.

    Examples
    --------
    >>> in_order(["b/img10.png", "b/img2.png", "a/img01.png", "a/img1.png"])
    ['a/img01.png', 'a/img1.png', 'b/img2.png', 'b/img10.png']
    """
    from natsort import natsorted, ns

    return natsorted(sorted(paths), alg=ns.PATH)  # sorted first: img1 and img01 are equal to natsort


def files_set(
    name: str, paths: Sequence[str], read: Callable[[int], NDArray[np.uint8]], notes: Sequence[str]
) -> ImageSet:
    """Describe pictures in files; nothing is read but the first.

    Parameters
    ----------
    name : str
        What to call the set.
    paths : sequence of str, length N
        Where each picture is, with ``/`` between.
    read : callable
        Reads picture i; works in forked processes.
    notes : sequence of str
        What was left out, for people.

    Examples
    --------
    >>> import numpy as np
    >>> images = files_set("pets", ["cat/1.png", "dog/1.png"], lambda i: np.zeros((5, 6, 3), np.uint8), [])
    >>> images, images.labels
    (pets: 2 images (.png 2), first is 6×5 RGB, ('cat', 'dog'))
    """
    endings = Counter(Path(path).suffix.lower() for path in paths).most_common()
    kinds = ", ".join(f"{ending} {count}" for ending, count in endings)
    description = ", ".join([f"{plural(len(paths), 'image')} ({kinds})", _first_size(read), *notes])
    return ImageSet(name, tuple(map(printable, paths)), read, description, folder_labels(paths), in_files=True)


def folder_labels(paths: Sequence[str]) -> tuple[str, ...] | None:
    """Label each picture by the folder that it is in, at the first level where the folders differ.

    Returns
    -------
    tuple of str, or None
        None if the pictures are all in one folder, or not all in sub-folders.

    Examples
    --------
    >>> folder_labels(["set/cat/1.png", "set/cat/old/2.png", "set/dog/1.png"])
    ('cat', 'cat', 'dog')
    >>> folder_labels(["cat/1.png", "2.png"])
    """
    folders = [path.split("/")[:-1] for path in paths]
    first, last = min(folders), max(folders)  # what these two share, all do
    level = next((i for i, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), None)
    return None if level is None else tuple(printable(parts[level]) for parts in folders)


def no_pictures(place: Path, notes: Sequence[str]) -> str:
    """Say that there are no pictures in a folder or archive, and which there could be.

    Examples
    --------
    >>> no_pictures(Path("set"), ["1 other file ignored"])
    'no images in set (1 other file ignored): it takes .bmp, .gif, .jpeg, .jpg, .pgm, .png, .ppm, .tif, .tiff, .webp'
    """
    why = f" ({', '.join(notes)})" if notes else ""
    return f"no images in {printable(place)}{why}: it takes {', '.join(sorted(IMAGE_ENDINGS))}"


def _read_file(folder: Path, paths: Sequence[str], index: int) -> NDArray[np.uint8]:
    with naming(paths[index]):
        return decode(folder / paths[index])


def _first_size(read: Callable[[int], NDArray[np.uint8]]) -> str:
    try:
        height, width, _ = read(0).shape
    except ValueError:
        return "first can't be read"
    return f"first is {width}×{height} RGB"
