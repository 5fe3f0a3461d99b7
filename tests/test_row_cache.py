"""Rows that are kept: found again whole, or not at all."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isexplore.classifiers import load_classifier
from isexplore.inference.row_cache import KnownRows, RowCache, open_cache

if TYPE_CHECKING:
    from pathlib import Path

CPU = torch.device("cpu")
ROWS = np.random.default_rng(0).dirichlet(np.ones(7), 5).astype(np.float32)


@dataclass(frozen=True)
class Named:
    """A classifier that is only looked at."""

    name: str = "named"
    weights_sha256: str = "00"
    preprocessing: str = "none"


def cache_of(network: Any, precision: Any = "exact", place: torch.device = CPU) -> RowCache:
    cache = open_cache(network, precision, place)
    assert cache is not None
    return cache


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    cache = RowCache(tmp_path)
    cache.keep("plain", KnownRows(ROWS, "float32"))
    cache.keep("twice", KnownRows(ROWS, "bfloat16, compiled", ROWS[::-1]))
    plain, twice = cache.find("plain", 5), cache.find("twice", 5)
    assert plain is not None
    assert twice is not None
    np.testing.assert_array_equal(plain.rows, ROWS)
    assert (plain.precision, plain.exact) == ("float32", None)
    assert twice.exact is not None
    np.testing.assert_array_equal(twice.exact, ROWS[::-1])
    assert twice.precision == "bfloat16, compiled"
    assert cache.find("other", 5) is None
    assert cache.find("plain", 4) is None
    assert {file.name for file in tmp_path.iterdir()} == {"plain.npz", "twice.npz"}


@given(cut=st.integers(0, 10_000), flip=st.integers(0, 10_000))
def test_a_damaged_file_counts_as_none(cut: int, flip: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cache")
    cache = RowCache(folder)
    cache.keep("a", KnownRows(ROWS, "float32"))
    whole = (folder / "a.npz").read_bytes()
    (folder / "a.npz").write_bytes(whole[: cut % len(whole)])
    assert cache.find("a", 5) is None
    with zipfile.ZipFile(folder / "b.npz", "w") as file:
        file.writestr("rows.npy", b"no array")
    assert cache.find("b", 5) is None
    with zipfile.ZipFile(folder / "a.npz", "w") as file:
        file.writestr("x", b"")
    assert cache.find("a", 5) is None
    start = whole.index(ROWS.tobytes())
    place = start + flip % ROWS.nbytes
    (folder / "a.npz").write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
    assert cache.find("a", 5) is None  # the checksum


@pytest.mark.parametrize("rows", [ROWS * 2, np.where(ROWS > 0.1, np.nan, ROWS), ROWS.astype(np.float64), ROWS[0]])
def test_what_are_no_rows_counts_as_none(rows: Any, tmp_path: Path) -> None:
    cache = RowCache(tmp_path)
    cache.keep("a", KnownRows(rows, "float32"))
    assert cache.find("a", 5) is None


def test_what_was_used_last_is_kept_longest(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for age, (folder, name) in enumerate([(one, "a"), (other, "b"), (one, "c"), (other, "d")]):
        folder.mkdir(exist_ok=True)
        RowCache(folder).keep(name, KnownRows(ROWS, "float32"))
        os.utime(folder / f"{name}.npz", (age, age))
    assert RowCache(one).find("a", 5) is not None
    size = (one / "a.npz").stat().st_size
    RowCache(one).trim(2 * size)
    assert {file.stem for file in tmp_path.glob("*/*.npz")} == {"a", "d"}
    RowCache(one).trim()
    assert {file.stem for file in tmp_path.glob("*/*.npz")} == {"a", "d"}


def test_a_full_disk_is_no_reason_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    RowCache(tmp_path).keep("a", KnownRows(ROWS, "float32"))
    assert list(tmp_path.iterdir()) == []


def test_each_network_precision_and_kind_of_device_has_a_folder_of_its_own() -> None:
    base = Named()
    others = [replace(base, **{name: "other"}) for name in ("name", "weights_sha256", "preprocessing")]
    folders = [cache_of(network).folder for network in (base, *others)]
    folders += [cache_of(base, "fast").folder]
    folders += [cache_of(base, precision, torch.device("cuda")).folder for precision in ("exact", "fast")]
    assert len(set(folders)) == 7


def test_a_network_whose_code_may_change_is_not_kept() -> None:
    assert open_cache(load_classifier(torch.nn.Flatten()), "exact", CPU) is None


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="can't be resumed"):
        assert open_cache(Named(), "exact", CPU) is None  # type: ignore[arg-type]
