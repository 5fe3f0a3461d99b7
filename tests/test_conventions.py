"""What other code prints: against the installed libraries themselves, literal formulas, scipy and known values."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import tracemalloc
import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from ignite.metrics import InceptionScore as IgniteScore
from piq.isc import inception_score as piq_score
from scipy.special import softmax
from scipy.stats import entropy
from torch_fidelity.metric_isc import isc_features_to_metric
from torchmetrics.image.inception import InceptionScore as TorchmetricsScore

from isexplore.conventions import ConventionRow, compare_conventions, convention_rows
from isexplore.conventions.sums import read_sums
from isexplore.conventions.table import CONVENTIONS
from isexplore.matrices import read_rows
from isexplore.score import inception_score

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IDENTITY = np.eye(3)
UNIFORM = np.full((3, 3), 1 / 3)
CONSTANT = np.tile(np.random.default_rng(0).dirichlet(np.full(1000, 0.1)), (50, 1))
DIRICHLET = np.random.default_rng(0).dirichlet(np.ones(10), 1000)
# Not divisible, divisible, one split, as many splits as images, fewer images than splits, one image.
SIZES = [(23, 5), (24, 6), (17, 1), (8, 8), (12, 10), (3, 10), (1, 1), (1, 4)]


def named(rows: list[ConventionRow]) -> dict[str, ConventionRow]:
    return {row.convention: row for row in rows}


def row_of(
    name: str, predictions: Any = None, *, logits: Any = None, splits: int = 10, order: Any = None
) -> ConventionRow:
    """Return the row of one convention, with a given order for the one that shuffles without a seed."""
    rows = read_rows(predictions, logits=logits)
    sums = read_sums(rows, splits, np.arange(rows.n_images) if order is None else order)
    (row,) = [convention.row(sums) for convention in CONVENTIONS if convention.name.startswith(name)]
    return row


def assert_prints(row: ConventionRow, value: float, spread: float | None = None) -> None:
    assert row.value == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True)
    assert (row.spread is None) == (spread is None)
    if spread is not None:
        assert row.spread == pytest.approx(spread, rel=1e-6, abs=1e-9, nan_ok=True)


def random_logits(n: int, n_classes: int, seed: int = 0, scale: float = 3.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(scale=scale, size=(n, n_classes))


# Known values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "predictions", "splits", "value", "spread"),
    [
        ("improved-gan (2016)", IDENTITY, 3, math.nan, math.nan),
        ("improved-gan (2016)", UNIFORM, 1, 1, 0),
        ("improved-gan (2016)", CONSTANT, 10, 1, 0),
        ("improved-gan (2016)", DIRICHLET, 10, 1.45075, 0.0300),
        ("improved-gan, as corrected", IDENTITY, 10, 3, None),
        ("improved-gan, as corrected", UNIFORM, 10, 1, None),
        ("improved-gan, as corrected", CONSTANT, 10, 1, None),
        ("improved-gan, as corrected", DIRICHLET, 10, 1.45454, None),
        ("tutorial, NumPy", IDENTITY, 10, 2.999999999999999, None),
        ("tutorial, NumPy", UNIFORM, 10, 1, None),
        ("tutorial, NumPy", CONSTANT, 10, 1, None),
        ("tutorial, NumPy", DIRICHLET, 10, 1.45454, None),
        ("tutorial, Keras", IDENTITY, 3, 1, 0),
        ("tutorial, Keras", UNIFORM, 3, 1, 0),
        ("tutorial, Keras", CONSTANT, 10, 1, 0),
        ("tutorial, Keras", DIRICHLET, 10, 1.45075, 0.0300),
        ("tutorial's prose", IDENTITY, 10, 3, None),
        ("tutorial's prose", UNIFORM, 10, 1, None),
        ("tutorial's prose", CONSTANT, 10, 1, None),
        ("tutorial's prose", DIRICHLET, 10, 1.87e16, None),
        ("blog, PyTorch", IDENTITY, 10, math.nan, None),
        ("blog, PyTorch", UNIFORM, 10, 0, None),
        ("blog, PyTorch", CONSTANT, 10, 0, None),
        ("blog, PyTorch", DIRICHLET, 10, 0.03747, None),
        ("encyclopedia, two samples", IDENTITY, 10, math.inf, None),
        ("encyclopedia, two samples", UNIFORM, 10, 1, None),
        ("encyclopedia, two samples", CONSTANT, 10, 1, None),
        ("encyclopedia, two samples", DIRICHLET, 10, 1.45114, None),
        ("encyclopedia, entropy form", IDENTITY, 10, 3, None),
        ("encyclopedia, entropy form", UNIFORM, 10, 1, None),
        ("encyclopedia, entropy form", CONSTANT, 10, 1, None),
        ("encyclopedia, entropy form", DIRICHLET, 10, 1.45454, None),
        ("guided-diffusion", IDENTITY, 10, math.nan, None),
        ("guided-diffusion", DIRICHLET, 10, 1.45454, None),
    ],
)
def test_known_values(name: str, predictions: Any, splits: int, value: float, spread: float | None) -> None:
    row = row_of(name, predictions, splits=splits)
    printed = 3e-3 if value > 1e16 else 5e-6 if predictions is DIRICHLET else 1e-12
    assert row.value == pytest.approx(value, rel=printed, abs=printed, nan_ok=True)
    assert (row.spread is None) == (spread is None)
    if spread is not None:
        assert row.spread == pytest.approx(spread, abs=5e-5, nan_ok=True)


@pytest.mark.parametrize(
    ("predictions", "printed"), [(IDENTITY, 3), (UNIFORM, 3), (CONSTANT, 148.6), (DIRICHLET, 9.9953)]
)
def test_the_article_raises_and_says_what_it_means(predictions: Any, printed: float) -> None:
    row = row_of("article", predictions)
    found = re.match(r"Raises as printed, an axis error; as meant it gives exp H\(p\(y\)\) = ([0-9.]+),", row.note)
    assert found is not None
    assert float(found[1]) == pytest.approx(printed, rel=2e-4)
    assert float(found[1]) == pytest.approx(math.exp(entropy(predictions.mean(axis=0))), rel=1e-5)
    assert math.isnan(row.value)
    assert row.spread is None


def test_rows_of_thirds_to_two_digits_are_refused() -> None:
    with pytest.raises(ValueError, match=r"row 0 of the probabilities sums to 0\.99 instead of 1"):
        convention_rows(np.full((3, 3), 0.33))


def test_own_rows_are_the_score() -> None:
    p = softmax(random_logits(101, 7, scale=1), axis=1)
    score = inception_score(p, splits=4)
    assert_prints(row_of("isexplore, whole", p, splits=4), score.overall)
    assert_prints(row_of("isexplore, splits", p, splits=4), score.mean, score.std)
    few = row_of("isexplore, splits", p[:3], splits=4)
    assert math.isnan(few.value)
    assert few.note.startswith("Raises ValueError: 4 splits of 3 images would leave splits empty")


# The libraries themselves --------------------------------------------------------------------------------------------


def library_prints(name: str, logits: torch.Tensor, splits: int, seed: int) -> tuple[float, float]:
    """Return what a library prints of logits; its own warnings, such as of a mean of nothing, are not the point."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name == "torch-fidelity":
            mean, std = isc_features_to_metric(logits, splits=splits).values()
        elif name == "piq":
            mean, std = piq_score(logits, num_splits=splits)
        else:
            metric = TorchmetricsScore(feature=torch.nn.Identity(), splits=splits)
            metric.update(logits)
            torch.manual_seed(seed)
            mean, std = metric.compute()
    return float(mean), float(std)


