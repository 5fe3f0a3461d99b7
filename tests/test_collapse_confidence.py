"""Low confidence and over-confidence: against SciPy's tests, planted garbage, and simulated levels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, fisher_exact, mannwhitneyu, ttest_ind

from isexplore.collapse.confidence import check_confidence
from isexplore.collapse.evidence import Evidence, Side, side_of
from isexplore.collapse.welch import welch
from isexplore.predictions import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.collapse.finding import Finding


def side(rows: NDArray[np.float64]) -> Side:
    return side_of(Predictions.from_probabilities(rows))


def like_real(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw rows of which most are sure and some are not, as a real network's are."""
    rows: NDArray[np.float64] = rng.dirichlet(np.full(10, 0.02), n)
    return rows


def findings(sample: NDArray[np.float64], reference: NDArray[np.float64] | None = None) -> dict[str, Finding]:
    evidence = Evidence(side(sample), None if reference is None else side(reference))
    return {finding.key: finding for finding in check_confidence(evidence)}


# Difference of means -------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=20), st.lists(st.integers(-50, 50), min_size=2, max_size=20))
def test_the_difference_of_means_is_scipys(a: list[int], b: list[int]) -> None:
    x, y = np.array(a, dtype=float), np.array(b, dtype=float)
    if x.var() * y.var() == 0:  # of which SciPy warns
        return
    difference = welch(x, y)
    test = ttest_ind(x, y, equal_var=False, alternative="greater")
    both = ttest_ind(x, y, equal_var=False)
    assert difference.value == pytest.approx(x.mean() - y.mean())
    assert difference.p_greater == pytest.approx(test.pvalue)
    assert difference.p_less == pytest.approx(1 - test.pvalue)
    assert difference.interval == pytest.approx(tuple(both.confidence_interval(0.95)))


def test_equal_numbers_have_a_point_for_an_interval_and_single_ones_none() -> None:
    ones, twos = np.ones(3), np.full(4, 2.0)
    assert welch(twos, ones).interval == (1, 1)
    assert (welch(twos, ones).p_greater, welch(twos, ones).p_less) == (0, 1)
    assert (welch(ones, ones).p_greater, welch(ones, ones).p_less) == (1, 1)
    assert welch(np.ones(1), twos).interval is None
    assert welch(np.ones(1), twos).p_greater == 1


# With a reference ----------------------------------------------------------------------------------------------------


def test_two_sets_of_the_same_law_raise_it_at_most_as_often_as_stated() -> None:
    rng, sets = np.random.default_rng(1), 300
    fired = {"low-confidence": 0, "over-confidence": 0}
    for _ in range(sets):
        for key, finding in findings(like_real(80, rng), like_real(200, rng)).items():
            assert finding.level == 0.01
            fired[key] += finding.fires
    assert max(fired.values()) <= binom.ppf(0.999, sets, 0.01)


def test_images_more_doubtful_than_the_references_are_found_and_shown() -> None:
    rng = np.random.default_rng(0)
    said = findings(rng.dirichlet(np.full(10, 0.06), 500), real := like_real(500, rng))["low-confidence"]
    doubt = side(real).score.conditional_entropy
    assert said.severity == "warning"
    assert said.value > 0
    assert said.interval is not None
    assert said.interval[0] > 0
    assert said.sentence.startswith("The network is less sure of these images than of the reference's: H(p(y|x)) is ")
    assert len(said.images) > 5
    assert doubt.max() > 0


def test_the_images_are_the_references_most_doubtful_hundredth_and_beyond_worst_first() -> None:
    rng = np.random.default_rng(0)
    sample, real = rng.dirichlet(np.full(10, 0.06), 300), like_real(500, rng)
    said = findings(sample, real)["low-confidence"]
    doubt, limit = side(sample).score.conditional_entropy, np.quantile(side(real).score.conditional_entropy, 0.99)
    assert set(said.images.tolist()) == set(np.flatnonzero(doubt > limit).tolist())
    assert (np.diff(doubt[said.images]) <= 1e-5).all()
    assert f"{len(said.images)} of 300 images are more doubtful than 99 %" in said.sentence


def test_thousands_have_a_comma() -> None:
    rows = np.tile([[0.9, 0.1]], (1000, 1))
    assert findings(rows)["low-confidence"].sentence.startswith("0 of 1,000 images (0.0 %) have no class with half")
    assert "; 0 of 1,000 images are more doubtful" in findings(rows, rows)["low-confidence"].sentence


def test_a_third_of_the_score_lost_to_doubt_is_severe() -> None:
    rng = np.random.default_rng(0)
    sure = np.tile(np.eye(10), (40, 1))
    for doubt, severity in ((0.2, "warning"), (0.6, "severe")):
        p = np.full((400, 10), 0.0)
        p[:, 0], p[:, 1] = 1 - doubt / 2, doubt / 2
        p = rng.permuted(p, axis=1)
        said = findings(p, sure)["low-confidence"]
        lost = 1 - math.exp(-said.value)
        assert said.severity == severity
        assert (lost >= 1 / 3) == (severity == "severe")


