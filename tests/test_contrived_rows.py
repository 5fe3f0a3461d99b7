"""Rows in few numbers against the same rows written out, and their score against that of the matrix."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from isexplore.contrived.rows import Distinct, Turned
from isexplore.contrived.scoring import play
from isexplore.edges import split_edges
from isexplore.score import inception_score


@st.composite
def turned(draw: st.DrawFn) -> Turned:
    """Return up to 40 images of up to 3 shapes over 2 to 12 classes; some probabilities are zero."""
    classes, shapes, images = draw(st.integers(2, 12)), draw(st.integers(1, 3)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = rng.dirichlet(np.full(classes, 0.3), shapes)
    rows = np.where(rows < 0.01, 0, rows)
    rows /= rows.sum(axis=1, keepdims=True)
    return Turned(rows, rng.integers(shapes, size=images), rng.integers(classes, size=images))


def rolled(rows: Turned) -> Distinct:
    """Return the same rows with one for each image."""
    each = [np.roll(rows.shapes[k], label) for k, label in zip(rows.shape, rows.label, strict=True)]
    return Distinct(np.array(each), np.arange(len(each)))


def edges_of(data: st.DataObject, images: int) -> tuple[int, np.ndarray]:
    splits = data.draw(st.integers(1, images), label="splits")
    return splits, split_edges(images, splits)


def test_turned_rows_written_out() -> None:
    rows = Turned(np.array([[0.7, 0.3, 0.0], [0.5, 0.25, 0.25]]), np.array([0, 0, 1, 1]), np.array([0, 2, 1, 0]))
    assert (rows.n_images, rows.n_classes) == (4, 3)
    matrix = [[0.7, 0.3, 0.0], [0.3, 0.0, 0.7], [0.25, 0.5, 0.25], [0.5, 0.25, 0.25]]
    np.testing.assert_array_equal(rows.take(np.arange(4)), matrix)
    np.testing.assert_array_equal(rows.take(np.array([3, 1, 1])), [matrix[3], matrix[1], matrix[1]])
    np.testing.assert_allclose(rows.marginals(np.array([0, 2, 4])), [[0.5, 0.15, 0.35], [0.375, 0.375, 0.25]])
    np.testing.assert_array_equal(rows.kinds(), [0, 2, 4, 3])


def test_distinct_rows_written_out() -> None:
    rows = Distinct(np.array([[1.0, 0.0], [0.25, 0.75]]), np.array([1, 0, 1]))
    assert (rows.n_images, rows.n_classes) == (3, 2)
    np.testing.assert_array_equal(rows.take(np.arange(3)), [[0.25, 0.75], [1, 0], [0.25, 0.75]])
    np.testing.assert_array_equal(rows.kinds(), [1, 0, 1])
    np.testing.assert_allclose(rows.marginals(np.array([0, 2, 3])), [[0.625, 0.375], [0.25, 0.75]])
    np.testing.assert_allclose(rows.entropies(), [entropy([0.25, 0.75]), 0, entropy([0.25, 0.75])])


@given(turned(), st.data())
def test_turned_rows_are_rolled_rows(rows: Turned, data: st.DataObject) -> None:
    every = rolled(rows)
    taken = np.array(data.draw(st.lists(st.integers(0, rows.n_images - 1), max_size=8)), dtype=np.intp)
    np.testing.assert_array_equal(rows.take(taken), every.rows[taken])
    np.testing.assert_allclose(rows.entropies(), entropy(every.rows, axis=1), atol=1e-12)
    _, edges = edges_of(data, rows.n_images)
    for s, (i, j) in enumerate(pairwise(edges)):
        np.testing.assert_allclose(rows.marginals(edges)[s], every.rows[i:j].mean(axis=0), atol=1e-12)
    pairs = set(zip(rows.shape.tolist(), rows.label.tolist(), strict=True))
    assert len(pairs) == len(set(rows.kinds().tolist()))


@given(turned(), st.data())
def test_the_score_is_that_of_the_matrix(rows: Turned, data: st.DataObject) -> None:
    """Also where splits differ by an image."""
    splits, edges = edges_of(data, rows.n_images)
    matrix = rows.take(np.arange(rows.n_images))
    score = inception_score(matrix, splits=splits)
    # Neither way of keeping the rows may change it.
    for kept in (rows, rolled(rows)):
        played = play(kept, splits)
        np.testing.assert_allclose(played.split_scores, score.split_scores, rtol=1e-9)
        assert played.overall == pytest.approx(score.overall, rel=1e-9)
        assert (played.mean, played.std) == pytest.approx((score.mean, score.std), rel=1e-9, abs=1e-9)
        assert played.variety == pytest.approx(entropy(matrix.mean(axis=0)), abs=1e-12)
        assert played.doubt == pytest.approx(entropy(matrix, axis=1).mean(), abs=1e-12)
        np.testing.assert_allclose(played.marginal, matrix.mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(played.entropies, entropy(matrix, axis=1), atol=1e-12)
        logs = [np.mean([entropy(row, p.mean(axis=0)) for row in p]) for p in np.split(matrix, edges[1:-1])]
        assert np.log(played.log_mean) == pytest.approx(np.mean(logs), abs=1e-9)


@pytest.mark.parametrize("classes", [7, 10, 999, 1000])
def test_a_class_that_never_comes_has_no_share_at_all(classes: int) -> None:
    """Not even one of rounding, in a Fourier transform of any length."""
    label = np.tile(np.arange(classes // 2), 50)
    rows = Turned(np.eye(1, classes), np.zeros_like(label), label)
    marginal = play(rows).marginal
    np.testing.assert_allclose(marginal[: classes // 2], 1 / (classes // 2), rtol=1e-12)
    np.testing.assert_array_equal(marginal[classes // 2 :], 0)


@pytest.mark.parametrize("splits", [0, 4, 1.5])
def test_splits_that_cannot_be(splits: int) -> None:
    with pytest.raises(ValueError, match=r"from 1 to 3"):
        play(Distinct(np.eye(3), np.arange(3)), splits)
