"""The differentiable score: its value, its gradient, sharp logits, every precision, hostile input."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax, logsumexp

from isexplore.loss import log_inception_score
from isexplore.score import inception_score

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def normal(n: int, n_classes: int, scale: float, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(scale=scale, size=(n, n_classes))


def value_and_gradient(
    score: Callable[[torch.Tensor], torch.Tensor], logits: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    leaf = logits.detach().clone().requires_grad_()
    value = score(leaf)
    (gradient,) = torch.autograd.grad(value, leaf)
    return value.detach(), gradient


def closed_form(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p_ic (ln(p_ic/m_c) − KL_i) / N."""
    log_p = log_softmax(logits, axis=1)
    ratio = log_p - (logsumexp(log_p, axis=0) - math.log(len(logits)))
    p = np.exp(log_p)
    return np.asarray(p * (ratio - (p * ratio).sum(axis=1, keepdims=True)) / len(logits))


# Value and gradient --------------------------------------------------------------------------------------------------


@given(st.integers(1, 40), st.integers(2, 12), st.sampled_from([0.01, 1.0, 30.0, 1000.0]), st.integers(0, 2**32 - 1))
def test_value_and_gradient(n: int, n_classes: int, scale: float, seed: int) -> None:
    logits = normal(n, n_classes, scale, seed)
    value, gradient = value_and_gradient(log_inception_score, torch.from_numpy(logits))
    assert value.item() == pytest.approx(inception_score(logits=logits, splits=1).log_score, abs=1e-12)
    assert gradient.numpy() == pytest.approx(closed_form(logits), abs=1e-12)


@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0])
def test_gradient_against_finite_differences(scale: float) -> None:
    logits = torch.from_numpy(normal(7, 5, scale)).requires_grad_()
    assert torch.autograd.gradcheck(log_inception_score, logits)


def test_many_images_in_float32() -> None:
    logits = normal(20_000, 50, 3.0).astype(np.float32)
    value = log_inception_score(torch.from_numpy(logits))
    assert value.item() == pytest.approx(inception_score(logits=logits).log_score, rel=1e-5)


# Sharp logits --------------------------------------------------------------------------------------------------------

SHARP = [(0.0, dtype) for dtype in DTYPES] + [(50.0, dtype) for dtype in DTYPES] + [(500.0, dtype) for dtype in DTYPES]
SHARPER = [(1e4, torch.float32), (1e4, torch.float64), (1e38, torch.float32), (math.inf, torch.float32)]


@pytest.mark.parametrize(("gap", "dtype"), SHARP + SHARPER)
def test_finite_at_every_gap(gap: float, dtype: torch.dtype) -> None:
    """Balanced classes; and the same winner everywhere, where the other classes' share of all images is 0."""
    losers = torch.zeros(6, 3) if math.isfinite(gap) else torch.full((6, 3), -math.inf)
    height = gap if math.isfinite(gap) else 0.0
    balanced, same = losers.clone(), losers.clone()
    balanced[torch.arange(6), torch.arange(6) % 3] = height
    same[:, 0] = height
    value, gradient = value_and_gradient(log_inception_score, balanced.to(dtype))
    assert value.item() == pytest.approx(math.log(3) if gap else 0, abs=1e-6)
    assert gradient.abs().max().item() < 1e-6
    value, gradient = value_and_gradient(log_inception_score, same.to(dtype))
    assert value.item() == pytest.approx(0, abs=1e-6)
    assert gradient.abs().max().item() < 1e-6
    assert gradient.dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    coarse = torch.from_numpy(normal(64, 10, 3.0)).to(dtype)
    value, gradient = value_and_gradient(log_inception_score, coarse)
    exact, exact_gradient = value_and_gradient(log_inception_score, coarse.double())
    assert (value.dtype, gradient.dtype) == (torch.float32, dtype)
    assert value.item() == pytest.approx(exact.item(), abs=1e-6)
    assert gradient.double().numpy() == pytest.approx(exact_gradient.numpy(), rel=1e-2, abs=1e-6)