def test_a_few_garbage_images_are_found_though_the_others_are_as_sure() -> None:
    rng = np.random.default_rng(0)
    sample, real = like_real(1000, rng), like_real(1000, rng)
    garbage = np.sort(rng.choice(1000, 30, replace=False))
    sample[garbage] = 0.1
    said = findings(sample, real)["low-confidence"]
    assert said.severity == "warning"
    assert set(garbage.tolist()) <= set(said.images[:30].tolist())
    assert mannwhitneyu(side(sample).score.conditional_entropy, side(real).score.conditional_entropy).pvalue > 0.01


def test_the_tail_counts_by_fishers_exact_test_twice() -> None:
    """The sample's doubtful images are the most doubtful hundredth of both sets, twenty, but for a few."""
    rng = np.random.default_rng(0)
    sample, real = like_real(1000, rng), like_real(1000, rng)
    sample[:15] = rng.dirichlet(np.full(10, 50.0), 15)
    doubt = np.concatenate([side(each).score.conditional_entropy for each in (sample, real)])
    mine = int((np.argsort(doubt)[-20:] < 1000).sum())
    said = findings(sample, real)["low-confidence"]
    expected = 2 * fisher_exact([[mine, 1000 - mine], [20 - mine, 980 + mine]], "greater").pvalue
    assert said.p_value == pytest.approx(expected)
    assert said.sentence.startswith("Some images are more doubtful than the reference's")


@pytest.mark.parametrize("garbage", [5, 30, 300])
def test_doubtful_images_that_are_all_alike_are_counted_too(garbage: int) -> None:
    rows = np.repeat([[1.0, 0.0], [0.5, 0.5]], [1000 - garbage, garbage], axis=0)
    assert findings(rows, rows)["low-confidence"].p_value == 1
    said = findings(rows, np.repeat([[1.0, 0.0]], 1000, axis=0))["low-confidence"]
    assert said.fires == (garbage > 5)


def test_over_confidence_is_the_other_side() -> None:
    rng = np.random.default_rng(0)
    sure, doubtful = rng.dirichlet(np.full(10, 0.02), 500), rng.dirichlet(np.full(10, 0.06), 500)
    forth, back = findings(doubtful, sure), findings(sure, doubtful)
    assert forth["low-confidence"].fires
    assert not forth["over-confidence"].fires
    assert back["over-confidence"].fires
    assert not back["low-confidence"].fires
    assert forth["low-confidence"].value == pytest.approx(back["over-confidence"].value)
    assert forth["low-confidence"].interval == pytest.approx(back["over-confidence"].interval)
    assert back["over-confidence"].sentence.startswith("The network is more sure of these images")


def test_ranks_that_differ_are_not_enough_where_the_means_do_not() -> None:
    """Three in four images are a little surer than the reference's, the others much less: the mean is the same."""
    half = np.tile([[0.9, 0.1]], (500, 1))
    mixed = np.repeat([[0.95, 0.05], [0.5, 0.5]], [370, 130], axis=0)
    surer, real = side(mixed).score.conditional_entropy, side(half).score.conditional_entropy
    assert mannwhitneyu(surer, real, alternative="less").pvalue < 1e-9
    assert not findings(mixed, half)["over-confidence"].fires


def test_what_rounding_makes_is_not_ranked() -> None:
    exact = np.tile(np.eye(5), (100, 1))
    nearly = exact * (1 - 5e-8) + 1e-8
    for sample, real in ((nearly, exact), (exact, nearly)):
        assert not any(finding.fires for finding in findings(sample, real).values())


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 5), (5, 1), (2, 2)])
def test_a_handful_of_images_raises_nothing(n: int, m: int) -> None:
    sure, unsure = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    said = findings(np.repeat(unsure, n, axis=0), np.repeat(sure, m, axis=0))
    assert not any(finding.fires for finding in said.values())


# Without -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("doubtful", [0, 5, 10, 14, 17, 18, 19, 20, 30, 100])
def test_alone_it_fires_where_the_lower_clopper_pearson_bound_exceeds_a_tenth(doubtful: int) -> None:
    rows = np.repeat([[0.4, 0.3, 0.3], [0.9, 0.05, 0.05]], [doubtful, 100 - doubtful], axis=0)
    (said,) = findings(rows).values()
    bound = binomtest(doubtful, 100).proportion_ci(0.98, method="exact").low  # 99 % one-sided
    assert said.fires == (bound > 0.1)
    assert said.severity in {"warning", "fine"}
    assert said.value == doubtful
    assert sorted(said.images.tolist()) == list(range(doubtful))
    exact = binomtest(doubtful, 100).proportion_ci(0.95, method="exact")
    assert said.interval == pytest.approx((100 * exact.low, 100 * exact.high))


def test_alone_the_most_doubtful_come_first_and_over_confidence_is_not_told() -> None:
    rows = np.array([[0.4, 0.3, 0.3], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3], [0.45, 0.45, 0.1]])
    said = findings(rows)
    assert list(said) == ["low-confidence"]
    assert said["low-confidence"].images.tolist() == [2, 0, 3]
    assert "3 of 4 images (75.0 %) have no class with half of the probability" in said["low-confidence"].sentence
