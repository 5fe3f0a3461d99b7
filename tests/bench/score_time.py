"""How long the score of 50,000 × 1000 predictions takes, against peers and against reading the matrix once."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import peers
import torch
from figures import Figure, table, times

from isexplore.score import inception_score, score_and_table, with_splits
from isexplore.splits import shuffled_order, split_curve, split_table
from isexplore.subsets import score_subset

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

TITLE = "Score of 50,000 × 1000 predictions (float32, CPU; best runs, taking turns)"
_N, _C = 50_000, 1000
# Why a budget is missed, where it is: the peer sums once, in float32 or without checks, and gives one number.
_COSTS = {
    "inception_score(p), everything in it": "every row is checked and summed in float64, and read again for its KL",
    "inception_score(logits=…), everything in it": "the same, and a softmax in float64 at each of two readings",
    "split_curve, 1 to 100 splits, cold": "a checked pass in float64 that keeps sums at 3,000 edges",
    "one more split count, after opening": "37 marginals of 1000 classes: 37,000 logarithms",
}
_ANY_SPLITS = 500  # budget: this many split counts, after opening, in one peer evaluation


def measure() -> list[Figure]:
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(4 * rng.standard_normal((_N, _C), dtype=np.float32))
    soft = logits.softmax(1)
    p = soft.numpy()
    score, opened = score_and_table(p, 200)
    half = rng.random(_N) < 0.5

    floors: dict[str, Callable[[], object]] = {
        "floor: read the matrix once, np.sum": p.sum,
        "floor: the bare formula in NumPy, no checks, NaN at p = 0": partial(_bare, p, 10),
    }
    rivals, missing = peers.installed(logits, soft)
    budgeted: dict[str, Callable[[], object]] = {
        "inception_score(p), everything in it": partial(inception_score, p),
        "inception_score(logits=…), everything in it": partial(inception_score, logits=logits.numpy()),
        "split_curve, 1 to 100 splits, cold": partial(split_curve, p, range(1, 101)),
    }
    quick: dict[str, Callable[[], object]] = {
        "the curve, 1 to 100 splits, after opening": partial(opened.curve, range(1, 101)),
        "one more split count, after opening": partial(with_splits, score, opened, 37),
    }
    others: dict[str, Callable[[], object]] = {
        "score_and_table, 200 splits (what opening computes)": partial(score_and_table, p, 200),
        "split_table, 200 splits, shuffled (the shuffle button)": partial(
            split_table, p, 200, shuffled_order(_N, 2020)
        ),
        "score_subset of a random half (a selection)": partial(score_subset, p, score.conditional_entropy, half),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own
        runs = times({**floors, **rivals, **budgeted, **others}, 7) | times(quick, 50)
    milliseconds = {name: 1e3 * min(values) for name, values in runs.items()}

    fastest = min(rivals, key=lambda name: milliseconds[name], default=None)
    figures = [Figure(name, milliseconds[name], "ms") for name in (*floors, *rivals)]
    figures += [Figure(name, float("nan"), "ms", why="not installed") for name in missing]
    for name in (*budgeted, *quick):
        budget, why = (None, "no peer is installed") if fastest is None else (milliseconds[fastest], fastest)
        if budget and name.startswith("one more"):
            budget, why = budget / _ANY_SPLITS, f"1/{_ANY_SPLITS} of {fastest}"
        if budget and milliseconds[name] > budget and name in _COSTS:
            why += f"; {_COSTS[name]}"
        figures.append(Figure(name, milliseconds[name], "ms", budget, why))
    return figures + [Figure(name, milliseconds[name], "ms") for name in others]


def _bare(p: NDArray[np.float32], splits: int) -> NDArray[np.float32]:
    parts = np.array_split(p, splits)
    return np.exp([np.mean(np.sum(part * (np.log(part) - np.log(part.mean(0))), axis=1)) for part in parts])


if __name__ == "__main__":
    print(table(TITLE, measure()))
