"""The score of some of the images equals the score of a set that holds only these."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isexplore.predictions import Predictions
from isexplore.score import inception_score
from isexplore.subsets import score_subset

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

KINDS: list[Callable[[NDArray[np.float64]], Any]] = [
    np.asarray,
    torch.from_numpy,
    lambda p: torch.from_numpy(p).float(),
    lambda p: torch.from_numpy(p).bfloat16(),
    Predictions.from_probabilities,
]


def rows(p: Any, mask: NDArray[np.bool_]) -> Any:
    if isinstance(p, Predictions):
        return p.probabilities[mask]
    return p[torch.from_numpy(mask)] if isinstance(p, torch.Tensor) else p[mask]


@settings(max_examples=15)
@given(st.data())
@pytest.mark.parametrize("convert", KINDS)
def test_it_is_the_score_of_these_images(convert: Callable[[NDArray[np.float64]], Any], data: st.DataObject) -> None:
    n, c = data.draw(st.integers(1, 300)), data.draw(st.sampled_from([2, 10, 700]))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    p = convert(random.dirichlet(np.full(c, 0.1) + 1e-3, n))
    mask = random.random(n) < data.draw(st.sampled_from([0.01, 0.5, 1]))
    mask[random.integers(n)] = True
    expected = inception_score(rows(p, mask), splits=1)
    for entropies in (None, inception_score(p, splits=1).conditional_entropy):
        subset = score_subset(p, mask, entropies)
        assert subset.n_images == mask.sum()
        assert subset.score == pytest.approx(expected.overall, rel=1e-12, abs=0)
        np.testing.assert_allclose(subset.share, expected.marginal * mask.sum() / n, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("convert", KINDS)
def test_no_images_have_no_score(convert: Callable[[NDArray[np.float64]], Any]) -> None:
    subset = score_subset(convert(np.eye(3)), np.zeros(3, np.bool_))
    assert subset.n_images == 0
    assert math.isnan(subset.score)
    np.testing.assert_array_equal(subset.share, np.zeros(3))


@pytest.mark.parametrize("i", range(3))
def test_one_image_scores_one(i: int) -> None:
    p = np.array([[0.1, 0.9], [1, 0], [1 / 3, 2 / 3]])
    assert score_subset(p, np.arange(3) == i).score == pytest.approx(1, rel=1e-12)


def test_shares_of_a_selection_and_of_the_rest_add_up_to_the_marginal() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(5), 40)
    score = inception_score(p, splits=1)
    mask = score.kl > np.median(score.kl)
    shares = [score_subset(p, chosen).share for chosen in (mask, ~mask)]
    np.testing.assert_allclose(sum(shares), score.marginal, rtol=1e-12)


@pytest.mark.parametrize(
    "mask",
    [
        np.ones(2, np.bool_),
        np.ones(4, np.bool_),
        np.ones((3, 1), np.bool_),
        np.bool_(True),
        np.array([0, 1, 2]),
        np.array([1, 0, 1], np.uint8),
        np.array([1.0, 0.0, 1.0]),
        [0, 2],
    ],
)
def test_masks_of_another_kind(mask: Any) -> None:
    with pytest.raises(ValueError, match="a selection is a mask of 3 booleans"):
        score_subset(np.eye(3), mask)
