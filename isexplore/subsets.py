"""The score of some of the images, from what the score of all of them has computed already."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.arrays import read_rows, to_numpy, xlogx

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Subset:
    """Some of the images, seen as a sample set of their own.

    Attributes
    ----------
    n_images : int
    score : float
        Their Inception Score as one split; NaN where there are none.
    share : ndarray, shape (C,)
        Their part of p(y) of the whole set: the sum of their rows over N.
    """

    n_images: int
    score: float
    share: NDArray[np.float64]


def score_subset(predictions: Any, conditional_entropy: NDArray[np.float64], mask: NDArray[np.bool_]) -> Subset:
    """Score the images of a mask, exp(H(mean p) − mean H(p)) over them.

    Parameters
    ----------
    predictions : Predictions or array, shape (N, C)
    conditional_entropy : ndarray, shape (N,)
        H(p(y|x)) of each image in nats, as in `Score.conditional_entropy`.
    mask : ndarray of bool, shape (N,)

    Returns
    -------
    Subset

    Raises
    ------
    ValueError
        If the mask is not one boolean an image.

    Examples
    --------
    >>> score_subset(np.eye(4), np.zeros(4), np.array([True, True, False, False])).score
    2.0
    """
    rows = read_rows(predictions)
    if mask.shape != (rows.n_images,) or mask.dtype != np.bool_:
        raise ValueError(f"a selection is a mask of {rows.n_images} booleans, one an image")
    count = int(mask.sum())
    if count == 0:
        return Subset(0, math.nan, np.zeros(rows.n_classes))
    total = np.zeros(rows.n_classes)
    for _, block in rows.blocks(np.flatnonzero(mask)):
        total += to_numpy(block).sum(axis=0)
    log_score = -xlogx(total / count).sum() - conditional_entropy[mask].mean()
    return Subset(count, math.exp(max(float(log_score), 0.0)), total / rows.n_images)
