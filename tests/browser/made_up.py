"""Made-up findings and hostile names, for what reports say of them: in tests with a browser and without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import isexplore as ix
from isexplore.collapse.evidence import Evidence, side_of
from isexplore.collapse.finding import Finding
from isexplore.report import Report, RunReport

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "</style><b>\"'&",
    "{{ 7 * 7 }}<!--",
    "\u2028\ud800 &lt;i&gt;",
)


def predictions(
    n: int = 40, classes: int = 4, seed: int = 0, thumbnails: NDArray[np.uint8] | None = None, **names: Any
) -> ix.Predictions:
    p = np.random.default_rng(seed).dirichlet([0.2] * classes, size=n)
    return ix.Predictions.from_probabilities(p, thumbnails=thumbnails, **names)


def finding(key: str, severity: Any = "severe", images: tuple[int, ...] = (), classes: tuple[int, ...] = ()) -> Finding:
    where: dict[str, Any] = {"images": np.array(images, np.intp), "classes": np.array(classes, np.intp)}
    test: dict[str, Any] = {"interval": (1.0, 3.0), "p_value": 0.001, "level": 0.01, "source": "a test"}
    return Finding(key, key.title(), severity, 2.0, "classes", f"{key} is so.", **where, **test)


def report(sample: ix.Predictions, *checks: Finding, reference: ix.Predictions | None = None) -> Report:
    return Report(Evidence(side_of(sample), None if reference is None else side_of(reference)), checks)


def run_report(*severities: str) -> RunReport:
    """Return a run whose check "modes" has these severities."""
    sample = predictions()
    return RunReport({f"step {i}": report(sample, finding("modes", severity)) for i, severity in enumerate(severities)})
