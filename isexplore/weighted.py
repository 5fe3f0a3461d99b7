"""The scores of several re-weightings of the same images, from one reading of the matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device

from isexplore.arrays import to_numpy, xlogx

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from isexplore.arrays import Rows

# Rows in a piece: enough for a matrix product to be worth its while, few enough to stay small.
PIECE = 1024


def weighted_scores(rows: Rows, weigh: Callable[[int, int], NDArray[Any]]) -> NDArray[np.float64]:
    """Return the score of all images as one split, for each of R ways to weight them.

    Parameters
    ----------
    rows
        The predictions.
    weigh
        Called once for each piece of the rows, first rows first, with the numbers of its first row and of the one after
        its last: returns their weights, not negative, (R, rows in the piece).

    Returns
    -------
    NDArray
        (R,) scores.

    Examples
    --------
    >>> from isexplore.matrices import read_rows
    >>> weights = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [3, 0, 0, 0]])
    >>> weighted_scores(read_rows(np.eye(4)), lambda start, stop: weights[:, start:stop]).round(9)
    array([4., 2., 1.])
    """
    sums: Any = 0.0
    totals: Any = 0.0
    entropies: Any = 0.0
    for start in range(0, rows.n_images, PIECE):
        stop = min(start + PIECE, rows.n_images)
        blocks = [p for _, p in rows.blocks(np.arange(start, stop))]
        xp = array_namespace(*blocks)
        p = xp.concat(blocks)
        weights = np.asarray(weigh(start, stop), dtype=np.float64)
        totals = totals + weights.sum(axis=1)
        entropies = entropies - weights @ to_numpy(xp.sum(xlogx(p), axis=1))
        sums = sums + xp.asarray(weights, device=device(p)) @ p
    marginals = to_numpy(sums) / totals[:, None]
    log_scores = -xlogx(marginals).sum(axis=1) - entropies / totals
    # Rounding may leave a score of one a hair below it.
    scores: NDArray[np.float64] = np.exp(np.maximum(log_scores, 0))
    return scores
