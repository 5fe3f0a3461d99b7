"""How much of a training's time the monitor takes: processor time of the demo GAN's steps, with it and without.

Both take turns, the medians are kept, and one thread computes. A step of this GAN takes a few milliseconds, far less
than that of any GAN that draws photographs, so that this is the worst case of the default interval.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING

import torch
from figures import Figure, table

import isexplore as ix
from isexplore.runs import Monitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from isexplore.demo.training import GanTraining

ROUNDS = 5
EVERY = 500  # the default
TITLE = f"Monitor of a GAN's training, every {EVERY} steps (processor time on one thread, medians of {ROUNDS} rounds)"
_SHARE = 5.0  # budget, percent of a step's time
_CALLS = 10_000


def measure() -> list[Figure]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        training = ix.demo.train_gan()
        for _ in training.steps(50):  # the first ones are slower
            pass
        with TemporaryDirectory() as folder:
            files = {"in memory": None, "with a run file": Path(folder, "gan.run")}
            return [figure for name, path in files.items() for figure in _measured(training, name, path)]
    finally:
        torch.set_num_threads(before)


def _measured(training: GanTraining, what: str, path: Path | None) -> list[Figure]:
    monitor = Monitor(training.generator, "digits", every=EVERY, path=path, value_range=(-1, 1))
    monitor(0)

    def steps(watch: Callable[[int], object]) -> None:
        for step in training.steps(EVERY):
            watch(step % EVERY or EVERY)

    def calls() -> None:
        for call in range(_CALLS):
            monitor(call % 100 + 1)  # none of which is due

    work: dict[str, Callable[[], object]] = {
        "without": lambda: steps(lambda _: None),
        "with": lambda: steps(monitor),
        "calls": calls,
        "checkpoint": lambda: monitor(20 * EVERY),
    }
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(ROUNDS):
        for name, function in work.items():
            began = process_time()
            function()
            seconds[name].append(process_time() - began)
    without, with_it, call, checkpoint = (median(each) for each in seconds.values())
    share = 100 * (checkpoint + call / _CALLS * EVERY) / without
    said = f"a call in between {call / _CALLS * 1e6:.1f} µs; whole intervals with it {with_it / without - 1:+.1%}"
    return [
        Figure(f"{what}: a step of the training", without / EVERY * 1e3, "ms"),
        Figure(f"{what}: a checkpoint", checkpoint * 1e3, "ms"),
        Figure(f"{what}: share of the training's time", share, "%", _SHARE, said),
    ]


if __name__ == "__main__":
    print(table(TITLE, measure()))
