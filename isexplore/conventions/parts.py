"""The means over the parts of a sample set, for several ways to cut it, from one pass over the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device

from isexplore.arrays import to_numpy, xlogx
from isexplore.edges import runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from isexplore.arrays import Rows
    from isexplore.conventions.partitions import Partition

# What several tutorials and libraries add inside a logarithm.
EPS = 1e-16


@dataclass(frozen=True, eq=False)
class Parts:
    """The means over the images of each of K parts that hold an image.

    Attributes
    ----------
    empty
        Number of further parts, which hold no image.
    sizes
        (K,) number of images.
    marginals
        (K, C) mean of p(y|x).
    xlogx, xlogx_eps
        (K,) means of Σ p ln p and of Σ p ln(p + 1e-16) over the classes, in nats.
    has_zero
        (K,) whether a probability is zero in the precision of the matrix, see `isexplore.arrays.Rows.vanishing`.
    has_minus_infinity
        (K,) whether a logit is −∞; of probabilities, whether ln p is.
    """

    empty: int
    sizes: NDArray[np.int64]
    marginals: NDArray[np.float64]
    xlogx: NDArray[np.float64]
    xlogx_eps: NDArray[np.float64]
    has_zero: NDArray[np.bool_]
    has_minus_infinity: NDArray[np.bool_]

    @property
    def log_scores(self) -> NDArray[np.float64]:
        """(K,) mean KL divergence to the part's marginal, with 0·ln 0 = 0."""
        return np.asarray(self.xlogx - xlogx(self.marginals).sum(axis=1))

    @property
    def log_scores_eps(self) -> NDArray[np.float64]:
        """(K,) the same with 1e-16 added inside both logarithms."""
        return np.asarray(self.xlogx_eps - (self.marginals * np.log(self.marginals + EPS)).sum(axis=1))


def read_parts(rows: Rows, partitions: Sequence[Partition]) -> list[Parts]:
    """Average the rows over the parts of each partition, reading the matrix once and as it lies.

    Exact zeros stay exact: sums are only added up, never subtracted. Takes 8·K·C bytes for K parts in all.

    Parameters
    ----------
    rows
        N rows p(y|x).
    partitions
        Ways to cut the N images.

    Raises
    ------
    ValueError
        If a row is no distribution.

    Examples
    --------
    >>> from isexplore.arrays import Rows
    >>> from isexplore.conventions.partitions import floor_splits
    >>> (halves,) = read_parts(Rows(np.eye(4)), [floor_splits(4, 2)])
    >>> halves.marginals
    array([[0.5, 0.5, 0. , 0. ],
           [0. , 0. , 0.5, 0.5]])
    """
    sums = [np.zeros((partition.count + 1, rows.n_classes)) for partition in partitions]
    images = np.empty((4, rows.n_images))
    for start, p in rows.blocks():
        stop = start + p.shape[0]
        images[:, start:stop] = _of_each_image(rows, start, p)
        for partition, total in zip(partitions, sums, strict=True):
            _add(total, p, partition.labels[start:stop])
    return [_parts(partition, total[:-1], images) for partition, total in zip(partitions, sums, strict=True)]


def _add(total: NDArray[np.float64], p: Any, labels: NDArray[np.int64]) -> None:
    """Add the rows p (n, C) to the lines of `total` that their labels (n,) name."""
    xp = array_namespace(p)
    if (np.diff(labels) < 0).any():
        order = np.argsort(labels, kind="stable")
        p, labels = xp.take(p, xp.asarray(order, device=device(p)), axis=0), labels[order]
    found = list(runs(labels))
    lines = xp.concat([xp.sum(p[i:j, :], axis=0, keepdims=True) for i, j, _ in found])
    total[[label for _, _, label in found]] += to_numpy(lines)


def _of_each_image(rows: Rows, start: int, p: Any) -> NDArray[np.float64]:
    """Return Σ p ln p, Σ p ln(p + 1e-16), whether a probability is zero and whether a logit is −∞, of rows p."""
    xp = array_namespace(p)
    least = to_numpy(xp.min(p, axis=1))
    minus_infinity = least == 0
    if rows.are_logits and minus_infinity.any():  # a zero may also come from a finite logit
        minus_infinity = to_numpy(xp.any(rows.take(start, start + p.shape[0]) == -np.inf, axis=1))
    xlogx_eps = xp.sum(p * xp.log(p + EPS), axis=1)
    return np.stack([to_numpy(xp.sum(xlogx(p), axis=1)), to_numpy(xlogx_eps), least <= rows.vanishing, minus_infinity])


def _parts(partition: Partition, total: NDArray[np.float64], images: NDArray[np.float64]) -> Parts:
    count = partition.count
    sizes = np.bincount(partition.labels, minlength=count + 1)[:count]
    sums = [np.bincount(partition.labels, line, minlength=count + 1)[:count] for line in images]
    return Parts(
        empty=partition.empty,
        sizes=sizes,
        marginals=total / sizes[:, None],
        xlogx=sums[0] / sizes,
        xlogx_eps=sums[1] / sizes,
        has_zero=sums[2] > 0,
        has_minus_infinity=sums[3] > 0,
    )
