"""Reports in words: in Python, on the command line and in a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from isexplore.collapse.words import short
from isexplore.oneline import in_one_line
from isexplore.report.outcomes import outcomes_of

if TYPE_CHECKING:
    from isexplore.collapse.evidence import Side
    from isexplore.collapse.finding import Finding
    from isexplore.report.report import Report
    from isexplore.score import Score

__all__ = ["as_html", "aside_of", "basis_of", "notes_of", "said", "scored", "verdict_of"]


def said(finding: Finding, since: str = "") -> str:
    """Return a finding as one line, of several sets with what `since_in_words` says.

    Examples
    --------
    >>> from isexplore.collapse.finding import Finding
    >>> said(Finding("x", "Missing", "severe", 1, "classes", "Class 0 is missing."), "severe since step 4500")
    'severe: Class 0 is missing. (severe since step 4500)'
    """
    return f"{finding.severity}: {finding.sentence}{f' ({since})' if since else ''}"


def verdict_of(report: Report) -> str:
    """Say the worst in a few words."""
    bad = [found.title.lower() for found in report.findings if found.severity == report.severity]
    return f"{report.severity}: {', '.join(bad)}" if bad else "nothing is wrong that these checks can see"


def basis_of(report: Report) -> str:
    """Say how much was looked for, and on what: what nobody looked for was not found either."""
    evidence = report.evidence
    quiet = outcomes_of(report.checks).quiet
    parts = [f"fine: {quiet}"] if quiet else []
    parts += [_levels_of(report)] if _levels_of(report) else []
    against = short(evidence.reference.predictions.provenance.source) if evidence.reference else "equal shares"
    parts.append(f"against {against}")
    if evidence.sample.embeddings is None:
        parts.append("without embeddings")
    return " · ".join(parts)


def notes_of(report: Report) -> list[str]:
    """Return what must be read even where nothing is wrong, a line each: what the checks can't see."""
    return [f"note: {note}" for note in outcomes_of(report.checks).notes]


def scored(name: str, side: Side) -> str:
    """Return a set's name and score on one line."""
    return in_one_line(f"{short(name)}: {side.score}{aside_of(side.score)}")


def aside_of(score: Score) -> str:
    """Say why a score's interval does not hold the corrected score, where that is so; see `Score.interval`."""
    low, high = score.interval()
    return "" if low <= score.corrected <= high else " · this interval, of a χ² law, need not hold the corrected score"


def _levels_of(report: Report) -> str:
    """Say how often the tests of a report fire where nothing is wrong; nothing where there is no test."""
    levels = sorted({check.level for check in report.checks if check.level is not None})
    ends = dict.fromkeys((levels[0], levels[-1])) if levels else {}
    return f"tests at a level of {' to '.join(f'{level:g}' for level in ends)}" if ends else ""


def as_html(text: str) -> str:
    """Return lines as a notebook shows them: escaped, with the first word of a bad one in bold.

    Examples
    --------
    >>> as_html("a <b>")
    '<div>a &lt;b&gt;</div>'
    """
    return "".join(f"<div>{_emphasised(html.escape(line))}</div>" for line in text.split("\n"))


def _emphasised(line: str) -> str:
    for word in ("severe", "warning"):
        if line.startswith(word):
            return f"<strong>{word}</strong>{line.removeprefix(word)}"
    return line
