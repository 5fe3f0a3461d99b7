"""From images to predictions: the numbers, what is skipped, what is refused, and what is left as it was."""

from __future__ import annotations

import datetime as dt
import io
import multiprocessing
import re
import tempfile
import weakref
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
import tqdm.auto
import tqdm.notebook
from filelock import FileLock
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn

from isexplore import inference
from isexplore.classifiers import load_classifier
from isexplore.classifiers.digits import DigitsClassifier
from isexplore.images import ImageSet, open_images
from isexplore.inference import classify, predict, shard_run
from isexplore.inference.devices import devices
from isexplore.inference.settings import Settings
from isexplore.predictions import load
from isexplore.score import inception_score

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from isexplore.predictions import Predictions

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")

DIGITS: NDArray[np.uint8] = np.round(load_digits().images[:200] * (255 / 16)).astype(np.uint8)
FEW = DIGITS[:5]


class Network(nn.Module):
    """A small network of which tests can replace the last step."""

    def __init__(self, last: Callable[[torch.Tensor], Any] | None = None) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Dropout(0.5), nn.Linear(64, 4))
        self.last = last
        self.calls = 0

    def forward(self, images: torch.Tensor) -> Any:
        self.calls += 1
        logits = self.inner(images)
        return logits if self.last is None else self.last(logits)


def on_cpu(images: Any, network: Any, **options: Any) -> Predictions:
    return predict(images, network, **{"device": "cpu", "progress": False, **options})


def softmax_by_hand(logits: torch.Tensor) -> NDArray[np.float64]:
    values = logits.detach().cpu().numpy().astype(np.float64)
    exponentials = np.exp(values - values.max(axis=1, keepdims=True))
    return cast("NDArray[np.float64]", exponentials / exponentials.sum(axis=1, keepdims=True))


def pictures(*shapes: tuple[int, int, int], value: int = 255) -> ImageSet:
    """Make a set of one-coloured pictures of any sizes."""
    names = tuple(f"p{i}" for i in range(len(shapes)))
    return ImageSet("made", names, lambda i: np.full(shapes[i], value, np.uint8), "pictures")


def failing(name: str, *bad: int, n: int = 5) -> ImageSet:
    """Make a set of which some pictures can't be read."""

    def read(i: int) -> NDArray[np.uint8]:
        if i in bad:
            raise OSError(f"no {i}")
        return FEW[i, :, :, None]

    return ImageSet(name, tuple("abcde"[:n]), read, "some are unreadable")


# --- the numbers


def test_digits_are_the_softmax_of_the_network() -> None:
    classifier = load_classifier("digits")
    predictions = on_cpu(DIGITS, "digits")
    with torch.inference_mode():
        logits = classifier.module(classifier.prepare(list(DIGITS[..., None])))
    np.testing.assert_allclose(predictions.probabilities, softmax_by_hand(logits), rtol=1e-6)
    assert predictions.class_names == tuple("0123456789")
    assert predictions.image_names[:2] == ("image 0000", "image 0001")
    assert (predictions.probabilities.argmax(axis=1) == load_digits().target[:200]).mean() > 0.97


def test_the_softmax_is_taken_in_float64() -> None:
    logits = torch.tensor([[0.0, 16.6, 1e3, 1e3]])
    predictions = on_cpu(FEW, Network(lambda own: logits.expand(len(own), 4)))
    expected = softmax_by_hand(logits).astype(np.float32).repeat(5, axis=0)
    np.testing.assert_array_equal(predictions.probabilities, expected)


