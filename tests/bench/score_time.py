"""How long the score of 50,000 × 1000 predictions takes, against peers and against reading the matrix once."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING

import memory
import numpy as np
import peers
import torch
from figures import Figure, table, times

from isexplore.capacity import channel_capacity
from isexplore.conventions import convention_rows
from isexplore.cumulative import cumulative_sums
from isexplore.groups import group_sums
from isexplore.influence import leave_one_out
from isexplore.order import order_test
from isexplore.score import inception_score, score_and_sums
from isexplore.splits import curve_of, shuffled_order, split_curve, split_edges
from isexplore.subsets import score_subset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Work = dict[str, Callable[[], object]]

TITLE = "Score of 50,000 × 1000 predictions (float32; best runs, taking turns)"
_N, _C = 50_000, 1000
_SCORE, _LOGITS = "inception_score(p), everything in it", "inception_score(logits=…), everything in it"
_CURVE, _ONE = "the curve, 1 to 100 splits, after opening", "one more split count, after opening"
# Why a budget is missed, where it is: the fastest peer sums once, checks nothing, and gives one number.
_COSTS = {
    _SCORE: "every row is checked, and read again for its KL",
    _LOGITS: "a softmax in float64 at each of two readings; the fastest peer is given probabilities",
    _ONE: "37 marginals of 1000 classes: 37,000 logarithms",
}
_ANY_SPLITS = 500  # budget: this many split counts, after opening, in one peer evaluation
_REPEATS = 7


def measure() -> list[Figure]:
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(4 * rng.standard_normal((_N, _C), dtype=np.float32))
    figures = _on_the_cpu(logits, rng.random(_N) < 0.5)
    if not torch.cuda.is_available():
        return [*figures, Figure("the same on a GPU", float("nan"), "ms", why="there was none")]
    return figures + _on_a_gpu(logits.cuda())


def _on_the_cpu(logits: torch.Tensor, half: NDArray[np.bool_]) -> list[Figure]:
    soft = logits.softmax(1)
    p = soft.numpy()
    score, opened = score_and_sums(p, range(1, 201))
    edges = split_edges(_N, 37)

    floors: Work = {
        "floor: read the matrix once, np.sum": p.sum,
        "floor: the bare formula in NumPy, no checks, NaN at p = 0": partial(_bare, p, 10),
    }
    rivals, missing = peers.installed(logits, soft)
    budgeted: Work = {_SCORE: partial(inception_score, p), _LOGITS: partial(inception_score, logits=logits.numpy())}
    quick: Work = {_CURVE: partial(curve_of, opened, range(1, 101)), _ONE: partial(opened.scores, edges)}
    others: Work = {
        "split_curve, 1 to 100 splits, cold": partial(split_curve, p, range(1, 101)),
        "score and sums for 200 split counts (what opening computes)": partial(score_and_sums, p, range(1, 201)),
        "the same sums, shuffled (the shuffle button)": partial(
            cumulative_sums, p, opened.edges, shuffled_order(_N, 2020)
        ),
        "score_subset of a random half (a selection)": partial(score_subset, p, score.conditional_entropy, half),
        "order_test, 199 permutations of 10,000 of the images": partial(order_test, p),
        "leave_one_out, exact, every image": partial(leave_one_out, p),
        "group_sums by most likely class": partial(group_sums, p),
        "all 16 conventions": partial(convention_rows, p),
    }
    slow: Work = {"channel_capacity to 1e-6 nats": partial(channel_capacity, p)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own
        megabytes = {name: memory.peak(call) for name, call in {**rivals, **budgeted}.items()}
        runs = times({**floors, **rivals, **budgeted}, _REPEATS) | times(others, 3) | times(slow, 1) | times(quick, 50)
    milliseconds = _best(runs)

    fastest = min(rivals, key=lambda name: milliseconds[name], default=None)
    figures = [Figure(name, milliseconds[name], "ms") for name in (*floors, *rivals)]
    figures += [Figure(name, float("nan"), "ms", why="not installed") for name in missing]
    figures += [_judged(name, milliseconds, fastest) for name in (*budgeted, *quick)]
    figures += [Figure(name, milliseconds[name], "ms") for name in (*others, *slow)]
    return figures + [Figure(f"peak memory: {name}", most, "MB") for name, most in megabytes.items()]


def _on_a_gpu(logits: torch.Tensor) -> list[Figure]:
    p = logits.softmax(1)
    rivals, _ = peers.installed(logits, p)
    ours: Work = {_SCORE: partial(inception_score, p), _LOGITS: partial(inception_score, logits=logits)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own
        milliseconds = _best(
            times({name: partial(_awaited, call) for name, call in {**rivals, **ours}.items()}, _REPEATS)
        )
    fastest = min(rivals, key=lambda name: milliseconds[name], default=None)
    figures = [Figure(name, milliseconds[name], "ms") for name in rivals]
    judged = [_judged(name, milliseconds, fastest) for name in ours]
    return [
        Figure(f"{torch.cuda.get_device_name()}: {figure.what}", figure.value, "ms", figure.budget, figure.why)
        for figure in (*figures, *judged)
    ]


def _awaited(call: Callable[[], object]) -> None:
    call()
    torch.cuda.synchronize()


def _best(runs: dict[str, list[float]]) -> dict[str, float]:
    return {name: 1e3 * min(values) for name, values in runs.items()}


def _judged(name: str, milliseconds: dict[str, float], fastest: str | None) -> Figure:
    if fastest is None:
        return Figure(name, milliseconds[name], "ms", why="no peer is installed")
    budget, why = milliseconds[fastest], fastest
    if name == _ONE:
        budget, why = budget / _ANY_SPLITS, f"1/{_ANY_SPLITS} of {fastest}"
    if milliseconds[name] > budget and name in _COSTS:
        why += f"; {_COSTS[name]}"
    return Figure(name, milliseconds[name], "ms", budget, why)


def _bare(p: NDArray[np.float32], splits: int) -> NDArray[np.float32]:
    parts: Iterable[NDArray[np.float32]] = np.array_split(p, splits)
    return np.exp([np.mean(np.sum(part * (np.log(part) - np.log(part.mean(0))), axis=1)) for part in parts])


if __name__ == "__main__":
    print(table(TITLE, measure()))
