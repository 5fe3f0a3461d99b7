"""Accelerated networks against the plain ones: their logits, their scores, and that nobody's network is changed."""

from __future__ import annotations

import math
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

import isexplore as ix
from isexplore.classifiers import inception_2015, inception_v3, load_classifier, pretrained
from isexplore.classifiers.pretrained import PretrainedClassifier, stack_rgb
from isexplore.inference import acceleration
from isexplore.inference.acceleration import accelerated, usual_batch_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from isexplore.classifiers import Classifier

CPU = torch.device("cpu")
NAMES = ("inception-2015", "inception-v3")


def images(size: int, n: int, channels: int = 3) -> list[NDArray[np.uint8]]:
    """Return smooth pictures, each in colours of its own."""
    rng = np.random.default_rng(size)
    contrast, brightness = rng.uniform(0, 1, (n, 1, 1, 1)), rng.uniform(0, 1, (n, channels, 1, 1))
    coarse = torch.from_numpy(255 * (contrast * rng.uniform(0, 1, (n, channels, 6, 6)) + (1 - contrast) * brightness))
    smooth = functional.interpolate(coarse, (size, size), mode="bilinear").permute(0, 2, 3, 1).numpy()
    return list(smooth.clip(0, 255).astype(np.uint8))


def randomise(network: nn.Module) -> None:
    """Give a network weights that keep its signal alive."""
    torch.manual_seed(0)
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight)
        elif isinstance(part, nn.BatchNorm2d):
            for values in (part.weight, part.running_var):
                nn.init.uniform_(values, 0.8, 1.2)  # type: ignore[arg-type]
            for values in (part.bias, part.running_mean):
                nn.init.normal_(values, 0, 0.1)  # type: ignore[arg-type]
        elif isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, 0, 0.05)
            if part.bias is not None:
                nn.init.normal_(part.bias, 0, 1)


def classifier_of(
    module: nn.Module, resize: Callable[[torch.Tensor], torch.Tensor], size: int = 299
) -> PretrainedClassifier:
    return PretrainedClassifier(module.eval(), "random", tuple(map(str, range(9))), "none", "0", resize, size)


@torch.no_grad()
def inception(name: str) -> PretrainedClassifier:
    """Build an Inception network with random weights, whose last layer looks at what differs between pictures."""
    network: Any
    if name == "inception-2015":
        network = inception_2015.build_network().to_empty(device="cpu")
        randomise(network)
        built = classifier_of(inception_2015.Inception2015(network), inception_2015.resize_like_tensorflow_1)
    else:
        network = inception_v3.build_network().to_empty(device="cpu")
        randomise(network)
        built = classifier_of(inception_v3.InceptionV3(network), inception_v3.resize_like_torchvision)
    found: list[torch.Tensor] = []
    hook = network.fc.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    built.module(built.prepare(images(32, 12)))
    hook.remove()
    mean, weight = found[0].mean(0), network.fc.weight
    weight -= torch.outer(weight @ mean, mean) / mean.square().sum()
    weight *= 3 / ((found[0] - mean) @ weight.T).std()
    return built


@pytest.fixture(scope="module", params=NAMES)
def network(request: pytest.FixtureRequest) -> PretrainedClassifier:
    return inception(request.param)


class Layers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Module()
        self.block.conv = nn.Conv2d(3, 16, 3, bias=False)
        self.block.bn = nn.BatchNorm2d(16)
        self.fc = nn.Linear(16, 9)

    def forward(self, pixels: torch.Tensor) -> Any:
        block: Any = self.block
        return self.fc(block.bn(block.conv(pixels)).relu().mean((2, 3)))


class FromPixels(nn.Module):
    """What a network with published weights consists of, in small."""

    def __init__(self) -> None:
        super().__init__()
        self.network: nn.Module = Layers()

    def forward(self, pixels: torch.Tensor) -> Any:
        return self.network((pixels / 255).to(next(self.network.parameters()).dtype))


@pytest.fixture
def small() -> Iterator[PretrainedClassifier]:
    module = FromPixels()
    randomise(module)
    yield classifier_of(module, lambda pixels: functional.interpolate(pixels.float(), (32, 32)), 32)
    torch.compiler.reset()


@torch.inference_mode()
def plain(classifier: Classifier, batch: torch.Tensor) -> torch.Tensor:
    logits: torch.Tensor = classifier.module(batch)
    return logits


def log_score(logits: torch.Tensor) -> float:
    return math.log(ix.inception_score(logits=logits.double(), splits=1).overall)


# What it computes


