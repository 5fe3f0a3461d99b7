"""Digests of images, and the file and arrays that embeddings and digests are kept in and taken from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from safetensors.numpy import load_file, save_file

import isexplore as ix
from isexplore.classifiers import load_classifier
from isexplore.inference import batches
from isexplore.predictions import Predictions

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)


def predicted(images: Any, **options: Any) -> Predictions:
    return ix.predict(images, "digits", device="cpu", progress=False, **options)


def digests(images: Any) -> NDArray[np.uint8]:
    found = predicted(images, batch_size=7).digests
    assert found is not None
    return found


# Digests


def test_a_digest_is_b2sums_of_shape_and_pixels() -> None:
    """From ``b2sum -l 128`` of coreutils, of a file with the text (2, 2, 1) and the bytes 00 01 fe ff."""
    assert (
        digests(np.array([[[[0], [1]], [[254], [255]]]], np.uint8))[0].tobytes().hex()
        == "59d6ed9ba2c55799ad2c770fb0b534a8"
    )


few_pictures = hnp.array_shapes(min_dims=3, max_dims=3, max_side=3).flatmap(
    lambda shape: hnp.arrays(np.uint8, (4, *shape[:2], 1 if shape[2] < 3 else 3), elements=st.integers(0, 1))
)


@given(few_pictures, few_pictures)
def test_digests_are_equal_where_images_are(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> None:
    pictures = [*one, *other]
    reader = batches._Reader(
        ix.ImageSet("some", tuple(map(str, range(8))), pictures.__getitem__, ""),
        load_classifier("digits").prepare,
        batch_size=8,
        cache=None,
        twice=frozenset(),
        embeddings=False,
        in_flight=0,
    )
    found = reader[0].digests
    for i, a in enumerate(pictures):
        for j, b in enumerate(pictures):
            assert np.array_equal(found[i], found[j]) == (a.shape == b.shape and bool((a == b).all()))


def test_digests_are_of_the_image_as_it_is_read_wherever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two large pictures have one thumbnail; other processes read files; an image that can't be read has no row."""
    monkeypatch.setattr(batches, "_workers", lambda _: 2)
    large = np.zeros((20, 640, 640, 3), np.uint8)
    large[1, 3, 3] = 1
    for i, picture in enumerate(large):
        Image.fromarray(picture).save(tmp_path / f"{i:02}.png")
    (tmp_path / "07.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="1 of 20 images skipped"):
        found = predicted(tmp_path, batch_size=3)
    assert found.thumbnails is not None
    np.testing.assert_array_equal(found.thumbnails[0], found.thumbnails[1])
    np.testing.assert_array_equal(found.digests, np.delete(digests(large), 7, axis=0))
    assert len(np.unique(found.digests, axis=0)) == 2  # type: ignore[arg-type]


# The file


def test_they_are_kept_memory_mapped(tmp_path: Path) -> None:
    first = predicted(PIXELS, embeddings=True, out=tmp_path / "a.safetensors")
    first.save(tmp_path / "b.safetensors")
    assert (tmp_path / "b.safetensors").read_bytes() == (tmp_path / "a.safetensors").read_bytes()
    again = ix.load(tmp_path / "b.safetensors")
    stored = load_file(tmp_path / "b.safetensors")
    for name in ("embeddings", "digests"):
        array = getattr(again, name)
        assert isinstance(array, np.memmap)
        assert str(array.filename) == str(tmp_path / "b.safetensors")
        np.testing.assert_array_equal(array, stored[name])
        np.testing.assert_array_equal(array, getattr(first, name))
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    "convert",
    [
        np.ndarray.tolist,
        np.asfortranarray,
        lambda e: e.astype(np.float16),
        lambda e: e.astype(">f4"),
        lambda e: e.astype(np.longdouble),
        lambda e: torch.from_numpy(e).requires_grad_(),
        lambda e: torch.from_numpy(e).bfloat16(),
    ],
)
def test_embeddings_of_any_floats_are_taken(convert: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isexplore.predictions.parts._BLOCK", 8)
    given = np.arange(-12, 12).reshape(6, 4) * 512.0
    converted = convert(given)
    predictions = Predictions.from_probabilities(np.eye(6), embeddings=converted)
    given[:] = 0  # nothing of it is the caller's to change
    assert predictions.digests is None
    predictions.save(tmp_path / "a.safetensors")
    for array in (predictions.embeddings, ix.load(tmp_path / "a.safetensors").embeddings):
        assert array is not None
        assert array.dtype == np.float16
        np.testing.assert_array_equal(array, np.arange(-12, 12).reshape(6, 4) * 512.0)


def test_a_memory_map_is_not_copied(tmp_path: Path) -> None:
    np.save(tmp_path / "e.npy", np.ones((2, 3), np.float16))
    mapped = np.load(tmp_path / "e.npy", mmap_mode="r")
    assert np.shares_memory(Predictions.from_probabilities(np.eye(2), embeddings=mapped).embeddings, mapped)


GOOD = np.ones((5, 3), np.float16)
BAD: list[tuple[Any, str]] = [
    (GOOD[:4], r"embeddings must be floats of shape \(5, D\), a row for each image; these are .* shape \(4, 3\)"),
    (GOOD[:, :0], r"shape \(5, 0\)"),
    (GOOD[0], r"shape \(3,\)"),
    (GOOD[None], r"shape \(1, 5, 3\)"),
    (np.ones((5, 3), np.int64), "int64"),
    (np.ones((5, 3), complex), "complex128"),
    ([["a"]] * 5, "these are ndarray of <U1"),
    (np.ma.masked_equal(np.eye(5), 0), "MaskedArray"),
]


@pytest.mark.parametrize(("given", "complaint"), BAD)
def test_embeddings_of_another_kind_are_refused(given: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Predictions.from_probabilities(np.eye(5), embeddings=given)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 65520.0, -1e300])
def test_the_first_bad_embedding_is_named(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isexplore.predictions.parts._BLOCK", 6)
    given = np.full((5, 3), 65519.0)  # is rounded down
    given[3:, 1] = value
    with pytest.raises(ValueError, match="embedding of 'd' holds"):
        Predictions.from_probabilities(np.eye(5), image_names=list("abcde"), embeddings=given)


def with_one(value: float) -> NDArray[np.float16]:
    bad = GOOD.copy()
    bad[3, 2] = value
    return bad


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"embeddings": GOOD[:4]}, r"embeddings must be floats of shape \(5, D\)"),
        ({"embeddings": GOOD[0]}, "embeddings must be floats"),
        ({"embeddings": GOOD[:, :0]}, "'embeddings' is empty"),
        ({"embeddings": GOOD.astype(np.float32)}, "its embeddings are float32, not float16"),
        ({"embeddings": GOOD.astype(np.float64)}, "'embeddings' has the unexpected type F64"),
        ({"embeddings": GOOD.view(np.uint8)}, "its embeddings are uint8, not float16"),
        ({"embeddings": with_one(np.nan)}, "the embedding of 'image 3' holds nan"),
        ({"embeddings": with_one(-np.inf)}, "the embedding of 'image 3' holds -inf"),
        ({"digests": np.zeros((4, 16), np.uint8)}, r"digests must be uint8 of shape \(5, 16\)"),
        ({"digests": np.zeros((5, 15), np.uint8)}, r"digests must be uint8 .* shape \(5, 15\)"),
        ({"digests": np.zeros(80, np.uint8)}, r"digests must be uint8 .* shape \(80,\)"),
        ({"digests": np.zeros((5, 16), np.float16)}, "digests must be uint8 .* these are float16"),
    ],
)
def test_hostile_files(changes: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    Predictions.from_probabilities(np.eye(5), embeddings=GOOD).save(path)
    tensors, header = load_file(path), path.read_bytes()
    metadata = json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])["__metadata__"]
    save_file(tensors, path, metadata)
    assert np.array_equal(ix.load(path).embeddings, GOOD)  # type: ignore[arg-type] # they are there
    save_file(tensors | changes, path, metadata)
    with pytest.raises(ValueError, match=f"is not a file of predictions: .*{complaint}"):
        ix.load(path)


def test_files_without_them_are_loaded_as_before(tmp_path: Path) -> None:
    Predictions.from_probabilities(np.eye(5)).save(tmp_path / "a.safetensors")
    assert set(load_file(tmp_path / "a.safetensors")) == {"probabilities", "class_names", "image_names"}
    again = ix.load(tmp_path / "a.safetensors")
    assert (again.embeddings, again.digests) == (None, None)
