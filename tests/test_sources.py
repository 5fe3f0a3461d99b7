"""Every kind of source gives the same pictures for the same pixels, and says what is wrong where it can't."""

from __future__ import annotations

import gzip
import io
import multiprocessing
import os
import random
import re
import stat
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    default_collate,
    random_split,
)

import isexplore as ix
from isexplore.images import archives, open_images, open_interruptibly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

N = 37
DIGITS = np.stack([ix.demo.real().read(i) for i in range(N)])  # (37, 8, 8, 1), not a whole number of batches
RGB = np.repeat(DIGITS, 3, axis=3)
LABELS = (ix.demo.real().labels or ())[:N]
FLOATS = torch.from_numpy(RGB).permute(0, 3, 1, 2) / 255


def png(picture: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture.squeeze()).save(stream, "PNG")
    return stream.getvalue()


FILES = {f"img{i}.png": png(picture) for i, picture in enumerate(RGB)}
SHUFFLED = {f"img{i}.png": FILES[f"img{i}.png"] for i in np.random.default_rng(0).permutation(N)}  # as a disk has them


def write_zip(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    mode: Any = {".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2"}.get(path.suffix, "w")
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            add(archive, name, content)
    return path


def add(archive: tarfile.TarFile, name: str, content: bytes = b"", **fields: Any) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for field, value in fields.items():
        setattr(member, field, value)
    archive.addfile(member, io.BytesIO(content))


def write_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def write_array(path: Path, **arrays: Any) -> Path:
    if path.suffix == ".npy":
        np.save(path, arrays["arr_0"])
    else:
        np.savez(path, **arrays)
    return path


class Pictures(Dataset[Any]):
    """A dataset as people write them: `make(i)` is item i."""

    def __init__(self, make: Callable[[int], Any], count: int = N) -> None:
        self.make, self.count = make, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return self.make(index)


class Stream(IterableDataset[Any]):
    """The same, one after the other; workers share the items."""

    def __init__(self, make: Callable[[int], Any], count: int = N) -> None:
        self.make, self.count = make, count

    def __iter__(self) -> Iterator[Any]:
        return map(self.make, range(self.count))


def pillow(index: int) -> Image.Image:
    return Image.fromarray(RGB[index])


def labelled(index: int) -> tuple[Image.Image, int]:
    return pillow(index), int(LABELS[index])


def as_dict(index: int) -> dict[str, Any]:
    return {"label": int(LABELS[index]), "image": FLOATS[index]}


def as_list(batch: list[Any]) -> list[Any]:
    return batch


def transposed(batch: list[Any]) -> tuple[Any, ...]:
    return tuple(zip(*batch, strict=True))


def drawing() -> Callable[[int], Any]:
    """Draw the digits one after the other: a generator with a state of its own."""
    done = iter(range(N))
    return lambda batch: FLOATS[[next(done) for _ in range(batch)]]


tensors = TensorDataset(FLOATS, torch.tensor(LABELS))

SOURCES: dict[str, Callable[[Path], Any]] = {
    "folder": lambda path: write_folder(path / "set", FILES),
    "zip": lambda path: write_zip(path / "set.zip", SHUFFLED),
    "stored zip": lambda path: write_zip(path / "set.ZIP", SHUFFLED, zipfile.ZIP_STORED),
    "tar": lambda path: write_tar(path / "set.tar", SHUFFLED),
    "tar.gz": lambda path: write_tar(path / "set.tar.gz", SHUFFLED),
    "tgz": lambda path: write_tar(path / "set.tgz", SHUFFLED),
    "tar.xz": lambda path: write_tar(path / "set.tar.xz", SHUFFLED),
    "tar.bz2": lambda path: write_tar(path / "set.tar.bz2", SHUFFLED),
    "npz": lambda path: write_array(path / "set.npz", arr_0=RGB, arr_1=np.array(LABELS)),
    "npy": lambda path: write_array(path / "set.npy", arr_0=RGB),
    "array": lambda _: RGB,
    "gray array": lambda _: DIGITS,
    "float array": lambda _: RGB / 255,
    "tensor": lambda _: torch.from_numpy(RGB),
    "float tensor": lambda _: FLOATS * 2 - 1,
    "list of Pillow images": lambda _: [pillow(i) for i in range(N)],
    "list of arrays": lambda _: [DIGITS[i, ..., 0] for i in range(N)],
    "TensorDataset": lambda _: tensors,
    "dataset of Pillow images": lambda _: Pictures(pillow),
    "dataset with labels": lambda _: Pictures(labelled),
    "dataset of dicts": lambda _: Pictures(as_dict),
    "dataset of gray tensors": lambda _: Pictures(lambda i: FLOATS[i, 0]),
    "dataset of uint8 tensors": lambda _: Pictures(lambda i: torch.from_numpy(RGB[i]).movedim(-1, 0)),
    "Subset": lambda _: Subset(ConcatDataset([tensors, tensors]), range(N, 2 * N)),
    "loader": lambda _: DataLoader(TensorDataset(FLOATS), batch_size=5),
    "loader of gray pictures": lambda _: DataLoader(TensorDataset(FLOATS[:, 0]), batch_size=3),
    "loader with labels": lambda _: DataLoader(tensors, batch_size=64),
    "loader of single pictures": lambda _: DataLoader(tensors),
    "loader of tensors": lambda _: DataLoader(FLOATS, batch_size=3),  # type: ignore[arg-type] # it has items
    "loader of dicts": lambda _: DataLoader(Pictures(as_dict), batch_size=8),
    "loader with workers": lambda _: DataLoader(tensors, batch_size=4, num_workers=2),
    "loader of lists": lambda _: DataLoader(Pictures(pillow), batch_size=6, collate_fn=as_list),
    "loader of lists of pairs": lambda _: DataLoader(Pictures(labelled), batch_size=6, collate_fn=as_list),
    "loader of pairs of lists": lambda _: DataLoader(Pictures(labelled), batch_size=6, collate_fn=transposed),
    "generator": lambda _: drawing(),
    "generator of Pillow images": lambda _: lambda batch: [pillow(i) for i in range(batch)],
    "generator with labels": lambda _: lambda batch: (RGB[:batch], LABELS[:batch]),
    "generator of gray pictures": lambda _: lambda batch: (DIGITS[:batch, ..., 0], np.array(LABELS[:batch])),
    "stream": lambda _: Stream(labelled),
    "loader of a stream": lambda _: DataLoader(Stream(as_dict), batch_size=10),
    "loader without batches": lambda _: DataLoader(Stream(lambda i: FLOATS[i]), batch_size=None),
    "loader of ready batches": lambda _: DataLoader(
        Stream(lambda i: (FLOATS[4 * i : 4 * i + 4], LABELS[4 * i : 4 * i + 4]), 10), batch_size=None
    ),
    "batch sampler": lambda _: DataLoader(tensors, batch_sampler=[[*range(20)], [*range(20, N)]]),
}
KEEPS_LABELS = {"npz", "TensorDataset", "Subset", "loader with labels", "loader of single pictures"} | {
    "loader with workers",
}
NEED_N = ("generator", "stream", "loader of a stream", "loader without", "loader of ready", "batch sampler")


def open_kind(kind: str, folder: Path) -> ix.ImageSet:
    return open_images(SOURCES[kind](folder), n=N if kind.startswith(NEED_N) else None)


@pytest.fixture(scope="module")
def expected() -> NDArray[np.float32]:
    return ix.predict(RGB, "digits", device="cpu", progress=False).probabilities


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_same_predictions(kind: str, tmp_path: Path, expected: NDArray[np.float32]) -> None:
    images = open_kind(kind, tmp_path)
    for i in range(N):
        np.testing.assert_array_equal(np.broadcast_to(images.read(i), (8, 8, 3)), RGB[i])
    assert images.labels == (LABELS if kind in KEEPS_LABELS else None)
    assert images.description.startswith("37 images")
    images = open_kind(kind, tmp_path)
    predictions = ix.predict(images, "digits", device="cpu", progress=False)
    np.testing.assert_array_equal(predictions.probabilities, expected)


@pytest.mark.parametrize("kind", [kind for kind in SOURCES if kind != "generator"])  # which keeps a state of its own
def test_any_order_of_reading(kind: str, tmp_path: Path) -> None:
    if "workers" in kind:
        pytest.skip("starts them again each time")
    images = open_kind(kind, tmp_path)
    for i in (5, 4, 36, 0, 17, 17, 36, 35):
        np.testing.assert_array_equal(np.broadcast_to(images.read(i), (8, 8, 3)), RGB[i])


# --- labels


def test_labels_of_sub_folders(tmp_path: Path) -> None:
    files = {
        f"{'cat' if i % 2 else 'dog'}/{'old/' if i % 3 else ''}{name}": png(RGB[0]) for i, name in enumerate(FILES)
    }
    below = {f"train/{name}": content for name, content in files.items()}
    for place, names in (
        (write_folder(tmp_path / "set", files), files),
        (write_folder(tmp_path / "deep", below), below),
        (write_zip(tmp_path / "set.zip", below), below),
        (write_tar(tmp_path / "set.tar", files), files),
        (write_tar(tmp_path / "set.tgz", {f"./{name}": content for name, content in files.items()}), files),
    ):
        images = open_images(place)
        assert set(images.image_names) == set(names)
        assert images.labels == tuple("cat" if "cat/" in name else "dog" for name in images.image_names)


@pytest.mark.parametrize("names", [("a/1.png", "a/2.png"), ("a/1.png", "2.png"), ("1.png",), ("a/b/1.png", "a/2.png")])
def test_no_labels_where_pictures_are_not_all_in_sub_folders(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert open_images(write_folder(tmp_path, dict.fromkeys(names, png(RGB[0])))).labels is None


@pytest.mark.parametrize("name", ["arr_1", "labels", "label", "y"])
def test_labels_of_an_npz(tmp_path: Path, name: str) -> None:
    for values, labels in (
        (np.arange(N), tuple(range(N))),
        (np.array([str(i) for i in range(N)]), tuple(map(str, range(N)))),
        (np.arange(N) / 2, None),
        (np.arange(N + 1), None),
        (np.full(N, None), None),
    ):
        assert open_images(write_array(tmp_path / "x.npz", arr_0=RGB, **{name: values})).labels == labels


def test_labels_of_datasets() -> None:
    dataset = Pictures(pillow)
    for attribute in ("targets", "labels"):
        for values in (list(LABELS), np.array(LABELS), torch.tensor(LABELS)):
            setattr(dataset, attribute, values)
            assert open_images(dataset).labels == LABELS
        setattr(dataset, attribute, torch.zeros(N, 2))
        assert open_images(dataset).labels is None
    dataset.labels = LABELS  # type: ignore[attr-defined] # as torchvision's datasets have it
    dataset.classes = [f"a {digit}" for digit in range(10)]  # type: ignore[attr-defined] # likewise
    assert open_images(dataset).labels == tuple(f"a {digit}" for digit in LABELS)
    one, other = random_split(dataset, [30, 7], torch.Generator().manual_seed(0))
    assert open_images(one).labels == tuple(f"a {LABELS[i]}" for i in one.indices)
    np.testing.assert_array_equal(open_images(other).read(3), RGB[other.indices[3]])
    assert open_images(ConcatDataset([one, Pictures(pillow)])).labels is None


def loaders(**options: Any) -> ix.ImageSet:
    images = open_images(DataLoader(tensors, **options), n=N)
    whole(images)  # so that workers end
    return images


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 4, "shuffle": True},
        {"sampler": SubsetRandomSampler(range(N))},
        {"batch_sampler": BatchSampler(RandomSampler(range(N)), 4, drop_last=False)},
        {"batch_size": 4, "num_workers": 2, "in_order": False},
    ],
)
def test_a_shuffling_loader_says_so_and_has_no_labels(options: dict[str, Any]) -> None:
    images = loaders(**options)
    assert images.shuffled
    assert images.labels is None
    assert images.description.endswith(", shuffled: in another order each time, labels not kept")


