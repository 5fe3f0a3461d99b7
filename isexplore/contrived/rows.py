"""Rows p(y|x) in few numbers: most images of a scenario have the same row, or the same row turned to another class.

Their sums cost next to nothing, so that a slider can be moved over 50,000 × 1000 numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import entr

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Distinct", "Rows", "Turned", "one_top"]

ROUNDING = 1e-14


class Rows(Protocol):
    """The rows of N images over C classes."""

    @property
    def n_images(self) -> int:
        """N."""

    @property
    def n_classes(self) -> int:
        """C."""

    def take(self, images: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the rows of n images, (n, C)."""

    def entropies(self) -> NDArray[np.float64]:
        """Return H(p(y|x)) of each image in nats, (N,)."""

    def kinds(self) -> NDArray[np.intp]:
        """Return a number for each image, (N,): images of one number have the same row."""

    def marginals(self, edges: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the mean row of each of S runs of images, (S, C); run s goes from image edges[s] to edges[s + 1]."""


@dataclass(frozen=True, eq=False)
class Distinct:
    """K distinct rows, each of which several images have.

    Attributes
    ----------
    rows : ndarray of float, shape (K, C)
    which : ndarray of int, shape (N,)
        The row that each image has.

    Examples
    --------
    >>> two = Distinct(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0, 0, 1, 1]))
    >>> two.marginals(np.array([0, 2, 4]))
    array([[1. , 0. ],
           [0.5, 0.5]])
    """

    rows: NDArray[np.float64]
    which: NDArray[np.intp]

    @property
    def n_images(self) -> int:
        """N."""
        return len(self.which)

    @property
    def n_classes(self) -> int:
        """C."""
        return int(self.rows.shape[1])

    def take(self, images: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the rows of some images."""
        taken: NDArray[np.float64] = self.rows[self.which[images]]
        return taken

    def entropies(self) -> NDArray[np.float64]:
        """Return H(p(y|x)) of each image in nats."""
        each: NDArray[np.float64] = entr(self.rows).sum(axis=1)
        return each[self.which]

    def kinds(self) -> NDArray[np.intp]:
        """Return the row's number of each image."""
        return self.which

    def marginals(self, edges: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the mean row of each run of images."""
        runs, k = len(edges) - 1, len(self.rows)
        counts = np.bincount(_runs(edges) * k + self.which, minlength=runs * k).reshape(runs, k)
        mean: NDArray[np.float64] = counts @ self.rows / np.diff(edges)[:, None]
        return mean


@dataclass(frozen=True, eq=False)
class Turned:
    """K shapes of rows, each turned to the class that an image shows: p_i(c) = shape(c − label_i mod C).

    Attributes
    ----------
    shapes : ndarray of float, shape (K, C)
        The row of an image of class 0.
    shape : ndarray of int, shape (N,)
        The shape that each image has.
    label : ndarray of int, shape (N,)
        The class that each image shows.

    Examples
    --------
    >>> sure = Turned(np.array([[0.9, 0.1, 0.0]]), np.zeros(3, int), np.array([0, 1, 2]))
    >>> sure.take(np.array([2]))
    array([[0.1, 0. , 0.9]])
    >>> sure.marginals(np.array([0, 3])).round(3)
    array([[0.333, 0.333, 0.333]])
    """

    shapes: NDArray[np.float64]
    shape: NDArray[np.intp]
    label: NDArray[np.intp]

    @property
    def n_images(self) -> int:
        """N."""
        return len(self.label)

    @property
    def n_classes(self) -> int:
        """C."""
        return int(self.shapes.shape[1])

    def take(self, images: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the rows of some images."""
        # Every turn of a shape is a window of the shape written twice.
        windows = sliding_window_view(np.concatenate([self.shapes, self.shapes], axis=1), self.n_classes, axis=1)
        taken: NDArray[np.float64] = windows[self.shape[images], self.n_classes - self.label[images]]
        return taken

    def entropies(self) -> NDArray[np.float64]:
        """Return H(p(y|x)) of each image in nats."""
        each: NDArray[np.float64] = entr(self.shapes).sum(axis=1)
        return each[self.shape]

    def kinds(self) -> NDArray[np.intp]:
        """Return a number for each shape and class."""
        return self.shape * self.n_classes + self.label

    def marginals(self, edges: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the mean row of each run of images: of each shape that is there, folded with its counts of classes."""
        runs, (k, c) = len(edges) - 1, self.shapes.shape
        pair = _runs(edges) * k + self.shape
        is_there = np.bincount(pair, minlength=runs * k) > 0
        place, present = np.cumsum(is_there) - 1, np.flatnonzero(is_there)
        counts = np.bincount(place[pair] * c + self.label, minlength=len(present) * c).reshape(-1, c)
        folded = np.fft.rfft(counts) * np.fft.rfft(self.shapes)[present % k]
        sums = np.add.reduceat(folded, np.searchsorted(present // k, np.arange(runs)))
        mean: NDArray[np.float64] = np.fft.irfft(sums, c) / np.diff(edges)[:, None]
        # Rounding leaves up to some 1e-16 to either side of zero, where a class never comes.
        return np.where(mean < ROUNDING, 0, mean)


def one_top(classes: int, label: NDArray[np.intp], top: float = 1.0) -> Turned:
    """Return rows with the top probability for these classes, (N,); the others share the rest evenly.

    Examples
    --------
    >>> one_top(3, np.array([0, 2]), 0.5).take(np.array([1]))
    array([[0.25, 0.25, 0.5 ]])
    """
    shape = np.full((1, classes), (1 - top) / (classes - 1))
    shape[0, 0] = top
    return Turned(shape, np.zeros_like(label), label)


def _runs(edges: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the run that each image is in."""
    return np.repeat(np.arange(len(edges) - 1), np.diff(edges))
