"""Networks from files: programs of torch.export and TorchScript, and what looks like one."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import pickle
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from torch import nn

import isexplore as ix
from isexplore import cli
from isexplore.classifiers import Classifier, any_batch, load_classifier
from isexplore.classifiers.network_file import FileClassifier, load_network_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

NAMES = ("one", "two", "three", "four", "five")


class Net(nn.Module):
    """A convolutional network that makes tensors of its own, as many do, and drops out in training."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.Tanh(), nn.Dropout(0.5))
        self.last = nn.Linear(4, 5)
        self.scale = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.layers(images).mean((2, 3))
        ones = torch.ones(5, device=images.device, dtype=features.dtype)
        result: torch.Tensor = self.last(features.to(images.dtype)) * self.scale.to(images) + ones
        return result


def pictures(n: int = 11, size: int = 16, channels: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(n).integers(0, 256, (n, size, size, channels), np.uint8)


def batch(n: int, size: int = 16, channels: int = 3) -> torch.Tensor:
    return torch.from_numpy(pictures(n, size, channels)).permute(0, 3, 1, 2) / 255


def exported(
    path: Path, *, images: int = 8, dynamic: dict[int, Any] | None = None, names: str | None = None, net: Any = None
) -> Path:
    net = Net().eval() if net is None else net
    shapes = None if dynamic is None else (dynamic,)
    # torch.export copies tensors that a network keeps as attributes, and says so.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(net, (batch(images),), dynamic_shapes=shapes)
    torch.export.save(program, path, extra_files=None if names is None else {"class_names.json": names})
    return path


def scripted(path: Path, *, how: str = "script", names: str | None = None, net: Any = None) -> Path:
    net = Net().eval() if net is None else net
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls TorchScript deprecated; its files live on
        module = torch.jit.trace(net, batch(2)) if how == "trace" else torch.jit.script(net)
        module = torch.jit.freeze(module) if how == "freeze" else module
        torch.jit.save(module, str(path), _extra_files=None if names is None else {"class_names.json": names})
    return path


KINDS: dict[str, Callable[[Path], Path]] = {
    "static batch of 8": lambda folder: exported(folder / "net.pt2"),
    "static batch of 1": lambda folder: exported(folder / "net.pt2", images=1),
    "any batch": lambda folder: exported(folder / "net.PT2", dynamic={0: torch.export.Dim("n")}),
    "at most 4 images": lambda folder: exported(
        folder / "net.pt2", images=3, dynamic={0: torch.export.Dim("n", max=4)}
    ),
    "at least 20 images": lambda folder: exported(
        folder / "net.pt2", images=30, dynamic={0: torch.export.Dim("n", min=20, max=90)}
    ),
    "script": lambda folder: scripted(folder / "net.pt"),
    "script in training mode": lambda folder: scripted(folder / "net.ts", net=Net()),
    "trace": lambda folder: scripted(folder / "net.torchscript", how="trace"),
    "frozen": lambda folder: scripted(folder / "net.pth", how="freeze"),
    "script under the other's name": lambda folder: scripted(folder / "net.pt2"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 8, 11, 25])
def test_a_file_gives_the_predictions_of_its_network(kind: str, n: int, tmp_path: Path) -> None:
    path = KINDS[kind](tmp_path)
    found = ix.predict(pictures(n), str(path), device="cpu", progress=False)
    with torch.inference_mode():
        expected = Net().eval()(batch(n)).softmax(1)
    np.testing.assert_allclose(found.probabilities, expected, rtol=0, atol=2e-6)
    assert found.provenance.classifier == path.name
    assert found.provenance.preprocessing == "own size and channels, 0–1"


@pytest.mark.parametrize("kind", KINDS)
def test_loading_says_nothing_and_runs_again(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    path = KINDS[kind](tmp_path)
    recwarn.clear()
    capfd.readouterr()
    classifier = load_classifier(path)
    assert isinstance(classifier, Classifier)
    assert isinstance(classifier, FileClassifier)
    assert classifier.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not any(parameter.requires_grad for parameter in classifier.module.parameters())
    first, second = (ix.predict(pictures(), classifier, device="cpu", progress=False) for _ in range(2))
    assert np.array_equal(first.probabilities, second.probabilities)
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("torch.export").level == logging.NOTSET


@pytest.mark.parametrize("kind", ["static batch of 8", "any batch"])
def test_a_program_follows_to_another_device(kind: str, tmp_path: Path) -> None:
    # The meta device stands for an accelerator: as there, a tensor that stays behind is an error.
    module = load_network_file(KINDS[kind](tmp_path)).module
    assert module(batch(3)).device.type == "cpu"
    assert module.to("meta")(batch(3).to("meta")).device.type == "meta"
    assert {tensor.device.type for tensor in (*module.parameters(), *module.buffers())} == {"meta"}


def test_a_program_runs_in_bfloat16(tmp_path: Path) -> None:
    module = load_network_file(exported(tmp_path / "net.pt2")).module
    exact = module(batch(5))
    with torch.autocast("cpu", torch.bfloat16):
        fast = module(batch(5))
    assert 0 < (fast - exact).abs().max() < 0.1


@pytest.mark.parametrize("kind", ["export", "script"])
def test_half_precision_networks_get_what_they_take(kind: str, tmp_path: Path) -> None:
    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.norm = nn.BatchNorm2d(3, dtype=torch.float16)
            self.last = nn.Linear(3, 5, dtype=torch.float16)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.last(self.norm(images).mean((2, 3)))
            return result

    net = Small().eval()
    if kind == "export":
        torch.export.save(torch.export.export(net, (batch(4).half(),)), tmp_path / "net.pt2")
        path = tmp_path / "net.pt2"
    else:
        path = scripted(tmp_path / "net.pt", net=net)
    found = ix.predict(pictures(6), path, device="cpu", progress=False)
    expected = net(batch(6).half()).double().softmax(1)
    np.testing.assert_allclose(found.probabilities, expected.detach(), atol=1e-3)
    module = load_network_file(path).module
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(module(batch(6)), module(batch(6).half()))


def test_class_names_come_from_an_extra_file_or_an_attribute(tmp_path: Path) -> None:
    class Named(Net):
        def __init__(self) -> None:
            super().__init__()
            self.class_names: list[str] = list(NAMES)

    extra = json.dumps(NAMES)
    for path in (
        exported(tmp_path / "a.pt2", names=extra),
        scripted(tmp_path / "b.pt", names=extra),
        scripted(tmp_path / "c.pt", net=Named().eval()),
    ):
        assert ix.predict(pictures(), path, device="cpu", progress=False).class_names == NAMES
    assert load_network_file(exported(tmp_path / "d.pt2")).class_names is None


@pytest.mark.parametrize("names", ["[1, 2]", '{"a": 1}', "not json", "[" * 100_000, '"text"'])
def test_class_names_that_are_none(names: str, tmp_path: Path) -> None:
    path = scripted(tmp_path / "net.pt", names=names)
    with pytest.raises(ValueError, match=r"class_names\.json in .*net\.pt (cannot be read|must be a list of names)"):
        load_network_file(path)


@pytest.mark.parametrize(("size", "channels"), [(17, 3), (16, 1)])
def test_images_of_another_shape_are_told_which_one_fits(size: int, channels: int, tmp_path: Path) -> None:
    classifier = load_network_file(exported(tmp_path / "net.pt2"))
    assert (classifier.shape, classifier.input_size) == ((3, 16, 16), 16)
    with pytest.raises(ValueError, match=rf"net\.pt2 takes images of 3×16×16 .*, but got {channels}×{size}×{size}"):
        ix.predict(pictures(2, size, channels), classifier, device="cpu", progress=False)


def test_a_program_with_free_sizes_takes_them(tmp_path: Path) -> None:
    side = {axis: torch.export.Dim(name, min=8, max=64) for axis, name in ((0, "n"), (2, "height"), (3, "width"))}
    classifier = load_network_file(exported(tmp_path / "net.pt2", dynamic=side))
    assert (classifier.shape, classifier.input_size) == ((3, None, None), None)
    assert classifier.module(classifier.prepare(list(pictures(2, 20)))).shape == (2, 5)
    with pytest.raises(ValueError, match=r"net\.pt2 failed on a batch of 8×3×65×65 "):
        classifier.module(classifier.prepare(list(pictures(2, 65))))


def test_a_script_that_fails_says_so_in_one_line(tmp_path: Path) -> None:
    path = scripted(tmp_path / "net.pt")
    with pytest.raises(ValueError, match=r"net\.pt failed on a batch of 2×1×16×16 .*: RuntimeError: ") as caught:
        ix.predict(pictures(2, 16, 1), path, device="cpu", progress=False)
    assert "\n" not in str(caught.value)


def test_running_out_of_memory_stays_that_error(tmp_path: Path) -> None:
    module = load_network_file(scripted(tmp_path / "net.pt")).module

    def exhaust(_: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("The following operation failed in the TorchScript interpreter.\nCUDA out of memory.")

    module.network.forward = exhaust  # type: ignore[union-attr]
    with pytest.raises(torch.OutOfMemoryError):
        module(batch(2))


class Pair(Net):
    def forward(self, images: torch.Tensor) -> Any:
        return super().forward(images), images


class Whole(Net):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images).mean(0)


class TwoInputs(Net):
    def forward(self, images: torch.Tensor, other: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return super().forward(images) + other.mean()


class Bytes(Net):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images / 255)


def saved(path: Path, net: nn.Module, *inputs: torch.Tensor) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(net, inputs), path)
    return path


@pytest.mark.parametrize(
    ("net", "inputs", "message"),
    [
        (Pair().eval(), (batch(4),), "must return logits alone, of shape .4, classes., but returned a tuple"),
        (Whole().eval(), (batch(4),), r"must return logits alone, .* but returned shape \(5,\)"),
        (TwoInputs().eval(), (batch(4), batch(4)), "must take one batch of images"),
        (nn.Linear(16, 5).eval(), (torch.zeros(2, 16),), "must take one batch of images"),
        (Bytes().eval(), ((batch(4) * 255).byte(),), "takes torch.uint8: export it for floating-point images"),
        (Net().train(), (batch(4),), r"exported in training mode: call the network's eval\(\)"),
    ],
)
def test_programs_that_are_no_classifier(
    net: nn.Module, inputs: tuple[torch.Tensor, ...], message: str, tmp_path: Path
) -> None:
    path = saved(tmp_path / "net.pt2", net, *inputs)
    with pytest.raises(ValueError, match=message) as caught:
        ix.predict(pictures(4), path, device="cpu", progress=False)
    assert "net.pt2" in str(caught.value)


class Code:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("executed",))


