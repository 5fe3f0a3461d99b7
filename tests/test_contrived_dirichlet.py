"""Contrived soft rows, drawn at random: Dirichlet laws, their hard labels, and two overlapping normal laws."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import entr
from scipy.stats import ks_2samp

from isexplore.contrived.dirichlet import DirichletRows, HardLabels
from isexplore.contrived.gaussians import Gaussians
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


def within_four_errors(scenario: Scenario, draws: int, splits: int) -> bool:
    """Return whether one drawn set has the score that it must have; the error is of the mean entropy of its draws."""
    answer, played = scenario.expected(splits), play(scenario.rows(), splits)
    assert answer is not None
    assert answer.kind == "expected"
    error = played.entropies.std() / math.sqrt(draws)
    return bool(abs(math.log(played.log_mean) - math.log(answer.score)) <= 4 * error)


# Dirichlet rows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("classes", "alpha", "figure"), [(10, 1, "1.45298"), (10, 0.1, "4.28897"), (1000, 0.001, "368.5")]
)
def test_dirichlet_rows_hard_and_soft(classes: int, alpha: float, figure: str) -> None:
    assert printed(expected(DirichletRows(classes=classes, alpha=alpha)), figure)
    assert expected(HardLabels(classes=classes, alpha=alpha)) == exactly(classes)
    assert (
        f"{expected(DirichletRows(classes=classes, alpha=alpha)):.3f}"
        in HardLabels(classes=classes, alpha=alpha).reason()
    )


@pytest.mark.parametrize(
    ("classes", "alpha", "splits"),
    [(2, 0.001, 1), (10, 0.1, 1), (10, 0.1, 10), (10, 1, 5), (10, 10, 1), (1000, 0.001, 1), (1000, 0.1, 2)],
)
def test_dirichlet_rows_over_many_seeds(classes: int, alpha: float, splits: int) -> None:
    seeds = range(3 if classes == 1000 else 40)
    made = [DirichletRows(classes=classes, alpha=alpha, draws=50, seed=seed) for seed in seeds]
    logs = np.array([math.log(play(one.rows(), splits).log_mean) for one in made])
    error = np.mean([play(one.rows()).entropies.std() for one in made]) / math.sqrt(50 * len(made))
    assert abs(logs.mean() - math.log(expected(made[0], splits))) <= 4 * error
    if classes > 2:  # of two classes at so low an α, nearly all entropies are 0: no error can be told from one set
        assert within_four_errors(made[0], 50, splits)


def test_rows_are_drawn_as_numpy_draws_them() -> None:
    """The highest number of each row, and its entropy, have the law of NumPy's own Dirichlet rows."""
    rows = np.concatenate([DirichletRows(alpha=0.2, draws=100, seed=seed).rows().shapes for seed in range(20)])
    others = np.random.default_rng(5).dirichlet(np.full(10, 0.2), 20_000)
    assert ks_2samp(rows[:, 0], others.max(axis=1)).pvalue > 0.001
    assert ks_2samp(entr(rows).sum(axis=1), entr(others).sum(axis=1)).pvalue > 0.001


@pytest.mark.parametrize("alpha", [0.001, 0.02, 10])
def test_every_class_weighs_alike_and_nothing_underflows(alpha: float) -> None:
    p = DirichletRows(classes=100, alpha=alpha, draws=3).probabilities()
    assert np.isfinite(p).all()
    assert p.sum(axis=1) == exactly(1)
    assert p.mean(axis=0) == exactly([0.01] * 100)
    assert play(DirichletRows(classes=100, alpha=alpha, draws=3).rows()).overall == exactly(inception_score(p).overall)


def test_the_label_of_an_image_is_its_most_likely_class() -> None:
    hard = HardLabels(classes=20, draws=7).probabilities()
    for seed in range(3):
        soft = DirichletRows(classes=20, alpha=0.5, draws=7, seed=seed).probabilities()
        assert (hard == np.eye(20)[soft.argmax(axis=1)]).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 12), st.integers(1, 9), st.data())
def test_hard_labels_at_any_number_of_splits(classes: int, draws: int, data: st.DataObject) -> None:
    splits = data.draw(st.integers(1, classes * draws))
    hard = HardLabels(classes=classes, draws=draws)
    assert expected(hard, splits) == exactly(inception_score(hard.probabilities(), splits=splits).mean)


def test_no_formula_where_splits_cut_through_the_turns_of_a_row() -> None:
    assert DirichletRows(draws=5).expected(2) is None
    assert Gaussians(pairs=5).expected(2) is None


# Two overlapping normal laws ----------------------------------------------------------------------------------------


def test_two_points_score_more_than_real_data() -> None:
    assert printed(expected(Gaussians(mu=1)), "1.4005")
    assert printed(expected(Gaussians(mu=1, data="points", position=5)), "1.9990")
    for figure in ("1.4005", "1.9990"):
        assert figure in Gaussians(mu=1, position=5).reason()


@pytest.mark.parametrize("mu", [0, 0.05, 1, 2.5, 5])
def test_the_integral_to_fifty_digits(mu: float) -> None:
    """As mutual information: KL of each class's density from their mean, with no classifier in it."""
    with mpmath.workdps(50):

        def integrand(x: Any) -> Any:
            one, other = mpmath.npdf(x, mu, 1), mpmath.npdf(x, -mu, 1)
            return one * mpmath.log(2 * one / (one + other))

        score = mpmath.exp(mpmath.quad(integrand, [-15, -mu - 1, 0, mu + 1, 20]))
    assert expected(Gaussians(mu=mu)) == exactly(float(score))


@pytest.mark.parametrize(("mu", "splits"), [(0.05, 1), (1, 1), (1, 10), (2.5, 5), (5, 1)])
def test_real_data_over_many_seeds(mu: float, splits: int) -> None:
    made = [Gaussians(mu=mu, pairs=500, seed=seed) for seed in range(40)]
    logs = np.log([inception_score(one.probabilities(), splits=splits).split_scores for one in made]).mean(axis=1)
    assert abs(logs.mean() - math.log(expected(made[0], splits))) <= 4 * logs.std(ddof=1) / math.sqrt(40)
    if mu < 5:  # further apart, too few images are in doubt for an error from one set
        assert within_four_errors(made[0], 500, splits)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 5), st.floats(0, 10), st.integers(1, 20), st.data())
def test_two_points_anywhere(mu: float, position: float, pairs: int, data: st.DataObject) -> None:
    splits = data.draw(st.integers(1, 2 * pairs))
    points = Gaussians(data="points", mu=mu, position=position, pairs=pairs)
    score = inception_score(points.probabilities(), splits=splits)
    assert expected(points, splits) == exactly(score.mean)
    assert play(points.rows(), splits).split_scores == exactly(score.split_scores)
