"""Embeddings: what other code computes, whatever batches are cut into, found again, and refused where none are."""

from __future__ import annotations

import shutil
import subprocess
import sys
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn
from torch_fidelity import feature_extractor_inceptionv3 as fidelity
from torchvision.models import Inception_V3_Weights
from torchvision.models import inception_v3 as torchvision_inception_v3
from torchvision.models.feature_extraction import create_feature_extractor

import isexplore as ix
from isexplore.classifiers import load_classifier
from isexplore.classifiers.inception_2015 import inception_2015
from isexplore.classifiers.inception_v3 import inception_v3
from isexplore.classifiers.module import ModuleClassifier
from isexplore.classifiers.pretrained import PretrainedClassifier
from isexplore.inference import acceleration
from isexplore.inference.acceleration import accelerated
from isexplore.inference.row_cache import KnownRows, RowCache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from isexplore.predictions import Predictions


CPU = torch.device("cpu")
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)
HALF = 2**-11  # of float16's last bit, as a share of a number


def predicted(images: Any, classifier: Any, **options: Any) -> Predictions:
    return ix.predict(images, classifier, device="cpu", progress=False, **{"embeddings": True, **options})


def embeddings(images: Any, classifier: Any, **options: Any) -> NDArray[np.float16]:
    found = predicted(images, classifier, **options).embeddings
    assert found is not None
    assert found.dtype == np.float16
    assert isinstance(found, np.memmap)
    return found


def seeded(*layers: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for layer in layers:
        for values in layer.parameters():
            nn.init.normal_(values, 0, 0.1)
    return nn.Sequential(*layers)


def network() -> nn.Module:
    return seeded(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))


@torch.inference_mode()
def expected_of(layers: nn.Module) -> NDArray[np.float16]:
    """Return what all layers but the last make of the pixels."""
    batch = torch.from_numpy(PIXELS).permute(0, 3, 1, 2).float() / 255
    result: NDArray[np.float16] = nn.Sequential(*list(layers.children())[:-1])(batch).half().numpy()
    return result


# Features against other code's


def test_digits_are_what_the_layers_before_the_last_return() -> None:
    digits, real = load_classifier("digits"), ix.demo.real()
    layers: Any = digits.module.layers
    with torch.inference_mode():
        expected = layers[:-1](digits.prepare([real.read(i) for i in range(len(real))])).half().numpy()
    plain = predicted(real, "digits", embeddings=False)
    found = predicted(real, "digits")
    assert found.embeddings is not None
    assert found.embeddings.shape == (1797, 256)
    np.testing.assert_allclose(found.embeddings, expected, rtol=2 * HALF, atol=1e-6)
    np.testing.assert_array_equal(found.probabilities, plain.probabilities)
    np.testing.assert_array_equal(found.digests, plain.digests)
    assert plain.embeddings is None


def randomise(module: nn.Module) -> None:
    """Give a network weights that keep its signal alive."""
    torch.manual_seed(0)
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight)
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_var, 0.8, 1.2)  # type: ignore[arg-type] # there is one
        elif isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, 0, 0.01)


