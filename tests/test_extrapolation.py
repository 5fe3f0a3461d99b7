"""IS∞ against scipy's regression, and against known true scores."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy.special import digamma
from scipy.stats import linregress

from isexplore.extrapolation import extrapolated_score
from isexplore.score import inception_score

if TYPE_CHECKING:
    from numpy.typing import NDArray


def dirichlet(n: int, n_classes: int, alpha: float = 0.1, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).dirichlet(np.full(n_classes, alpha), n)


def test_the_line_is_scipys() -> None:
    found = extrapolated_score(dirichlet(3000, 20))
    line = linregress(1 / found.sizes, found.scores)
    assert found.value == pytest.approx(line.intercept, rel=1e-9)
    assert found.slope == pytest.approx(line.slope, rel=1e-9)


@pytest.mark.parametrize(("n", "first"), [(60_000, 5000), (50_000, 5000), (3000, 300), (150, 15)])
def test_sizes_are_evenly_spaced_up_to_all(n: int, first: int) -> None:
    p = np.tile(np.eye(2), (n // 2, 1))
    sizes = extrapolated_score(p).sizes
    assert (len(sizes), sizes[0], sizes[-1]) == (15, first, n)
    assert np.ptp(np.diff(sizes)) <= 1
    assert extrapolated_score(p, points=3, smallest=10).sizes.tolist() == [10, (10 + n) // 2, n]


def test_the_last_score_is_that_of_all_images() -> None:
    p = dirichlet(500, 7)
    found = extrapolated_score(p)
    assert found.scores[-1] == pytest.approx(inception_score(p).overall, rel=1e-12)
    assert extrapolated_score(p, seed=1).scores[-1] == found.scores[-1]
    assert extrapolated_score(p, seed=1).value != found.value


def test_less_biased_than_the_plain_score() -> None:
    true = math.exp(math.log(100) - digamma(3) + digamma(1.02))
    plain, extrapolated = np.array(
        [
            (found.scores[-1], found.value)
            for found in (extrapolated_score(dirichlet(1000, 100, 0.02, seed)) for seed in range(30))
        ]
    ).mean(axis=0)
    assert abs(extrapolated - true) < 0.3 * abs(plain - true)


def test_kinds_of_input_agree() -> None:
    p = dirichlet(300, 4, alpha=1.0)
    value = extrapolated_score(p).value
    assert extrapolated_score(torch.from_numpy(p)).value == pytest.approx(value, rel=1e-9)
    assert extrapolated_score(logits=np.log(p)).value == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("n", "arguments", "message"),
    [
        (14, {}, "15 different sizes from 1 up don't fit into 14 images"),
        (100, {"smallest": 87}, "15 different sizes from 87 up don't fit into 100 images"),
        (100, {"smallest": 0}, "different sizes from 0 up"),
        (100, {"points": 1}, "points is 1: a line needs at least 2"),
    ],
)
def test_what_makes_no_line(n: int, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        extrapolated_score(dirichlet(n, 3), **arguments)


def test_as_few_images_as_there_are_points() -> None:
    assert extrapolated_score(dirichlet(15, 3)).sizes.tolist() == list(range(1, 16))
