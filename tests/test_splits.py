"""Splits: the table of cumulative sums against scoring each slice by itself, and the curve."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isexplore.score import inception_score, with_splits
from isexplore.splits import shuffled_order, split_curve, split_edges, split_table


def exactly(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def dirichlet(n: int, n_classes: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).dirichlet(np.full(n_classes, 0.2), n)


@given(st.data(), st.integers(1, 10**7))
def test_edges_follow_the_floor_rule(data: st.DataObject, n: int) -> None:
    splits = data.draw(st.integers(1, min(n, 300)))
    edges = split_edges(n, splits)
    assert edges.tolist() == [i * n // splits for i in range(splits + 1)]
    assert set(np.diff(edges).tolist()) <= {n // splits, n // splits + 1}


@settings(deadline=None, max_examples=10)
@given(st.integers(1, 60), st.integers(2, 8), st.integers(0, 1000))
def test_every_split_count_equals_scoring_each_slice(n: int, n_classes: int, seed: int) -> None:
    p = dirichlet(n, n_classes, seed)
    order = np.random.default_rng(seed).permutation(n)
    table = split_table(p, n)
    shuffled = split_table(p, n, order)
    for splits in range(1, n + 1):
        edges = split_edges(n, splits)
        pairs = list(pairwise(edges))
        slices = [inception_score(p[i:j], splits=1).overall for i, j in pairs]
        assert table.scores(splits) == exactly(slices)
        slices = [inception_score(p[order][i:j], splits=1).overall for i, j in pairs]
        assert shuffled.scores(splits) == exactly(slices)


def test_blocks_and_kinds_of_input_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    p = dirichlet(517, 6)
    curve = split_table(p, 50).curve(range(1, 51))
    for size in (1, 40, 1000):
        monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", size)
        again = split_table(p, 50).curve(range(1, 51))
        assert again.mean == pytest.approx(curve.mean, rel=1e-12)
        assert again.std == pytest.approx(curve.std, rel=1e-9, abs=1e-12)
    order = np.arange(517)[::-1]
    tensor = split_table(torch.from_numpy(p), 50, order.tolist())
    assert tensor.scores(50) == pytest.approx(split_table(p, 50, order).scores(50), rel=1e-12)


def test_sums_of_many_float32_rows_are_kept_in_float64() -> None:
    """Sums in float32 would be wrong by some 1e-6 here, and their differences by more."""
    p = np.full((200_000, 3), [0.1, 0.3, 0.6], dtype=np.float32)
    p[-1000:] = [0.3, 0.6, 0.1]
    assert split_table(p, 200).scores(200) == pytest.approx(np.ones(200), rel=1e-9)


def test_only_the_needed_edges_are_kept() -> None:
    table = split_table(np.full((50_000, 2), 0.5), 200)
    assert len(table.edges) == 12_233
    assert table.probabilities.shape == (12_233, 2)
    assert table.n_images == 50_000


def test_sorted_classes_on_a_curve() -> None:
    p = np.repeat(np.eye(10), 100, axis=0)
    curve = split_curve(p, [1, 2, 5, 10])
    assert curve.counts.tolist() == [1, 2, 5, 10]
    assert curve.mean == exactly([10, 5, 2, 1])
    assert curve.std == pytest.approx([0, 0, 0, 0], abs=1e-9)
    shuffled = split_curve(p, [1, 2, 5, 10], seed=2020)
    assert shuffled.mean == pytest.approx([10, 9.95, 9.82, 9.6], abs=0.06)


def test_the_curve_is_the_score_at_each_count() -> None:
    p = dirichlet(300, 5)
    curve = split_curve(p, (7, 3, 300))
    order = np.random.RandomState(2020).permutation(300)
    shuffled = split_curve(p, (7, 3, 300), seed=2020)
    for i, splits in enumerate((7, 3, 300)):
        score = inception_score(p, splits=splits)
        assert (curve.mean[i], curve.std[i]) == exactly((score.mean, score.std))
        score = inception_score(p[order], splits=splits)
        assert (shuffled.mean[i], shuffled.std[i]) == exactly((score.mean, score.std))


def test_another_split_count_without_reading_again() -> None:
    p = dirichlet(300, 5)
    moved = with_splits(inception_score(p), split_table(p, 60), 60)
    fresh = inception_score(p, splits=60)
    assert moved.split_scores == exactly(fresh.split_scores)
    assert (str(moved), moved.warnings) == (str(fresh), fresh.warnings)
    assert len(fresh.warnings) == 1


def test_the_data_frame() -> None:
    frame = split_curve(dirichlet(20, 3), [1, 2]).to_dataframe()
    assert list(frame.columns) == ["splits", "mean", "std"]
    assert frame["splits"].tolist() == [1, 2]


def test_no_counts_make_an_empty_curve() -> None:
    assert len(split_curve(np.eye(3), []).mean) == 0


def test_torch_fidelity_shuffles_so() -> None:
    assert shuffled_order(5, 2020).tolist() == [3, 1, 2, 4, 0]


@pytest.mark.parametrize("splits", [0, 13, 1.5, None])
def test_bad_counts(splits: Any) -> None:
    p = np.eye(12)
    for call in (
        lambda: split_edges(12, splits),
        lambda: split_table(p, splits),
        lambda: split_table(p, 3).scores(splits),
        lambda: split_table(p, 3).curve([splits]),
        lambda: split_curve(p, [1, splits]),
    ):
        with pytest.raises(ValueError, match="from 1 to 12"):
            call()


def test_a_count_that_the_table_lacks() -> None:
    with pytest.raises(ValueError, match=r"not built for 5 splits: use split_table\(p, max_splits=5\)"):
        split_table(np.eye(12), 3).scores(5)


@pytest.mark.parametrize("order", [[0, 1], [0, 0, 1], [1, 2, 3], [[0, 1, 2]], [0.0, 1.5, 2.0]])
def test_bad_orders(order: Any) -> None:
    with pytest.raises(ValueError, match="each of the numbers 0 to 2 once"):
        split_table(np.eye(3), 2, order)


def test_bad_rows_are_named_by_their_place_in_the_matrix() -> None:
    p = np.full((20, 2), 0.5)
    p[13] = [0.5, 0.7]
    with pytest.raises(ValueError, match="row 13 "):
        split_table(p, 5, np.arange(20)[::-1])
