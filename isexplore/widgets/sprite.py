"""Several pictures of one size as one PNG file, which the page cuts apart."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.predictions import Predictions

__all__ = ["sprite", "strip"]

_FIRST = 24  # images of a strip


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


def strip(predictions: Predictions, images: NDArray[np.intp]) -> tuple[bytes, dict[str, Any]]:
    """Return the first of some images beside each other as a PNG file, and their ``names``, ``width`` and ``height``.

    There are none where the set was kept without thumbnails.
    """
    tiles, first = predictions.thumbnails, images[:_FIRST]
    if tiles is None or not len(first):
        return b"", {"names": [], "width": 1, "height": 1}
    names = [predictions.image_names[i] for i in first]
    size = {"width": int(tiles.shape[2]), "height": int(tiles.shape[1])}
    return sprite(np.asarray(tiles[first]), len(first)), {"names": names, **size}
