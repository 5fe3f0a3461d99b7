"""The score against the number of images: exact means, the same scores one by one, the prediction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy.stats import binom, entropy

from isexplore.arrays import Rows
from isexplore.score import inception_score
from isexplore.sizes import size_curve
from isexplore.splits import shuffled_order

if TYPE_CHECKING:
    from numpy.typing import NDArray


def dirichlet(n: int, n_classes: int, alpha: float = 0.1, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).dirichlet(np.full(n_classes, alpha), n)


def reference_score(p: NDArray[np.float64]) -> float:
    return math.exp(float(np.mean([entropy(row, p.mean(axis=0)) for row in p])))


def test_chunks_scored_one_by_one() -> None:
    p = dirichlet(203, 6)
    curve = size_curve(p, [203, 50, 7], seed=5)
    shuffled = p[shuffled_order(203, 5)]
    assert curve.sizes.tolist() == [203, 50, 7]
    assert curve.chunks.tolist() == [1, 4, 29]
    for k, size in enumerate(curve.sizes):
        scores = [reference_score(shuffled[i : i + size]) for i in range(0, 203 - size + 1, size)]
        assert len(scores) == curve.chunks[k]
        assert curve.mean[k] == pytest.approx(np.mean(scores), rel=1e-9)
        assert curve.std[k] == pytest.approx(np.std(scores) if len(scores) > 1 else math.nan, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("size", [10, 50, 500])
def test_mean_logarithm_of_perfect_classes_is_exact(size: int) -> None:
    """E H of a multinomial's frequencies is −C Σ_k Binom(k; n, 1/C) (k/n) ln(k/n), with binomials from scipy."""
    k = np.arange(1, size + 1)
    exact = -10 * float(np.sum(binom.pmf(k, size, 0.1) * (k / size) * np.log(k / size)))
    p = np.repeat(np.eye(10), 5000, axis=0)
    curve = size_curve(p, [size])
    # The mean of scores is larger than the exponential of the mean logarithm, by half the variance.
    assert math.log(curve.mean[0]) == pytest.approx(exact + (curve.std[0] / curve.mean[0]) ** 2 / 2, abs=0.01)


@pytest.mark.parametrize(("n_classes", "alpha"), [(10, 0.1), (10, 1.0), (100, 0.02)])
def test_the_prediction_meets_the_curve(n_classes: int, alpha: float) -> None:
    curve = size_curve(dirichlet(20_000, n_classes, alpha), [n_classes * 20, n_classes * 50])
    assert curve.predicted == pytest.approx(curve.mean, abs=4 * curve.std[0] / math.sqrt(curve.chunks[0]))
    assert curve.mean[0] < curve.mean[1]


def test_the_prediction_is_the_formula() -> None:
    p = dirichlet(400, 5)
    score = inception_score(p)
    factor = np.exp((score.kl_variance - score.bias_constant) * (1 / 50 - 1 / 400) / 2)
    curve = size_curve(p, [50, 1])
    assert curve.predicted[0] == pytest.approx(score.overall * factor, rel=1e-12)
    assert (curve.mean[1], curve.predicted[1]) == pytest.approx((1, 1), rel=1e-9)


@pytest.mark.parametrize(("n", "first"), [(50_000, 50), (5000, 10), (13, 10), (7, 7), (1, 1)])
def test_default_sizes(n: int, first: int) -> None:
    curve = size_curve(np.tile(np.eye(2), (n // 2 + 1, 1))[:n])
    assert curve.sizes[0] == first
    assert curve.sizes[-1] == n
    assert len(curve.sizes) <= 12
    assert (np.diff(curve.sizes) > 0).all()
    assert curve.mean[-1] == pytest.approx(2 if n > 1 else 1, rel=0.02)


def test_a_thousand_chunks_at_most() -> None:
    curve = size_curve(dirichlet(3000, 2), [1, 2])
    assert curve.chunks.tolist() == [1000, 1000]
    assert curve.mean[0] == pytest.approx(1, rel=1e-9)


def test_kinds_of_input_agree() -> None:
    p = dirichlet(300, 4, alpha=1.0)
    curve = size_curve(p, [10, 100])
    for other in (size_curve(torch.from_numpy(p), [10, 100]), size_curve(logits=np.log(p), sizes=iter([10, 100]))):
        assert other.mean == pytest.approx(curve.mean, rel=1e-12)
        assert other.predicted == pytest.approx(curve.predicted, rel=1e-12)
    assert size_curve(p, [10], seed=1).mean != curve.mean[0]


def test_the_rows_are_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    class Counted(Rows):
        def take(self, start: int, stop: int, order: Any = None) -> Any:
            taken.append(stop - start)
            return super().take(start, stop, order)

    monkeypatch.setattr("isexplore.matrices.Rows", Counted)
    size_curve(dirichlet(3000, 4), [10, 100, 3000])
    rows = [count for count in taken if count > 1]  # one row is looked at for its kind
    assert sum(rows) == 2 * 3000


def test_data_frame() -> None:
    frame = size_curve(dirichlet(300, 4), [10, 100]).to_dataframe()
    assert frame.columns.tolist() == ["images", "mean", "std", "chunks", "predicted"]
    assert frame["images"].tolist() == [10, 100]


@pytest.mark.parametrize("size", [0, -3, 21, 2.0, "2", None])
def test_bad_sizes(size: Any) -> None:
    with pytest.raises(ValueError, match="give whole numbers of images from 1 to 20"):
        size_curve(np.eye(20), [5, size])
