"""Predictions: what is accepted, what is refused, and the file that keeps them."""

from __future__ import annotations

import json
import os
import re
import struct
import sys
import tracemalloc
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from isexplore.groups import group_sums
from isexplore.predictions import Predictions, Provenance, load
from isexplore.score import inception_score
from isexplore.tensor_files import ArrayBlocks, open_tensors, save_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray


def distributions(n: int = 5, c: int = 4, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).dirichlet(np.ones(c), n).astype(np.float32)


P = distributions()


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a disk that is nearly full."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# --- a matrix that exists already


@pytest.mark.parametrize(
    ("convert", "tolerance"),
    [
        (np.ndarray.tolist, 1e-7),
        (np.asfortranarray, 0),
        (lambda p: p[::-1][::-1], 0),
        (lambda p: p.astype(">f4"), 1e-7),
        (lambda p: p.astype(np.float16), 1e-3),
        (lambda p: p.astype(np.float64), 1e-7),
        (torch.from_numpy, 0),
        (lambda p: torch.from_numpy(p).requires_grad_(), 0),
        (lambda p: torch.from_numpy(p).double(), 1e-7),
        (lambda p: torch.from_numpy(p).half(), 1e-3),
        (lambda p: torch.from_numpy(p).bfloat16(), 1e-2),
    ],
)
def test_any_matrix_becomes_float32_that_can_be_scored_and_kept(
    tmp_path: Path, convert: Callable[[NDArray[np.float32]], Any], tolerance: float
) -> None:
    p = distributions(300, 20)
    predictions = Predictions.from_probabilities(convert(p))
    assert type(predictions.probabilities) is np.ndarray
    assert predictions.probabilities.dtype == np.float32
    np.testing.assert_allclose(predictions.probabilities, p, rtol=0, atol=tolerance)
    assert inception_score(predictions).overall == pytest.approx(inception_score(p).overall, rel=1e-2)
    predictions.save(tmp_path / "p")
    assert len(load(tmp_path / "p")) == 300


@pytest.mark.parametrize("convert", [np.asarray, torch.from_numpy])
def test_rows_are_not_the_callers_to_change(convert: Callable[[NDArray[np.float32]], Any]) -> None:
    p = P.copy()
    predictions = Predictions.from_probabilities(convert(p))
    p[:] = 0
    np.testing.assert_array_equal(predictions.probabilities, P)


def test_a_memory_map_is_not_copied(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", P)
    mapped = np.load(tmp_path / "p.npy", mmap_mode="r")
    assert np.shares_memory(Predictions.from_probabilities(mapped).probabilities, mapped)


@pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.int64])
def test_one_hot_rows_of_any_kind(kind: type[np.generic]) -> None:
    predictions = Predictions.from_probabilities(np.eye(3, dtype=kind))
    np.testing.assert_array_equal(predictions.probabilities, np.eye(3))


def test_rows_may_miss_one_by_a_thousandth() -> None:
    p = np.array([[0.5, 0.5], [0.5, 0.5009], [0.5, 0.4991]], np.float32)
    np.testing.assert_array_equal(Predictions.from_probabilities(p).probabilities, p)


@pytest.mark.parametrize("convert", [np.asarray, torch.tensor, np.ndarray.tolist])
@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ([0.25, 0.25, 0.25, 0.2511], "row 2 .* sums to 1.0011"),
        ([0.25, 0.25, 0.25, 0.2489], "row 2 .* sums to 0.9989"),
        ([0, 0, 0, 0], "row 2 .* sums to 0"),
        ([0.5, 0.6, -0.1, 0], r"row 2 .* negative \(-0.1 at class 2\)"),
        ([np.nan, 0, 0, 1], r"row 2 .* holds nan \(class 0\)"),
        ([0, np.inf, 0, 1], r"row 2 .* holds inf \(class 1\)"),
        ([np.inf, -np.inf, 0, 1], r"row 2 .* holds inf \(class 0\)"),
    ],
)
def test_the_first_bad_row_is_named(
    row: list[float], complaint: str, convert: Callable[[NDArray[np.float64]], Any]
) -> None:
    p = P.astype(np.float64)
    p[2] = p[4] = row
    with pytest.raises(ValueError, match=complaint):
        Predictions.from_probabilities(convert(p))