def cut(source: Path, target: Path, member: str) -> None:
    """Copy an archive, but only half of one of its members."""
    with ZipFile(source) as old, ZipFile(target, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info, content[: len(content) // 2] if info.filename.endswith(member) else content)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("state", "pickled weights or a pickled module, not a program, and nothing in it was run"),
        ("module", "pickled weights or a pickled module"),
        ("code", "pickled weights or a pickled module"),
        ("old pickle", "pickled weights or a pickled module"),
        ("plain pickle", "pickled weights or a pickled module"),
        ("published", 'holds the weights of inception-2015: choose "inception-2015"'),
        ("empty", "damaged, or no network"),
        ("text", "damaged, or no network"),
        ("half a script", "damaged, or no network"),
        ("half a program", "damaged, or no network"),
        ("another zip", "holds no network"),
        ("bad script", "cannot be loaded by torch"),
        ("bad program", "cannot be loaded by torch"),
        ("compiled", "AOTInductor"),
    ],
)
def test_files_that_hold_no_network(
    kind: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "files"
    folder.mkdir()
    published = "weights-inception-2015-12-05-6726825d.pth"
    path = folder / {"published": published, "bad program": "net.pt2", "half a program": "net.pt2"}.get(kind, "net.pt")
    if kind in {"state", "published"}:
        torch.save(Net().state_dict(), path)
    elif kind == "module":
        torch.save(Net(), path)
    elif kind == "code":
        torch.save({"weight": Code()}, path)
    elif kind == "old pickle":
        torch.save({"weight": Code()}, path, _use_new_zipfile_serialization=False)
    elif kind == "half a script":
        path.write_bytes(scripted(tmp_path / "whole").read_bytes()[:2000])
    elif kind == "half a program":
        path.write_bytes(exported(tmp_path / "whole.pt2").read_bytes()[:2000])
    elif kind == "bad script":
        cut(scripted(tmp_path / "whole"), path, "/data.pkl")
    elif kind == "bad program":
        cut(exported(tmp_path / "whole.pt2"), path, ".json")
    elif kind in {"another zip", "compiled"}:
        with ZipFile(path, "w") as archive:
            archive.writestr({"compiled": "net/data/aotinductor/model/x.so"}.get(kind, "picture.png"), b"")
    else:
        path.write_bytes({"plain pickle": pickle.dumps(Code()), "text": b"<html>not found</html>"}.get(kind, b""))
    capfd.readouterr()
    with pytest.raises(ValueError, match=message) as caught:
        load_classifier(str(path))
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
    assert not (tmp_path / "executed").exists()  # no code was run


def with_member(source: Path, target: Path, member: str, content: bytes) -> Path:
    """Copy an archive with another content of one of its members, or with one more."""
    with ZipFile(source) as old, ZipFile(target, "w") as new:
        members = {name: old.read(name) for name in old.namelist()}
        found = [name for name in members if name.endswith(member)]
        for name, own in (members | {(found[0] if found else f"{target.stem}/{member}"): content}).items():
            new.writestr(name, own)
    return target


def evil() -> bytes:
    stream = io.BytesIO()
    torch.save(({"weight": Code()},), stream)
    return stream.getvalue()


@pytest.mark.parametrize("setting", [{}, {"FORCE_WEIGHTS": "0"}, {"FORCE_NO_WEIGHTS": "1"}])
def test_no_pickled_code_in_a_program_is_run(
    setting: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in setting.items():
        monkeypatch.setenv(f"TORCH_{name}_ONLY_LOAD", value)
    good = exported(tmp_path / "net.pt2")
    with ZipFile(good) as archive:  # torch 2.6 has other names than 2.15
        pickled = [name for name in archive.namelist() if name.endswith(".pt")]
    assert pickled
    for member in (*pickled, "data/constants/opaque_obj_0"):
        path = with_member(good, tmp_path / "evil.pt2", member, evil())
        with pytest.raises(ValueError, match=r"evil\.pt2 .*holds pickled objects that are no tensors") as caught:
            load_network_file(path)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "executed").exists()
    load_network_file(good)
    kept = {name: value for name, value in os.environ.items() if name.endswith("_ONLY_LOAD")}
    assert kept == {f"TORCH_{name}_ONLY_LOAD": value for name, value in setting.items()}


def test_a_program_that_torch_cannot_unfold_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Which odd files come this far depends on torch's version: in 2.15 one whose example inputs are no pair.
    def unfold(*_: object) -> nn.Module:
        raise TypeError("not enough values to unpack")

    path = exported(tmp_path / "odd.pt2")
    monkeypatch.setattr(any_batch, "_module", unfold)
    with pytest.raises(ValueError, match=r"odd\.pt2 is damaged, or no program of torch\.export: not enough values"):
        load_network_file(path)


@pytest.mark.parametrize("kind", ["static batch of 8", "script"])
def test_a_flipped_bit_is_noticed(kind: str, tmp_path: Path) -> None:
    path = KINDS[kind](tmp_path)
    content = bytearray(path.read_bytes())
    weights = Net().last.weight.detach().numpy().tobytes()
    content[content.index(weights) + 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="has another checksum"):
        load_network_file(path)


@pytest.mark.parametrize("name", ["net.pt2", "net.pt", "folder.pt"])
def test_a_file_that_is_not_there(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.pt").mkdir()
    for path in (tmp_path / name, str(tmp_path / name)):
        with pytest.raises(FileNotFoundError, match=rf"there is no file .*{name} with a network"):
            load_classifier(path)


def test_the_command_line_takes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = exported(tmp_path / "net.pt2", dynamic={0: torch.export.Dim("n")})
    np.save(tmp_path / "images.npy", pictures(40))
    assert cli.main(["score", str(tmp_path / "images.npy"), "--classifier", str(path), "--device", "cpu"]) == 0
    assert "net.pt2" in capsys.readouterr().out
    torch.save(Net().state_dict(), tmp_path / "state.pt")
    assert cli.main(["score", str(tmp_path / "images.npy"), "--classifier", str(tmp_path / "state.pt")]) == 1
    assert "pickled weights" in capsys.readouterr().err


def test_the_loader_waits_until_a_file_is_named() -> None:
    code = "import sys, isexplore.classifiers; sys.exit('isexplore.classifiers.network_file' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - a fixed command