def test_other_sources_are_not_shuffled() -> None:
    for images in (loaders(batch_size=4), loaders(batch_sampler=[range(N)]), open_images(RGB), open_images(tensors)):
        assert not images.shuffled
        assert "shuffled" not in images.description


def by_label(batch: list[Any]) -> Any:
    return default_collate(sorted(batch, key=lambda item: -int(item[1])))


def test_labels_are_not_those_of_the_dataset_where_a_loader_collates_in_its_own_way() -> None:
    images = loaders(batch_size=4, collate_fn=by_label)
    assert images.labels is None
    assert images.description.endswith(", labels not kept")


NOT_KEPT: dict[str, Any] = {
    "dataset of pairs": lambda: Pictures(labelled),
    "dataset of dicts": lambda: Pictures(as_dict),
    "list of pairs": lambda: [(RGB[0], np.int64(3))],
    "dataset of tensors": lambda: Pictures(lambda i: (FLOATS[i], torch.tensor(3))),
    "dataset of names": lambda: Pictures(lambda i: (FLOATS[i], "cat")),
    "stream": lambda: Stream(labelled),
    "loader of a stream": lambda: DataLoader(Stream(as_dict), batch_size=10),
    "loader of lists of pairs": lambda: DataLoader(Pictures(labelled), batch_size=6, collate_fn=as_list),
    "loader of pairs of lists": lambda: DataLoader(Pictures(labelled), batch_size=6, collate_fn=transposed),
    "loader without batches": lambda: DataLoader(Stream(labelled), batch_size=None, collate_fn=as_list),
    "generator": lambda: lambda batch: (RGB[:batch], LABELS[:batch]),
}
NONE_THERE: dict[str, Any] = {
    "Pillow images": lambda: [pillow(0), pillow(1)],
    "dataset of arrays": lambda: Pictures(RGB.__getitem__),
    "dataset of pictures and masks": lambda: Pictures(lambda i: (FLOATS[i], FLOATS[i, 0] > 0)),
    "dataset of pictures and weights": lambda: Pictures(lambda i: (FLOATS[i], torch.tensor([0.5]))),
    "dataset of dicts": lambda: Pictures(lambda i: {"image": FLOATS[i], "caption": "a"}),
    "loader": lambda: DataLoader(TensorDataset(FLOATS), batch_size=5),
    "loader of lists": lambda: DataLoader(Pictures(pillow), batch_size=6, collate_fn=as_list),
    "stream": lambda: Stream(pillow),
    "generator": lambda: lambda batch: RGB[:batch],
    "kept": lambda: tensors,
    "kept by a loader": lambda: DataLoader(tensors, batch_size=4),
}