def torch_order(n: int, seed: int) -> NDArray[np.int64]:
    """Return the order that torchmetrics draws at this state of torch's generator."""
    torch.manual_seed(seed)
    order: NDArray[np.int64] = torch.randperm(n).numpy()
    return order


LIBRARIES = pytest.mark.parametrize("name", ["torch-fidelity", "torchmetrics", "piq"])


@LIBRARIES
@pytest.mark.parametrize(("n", "splits"), SIZES)
def test_libraries_on_logits(name: str, n: int, splits: int) -> None:
    z = random_logits(n, 6, seed=n)
    row = row_of(name, logits=z, splits=splits, order=torch_order(n, 5))
    assert_prints(row, *library_prints(name, torch.from_numpy(z), splits, 5))


@LIBRARIES
@given(
    n=st.integers(1, 40), splits=st.integers(1, 14), scale=st.sampled_from([0.1, 3.0, 100.0]), seed=st.integers(0, 99)
)
def test_libraries_on_any_logits(name: str, n: int, splits: int, scale: float, seed: int) -> None:
    """With a scale of 100 some probabilities, and some classes of a split, are zero in float64."""
    z = random_logits(n, 5, seed, 3 * scale)
    row = row_of(name, logits=z, splits=splits, order=torch_order(n, seed))
    assert_prints(row, *library_prints(name, torch.from_numpy(z), splits, seed))


