"""Contrived images drawn at random, memorised or repeated: figures as printed, every set there could be, many seeds."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isexplore.contrived.copies import Duplicated, Memorised
from isexplore.contrived.order import ClassOrder
from isexplore.contrived.samples import RandomImages, random_log_score
from isexplore.contrived.scoring import play
from isexplore.score import inception_score

if TYPE_CHECKING:
    from collections.abc import Sequence


def exactly(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def printed(value: float, figure: str) -> bool:
    """Return whether a value rounds to a figure, at as many decimals as the figure has."""
    return f"{value:.{len(figure.partition('.')[2])}f}" == figure


def within_four_errors(logs: Sequence[float], score: float) -> bool:
    """Return whether the mean of ln IS over many seeds is what it must be; the error is of that mean."""
    return bool(abs(np.mean(logs) - math.log(score)) <= 4 * np.std(logs, ddof=1) / math.sqrt(len(logs)) + 1e-12)


@pytest.mark.parametrize(
    ("classes", "images", "splits", "figure"),
    [
        (10, 50, 10, "3.853"),
        (10, 500, 10, "9.099"),
        (10, 5000, 10, "9.910"),
        (1000, 50_000, 1, "990.03"),
        (1000, 50_000, 10, "900.72"),
        (1000, 50_000, 100, "365.49"),
        (1000, 50_000, 1000, "48.35"),
    ],
)
def test_a_perfect_generator_of_few_images(classes: int, images: int, splits: int, figure: str) -> None:
    answer = RandomImages(classes=classes, images=images).expected(splits)
    assert answer is not None
    assert answer.kind == "expected"
    assert printed(answer.score, figure)


def test_a_perfect_generator_of_1000_modes() -> None:
    generator = RandomImages(classes=1000, images=26_000)
    answer = generator.expected()
    assert answer is not None
    assert printed(generator.first_order(), "980.97")
    assert answer.score == pytest.approx(generator.first_order(), rel=1e-3)
    assert "980.97" in generator.reason()


def test_the_reason_leaves_out_what_rounds_to_nothing() -> None:
    assert "out on average" not in RandomImages(classes=1000, images=50_000).reason()
    assert "leaves 0.1 out on average" in RandomImages(classes=10, images=50).reason()
    assert "all images together keep about 990.06" in RandomImages(classes=1000, images=50_000).reason()


def test_fifty_images_of_fifty_classes_in_ten_splits() -> None:
    """A split of n images scores at most n."""
    fifty = ClassOrder(classes=50, per_class=1, order="turn")
    answer = fifty.expected(10)
    assert answer is not None
    assert answer.score == exactly(5)
    assert inception_score(fifty.probabilities(), splits=10).mean == exactly(5)


@pytest.mark.parametrize(("classes", "images"), [(4, 1), (3, 4), (2, 7), (10, 5)])
def test_every_set_that_could_be_drawn(classes: int, images: int) -> None:
    labels = np.array(list(itertools.product(range(classes), repeat=images))).ravel()
    scores = inception_score(np.eye(classes, dtype=bool)[labels], splits=classes**images).split_scores
    assert np.log(scores).mean() == exactly(random_log_score(images, classes))
    if (classes, images) == (10, 5):
        assert printed(float(scores.mean()), "3.943")  # the mean score itself is a little higher


@pytest.mark.parametrize(
    ("classes", "images", "splits"), [(10, 50, 1), (10, 50, 10), (10, 53, 10), (100, 500, 4), (1000, 5000, 10)]
)
def test_random_images_over_many_seeds(classes: int, images: int, splits: int) -> None:
    made = [RandomImages(classes=classes, images=images, seed=seed) for seed in range(60)]
    answer = made[0].expected(splits)
    assert answer is not None
    assert within_four_errors([math.log(play(one.rows(), splits).log_mean) for one in made], answer.score)


def test_splits_of_two_sizes() -> None:
    """Of 53 images in 10 splits, 7 have 5 and 3 have 6."""
    answer = RandomImages(classes=10, images=53).expected(10)
    assert answer is not None
    assert math.log(answer.score) == exactly(0.7 * random_log_score(5, 10) + 0.3 * random_log_score(6, 10))


# Copies -------------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 12), st.integers(1, 8), st.integers(1, 5), st.data())
def test_memorised_images_score_as_any_others(classes: int, per_class: int, distinct: int, data: st.DataObject) -> None:
    splits = data.draw(st.integers(1, classes * per_class))
    memorised = Memorised(classes=classes, per_class=per_class, distinct=distinct)
    score = inception_score(memorised.probabilities(), splits=splits)
    answer = memorised.expected(splits)
    assert answer is not None
    assert answer.kind == "exact"
    assert answer.score == exactly(score.mean)
    assert score.overall == exactly(classes)


def test_duplicates_among_twenty_of_a_hundred() -> None:
    assert printed(Memorised(classes=100, distinct=1, looked_at=20).birthday(), "0.870")
    assert Memorised(classes=10, distinct=10, looked_at=20).birthday() == exactly(
        1 - math.prod(1 - k / 100 for k in range(20))
    )
    assert Memorised(classes=100, distinct=1, looked_at=20).birthday_rule() == exactly(1 - math.exp(-400 / 200))
    assert "0.870" in Memorised(classes=100, distinct=1, looked_at=20).reason()


@pytest.mark.parametrize(("known", "seen"), [(2, 2), (3, 3), (4, 3), (3, 4), (2, 8)])
def test_birthdays_counted_out(known: int, seen: int) -> None:
    """Of all sequences of images that could be drawn, those with two the same."""
    draws = list(itertools.product(range(known), repeat=seen))
    some = sum(len(set(draw)) < seen for draw in draws) / len(draws)
    assert Memorised(classes=known, distinct=1, looked_at=seen).birthday() == exactly(some)


@pytest.mark.parametrize("splits", [1, 2, 3, 6])
def test_a_repeated_set_scores_as_it_did(splits: int) -> None:
    once = inception_score(Duplicated(classes=20, images=90, times=1).probabilities(), splits=1)
    often = inception_score(Duplicated(classes=20, images=90, times=6).probabilities(), splits=splits)
    assert often.split_scores == exactly([once.overall] * splits)


@pytest.mark.parametrize(
    ("times", "splits", "known"), [(4, 1, True), (4, 2, True), (4, 4, True), (4, 8, True), (4, 12, True), (4, 6, False)]
)
def test_repeated_sets_over_many_seeds(times: int, splits: int, known: bool) -> None:  # noqa: FBT001 - a parameter
    made = [Duplicated(classes=20, images=50, times=times, seed=seed) for seed in range(60)]
    answer = made[0].expected(splits)
    assert (answer is not None) == known
    if answer is not None:
        assert answer.kind == "expected"
        assert within_four_errors([math.log(play(one.rows(), splits).log_mean) for one in made], answer.score)
