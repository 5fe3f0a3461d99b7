"""Findings as rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isexplore.report.report import Report

__all__ = ["COLUMNS", "rows_of"]

_SAME = ("key", "title", "severity", "value", "unit")
_TEST = ("p_value", "level", "sentence", "source")
COLUMNS = (*_SAME, "low", "high", *_TEST, "images", "classes")


def rows_of(report: Report) -> list[dict[str, Any]]:
    """Return what each check says, worst first: numbers and text, with the number of images and the classes' names.

    Examples
    --------
    >>> import isexplore as ix
    >>> report = ix.diagnose(ix.Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]]))
    >>> [(row["key"], row["severity"], row["value"]) for row in rows_of(report) if row["key"] == "missing-classes"]
    [('missing-classes', 'fine', 0.0)]
    """
    names = report.evidence.sample.predictions.class_names
    rows = []
    for check in report.checks:
        low, high = check.interval or (None, None)
        said = {name: getattr(check, name) for name in (*_SAME, *_TEST)}
        classes = [names[i] for i in check.classes]
        rows.append(said | {"low": low, "high": high, "images": len(check.images), "classes": classes})
    return rows
