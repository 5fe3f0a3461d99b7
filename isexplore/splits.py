"""The score at every split count, from one pass over the rows."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from isexplore.cumulative import USUAL_SPLITS, sums_of
from isexplore.edges import check_splits, every_edge, split_edges
from isexplore.matrices import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

    from isexplore.cumulative import CumulativeSums


MOST_SEEDS = 2**32 - 1  # of numpy.random.RandomState


def several(numbers: Iterable[int], name: str) -> list[int]:
    """Return the numbers as a list.

    Raises
    ------
    TypeError
        If there is one number instead of several.

    Examples
    --------
    >>> several(range(1, 4), "counts")
    [1, 2, 3]
    """
    try:
        return list(numbers)
    except TypeError:
        raise TypeError(f"{name} is {numbers!r}: give several numbers, such as [1, 2, 5]") from None


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
    scores
        K arrays, the S split scores of each count.
    """

    counts: NDArray[np.int64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    scores: tuple[NDArray[np.float64], ...]

    def at(self, splits: int) -> NDArray[np.float64]:
        """Return the (S,) split scores at one of the counts.

        Raises
        ------
        ValueError
            If the curve has no such count.

        Examples
        --------
        >>> split_curve(np.eye(4), [1, 2]).at(2)
        array([2., 2.])
        """
        where = np.flatnonzero(self.counts == splits)
        if not len(where):
            raise ValueError(f"this curve was not made for {splits} splits: give that count to split_curve too")
        return self.scores[int(where[0])]

    def to_dataframe(self) -> pd.DataFrame:
        """Return a data frame with the columns splits, mean and std (needs pandas)."""
        import pandas as pd

        return pd.DataFrame({"splits": self.counts, "mean": self.mean, "std": self.std})


def curve_of(sums: CumulativeSums, counts: Iterable[int]) -> SplitCurve:
    """Return the scores at several split counts, from sums of the rows.

    Examples
    --------
    >>> from isexplore.cumulative import cumulative_sums
    >>> curve_of(cumulative_sums(np.eye(4)), [1, 2, 4]).mean
    array([4., 2., 1.])
    """
    numbers = [check_splits(count, sums.n_images) for count in counts]
    scores = tuple(sums.scores(split_edges(sums.n_images, count)) for count in numbers)
    return SplitCurve(
        counts=np.array(numbers, dtype=np.int64),
        mean=np.array([s.mean() for s in scores]),
        std=np.array([s.std() for s in scores]),
        scores=scores,
    )


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
    return np.random.RandomState(check_seed(seed)).permutation(n)


def check_seed(seed: SupportsIndex) -> int:
    """Return a seed as an int.

    Raises
    ------
    ValueError
        If it is not a whole number between 0 and 2³² − 1.

    Examples
    --------
    >>> check_seed(-1)
    Traceback (most recent call last):
    ValueError: seed is -1: give a whole number from 0 to 4294967295
    """
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number <= MOST_SEEDS:
        raise ValueError(f"seed is {seed!r}: give a whole number from 0 to {MOST_SEEDS}")
    return number


def split_curve(
    predictions: Any = None, counts: Iterable[int] | None = None, seed: int | None = None, *, logits: Any = None
) -> SplitCurve:
    """Return the score and its spread for each of several split counts.

    The sums at all edges are kept meanwhile: 24 MB for 1 to 100 splits of 1000 classes, 98 MB for 1 to 200.

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array or tensor of probabilities.
    counts
        Split counts, each from 1 to N; None: 1 to 100, or to N if that is less.
    seed
        None: the images as they lie; a number: shuffled, see `shuffled_order`.
    logits
        (N, C) logits instead of probabilities.

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
    rows = read_rows(predictions, logits=logits)
    wanted = range(1, min(rows.n_images, USUAL_SPLITS) + 1) if counts is None else several(counts, "counts")
    numbers = [check_splits(count, rows.n_images) for count in wanted]
    order = None if seed is None else shuffled_order(rows.n_images, seed)
    return curve_of(sums_of(rows, every_edge(rows.n_images, numbers), order), numbers)
