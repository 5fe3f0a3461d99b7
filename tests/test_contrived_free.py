"""Free play and what is drawn: closed forms, order and copies, and how shares become whole images."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from isexplore.contrived.drawn import Drawn
from isexplore.contrived.freeplay import FreePlay
from isexplore.contrived.layout import in_turn, whole_counts


def free(splits: int = 1, **values: Any) -> float:
    """Return the score that the formula of free play gives."""
    answer = FreePlay(**values).expected(splits)
    assert answer is not None
    return answer.score


def exactly(value: float) -> Any:
    return pytest.approx(value, rel=1e-9)


def test_free_play_has_the_closed_forms_of_its_parts() -> None:
    assert free(covered=5) == exactly(5)
    assert free(ambiguity=2) == exactly(5)
    assert free(garbage=0.25, per_split=200) == exactly(10**0.75)
    assert free(confidence=0.1) == exactly(1)
    sure = 1 - 0.25 + 0.025  # a quarter of the uniform distribution in each row
    assert free(confidence=sure) == exactly(10 * sure**sure * 0.025 ** (9 * 0.025))
    assert free(splits=5, order="sorted") == exactly(2)
    zipf = 1 / np.arange(1, 11)
    assert free(imbalance=1, per_split=5000) == pytest.approx(math.exp(entropy(zipf)), rel=1e-5)


def test_free_play_does_not_see_copies() -> None:
    for splits in (1, 2, 5):
        assert free(splits, duplicates=5) == exactly(10)
        assert free(splits, collapse=1) == exactly(10)


def test_copies_lie_next_to_one_another() -> None:
    assert free(splits=10, per_split=10, duplicates=10) == exactly(1)
    assert free(splits=10, per_split=10) == exactly(10)


def test_more_of_all_is_all() -> None:
    all_of_them = FreePlay(classes=4, covered=4)
    assert (FreePlay(classes=4, covered=1000).probabilities() == all_of_them.probabilities()).all()
    assert free(classes=4, ambiguity=100, confidence=0.3) == exactly(1)
    answer = FreePlay(classes=4).expected()
    assert answer is not None
    assert "only 4 classes" in answer.note


def test_the_orders_of_free_play_hold_the_same_images() -> None:
    mixed: dict[str, Any] = {"classes": 6, "imbalance": 0.7, "garbage": 0.2, "confidence": 0.8, "duplicates": 3}
    rows = [FreePlay(order=order, **mixed).probabilities() for order in ("turn", "shuffled", "sorted")]
    turn, shuffled, in_order = [row[np.lexsort(row.T)] for row in rows]
    assert (turn == in_order).all()
    assert (shuffled == in_order).all()
    assert (np.diff(rows[2][rows[2].max(axis=1) > 0.5].argmax(axis=1)) >= 0).all()


def test_the_splits_of_free_play_are_what_they_are_made_for() -> None:
    assert FreePlay(per_split=50, parts=4).rows().n_images == 200
    meant, other = (FreePlay(per_split=50, parts=4).expected(splits) for splits in (4, 5))
    assert meant is not None
    assert other is not None
    assert "meant" not in meant.note
    assert "meant" in other.note


def test_what_is_drawn_has_the_closed_form_of_its_shares() -> None:
    for shares in ([0.5, *[0.5 / 9] * 9], [0, 1, 0, 1], [1, 0]):
        answer = Drawn(shares=tuple(shares), images=9000).expected()
        assert answer is not None
        assert answer.score == exactly(math.exp(entropy(shares)))


def test_confidences_are_used_over_and_over() -> None:
    twice = Drawn(shares=(1, 1, 1, 1), confidence=(0.9, 0.4), images=8)
    assert (twice.probabilities() == Drawn(shares=(1,) * 4, confidence=(0.9, 0.4) * 2, images=8).probabilities()).all()
    assert twice.probabilities().max(axis=1) == pytest.approx([0.9, 0.4] * 4)
    assert twice.probabilities()[1] == pytest.approx([0.2, 0.4, 0.2, 0.2])


def test_nothing_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="shares are all zero"):
        Drawn(shares=(0, 0, 0))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20).filter(any), st.integers(1, 1000))
def test_whole_counts_are_the_nearest(shares: list[float], n: int) -> None:
    counts = whole_counts(shares, n)
    quotas = np.array([float(Fraction(share) * n / sum(map(Fraction, shares))) for share in shares])
    assert counts.sum() == n
    assert (np.abs(counts - quotas) < 1 + 1e-9).all()
    left_out, rounded_up = (quotas - np.floor(quotas + 1e-9))[counts <= quotas], (counts - quotas)[counts > quotas]
    if left_out.size and rounded_up.size:
        assert left_out.max() <= 1 - rounded_up.max() + 1e-6


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_in_turn_is_in_turn(classes: int, rounds: int, more: int) -> None:
    assert (in_turn([rounds] * classes) == np.tile(np.arange(classes), rounds)).all()
    uneven = in_turn([rounds * (more + 1), rounds])  # one of the second kind in each round
    assert (uneven.reshape(rounds, -1).sum(axis=1) == 1).all()


def test_the_reason_says_how_many_images_there_are() -> None:
    assert "There are 1,000 images, 4 times 250." in FreePlay(per_split=250, parts=4).reason()


def test_the_reason_counts_different_images() -> None:
    assert "1000 of the images are different" in FreePlay().reason()
    assert "200 of the images are different" in FreePlay(duplicates=5).reason()
    assert "10 of the images are different" in FreePlay(collapse=1).reason()
