"""What a benchmark found, as a row of a table, and the table."""

from __future__ import annotations

import math
import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_PACKAGES = (
    "numpy",
    "torch",
    "jupyterlab",
    "ipywidgets",
    "anywidget",
    "plotly",
    "torchmetrics",
    "torch-fidelity",
    "pytorch-ignite",
    "piq",
    "prdc",
)


@dataclass(frozen=True)
class Figure:
    """One measured number, and what it may be at most, if there is a budget."""

    what: str
    value: float
    unit: str
    budget: float | None = None
    why: str = ""  # what the budget is made of, or a remark

    @property
    def is_kept(self) -> bool:
        return self.budget is None or self.value <= self.budget

    def row(self) -> str:
        measured = "–" if math.isnan(self.value) else f"{_number(self.value)} {self.unit}"
        if self.budget is None:
            return f"| {self.what} | {measured} | | | {self.why} |"
        verdict = "kept" if self.is_kept else "**missed**"
        note = f"{verdict}; {self.why}" if self.why else verdict
        limit = f"{_number(self.budget)} {self.unit}"
        return f"| {self.what} | {measured} | {limit} | {self.value / self.budget:.2f} | {note} |"


def table(title: str, figures: Iterable[Figure]) -> str:
    head = f"## {title}\n\n| what | measured | budget | measured/budget | verdict |\n|---|---|---|---|---|\n"
    return head + "\n".join(figure.row() for figure in figures) + "\n"


def times(work: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each run of each piece of work; they take turns, so that a busy moment hits all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, function in work.items():
            began = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def machine() -> str:
    """Say in one line what the figures were measured on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    installed = ", ".join(f"{name} {found}" for name in _PACKAGES if (found := _version(name)))
    processor = models[0] if models else platform.processor()
    load = f"load {os.getloadavg()[0]:.1f} before the run"
    return f"{processor}, {os.cpu_count()} cores ({load}), Python {platform.python_version()}, {installed}."


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
