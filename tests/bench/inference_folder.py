"""A whole `isexplore.predict`, from a folder of JPEGs to predictions: decoder and network, and which is the limit."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
import torch
from figures import Figure, table
from inference import ours, random_peer
from PIL import Image

import isexplore as ix
from isexplore.inference.batches import count_batches, read_batches

if TYPE_CHECKING:
    from isexplore.classifiers.pretrained import PretrainedClassifier
    from isexplore.inference.settings import Precision

_N = {"cpu": 256, "cuda": 4096}
_SIDE, _BATCH = 256, 16
TITLE = f"A folder of JPEGs of {_SIDE}×{_SIDE}, Inception of 2015 with random weights, everything included"


def measure() -> list[Figure]:
    place = "cuda" if torch.cuda.is_available() else "cpu"
    network = ours(random_peer().state_dict(), Path("random weights"))
    with tempfile.TemporaryDirectory() as name, patch.dict(os.environ, XDG_CACHE_HOME=f"{name}/caches"):
        folder = Path(name, "images")
        _write(folder, _N[place])
        decoding = _decoding_rate(folder, network)
        figures = [Figure(f"{place}: decoding alone, in worker processes", decoding, "images/s")]
        precisions: tuple[Precision, ...] = ("exact", "fast")
        for precision in precisions:
            began = time.perf_counter()
            ix.predict(str(folder), network, device=place, precision=precision, progress=False)
            rate = _N[place] / (time.perf_counter() - began)
            limit = "the network" if rate < decoding / 2 else "the decoder"
            figures.append(Figure(f"{place}: {precision}", rate, "images/s", why=f"the limit is {limit}"))
        began = time.perf_counter()
        ix.predict(str(folder), network, device=place, progress=False)
        again = _N[place] / (time.perf_counter() - began)
        return [*figures, Figure(f"{place}: exact again, from the cache", again, "images/s")]


def _write(folder: Path, n: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(n):
        small = Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8))
        small.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC).save(folder / f"{i}.jpg", quality=90)


def _decoding_rate(folder: Path, network: PretrainedClassifier) -> float:
    images = ix.open_images(str(folder))
    began = time.perf_counter()
    for _ in read_batches(images, network.prepare, _BATCH, range(count_batches(len(images), _BATCH)), cache=None):
        pass
    return len(images) / (time.perf_counter() - began)


if __name__ == "__main__":
    print(table(TITLE, measure()))
