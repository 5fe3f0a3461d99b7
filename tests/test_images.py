"""Where images come from: every source, every shape and range, and what damaged or hostile files do."""

from __future__ import annotations

import html
import io
import os
import pickle
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from isexplore.images import arrays as array_images
from isexplore.images import memory, open_images, open_interruptibly, pixels
from isexplore.images.decoding import from_pillow

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

RGB = np.arange(2 * 5 * 6 * 3, dtype=np.uint8).reshape(2, 5, 6, 3)
GRAY = RGB[..., 0]
unhurried = settings(deadline=None)  # a busy machine is no failure


def save(path: Path, size: tuple[int, int] = (6, 5), colour: tuple[int, ...] = (10, 20, 30), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)
    return path


# --- arrays: shapes and layouts


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (GRAY, GRAY[..., None]),
        (GRAY[..., None], GRAY[..., None]),
        (GRAY[:, None], GRAY[..., None]),
        (RGB, RGB),
        (np.moveaxis(RGB, -1, 1), RGB),
        (np.concatenate([RGB, RGB[..., :1] * 0], axis=-1), RGB),
        (np.moveaxis(np.concatenate([RGB, RGB[..., :1] * 0], axis=-1), -1, 1), RGB),
        (np.asfortranarray(RGB), RGB),
        (RGB[::-1], RGB[::-1]),
    ],
)
def test_shapes(array: NDArray[Any], expected: NDArray[Any]) -> None:
    images = open_images(array)
    assert len(images) == 2
    for i, picture in enumerate(expected):
        read = images.read(i)
        np.testing.assert_array_equal(read, picture)
        assert read.dtype == np.uint8
        assert read.flags.c_contiguous
        assert type(read) is np.ndarray


def test_alpha_is_dropped_as_pillow_does() -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (1, 4, 5, 4), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(rgba[0]).convert("RGB"))
    np.testing.assert_array_equal(open_images(rgba, layout="HWC").read(0), expected)


