"""Scenarios of variety against the score of their matrices, printed figures, entropies by SciPy and by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from isexplore.contrived.modes import Covered, Identical, Perfect
from isexplore.contrived.scoring import play
from isexplore.contrived.uneven import Dominant, LongTail
from isexplore.score import inception_score

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from isexplore.contrived.scenario import Scenario
    from isexplore.contrived.uneven import Uneven


def held(scenario: Scenario, splits: int = 1) -> float:
    """Return the expected score, after holding it against the matrix's."""
    answer = scenario.expected(splits)
    assert answer is not None
    assert answer.kind == "exact"
    assert inception_score(scenario.probabilities(), splits=splits).mean == pytest.approx(answer.score, rel=1e-9)
    assert play(scenario.rows(), splits).mean == pytest.approx(answer.score, rel=1e-9)
    return answer.score


def printed(value: float, figure: str) -> bool:
    """Return whether a value rounds to a figure, at as many decimals as the figure has."""
    return f"{value:.{len(figure.partition('.')[2])}f}" == figure


# Even shares, or none -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 10, 37, 1000])
@pytest.mark.parametrize("per_class", [1, 3])
def test_perfect_images_score_the_number_of_classes(classes: int, per_class: int) -> None:
    assert held(Perfect(classes=classes, per_class=per_class)) == classes


@pytest.mark.parametrize("splits", [1, 2, 5, 10, 20, 100])
def test_splits_with_enough_images_lose_nothing(splits: int) -> None:
    assert held(Perfect(classes=10, per_class=100), splits) == pytest.approx(10, rel=1e-12)


@pytest.mark.parametrize(
    ("classes", "per_class", "splits", "score"),
    [
        (50, 1, 10, 5),  # a split of 5 images shows 5 classes
        (10, 100, 1000, 1),  # one image a split
        (10, 2, 10, 2),
        (3, 2, 4, 1.5),  # splits of 1, 2, 1 and 2 images
        (2, 3, 2, math.exp(entropy([2, 1]))),  # 0 1 0 | 1 0 1
    ],
)
def test_splits_with_too_few_images(classes: int, per_class: int, splits: int, score: float) -> None:
    assert held(Perfect(classes=classes, per_class=per_class), splits) == pytest.approx(score, rel=1e-12)


@settings(max_examples=30)
@given(st.integers(2, 20), st.integers(1, 20), st.integers(1, 20), st.data())
def test_any_splits(classes: int, modes: int, per_class: int, data: st.DataObject) -> None:
    """Perfect rows of classes in turn have a formula for every number of splits."""
    held(Perfect(classes=classes, per_class=per_class), data.draw(st.integers(1, classes * per_class)))
    covered = Covered(classes=classes, per_class=per_class, modes=modes)
    held(covered, data.draw(st.integers(1, covered.covered * per_class)))


@pytest.mark.parametrize("classes", [2, 10, 1000])
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 1])
@pytest.mark.parametrize(("images", "splits"), [(1, 1), (7, 7), (60, 10)])
def test_identical_rows_score_one(classes: int, share: float, images: int, splits: int) -> None:
    assert held(Identical(classes=classes, share=share, images=images), splits) == 1


@pytest.mark.parametrize(("classes", "modes"), [(2, 1), (2, 2), (10, 5), (1000, 1), (1000, 640), (1000, 1000)])
def test_covered_modes_are_counted(classes: int, modes: int) -> None:
    scenario = Covered(classes=classes, modes=modes, per_class=2)
    assert held(scenario) == modes
    assert scenario.whole().note == ""
    assert np.count_nonzero(play(scenario.rows()).marginal) == modes


def test_one_mode_scores_one_in_any_splits() -> None:
    for splits in (2, 3, 100):
        assert held(Covered(modes=1), splits) == 1


def test_no_more_modes_than_classes_can_be_covered() -> None:
    scenario = Covered(classes=10, modes=11)
    assert held(scenario, splits=10) == pytest.approx(10)
    assert scenario.whole().note == "there are only 10 classes to cover"
    np.testing.assert_array_equal(scenario.probabilities(), Perfect(classes=10).probabilities())


# Uneven shares ------------------------------------------------------------------------------------------------------

UNEVEN: list[tuple[Uneven, Any, str]] = [
    (Dominant(share=0.5), [0.5] + [0.5 / 9] * 9, "6.0"),
    (Dominant(share=0.9), [0.9] + [0.1 / 9] * 9, "1.724"),
    (Dominant(share=0.99), [0.99] + [0.01 / 9] * 9, "1.081"),
    (LongTail(ratio=0.5), 1 / np.arange(1, 11), "7.343"),
    (LongTail(ratio=0.5, classes=1000), 1 / np.arange(1, 1001), "179.65"),
    (LongTail(ratio=0.5, tail="geometric"), 0.5 ** np.arange(10), "3.969"),
    (LongTail(ratio=0.8, tail="geometric"), 0.8 ** np.arange(10), "8.331"),
]


@pytest.mark.parametrize(("scenario", "shares", "figure"), UNEVEN, ids=[figure for *_, figure in UNEVEN])
def test_printed_figures_are_those_without_rounding(scenario: Uneven, shares: Any, figure: str) -> None:
    """And so are those of 50,000 images, to a ten-thousandth."""
    exact = math.exp(entropy(shares))
    assert printed(exact, figure)
    many = replace(scenario, images=50_000)
    assert f"{exact:.6g} without rounding" in many.whole().note
    assert many.whole().score == pytest.approx(exact, rel=1e-4)
    if scenario.classes == 10:
        assert printed(held(many), figure)