@pytest.mark.parametrize("batch_size", [1, 7, 59])
def test_the_batch_size_makes_no_difference(batch_size: int) -> None:
    whole, parts = (on_cpu(DIGITS[:60], "digits", batch_size=size) for size in (60, batch_size))
    np.testing.assert_allclose(parts.probabilities, whole.probabilities, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(cast("Any", parts.thumbnails), cast("Any", whole.thumbnails))
    assert parts.image_names == whole.image_names


def test_large_pictures_come_in_smaller_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def last(logits: torch.Tensor) -> torch.Tensor:
        sizes.append(len(logits))
        return logits

    network = Network(last)
    expected = on_cpu(DIGITS[:10], network).probabilities
    monkeypatch.setattr(shard_run, "usual_batch_size", lambda *_: 3)
    told: list[tuple[int, int]] = []
    found = on_cpu(DIGITS[:10], network, progress=lambda *numbers: told.append(numbers)).probabilities
    assert sizes == [10, 3, 3, 3, 1]
    assert told == [(0, 10), (3, 10), (6, 10), (9, 10), (10, 10)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_pictures_are_let_go_of_after_their_batch() -> None:
    given: list[weakref.ref[NDArray[np.uint8]]] = []
    kept: list[int] = []

    def read(i: int) -> NDArray[np.uint8]:
        picture = FEW[i % 5, :, :, None].copy()
        given.append(weakref.ref(picture))
        return picture

    def last(logits: torch.Tensor) -> torch.Tensor:
        kept.append(sum(reference() is not None for reference in given))
        return logits

    on_cpu(ImageSet("made", tuple(map(str, range(40))), read, ""), Network(last), batch_size=8)
    assert len(kept) == 5
    assert max(kept) <= 8 + 8  # and the batch before


def test_any_torchvision_network_will_do() -> None:
    from torchvision.models import resnet18

    torch.manual_seed(0)
    network = resnet18(num_classes=7)
    images = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    predictions = on_cpu(images, network, batch_size=4)
    assert network.training
    with torch.inference_mode():
        logits = network.eval()(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)
    np.testing.assert_allclose(predictions.probabilities, softmax_by_hand(logits), rtol=0, atol=1e-5)
    assert predictions.class_names == tuple(f"class {i}" for i in range(7))
    assert repr(predictions) == "Predictions(6 images × 7 classes, array, ResNet)"


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.int64])
def test_logits_of_any_precision(dtype: torch.dtype) -> None:
    predictions = on_cpu(FEW, Network(lambda logits: (10 * logits).to(dtype)))
    np.testing.assert_allclose(predictions.probabilities.sum(axis=1), 1, rtol=1e-6)


def test_class_names_come_from_the_network() -> None:
    network = Network()
    network.class_names = ["ant", "bee", "cat", "<b>"]  # type: ignore[assignment]
    assert on_cpu(FEW, network).class_names == ("ant", "bee", "cat", "<b>")


@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_wrong_count_of_class_names_stops_at_the_first_batch(count: int) -> None:
    network = Network()
    network.class_names = ["a"] * count  # type: ignore[assignment]
    with pytest.raises(ValueError, match=f"Network has {count} class names, but returned 4 logits an image"):
        on_cpu(FEW, network, batch_size=2)
    assert network.calls == 1


# --- what is refused


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_probabilities_are_no_logits(batch_size: int) -> None:
    with pytest.raises(ValueError, match=r"Network seems to return probabilities.* must return logits"):
        on_cpu(FEW, Network(lambda logits: logits.softmax(1)), batch_size=batch_size)