@pytest.mark.parametrize(("sources", "lost"), [(NOT_KEPT, True), (NONE_THERE, False)])
def test_labels_that_are_not_kept_are_mentioned(sources: dict[str, Any], lost: bool) -> None:  # noqa: FBT001
    for kind, make in sources.items():
        needs_n = kind.startswith(("stream", "loader of a stream", "loader without", "generator"))
        images = open_images(make(), n=7 if needs_n else None)
        assert images.description.endswith(", labels not kept") == lost, kind
        assert (images.labels is None) == (not kind.startswith("kept"))


def test_a_loader_that_drops_its_last_batch() -> None:
    images = open_images(DataLoader(tensors, batch_size=8, drop_last=True))
    assert (len(images), images.labels) == (32, LABELS[:32])
    np.testing.assert_array_equal(images.read(31), RGB[31])


# --- datasets and streams: what they may hand out


def test_sizes_and_modes_may_differ() -> None:
    deep = Image.fromarray((np.arange(30, dtype=np.uint16) * 2259).reshape(5, 6))
    turned = Image.new("RGB", (6, 5))
    turned.getexif()[274] = 6
    pictures = [Image.new("CMYK", (2, 3)), Image.new("LA", (4, 5), (9, 0)), deep, turned, np.zeros((3, 7, 9), np.uint8)]
    images = open_images(pictures)
    assert images.description == "5 images, first is 2×3 RGB"
    assert [images.read(i).shape for i in range(5)] == [(3, 2, 3), (5, 4, 3), (5, 6, 3), (6, 5, 3), (7, 9, 3)]
    np.testing.assert_array_equal(images.read(2)[..., 0], np.round(np.arange(30) * 2259 / 257).reshape(5, 6))
    assert turned.size == (6, 5)  # it is left as it is


def test_the_layout_is_that_of_the_first_picture() -> None:
    pictures = [np.zeros((3, 5, 6), np.uint8), np.zeros((3, 4, 3), np.uint8)]
    assert open_images(pictures).read(1).shape == (4, 3, 3)
    with pytest.raises(ValueError, match=r'list: .* state layout="HWC" or layout="CHW"'):
        open_images(pictures[::-1])
    assert open_images(pictures[::-1], layout="CHW").read(0).shape == (4, 3, 3)


def test_the_range_of_floats_is_told_by_the_first_pictures() -> None:
    floats = [np.full((3, 5, 6), 0.1 * i - 1, np.float32) for i in range(21)]
    images = open_images(floats)
    assert images.description == "21 images, first is 6×5 RGB, float32, range −1–1 (inferred from the first 16)"
    assert (images.read(0).max(), images.read(20).min()) == (0, 255)
    with pytest.raises(RuntimeError, match=r"image 0016 has values from -0.5 .* that the first images have: state"):
        open_images([np.ones((3, 5, 6))] * 16 + [np.full((3, 5, 6), -0.5)]).read(16)
    with pytest.raises(RuntimeError, match=r"image 0001 is float64 and the first are not: state value_range"):
        open_images([np.zeros((3, 5, 6), np.uint8), np.zeros((3, 5, 6))]).read(1)
    with pytest.raises(ValueError, match=r"list: values from -3 to 3 don't tell"):
        open_images([np.full((3, 5, 6), 3.0), np.full((3, 5, 6), -3.0)])
    stated = open_images([np.full((3, 5, 6), 16.0), np.full((3, 5, 6), 17.0)], value_range=(0, 16))
    assert stated.description.endswith("float64, range 0–16")
    assert stated.read(0).max() == 255
    with pytest.raises(RuntimeError, match=r"image 0001 has values from 17 to 17, .* 0–16 that was stated"):
        stated.read(1)


