"""What the order of the images may do to the splits by chance, and a sentence where it does more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from isexplore.edges import split_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Random order exceeds the bound less often than this.
WARNING_LEVEL = 0.001


def order_bound(splits: int, b: float, n: int) -> float:
    """Return a JSD of the split marginals that images in random order exceed less than once in a thousand times.

    No permutations are needed. Let χ²_s = Σ_c (m_sc − m_c)²/m_c. As KL ≤ ln(1 + χ²), and by Jensen's inequality,
    JSD ≤ ln(1 + Q/N) with Q = Σ n_s χ²_s. In random order Q is, for large N, Σ_k λ_k χ²_(S−1), where the λ_k are the
    eigenvalues of Cov(p_c/√m_c), and Σ λ_k = B. They are squared canonical correlations of image and label, so at most
    one: Var(Σ_c p_c a_c) ≤ Σ_c m_c a_c², because a row's mean of a has no more variance than a itself. By Laurent and
    Massart (2000, lemma 1), P(Q ≥ (S−1)B + 2·√((S−1)B·t) + 2t) ≤ exp(−t).

    Parameters
    ----------
    splits
        Number of splits S.
    b
        B, see `isexplore.uncertainty.bias_constant`.
    n
        Number of images N.

    Returns
    -------
    float
        In nats.

    Examples
    --------
    Ten splits of 50,000 images of a thousand perfect classes, of which random order is expected to make 0.09:

    >>> round(order_bound(10, b=999.0, n=50_000), 3)
    0.174
    """
    mean, t = (splits - 1) * b, -math.log(WARNING_LEVEL)
    return math.log1p((mean + 2 * math.sqrt(mean * t) + 2 * t) / n)


def order_warnings(log_score: float, split_scores: NDArray[np.float64], b: float, n: int) -> tuple[str, ...]:
    """Say in a sentence where the splits differ more than by chance: see `order_bound`.

    Parameters
    ----------
    log_score
        L = ln IS of all images.
    split_scores
        (S,) scores of the splits.
    b, n
        As in `order_bound`.

    Examples
    --------
    >>> order_warnings(math.log(10), np.ones(10), b=9.0, n=1000)
    ('The images do not lie in random order: the mean of the splits, 1.00, depends on it; the score of all, ...',)
    """
    splits = len(split_scores)
    if splits == 1 or log_score - mean_log(split_scores, n) <= order_bound(splits, b, n):
        return ()
    sentence = (
        f"The images do not lie in random order: the mean of the splits, {split_scores.mean():.2f}, depends on it; the "
        f"score of all, {math.exp(log_score):.2f}, does not."
    )
    return (sentence,)


def mean_log(split_scores: NDArray[np.float64], n: int) -> float:
    """Return Σ w_s ln IS_s, the mean of the logarithms of the split scores, weighted with the splits' sizes.

    Parameters
    ----------
    split_scores
        (S,) scores of contiguous splits.
    n
        Number of images N.

    Examples
    --------
    >>> mean_log(np.exp([1.0, 2.0]), n=5)  # splits of two and three images
    1.6
    """
    sizes = np.diff(split_edges(n, len(split_scores)))
    return float(sizes @ np.log(split_scores)) / n
