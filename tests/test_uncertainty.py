"""Bias, standard error and interval: closed forms, and simulations with a known true score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import entropy, ncx2, power_divergence

from isexplore.score import Score, inception_score
from isexplore.summary import Summary, summarise
from isexplore.uncertainty import (
    balanced_interval,
    bias_constant,
    corrected_score,
    interval,
    score_bias,
    standard_error,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


def true_score(alpha: float, n_classes: int) -> float:
    """Return the score of endlessly many Dirichlet(α) rows."""
    return math.exp(math.log(n_classes) - digamma(n_classes * alpha + 1) + digamma(alpha + 1))


def simulate(n: int, n_classes: int, alpha: float, repeats: int = 300) -> list[Score]:
    rng = np.random.default_rng(7)
    return [inception_score(rng.dirichlet(np.full(n_classes, alpha), n), splits=1) for _ in range(repeats)]


def test_true_scores() -> None:
    assert true_score(1, 10) == pytest.approx(1.45298, abs=1e-5)
    assert true_score(0.1, 10) == pytest.approx(4.28897, abs=1e-5)
    assert true_score(0.001, 1000) == pytest.approx(368.5, abs=0.05)


def test_fields_are_the_formulas() -> None:
    p = np.random.default_rng(3).dirichlet(np.full(6, 0.5), 500)
    score = inception_score(p)
    marginal = p.mean(axis=0)
    b = float((p.var(axis=0) / marginal).sum())
    kl = (p * np.log(p / marginal)).sum(axis=1)
    log_score = kl.mean()
    assert score.bias == pytest.approx(math.exp(log_score) * (kl.var() - b) / 1000, rel=1e-9)
    assert score.corrected == pytest.approx(math.exp(log_score + b / 1000) * (1 - kl.var() / 1000), rel=1e-9)
    assert score.standard_error == pytest.approx(math.exp(log_score) * kl.std() / math.sqrt(500), rel=1e-9)
    low, high = score.interval(0.95)
    assert (high + low) / 2 == pytest.approx(score.corrected, rel=1e-9)
    assert (high - low) / 2 == pytest.approx(1.959963984540054 * score.standard_error, rel=1e-9)
    assert score.interval(0.5)[0] > low


def test_one_hot_rows_recover_miller_madow() -> None:
    score = inception_score(np.repeat(np.eye(8), 100, axis=0))
    assert score.standard_error == pytest.approx(0, abs=1e-9)
    assert score.bias / score.overall == pytest.approx(-7 / 1600, rel=1e-9)
    assert score.interval() == (8, 8)


@pytest.mark.parametrize(("n", "n_classes", "alpha"), [(200, 10, 0.1), (300, 10, 1.0), (500, 100, 0.02)])
def test_correction_and_coverage(n: int, n_classes: int, alpha: float) -> None:
    """Over 300 sample sets of known true score; a bias of the wrong sign or size fails the first two checks.

    The third is a loose one: a standard error without the square root, or half as wide, covers far less.
    """
    true, scores = true_score(alpha, n_classes), simulate(n, n_classes, alpha)
    overall = np.array([score.overall for score in scores])
    corrected = np.array([score.corrected for score in scores])
    noise = overall.std() / math.sqrt(len(scores))
    assert abs(corrected.mean() - true) < 0.35 * abs(overall.mean() - true)
    assert np.mean([score.bias for score in scores]) == pytest.approx(overall.mean() - true, abs=4 * noise)
    assert np.mean([score.standard_error for score in scores]) == pytest.approx(overall.std(), rel=0.15)
    covered = np.mean([low <= true <= high for low, high in (score.interval() for score in scores)])
    assert 0.88 <= covered <= 0.99


def test_one_image() -> None:
    score = inception_score([[0.3, 0.7]], splits=1)
    assert (score.overall, score.corrected) == pytest.approx((1, 1), rel=1e-12)
    assert (score.bias, score.standard_error) == pytest.approx((0, 0), abs=1e-12)


def test_functions_keep_within_the_possible_scores() -> None:
    assert corrected_score(math.log(3), b=2.0, variance=0.0, n=3, n_classes=3) == 3
    assert corrected_score(0.0, b=0.0, variance=1.0, n=2, n_classes=3) == 1
    assert interval(9.99, 0.1, 0.95, 10)[1] == 10
    assert interval(1.01, 0.1, 0.95, 10)[0] == 1
    assert bias_constant(np.array([0.5, 0.5, 0.0]), np.array([0.5, 0.5, 0.0])) == pytest.approx(1)
    assert score_bias(2.0, b=1.0, variance=0.0, n=100) == pytest.approx(-0.01)
    assert standard_error(2.0, variance=4.0, n=100) == pytest.approx(0.4)


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, math.nan])
def test_bad_levels(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        interval(2.0, 0.1, level, 10)
    with pytest.raises(ValueError, match="between 0 and 1"):
        balanced_interval(math.log(9.9), 1000, 10, level)
    with pytest.raises(ValueError, match="between 0 and 1"):
        one_hot_summary([100, 100]).interval(level)


# One-hot rows in balanced classes: the χ² law ------------------------------------------------------------------------


def one_hot_summary(counts: list[int]) -> Summary:
    """Return the summary of certain images, counts[c] of class c."""
    n, shares = sum(counts), np.array(counts) / sum(counts)
    logs = np.log(shares[shares > 0])
    variance = float(shares[shares > 0] @ logs**2 - (shares[shares > 0] @ logs) ** 2)
    return summarise(n, shares, shares, np.zeros(len(counts)), max(variance, 0.0))


def covered(shares: NDArray[np.float64], n: int, repeats: int = 400) -> tuple[float, float]:
    """Return how often the summary's and the normal interval hold the true score, of random counts."""
    true, found = math.exp(entropy(shares)), []
    for counts in np.random.default_rng(5).multinomial(n, shares, size=repeats).tolist():
        summary = one_hot_summary(counts)
        normal = interval(summary.corrected, summary.standard_error, 0.95, len(counts))
        found.append([low - 1e-9 <= true <= high + 1e-9 for low, high in (summary.interval(), normal)])
    return tuple(np.mean(found, axis=0))


