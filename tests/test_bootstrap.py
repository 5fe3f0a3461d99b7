"""The basic bootstrap against scipy's, and the re-weighted scores that it is made of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy.special import digamma
from scipy.stats import bootstrap, entropy

from isexplore.bootstrap import bootstrap_interval
from isexplore.matrices import read_rows
from isexplore.weighted import weighted_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray


def dirichlet(n: int, n_classes: int, alpha: float = 0.1, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).dirichlet(np.full(n_classes, alpha), n)


def reference_score(p: NDArray[np.float64]) -> float:
    return math.exp(float(entropy(p.mean(axis=0)) - entropy(p, axis=1).mean()))


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_interval_is_scipys(level: float) -> None:
    p = dirichlet(80, 6)
    ends = bootstrap_interval(p, level=level, resamples=20_000)
    numbers = np.arange(80)
    reference = bootstrap(
        (numbers,),
        lambda drawn: reference_score(p[drawn]),
        vectorized=False,
        method="basic",
        confidence_level=level,
        n_resamples=5000,
        rng=np.random.default_rng(1),
    )
    width = reference.confidence_interval.high - reference.confidence_interval.low
    assert ends == pytest.approx(tuple(reference.confidence_interval), abs=0.05 * width)


def test_coverage() -> None:
    """Over 100 sets with B/2N = .06: the percentile interval, its mirror image, covers less than half of the time."""
    true = math.exp(math.log(50) - digamma(6) + digamma(1.1))
    intervals = [bootstrap_interval(dirichlet(400, 50, 0.1, seed), resamples=200) for seed in range(100)]
    assert np.mean([low <= true <= high for low, high in intervals]) >= 0.9


def test_large_sets_are_drawn_from_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pieces differ, so that how many images each gives is part of the chance."""
    p = dirichlet(700, 5)
    p = p[np.argsort(p.max(axis=1))]
    whole = bootstrap_interval(p, resamples=4000)
    monkeypatch.setattr("isexplore.weighted.PIECE", 100)
    monkeypatch.setattr("isexplore.bootstrap.PIECE", 100)
    assert bootstrap_interval(p, resamples=4000) == pytest.approx(whole, abs=0.05 * (whole[1] - whole[0]))


def test_weighted_scores_of_repeated_rows() -> None:
    p = dirichlet(2500, 7)
    weights = np.random.default_rng(1).integers(0, 4, size=(3, 2500))
    scores = weighted_scores(read_rows(p), lambda start, stop: weights[:, start:stop])
    assert scores == pytest.approx([reference_score(np.repeat(p, w, axis=0)) for w in weights], rel=1e-12)


def test_kinds_of_input_agree() -> None:
    p = dirichlet(300, 4, alpha=1.0)
    ends = bootstrap_interval(p)
    assert bootstrap_interval(torch.from_numpy(p)) == pytest.approx(ends, rel=1e-9)
    assert bootstrap_interval(logits=np.log(p)) == pytest.approx(ends, rel=1e-9)
    assert bootstrap_interval(p, seed=1) != ends


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_equals_numpy() -> None:
    p = dirichlet(3000, 50).astype(np.float32)
    assert bootstrap_interval(torch.from_numpy(p).cuda()) == pytest.approx(bootstrap_interval(p), rel=1e-9)


def test_ends_are_possible_scores() -> None:
    assert bootstrap_interval(np.full((20, 4), 0.25)) == pytest.approx((1, 1), rel=1e-12)
    low, high = bootstrap_interval(np.repeat(np.eye(3), 10, axis=0))
    assert 1 <= low <= high == 3
    assert bootstrap_interval([[0.3, 0.7]]) == pytest.approx((1, 1), rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": 95}, "level is 95: give a number between 0 and 1"),
        ({"resamples": 39}, "resamples is 39: give at least 40, for one beyond each end"),
        ({"level": 0.99, "resamples": 199}, "give at least 200"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(dirichlet(20, 3), **arguments)