@pytest.mark.parametrize("shape", [(2, 3, 8, 3), (2, 1, 1, 3), (2, 4, 4, 1)])
def test_ambiguous_layout_must_be_stated(shape: tuple[int, ...]) -> None:
    array = np.zeros(shape, np.uint8)
    with pytest.raises(ValueError, match='state layout="HWC" or layout="CHW"'):
        open_images(array)
    assert open_images(array, layout="HWC").read(0).shape == (*shape[1:3], shape[3])
    moved = open_images(array, layout="CHW").read(0)
    assert moved.shape == (shape[2], shape[3], min(shape[1], 3))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((28, 28, 3), "looks like one picture: add an axis with images[None]"),
        ((3, 28, 28), "looks like one picture"),
        ((1, 28, 28), "looks like one picture"),
        ((28, 28, 1), "looks like one picture"),
        ((28, 28, 4), "looks like one picture"),
        ((1000, 10), "is no set of pictures: reshape it; for probabilities, Predictions.from_probabilities"),
        ((7,), "no set of pictures"),
        ((), "no set of pictures"),
        ((2, 2, 2, 2, 3), "no set of pictures"),
        ((5, 8, 8, 2), "no axis of channels"),
        ((0, 8, 8), "holds no pixels"),
        ((5, 0, 8, 3), "holds no pixels"),
    ],
)
def test_other_shapes_are_explained(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        open_images(np.zeros(shape, np.uint8), name="mine")
    assert str(caught.value).startswith("mine: ")


@pytest.mark.parametrize("layout", ["NCHW", "hwc", ""])
def test_unknown_layout(layout: Any) -> None:
    with pytest.raises(ValueError, match='layout is "HWC", "CHW" or None'):
        open_images(RGB, layout=layout)


def test_stated_layout_must_fit() -> None:
    with pytest.raises(ValueError, match="5 channels"):
        open_images(RGB, layout="CHW")


@pytest.mark.parametrize("dtype", [np.complex64, object, "U3", "datetime64[s]", [("r", "u1")]])
def test_types_that_are_no_pixels(dtype: Any) -> None:
    with pytest.raises(ValueError, match="are no pixels"):
        open_images(np.zeros((2, 5, 6), dtype))


# --- arrays: the range of the values


def between(low: float, high: float, dtype: Any = np.float32) -> NDArray[Any]:
    return np.linspace(low, high, 2 * 5 * 6).astype(dtype).reshape(2, 5, 6)


@pytest.mark.parametrize(
    ("array", "text", "first", "last"),
    [
        (between(0, 255, np.uint8), "uint8, 0–255", 0, 255),
        (between(3, 9, np.uint8), "uint8, 0–255", 3, 9),
        (np.ones((2, 5, 6), bool), "bool, 0–1", 255, 255),
        (between(0, 1), "float32, range 0–1 (inferred)", 0, 255),
        (between(0.2, 0.4), "float32, range 0–1 (inferred)", 51, 102),
        (between(0, 1, np.float16), "float16, range 0–1 (inferred)", 0, 255),
        (between(0, 1, ">f8"), ">f8, range 0–1 (inferred)", 0, 255),
        (between(0, 1, np.int64), "int64, range 0–1 (inferred)", 0, 255),
        (between(-1, 1), "float32, range −1–1 (inferred)", 0, 255),
        (between(-0.6, 0.2), "float32, range −1–1 (inferred)", 51, 153),
        (between(0, 255), "float32, range 0–255 (inferred)", 0, 255),
        (between(7, 129, np.int16), "int16, range 0–255 (inferred)", 7, 129),
    ],
)
def test_inferred_range(array: NDArray[Any], text: str, first: int, last: int) -> None:
    images = open_images(array)
    assert images.description == f"2 images, 6×5 gray, {text}"
    assert images.read(0)[0, 0, 0] == first
    assert images.read(1)[-1, -1, 0] == last


@pytest.mark.parametrize(
    ("low", "high"), [(0, 16), (-0.5, 1), (-0.1, 1), (-1, 1.01), (0, 128), (0, 256), (-1.01, 0), (-3, 3), (0, 65535)]
)
def test_ambiguous_range_must_be_stated(low: float, high: float) -> None:
    array = between(low, high, np.float64)
    with pytest.raises(ValueError, match=r"value_range=\(0, 16\)") as caught:
        open_images(array)
    assert f"values from {low:g} to {high:g}" in str(caught.value)
    images = open_images(array, value_range=(low, high))
    assert images.description.endswith(f"float64, range {low:g}–{high:g}".replace("-", "−"))
    assert images.read(0).min() == 0
    assert images.read(1).max() == 255


def test_normalised_values_are_recognised() -> None:
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # those of ImageNet
    with pytest.raises(ValueError, match=r"values from -2.1\d+ to 2.64 don't .*: leave out Normalize, .* or state the"):
        open_images((RGB / RGB.max() - mean) / deviation)
    with pytest.raises(ValueError, match=r"what black and white are: state the"):
        open_images(between(0, 16))


def test_stated_range_rounds_and_clips() -> None:
    array = np.array([-0.1, 0, 1, 8, 15.98, 16.1]).reshape(1, 2, 3, 1)
    read = open_images(array, layout="HWC", value_range=(0, 16)).read(0)
    np.testing.assert_array_equal(read.ravel(), [0, 0, 16, 128, 255, 255])


def test_uint8_and_bool_take_a_stated_range() -> None:
    small = between(0, 16, np.uint8)
    np.testing.assert_array_equal(
        open_images(small, value_range=(0, 16)).read(1), open_images(small / 16, value_range=(0, 1)).read(1)
    )
    assert open_images(np.ones((2, 5, 6), bool), value_range=(0, 2)).read(0).max() == 128


def test_values_outside_the_stated_range_name_the_first_image() -> None:
    array = np.zeros((2000, 8, 8), np.float32)
    array[[1234, 1999], 3, 3] = 17
    with pytest.raises(ValueError, match=r"digits: image 1234 has values from 0 to 17, .*=\(0, 16\)"):
        open_images(array, value_range=(0, 16), name="digits")


@pytest.mark.parametrize("stated", [None, (0, 1)])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_name_the_first_image(
    stated: tuple[float, float] | None, bad: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "_BLOCK_BYTES", 1000)
    array = np.zeros((12000, 8, 8), np.float32)
    array[[9876, 11999], 3, 3] = bad
    with pytest.raises(ValueError, match="array: image 09876 holds NaN or an infinite value"):
        open_images(array, value_range=stated)


@pytest.mark.parametrize("stated", [(1, 0), (0, 0), (0, np.inf), (np.nan, 1), (0,), (0, 1, 2), "ab", 5, (None, 1)])
def test_a_range_that_is_none(stated: Any) -> None:
    with pytest.raises(ValueError, match="value_range is two"):
        open_images(RGB, value_range=stated)


uint8_sets = hnp.arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 6), st.just(5), st.just(3)))


