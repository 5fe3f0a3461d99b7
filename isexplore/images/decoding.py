"""Picture files, and Pillow's images, to ``(H, W, 3)`` uint8."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from isexplore.images.pixels import to_uint8

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

# The endings that torchvision's ImageFolder takes, and .gif. Pillow's own list has .eps, which starts other programs.
IMAGE_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp"})
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "PPM", "TIFF", "WEBP")


def decode(file: Path | IO[bytes]) -> NDArray[np.uint8]:
    """Read one picture file as ``(H, W, 3)`` uint8, as `from_pillow` does.

    Parameters
    ----------
    file : Path or binary stream
        Of an animation the first frame is read.

    Raises
    ------
    Exception
        Whatever Pillow raises on a damaged file, and ValueError on a decompression bomb or what is no picture.

    Examples
    --------
    >>> import io
    >>> from PIL import Image
    >>> Image.new("L", (6, 5)).save(stream := io.BytesIO(), "PNG")
    >>> decode(stream).shape
    (5, 6, 3)
    """
    from PIL import Image, UnidentifiedImageError

    if isinstance(file, Path) and not file.is_file():
        raise FileNotFoundError("it is no file, or a link to nothing")  # and opening a pipe would block for ever
    try:
        opened = Image.open(file, formats=_FORMATS)
    except UnidentifiedImageError:
        raise ValueError("it is no picture, or a damaged one") from None  # Pillow's words hold the whole path
    with opened as image:
        # Between its limit and twice that Pillow only warns.
        if Image.MAX_IMAGE_PIXELS is not None and image.width * image.height > Image.MAX_IMAGE_PIXELS:
            raise ValueError(f"{image.width}×{image.height} pixels are too many, it may be a decompression bomb")
        return from_pillow(image)


def from_pillow(image: Image.Image) -> NDArray[np.uint8]:
    """Turn an image of Pillow's into ``(H, W, 3)`` uint8, upright as its EXIF orientation says.

    As in torchvision's ImageFolder everything becomes RGB by Pillow's ``convert("RGB")``, which drops alpha; 16-bit
    gray, which Pillow would clip, is scaled to 8 bit.

    Raises
    ------
    ValueError
        If its pixels don't tell their range.

    Examples
    --------
    >>> from PIL import Image
    >>> from_pillow(Image.new("LA", (2, 1), (7, 0)))
    array([[[7, 7, 7],
            [7, 7, 7]]], dtype=uint8)
    """
    from PIL import ImageOps

    deep = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    upright = ImageOps.exif_transpose(image)
    if deep:
        return np.repeat(to_uint8(np.asarray(upright)[..., None], (0, 65535)), 3, axis=2)
    if upright.mode in ("I", "F"):
        raise ValueError("32-bit pixels don't tell their range: load them as an array and state value_range")
    if upright.mode == "P" and "transparency" in upright.info:
        return np.array(upright.convert("RGBA").convert("RGB"))  # in two steps, else Pillow warns
    return np.array(upright.convert("RGB"))
