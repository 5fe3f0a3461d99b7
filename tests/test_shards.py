"""Sums that add across shards and processes give what one pass over all gives; their file is safe to open."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file
from scipy.special import softmax
from scipy.stats import entropy

from isexplore.predictions import Predictions
from isexplore.score import Score, inception_score
from isexplore.shard_files import load_shard, save_shard
from isexplore.shards import ShardSums, merge_shards, shard_sums

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from isexplore.summary import Summary


def exactly(value: Any) -> Any:
    return pytest.approx(value, rel=1e-12, abs=1e-12)


def dirichlet(n: int, n_classes: int, alpha: float = 0.3, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).dirichlet(np.full(n_classes, alpha), n)


def score(p: Any) -> Score:
    return inception_score(p, splits=1)


def assert_agrees(summary: Summary, whole: Score) -> None:
    """Compare with one pass over all images, which takes the variance from the divergence of each."""
    assert (summary.n_images, summary.n_classes) == (whole.n_images, whole.n_classes)
    for name in ("overall", "marginal", "marginal_entropy", "class_contributions", "bias_constant"):
        assert getattr(summary, name) == exactly(getattr(whole, name)), name
    assert summary.kl_variance == pytest.approx(whole.kl_variance, rel=0, abs=1e-12)
    for name in ("bias", "corrected"):
        assert getattr(summary, name) == pytest.approx(getattr(whole, name), rel=1e-9, abs=1e-9), name
    # Its error is the root of that of the variance.
    assert summary.standard_error == pytest.approx(whole.standard_error, rel=1e-9, abs=1e-5)


def assert_same(sums: ShardSums, other: ShardSums) -> None:
    for field in fields(ShardSums):
        assert getattr(sums, field.name) == exactly(getattr(other, field.name)), field.name


@st.composite
def partitions(draw: st.DrawFn) -> list[NDArray[np.float64]]:
    """Draw shards of one image and more, of rows from nearly uniform to exactly one-hot, in one precision."""
    sizes = draw(st.lists(st.sampled_from([1, 1, 2, 10, 40]), min_size=1, max_size=6))
    n_classes = draw(st.integers(2, 12))
    sharpness = draw(st.sampled_from([0.1, 1.0, 10.0, 1000.0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    p = softmax(sharpness * rng.normal(size=(sum(sizes), n_classes)), axis=1)
    p = p.astype(draw(st.sampled_from(["float64", "float32", "float16"])))
    return np.split(p, np.cumsum(sizes)[:-1])


# One pass over all ---------------------------------------------------------------------------------------------------


@given(partitions())
def test_shards_add_up_to_one_pass_over_all(shards: list[NDArray[np.float64]]) -> None:
    sums = [shard_sums(shard) for shard in shards]
    whole = np.concatenate(shards)
    assert_agrees(merge_shards(sums).summary(), score(whole))
    assert_same(merge_shards(reversed(sums)), shard_sums(whole))
    assert_same(sum(sums[1:], start=sums[0]), shard_sums(whole))


@given(partitions())
def test_shards_of_torch_equal_those_of_numpy(shards: list[NDArray[np.float64]]) -> None:
    for shard in shards:
        assert_same(shard_sums(torch.from_numpy(shard)), shard_sums(shard))


def test_a_class_that_only_one_shard_reaches() -> None:
    shards = [np.eye(4)[[0, 1]], np.eye(4)[[0, 2, 1]], np.eye(4)[[0]]]
    summary = merge_shards(map(shard_sums, shards)).summary()
    counts = [3, 2, 1]
    assert summary.overall == exactly(math.exp(entropy(counts)))
    assert summary.kl_variance == exactly(np.var(np.repeat(np.log(6 / np.array(counts)), counts)))
    assert summary.bias_constant == exactly(2)
    assert summary.marginal == exactly([3 / 6, 2 / 6, 1 / 6, 0])


@pytest.mark.parametrize("row", [[0.25] * 4, [0.7, 0.2, 0.1, 0.0], [1.0, 0.0, 0.0, 0.0]])
def test_one_image_and_its_copies_score_one(row: list[float]) -> None:
    for copies in (1, 30):
        summary = shard_sums([row] * copies).summary()
        assert summary.overall == exactly(1)
        assert 0 <= summary.kl_variance <= 1e-13


@pytest.mark.parametrize("n_classes", [2, 10, 300])
def test_perfect_classes(n_classes: int) -> None:
    summary = merge_shards(shard_sums(row[None]) for row in np.eye(n_classes)).summary()
    assert summary.overall == exactly(n_classes)
    assert summary.kl_variance == pytest.approx(0, abs=1e-12)


def test_variance_agrees_with_forty_digits() -> None:
    rows = [["0.9", "0.1", "0"], ["1e-30", "0.3", "0.7"], ["0.5", "0.25", "0.25"], ["0", "0", "1"]]
    summary = merge_shards(shard_sums([[float(x) for x in row]]) for row in rows).summary()
    with mpmath.workdps(40):
        exact = [[mpmath.mpf(x) for x in row] for row in rows]
        marginal = [mpmath.fsum(column) / 4 for column in zip(*exact, strict=True)]
        kl = [mpmath.fsum(x * mpmath.log(x / m) for x, m in zip(row, marginal, strict=True) if x) for row in exact]
        mean = mpmath.fsum(kl) / 4
        variance = mpmath.fsum((value - mean) ** 2 for value in kl) / 4
        assert summary.log_score == exactly(float(mean))
        assert summary.kl_variance == exactly(float(variance))


def test_variance_agrees_with_scipy() -> None:
    p = dirichlet(500, 20)
    summary = merge_shards(shard_sums(part) for part in np.array_split(p, 7)).summary()
    assert summary.kl_variance == exactly(np.var([entropy(row, p.mean(axis=0)) for row in p]))


def test_zeros_and_denormals_are_never_nan() -> None:
    p = np.zeros((40, 6))
    p[:, 0] = 1
    p[::2, 1], p[1::4, 2], p[5, 3] = 5e-324, 1e-310, 1e-290
    p[20:, :2] = [0, 1]
    assert_agrees(merge_shards([shard_sums(p[:7]), shard_sums(p[7:])]).summary(), score(p))


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
    assert_same(shard_sums(convert(p)), shard_sums(p))


def test_logits() -> None:
    logits = np.random.default_rng(0).normal(scale=4, size=(100, 6))
    assert_same(shard_sums(logits=logits), shard_sums(softmax(logits, axis=1)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_equals_numpy() -> None:
    p = dirichlet(5000, 100).astype(np.float32)
    cuda = shard_sums(torch.from_numpy(p).cuda())
    assert_agrees(cuda.summary(), score(p))
    assert_agrees(merge_shards([cuda, shard_sums(p)]).summary(), score(np.concatenate([p, p])))


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    p = dirichlet(331, 7)
    whole = shard_sums(p)
    for size in (1, 50, 331 * 7):
        monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", size)
        assert_same(shard_sums(p), whole)


def test_nothing_is_modified() -> None:
    p = dirichlet(50, 5)
    before = p.copy()
    p.flags.writeable = False
    first, second = shard_sums(p[:20]), shard_sums(p[20:])
    merge_shards([first, second, second])
    np.testing.assert_array_equal(p, before)
    assert_same(first, shard_sums(p[:20]))
    assert_same(second, shard_sums(p[20:]))


def test_shards_that_do_not_add() -> None:
    with pytest.raises(ValueError, match="shards of 3 and of 4 classes do not add: use one classifier for all"):
        shard_sums(np.eye(3)) + shard_sums(np.eye(4))
    with pytest.raises(ValueError, match="there are no shards to merge: give at least one"):
        merge_shards([])
    with pytest.raises(TypeError, match="unsupported operand"):
        shard_sums(np.eye(3)) + 1  # type: ignore[operator]
    with pytest.raises(ValueError, match="row 1 of the probabilities holds nan"):
        shard_sums([[0.5, 0.5], [math.nan, 1]])


# Several processes ---------------------------------------------------------------------------------------------------

OTHER_PROCESS = """
import sys
import numpy as np
import torch
from isexplore.shards import shard_sums

