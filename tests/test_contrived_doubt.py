"""Scenarios of doubt against the score of their matrices, printed figures, and divergences by SciPy."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from isexplore.contrived.doubt import Ambiguous, DoubleSoftmax, Temperature, UniformMix
from isexplore.contrived.garbage import Garbage
from isexplore.contrived.scoring import play
from isexplore.parameters import Number
from isexplore.score import inception_score

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from isexplore.contrived.scenario import Scenario


def held(scenario: Scenario, splits: int = 1) -> float:
    """Return the expected score, after holding it against the matrix's."""
    answer = scenario.expected(splits)
    assert answer is not None
    assert answer.kind == "exact"
    assert inception_score(scenario.probabilities(), splits=splits).mean == pytest.approx(answer.score, rel=1e-9)
    assert play(scenario.rows(), splits).mean == pytest.approx(answer.score, rel=1e-9)
    return answer.score


def with_one(scenario: Scenario, name: str, value: Any) -> Scenario:
    return replace(scenario, **{name: value})


def printed(value: float, figure: str) -> bool:
    """Return whether a value rounds to a figure, at as many decimals as the figure has."""
    return f"{value:.{len(figure.partition('.')[2])}f}" == figure


def from_even(row: ArrayLike) -> float:
    """Return exp of the divergence of a row from even shares: the score of all its turns."""
    row = np.asarray(row)
    return math.exp(entropy(row, np.full(len(row), 1 / len(row))))


@pytest.mark.parametrize(
    ("classes", "share", "figure"),
    [
        (10, 0.1, "6.064"),
        (10, 0.25, "3.579"),
        (10, 0.5, "1.870"),
        (10, 0.1502, "5.00"),
        (1000, 0.1, "362.5"),
        (1000, 0.25, "101.6"),
        (1000, 0.5, "15.87"),
    ],
)
def test_uniform_mix_as_printed(classes: int, share: float, figure: str) -> None:
    assert printed(held(UniformMix(classes=classes, share=share, per_class=2)), figure)


@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
@pytest.mark.parametrize("share", [0, 0.01, 0.6, 1])
def test_uniform_mix_at_the_ends(classes: int, share: float) -> None:
    row = (1 - share) * np.eye(classes)[0] + share / classes
    assert held(UniformMix(classes=classes, share=share, per_class=1)) == pytest.approx(from_even(row), rel=1e-9)


@pytest.mark.parametrize(
    ("classes", "temperature", "figure"),
    [(10, 1, "9.955"), (10, 2, "7.084"), (10, 5, "1.503"), (1000, 1, "619.9"), (1000, 2, "1.664")],
)
def test_temperatures_as_printed(classes: int, temperature: float, figure: str) -> None:
    assert printed(held(Temperature(classes=classes, temperature=temperature, per_class=2)), figure)


@pytest.mark.parametrize("classes", [2, 10, 1000])
@pytest.mark.parametrize("temperature", [0.1, 0.7, 3.3, 10])
def test_temperatures_at_the_ends(classes: int, temperature: float) -> None:
    scenario = Temperature(classes=classes, temperature=temperature, per_class=1)
    row = softmax(10 * np.eye(classes)[0] / temperature)
    assert held(scenario) == pytest.approx(from_even(row), rel=1e-9)
    logits = 10 * np.eye(classes) / temperature
    assert inception_score(logits=logits, splits=1).mean == pytest.approx(held(scenario), rel=1e-9)


@pytest.mark.parametrize(("classes", "figure"), [(10, "1.0762"), (1000, "1.0010")])
def test_double_softmax_as_printed(classes: int, figure: str) -> None:
    assert printed(held(DoubleSoftmax(classes=classes, per_class=1)), figure)


@pytest.mark.parametrize("classes", [2, 37])
def test_double_softmax_is_what_happens_to_perfect_rows_taken_for_logits(classes: int) -> None:
    mistaken = inception_score(logits=np.eye(classes), splits=1).mean
    assert held(DoubleSoftmax(classes=classes)) == pytest.approx(mistaken, rel=1e-9)


@pytest.mark.parametrize(
    ("classes", "ways", "score"),
    [(10, 1, 10), (10, 4, 2.5), (10, 10, 1), (2, 1, 2), (1000, 1, 1000), (1000, 3, 1000 / 3), (1000, 1000, 1)],
)
def test_ambiguous_images(classes: int, ways: int, score: float) -> None:
    scenario = Ambiguous(classes=classes, ways=ways, per_class=1)
    assert held(scenario) == pytest.approx(score, rel=1e-12)
    assert (scenario.whole().note, scenario.possible) == ("", ways)


def test_no_more_classes_can_be_meant_than_there_are() -> None:
    scenario = Ambiguous(classes=10, ways=1000)
    assert held(scenario) == 1
    assert scenario.whole().note == "there are only 10 classes that an image could be"
    np.testing.assert_array_equal(scenario.probabilities(), 0.1)


