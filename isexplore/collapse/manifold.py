"""Precision and recall, density and coverage: how two sets of embeddings lie in each other's neighbourhoods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.floating]

__all__ = ["Manifolds", "compare_manifolds", "expected_coverage"]

K_PRECISION = 3  # of Kynkäänniemi et al.
K_COVERAGE = 5  # of Naeem et al.
MEGABYTES = 64  # of distances at a time
AS_NEAR = 1e-9  # relative: two computations of one distance agree; or 4 ε, in float32


@dataclass(frozen=True, eq=False)
class Manifolds:
    """How many of N drawn and M real images lie in each other's neighbourhoods.

    Attributes
    ----------
    precise : ndarray of bool, shape (N,)
        Whether a drawn image is within the third nearest neighbour's distance of any real one.
    recalled : ndarray of bool, shape (M,)
        Whether a real image is within the third nearest neighbour's distance of any drawn one.
    inside : ndarray of int, shape (N,)
        Of how many real images a drawn one is within the fifth nearest neighbour's distance.
    covered : ndarray of bool, shape (M,)
        Whether any drawn image is within a real one's fifth nearest neighbour's distance.
    points : ndarray of int, shape (N + M,)
        The number of each image's point, the drawn images first: equal embeddings are one point.
    near : ndarray of int, shape (P, 6)
        Each point and those nearest to it that hold its images' five nearest others; the point itself fills up.
    """

    precise: NDArray[np.bool_]
    recalled: NDArray[np.bool_]
    inside: NDArray[np.intp]
    covered: NDArray[np.bool_]
    points: NDArray[np.intp]
    near: NDArray[np.intp]

    @property
    def precision(self) -> float:
        """Part of the drawn images that look real."""
        return float(self.precise.mean())

    @property
    def recall(self) -> float:
        """Part of the real images that could be drawn."""
        return float(self.recalled.mean())

    @property
    def density(self) -> float:
        """How many real neighbourhoods a drawn image is in, over five: 1 on average where both sets are alike."""
        return float(self.inside.mean()) / K_COVERAGE

    @property
    def coverage(self) -> float:
        """Part of the real images that have a drawn one nearby."""
        return float(self.covered.mean())

    def coverage_p_value(self, draws: int, seed: int) -> float:
        """Test whether coverage is lower than of two sets of one law, by permutation.

        A real image is covered unless its five nearest neighbours among all images, and those just as near, are real.
        Were both sets drawn from one law, any other N of all images could have been the drawn ones, so that dealing
        them anew, `draws` times, gives the law of coverage exactly (as Henze 1988 does for nearest neighbours of one
        kind). Copies are of one point, so that it does not matter in which order they are found.

        Parameters
        ----------
        draws, seed : int

        Returns
        -------
        float
            At least 1 / (draws + 1).
        """
        is_drawn = np.arange(len(self.points)) < len(self.precise)
        images = np.bincount(self.points)
        rng = np.random.default_rng(seed)

        def uncovered() -> int:
            # A point with nothing drawn near has nothing drawn in it, either: all its images are real.
            return int(images[~_covered(self.near, self.points[is_drawn])].sum())

        seen, as_bad = uncovered(), 1
        for _ in range(draws):
            rng.shuffle(is_drawn)
            as_bad += uncovered() >= seen
        return as_bad / (draws + 1)


def expected_coverage(n: int, m: int, k: int = K_COVERAGE) -> float:
    """Return the coverage that two sets of one law have on average, whatever the law; with copies it is more.

    Naeem et al. 2020: of the k nearest neighbours of a real image among all others, n drawn and m − 1 real, all are
    real with the probability (m − 1)…(m − k) / (n + m − 1)…(n + m − k).

    Parameters
    ----------
    n, m : int
        Drawn and real images.
    k : int

    Returns
    -------
    float

    Examples
    --------
    >>> round(expected_coverage(10_000, 10_000), 3)
    0.969
    """
    steps = np.arange(1, k + 1)
    return 1 - float(np.prod((m - steps) / (n + m - steps)))


def compare_manifolds(drawn: Matrix, real: Matrix) -> Manifolds:
    """Compare two sets of embeddings by their nearest neighbours.

    Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models"; Naeem et al. 2020,
    "Reliable Fidelity and Diversity Metrics for Generative Models".

    Whoever is as near as the neighbour counts, as with Kynkäänniemi et al.: otherwise an image that has copies, whose
    neighbours are at distance 0, would have an empty neighbourhood.

    Parameters
    ----------
    drawn : ndarray of shape (N, D)
    real : ndarray of shape (M, D)
        In memory; more than five each.

    Returns
    -------
    Manifolds

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = compare_manifolds(rng.normal(size=(100, 3)), rng.normal(size=(100, 3)) + 99)
    >>> found.precision, found.recall, found.density, found.coverage
    (0.0, 0.0, 0.0, 0.0)
    >>> copies = np.repeat(rng.normal(size=(20, 3)), 6, axis=0)
    >>> found = compare_manifolds(copies, copies)
    >>> found.precision, found.recall, found.coverage
    (1.0, 1.0, 1.0)
    """
    from sklearn.metrics import pairwise_distances_chunked

    n, together = len(drawn), np.concatenate([drawn, real])
    first, points = _points(together)
    size = len(first)
    ours, theirs = (np.bincount(each, minlength=size) for each in (points[:n], points[n:]))
    is_ours, is_theirs = np.flatnonzero(ours), np.flatnonzero(theirs)
    drawn_points, real_points = (together[first[each]] for each in (is_ours, is_theirs))
    drawn_reach, real_reach = _nearest(drawn_points, ours[is_ours]), _nearest(real_points, theirs[is_theirs])
    precise, recalled, inside = np.zeros(size, np.bool_), np.zeros(size, np.bool_), np.zeros(size, np.intp)
    start = 0
    for distances in pairwise_distances_chunked(real_points, drawn_points, working_memory=MEGABYTES):
        block = slice(start, start + len(distances))
        here = is_theirs[block]
        distances[here[:, None] == is_ours] = 0  # and not what rounding makes of it
        precise[is_ours] |= (distances <= real_reach.of(K_PRECISION)[block, None]).any(axis=0)
        recalled[here] = (distances <= drawn_reach.of(K_PRECISION)).any(axis=1)
        inside[is_ours] += theirs[here] @ (distances <= real_reach.of(K_COVERAGE)[block, None])
        start = block.stop
    near = _nearest(together[first], ours + theirs).balls()
    covered = _covered(near, points[:n])
    return Manifolds(precise[points[:n]], recalled[points[n:]], inside[points[:n]], covered[points[n:]], points, near)


def _points(rows: Matrix) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first row at each point, and the number of each row's point; their order is that of no set."""
    rows = np.ascontiguousarray(rows) + 0  # −0 is 0
    keys = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, first, points = np.unique(keys, return_index=True, return_inverse=True)
    return first, points.reshape(-1)


