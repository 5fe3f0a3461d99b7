"""The score against closed forms, an independent implementation and its own identities; hostile input."""

from __future__ import annotations

import math
import subprocess
import sys
import tracemalloc
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import entropy

from isexplore.matrices import check_probabilities
from isexplore.score import Score, inception_score

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def exactly(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def overall(p: Any) -> float:
    return inception_score(p, splits=1).overall


def one_hot(counts: list[int]) -> NDArray[np.float64]:
    """Return rows that are certain: counts[c] of class c, in order of class."""
    return np.repeat(np.eye(len(counts)), counts, axis=0)


def mixed(n_classes: int, epsilon: float) -> NDArray[np.float64]:
    """Return perfect rows with epsilon of the uniform distribution mixed in."""
    return (1 - epsilon) * np.eye(n_classes) + epsilon / n_classes


def dirichlet(n: int, n_classes: int, alpha: float = 0.1, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).dirichlet(np.full(n_classes, alpha), n)


@st.composite
def matrices(draw: st.DrawFn, most_images: int = 30) -> NDArray[np.float64]:
    """Draw rows from nearly uniform to exactly one-hot, some classes empty."""
    n = draw(st.integers(1, most_images))
    n_classes = draw(st.integers(2, 12))
    sharpness = draw(st.sampled_from([0.1, 1.0, 10.0, 1000.0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return np.asarray(softmax(sharpness * rng.normal(size=(n, n_classes)), axis=1))


# Scenarios with exact answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 10, 1000])
def test_perfect_balanced_classes_score_their_number(n_classes: int) -> None:
    assert overall(np.eye(n_classes)) == exactly(n_classes)


@pytest.mark.parametrize("row", [[0.25] * 4, [0.7, 0.2, 0.1, 0.0], [1.0, 0.0, 0.0, 0.0]])
def test_identical_rows_score_one(row: list[float]) -> None:
    score = inception_score([row] * 30, splits=3)
    assert score.overall == exactly(1)
    assert score.overall >= 1
    assert score.split_scores == exactly([1, 1, 1])
    assert score.interval() == exactly((1, 1))


def test_missing_modes() -> None:
    assert overall(one_hot([20] * 3 + [0] * 7)) == exactly(3)


@pytest.mark.parametrize(
    ("n_classes", "epsilon", "printed"),
    [
        (10, 0.1, 6.064),
        (10, 0.25, 3.579),
        (10, 0.5, 1.870),
        (1000, 0.1, 362.5),
        (1000, 0.25, 101.6),
        (1000, 0.5, 15.87),
    ],
)
def test_uniform_doubt_mixed_into_perfect_rows(n_classes: int, epsilon: float, printed: float) -> None:
    a, b = 1 - epsilon + epsilon / n_classes, epsilon / n_classes
    exact = math.exp(math.log(n_classes) + a * math.log(a) + (n_classes - 1) * b * math.log(b))
    assert overall(mixed(n_classes, epsilon)) == exactly(exact)
    assert exact == pytest.approx(printed, rel=5e-4)


@pytest.mark.parametrize(
    ("n_classes", "temperature", "printed"),
    [(10, 1, 9.955), (10, 2, 7.084), (10, 5, 1.503), (1000, 1, 619.9), (1000, 2, 1.664)],
)
def test_temperature(n_classes: int, temperature: float, printed: float) -> None:
    score = inception_score(logits=10 / temperature * np.eye(n_classes), splits=1)
    total = math.exp(10 / temperature) + n_classes - 1
    a, b = math.exp(10 / temperature) / total, 1 / total
    exact = math.exp(math.log(n_classes) + a * math.log(a) + (n_classes - 1) * b * math.log(b))
    assert score.overall == exactly(exact)
    assert exact == pytest.approx(printed, rel=3e-4)


@pytest.mark.parametrize("ways", [1, 2, 5, 10])
def test_ambiguous_images(ways: int) -> None:
    rows = sum(np.roll(np.eye(10), k, axis=1) for k in range(ways)) / ways
    assert overall(rows) == exactly(10 / ways)


@pytest.mark.parametrize("uniform", [1, 5, 9])
def test_some_images_uniform(uniform: int) -> None:
    rows = np.concatenate([one_hot([10 - uniform] * 10), np.full((10 * uniform, 10), 0.1)])
    assert overall(rows) == exactly(10 ** (1 - uniform / 10))


def test_same_score_from_different_diseases() -> None:
    assert overall(one_hot([10] * 5 + [0] * 5)) == exactly(5)
    assert overall(mixed(10, 0.1502)) == pytest.approx(5, abs=1e-3)


@pytest.mark.parametrize(
    ("counts", "printed"),
    [
        ([90] + [10] * 9, 6.0),
        ([810] + [10] * 9, 1.724),
        ([891] + [1] * 9, 1.081),
        ([2520 // k for k in range(1, 11)], 7.343),
        ([2**k for k in range(10)], 3.969),
    ],
    ids=["dominant .5", "dominant .9", "dominant .99", "Zipf", "geometric"],
)
def test_unequal_classes(counts: list[int], printed: float) -> None:
    assert overall(one_hot(counts)) == exactly(math.exp(entropy(counts)))
    assert math.exp(entropy(counts)) == pytest.approx(printed, abs=6e-4)


def test_few_distinct_images_per_split() -> None:
    score = inception_score(np.eye(50), splits=10)
    assert score.mean == exactly(5)
    assert score.std == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("splits", "soft"), [(1, 5.80), (2, 3.59), (5, 1.77), (10, 1.0)])
def test_class_sorted_splits(splits: int, soft: float) -> None:
    assert inception_score(one_hot([100] * 10), splits=splits).mean == exactly(10 / splits)
    a, b, k = 0.9, 0.1 / 9, 10 // splits
    rows = np.repeat(np.full((10, 10), b) + (a - b) * np.eye(10), 100, axis=0)
    seen, unseen = (a + (k - 1) * b) / k, b
    exact = -k * seen * math.log(seen) - (10 - k) * unseen * math.log(unseen) + a * math.log(a) + 9 * b * math.log(b)
    assert inception_score(rows, splits=splits).mean == exactly(math.exp(exact))
    assert math.exp(exact) == pytest.approx(soft, abs=5e-3)


# An independent implementation, and identities -----------------------------------------------------------------------


def reference_score(p: NDArray[np.float64]) -> float:
    """Return exp of the mean KL divergence, row by row with scipy, which renormalises its arguments."""
    marginal = p.mean(axis=0)
    return math.exp(float(np.mean([entropy(row, marginal) for row in p])))


@pytest.mark.parametrize("splits", [1, 3, 7, 10])
def test_agrees_with_scipy_on_every_term(splits: int) -> None:
    """Catches wrong split rules too: 997 images in 10 splits differ from numpy.array_split and from equal blocks."""
    p = dirichlet(997, 12)
    score = inception_score(p, splits=splits)
    parts = [p[i * 997 // splits : (i + 1) * 997 // splits] for i in range(splits)]
    scores = [reference_score(part) for part in parts]
    marginal = p.mean(axis=0)
    assert score.overall == exactly(reference_score(p))
    assert score.split_scores == exactly(scores)
    assert score.mean == exactly(np.mean(scores))
    assert score.std == exactly(np.std(scores, ddof=0))
    assert score.marginal == exactly(marginal)
    assert score.marginal_entropy == exactly(entropy(marginal))
    assert score.conditional_entropy == exactly(entropy(p, axis=1))
    assert score.kl == exactly([entropy(row, marginal) for row in p])
    contributions = (p * np.log(p / marginal)).mean(axis=0)
    assert score.class_contributions == exactly(contributions)
    assert (score.n_images, score.n_classes, score.splits) == (997, 12, splits)


@given(matrices())
def test_bounds_and_decompositions(p: NDArray[np.float64]) -> None:
    score = inception_score(p, splits=1)
    n, n_classes = p.shape
    assert 1 <= score.overall <= min(n, n_classes) * (1 + 1e-12)
    assert score.kl.mean() == pytest.approx(math.log(score.overall), abs=1e-12)
    assert score.class_contributions.sum() == pytest.approx(math.log(score.overall), abs=1e-12)
    assert np.all(score.kl >= 0)
    assert np.all(score.class_contributions >= 0)
    assert np.all(score.conditional_entropy >= 0)
    assert score.overall == exactly(reference_score(p))
    assert score.bias <= 0
    assert 1 <= score.corrected <= n_classes


@given(matrices(), st.integers(0, 1000))
def test_order_and_copies_change_nothing(p: NDArray[np.float64], seed: int) -> None:
    shuffled = p[np.random.default_rng(seed).permutation(len(p))]
    assert overall(shuffled) == pytest.approx(overall(p), rel=1e-12)
    assert overall(np.concatenate([p, p])) == pytest.approx(overall(p), rel=1e-12)
    classes = p[:, np.random.default_rng(seed).permutation(p.shape[1])]
    assert overall(classes) == pytest.approx(overall(p), rel=1e-12)
    assert overall(np.pad(p, ((0, 0), (0, 8)))) == pytest.approx(overall(p), rel=1e-12)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    p = dirichlet(331, 7)
    whole = inception_score(p, splits=9)
    for size in (1, 50, 331 * 7):
        monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", size)
        assert_same(inception_score(p, splits=9), whole, rel=1e-12)


# Kinds of input ------------------------------------------------------------------------------------------------------


def assert_same(score: Score, other: Score, rel: float) -> None:
    for name in ("overall", "mean", "std", "marginal_entropy", "bias", "corrected", "standard_error"):
        assert getattr(score, name) == pytest.approx(getattr(other, name), rel=rel, abs=rel), name
    for name in ("split_scores", "marginal", "conditional_entropy", "kl", "class_contributions"):
        assert isinstance(getattr(score, name), np.ndarray)
        assert getattr(score, name) == pytest.approx(getattr(other, name), rel=rel, abs=rel), name


@settings(deadline=None, max_examples=30)
@given(matrices())
def test_torch_equals_numpy(p: NDArray[np.float64]) -> None:
    splits = min(3, len(p))
    assert_same(inception_score(torch.from_numpy(p), splits=splits), inception_score(p, splits=splits), rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_coarse_torch_precisions(dtype: torch.dtype) -> None:
    p = torch.from_numpy(dirichlet(300, 10, alpha=0.3)).to(dtype)
    q = p.double().numpy()
    reference = inception_score(q / q.sum(axis=1, keepdims=True))
    assert_same(inception_score(p), reference, rel=1e-12)
    assert reference.overall == pytest.approx(overall(dirichlet(300, 10, alpha=0.3)), rel=2e-3)


@pytest.mark.parametrize("dtype", ["float16", "float32", "longdouble"])
def test_numpy_precisions(dtype: str) -> None:
    p = dirichlet(300, 10, alpha=0.3).astype(dtype)
    assert inception_score(p).overall == pytest.approx(reference_score(p.astype(float)), rel=2e-5)


def test_gradients_are_left_alone() -> None:
    logits = torch.randn(20, 5, requires_grad=True)
    assert inception_score(logits=logits).overall > 1
    assert logits.grad is None


def test_logits_are_the_softmax_of_probabilities() -> None:
    logits = np.random.default_rng(1).normal(scale=5, size=(200, 8)) + 1000
    assert_same(inception_score(logits=logits), inception_score(softmax(logits, axis=1)), rel=1e-11)
    assert_same(inception_score(logits=torch.from_numpy(logits)), inception_score(logits=logits), rel=1e-12)


@pytest.mark.parametrize("gap", [20.0, 104.0, 1e4])
def test_sharp_logits_are_never_nan(gap: float) -> None:
    for logits in (gap * np.eye(10), gap * np.eye(10, dtype=np.float32), gap * torch.eye(10).half()):
        score = inception_score(logits=logits, splits=1)
        assert score.overall == pytest.approx(10, rel=1e-6)
        assert np.isfinite([score.bias, score.corrected, score.standard_error, *score.kl]).all()


def test_zeros_and_denormals_are_never_nan() -> None:
    p = np.zeros((40, 6))
    p[:, 0] = 1
    p[::2, 1], p[1::4, 2], p[5, 3] = 5e-324, 1e-310, 1e-290
    p[20:, :2] = [0, 1]
    score = inception_score(p, splits=20)
    assert score.overall == exactly(2)
    assert np.isfinite(score.kl).all()
    assert np.isfinite(score.class_contributions).all()
    assert score.marginal[5] == 0
    small = p.astype(np.float32)
    small[0, 4] = 1e-45
    assert inception_score(small, splits=20).overall == exactly(2)


def test_lists_integers_and_holders() -> None:
    assert overall([[1, 0], [0, 1]]) == exactly(2)
    assert overall(np.eye(3, dtype=int)) == exactly(3)
    holder = SimpleNamespace(probabilities=np.eye(3), provenance=SimpleNamespace(classifier="digits"))
    score = inception_score(holder, splits=1)
    assert (score.source, inception_score(np.eye(3), splits=1).source) == ("digits", None)


def test_input_is_not_modified() -> None:
    p = dirichlet(100, 5)
    before = p.copy()
    tensor = torch.from_numpy(p.copy())
    p.flags.writeable = False
    inception_score(p)
    inception_score(logits=p)
    inception_score(tensor)
    inception_score(logits=tensor)
    assert np.array_equal(p, before)
    assert np.array_equal(tensor.numpy(), before)


def test_memory_map_is_read_in_blocks(tmp_path: Path) -> None:
    n, n_classes = 150_000, 50
    mapped: Any = np.lib.format.open_memmap(tmp_path / "p.npy", mode="w+", dtype=np.float32, shape=(n, n_classes))
    mapped[:] = 0
    mapped[np.arange(n), np.arange(n) % n_classes] = 1
    tracemalloc.start()
    score = inception_score(mapped)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert score.overall == exactly(n_classes)
    assert type(score.marginal) is np.ndarray
    per_image = 8 * n
    assert peak < 6 * per_image + 5e6 < mapped.nbytes


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_equals_numpy() -> None:
    p = dirichlet(5000, 100).astype(np.float32)
    assert_same(inception_score(torch.from_numpy(p).cuda()), inception_score(p), rel=1e-12)


def test_numpy_input_never_imports_torch() -> None:
    code = (
        "import sys, numpy as np, isexplore as ix\n"
        "p = np.random.default_rng(0).dirichlet(np.ones(5), 200)\n"
        "ix.inception_score(p).interval(); ix.inception_score(logits=p); ix.split_curve(p, [1, 2], seed=1)\n"
        "ix.split_loss(ix.inception_score(p)); ix.order_test(p); ix.size_curve(p); ix.leave_one_out(p)\n"
        "ix.channel_capacity(p); ix.bootstrap_interval(p); ix.extrapolated_score(p)\n"
        "ix.cumulative_sums(p).score(3, 7); ix.check_published(11.24, 0.12, 50_000, 10, 1000)\n"
        "print(sorted({'torch', 'pandas', 'plotly', 'ipywidgets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout.strip() == "[]"


# Hostile input -------------------------------------------------------------------------------------------------------


def spoiled(row: int, values: list[float]) -> NDArray[np.float64]:
    p = np.full((40_000, 3), 1 / 3)
    p[row] = values
    p[row + 5 :: 7] = [2, 2, 2]
    return p


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([math.nan, 0.5, 0.5], r"row 30123 of the probabilities holds nan \(class 0\)"),
        ([0.5, math.inf, 0.5], r"row 30123 of the probabilities holds inf \(class 1\)"),
        ([math.inf, -math.inf, 1], r"row 30123 of the probabilities holds inf"),
        ([0.6, 0.6, -0.2], r"row 30123 of the probabilities is negative \(-0.2 at class 2\)"),
        ([0.5, 0.5, 0.0011], r"row 30123 of the probabilities sums to 1.0011 instead of 1"),
        ([0.5, 0.4989, 0], r"row 30123 of the probabilities sums to 0.9989 instead of 1"),
        ([0, 0, 0], r"row 30123 of the probabilities sums to 0 instead of 1"),
    ],
)
def test_the_first_bad_row_is_named(values: list[float], message: str) -> None:
    p = spoiled(30123, values)
    with pytest.raises(ValueError, match=message):
        inception_score(p)
    with pytest.raises(ValueError, match=message):
        check_probabilities(torch.from_numpy(p))
    with pytest.raises(ValueError, match=message):
        check_probabilities(p)


def test_rows_within_the_tolerance_are_accepted() -> None:
    p = dirichlet(50, 5)
    check_probabilities(p * 1.0009)
    assert overall(p * 1.0009) == exactly(overall(p))


def test_minus_infinity_stands_for_never_this_class() -> None:
    logits = np.random.default_rng(0).normal(size=(40, 5))
    logits[3:20, 4] = -math.inf
    p = softmax(logits, axis=1)
    for kind in (logits, torch.from_numpy(logits)):
        masked, plain = inception_score(logits=kind), inception_score(p)
        assert masked.split_scores == exactly(plain.split_scores)
        assert masked.kl == exactly(plain.kl)
    logits[7] = -math.inf
    with pytest.raises(ValueError, match="row 7 of the logits"):
        inception_score(logits=logits)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_bad_logits_are_named(value: float) -> None:
    logits = np.zeros((50, 3))
    logits[17, 1] = value
    with pytest.raises(ValueError, match="row 17 of the logits holds NaN or plus infinity"):
        inception_score(logits=logits)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones(5), r"shape \(5,\)"),
        (np.ones((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (np.ones((0, 4)), "no rows"),
        (np.ones((4, 1)), r"1 column\(s\)"),
        (np.float64(1), r"shape \(\)"),
    ],
)
def test_bad_shapes(matrix: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        inception_score(matrix)


@pytest.mark.parametrize("matrix", [np.full((3, 2), "a"), np.full((3, 2), 0.5j), np.full((3, 2), None)])
def test_what_is_no_number_is_refused(matrix: Any) -> None:
    with pytest.raises(TypeError, match="give real numbers"):
        inception_score(matrix)


def test_either_probabilities_or_logits() -> None:
    with pytest.raises(TypeError, match="one of the two"):
        inception_score()
    with pytest.raises(TypeError, match="one of the two"):
        inception_score(np.eye(3), logits=np.eye(3))


@pytest.mark.parametrize("splits", [0, -1, 21, 2.0, "2", None])
def test_bad_split_counts(splits: Any) -> None:
    with pytest.raises(ValueError, match=r"give a (whole )?number from 1 to 20"):
        inception_score(np.eye(20), splits=splits)


# The line and the warnings -------------------------------------------------------------------------------------------


def test_the_line() -> None:
    holder = SimpleNamespace(
        probabilities=dirichlet(1797, 10), provenance=SimpleNamespace(classifier="<b>mine</b>, logits without bias")
    )
    score = inception_score(holder)
    low, high = score.interval()
    assert str(score) == (
        f"IS {score.mean:.2f} ± {score.std:.2f} over 10 splits of 179–180 · whole set {score.overall:.2f} · "
        f"corrected {score.corrected:.2f} (95 % {low:.2f}–{high:.2f}) · <b>mine</b>, logits without bias"
    )
    assert score._repr_html_() == str(score).replace("<", "&lt;").replace(">", "&gt;")
    assert repr(score) == f"<Score: {score}>"


def test_the_line_of_one_split() -> None:
    assert str(inception_score(np.eye(2), splits=1)) == "IS 2.00 over 1 split of 2 · corrected 2.00 (95 % 1.00–2.00)"
    assert "over 2 splits of 5 ·" in str(inception_score(one_hot([5, 5]), splits=2))


def test_splits_of_one_image_are_warned_of() -> None:
    score = inception_score(one_hot([100, 100]), splits=200)
    assert score.mean == exactly(1)
    assert score.warnings == ("Splits of 1 image always score 1: use fewer splits or more images.",)


def test_small_splits_are_warned_of() -> None:
    """First order: B = C − 1 = 9 for balanced one-hot rows, so 44 images a split are too few and 45 are not."""
    p = np.tile(np.eye(10), (450, 1))
    assert inception_score(p, splits=100).warnings == ()
    (warning,) = inception_score(p, splits=102).warnings
    assert warning == "Splits of 44 images are small: their scores are biased low by about 10 %."
    (warning,) = inception_score(p, splits=450).warnings
    assert warning == "Splits of 10 images are small: their scores are biased low by about 36 %."


def test_splits_of_fewer_images_than_there_are_classes_are_warned_of() -> None:
    (warning,) = inception_score(np.tile(np.eye(10), (450, 1)), splits=500).warnings
    assert warning.startswith("Splits of 9 images cannot score above 9, but p(y) is as varied as 10 equal classes")


def test_an_order_that_is_not_random_is_warned_of() -> None:
    p = one_hot([100] * 10)
    (warning,) = inception_score(p, splits=5).warnings
    assert warning.startswith("The images do not lie in random order: the mean of the splits, 2.00, depends on it")
    assert inception_score(p, splits=1).warnings == ()
    assert inception_score(np.random.default_rng(0).permutation(p), splits=5).warnings == ()


def test_a_small_set_is_warned_of() -> None:
    (warning,) = inception_score(np.eye(10), splits=1).warnings
    assert warning.startswith("10 images are few for this many classes")
    assert inception_score(dirichlet(2000, 10)).warnings == ()
