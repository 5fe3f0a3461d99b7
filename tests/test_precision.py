"""Float64 against 50 digits of mpmath on hard cases: exact zeros, denormals, logit gaps of 1000; half precisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from mpmath import mp, mpf

from isexplore.influence import leave_one_out
from isexplore.score import inception_score

if TYPE_CHECKING:
    from numpy.typing import NDArray

TINIEST = 5e-324


def exact_rows(matrix: Any, *, are_logits: bool) -> list[list[Any]]:
    rows = [[mpf(float(x)) for x in row] for row in matrix]
    if are_logits:
        rows = [[mp.exp(x - max(row)) for x in row] for row in rows]
    return [[x / sum(row) for x in row] for row in rows]


def exact_score(rows: list[list[Any]]) -> tuple[Any, list[Any], list[Any]]:
    """Return IS, H(p) and KL(p‖m) of each row, straight from their definitions."""
    marginal = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    entropies = [-sum(x * mp.log(x) for x in row if x) for row in rows]
    kl = [sum(x * mp.log(x / m) for x, m in zip(row, marginal, strict=True) if x) for row in rows]
    return mp.exp(sum(kl) / len(rows)), entropies, kl


def random_logits(gap: float) -> NDArray[np.float64]:
    return gap * np.random.default_rng(0).uniform(-1, 1, (12, 7))


CASES: dict[str, tuple[Any, bool]] = {
    "exact zeros": ([[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0]], False),
    "a class that nothing reaches": ([[0.3, 0.7, 0], [0.9, 0.1, 0]], False),
    "denormals": ([[1, TINIEST, 0], [TINIEST, 1, 0], [1, 0, TINIEST]], False),
    "a class reached by denormals only": ([[1, TINIEST], [1, 3e-310], [1, 1e-300]], False),
    "nearly identical rows": ([[0.5, 0.5], [0.5 + 1e-9, 0.5 - 1e-9], [0.5 - 1e-9, 0.5 + 1e-9]], False),
    "gaps of 1": (random_logits(1), True),
    "gaps of 50": (random_logits(50), True),
    "gaps of 1000": (random_logits(1000), True),
    "gaps of 1000 beside none": ([[1000, 0, -1000], [0, 0, 0], [0, 1000, 0]], True),
    "huge offsets": (random_logits(5) + np.arange(12)[:, None] * 1e6, True),
    "one winner everywhere, by far": ([[2000, 0, 0], [1000, 0, 1], [1500, 3, 0]], True),
}


@pytest.mark.parametrize("case", CASES)
def test_against_fifty_digits(case: str) -> None:
    matrix, are_logits = CASES[case]
    array = np.asarray(matrix, dtype=np.float64)
    score = inception_score(logits=array, splits=1) if are_logits else inception_score(array, splits=1)
    with mp.workdps(50):
        rows = exact_rows(array, are_logits=are_logits)
        overall, entropies, kl = exact_score(rows)
        others = [exact_score([*rows[:i], *rows[i + 1 :]])[0] for i in range(len(rows))]
        expected = [float(x) for x in (overall, *entropies, *kl, *others)]
    n = len(array)
    assert score.overall == pytest.approx(expected[0], rel=1e-12)
    assert score.conditional_entropy == pytest.approx(expected[1 : n + 1], rel=1e-12, abs=1e-14)
    assert score.kl == pytest.approx(expected[n + 1 : 2 * n + 1], rel=1e-12, abs=1e-14)
    alone = leave_one_out(logits=array) if are_logits else leave_one_out(array)
    assert alone == pytest.approx(expected[2 * n + 1 :], rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_what_a_coarser_precision_holds_is_scored_exactly(dtype: torch.dtype) -> None:
    """The values as they were rounded, divided by their sums, scored in float64: no rounding of our own."""
    p = torch.from_numpy(random_logits(3)).softmax(1).to(dtype)
    with mp.workdps(50):
        overall = float(exact_score(exact_rows(p.double().numpy(), are_logits=False))[0])
    assert inception_score(p, splits=1).overall == pytest.approx(overall, rel=1e-13)
    logits = torch.from_numpy(random_logits(20)).to(dtype)
    with mp.workdps(50):
        overall = float(exact_score(exact_rows(logits.double().numpy(), are_logits=True))[0])
    assert inception_score(logits=logits, splits=1).overall == pytest.approx(overall, rel=1e-13)
