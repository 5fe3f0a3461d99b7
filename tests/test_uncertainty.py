"""Bias, standard error and interval: closed forms, and simulations with a known true score."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import digamma

from isexplore.score import Score, inception_score
from isexplore.uncertainty import bias_constant, corrected_score, interval, score_bias, standard_error


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
