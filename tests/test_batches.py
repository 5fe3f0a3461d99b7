"""Batches: read in order, in worker processes where pictures are files, and named by their pixels."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

from isexplore.classifiers import load_classifier
from isexplore.images import ImageSet, open_images
from isexplore.inference import batches
from isexplore.inference.batches import read_batches
from isexplore.inference.row_cache import KnownRows, RowCache

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from isexplore.inference.batches import Batch

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i, picture in enumerate(PIXELS):
        Image.fromarray(picture).save(tmp_path / f"{i:02}.png")
    return tmp_path


def read(sample: ImageSet, size: int = 6, numbers: range | None = None, cache: RowCache | None = None) -> list[Batch]:
    prepare = load_classifier("digits").prepare
    numbers = range(batches.count_batches(len(sample), size)) if numbers is None else numbers
    return list(read_batches(sample, prepare, size, numbers, cache=cache, pinned=False))


def _process(pictures: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
    """Return a picture that tells which process has read it."""
    picture: NDArray[np.uint8] = pictures[index].copy()
    picture[:4, 0] = np.array(list(os.getpid().to_bytes(12, "little")), np.uint8).reshape(4, 3)
    return picture


@pytest.mark.parametrize("ample", [0, 1 << 60])
def test_pictures_in_files_are_decoded_by_other_processes_in_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch, ample: int
) -> None:
    monkeypatch.setattr(batches, "_AMPLE", ample)
    monkeypatch.setattr(batches, "_workers", lambda _: 2)
    found, expected = read(open_images(folder)), read(open_images(PIXELS))
    assert [batch.stop for batch in found] == [6, 12, 18, 20]
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one.tensor, other.tensor)
        assert isinstance(one.pixels, np.ndarray) == (ample > 0)
        assert one.indices == other.indices
        np.testing.assert_array_equal(np.stack(one.thumbnails), np.stack(other.thumbnails))


def test_the_processes_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_workers", lambda _: 2)
    sample = ImageSet("told", tuple(map(str, range(20))), partial(_process, PIXELS), "", in_files=True)
    pids = {int.from_bytes(bytes(batch.thumbnails[0][:4, 0].ravel()), "little") for batch in read(sample, 5)}
    assert len(pids) == 2
    assert os.getpid() not in pids
    here = {
        int.from_bytes(bytes(batch.thumbnails[0][:4, 0].ravel()), "little")
        for batch in read(replace(sample, in_files=False), 5)
    }
    assert here == {os.getpid()}


def test_an_unreadable_picture_is_told_of_also_from_another_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_workers", lambda _: 2)
    (folder / "07.png").write_bytes(b"\x89PNG\r\n")
    found = read(open_images(folder))
    assert [batch.indices for batch in found[:2]] == [(0, 1, 2, 3, 4, 5), (6, 8, 9, 10, 11)]
    ((name, reason),) = found[1].skipped
    assert name == "07.png"
    assert "07.png" in reason
    assert len(found[1].tensor) == 5


def test_some_batches_only() -> None:
    assert [batch.indices[0] for batch in read(open_images(PIXELS), 6, range(1, 3))] == [6, 12]
    assert read(open_images(PIXELS), 6, range(2, 2)) == []


@pytest.mark.parametrize(
    ("cores", "ranks", "n_batches", "expected"),
    [(8, 1, 100, 8), (64, 1, 100, 16), (8, 4, 9, 2), (8, 1, 3, 3), (8, 1, 1, 0), (2, 8, 9, 1)],
)
def test_as_many_processes_as_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, ranks: int, n_batches: int, expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(ranks))
    assert batches._workers(n_batches) == expected


# Names by pixels, and the cache


def digests(pictures: NDArray[Any], size: int, folder: Path) -> list[str]:
    return [batch.digest for batch in read(open_images(pictures, layout="HWC"), size, cache=RowCache(folder))]


def test_the_digest_depends_on_the_pixels_and_their_shape_only(folder: Path, tmp_path: Path) -> None:
    expected = digests(PIXELS, 6, tmp_path)
    assert len(set(expected)) == 4
    assert [batch.digest for batch in read(open_images(folder), 6, cache=RowCache(tmp_path))] == expected
    changed = PIXELS.copy()
    changed[7, 3, 3, 1] ^= 1
    assert [a == b for a, b in zip(digests(changed, 6, tmp_path), expected, strict=True)] == [True, False, True, True]
    assert digests(PIXELS.reshape(20, 4, 16, 3), 6, tmp_path) != expected
    swapped = PIXELS[[1, 0, *range(2, 20)]]
    assert digests(swapped, 6, tmp_path)[0] != expected[0]
    assert {batch.digest for batch in read(open_images(PIXELS))} == {""}


def test_known_rows_come_instead_of_pixels(tmp_path: Path) -> None:
    cache = RowCache(tmp_path)
    first, second, *_ = read(open_images(PIXELS), cache=cache)
    rows = np.full((6, 10), 0.1, np.float32)
    cache.keep(second.digest, KnownRows(rows, "float32"))
    again = read(open_images(PIXELS), cache=cache)
    assert [batch.known is None for batch in again] == [True, False, True, True]
    assert [batch.pixels is None for batch in again] == [False, True, False, False]
    assert again[1].known is not None
    np.testing.assert_array_equal(again[1].known.rows, rows)
    assert again[0].digest == first.digest
