"""Several pictures of one size as one, which the page cuts apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["sheet"]


def sheet(tiles: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Return pictures side by side, in rows of so many; what is left of the last row is black.

    Parameters
    ----------
    tiles : ndarray of uint8, shape (n, h, w, 1 or 3)
    columns : int

    Returns
    -------
    ndarray of uint8
        Of shape (rows·h, columns·w) for gray tiles, with a third axis of 3 for colours.

    Examples
    --------
    >>> sheet(np.full((3, 1, 1, 1), 5, np.uint8), 2)
    array([[5, 5], [5, 0]], dtype=uint8)
    """
    n, h, w, c = tiles.shape
    lines = -(-n // columns)
    cells = np.zeros((lines * columns, h, w, c), np.uint8)
    cells[:n] = tiles
    picture = cells.reshape(lines, columns, h, w, c).swapaxes(1, 2).reshape(lines * h, columns * w, c)
    return picture[..., 0] if c == 1 else picture
