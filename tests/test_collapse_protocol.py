"""Order, sizes, saturation, groups, contributions and the blind spot: closed forms, and what each says."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import binom, entropy

from isexplore.collapse.blind_spot import check_blind_spot
from isexplore.collapse.class_table import FALSE_DISCOVERY_RATE, images_to_miss_a_class
from isexplore.collapse.evidence import Evidence, side_of
from isexplore.collapse.exact_tests import binomial_test, fisher_test
from isexplore.collapse.near import check_near_repeats
from isexplore.collapse.protocol import check_order, check_saturation, check_size
from isexplore.collapse.shares import check_contributions, check_groups
from isexplore.collapse.spread import check_spread
from isexplore.groups import group_sums
from isexplore.order import order_test
from isexplore.predictions import Predictions
from isexplore.report.checks import CHECKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from isexplore.collapse.finding import Finding


def evidence(rows: ArrayLike, reference: ArrayLike | None = None, labels: Sequence[str] | None = None) -> Evidence:
    sample = side_of(Predictions.from_probabilities(rows, labels=labels))
    return Evidence(sample, None if reference is None else side_of(Predictions.from_probabilities(reference)))


def sizes(rows: ArrayLike, reference: ArrayLike | None = None) -> dict[str, Finding]:
    return {finding.key: finding for finding in check_size(evidence(rows, reference))}


def dirichlet(n: int, n_classes: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).dirichlet(np.full(n_classes, 0.1), n)


PERFECT = np.tile(np.eye(10), (100, 1))
SORTED = np.repeat(np.eye(10), 100, axis=0)


# Order ---------------------------------------------------------------------------------------------------------------


def test_images_sorted_by_class_are_told_with_what_they_cost() -> None:
    """Of ten perfect classes, each split has one: the mean of the splits is 1 in place of nearly 10."""
    (said,) = check_order(evidence(SORTED))
    test = order_test(SORTED, 10)
    assert said.severity == "warning"
    assert said.value == pytest.approx(100 * (1 - math.exp(test.expected - math.log(10))), rel=0.01)
    assert said.p_value == test.p_value <= 0.01
    assert said.sentence.startswith("The images do not lie in random order: the mean of 10 splits, 1.00, is 90 % lower")


def test_random_order_is_told_at_most_as_often_as_stated() -> None:
    rng, sets = np.random.default_rng(0), 200
    fired = 0
    for _ in range(sets):
        (said,) = check_order(evidence(rng.permutation(SORTED)[:200]))
        assert said.level == 0.01
        assert said.p_value is not None
        assert said.fires == (said.p_value <= 0.01)
        fired += said.fires
    assert fired <= binom.ppf(0.999, sets, 0.01)


def test_a_smaller_level_takes_more_permutations() -> None:
    (said,) = check_order(replace(evidence(SORTED), level=0.001))
    assert said.fires
    assert said.level == 0.001


def test_one_image_has_no_order() -> None:
    assert list(check_order(evidence([[0.5, 0.5]]))) == []


# Sizes ---------------------------------------------------------------------------------------------------------------


def test_small_splits_are_told() -> None:
    said = sizes(np.tile(np.eye(10), (20, 1)))["images-per-split"]
    assert said.severity == "warning"
    assert said.value == 20
    assert said.sentence == "Splits of 20 images are small: their scores are biased low by about 20 %."


def test_large_splits_are_not() -> None:
    said = sizes(PERFECT)["images-per-split"]
    assert said.severity == "fine"
    assert said.sentence == "Splits of 100 images are enough: their scores are biased low by about 4.4 %."


@pytest.mark.parametrize("n_classes", [2, 10, 300])
@pytest.mark.parametrize("ratio", [0, 1, 4])
def test_from_so_many_images_on_the_absence_of_a_class_is_significant(n_classes: int, ratio: int) -> None:
    n = 20 * n_classes
    balanced = np.tile(np.eye(n_classes, dtype=np.float32), (20, 1))
    needed = images_to_miss_a_class(evidence(balanced, np.tile(balanced, (ratio, 1)) if ratio else None))
    threshold = FALSE_DISCOVERY_RATE / n_classes

    def p_value(expected: float) -> float:
        if not ratio:
            return float(binomial_test([0], 10**6, expected / 10**6)[0])
        return float(fisher_test([0], 10**6, [math.ceil(ratio * expected)], ratio * 10**6)[0])

    assert needed < n
    assert p_value(needed + 1) <= threshold < p_value(needed - 1)


def test_few_images_a_class_are_told_and_many_are_not() -> None:
    few, enough = (sizes(np.tile(np.eye(10), (each, 1)))["images-per-class"] for each in (5, 6))
    assert (few.severity, few.value) == ("warning", 5)
    assert "a single class is missing can be told from about 6.0 on" in few.sentence
    assert (enough.severity, enough.value) == ("fine", 6)


def test_classes_that_occur_nowhere_take_no_images() -> None:
    rows = np.tile(np.eye(1000, dtype=np.float32)[:10], (20, 1))
    assert sizes(rows, rows)["images-per-class"].value == 20
    assert sizes(rows)["images-per-class"].value == 0.2


# Saturation ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "part", "most"),
    [(PERFECT, 100, 10), (PERFECT[:, :5][PERFECT[:, :5].any(axis=1)], 100, 5), (np.eye(20)[:4], 100, 4)],
)
def test_a_perfect_score_is_at_its_ceiling(rows: ArrayLike, part: float, most: int) -> None:
    (said,) = check_saturation(evidence(rows))
    assert not said.fires
    assert said.value == pytest.approx(part)
    assert f"the most there is, {most}: it cannot tell these images from better ones" in said.sentence


def test_a_low_score_leaves_room() -> None:
    (said,) = check_saturation(evidence(dirichlet(500, 10)))
    assert 40 < said.value < 50
    assert said.interval is not None
    assert said.interval[0] < said.value < said.interval[1]
    assert said.sentence.endswith("of the most there is, 10: better images would show.")


# Groups and contributions --------------------------------------------------------------------------------------------


def test_between_and_within_are_those_of_the_groups() -> None:
    rows = dirichlet(5000, 12)
    labels = ["ab"[i % 2] for i in range(5000)]
    for text, groups in (("predicted classes", None), ("labels", labels)):
        sums = group_sums(rows, groups)
        (said,) = check_groups(evidence(rows, labels=groups))
        assert said.value == pytest.approx(sums.between, rel=1e-5)
        assert f"{sums.between:.2f} between × {sums.within:.2f} within the {len(sums.names)} {text}" in said.sentence


def test_many_groups_are_added_up_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, labels = dirichlet(500, 12), [str(i * i % 60) for i in range(500)]
    sums = group_sums(rows, labels)
    monkeypatch.setattr("isexplore.collapse.neighbours._TOGETHER", 36)  # three groups
    (said,) = check_groups(evidence(rows, labels=labels))
    assert said.value == pytest.approx(sums.between, rel=1e-5)
    assert f"× {sums.within:.2f} within the {len(sums.names)} labels" in said.sentence


def test_no_matrix_of_all_labels_and_classes_is_made() -> None:
    """That of 4000 labels and 4000 classes would have 128 MB."""
    rows = dirichlet(4000, 4000).astype(np.float32)
    given = evidence(rows, labels=[str(i) for i in range(4000)])
    tracemalloc.start()
    (said,) = check_groups(given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said.value == pytest.approx(given.sample.score.overall, rel=1e-4)  # each image is a group
    assert peak < 4000 * 4000 * 8


def test_a_reference_without_labels_is_grouped_as_the_sample() -> None:
    (said,) = check_groups(evidence(PERFECT, SORTED[:500], labels=["x"] * 1000))
    assert said.sentence == (
        "The score, 10.00, is 10.00 between × 1.00 within the 10 predicted classes; "
        "the reference's, 5.00, is 5.00 between × 1.00."
    )


def test_contributions_add_up_to_the_difference_of_ln_is() -> None:
    sample, real = PERFECT[PERFECT[:, 3] == 0], PERFECT
    (said,) = check_contributions(evidence(sample, real))
    assert said.value == pytest.approx(math.log(9) + 8 / 1800 - math.log(10) - 9 / 2000)
    assert said.interval is not None
    assert said.interval[0] < said.value < said.interval[1]
    assert said.classes[0] == 3
    assert "what the classes add, uncorrected, has changed most for class 3: −0.230; class 0: +0.014" in said.sentence
    assert len(said.classes) == 5


def test_the_interval_of_the_difference_holds_the_truth() -> None:
    rng, shares, sets = np.random.default_rng(0), np.array([0.5, 0.3, 0.2]), 300
    true, held = float(entropy(shares)) - math.log(3), 0
    for _ in range(sets):
        sample, real = np.eye(3)[rng.choice(3, 300, p=shares)], np.eye(3)[rng.choice(3, 900)]
        (said,) = check_contributions(evidence(sample, real))
        assert said.interval is not None
        held += said.interval[0] <= true <= said.interval[1]
    assert held >= 0.92 * sets


def test_the_same_images_change_nothing() -> None:
    (said,) = check_contributions(evidence(PERFECT, PERFECT))
    assert said.value == 0
    assert len(said.classes) == 0
    assert said.sentence.endswith("no class adds more or less.")


def test_without_a_reference_nothing_has_changed() -> None:
    assert list(check_contributions(evidence(PERFECT))) == []


# The blind spot ------------------------------------------------------------------------------------------------------


def test_what_could_not_be_looked_for_is_named() -> None:
    bare = evidence(PERFECT[:20])
    (said,) = check_blind_spot(bare)
    assert not said.fires
    assert said.value == 3
    assert "cannot see memorised or repeated images inside a class. Not looked for: " in said.sentence
    for what in ("equal images", "embeddings=True", "reference="):
        assert what in said.sentence


def test_with_images_embeddings_and_a_reference_nothing_is_missing() -> None:
    full = replace(
        Predictions.from_probabilities(PERFECT[:200]),
        digests=np.arange(200 * 16, dtype=np.uint16).view(np.uint8).reshape(200, 32)[:, :16].copy(),
        embeddings=np.zeros((200, 3), np.float16),
    )
    (said,) = check_blind_spot(Evidence(side_of(full), side_of(full)))
    assert said.value == 0
    assert said.sentence.endswith("Other checks looked for them here.")
    (said,) = check_blind_spot(Evidence(side_of(full), side_of(replace(full, embeddings=None))))
    assert "the reference's own variety" in said.sentence


@pytest.mark.parametrize("n", [2, 20, 199, 200])
@pytest.mark.parametrize("copies", [True, False])
def test_the_blind_spot_says_what_the_other_checks_could_not_do(n: int, copies: bool) -> None:  # noqa: FBT001 - a parameter of a test
    rows = np.repeat(np.eye(10), 20, axis=0)[:n] if n >= 20 else np.eye(10)[:n]
    numbers = np.zeros(n, np.uint32) if copies else np.arange(n, dtype=np.uint32)
    digests = np.zeros((n, 16), np.uint8)
    digests[:, :4] = numbers.view(np.uint8).reshape(n, 4)
    cloud = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float16)
    given = side_of(replace(Predictions.from_probabilities(rows), digests=digests, embeddings=cloud))
    both = Evidence(given, given)
    (near,), (spread,), (blind,) = check_near_repeats(both), check_spread(both), check_blind_spot(both)
    failed = ["could not be looked for" in near.sentence, "could not be tested" in spread.sentence]
    assert failed == [copies or n < 3, n < 20]
    assert ("nearly equal images" in blind.sentence) == failed[0]
    assert ("a lack of variety inside a class" in blind.sentence) == failed[1]
    assert ("Other checks looked for them here." in blind.sentence) == (not any(failed))
    assert blind.value == sum(failed)


# All of them ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [[[0.5, 0.5]], np.eye(2), np.full((3, 4), 0.25), np.eye(30), SORTED])
@pytest.mark.parametrize("has_reference", [True, False])
def test_every_finding_is_whole_for_any_set(rows: ArrayLike, has_reference: bool) -> None:  # noqa: FBT001 - a parameter of a test
    given = evidence(rows, rows if has_reference else None)
    findings = [finding for check in CHECKS for finding in check(given)]
    assert len({finding.key for finding in findings}) == len(findings)
    for finding in findings:
        assert math.isfinite(finding.value)
        assert finding.sentence.endswith(".")
        assert "nan" not in finding.sentence
        assert finding.source
        assert (finding.p_value is None) == (finding.level is None)
        assert all(0 <= image < given.sample.n_images for image in finding.images)
        if finding.interval is not None:
            assert finding.interval[0] <= finding.interval[1]
