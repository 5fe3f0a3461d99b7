"""How far a fast run is off: some of its batches are computed in exact precision too."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

from isexplore.score import inception_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isexplore.inference.row_cache import KnownRows

__all__ = ["checked_batches", "compared"]

_IMAGES = 256
_SHARE = 16  # at most one batch in so many is computed twice
_TOLERANCE = 1e-3
_TELLS = 128  # images: with fewer, chance alone changes ln IS by more than the tolerance


def checked_batches(n_batches: int, batch_size: int) -> frozenset[int]:
    """Choose batches to compute twice: 256 images or one batch, fewer in a short run, spread evenly over the set.

    Examples
    --------
    >>> sorted(checked_batches(n_batches=1000, batch_size=64))
    [125, 375, 625, 875]
    """
    count = max(1, min(-(-_IMAGES // batch_size), n_batches // _SHARE))
    return frozenset((2 * i + 1) * n_batches // (2 * count) for i in range(count))


def compared(batches: Sequence[KnownRows]) -> str:
    """Say how much ln IS of the images that were computed twice has changed.

    Parameters
    ----------
    batches : sequence of KnownRows
        Those that have exact rows, too.

    Warns
    -----
    UserWarning
        If it changed by more than a thousandth, where the images are enough to tell.

    Examples
    --------
    >>> from isexplore.inference.row_cache import KnownRows
    >>> rows = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    >>> compared([KnownRows(rows, "bfloat16", exact=rows)])
    "ln IS of 2 images 0 % off float32's"
    """
    both = [(known.rows, known.exact) for known in batches if known.exact is not None]
    if not both:
        return "not compared with float32"
    fast, exact = (
        math.log(inception_score(np.concatenate(rows), splits=1).overall) for rows in zip(*both, strict=True)
    )
    if exact <= 0:
        return "not compared with float32: ln IS of the images that were is zero"
    change = abs(fast - exact) / exact
    n_images = sum(len(rows) for rows, _ in both)
    said = f"ln IS of {n_images} images {100 * change:.2g} % off float32's"
    if change <= _TOLERANCE or n_images < _TELLS:
        return said
    message = f'fast is too coarse here: {said}. Take precision="exact" (--precision exact in a shell)'
    warnings.warn(message, stacklevel=2)
    return f"{said}: too coarse, take exact"
