"""Scores of splits from how many of their images show each class, where that is known or follows a law."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import entr

from isexplore.edges import split_edges

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from isexplore.contrived.laws import Law

__all__ = ["counts_in_runs", "counts_in_turn", "expected_log_score", "mean_over_sizes", "mean_score"]


def counts_in_turn(classes: int, edges: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return how many images of each run show each class, if image i shows class i mod C.

    Parameters
    ----------
    classes
        C.
    edges
        (S + 1,) where the runs begin and end.

    Returns
    -------
    NDArray
        (S, C) numbers of images.

    Examples
    --------
    >>> counts_in_turn(3, np.array([0, 3, 5]))
    array([[1, 1, 1],
           [1, 1, 0]])
    """
    before = (edges[:, None] + classes - 1 - np.arange(classes)) // classes
    return np.diff(before, axis=0)


def counts_in_runs(kind: NDArray[np.intp], kinds: int, edges: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return how many images of each run are of each kind, (S, K), if image i is of kind[i].

    Examples
    --------
    >>> counts_in_runs(np.array([0, 0, 1, 0]), 2, np.array([0, 2, 4]))
    array([[2, 0],
           [1, 1]])
    """
    parts = np.split(kind, edges[1:-1])
    return np.array([np.bincount(part, minlength=kinds) for part in parts])


def mean_score(counts: NDArray[np.intp], top: float = 1.0) -> float:
    """Return the mean score over runs of images, if the class that an image shows has the top probability.

    Parameters
    ----------
    counts
        (S, C) how many images of each run show each class.
    top
        Probability of the class that an image shows; the others share the rest evenly.

    Examples
    --------
    >>> round(mean_score(np.array([[50, 50], [100, 0]])), 9)
    1.5
    """
    classes = counts.shape[1]
    log = _variety(counts / counts.sum(axis=1, keepdims=True), classes, top).sum(axis=1) - _doubt(classes, top)
    return float(np.exp(log).mean())


def expected_log_score(law: Law, images: int, classes: int, top: float = 1.0) -> float:
    """Return E ln IS of images drawn at random, if the class that an image shows has the top probability.

    Parameters
    ----------
    law
        How many of the images show one class, the same for every class.
    images
        n.
    classes
        C.
    top
        Probability of the class that an image shows; the others share the rest evenly.

    Examples
    --------
    >>> from isexplore.contrived.laws import binomial
    >>> round(float(np.exp(expected_log_score(binomial(50, classes=10), 50, 10))), 3)
    9.099
    """
    share = law.counts / images
    return float(classes * law.probabilities @ _variety(share, classes, top)) - _doubt(classes, top)


def mean_over_sizes(images: int, splits: int, value: Callable[[int], float]) -> float:
    """Return the mean over splits of a value that depends on their size; sizes differ by one image at most.

    Examples
    --------
    >>> mean_over_sizes(10, 4, float)
    2.5
    """
    sizes, times = np.unique(np.diff(split_edges(images, splits)), return_counts=True)
    return float(times @ [value(int(size)) for size in sizes] / splits)


def _variety(share: NDArray[np.float64], classes: int, top: float) -> NDArray[np.float64]:
    """Return what a class adds to H(p(y)) that such a share of the images shows."""
    rest = _rest(classes, top)
    added: NDArray[np.float64] = entr(rest + (top - rest) * share)
    return added


def _doubt(classes: int, top: float) -> float:
    """Return H(p(y|x)) of each image."""
    return float(entr(top) + (classes - 1) * entr(_rest(classes, top)))


def _rest(classes: int, top: float) -> float:
    """Return the probability of each class that an image does not show; one class alone has no others."""
    return (1 - top) / max(classes - 1, 1)