def _covered(near: NDArray[np.intp], drawn: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which points have a drawn one nearby."""
    is_drawn = np.zeros(len(near), np.bool_)
    is_drawn[drawn] = True
    return np.asarray(is_drawn[near].any(axis=1))


@dataclass(frozen=True, eq=False)
class _Nearest:
    """Each point itself and the nearest others (P, K): distances, numbers, and how many other images so far."""

    distances: Matrix
    numbers: NDArray[np.intp]
    others: NDArray[np.intp]

    def of(self, k: int) -> Matrix:
        """Return up to where whatever is as near as the k-th nearest other of each point's images is."""
        distances: Matrix = self.distances[np.arange(len(self.others)), self._rank(k)]
        return distances * (1 + max(AS_NEAR, 4 * float(np.finfo(distances.dtype).eps)))

    def balls(self) -> NDArray[np.intp]:
        """Return the points that hold the five nearest other images; the point itself fills up."""
        inside = np.arange(self.numbers.shape[1]) <= self._rank(K_COVERAGE)[:, None]
        return np.where(inside, self.numbers, self.numbers[:, :1])

    def _rank(self, k: int) -> NDArray[np.intp]:
        return np.asarray(np.argmax(self.others >= k, axis=1))


def _nearest(points: Matrix, images: NDArray[np.intp]) -> _Nearest:
    from sklearn.neighbors import NearestNeighbors

    numbers, distances = np.arange(len(points))[:, None], np.zeros((len(points), 1), points.dtype)
    if len(points) > 1:
        k = min(K_COVERAGE, len(points) - 1)
        away, found = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points).kneighbors()
        distances, numbers = np.hstack([distances, away]), np.hstack([numbers, found])
    return _Nearest(distances, numbers, np.cumsum(images[numbers], axis=1) - 1)
