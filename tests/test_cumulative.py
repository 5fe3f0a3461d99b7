"""Cumulative sums: any run of images, in any order, against scoring it by itself."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isexplore.cumulative import cumulative_sums
from isexplore.edges import all_edges
from isexplore.score import inception_score


def exactly(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def dirichlet(n: int, n_classes: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).dirichlet(np.full(n_classes, 0.2), n)


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(2, 60), st.integers(2, 8), st.integers(0, 1000))
def test_every_run_of_images_scores_as_it_does_by_itself(
    data: st.DataObject, n: int, n_classes: int, seed: int
) -> None:
    p = dirichlet(n, n_classes, seed)
    order = np.random.default_rng(seed).permutation(n)
    edges = data.draw(st.lists(st.integers(0, n), max_size=5))
    cuts = sorted(data.draw(st.sets(st.integers(0, n), min_size=2)))
    as_they_lie, shuffled = cumulative_sums(p, edges), cumulative_sums(p, edges, order)
    for sums, rows in ((as_they_lie, p), (shuffled, p[order])):
        alone = [inception_score(rows[i:j], splits=1).overall for i, j in pairwise(cuts)]
        assert sums.scores(cuts) == exactly(alone)
        assert sums.score(cuts[0], cuts[1]) == exactly(alone[0])


def test_blocks_chunks_and_kinds_of_input_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    p = dirichlet(2517, 6)
    cuts = np.arange(0, 2517, 9)
    order = np.arange(2517)[::-1]
    scores = cumulative_sums(p, cuts).scores(cuts)
    backwards = cumulative_sums(p, cuts, order).scores(cuts)
    for size in (1, 40, 1000):
        monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", size)
        for matrix in (p, torch.from_numpy(p)):
            assert cumulative_sums(matrix, cuts).scores(cuts) == pytest.approx(scores, rel=1e-12)
            assert cumulative_sums(matrix, cuts, order.tolist()).scores(cuts) == pytest.approx(backwards, rel=1e-12)


def test_the_number_of_threads_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    p = dirichlet(3000, 6)
    monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", 60)
    results = []
    for threads in (1, 2, 7):
        monkeypatch.setattr("os.cpu_count", lambda count=threads: count)
        results.append(inception_score(p, splits=7))
    for result in results[1:]:
        assert result.split_scores.tolist() == results[0].split_scores.tolist()
        assert result.kl.tolist() == results[0].kl.tolist()
        assert (result.bias_constant, result.overall) == (results[0].bias_constant, results[0].overall)


def test_sums_of_many_float32_rows_are_kept_in_float64() -> None:
    """Sums in float32 would be wrong by some 1e-6 here, and their differences by more."""
    p = np.full((200_000, 3), [0.1, 0.3, 0.6], dtype=np.float32)
    p[-1000:] = [0.3, 0.6, 0.1]
    cuts = np.arange(0, 200_001, 1000)
    assert cumulative_sums(p, cuts).scores(cuts) == pytest.approx(np.ones(200), rel=1e-9)


def test_logits_and_probabilities_agree() -> None:
    p = dirichlet(100, 5)
    assert cumulative_sums(logits=np.log(p) + 3).scores([0, 30, 100]) == exactly(
        cumulative_sums(p).scores([0, 30, 100])
    )


def test_a_class_that_ends_between_two_edges_leaves_nothing_behind() -> None:
    p = np.full((300, 3), [0.7, 0.3, 0.0])
    p[7] = [0.1, 0.3, 0.6]
    scores = cumulative_sums(p, [290]).scores([0, 3, 9, 150, 290, 300])
    assert np.isfinite(scores).all()
    assert scores[[0, 2, 3, 4]] == exactly([1, 1, 1, 1])


@pytest.mark.parametrize("cuts", [[0], [], [0, 0], [3, 2], [-1, 2], [0, 13], [0, 1.5], [[0, 1]], ["a", "b"]])
def test_bad_cuts(cuts: Any) -> None:
    with pytest.raises(ValueError, match=r"cuts (are|must)"):
        cumulative_sums(np.eye(12)).scores(cuts)


@pytest.mark.parametrize("edges", [[13], [-1], [0.5]])
def test_bad_edges(edges: Any) -> None:
    with pytest.raises(ValueError, match="whole numbers from 0 to 12"):
        all_edges(edges, 12)


@pytest.mark.parametrize("order", [[0, 1], [0, 0, 1], [1, 2, 3], [[0, 1, 2]], [0.0, 1.5, 2.0]])
def test_bad_orders(order: Any) -> None:
    with pytest.raises(ValueError, match="each of the numbers 0 to 2 once"):
        cumulative_sums(np.eye(3), [2], order)


def test_bad_rows_are_named_by_their_place_in_the_matrix() -> None:
    p = np.full((20, 2), 0.5)
    p[13] = [0.5, 0.7]
    with pytest.raises(ValueError, match="row 13 "):
        cumulative_sums(p, [5], np.arange(20)[::-1])


def test_the_first_bad_row_is_named_whichever_thread_meets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", 4)
    p = np.full((5000, 2), 0.5)
    p[[77, 2500, 4999]] = 0.7
    for _ in range(5):
        with pytest.raises(ValueError, match="row 77 "):
            cumulative_sums(p)
