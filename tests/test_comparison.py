"""The comparison of two sample sets: what refuses, what the sums add up to, and how often the test errs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

import isexplore as ix
from isexplore.collapse.comparable import check_comparable, comparison_notes
from isexplore.collapse.comparison import Comparison, compare_sets, comparison_of, score_of_some
from isexplore.collapse.evidence import side_of
from isexplore.collapse.jackknife import log_corrected, log_error
from isexplore.predictions import Provenance

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Law = Callable[[int, np.random.Generator], NDArray[np.float64]]

LEVEL = 0.05
DIGITS = Provenance(source="a.npz", classifier="digits", preprocessing="8×8", weights_sha256="ab", precision="float32")


def soft(n: int, c: int = 6, seed: int = 0) -> ix.Predictions:
    return ix.Predictions.from_probabilities(np.random.default_rng(seed).dirichlet([0.2] * c, n))


def certain(shares: NDArray[np.float64]) -> Law:
    return lambda n, rng: np.eye(len(shares))[rng.choice(len(shares), n, p=shares)]


def zipf(c: int) -> NDArray[np.float64]:
    weights = 1 / np.arange(1, c + 1)
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def compared(a: ix.Predictions, b: ix.Predictions, splits: int = 10) -> Comparison:
    return compare_sets(side_of(a), side_of(b), splits)


# What may be compared


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (replace(DIGITS, classifier="inception-2015"), "classifiers differ (digits against inception-2015)"),
        (replace(DIGITS, preprocessing="16×16"), "preprocessings differ (8×8 against 16×16)"),
        (replace(DIGITS, weights_sha256="cd"), "weights (SHA-256) differ (ab against cd)"),
    ],
)
def test_predictions_of_another_network_are_refused(other: Provenance, said: str) -> None:
    a = soft(20).described(DIGITS)
    b = soft(20, seed=1).described(other)
    with pytest.raises(ValueError, match="step 1 and step 2 can't be compared") as caught:
        check_comparable(a, b, "step 1", "step 2")
    assert said in str(caught.value)
    assert "predict both sets with the same classifier" in str(caught.value)
    with pytest.raises(ValueError, match="can't be compared"):
        compared(a, b)


def test_all_that_differs_is_said_at_once() -> None:
    a = soft(20).described(DIGITS)
    b = soft(20, c=7).described(replace(DIGITS, classifier="other", preprocessing="none"))
    with pytest.raises(ValueError, match=r"6 and 7 classes; their classifiers differ .*; their preprocessings differ"):
        check_comparable(a, b)


def test_other_class_names_are_refused_and_named() -> None:
    p = np.full((2, 3), 1 / 3)
    cat, dog, turned = (
        ix.Predictions.from_probabilities(p, class_names=names)
        for names in (["a", "b", "c"], ["a", "x", "c"], ["c", "b", "a"])
    )
    with pytest.raises(
        ValueError, match=r"classes differ, first number 1 \(b against x;.* give both the same class_names"
    ):
        check_comparable(cat, dog)
    with pytest.raises(ValueError, match="the same classes in another order"):
        check_comparable(cat, turned)


def test_a_long_name_does_not_flood_the_message() -> None:
    with pytest.raises(ValueError, match="…") as caught:
        check_comparable(soft(5), soft(5, c=7), "x" * 10_000, "y" * 10_000)
    assert len(str(caught.value)) < 500


def test_what_nobody_said_is_compared() -> None:
    bare, known = soft(20), soft(20, seed=1).described(DIGITS)
    check_comparable(bare, known)
    check_comparable(known, bare)
    assert comparison_notes(bare, bare) == comparison_notes(known, known) == ()
    assert comparison_notes(known, bare, "x", "y") == (
        "Nobody said which classifier y comes from; x comes from digits.",
    )


def test_another_precision_is_a_note_and_no_refusal() -> None:
    a, b = soft(20).described(DIGITS), soft(20).described(replace(DIGITS, precision="bfloat16"))
    check_comparable(a, b)
    assert "A was computed in float32, B in bfloat16" in compared(a, b, splits=2).notes[0]


# The protocol


def test_of_the_larger_set_as_many_images_are_taken() -> None:
    a, b = soft(500), soft(120, seed=1)
    found = compared(a, b)
    assert found.n_images == 120
    assert found.protocol_a.n_images == found.protocol_b.n_images == 120
    assert found.protocol_a.split_sizes == found.protocol_b.split_sizes == "12"
    whole = ix.inception_score(b, splits=10)
    assert found.protocol_b.mean == whole.mean
    assert found.protocol_b.std == whole.std
    assert found.a.n_images == 500
    assert "is of 120 of A's 500 images" in found.notes[0]
    back = compared(b, a)
    assert back.protocol_b.mean == found.protocol_a.mean  # the same choice, whichever side it is on


def test_images_are_chosen_by_the_seed_and_stay_in_their_order() -> None:
    rows = np.eye(10)[np.repeat(np.arange(10), 30)]  # sorted by class
    predictions = ix.Predictions.from_probabilities(rows)
    some = score_of_some(predictions, 100, 10)
    assert score_of_some(predictions, 100, 10).mean == some.mean
    assert score_of_some(predictions, 100, 10, seed=1).overall != some.overall
    assert some.mean < 2.1  # a sorted file stays sorted: each split holds one class, or two
    assert some.overall > 9.5
    with pytest.raises(ValueError, match="can't choose 301 of 300"):
        score_of_some(predictions, 301, 10)


def test_scores_of_unlike_size_or_splits_are_refused() -> None:
    ten, five, more = (ix.inception_score(soft(n), splits=splits) for n, splits in ((100, 10), (100, 5), (200, 10)))
    for other in (five, more):
        with pytest.raises(ValueError, match="compare scores of equally many of both"):
            comparison_of(ten, other, ten, other)


# The sums and the test


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 60), m=st.integers(2, 60), c=st.integers(2, 8), seed=st.integers(0, 99))
def test_contributions_add_up_to_the_difference_of_ln_is(n: int, m: int, c: int, seed: int) -> None:
    found = compared(soft(n, c, seed), soft(m, c, seed + 1), splits=2)
    total = found.protocol_b.log_score - found.protocol_a.log_score
    assert math.fsum(found.contribution_change) == pytest.approx(total, abs=1e-12)
    assert math.fsum(found.share_change) == pytest.approx(0, abs=1e-12)
    if n == m:
        assert math.log(found.b.overall / found.a.overall) == pytest.approx(total, abs=1e-12)


def test_the_table_has_a_row_a_class() -> None:
    found = compared(soft(50), soft(50, seed=1))
    table = found.to_dataframe()
    assert list(table["class"]) == list(range(6))
    assert np.array_equal(table["share_change"], table["share_b"] - table["share_a"])
    assert np.array_equal(table["contribution_change"], found.contribution_change)


def test_swapping_the_sets_turns_the_sign() -> None:
    one, other = compared(soft(80), soft(90, seed=1)), compared(soft(90, seed=1), soft(80))
    assert one.difference == pytest.approx(-other.difference)
    assert one.p_value == pytest.approx(other.p_value)
    assert one.ratio * other.ratio == pytest.approx(1)


def test_numbers_of_the_test_agree_with_scipy() -> None:
    found = compared(soft(400), soft(400, seed=1))
    assert found.p_value == pytest.approx(2 * norm.sf(abs(found.z)))
    low, high = found.ratio_interval(0.9)
    reach = norm.ppf(0.95) * found.error
    assert (math.log(low), math.log(high)) == pytest.approx((found.difference - reach, found.difference + reach))
    with pytest.raises(ValueError, match="level is 2"):
        found.ratio_interval(2)


@pytest.mark.parametrize("rows", [np.eye(3)[[0] * 40], np.full((40, 3), 1 / 3), np.eye(3)[[0, 1] * 20]])
def test_a_set_does_not_differ_from_itself(rows: NDArray[np.float64]) -> None:
    same = ix.Predictions.from_probabilities(rows)
    found = compared(same, same)
    assert (found.difference, found.p_value) == (0, 1)
    assert "No difference" in found.sentence


def test_rounding_is_no_difference() -> None:
    one = np.full((40, 3), 1 / 3)
    other = np.tile([0.3333334, 0.3333333, 0.3333333], (40, 1))
    a, b = map(ix.Predictions.from_probabilities, (one, other))
    assert compared(a, b).p_value > 0.5


def test_the_error_is_the_jackknifes_where_images_are_certain() -> None:
    counts = [1, 1, 1, 2, 2, 3, 7, 20, 40]
    rows = np.repeat(np.eye(9), counts, axis=0)
    without = [log_corrected(ix.inception_score(np.delete(rows, i, axis=0), splits=1)) for i in range(len(rows))]
    n = len(rows)
    jackknife = (n - 1) / n * np.sum((np.array(without) - np.mean(without)) ** 2)  # Efron & Stein (1981), eq. 1.4
    # ours divides by n in place of n − 1, as sd(KL)/√n does
    assert log_error(ix.inception_score(rows, splits=1)) ** 2 * n / (n - 1) == pytest.approx(jackknife, rel=1e-9)


def test_the_error_is_the_plain_one_where_images_are_many() -> None:
    score = ix.inception_score(soft(5000, seed=3), splits=1)
    assert log_error(score) == pytest.approx(math.sqrt(score.kl_variance / 5000), rel=0.002)


def fires(law: Law, n: int, m: int, runs: int) -> float:
    """Return how often the test fires on sets of the same law."""
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(runs):
        a, b = (ix.Predictions.from_probabilities(law(size, rng)) for size in (n, m))
        found += compared(a, b, splits=1).p_value < LEVEL
    return found / runs


@pytest.mark.parametrize(
    ("law", "n", "m"),
    [
        pytest.param(certain(np.full(10, 0.1)), 300, 300, id="perfect"),
        pytest.param(certain(zipf(10)), 100, 100, id="long tail"),
        pytest.param(certain(np.r_[0.9, np.full(19, 0.1 / 19)]), 100, 400, id="rare classes"),
        pytest.param(certain(zipf(100)), 100, 300, id="many classes unseen"),
        pytest.param(lambda n, rng: rng.dirichlet([0.1] * 10, n), 60, 300, id="soft"),
    ],
)
def test_sets_of_one_law_seldom_differ(law: Law, n: int, m: int) -> None:
    runs = 250
    # Three standard errors of a share of LEVEL above it.
    assert fires(law, n, m, runs) < LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / runs)


def test_the_interval_holds_the_true_ratio() -> None:
    a, b = certain(zipf(10)), certain(np.full(10, 0.1) * 0.5 + 0.5 * zipf(10))
    entropy = [-np.sum(q * np.log(q)) for q in (zipf(10), np.full(10, 0.1) * 0.5 + 0.5 * zipf(10))]
    true, rng, held, runs = math.exp(entropy[1] - entropy[0]), np.random.default_rng(3), 0, 250
    for _ in range(runs):
        one, other = (ix.Predictions.from_probabilities(law(250, rng)) for law in (a, b))
        low, high = compared(one, other, splits=1).ratio_interval()
        held += low <= true <= high
    assert held / runs > 0.95 - 3 * math.sqrt(0.95 * 0.05 / runs)


def test_a_collapse_is_seen_and_two_halves_of_real_digits_are_alike() -> None:
    digits = ix.predict(ix.demo.real(), "digits", progress=False)
    collapsed = ix.predict(ix.demo.gan("collapsed", step=4500), "digits", progress=False)
    lost = compared(digits, collapsed)
    assert lost.ratio_interval()[1] < 0.7
    assert lost.sentence.startswith("B scores lower: 0.6")
    assert set(np.argsort(lost.contribution_change)[:3]) == {0, 4, 7}  # 3, 4 and 16 of 1000 images
    even, odd = (ix.Predictions.from_probabilities(digits.probabilities[i::2]) for i in (0, 1))
    assert compared(even, odd).p_value > LEVEL


def test_few_images_are_said_to_be_few() -> None:
    few = ix.Predictions.from_probabilities(np.eye(50)[np.random.default_rng(0).integers(0, 50, 60)])
    assert "60 images are few for this many classes" in compared(few, few).notes[-1]
    tiny = ix.Predictions.from_probabilities(np.eye(2)[[0, 1] * 10])
    assert compared(tiny, tiny).notes == ("20 images are few: the test and the intervals are only a rough guide.",)
    assert compared(soft(300), soft(300, seed=1)).notes == ()