def test_values_a_little_outside_the_range_are_clipped() -> None:
    floats = [np.linspace(0, 1, 30).reshape(5, 6)] * 16 + [np.full((5, 6), value) for value in (1.005, -0.005, 1.015)]
    images = open_images(floats)
    assert (images.read(16).min(), images.read(17).max()) == (255, 0)
    with pytest.raises(RuntimeError, match=r"image 0018 has values from 1.015"):
        images.read(18)


def test_a_stated_range_holds_for_uint8_and_not_for_pillow() -> None:
    assert open_images([np.full((5, 6), 16, np.uint8)], value_range=(0, 16)).read(0).max() == 255
    with pytest.raises(ValueError, match="describe arrays"):
        open_images([pillow(0)], value_range=(0, 16))
    with pytest.raises(ValueError, match="describe arrays"):
        open_images(Pictures(pillow), layout="CHW")


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("a.png", "a str is no picture"),
        (None, "None is no picture"),
        ((3, pillow(0)), "a int is no picture"),
        ({"caption": "a", "label": 3}, "a dict with caption, label has none of image, img"),
        (np.zeros(784), r"shape \(784,\) is no picture"),
        (np.zeros((2, 3, 8, 8)), r"shape \(2, 3, 8, 8\) is no picture"),
        (np.zeros((5, 6, 7)), "no axis of channels"),
        (np.zeros((3, 0, 8)), "holds no pixels"),
        (np.full((5, 6), np.nan), "NaN"),
        (np.zeros((5, 6), complex), "are no pixels"),
        (torch.zeros(3, 5, 6).to_sparse(), "no pixels"),
        (Image.new("F", (5, 6)), "32-bit pixels"),
    ],
)
def test_items_that_are_no_pictures_are_explained(item: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"list: .*{message}"):
        open_images([item])
    images = open_images([np.zeros((5, 6), np.float32), pillow(0), pillow(1)])
    broken = [np.zeros((5, 6), np.float32), *[pillow(0)] * 16, item]
    with pytest.raises(ValueError, match=f"image 0017 can't be read: .*{message}"):
        open_images(broken).read(17)
    assert len(images) == 3


def test_a_broken_item_is_skipped() -> None:
    def make(index: int) -> Any:
        if index % 10 == 5:
            raise OSError("the disk is gone")
        return pillow(index)

    with pytest.warns(UserWarning, match="4 of 37 images skipped: image 0005 can't be read: the disk is gone"):
        predictions = ix.predict(Pictures(make), "digits", device="cpu", progress=False)
    assert len(predictions) == 33


def broken_at(*bad: int, make: Callable[[int], Any]) -> Pictures:
    def item(index: int) -> Any:
        if index in bad:
            raise OSError("the disk is gone")
        return make(index)

    return Pictures(item)


def test_the_first_items_may_be_broken() -> None:
    images = open_images(broken_at(0, 1, make=pillow))
    assert images.description == "37 images, first is 8×8 RGB"
    np.testing.assert_array_equal(images.read(2), RGB[2])
    for bad in ((0,), (3, 4), (15,)):
        images = open_images(broken_at(*bad, make=lambda i: (FLOATS[i],)))
        assert images.description.endswith(f"float32, range 0–1 (inferred from the first {16 - len(bad)})")
        np.testing.assert_array_equal(images.read(16), RGB[16])
        with pytest.raises(ValueError, match="can't be read: the disk is gone"):
            images.read(bad[0])
    holed = FLOATS.clone()
    holed[[0, 5], 0, 0, 0] = torch.nan
    images = open_images(TensorDataset(holed))
    np.testing.assert_array_equal(images.read(1), RGB[1])
    with pytest.raises(ValueError, match="image 0005 can't be read: it holds NaN"):
        images.read(5)
    cut_off = Image.open(io.BytesIO(FILES["img0.png"][:-30]))
    np.testing.assert_array_equal(open_images([cut_off, pillow(1)]).read(1), RGB[1])
    with pytest.raises(ValueError, match="Pictures: image 0000 can't be read: the disk is gone"):
        open_images(broken_at(*range(16), make=pillow))


def test_datasets_are_read_lazily() -> None:
    seen: list[int] = []

    def make(index: int) -> Any:
        seen.append(index)
        return pillow(index % N)

    images = open_images(Pictures(make, 10**5))
    assert seen == [0]
    images.read(99_999)
    assert seen == [0, 99_999]


def test_empty_sources() -> None:
    sources: tuple[Any, ...] = ([], Pictures(pillow, 0), DataLoader(TensorDataset(FLOATS[:0])))
    for source in sources:
        with pytest.raises(ValueError, match="is empty"):
            open_images(source)


def test_a_stream_that_ends_early() -> None:
    images = open_images(Stream(pillow), n=40)
    assert images.read(36).shape == (8, 8, 3)
    with pytest.raises(RuntimeError, match="Stream ended after 37 of 40 images: state n=37"):
        images.read(37)
    with pytest.raises(RuntimeError, match="Stream ended after 37 of 40"):
        ix.predict(images, "digits", device="cpu", progress=False)
    with pytest.raises(RuntimeError, match="Stream ended after 0 of 3"):
        open_images(Stream(pillow, 0), n=3)


def test_a_stream_that_fails() -> None:
    def make(index: int) -> Any:
        return FLOATS[index] if index < 20 else FLOATS[index, 0, :5]

    images = open_images(DataLoader(Stream(make), batch_size=8), n=N)
    with pytest.raises(RuntimeError, match="DataLoader failed at image 16 of 37: stack expects each tensor"):
        images.read(16)


def test_the_number_of_images_of_a_stream() -> None:
    assert len(open_images(Stream(pillow), n=7)) == 7
    assert len(open_images(DataLoader(tensors, batch_size=4), n=7)) == 7
    with pytest.raises(ValueError, match=r"Stream does not know how many images it has: state n"):
        open_images(Stream(pillow))
    with pytest.raises(ValueError, match="DataLoader has 37 images, fewer than n=38"):
        open_images(DataLoader(tensors), n=38)
    with pytest.raises(ValueError, match="seed is for generators"):
        open_images(Stream(pillow), n=7, seed=1)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_the_workers_of_a_loader_end_with_its_last_picture() -> None:
    images = open_images(DataLoader(tensors, batch_size=8, num_workers=2))
    assert len(multiprocessing.active_children()) == 2
    for i in range(N):
        images.read(i)
    assert not multiprocessing.active_children()


