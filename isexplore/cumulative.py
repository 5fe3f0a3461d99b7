"""Cumulative sums of the rows in an order, which give the score of any run of images without reading them again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace

from isexplore.arrays import TINY, Rows, to_numpy
from isexplore.edges import all_edges, even_edges, every_edge
from isexplore.matrices import read_rows
from isexplore.terms import read_terms

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from isexplore.terms import Terms


EDGES = 1000  # 8 MB at 1000 classes
USUAL_SPLITS = 100  # the edges of 1 to 100 splits take 24 MB at 1000 classes


@dataclass(frozen=True, eq=False)
class CumulativeSums:
    """Sums over the first images of an order.

    Attributes
    ----------
    rows
        The matrix, of which a cut that is no edge reads a few rows.
    order
        (N,) numbers of the rows in the order that they are taken in; None: as they lie.
    edges
        (K,) sorted numbers of images, from 0 to N.
    probabilities
        (K, C) sum of p(y|x) over the images before each edge.
    entropies
        (N + 1,) sum of H(y|x) over the first 0, 1, … N images, in nats.
    """

    rows: Rows
    order: NDArray[np.intp] | None
    edges: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    entropies: NDArray[np.float64]

    @property
    def n_images(self) -> int:
        """Number of images N."""
        return len(self.entropies) - 1

    def scores(self, cuts: ArrayLike) -> NDArray[np.float64]:
        """Return the score of each piece between neighbouring cuts, exp(H(mean p) − mean H(p)).

        Parameters
        ----------
        cuts
            (K + 1,) increasing numbers of images, from 0 to N. One that is an edge costs O(C).

        Returns
        -------
        NDArray
            (K,) scores.

        Raises
        ------
        ValueError
            If the cuts don't increase, or leave the images.

        Examples
        --------
        >>> cumulative_sums(np.eye(4), edges=[2]).scores([0, 2, 3])
        array([2., 1.])
        """
        where = self._checked(cuts)
        sizes = np.diff(where)
        sums = self._at(where)
        pieces = sums[1:] - sums[:-1]
        np.maximum(pieces, 0, out=pieces)  # rounding may leave a class that is missing a hair below
        logs = np.log(pieces + TINY)
        # With s = n·m: H(m) = ln n − Σ s ln s / n.
        log_scores = np.log(sizes) - (np.vecdot(pieces, logs) + np.diff(self.entropies[where])) / sizes
        # Rounding may leave a score of one a hair below it.
        scores: NDArray[np.float64] = np.exp(np.maximum(log_scores, 0))
        return scores

    def score(self, start: int, stop: int) -> float:
        """Return the score of the images from number `start` up to, not including, `stop` of the order.

        Raises
        ------
        ValueError
            If there are none, or the numbers leave the images.

        Examples
        --------
        >>> round(cumulative_sums(np.eye(4)).score(1, 4), 9)
        3.0
        """
        if not 0 <= start < stop <= self.n_images:
            raise ValueError(f"there are no images from {start} up to {stop}: give 0 ≤ start < stop ≤ {self.n_images}")
        return float(self.scores([start, stop])[0])

    def thinned(self, most: int) -> CumulativeSums:
        """Return the same with about `most` edges, evenly spread: less memory, and more rows to read at a cut.

        Examples
        --------
        >>> cumulative_sums(np.eye(6), edges=range(7)).thinned(2).edges
        array([0, 3, 6])
        """
        kept = np.unique(np.searchsorted(self.edges, even_edges(self.n_images, most), side="right") - 1)
        return replace(self, edges=self.edges[kept], probabilities=self.probabilities[kept])

    def _checked(self, cuts: ArrayLike) -> NDArray[np.intp]:
        where = np.asarray(cuts)
        n = self.n_images
        if where.ndim != 1 or len(where) < 2 or not np.issubdtype(where.dtype, np.integer):  # noqa: PLR2004 - two ends
            raise ValueError(f"cuts are {cuts!r}: give at least two whole numbers")
        if where[0] < 0 or where[-1] > n or (np.diff(where) < 1).any():
            raise ValueError(f"cuts must increase, from 0 to at most {n}, the number of images")
        return where.astype(np.intp)

    def _at(self, cuts: NDArray[np.intp]) -> NDArray[np.float64]:
        below = np.searchsorted(self.edges, cuts, side="right") - 1
        sums: NDArray[np.float64] = self.probabilities[below]
        for k in np.flatnonzero(self.edges[below] != cuts):
            between = np.arange(self.edges[below[k]], cuts[k])
            for _, p in self.rows.blocks(between if self.order is None else self.order[between]):
                sums[k] += to_numpy(array_namespace(p).sum(p, axis=0))
        return sums


def cumulative_sums(
    predictions: Any = None, edges: ArrayLike | None = None, order: ArrayLike | None = None, *, logits: Any = None
) -> CumulativeSums:
    """Read the rows once, and keep their sums before each edge: any run of images is then scored at once.

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array or tensor of probabilities.
    edges
        Numbers of images, from 0 to N, in any order; 0 and N are always kept. Each takes C·8 bytes. None: about 1000,
        evenly spread, and those of 1 to 100 splits.
    order
        (N,) permutation in which the images are taken; None: as they lie.
    logits
        (N, C) logits instead of probabilities.

    Raises
    ------
    ValueError
        If a row is no distribution, an edge leaves the images, or `order` is no permutation.

    Examples
    --------
    >>> sums = cumulative_sums(np.eye(6))
    >>> sums.scores([0, 2, 4, 6]), round(sums.score(1, 5), 9)
    (array([2., 2., 2.]), 4.0)
    """
    rows = read_rows(predictions, logits=logits)
    n = rows.n_images
    if edges is None:
        edges = np.append(even_edges(n, EDGES), every_edge(n, range(1, min(n, USUAL_SPLITS) + 1)))
    kept = all_edges(edges, n)
    permutation = None if order is None else check_permutation(order, n)
    return sums_of(rows, kept, permutation)


def sums_of(rows: Rows, edges: NDArray[np.intp], order: NDArray[np.intp] | None) -> CumulativeSums:
    """Return the cumulative sums of checked arguments."""
    return sums_from(rows, edges, read_terms(rows, edges, order), order)


def sums_from(
    rows: Rows, edges: NDArray[np.intp], terms: Terms, order: NDArray[np.intp] | None = None
) -> CumulativeSums:
    """Return the cumulative sums that one pass over the rows, in an order, has given."""
    return CumulativeSums(rows, order, edges, terms.cumulative, running(terms.entropies))


def running(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of the first 0, 1, … N values.

    Examples
    --------
    >>> running(np.array([1.0, 2.0]))
    array([0., 1., 3.])
    """
    return np.concatenate([[0.0], np.cumsum(values)])


def check_permutation(order: ArrayLike, n: int) -> NDArray[np.intp]:
    """Return an order of n images as an array.

    Raises
    ------
    ValueError
        If it is no permutation of 0, 1, … n − 1.

    Examples
    --------
    >>> check_permutation([2, 0, 1], 3)
    array([2, 0, 1])
    """
    permutation = np.asarray(order)
    if permutation.shape != (n,) or not np.array_equal(np.sort(permutation), np.arange(n)):
        raise ValueError(f"order is no permutation: give each of the numbers 0 to {n - 1} once")
    return permutation.astype(np.intp)
