"""The Fréchet distance: against torch-fidelity, piq and torchmetrics, Gaussians in closed form, and few images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from isexplore.collapse.evidence import Evidence, Side, side_of
from isexplore.collapse.frechet import check_frechet, moments
from isexplore.predictions import Predictions

Matrix = NDArray[np.floating]


def distance(x: Matrix, y: Matrix) -> float:
    return moments(x).distance(moments(y))


def side(embeddings: Matrix) -> Side:
    return side_of(Predictions.from_probabilities(np.full((len(embeddings), 2), 0.5)), embeddings)


def two_sets(seed: int, width: int = 20) -> tuple[Matrix, Matrix]:
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(2, width, width))
    return rng.normal(size=(300, width)) @ mix[0], rng.normal(size=(200, width)) @ mix[1] + rng.normal(size=width)


# Peers ---------------------------------------------------------------------------------------------------------------


def torch_fidelity(x: Matrix, y: Matrix) -> float:
    from torch_fidelity import metric_fid as fid

    both = [fid.fid_features_to_statistics(torch.from_numpy(each)) for each in (x, y)]
    return float(fid.fid_statistics_to_metric(*both, verbose=False)[fid.KEY_METRIC_FID])


def torchmetrics(x: Matrix, y: Matrix) -> float:
    from torchmetrics.image import fid

    both = [torch.from_numpy(each) for each in (x, y)]
    arguments: list[Any] = [part for each in both for part in (each.mean(dim=0), torch.cov(each.T))]
    return float(fid._compute_fid(*arguments))


def piq(x: Matrix, y: Matrix) -> float:
    from piq import FID

    return float(FID().compute_metric(torch.from_numpy(x), torch.from_numpy(y)))


@pytest.mark.parametrize(("peer", "rel"), [(torch_fidelity, 1e-6), (torchmetrics, 1e-6), (piq, 1e-3)])
@pytest.mark.parametrize("seed", range(4))
def test_the_distance_is_the_peers(peer: Any, rel: float, seed: int) -> None:
    x, y = two_sets(seed)
    assert distance(x, y) == pytest.approx(peer(x, y), rel=rel)  # piq's root is an approximation


# Closed forms --------------------------------------------------------------------------------------------------------


def test_a_shift_is_its_square() -> None:
    x, _ = two_sets(0)
    assert distance(x, x + 3) == pytest.approx(9 * 20, rel=1e-9)


@given(st.floats(0.01, 100))
def test_a_stretch_is_the_trace_times_its_square(stretch: float) -> None:
    """With Σ₂ = s²Σ₁ and equal means the distance is (1 − s)² tr Σ₁."""
    x, _ = two_sets(1)
    x = x - x.mean(axis=0)
    trace = float(x.var(axis=0, ddof=1).sum())
    assert distance(x, stretch * x) == pytest.approx((1 - stretch) ** 2 * trace, rel=1e-6, abs=1e-8 * trace)


def test_independent_features_add_up() -> None:
    """For diagonal covariances it is Σ (s₁ − s₂)²; the corners of a cross have none but these."""
    cross = np.concatenate([np.eye(5), -np.eye(5)])
    widths = np.random.default_rng(0).uniform(0.1, 4, (2, 5))
    expected = float(np.sum((widths[0] - widths[1]) ** 2)) * 2 / 9  # the variance of ±1 twice among ten, over n − 1
    assert distance(cross * widths[0], cross * widths[1]) == pytest.approx(expected, rel=1e-9)


def test_it_is_symmetric_and_zero_for_a_set_and_itself() -> None:
    x, y = two_sets(2)
    assert distance(x, y) == pytest.approx(distance(y, x), rel=1e-12)
    assert distance(x, x) == pytest.approx(0, abs=1e-9 * moments(x).trace)


def test_fewer_images_than_dimensions() -> None:
    """Then both covariances are singular; their roots are the images, as the singular values of X Yᵀ say exactly."""
    x, y = (each[:30] for each in two_sets(3, width=100))
    roots = [(each - each.mean(axis=0)) / np.sqrt(29) for each in (x, y)]
    shared = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    apart = np.sum((x.mean(axis=0) - y.mean(axis=0)) ** 2)
    expected = apart + sum(np.sum(root**2) for root in roots) - 2 * shared
    assert distance(x, y) == pytest.approx(expected, rel=1e-9)
    assert distance(x, x) == pytest.approx(0, abs=1e-9 * moments(x).trace)


def test_few_images_of_many_dimensions_take_no_matrix_of_them() -> None:
    """A covariance of 200,000 dimensions would take 320 GB."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 200_000)), rng.normal(size=(40, 200_000))
    assert moments(x).root.shape == (200_000, 30)
    assert distance(x, x + 1) == pytest.approx(200_000, rel=1e-9)
    assert distance(x, y) == pytest.approx(distance(y, x), rel=1e-9)


@pytest.mark.parametrize("n", [20, 21])
def test_as_many_images_as_dimensions_and_one_more(n: int) -> None:
    x, y = (each[:n] for each in two_sets(5))
    assert distance(x, y) == pytest.approx(torch_fidelity(x, y), rel=1e-6)


def test_half_precision_is_read_in_blocks_without_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = (each.astype(np.float16) for each in two_sets(4))
    exact = distance(x.astype(np.float64), y.astype(np.float64))
    monkeypatch.setattr("isexplore.collapse.neighbours._TOGETHER", 100)
    assert distance(x, y) == pytest.approx(exact, rel=1e-9)


# Findings ------------------------------------------------------------------------------------------------------------


def test_it_is_stated_beside_two_halves_of_the_reference() -> None:
    rng = np.random.default_rng(0)
    (finding,) = check_frechet(Evidence(side(rng.normal(size=(100, 4))), side(rng.normal(size=(400, 4)) + 5)))
    assert (finding.key, finding.severity) == ("frechet-distance", "fine")
    assert finding.value == pytest.approx(100, rel=0.1)
    assert "(100 images against 400); two random sets of 100 images of the reference are 0." in finding.sentence


def test_a_long_distance_is_written_out() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 4))
    (finding,) = check_frechet(Evidence(side(rows + 500), side(rows)))
    assert "to the reference is 1,000,000 (100 images" in finding.sentence


def test_what_would_take_too_long_is_not_computed_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isexplore.collapse.frechet.MOST", 19)
    many, few = np.zeros((50, 20)), np.eye(10, 20)
    (finding,) = check_frechet(Evidence(side(few), side(many)))
    assert (finding.severity, finding.interval) == ("fine", None)
    assert "was not computed: 20 images in 20 dimensions would take too long" in finding.sentence
    assert "was not computed" not in next(iter(check_frechet(Evidence(side(few), side(few))))).sentence


def test_nothing_is_said_without_a_reference_or_with_too_few_images() -> None:
    rows = np.eye(4)
    assert list(check_frechet(Evidence(side(rows)))) == []
    assert list(check_frechet(Evidence(side(rows), side(rows[:3])))) == []
    assert list(check_frechet(Evidence(side(rows[:1]), side(rows)))) == []