@unhurried
@given(uint8_sets, st.sampled_from([(0, 1), (-1, 1), (0, 255), (0, 16), (-3.5, 7), (0, 65535)]), st.sampled_from("fde"))
def test_round_trip_in_a_stated_range(array: NDArray[np.uint8], stated: tuple[float, float], code: str) -> None:
    low, high = stated
    floats = (array / 255 * (high - low) + low).astype("f" if high > 1000 else code)
    images = open_images(floats, value_range=stated, layout="HWC")
    for i, picture in enumerate(array):
        np.testing.assert_array_equal(images.read(i), picture)


@pytest.mark.parametrize("channels_first", [False, True])
@unhurried
@given(uint8_sets, st.sampled_from([(0, 1), (-1, 1), (0, 255)]), st.sampled_from("fde"))
def test_round_trip_in_an_inferred_range(
    channels_first: bool,  # noqa: FBT001
    array: NDArray[np.uint8],
    expected: tuple[float, float],
    code: str,
) -> None:
    array[0, 0, 0] = [0, 255, 7]  # so that the whole range is there
    low, high = expected
    floats = (array / 255 * (high - low) + low).astype(code)
    images = open_images(
        np.moveaxis(floats, -1, 1) if channels_first else floats, layout="CHW" if channels_first else "HWC"
    )
    for i, picture in enumerate(array):
        np.testing.assert_array_equal(images.read(i), picture)


@unhurried
@given(hnp.arrays(hnp.floating_dtypes(endianness="="), (2, 2, 5), elements={"allow_nan": True}))
def test_any_floats_are_pictures_or_explained(array: NDArray[Any]) -> None:
    try:
        images = open_images(array)
    except ValueError:
        return
    assert images.read(1).shape == (2, 5, 1)


# --- the ImageSet


def test_image_names_of_arrays_are_padded() -> None:
    assert open_images(GRAY).image_names == ("image 0000", "image 0001")
    many = open_images(np.zeros((10001, 1, 2), np.uint8)).image_names
    assert (many[0], many[-1]) == ("image 00000", "image 10000")


def test_an_image_set_passes_through() -> None:
    images = open_images(RGB)
    assert open_images(images) is images
    renamed = open_images(images, name="other")
    assert (renamed.name, renamed.image_names) == ("other", images.image_names)


