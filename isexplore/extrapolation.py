"""IS∞, the score extrapolated to endlessly many images by a straight line, for comparison with other code.

Chong and Forsyth 2020, "Effectively Unbiased FID and Inception Score and Where to Find Them".
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.matrices import read_rows
from isexplore.splits import check_seed
from isexplore.weighted import weighted_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The authors' smallest subset; a tenth of a set of fewer images than ten times as many.
SMALLEST, SHARE = 5000, 10
FEWEST_POINTS = 2  # that make a line


@dataclass(frozen=True, eq=False)
class Extrapolation:
    """A straight line through scores against 1/n, for comparison: the corrected score has less bias and error.

    Attributes
    ----------
    value
        IS∞, the height of the line at 1/n = 0.
    slope
        Of the line: the score of n images is about value + slope/n.
    sizes
        (K,) numbers of images n.
    scores
        (K,) score of a random subset of n images.
    """

    value: float
    slope: float
    sizes: NDArray[np.int64]
    scores: NDArray[np.float64]


def extrapolated_score(
    predictions: Any = None,
    *,
    logits: Any = None,
    points: int = 15,
    smallest: int | None = None,
    seed: int = 0,
) -> Extrapolation:
    """Return IS∞: the scores of random subsets of several sizes, regressed on 1/n and read off at 1/n = 0.

    As in the authors' code the sizes are evenly spaced up to all images, and each subset is drawn afresh. It is here
    for comparison: `Score.corrected` estimates the same score with less bias and error, at once.

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array, tensor or memory map of probabilities.
    logits
        (N, C) logits instead of probabilities.
    points
        Number of sizes, at least 2.
    smallest
        The smallest size; None: 5000 as in the authors' code, or N/10 where that is less.
    seed
        Of the subsets.

    Raises
    ------
    ValueError
        If there are fewer than two points, `smallest` is not a whole number from 1 to N − points + 1, so that no two
        sizes are equal, or a row is no distribution.

    Examples
    --------
    >>> p = np.random.default_rng(0).dirichlet(np.full(100, 0.01), 5000)
    >>> line = extrapolated_score(p)
    >>> line.sizes[:3], line.slope < 0, bool(line.value > line.scores[-1])
    (array([ 500,  821, 1142]), True, True)
    """
    rows = read_rows(predictions, logits=logits)
    n = rows.n_images
    sizes = _sizes(n, points, smallest)
    rng = np.random.default_rng(check_seed(seed))
    chosen = np.zeros((len(sizes), n), dtype=bool)
    for row, size in zip(chosen, sizes, strict=True):
        row[rng.choice(n, size, replace=False)] = True
    scores = weighted_scores(rows, lambda start, stop: chosen[:, start:stop])
    slope, value = np.polyfit(1 / sizes, scores, 1)
    return Extrapolation(float(value), float(slope), sizes, scores)


def _sizes(n: int, points: int, smallest: int | None) -> NDArray[np.int64]:
    if operator.index(points) < FEWEST_POINTS:
        raise ValueError(f"points is {points}: a line needs at least {FEWEST_POINTS}")
    if smallest is None:
        smallest = max(min(SMALLEST, n // SHARE), 1)
    if not 1 <= operator.index(smallest) <= n - points + 1:
        raise ValueError(
            f"{points} different sizes from {smallest} up don't fit into {n} images: give more images, fewer points or "
            f"another smallest size"
        )
    return np.linspace(smallest, n, points).astype(np.int64)
