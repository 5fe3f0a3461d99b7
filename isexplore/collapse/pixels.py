"""What tells whether two images are the same, pixel for pixel: digests, or else thumbnails."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.collapse.evidence import Side
    from isexplore.predictions import Predictions

__all__ = ["Kind", "how", "image_keys", "kind_of"]

Kind = Literal["digests", "thumbnails"]
_SIZE = 16  # bytes of a key


def kind_of(*sides: Side) -> Kind | None:
    """Name what all these sets have; None where they have nothing in common.

    Examples
    --------
    >>> from isexplore.collapse.evidence import side_of
    >>> from isexplore.predictions import Predictions
    >>> kind_of(side_of(Predictions.from_probabilities(np.eye(2), thumbnails=np.zeros((2, 1, 1), np.uint8))))
    'thumbnails'
    """
    if all(side.predictions.digests is not None for side in sides):
        return "digests"
    return "thumbnails" if all(side.predictions.thumbnails is not None for side in sides) else None


def how(kind: Kind) -> str:
    """Say in a sentence, in brackets, that only thumbnails were compared.

    Examples
    --------
    >>> how("thumbnails"), how("digests")
    (' (equal thumbnails)', '')
    """
    return " (equal thumbnails)" if kind == "thumbnails" else ""


def image_keys(predictions: Predictions, kind: Kind) -> NDArray[np.void]:
    """Return a key of 16 bytes for each image (N,), equal where two images are.

    Examples
    --------
    >>> from isexplore.predictions import Predictions
    >>> pictures = np.array([5, 6, 5], np.uint8).reshape(3, 1, 1)
    >>> keys = image_keys(Predictions.from_probabilities(np.eye(3), thumbnails=pictures), "thumbnails")
    >>> bool(keys[0] == keys[2]), bool(keys[0] == keys[1])
    (True, False)
    """
    pixels: NDArray[np.uint8] = getattr(predictions, kind)
    # Sorting these takes next to no memory, where the thumbnails of 50,000 images have 600 MB.
    digests = b"".join(blake2b(row.tobytes(), digest_size=_SIZE).digest() for row in pixels)
    return np.frombuffer(digests, np.dtype((np.void, _SIZE)))
