"""What every source of pictures becomes: a set of pictures that are read one at a time."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@dataclass(frozen=True)
class ImageSet:
    """A set of pictures that are read one at a time.

    Attributes
    ----------
    name : str
        The name of the file, of the folder, or of what the pictures come from, such as ``"array"``.
    image_names : tuple of str, length N
        One name a picture: its path in the folder or archive with ``/`` between, or ``"image 0000"`` elsewhere.
    read : callable
        ``read(i)`` is picture i as ``(H, W, C)`` uint8 with C 1 or 3. It raises ValueError or OSError, naming the
        picture, if this one can't be read, and anything else, such as RuntimeError, if no more can.
    description : str
        One line for people: how many, width × height, colours, type and range of the values.
    labels : tuple of int or str, length N, optional
        What groups the pictures, if known: their true class, or the sub-folder that they are in.
    in_files : bool
        Whether pictures are decoded from files: `read` then works in forked processes too, and is worth it.
    shuffled : bool
        Whether each reading comes in another order, so that picture i is another one in each process.

    Examples
    --------
    >>> import isexplore as ix
    >>> images = ix.open_images(np.zeros((5, 8, 8), np.uint8), name="black")
    >>> images
    black: 5 images, 8×8 gray, uint8, 0–255
    >>> images.read(0).shape
    (8, 8, 1)
    """

    name: str
    image_names: tuple[str, ...]
    read: Callable[[int], NDArray[np.uint8]]
    description: str
    labels: tuple[int | str, ...] | None = None
    in_files: bool = False
    shuffled: bool = False

    def __len__(self) -> int:
        return len(self.image_names)

    def __repr__(self) -> str:
        return f"{self.name}: {self.description}"

    def _repr_html_(self) -> str:
        return html.escape(repr(self))


def as_labels(values: Any, count: int) -> tuple[int | str, ...] | None:
    """Take values as labels if they are one whole number or text for each picture, else return None.

    Examples
    --------
    >>> as_labels(np.array([1, 2, 1]), 3), as_labels(["cat", "dog"], 2), as_labels([0.5, 1.5], 2)
    ((1, 2, 1), ('cat', 'dog'), None)
    """
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError):  # rows of different lengths, or a tensor elsewhere
        return None
    if array.shape != (count,) or array.dtype.kind not in "biuU":
        return None
    return tuple((array.astype(int) if array.dtype.kind == "b" else array).tolist())
