"""Exact tests of many counts at once: whether classes have as many images as a reference, or a share, lets expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["adjusted", "binomial_test", "fisher_test"]


def fisher_test(counts: ArrayLike, n: int, reference_counts: ArrayLike, n_reference: int) -> NDArray[np.float64]:
    """Return the p-value of Fisher's exact test of each class, against all the other images.

    Two-sided as twice the smaller tail, at most one. Of images that are dealt at random into a sample and a reference,
    it holds its level exactly: Fisher 1935, "The Logic of Inductive Inference".

    Parameters
    ----------
    counts, reference_counts
        (C,) images of each class.
    n, n_reference
        All images of the sample and of the reference.

    Returns
    -------
    ndarray of float64, shape (C,)

    Examples
    --------
    >>> fisher_test([3, 17], 20, [10, 10], 20).round(4)
    array([0.0407, 0.0407])
    """
    from scipy.stats import hypergeom

    k, other = np.asarray(counts, dtype=np.int64), np.asarray(reference_counts, dtype=np.int64)
    if not len(k):
        return np.zeros(0)
    total = k + other  # given these, k is hypergeometric
    least, most = np.maximum(total - n_reference, 0), np.minimum(total, n)
    # SciPy's distribution function takes 0.3 ms a class: it is quicker to add up all probabilities of all classes,
    # which are no more than there are images.
    sizes = most - least + 1
    first = np.cumsum(sizes) - sizes
    outcomes = np.arange(sizes.sum()) - np.repeat(first - least, sizes)
    chances = np.exp(hypergeom.logpmf(outcomes, n + n_reference, np.repeat(total, sizes), n))
    here = first + k - least
    lower = np.add.reduceat(np.append(chances, 0.0), np.ravel([first, here + 1], order="F"))[::2]
    upper = np.add.reduceat(np.append(chances, 0.0), np.ravel([here, first + sizes], order="F"))[::2]
    return _two_sided(lower, upper)


def binomial_test(counts: ArrayLike, n: int, share: float) -> NDArray[np.float64]:
    """Return the p-value of the exact binomial test of each count against a share of n images.

    Two-sided as twice the smaller tail, at most one.

    Parameters
    ----------
    counts
        (C,) images of each class.
    n
        All images.
    share
        The part of the images expected, between 0 and 1.

    Returns
    -------
    ndarray of float64, shape (C,)

    Examples
    --------
    >>> binomial_test([3, 10], 20, 0.5).round(4)
    array([0.0026, 1.    ])
    """
    from scipy.stats import binom

    k = np.asarray(counts)
    return _two_sided(np.asarray(binom.cdf(k, n, share)), np.asarray(binom.sf(k - 1, n, share)))


def adjusted(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted for their number: those at most q have a false discovery rate of at most q.

    Benjamini and Hochberg 1995, "Controlling the False Discovery Rate". Where nothing is wrong anywhere, the chance
    that any of them is at most q is at most q. Proven where the p-values are independent, or depend positively
    (Benjamini and Yekutieli 2001: PRDS). Counts of one set depend negatively, as they have one sum; that the rate holds
    for them rests on simulation.

    Parameters
    ----------
    p_values
        (M,) p-values.

    Examples
    --------
    >>> adjusted([0.01, 0.5, 0.04, 0.9])
    array([0.04      , 0.66666667, 0.08      , 0.9       ])
    """
    from scipy.stats import false_discovery_control

    p = np.asarray(p_values, dtype=np.float64)
    return np.asarray(false_discovery_control(p) if len(p) else p, dtype=np.float64)


def _two_sided(lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.float64]:
    p: NDArray[np.float64] = np.minimum(2 * np.minimum(lower, upper), 1.0)
    return p
