"""Bias, standard error and interval: closed forms, and simulations with a known true score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.special import digamma, rel_entr, softmax, xlogy
from scipy.stats import entropy, ncx2, power_divergence

from isexplore.balance import balanced_interval, is_balanced
from isexplore.score import Score, inception_score
from isexplore.summary import Summary, summarise
from isexplore.uncertainty import (
    bias_constant,
    corrected_score,
    interval,
    interval_error,
    score_bias,
    size_warnings,
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
        balanced_interval(one_hot_summary([100, 100]), level)
    with pytest.raises(ValueError, match="between 0 and 1"):
        one_hot_summary([100, 100]).interval(level)


# Equally likely classes: the χ² law -----------------------------------------------------------------------------------


def counted(rows: NDArray[np.float64], counts: list[int]) -> Summary:
    """Return the summary of counts[j] images with the probabilities rows[j]."""
    n, drawn = sum(counts), np.array(counts) > 0
    rows, weights = rows[drawn], np.array(counts)[drawn] / n
    marginal, terms = weights @ rows, xlogy(rows, rows)
    kl = rel_entr(rows, marginal).sum(axis=1)
    variance = float(weights @ (kl - weights @ kl) ** 2)
    return summarise(n, marginal, weights @ rows**2, weights @ terms, variance)


def one_hot_summary(counts: list[int]) -> Summary:
    """Return the summary of certain images, counts[c] of class c."""
    return counted(np.eye(len(counts)), counts)


def equally_sure(classes: int, gap: float) -> NDArray[np.float64]:
    """Return one row for each class, all with the same doubt: this much between its logit and the others."""
    return np.asarray(softmax(gap * np.eye(classes), axis=1))


def covered(rows: NDArray[np.float64], shares: NDArray[np.float64], n: int, repeats: int = 400) -> tuple[float, float]:
    """Return how often the summary's and the normal interval hold the true score, of random counts."""
    true, found = math.exp(entropy(shares @ rows) - shares @ entropy(rows, axis=1)), []
    for counts in np.random.default_rng(5).multinomial(n, shares, size=repeats).tolist():
        summary = counted(rows, counts)
        normal = interval(summary.corrected, summary.standard_error, 0.95, summary.n_classes)
        found.append([low - 1e-9 <= true <= high + 1e-9 for low, high in (summary.interval(), normal)])
    return tuple(np.mean(found, axis=0))


def test_both_tails_of_the_interval_are_scipys() -> None:
    """At either end, what lies beyond G has half of 1 − level; q is Williams's correction, 1/n that for continuity."""
    n, classes = 2000, 20
    summary = one_hot_summary([100 + 18 * (-1) ** c for c in range(classes)])
    g = 2 * n * (math.log(classes) - summary.log_score) / (1 + (classes + 1) / (6 * n))
    low, high = balanced_interval(summary, 0.9)
    assert ncx2.cdf(g + 1 / n, classes - 1, 2 * n * math.log(classes / low)) == pytest.approx(0.05, rel=1e-6)
    assert ncx2.sf(g, classes - 1, 2 * n * math.log(classes / high)) == pytest.approx(0.05, rel=1e-6)


def test_g_statistic_is_scipys() -> None:
    counts = [95, 110, 100, 103, 92]
    statistic, p = power_divergence(counts, lambda_="log-likelihood")
    summary = one_hot_summary(counts)
    assert 2 * 500 * (math.log(5) - summary.log_score) == pytest.approx(statistic, rel=1e-9)
    assert p > 0.001
    low, high = summary.interval()
    assert (low, high) == balanced_interval(summary, 0.95)
    assert high == 5


@pytest.mark.parametrize("unevenness", [0, 0.03, 0.1, 0.3])
@pytest.mark.parametrize(("n", "classes"), [(1000, 10), (1000, 2), (200, 10)])
def test_coverage_of_certain_images(n: int, classes: int, unevenness: float) -> None:
    """From equal shares to shares that are clearly unequal, where the normal interval takes over."""
    shares = 1 + unevenness * np.where(np.arange(classes) % 2, 1, -1)
    assert 0.91 <= covered(np.eye(classes), shares / classes, n)[0] <= 0.99


@pytest.mark.parametrize("gap", [1, 3, 8])
@pytest.mark.parametrize(("n", "classes"), [(100, 2), (1000, 2), (50_000, 2), (1000, 3), (1000, 10)])
def test_coverage_of_equal_doubt(n: int, classes: int, gap: float) -> None:
    """σ² is zero; the normal interval misses one in six with two classes."""
    found, normal = covered(equally_sure(classes, gap), np.full(classes, 1 / classes), n)
    assert found >= 0.93
    if classes == 2 and gap < 8:  # there the normal interval's clipping at a score of 2 saves it at times
        assert normal <= 0.9


