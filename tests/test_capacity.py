"""The cherry-picking bound: known capacities, an independent maximiser, its certificate, hostile input."""

from __future__ import annotations

import math
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import entr, rel_entr, softmax

from isexplore.capacity import Capacity, channel_capacity
from isexplore.score import inception_score

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def random_rows(n: int, n_classes: int, sharpness: float, seed: int = 0) -> NDArray[np.float64]:
    return np.asarray(softmax(sharpness * np.random.default_rng(seed).normal(size=(n, n_classes)), axis=1))


def information(p: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return I(w) = H(w·p) − Σ w_i H(p_i), with scipy."""
    return float(entr(weights @ p).sum() - weights @ entr(p).sum(axis=1))


def assert_certified(capacity: Capacity, p: NDArray[np.float64]) -> None:
    """Check that the weights are weights and reach the lower bound, and that it is no lower than the score."""
    assert capacity.weights.shape == (len(p),)
    assert capacity.weights.min() >= 0
    assert capacity.weights.sum() == pytest.approx(1, abs=1e-12)
    assert information(p, capacity.weights) == pytest.approx(capacity.log_lower, abs=1e-12)
    assert capacity.log_lower <= capacity.log_upper
    assert inception_score(p, splits=1).log_score <= capacity.log_lower + 1e-12
    assert (capacity.lower, capacity.upper) == (math.exp(capacity.log_lower), math.exp(capacity.log_upper))


# Channels with known capacities --------------------------------------------------------------------------------------


def closed_forms(error: float) -> dict[str, tuple[NDArray[np.float64], float]]:
    e = error
    return {
        "binary symmetric": (np.array([[1 - e, e], [e, 1 - e]]), math.log(2) - float(entr([e, 1 - e]).sum())),
        "binary erasure": (np.array([[1 - e, e, 0], [0, e, 1 - e]]), (1 - e) * math.log(2)),
        "Z": (np.array([[1, 0], [e, 1 - e]]), math.log1p((1 - e) * e ** (e / (1 - e)))),
        "noisy typewriter": ((1 - e) * np.eye(8) + e * np.roll(np.eye(8), 1, axis=1), math.log(8) - closed_entropy(e)),
    }


def closed_entropy(e: float) -> float:
    return float(entr([e, 1 - e]).sum())


@pytest.mark.parametrize("name", ["binary symmetric", "binary erasure", "Z", "noisy typewriter"])
@pytest.mark.parametrize("error", [0.001, 0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("copies", [(1, 1), (1, 40)])
def test_known_capacities(name: str, error: float, copies: tuple[int, int]) -> None:
    """Copies of an image change nothing, however many there are of one and not of another."""
    channel, exact = closed_forms(error)[name]
    p = np.repeat(channel, [copies[0]] * (len(channel) - 1) + [copies[1]], axis=0)
    capacity = channel_capacity(p, tolerance=1e-9)
    assert capacity.converged
    assert capacity.log_lower == pytest.approx(exact, abs=1.1e-9)
    assert capacity.log_upper == pytest.approx(exact, abs=1.1e-9)
    assert_certified(capacity, p)


@pytest.mark.parametrize("n_classes", [2, 10, 200])
def test_certain_images_reach_the_number_of_classes(n_classes: int) -> None:
    balanced = channel_capacity(np.eye(n_classes))
    assert balanced.lower == pytest.approx(n_classes, rel=1e-12)
    assert balanced.steps == 1
    skewed = np.repeat(np.eye(n_classes), [500] + [1] * (n_classes - 1), axis=0)
    capacity = channel_capacity(skewed)
    assert inception_score(skewed, splits=1).overall < 0.7 * n_classes
    assert capacity.lower == pytest.approx(n_classes, rel=1e-6)


@pytest.mark.parametrize("row", [[0.25] * 4, [0.7, 0.3, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
def test_equal_images_reach_nothing(row: list[float]) -> None:
    capacity = channel_capacity([row] * 30)
    assert (capacity.lower, capacity.upper) == pytest.approx((1, 1), abs=1e-12)
    assert capacity.converged
    assert channel_capacity([row]).upper == pytest.approx(1, abs=1e-12)


def test_ambiguous_images() -> None:
    rows = sum(np.roll(np.eye(10), k, axis=1) for k in range(5)) / 5
    assert channel_capacity(rows).lower == pytest.approx(2, rel=1e-6)


# An independent maximiser --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "n_classes", "sharpness"), [(3, 4, 1), (8, 3, 2), (10, 6, 0.3), (12, 5, 5), (6, 12, 3)])
def test_agrees_with_a_general_maximiser(n: int, n_classes: int, sharpness: float) -> None:
    p = random_rows(n, n_classes, sharpness)
    found = minimize(
        lambda w: -information(p, w),
        np.full(n, 1 / n),
        jac=lambda w: 1 - rel_entr(p, w @ p).sum(axis=1),
        bounds=[(1e-15, 1)] * n,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 1000},
    )
    capacity = channel_capacity(p, tolerance=1e-9)
    assert capacity.converged
    assert capacity.log_lower == pytest.approx(-found.fun, abs=1e-7)


# The certificate -----------------------------------------------------------------------------------------------------


@st.composite
def matrices(draw: st.DrawFn) -> NDArray[np.float64]:
    """Draw rows from nearly uniform to exactly one-hot, some classes empty, some images twice."""
    n, n_classes = draw(st.integers(1, 60)), draw(st.integers(2, 12))
    p = random_rows(n, n_classes, draw(st.sampled_from([0.1, 1.0, 10.0, 1000.0])), draw(st.integers(0, 2**32 - 1)))
    p[p < 1e-200] = 0  # below, the products of this test's own formulas underflow
    return np.concatenate([p, p[: draw(st.integers(0, n))]])


@given(matrices(), st.integers(0, 2**32 - 1))
def test_no_weighting_and_no_choice_exceeds_the_bound(p: NDArray[np.float64], seed: int) -> None:
    capacity = channel_capacity(p)
    assert capacity.converged
    assert capacity.log_upper - capacity.log_lower <= 1e-6
    assert capacity.log_upper <= math.log(min(p.shape)) + 1e-6
    assert_certified(capacity, p)
    rng = np.random.default_rng(seed)
    for concentration in (0.01, 0.1, 1.0):
        weights = rng.dirichlet(np.full(len(p), concentration))
        assert information(p, weights) <= capacity.log_upper + 1e-12
    chosen = np.flatnonzero(rng.random(len(p)) < rng.random())
    if len(chosen):
        assert inception_score(p[chosen], splits=1).log_score <= capacity.log_upper + 1e-12
    # The other half of the certificate, recomputed from the weights.
    q = (1 - 1e-7) * capacity.weights @ p + 1e-7 * p.mean(axis=0)
    assert rel_entr(p, q).sum(axis=1).max() <= capacity.log_lower + 2e-6


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_the_bounds_hold_wherever_it_stops(steps: int) -> None:
    p = random_rows(400, 30, 3.0)
    exact = channel_capacity(p, tolerance=1e-9)
    early = channel_capacity(p, tolerance=1e-9, max_steps=steps)
    assert (early.steps, early.converged) == (steps, False)
    assert early.log_lower <= exact.log_upper
    assert early.log_upper >= exact.log_lower
    assert_certified(early, p)


def test_more_passes_tighten_the_bounds() -> None:
    p = random_rows(400, 30, 3.0)
    gaps = [c.log_upper - c.log_lower for c in (channel_capacity(p, max_steps=k) for k in (1, 2, 3, 4))]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 0.01 * gaps[0]


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_bounds_hold_if_newton_fails(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Nearly the best weights of a Z-channel, so that equal weights, where Newton's steps begin, are worse."""
    p = np.repeat([[1, 0], [0.9, 0.1]], [60, 40], axis=0)
    exact = channel_capacity(p, tolerance=1e-9)
    monkeypatch.setattr("isexplore.capacity.NEWTON_STEPS", steps)
    poor = channel_capacity(p, tolerance=1e-9, max_steps=5)
    assert poor.log_lower <= exact.log_upper
    assert poor.log_upper >= exact.log_lower
    assert_certified(poor, p)


def curve_of_binomials() -> NDArray[np.float64]:
    """Return 20,000 rows (1−t)², 2t(1−t), t²: a continuum, of which the best weighting uses few."""
    t = np.linspace(0, 1, 20_000)
    return np.stack([(1 - t) ** 2, 2 * t * (1 - t), t**2], axis=1)


def with_a_common_class() -> NDArray[np.float64]:
    """Return rows whose largest class is always the same, so that what tells them apart is the rest."""
    rest = np.random.default_rng(0).integers(1, 200, size=4000)
    return 0.6 * np.eye(200)[[0]] + 0.4 * np.eye(200)[rest]


def barely_reached() -> NDArray[np.float64]:
    p = np.eye(5)[np.zeros(60, dtype=int)]
    p[3], p[7], p[9] = [1 - 1e-12, 1e-12, 0, 0, 0], [1, 5e-324, 0, 0, 0], [0.5, 0, 0.5, 0, 0]
    return p


@pytest.mark.parametrize(
    ("p", "capacity"),
    [(curve_of_binomials(), 2.125), (with_a_common_class(), None), (barely_reached(), 1.25)],
    ids=["continuum", "common class", "barely reached"],
)
def test_hard_sets_take_few_passes(p: NDArray[np.float64], capacity: float | None) -> None:
    """The curve's best weights are at t = 0, ½ and 1, with 17/8; the last set is a Z-channel of error ½, with 5/4."""
    found = channel_capacity(p, tolerance=1e-9)
    assert found.converged
    assert found.steps <= 10
    assert_certified(found, p)
    if capacity is not None:
        assert found.lower == pytest.approx(capacity, rel=1e-7)


# Cherry-picking ------------------------------------------------------------------------------------------------------


def test_a_low_score_can_hide_a_nearly_perfect_choice() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(200, 20))
    logits[np.arange(200), rng.integers(20, size=200)] += 14.4 * rng.random(200) ** 1.5
    capacity = channel_capacity(logits=logits)
    kept = softmax(logits, axis=1)[capacity.weights > 1e-3]
    assert inception_score(logits=logits, splits=1).overall == pytest.approx(6.33, abs=0.01)
    assert capacity.upper == pytest.approx(19.92, abs=0.01)
    assert len(kept) == 20
    assert capacity.lower - 0.01 < inception_score(kept, splits=1).overall <= capacity.upper