@pytest.mark.parametrize("size", [32, 299, 512])
def test_exact_logits_are_the_plain_ones(network: PretrainedClassifier, size: int) -> None:
    """The deviation of these logits is about three, and of what they are differences of, far more."""
    batch = network.prepare([*images(size, 2), *images(size, 1, channels=1)])
    assert batch.dtype == torch.uint8
    with accelerated(network, CPU, "exact", 1) as fast:
        found = fast.run(batch)
        assert fast.description == "float32"
    expected = plain(network, batch)
    assert expected.std() > 1
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-4)


def test_scores_exact_and_fast(network: PretrainedClassifier) -> None:
    pictures = images(64, 32)
    logits: dict[str, list[torch.Tensor]] = {"plain": [], "exact": [], "fast": []}
    with accelerated(network, CPU, "exact", 32) as exact, accelerated(network, CPU, "fast", 32) as fast:
        for start in range(0, 32, 16):
            batch = network.prepare(pictures[start : start + 16])
            for name, run in (("plain", lambda x: plain(network, x)), ("exact", exact.run), ("fast", fast.run)):
                logits[name].append(run(batch))
        assert fast.description in {"bfloat16", "float32 (cpu without bfloat16)"}
    scores = {name: log_score(torch.cat(rows)) for name, rows in logits.items()}
    assert scores["plain"] > 0.3
    assert abs(scores["exact"] - scores["plain"]) < 1e-5
    # Below 1e-3 takes hundreds of images: the fewer there are, the less of the rounding cancels.
    assert abs(scores["fast"] / scores["plain"] - 1) < 1e-2


def test_digits_fast() -> None:
    digits, real = load_classifier("digits"), ix.demo.real()
    batch = digits.prepare([real.read(i) for i in range(len(real.image_names))])
    with accelerated(digits, CPU, "fast", len(batch)) as fast:
        logits = fast.run(batch)
    expected = plain(digits, batch)
    assert logits.dtype == torch.float32
    assert torch.equal(logits, expected) == fast.description.startswith("float32")
    assert abs(log_score(logits) / log_score(expected) - 1) < 1e-3


def test_pictures_of_several_sizes_come_resized(network: PretrainedClassifier) -> None:
    pictures = [*images(32, 1), *images(64, 1, channels=1)]
    together = network.prepare(pictures)
    assert (together.shape, together.dtype) == ((2, 3, 299, 299), torch.float32)
    before = together.clone()
    with accelerated(network, CPU, "exact", 2) as fast:
        alone = torch.cat([fast.run(network.prepare([picture])) for picture in pictures])
        torch.testing.assert_close(fast.run(together), alone, rtol=0, atol=2e-4)
    assert torch.equal(plain(network, together[:1]), plain(network, network.prepare(pictures[:1])))
    assert torch.equal(together, before)


def test_many_large_pictures_are_resized_one_by_one(
    network: PretrainedClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = images(40, 2)
    monkeypatch.setattr(pretrained, "_MOST_RAW_PIXELS", 2 * 40 * 40 - 1)
    resized = network.prepare(pictures)
    assert resized.dtype == torch.float32
    assert torch.equal(resized, network.resize(stack_rgb(pictures)))


def test_the_score_of_one_picture_at_a_time_is_that_of_batches(small: PretrainedClassifier) -> None:
    batch = small.prepare(images(32, 12))
    with accelerated(small, CPU, "exact", 12) as fast:
        alone = torch.cat([fast.run(picture) for picture in batch.split(1)])
        torch.testing.assert_close(alone, fast.run(batch), rtol=0, atol=1e-5)


# What it leaves alone


def state(module: nn.Module) -> list[Any]:
    modes = [part.training for part in module.modules()]
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return [modes, [(key, id(x), x.dtype, x.device, x.stride(), x.requires_grad) for key, x in tensors.items()]]


@pytest.mark.parametrize("precision", ["exact", "fast"])
@pytest.mark.parametrize("bare", [True, False])
def test_the_network_is_left_as_it_was(precision: Any, bare: bool, small: PretrainedClassifier) -> None:  # noqa: FBT001 - a parameter of the test
    given_one = load_classifier(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())) if bare else small
    module = given_one.module
    module.train()
    list(module.children())[-1].eval()
    before, values = state(module), [tensor.clone() for tensor in module.state_dict().values()]
    batch = given_one.prepare(images(32, 3))
    with suppress(KeyError), accelerated(given_one, CPU, precision, 3) as fast:
        first = fast.run(batch)
        assert torch.equal(fast.run(batch), first)  # the batch norm neither learns nor looks at the batch
        assert not first.requires_grad
        raise KeyError
    assert state(module) == before
    assert all(map(torch.equal, module.state_dict().values(), values))


