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

from isexplore.inference.ranks import Ranks
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
    options = ["--classifier", str(network), "--device", "cpu", "--batch-size", "16", "--on-error", "raise"]
    done = run(2, str(folder), *options, "--out", str(tmp_path / "run.safetensors"), caches=tmp_path / "caches")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "isexplore: 017.png" in done.stderr
    assert list(tmp_path.glob("*.safetensors*")) == []
    assert list(tmp_path.glob(".*")) == []


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
