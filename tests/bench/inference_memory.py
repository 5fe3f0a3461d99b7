"""How much memory `isexplore.predict` takes at its peak, for few images and for many, and what it makes of a folder.

Each size is measured in a process of its own, `python tests/bench/inference_memory.py N`, which gives 1008 classes to
N images of 32×32 pixels that lie on disk; pages of files that are only mapped do not count, as they can go at any time.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import torch
from figures import Figure, table

import isexplore as ix

TITLE = "Memory of a run: 1008 classes, 32×32 images from an .npy, a network of one layer"
_FEW, _MANY = 10_000, 200_000
_STATUS = Path("/proc/self/status")


def measure() -> list[Figure]:
    few, many = (_peak(n) for n in (_FEW, _MANY))
    matrix = f"the matrix alone has {_MANY * 1008 * 4 / 1e6:.0f} MB, images and thumbnails {2 * _MANY * 3072 / 1e6:.0f}"
    return [
        Figure(f"peak beyond what is there before, {_FEW:,} images", few, "MB"),
        Figure(f"the same, {_MANY:,} images", many, "MB", 2 * few, matrix),
    ]


def _peak(n: int) -> float:
    command = [sys.executable, __file__, str(n)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603 - this file


def _main(n: int) -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.AvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(192, 1008))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        file = Path(folder, "images.npy")
        images = np.lib.format.open_memmap(file, "w+", np.uint8, (n, 32, 32, 3))
        for start in range(0, n, 10_000):
            images[start : start + 10_000] = np.random.default_rng(start).integers(
                0, 256, (10_000, 32, 32, 3), np.uint8
            )
        del images
        ix.predict(np.zeros((64, 32, 32, 3), np.uint8), network, device="cpu", progress=False)  # imports all
        before, seen, done = _megabytes(), [0.0], threading.Event()

        def look() -> None:
            while not done.wait(0.005):
                seen.append(_megabytes())

        watcher = threading.Thread(target=look)
        watcher.start()
        ix.predict(str(file), network, device="cpu", out=Path(folder, "run.safetensors"), progress=False)
        done.set()
        watcher.join()
    print(max(seen) - before)


def _megabytes() -> float:
    """Return what is neither a file's nor swapped out."""
    found = re.search(r"^RssAnon:\s+(\d+) kB", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else float("nan")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _main(int(sys.argv[1]))
    else:
        print(table(TITLE, measure()))
