"""How much of a training's time the monitor takes: steps a second of the demo GAN, with it and without.

``python tests/bench/monitor_cost.py``. Both are measured in turns in one run, the median of the rounds is kept, and one
thread computes. A step of this GAN takes a few milliseconds, far less than that of any GAN that draws photographs, so
that this is the worst case of the default interval.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING

import torch

import isexplore as ix
from isexplore.runs import Monitor

if TYPE_CHECKING:
    from isexplore.demo.training import GanTraining

ROUNDS = 5
EVERY = 500  # the default


def main() -> None:
    """Print how long a step takes, what a checkpoint costs, and the share of it."""
    torch.set_num_threads(1)
    training = ix.demo.train_gan()
    for _ in training.steps(50):
        pass
    with TemporaryDirectory() as folder:
        for name, path in (("in memory", None), ("with a run file", Path(folder, "gan.run"))):
            monitor = Monitor(training.generator, "digits", every=EVERY, path=path, value_range=(-1, 1))
            monitor(0)
            without, with_it, idle, checkpoint = [], [], [], []
            for _ in range(ROUNDS):
                without.append(timed(training, None))
                with_it.append(timed(training, monitor))
                began = process_time()
                for call in range(10_000):
                    monitor(call % 100 + 1)  # none of which is due
                idle.append((process_time() - began) / 10_000)
                began = process_time()
                monitor(20 * EVERY)
                checkpoint.append(process_time() - began)
            step = median(without) / EVERY
            print(
                f"{name}: a step takes {step * 1e3:.2f} ms, a checkpoint {median(checkpoint) * 1e3:.1f} ms, a call in"
                f" between {median(idle) * 1e6:.1f} µs; every {EVERY} steps that is"
                f" {median(checkpoint) / median(without) + median(idle) / step:.2%} of the training's time,"
                f" and {median(with_it) / median(without) - 1:+.2%} as measured"
            )


def timed(training: GanTraining, monitor: Monitor | None) -> float:
    """Return the seconds of processor time that one interval takes."""
    began = process_time()
    for step in training.steps(EVERY):
        if monitor is not None:
            monitor(step % EVERY or EVERY)
    return process_time() - began


if __name__ == "__main__":
    main()
