"""Fewer labels: the chain rule and a label left out, against scipy, mpmath and recomputation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import entropy

from isexplore.labels import coarsen, without_label
from isexplore.predictions import Predictions
from isexplore.score import inception_score

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def exactly(value: Any) -> Any:
    return pytest.approx(value, rel=1e-12, abs=1e-12)


def overall(p: Any) -> float:
    return inception_score(p, splits=1).overall


def dirichlet(n: int, n_classes: int, alpha: float = 0.3, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).dirichlet(np.full(n_classes, alpha), n)


@st.composite
def labelled(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw rows from nearly uniform to exactly one-hot, and a coarse label for each class."""
    n, n_classes = draw(st.integers(1, 30)), draw(st.integers(3, 12))
    sharpness = draw(st.sampled_from([0.1, 1.0, 10.0, 1000.0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    p = np.asarray(softmax(sharpness * rng.normal(size=(n, n_classes)), axis=1))
    return p, rng.integers(0, draw(st.integers(1, n_classes)), n_classes)


KINDS: list[Callable[[NDArray[np.float32]], Any]] = [
    np.ndarray.tolist,
    torch.from_numpy,
    lambda p: torch.from_numpy(p).double(),
    Predictions.from_probabilities,
]

# Coarser labels ------------------------------------------------------------------------------------------------------


def test_perfect_classes_in_closed_form() -> None:
    """Twelve hard breeds in groups of 2, 4 and 6: the shares are as the sizes."""
    score = coarsen(np.eye(12), ["cat"] * 2 + ["dog"] * 4 + ["fish"] * 6)
    assert score.names.tolist() == ["cat", "dog", "fish"]
    assert score.overall == exactly(12)
    assert score.coarse == exactly(math.exp(entropy([2, 4, 6])))
    assert score.within == exactly([2, 4, 6])
    assert score.shares == exactly([1 / 6, 1 / 3, 1 / 2])


def test_breeds_that_can_not_be_told_apart_count_for_nothing() -> None:
    """Each animal is spread evenly over its twelve breeds: ten animals score 10, and nothing from within."""
    score = coarsen(np.repeat(np.eye(10), 12, axis=1) / 12, np.repeat(np.arange(10), 12))
    assert (score.overall, score.coarse) == (exactly(10), exactly(10))
    assert score.within == exactly([1] * 10)


@given(labelled())
def test_chain_rule(case: tuple[NDArray[np.float64], NDArray[np.int64]]) -> None:
    p, groups = case
    score = coarsen(p, groups)
    assert score.overall == exactly(overall(p))
    assert math.log(score.overall) == exactly(math.log(score.coarse) + score.shares @ np.log(score.within))
    assert score.shares.sum() == exactly(1)
    sizes = np.bincount(groups)
    assert np.all((score.within >= 1) & (score.within <= sizes[sizes > 0] * (1 + 1e-12)))


@given(labelled())
def test_each_part_agrees_with_scipy_and_recomputation(case: tuple[NDArray[np.float64], NDArray[np.int64]]) -> None:
    p, groups = case
    score = coarsen(p, groups)
    coarse = np.stack([p[:, groups == name].sum(axis=1) for name in score.names], axis=1)
    padded = np.pad(coarse, ((0, 0), (0, 1)))  # a score needs two classes; an empty one changes nothing
    assert score.coarse == exactly(overall(padded))
    for g, name in enumerate(score.names):
        weights = coarse[:, g]
        if weights.sum() < 1e-9:
            continue
        fine = p[:, groups == name]
        kl = entropy(fine[weights > 0], fine.sum(axis=0)[None], axis=1)  # it divides the rows by their sums
        assert score.within[g] == pytest.approx(math.exp(np.average(kl, weights=weights[weights > 0])), rel=1e-10)


def test_the_two_trivial_groupings() -> None:
    p = dirichlet(100, 7)
    one, each = coarsen(p, [0] * 7), coarsen(p, np.arange(7))
    assert (one.coarse, one.within) == (exactly(1), exactly([overall(p)]))
    assert (each.coarse, each.within) == (exactly(overall(p)), exactly([1] * 7))


def test_rounding_leaves_no_score_below_one() -> None:
    for row in dirichlet(100, 5, alpha=1):
        score = coarsen([row] * 3, [0, 0, 1, 1, 1])
        assert score.within == exactly([1, 1])
        assert min(score.within) >= 1


def test_labels_that_no_image_reaches() -> None:
    score = coarsen(np.pad(np.eye(4), ((0, 0), (0, 3))), ["a", "a", "b", "b", "b", "none", "none"])
    assert score.within == exactly([2, 2, 1])
    assert score.shares == exactly([0.5, 0.5, 0])


@pytest.mark.parametrize("tiny", [1e-18, 1e-100, 1e-290, 1e-308, 1e-322, 5e-324])
def test_labels_that_images_hardly_reach(tiny: float) -> None:
    score = coarsen([[1, tiny, 0, 0], [1, 0, tiny, 0], [0, 0, 0, 1]], ["a", "b", "b", "c"])
    assert score.overall == exactly(overall([[1, 0], [1, 0], [0, 1]]))
    assert 1 <= score.within[1] <= 2 * (1 + 1e-9)
    if tiny > 1e-280:
        assert score.within[1] == pytest.approx(2, rel=1e-9)


def test_chain_rule_agrees_with_forty_digits() -> None:
    rows = [["0.9", "0.05", "0.05"], ["1e-30", "0.3", "0.7"], ["0.5", "0.5", "0"]]
    score = coarsen([[float(x) for x in row] for row in rows], ["a", "b", "b"])
    with mpmath.workdps(40):
        exact = [[mpmath.mpf(x) for x in row] for row in rows]
        weights = [row[1] + row[2] for row in exact]
        inside = [[x / weight for x in row[1:]] for row, weight in zip(exact, weights, strict=True)]
        total = mpmath.fsum(weights)
        marginal = [mpmath.fsum(w * row[c] for w, row in zip(weights, inside, strict=True)) / total for c in range(2)]
        log_within = (
            mpmath.fsum(
                w * x * mpmath.log(x / m)
                for w, row in zip(weights, inside, strict=True)
                for x, m in zip(row, marginal, strict=True)
                if x
            )
            / total
        )
        assert score.within == exactly([1, float(mpmath.exp(log_within))])


@pytest.mark.parametrize("convert", KINDS)
def test_predictions_of_any_kind(convert: Callable[[NDArray[np.float32]], Any]) -> None:
    p = dirichlet(300, 10).astype(np.float32)
    groups = np.arange(10) % 3
    score, expected = coarsen(convert(p), groups), coarsen(p, groups)
    assert (score.coarse, score.within, score.overall) == (
        exactly(expected.coarse),
        exactly(expected.within),
        exactly(expected.overall),
    )
    assert without_label(convert(p), 4).score == exactly(without_label(p, 4).score)
    assert without_label(convert(p), 4).marginal == exactly(without_label(p, 4).marginal)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_equals_numpy() -> None:
    p = dirichlet(5000, 100).astype(np.float32)
    cuda = torch.from_numpy(p).cuda()
    groups = torch.arange(100).cuda() // 10
    assert coarsen(cuda, groups).within == exactly(coarsen(p, np.arange(100) // 10).within)
    assert without_label(cuda, 4).score == exactly(without_label(p, 4).score)


def test_logits() -> None:
    logits = np.random.default_rng(0).normal(scale=4, size=(100, 6))
    p = softmax(logits, axis=1)
    assert coarsen(logits=logits, groups=[0, 0, 1, 1, 2, 2]).within == exactly(coarsen(p, [0, 0, 1, 1, 2, 2]).within)
    assert without_label(logits=logits, label=2).score == exactly(without_label(p, 2).score)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    p = dirichlet(331, 7)
    p[::5] = np.eye(7)[3]
    groups = [0, 0, 0, 1, 1, 2, 2]
    coarse, without = coarsen(p, groups), without_label(p, 3)
    for size in (1, 50, 331 * 7):
        monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", size)
        assert coarsen(p, groups).within == exactly(coarse.within)
        assert coarsen(p, groups).coarse == exactly(coarse.coarse)
        again = without_label(p, 3)
        assert (again.score, again.n_images, again.n_certain) == (exactly(without.score), 264, 67)


def test_input_is_not_modified() -> None:
    p = dirichlet(50, 5)
    before = p.copy()
    p.flags.writeable = False
    coarsen(p, [0, 0, 1, 1, 1])
    without_label(p, 1)
    np.testing.assert_array_equal(p, before)


# A label left out ----------------------------------------------------------------------------------------------------


@given(labelled(), st.data())
def test_without_a_label_is_the_score_of_renormalised_rows(
    case: tuple[NDArray[np.float64], NDArray[np.int64]], data: st.DataObject
) -> None:
    p, _ = case
    label = data.draw(st.integers(0, p.shape[1] - 1))
    others = np.delete(p, label, axis=1)
    left = others.sum(axis=1) > 0
    assume(left.any())
    others = others[left] / others[left].sum(axis=1, keepdims=True)
    result = without_label(p, label)
    assert result.score == exactly(overall(others))
    assert (result.n_images, result.n_certain, result.label) == (left.sum(), (~left).sum(), label)
    assert np.delete(result.marginal, label) == exactly(others.mean(axis=0))
    assert result.marginal[label] == 0


@given(labelled())
def test_entropies_without_a_label_follow_from_those_with_it(case: tuple[NDArray[np.float64], Any]) -> None:
    """They are (h + p_c ln p_c)/(1 − p_c) + ln(1 − p_c), and the weights 1/(1 − p_c) give the marginal."""
    p = 0.9 * case[0] + 0.1 / case[0].shape[1]  # well away from p_c = 1, where the formula loses its digits
    h, p_c = entropy(p, axis=1), p[:, 0]
    h_without = (h + p_c * np.log(p_c)) / (1 - p_c) + np.log1p(-p_c)
    marginal = ((1 / (1 - p_c)) @ p / len(p))[1:]
    expected = math.exp(entropy(marginal) - h_without.mean())
    assert without_label(p, 0).score == pytest.approx(expected, rel=1e-11)


def test_perfect_classes_lose_one() -> None:
    result = without_label(np.repeat(np.eye(10), 5, axis=0), 3)
    assert (result.score, result.n_images, result.n_certain) == (exactly(9), 45, 5)


def test_doubt_about_a_label_that_is_gone() -> None:
    """Every image is half its own class and half the first: certain once that is gone."""
    result = without_label(np.eye(5)[1:] / 2 + np.eye(5)[0] / 2, 0)
    assert (result.score, result.n_certain) == (exactly(4), 0)
    assert result.marginal == exactly([0, 0.25, 0.25, 0.25, 0.25])


@pytest.mark.parametrize("rest", ["1e-4", "1e-15", "1e-17", "1e-100", "1e-300"])
def test_a_label_that_is_almost_everything(rest: str) -> None:
    """What is left keeps its digits, though 1 − p_c has lost them (and is 0 below 1e-16)."""
    shares = [["0.25", "0.75"], ["0.9", "0.1"]]
    result = without_label([[1, *(float(rest) * float(x) for x in row)] for row in shares], 0)
    with mpmath.workdps(40):
        exact = [[mpmath.mpf(x) for x in row] for row in shares]
        marginal = [mpmath.fsum(column) / 2 for column in zip(*exact, strict=True)]
        log_score = mpmath.fsum(x * mpmath.log(x / m) / 2 for row in exact for x, m in zip(row, marginal, strict=True))
        assert result.score == exactly(float(mpmath.exp(log_score)))
    assert result.n_certain == 0


def test_denormals_are_a_distribution_too() -> None:
    result = without_label([[1, 5e-324, 0], [1, 0, 5e-324], [1, 0, 0]], 0)
    assert (result.score, result.n_images, result.n_certain) == (exactly(2), 2, 1)


# Hostile input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([0, 1], r"groups have shape \(2,\): give 3, one for each of the classes"),
        ([0.5, 1.5, 2.5], "groups of type float64 are not clear"),
    ],
)
def test_groups_of_another_kind(groups: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        coarsen(np.eye(3), groups)


def test_no_groups_and_no_label() -> None:
    with pytest.raises(TypeError, match="the label is missing: give the number of the class to leave out"):
        without_label(np.eye(3))
    with pytest.raises(TypeError, match="groups are missing: give the coarse label of each class"):
        coarsen(np.eye(3))


@pytest.mark.parametrize("label", [-1, 3, 1.0, "cat"])
def test_labels_that_there_are_not(label: Any) -> None:
    with pytest.raises(ValueError, match=f"there is no class {label!r}: give its number, from 0 to 2, not its name"):
        without_label(np.eye(3), label)


def test_nothing_left_to_score() -> None:
    with pytest.raises(ValueError, match="a score needs at least 2 classes: these are 2, and none can go"):
        without_label(np.eye(2), 0)
    with pytest.raises(ValueError, match="every image is certain of class 1: without that label there is nothing"):
        without_label([[0, 1, 0], [0, 1, 0]], 1)


def test_bad_rows_are_named() -> None:
    for score in (lambda p: coarsen(p, [0, 0, 1]), lambda p: without_label(p, 0)):
        with pytest.raises(ValueError, match="row 1 of the probabilities holds nan"):
            score([[0.5, 0.5, 0], [math.nan, 0.5, 0.5]])