def test_range_and_layout_are_refused_where_they_mean_nothing(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    for source in (tmp_path, open_images(RGB)):
        with pytest.raises(ValueError, match="describe arrays"):
            open_images(source, value_range=(0, 1))
        with pytest.raises(ValueError, match="describe arrays"):
            open_images(source, layout="HWC")


def test_the_line_for_people() -> None:
    images = open_images(np.zeros((1, 5, 6, 3), np.float32), name="one")
    assert repr(images) == "one: 1 image, 6×5 RGB, float32, range 0–1 (inferred)"
    assert len(images) == 1


def test_html_is_escaped() -> None:
    hostile = "<img src=x onerror=alert(1)>&\"'"
    shown = open_images(RGB, name=hostile)._repr_html_()
    assert "<" not in shown
    assert html.unescape(shown) == f"{hostile}: 2 images, 6×5 RGB, uint8, 0–255"


@pytest.mark.parametrize("source", [None, 3, b"folder", {"a": GRAY}, iter([GRAY[0]])])
def test_other_sources_are_explained(source: Any) -> None:
    with pytest.raises(TypeError, match=f"not from {type(source).__name__}"):
        open_images(source)


def test_reading_does_not_hand_out_the_array() -> None:
    array = RGB.copy()
    open_images(array).read(0)[:] = 0
    np.testing.assert_array_equal(array, RGB)


# --- torch tensors


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64, torch.bfloat16])
def test_float_tensors(dtype: torch.dtype) -> None:
    tensor = torch.linspace(-1, 1, 2 * 3 * 5 * 6).reshape(2, 3, 5, 6).to(dtype).requires_grad_()
    images = open_images(tensor)
    assert (images.name, len(images)) == ("tensor", 2)
    assert images.description == f"2 images, 6×5 RGB, {str(dtype).removeprefix('torch.')}, range −1–1 (inferred)"
    expected = ((tensor.detach().double() + 1) * 127.5 + 0.5).floor().clamp(0, 255).permute(0, 2, 3, 1)
    np.testing.assert_array_equal(images.read(1), expected[1].to(torch.uint8).numpy())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool, torch.uint16])
def test_whole_number_tensors(dtype: torch.dtype) -> None:
    images = open_images(torch.ones(2, 5, 6, dtype=dtype))
    assert images.read(0).max() == (1 if dtype == torch.uint8 else 255)


