"""The same numbers through torch's functions as through NumPy's, on whatever device there is.

A tensor in the CPU's memory is read through NumPy, so these hand it to the rooms behind `read_rows` as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from isexplore.arrays import Rows, read_rows
from isexplore.cumulative import sums_of
from isexplore.score import inception_score
from isexplore.terms import divergences, read_terms

EDGES = np.array([0, 3, 70, 700, 1000])


def rows_of(kind: str) -> Any:
    p = np.random.default_rng(0).dirichlet(np.full(7, 0.1) + 1e-3, 1000)
    p[5] = np.eye(7)[2]
    if kind == "logits":
        p = np.random.default_rng(1).normal(size=(1000, 7)) * 30
        p[4, 3] = -np.inf
    return p


@pytest.mark.parametrize("kind", ["probabilities", "logits"])
@pytest.mark.parametrize("size", [7, 500, 2**16])
def test_torch_gives_what_numpy_gives(kind: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", size)
    matrix = rows_of(kind)
    before = matrix.copy()
    ours, theirs = (Rows(m, are_logits=kind == "logits") for m in (matrix, torch.from_numpy(matrix)))
    a, b = read_terms(ours, EDGES), read_terms(theirs, EDGES)
    for name, value in vars(a).items():
        np.testing.assert_allclose(getattr(b, name), value, rtol=1e-11, atol=1e-14, err_msg=name)
        assert type(getattr(b, name)) is np.ndarray
    np.testing.assert_allclose(divergences(theirs, b), divergences(ours, a), rtol=1e-11, atol=1e-13)
    order = np.random.default_rng(2).permutation(1000)
    cuts = [0, 5, 69, 1000]
    expected = sums_of(ours, EDGES, order).scores(cuts)
    np.testing.assert_allclose(sums_of(theirs, EDGES, order).scores(cuts), expected, rtol=1e-12)
    np.testing.assert_array_equal(matrix, before)


def test_a_tensor_on_the_cpu_is_not_copied() -> None:
    tensor = torch.rand(10, 3)
    seen = read_rows(tensor.requires_grad_()).matrix
    assert isinstance(seen, np.ndarray)
    assert seen.ctypes.data == tensor.data_ptr()


def test_bfloat16_is_read_through_torch() -> None:
    p = torch.from_numpy(rows_of("probabilities")).bfloat16()
    assert isinstance(read_rows(p).matrix, torch.Tensor)
    rounded = p.double() / p.double().sum(dim=1, keepdim=True)
    assert inception_score(p).overall == pytest.approx(inception_score(rounded).overall, rel=1e-12)