@pytest.mark.parametrize("classes", [2, 10, 1000])
@pytest.mark.parametrize(("fraction", "garbage"), [(0, 0), (0.25, 1), (0.6, 2), (1, 4)])
def test_garbage(classes: int, fraction: float, garbage: int) -> None:
    scenario = Garbage(classes=classes, fraction=fraction, per_class=4)
    assert scenario.garbage == garbage
    assert held(scenario) == pytest.approx(classes ** (1 - garbage / 4), rel=1e-12)
    doubts = play(scenario.rows()).entropies
    np.testing.assert_allclose(np.unique(doubts.round(9)), [0, math.log(classes)][garbage == 4 : 1 + (garbage > 0)])


def test_half_garbage_is_the_square_root() -> None:
    assert held(Garbage(classes=100, fraction=0.5)) == pytest.approx(10)
    assert held(Garbage(classes=10, fraction=0.5, per_class=1)) == 10
    assert Garbage(per_class=7, fraction=0.5).whole().note == "f is 4/7, a whole number of images a class"


@pytest.mark.parametrize("splits", [2, 4, 5, 10, 20, 100])
def test_splits_of_whole_turns_have_their_own_garbage(splits: int) -> None:
    scenario = Garbage(classes=10, per_class=100, fraction=0.13)
    turns = 100 // splits
    garbage = [(s + 1) * 13 // splits - s * 13 // splits for s in range(splits)]
    assert sum(garbage) == 13
    assert held(scenario, splits) == pytest.approx(np.mean([10 ** (1 - g / turns) for g in garbage]))
    assert inception_score(scenario.probabilities(), splits=splits).std > 0.1


A, B = 0.7310585786300049, 0.2689414213699951  # e/(e + 1) and 1/(e + 1)
MATRICES: list[tuple[Scenario, Any]] = [
    (UniformMix(classes=2, per_class=2, share=0.5), [[0.75, 0.25], [0.25, 0.75]] * 2),
    (UniformMix(classes=3, per_class=1, share=0), np.eye(3)),
    (Temperature(classes=2, per_class=1, temperature=10), [[A, B], [B, A]]),
    (DoubleSoftmax(classes=2, per_class=2), [[A, B], [B, A]] * 2),
    (Ambiguous(classes=3, per_class=1, ways=2), [[0.5, 0.5, 0], [0, 0.5, 0.5], [0.5, 0, 0.5]]),
    (Garbage(classes=2, per_class=2, fraction=0.5), [[1, 0], [0, 1], [0.5, 0.5], [0.5, 0.5]]),
]


@pytest.mark.parametrize(("scenario", "matrix"), MATRICES, ids=lambda x: getattr(x, "key", ""))
def test_small_matrices(scenario: Scenario, matrix: Any) -> None:
    np.testing.assert_allclose(scenario.probabilities(), matrix, atol=1e-15)
    np.testing.assert_allclose(scenario.rows().take(np.array([1, 0])), np.asarray(matrix)[[1, 0]], atol=1e-15)


ALL: list[Scenario] = [kind(per_class=6) for kind in (UniformMix, Temperature, DoubleSoftmax, Ambiguous)]


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.key)
@pytest.mark.parametrize("splits", [2, 3, 6])
def test_splits_that_divide_score_the_same(scenario: Scenario, splits: int) -> None:
    assert held(scenario, splits) == pytest.approx(scenario.whole().score, rel=1e-12)


@pytest.mark.parametrize("scenario", [*ALL, Garbage(per_class=6)], ids=lambda scenario: scenario.key)
@pytest.mark.parametrize("splits", [4, 7, 60])
def test_no_formula_for_other_splits(scenario: Scenario, splits: int) -> None:
    """They score something else, and so there must be none."""
    assert scenario.expected(splits) is None
    score = inception_score(scenario.probabilities(), splits=splits).mean
    assert score != pytest.approx(scenario.whole().score, rel=1e-6)


@pytest.mark.parametrize("scenario", [*ALL, Garbage(per_class=50)], ids=lambda scenario: scenario.key)
def test_fifty_thousand_images_of_a_thousand_classes(scenario: Scenario) -> None:
    large = replace(scenario, classes=1000, per_class=50)  # type: ignore[call-arg]
    assert large.rows().n_images == 50_000
    answer = large.expected(10)
    assert answer is not None
    assert play(large.rows(), 10).mean == pytest.approx(answer.score, rel=1e-9)


@pytest.mark.parametrize("scenario", [*ALL, Garbage()], ids=lambda scenario: scenario.key)
def test_what_moves_doubt_leaves_variety_alone(scenario: Scenario) -> None:
    """And so it can be dragged."""
    for name, parameter in scenario.parameters().items():
        if isinstance(parameter, Number) and parameter.drives:
            ends = [play(with_one(scenario, name, end).rows()) for end in (parameter.low, parameter.high)]
            assert parameter.drives == "doubt"
            assert ends[0].variety == pytest.approx(ends[1].variety, abs=1e-12)
            assert abs(ends[0].doubt - ends[1].doubt) > 0.5