def test_a_loader_is_read_once() -> None:
    starts = []

    class Counted(Stream):
        def __iter__(self) -> Iterator[Any]:
            starts.append(1)
            return super().__iter__()

    images = open_images(DataLoader(Counted(as_dict), batch_size=8), n=N)
    for i in range(N):
        images.read(i)
    assert len(starts) == 1


# --- generators


class Generator(torch.nn.Module):
    """A little of what people train, and what its `forward` was called with."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, 3 * 5 * 6), torch.nn.BatchNorm1d(90), torch.nn.Tanh())
        self.layers[1].eval()  # modes differ, and have to be put back
        self.calls: list[tuple[torch.Tensor, torch.Tensor | None]] = []
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        assert not self.training
        assert not torch.is_grad_enabled()
        self.calls.append((z, y))
        noise = torch.rand(len(z), 1)
        made: torch.Tensor = self.layers(z.flatten(1)) * (0.5 + 0.5 * noise)
        return made.reshape(-1, 3, 5, 6)


def whole(images: ix.ImageSet) -> NDArray[np.uint8]:
    return np.stack([images.read(i) for i in range(len(images))])


@pytest.mark.parametrize("attribute", ["latent_dim", "z_dim", "nz"])
def test_a_module_draws_from_latents(attribute: str) -> None:
    module = Generator(**{attribute: 4})
    images = open_images(module, n=150)
    assert images.description == (
        "150 images, first is 6×5 RGB, float32, range −1–1 (inferred from the first 64), drawn with seed 0"
    )
    pictures = whole(images)
    z = torch.cat([call[0] for call in module.calls])
    assert [tuple(call[0].shape) for call in module.calls] == [(64, 4), (64, 4), (22, 4)]
    assert abs(float(z.mean())) < 4 / 600**0.5  # standard normal, of 600 values
    assert abs(float(z.var()) - 1) < 4 * (2 / 600) ** 0.5
    assert len(z.unique(dim=0)) == 150
    assert module.training
    assert module.layers.training
    assert not module.layers[1].training
    assert len(np.unique(pictures, axis=0)) == 150
    np.testing.assert_array_equal(whole(open_images(module, n=150)), pictures)
    for n in (100, 67):  # 67 leaves a batch so small that torch.randn would draw it in another way
        np.testing.assert_array_equal(whole(open_images(module, n=n)), pictures[:n])
    assert (whole(open_images(module, n=150, seed=1)) != pictures).any(axis=(1, 2, 3)).all()
    assert images.labels is None


def test_noise_in_a_module_is_not_that_of_its_latents() -> None:
    class Noisy(Generator):
        def forward(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
            assert (torch.randn(z.shape) != z).all()
            return super().forward(z, y)

    open_images(Noisy(latent_dim=4), n=64)


def test_latents_of_any_shape_and_type() -> None:
    module = Generator(latent_shape=(4, 1, 1))
    open_images(module, n=2)
    assert module.calls[0][0].shape == (2, 4, 1, 1)
    double = Generator(latent_dim=4).double()
    assert open_images(double, n=2).description.startswith("2 images, first is 6×5 RGB, float64")
    torch.testing.assert_close(double.calls[0][0].float(), module.calls[0][0].flatten(1), rtol=0, atol=0)


@pytest.mark.parametrize("attribute", ["num_classes", "n_classes"])
def test_a_class_conditional_module_goes_round_its_classes(attribute: str) -> None:
    module = Generator(latent_dim=4, **{attribute: 10})
    images = open_images(module, n=100)
    whole(images)
    assert images.labels == tuple(range(10)) * 10
    assert torch.cat([call[1] for call in module.calls if call[1] is not None]).tolist() == list(images.labels)


def test_a_module_that_does_not_say_its_latents() -> None:
    with pytest.raises(ValueError, match=r"Generator does not say .* generator.latent_dim = 128 .* pass a function"):
        open_images(Generator(), n=5)


def noise(batch: int) -> Any:
    pictures = np.stack([torch.rand(6, 5).numpy(), np.random.rand(6, 5), np.full((6, 5), random.random())], axis=-1)  # noqa: NPY002, S311 - as people do
    return np.repeat(pictures[None], batch, axis=0) * np.linspace(0.5, 1, batch).reshape(-1, 1, 1, 1)


def states() -> tuple[Any, ...]:
    return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index] # noqa: NPY002 - as above


def test_image_i_is_the_same_whenever_it_is_read() -> None:
    before = states()
    images = open_images(noise, n=200)
    assert images.name == "noise"
    pictures = whole(images)
    for i in (199, 0, 70, 64, 63):
        np.testing.assert_array_equal(images.read(i), pictures[i])
    assert (pictures[0] != pictures[64]).any(axis=(0, 1)).all()  # each of the three states
    assert (whole(open_images(noise, n=64, seed=1))[0] != pictures[0]).any(axis=(0, 1)).all()
    assert states() == before


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda batch: RGB[: batch - 1], "generator was asked for 5 images and returned 4"),
        (lambda batch: [pillow(0)] * (batch + 1), "generator was asked for 5 images and returned 6"),
        (lambda _: None, "asked for 5 images: None is no batch of pictures"),
        (lambda _: np.zeros((5, 784)), r"asked for 5 images: shape \(5, 784\) is no batch of pictures"),
        (lambda _: 1 / 0, "generator failed to draw images 0 to 4: division by zero"),
    ],
)
def test_a_generator_that_returns_something_else(returned: Callable[[int], Any], message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        open_images(returned, n=5)


@pytest.mark.parametrize(
    ("later", "message"),
    [
        (np.full((36, 5, 6, 3), np.nan), "image 0064 can't be read: it holds NaN"),
        (np.full((36, 5, 6, 3), -1.0), "image 0064 has values from -1 to -1, outside the range 0–1"),
        (np.zeros((36, 5, 6, 2)), "image 0064 can't be read: .* has 2 channels"),
        (np.zeros((35, 5, 6, 3)), "noted was asked for 36 images and returned 35"),
    ],
)
def test_a_generator_that_breaks_later_ends_the_run(later: NDArray[Any], message: str) -> None:
    def noted(batch: int) -> Any:
        return np.zeros((64, 5, 6, 3)) if batch == 64 else later

    images = open_images(noted, n=100)
    images.read(63)
    with pytest.raises(RuntimeError, match=message):
        images.read(64)


def test_random_states_are_put_back_after_an_error() -> None:
    def broken(batch: int) -> Any:
        noise(batch)
        raise ValueError("too bad")

    before = states()
    with pytest.raises(RuntimeError, match="too bad"):
        open_images(broken, n=5)
    assert states() == before


def test_the_seed_for_a_later_start_of_cuda_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_initialized():
        pytest.skip("CUDA runs already")
    seeds: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)
    torch.manual_seed(1234)
    open_images(noise, n=5)
    assert len(seeds) == 3
    assert seeds[0] == seeds[-1] == 1234 != seeds[1]


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "7"])
def test_n_is_a_whole_number(n: Any) -> None:
    for source in (noise, Stream(pillow)):
        with pytest.raises(ValueError, match=f"n is a whole number from 1, not {n!r}"):
            open_images(source, n=n)


def test_n_and_seed_are_for_generators(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"state how many images to draw from the generator, as in .*n=50_000"):
        open_images(noise)
    with pytest.raises(ValueError, match="seed is a whole number from 0, not -1"):
        open_images(noise, n=5, seed=-1)
    for source in (RGB, write_zip(tmp_path / "x.zip", FILES), Pictures(pillow), open_images(RGB)):
        with pytest.raises(ValueError, match="n says how many images to take from a generator or a stream"):
            open_images(source, n=5)
        with pytest.raises(ValueError, match="seed is for generators"):
            open_images(source, seed=5)


def test_a_class_is_no_source() -> None:
    with pytest.raises(TypeError, match="not from the class Pictures: make one of it first"):
        open_images(Pictures)


# --- archives


def test_the_description_of_an_archive(tmp_path: Path) -> None:
    files = {**FILES, "img100.jpg": FILES["img0.png"], "notes.txt": b"", ".hidden.png": b"", "__MACOSX/._img0.png": b""}
    for path in (write_zip(tmp_path / "set.zip", files), write_tar(tmp_path / "set.tar.gz", files)):
        images = open_images(path)
        expected = f"{path.name}: 38 images (.png 37, .jpg 1), first is 8×8 RGB, 1 other file ignored"
        assert repr(images) == expected
        assert images.image_names == (*(f"img{i}.png" for i in range(N)), "img100.jpg")
        assert images.in_files


def test_archives_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is opened for writing, wherever it may be."""
    paths = [
        write_zip(tmp_path / "a.zip", FILES),
        write_tar(tmp_path / "a.tar", FILES),
        write_tar(tmp_path / "a.tgz", FILES),
    ]
    written: list[Any] = []

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and listening and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            written.append(arguments)

    listening = True
    sys.addaudithook(note)
    monkeypatch.chdir(tmp_path)
    for path in paths:
        images = open_images(path)
        images.read(3)
    listening = False
    assert written == []
    assert sorted(tmp_path.iterdir()) == sorted(paths)


