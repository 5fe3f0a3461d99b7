"""What splitting loses, and whether the order is random: identities, exact enumeration, null distributions."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy, kstest

import isexplore
from isexplore import demo
from isexplore.edges import split_edges
from isexplore.order import OrderTest, order_test, split_loss
from isexplore.order_warning import order_bound, order_warnings
from isexplore.score import inception_score
from isexplore.splits import shuffled_order

if TYPE_CHECKING:
    from numpy.typing import NDArray


def dirichlet(n: int, n_classes: int, alpha: float = 0.1, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).dirichlet(np.full(n_classes, alpha), n)


def by_class(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return p[np.argsort(p.argmax(axis=1), kind="stable")]


def one_hot(n: int, n_classes: int, seed: int = 0) -> NDArray[np.float64]:
    return np.eye(n_classes)[np.random.default_rng(seed).integers(n_classes, size=n)]


def reference_jsd(p: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return Σ w_s KL(m_s‖m), with scipy."""
    groups = [p[labels == s] for s in np.unique(labels)]
    return sum(len(group) / len(p) * float(entropy(group.mean(axis=0), p.mean(axis=0))) for group in groups)


def contiguous(n: int, splits: int) -> NDArray[np.int64]:
    return np.repeat(np.arange(splits), np.diff(split_edges(n, splits)))


# What splitting loses ------------------------------------------------------------------------------------------------


@given(st.integers(2, 60), st.integers(2, 8), st.sampled_from([0.02, 0.3, 5.0]), st.integers(1, 12), st.integers(0, 99))
def test_the_factors_multiply_to_the_mean(n: int, n_classes: int, alpha: float, splits: int, seed: int) -> None:
    p = by_class(dirichlet(n, n_classes, alpha, seed))
    score = inception_score(p, splits=min(splits, n))
    loss = split_loss(score)
    assert loss.mean == score.mean
    assert loss.overall * loss.divergence_factor * loss.mean_ratio == pytest.approx(score.mean, rel=1e-12)
    assert loss.jsd == pytest.approx(reference_jsd(p, contiguous(n, score.splits)), abs=1e-12)
    assert loss.divergence_factor == math.exp(-loss.jsd) <= 1


def test_jsd_of_two_halves_is_scipys() -> None:
    p = by_class(dirichlet(100, 6))
    halves = p[:50].mean(axis=0), p[50:].mean(axis=0)
    assert split_loss(inception_score(p, splits=2)).jsd == pytest.approx(jensenshannon(*halves) ** 2, rel=1e-12)


@pytest.mark.parametrize("splits", [1, 2, 5, 10])
def test_perfect_classes_in_order_lose_all_that_splits_can(splits: int) -> None:
    loss = split_loss(inception_score(np.repeat(np.eye(10), 30, axis=0), splits=splits))
    assert loss.jsd == pytest.approx(math.log(splits), abs=1e-12)
    assert loss.mean_ratio == pytest.approx(1, rel=1e-12)
    assert loss.expected_jsd == pytest.approx((splits - 1) * 9 / 600, rel=1e-12)


@pytest.mark.parametrize(("n_classes", "alpha"), [(10, 0.1), (10, 1.0), (100, 0.02)])
def test_expected_jsd_in_random_order(n_classes: int, alpha: float) -> None:
    p = dirichlet(5000, n_classes, alpha)
    rng = np.random.default_rng(1)
    losses = [split_loss(inception_score(rng.permutation(p))) for _ in range(40)]
    assert np.mean([loss.jsd for loss in losses]) == pytest.approx(losses[0].expected_jsd, rel=0.1)


def test_the_line_of_a_loss() -> None:
    assert str(split_loss(inception_score(np.repeat(np.eye(4), 50, axis=0), splits=2))) == (
        "mean of 2 splits 2.00 = whole set 4.00 × 0.5000 (the splits differ: JSD 0.693 nats, 0.0075 expected in random "
        "order) × 1.0000 (arithmetic over geometric mean)"
    )


# The bound that needs no permutations --------------------------------------------------------------------------------


