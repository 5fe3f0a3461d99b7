"""Contrived sets whose scores follow from counts of classes: order, labels that do not match, and noise."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isexplore.contrived.labels import LabelMismatch
from isexplore.contrived.noise import AdversarialNoise
from isexplore.contrived.order import ClassOrder
from isexplore.contrived.scoring import play
from isexplore.score import inception_score

if TYPE_CHECKING:
    from isexplore.contrived.scenario import Scenario


def exactly(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def printed(value: float, figure: str) -> bool:
    """Return whether a value rounds to a figure, at as many decimals as the figure has."""
    return f"{value:.{len(figure.partition('.')[2])}f}" == figure


def expected(scenario: Scenario, splits: int = 1) -> float:
    answer = scenario.expected(splits)
    assert answer is not None
    return answer.score


def check_exact(scenario: Scenario, splits: int) -> None:
    """Hold the formula, and the score from few numbers, against the score of the matrix."""
    answer = scenario.expected(splits)
    score = inception_score(scenario.probabilities(), splits=splits)
    assert answer is not None
    assert answer.kind == "exact"
    assert answer.score == exactly(score.mean)
    assert play(scenario.rows(), splits).split_scores == exactly(score.split_scores)


# Order --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("top", "splits", "figure"),
    [
        (1, 1, "10"),
        (1, 2, "5"),
        (1, 5, "2"),
        (1, 10, "1"),
        (0.9, 1, "5.80"),
        (0.9, 2, "3.59"),
        (0.9, 5, "1.77"),
        (0.9, 10, "1"),
    ],
)
def test_splits_of_sorted_classes(top: float, splits: int, figure: str) -> None:
    ordered = ClassOrder(classes=10, per_class=100, top=top)
    assert printed(expected(ordered, splits), figure)
    check_exact(ordered, splits)
    if top == 1:
        assert expected(ordered, splits) == exactly(10 / splits)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 12), st.integers(1, 9), st.sampled_from(["sorted", "turn"]), st.floats(0.5, 1), st.data())
def test_sorted_or_in_turn_at_any_number_of_splits(
    classes: int, per_class: int, order: str, top: float, data: st.DataObject
) -> None:
    splits = data.draw(st.integers(1, classes * per_class))
    check_exact(ClassOrder(classes=classes, per_class=per_class, order=order, top=top), splits)


@pytest.mark.parametrize("top", [1, 0.7])
@pytest.mark.parametrize("splits", [1, 2, 3, 4, 6])
def test_every_order_there_could_be(splits: int, top: float) -> None:
    """All orders of 3 classes with 2 images each, splits of two sizes among them: the mean of ln IS is the formula."""
    shape = [top, (1 - top) / 2, (1 - top) / 2]
    rows = np.stack([np.roll(shape, label) for label in (0, 0, 1, 1, 2, 2)])
    logs = [
        np.log(inception_score(rows[list(order)], splits=splits).split_scores).mean()
        for order in itertools.permutations(range(6))
    ]
    shuffled = ClassOrder(classes=3, per_class=2, order="shuffled", top=top)
    assert math.log(expected(shuffled, splits)) == exactly(np.mean(logs))


@pytest.mark.parametrize(("splits", "figure"), [(2, 9.95), (5, 9.82), (10, 9.6)])
@pytest.mark.parametrize("top", [1, 0.9])
def test_shuffled_images_over_many_seeds(splits: int, figure: float, top: float) -> None:
    made = [ClassOrder(order="shuffled", top=top, seed=seed) for seed in range(60)]
    logs = np.log([inception_score(one.probabilities(), splits=splits).split_scores for one in made]).mean(axis=1)
    score = expected(made[0], splits)
    assert abs(logs.mean() - math.log(score)) <= 4 * logs.std(ddof=1) / math.sqrt(60)
    if top == 1:
        assert score == pytest.approx(figure, abs=0.06 if splits == 10 else 0.01)


def test_two_or_three_images_can_be_shuffled() -> None:
    """SciPy's hypergeometric law has no finite higher moments of so few, and warns."""
    for images in (2, 3):
        assert expected(ClassOrder(classes=images, per_class=1, order="shuffled"), 2) == exactly(
            2 ** ((images - 2) / 2)
        )


def test_shuffling_changes_only_the_order() -> None:
    shuffled = ClassOrder(classes=5, per_class=20, order="shuffled", seed=3)
    assert (
        shuffled.probabilities() == ClassOrder(classes=5, per_class=20, order="shuffled", seed=3).probabilities()
    ).all()
    assert (
        shuffled.probabilities() != ClassOrder(classes=5, per_class=20, order="shuffled", seed=4).probabilities()
    ).any()
    assert shuffled.probabilities().sum(axis=0) == exactly([20] * 5)
    check_exact(shuffled, 1)


# Labels that do not match -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "score", "outputs"), [("extra", 10, 18), ("breeds", 120, 120), ("spread", 10, 120), ("merged", 2, 2)]
)
@pytest.mark.parametrize("splits", [1, 10])
def test_labels_that_do_not_match(seen: str, score: float, outputs: int, splits: int) -> None:
    mismatch = LabelMismatch(seen=seen)
    assert expected(mismatch, splits) == exactly(score)
    assert mismatch.probabilities().shape == (1200, outputs)
    check_exact(mismatch, splits)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["extra", "breeds", "spread", "merged"]),
    *[st.integers(2, 9), st.integers(1, 9), st.integers(0, 5), st.integers(1, 6), st.integers(2, 12)],
    st.data(),
)
def test_labels_that_do_not_match_in_any_number(  # noqa: PLR0913, PLR0917 - one for each slider
    seen: str, classes: int, per_class: int, extra: int, breeds: int, merged: int, data: st.DataObject
) -> None:
    splits = data.draw(st.integers(1, classes * per_class))
    mismatch = LabelMismatch(classes=classes, per_class=per_class, seen=seen, extra=extra, breeds=breeds, merged=merged)
    check_exact(mismatch, splits)


# Noise --------------------------------------------------------------------------------------------------------------


def test_noise_scores_the_number_of_classes() -> None:
    assert expected(AdversarialNoise(classes=1000)) == exactly(1000)
    check_exact(AdversarialNoise(classes=1000, per_class=2), 2)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 12), st.integers(1, 9), st.floats(0.5, 1), st.data())
def test_noise_at_any_certainty(classes: int, per_class: int, top: float, data: st.DataObject) -> None:
    splits = data.draw(st.integers(1, classes * per_class))
    check_exact(AdversarialNoise(classes=classes, per_class=per_class, top=top), splits)
