"""The commands that the README gives for published scores run, on a stand-in for CIFAR-10 and for the networks."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import numpy as np
import torchvision
from PIL import Image

import isexplore as ix
from isexplore import inference
from isexplore.classifiers import load_classifier

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Cifar10:
    """Twenty pictures with labels, as torchvision's data set gives them."""

    classes = ("airplane", "automobile")

    def __init__(self, root: str, *, train: bool = True, download: bool = False) -> None:
        assert (root, download) == (".", True)
        self.targets = [0, 1] * 10
        self.data = np.random.default_rng(int(train)).integers(0, 256, (20, 32, 32, 3), np.uint8)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        return Image.fromarray(self.data[index]), self.targets[index]


def commands(readme: str) -> list[str]:
    return re.findall(r"`(python -c .+?)`", readme)


def test_the_commands_for_published_scores_run(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def stand_in(name: str) -> Any:
        asked.append(name)
        return load_classifier("digits")

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", Cifar10)
    monkeypatch.setattr(inference, "load_classifier", stand_in)
    monkeypatch.setattr(ix, "predict", inference.predict)
    said = []
    for command in commands((checkout / "README.md").read_text(encoding="utf-8")):
        program, option, code = shlex.split(command)
        assert (program, option) == ("python", "-c")
        exec(code, {})  # noqa: S102 - our own README
        said.append(capsys.readouterr().out)
    assert asked == ["inception-2015", "inception-2015", "inception-v3"]
    (row,) = [line for line in said[0].splitlines() if "torch-fidelity" in line]
    assert all(float(number) > 0 for number in row.split()[-2:])
    assert all(text.startswith("IS ") for text in said[1:])