UNSAFE = ["../evil.png", "/etc/evil.png", "a/../../evil.png", "C:\\evil.png", "..\\evil.png"]


def test_names_that_lead_out_of_an_archive_are_counted(tmp_path: Path) -> None:
    files = {"cats\\a.png": FILES["img0.png"], **dict.fromkeys(UNSAFE, FILES["img0.png"])}
    for path in (write_zip(tmp_path / "set.zip", files), write_tar(tmp_path / "set.tar", files)):
        images = open_images(path)
        assert images.image_names == ("cats/a.png",)
        assert images.description.endswith("first is 8×8 RGB, 5 unsafe names ignored")


def test_a_colon_in_a_name_is_not_unsafe(tmp_path: Path) -> None:
    files = {"a:1.png": FILES["img0.png"], "b/12:30.png": FILES["img1.png"]}
    for path in (write_zip(tmp_path / "set.zip", files), write_tar(tmp_path / "set.tar", files)):
        assert set(open_images(path).image_names) == set(files)


def test_links_and_devices_in_a_tar_are_counted(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        add(archive, "real.png", FILES["img0.png"])
        add(archive, "folder.png", type=tarfile.DIRTYPE)
        add(archive, "hard.png", type=tarfile.LNKTYPE, linkname="real.png")
        add(archive, "soft.png", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add(archive, "pipe.png", type=tarfile.FIFOTYPE)
        add(archive, "device.png", type=tarfile.CHRTYPE)
        add(archive, "sparse.png", FILES["img0.png"], type=tarfile.GNUTYPE_SPARSE)
    images = open_images(tmp_path / "set.tar")
    assert images.image_names == ("real.png",)
    assert images.description.endswith("5 link or special files ignored")


def test_links_in_a_zip_are_counted(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("real.png", FILES["img0.png"])
        archive.mkdir("folder.png")
        link = zipfile.ZipInfo("soft.png")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    images = open_images(tmp_path / "set.zip")
    assert images.image_names == ("real.png",)
    assert images.description.endswith("1 link or special file ignored")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_repeated_names_the_last_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for i in range(3):
            archive.writestr("a.png", png(RGB[i]))
    for name in ("set.tar", "set.tgz"):
        with tarfile.open(tmp_path / name, "w:gz" if "gz" in name else "w") as archived:
            for i in range(3):
                add(archived, "./a.png", png(RGB[i]))
    for name in ("set.zip", "set.tar", "set.tgz"):
        images = open_images(tmp_path / name)
        assert images.description.endswith("2 repeated names ignored")
        np.testing.assert_array_equal(images.read(0), RGB[2])


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz"])
def test_a_broken_picture_in_an_archive_is_named(tmp_path: Path, ending: str) -> None:
    files = {
        "a/cut.png": FILES["img0.png"][:-30],
        "a/empty.png": b"",
        "a/fine.png": FILES["img1.png"],
        "a/page.png": b"<",
    }
    write = write_zip if ending == "zip" else write_tar
    images = open_images(write(tmp_path / f"set.{ending}", files))
    assert "first can't be read" in images.description
    for i, name in ((0, "cut"), (1, "empty"), (3, "page")):
        with pytest.raises(ValueError, match=f"a/{name}.png can't be read: .+") as caught:
            images.read(i)
        assert str(tmp_path) not in str(caught.value)
    np.testing.assert_array_equal(images.read(2), RGB[1])


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    content = bytearray(write_zip(tmp_path / "x.zip", FILES).read_bytes())
    for entry in re.finditer(rb"PK\x01\x02", bytes(content)):
        content[entry.start() + 8] |= 1  # the flag in the central directory
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(ValueError, match=r"x.zip is encrypted: unpack it with its password"):
        open_images(tmp_path / "x.zip")


def test_a_picture_that_claims_to_be_huge_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_MOST_BYTES", 1 << 20)
    files = {"a.png": FILES["img0.png"], "bomb.png": bytes(2 << 20)}
    for path in (write_zip(tmp_path / "x.zip", files), write_tar(tmp_path / "x.tar", files)):
        images = open_images(path)
        images.read(0)
        with pytest.raises(ValueError, match=r"bomb.png can't be read: it claims 2,097,152 bytes"):
            images.read(1)
    with pytest.raises(ValueError, match=r"x.tgz can't be read: it claims 2,097,152 bytes"):
        open_images(write_tar(tmp_path / "x.tgz", files))


def test_a_tar_that_unpacks_to_far_more_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_SLACK_BYTES", 1 << 16)
    path = write_tar(tmp_path / "x.tgz", {"a.png": FILES["img0.png"], "zeros.bin": bytes(10 << 20), "b.png": b""})
    with pytest.raises(ValueError, match=r"x.tgz claims 10,485,760 bytes for a member: it may be a bomb"):
        open_images(path)


def raw_tar(path: Path, *members: bytes) -> Path:
    picture = tarfile.TarInfo("a.png")
    picture.size = len(FILES["img0.png"])
    content = picture.tobuf() + FILES["img0.png"] + bytes(-picture.size % 512) + b"".join(members) + bytes(10240)
    path.write_bytes(gzip.compress(content) if path.suffix == ".tgz" else content)
    return path


@pytest.mark.parametrize("ending", ["tar", "tgz"])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_tar_with_a_negative_size_is_refused(tmp_path: Path, ending: str, kind: bytes) -> None:
    """By its size tarfile would go back to what it has read, for ever."""
    member = tarfile.TarInfo("b.png")
    form: Any = tarfile.PAX_FORMAT if kind == tarfile.XHDTYPE else tarfile.GNU_FORMAT
    if form == tarfile.PAX_FORMAT:
        member.pax_headers = {"size": "-1024"}
    else:
        member.type, member.size = kind, -1024
    calls = iter(range(100))

    def check() -> None:
        next(calls)

    path = raw_tar(tmp_path / f"x.{ending}", member.tobuf(form))
    with pytest.raises(ValueError, match=f"x.{ending} can't be read: it claims -1,024 bytes for a member"):
        open_interruptibly(path, None, None, None, check)


@pytest.mark.parametrize("ending", ["tar", "tgz"])
@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_tar_with_a_huge_header_is_refused_before_it_is_read(tmp_path: Path, ending: str, kind: bytes) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = kind, 2 << 20
    path = raw_tar(tmp_path / f"x.{ending}", header.tobuf(), bytes(2 << 20))
    with pytest.raises(ValueError, match=f"x.{ending} can't be read: it has a name or header of 2,097,152 bytes"):
        open_images(path)


def test_a_huge_header_at_the_start_of_a_tar_is_not_read(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 1 << 24
    (tmp_path / "x.tar").write_bytes(header.tobuf() + bytes(header.size))
    tracemalloc.start()
    with pytest.raises(ValueError, match="it has a name or header of 16,777,216 bytes"):
        open_images(tmp_path / "x.tar")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 23


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_in_a_tar(tmp_path: Path, form: int) -> None:
    name = "/".join(["cat" * 30] * 20) + "/é.png"
    with tarfile.open(tmp_path / "x.tar", "w", format=form) as archive:
        add(archive, name, FILES["img0.png"])
    assert open_images(tmp_path / "x.tar").image_names == (name,)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="tarfile reads it")
def test_zstandard_says_which_python_it_needs(tmp_path: Path) -> None:
    (tmp_path / "x.tar.zst").write_bytes(b"\x28\xb5\x2f\xfd")
    with pytest.raises(ValueError, match=r"x.tar.zst can't be read before Python 3.14: unpack it"):
        open_images(tmp_path / "x.tar.zst")


def test_a_compressed_tar_that_does_not_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "available_memory", lambda: 100)
    with pytest.raises(ValueError, match=r"x.tgz can't be read: its pictures don't fit into memory.*uncompress it"):
        open_images(write_tar(tmp_path / "x.tgz", FILES))
    assert len(open_images(write_tar(tmp_path / "x.tar", FILES))) == N


def test_an_archive_of_an_array_says_what_to_do(tmp_path: Path) -> None:
    files = {"samples/samples.npz": b"", "readme.txt": b""}
    for path in (write_zip(tmp_path / "x.zip", files), write_tar(tmp_path / "x.tar", files)):
        with pytest.raises(
            ValueError, match=r"no images in .*x\.\w+, but samples/samples.npz: unpack that and open it"
        ):
            open_images(path)


def test_archives_without_pictures(tmp_path: Path) -> None:
    for path in (write_zip(tmp_path / "x.zip", {"a.txt": b""}), write_tar(tmp_path / "x.tar", {"a.txt": b""})):
        with pytest.raises(ValueError, match=r"no images in .* \(1 other file ignored\): it takes \.bmp"):
            open_images(path)
    for path in (write_zip(tmp_path / "y.zip", {}), write_tar(tmp_path / "y.tar", {})):
        with pytest.raises(ValueError, match=r"no images in .*: it takes \.bmp"):
            open_images(path)


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def torn(content: bytes) -> bytes:
    """Break the header of a member in the middle, where tarfile would take it for the end."""
    middle = content.index(b"img", len(content) // 2)
    return content[:middle] + b"\xff" * 200 + content[middle + 200 :]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("x.zip", cut),
        ("x.tar", cut),
        ("x.tar", torn),
        ("x.tar.gz", cut),
        ("x.tar.xz", cut),
        *((name, lambda _: b"") for name in ("x.zip", "x.tar", "x.tgz")),
        *((name, lambda _: b"hello " * 200) for name in ("x.zip", "x.tar", "x.tar.xz")),
    ],
)
def test_damaged_archives_are_one_clear_error(tmp_path: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    write: Any = write_zip if name.endswith("zip") else write_tar
    path = write(tmp_path / name, FILES)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=f"{name} can't be read: .+") as caught:
        open_images(path)
    assert "\n" not in str(caught.value)


@given(st.data())
def test_archives_with_any_bytes_changed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["fuzz.zip", "fuzz.tar", "fuzz.tgz"]))
    write: Any = write_zip if name.endswith("zip") else write_tar
    path = write(tmp_path_factory.getbasetemp() / name, dict(list(FILES.items())[:3]))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        images = open_images(path)
    except ValueError as error:
        assert "fuzz." in str(error)  # noqa: PT017 - most damage is no error here
        return
    for i, picture in enumerate(images.image_names):
        try:
            images.read(i)
        except ValueError as error:
            assert picture in str(error)  # noqa: PT017 - as above