def rounded(shares: list[Fraction], images: int) -> list[int]:
    """Return images of each class by largest remainders, in exact arithmetic."""
    total = sum(shares)
    quotas = [images * share / total for share in shares]
    counts = [int(quota) for quota in quotas]
    for c in sorted(range(len(shares)), key=lambda c: (counts[c] - quotas[c], c))[: images - sum(counts)]:
        counts[c] += 1
    return counts


@pytest.mark.parametrize(("classes", "images"), [(2, 1), (2, 997), (10, 5), (10, 1000), (1000, 10), (1000, 2000)])
@pytest.mark.parametrize("share", ["0", "0.01", "0.3", "0.5", "1"])
def test_a_dominant_class(classes: int, images: int, share: str) -> None:
    first = Fraction(share)
    counts = rounded([first] + [(1 - first) / (classes - 1)] * (classes - 1), images)
    scenario = Dominant(classes=classes, images=images, share=float(share))
    assert np.bincount(scenario.probabilities().argmax(axis=1), minlength=classes).tolist() == counts
    assert held(scenario) == pytest.approx(math.exp(entropy(counts)), rel=1e-9)


@pytest.mark.parametrize(("classes", "images"), [(2, 1), (2, 997), (10, 5), (10, 1000), (1000, 10), (1000, 2000)])
@pytest.mark.parametrize("ratio", [0.01, 0.25, 0.5, 1])
@pytest.mark.parametrize("tail", ["zipf", "geometric"])
def test_a_long_tail(classes: int, images: int, ratio: float, tail: str) -> None:
    c = np.arange(classes)
    shares = ratio**c if tail == "geometric" else (c + 1) ** (math.log(ratio) / math.log(2))
    scenario = LongTail(classes=classes, images=images, tail=tail, ratio=ratio)
    found = np.bincount(scenario.probabilities().argmax(axis=1), minlength=classes)
    assert held(scenario) == pytest.approx(math.exp(entropy(found)), rel=1e-9)
    assert np.abs(found - images * shares / shares.sum()).max() < 1
    assert (np.diff(found) <= 0).all()
    assert found.sum() == images


def test_largest_remainders_by_hand() -> None:
    """Shares 8, 4, 2 and 1 of 10 images: 5.33, 2.67, 1.33 and 0.67."""
    marginal = play(LongTail(classes=4, images=10, ratio=0.5, tail="geometric").rows()).marginal
    np.testing.assert_allclose(marginal, [0.5, 0.3, 0.1, 0.1])


def test_the_second_class_has_the_ratio_to_the_first() -> None:
    for tail in ("zipf", "geometric"):
        counts = play(LongTail(tail=tail, ratio=0.7, images=50_000).rows()).marginal
        assert counts[1] / counts[0] == pytest.approx(0.7, rel=1e-3)


def test_splits_of_uneven_shares() -> None:
    """Classes are spread evenly: splits are alike if every count divides, and otherwise nearly."""
    scenario = Dominant(classes=10, share=0.1, images=1000)
    assert held(scenario, 10) == pytest.approx(10)
    halves = Dominant(classes=3, share=0.5, images=80)
    assert held(halves, 20) == pytest.approx(math.exp(entropy([2, 1, 1])))
    assert held(halves, 3) != pytest.approx(halves.whole().score, rel=1e-6)
    assert held(LongTail(images=100), 100) == pytest.approx(1)


# All of them --------------------------------------------------------------------------------------------------------

MATRICES = [
    (Perfect(classes=2, per_class=2), [[1, 0], [0, 1], [1, 0], [0, 1]]),
    (Identical(classes=2, images=3, share=0.5), [[0.75, 0.25]] * 3),
    (Identical(classes=4, images=2, share=1), np.full((2, 4), 0.25)),
    (Covered(classes=4, modes=2, per_class=2), [[1, 0, 0, 0], [0, 1, 0, 0]] * 2),
    (Dominant(classes=3, share=0.5, images=4), [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]),
    (LongTail(classes=2, ratio=0.5, images=6), [[1, 0], [0, 1], [1, 0], [1, 0], [0, 1], [1, 0]]),
]


@pytest.mark.parametrize(("scenario", "matrix"), MATRICES, ids=lambda x: getattr(x, "key", ""))
def test_small_matrices(scenario: Scenario, matrix: ArrayLike) -> None:
    np.testing.assert_array_equal(scenario.probabilities(), matrix)
    np.testing.assert_array_equal(scenario.rows().take(np.array([1, 0])), np.asarray(matrix)[[1, 0]])


LARGE = [
    Perfect(classes=1000, per_class=50),
    Identical(classes=1000, images=50_000),
    Covered(classes=1000, modes=999, per_class=50),
    Dominant(classes=1000, images=50_000),
    LongTail(classes=1000, images=50_000),
]


@pytest.mark.parametrize("scenario", LARGE, ids=lambda scenario: scenario.key)
def test_fifty_thousand_images_of_a_thousand_classes(scenario: Scenario) -> None:
    assert play(scenario.rows()).overall == pytest.approx(scenario.whole().score, rel=1e-9)


@pytest.mark.parametrize("kind", [Perfect, Identical, Covered, Dominant, LongTail], ids=lambda kind: kind.key)
def test_what_moves_variety_leaves_doubt_alone(kind: type[Scenario]) -> None:
    """And so it can be dragged."""
    for name, parameter in kind.parameters().items():
        if getattr(parameter, "drives", "") == "variety":
            ends = [play(kind(**{name: end}).rows()) for end in (parameter.low, parameter.high)]  # type: ignore[union-attr]
            assert (ends[0].doubt, ends[1].doubt) == (0, 0)
            assert abs(ends[0].variety - ends[1].variety) > 0.5
