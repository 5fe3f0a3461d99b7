"""How far a fast run is off: some of its batches are computed in exact precision too."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

from isexplore.score import inception_score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.inference.row_cache import KnownRows

__all__ = ["FastCheck"]

_IMAGES = 256
_TOLERANCE = 1e-3
_SHARE = 16  # at most one batch in so many is computed twice


class FastCheck:
    """Chooses batches to compute twice, spread evenly over a set, and compares fast rows with exact ones.

    Parameters
    ----------
    n_batches, batch_size : int
        How many batches the set has, and the most images in one.

    Examples
    --------
    >>> from isexplore.inference.row_cache import KnownRows
    >>> check = FastCheck(n_batches=1000, batch_size=64)
    >>> sorted(check.batches)
    [125, 375, 625, 875]
    >>> rows = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    >>> check.add(KnownRows(rows, "bfloat16", exact=rows))
    >>> print(check)
    ln IS of 2 images 0 % off float32's
    """

    def __init__(self, n_batches: int, batch_size: int) -> None:
        count = max(1, min(-(-_IMAGES // batch_size), n_batches // _SHARE))
        self.batches = frozenset((2 * i + 1) * n_batches // (2 * count) for i in range(count))
        self._fast: list[NDArray[np.float32]] = []
        self._exact: list[NDArray[np.float32]] = []

    def add(self, known: KnownRows) -> None:
        """Take a batch into account, where it was computed twice."""
        if known.exact is not None:
            self._fast.append(known.rows)
            self._exact.append(known.exact)

    @property
    def change(self) -> float:
        """How much ln IS of these images changed, as a share of ln IS; NaN where it is zero or there are none."""
        if not self._fast:
            return math.nan
        fast, exact = (
            math.log(inception_score(np.concatenate(rows), splits=1).overall) for rows in (self._fast, self._exact)
        )
        return abs(fast - exact) / exact if exact > 0 else math.nan

    def __str__(self) -> str:
        if math.isnan(self.change):
            return "not compared with float32"
        return f"ln IS of {sum(map(len, self._fast))} images {100 * self.change:.2g} % off float32's"

    def warn(self) -> None:
        """Warn if ln IS changed by more than a thousandth."""
        if self.change > _TOLERANCE:
            message = f'fast is too coarse here: {self}. Take precision="exact" (--precision exact in a shell)'
            warnings.warn(message, stacklevel=2)
