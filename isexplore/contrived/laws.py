"""How many of n images show one class: the binomial and the hypergeometric law, by the ratios of their neighbours.

SciPy's are the same to the last digits (the tests say so), but take a second to load, which a slider would show.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Law", "binomial", "hypergeometric"]


@dataclass(frozen=True, eq=False)
class Law:
    """The numbers of images that can be, and how probable each is; those without weight in float64 are left out.

    Attributes
    ----------
    counts : ndarray of int, shape (K,)
    probabilities : ndarray of float, shape (K,)
    """

    counts: NDArray[np.intp]
    probabilities: NDArray[np.float64]


def binomial(images: int, classes: int) -> Law:
    """Return how many of n images show one of C classes, if each is drawn on its own.

    Examples
    --------
    >>> binomial(2, classes=2).probabilities
    array([0.25, 0.5 , 0.25])
    """
    counts = _near(images / classes, 0, images)
    k = counts[:-1]
    return _law(counts, (images - k) / (k + 1) / (classes - 1))


def hypergeometric(images: int, of: int, per_class: int) -> Law:
    """Return how many of n images show one class, if they are drawn without replacement and `per_class` show it.

    Parameters
    ----------
    images
        n.
    of
        How many images there are to draw from.
    per_class
        How many of these show the class.

    Examples
    --------
    >>> hypergeometric(2, of=4, per_class=2).probabilities.round(3)
    array([0.167, 0.667, 0.167])
    """
    counts = _near(images * per_class / of, max(0, images - (of - per_class)), min(per_class, images))
    k = counts[:-1]
    return _law(counts, (per_class - k) * (images - k) / ((k + 1) * (of - per_class - images + k + 1)))


def _near(mean: float, least: int, most: int) -> NDArray[np.intp]:
    """Return the counts that have weight in float64: the variance of neither law is above its mean."""
    reach = 12 * math.sqrt(mean) + 40
    return np.arange(max(least, math.floor(mean - reach)), min(most, math.ceil(mean + reach)) + 1)


def _law(counts: NDArray[np.intp], ratios: NDArray[np.float64]) -> Law:
    """Return the law whose neighbours have these ratios, p(k + 1) / p(k)."""
    logs = np.concatenate([[0.0], np.cumsum(np.log(ratios))])
    weights = np.exp(logs - logs.max())
    return Law(counts, weights / weights.sum())