@pytest.mark.parametrize("make", [lambda t: t.to_sparse(), lambda t: t.to("meta"), lambda t: t.to(torch.complex64)])
def test_tensors_without_pixels(make: Callable[[torch.Tensor], torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="no pixels"):
        open_images(make(torch.ones(2, 5, 6)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", [torch.uint8, torch.bfloat16])
def test_tensors_on_a_gpu(dtype: torch.dtype) -> None:
    np.testing.assert_array_equal(
        open_images(torch.ones(2, 5, 6, dtype=dtype, device="cuda")).read(1),
        open_images(torch.ones(2, 5, 6, dtype=dtype)).read(1),
    )


def test_arrays_and_files_do_not_import_torch(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    code = (
        "import sys, numpy as np; from isexplore.images import open_images;"
        "assert 'PIL' not in sys.modules and 'natsort' not in sys.modules;"
        "open_images(np.zeros((2, 8, 8))).read(0); open_images(sys.argv[1]).read(0);"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=Path(__file__).parents[1])  # noqa: S603


# --- .npy and .npz files


def test_npy_is_memory_mapped(tmp_path: Path) -> None:
    path = tmp_path / "samples.npy"
    np.save(path, between(0, 1))
    images = open_images(path)
    assert repr(images) == "samples.npy: 2 images, 6×5 gray, float32, range 0–1 (inferred)"
    mapped = images.read.args[0]  # type: ignore[attr-defined]
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.owndata
    np.testing.assert_array_equal(images.read(1), open_images(between(0, 1)).read(1))


def test_the_range_is_looked_for_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "_BLOCK_BYTES", 3 * GRAY[0].nbytes)
    array = np.repeat(between(0, 1), 5, axis=0).astype(np.float64)
    assert {len(block) for _, block in pixels._blocks(array)} == {1}
    assert [(start, len(block)) for start, block in pixels._blocks(array.astype(np.uint8))] == [
        (0, 3),
        (3, 3),
        (6, 3),
        (9, 1),
    ]
    assert pixels.find_range(array) == (0, 1)


def test_npz_with_one_set_of_pictures(tmp_path: Path) -> None:
    path = tmp_path / "Samples.NPZ"
    with path.open("wb") as stream:
        np.savez_compressed(stream, labels=np.arange(2), notes=np.array("made by a test"), x=RGB)
    images = open_images(str(path))
    assert repr(images) == "Samples.NPZ: 2 images, 6×5 RGB, uint8, 0–255"
    np.testing.assert_array_equal(images.read(1), RGB[1])


def test_npz_with_several_sets(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", real=RGB, fake=GRAY)
    with pytest.raises(ValueError, match=r"two.npz holds several arrays \(real \(2, 5, 6, 3\), fake .* pass the array"):
        open_images(tmp_path / "two.npz")


def test_npz_without_pictures(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", p=np.ones((7, 2)), y=np.ones(7))
    with pytest.raises(ValueError, match=r"p.npz holds p \(7, 2\), y \(7,\) and no .*Predictions.from_probabilities"):
        open_images(tmp_path / "p.npz")
    np.savez(tmp_path / "nothing.npz")
    with pytest.raises(ValueError, match=r"nothing.npz holds no arrays"):
        open_images(tmp_path / "nothing.npz")


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was run",))


def npy(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def header(shape: str, descr: str = "'|u1'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


OBJECTS = np.full((2, 5, 6), Bomb())
DAMAGED = {
    "empty.npy": b"",
    "pickle.npy": pickle.dumps(Bomb()),
    "objects.npy": npy(OBJECTS),
    "truncated.npy": npy(RGB)[:-1],
    "header.npy": npy(RGB)[:40],
    "zip.npy": zipped(x=npy(RGB)),
    "huge.npy": header("(4294967296, 4294967296, 5)"),
    "overflow.npy": header(f"({2**70}, 5, 5)"),
    "negative.npy": header("(-1, 5, 5)"),
    "code.npy": header("(2, 5, 5)", "__import__('os')"),
    "deep.npy": header("(" * 90),
    "text.npy": b"not an array",
    "empty.npz": b"",
    "npy.npz": npy(RGB),
    "truncated.npz": zipped(x=npy(RGB))[:-30],
    "pickle.npz": zipped(x=pickle.dumps(Bomb())),
    "objects.npz": zipped(x=npy(OBJECTS)),
    "member.npz": zipped(x=npy(RGB)[:-1]),
    "header.npz": zipped(x=npy(RGB)[:40]),
    "huge.npz": zipped(x=header("(4294967296, 4294967296, 5)")),
    "negative.npz": zipped(x=header("(-2, -5, 5)")),
    "flipped.npz": zipped(x=npy(RGB)).replace(RGB.tobytes()[:50], RGB.tobytes()[1:51]),
    "samples.pkl": pickle.dumps(Bomb()),
    "samples.txt": b"hello",
    "samples": npy(RGB),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_and_hostile_files_are_one_clear_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(DAMAGED[name])
    with pytest.raises(ValueError, match=re.escape(name)):
        open_images(tmp_path / name)


@unhurried
@given(st.data())
def test_npy_and_npz_with_any_bytes_changed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    ending = data.draw(st.sampled_from(["npy", "npz"]))
    content = bytearray(npy(RGB) if ending == "npy" else zipped(x=npy(RGB)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / f"fuzz.{ending}"
    path.write_bytes(content)
    try:
        images = open_images(path)
        images.read(len(images) - 1)
    except ValueError as error:
        if "fuzz." not in str(error):
            raise


def test_npz_larger_than_memory_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.npz"
    np.savez_compressed(path, x=RGB)
    monkeypatch.setattr(array_images, "available_memory", lambda: 100)
    monkeypatch.setattr(np.lib.format, "read_array", pytest.fail)
    with pytest.raises(ValueError, match=r"large.npz can't be read: it needs .* of memory .* an .npy file"):
        open_images(path)


def test_available_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    available = memory.available_memory()
    assert available is None or available > 1 << 20
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "")
    total = memory.available_memory()
    assert total is None or available is None or total >= available
    monkeypatch.delattr(os, "sysconf")
    assert memory.available_memory() is None


# --- paths


def test_missing_path_with_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "samples.npz").touch()
    with pytest.raises(FileNotFoundError, match=r"there is no .*sample.npz: did you mean .*samples.npz\?"):
        open_images(tmp_path / "sample.npz")
    for path in (tmp_path / "quite-different", tmp_path / "no" / "where", tmp_path / "samples.npz" / "x"):
        with pytest.raises(FileNotFoundError, match=f"there is no {re.escape(str(path))}$"):
            open_images(path)


@pytest.mark.parametrize("source", ["", "~no-such-user-here/images", "a\0b"])
def test_paths_that_cannot_be(source: str) -> None:
    with pytest.raises(FileNotFoundError):
        open_images(source)


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    save(tmp_path / "set" / "a.png")
    assert open_images("~/set").name == "set"


def test_a_single_picture_asks_for_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one.PNG is one picture: give the folder"):
        open_images(save(tmp_path / "one.PNG"))


# --- folders


def test_folder(tmp_path: Path) -> None:
    for i in (1, 2, 10, 11):
        save(tmp_path / f"b2/img{i}.png")
        save(tmp_path / f"b10/deep/deeper/img{i}.JPG")
    for other in ("notes.txt", "b2/list.csv", "b2/Thumbs.db", ".hidden.png", ".git/a.png", "b2/.cache/b.png"):
        (tmp_path / other).parent.mkdir(exist_ok=True)
        (tmp_path / other).touch()
    images = open_images(tmp_path)
    assert images.image_names == (
        *(f"b2/img{i}.png" for i in (1, 2, 10, 11)),
        *(f"b10/deep/deeper/img{i}.JPG" for i in (1, 2, 10, 11)),
    )
    assert images.name == tmp_path.name
    assert images.description == "8 images (.png 4, .jpg 4), first is 6×5 RGB, 3 other files ignored"
    np.testing.assert_array_equal(images.read(2), np.full((5, 6, 3), [10, 20, 30]))


def test_the_current_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "sub" / "a.png")
    monkeypatch.chdir(tmp_path)
    images = open_images(".")
    assert (images.name, images.image_names) == (tmp_path.name, ("sub/a.png",))
    images = open_images(Path("sub"))
    monkeypatch.chdir("/")
    assert images.read(0).shape == (5, 6, 3)


def test_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no images in .*: it takes .*\.png"):
        open_images(tmp_path)
    (tmp_path / "samples.npy").touch()
    with pytest.raises(ValueError, match="1 other file ignored"):
        open_images(tmp_path)


def test_links(tmp_path: Path) -> None:
    save(tmp_path / "elsewhere" / "one.png")
    folder = tmp_path / "set"
    save(folder / "a" / "two.png")
    (folder / "a" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to(folder / "self")
    (folder / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (folder / "linked again").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (folder / "gone.png").symlink_to(tmp_path / "gone.png")
    (folder / "near.png").symlink_to(tmp_path / "elsewhere" / "one.png")
    images = open_images(folder)
    assert images.image_names == ("a/two.png", "gone.png", "near.png")
    assert images.description.endswith("1 other file ignored, 3 linked folders not followed")
    with pytest.raises(ValueError, match=r"gone.png can't be read"):
        images.read(1)
    (tmp_path / "opened").symlink_to(folder)
    assert len(open_images(tmp_path / "opened")) == 3


class StopError(Exception):
    pass


def stop_at(number: int) -> tuple[Callable[[], None], list[int]]:
    """Return a check that raises the so manieth time, and the list of its calls."""
    calls: list[int] = []

    def check() -> None:
        calls.append(number)
        if len(calls) == number:
            raise StopError

    return check, calls


def test_a_walk_ends_in_any_folder(tmp_path: Path) -> None:
    save(tmp_path / "a" / "b" / "c.png")
    for number in (1, 2, 3):
        check, calls = stop_at(number)
        with pytest.raises(StopError):
            open_interruptibly(tmp_path, None, None, None, check)
        assert len(calls) == number


@pytest.mark.parametrize("stated", [None, (0.0, 1.0)])
def test_a_look_for_the_range_ends_at_any_block(
    tmp_path: Path, stated: tuple[float, float] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "floats.npy", np.zeros((9, 8, 8)))
    monkeypatch.setattr(pixels, "_BLOCK_BYTES", 8 * 64)
    for number in (1, 5, 9):
        check, calls = stop_at(number)
        with pytest.raises(StopError):
            open_interruptibly(tmp_path / "floats.npy", stated, None, None, check)
        assert len(calls) == number


def test_folders_that_cannot_be_opened_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "locked").mkdir()
    scan = os.scandir

    def scandir(path: str) -> Any:
        if Path(path).name == "locked":
            raise PermissionError(path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert open_images(tmp_path).description.endswith("RGB, 1 folder could not be opened")


def test_hostile_names(tmp_path: Path) -> None:
    save(tmp_path / "<script>alert(1)</script" / "<b>.png")
    images = open_images(tmp_path / "<script>alert(1)</script")
    assert images.image_names == ("<b>.png",)
    assert "<" not in images._repr_html_()


@pytest.mark.skipif(sys.platform != "linux", reason="file names are always Unicode here")
def test_names_that_are_no_unicode(tmp_path: Path) -> None:
    save(tmp_path / "a.png").rename(tmp_path / os.fsdecode(b"\xff.png"))
    (tmp_path / os.fsdecode(b"broken\xfe.png")).touch()
    images = open_images(tmp_path)
    assert images.image_names == ("broken\ufffd.png", "\ufffd.png")
    assert images.read(1).shape == (5, 6, 3)
    with pytest.raises(ValueError, match=r"broken\ufffd.png can't be read"):
        images.read(0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ValueError, match=r"pipe.png can't be read"):
        open_images(tmp_path).read(0)


# --- decoding


def read_one(folder: Path) -> NDArray[np.uint8]:
    return open_images(folder).read(0)


@pytest.mark.parametrize(
    ("mode", "ending"),
    [
        *(("CMYK", "jpg"), ("CMYK", "tif"), ("YCbCr", "jpg"), ("YCbCr", "tif"), ("L", "jpg"), ("1", "png")),
        *(("1", "tif"), ("P", "gif"), ("P", "png"), ("LA", "png"), ("RGBA", "png"), ("RGBA", "webp")),
    ],
)
def test_modes_become_rgb_as_in_pillow(tmp_path: Path, mode: str, ending: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8))
    path = tmp_path / f"x.{ending}"
    noise.convert(mode).save(path)
    with Image.open(path) as image:
        np.testing.assert_array_equal(read_one(tmp_path), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("transparency", [b"\x10\x20", 1])
def test_palette_with_transparency(tmp_path: Path, transparency: bytes | int) -> None:
    image = Image.new("P", (6, 5), 1)
    image.putpalette([9, 9, 9, 1, 2, 3])
    image.save(tmp_path / "x.png", transparency=transparency)
    np.testing.assert_array_equal(read_one(tmp_path), np.full((5, 6, 3), [1, 2, 3]))


@pytest.mark.parametrize(("mode", "colour", "transparency"), [("L", 7, 7), ("RGB", (1, 2, 3), (1, 2, 3)), ("1", 1, 1)])
def test_a_transparent_colour_is_shown(tmp_path: Path, mode: str, colour: Any, transparency: Any) -> None:
    Image.new(mode, (6, 5), colour).save(tmp_path / "x.png", transparency=transparency)
    expected = Image.new(mode, (6, 5), colour).convert("RGB")
    np.testing.assert_array_equal(read_one(tmp_path), np.asarray(expected))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"])
def test_pillow_images_become_rgb_as_in_pillow(mode: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 6, 4), dtype=np.uint8))
    image = noise.convert("LA").convert(mode) if mode in ("LA", "PA") else noise.convert("RGB").convert(mode)
    if mode in ("RGBA", "RGBa"):
        image = noise.convert(mode)
    np.testing.assert_array_equal(from_pillow(image), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_16_bit_gray_is_scaled(tmp_path: Path, ending: str) -> None:
    deep = (np.arange(30, dtype=np.uint16) * 2259).reshape(5, 6)
    Image.fromarray(deep).save(tmp_path / f"x.{ending}")
    expected = np.round(deep / 257).astype(np.uint8)
    np.testing.assert_array_equal(read_one(tmp_path), np.stack([expected] * 3, axis=-1))


@pytest.mark.parametrize("mode", ["I", "F"])
def test_32_bit_pixels_are_explained(tmp_path: Path, mode: str) -> None:
    save(tmp_path / "x.tif", mode=mode, colour=(7,))
    with pytest.raises(ValueError, match=r"x.tif can't be read: 32-bit"):
        read_one(tmp_path)


# From the EXIF standard: where row 0 and column 0 of what is stored belong in the upright picture.
UPRIGHT: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda stored: stored,  # top, left
    2: lambda stored: stored[:, ::-1],  # top, right
    3: lambda stored: stored[::-1, ::-1],  # bottom, right
    4: lambda stored: stored[::-1],  # bottom, left
    5: lambda stored: stored.swapaxes(0, 1),  # left, top
    6: lambda stored: stored.swapaxes(0, 1)[:, ::-1],  # right, top
    7: lambda stored: stored.swapaxes(0, 1)[::-1, ::-1],  # right, bottom
    8: lambda stored: stored.swapaxes(0, 1)[::-1],  # left, bottom
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
def test_exif_orientation(tmp_path: Path, ending: str, orientation: int) -> None:
    stored = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[274] = orientation
    options: dict[str, Any] = {"lossless": True} if ending == "webp" else {}
    Image.fromarray(stored).save(tmp_path / f"x.{ending}", exif=exif, **options)
    np.testing.assert_array_equal(read_one(tmp_path), UPRIGHT[orientation](stored))


def test_exif_orientation_of_a_jpeg(tmp_path: Path) -> None:
    image = Image.new("RGB", (32, 16))
    image.paste((255, 255, 255), (0, 0, 16, 8))
    exif = Image.Exif()
    exif[274] = 6
    image.save(tmp_path / "x.jpg", exif=exif)
    read = read_one(tmp_path)
    assert read.shape == (32, 16, 3)
    assert read[:16, 8:].min() > 200
    assert read[16:].max() < 50


def test_damaged_exif_does_not_lose_the_picture(tmp_path: Path) -> None:
    Image.new("RGB", (6, 5)).save(tmp_path / "x.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    with pytest.warns(UserWarning, match="Corrupt EXIF"):
        assert open_images(tmp_path).read(0).shape == (5, 6, 3)


@pytest.mark.parametrize("ending", ["gif", "png", "webp", "tif"])
def test_the_first_frame_of_an_animation(tmp_path: Path, ending: str) -> None:
    frames = [Image.new("RGB", (6, 5), colour) for colour in ("white", "red", "blue")]
    frames[0].save(tmp_path / f"x.{ending}", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_one(tmp_path), np.full((5, 6, 3), 255))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


UNREADABLE = {
    "empty.png": b"",
    "text.jpg": b"<html>not found</html>",
    "truncated.jpg": jpeg()[:-500],
    "truncated.png": png(60, 60)[:60],
    "bomb.png": png(60_000, 60_000),
    "smaller bomb.png": png(10_000, 10_000),
    "program.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_picture_is_named_when_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(UNREADABLE[name])
    save(tmp_path / "zz fine.png")
    images = open_images(tmp_path)
    assert len(images) == 2
    assert "first can't be read" in images.description
    with pytest.raises(ValueError, match=f"{name} can't be read: .+"):
        images.read(0)
    with pytest.raises(ValueError, match="can't be read") as caught:
        images.read(0)
    assert str(tmp_path) not in str(caught.value)
    assert images.read(1).shape == (5, 6, 3)


def test_the_words_of_the_system_come_without_the_path() -> None:
    with pytest.raises(ValueError, match=r"^x.png can't be read: Permission denied$"), pixels.naming("x.png"):
        raise PermissionError(13, "Permission denied", "/home/somebody/x.png")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_that_pillow_only_warns_of(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png(10_000, 10_000))
    with pytest.raises(ValueError, match=r"bomb.png can't be read: 10000×10000 pixels are too many"):
        read_one(tmp_path)


@unhurried
@given(st.data())
def test_pictures_with_any_bytes_changed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    folder.mkdir(exist_ok=True)
    content = bytearray(data.draw(st.sampled_from([jpeg(), png(9, 9)])))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "x.png").write_bytes(content)
    images = open_images(folder)
    try:
        assert images.read(0).shape[2] == 3
    except ValueError as error:
        if "x.png" not in str(error):
            raise
