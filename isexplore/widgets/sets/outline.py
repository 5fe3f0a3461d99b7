"""Each of several sample sets in a few numbers, and what the findings of all of them say together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isexplore.collapse.effective import effective_classes
from isexplore.report.since import severe_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isexplore.collapse.finding import Severity
    from isexplore.report import Report
    from isexplore.widgets.sets.frame import Entry, SetsFrame

__all__ = ["is_diagnosed", "outline", "progress", "verdict"]


def outline(entry: Entry) -> dict[str, Any]:
    """Return a set's numbers, None where they are not known yet.

    Returns
    -------
    dict
        ``name``, ``images``; ``score`` of the whole set, ``corrected`` with the interval ``low`` to ``high`` at 95 %,
        ``variety`` and ``doubt`` in nats, ``effective_classes`` corrected for the number of images; the worst
        ``severity``, how many findings are ``severe`` and how many a ``warning``; ``error``.
    """
    score = None if entry.sample is None else entry.sample.score
    low, high = (None, None) if score is None else score.interval()
    findings = None if entry.report is None else [finding.severity for finding in entry.report.findings]
    return {
        "name": entry.name,
        "images": len(entry.predictions),
        "score": None if score is None else score.overall,
        "corrected": None if score is None else score.corrected,
        "low": low,
        "high": high,
        "variety": None if score is None else score.marginal_entropy,
        "doubt": None if score is None else float(score.conditional_entropy.mean()),
        "effective_classes": None if score is None else effective_classes(score)[0],
        "severity": None if entry.report is None else entry.report.severity,
        "severe": None if findings is None else findings.count("severe"),
        "warning": None if findings is None else findings.count("warning"),
        "error": entry.error,
    }


def progress(frame: SetsFrame) -> str:
    """Return how many sets are computed and diagnosed, in words; nothing once all are."""
    if frame.complete:
        return ""
    total = len(frame.entries)
    scored = sum(bool(entry.sample or entry.error) for entry in frame.entries)
    if scored < total:
        return f"scored {scored} of {total} …"
    return f"diagnosed {sum(bool(entry.report or entry.error) for entry in frame.entries)} of {total} …"


def is_diagnosed(entries: Sequence[Entry]) -> bool:
    """Return whether it is known what is wrong with each set, or why nobody can say."""
    return all(entry.report or entry.error for entry in entries)


def verdict(entries: Sequence[Entry]) -> str:
    """Return in words from which set on the findings are severe to the end; since when, only once all are diagnosed.

    Examples
    --------
    >>> verdict([])
    ''
    """
    known = {entry.name: entry.report.severity for entry in entries if entry.report is not None}
    if not known:
        return ""
    if not is_diagnosed(entries):
        bad = list(known.values()).count("severe")
        many = f"severe in {bad} set{'s' * (bad > 1)}" if bad else "nothing severe"
        return f"so far: {many} ({len(known)} of {len(entries)} diagnosed)"
    if len(known) == 1:
        name, severity = known.popitem()
        return _WORDS[severity] if len(entries) == 1 else f"{name}: {_WORDS[severity]}"
    reports = {entry.name: entry.report for entry in entries if entry.report is not None}
    return ", ".join([_course(known), *_later(reports)])


def _later(reports: Mapping[str, Report]) -> list[str]:
    """Say what became severe only after something else was: a run may be bad from its first step for another reason."""
    first, last = next(iter(severe_from(reports)), None), list(reports.values())[-1]
    severe = [(found.title, severe_from(reports, found.key)) for found in last.findings if found.severity == "severe"]
    return [f"{title.lower()} since {names[0]}" for title, names in severe if names[0] != first]


def _course(severities: Mapping[str, Severity]) -> str:
    names, bad = list(severities), [severity == "severe" for severity in severities.values()]
    if all(bad):
        return f"severe in all {len(bad)} sets"
    if bad[-1]:
        return f"severe since {names[len(bad) - bad[::-1].index(False)]}"
    if any(bad):
        last = len(bad) - 1 - bad[::-1].index(True)
        end = _WORDS[severities[names[-1]]]
        return f"severe in {sum(bad)} of {len(bad)} sets, last in {names[last]}; {end} at the end"
    return f"nothing severe in {len(bad)} sets"


_WORDS = {"severe": "severe", "warning": "warnings", "fine": "nothing is wrong"}