@LIBRARIES
@pytest.mark.parametrize(("n", "splits"), SIZES)
@pytest.mark.parametrize("gaps", ["none", "one image", "one split", "all images"])
def test_libraries_on_probabilities_with_zeros(name: str, n: int, splits: int, gaps: str) -> None:
    p = softmax(random_logits(n, 6, seed=n), axis=1)
    if gaps != "none":
        p[{"one image": slice(0, 1), "one split": slice(0, -(-n // splits)), "all images": slice(None)}[gaps], 2] = 0
        p /= p.sum(axis=1, keepdims=True)
    z = torch.from_numpy(p).log()
    order = torch_order(n, 3)
    printed = library_prints(name, z, splits, 3)
    assert_prints(row_of(name, p, splits=splits, order=order), *printed)
    assert_prints(row_of(name, logits=z, splits=splits, order=order), *printed)


@LIBRARIES
@pytest.mark.parametrize("gap", [50.0, 100.0, 108.0, 740.0, 760.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("images", [slice(0, 5), slice(None)], ids=["some", "all"])
def test_where_softmax_underflows(name: str, gap: float, dtype: torch.dtype, images: slice) -> None:
    """In its own precision: float32 from a gap of 104 on, float64 from 745 on; torch-fidelity always takes float64."""
    z = torch.zeros((20, 4), dtype=dtype)
    z[:10, 0], z[images, 3] = 1, -gap
    row = row_of(name, logits=z, splits=2, order=np.arange(20))
    value, spread = library_prints(name, z, 2, 0)
    assert math.isnan(row.value) == math.isnan(value)
    assert row.spread is not None
    assert math.isnan(row.spread) == math.isnan(spread)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_ignite(dtype: torch.dtype) -> None:
    p = torch.softmax(torch.from_numpy(random_logits(37, 5)).to(dtype) * 3, dim=1)
    p[4] = torch.eye(5)[2]
    p[:, 1] = 0
    p /= p.sum(dim=1, keepdim=True)
    metric = IgniteScore(num_features=5)
    for batch in p.split(8):
        metric.update(batch)
    precision = 20 * torch.finfo(dtype).eps
    assert row_of("pytorch-ignite", p).value == pytest.approx(metric.compute(), rel=max(precision, 1e-9))
    assert row_of("pytorch-ignite", p).spread is None


def test_the_fidelity_order_is_its_own_and_the_torchmetrics_order_is_fresh() -> None:
    p = softmax(random_logits(60, 5), axis=1)
    first, second, *fresh = (named(convention_rows(p, seed=seed)) for seed in (1, 2, None, None))
    fidelity = isc_features_to_metric(torch.from_numpy(p).log())
    assert len({rows["torchmetrics 1.9"].value for rows in (first, second, *fresh)}) == 4
    assert first == named(convention_rows(p, seed=1))
    for rows in (first, second, *fresh):
        assert_prints(rows["torch-fidelity 0.4"], *fidelity.values())


# Literal formulas ----------------------------------------------------------------------------------------------------


def plain_kl(part: NDArray[Any]) -> NDArray[Any]:
    """Return p (ln p − ln m) with plain logarithms, as improved-gan and guided-diffusion have it."""
    kl: NDArray[Any] = part * (np.log(part) - np.log(np.expand_dims(np.mean(part, 0), 0)))
    return kl


def plain_scores(parts: list[NDArray[Any]], eps: float | None = None) -> list[Any]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # "mean of empty slice"
        if eps is None:
            return [np.exp(np.mean(np.sum(plain_kl(part), 1))) for part in parts]
        logs = [np.log(part + eps) - np.log(part.mean(axis=0) + eps) for part in parts]
        return [np.exp(np.mean((part * log).sum(axis=1))) for part, log in zip(parts, logs, strict=True)]


def mean_and_std(scores: list[Any]) -> tuple[float, float]:
    return float(np.mean(scores)), float(np.std(scores))


@st.composite
def matrices(draw: st.DrawFn) -> NDArray[np.float64]:
    """Draw rows from nearly uniform to exactly one-hot, sometimes without some of the classes."""
    n, n_classes = draw(st.integers(1, 30)), draw(st.integers(2, 8))
    sharpness = draw(st.sampled_from([0.1, 1.0, 10.0, 1000.0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    p = np.asarray(softmax(sharpness * rng.normal(size=(n, n_classes)), axis=1))
    return np.pad(p, ((0, 0), (0, draw(st.sampled_from([0, 0, 2])))))


@given(matrices(), st.integers(1, 12))
def test_literal_split_formulas(p: NDArray[np.float64], splits: int) -> None:
    n, size = len(p), len(p) // splits
    floor = [p[i * n // splits : (i + 1) * n // splits] for i in range(splits)]
    equal = [p[i * size : (i + 1) * size] for i in range(splits)]
    assert_prints(row_of("improved-gan (2016)", p, splits=splits), *mean_and_std(plain_scores(floor)))
    assert_prints(row_of("tutorial, Keras", p, splits=splits), *mean_and_std(plain_scores(equal, 1e-16)))


@given(matrices())
def test_literal_formulas_of_the_whole_set(p: NDArray[np.float64]) -> None:
    n, n_classes = p.shape
    marginal = p.mean(axis=0)
    kl = np.array([entropy(row, marginal) for row in p])
    assert_prints(row_of("improved-gan, as corrected", p), math.exp(kl.mean()))
    assert_prints(row_of("tutorial, NumPy", p), *plain_scores([p], 1e-16))
    assert_prints(row_of("encyclopedia, entropy form", p), math.exp(entropy(marginal) - entropy(p, axis=1).mean()))
    assert_prints(row_of("tutorial's prose", p), math.exp(kl.sum() / n_classes))
    with np.errstate(all="ignore"):
        assert_prints(row_of("blog", p), float(plain_kl(p).mean()))
    if n > 1:
        first, second = p[: n // 2].mean(axis=0), p[n // 2 :]
        with np.errstate(over="ignore"):
            literal = float(np.exp(np.mean([entropy(row, first) for row in second])))
        assert_prints(row_of("encyclopedia, two", p), literal)
    else:
        assert math.isnan(row_of("encyclopedia, two", p).value)


@pytest.mark.parametrize("n", [1, 4999, 5000, 5001, 10_000, 12_345])
def test_guided_diffusion_takes_parts_of_5000(n: int) -> None:
    p = np.random.default_rng(n).dirichlet(np.ones(3), n)
    p[n // 2 :] = p[n // 2 :] ** 2 / (p[n // 2 :] ** 2).sum(axis=1, keepdims=True)
    row = row_of("guided-diffusion", p, splits=3)
    assert_prints(row, float(np.mean(plain_scores([p[i : i + 5000] for i in range(0, n, 5000)]))))
    assert ("last part, of" in row.note) == (n in {5001, 12_345})


def test_eps_lowers_certain_classes_by_a_hair() -> None:
    """By a share of 1e-16 for each class: 2e-13 of the score of 2000 classes."""
    p = np.eye(2000)
    metric = IgniteScore(num_features=2000)
    metric.update(torch.from_numpy(p))
    (literal,) = plain_scores([p], 1e-16)
    for name in ("tutorial, NumPy", "pytorch-ignite"):
        assert row_of(name, p, splits=1).value == pytest.approx(float(literal), rel=5e-14)
        assert row_of(name, p, splits=1).value == pytest.approx(metric.compute(), rel=5e-14)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_eps_vanishes_in_half_precision(dtype: str) -> None:
    p = np.eye(4, dtype=dtype)
    (literal,) = plain_scores([p], 1e-16)
    row = row_of("tutorial, NumPy", p)
    assert row.value == pytest.approx(float(literal), rel=1e-6, nan_ok=True)
    assert row.note.startswith("nan: 1e-16 is 0 in this precision") == (dtype == "float16")


@pytest.mark.parametrize(("gap", "value"), [(100.0, 1.0), (110.0, math.nan)])
def test_plain_logarithms_meet_zeros_in_the_precision_given(gap: float, value: float) -> None:
    z = np.zeros((20, 3), dtype=np.float32)
    z[:, 1] = -gap
    parts = list(torch.softmax(torch.from_numpy(z), dim=1).numpy().reshape(2, 10, 3))
    assert_prints(row_of("improved-gan (2016)", logits=z, splits=2), value, 0 * value)
    assert_prints(row_of("improved-gan (2016)", logits=z, splits=2), *mean_and_std(plain_scores(parts)))
    assert_prints(row_of("improved-gan (2016)", logits=z.astype(float), splits=2), 1, 0)


def test_the_prose_overflows() -> None:
    row = row_of("tutorial's prose", np.repeat(np.eye(2), 2000, axis=0))
    assert row.value == math.inf
    assert row.note.startswith("inf: exp(1386.29) is more than a float64 can hold.")


# Explanations --------------------------------------------------------------------------------------------------------


@given(matrices(), st.integers(1, 12), st.booleans())
def test_whatever_is_no_number_is_explained(p: NDArray[np.float64], splits: int, as_logits: bool) -> None:  # noqa: FBT001 - drawn
    with np.errstate(divide="ignore"):
        rows = convention_rows(logits=np.log(p), splits=splits) if as_logits else convention_rows(p, splits=splits)
    assert len(rows) == len(named(rows)) == 16
    for row in rows:
        if math.isnan(row.value):
            assert row.note.startswith(("nan: ", "Raises "))
        elif math.isinf(row.value):
            assert row.note.startswith("inf: ")
        else:
            assert not row.note.startswith(("nan", "inf", "Raises"))
            assert (row.spread is not None and math.isnan(row.spread)) == ("The spread is nan" in row.note)


@pytest.mark.parametrize(
    ("name", "n", "splits", "note"),
    [
        ("improved-gan (2016)", 3, 10, "nan: 7 of 10 splits hold no image"),
        (
            "improved-gan (2016)",
            12,
            4,
            "nan: an exact zero makes 0 · ln 0 = nan in plain logarithms, in 4 of 4 splits.",
        ),
        ("tutorial, Keras", 10, 4, "The last images are left out, 2 of 10."),
        ("piq", 13, 4, "The last images are left out, 1 of 13."),
        ("piq", 3, 4, "nan: 4 of 4 splits hold no image"),
        ("torchmetrics", 12, 10, "Makes 6 splits instead of 10."),
        ("torchmetrics", 12, 1, "The spread is nan: one split has no sample standard deviation."),
    ],
)
def test_notes_on_these_predictions(name: str, n: int, splits: int, note: str) -> None:
    assert note in row_of(name, np.resize(np.eye(3), (n, 3)), splits=splits).note


def test_no_images_are_left_out_where_there_is_nothing_to_say() -> None:
    for n, splits in ((12, 4), (3, 4)):
        assert "left out" not in row_of("piq", np.resize(np.eye(3), (n, 3)), splits=splits).note


def test_every_row_is_a_sentence_with_a_source() -> None:
    for row in convention_rows(DIRICHLET, splits=1):
        assert row.source
        assert row.difference.endswith(".")
        for text in (row.note, row.remark):
            assert text == "" or text.endswith(".")


def test_the_data_frame() -> None:
    table = compare_conventions(DIRICHLET, splits=7, seed=1)
    rows = convention_rows(DIRICHLET, splits=7, seed=1)
    assert list(table.columns) == ["convention", "value", "spread", "note", "difference", "remark", "source"]
    assert (table["value"].dtype, table["spread"].dtype) == (float, float)
    assert table["convention"].tolist() == [row.convention for row in rows]
    assert table["value"].to_numpy() == pytest.approx([row.value for row in rows], rel=0, nan_ok=True)
    spreads = [math.nan if row.spread is None else row.spread for row in rows]
    assert table["spread"].to_numpy() == pytest.approx(spreads, rel=0, nan_ok=True)
    assert not table["note"].isna().any()


# Kinds of input ------------------------------------------------------------------------------------------------------


def assert_same(rows: list[ConventionRow], others: list[ConventionRow]) -> None:
    for row, other in zip(rows, others, strict=True):
        assert row.value == pytest.approx(other.value, rel=1e-9, nan_ok=True)
        assert (row.spread is None) == (other.spread is None)
        if row.spread is not None:
            assert row.spread == pytest.approx(other.spread, rel=1e-6, abs=1e-12, nan_ok=True)
        assert row.note == other.note


@pytest.mark.parametrize("splits", [4, 100])
def test_torch_predictions_and_lists(splits: int) -> None:
    p = softmax(random_logits(30, 4, scale=300), axis=1)
    rows = convention_rows(p, splits=splits, seed=3)
    assert_same(convention_rows(torch.from_numpy(p).requires_grad_(), splits=splits, seed=3), rows)
    assert_same(convention_rows(SimpleNamespace(probabilities=p), splits=splits, seed=3), rows)
    assert_same(convention_rows(p.tolist(), splits=splits, seed=3), rows)
    z = random_logits(30, 4)
    assert_same(
        convention_rows(logits=torch.from_numpy(z), splits=splits, seed=3),
        convention_rows(logits=z, splits=splits, seed=3),
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_equals_numpy() -> None:
    p = np.random.default_rng(0).dirichlet(np.full(20, 0.3), 9000).astype(np.float32)
    assert_same(convention_rows(torch.from_numpy(p).cuda(), seed=3), convention_rows(p, seed=3))


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    p = softmax(random_logits(301, 5, scale=100), axis=1)
    whole = convention_rows(p, splits=7, seed=3)
    for size in (1, 36, 5 * 301):
        monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", size)
        assert_same(convention_rows(p, splits=7, seed=3), whole)


def test_a_memory_map_is_read_in_blocks_and_not_modified(tmp_path: Path) -> None:
    n, n_classes = 100_000, 60
    mapped: Any = np.lib.format.open_memmap(tmp_path / "p.npy", mode="w+", dtype=np.float32, shape=(n, n_classes))
    mapped[:] = 1 / n_classes
    mapped[np.arange(n), np.arange(n) % n_classes] = 1
    mapped /= mapped.sum(axis=1, keepdims=True)
    mapped.flags.writeable = False
    tracemalloc.start()
    rows = convention_rows(mapped)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows[0].value == pytest.approx(inception_score(mapped).overall, rel=1e-12)
    per_image = 8 * n
    assert peak < 18 * per_image + 5e6 < mapped.nbytes


def test_numpy_input_never_imports_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from isexplore.conventions import convention_rows\n"
        "convention_rows(np.eye(20)); convention_rows(logits=np.eye(20))\n"
        "print(sorted({'torch', 'pandas', 'scipy', 'plotly', 'ipywidgets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout.strip() == "[]"


# Hostile input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("splits", [0, -1, 2.0, "2", None])
def test_bad_split_counts(splits: Any) -> None:
    with pytest.raises(ValueError, match=r"^splits is .*: give a whole number from 1 on$"):
        convention_rows(np.eye(4), splits=splits)


def test_bad_rows_are_named() -> None:
    p = np.full((100, 3), 1 / 3)
    p[70, 1] = math.nan
    with pytest.raises(ValueError, match=r"row 70 of the probabilities holds nan \(class 1\)"):
        compare_conventions(p)
    with pytest.raises(ValueError, match="row 70 of the logits holds NaN"):
        compare_conventions(logits=p)
    with pytest.raises(TypeError, match="one of the two"):
        compare_conventions()


def test_very_many_splits_take_no_memory() -> None:
    rows = named(convention_rows(np.eye(4), splits=10**12))
    assert "999999999996 of 1000000000000 splits hold no image" in rows["improved-gan (2016)"].note
    assert rows["torchmetrics 1.9"].note.startswith("nan: an exact zero is a logit of −inf")


def test_an_order_is_the_same_as_reordered_predictions() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(6), 101)
    order = np.random.default_rng(1).permutation(101)
    there = convention_rows(p, splits=7, seed=3, order=order)
    for row, expected in zip(there, convention_rows(p[order], splits=7, seed=3), strict=True):
        numbers = [math.nan if x is None else x for x in (row.value, row.spread, expected.value, expected.spread)]
        assert numbers[:2] == pytest.approx(numbers[2:], rel=1e-9, nan_ok=True)
        assert (row.convention, row.note) == (expected.convention, expected.note)
