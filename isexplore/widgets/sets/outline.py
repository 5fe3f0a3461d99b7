"""Each of several sample sets in a few numbers, and what the findings of all of them say together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isexplore.widgets.sets.frame import Entry, SetsFrame

__all__ = ["outline", "progress", "verdict"]


def outline(entry: Entry) -> dict[str, Any]:
    """Return a set's numbers, None where they are not known yet.

    Returns
    -------
    dict
        ``name``, ``images``; ``score`` of the whole set, ``corrected`` with the interval ``low`` to ``high`` at 95 %,
        ``variety`` and ``doubt`` in nats, ``effective_classes``; the worst ``severity``, how many findings are
        ``severe`` and how many a ``warning``; ``error``.
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
        "effective_classes": None if score is None else score.effective_classes,
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


def verdict(entries: Sequence[Entry]) -> str:
    """Return in words from which set on the findings are severe to the end, of those that are diagnosed.

    Examples
    --------
    >>> verdict([])
    ''
    """
    known = [(entry.name, entry.report.severity) for entry in entries if entry.report is not None]
    if not known:
        return ""
    if len(known) == 1:
        return f"{known[0][0]}: {_WORDS[known[0][1]]}"
    bad = [severity == "severe" for _, severity in known]
    if all(bad):
        return f"severe in all {len(bad)} sets"
    if bad[-1]:
        since = len(bad) - bad[::-1].index(False)
        return f"severe since {known[since][0]}"
    if any(bad):
        where = [name for (name, _), is_bad in zip(known, bad, strict=True) if is_bad]
        return f"severe in {len(where)} of {len(bad)} sets, last in {where[-1]}; {_WORDS[known[-1][1]]} at the end"
    return f"nothing severe in {len(bad)} sets"


_WORDS = {"severe": "severe", "warning": "warnings", "fine": "nothing is wrong"}
