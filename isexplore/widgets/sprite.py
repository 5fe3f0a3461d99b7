"""Several pictures of one size as one PNG file, which the page cuts apart."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["sprite"]


def sprite(tiles: NDArray[np.uint8], columns: int) -> bytes:
    """Return a PNG file of tiles (n, h, w, 1 | 3) in rows of so many columns; what is left of the last row is black."""
    n, h, w, c = tiles.shape
    lines = -(-n // columns)
    cells = np.zeros((lines * columns, h, w, c), np.uint8)
    cells[:n] = tiles
    picture = cells.reshape(lines, columns, h, w, c).swapaxes(1, 2).reshape(lines * h, columns * w, c)
    stream = io.BytesIO()
    Image.fromarray(picture[..., 0] if c == 1 else picture).save(stream, "PNG", compress_level=3)
    return stream.getvalue()