@pytest.mark.parametrize(
    ("p", "complaint"),
    [
        (np.zeros((0, 4)), "no rows"),
        (np.ones((5, 1)), r"1 column\(s\)"),
        (np.ones((5, 0)), r"0 column\(s\)"),
        ([0.5, 0.5], r"shape \(2,\)"),
        (np.full((2, 2, 2), 0.5), r"shape \(2, 2, 2\)"),
        (1.0, r"shape \(\)"),
    ],
)
def test_matrices_of_another_shape(p: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Predictions.from_probabilities(p)


@pytest.mark.parametrize("p", [[["a", "b"]], np.array([[0.5 + 0j, 0.5]]), [[None, None]]])
def test_matrices_without_real_numbers(p: Any) -> None:
    with pytest.raises(TypeError, match=r"the matrix holds .* give real numbers"):
        Predictions.from_probabilities(p)


# --- names


def test_names_that_nobody_gave_are_numbers_that_sort() -> None:
    predictions = Predictions.from_probabilities(np.eye(11))
    assert predictions.class_names[:2] == ("class 00", "class 01")
    assert predictions.image_names[-1] == "image 10"
    assert list(predictions.image_names) == sorted(predictions.image_names)


def test_names_of_any_kind_become_text() -> None:
    classes, images = np.array(["<b>", "\n"]), (0, Path("a"))
    predictions = Predictions.from_probabilities(np.eye(2), classes, images)  # type: ignore[arg-type]
    assert predictions.class_names == ("<b>", "\n")
    assert predictions.image_names == ("0", "a")


def test_names_that_could_not_be_printed_are_replaced(tmp_path: Path) -> None:
    predictions = Predictions.from_probabilities(np.eye(2), image_names=["a\ud800", os.fsdecode(b"\xff.png")])
    assert predictions.image_names == ("a?", "?.png")
    predictions.save(tmp_path / "p")
    assert load(tmp_path / "p").image_names == predictions.image_names


@pytest.mark.parametrize("what", ["class_names", "image_names"])
@pytest.mark.parametrize(
    ("names", "complaint"),
    [(["a"], "1"), ([], "0"), (["a", "b", "c"], "3"), ("ab", "the text 'ab'")],
)
def test_names_of_another_count(what: str, names: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"{what} must be 2 names, one for each, not {complaint}$"):
        Predictions.from_probabilities(np.eye(2), **{what: names})


# --- labels


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([3, 1], (3, 1)),
        (("a", "b"), ("a", "b")),
        ([True, False], (1, 0)),
        (np.array([3, 1], np.uint8), (3, 1)),
        (np.array(["a", "b"]), ("a", "b")),
        ([np.int64(3), 1], (3, 1)),
        (torch.tensor([3, 1]), (3, 1)),
        (pd.Series(["a", "b"]), ("a", "b")),
        (["a\ud800", "<b>"], ("a?", "<b>")),
        (None, None),
    ],
)
def test_labels_are_integers_or_text_and_kept(tmp_path: Path, given: Any, kept: Any) -> None:
    predictions = Predictions.from_probabilities(np.eye(2), labels=given)
    assert predictions.labels == kept
    assert {type(label) for label in kept or ()} <= {int, str}
    predictions.save(tmp_path / "p")
    assert load(tmp_path / "p").labels == kept
    assert predictions.described(Provenance("again")).labels == kept


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        ([1], "labels must be 2 integers or strings, one for each image, not 1$"),
        ([1, 2, 3], "not 3$"),
        ("ab", "not 'ab'$"),
        (7, "not 7$"),
        (np.array(7), "not 7$"),
        ([1, "b"], "labels must be all integers or all strings, not 'b'$"),
        (["a", 2], "labels must be all integers or all strings, not 'a'$"),
        ([1, 2.0], r"not 2\.0$"),
        ([1, None], "not None$"),
        (np.array([1, np.nan]), r"not 1\.0$"),
        ([[1], [2]], r"not \[1\]$"),
        ([b"a", b"b"], "not b'a'$"),
    ],
)
def test_labels_of_another_kind(labels: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Predictions.from_probabilities(np.eye(2), labels=labels)


@pytest.mark.parametrize("labels", [[5, 5, 2], ["b", "b", "a"]])
def test_labels_are_groups(labels: Any) -> None:
    predictions = Predictions.from_probabilities(np.eye(3), labels=labels)
    sums = group_sums(predictions, predictions.labels)
    assert sums.names.tolist() == sorted(set(labels))
    np.testing.assert_allclose(sums.scores, [1, 2])


# --- thumbnails


@pytest.mark.parametrize("shape", [(2, 64, 3), (2, 1, 1), (2, 64, 64, 1), (2, 5, 6, 3)])
def test_thumbnails_are_kept(shape: tuple[int, ...]) -> None:
    given = np.arange(np.prod(shape), dtype=np.int64).astype(np.uint8).reshape(shape)
    for thumbnails in (given, list(given), torch.from_numpy(given)):
        kept = Predictions.from_probabilities(np.eye(2), thumbnails=thumbnails).thumbnails  # type: ignore[arg-type]
        assert kept is not None
        np.testing.assert_array_equal(kept, given.reshape(*shape[:3], -1))


@pytest.mark.parametrize(
    "thumbnails",
    [
        np.zeros((3, 8, 8), np.uint8),
        np.zeros((2, 8, 8, 2), np.uint8),
        np.zeros((2, 8, 8, 4), np.uint8),
        np.zeros((2, 8), np.uint8),
        np.zeros((2, 3, 8, 8, 1), np.uint8),
        np.zeros((2, 65, 8), np.uint8),
        np.zeros((2, 8, 65), np.uint8),
        np.zeros((2, 0, 8), np.uint8),
        np.zeros((2, 8, 0), np.uint8),
        np.zeros((2, 8, 8)),
        np.zeros((2, 8, 8), np.int8),
        [[[0]], [[0]]],
        np.uint8(3),
    ],
)
def test_thumbnails_of_another_kind(thumbnails: Any) -> None:
    found = re.escape(f"{np.asarray(thumbnails).dtype} of shape {np.shape(thumbnails)}")
    with pytest.raises(ValueError, match=f"thumbnails must be uint8 .* these are {found}"):
        Predictions.from_probabilities(np.eye(2), thumbnails=thumbnails)


# --- the file


def text_or_none() -> st.SearchStrategy[str | None]:
    return st.none() | st.text()


@st.composite
def any_predictions(draw: st.DrawFn) -> Predictions:
    n, c = draw(st.integers(1, 6)), draw(st.integers(2, 5))
    shape = (n, draw(st.integers(1, 64)), draw(st.integers(1, 8)), draw(st.sampled_from([1, 3])))
    predictions = Predictions.from_probabilities(
        distributions(n, c, seed=draw(st.integers(0, 99))),
        class_names=draw(st.lists(st.text(), min_size=c, max_size=c)),
        image_names=draw(st.lists(st.text(), min_size=n, max_size=n)),
        thumbnails=draw(st.none() | hnp.arrays(np.uint8, shape)),
        labels=draw(st.none() | (st.integers() | st.text()).flatmap(lambda label: st.just([label] * n))),
    )
    provenance = st.builds(
        Provenance,
        source=st.text(),
        classifier=text_or_none(),
        preprocessing=text_or_none(),
        device=text_or_none(),
        precision=text_or_none(),
        versions=st.dictionaries(st.text(), st.text(), max_size=3),
        created=text_or_none(),
        skipped=st.lists(st.tuples(st.text(), st.text()), max_size=3).map(tuple),
        weights_sha256=text_or_none(),
    )
    return predictions.described(draw(provenance))


def assert_same(a: Predictions, b: Predictions) -> None:
    np.testing.assert_array_equal(a.probabilities, b.probabilities)
    assert a.class_names == b.class_names
    assert a.image_names == b.image_names
    assert a.provenance == b.provenance
    assert a.labels == b.labels
    assert (a.thumbnails is None) == (b.thumbnails is None)
    if a.thumbnails is not None and b.thumbnails is not None:
        np.testing.assert_array_equal(a.thumbnails, b.thumbnails)


@given(any_predictions())
def test_what_is_saved_is_what_is_loaded(tmp_path_factory: pytest.TempPathFactory, predictions: Predictions) -> None:
    path = tmp_path_factory.getbasetemp() / "round trip.safetensors"
    predictions.save(path)
    assert_same(load(path), predictions)


NAMES = ["<script>alert(1)</script>", "a\nb", "\0", "naïve \u202e 🐈 \u2028", "", '"]', "\\ud800"]


def test_hostile_names_are_only_names(tmp_path: Path) -> None:
    predictions = Predictions.from_probabilities(np.eye(len(NAMES)), NAMES, NAMES).described(
        Provenance(source=NAMES[0], skipped=tuple((name, name) for name in NAMES))
    )
    predictions.save(tmp_path / "p")
    assert_same(load(tmp_path / "p"), predictions)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file of good predictions, alone in its folder."""
    path = tmp_path / "run.safetensors"
    thumbnails = np.arange(5 * 8 * 8, dtype=np.uint8).reshape(5, 8, 8)
    Predictions.from_probabilities(P, thumbnails=thumbnails).save(path)
    return path


def test_arrays_are_memory_mapped_and_read_only(path: Path) -> None:
    predictions = load(path)
    for array in (predictions.probabilities, predictions.thumbnails):
        assert isinstance(array, np.memmap)
        assert str(array.filename) == str(path)
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_what_was_loaded_can_be_saved_over_its_own_file(path: Path) -> None:
    predictions = load(path)
    predictions.described(Provenance(source="again")).save(path)
    assert load(path).provenance.source == "again"
    np.testing.assert_array_equal(predictions.probabilities, P)  # still the old file
    np.testing.assert_array_equal(load(path).probabilities, P)


def test_a_file_is_found_by_text_and_below_the_home_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(path.parent))
    monkeypatch.setenv("USERPROFILE", str(path.parent))
    load(str(path)).save("~/copy")
    assert_same(load("~/copy"), load(path))


def half(error: BaseException | None) -> Iterator[bytes]:
    yield bytes(10)
    if error is not None:
        raise error


@pytest.mark.parametrize(
    ("error", "raised", "complaint"),
    [
        (OSError("disk full"), OSError, "^cannot save .*run.safetensors: disk full"),
        (KeyboardInterrupt("stop"), KeyboardInterrupt, "stop"),
        (None, ValueError, "'x' came as 10 bytes, not 20"),
    ],
)
def test_a_save_that_fails_half_way_leaves_what_was_there(
    path: Path, error: BaseException | None, raised: type[BaseException], complaint: str
) -> None:
    before = path.read_bytes()
    with pytest.raises(raised, match=complaint):
        save_tensors(path, {"x": ArrayBlocks(np.dtype(np.uint8), (20,), half(error))}, {})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are a POSIX matter")
def test_a_disk_that_is_full_is_named_and_leaves_nothing(path: Path) -> None:
    before = path.read_bytes()
    with file_limit(100_000), pytest.raises(OSError, match=r"^cannot save .*run.safetensors: .*too large"):
        Predictions.from_probabilities(distributions(10_000)).save(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_file_is_on_the_disk_before_it_gets_its_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, sync = path.read_bytes(), os.fsync
    flushed: list[int] = []

    def watch(descriptor: int) -> None:
        assert path.read_bytes() == old
        flushed.append(os.fstat(descriptor).st_size)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    Predictions.from_probabilities(distributions(50)).save(path)
    assert flushed == [path.stat().st_size]


def test_an_unknown_home_folder_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="there is no ~nosuchuser/p: its ~"):
        load("~nosuchuser/p")
    with pytest.raises(FileNotFoundError, match="there is no ~nosuchuser/p: its ~"):
        Predictions.from_probabilities(P).save("~nosuchuser/p")


def test_a_save_to_where_nothing_can_be_saved(tmp_path: Path) -> None:
    predictions = Predictions.from_probabilities(P)
    with pytest.raises(FileNotFoundError, match=r"cannot save .*the folder .*nowhere does not exist"):
        predictions.save(tmp_path / "nowhere" / "run.safetensors")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        predictions.save(tmp_path / "folder")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are a POSIX matter")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        load(path).save(path)
        assert path.stat().st_mode & 0o777 == 0o666 & ~mask
        assert os.umask(mask) == mask
    finally:
        os.umask(before)


def test_the_umask_of_other_threads_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "umask", lambda _: pytest.fail("the umask belongs to the whole process"))
    load(path).save(path)


# --- the format, as safetensors itself reads it


def arrays() -> st.SearchStrategy[NDArray[Any]]:
    shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
    kinds = st.sampled_from([np.dtype(kind) for kind in ("u1", "f4", "f8", "i8", ">f4", ">i8")])
    layouts: list[Callable[[NDArray[Any]], NDArray[Any]]] = [
        lambda a: a,
        lambda a: a.T,
        np.asfortranarray,
        lambda a: a[::-1, ...] if a.ndim else a,
        lambda a: a[..., ::2] if a.ndim else a,
    ]
    contents = kinds.flatmap(lambda kind: hnp.arrays(kind, shapes))
    return st.builds(lambda array, layout: layout(array), contents, st.sampled_from(layouts))


@given(
    tensors=st.dictionaries(st.text(max_size=3), arrays(), max_size=4), metadata=st.dictionaries(st.text(), st.text())
)
def test_safetensors_reads_what_is_saved(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, NDArray[Any]], metadata: dict[str, str]
) -> None:
    assume("__metadata__" not in tensors)
    path = tmp_path_factory.getbasetemp() / "format.safetensors"
    save_tensors(path, tensors, metadata)
    found = load_file(path)  # refuses holes, overlaps, and a size that does not fit
    assert found.keys() == tensors.keys()
    for name, array in tensors.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype.newbyteorder("="), array.shape)
        assert found[name].tobytes() == array.astype(found[name].dtype).tobytes()
    with safe_open(path, framework="numpy") as opened:
        assert (opened.metadata() or {}) == metadata
    (size,) = struct.unpack("<Q", path.read_bytes()[:8])
    assert size % 8 == 0  # what follows is aligned
    header = json.loads(path.read_bytes()[8 : 8 + size])
    assert all(header[name]["data_offsets"][0] % array.dtype.itemsize == 0 for name, array in tensors.items())


def test_arrays_larger_than_a_block(tmp_path: Path) -> None:
    matrix = np.random.default_rng(0).random((700, 900), np.float32)
    save_tensors(tmp_path / "p", {"straight": matrix, "turned": matrix.T}, {})
    np.testing.assert_array_equal(load_file(tmp_path / "p")["straight"], matrix)
    np.testing.assert_array_equal(open_tensors(tmp_path / "p")[0]["turned"], matrix.T)


def test_other_kinds_of_numbers_are_refused(tmp_path: Path) -> None:
    kinds = "int64, float64, float32, float16, uint8"
    with pytest.raises(ValueError, match=f"cannot save 'x': it is complex64, not one of {kinds}"):
        save_tensors(tmp_path / "p", {"x": np.ones(2, np.complex64)}, {})
    assert list(tmp_path.iterdir()) == []


def test_metadata_that_nobody_could_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        save_tensors(tmp_path / "p", {"x": P}, {"name": "\udcff"})
    assert list(tmp_path.iterdir()) == []


def test_more_metadata_than_anybody_reads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="more than the 100000000 that readers accept"):
        save_tensors(tmp_path / "p", {"x": P}, {"skipped": "x" * 100_000_000})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("turned", [False, True])
def test_saving_takes_little_memory_however_large_the_array_is(tmp_path: Path, turned: bool) -> None:  # noqa: FBT001 - a parameter of the test
    large = np.memmap(tmp_path / "large", np.float32, "w+", shape=(25_000, 1000))  # 100 MB
    tracemalloc.start()
    save_tensors(tmp_path / "p", {"x": large.T if turned else large}, {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "p").stat().st_size > large.nbytes
    assert peak < 8_000_000


# --- damaged and hostile files


def refused(path: Path) -> AbstractContextManager[pytest.ExceptionInfo[ValueError]]:
    return pytest.raises(ValueError, match=f"^{re.escape(str(path))} is not a file of predictions: ")


@pytest.mark.parametrize("source", ["nothing.safetensors", "", ".", "a\0b"])
def test_no_file(source: str) -> None:
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load(source)


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 9, 100, 0.5, 0.9, -1])
def test_truncated_files(path: Path, keep: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: keep if isinstance(keep, int) else int(keep * len(content))])
    with refused(path):
        load(path)


def with_header(header: bytes, claimed: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if claimed is None else claimed) + header


def entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> bytes:
    tensor = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    return json.dumps({"__metadata__": {"format": "isexplore predictions 1"}, "probabilities": tensor}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"not predictions",
        b"PK\x03\x04" + bytes(100),
        bytes(1000),
        np.random.default_rng(0).bytes(1000),
        with_header(b"{}"),
        with_header(b"[]"),
        with_header(b"null"),
        with_header(b"{"),
        with_header(b"\xff\xfe"),
        with_header(b"[" * 10_000),
        with_header(b"{}", claimed=2**62),
        with_header(b"{}", claimed=2**64 - 1),
        with_header(entry([2**60, 4], 0, 2**64 - 16)),
        with_header(entry([2**62, 2**62], 0, 16)) + bytes(16),
        with_header(entry([2, 2], 0, 2**40)),
        with_header(entry([2, 2], 2**40, 2**40 + 16)),
        with_header(entry([2, 2], 16, 0)) + bytes(16),
        with_header(entry([-1, 2], 0, 16)) + bytes(16),
        with_header(entry([0, 2], 0, 0)),
        with_header(entry([2, 2], 0, 16, dtype="F31")) + bytes(16),
        with_header(entry([2, 2], 0, 16)) + bytes(17),
    ],
)
def test_other_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with refused(path):
        load(path)


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        Predictions.from_probabilities(P).save(tmp_path)


@given(st.data())
def test_any_bytes_changed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.safetensors"
    Predictions.from_probabilities(P, thumbnails=np.zeros((5, 2, 2), np.uint8)).save(path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        assert len(load(path)) >= 1
    except ValueError as error:
        if not str(error).startswith(f"{path} is not"):
            raise


def text(content: str) -> NDArray[np.uint8]:
    return np.frombuffer(content.encode(), np.uint8)


TENSORS: dict[str, NDArray[Any]] = {
    "probabilities": P,
    "class_names": text('["a", "b", "c", "d"]'),
    "image_names": text("[" + '"x",' * 4 + '"y"]'),
}
METADATA = {
    "format": "isexplore predictions 1",
    "provenance": '{"source": "here", "device": null, "skipped": [["a", "b"]]}',
}
NAN = P.copy()
NAN[1, 2] = np.nan


def test_a_file_with_the_least_provenance(path: Path) -> None:
    save_file(TENSORS, path, METADATA)
    assert load(path).provenance == Provenance(source="here", skipped=(("a", "b"),))
    assert load(path).labels is None


def test_what_a_later_version_adds_is_left_out(path: Path) -> None:
    save_file({**TENSORS, "more": P}, path, {**METADATA, "provenance": '{"source": "x", "trained_by": 5}', "more": "y"})
    assert load(path).provenance == Provenance(source="x")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"format": None}, "it does not say that it holds predictions"),
        ({"format": "isexplore predictions 2"}, "it does not say that it holds predictions"),
        ({"provenance": None}, "'provenance' is missing"),
        ({"provenance": ""}, "Expecting value"),
        ({"provenance": "[]"}, "its provenance is not a table"),
        ({"provenance": '{"source": 5}'}, "5 is not text"),
        ({"provenance": '{"classifier": ["a"]}'}, "is not text"),
        ({"provenance": '{"versions": []}'}, "items"),
        ({"provenance": '{"versions": {"torch": 2.6}}'}, "2.6 is not text"),
        ({"provenance": '{"skipped": 3}'}, "not iterable"),
        ({"provenance": '{"skipped": ["abc"]}'}, "values to unpack"),
        ({"provenance": '{"skipped": [["a", null]]}'}, "None is not text"),
        ({"provenance": "[" * 100_000}, "recursion"),
        ({"provenance": "9" * 10_000}, "4300"),
        ({"probabilities": None}, "'probabilities' is missing"),
        ({"class_names": None}, "'class_names' is missing"),
        ({"image_names": None}, "'image_names' is missing"),
        ({"probabilities": P.astype(np.float64)}, "'probabilities' has the unexpected type F64"),
        ({"probabilities": P.astype(np.float16)}, "its probabilities are float16, not float32"),
        ({"probabilities": np.eye(5, 4, dtype=np.uint8)}, "are uint8, not float32"),
        ({"probabilities": np.float32(1)}, "shape"),
        ({"probabilities": P[0]}, "shape"),
        ({"probabilities": P[:0]}, "'probabilities' is empty"),
        ({"probabilities": np.ones((5, 1), np.float32)}, "1 column"),
        ({"probabilities": 1.01 * P}, "row 0 .* sums to 1.01"),
        ({"probabilities": -P}, "row 0 .* negative"),
        ({"probabilities": NAN}, "row 1 .* holds nan"),
        ({"probabilities": np.full((5, 4), 3e38, np.float32)}, "row 0 .* sums to"),
        ({"probabilities": distributions(6)}, "image_names must be 6 names, one for each, not 5"),
        ({"class_names": text('["a", "b", "c"]')}, "class_names must be 4 names, one for each, not 3"),
        ({"class_names": text('"abcd"')}, "are not a list"),
        ({"class_names": text("[1, 2, 3, 4]")}, "its names are not a list of text"),
        ({"class_names": text('{"a": 1, "b": 2, "c": 3, "d": 4}')}, "are not a list"),
        ({"labels": text('["a", "b"]')}, "labels must be 5 integers or strings, one for each image, not 2"),
        ({"labels": text('["a", "b", "c", "d", 5]')}, "labels must be all integers or all strings, not 'a'"),
        ({"labels": text("[1, 2, 3, 4, 5.5]")}, "labels must be all integers or all strings, not 5.5"),
        ({"labels": text('{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}')}, "are not a list"),
        ({"labels": text("null")}, "are not a list"),
        ({"labels": P}, "utf-8|JSON|Expecting|Extra"),
        ({"class_names": text("[")}, "Expecting value"),
        ({"class_names": text("[" * 100_000)}, "recursion"),
        ({"class_names": np.array([255, 254], np.uint8)}, "utf-8"),
        ({"class_names": P}, "utf-8|JSON|Expecting|Extra"),
        ({"thumbnails": np.zeros((4, 8, 8, 1), np.uint8)}, "thumbnails must be"),
        ({"thumbnails": np.zeros((5, 65, 8, 1), np.uint8)}, "thumbnails must be"),
        ({"thumbnails": np.zeros((5, 8, 8, 1), np.float32)}, "thumbnails must be"),
        ({"thumbnails": np.zeros((5, 8, 0, 1), np.uint8)}, "'thumbnails' is empty"),
        ({"more": np.zeros(3, np.int64)}, "'more' has the unexpected type I64"),
    ],
)
def test_files_that_hold_something_else(path: Path, changes: dict[str, Any], complaint: str) -> None:
    parts = {name: part for name, part in {**TENSORS, **METADATA, **changes}.items() if part is not None}
    metadata = {name: parts.pop(name) for name in METADATA if name in parts}
    save_file({name: np.asarray(part) for name, part in parts.items()}, path, metadata)
    with refused(path) as raised:
        load(path)
    assert re.search(complaint, str(raised.value))


def test_half_a_surrogate_pair_in_a_file_is_replaced(path: Path) -> None:
    save_file(
        {**TENSORS, "class_names": text('["\\ud800", "b", "c", "d"]')},
        path,
        {**METADATA, "provenance": r'{"source": "\udfff"}'},
    )
    predictions = load(path)
    assert predictions.class_names[0] == predictions.provenance.source == "?"


def test_repr_says_what_it_is() -> None:
    predictions = Predictions.from_probabilities(P)
    assert repr(predictions) == "Predictions(5 images × 4 classes, probabilities)"
    described = predictions.described(Provenance(source="samples.npz", classifier="digits"))
    assert repr(described) == "Predictions(5 images × 4 classes, samples.npz, digits)"
    assert described.probabilities is predictions.probabilities
    assert len(described) == 5
