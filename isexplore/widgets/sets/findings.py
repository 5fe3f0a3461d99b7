"""The findings of the set that is shown among several, and in which sets each of them is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isexplore.collapse.finding import SEVERITIES
from isexplore.report.since import classes_since
from isexplore.widgets.diagnosis import ADVICE, Diagnosed, FindingsState
from isexplore.widgets.sets.outline import is_diagnosed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isexplore.collapse.finding import Finding
    from isexplore.report import Report
    from isexplore.widgets.sets.frame import Entry, SetsFrame
    from isexplore.widgets.sets.state import SetsState

__all__ = ["SetsFindings", "since_when"]


class SetsFindings(FindingsState):
    """The state of the findings list beside several sets: it follows the current one, whoever computes its report.

    Parameters
    ----------
    sets : SetsState
    """

    shows_classes = True

    def __init__(self, sets: SetsState) -> None:
        self.sets = sets
        self._read_of: tuple[tuple[Entry, ...], int] | None = None
        super().__init__(sets.explorer)
        sets.observe(self._read, "frame")
        self._read()

    def _look_at(self, found: Finding) -> None:
        """Look at the worst class in the heat map and beside the other set, where it has images."""
        if not len(found.classes):
            super()._look_at(found)
        self.sets.choose_class(int(found.classes[0]))

    def close(self) -> None:
        """Follow the sets no more."""
        if self._is_open:
            self.sets.unobserve(self._read, "frame")
        super().close()

    def _read(self, _: dict[str, Any] | None = None) -> None:
        with self.lock:
            frame = self.sets.frame
            if frame is None or self._read_of == (frame.entries, frame.current):
                return
            self._read_of = frame.entries, frame.current
            shown, since, old = frame.shown, since_when(frame), self.frame
            problem = f"{shown.name} {shown.error}\n{ADVICE}" if shown.error else ""
            classes = _classes_since(frame) if since else {}
            told = (shown.report, problem, since, classes, shown.name)
            if (old.report, old.problem, old.since, old.classes_since, old.set_name) != told:
                self.tell(Diagnosed(shown.report, problem, since=since, classes_since=classes, set_name=shown.name))


def since_when(frame: SetsFrame) -> dict[str, str]:
    """Say of each finding of the current set in which sets around it it is, at least as bad as now.

    Returns
    -------
    dict of str to str
        By the findings' keys, such as "in every set since step 4500", or "in every set from step 4500 to step 6000"
        where the one after that is better again. Empty until every set is diagnosed; one that can't be is passed over.
    """
    reports = _reports(frame)
    if not is_diagnosed(frame.entries) or frame.shown.report is None or len(reports) == 1:
        return {}
    current = list(reports).index(frame.shown.name)
    return {finding.key: _since(reports, current, finding) for finding in frame.shown.report.findings}


def _reports(frame: SetsFrame) -> dict[str, Report]:
    return {entry.name: entry.report for entry in frame.entries if entry.report is not None}


def _classes_since(frame: SetsFrame) -> dict[str, str]:
    reports, shown = _reports(frame), frame.shown
    findings = () if shown.report is None else shown.report.findings
    return {finding.key: classes_since(reports, shown.name, finding.key) for finding in findings}


def _since(reports: Mapping[str, Report], current: int, finding: Finding) -> str:
    names, bad = list(reports), [_is_as_bad(report, finding) for report in reports.values()]
    before, after = bad[:current][::-1], bad[current + 1 :]
    first = current - (before.index(False) if False in before else current)
    if False not in after:
        return f"in every set since {names[first]}" if first else "in every set"
    last = current + after.index(False)
    return f"in every set from {names[first]} to {names[last]}" if first < last else f"better in {names[last + 1]}"


def _is_as_bad(report: Report, finding: Finding) -> bool:
    found = (check.severity for check in report.checks if check.key == finding.key)
    return SEVERITIES.index(next(found, "fine")) <= SEVERITIES.index(finding.severity)
