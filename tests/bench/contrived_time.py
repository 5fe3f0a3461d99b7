"""How long a step of a slider takes the kernel in the playground, and how long the whole matrix of a scenario."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from figures import Figure, table, times

from isexplore.contrived import SCENARIOS, Number, Scenario, Shares, play
from isexplore.score import inception_score

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

TITLE = "Contrived scenarios: a slider's step (rows and score), and the whole matrix (best runs, taking turns)"
SPLITS = 10
_SMALL, _LARGE = (1000, 10), (50_000, 1000)  # images N and classes C
_STEP_MS = {_SMALL: 5.0, _LARGE: 30.0}
_MATRIX_MS = 1000.0
_TYPICAL = "uniform-mix"


def measure() -> list[Figure]:
    return [*_steps(_SMALL), *_steps(_LARGE), *_matrices()]


def _steps(size: tuple[int, int]) -> list[Figure]:
    every = {key: partial(_step, kind, _values(kind, *size)) for key, kind in SCENARIOS.items()}
    found = _best(every, 7)
    slowest = max(found, key=lambda key: found[key])
    matrix = _matrix(_TYPICAL)(size)
    whole = f"inception_score of the matrix of {_TYPICAL}"
    found |= _best({whole: partial(inception_score, matrix, splits=SPLITS)}, 3)
    where = "{:,} × {:,}, {} splits".format(*size, SPLITS)
    said = {_TYPICAL: "a typical scenario", "free-play": "every slider", slowest: "the slowest scenario"}
    return [
        *(Figure(f"{where}: a step of {key}", found[key], "ms", _STEP_MS[size], why) for key, why in said.items()),
        Figure(f"{where}: {whole}", found[whole], "ms", why="what a step would take without compact rows"),
    ]


def _step(kind: type[Scenario], values: dict[str, Any]) -> None:
    """Do what the kernel does when a slider moves."""
    play(kind(**values).rows(), SPLITS)


def _matrices() -> list[Figure]:
    n, c = _LARGE
    label = np.arange(n) % c
    work: dict[str, Callable[[], object]] = {
        "floor: np.zeros, filled": lambda: np.zeros((n, c)).fill(0.5),
        "floor: np.take from an identity": lambda: np.take(np.eye(c), label, axis=0),
        **{key: partial(_matrix(key), _LARGE) for key in (_TYPICAL, "free-play", "drawn")},
    }
    return [
        Figure(f"{n:,} × {c:,}: matrix of {name}" if name in SCENARIOS else name, value, "ms", _limit(name))
        for name, value in _best(work, 3).items()
    ]


def _limit(name: str) -> float | None:
    return _MATRIX_MS if name in SCENARIOS else None


def _matrix(key: str) -> Callable[[tuple[int, int]], NDArray[np.float64]]:
    return lambda size: SCENARIOS[key](**_values(SCENARIOS[key], *size)).probabilities()


def _values(kind: type[Scenario], n: int, c: int) -> dict[str, Any]:
    """Return parameters that make about N images of C classes, or as many as the scenario has."""
    wished = {
        "classes": c,
        "modes": c * 7 // 10,
        "covered": c * 7 // 10,
        "images": n,
        "pairs": n // 2,
        "per_class": n // c,
        "draws": n // c,
        "per_split": n // 10,
        "imbalance": 1,
        "garbage": 0.1,
        "confidence": 0.9,
        "top": 0.9,
    }
    values: dict[str, Any] = {}
    for name, parameter in kind.parameters().items():
        if isinstance(parameter, Shares):
            values[name] = np.linspace(0.5, 1, c)
        elif isinstance(parameter, Number) and name in wished:
            values[name] = min(max(wished[name], parameter.low), parameter.high)
    return values


def _best(work: dict[str, Any], repeats: int) -> dict[str, float]:
    """Return the milliseconds of the best run of each."""
    return {name: 1e3 * min(seconds) for name, seconds in times(work, repeats).items()}


if __name__ == "__main__":
    print(table(TITLE, measure()))