def exceeds(p: NDArray[np.float64], splits: int) -> bool:
    score = inception_score(p, splits=splits)
    warnings = order_warnings(math.log(score.overall), score.split_scores, score.bias_constant, score.n_images)
    beyond = split_loss(score).jsd > order_bound(splits, score.bias_constant, score.n_images)
    assert bool(warnings) == beyond
    return beyond


@pytest.mark.parametrize(("n", "n_classes", "splits"), [(1000, 10, 50), (1000, 100, 10), (1000, 1000, 2), (60, 2, 10)])
@pytest.mark.parametrize("rows", [one_hot, dirichlet])
def test_random_order_stays_below_the_bound(n: int, n_classes: int, splits: int, rows: Any) -> None:
    """Among them sets of few images a class, where JSD exceeds its first-order law: half the bound would not do."""
    assert not any(exceeds(rows(n, n_classes, seed=seed), splits) for seed in range(20))


def test_the_first_order_law_alone_would_not_bound_few_images_a_class() -> None:
    score = inception_score(one_hot(1000, 1000), splits=2)
    assert split_loss(score).jsd > 1.3 * split_loss(score).expected_jsd


@pytest.mark.parametrize(("n", "n_classes", "splits"), [(200, 10, 2), (1000, 10, 10), (10_000, 100, 10)])
@pytest.mark.parametrize("rows", [one_hot, dirichlet])
def test_images_sorted_by_class_exceed_the_bound(n: int, n_classes: int, splits: int, rows: Any) -> None:
    assert exceeds(by_class(rows(n, n_classes)), splits)


def test_one_split_has_no_order() -> None:
    assert order_warnings(math.log(2), np.array([2.0]), b=1.0, n=10) == ()


def test_the_warning() -> None:
    (warning,) = order_warnings(math.log(10), np.ones(10), b=9.0, n=1000)
    assert warning == (
        "The images do not lie in random order: the mean of the splits, 1.00, depends on it; the score of all, 10.00, "
        "does not."
    )


# The permutation test ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "splits"), [(8, 2), (7, 2), (6, 3)])
def test_p_value_of_all_permutations(n: int, splits: int) -> None:
    """With rows of 0, .5 and 1 many permutations tie with the order as it is: these count."""
    certain, torn = [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0.5, 0.5, 0]]
    p = np.array((certain[:1] * 2 + torn + certain + certain[2:] * 2)[:n], dtype=float)
    labels = contiguous(n, splits)
    arrangements = set(itertools.permutations(labels.tolist()))  # each equally often among the permutations
    every = [reference_jsd(p, np.array(arrangement)) for arrangement in arrangements]
    own = reference_jsd(p, labels)
    exact = np.mean(np.array(every) >= own - 1e-12)
    test = order_test(p, splits, permutations=19_999)
    assert 0.02 < exact < 0.98
    assert test.p_value == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 20_000))
    assert test.jsd == pytest.approx(own, rel=1e-6)
    assert test.expected == pytest.approx(np.mean(every), rel=0.02)


def p_values(rows: Any, n: int, n_classes: int, splits: int, repeats: int) -> NDArray[np.float64]:
    return np.array([order_test(rows(n, n_classes, seed=seed), splits).p_value for seed in range(repeats)])


def is_uniform(p: NDArray[np.float64]) -> bool:
    spread = p - np.random.default_rng(0).random(len(p)) / 200  # from steps of 1/200 to a continuous law
    return bool(kstest(spread, "uniform").pvalue > 0.01)


def test_p_values_are_uniform_in_random_order() -> None:
    assert is_uniform(p_values(dirichlet, 43, 5, splits=4, repeats=400))


def test_false_alarms_are_rare() -> None:
    """One in a thousand at most; to alarm where none of 199 permutations reaches the JSD would make five."""
    tests = [order_test(dirichlet(30, 3, seed=seed), splits=4, seed=seed) for seed in range(2000)]
    assert sum(test.alarm for test in tests) <= 5
    assert {test.permutations for test in tests} == {199, 1999}
    assert 3 <= sum(test.permutations == 1999 for test in tests) <= 20