def test_logarithms_of_probabilities_are_logits() -> None:
    network = Network()
    expected = on_cpu(FEW, network)
    network.last = lambda logits: logits.log_softmax(1)
    np.testing.assert_allclose(on_cpu(FEW, network).probabilities, expected.probabilities, atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_image_whose_logits_are_not_finite_is_named(value: float) -> None:
    def spoil(logits: torch.Tensor) -> torch.Tensor:
        logits[1:, 2] = value
        return logits

    with pytest.raises(ValueError, match="Network returned logits that are not finite, first for 'image 0001'"):
        on_cpu(FEW, Network(spoil), batch_size=3)


def test_the_named_image_is_one_that_could_be_read() -> None:
    def spoil(logits: torch.Tensor) -> torch.Tensor:
        logits[2] = np.nan
        return logits

    with pytest.raises(ValueError, match="first for 'd'"):
        on_cpu(failing("some", 0), Network(spoil))


@pytest.mark.parametrize(
    ("last", "found"),
    [
        (lambda logits: logits[:, 0], r"shape \(5,\)"),
        (lambda logits: logits[:, :1], r"shape \(5, 1\)"),
        (lambda logits: logits[:3], r"shape \(3, 4\)"),
        (lambda logits: logits[:, :, None, None], r"shape \(5, 4, 1, 1\)"),
        (lambda logits: (logits, logits), "a tuple"),
        (lambda logits: {"logits": logits}, "a dict"),
        (lambda logits: logits.numpy(), "a ndarray"),
        (lambda _: None, "a NoneType"),
    ],
)
def test_other_outputs_than_logits(last: Callable[[torch.Tensor], Any], found: str) -> None:
    with pytest.raises(ValueError, match=rf"Network must return logits of shape \(5, classes ≥ 2\), .* {found}"):
        on_cpu(FEW, Network(last))


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batches_without_images(batch_size: int) -> None:
    with pytest.raises(ValueError, match=f"batch_size must be at least 1, not {batch_size}"):
        on_cpu(FEW, Network(), batch_size=batch_size)


@pytest.mark.parametrize("device", ["", "gpu", "cuda:99", "meta", "hpu", "privateuseone", "cpu cuda"])
def test_unknown_devices(device: str) -> None:
    network = Network()
    with pytest.raises(ValueError, match=f"device '{device}' is not usable here; there is: .*cpu"):
        on_cpu(FEW, network, device=device)
    assert all(parameter.device.type == "cpu" for parameter in network.parameters())


def test_the_best_device_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", "card {}".format)
    found = devices()
    assert list(found) == ["cuda:0", "cuda:1", "mps", "cpu"]
    assert found["cuda:1"] == "card 1"
    assert found["cpu"]


# --- images that can't be read


def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


def test_an_image_that_cannot_be_read_is_skipped(tmp_path: Path) -> None:
    for i in (0, 1, 3):
        Image.fromarray(DIGITS[i]).save(tmp_path / f"{i}.png")
    (tmp_path / "2.jpg").write_bytes(jpeg()[:-500])
    with pytest.warns(UserWarning, match=r"^1 of 4 images skipped: 2\.jpg can't be read: ") as caught:
        predictions = on_cpu(tmp_path, "digits", batch_size=2)
    assert [warning.filename for warning in caught] == [on_cpu.__code__.co_filename]
    ((name, reason),) = predictions.provenance.skipped
    assert name == "2.jpg"
    assert "truncated" in reason
    assert predictions.image_names == ("0.png", "1.png", "3.png")
    expected = on_cpu(DIGITS[[0, 1, 3], ..., None], "digits")
    np.testing.assert_allclose(predictions.probabilities, expected.probabilities, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(cast("Any", predictions.thumbnails)[..., :1], expected.thumbnails)


def test_a_batch_without_readable_images() -> None:
    network = Network()
    with pytest.warns(UserWarning, match=r"^2 of 5 images skipped: a: no 0; b: no 1$"):
        predictions = on_cpu(failing("two", 0, 1), network, batch_size=2)
    assert predictions.image_names == ("c", "d", "e")
    assert network.calls == 2


def test_many_skipped_images_are_counted() -> None:
    with pytest.warns(UserWarning, match=r"^4 of 5 images skipped: a: no 0; b: no 1; c: no 2; and 1 more$"):
        predictions = on_cpu(failing("four", 0, 1, 2, 3), Network())
    assert [name for name, _ in predictions.provenance.skipped] == list("abcd")


def test_no_image_can_be_read() -> None:
    with pytest.raises(ValueError, match="none of the 2 images of broken could be read: a: no 0; b: no 1"):
        on_cpu(failing("broken", 0, 1, n=2), Network())


# --- what is left as it was


def modes(network: nn.Module) -> list[bool]:
    return [part.training for part in network.modules()]


def recorder(error: BaseException | None = None) -> tuple[Network, list[list[bool]], list[str]]:
    """Make a network that notes its modes when it runs, and where it is sent."""
    seen: list[list[bool]] = []
    places: list[str] = []

    class Recorder(Network):
        def to(self, *args: Any, **kwargs: Any) -> Recorder:
            places.append(str(args[0]))
            return super().to(*args, **kwargs)

    def last(logits: torch.Tensor) -> torch.Tensor:
        seen.append(modes(network))
        if error is not None and len(seen) == 2:
            raise error
        return logits

    network = Recorder(last)
    network.inner[1].eval()  # a frozen normalisation in a network that is being trained
    return network, seen, places


@pytest.mark.parametrize("error", [None, RuntimeError("broken"), KeyboardInterrupt("stop")])
def test_modes_and_device_are_restored(error: BaseException | None) -> None:
    network, seen, places = recorder(error)
    before, weights = modes(network), {name: value.clone() for name, value in network.state_dict().items()}
    if error is None:
        on_cpu(FEW, network, batch_size=2)
    else:
        with pytest.raises(type(error), match=str(error)):
            on_cpu(FEW, network, batch_size=2)
    assert len(seen) == (3 if error is None else 2)
    assert not any(map(any, seen))
    assert modes(network) == before
    assert True in before
    assert False in before
    assert places == ["cpu", "cpu"]
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, weights[name], rtol=0, atol=0)
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert torch.is_grad_enabled()


def test_a_network_that_does_not_fit_on_the_device_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    network, _, places = recorder()
    before, move = modes(network), type(network).to

    def to(self: Any, place: torch.device) -> Any:
        if not places:
            places.append("full")
            raise torch.OutOfMemoryError("out of memory")
        return move(self, place)

    monkeypatch.setattr(type(network), "to", to)
    with pytest.raises(torch.OutOfMemoryError):
        on_cpu(FEW, network)
    assert places == ["full", "cpu"]
    assert modes(network) == before


def test_a_network_without_weights() -> None:
    assert len(on_cpu(FEW, nn.Flatten())) == 5


def test_convolutions_are_not_rounded_to_tf32_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    old = SimpleNamespace(enabled=True, allow_tf32=True)  # what torch before 2.9 has
    seen: list[object] = []

    def look(logits: torch.Tensor) -> torch.Tensor:
        cudnn: Any = torch.backends.cudnn
        seen.append(cudnn.conv.fp32_precision if hasattr(cudnn, "conv") else cudnn.allow_tf32)
        return logits

    look(torch.zeros(()))
    on_cpu(FEW, Network(look))
    look(torch.zeros(()))
    assert seen[1] in ("ieee", False)
    assert seen[2] == seen[0]
    monkeypatch.setattr(torch.backends, "cudnn", old)
    on_cpu(FEW, Network(look))
    assert seen[3:] == [False]
    assert old.allow_tf32 is True


def test_matrix_products_are_not_rounded_meanwhile_either() -> None:
    seen: list[object] = []

    def look(logits: torch.Tensor) -> torch.Tensor:
        matmul: Any = torch.backends.cuda.matmul
        is_new = hasattr(torch.backends.cudnn, "conv")
        seen.append(matmul.fp32_precision if is_new else torch.get_float32_matmul_precision())
        return logits

    try:
        torch.set_float32_matmul_precision("medium")
        on_cpu(FEW, Network(look))
        assert torch.get_float32_matmul_precision() == "medium"
        with pytest.raises(ValueError, match="must return logits"):
            on_cpu(FEW, Network(lambda logits: logits[0]))
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert seen in (["ieee"], ["highest"])


def test_runs_do_not_overlap() -> None:
    def begin_another(logits: torch.Tensor) -> torch.Tensor:
        with ThreadPoolExecutor(1) as pool:
            assert not pool.submit(inference.ONE_RUN.acquire, blocking=False).result()
        on_cpu(FEW, other)  # the same thread may
        return logits

    network, other = Network(begin_another), Network()
    on_cpu(FEW, network)
    assert (network.calls, other.calls) == (1, 1)
    with ThreadPoolExecutor(1) as pool:
        assert len(pool.submit(on_cpu, FEW, other).result()) == 5


# --- progress and cancel


def test_progress_is_told_after_each_batch() -> None:
    told: list[tuple[int, int]] = []
    on_cpu(FEW, Network(), batch_size=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 5), (2, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize("last_told", [0, 20, 40])
def test_an_exception_in_progress_stops_within_a_batch(last_told: int) -> None:
    reads: list[int] = []
    images = open_images(DIGITS)

    def read(i: int) -> NDArray[np.uint8]:
        reads.append(i)
        return images.read(i)

    class StopError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        assert total == 200
        if done >= last_told:
            raise StopError

    network, _, _ = recorder()
    before = modes(network)
    with pytest.raises(StopError):
        on_cpu(ImageSet("counted", images.image_names, read, ""), network, batch_size=20, progress=stop)
    assert reads == list(range(last_told))
    assert modes(network) == before


def test_the_bar_is_drawn_on_stderr_only(capfd: pytest.CaptureFixture[str]) -> None:
    predict(FEW, Network(), device="cpu", batch_size=2)
    out, err = capfd.readouterr()
    assert out == ""
    assert "5/5" in err
    assert "images" in err
    predict(FEW, Network(), device="cpu", progress=False)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("capfd")
def test_the_bar_of_a_notebook_knows_its_total(monkeypatch: pytest.MonkeyPatch) -> None:
    bars: list[Any] = []

    class Bar(tqdm.notebook.tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            bars.append(self)

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    on_cpu(FEW, Network(), batch_size=2, progress=True)
    _, bar, _ = bars[0].container.children
    assert (bar.value, bar.max, bar.bar_style) == (5, 5, "success")


# --- thumbnails


def thumbnails(images: Any, network: Any = "digits") -> NDArray[np.uint8]:
    found = on_cpu(images, network).thumbnails
    assert found is not None
    return found


def test_small_pictures_are_their_own_thumbnails() -> None:
    np.testing.assert_array_equal(thumbnails(FEW), FEW[..., None])
    colour = np.random.default_rng(0).integers(0, 256, (2, 64, 40, 3), dtype=np.uint8)
    np.testing.assert_array_equal(thumbnails(colour), colour)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((300, 200, 3), (64, 43, 3)),
        ((200, 300, 1), (43, 64, 1)),
        ((65, 65, 3), (64, 64, 3)),
        ((2000, 3, 1), (64, 1, 1)),
        ((1, 1000, 3), (1, 64, 3)),
    ],
)
def test_thumbnails_keep_the_aspect(shape: tuple[int, int, int], expected: tuple[int, int, int]) -> None:
    stack = thumbnails(pictures(shape, value=200))
    assert stack.shape == (1, *expected)
    assert stack.dtype == np.uint8
    np.testing.assert_array_equal(stack, 200)


def test_thumbnails_of_several_sizes_are_centred() -> None:
    stack = thumbnails(pictures((8, 8, 1), (300, 200, 3), (20, 64, 3)))
    assert stack.shape == (3, 64, 64, 3)
    for picture, (height, width) in zip(stack, [(8, 8), (64, 43), (20, 64)], strict=True):
        top, left = (64 - height) // 2, (64 - width) // 2
        expected = np.zeros_like(picture)
        expected[top : top + height, left : left + width] = 255
        np.testing.assert_array_equal(picture, expected)


def test_thumbnails_do_not_depend_on_the_batches() -> None:
    sizes = pictures((2, 3, 1), (3, 2, 1), (4, 4, 3), (1, 1, 1))
    expected = on_cpu(sizes, "digits", batch_size=4).thumbnails
    assert expected is not None
    assert expected[0, :, :, 0].tolist() == [[0] * 4, [255] * 3 + [0], [255] * 3 + [0], [0] * 4]
    np.testing.assert_array_equal(cast("Any", on_cpu(sizes, "digits", batch_size=2).thumbnails), expected)


# --- provenance


def test_provenance_tells_everything(tmp_path: Path) -> None:
    predictions = predict(open_images(FEW, name="<five>"), "digits", device="cpu", progress=False)
    provenance = predictions.provenance
    assert provenance.source == "<five>"
    assert provenance.classifier == "digits"
    assert provenance.preprocessing == load_classifier("digits").preprocessing
    assert provenance.device == "cpu"
    assert provenance.precision == "float32"
    assert provenance.versions == {"numpy": version("numpy"), "torch": version("torch")}
    assert provenance.skipped == ()
    assert provenance.created is not None
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(provenance.created)
    assert dt.timedelta(0) <= age < dt.timedelta(minutes=1)
    predictions.save(tmp_path / "p")
    assert load(tmp_path / "p").provenance == provenance


def test_labels_stay_with_their_images() -> None:
    images = ImageSet("made", tuple("abcde"), failing("", 1, 3).read, "", labels=("x", "y", "y", "x", "x"))
    with pytest.warns(UserWarning, match="2 of 5 images skipped"):
        predictions = on_cpu(images, Network())
    assert (predictions.image_names, predictions.labels) == (("a", "c", "e"), ("x", "y", "x"))


# --- where it goes, and what it costs


def test_the_result_goes_where_it_is_wanted(tmp_path: Path) -> None:
    out = tmp_path / "run.safetensors"
    predictions = on_cpu(FEW, "digits", out=out)
    assert [file.name for file in tmp_path.iterdir()] == ["run.safetensors"]
    assert isinstance(predictions.probabilities, np.memmap)
    np.testing.assert_array_equal(load(out).probabilities, on_cpu(FEW, "digits").probabilities)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        on_cpu(FEW, recorder(RuntimeError("was not to run"))[0], out=tmp_path / "nowhere" / "run.safetensors")


def test_a_failure_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    out = tmp_path / "run.safetensors"
    on_cpu(FEW, "digits", out=out)
    before = out.read_bytes()
    with pytest.raises(ValueError, match="must return logits"):
        on_cpu(FEW, Network(lambda logits: logits[0]), out=out)
    assert [file.name for file in tmp_path.iterdir()] == ["run.safetensors"]
    assert out.read_bytes() == before


def test_two_runs_do_not_write_the_same_file(tmp_path: Path) -> None:
    out = tmp_path / "run.safetensors"

    def begin_another(logits: torch.Tensor) -> torch.Tensor:
        with pytest.raises(FileExistsError, match="another run is writing the same file"):
            on_cpu(FEW, Network(), out=out)
        return logits

    assert len(on_cpu(FEW, Network(begin_another), out=out)) == 5
    assert [file.name for file in tmp_path.iterdir()] == ["run.safetensors"]
    (tmp_path / ".run.safetensors.part").mkdir()  # as a run that was killed leaves it
    (tmp_path / ".run.safetensors.part" / "lock").touch()
    assert len(on_cpu(FEW, Network(), out=out)) == 5
    assert [file.name for file in tmp_path.iterdir()] == ["run.safetensors"]


def test_a_file_system_without_locks_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotImplementedError("no locks here")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    assert len(on_cpu(FEW, Network(), out=tmp_path / "run.safetensors")) == 5
    assert [file.name for file in tmp_path.iterdir()] == ["run.safetensors"]


def test_pictures_that_do_not_go_together_are_told_without_a_traceback(tmp_path: Path) -> None:
    for i, size in enumerate([8, 8, 8, 9, 8, 8]):
        Image.new("L", (size, 8)).save(tmp_path / f"{i}.png")
    before = len(multiprocessing.active_children())
    network = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())
    with pytest.raises(ValueError, match=r"^Sequential got images of different shapes"):
        on_cpu(tmp_path, network, batch_size=2)
    assert len(multiprocessing.active_children()) == before


