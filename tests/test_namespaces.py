"""The same numbers through torch's functions as through NumPy's, on whatever device there is.

A tensor in the CPU's memory is read through NumPy's view of it. Here it stays a tensor, as one on an accelerator would:
so these test what runs there.
"""

from __future__ import annotations

import inspect
from dataclasses import fields, is_dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch

import isexplore as ix
from isexplore.arrays import Rows
from isexplore.conventions import convention_rows
from isexplore.cumulative import sums_of
from isexplore.matrices import check_probabilities, read_rows
from isexplore.score import inception_score, score_and_sums
from isexplore.subsets import score_subset
from isexplore.terms import divergences, read_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

N, C = 1000, 7
EDGES = np.array([0, 3, 70, 700, N])
CUTS = [0, 5, 69, 250, N]


def rows_of(kind: str) -> Any:
    p = np.random.default_rng(0).dirichlet(np.full(C, 0.1) + 1e-3, N)
    p[5] = np.eye(C)[2]
    if kind == "logits":
        p = np.random.default_rng(1).normal(size=(N, C)) * 30
        p[4, 3] = -np.inf
    return p


@pytest.fixture
def tensors_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read tensors in the CPU's memory as those on an accelerator are read: as they are, in several blocks."""
    monkeypatch.setattr("isexplore.matrices._on_the_cpu", lambda tensor: tensor)
    monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", 300 * C)
    assert isinstance(read_rows(torch.eye(3)).matrix, torch.Tensor)


# Every function that takes predictions ------------------------------------------------------------------------------


def sums(predictions: Any = None, *, order: Any = None, logits: Any = None) -> Any:
    """Return all numbers of the cumulative sums; some cuts are edges, and some are not."""
    found = ix.cumulative_sums(predictions, EDGES, order, logits=logits)
    return found.probabilities, found.entropies, found.scores(CUTS), found.thinned(2).scores(CUTS)


def subset(predictions: Any) -> Any:
    entropy = np.random.default_rng(0).random(N)
    some, none = entropy < 0.3, np.zeros(N, dtype=bool)
    scored = score_subset(predictions, some)
    return scored, score_subset(predictions, some, entropy), score_subset(predictions, none)


def opened(predictions: Any) -> Any:
    score, found = score_and_sums(predictions, range(1, 9))
    return score, found.scores(CUTS)


SHUFFLED = np.random.default_rng(2).permutation(N)
LABELS = np.random.default_rng(3).integers(4, size=N)

CALLS: dict[str, Callable[..., Any]] = {
    "bootstrap_interval": partial(ix.bootstrap_interval, resamples=50),
    "channel_capacity": ix.channel_capacity,
    "coarsen": partial(ix.coarsen, groups=list("aabbcca")),
    "compare_conventions": partial(ix.compare_conventions, seed=1),
    "cumulative_sums": sums,
    "cumulative_sums, shuffled": partial(sums, order=SHUFFLED),
    "extrapolated_score": partial(ix.extrapolated_score, points=5),
    "group_sums": ix.group_sums,
    "group_sums, by label": partial(ix.group_sums, groups=LABELS),
    "inception_score": inception_score,
    "inception_score, one split": partial(inception_score, splits=1),
    "leave_one_out": ix.leave_one_out,
    "order_test": ix.order_test,
    "order_test, shuffled": partial(ix.order_test, splits=7, order=SHUFFLED),
    "shard_sums": ix.shard_sums,
    "size_curve": ix.size_curve,
    "split_curve": partial(ix.split_curve, counts=[1, 3, 10, 100]),
    "split_curve, shuffled": partial(ix.split_curve, counts=[1, 3, 10, 100], seed=2020),
    "without_label": partial(ix.without_label, label=2),
    # Not public, but what the explorer and the command line call.
    "convention_rows": partial(convention_rows, splits=3, seed=1, order=SHUFFLED),
}
OF_PROBABILITIES: dict[str, Callable[..., Any]] = {"score_subset": subset, "score_and_sums": opened}
# What is summed in float32, or stops at a tolerance.
LOOSE = {"order_test": 1e-4, "order_test, shuffled": 1e-4, "channel_capacity": 1e-5}


def leaves(result: Any, name: str = "result") -> Iterator[tuple[str, Any]]:
    """Yield every number, array and text in a result by its name."""
    if isinstance(result, pd.DataFrame):
        result = result.to_dict("list")
    if is_dataclass(result) and not isinstance(result, type):
        result = {field.name: getattr(result, field.name) for field in fields(result)}
    if isinstance(result, dict):
        for key, value in result.items():
            yield from leaves(value, f"{name}.{key}")
    elif isinstance(result, (list, tuple)):
        for k, value in enumerate(result):
            yield from leaves(value, f"{name}[{k}]")
    else:
        yield name, result


