"""Splits: the rule for their edges, and the curve over their number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isexplore.edges import every_edge, split_edges
from isexplore.score import inception_score, with_splits
from isexplore.splits import shuffled_order, split_curve


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


def test_only_the_needed_edges_are_kept() -> None:
    edges = every_edge(50_000, range(1, 201))
    assert len(edges) == 12_233
    assert set(split_edges(50_000, 37)) <= set(edges)


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
    moved = with_splits(inception_score(p), split_curve(p, range(1, 61)).at(60))
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
    for call in (lambda: split_edges(12, splits), lambda: split_curve(p, [1, splits])):
        with pytest.raises(ValueError, match="from 1 to 12"):
            call()


def test_a_count_that_the_curve_lacks() -> None:
    with pytest.raises(ValueError, match="not made for 5 splits"):
        split_curve(np.eye(12), [3]).at(5)


def test_one_count_is_no_list_of_counts() -> None:
    with pytest.raises(TypeError, match=r"counts is 10: give several numbers, such as \[1, 2, 5\]"):
        split_curve(np.eye(12), 10)  # type: ignore[arg-type]
