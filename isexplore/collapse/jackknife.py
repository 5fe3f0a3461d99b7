"""The standard error of the bias-corrected ln IS, L + B/2n, where few images or rare classes make up the score.

There sd(KL)/√n is too small, and a test that goes by it fires too often. The jackknife's standard error errs upwards
(Efron & Stein 1981, "The Jackknife Estimate of Variance"), and has a closed form: with k = n·exp(−KL) images
that are as if they shared the image's class, leaving the image out takes from n·(L + B/2n), up to a constant,

    J = KL + (k − 1)·ln(1 − 1/k) + max(2 − k, 0)/2        so that        Var(L + B/2n) = Var(J)/n

This is exact for certain images (one-hot rows), whose class has k images; its last term is that of B, the number of
classes seen. Where k is large, Var(J) is σ² = Var(KL). Of the noise of p(y), which is of second order, as much is kept
as in `isexplore.uncertainty.interval_error`: where all images have the same KL, nothing else is left.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from isexplore.score import Score

__all__ = ["log_corrected", "log_error"]


def log_corrected(score: Score) -> float:
    """Return ln IS with its first-order bias taken out, L + B/2n, in nats.

    Examples
    --------
    >>> import isexplore as ix
    >>> round(log_corrected(ix.inception_score(np.repeat(np.eye(2), 50, axis=0))) - math.log(2), 3)
    0.005
    """
    return score.log_score + score.bias_constant / (2 * score.n_images)


def log_error(score: Score) -> float:
    """Return the standard error of `log_corrected`, in nats, for images that were drawn independently.

    Examples
    --------
    >>> import isexplore as ix
    >>> ninety_ten = ix.inception_score(np.repeat(np.eye(2), [10, 90], axis=0))
    >>> round(math.sqrt(ninety_ten.kl_variance / 100), 4), round(log_error(ninety_ten), 4)
    (0.0659, 0.0673)
    """
    n, b = score.n_images, score.bias_constant
    k = np.maximum(n * np.exp(-score.kl), 1.0)  # at least the image itself
    with np.errstate(divide="ignore", invalid="ignore"):
        others = np.where(k > 1, (k - 1) * np.log1p(-1 / k), 0.0)
    leaving = score.kl + others + np.maximum(2 - k, 0) / 2
    return math.sqrt(max(float(leaving.var()) / n, min(b, b**2) / (2 * n**2)))
