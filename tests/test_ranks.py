"""Several processes that torchrun starts give the file that one gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

from isexplore import demo
from isexplore.classifiers import load_classifier
from isexplore.inference.ranks import Ranks
from isexplore.inference.settings import Settings
from isexplore.inference.shard_run import plan
from isexplore.predictions import load
from isexplore.predictions.assembly import checked_out

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(288, 10)
    )
    file = tmp_path_factory.mktemp("network") / "network.pt2"
    batch = torch.export.Dim("batch", min=1, max=1024)
    program = torch.export.export(layers.eval(), (torch.zeros(4, 3, 8, 8),), dynamic_shapes=({0: batch},))
    torch.export.save(program, file)
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 pictures of two sizes of thumbnail in effect, of which three are broken."""
    folder = tmp_path_factory.mktemp("pictures")
    for i, picture in enumerate(np.random.default_rng(0).integers(0, 256, (300, 8, 8, 3), np.uint8)):
        Image.fromarray(picture).save(folder / f"{i:03}.png")
    for i in (17, 150, 299):
        (folder / f"{i:03}.png").write_bytes(b"broken")
    return folder


def run(processes: int, *arguments: str, caches: Path) -> Any:
    command = [sys.executable, "-m"]
    if processes > 1:
        command += ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(caches), "OMP_NUM_THREADS": "1"}
    return subprocess.run(  # noqa: S603 - our own command
        [*command, "isexplore", "score", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_two_processes_write_the_file_that_one_writes(folder: Path, network: Path, tmp_path: Path) -> None:
    said = []
    for processes in (1, 2):
        out = tmp_path / f"{processes}.safetensors"
        options = ["--classifier", str(network), "--device", "cpu", "--batch-size", "16", "--json", "--out", str(out)]
        done = run(processes, str(folder), *options, caches=tmp_path / f"caches-{processes}")
        assert done.returncode == 0, done.stderr
        said.append(json.loads(done.stdout))
        assert done.stderr.count("3 of 300 images skipped: 017.png") == 1
    one, two = (load(tmp_path / f"{processes}.safetensors") for processes in (1, 2))
    assert two.provenance == replace(one.provenance, created=two.provenance.created)
    two.described(one.provenance).save(tmp_path / "2.safetensors")
    assert (tmp_path / "2.safetensors").read_bytes() == (tmp_path / "1.safetensors").read_bytes()
    assert [name for name, _ in one.provenance.skipped] == ["017.png", "150.png", "299.png"]
    for details in said:
        details["provenance"].pop("created")
    assert said[0] == said[1]
    assert sorted(file.name for file in tmp_path.glob("*.*")) == ["1.safetensors", "2.safetensors"]


def test_a_failure_of_one_process_ends_all(folder: Path, network: Path, tmp_path: Path) -> None:
    """The broken pictures of the first process are left out: the second one has to tell it."""
    for name in ("017.png", "150.png"):
        (folder / name).unlink()
    options = ["--classifier", str(network), "--device", "cpu", "--batch-size", "16", "--on-error", "raise"]
    done = run(2, str(folder), *options, "--out", str(tmp_path / "run.safetensors"), caches=tmp_path / "caches")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "isexplore: 299.png" in done.stderr
    assert "isexplore: process 1 of 2 failed: ValueError: 299.png" in done.stderr
    assert list(tmp_path.glob("*.safetensors*")) == []
    assert list(tmp_path.glob(".*")) == []


def test_a_process_without_images_and_a_fast_run(network: Path, folder: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for i in range(4):
        (few / f"{i}.png").write_bytes((folder / f"{i:03}.png").read_bytes())
    options = ["--classifier", str(network), "--device", "cpu", "--batch-size", "16", "--precision", "fast", "--json"]
    one, two = (
        run(processes, str(few), *options, "--splits", "2", caches=tmp_path / str(processes)) for processes in (1, 2)
    )
    details = [json.loads(done.stdout) for done in (one, two)]
    assert details[0]["provenance"]["precision"] == details[1]["provenance"]["precision"] != ""
    assert details[0]["overall"] == details[1]["overall"]


def test_processes_that_were_given_something_else_are_told() -> None:
    ranks = Ranks(0, 1)
    ranks.agree("images", 5, "samples")

    class Two(Ranks):
        def of_all(self, value: Any) -> list[Any]:
            return [value, (6, "samples")]

    with pytest.raises(ValueError, match="given different images"):
        Two().agree("images", 5, "samples")


def test_a_set_in_another_order_each_time_is_not_shared() -> None:
    class Two(Ranks):
        def of_all(self, value: Any) -> list[Any]:
            return [value] * self.world

    sample = replace(demo.real(), shuffled=True)
    with pytest.raises(ValueError, match="comes in another order each time: several processes can't share it"):
        plan(sample, load_classifier("digits"), Settings(), torch.device("cpu"), Two(0, 2))
    assert plan(sample, load_classifier("digits"), Settings(), torch.device("cpu"), Ranks()).batch_size == 256


def test_shares_are_consecutive_and_whole() -> None:
    for count in (0, 1, 2, 7, 100):
        for world in (1, 2, 3, 8):
            shares = [Ranks(rank, world).share(count) for rank in range(world)]
            assert [i for share in shares for i in share] == list(range(count))


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        ("run.npz", ValueError, "must end in .safetensors"),
        ("nowhere/run.safetensors", FileNotFoundError, "does not exist"),
        ("folder.safetensors", IsADirectoryError, "it is a folder"),
    ],
)
def test_where_a_result_cannot_go_is_said_before_the_work(
    tmp_path: Path, out: str, error: type[Exception], message: str
) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(error, match=message):
        checked_out(tmp_path / out)
