"""How long `isexplore.diagnose` takes with embeddings, and at how much memory, against the plain O(N²) way.

Plain are the nearest neighbours of all images in all dimensions, of both sets, which near repeats need: measured on a
part of the images, and extrapolated by N². Diagnosing runs in a process of its own, `python
tests/bench/diagnose_time.py N`, on files that are memory-mapped; their pages do not count, as they can go at any time.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from figures import Figure, table
from sklearn.neighbors import NearestNeighbors

import isexplore as ix

N, C, D = 50_000, 1000, 2048
TITLE = f"Diagnosing {N:,} × {C:,} with {D}-dimensional embeddings, against a reference of the same size"
_PART = 10_000
_PLANTED = 100  # one in so many images is a noisy copy
_NOISE = 0.02  # of what tells images apart
_INNER = 64  # dimensions that the images really have
_BLOCK = 1000
_STATUS = Path("/proc/self/status")


def measure() -> list[Figure]:
    command = [sys.executable, __file__, str(N)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603 - this file
    plain = _plain()
    files = f"the files of both sets have {2 * N * (2 * D + 4 * C) / 1e6:,.0f} MB"
    return [
        Figure("diagnose, everything in it", found["seconds"], "s", plain, "the plain way to near repeats alone"),
        Figure("plain nearest neighbours of both sets", plain, "s", why=f"from {_PART:,} images, by N²"),
        *(Figure(f"of diagnose: {name}", seconds, "s") for name, seconds in found["checks"].items() if seconds > 1),
        Figure("peak memory of diagnose beyond what is there before", found["megabytes"], "MB", 1000, files),
        Figure("planted near repeats that were missed", found["missed"], "%", 1, f"1 in {_PLANTED} images is planted"),
    ]


def embeddings(n: int, seed: int, planted: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float16]]:
    """Return n rows that lie on a curved sheet, of which the last ones nearly repeat the first."""
    rng = np.random.default_rng(seed)
    sheet = np.random.default_rng(0).standard_normal((_INNER, D), np.float32) / _INNER**0.5
    rows = np.empty((n, D), np.float16)
    for start in range(0, n, _BLOCK):
        inner = rng.standard_normal((min(_BLOCK, n - start), _INNER), np.float32)
        rows[start : start + _BLOCK] = np.maximum(inner @ sheet, 0)
    if planted:
        rows[-planted:] = rows[:planted] * (1 + _NOISE * rng.standard_normal((planted, D), np.float32))
    return rows


def _plain() -> float:
    rows = embeddings(_PART, 1).astype(np.float32)
    began = time.perf_counter()
    NearestNeighbors(n_neighbors=1, algorithm="brute").fit(rows).kneighbors()
    return 2 * (time.perf_counter() - began) * (N / _PART) ** 2


def _predictions(n: int, seed: int, planted: int, file: Path) -> ix.Predictions:
    rng = np.random.default_rng(seed)
    p = np.full((n, C), 0.1 / (C - 1), np.float32)
    p[np.arange(n), rng.integers(0, C, n)] = 0.9
    made = ix.Predictions.from_probabilities(p)
    digests = rng.integers(0, 256, (n, 16), np.uint8)
    replace(made, embeddings=embeddings(n, seed, planted), digests=digests).save(file)
    return ix.load(file)


def _main(n: int) -> None:
    from isexplore.collapse.evidence import Evidence, side_of
    from isexplore.report.checks import CHECKS

    planted = n // _PLANTED
    with tempfile.TemporaryDirectory() as folder:
        real = _predictions(n, 1, 0, Path(folder, "real.safetensors"))
        drawn = _predictions(n, 2, planted, Path(folder, "drawn.safetensors"))
        small = [_predictions(2000, seed, 0, Path(folder, f"{seed}.safetensors")) for seed in (3, 4)]
        ix.diagnose(small[0], small[1])  # imports all
        before, seen, done = _megabytes(), [0.0], threading.Event()

        def look() -> None:
            while not done.wait(0.01):
                seen.append(_megabytes())

        watcher = threading.Thread(target=look)
        watcher.start()
        began = time.perf_counter()
        report = ix.diagnose(drawn, real)
        seconds = time.perf_counter() - began
        done.set()
        watcher.join()
        near = next(check for check in report.checks if check.key == "near-repeats")
        evidence, each = Evidence(side_of(drawn), side_of(real)), {}
        for check in CHECKS:
            began = time.perf_counter()
            list(check(evidence))
            each[check.__name__] = time.perf_counter() - began
    missed = 100 * (1 - len(np.intersect1d(near.images, np.arange(n - planted, n))) / planted)
    print(json.dumps({"seconds": seconds, "megabytes": max(seen) - before, "missed": missed, "checks": each}))


def _megabytes() -> float:
    """Return what is neither a file's nor swapped out."""
    found = re.search(r"^RssAnon:\s+(\d+) kB", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else float("nan")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _main(int(sys.argv[1]))
    else:
        print(table(TITLE, measure()))