def test_nothing_is_left_among_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    predictions = on_cpu(FEW, "digits")
    with pytest.raises(ValueError, match="must return logits"):
        on_cpu(FEW, Network(lambda logits: logits[0]))
    assert list(tmp_path.iterdir()) == []
    assert predictions.probabilities.sum() == pytest.approx(5)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("full"), RuntimeError("can't allocate memory: 99 bytes")])
def test_where_memory_runs_out_batches_are_computed_in_halves(error: Exception) -> None:
    sizes: list[int] = []

    class Small(Network):
        def forward(self, images: torch.Tensor) -> Any:
            sizes.append(len(images))
            if len(images) > 6:
                raise error
            return super().forward(images)

    torch.manual_seed(0)
    network = Small()
    found = on_cpu(DIGITS[:40], network, batch_size=16)
    assert sizes == [16, 8, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4]  # it remembers what fits
    np.testing.assert_allclose(
        found.probabilities, on_cpu(DIGITS[:40], network, batch_size=4).probabilities, rtol=0, atol=1e-6
    )


def test_a_network_that_changes_its_input_is_given_a_copy() -> None:
    class InPlace(Network):
        def forward(self, images: torch.Tensor) -> Any:
            images.mul_(2)
            if len(images) > 3:
                raise torch.OutOfMemoryError("full")
            return super().forward(images)

    torch.manual_seed(0)
    network = InPlace()
    found, expected = (on_cpu(DIGITS[:12], network, batch_size=size).probabilities for size in (6, 3))
    np.testing.assert_array_equal(found, expected)