# Kinds of input ------------------------------------------------------------------------------------------------------


def assert_same(one: Capacity, other: Capacity, tolerance: float) -> None:
    assert (one.log_lower, one.log_upper) == pytest.approx((other.log_lower, other.log_upper), abs=tolerance)


def test_torch_equals_numpy() -> None:
    p = random_rows(300, 20, 3.0)
    whole = channel_capacity(p, tolerance=1e-8)
    tensor = channel_capacity(torch.from_numpy(p), tolerance=1e-8)
    assert_same(tensor, whole, 1e-8)
    assert isinstance(tensor.weights, np.ndarray)
    assert_same(channel_capacity(logits=torch.from_numpy(np.log(p)), tolerance=1e-8), whole, 1e-8)
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        coarse = torch.from_numpy(p).to(dtype)
        exact = coarse.double().numpy()
        assert_same(channel_capacity(coarse), channel_capacity(exact / exact.sum(axis=1, keepdims=True)), 1e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_equals_numpy() -> None:
    p = random_rows(5000, 100, 3.0).astype(np.float32)
    assert_same(channel_capacity(torch.from_numpy(p).cuda()), channel_capacity(p), 1e-6)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    p = random_rows(331, 7, 3.0)
    whole = channel_capacity(p)
    for size in (1, 50):
        monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", size)
        assert_same(channel_capacity(p), whole, 1e-9)


def test_input_is_not_modified() -> None:
    p = random_rows(50, 5, 2.0)
    before = p.copy()
    channel_capacity(p)
    channel_capacity(logits=p)
    channel_capacity(torch.from_numpy(p))
    assert np.array_equal(p, before)


def test_memory_map_is_read_in_blocks(tmp_path: Path) -> None:
    n, n_classes = 60_000, 200
    mapped: Any = np.lib.format.open_memmap(tmp_path / "p.npy", mode="w+", dtype=np.float32, shape=(n, n_classes))
    mapped[:] = 0.1 / n_classes
    mapped[np.arange(n), np.arange(n) % n_classes] += 0.9
    mapped[:: n_classes + 1] = 1 / n_classes
    tracemalloc.start()
    capacity = channel_capacity(mapped)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert capacity.converged
    assert peak < 80 * n + 10e6 < mapped.nbytes / 3


def test_numpy_input_never_imports_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from isexplore.capacity import channel_capacity\n"
        "channel_capacity([[0.9, 0.1], [0.5, 0.5], [0, 1]]); channel_capacity(logits=np.eye(3))\n"
        "print(sorted({'torch', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout.strip() == "[]"


# Hostile input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tolerance", [0, 1e-10, 2, -1, math.nan, math.inf])
def test_bad_tolerances(tolerance: float) -> None:
    with pytest.raises(ValueError, match="give a gap in nats from 1e-09 to 1"):
        channel_capacity(np.eye(3), tolerance=tolerance)


@pytest.mark.parametrize("steps", [0, -5])
def test_bad_steps(steps: int) -> None:
    with pytest.raises(ValueError, match=f"max_steps is {steps}: give at least 1"):
        channel_capacity(np.eye(3), max_steps=steps)


def test_bad_rows_are_named() -> None:
    p = np.eye(3)
    p[1] = [0.5, math.nan, 0.5]
    with pytest.raises(ValueError, match=r"row 1 of the probabilities holds nan"):
        channel_capacity(p)
    with pytest.raises(ValueError, match="no rows"):
        channel_capacity(np.ones((0, 3)))
    with pytest.raises(TypeError, match="one of the two"):
        channel_capacity()
