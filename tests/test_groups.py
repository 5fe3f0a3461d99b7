"""Groups of images: between × within, other shares, groups left out, against scipy, mpmath and recomputation."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import entropy

from isexplore.groups import GroupSums, group_sums
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
def grouped(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw rows from nearly uniform to exactly one-hot, and a group for each, some empty."""
    n, n_classes = draw(st.integers(1, 40)), draw(st.integers(2, 9))
    sharpness = draw(st.sampled_from([0.1, 1.0, 10.0, 1000.0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    p = np.asarray(softmax(sharpness * rng.normal(size=(n, n_classes)), axis=1))
    return p, rng.integers(-3, draw(st.integers(-2, 6)), n)


def assert_same(sums: GroupSums, other: GroupSums, rel: float = 1e-12) -> None:
    np.testing.assert_array_equal(sums.names, other.names)
    np.testing.assert_array_equal(sums.counts, other.counts)
    np.testing.assert_allclose(sums.probabilities, other.probabilities, rtol=rel, atol=rel)
    np.testing.assert_allclose(sums.entropies, other.entropies, rtol=rel, atol=rel)


# Between and within --------------------------------------------------------------------------------------------------


def test_groups_of_one_class_each_differ_between_only() -> None:
    sums = group_sums(np.repeat(np.eye(5), 3, axis=0))
    assert (sums.between, sums.within, sums.overall) == (exactly(5), exactly(1), exactly(5))
    assert sums.scores == exactly([1] * 5)


def test_groups_with_the_same_images_differ_within_only() -> None:
    sums = group_sums(np.tile(np.eye(5), (4, 1)), np.repeat(["a", "b", "c", "d"], 5))
    assert (sums.between, sums.within) == (exactly(1), exactly(5))
    assert sums.scores == exactly([5] * 4)


def test_unequal_groups_in_closed_form() -> None:
    """Ten images of two classes beside thirty of a third: KL = ln 4 and ln 4/3, L = ln 2 and 0."""
    p = np.repeat(np.eye(3), [5, 5, 30], axis=0)
    sums = group_sums(p, [0] * 10 + [1] * 30)
    assert sums.divergences == exactly([math.log(4), math.log(4 / 3)])
    assert sums.between == exactly(4**0.25 * (4 / 3) ** 0.75)
    assert sums.within == exactly(2**0.25)
    assert sums.scores == exactly([2, 1])
    assert sums.shares == exactly([0.25, 0.75])


@given(grouped())
def test_every_part_agrees_with_scipy_and_recomputation(case: tuple[NDArray[np.float64], NDArray[np.int64]]) -> None:
    p, groups = case
    sums = group_sums(p, groups)
    parts = [p[groups == name] for name in sums.names]
    marginal = p.mean(axis=0)
    kl = [entropy(part.mean(axis=0), marginal) for part in parts]
    scores = [overall(part) for part in parts]
    assert sums.names.tolist() == sorted(set(groups.tolist()))
    assert sums.counts.tolist() == [len(part) for part in parts]
    assert sums.divergences == exactly(kl)
    assert sums.scores == exactly(scores)
    assert sums.between == exactly(math.exp(sums.shares @ kl))
    assert sums.within == exactly(math.exp(sums.shares @ np.log(scores)))
    assert sums.overall == exactly(sums.between * sums.within)
    assert sums.overall == exactly(overall(p))
    table = sums.to_dataframe()
    assert list(table.columns) == ["group", "images", "share", "score", "kl", "contribution"]
    assert table["contribution"].sum() == exactly(math.log(overall(p)))
    assert table["share"].sum() == exactly(1)


def test_rounding_leaves_no_score_below_one() -> None:
    for row in dirichlet(100, 4, alpha=1):
        sums = group_sums([row] * 10, np.arange(10) % 3)
        assert sums.scores == exactly([1, 1, 1])
        assert min(sums.scores) >= 1
        assert min(sums.divergences) >= 0


def test_splits_lose_between_and_keep_within() -> None:
    p = dirichlet(1000, 8)
    sums = group_sums(p, np.repeat(np.arange(10), 100))
    split_scores = inception_score(p, splits=10).split_scores
    assert sums.scores == exactly(split_scores)
    assert sums.within == exactly(np.exp(np.log(split_scores).mean()))


def test_agrees_with_forty_digits() -> None:
    rows = [["0.9", "0.1", "0"], ["1e-30", "0.3", "0.7"], ["0.5", "0.25", "0.25"], ["0", "0", "1"]]
    sums = group_sums([[float(x) for x in row] for row in rows], [1, 0, 1, 0])
    with mpmath.workdps(40):
        exact = [[mpmath.mpf(x) for x in row] for row in rows]

        def h(row: list[Any]) -> Any:
            return -mpmath.fsum(x * mpmath.log(x) for x in row if x)

        def mean(some: list[list[Any]]) -> list[Any]:
            return [mpmath.fsum(column) / len(some) for column in zip(*some, strict=True)]

        groups = [exact[1::2], exact[::2]]
        between = h(mean(exact)) - mpmath.fsum(h(mean(group)) for group in groups) / 2
        within = mpmath.fsum(h(mean(group)) for group in groups) / 2 - mpmath.fsum(map(h, exact)) / 4
        assert sums.between == exactly(float(mpmath.exp(between)))
        assert sums.within == exactly(float(mpmath.exp(within)))


# Other shares, and groups left out -----------------------------------------------------------------------------------


@given(grouped(), st.data())
def test_new_shares_score_as_if_images_were_repeated(
    case: tuple[NDArray[np.float64], NDArray[np.int64]], data: st.DataObject
) -> None:
    p, groups = case
    sums = group_sums(p, groups)
    repeats = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(sums.names), max_size=len(sums.names))))
    repeats[data.draw(st.integers(0, len(repeats) - 1))] = 2
    repeated = np.repeat(p, repeats[np.searchsorted(sums.names, groups)], axis=0)
    assert sums.reweighted(repeats * sums.counts) == exactly(overall(repeated))
    assert sums.reweighted(0.1 * repeats * sums.counts) == exactly(overall(repeated))