@pytest.mark.parametrize("gap", [0.0, 50.0, 500.0])
def test_autocast(gap: float) -> None:
    features, weights = torch.eye(4), (gap * torch.eye(4)).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = features @ weights
        value = log_inception_score(logits)
    assert (logits.dtype, value.dtype) == (torch.bfloat16, torch.float32)
    assert value.item() == pytest.approx(math.log(4) if gap else 0, abs=1e-6)
    (gradient,) = torch.autograd.grad(value, weights)
    assert torch.isfinite(gradient).all()
    exact = inception_score(logits=logits.detach(), splits=1)
    assert value.item() == pytest.approx(exact.log_score, abs=1e-6)


def with_log(logits: torch.Tensor) -> torch.Tensor:
    p = logits.softmax(dim=1)
    return (p * (p.log() - p.mean(dim=0).log())).sum(dim=1).mean()


def with_entr(logits: torch.Tensor) -> torch.Tensor:
    p = logits.softmax(dim=1)
    entropy: torch.Tensor = torch.special.entr(p.mean(dim=0)).sum() - torch.special.entr(p).sum(dim=1).mean()
    return entropy


def test_the_obvious_formulas_give_nan() -> None:
    """Softmax is exactly 0 at this gap in float32: 0·ln 0 is NaN, and so is the gradient of entr there."""
    logits = 500 * torch.eye(3)
    value, gradient = value_and_gradient(with_log, logits)
    assert value.isnan()
    assert gradient.isnan().any()
    value, gradient = value_and_gradient(with_entr, logits)
    assert value.item() == pytest.approx(math.log(3))
    assert gradient.isnan().any()
    value, gradient = value_and_gradient(log_inception_score, logits)
    assert value.item() == pytest.approx(math.log(3))
    assert torch.isfinite(gradient).all()


def test_minus_infinity_is_never_this_class() -> None:
    logits = torch.from_numpy(normal(20, 6, 2.0))
    barred = logits.clone()
    barred[:, 2] = -math.inf
    value, gradient = value_and_gradient(log_inception_score, barred)
    assert value.item() == pytest.approx(log_inception_score(logits[:, [0, 1, 3, 4, 5]]).item(), abs=1e-12)
    assert torch.isfinite(gradient).all()
    assert (gradient[:, 2] == 0).all()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_shows(value: float) -> None:
    """So that a gradient scaler can skip the step; no error, which would wait for the GPU at every step."""
    logits = torch.zeros(4, 3)
    logits[1, 1] = value
    assert log_inception_score(logits).isnan()


# Use -----------------------------------------------------------------------------------------------------------------


def test_gradient_ascent_raises_the_score() -> None:
    logits = torch.from_numpy(normal(200, 10, 0.01)).float().requires_grad_()
    optimiser = torch.optim.Adam([logits], lr=1.0)
    assert log_inception_score(logits).exp().item() < 1.001
    for _ in range(30):
        optimiser.zero_grad()
        loss = -log_inception_score(logits)
        loss.backward()
        optimiser.step()
    assert inception_score(logits=logits, splits=1).overall > 9.8


def test_second_derivatives() -> None:
    assert torch.autograd.gradgradcheck(log_inception_score, torch.from_numpy(normal(4, 3, 1.0)).requires_grad_())


def test_the_module_imports_no_torch() -> None:
    code = "import sys, isexplore.loss; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout.strip() == "False"


# Hostile input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logits", "error", "message"),
    [
        (np.zeros((3, 2)), TypeError, "logits is a ndarray: give a torch tensor"),
        (None, TypeError, "logits is a NoneType"),
        (torch.zeros(3, 2, dtype=torch.int64), TypeError, "logits holds torch.int64: give floating-point numbers"),
        (torch.zeros(3, 2, dtype=torch.bool), TypeError, "torch.bool"),
        (torch.zeros(3, 2, dtype=torch.complex64), TypeError, "torch.complex64"),
        (torch.zeros(3), ValueError, r"shape \(3,\)"),
        (torch.zeros(3, 2, 1), ValueError, r"shape \(3, 2, 1\)"),
        (torch.zeros(0, 2), ValueError, "no rows"),
        (torch.zeros(3, 1), ValueError, r"1 column\(s\): a score needs at least 2 classes"),
    ],
)
def test_bad_logits(logits: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        log_inception_score(logits)
