"""The findings of the set that is shown among several, and since which set each of them is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isexplore.collapse.finding import SEVERITIES
from isexplore.widgets.diagnosis import ADVICE, Diagnosed, FindingsState

if TYPE_CHECKING:
    from isexplore.collapse.finding import Finding
    from isexplore.widgets.sets.frame import Entry, SetsFrame
    from isexplore.widgets.sets.state import SetsState

__all__ = ["SetsFindings", "since_when"]


class SetsFindings(FindingsState):
    """The state of the findings list beside several sets: it follows the current one, whoever computes its report.

    Parameters
    ----------
    sets : SetsState
    """

    def __init__(self, sets: SetsState) -> None:
        self.sets = sets
        super().__init__(sets.explorer)
        sets.observe(self._read, "frame")
        self._read()

    def close(self) -> None:
        """Follow the sets no more."""
        if self._is_open:
            self.sets.unobserve(self._read, "frame")
        super().close()

    def _read(self, _: dict[str, Any] | None = None) -> None:
        with self.lock:
            frame = self.sets.frame
            if frame is None:
                return
            shown, since, old = frame.shown, since_when(frame), self.frame
            problem = f"{shown.name} {shown.error}\n{ADVICE}" if shown.error else ""
            if (old.report, old.problem, old.since) != (shown.report, problem, since):
                self.tell(Diagnosed(shown.report, problem, since=since))


def since_when(frame: SetsFrame) -> dict[str, str]:
    """Say of each finding of the current set since which set it is there, at least as bad as now, and until when.

    Returns
    -------
    dict of str to str
        By the findings' keys, such as "since step 4500, to the end": "or earlier" while the set before is not
        diagnosed, "until step 6000" where that is better again.
    """
    shown = frame.shown
    if shown.report is None or len(frame.entries) == 1:
        return {}
    return {finding.key: _since(frame, finding) for finding in shown.report.findings}


def _since(frame: SetsFrame, finding: Finding) -> str:
    bad = [_is_as_bad(entry, finding) for entry in frame.entries]  # None: nobody knows yet
    first = frame.current
    while first > 0 and bad[first - 1]:
        first -= 1
    after = bad[frame.current + 1 :]
    said = f"since {frame.entries[first].name}" + (" or earlier" if first > 0 and bad[first - 1] is None else "")
    if False in after:
        return f"{said}, until {frame.entries[frame.current + 1 + after.index(False)].name}"
    return f"{said}, to the end" if after and all(after) else said


def _is_as_bad(entry: Entry, finding: Finding) -> bool | None:
    if entry.report is None:
        return None
    found = (check.severity for check in entry.report.checks if check.key == finding.key)
    return SEVERITIES.index(next(found, "fine")) <= SEVERITIES.index(finding.severity)
