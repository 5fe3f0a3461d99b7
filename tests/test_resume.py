"""A run that is killed goes on where it was, and ends as if nothing had happened; nothing is computed twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from isexplore.predictions import load

if TYPE_CHECKING:
    from pathlib import Path

# A run with a network that is slow, and that says how many images it has computed.
RUN = """
import signal, sys, time
from dataclasses import dataclass, field
import numpy as np, torch
import isexplore as ix
from isexplore.classifiers.module import ModuleClassifier

signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background starts without it

class Slow(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.inner = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Flatten(), torch.nn.LazyLinear(10))
        self.inner(torch.zeros(1, 3, 8, 8))
        self.computed = 0
    def forward(self, images):
        time.sleep(float(sys.argv[4]))
        self.computed += len(images)
        return 10 * self.inner(images)

class Known(ModuleClassifier):
    weights_sha256 = "00" * 32

source, out, precision = sys.argv[1:4]
network = Slow()
how = {"device": "cpu", "batch_size": 4, "precision": precision, "embeddings": True}
ix.predict(source, Known(network), out=out, progress=False, **how)
print(network.computed)
"""
N, B = 120, 4


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("source") / "images.npy"
    np.save(file, np.random.default_rng(0).integers(0, 256, (N, 8, 8, 3), np.uint8))
    return file


def start(source: Path, out: Path, caches: Path, *, precision: str = "exact", pause: float = 0.0) -> Any:
    environment = {**os.environ, "XDG_CACHE_HOME": str(caches)}
    command = [sys.executable, "-c", RUN, str(source), str(out), precision, str(pause)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own script


def computed(process: Any) -> int:
    """Wait for the end, and return how many images were computed."""
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return int(said)


def kept(caches: Path) -> int:
    return len(list(caches.glob("isexplore/predictions/*/*.npz")))


def contents(file: Path) -> tuple[Any, ...]:
    predictions = load(file)
    assert predictions.thumbnails is not None
    assert predictions.embeddings is not None
    assert predictions.digests is not None
    arrays = (predictions.probabilities, predictions.thumbnails, predictions.embeddings, predictions.digests)
    return *(np.array(array).tobytes() for array in arrays), predictions.image_names, predictions.provenance.precision


def test_killed_three_times_and_resumed_it_is_the_same_to_the_bit(source: Path, tmp_path: Path) -> None:
    assert computed(start(source, tmp_path / "whole.safetensors", tmp_path / "apart")) == N
    out, caches = tmp_path / "run.safetensors", tmp_path / "caches"
    rng = random.Random(0)  # noqa: S311 - it only says when to kill
    before = 0
    for how in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
        process = start(source, out, caches, pause=0.1)
        enough = before + rng.randint(3, 6)
        while kept(caches) < enough:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.1))
        process.send_signal(how)
        process.communicate(timeout=30)
        assert process.returncode != 0
        assert not out.exists()
        assert kept(caches) > before
        before = kept(caches)
    assert before < N / B
    (damaged, *_) = caches.glob("isexplore/predictions/*/*.npz")
    damaged.write_bytes(damaged.read_bytes()[:100])  # as a power cut may leave it
    assert computed(start(source, out, caches)) == N - B * (before - 1)
    assert contents(out) == contents(tmp_path / "whole.safetensors")
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "apart",
        "caches",
        "run.safetensors",
        "whole.safetensors",
    ]
    assert computed(start(source, tmp_path / "again.safetensors", caches)) == 0
    assert contents(tmp_path / "again.safetensors") == contents(out)


def test_other_pixels_are_computed(source: Path, tmp_path: Path) -> None:
    caches = tmp_path / "caches"
    assert computed(start(source, tmp_path / "a.safetensors", caches)) == N
    pixels = np.load(source)
    pixels[50, 0, 0, 0] ^= 1
    np.save(tmp_path / "changed.npy", pixels)
    assert computed(start(tmp_path / "changed.npy", tmp_path / "b.safetensors", caches)) == B
    assert contents(tmp_path / "a.safetensors")[0] != contents(tmp_path / "b.safetensors")[0]


def test_a_fast_run_keeps_what_it_has_compared(source: Path, tmp_path: Path) -> None:
    caches = tmp_path / "caches"
    first = computed(start(source, tmp_path / "a.safetensors", caches, precision="fast"))
    assert first > N  # some in both precisions
    assert computed(start(source, tmp_path / "b.safetensors", caches, precision="fast")) == 0
    assert contents(tmp_path / "a.safetensors") == contents(tmp_path / "b.safetensors")
    assert "ln IS of" in str(load(tmp_path / "b.safetensors").provenance.precision)
    assert computed(start(source, tmp_path / "c.safetensors", caches)) == N
