"""What is taken for a matrix of predictions, and how far its rows may be from summing to one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from isexplore.matrices import check_probabilities, read_rows
from isexplore.predictions import Predictions
from isexplore.score import inception_score


@pytest.mark.parametrize("mask", [True, False, [[True, False], [False, False]]])
def test_masked_arrays_are_refused(mask: Any) -> None:
    p = np.ma.array([[0.5, 0.5], [1.0, 0.0]], mask=mask)
    for give in (read_rows, lambda p: read_rows(logits=p), inception_score, Predictions.from_probabilities):
        with pytest.raises(TypeError, match=r"the matrix is masked, .*np\.ma\.compress_rows\(p\).*p\.filled\(0\)"):
            give(p)


def test_what_is_advised_for_masked_arrays() -> None:
    ma: Any = np.ma  # whose functions have no types
    p = ma.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]], mask=[[True, False], [False, False], [False, False]])
    assert inception_score(ma.compress_rows(p), splits=1).overall == pytest.approx(2)
    p = ma.masked_equal(np.eye(2), 0)
    assert inception_score(p.filled(0), splits=1).overall == pytest.approx(2)


@pytest.mark.parametrize("n_classes", [2, 1000, 50_000, 60_000, 1_000_000])
def test_rows_as_float16_rounds_them(n_classes: int) -> None:
    """Uniform rows of 60,000 classes sum to 1.0014 in float16, and so do not to one within 1e-3."""
    p = np.stack([np.full(n_classes, 1 / n_classes), np.random.default_rng(0).dirichlet(np.ones(n_classes))])
    rounded = p.astype(np.float16)
    for matrix in (rounded, torch.from_numpy(rounded)):
        check_probabilities(matrix)
    assert inception_score(rounded[:1].repeat(2, axis=0), splits=1).overall == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_more_is_not_allowed(dtype: str) -> None:
    """Half of float16's least number for each of 50,000 classes is 0.0015; of float32's it is nothing."""
    p = np.full((1, 50_000), 1 / 50_000) * 1.004
    with pytest.raises(ValueError, match=r"row 0 of the probabilities sums to 1\.00"):
        check_probabilities(p.astype(dtype))
    if dtype != "float16":
        with pytest.raises(ValueError, match=r"row 0 of the probabilities sums to 1\.0011"):
            check_probabilities((p / 1.004 * 1.0011).astype(dtype))