def test_both_tails_of_the_interval_are_scipys() -> None:
    """At either end, what lies beyond G has half of 1 − level; q is Williams's correction."""
    n, classes, log_score = 2000, 20, math.log(19.6)
    g = 2 * n * (math.log(classes) - log_score) / (1 + (classes + 1) / (6 * n))
    low, high = balanced_interval(log_score, n, classes, 0.9)
    assert ncx2.cdf(g, classes - 1, 2 * n * math.log(classes / low)) == pytest.approx(0.05, rel=1e-6)
    assert ncx2.sf(g, classes - 1, 2 * n * math.log(classes / high)) == pytest.approx(0.05, rel=1e-6)


def test_g_statistic_is_scipys() -> None:
    counts = [95, 110, 100, 103, 92]
    statistic, p = power_divergence(counts, lambda_="log-likelihood")
    summary = one_hot_summary(counts)
    assert 2 * 500 * (math.log(5) - summary.log_score) == pytest.approx(statistic, rel=1e-9)
    assert p > 0.001
    low, high = summary.interval()
    assert (low, high) == balanced_interval(summary.log_score, 500, 5, 0.95)
    assert high == 5


@pytest.mark.parametrize("unevenness", [0, 0.03, 0.1, 0.3])
@pytest.mark.parametrize(("n", "classes"), [(1000, 10), (1000, 2), (200, 10)])
def test_coverage_of_certain_images(n: int, classes: int, unevenness: float) -> None:
    """From equal shares to shares that are clearly unequal, where the normal interval takes over."""
    shares = 1 + unevenness * np.where(np.arange(classes) % 2, 1, -1)
    assert 0.91 <= covered(shares / classes, n)[0] <= 0.99


def test_the_normal_interval_of_balanced_classes_is_too_wide() -> None:
    chi2_law, normal = covered(np.full(100, 0.01), 2000, repeats=200)
    assert normal >= 0.99
    assert chi2_law <= 0.99


def test_missing_classes_do_not_count() -> None:
    counts = [95, 105, 100, 0, 0]
    low, high = one_hot_summary(counts).interval()
    assert 2.9 < low < high == 3
    assert one_hot_summary(counts[:3]).interval() == (low, high)


def test_where_the_chi2_law_does_not_apply() -> None:
    """Rows with some doubt, clearly unequal classes, one class only, too few images to have seen every class."""
    for summary in (
        inception_score(0.9999 * np.repeat(np.eye(5), 100, axis=0) + 0.00002),
        one_hot_summary([300, 100, 100]),
        one_hot_summary([50]),
        one_hot_summary([2, 3, 4, 2, 3]),
    ):
        assert summary.interval() == interval(summary.corrected, summary.standard_error, 0.95, summary.n_classes)


def test_rounded_certainty_is_certain() -> None:
    """Logits of a gap of 30: each row has 1e-11 nats, and two classes are reached by rounding only."""
    logits = 30 * np.eye(12)[np.random.default_rng(0).integers(10, size=2000)]
    counts = (logits > 0).sum(axis=0).tolist()
    assert inception_score(logits=logits).interval() == pytest.approx(one_hot_summary(counts).interval(), rel=1e-6)
