"""How many images of each kind there are, and in which order they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["in_turn", "whole_counts"]


def whole_counts(shares: ArrayLike, n: int) -> NDArray[np.intp]:
    """Return whole numbers that sum to n, as near to the shares as can be: those with the largest remainders round up.

    Parameters
    ----------
    shares
        (K,) numbers from 0 on, of which one at least is not 0; only their ratios matter.
    n
        Number of images.

    Examples
    --------
    >>> whole_counts([0.5, 0.3, 0.2], 9)
    array([4, 3, 2])
    """
    weights = np.asarray(shares, dtype=np.float64)
    quotas = n * (weights / weights.sum())
    counts: NDArray[np.intp] = np.floor(quotas).astype(np.intp)
    # Where remainders are equal but for rounding, the first round up.
    largest = np.argsort((counts - quotas).round(9), kind="stable")
    counts[largest[: n - counts.sum()]] += 1
    return counts


def in_turn(counts: ArrayLike) -> NDArray[np.intp]:
    """Return the kind of each image, (N,), where the images of every kind are spread evenly over all.

    Examples
    --------
    >>> in_turn([3, 3])
    array([0, 1, 0, 1, 0, 1])
    >>> in_turn([4, 2])
    array([0, 1, 0, 0, 1, 0])
    """
    counts = np.asarray(counts, dtype=np.intp)
    kinds = np.repeat(np.arange(len(counts)), counts)
    which = np.arange(len(kinds)) - np.repeat(np.cumsum(counts) - counts, counts)
    ordered: NDArray[np.intp] = kinds[np.argsort((which + 0.5) / counts[kinds], kind="stable")]
    return ordered
