"""Where splits and runs of images begin and end, and at which numbers of images sums are kept."""

from __future__ import annotations

import operator
from itertools import pairwise
from typing import TYPE_CHECKING, SupportsIndex

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray


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


def every_edge(n: int, counts: Iterable[int]) -> NDArray[np.intp]:
    """Return the edges of several split counts, sorted, each once.

    Examples
    --------
    >>> every_edge(10, [2, 4])
    array([ 0,  2,  5,  7, 10])
    """
    return _union(n, (split_edges(n, count) for count in counts))


def even_edges(n: int, most: int) -> NDArray[np.intp]:
    """Return the ends of `most` runs of n images, or of all n.

    Examples
    --------
    >>> even_edges(6, 3)
    array([0, 2, 4, 6])
    """
    return np.arange(min(most, n) + 1) * n // min(most, n)


def all_edges(edges: ArrayLike, n: int) -> NDArray[np.intp]:
    """Return the edges sorted, each once, with 0 and n among them.

    Raises
    ------
    ValueError
        If one is no whole number from 0 to n.

    Examples
    --------
    >>> all_edges([4, 2, 4], 6)
    array([0, 2, 4, 6])
    """
    given = np.asarray(edges)
    if given.size and not (np.issubdtype(given.dtype, np.integer) and given.min() >= 0 and given.max() <= n):
        raise ValueError(f"edges must be whole numbers from 0 to {n}, the number of images")
    return _union(n, [given.astype(np.intp)])


def _union(n: int, parts: Iterable[NDArray[np.integer]]) -> NDArray[np.intp]:
    """Return 0, n and all numbers of the parts, sorted, each once."""
    kept = np.zeros(n + 1, dtype=bool)
    kept[[0, n]] = True
    for part in parts:
        kept[part] = True
    return np.flatnonzero(kept)


def runs(labels: NDArray[np.integer]) -> Iterator[tuple[int, int, int]]:
    """Yield where each run of equal labels begins and ends, and its label.

    Examples
    --------
    >>> list(runs(np.array([3, 3, 5])))
    [(0, 2, 3), (2, 3, 5)]
    """
    cuts = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    for start, stop in pairwise(cuts):
        yield start, stop, int(labels[start])