def test_looking_through_an_archive_ends_at_any_member(tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    for path in (write_zip(tmp_path / "x.zip", FILES), write_tar(tmp_path / "x.tar", FILES)):
        for number in (1, 5, N):
            calls: list[int] = []

            def check(number: int = number, calls: list[int] = calls) -> None:
                calls.append(number)
                if len(calls) == number:
                    raise StopError

            with pytest.raises(StopError):
                open_interruptibly(path, None, None, None, check)


def read_all(images: ix.ImageSet, times: int) -> bytes:
    return b"".join(images.read(i).tobytes() for _ in range(times) for i in range(len(images)))


def send_all(images: ix.ImageSet, times: int, results: Any) -> None:
    try:
        results.put(read_all(images, times))
    except Exception as error:  # noqa: BLE001 - the parent says what it was
        results.put(repr(error))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tgz"])
def test_forked_processes_read_at_the_same_time(tmp_path: Path, name: str) -> None:
    write: Any = write_zip if name.endswith("zip") else write_tar
    images = open_images(write(tmp_path / name, SHUFFLED))
    images.read(5)  # so that there is something open to share
    context = multiprocessing.get_context("fork")
    results = [context.Queue() for _ in range(2)]
    processes = [context.Process(target=send_all, args=(images, 30, result), daemon=True) for result in results]
    for process in processes:
        process.start()
    here = read_all(images, 30)
    there = [result.get(timeout=60) for result in results]
    for process in processes:
        process.join()
    assert there == [here, here]
    assert here == RGB.tobytes() * 30


def test_archives_work_in_new_processes(tmp_path: Path) -> None:
    """Where processes are not forked, what reads is pickled."""
    import pickle

    for path in (
        write_zip(tmp_path / "x.zip", FILES),
        write_tar(tmp_path / "x.tar", FILES),
        write_folder(tmp_path, FILES),
    ):
        images = open_images(path)
        images.read(0)
        np.testing.assert_array_equal(whole(pickle.loads(pickle.dumps(images))), RGB)  # noqa: S301 - our own


# --- Hugging Face


@pytest.fixture
def hugging_face() -> Any:
    return pytest.importorskip("datasets")


def hf(library: Any, **columns: Any) -> Any:
    features = library.Features(
        {"caption": library.Value("string"), "picture": library.Image(), "digit": library.ClassLabel(num_classes=10)}
    )
    data = {"caption": ["a"] * N, "picture": [pillow(i) for i in range(N)], "digit": list(LABELS)}
    return library.Dataset.from_dict(data | columns, features=features)


def test_hugging_face_datasets(hugging_face: Any) -> None:
    dataset = hf(hugging_face)
    for source in (dataset, dataset.with_format("numpy"), dataset.with_format("torch")):
        images = open_images(source)
        assert images.labels == tuple(map(str, LABELS))
        np.testing.assert_array_equal(whole(images), RGB)
    unlabelled = open_images(hf(hugging_face, digit=[-1] * N))
    assert unlabelled.labels == (-1,) * N
    with pytest.raises(ValueError, match=r"has the splits train, test: choose one, as in dataset\['train'\]"):
        open_images(hugging_face.DatasetDict(train=dataset, test=dataset))


def test_of_two_columns_of_labels_the_first_is_taken(hugging_face: Any) -> None:
    """A set of their names has another order in another process."""
    columns = {"image": [pillow(0)], "labels": [2], "label": [1]}
    for order in (("image", "labels", "label"), ("label", "labels", "image")):
        dataset = hugging_face.Dataset.from_dict({name: columns[name] for name in order})
        assert open_images(dataset).labels == (1,)
    several = open_images(hugging_face.Dataset.from_dict({"image": [pillow(0)], "label": [[1, 2]]}))
    assert several.labels is None
    assert several.description.endswith(", labels not kept")


def test_hugging_face_streams(hugging_face: Any) -> None:
    stream = hf(hugging_face).to_iterable_dataset()
    assert open_images(stream, n=N).description.endswith(", labels not kept")
    assert not open_images(stream.select_columns(["picture"]), n=N).description.endswith(", labels not kept")
    np.testing.assert_array_equal(whole(open_images(stream, n=N)), RGB)
    with pytest.raises(ValueError, match="does not know how many"):
        open_images(stream)


def test_a_transformed_hugging_face_dataset(hugging_face: Any) -> None:
    dataset = hf(hugging_face).with_transform(
        lambda batch: {"pixel_values": [torch.from_numpy(np.asarray(picture) / 255) for picture in batch["picture"]]}
    )
    np.testing.assert_array_equal(whole(open_images(dataset)), RGB)


# --- lightness


def test_opening_files_imports_neither_torch_nor_datasets(tmp_path: Path) -> None:
    write_zip(tmp_path / "x.zip", FILES)
    code = (
        "import sys; from isexplore.images import open_images; open_images(sys.argv[1]).read(0);"
        "assert not {'torch', 'datasets', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.zip")], check=True, cwd=Path(__file__).parents[1])  # noqa: S603 - our own
