"""Missing, starved and over-represented classes: SciPy's tests one by one, simulated levels, and the embedded runs."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, entropy, fisher_exact, hypergeom

import isexplore as ix
from isexplore.collapse.class_table import FALSE_DISCOVERY_RATE, class_table
from isexplore.collapse.classes import check_classes
from isexplore.collapse.effective import check_effective_classes, effective_classes
from isexplore.collapse.evidence import Evidence, Side, side_of
from isexplore.collapse.exact_tests import adjusted, binomial_test, fisher_test
from isexplore.predictions import Predictions

if TYPE_CHECKING:
    from isexplore.collapse.finding import Finding


def one_hot(counts: list[int], class_names: list[str] | None = None) -> Side:
    rows = np.repeat(np.eye(len(counts)), counts, axis=0)
    return side_of(Predictions.from_probabilities(rows, class_names=class_names))


def findings(sample: Side, reference: Side | None = None) -> dict[str, Finding]:
    return {finding.key: finding for finding in check_classes(Evidence(sample, reference))}


# Exact tests ---------------------------------------------------------------------------------------------------------


@given(st.data())
def test_fishers_test_is_scipys(data: st.DataObject) -> None:
    n, m = data.draw(st.integers(1, 60)), data.draw(st.integers(1, 60))
    pairs = data.draw(st.lists(st.tuples(st.integers(0, n), st.integers(0, m)), min_size=1, max_size=5))
    k, other = np.array(pairs).T
    for p, a, b in zip(fisher_test(k, n, other, m), k, other, strict=True):
        tails = [fisher_exact([[a, n - a], [b, m - b]], side).pvalue for side in ("less", "greater")]
        assert p == pytest.approx(min(1, 2 * min(tails)), rel=1e-9)


def test_fishers_test_of_large_sets_is_the_hypergeometric_law() -> None:
    k, other = np.array([17, 50, 83, 0, 49_000]), np.array([200, 200, 200, 25, 150_000])
    tails = [hypergeom.cdf(k, 250_000, k + other, 50_000), hypergeom.sf(k - 1, 250_000, k + other, 50_000)]
    assert fisher_test(k, 50_000, other, 200_000) == pytest.approx(np.minimum(1, 2 * np.min(tails, axis=0)), rel=1e-6)


@given(st.integers(1, 200), st.sampled_from([0.001, 0.1, 0.5]), st.data())
def test_the_binomial_test_is_scipys(n: int, share: float, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    tails = [binomtest(k, n, share, side).pvalue for side in ("less", "greater")]
    assert binomial_test([k], n, share)[0] == pytest.approx(min(1, 2 * min(tails)), rel=1e-9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.sampled_from([0.01, 0.05, 0.3]))
def test_adjusted_p_values_reject_what_the_step_up_procedure_does(p_values: list[float], q: float) -> None:
    """Benjamini and Hochberg 1995: reject the k smallest, for the largest k with p_(k) ≤ k·q/m."""
    ranked = sorted(p_values)
    close = [p for k, p in enumerate(ranked, 1) if math.isclose(p, k * q / len(ranked), rel_tol=1e-9)]
    passed = [p for k, p in enumerate(ranked, 1) if p <= k * q / len(ranked)]
    if not close:
        assert (adjusted(p_values) <= q).tolist() == [bool(passed) and p <= max(passed) for p in p_values]


def test_no_classes_have_no_p_values() -> None:
    assert len(fisher_test([], 5, [], 5)) == len(adjusted([])) == 0


@pytest.mark.parametrize("has_reference", [True, False])
def test_where_nothing_is_wrong_any_class_is_told_at_most_as_often_as_stated(has_reference: bool) -> None:  # noqa: FBT001 - a parameter of a test
    rng, sets, n, classes = np.random.default_rng(0), 400, 2000, 40
    told = 0
    for _ in range(sets):
        counts = rng.multinomial(n, np.full(classes, 1 / classes))
        other = rng.multinomial(3 * n, np.full(classes, 1 / classes))
        p = fisher_test(counts, n, other, 3 * n) if has_reference else binomial_test(counts, n, 1 / classes)
        told += bool((adjusted(p) <= FALSE_DISCOVERY_RATE).any())
    assert 0 < told <= binom.ppf(0.999, sets, FALSE_DISCOVERY_RATE)


# Findings ------------------------------------------------------------------------------------------------------------


def test_each_class_is_told_once_by_what_is_wrong_with_it() -> None:
    said = findings(one_hot([2, 30, 108, 80, 80]), one_hot([40] * 5))
    told = {key: (finding.severity, finding.classes.tolist()) for key, finding in said.items()}
    assert told == {
        "missing-classes": ("severe", [0]),
        "starved-classes": ("warning", [1]),
        "over-represented-classes": ("warning", [2]),
    }
    assert said["missing-classes"].sentence == "1 of 5 classes is missing – class 0: 2 where 60 were expected."


def test_the_worst_ten_are_named_worst_first_on_one_line() -> None:
    names = ["a\nb", "c" * 100, *"defghijklmn"]
    said = findings(one_hot([0] * 12 + [1565], names), one_hot([300, *range(160, 50, -10), 55], names))
    sentence = said["missing-classes"].sentence
    assert sentence.startswith("12 of 13 classes are missing – a b: 0 where 300 were expected; ccc")
    assert sentence.endswith("; k: 0 where 80 were expected; and 2 more.")
    assert "\n" not in sentence
    assert "c" * 60 not in sentence
    assert said["missing-classes"].classes.tolist() == list(range(12))


def test_the_images_are_those_of_the_classes_in_their_order() -> None:
    said = findings(one_hot([1, 300, 10, 200, 89]), one_hot([120, 120, 120, 120, 120]))
    assert said["missing-classes"].images.tolist() == [0]
    assert said["starved-classes"].images.tolist() == [*range(301, 311), *range(511, 600)][: 10 + 89]
    assert said["over-represented-classes"].images.tolist() == [*range(1, 301), *range(311, 511)]


def test_a_class_that_the_reference_lacks_is_over_represented() -> None:
    said = findings(one_hot([50, 50, 0]), one_hot([100, 0, 0]))
    assert said["over-represented-classes"].classes.tolist() == [1]
    assert "class 1: 50 where 0 were expected" in said["over-represented-classes"].sentence


def test_thousands_have_a_comma() -> None:
    said = findings(one_hot([0, 4000]), one_hot([2000, 2000]))
    assert said["missing-classes"].sentence == "1 of 2 classes is missing – class 0: 0 where 2,000 were expected."
    assert "class 1: 4,000 where 2,000 were expected" in said["over-represented-classes"].sentence


def test_classes_that_occur_nowhere_are_not_tested() -> None:
    table = class_table(Evidence(one_hot([60, 40, 0]), one_hot([40, 60, 0])))
    assert table.tested.tolist() == [True, True, False]
    assert table.p_adjusted[2] == 1
    assert table.p_adjusted[0] == pytest.approx(fisher_test([60], 100, [40], 100)[0])


def test_the_table_holds_shares_and_contributions() -> None:
    sample, reference = one_hot([30, 70]), one_hot([100, 100])
    table = class_table(Evidence(sample, reference))
    assert table.shares.tolist() == [0.3, 0.7]
    assert table.expected.tolist() == [50, 50]
    assert table.contributions == pytest.approx(-np.array([0.3, 0.7]) * np.log([0.3, 0.7]))
    assert table.reference_contributions == pytest.approx([math.log(2) / 2] * 2)
    assert class_table(Evidence(sample)).reference_contributions is None


def test_without_a_reference_one_class_that_holds_nearly_all_images_is_severe() -> None:
    collapsed = findings(one_hot([0, 0, 180, 20]))
    assert collapsed["over-represented-classes"].severity == "severe"
    assert collapsed["missing-classes"].severity == "warning"
    assert findings(one_hot([30, 30, 140, 0]))["over-represented-classes"].severity == "warning"


def test_without_a_reference_equal_classes_are_an_if() -> None:
    said = findings(one_hot([0, 0, 500, 500]))
    assert {finding.severity for finding in said.values()} == {"warning", "fine"}
    assert all(finding.sentence.startswith("If all classes should be equally frequent: ") for finding in said.values())
    assert said["missing-classes"].value == 2


@pytest.mark.parametrize("counts", [[1, 0], [3, 3, 3], [0, 2]])
def test_few_images_raise_nothing(counts: list[int]) -> None:
    assert not any(finding.fires for finding in findings(one_hot(counts)).values())
    assert not any(finding.fires for finding in findings(one_hot(counts), one_hot([5] * len(counts))).values())


@pytest.mark.parametrize("has_reference", [True, False])
def test_few_images_do_not_say_that_no_class_is_missing(has_reference: bool) -> None:  # noqa: FBT001 - a parameter of a test
    few, many = one_hot([1] * 10 + [0] * 990), one_hot([2] * 1000)
    said = findings(few, many if has_reference else None)["missing-classes"]
    assert not said.fires
    assert "oo few images to tell whether a class is missing: it takes 11 that are expected of it" in said.sentence
    assert "No class is missing" not in said.sentence


def test_rare_classes_are_not_said_to_be_there() -> None:
    said = findings(one_hot([300, 300, 1, 0]), one_hot([300, 300, 1, 1]))["missing-classes"]
    assert said.sentence == (
        "None of the 2 classes that are frequent enough to tell is missing; of 2 it can't be told: it takes 8 that are "
        "expected of it."
    )
    assert "No class is missing" in findings(one_hot([30] * 4), one_hot([30] * 4))["missing-classes"].sentence


def test_a_finding_fires_where_its_p_value_is_at_most_its_level() -> None:
    rng = np.random.default_rng(3)
    for _ in range(30):
        shares = rng.dirichlet(np.full(6, 5.0))
        sample, reference = (one_hot(rng.multinomial(300, shares).tolist()) for shares in (shares, np.full(6, 1 / 6)))
        for finding in findings(sample, reference).values():
            assert finding.p_value is not None
            assert finding.level == FALSE_DISCOVERY_RATE
            assert finding.fires == (finding.p_value <= finding.level) == (len(finding.classes) > 0)


# Embedded runs -------------------------------------------------------------------------------------------------------


@cache
def digits(name: str, step: int | None = None) -> Side:
    images = ix.demo.real() if name == "real" else ix.demo.gan(name, step)
    return side_of(ix.predict(images, classifier="digits"))


@pytest.mark.parametrize(
    ("step", "missing"), [(4500, [0, 4]), (6000, [0, 2, 4, 7]), (30_000, [1, 2, 3, 4, 5, 6, 7, 8])]
)
def test_the_collapsed_run_is_severe_from_its_collapse_on(step: int, missing: list[int]) -> None:
    said = findings(digits("collapsed", step), digits("real"))["missing-classes"]
    assert said.severity == "severe"
    assert sorted(said.classes.tolist()) == missing
    assert all(f"{digit}: {count} where" in said.sentence for digit, count in _named(step, missing))


def _named(step: int, missing: list[int]) -> list[tuple[int, int]]:
    counts = digits("collapsed", step).class_counts
    return [(digit, counts[digit]) for digit in missing]


@pytest.mark.parametrize(
    ("name", "step"), [("collapsed", 1000), ("collapsed", 3000), ("healthy", 1500), ("healthy", 6000)]
)
def test_a_run_that_draws_all_digits_is_not_severe(name: str, step: int) -> None:
    severities = {finding.severity for finding in findings(digits(name, step), digits("real")).values()}
    assert "severe" not in severities
    assert "warning" in severities


# Effective classes ---------------------------------------------------------------------------------------------------


def test_effective_classes_of_certain_images_are_miller_and_madows() -> None:
    counts = np.array([50, 30, 20])
    value, (low, high) = effective_classes(one_hot(counts.tolist()).score)
    assert value == pytest.approx(math.exp(entropy(counts) + 2 / 200), rel=1e-12)
    assert low < value < high


@pytest.mark.parametrize("shares", [[0.4, 0.3, 0.2, 0.1], [0.25] * 4, [0.85, 0.05, 0.05, 0.05]])
def test_the_interval_of_effective_classes_holds_the_truth(shares: list[float]) -> None:
    rng, true, sets = np.random.default_rng(0), math.exp(entropy(shares)), 300
    held = 0
    for _ in range(sets):
        _, (low, high) = effective_classes(one_hot(rng.multinomial(400, shares).tolist()).score)
        held += low <= true * (1 + 1e-12) and true <= high
    assert held >= 0.92 * sets


def test_soft_rows_count_by_their_mean() -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(5), 20_000)
    value, (low, high) = effective_classes(ix.inception_score(rows))
    assert value == pytest.approx(5, abs=0.002)
    assert low <= value <= high <= 5


def test_one_image_has_no_interval() -> None:
    (said,) = check_effective_classes(Evidence(one_hot([1, 0]), one_hot([0, 1])))
    assert said.interval is None
    assert "95 %" not in said.sentence


def test_effective_classes_are_stated_beside_the_references() -> None:
    (said,) = check_effective_classes(Evidence(one_hot([100, 100, 0, 0]), one_hot([50, 50, 50, 50])))
    assert not said.fires
    assert said.value == pytest.approx(2, abs=0.02)
    assert "2.0 equally frequent classes" in said.sentence
    assert "the reference's are as varied as 4.0 (95 %" in said.sentence
