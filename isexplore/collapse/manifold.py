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
    neighbours : ndarray of int, shape (N + M, 5)
        The nearest neighbours among all images, the drawn ones first: what the permutations need.
    """

    precise: NDArray[np.bool_]
    recalled: NDArray[np.bool_]
    inside: NDArray[np.intp]
    covered: NDArray[np.bool_]
    neighbours: NDArray[np.intp]

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

        A real image is covered unless its five nearest neighbours among all images are real. Were both sets drawn
        from one law, any other N of all images could have been the drawn ones, so that dealing them anew, `draws`
        times, gives the law of coverage exactly (as Henze 1988 does for nearest neighbours of one kind).

        Parameters
        ----------
        draws, seed : int

        Returns
        -------
        float
            At least 1 / (draws + 1).
        """
        n, m = len(self.precise), len(self.recalled)
        real = np.arange(n + m) >= n
        rng = np.random.default_rng(seed)

        def uncovered() -> int:
            return int(np.sum(real & real[self.neighbours].all(axis=1)))

        seen, as_bad = uncovered(), 1
        for _ in range(draws):
            rng.shuffle(real)
            as_bad += uncovered() >= seen
        return as_bad / (draws + 1)


def expected_coverage(n: int, m: int, k: int = K_COVERAGE) -> float:
    """Return the coverage that two sets of one law have on average, whatever the law.

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
    """
    from sklearn.metrics import pairwise_distances_chunked

    drawn_reach, real_reach = (_nearest(each)[0] for each in (drawn, real))
    precise, inside = np.zeros(len(drawn), np.bool_), np.zeros(len(drawn), np.intp)
    recalled, covered = np.zeros(len(real), np.bool_), np.zeros(len(real), np.bool_)
    start = 0
    for distances in pairwise_distances_chunked(real, drawn, working_memory=MEGABYTES):
        block = slice(start, start + len(distances))
        precise |= (distances < real_reach[block, K_PRECISION - 1, None]).any(axis=0)
        recalled[block] = (distances < drawn_reach[:, K_PRECISION - 1]).any(axis=1)
        near = distances < real_reach[block, K_COVERAGE - 1, None]
        inside += near.sum(axis=0)
        covered[block] = near.any(axis=1)
        start = block.stop
    return Manifolds(precise, recalled, inside, covered, _nearest(np.concatenate([drawn, real]))[1])


def _nearest(points: Matrix) -> tuple[Matrix, NDArray[np.intp]]:
    """Return the distances to the five nearest others, nearest first, and their numbers."""
    from sklearn.neighbors import NearestNeighbors

    found: tuple[Matrix, NDArray[np.intp]] = (
        NearestNeighbors(n_neighbors=K_COVERAGE, algorithm="brute").fit(points).kneighbors()
    )
    return found