def test_an_unlikely_order_of_the_digits_is_no_alarm() -> None:
    """None of 199 permutations reaches its JSD, but several of 1999 do."""
    digits = isexplore.predict(demo.real(), classifier="digits")
    test = order_test(digits, order=shuffled_order(len(digits), 2304))
    assert (test.permutations, test.alarm) == (1999, False)
    assert 0.001 < test.p_value < 0.005
    assert "no more than by chance" in str(test)


def test_a_weak_dependence_on_the_order_needs_many_permutations() -> None:
    """Some images moved to the front: the JSD stays below the bound, and no permutation reaches it."""
    p = dirichlet(300, 10, alpha=0.3)
    front = np.argsort(np.where(np.arange(300) < 100, p.argmax(axis=1), 5), kind="stable")
    test = order_test(p[front], splits=4)
    assert test.jsd < test.bound
    assert (test.alarm, test.permutations, test.p_value) == (True, 1999, 0.0005)


def test_unsure_images_sorted_by_class_need_few() -> None:
    """Their JSD is below the conservative bound, but far above that of every permutation."""
    p = by_class(dirichlet(300, 100, alpha=0.3))
    test = order_test(p, splits=4)
    assert test.bound < test.jsd < order_bound(4, inception_score(p).bias_constant, 300)
    assert (test.alarm, test.permutations, test.p_value) == (True, 199, 0.005)


def test_more_permutations_are_made_when_asked() -> None:
    p = dirichlet(100, 5)
    assert order_test(p, permutations=300).permutations == 300
    assert order_test(by_class(p), permutations=2500).p_value == 1 / 2501


def test_the_bound_lies_between_random_order_and_the_conservative_one() -> None:
    p = dirichlet(500, 10)
    score = inception_score(p, splits=7)
    test = order_test(p, 7)
    assert test.jsd < test.bound < order_bound(7, score.bias_constant, 500)


@pytest.mark.parametrize("splits", [20, 60, 100])
def test_many_splits(splits: int) -> None:
    p = by_class(dirichlet(100, 8))
    labels = contiguous(100, splits)
    rng = np.random.default_rng(5)
    test = order_test(p, splits)
    random = [reference_jsd(p, rng.permutation(labels)) for _ in range(15)]
    assert test.jsd == pytest.approx(reference_jsd(p, labels), rel=1e-6)
    assert test.expected == pytest.approx(np.mean(random), rel=0.03)


def test_ties_make_no_false_alarms() -> None:
    p = p_values(one_hot, 30, 2, splits=3, repeats=300)
    assert np.mean(p <= 0.05) <= 0.08
    assert np.mean(p == 1) > 0.02  # the least JSD there is


@pytest.mark.parametrize("splits", [2, 10, 33])
def test_sorted_by_class_alarms_and_shuffled_does_not(splits: int) -> None:
    p = dirichlet(500, 10)
    test = order_test(by_class(p), splits)
    assert test.alarm
    assert test.p_value == 0.005
    assert test.jsd > 3 * test.expected
    assert not order_test(p, splits).alarm


def test_too_even_splits_are_no_alarm() -> None:
    assert order_test(np.tile(np.eye(5), (40, 1)), splits=10).p_value == 1


def test_identical_rows() -> None:
    test = order_test(np.tile(dirichlet(1, 7), (50, 1)), splits=5)
    assert test.p_value == 1
    assert test.jsd == pytest.approx(0, abs=1e-12)


def test_jsd_is_the_split_loss() -> None:
    p = by_class(dirichlet(997, 12))
    assert order_test(p, 7).jsd == pytest.approx(split_loss(inception_score(p, splits=7)).jsd, rel=1e-6)


def test_an_order_stands_for_the_rows_in_that_order(monkeypatch: pytest.MonkeyPatch) -> None:
    p = by_class(dirichlet(400, 6))
    order = np.random.default_rng(3).permutation(400)
    assert order_test(p, order=order).jsd == pytest.approx(order_test(p[order]).jsd, rel=1e-6)
    back = np.argsort(order)
    assert not order_test(p, order=order).alarm
    assert order_test(p[order], order=back).jsd == pytest.approx(order_test(p).jsd, rel=1e-6)
    monkeypatch.setattr("isexplore.permuted.MOST_IMAGES", 150)
    assert order_test(p[order], order=back).alarm


