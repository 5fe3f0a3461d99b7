"""Reports in words: in Python, on the command line and in a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isexplore.collapse.finding import Finding
    from isexplore.report.report import Report

__all__ = ["as_html", "basis_of", "levels_of", "said", "verdict_of"]


def said(finding: Finding, since: str | None = None) -> str:
    """Return a finding as one line.

    Examples
    --------
    >>> from isexplore.collapse.finding import Finding
    >>> said(Finding("x", "Missing", "severe", 1, "classes", "Class 0 is missing."), "step 4500")
    'severe since step 4500: Class 0 is missing.'
    """
    return f"{finding.severity}{'' if since is None else f' since {since}'}: {finding.sentence}"


def verdict_of(report: Report) -> str:
    """Say the worst in a few words."""
    bad = [found.title.lower() for found in report.findings if found.severity == report.severity]
    return f"{report.severity}: {', '.join(bad)}" if bad else "nothing is wrong that these checks can see"


def basis_of(report: Report) -> str:
    """Say how much was looked for, and on what: what nobody looked for was not found either."""
    evidence = report.evidence
    quiet = len(report.checks) - len(report.findings)
    others = "other " if report.findings else ""
    parts = [f"fine: {quiet} {others}{'check' if quiet == 1 else 'checks'} found nothing{levels_of(report)}"]
    parts.append(
        f"against {evidence.reference.predictions.provenance.source if evidence.reference else 'equal shares'}"
    )
    if evidence.sample.embeddings is None:
        parts.append("without embeddings")
    return " · ".join(parts)


def levels_of(report: Report) -> str:
    """Say how often the tests of a report fire where nothing is wrong; nothing where there is no test."""
    levels = sorted({check.level for check in report.checks if check.level is not None})
    return (
        f", at a level of {' to '.join(f'{level:g}' for level in dict.fromkeys((levels[0], levels[-1])))}"
        if levels
        else ""
    )


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
