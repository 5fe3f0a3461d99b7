"""Run every benchmark, and write the table RESULTS.md beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import contrived_time
import diagnose_time
import explorer_paint
import false_alarms
import import_time
import inference
import inference_folder
import inference_memory
import interval_coverage
import monitor_cost
import playground_paint
import score_time
import scrub_paint
import slider_paint
from figures import Figure, machine, table

if TYPE_CHECKING:
    from collections.abc import Iterable


class Benchmark(Protocol):
    """What each of them is."""

    TITLE: str

    def measure(self) -> Iterable[Figure]: ...


BENCHMARKS: tuple[Benchmark, ...] = (
    import_time,
    explorer_paint,
    slider_paint,
    playground_paint,
    scrub_paint,
    score_time,
    contrived_time,
    inference,
    inference_folder,
    inference_memory,
    diagnose_time,
    monitor_cost,
    interval_coverage,
    false_alarms,
)


def main() -> None:
    parts = [
        "# Benchmarks",
        "`python tests/bench/run.py` writes this file; a ratio of 1 or less keeps a budget.",
        "The peers come with the test extra, at the versions below.",
        machine(),
    ]
    for benchmark in BENCHMARKS:
        part = table(benchmark.TITLE, benchmark.measure())
        print(part, flush=True)
        parts.append(part.rstrip())
    (Path(__file__).parent / "RESULTS.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
