"""How far a score can be off: bias with the number of images, standard error, interval.

First-order (delta method) formulas for L = ln IS of N images, with the marginal m and two constants of the
distribution of the rows p:

    B = Σ_c Var(p_c) / m_c        bias(L) ≈ −B / 2N       (Miller–Madow's (C−1)/2N for one-hot rows)
    σ² = Var(KL(p‖m))             Var(L)  ≈ σ² / N

The variances are over the N rows (divided by N, not N − 1: the difference is of second order).
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Above this value of B/2n the first-order bias formula no longer holds.
FIRST_ORDER_LIMIT = 0.1
# A first-order bias above this share is only a rough guide.
HALF = 0.5
# Ten equal classes may come out as 10 and a little.
ROUNDING = 1e-6
# Fewer images than this are too few for a normal interval.
FEW_IMAGES = 30


def bias_constant(marginal: NDArray[np.float64], mean_square: NDArray[np.float64]) -> float:
    """Return B = Σ_c Var(p_c)/m_c, between 0 and C − 1.

    Parameters
    ----------
    marginal
        (C,) mean of p_c over the images.
    mean_square
        (C,) mean of p_c² over the images.

    Examples
    --------
    One-hot rows, balanced over four classes:

    >>> bias_constant(np.full(4, 0.25), np.full(4, 0.25))
    3.0
    """
    seen = marginal > 0
    variance = np.maximum(mean_square[seen] - marginal[seen] ** 2, 0)
    return float(np.sum(variance / marginal[seen]))


def score_bias(score: float, b: float, variance: float, n: int) -> float:
    """Return the estimated bias of a score of n images, IS·(σ² − B)/2n.

    Parameters
    ----------
    score
        The score IS = exp(L) of all images.
    b
        B, see `bias_constant`.
    variance
        σ², the variance of the images' KL divergences, in nats².
    n
        Number of images.

    Examples
    --------
    >>> score_bias(8.0, b=9.0, variance=1.0, n=1000)
    -0.032
    """
    return score * (variance - b) / (2 * n)


def corrected_score(log_score: float, b: float, variance: float, n: int, n_classes: int) -> float:
    """Return the score with its first-order bias taken out, exp(L + B/2n)·(1 − σ²/2n), within [1, C].

    Parameters
    ----------
    log_score
        L = ln IS, in nats.
    b, variance, n
        As in `score_bias`.
    n_classes
        C, the largest score there is.

    Examples
    --------
    >>> round(corrected_score(np.log(8.0), b=9.0, variance=1.0, n=1000, n_classes=10), 4)
    8.0321
    """
    corrected = math.exp(log_score + b / (2 * n)) * (1 - variance / (2 * n))
    return min(max(corrected, 1.0), float(n_classes))


def standard_error(score: float, variance: float, n: int) -> float:
    """Return the standard error of the score of n images, IS·σ/√n (delta method).

    Parameters
    ----------
    score, variance, n
        As in `score_bias`.

    Examples
    --------
    >>> standard_error(8.0, variance=1.0, n=6400)
    0.1
    """
    return score * math.sqrt(variance / n)


def check_level(level: float) -> None:
    """Refuse a confidence level that does not lie between 0 and 1.

    Raises
    ------
    ValueError
        If it does not.

    Examples
    --------
    >>> check_level(95)
    Traceback (most recent call last):
    ValueError: level is 95: give a number between 0 and 1, such as 0.95
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}: give a number between 0 and 1, such as 0.95")


def interval(centre: float, error: float, level: float, n_classes: int) -> tuple[float, float]:
    """Return the normal confidence interval centre ± z·error, clipped to the possible scores [1, C].

    Parameters
    ----------
    centre
        The corrected score.
    error
        Its standard error.
    level
        Confidence level, between 0 and 1.
    n_classes
        C, the largest score there is.

    Raises
    ------
    ValueError
        If the level does not lie between 0 and 1.

    Examples
    --------
    >>> low, high = interval(8.0, 0.1, level=0.95, n_classes=10)
    >>> round(low, 3), round(high, 3)
    (7.804, 8.196)
    """
    check_level(level)
    reach = NormalDist().inv_cdf((1 + level) / 2) * error
    return max(centre - reach, 1.0), min(centre + reach, float(n_classes))


def interval_error(score: float, b: float, variance: float, n: int) -> float:
    """Return the standard error for an interval: IS·σ/√n, but no less than what is left where σ² is zero.

    There only the noise of p(y) remains: 2n·(ln of the true score − L) is to second order Σ λ_k·χ²₁ with weights
    0 ≤ λ_k ≤ 1 that sum to B, so that its variance 2·Σ λ_k² is at most 2·min(B, B²).

    Parameters
    ----------
    score, b, variance, n
        As in `score_bias`.

    Examples
    --------
    >>> interval_error(2.0, b=1.0, variance=0.04, n=100), round(interval_error(2.0, b=1.0, variance=0.0, n=100), 4)
    (0.04, 0.0141)
    """
    return max(standard_error(score, variance, n), score * math.sqrt(min(b, b**2) / 2) / n)


def size_warnings(n: int, splits: int, b: float, variance: float, effective_classes: float) -> tuple[str, ...]:
    """Say in sentences where the splits or the whole set are too small.

    A split of n images scores n at most, so it needs more images than there are effective classes; and its first-order
    bias should be small, B/2n ≤ 0.1. Below 30 images the interval is no longer to be relied on.

    Parameters
    ----------
    n, b, variance
        As in `score_bias`.
    splits
        Number of contiguous splits of the n images.
    effective_classes
        exp(H(p(y))).

    Examples
    --------
    >>> size_warnings(1000, splits=25, b=9.0, variance=0.0, effective_classes=10)
    ('Splits of 40 images are small: their scores are biased low by about 11 %.',)
    """
    smallest = n // splits
    sentences = []
    if n == 1:
        return ("1 image always scores 1: use more images.",)
    if smallest == 1:
        sentences.append("Splits of 1 image always score 1: use fewer splits or more images.")
    elif splits > 1 and smallest < effective_classes - ROUNDING:
        sentences.append(
            f"Splits of {smallest} images cannot score above {smallest}, but p(y) is as varied as "
            f"{effective_classes:.0f} equal classes: use fewer splits or more images."
        )
    elif splits > 1 and b / (2 * smallest) > FIRST_ORDER_LIMIT:
        low = -math.expm1((variance - b) / (2 * smallest))
        share = f"about {100 * low:.0f} %" if low < HALF else "half or more"
        sentences.append(f"Splits of {smallest} images are small: their scores are biased low by {share}.")
    if b / (2 * n) > FIRST_ORDER_LIMIT:
        sentences.append(
            f"{n} images are few for this many classes: the score is biased low, and the correction (first order) is "
            "unreliable."
        )
    elif n < FEW_IMAGES:
        sentences.append(f"{n} images are few: the correction and the interval are only a rough guide.")
    return tuple(sentences)
