"""Predictions that grow on disk: the file does not depend on how the images were cut, and memory stays flat."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tracemalloc
from dataclasses import dataclass, replace
from itertools import pairwise
from shutil import rmtree
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isexplore.predictions import Predictions, Provenance, load
from isexplore.predictions.assembly import Shard, assemble, reasons

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

PROVENANCE = Provenance("samples", classifier="mine", versions={"numpy": "2"}, weights_sha256="ab12")


@dataclass(frozen=True, eq=False)
class Image:
    """One image of a run: its row, or None where it could not be read."""

    name: str
    label: int | str | None
    row: NDArray[np.float32] | None
    thumbnail: NDArray[np.uint8]


def an_image(number: int, shape: tuple[int, ...] = (4, 4, 1), c: int = 3, label: int | str | None = None) -> Image:
    rng = np.random.default_rng(number)
    row = rng.dirichlet(np.ones(c)).astype(np.float32)
    return Image(f"{number}.png", label, row, rng.integers(0, 256, shape, dtype=np.uint8))


def labels_of(images: Sequence[Image]) -> list[int | str] | None:
    return [image.label for image in images if image.label is not None] or None


def append(shard: Shard, images: Sequence[Image], c: int = 3) -> None:
    good = [image for image in images if image.row is not None]
    shard.append(
        np.array([image.row for image in good], np.float32).reshape(-1, c),
        [image.thumbnail for image in good],
        [image.name for image in good],
        labels_of(good),
        [(image.name, "broken") for image in images if image.row is None],
    )


def shard_of(folder: Path, *batches: Sequence[Image], c: int = 3) -> Path:
    with Shard(folder) as shard:
        for batch in batches:
            append(shard, batch, c)
    return folder


def assembled(folders: Sequence[Path], out: Path, class_names: Sequence[str] | None, made: Provenance) -> Predictions:
    assemble(folders, out, class_names, made)
    return load(out)


def in_a_box(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pad all to one size, half of what is missing before each and the rest behind, gray to colour first."""
    channels = max(picture.shape[2] for picture in pictures)
    pictures = [np.repeat(p, channels, axis=2) if p.shape[2] < channels else p for p in pictures]
    missing = [np.max([p.shape for p in pictures], axis=0) - p.shape for p in pictures]
    return np.stack(
        [np.pad(p, [(m // 2, m - m // 2) for m in some]) for p, some in zip(pictures, missing, strict=True)]
    )


def at_once(images: Sequence[Image], class_names: Sequence[str] | None = None) -> Predictions:
    good = [image for image in images if image.row is not None]
    return Predictions.from_probabilities(
        np.stack([image.row for image in good if image.row is not None]),
        class_names,
        [image.name for image in good],
        in_a_box([image.thumbnail for image in good]),
        labels_of(good),
    ).described(replace(PROVENANCE, skipped=tuple((image.name, "broken") for image in images if image.row is None)))


@st.composite
def runs(draw: st.DrawFn) -> list[Image]:
    names = draw(st.lists(st.text(), min_size=1, max_size=8))
    label = draw(st.sampled_from([st.none(), st.integers(), st.text()]))
    side, channels = st.integers(1, 64), st.sampled_from([1, 3])
    images = []
    for number, name in enumerate(names):
        image = an_image(number, (draw(side), draw(side), draw(channels)), label=draw(label))
        images.append(replace(image, name=name, row=image.row if draw(st.integers(0, 3)) or not number else None))
    return images


@given(images=runs(), data=st.data())
@settings(deadline=None, max_examples=50)  # each writes several files
def test_the_file_is_the_same_however_the_images_were_cut(
    tmp_path_factory: pytest.TempPathFactory, images: list[Image], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    cuts = st.lists(st.integers(0, len(images)), max_size=5).map(lambda inner: [0, *sorted(inner), len(images)])
    edges, ends = data.draw(cuts), data.draw(cuts)  # of batches, and of shards
    shards: list[Path] = []
    for begin, end in pairwise(ends):
        inner = [begin, *(edge for edge in edges if begin <= edge <= end), end]
        batches = [images[a:b] for a, b in pairwise(inner)]
        shards.append(shard_of(folder / str(len(shards)), *batches))
    predictions = assembled(shards, folder / "cut", None, PROVENANCE)
    at_once(images).save(folder / "whole")
    assert (folder / "cut").read_bytes() == (folder / "whole").read_bytes()
    assert isinstance(predictions.probabilities, np.memmap)
    del predictions  # some systems do not delete what is mapped
    rmtree(folder)


def test_many_thumbnails_of_many_sizes(tmp_path: Path) -> None:
    images = [an_image(i, (1 + i % 64, 1 + (7 * i) % 64, 1 + 2 * (i % 5 == 0)), label=i % 3) for i in range(700)]
    predictions = assembled(
        [shard_of(tmp_path / "s", images[:600], images[600:])], tmp_path / "p", ["a", "b", "c"], PROVENANCE
    )
    expected = at_once(images, ["a", "b", "c"])
    assert predictions.thumbnails is not None
    assert predictions.thumbnails.shape == (700, 64, 64, 3)
    np.testing.assert_array_equal(predictions.thumbnails, expected.thumbnails)
    np.testing.assert_array_equal(predictions.probabilities, expected.probabilities)
    assert (predictions.image_names, predictions.labels) == (expected.image_names, expected.labels)


WRITER = """
import sys
from pathlib import Path
import numpy as np
from isexplore.predictions.assembly import Shard
first = int(sys.argv[2])
with Shard(Path(sys.argv[1])) as shard:
    for i in range(first, first + 10, 2):
        rows = np.eye(20, dtype=np.float32)[i : i + 2]
        shard.append(rows, [np.full((2, 2, 1), i, np.uint8)] * 2, [str(i), str(i + 1)], None, [])
"""


def test_shards_of_several_processes(tmp_path: Path) -> None:
    folders = [tmp_path / str(i) for i in range(2)]
    commands = [[sys.executable, "-c", WRITER, str(folder), str(10 * i)] for i, folder in enumerate(folders)]
    writers = [subprocess.Popen(command) for command in commands]  # noqa: S603 - this Python, and the text above
    assert [writer.wait(60) for writer in writers] == [0, 0]
    predictions = assembled(folders, tmp_path / "p", None, PROVENANCE)
    assert predictions.image_names == tuple(map(str, range(20)))
    np.testing.assert_array_equal(predictions.probabilities, np.eye(20))
    assert predictions.thumbnails is not None
    assert predictions.thumbnails[:, 0, 0, 0].tolist() == [i - i % 2 for i in range(20)]


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a file that is mapped can't be deleted")
def test_a_file_can_be_deleted_while_its_predictions_are_in_use(tmp_path: Path) -> None:
    images = [an_image(i) for i in range(50)]
    predictions = assembled([shard_of(tmp_path / "s", images)], tmp_path / "p", None, PROVENANCE)
    (tmp_path / "p").unlink()
    rmtree(tmp_path / "s")
    np.testing.assert_array_equal(predictions.probabilities, at_once(images).probabilities)
    predictions.save(tmp_path / "again")
    assert len(load(tmp_path / "again")) == 50


@pytest.mark.parametrize("cut", [1, 10])
def test_memory_is_flat_however_many_rows_there_are(tmp_path: Path, cut: int) -> None:
    rows = np.full((250, 1000), 1e-3, np.float32)
    features, digests = np.ones((250, 2048), np.float16), np.ones((250, 16), np.uint8)
    pictures = [np.zeros((64, 64, 3), np.uint8)] * 249 + [np.zeros((64, 64, 1), np.uint8)]
    tracemalloc.start()
    folders = [tmp_path / str(i) for i in range(cut)]
    for folder in folders:
        with Shard(folder) as shard:
            for _ in range(40 // cut):
                shard.append(rows, pictures, ["a"] * 250, None, [], embeddings=features, digests=digests)
    predictions = assembled(folders, tmp_path / "p", None, PROVENANCE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert predictions.probabilities.nbytes == 40_000_000
    assert predictions.thumbnails is not None
    assert predictions.thumbnails.nbytes == 122_880_000
    assert predictions.embeddings is not None
    assert predictions.embeddings.nbytes == 40_960_000
    assert predictions.digests is not None
    assert predictions.digests.shape == (10_000, 16)
    assert peak < 12_000_000


# --- what is missing


def interrupted(shard: Shard) -> None:
    append(shard, [an_image(1), an_image(2)])
    raise KeyboardInterrupt


def test_a_run_without_a_readable_image_says_why(tmp_path: Path) -> None:
    broken = [replace(an_image(i), row=None) for i in range(5)]
    shards = [shard_of(tmp_path / "0", broken[:2]), shard_of(tmp_path / "1"), shard_of(tmp_path / "2", [], broken[2:])]
    complaint = "none of the 5 images of samples could be read: 0.png: broken; 1.png: broken; 2.png: broken; and 2 more"
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}$"):
        assembled(shards, tmp_path / "p", None, PROVENANCE)
    with pytest.raises(ValueError, match=r"^samples has no images$"):
        assembled([tmp_path / "1"], tmp_path / "p", None, PROVENANCE)
    assert not (tmp_path / "p").exists()


def test_shards_and_batches_without_images_do_not_matter(tmp_path: Path) -> None:
    broken = replace(an_image(9), row=None)
    shards = [
        shard_of(tmp_path / "0", [broken]),
        shard_of(tmp_path / "1"),
        shard_of(tmp_path / "2", [], [an_image(1), broken], []),
    ]
    predictions = assembled(shards, tmp_path / "p", None, replace(PROVENANCE, skipped=(("8.png", "lost"),)))
    assert predictions.image_names == ("1.png",)
    assert predictions.provenance.skipped == (("8.png", "lost"), ("9.png", "broken"), ("9.png", "broken"))


def test_shards_that_do_not_fit_together(tmp_path: Path) -> None:
    three = shard_of(tmp_path / "3", [an_image(0)])
    four = shard_of(tmp_path / "4", [an_image(0, c=4)], c=4)
    labelled = shard_of(tmp_path / "labelled", [an_image(1, label="cat")])
    numbered = shard_of(tmp_path / "numbered", [an_image(1, label=7)])
    for shards, class_names, complaint in [
        ([three, four], None, f"{three} has rows of 3 numbers an image, but {four} of 4"),
        ([three], ["a", "b"], "class_names must be 3 names, one for each, not 2"),
        ([three, labelled], None, "1 of 2 images have labels: give all of them labels, or none"),
        ([labelled, numbered], None, "labels must be all integers or all strings, not 'cat'"),
    ]:
        with pytest.raises(ValueError, match=re.escape(complaint)):
            assembled(shards, tmp_path / "p", class_names, PROVENANCE)
    assert not (tmp_path / "p").exists()


def test_a_shard_is_refused_until_it_is_complete(tmp_path: Path) -> None:
    shard = Shard(tmp_path / "s")
    append(shard, [an_image(0)])
    with pytest.raises(ValueError, match=r"s is not complete: the process that writes it has not ended"):
        assembled([tmp_path / "s"], tmp_path / "p", None, PROVENANCE)
    shard.close()
    shard.close()
    assert len(assembled([tmp_path / "s"], tmp_path / "p", None, PROVENANCE)) == 1
    with pytest.raises(KeyboardInterrupt), Shard(tmp_path / "s") as again:  # replaces the one before
        interrupted(again)
    for folder in (tmp_path / "s", tmp_path / "nowhere"):
        with pytest.raises(ValueError, match="is not complete"):
            assembled([folder], tmp_path / "p", None, PROVENANCE)
    assert len(load(tmp_path / "p")) == 1


@pytest.mark.parametrize("file", ["rows.f32", "thumbnails.u8", "embeddings.f16", "digests.u8"])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_damaged_shard_is_named(tmp_path: Path, file: str, change: int) -> None:
    folder = tmp_path / "s"
    with Shard(folder) as shard:
        shard.append(ROW, [PICTURE], ["a"], None, [], embeddings=EMBEDDING, digests=DIGEST)
    os.truncate(folder / file, (folder / file).stat().st_size + change)
    with pytest.raises(ValueError, match=rf"s is damaged: {file} has \d+ bytes, not \d+"):
        assembled([folder], tmp_path / "p", None, PROVENANCE)


def test_a_disk_that_is_full_is_named(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    whole = shard_of(tmp_path / "whole", [an_image(i, (64, 64, 3)) for i in range(9)])
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match=r"cannot write predictions to .*s: "), Shard(tmp_path / "s") as shard:
            append(shard, [an_image(i, (64, 64, 3)) for i in range(9)])
        with pytest.raises(OSError, match=r"cannot save .*p: "):
            assembled([whole], tmp_path / "p", None, PROVENANCE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s", "whole"]


ROW = np.full((1, 4), 0.25, np.float32)
PICTURE = np.zeros((2, 2, 1), np.uint8)


@pytest.mark.parametrize(
    ("batch", "complaint"),
    [
        ((ROW, [PICTURE], ["a", "b"], None), "1 rows came with 2 names and 1 thumbnails"),
        ((ROW, [], ["a"], None), "1 rows came with 1 names and 0 thumbnails"),
        ((ROW, [PICTURE], ["a"], [1, 2]), "labels must be 1 integers or strings"),
        ((ROW, [PICTURE], ["a"], [1.5]), "labels must be all integers or all strings, not 1.5"),
        ((ROW[:, :3], [PICTURE], ["a"], None), "rows of 3 numbers an image came after rows of 4"),
        ((ROW, [PICTURE[..., 0]], ["a"], None), "the thumbnail of a must be .* not uint8 of shape \\(2, 2\\)"),
        ((ROW, [np.zeros((65, 2, 1), np.uint8)], ["a"], None), "the thumbnail of a must be"),
        ((ROW, [np.zeros((2, 0, 1), np.uint8)], ["a"], None), "the thumbnail of a must be"),
        ((ROW, [np.zeros((2, 2, 4), np.uint8)], ["a"], None), "the thumbnail of a must be"),
        ((ROW, [np.zeros((2, 2, 1), np.float32)], ["a"], None), "the thumbnail of a must be .* not float32"),
    ],
)
def test_a_batch_that_is_refused_leaves_the_shard_as_it_was(
    tmp_path: Path, batch: tuple[Any, Any, Any, Any], complaint: str
) -> None:
    with Shard(tmp_path / "s") as shard:
        shard.append(ROW, [PICTURE], ["first"], ["x"], [])
        with pytest.raises(ValueError, match=complaint):
            shard.append(*batch, [])
        shard.append(ROW, [PICTURE], ["last"], ["y"], [])
    predictions = assembled([tmp_path / "s"], tmp_path / "p", None, PROVENANCE)
    assert (predictions.image_names, predictions.labels) == (("first", "last"), ("x", "y"))


EMBEDDING, DIGEST = np.ones((1, 5), np.float16), np.ones((1, 16), np.uint8)


@pytest.mark.parametrize(
    ("beside", "complaint"),
    [
        (
            {"embeddings": EMBEDDING[:, :4], "digests": DIGEST},
            "embeddings of 4 numbers an image came after embeddings of 5",
        ),
        ({"digests": DIGEST}, "embeddings of 0 numbers an image came after embeddings of 5"),
        ({"embeddings": EMBEDDING}, "digests of 0 numbers an image came after digests of 16"),
        (
            {"embeddings": np.ones((2, 5), np.float16), "digests": DIGEST},
            r"1 images came with embeddings of shape \(2, 5\)",
        ),
        ({"embeddings": EMBEDDING[0], "digests": DIGEST}, r"1 images came with embeddings of shape \(5,\)"),
    ],
)
def test_all_images_have_embeddings_and_digests_or_none(tmp_path: Path, beside: Any, complaint: str) -> None:
    good: Any = {"embeddings": EMBEDDING, "digests": DIGEST}
    with Shard(tmp_path / "s") as shard:
        shard.append(ROW, [PICTURE], ["first"], None, [], **good)
        with pytest.raises(ValueError, match=complaint):
            shard.append(ROW, [PICTURE], ["a"], None, [], **beside)
        shard.append(ROW[:0], [], [], None, [])
        shard.append(ROW, [PICTURE], ["last"], None, [], **good)
    with Shard(tmp_path / "without") as shard:
        shard.append(ROW, [PICTURE], ["a"], None, [], digests=DIGEST)
    found = assembled([tmp_path / "s"], tmp_path / "p", None, PROVENANCE)
    np.testing.assert_array_equal(found.embeddings, np.ones((2, 5)))
    np.testing.assert_array_equal(found.digests, np.ones((2, 16)))
    with pytest.raises(ValueError, match=r"s has embeddings of 5 numbers an image, but .*without of 0"):
        assembled([tmp_path / "s", tmp_path / "without"], tmp_path / "q", None, PROVENANCE)


def test_reasons_are_short() -> None:
    assert reasons([]) == ""
    assert reasons([("a", "gone")]) == "a: gone"
    assert reasons([(str(i), f"{i} is gone") for i in range(5)]) == "0 is gone; 1 is gone; 2 is gone; and 2 more"
