"""The pictures of a folder, at any depth."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from isexplore.pixels import IMAGE_ENDINGS, printable

if TYPE_CHECKING:
    from collections.abc import Callable


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
    from natsort import natsorted, ns

    paths: list[str] = []
    others, links, unreadable = 0, 0, list[OSError]()
    for here, folders, files in os.walk(folder, onerror=unreadable.append):
        check()
        folders[:] = natsorted(entry for entry in folders if not entry.startswith("."))
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
        why = f" ({', '.join(notes)})" if notes else ""
        raise ValueError(f"no images in {printable(folder)}{why}: it takes {', '.join(sorted(IMAGE_ENDINGS))}")
    return natsorted(sorted(paths), alg=ns.PATH), notes  # sorted first: img1 and img01 are equal to natsort


def plural(count: int, noun: str) -> str:
    """Say how many there are.

    Examples
    --------
    >>> plural(1, "image"), plural(2, "image")
    ('1 image', '2 images')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"