def assert_same(found: Any, expected: Any, rtol: float) -> None:
    ours, theirs = dict(leaves(found)), dict(leaves(expected))
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert type(ours[name]) is type(value), name  # so no tensor is left
        if value is None or np.asarray(value).dtype.kind == "U":
            np.testing.assert_array_equal(ours[name], value, err_msg=name)
        else:
            np.testing.assert_allclose(ours[name], value, rtol=rtol, atol=rtol / 100, err_msg=name)


def given(matrix: Any, kind: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return ((matrix,), {}) if kind == "probabilities" else ((), {"logits": matrix})


@pytest.mark.usefixtures("tensors_stay")
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [*((n, k) for n in CALLS for k in ("probabilities", "logits")), *((n, "probabilities") for n in OF_PROBABILITIES)],
)
def test_a_tensor_gives_what_an_array_gives(name: str, kind: str, dtype: str) -> None:
    call = (CALLS | OF_PROBABILITIES)[name]
    matrix: NDArray[Any] = rows_of(kind).astype(dtype)
    tensor = torch.from_numpy(matrix.copy()).requires_grad_()  # as a network gives it
    seen, expected = given(tensor, kind), given(matrix, kind)
    assert_same(call(*seen[0], **seen[1]), call(*expected[0], **expected[1]), LOOSE.get(name, 1e-10))
    assert tensor.grad is None
    np.testing.assert_array_equal(tensor.detach().numpy(), matrix)  # it was not written to


def test_every_public_function_of_predictions_is_there() -> None:
    public = {name for name in ix.__all__ if inspect.isfunction(getattr(ix, name))}
    taking = {
        name for name in public if {"predictions", "logits"} <= inspect.signature(getattr(ix, name)).parameters.keys()
    }
    assert taking == {name.split(",")[0] for name in CALLS} - {"convention_rows"}


@pytest.mark.usefixtures("tensors_stay")
@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.uint8])
def test_certain_rows_of_whole_numbers(kind: torch.dtype) -> None:
    p = torch.eye(4).repeat(5, 1).to(kind)
    assert inception_score(p).overall == pytest.approx(4, rel=1e-12)


@pytest.mark.usefixtures("tensors_stay")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.5, 2.0])
def test_the_same_complaint(bad: float) -> None:
    matrix = rows_of("probabilities")
    matrix[[700, 421], 3] = bad
    messages = []
    for p in (matrix, torch.from_numpy(matrix)):
        for call in (check_probabilities, inception_score, ix.order_test):
            with pytest.raises(ValueError, match="row 421 of the probabilities") as caught:
                call(p)
            messages.append(str(caught.value))
    assert len(set(messages)) == 1


@pytest.mark.usefixtures("tensors_stay")
def test_the_same_complaint_about_logits() -> None:
    matrix = rows_of("logits")
    matrix[[700, 421]] = [[np.nan] * C, [-np.inf] * C]
    for logits in (matrix, torch.from_numpy(matrix)):
        with pytest.raises(ValueError, match="row 421 of the logits"):
            inception_score(logits=logits)


# The rooms below ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["probabilities", "logits"])
@pytest.mark.parametrize("size", [7, 500, 2**16])
def test_torch_gives_what_numpy_gives(kind: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", size)
    matrix = rows_of(kind)
    before = matrix.copy()
    ours, theirs = (Rows(m, are_logits=kind == "logits") for m in (matrix, torch.from_numpy(matrix)))
    a, b = read_terms(ours, EDGES), read_terms(theirs, EDGES)
    for name, value in vars(a).items():
        np.testing.assert_allclose(getattr(b, name), value, rtol=1e-11, atol=1e-14, err_msg=name)
        assert type(getattr(b, name)) is np.ndarray
    np.testing.assert_allclose(divergences(theirs, b), divergences(ours, a), rtol=1e-11, atol=1e-13)
    order = np.random.default_rng(2).permutation(N)
    cuts = [0, 5, 69, N]
    expected = sums_of(ours, EDGES, order).scores(cuts)
    np.testing.assert_allclose(sums_of(theirs, EDGES, order).scores(cuts), expected, rtol=1e-12)
    np.testing.assert_array_equal(matrix, before)


def test_a_tensor_on_the_cpu_is_not_copied() -> None:
    tensor = torch.rand(10, 3)
    seen = read_rows(tensor.requires_grad_()).matrix
    assert isinstance(seen, np.ndarray)
    assert seen.ctypes.data == tensor.data_ptr()


def test_bfloat16_is_read_through_torch() -> None:
    p = torch.from_numpy(rows_of("probabilities")).bfloat16()
    assert isinstance(read_rows(p).matrix, torch.Tensor)
    rounded = p.double() / p.double().sum(dim=1, keepdim=True)
    assert inception_score(p).overall == pytest.approx(inception_score(rounded).overall, rel=1e-12)
