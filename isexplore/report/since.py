"""Since which of several sets something is severe, to the last."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isexplore.report.report import Report

__all__ = ["severe_from"]


def severe_from(reports: Mapping[str, Report], key: str | None = None) -> list[str]:
    """Return the sets at the end that are severe without a break, first to last; none if the last one is not.

    Parameters
    ----------
    reports : mapping of str to Report
        By the sets' names, first to last.
    key : str, optional
        Of the one check that is meant, such as "missing-classes"; left out, any.
    """

    def is_severe(name: str) -> bool:
        checks = reports[name].checks
        return any(check.severity == "severe" for check in checks if key is None or check.key == key)

    return list(takewhile(is_severe, reversed(list(reports))))[::-1]
