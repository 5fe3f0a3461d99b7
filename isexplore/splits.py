"""The score at every split count: cumulative sums of the rows, read once."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
from array_api_compat import array_namespace

from isexplore.arrays import read_rows, to_numpy, xlogx

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from isexplore.arrays import Rows


def split_edges(n: int, splits: int) -> NDArray[np.int64]:
    """Return where the splits of n images begin and end: i·n // S, the rule of the original code.

    Parameters
    ----------
    n
        Number of images N.
    splits
        Number of contiguous splits S, from 1 to N.

    Returns
    -------
    NDArray
        (S + 1,) edges; split i holds the images from edge i up to, not including, edge i + 1.

    Raises
    ------
    ValueError
        If `splits` is not a whole number from 1 to N.

    Examples
    --------
    >>> split_edges(10, 4)
    array([ 0,  2,  5,  7, 10])
    """
    splits = check_splits(splits, n)
    return np.arange(splits + 1, dtype=np.int64) * n // splits


def check_splits(splits: SupportsIndex, n: int) -> int:
    """Return the split count as an int, if n images can be split so.

    Raises
    ------
    ValueError
        If `splits` is not a whole number from 1 to n.

    Examples
    --------
    >>> check_splits(20, 12)
    Traceback (most recent call last):
    ValueError: 20 splits of 12 images would leave splits empty: give a number from 1 to 12
    """
    try:
        count = operator.index(splits)
    except TypeError:
        raise ValueError(f"splits is {splits!r}: give a whole number from 1 to {n}") from None
    if count < 1:
        raise ValueError(f"splits is {count}: give a whole number from 1 to {n}")
    if count > n:
        raise ValueError(f"{count} splits of {n} images would leave splits empty: give a number from 1 to {n}")
    return count


@dataclass(frozen=True, eq=False)
class SplitTable:
    """Cumulative sums of the rows at the edges that split counts need, so that any of them costs O(S·C).

    Attributes
    ----------
    edges
        (K,) sorted image numbers, from 0 to N.
    probabilities
        (K, C) sum of p(y|x) over the images before each edge.
    entropies
        (K,) sum of H(y|x) over the images before each edge, in nats.
    """

    edges: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    entropies: NDArray[np.float64]

    @property
    def n_images(self) -> int:
        """Number of images N."""
        return int(self.edges[-1])

    def scores(self, splits: int) -> NDArray[np.float64]:
        """Return the score of each of S contiguous splits, exp(H(mean p) − mean H(p)).

        Parameters
        ----------
        splits
            Number of splits S.

        Returns
        -------
        NDArray
            (S,) scores.

        Raises
        ------
        ValueError
            If the table was not built for this split count.

        Examples
        --------
        >>> split_table(np.eye(4), max_splits=2).scores(2)
        array([2., 2.])
        """
        wanted = split_edges(self.n_images, splits)
        at = np.searchsorted(self.edges, wanted)
        if not np.array_equal(self.edges[at], wanted):
            raise ValueError(f"this table was not built for {splits} splits: use split_table(p, max_splits={splits})")
        sizes = np.diff(wanted)
        marginals = np.diff(self.probabilities[at], axis=0) / sizes[:, None]
        log_scores: NDArray[np.float64] = -xlogx(marginals).sum(axis=1) - np.diff(self.entropies[at]) / sizes
        # Rounding may leave a score of one a hair below it.
        return np.exp(np.maximum(log_scores, 0))

    def curve(self, counts: Iterable[int]) -> SplitCurve:
        """Return mean and spread of the split scores for several split counts.

        Examples
        --------
        >>> split_table(np.eye(4), max_splits=4).curve([1, 2, 4]).mean
        array([4., 2., 1.])
        """
        numbers = [check_splits(count, self.n_images) for count in counts]
        scores = [self.scores(count) for count in numbers]
        return SplitCurve(
            counts=np.array(numbers, dtype=np.int64),
            mean=np.array([s.mean() for s in scores]),
            std=np.array([s.std() for s in scores]),
        )


@dataclass(frozen=True, eq=False)
class SplitCurve:
    """The score against the number of splits.

    Attributes
    ----------
    counts
        (K,) split counts S.
    mean
        (K,) mean of the S split scores.
    std
        (K,) population standard deviation of the S split scores; not a standard error.
    """

    counts: NDArray[np.int64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    def to_dataframe(self) -> pd.DataFrame:
        """Return a data frame with the columns splits, mean and std (needs pandas)."""
        import pandas as pd

        return pd.DataFrame({"splits": self.counts, "mean": self.mean, "std": self.std})


class SplitSums:
    """Adds up blocks of rows between neighbouring edges, and makes the table of them.

    Parameters
    ----------
    n
        Number of images N.
    n_classes
        Number of classes C.
    counts
        The split counts whose edges are kept.
    """

    def __init__(self, n: int, n_classes: int, counts: Iterable[int]) -> None:
        kept = np.zeros(n + 1, dtype=bool)
        kept[[0, n]] = True
        for count in counts:
            kept[split_edges(n, count)] = True
        self._edges = np.flatnonzero(kept)
        self._probabilities = np.zeros((len(self._edges), n_classes))
        self._entropies = np.zeros(len(self._edges))

    def add(self, start: int, p: Any, entropies: NDArray[np.float64]) -> None:
        """Add the rows p (n, C), of which the first is image `start`, and their entropies (n,)."""
        stop = start + len(entropies)
        first, last = np.searchsorted(self._edges, [start, stop - 1], side="right")
        cuts = np.clip(self._edges[first - 1 : last + 1], start, stop) - start
        spans = list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))
        xp = array_namespace(p)
        sums = xp.concat([xp.sum(p[i:j, :], axis=0, keepdims=True) for i, j in spans])
        self._probabilities[first : last + 1] += to_numpy(sums)
        self._entropies[first : last + 1] += np.add.reduceat(entropies, cuts[:-1])

    def table(self) -> SplitTable:
        """Return the table, once every row has been added; the sums are then used up."""
        np.cumsum(self._probabilities, axis=0, out=self._probabilities)
        return SplitTable(self._edges, self._probabilities, np.cumsum(self._entropies))


def split_table(p: Any, max_splits: int, order: ArrayLike | None = None) -> SplitTable:
    """Read the rows once and return the table that answers every split count up to `max_splits`.

    The table takes about 0.3·max_splits²·C·8 bytes (98 MB for 200 splits of 1000 classes), at most N·C·8.

    Parameters
    ----------
    p
        A `Predictions`, or an (N, C) array or tensor of probabilities.
    max_splits
        The largest split count that will be asked for, from 1 to N.
    order
        (N,) permutation in which the images are taken; None: as they lie.

    Raises
    ------
    ValueError
        If a row is no distribution, `max_splits` is not a whole number from 1 to N, or `order` is no permutation.

    Examples
    --------
    >>> split_table(np.eye(6), max_splits=3).scores(3)
    array([2., 2., 2.])
    """
    rows = read_rows(p)
    largest = check_splits(max_splits, rows.n_images)
    return _table(rows, range(1, largest + 1), order)


def shuffled_order(n: int, seed: int) -> NDArray[np.int64]:
    """Return the order in which torch-fidelity takes n images: numpy.random.RandomState(seed).permutation(n).

    Raises
    ------
    ValueError
        If the seed is not between 0 and 2³² − 1.

    Examples
    --------
    >>> shuffled_order(5, seed=2020)
    array([3, 1, 2, 4, 0])
    """
    return np.random.RandomState(seed).permutation(n)


def split_curve(predictions: Any, counts: Iterable[int], seed: int | None = None) -> SplitCurve:
    """Return the score and its spread for each of several split counts.

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array or tensor of probabilities.
    counts
        Split counts, each from 1 to N, such as range(1, 101).
    seed
        None: the images as they lie; a number: shuffled, see `shuffled_order`.

    Raises
    ------
    ValueError
        If a row is no distribution, or a count is not a whole number from 1 to N.

    Examples
    --------
    Sorted by class, ten perfect classes score 10/S:

    >>> split_curve(np.repeat(np.eye(10), 20, axis=0), [1, 2, 5, 10]).mean.round(9)
    array([10.,  5.,  2.,  1.])
    """
    rows = read_rows(predictions)
    numbers = [check_splits(count, rows.n_images) for count in counts]
    order = None if seed is None else shuffled_order(rows.n_images, seed)
    return _table(rows, numbers, order).curve(numbers)


def _table(rows: Rows, counts: Iterable[int], order: ArrayLike | None) -> SplitTable:
    n = rows.n_images
    permutation = None
    if order is not None:
        permutation = np.asarray(order)
        if permutation.shape != (n,) or not np.array_equal(np.sort(permutation), np.arange(n)):
            raise ValueError(f"order is no permutation: give each of the numbers 0 to {n - 1} once")
    sums = SplitSums(n, rows.n_classes, counts)
    for start, p in rows.blocks(permutation):
        sums.add(start, p, -to_numpy(array_namespace(p).sum(xlogx(p), axis=1)))
    return sums.table()
