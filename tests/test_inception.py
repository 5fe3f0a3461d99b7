"""The Inception networks, weight for weight against torch-fidelity's and torchvision's, and where weights come from."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import threading
import warnings
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torch_fidelity
from safetensors.torch import save_file
from torch.nn import functional
from torch.utils.data import Dataset
from torch_fidelity import feature_extractor_inceptionv3 as fidelity
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x
from torch_fidelity.metric_isc import isc_features_to_metric
from torchmetrics.image.fid import NoTrainInceptionV3
from torchmetrics.image.inception import InceptionScore
from torchvision.models import Inception_V3_Weights
from torchvision.models import inception_v3 as torchvision_inception_v3

import isexplore as ix
from isexplore import cli
from isexplore.classifiers import Classifier, inception_2015, load_classifier, weights
from isexplore.classifiers.imagenet import imagenet_names, names_2015
from isexplore.classifiers.inception_2015 import Inception2015, build_network, resize_like_tensorflow_1
from isexplore.classifiers.inception_v3 import inception_v3
from isexplore.classifiers.pretrained import PretrainedClassifier
from isexplore.classifiers.state import fill, read_weights
from isexplore.inference.acceleration import accelerated
from isexplore.splits import shuffled_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SIZES = (32, 64, 299, 512)


def images(size: int, n: int = 2, channels: int = 3) -> list[NDArray[np.uint8]]:
    """Return smooth pictures: a half-pixel shift moves them little, and has to be seen all the same."""
    rng = np.random.default_rng(size)
    contrast, brightness = rng.uniform(0, 1, (n, 1, 1, 1)), rng.uniform(0, 1, (n, channels, 1, 1))
    coarse = torch.from_numpy(255 * (contrast * rng.uniform(0, 1, (n, channels, 6, 6)) + (1 - contrast) * brightness))
    smooth = functional.interpolate(coarse, (size, size), mode="bilinear").permute(0, 2, 3, 1).numpy()
    return list((smooth + rng.uniform(0, 1, smooth.shape)).clip(0, 255).astype(np.uint8))


def randomise(network: torch.nn.Module) -> None:
    """Give a network weights that keep its signal alive: no published ones are needed."""
    torch.manual_seed(0)
    for part in network.modules():
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight)
        elif isinstance(part, torch.nn.BatchNorm2d):
            for values in (part.weight, part.running_var):
                torch.nn.init.uniform_(values, 0.8, 1.2)  # type: ignore[arg-type]
            for values in (part.bias, part.running_mean):
                torch.nn.init.normal_(values, 0, 0.1)  # type: ignore[arg-type]
        elif isinstance(part, torch.nn.Linear):
            torch.nn.init.normal_(part.weight, 0, 0.05)
            torch.nn.init.normal_(part.bias, 0, 1)


@torch.no_grad()
def look_at_differences(network: Any, pool: torch.nn.Module, pixels: torch.Tensor) -> None:
    """Turn the last layer to what differs among pictures: a random network sees nearly the same in all of them."""
    seen: list[torch.Tensor] = []
    hook = pool.register_forward_hook(lambda _part, _inputs, pooled: seen.append(pooled.flatten(1)))
    network(pixels)
    hook.remove()
    mean, weight = seen[0].mean(0), network.fc.weight
    weight -= torch.outer(weight @ mean, mean) / mean.square().sum()
    weight *= 3 / ((seen[0] - mean) @ weight.T).std()


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Leave no weights to be found, and no way to download them; return the empty cache."""

    def refuse(*_: object, **__: object) -> None:
        raise URLError("there is no internet here")

    for name in ("TORCH_HOME", weights.VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setattr(weights, "urlopen", refuse)
    return tmp_path / "caches" / "isexplore"


@pytest.fixture(scope="module")
def peer() -> Any:
    """torch-fidelity's own network of 2015, with random weights."""
    with pytest.MonkeyPatch.context() as stub:
        stub.setattr(fidelity, "load_state_dict_from_url", lambda *_, **__: None)
        stub.setattr(fidelity.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        network = fidelity.FeatureExtractorInceptionV3("peer", ["logits_unbiased", "logits"])
    randomise(network)
    network.features_list = ["2048"]
    look_at_differences(network, network.AvgPool, as_rgb(images(32, 12)))
    network.features_list = ["logits_unbiased", "logits"]
    return network


@pytest.fixture(scope="module")
def file_2015(peer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "mine.pth"
    torch.save(peer.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def ours(file_2015: Path) -> PretrainedClassifier:
    return inception_2015.inception_2015(weights=file_2015)


@pytest.fixture(scope="module")
def torchvisions() -> Any:
    """Torchvision's own network, built as for its published weights, with random ones."""
    network = torchvision_inception_v3(weights=None, init_weights=False, transform_input=True).eval()
    randomise(network)
    transform = Inception_V3_Weights.IMAGENET1K_V1.transforms()
    look_at_differences(network, network.avgpool, transform(as_rgb(images(64, 12))))
    return network


@pytest.fixture(scope="module")
def ours_v3(torchvisions: Any, tmp_path_factory: pytest.TempPathFactory) -> PretrainedClassifier:
    path = tmp_path_factory.mktemp("weights") / "v3.pth"
    torch.save(torchvisions.state_dict(), path)
    return inception_v3(weights=path)


def as_rgb(pictures: list[NDArray[np.uint8]]) -> torch.Tensor:
    """Return (B, 3, H, W) uint8, by another way than the classifiers'."""
    colour = np.stack([np.dstack([picture] * 3)[..., :3] for picture in pictures])
    return torch.from_numpy(np.ascontiguousarray(colour.transpose(0, 3, 1, 2)))


@torch.inference_mode()
def logits(classifier: Classifier, pictures: list[NDArray[np.uint8]]) -> torch.Tensor:
    result: torch.Tensor = classifier.module(classifier.prepare(pictures))
    return result


@torch.inference_mode()
def difference(module: torch.nn.Module, peer: Any, pictures: list[NDArray[np.uint8]]) -> float:
    """Return how far apart the logits without bias are, at most, where their deviation is about three."""
    unbiased, _ = peer(as_rgb(pictures))
    return float((module(as_rgb(pictures)) - unbiased).abs().max())


# The network of 2015


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_resize_is_torch_fidelitys_to_the_bit(size: int, channels: int) -> None:
    pixels = torch.from_numpy(np.stack(images(size, channels=channels))).permute(0, 3, 1, 2).float()[..., : size - 3]
    expected = interpolate_bilinear_2d_like_tensorflow1x(pixels, size=(299, 299), align_corners=False)
    assert torch.equal(resize_like_tensorflow_1(pixels), expected)


@pytest.mark.parametrize("size", SIZES)
def test_logits_are_torch_fidelitys_to_the_bit(ours: PretrainedClassifier, peer: Any, size: int) -> None:
    pictures = [*images(size, 1), *images(size, 1, channels=1)]
    with torch.inference_mode():
        unbiased, _ = peer(as_rgb(pictures))
    found = logits(ours, pictures)
    assert found.shape == (2, 1008)
    assert found.std() > 1
    assert torch.equal(found, unbiased)


def test_bias_and_the_1000_classes_on_request(file_2015: Path, peer: Any) -> None:
    pictures = images(32)
    with torch.inference_mode():
        unbiased, biased = peer(as_rgb(pictures))
    all_of_them = inception_2015.inception_2015(weights=file_2015, bias=True)
    classes = inception_2015.inception_2015(weights=file_2015, classes=1000)
    assert torch.equal(logits(all_of_them, pictures), biased)
    assert torch.equal(logits(classes, pictures), unbiased[:, 1:1001])
    own = f"weights {classes.weights_sha256[:8]}… of your own"  # they are not the published ones
    assert (all_of_them.name, len(all_of_them.class_names)) == (f"inception-2015, logits with bias, {own}", 1008)
    assert classes.name == f"inception-2015, logits without bias, 1000 classes, {own}"
    assert len(classes.class_names) == 1000


def test_pictures_of_several_sizes_and_colours_share_a_batch(ours: PretrainedClassifier) -> None:
    pictures = [*images(32, 1), *images(64, 1, channels=1), *images(299, 1)]
    together = ours.prepare(pictures)
    assert together.shape == (3, 3, 299, 299)
    for picture, row in zip(pictures, together, strict=True):
        assert torch.equal(resize_like_tensorflow_1(as_rgb([picture]).float())[0], row)
    torch.testing.assert_close(logits(ours, pictures)[:1], logits(ours, pictures[:1]), rtol=0, atol=2e-5)


def padded(network: Any) -> Any:
    for node in network.graph.nodes:
        if node.target is functional.avg_pool2d:
            node.update_kwarg("count_include_pad", True)
    network.recompile()
    return network


def averaged(network: Any) -> Any:
    last = [node for node in network.graph.nodes if node.target is functional.max_pool2d][-1]
    last.target = functional.avg_pool2d
    last.kwargs = {**last.kwargs, "count_include_pad": False}
    network.recompile()
    return network


@pytest.mark.parametrize("wrong", ["nothing", "bias", "resize", "padding", "average"])
def test_a_wrong_part_is_caught(wrong: str, file_2015: Path, peer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    network: Any = build_network()
    fill(network, read_weights(file_2015), file_2015)
    network = {"padding": padded, "average": averaged}.get(wrong, lambda whole: whole)(network)
    module = Inception2015(network, bias=wrong == "bias")
    if wrong == "resize":
        half_pixel: dict[str, Any] = {"size": (299, 299), "mode": "bilinear", "align_corners": False}
        monkeypatch.setattr(
            inception_2015,
            "resize_like_tensorflow_1",
            lambda pixels: functional.interpolate(pixels.float(), **half_pixel),
        )
    found = difference(module, peer, images(64))
    assert (found > 1e-2) if wrong != "nothing" else (found == 0)


# Scores of 512 pictures: the peers' whole computation, from pictures to the number


class Pictures(Dataset[torch.Tensor]):
    """Pictures as torch-fidelity takes them."""

    def __init__(self, pixels: torch.Tensor) -> None:
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.pixels[index]


def ours_of(pictures: list[NDArray[np.uint8]], classifier: Classifier) -> NDArray[np.float32]:
    """Return our probabilities in exact mode."""
    options: dict[str, Any] = {"device": "cpu", "precision": "exact", "batch_size": 32, "progress": False}
    return ix.predict(np.stack(pictures), classifier, **options).probabilities


def torchmetrics_score(feature: torch.nn.Module, batches: Iterable[torch.Tensor], splits: int) -> tuple[float, Any]:
    """Return torchmetrics' mean over splits, and the order in which it took the images: it shuffles without a seed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it keeps all features in memory
        metric = InceptionScore(feature=feature, splits=splits)
    for pixels in batches:
        metric.update(pixels)
    torch.manual_seed(7)
    mean, _ = metric.compute()
    torch.manual_seed(7)
    return float(mean), torch.randperm(sum(len(part) for part in metric.features)).numpy()


@pytest.fixture(scope="module")
def ours_512(ours: PretrainedClassifier) -> NDArray[np.float32]:
    """Return our probabilities for 512 pictures of 32 px."""
    return ours_of(images(32, 512), ours)


@pytest.fixture(scope="module")
def fidelitys_512(file_2015: Path) -> tuple[dict[str, float], torch.Tensor]:
    """Return what torch-fidelity prints of the same pictures, and the logits that it computed for it."""
    network = fidelity.FeatureExtractorInceptionV3
    rows: list[torch.Tensor] = []

    def forward(self: Any, pixels: torch.Tensor) -> Any:
        self.to(memory_format=torch.channels_last)  # the same, in less time
        features = plain(self, pixels)
        rows.append(features[0])
        return features

    with pytest.MonkeyPatch.context() as listen:
        plain = network.forward
        listen.setattr(network, "forward", forward)
        printed = torch_fidelity.calculate_metrics(
            input1=Pictures(as_rgb(images(32, 512))),
            isc=True,
            isc_splits=4,  # shuffled, with its own seed
            feature_extractor_weights_path=str(file_2015),
            batch_size=32,
            cuda=False,
            cache=False,
            save_cpu_ram=True,
            verbose=False,
        )
    return printed, torch.cat(rows)


def test_score_of_512_is_torch_fidelitys(ours_512: Any, fidelitys_512: Any) -> None:
    printed, unbiased = fidelitys_512
    shuffled = ix.inception_score(ours_512[shuffled_order(512, seed=2020)], splits=4)
    assert shuffled.mean == pytest.approx(printed["inception_score_mean"], rel=1e-5)
    assert shuffled.std == pytest.approx(printed["inception_score_std"], rel=1e-3)
    assert printed["inception_score_mean"] > 1.5
    as_they_lie = ix.inception_score(ours_512, splits=4).mean
    assert as_they_lie == pytest.approx(isc_features_to_metric(unbiased, 4, False)["inception_score_mean"], rel=1e-5)
    assert as_they_lie != pytest.approx(shuffled.mean, rel=1e-5)


class Known(torch.nn.Module):
    """Logits that are known already, a batch a call."""

    def __init__(self, batches: Iterable[torch.Tensor]) -> None:
        super().__init__()
        self.batches = iter(batches)

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        return next(self.batches)


def test_score_of_512_is_torchmetrics_with_the_resize_of_tensorflow(
    ours_512: Any, fidelitys_512: Any, file_2015: Path
) -> None:
    _, unbiased = fidelitys_512
    network = NoTrainInceptionV3("inception-v3-compat", ["logits_unbiased"], str(file_2015), antialias=False)
    batches = as_rgb(images(32, 512)).split(32)
    network.to(memory_format=torch.channels_last)  # as torch-fidelity's was
    with torch.inference_mode():  # its network is torch-fidelity's to the bit: once is enough
        assert torch.equal(network(batches[0]), unbiased[:32])
    expected, order = torchmetrics_score(Known(unbiased.split(32)), batches, splits=4)
    assert ix.inception_score(ours_512[order], splits=4).mean == pytest.approx(expected, rel=1e-5)


def test_score_of_512_is_torchmetrics_with_its_own_resize(ours: PretrainedClassifier, file_2015: Path) -> None:
    # Antialiased by default, it makes fractions of a gray level: our network gets them as they are, at 299 px.
    network = NoTrainInceptionV3("inception-v3-compat", ["logits_unbiased"], str(file_2015))
    network.to(memory_format=torch.channels_last)  # the same, in less time
    pixels = as_rgb(images(32, 512))
    rows = []
    with torch.inference_mode():
        expected, order = torchmetrics_score(network, pixels.split(32), splits=4)
    with accelerated(ours, torch.device("cpu"), "exact", 512) as exact:
        for part in pixels.split(32):
            size: dict[str, Any] = {"size": (299, 299), "mode": "bilinear", "antialias": True}
            rows.append(exact.run(functional.interpolate(part.float(), **size)).double().softmax(1))
    found = torch.cat(rows)
    assert ix.inception_score(found[order], splits=4).mean == pytest.approx(expected, rel=1e-5)


# torchvision's network


@pytest.mark.parametrize("size", SIZES)
def test_logits_are_torchvisions_to_the_bit(torchvisions: Any, ours_v3: PretrainedClassifier, size: int) -> None:
    pictures = [picture[: size - 5] for picture in (*images(size, 1), *images(size, 1, channels=1))]
    with torch.inference_mode():
        expected = torchvisions(Inception_V3_Weights.IMAGENET1K_V1.transforms()(as_rgb(pictures)))
    found = logits(ours_v3, pictures)
    assert found.shape == (2, 1000)
    assert torch.equal(found, expected)
    mixed = ours_v3.prepare([*pictures, *images(40, 1)])
    assert torch.equal(mixed[:2], ours_v3.resize(ours_v3.prepare(pictures)))


def test_score_is_torchvisions(torchvisions: Any, ours_v3: PretrainedClassifier) -> None:
    pictures = images(64, 64)
    transform = Inception_V3_Weights.IMAGENET1K_V1.transforms()
    with torch.inference_mode():
        expected = torch.cat([torchvisions(transform(part)) for part in as_rgb(pictures).split(32)])
    score = ix.inception_score(ours_of(pictures, ours_v3), splits=4)
    assert score.mean == pytest.approx(
        isc_features_to_metric(expected, 4, shuffle=False)["inception_score_mean"], rel=1e-5
    )
    assert score.mean > 1.5


def test_a_very_long_picture_does_not_fill_the_memory(ours_v3: PretrainedClassifier) -> None:
    assert ours_v3.resize(ours_v3.prepare([np.zeros((1, 50_000, 3), np.uint8)])).shape == (1, 3, 299, 299)


# Names


def test_names_of_the_outputs() -> None:
    assert len(set(imagenet_names())) == 1000
    names = names_2015()
    assert sorted(names[1:1001]) == sorted(imagenet_names())
    assert {names[i] for i in (0, *range(1001, 1008))} == {f"output {i}" for i in (0, *range(1001, 1008))}


def test_names_of_2015_are_those_that_tensorflow_printed() -> None:
    # Its label_image example, of 2016, says so of two photos.
    printed = {866: "military uniform", 794: "suit", 896: "academic gown", 817: "bow tie", 833: "bulletproof vest"}
    printed |= {169: "giant panda", 75: "indri", 7: "lesser panda", 325: "custard apple"}
    assert {output: names_2015()[output] for output in printed} == printed


# Where weights come from


@pytest.mark.parametrize("name", ["inception-2015", "inception-v3"])
def test_without_weights_and_internet_the_error_says_what_to_do(name: str, no_network: Path) -> None:
    published = weights.PUBLISHED[name]
    with pytest.raises(OSError, match="no internet here") as caught:
        load_classifier(name)
    for part in (published.url, str(no_network), "weights=", weights.VARIABLE, name):
        assert part in str(caught.value)
    assert list(no_network.iterdir()) == []


def test_weights_are_found_in_order(tmp_path: Path, no_network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = weights.PUBLISHED["inception-2015"]
    hub, folder = tmp_path / "caches" / "torch" / "hub" / "checkpoints", tmp_path / "folder"
    for place, name in ((hub, published.file), (no_network, published.also[0]), (folder, published.file)):
        place.mkdir(parents=True)
        (place / name).touch()
        if place == folder:
            monkeypatch.setenv(weights.VARIABLE, str(folder))
        assert weights.find_weights("inception-2015") == place / name
        assert weights.find_weights("inception-v3") is None
    monkeypatch.setenv(weights.VARIABLE, str(folder / published.file))
    assert weights.find_weights("inception-2015") == folder / published.file
    assert weights.find_weights("inception-v3") is None  # the file is the other network's
    assert weights.get_weights("inception-2015", folder) == folder / published.file


def test_weights_that_are_named_but_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match="holds no weights-inception-2015"):
        inception_2015.inception_2015(weights=tmp_path)
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path / "gone.pth"))
    with pytest.raises(FileNotFoundError, match=r"ISEXPLORE_WEIGHTS names .*gone\.pth, which does not exist"):
        load_classifier("inception-v3")


def test_load_by_name_and_safetensors(file_2015: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    save_file(read_weights(file_2015), tmp_path / "inception-2015.safetensors")
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))
    before = torch.get_rng_state()
    found = load_classifier("inception-2015")
    assert isinstance(found, PretrainedClassifier)
    assert found.weights_sha256 == hashlib.sha256((tmp_path / "inception-2015.safetensors").read_bytes()).hexdigest()
    assert not any(part.training for part in found.module.modules())
    assert not any(parameter.requires_grad for parameter in found.module.parameters())
    assert torch.equal(torch.get_rng_state(), before)
    expected = inception_2015.inception_2015(weights=file_2015)
    assert torch.equal(logits(found, images(32)), logits(expected, images(32)))


class Code:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("executed",))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("truncated", "cannot be read safely"),
        ("empty", "cannot be read safely"),
        ("text", "cannot be read safely"),
        ("pickle", "cannot be read safely"),
        ("code", "cannot be read safely"),
        ("list", "something other than named tensors"),
        ("module", "cannot be read safely"),
        ("nested", "something other than named tensors"),
        ("short", "fc.weight is missing"),
        ("shape", r"fc.weight is 1000×2048, not 1008×2048"),
        ("whole numbers", r"fc.weight is torch.int64"),
        ("other", "is unknown"),
        ("hash", "damaged or another file: its SHA-256 begins with"),
        ("safetensors", "cannot be read safely"),
    ],
)
def test_hostile_weights_give_one_error(
    kind: str, message: str, file_2015: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # Tensors that repeat one number make small files.
    state: dict[str, object] = {
        key: torch.zeros(()).expand(value.shape) for key, value in read_weights(file_2015).items()
    }
    path = tmp_path / {"hash": "renamed-0123abcd.pth", "safetensors": "x.safetensors"}.get(kind, "hostile.pth")
    raw = {
        "truncated": file_2015.read_bytes()[:1000],
        "text": b"<html>not found</html>",
        "pickle": pickle.dumps(Code()),
    }
    content: dict[str, object] = {
        "code": {**state, "fc.weight": Code()},
        "list": list(state.values()),
        "module": torch.nn.Linear(2, 2),
        "nested": {"state_dict": state},
        "short": {key: value for key, value in state.items() if key != "fc.weight"},
        "shape": state | {"fc.weight": torch.zeros(()).expand(1000, 2048)},
        "whole numbers": state | {"fc.weight": torch.tensor(0).expand(1008, 2048)},
        "other": state | {"more": torch.zeros(1)},
        "hash": state,
    }
    if kind in content:
        torch.save(content[kind], path)
    else:
        path.write_bytes(raw.get(kind, b""))
    with pytest.raises(ValueError, match=message) as caught:
        inception_2015.inception_2015(weights=path)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [left.name for left in tmp_path.iterdir()] == [path.name]  # no code was run


# Downloading, from a server on this machine


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Publish some bytes as the weights of inception-v3; the test may change how they are sent."""
    from urllib.request import urlopen

    answer: dict[str, Any] = {"body": os.urandom(3_000_000), "length": None, "status": 200, "requests": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer["requests"] += 1
            self.send_response(answer["status"])
            self.send_header("Content-Length", str(answer["length"] or len(answer["body"])))
            self.end_headers()
            with suppress(ConnectionError):  # who asked may have gone
                self.wfile.write(answer["body"])

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    file = f"net-{hashlib.sha256(answer['body']).hexdigest()[:8]}.pth"
    with HTTPServer(("127.0.0.1", 0), Handler) as service:
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        published = replace(
            weights.PUBLISHED["inception-v3"], file=file, url=f"http://127.0.0.1:{service.server_port}/{file}"
        )
        monkeypatch.setitem(weights.PUBLISHED, "inception-v3", published)
        monkeypatch.setattr(weights, "urlopen", urlopen)
        yield answer
        service.shutdown()
        thread.join()


def test_who_downloads_may_be_told_how_far_it_is(server: dict[str, Any], no_network: Path) -> None:
    told: list[tuple[int, int | None]] = []
    path = weights.fetch_weights("inception-v3", lambda done, expected: told.append((done, expected)))
    assert path.read_bytes() == server["body"]
    assert told[0] == (0, 3_000_000)
    assert told[-1] == (3_000_000, 3_000_000)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) > 3
    told.clear()
    assert weights.ensure_weights("inception-v3", lambda *step: told.append(step)) == path
    assert not told  # it is there
    path.write_bytes(b"damaged")
    weights.ensure_weights("inception-v3", lambda *step: told.append(step))
    assert told[-1] == (3_000_000, 3_000_000)
    assert list(no_network.iterdir()) == [path]


def test_what_is_told_may_end_the_download(
    server: dict[str, Any], no_network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class CancelledError(Exception):
        """Somebody pressed a button."""

    def report(done: int, _: int | None) -> None:
        if done:
            raise CancelledError

    with pytest.raises(CancelledError):
        load_classifier("inception-v3", report)
    assert server["requests"] == 1
    assert list(no_network.iterdir()) == []
    assert capsys.readouterr() == ("", "")  # no bar beside it


def test_fetch_downloads_once_with_progress(
    server: dict[str, Any], no_network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = no_network / weights.PUBLISHED["inception-v3"].file
    for _ in range(2):
        assert cli.main(["weights", "fetch", "inception-v3"]) == 0
        assert capsys.readouterr().out == f"{path}\n"
    assert path.read_bytes() == server["body"]
    assert server["requests"] == 1
    assert list(no_network.iterdir()) == [path]

    assert cli.main(["weights", "verify"]) == 0
    assert hashlib.sha256(server["body"]).hexdigest() in capsys.readouterr().out
    path.write_bytes(b"damaged")
    assert cli.main(["weights", "verify"]) == 1
    assert f"{path} is damaged" in capsys.readouterr().out
    assert cli.main(["weights", "fetch", "inception-v3"]) == 0
    assert "weights of inception-v3: 100%" in capsys.readouterr().err
    assert path.read_bytes() == server["body"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"body": b"a part", "length": 3_000_000}, "6 bytes of 3000000"),
        ({"body": b"another file"}, "its SHA-256 begins with"),
        ({"status": 404}, "404"),
    ],
)
def test_a_failed_download_leaves_nothing_behind(
    server: dict[str, Any], no_network: Path, wrong: dict[str, Any], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.update(wrong)
    assert cli.main(["weights", "fetch", "inception-v3"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("isexplore: the weights of inception-v3 are not on this machine")
    assert message in last
    assert list(no_network.iterdir()) == []


def test_an_interrupted_download_leaves_nothing_behind(
    server: dict[str, Any], no_network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    assert cli.main(["weights", "fetch", "inception-v3"]) == 130
    assert server["requests"] == 1
    assert list(no_network.iterdir()) == []


def test_a_cache_that_cannot_be_made(server: dict[str, Any], no_network: Path) -> None:
    no_network.parent.write_text("a file where the folder of caches should be")
    with pytest.raises(OSError, match="cannot be downloaded"):
        load_classifier("inception-v3")
    assert server["requests"] == 0


def test_weights_lists_what_is_there(no_network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["weights"]) == 0
    out = capsys.readouterr().out
    assert "inception-2015: not here (weights-inception-2015-12-05-6726825d.pth)" in out
    assert str(no_network) in out
    assert cli.main(["weights", "fetch", "resnet"]) == 1
    assert "known are: 'inception-2015', 'inception-v3'" in capsys.readouterr().err


# In the explorer's form


def test_the_form_shows_a_network_without_weights_and_its_error() -> None:
    from isexplore.widgets.chooser import Chooser

    failed, chooser = threading.Event(), Chooser(lambda _: None)
    chooser.observe(lambda change: failed.set() if change["new"]["error"] else None, "view")
    names = dict(chooser.view["classifiers"])
    assert "comes with isexplore" in names["digits"]
    assert "have to be downloaded" in names["inception-2015"]
    ready = threading.Event()
    chooser.observe(lambda change: ready.set() if change["new"]["ready"] else None, "view")
    chooser.choose("classifier", "inception-2015")
    assert chooser.view["ready"] or ready.wait(60)
    chooser.compute()
    assert failed.wait(60)
    assert weights.PUBLISHED["inception-2015"].url in chooser.view["error"]
    chooser.close()


def test_torchvision_waits_until_a_network_is_loaded() -> None:
    import subprocess

    code = "import sys, isexplore.classifiers.weights_report as w; w.weights_report(); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - a fixed command
    code = "import sys, isexplore.classifiers.inception_2015, isexplore.classifiers.inception_v3; "
    subprocess.run([sys.executable, "-c", code + "sys.exit('torchvision' in sys.modules)"], check=True)  # noqa: S603