@pytest.mark.parametrize("difference", [0.05, 0.2, 0.5, 1])
@pytest.mark.parametrize(("n", "classes", "gap"), [(100, 2, 3), (1000, 2, 3), (1000, 10, 5)])
def test_coverage_of_nearly_equal_doubt(n: int, classes: int, gap: float, difference: float) -> None:
    """From where the χ² law rules to where the normal interval does."""
    rows = np.concatenate([equally_sure(classes, gap - difference), equally_sure(classes, gap + difference)])
    assert covered(rows, np.full(2 * classes, 0.5 / classes), n)[0] >= 0.92


@pytest.mark.parametrize("n", [100, 1000, 50_000])
def test_coverage_where_the_marginal_is_not_uniform_either(n: int) -> None:
    """σ² is zero, but a third class has a little of every image: no χ² law of equal shares."""
    rows = np.array([[0.9, 0.08, 0.02], [0.08, 0.9, 0.02]])
    found, normal = covered(rows, np.full(2, 0.5), n)
    assert not is_balanced(counted(rows, [n // 2, n // 2]))
    assert normal <= 0.9
    assert found >= 0.93


def test_the_error_is_never_below_that_of_the_marginal() -> None:
    """With one weight λ = B, 2n·(true L − L) is B·χ²₁, of variance 2·B²; and no weights of sum B vary more than 2·B."""
    assert interval_error(3.0, b=0.5, variance=0.0, n=100) == pytest.approx(3 * math.sqrt(2 * 0.5**2) / 200)
    assert interval_error(3.0, b=8.0, variance=0.0, n=100) == pytest.approx(3 * math.sqrt(2 * 8) / 200)
    assert interval_error(3.0, b=8.0, variance=1.0, n=100) == standard_error(3.0, 1.0, 100)


def test_the_normal_interval_of_balanced_classes_is_too_wide() -> None:
    chi2_law, normal = covered(np.eye(100), np.full(100, 0.01), 2000, repeats=200)
    assert normal >= 0.99
    assert chi2_law <= 0.99


def test_missing_classes_do_not_count() -> None:
    counts = [95, 105, 100, 0, 0]
    low, high = one_hot_summary(counts).interval()
    assert 2.9 < low < high == 3
    assert one_hot_summary(counts[:3]).interval() == (low, high)


def test_where_the_chi2_law_does_not_apply() -> None:
    """Clearly unequal classes, one class only, images of unequal doubt, few images for the classes, none for any."""
    unequal = np.concatenate([equally_sure(5, 2), equally_sure(5, 6)])
    for summary in (
        one_hot_summary([300, 100, 100]),
        one_hot_summary([50]),
        counted(unequal, [100] * 10),
        one_hot_summary([2, 3, 4, 2, 3]),
        counted(equally_sure(50, 0.1), [1] * 10 + [0] * 40),
    ):
        error = interval_error(summary.overall, summary.bias_constant, summary.kl_variance, summary.n_images)
        assert not is_balanced(summary)
        assert summary.interval() == interval(summary.corrected, error, 0.95, summary.n_classes)


def test_rounded_certainty_is_certain() -> None:
    """Logits of a gap of 30: each row has 1e-11 nats, and two classes are reached by rounding only."""
    logits = 30 * np.eye(12)[np.random.default_rng(0).integers(10, size=2000)]
    counts = (logits > 0).sum(axis=0).tolist()
    assert inception_score(logits=logits).interval() == pytest.approx(one_hot_summary(counts).interval(), rel=1e-6)


# Warnings of small sets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "splits", "b", "words"),
    [
        (1, 1, 0.0, "1 image always scores 1: use more images."),
        (2, 1, 0.01, "2 images are few: the correction and the interval are only a rough guide."),
        (29, 1, 1.0, "29 images are few: the correction"),
        (29, 1, 9.0, "29 images are few for this many classes"),
        (200, 200, 1.0, "Splits of 1 image always score 1: use fewer splits"),
    ],
)
def test_small_sets_are_warned_of(n: int, splits: int, b: float, words: str) -> None:
    (warning,) = size_warnings(n, splits, b, variance=0.0, effective_classes=1.0)
    assert warning.startswith(words)


def test_thirty_images_are_enough() -> None:
    assert size_warnings(30, 1, 1.0, variance=0.0, effective_classes=2.0) == ()


def test_a_summary_warns_as_a_score_of_one_split() -> None:
    for counts in ([15, 16], [1, 1], [1, 0], [3] * 10, [1] * 40):
        score = inception_score(np.repeat(np.eye(len(counts)), counts, axis=0), splits=1)
        assert one_hot_summary(counts).warnings == score.warnings
    assert one_hot_summary([15, 16]).warnings == ()
    assert "few for this many classes" in one_hot_summary([1] * 40).warnings[0]
    assert inception_score(np.tile(np.eye(10), (450, 1)), splits=450).warnings != ()
