"""The interval of a score where σ² = Var(KL) is zero, or nearly: equally likely classes, all images as sure.

There L = ln IS does not vary like a normal variable. With K classes, H(p(y)) falls short of ln K by noise alone, and

    G = 2N·(ln K − H(p(y)))·(K − 1)/B

follows a χ² law with K − 1 degrees of freedom: B/(K − 1) is one for certain images (the G test of equal shares), and
what doubt leaves of the noise for others, as 2N·KL(p(y)‖true p(y)) is Σ λ_k·χ²₁ with weights λ_k that sum to B. Where
the classes are nearly equally likely, the law is noncentral, with ln K − true H(p(y)) in place of ln K − H(p(y)).
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from isexplore.uncertainty import ROUNDING, check_level

if TYPE_CHECKING:
    from isexplore.summary import Summary

# Refused where equally likely classes would make G as large less often than 1 − this.
BALANCED = 0.999
# This many of the classes may be expected to be missing by chance.
UNSEEN = 0.01
# A class with less than this has been reached by rounding only.
HALF_AN_IMAGE = 0.5


def is_balanced(summary: Summary) -> bool:
    """Say whether the images may well come from equally likely classes, with the same KL for all of them.

    Neither G nor N·σ²·(K − 1)²/B², which is the same where only the shares of the classes make KL vary, may exceed the
    99.9 % quantile of the χ² law: sd(KL)/√N is then no more than of the order of B/2N. And the images must be so many
    that all of K equally likely classes are almost surely seen, K·exp(−N/K) ≤ 0.01.

    The law is exact, for many images, where the doubt is symmetric: each image has the same probabilities, but for the
    order of the classes. Doubt of unequal kinds seldom passes, as KL or p(y) then vary more.

    Examples
    --------
    >>> import isexplore as ix
    >>> rows = np.repeat([[0.9, 0.1], [0.1, 0.9]], [505, 495], axis=0)
    >>> is_balanced(ix.inception_score(rows)), is_balanced(ix.inception_score(rows[200:]))
    (True, False)
    """
    n, classes = summary.n_images, _reached(summary)
    if classes <= 1 or summary.bias_constant < ROUNDING**2 or classes * math.exp(-n / classes) > UNSEEN:
        return False
    # The quantile is that of Wilson and Hilferty (1931), within 4 %: SciPy would slow the start of every score.
    part = 2 / (9 * (classes - 1))
    quantile = (classes - 1) * (1 - part + NormalDist().inv_cdf(BALANCED) * math.sqrt(part)) ** 3
    varied = n * summary.kl_variance / _weight(summary) ** 2
    return max(_g_statistic(summary), varied) <= quantile


def balanced_interval(summary: Summary, level: float) -> tuple[float, float]:
    """Return the confidence interval for the score of images that `is_balanced`.

    It holds the true scores for which G is not among the outermost 1 − level (at the lower end with half an image of
    continuity, 1/N). It is a single point, that of equal classes, where even these rarely come out so even: equal
    counts were not drawn at random.

    Both ends are widened by the normal error of the mean doubt. Its variance is what σ² exceeds its part by that the
    shares of the classes explain, 2·B/(K − 1)·(ln K − H(p(y))); at least 4/N of that part, as the two may cancel by a
    chance correlation of 1/√N; and no more than a mean doubt of h allows, h·(ln K − h) (Bhatia and Davis 2000).

    Parameters
    ----------
    summary
        Of images that reach at least two classes.
    level
        Confidence level, between 0 and 1.

    Raises
    ------
    ValueError
        If the level does not lie between 0 and 1.

    Examples
    --------
    >>> import isexplore as ix
    >>> low, high = balanced_interval(ix.inception_score(np.repeat(np.eye(2), [520, 480], axis=0)), level=0.95)
    >>> round(low, 3), round(high, 3)
    (1.99, 2.0)
    """
    check_level(level)
    n, classes, weight, g = summary.n_images, _reached(summary), _weight(summary), _g_statistic(summary)
    short = max(math.log(classes) - summary.marginal_entropy, 0.0)
    doubt = max(summary.marginal_entropy - summary.log_score, 0.0)
    explained = 2 * weight * short
    most = doubt * max(math.log(classes) - doubt, 0.0)
    rest = min(max(summary.kl_variance - explained, 0.0) + 4 * explained / n, most)
    reach = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(rest / n) + min(doubt, ROUNDING)
    high = weight * _noncentrality(g + 1 / n, classes - 1, (1 - level) / 2) / (2 * n)
    low = weight * _noncentrality(g, classes - 1, (1 + level) / 2) / (2 * n)
    ends = (classes * math.exp(-doubt - high - reach), classes * math.exp(-doubt - low + reach))
    return max(ends[0], 1.0), min(ends[1], float(classes))


def _reached(summary: Summary) -> int:
    return int(np.count_nonzero(summary.n_images * summary.marginal >= HALF_AN_IMAGE))


def _weight(summary: Summary) -> float:
    return summary.bias_constant / (_reached(summary) - 1)


def _g_statistic(summary: Summary) -> float:
    """Return G with Williams's (1976) correction, which brings it closer to χ²."""
    n, classes = summary.n_images, _reached(summary)
    short = max(math.log(classes) - summary.marginal_entropy, 0.0)
    return 2 * n * short / _weight(summary) / (1 + (classes + 1) / (6 * n))


def _noncentrality(g: float, freedom: int, tail: float) -> float:
    """Return the δ ≥ 0 for which a noncentral χ² variable stays below g with this probability; 0 if there is none."""
    from scipy.optimize import brentq
    from scipy.special import chdtr, chndtr

    if chdtr(freedom, g) <= tail:
        return 0.0
    most = g + 1.0
    while chndtr(g, freedom, most) > tail:
        most *= 2
    return float(brentq(lambda delta: chndtr(g, freedom, delta) - tail, 0.0, most))
