"""Leaving one image out: exact against scoring the others, and against the first-order influence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isexplore.influence import leave_one_out
from isexplore.score import inception_score


@st.composite
def matrices(draw: st.DrawFn) -> Any:
    """Draw rows from nearly uniform to exactly one-hot."""
    n, n_classes = draw(st.integers(2, 25)), draw(st.integers(2, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        return np.eye(n_classes)[rng.integers(n_classes, size=n)]
    return rng.dirichlet(np.full(n_classes, draw(st.sampled_from([0.02, 0.3, 10.0]))) + 1e-3, n)


@settings(deadline=None)
@given(matrices())
def test_it_is_the_score_of_the_others(p: Any) -> None:
    others = [inception_score(np.delete(p, i, axis=0), splits=1).overall for i in range(len(p))]
    assert leave_one_out(p) == pytest.approx(others, rel=1e-11)
    assert leave_one_out(torch.from_numpy(p)) == pytest.approx(others, rel=1e-11)
    assert leave_one_out(p, score=inception_score(p, splits=1)) == pytest.approx(others, rel=1e-11)
    positive = (p + 1e-9) / (p + 1e-9).sum(axis=1, keepdims=True)
    assert leave_one_out(logits=np.log(positive)) == pytest.approx(leave_one_out(positive), rel=1e-9)


def test_the_influence_is_its_first_order() -> None:
    p = np.random.default_rng(0).dirichlet(np.full(10, 0.3), 2000)
    score = inception_score(p)
    change = np.log(leave_one_out(p)) - score.log_score
    assert change == pytest.approx(-score.influence / 1999, abs=10 / 2000**2)  # χ²(p‖m)/2 is at most 10/2
    assert score.influence.sum() == pytest.approx(0, abs=1e-9)


def test_the_only_image_of_a_class() -> None:
    p = np.repeat(np.eye(3), [5, 5, 1], axis=0)
    for score in (None, inception_score(p, splits=1)):
        assert leave_one_out(p, score=score)[-1] == pytest.approx(2, rel=1e-12)


def test_a_score_of_all_images_saves_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    p = np.random.default_rng(0).dirichlet(np.full(10, 0.3), 200)
    expected, score = leave_one_out(p), inception_score(p)
    monkeypatch.delattr("isexplore.influence.read_terms")
    assert leave_one_out(p, score=score) == pytest.approx(expected, rel=1e-12)


def test_blocks_and_threads_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    p = np.random.default_rng(0).dirichlet(np.full(7, 0.3), 331)
    expected = leave_one_out(p)
    monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", 20)
    assert leave_one_out(p) == pytest.approx(expected, rel=1e-12)
    p[300] = np.nan
    with pytest.raises(ValueError, match="row 300 of the probabilities holds nan"):
        leave_one_out(p, score=inception_score(np.full((331, 7), 1 / 7)))


@pytest.mark.parametrize("shape", [(4, 3), (3, 4)])
def test_a_score_of_other_predictions(shape: tuple[int, int]) -> None:
    score = inception_score(np.full(shape, 1 / shape[1]), splits=1)
    message = f"the score is of {shape[0]} images and {shape[1]} classes, and the predictions are of 3 and 3"
    with pytest.raises(ValueError, match=message):
        leave_one_out(np.eye(3), score=score)


def test_one_image_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match="one image only"):
        leave_one_out([[0.5, 0.5]])