def test_an_image_that_does_not_fit_at_all_ends_the_run() -> None:
    def full(_: torch.Tensor) -> None:
        raise torch.OutOfMemoryError("full")

    network = Network(full)
    with pytest.raises(torch.OutOfMemoryError, match="full"):
        on_cpu(FEW, network, batch_size=4)
    assert network.calls == 3


def test_who_looks_on_sees_every_batch_with_its_rows() -> None:
    seen: list[tuple[tuple[int, ...], int, NDArray[np.float32]]] = []

    def watch(batch: Any, rows: NDArray[np.float32]) -> None:
        seen.append((batch.indices, len(batch.thumbnails), rows))

    settings = Settings("cpu", batch_size=2)
    predictions = classify(failing("some", 0, 1, 3), load_classifier("digits"), settings, lambda *_: None, watch)
    assert [(indices, count) for indices, count, _ in seen] == [((2,), 1), ((4,), 1)]
    np.testing.assert_array_equal(np.concatenate([rows for *_, rows in seen]), predictions.probabilities)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"precision": "best"}, "precision must be 'exact' or 'fast', not 'best'"),
        ({"on_error": "stop"}, "on_error must be 'skip' or 'raise', not 'stop'"),
        ({"batch_size": 0}, "batch_size must be at least 1, not 0"),
    ],
)
def test_settings_that_do_not_exist(option: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        on_cpu(FEW, "digits", **option)


def test_an_unreadable_image_may_end_the_run() -> None:
    network = Network()
    with pytest.raises(ValueError, match="c: no 2"):
        on_cpu(failing("some", 2), network, batch_size=2, on_error="raise")
    assert network.calls == 1


# --- fast


def test_a_fast_run_says_how_far_it_is_off() -> None:
    fast, exact = (on_cpu(DIGITS, "digits", precision=precision, batch_size=10) for precision in ("fast", "exact"))
    said = str(fast.provenance.precision)
    if "without bfloat16" in said:
        pytest.skip("this processor has no bfloat16")
    assert not np.array_equal(fast.probabilities, exact.probabilities)
    images, change = re.fullmatch(r"bfloat16 \(ln IS of (\d+) images (\S+) % off float32's\)", said).groups()  # type: ignore[union-attr]
    assert int(images) == 10
    assert 0 < float(change) < 0.1
    scores = [inception_score(predictions, splits=1) for predictions in (fast, exact)]
    assert scores[0].log_score == pytest.approx(scores[1].log_score, rel=1e-3)
    assert said in str(scores[0])
    assert "float" not in str(scores[1])


def test_equal_batches_of_a_fast_run_are_compared_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    class Known(DigitsClassifier):
        weights_sha256 = "00" * 32

    said = on_cpu(np.concatenate([FEW] * 8), Known(), precision="fast", batch_size=5).provenance.precision
    assert "ln IS of 5 images" in str(said) or "without bfloat16" in str(said)


def test_a_fast_run_that_is_too_coarse_warns() -> None:
    class Coarse(Network):
        def forward(self, images: torch.Tensor) -> Any:
            scale = 2 if torch.is_autocast_enabled("cpu") else 1
            return scale * super().forward(images)

    with pytest.warns(UserWarning, match=r"fast is too coarse here: ln IS of 200 images \d\S* % off float32's"):
        said = on_cpu(DIGITS, Coarse(), precision="fast").provenance.precision
    assert str(said).endswith("off float32's: too coarse, take exact)")
    few = on_cpu(FEW, Coarse(), precision="fast").provenance.precision  # too few to tell: no warning
    assert "ln IS of 5 images" in str(few)


# --- CUDA


def logits_of(network: nn.Module, images: Any, device: str, classifier: Any = None) -> torch.Tensor:
    kept: list[torch.Tensor] = []
    hook = network.register_forward_hook(lambda _module, _inputs, logits: kept.append(logits.cpu()))
    predictions = on_cpu(images, classifier or network, device=device, batch_size=64)
    hook.remove()
    assert predictions.provenance.device == device
    assert next(network.parameters()).device.type == "cpu"
    return torch.cat(kept)


@needs_cuda
def test_the_digits_network_gives_the_same_logits_on_cuda() -> None:
    digits = load_classifier("digits")
    found, expected = (logits_of(digits.module, DIGITS, device, digits) for device in ("cuda:0", "cpu"))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@needs_cuda
def test_a_torchvision_network_gives_the_same_logits_on_cuda() -> None:
    from torchvision.models import resnet18

    torch.manual_seed(0)
    network, images = resnet18(num_classes=7), np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    found, expected = (logits_of(network, images, device) for device in ("cuda:0", "cpu"))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@needs_cuda
def test_cuda_is_chosen_by_itself_and_left_after_an_exception() -> None:
    network = Network()
    assert on_cpu(FEW, network, device="auto").provenance.device == "cuda:0"
    network.last = lambda logits: logits[0]
    with pytest.raises(ValueError, match="must return logits"):
        on_cpu(FEW, network, device="auto")
    assert {parameter.device.type for parameter in network.parameters()} == {"cpu"}


@needs_cuda
def test_a_network_that_lives_on_cuda_goes_back_there() -> None:
    network = Network().to("cuda")
    on_cpu(FEW, network)
    assert {parameter.device.type for parameter in network.parameters()} == {"cuda"}


@needs_cuda
def test_batches_that_overlap_on_cuda_are_those_of_the_cpu() -> None:
    found, expected = (on_cpu(DIGITS, "digits", device=device, batch_size=7) for device in ("cuda", "cpu"))
    np.testing.assert_allclose(found.probabilities, expected.probabilities, rtol=0, atol=1e-5)
    assert found.image_names == expected.image_names


@needs_cuda
def test_a_fast_run_on_cuda_says_how_far_it_is_off() -> None:
    fast = on_cpu(DIGITS, "digits", device="cuda", precision="fast", batch_size=128)
    exact = on_cpu(DIGITS, "digits", device="cpu")
    assert "ln IS of 128 images" in str(fast.provenance.precision)
    scores = [inception_score(predictions, splits=1).log_score for predictions in (fast, exact)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-3)


@needs_cuda
def test_where_memory_of_a_card_runs_out_batches_are_computed_in_halves() -> None:
    class Large(Network):
        def forward(self, images: torch.Tensor) -> Any:
            if len(images) > 6:
                torch.empty(2**50, dtype=torch.uint8, device=images.device)
            return super().forward(images)

    torch.manual_seed(0)
    network = Large()
    found, expected = (
        on_cpu(DIGITS[:40], network, device=device, batch_size=6 + 10 * (device == "cuda"))
        for device in ("cuda", "cpu")
    )
    np.testing.assert_allclose(found.probabilities, expected.probabilities, rtol=0, atol=1e-5)
