"""The score of some of the images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.arrays import to_numpy, xlogx
from isexplore.matrices import read_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Subset:
    """Some of the images, seen as a sample set of their own.

    Attributes
    ----------
    n_images
        Number of images.
    score
        Their Inception Score as one split; NaN where there are none.
    share
        (C,) their part of p(y) of the whole set: the sum of their rows over N.
    """

    n_images: int
    score: float
    share: NDArray[np.float64]


def score_subset(predictions: Any, mask: ArrayLike, conditional_entropy: NDArray[np.float64] | None = None) -> Subset:
    """Score the images of a mask, exp(H(mean p) − mean H(p)) over them.

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array, tensor or memory map of probabilities.
    mask
        (N,) booleans: which images.
    conditional_entropy
        (N,) H(p(y|x)) of each image in nats, as in `Score.conditional_entropy`, which halves the time. None: it
        is computed.

    Raises
    ------
    ValueError
        If the mask is not one boolean an image.

    Examples
    --------
    >>> score_subset(np.eye(4), [True, True, False, False]).score
    2.0
    """
    rows = read_rows(predictions)
    chosen = np.asarray(mask)
    if chosen.shape != (rows.n_images,) or chosen.dtype != np.bool_:
        raise ValueError(f"a selection is a mask of {rows.n_images} booleans, one an image")
    count = int(chosen.sum())
    if count == 0:
        return Subset(0, math.nan, np.zeros(rows.n_classes))
    total, entropy = np.zeros(rows.n_classes), 0.0
    for _, block in rows.blocks(np.flatnonzero(chosen)):
        total += to_numpy(block).sum(axis=0)
        if conditional_entropy is None:
            entropy -= float(xlogx(block).sum())
    if conditional_entropy is not None:
        entropy = float(conditional_entropy[chosen].sum())
    log_score = -xlogx(total / count).sum() - entropy / count
    return Subset(count, math.exp(max(float(log_score), 0.0)), total / rows.n_images)