def test_shares_of_perfect_classes() -> None:
    sums = group_sums(np.repeat(np.eye(3), [1, 10, 100], axis=0))
    assert sums.reweighted([1, 1, 1]) == exactly(3)
    assert sums.reweighted([1e308, 1e308, 1e308]) == exactly(3)
    assert sums.reweighted([5e-324, 5e-324, 0]) == exactly(2)
    assert sums.reweighted([0.5, 0.25, 0.25]) == exactly(math.exp(entropy([2, 1, 1])))
    assert sums.reweighted([0, 1, 0]) == 1


@given(grouped())
def test_without_a_group_is_the_score_of_the_other_images(
    case: tuple[NDArray[np.float64], NDArray[np.int64]],
) -> None:
    p, groups = case
    sums = group_sums(p, groups)
    for name in sums.names.tolist()[1:]:
        fewer = sums.without(name)
        assert fewer.overall == exactly(overall(p[groups != name]))
        assert_same(fewer, group_sums(p[groups != name], groups[groups != name]))
        assert name in sums.names


# Kinds of input ------------------------------------------------------------------------------------------------------

KINDS: list[Callable[[NDArray[np.float32]], Any]] = [
    np.ndarray.tolist,
    torch.from_numpy,
    lambda p: torch.from_numpy(p).double(),
    Predictions.from_probabilities,
]


@pytest.mark.parametrize("convert", KINDS)
def test_predictions_of_any_kind(convert: Callable[[NDArray[np.float32]], Any]) -> None:
    p = dirichlet(300, 10).astype(np.float32)
    assert_same(group_sums(convert(p)), group_sums(p))
    assert_same(group_sums(convert(p), np.arange(300) % 7), group_sums(p, np.arange(300) % 7))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_equals_numpy() -> None:
    p = dirichlet(5000, 100).astype(np.float32)
    groups = np.arange(5000) % 13
    cuda = torch.from_numpy(p).cuda()
    assert_same(group_sums(cuda), group_sums(p))
    assert_same(group_sums(cuda, torch.from_numpy(groups).cuda()), group_sums(p, groups))


def test_logits() -> None:
    logits = np.random.default_rng(0).normal(scale=4, size=(100, 6))
    assert_same(group_sums(logits=logits), group_sums(softmax(logits, axis=1)))


@pytest.mark.parametrize(
    "groups",
    [
        ["b", "a", "b", "c"],
        ("b", "a", "b", "c"),
        np.array(["b", "a", "b", "c"], dtype=object),
        pd.Series(["b", "a", "b", "c"]),
        pd.Categorical(["b", "a", "b", "c"]),
    ],
)
def test_names_of_any_kind(groups: Any) -> None:
    sums = group_sums(np.eye(4), groups)
    assert sums.names.tolist() == ["a", "b", "c"]
    assert sums.counts.tolist() == [1, 2, 1]
    assert sums.scores == exactly([1, 2, 1])


@pytest.mark.parametrize("convert", [np.asarray, torch.tensor, np.uint8, list])
def test_numbers_of_any_kind(convert: Callable[[list[int]], Any]) -> None:
    sums = group_sums(np.eye(4), convert([9, 2, 9, 2]))
    assert sums.names.tolist() == [2, 9]
    assert sums.probabilities.tolist() == [[0, 1, 0, 1], [1, 0, 1, 0]]


