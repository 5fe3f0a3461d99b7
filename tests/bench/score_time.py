"""How long the score of 50,000 × 1000 predictions takes, and how much memory, against peers and a bare reading."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import memory
import numpy as np
import torch
from compared import LOGITS, SCORE, C, Compared, N, compared, predictions
from figures import Figure, table, times

from isexplore.capacity import channel_capacity
from isexplore.conventions import convention_rows
from isexplore.cumulative import cumulative_sums
from isexplore.edges import split_edges
from isexplore.groups import group_sums
from isexplore.influence import leave_one_out
from isexplore.order import order_test
from isexplore.score import score_and_sums
from isexplore.splits import curve_of, shuffled_order, split_curve
from isexplore.subsets import score_subset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from compared import Work
    from numpy.typing import NDArray

TITLE = f"Score of {N:,} × {C} predictions (float32; best runs, taking turns)"
_CURVE, _ONE = "the curve, 1 to 100 splits, after opening", "one more split count, after opening"
_ALONE, _ORDER = "leave_one_out, exact, every image", "order_test, 199 permutations of 10,000 of the images"
_EVERY = "every diagnostic together (inception_score, leave_one_out, order_test)"
# Why a budget is missed, where it is: the fastest peer sums once, checks nothing, and gives one number.
_COSTS = {
    SCORE: "every row is checked, and read again for its KL",
    LOGITS: "a softmax in float64 at each of two readings; the fastest peer is given probabilities",
    _ONE: "37 marginals of 1000 classes: 37,000 logarithms",
}
_ANY_SPLITS = 500  # budget: this many split counts, after opening, in one peer evaluation
_REPEATS = 7


def measure() -> list[Figure]:
    logits, soft = predictions()
    figures = _on_the_cpu(logits, soft)
    if not torch.cuda.is_available():
        return [*figures, Figure("the same on a GPU", float("nan"), "ms", why="there was none")]
    return figures + _on_a_gpu(logits.cuda(), soft.cuda())


def _on_the_cpu(logits: torch.Tensor, soft: torch.Tensor) -> list[Figure]:
    p = soft.numpy()
    floors: Work = {
        "floor: read the matrix once, np.sum": p.sum,
        "floor: the bare formula in NumPy, no checks, NaN at p = 0": partial(_bare, p, 10),
    }
    calls = compared(logits, soft)
    megabytes = {name: memory.peak(name) for name in (*calls.rivals, *calls.ours)}
    return _timed(p, calls, floors) + _peaks(megabytes)


def _on_a_gpu(logits: torch.Tensor, soft: torch.Tensor) -> list[Figure]:
    calls = compared(logits, soft)
    floors: Work = {"floor: read the matrix once, torch.sum": soft.sum}
    figures = _timed(soft, calls, floors)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own
        megabytes = {name: memory.peak_on_the_gpu(call) for name, call in {**calls.rivals, **calls.ours}.items()}
    figures += _peaks(megabytes)
    return [replace(figure, what=f"{torch.cuda.get_device_name()}: {figure.what}") for figure in figures]


def _timed(p: Any, calls: Compared, floors: Work) -> list[Figure]:
    """Time the rows of the table, on whatever device the probabilities lie."""
    quick, others = _quick(p), _others(p)
    slow: Work = {"channel_capacity to 1e-6 nats": partial(channel_capacity, p)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own
        milliseconds = {
            **_best({**floors, **calls.rivals, **calls.ours}, _REPEATS),
            **_best(quick, 50),
            **_best(others, 3),
            **_best(slow, 1),
        }
    parts = [milliseconds[name] for name in (SCORE, _ALONE, _ORDER)]
    milliseconds[_EVERY] = sum(parts)
    terms = " + ".join(f"{part:.3g}" for part in parts)

    fastest = min(calls.rivals, key=lambda name: milliseconds[name], default=None)
    figures = [Figure(name, milliseconds[name], "ms") for name in (*floors, *calls.rivals)]
    figures += [Figure(name, float("nan"), "ms", why="not installed") for name in calls.missing]
    every = _judged(_EVERY, milliseconds, fastest)
    figures += [_judged(name, milliseconds, fastest) for name in (*calls.ours, *quick)]
    figures.append(replace(every, why=f"{every.why}; {terms} ms"))
    return figures + [Figure(name, milliseconds[name], "ms") for name in (*others, *slow)]


def _quick(p: Any) -> Work:
    """Return what is done at every step of a slider: the sums are there."""
    sums = cumulative_sums(p)
    return {_CURVE: partial(curve_of, sums, range(1, 101)), _ONE: partial(sums.scores, split_edges(N, 37))}


def _others(p: Any) -> Work:
    score, opened = score_and_sums(p, range(1, 201))
    half = np.random.default_rng(1).random(N) < 0.5
    return {
        "split_curve, 1 to 100 splits, cold": partial(split_curve, p, range(1, 101)),
        "score and sums for 200 split counts (what opening computes)": partial(score_and_sums, p, range(1, 201)),
        "the same sums, shuffled (the shuffle button)": partial(
            cumulative_sums, p, opened.edges, shuffled_order(N, 2020)
        ),
        "score_subset of a random half (a selection)": partial(
            score_subset, p, half, conditional_entropy=score.conditional_entropy
        ),
        _ORDER: partial(order_test, p),
        _ALONE: partial(leave_one_out, p),
        "group_sums by most likely class": partial(group_sums, p),
        "all 16 conventions": partial(convention_rows, p),
    }


def _best(work: Work, repeats: int) -> dict[str, float]:
    """Return the milliseconds of the best run of each."""
    runs = times({name: partial(_awaited, call) for name, call in work.items()}, repeats)
    return {name: 1e3 * min(values) for name, values in runs.items()}


def _awaited(call: Callable[[], object]) -> None:
    call()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def _peaks(megabytes: dict[str, float]) -> list[Figure]:
    return [Figure(f"peak memory: {name}", most, "MB") for name, most in megabytes.items()]


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
