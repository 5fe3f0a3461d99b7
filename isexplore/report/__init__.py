"""What the checks found in one sample set, or in the checkpoints of a run, to read, compute with, and take away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from isexplore.collapse.evidence import Evidence, side_of
from isexplore.collapse.finding import SEVERITIES, Finding, Severity
from isexplore.oneline import OneLine
from isexplore.report.checks import CHECKS

if TYPE_CHECKING:
    import os

    import pandas as pd
    from numpy.typing import ArrayLike

    from isexplore.predictions import Predictions

__all__ = ["Report", "RunReport", "diagnose"]


@dataclass(frozen=True, eq=False, repr=False)
class Report(OneLine):
    """What the checks found in one sample set.

    Attributes
    ----------
    evidence : Evidence
        What they looked at: the set, the reference, the level and the seed.
    checks : tuple of Finding
        What every check says, worst first; in the order of the checks where equally bad.
    """

    evidence: Evidence
    checks: tuple[Finding, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, worst first."""
        return tuple(check for check in self.checks if check.fires)

    @property
    def severity(self) -> Severity:
        """The worst of all severities; "fine" where nothing is wrong."""
        return self.checks[0].severity if self.checks else "fine"

    def __str__(self) -> str:
        sample = self.evidence.sample
        name = sample.predictions.provenance.source
        found = [f"{finding.severity}: {finding.sentence}" for finding in self.findings]
        return "\n".join([f"{name}: {sample.score}", *(found or ["nothing is wrong that these checks can see"])])

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row a check, worst first (needs pandas)."""
        raise NotImplementedError

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write one self-contained page, whole or not at all."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, repr=False)
class RunReport(OneLine):
    """What the checks found in several sample sets, such as the checkpoints of a run, in their order.

    Attributes
    ----------
    reports : mapping of str to Report
        By the sets' names.
    """

    reports: Mapping[str, Report]

    @property
    def severity(self) -> Severity:
        """The worst of all severities in the last set."""
        return list(self.reports.values())[-1].severity


def _diagnose_one(predictions: Predictions, reference: Predictions | None, embeddings: ArrayLike | None) -> Report:
    del embeddings
    evidence = Evidence(side_of(predictions), None if reference is None else side_of(reference))
    said = [finding for check in CHECKS for finding in check(evidence)]
    return Report(evidence, tuple(sorted(said, key=lambda finding: SEVERITIES.index(finding.severity))))


@overload
def diagnose(preds: Predictions, reference: Predictions | None = None, embeddings: ArrayLike | None = None) -> Report: ...
@overload
def diagnose(preds: Mapping[str, Predictions], reference: Predictions | None = None) -> RunReport: ...
def diagnose(
    preds: Predictions | Mapping[str, Predictions],
    reference: Predictions | None = None,
    embeddings: ArrayLike | None = None,
) -> Report | RunReport:
    """Look for mode collapse."""
    if isinstance(preds, Mapping):
        return RunReport({name: _diagnose_one(each, reference, None) for name, each in preds.items()})
    return _diagnose_one(preds, reference, embeddings)