def test_a_bare_network_is_exact_to_the_bit_and_fast_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    types: list[torch.dtype] = []

    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(12, 5)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.last(pixels.view(len(pixels), -1))
            types.append(logits.dtype)
            return logits

    bare = load_classifier(Bare())
    batch = torch.rand(3, 3, 2, 2)
    monkeypatch.setattr(acceleration, "has_bfloat16", lambda _: True)
    with accelerated(bare, CPU, "exact", 10**9, 3) as exact, accelerated(bare, CPU, "fast", 10**9, 3) as fast:
        assert torch.equal(exact.run(batch), plain(bare, batch))
        assert fast.run(batch).dtype == torch.float32
        assert types == [torch.float32, torch.float32, torch.bfloat16]
        assert (exact.description, fast.description) == ("float32", "bfloat16")


def test_without_bfloat16_fast_is_exact_and_says_so(
    small: PretrainedClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceleration, "has_bfloat16", lambda _: False)
    batch = small.prepare(images(32, 3))
    with accelerated(small, CPU, "exact", 3) as exact, accelerated(small, CPU, "fast", 3) as fast:
        assert torch.equal(fast.run(batch), exact.run(batch))
        assert fast.description == "float32 (cpu without bfloat16)"


# Compiling


@pytest.mark.parametrize(
    ("precision", "n_images", "batch_size"), [("exact", 10**9, 4), ("fast", 100, 4), ("fast", 10**9, None)]
)
def test_only_long_fast_runs_are_compiled(
    precision: Any, n_images: int, batch_size: int | None, small: PretrainedClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", lambda *_, **__: pytest.fail("compiled"))
    with accelerated(small, CPU, precision, n_images, batch_size) as fast:
        assert fast.run(small.prepare(images(32, 4))).shape == (4, 9)
        assert "compiled" not in fast.description


def test_where_compiling_fails_it_runs_and_says_so(
    small: PretrainedClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise FileNotFoundError("no C++ compiler")

    monkeypatch.setattr(acceleration, "has_bfloat16", lambda _: True)
    compiler = torch.compile
    monkeypatch.setattr(torch, "compile", lambda module, **_: compiler(module, backend=refuse))
    batch = small.prepare(images(32, 4))
    with accelerated(small, CPU, "fast", 10**9, 4) as fast, accelerated(small, CPU, "fast", 1) as expected:
        assert fast.description.startswith("bfloat16, not compiled (")
        assert torch.equal(fast.run(batch), expected.run(batch))


def test_it_is_compiled_once_whatever_sizes_come(small: PretrainedClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[int] = []

    def count(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable[..., Any]:
        compiled.append(len(inputs))
        return graph.forward

    compiler = torch.compile
    monkeypatch.setattr(torch, "compile", lambda module, **_: compiler(module, backend=count, dynamic=False))
    batch = small.prepare(images(32, 9))
    with accelerated(small, CPU, "fast", 10**9, 4) as fast, accelerated(small, CPU, "fast", 1) as expected:
        assert fast.description.endswith(", compiled")
        for part in (*batch.split(4), batch[:2], batch[:4].float()):
            torch.testing.assert_close(fast.run(part), expected.run(part), rtol=0, atol=1e-5)
    assert len(compiled) == 1


@pytest.mark.skipif(not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="torch.compile needs a C++ compiler")
def test_compiled_for_real(small: PretrainedClassifier) -> None:
    batch = small.prepare(images(32, 7))
    with accelerated(small, CPU, "fast", 10**9, 4) as fast, torch.inference_mode():
        assert fast.description.endswith(", compiled")
        found = torch.cat([fast.run(part) for part in batch.split(4)])
    torch.testing.assert_close(found, plain(small, batch), rtol=0, atol=0.1)


# Batch size


@given(st.integers(1, 100_000), st.integers(1, 100_000), st.booleans())
def test_usual_batch_size_on_the_cpu(height: int, width: int, bare: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    classifier = load_classifier(nn.Flatten()) if bare else load_classifier("digits")
    size = usual_batch_size(classifier, (height, width, 3), CPU)
    assert 1 <= size <= 256
    assert size & (size - 1) == 0
    assert size == 1 or size * height * width <= 2**25


@pytest.mark.parametrize(("gigabytes", "expected"), [(0, 1), (1, 4), (8, 32), (80, 256), (1000, 256)])
def test_usual_batch_size_by_free_memory(gigabytes: int, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (gigabytes * 10**9, 10**12))
    classifier = classifier_of(nn.Flatten(), torch.clone)
    assert usual_batch_size(classifier, (32, 32, 3), torch.device("cuda")) == expected
    assert usual_batch_size(classifier, (32, 32, 3), CPU) == 16