def test_the_default_is_the_most_likely_class() -> None:
    p = dirichlet(500, 30, alpha=0.1)
    p = p[np.argmax(p, axis=1) != 7]
    sums = group_sums(p)
    assert 7 not in sums.names
    assert_same(sums, group_sums(p, np.argmax(p, axis=1)))


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    p = dirichlet(331, 7)
    groups = np.random.default_rng(1).integers(0, 50, 331)
    default, given = group_sums(p), group_sums(p, groups)
    for size in (1, 50, 331 * 7):
        monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", size)
        assert_same(group_sums(p), default)
        assert_same(group_sums(p, groups), given)


def test_a_group_for_each_image_is_all_between() -> None:
    p = dirichlet(200, 5)
    sums = group_sums(p, np.arange(200))
    assert (sums.between, sums.within) == (exactly(overall(p)), exactly(1))


def test_input_is_not_modified() -> None:
    p = dirichlet(50, 5)
    before = p.copy()
    p.flags.writeable = False
    sums = group_sums(p)
    weights = np.arange(1.0, len(sums.names) + 1)
    weights.flags.writeable = False
    sums.reweighted(weights)
    np.testing.assert_array_equal(p, before)


def test_numpy_input_never_imports_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from isexplore.groups import group_sums\n"
        "from isexplore.labels import coarsen, without_label\n"
        "from isexplore.shards import merge_shards, shard_sums\n"
        "group_sums(np.eye(20)).between; coarsen(np.eye(20), ['a', 'b'] * 10); without_label(np.eye(20), 3)\n"
        "merge_shards([shard_sums(np.eye(20))]).summary()\n"
        "print(sorted({'torch', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout.strip() == "[]"


def test_folders_are_the_first_part_of_the_names() -> None:
    names = ["cat/0.png", "dog/0.png", "cat/1.png", "loose.png"]
    preds = Predictions.from_probabilities(np.eye(4), image_names=names)
    sums = group_sums(preds, [name.split("/")[0] for name in preds.image_names])
    assert dict(zip(sums.names.tolist(), sums.counts.tolist(), strict=True)) == {"cat": 2, "dog": 1, "loose.png": 1}
    assert sums.scores == exactly([2, 1, 1])


# Hostile input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([0, 1], r"groups have shape \(2,\): give 3, one for each of the images"),
        ([[0, 1, 2]], r"groups have shape \(1, 3\)"),
        ("abc", r"groups have shape \(\)"),
        ([], r"groups have shape \(0,\)"),
        ([0.0, 1.0, math.nan], "groups of type float64 are not clear: give integers or strings"),
        (["a", None, "b"], "groups of type object are not clear"),
        (["1", 1, "2"], "groups mix strings with others, such as 1: give integers only, or strings"),
        (("a", 2.5, "b"), "groups mix strings with others, such as 2.5"),
        (["a", b"a", "b"], "groups mix strings with others, such as b'a'"),
        ([b"a", b"b", b"c"], r"groups of type \|S1 are not clear"),
    ],
)
def test_groups_of_another_kind(groups: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        group_sums(np.eye(3), groups)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 1], r"weights have shape \(2,\): give 3 numbers, one for each group"),
        (1.0, r"weights have shape \(\)"),
        ([1, -0.5, 1], "the weight of group 'b' is -0.5: give finite numbers from 0 on"),
        ([1, 1, math.nan], "the weight of group 'c' is nan"),
        ([math.inf, 1, 1], "the weight of group 'a' is inf"),
        ([0, 0, 0], "all weights are 0: give at least one group a positive weight"),
    ],
)
def test_weights_of_another_kind(weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        group_sums(np.eye(3), ["a", "b", "c"]).reweighted(weights)


def test_groups_that_can_not_be_left_out() -> None:
    sums = group_sums(np.eye(3), ["a", "a", "b"])
    with pytest.raises(ValueError, match="there is no group 'c': give one of names, such as 'a'"):
        sums.without("c")
    with pytest.raises(ValueError, match="there is no group 0"):
        sums.without(0)
    with pytest.raises(ValueError, match="'a' is the only group: without it no images are left"):
        sums.without("b").without("a")


def test_bad_rows_are_named() -> None:
    with pytest.raises(ValueError, match=r"row 1 of the probabilities sums to 1\.2"):
        group_sums([[0.5, 0.5], [0.9, 0.3]], [0, 0])
    with pytest.raises(TypeError, match="give either predictions"):
        group_sums(groups=[0, 0])


def test_it_shows_itself_in_one_line() -> None:
    sums = group_sums(np.repeat(np.eye(4), 3, axis=0), ["a"] * 6 + ["b"] * 6)
    assert str(sums) == "IS 4.00 = between 2 groups 2.00 × within 2.00, 12 images"
    assert repr(sums) == f"<GroupSums: {sums}>"