torch.distributed.init_process_group("gloo", init_method=f"file://{sys.argv[1]}", rank=1, world_size=2)
torch.distributed.all_gather_object([None, None], shard_sums(np.eye(7)[2:]))
torch.distributed.destroy_process_group()  # else its threads may end the process with an error
"""


def test_processes_gather_their_sums(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path / "meeting")]
    method, minute = f"file://{tmp_path / 'meeting'}", timedelta(minutes=1)
    with subprocess.Popen(command) as other:  # noqa: S603 - our own
        torch.distributed.init_process_group("gloo", init_method=method, rank=0, world_size=2, timeout=minute)
        try:
            shards: list[Any] = [None, None]
            torch.distributed.all_gather_object(shards, shard_sums(np.eye(7)[:2]))
        finally:
            torch.distributed.destroy_process_group()
    assert other.returncode == 0
    assert [shard.n_images for shard in shards] == [2, 5]
    assert_agrees(merge_shards(shards).summary(), score(np.eye(7)))


def test_importing_the_sums_imports_no_files() -> None:
    code = "import sys, isexplore.shards; print({'safetensors', 'torch', 'isexplore.tensor_files'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout.strip() == "set()"


# The file ------------------------------------------------------------------------------------------------------------


def test_a_file_gives_the_same_sums(tmp_path: Path) -> None:
    p = dirichlet(200, 9)
    for i, part in enumerate(np.array_split(p, 3)):
        save_shard(tmp_path / f"{i}.safetensors", shard_sums(part))
    loaded = [load_shard(tmp_path / f"{i}.safetensors") for i in range(3)]
    for sums, part in zip(loaded, np.array_split(p, 3), strict=True):
        for field in fields(ShardSums):
            np.testing.assert_array_equal(getattr(sums, field.name), getattr(shard_sums(part), field.name))
    assert type(loaded[0].n_images) is int
    assert type(loaded[0].entropy_squares) is float
    assert_agrees(merge_shards(loaded).summary(), score(p))
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"{i}.safetensors" for i in range(3)]


@given(partitions())
def test_every_file_is_accepted_again(tmp_path_factory: pytest.TempPathFactory, shards: list[NDArray[Any]]) -> None:
    file = tmp_path_factory.mktemp("shards") / "sums"
    sums = merge_shards(map(shard_sums, shards))
    save_shard(file, sums)
    assert_same(load_shard(file), sums)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nothing"):
        load_shard(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=r"the folder .* does not exist"):
        save_shard(tmp_path / "nowhere" / "sums", shard_sums(np.eye(3)))


def test_files_of_another_kind(tmp_path: Path) -> None:
    file = tmp_path / "sums"
    save_shard(file, shard_sums(np.eye(3)))
    whole = file.read_bytes()
    for content in (b"", b"PK", pickle.dumps({"n_images": 3}), whole[:-1], whole[: len(whole) // 2], b"\xff" * 200):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="sums holds no sums of a shard: "):
            load_shard(file)
    Predictions.from_probabilities(np.eye(3)).save(file)
    with pytest.raises(ValueError, match=r"sums holds no sums of a shard: .*n_images"):
        load_shard(file)


def edited(**changes: Any) -> dict[str, NDArray[Any]]:
    sums = shard_sums(dirichlet(20, 4))
    return {f.name: np.array(getattr(sums, f.name)) for f in fields(ShardSums)} | changes


NO_IMAGES = {name: np.zeros_like(array) for name, array in edited().items()}
ONE_CLASS = {name: np.zeros(1) for name in ("xlogx", "entropy_products")} | {
    "probabilities": np.array([20.0]),
    "products": np.array([[20.0]]),
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_images": np.array(21)}, "its sums contradict each other"),
        ({"n_images": np.array(0)}, "its sums contradict each other"),
        ({"n_images": np.array(-20)}, "its sums contradict each other"),
        ({"n_images": np.array(20.0)}, "its arrays have other types or shapes"),
        ({"n_images": np.array([20])}, "its arrays have other types or shapes"),
        ({"probabilities": np.full(4, 5, np.float32)}, "its arrays have other types or shapes"),
        ({"probabilities": np.full(3, 20 / 3)}, "its arrays have other types or shapes"),
        ({"probabilities": np.empty(0), "xlogx": np.empty(0)}, "its arrays have other types or shapes"),
        ({"probabilities": np.array([-1.0, 7, 7, 7])}, "its sums contradict each other"),
        ({"xlogx": np.full(4, math.nan)}, "it holds NaN or infinity"),
        ({"xlogx": np.full(4, 0.1)}, "its sums contradict each other"),
        ({"entropy_products": np.full(4, -math.inf)}, "it holds NaN or infinity"),
        ({"entropy_products": np.full(4, 1e9)}, "its sums contradict each other"),
        ({"entropy_squares": np.array(-1.0)}, "its sums contradict each other"),
        ({"products": np.eye(4) * 1e300}, "its sums contradict each other"),
        ({"products": np.ones((4, 3))}, "its arrays have other types or shapes"),
        (NO_IMAGES, "its sums contradict each other"),
        (ONE_CLASS, "its arrays have other types or shapes"),
    ],
)
def test_files_with_other_things_in_them(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    metadata = {"format": "isexplore shard sums 1"}
    save_file(edited(), tmp_path / "good", metadata)
    assert load_shard(tmp_path / "good").n_images == 20
    save_file(edited(**changes), tmp_path / "bad", metadata)
    with pytest.raises(ValueError, match=f"bad holds no sums of a shard: {message}"):
        load_shard(tmp_path / "bad")


def test_files_that_do_not_say_what_they_are(tmp_path: Path) -> None:
    for metadata in (None, {"format": "isexplore shard sums 2"}):
        save_file(edited(), tmp_path / "sums", metadata)
        with pytest.raises(ValueError, match="sums holds no sums of a shard: it does not say that it holds any"):
            load_shard(tmp_path / "sums")
    save_file(edited(n_images=np.array([20])[:0]), tmp_path / "sums", {"format": "isexplore shard sums 1"})
    with pytest.raises(ValueError, match="sums holds no sums of a shard"):
        load_shard(tmp_path / "sums")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e4m3fn, torch.complex64])
def test_other_precisions_are_refused(tmp_path: Path, dtype: torch.dtype) -> None:
    tensors = {name: torch.from_numpy(array).to(dtype) for name, array in edited().items()}
    save_torch_file(tensors, tmp_path / "sums", {"format": "isexplore shard sums 1"})
    with pytest.raises(ValueError, match="sums holds no sums of a shard"):
        load_shard(tmp_path / "sums")


def test_what_is_no_shard_is_named() -> None:
    with pytest.raises(TypeError, match=r"a shard is ndarray: give shard_sums\(predictions\)"):
        merge_shards([np.eye(3)])  # type: ignore[list-item]


def test_a_summary_shows_itself_in_one_line() -> None:
    summary = shard_sums(np.repeat([[0.9, 0.1], [0.1, 0.9]], 20, axis=0)).summary()
    low, high = summary.interval()
    line = f"IS {summary.overall:.2f} of 40 images · corrected {summary.corrected:.2f} (95 % {low:.2f}–{high:.2f})"
    assert (str(summary), repr(summary), summary._repr_html_()) == (line, f"<Summary: {line}>", line)
