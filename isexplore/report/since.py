"""Since which of several sets something is wrong."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from isexplore.collapse.words import listed, short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isexplore.report.report import Report

__all__ = ["classes_since", "severe_from", "since_in_words"]

_NAMED = 10  # classes since the same set


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


def classes_since(reports: Mapping[str, Report], name: str, key: str) -> str:
    """Say of each class that a check names in a set since which set it does so without a break.

    Parameters
    ----------
    reports : mapping of str to Report
        By the sets' names, first to last.
    name : str
        Of the set.
    key : str
        Of the check, such as "missing-classes".

    Returns
    -------
    str
        Such as "0, 4 since step 4500; 2, 7 since step 6000", earliest first; empty where the check names no classes.

    Examples
    --------
    >>> import isexplore as ix
    >>> def digits(images):
    ...     return ix.predict(images, "digits", device="cpu", progress=False)
    >>> run = {f"step {step}": digits(ix.demo.gan("collapsed", step=step)) for step in (3000, 4500, 6000)}
    >>> reports = ix.diagnose(run, reference=digits(ix.demo.real())).reports
    >>> classes_since(reports, "step 6000", "missing-classes")
    '0, 4 since step 4500; 2, 7 since step 6000'
    """
    until = list(reports)[: list(reports).index(name) + 1]
    named = {each: _classes(reports[each], key) for each in until}
    since: dict[str, list[int]] = {each: [] for each in until}
    for c in sorted(named[name]):
        first = list(takewhile(lambda each: c in named[each], reversed(until)))[-1]  # noqa: B023 - used at once
        since[first].append(c)
    of_class = reports[name].evidence.sample.predictions.class_names
    return listed([f"{_some([of_class[c] for c in some])} since {short(each)}" for each, some in since.items() if some])


def since_in_words(reports: Mapping[str, Report], name: str, key: str) -> str:
    """Say since when a check is severe, if it is so to the last set, and since when it names each of its classes.

    Parameters
    ----------
    reports, name, key
        As for `classes_since`.

    Returns
    -------
    str
        Such as "severe since step 4500; by class: 0, 4 since step 4500; 2, 7 since step 6000"; empty of a single set.
    """
    if len(reports) == 1:
        return ""
    severe, classes = severe_from(reports, key), classes_since(reports, name, key)
    told = [f"severe since {short(severe[0])}"] if name in severe else []
    return "; ".join([*told, *([f"by class: {classes}"] if classes else [])])


def _classes(report: Report, key: str) -> set[int]:
    return {int(c) for found in report.findings if found.key == key for c in found.classes}


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(short, names[:_NAMED])) + rest