def test_large_sets_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isexplore.permuted.MOST_NUMBERS", 600 * 5)
    p = dirichlet(5000, 5)
    assert order_test(by_class(p)).alarm
    test = order_test(p)
    assert (test.n_images, test.n_used, test.alarm) == (5000, 600, False)
    assert "on 600 of the 5000 images" in str(test)
    assert order_test(p[:600]).n_used == 600
    monkeypatch.setattr("isexplore.permuted.MOST_IMAGES", 30)
    assert order_test(by_class(p), splits=200).n_used == 30  # most splits are then empty


def test_p_values_of_thinned_sets_are_uniform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isexplore.permuted.MOST_IMAGES", 40)
    p = p_values(dirichlet, 90, 3, splits=4, repeats=300)
    assert is_uniform(p)


@pytest.mark.parametrize(("name", "number"), [("CACHED", 200), ("BUFFER", 20), ("LABELS", 700), ("SUMMED", 5)])
def test_pieces_do_not_show(name: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    p = dirichlet(331, 7)
    whole = order_test(p, 9)
    monkeypatch.setattr(f"isexplore.permuted.{name}", number)
    pieces = order_test(p, 9)
    assert pieces.p_value == whole.p_value
    assert pieces.jsd == pytest.approx(whole.jsd, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_torch_equals_numpy(dtype: torch.dtype) -> None:
    p = torch.from_numpy(dirichlet(300, 8)).to(dtype)
    one, other = order_test(p, 6, seed=3), order_test(p.numpy(), 6, seed=3)
    assert one.jsd == pytest.approx(other.jsd, rel=1e-6)
    assert one.p_value == other.p_value


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_equals_numpy() -> None:
    p = dirichlet(5000, 100).astype(np.float32)
    one, other = order_test(torch.from_numpy(p).cuda()), order_test(p)
    assert one.jsd == pytest.approx(other.jsd, rel=1e-5)
    assert one.p_value == pytest.approx(other.p_value, abs=0.011)  # a rounding may tip a tie or two


def test_logits() -> None:
    p = by_class(dirichlet(200, 6, alpha=1.0))
    assert order_test(logits=np.log(p), seed=2).jsd == pytest.approx(order_test(p, seed=2).jsd, rel=1e-6)


def test_the_lines_of_a_test() -> None:
    given_: dict[str, Any] = {"permutations": 199, "bound": 0.1, "splits": 10, "n_images": 1000, "n_used": 1000}
    assert str(OrderTest(jsd=2.3, expected=0.041, p_value=0.005, **given_)) == (
        "The images do not lie in random order: the geometric mean of the 10 split scores is 90 % lower than in random "
        "order (JSD 2.3 nats, 0.041 in random order; p = 0.005)."
    )
    assert str(OrderTest(jsd=0.04, expected=0.041, p_value=0.6, **given_)) == (
        "The images may well lie in random order: the splits differ no more than by chance (JSD 0.04 nats, 0.041 in "
        "random order; p = 0.6)."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"splits": 1}, "one split has no order to test: give splits=2 or more"),
        ({"splits": 21}, "would leave splits empty"),
        ({"splits": 2.5}, "give a whole number"),
        ({"order": np.zeros(20, dtype=int)}, "order is no permutation: give each of the numbers 0 to 19 once"),
        ({"order": np.arange(19)}, "order is no permutation"),
        ({"permutations": 198}, "198 permutations can never raise the alarm: give 199 or more"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        order_test(np.eye(20), **arguments)


def test_bad_rows_are_named() -> None:
    p = dirichlet(50, 4)
    p[17] = math.nan
    with pytest.raises(ValueError, match="row 17 of the probabilities holds nan"):
        order_test(p)


def test_a_loss_is_that_of_a_score() -> None:
    with pytest.raises(TypeError, match=r"this is ndarray, no Score: give inception_score"):
        split_loss(np.eye(3))  # type: ignore[arg-type]
    loss = split_loss(inception_score(np.eye(10), splits=2))
    assert repr(loss) == f"<SplitLoss: {loss}>"