@pytest.fixture(scope="module")
def fidelitys() -> Any:
    """torch-fidelity's own network of 2015, with random weights."""
    with pytest.MonkeyPatch.context() as stub:
        stub.setattr(fidelity, "load_state_dict_from_url", lambda *_, **__: None)
        stub.setattr(fidelity.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        peer = fidelity.FeatureExtractorInceptionV3("peer", ["2048"])
    randomise(peer)
    return peer


@pytest.fixture(scope="module")
def file_2015(fidelitys: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "mine.pth"
    torch.save(fidelitys.state_dict(), path)
    return path


@pytest.mark.parametrize("classes", [1008, 1000])
def test_inception_2015_has_torch_fidelitys_2048(classes: Any, fidelitys: Any, file_2015: Path) -> None:
    pictures = PIXELS[:3]
    with torch.inference_mode():
        (expected,) = fidelitys(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    found = predicted(pictures, inception_2015(weights=file_2015, classes=classes), batch_size=2)
    assert found.probabilities.shape == (3, classes)
    assert found.embeddings is not None
    assert expected.shape == (3, 2048)
    assert expected.std() > 0.1
    np.testing.assert_allclose(found.embeddings, expected, rtol=2 * HALF, atol=1e-4)


def test_inception_v3_has_torchvisions_flatten(tmp_path: Path) -> None:
    theirs = torchvision_inception_v3(weights=None, init_weights=False, transform_input=True).eval()
    randomise(theirs)
    torch.save(theirs.state_dict(), tmp_path / "v3.pth")
    pictures = torch.from_numpy(PIXELS[:2]).permute(0, 3, 1, 2)
    with torch.inference_mode():
        ready = Inception_V3_Weights.IMAGENET1K_V1.transforms()(pictures)
        expected = create_feature_extractor(theirs, ["flatten"], suppress_diff_warning=True)(ready)["flatten"]
    assert expected.std() > 0.1
    found = embeddings(PIXELS[:2], inception_v3(weights=tmp_path / "v3.pth"))
    np.testing.assert_allclose(found, expected, rtol=2 * HALF, atol=1e-4)


# What it listens to


class Layers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Module()
        self.block.conv = nn.Conv2d(3, 16, 3, bias=False)
        self.block.bn = nn.BatchNorm2d(16)
        self.fc = nn.Linear(16, 9)

    def before_the_last(self, pixels: torch.Tensor) -> Any:
        block: Any = self.block
        return block.bn(block.conv(pixels)).relu().mean((2, 3))

    def forward(self, pixels: torch.Tensor) -> Any:
        return self.fc(self.before_the_last(pixels))


class FromPixels(nn.Module):
    """What a network with published weights consists of, in small."""

    def __init__(self) -> None:
        super().__init__()
        self.network: nn.Module = Layers()

    def forward(self, pixels: torch.Tensor) -> Any:
        return self.network((pixels / 255).to(next(self.network.parameters()).dtype))[:, 1:]


@pytest.mark.parametrize(("precision", "n_images"), [("exact", 7), ("fast", 7), ("fast", 10**9)])
def test_folded_halved_and_compiled_they_are_the_same(
    precision: Any, n_images: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last batch is shorter, and so is not compiled for."""
    if n_images > 7 and not any(map(shutil.which, ("c++", "g++", "clang++"))):
        pytest.skip("torch.compile needs a C++ compiler")
    monkeypatch.setattr(acceleration, "has_bfloat16", lambda _: True)
    module = FromPixels().eval()
    randomise(module)
    small = PretrainedClassifier(module, "random", tuple("12345678"), "none", "0", lambda pixels: pixels.float(), 8)
    batch = small.prepare(list(PIXELS[:7]))
    inner: Any = module.network
    with torch.inference_mode():
        logits, features = module(batch), inner.before_the_last(batch / 255)
    near: Any = {"rtol": 0, "atol": 1e-5 if precision == "exact" else 0.05}
    with accelerated(small, CPU, precision, n_images, 4, embeddings=True) as network:
        assert network.description.endswith("compiled") == (n_images > 7)
        for start in (0, 4):
            found, seen = network.cut(network.run(batch[start : start + 4]))
            assert seen is not None
            torch.testing.assert_close(found, logits[start : start + 4], **near)
            torch.testing.assert_close(seen, features[start : start + 4], **near)
    assert features.std() > 0.05
    torch.compiler.reset()


class ByName(nn.Module):
    """Gives its layers what they get by name, and the last one rows of several vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.first = nn.Linear(8, 2), nn.Linear(8, 8)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        seen = self.first(input=pixels.flatten(1, 2)).relu()
        logits: torch.Tensor = self.last(input=seen).flatten(1)
        return logits


def test_the_last_that_is_called_whatever_its_place_and_the_shape_that_it_gets() -> None:
    torch.manual_seed(0)
    layers = ByName()
    with torch.inference_mode():
        expected = layers.first(torch.from_numpy(PIXELS).permute(0, 3, 1, 2).float().flatten(1, 2) / 255).relu()
    np.testing.assert_allclose(embeddings(PIXELS, layers), expected.flatten(1), rtol=2 * HALF, atol=1e-6)


@dataclass(frozen=True)
class Flat(ModuleClassifier):
    def prepare(self, images: Any) -> torch.Tensor:
        return super().prepare(images).flatten(1)


def test_a_network_that_is_one_linear_layer() -> None:
    found = embeddings(PIXELS, Flat(nn.Linear(192, 5)))
    expected = PIXELS.transpose(0, 3, 1, 2).reshape(20, -1) / 255
    np.testing.assert_allclose(found, expected, rtol=2 * HALF)


def test_the_network_is_left_as_it_was() -> None:
    layers = network().train()
    expected = embeddings(PIXELS, layers)
    assert layers.training
    assert not any(part._forward_pre_hooks for part in layers.modules())
    with pytest.raises(ValueError, match="holds nan"):
        embeddings(PIXELS, nn.Sequential(layers, Seen(one_holds(float("nan")))))
    assert not any(part._forward_pre_hooks for part in layers.modules())
    np.testing.assert_array_equal(embeddings(PIXELS, layers), expected)


@pytest.mark.parametrize("size", [1, 3, 20, 256])
def test_any_batches(size: int) -> None:
    layers = network()
    np.testing.assert_allclose(embeddings(PIXELS, layers, batch_size=size), expected_of(layers), rtol=2 * HALF)


class Narrow(nn.Module):
    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, pixels: torch.Tensor) -> Any:
        if len(pixels) > 3:
            raise torch.OutOfMemoryError
        return self.layers(pixels)


def test_where_memory_runs_out_parts_are_joined() -> None:
    layers = network()
    np.testing.assert_allclose(embeddings(PIXELS, Narrow(layers)), expected_of(layers), rtol=2 * HALF)


# What has none


def exported(folder: Path) -> Path:
    program = torch.export.export(network().eval(), (torch.zeros(4, 3, 8, 8),))
    torch.export.save(program, folder / "mine.pt2")
    return folder / "mine.pt2"


def scripted(folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls it deprecated
        torch.jit.trace(network().eval(), torch.zeros(4, 3, 8, 8)).save(str(folder / "mine.pt"))
    return folder / "mine.pt"


@pytest.mark.parametrize(
    ("made", "complaint"),
    [
        (
            lambda _: nn.Sequential(nn.Conv2d(3, 9, 8), nn.Flatten()),
            "last torch.nn.Linear gets, and Sequential has none",
        ),
        (exported, "mine.pt2 is a program from a file, and embeddings can't be had from inside of one"),
        (scripted, "mine.pt is a program from a file, and embeddings can't be had from inside of one"),
    ],
)
def test_a_network_without_is_refused_before_the_work(made: Any, complaint: str, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    with pytest.raises(ValueError, match=complaint):
        ix.predict(
            PIXELS,
            made(tmp_path),
            embeddings=True,
            out=folder / "a.safetensors",
            progress=lambda *_: pytest.fail("began"),
        )
    assert list(folder.iterdir()) == []


class Seen(nn.Module):
    """Logits are zeros and ones; the linear layer sees something else, if it is called."""

    def __init__(self, see: Callable[[torch.Tensor], torch.Tensor] | None) -> None:
        super().__init__()
        self.see, self.last = see, nn.Linear(4, 2)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        if self.see is not None:
            self.last(self.see(pixels))
        return pixels.new_tensor([0.0, 1.0]).expand(len(pixels), 2) * 2


def one_holds(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def see(pixels: torch.Tensor) -> torch.Tensor:
        features = torch.full((len(pixels), 4), 65504.0)
        features[13, 2] = value
        return features

    return see


@pytest.mark.parametrize(
    ("see", "complaint"),
    [
        (None, "Seen called no torch.nn.Linear"),
        (lambda pixels: pixels[:3, 0, 0, :4], r"that Seen called got \(3, 4\) for 20 images"),
        (one_holds(65536), "the embedding of 'image 0013' holds 65536, but it is kept as float16, which ends at 65504"),
        (one_holds(-1e30), r"the embedding of 'image 0013' holds -1e\+30, but"),
        (one_holds(float("nan")), "the embedding of 'image 0013' holds nan: compute it again"),
        (one_holds(float("-inf")), "the embedding of 'image 0013' holds -inf: compute it again"),
    ],
)
def test_features_that_cannot_be_kept(see: Any, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=complaint):
        predicted(PIXELS, Seen(see), out=tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_another_length_in_another_batch() -> None:
    def see(pixels: torch.Tensor) -> torch.Tensor:
        return torch.ones(len(pixels), len(pixels), 4)

    with pytest.raises(ValueError, match="Seen has embeddings of 32, and of 16 numbers"):
        predicted(PIXELS, Seen(see), batch_size=8)


def test_what_are_no_logits_is_told_of_as_ever() -> None:
    with pytest.raises(
        ValueError, match=r"must return logits of shape \(20, classes ≥ 2\), but returned shape \(20, 1\)"
    ):
        predicted(PIXELS, seeded(nn.Flatten(), nn.Linear(192, 1)))
    with pytest.raises(ValueError, match=r"but returned shape \(20, 5, 1\)"):
        predicted(PIXELS, seeded(nn.Flatten(), nn.Linear(192, 5), nn.Unflatten(1, (5, 1))))


# What was computed before


ROWS = np.full((2, 4), 0.25, np.float32)
FEATURES = np.arange(6, dtype=np.float16).reshape(2, 3)


def test_rows_that_were_kept_without_embeddings_count_only_where_none_are_wanted(tmp_path: Path) -> None:
    cache = RowCache(tmp_path)
    cache.keep("a", KnownRows(ROWS, "float32"))  # as earlier versions wrote it
    assert cache.find("a", 2) is not None
    assert cache.find("a", 2, embeddings=True) is None
    cache.keep("a", KnownRows(ROWS, "float32", embeddings=FEATURES))
    without, found = cache.find("a", 2), cache.find("a", 2, embeddings=True)
    assert without is not None
    assert without.embeddings is None
    assert found is not None
    np.testing.assert_array_equal(found.embeddings, FEATURES)


@pytest.mark.parametrize("bad", [FEATURES[:1], FEATURES.astype(np.float32), FEATURES[0], FEATURES + np.float16(np.inf)])
def test_what_are_no_embeddings_counts_as_none(bad: Any, tmp_path: Path) -> None:
    cache = RowCache(tmp_path)
    cache.keep("a", KnownRows(ROWS, "float32", embeddings=bad))
    assert cache.find("a", 2, embeddings=True) is None
    assert cache.find("a", 2) is not None


class Counted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = network()
        self.images = 0

    def forward(self, pixels: torch.Tensor) -> Any:
        self.images += len(pixels)
        return self.layers(pixels)


@dataclass(frozen=True)
class Known(ModuleClassifier):
    weights_sha256: str = "00" * 32


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_an_interrupted_run_goes_on_where_it_was(
    precision: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(acceleration, "has_bfloat16", lambda _: True)
    options: dict[str, Any] = {"precision": precision, "batch_size": 4, "out": tmp_path / "a.safetensors"}

    def run(**changes: Any) -> tuple[int, Predictions]:
        module = Counted()
        found = ix.predict(
            PIXELS, Known(module), device="cpu", **{"progress": False, "embeddings": True, **options, **changes}
        )
        return module.images, found

    def stop(done: int, _: int) -> None:
        if done == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(progress=stop)
    assert not (tmp_path / "a.safetensors").exists()
    computed, resumed = run()
    assert computed == 8
    assert resumed.embeddings is not None
    assert run(embeddings=False)[0] == 0
    computed, again = run()
    assert computed == 0
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "apart"))
    assert run(embeddings=False)[0] >= 20
    computed, apart = run()
    assert computed >= 20  # those without embeddings are none
    for other in (again, apart):
        np.testing.assert_array_equal(resumed.embeddings, other.embeddings)
        np.testing.assert_array_equal(resumed.digests, other.digests)
        np.testing.assert_array_equal(resumed.probabilities, other.probabilities)


SHARED = """
import sys
import torch
import isexplore as ix
from isexplore.inference.ranks import process_group

torch.manual_seed(0)
network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 30), torch.nn.ReLU(), torch.nn.Linear(30, 10))
with process_group():
    ix.predict(sys.argv[1], network, device="cpu", batch_size=3, embeddings=True, out=sys.argv[2], progress=False)
"""


def test_two_processes_keep_what_one_keeps(tmp_path: Path) -> None:
    np.save(tmp_path / "pixels.npy", PIXELS)
    (tmp_path / "run.py").write_text(SHARED)
    found = []
    for name, start in (("one", []), ("two", ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"])):
        out = tmp_path / f"{name}.safetensors"
        command = [sys.executable, *start, str(tmp_path / "run.py"), str(tmp_path / "pixels.npy"), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)  # noqa: S603 - our own
        assert done.returncode == 0, done.stderr
        found.append(load_file(out))
    assert found[0]["embeddings"].shape == (20, 30)
    for name, array in found[0].items():
        np.testing.assert_array_equal(array, found[1][name])
