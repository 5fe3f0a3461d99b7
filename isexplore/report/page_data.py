"""Everything that the page draws, as plain JSON: all split counts of all sets, so that it needs no kernel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.report.outcomes import outcome_of, outcomes_of
from isexplore.report.since import since_in_words
from isexplore.report.text import aside_of
from isexplore.report.thumbnails import OF_A_FINDING, pictures
from isexplore.splits import split_curve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from isexplore.collapse.evidence import Side
    from isexplore.collapse.finding import Finding
    from isexplore.report.report import Report
    from isexplore.report.thumbnails import Choice, Picture

__all__ = ["page_data"]

_DIGITS = 6  # significant: more than a plot shows


def page_data(reports: Mapping[str, Report]) -> dict[str, Any]:
    """Return what the page's script reads: numbers, text and pictures, and nothing that JSON can't hold.

    Parameters
    ----------
    reports : mapping of str to Report
        By the sets' names; at least one, and all against the same reference.

    Examples
    --------
    >>> import isexplore as ix
    >>> report = ix.diagnose(ix.Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]))
    >>> page_data({"three images": report})["sets"][0]["counts"]
    [1, 2]
    """
    first = next(iter(reports.values())).evidence
    sides = [report.evidence.sample for report in reports.values()]
    findings = [report.findings for report in reports.values()]
    real = [] if first.reference is None else [first.reference]
    drawn = pictures([*sides, *real], [*findings, *([] for _ in real)])
    sets = [
        _set(name, report, chosen, {check.key: since_in_words(reports, name, check.key) for check in report.findings})
        for (name, report), chosen in zip(reports.items(), drawn, strict=False)
    ]
    return {
        "classes": first.sample.predictions.class_names,
        "splits": first.sample.score.splits,
        "sets": sets,
        "reference": _side(real[0].predictions.provenance.source, real[0], drawn[-1]) if real else None,
    }


def _set(name: str, report: Report, drawn: tuple[Choice, Picture | None], since: Mapping[str, str]) -> dict[str, Any]:
    outcomes = outcomes_of(report.checks)
    return _side(name, report.evidence.sample, drawn) | {
        "severity": report.severity,
        "checks": [_check(check, drawn[0], since) for check in report.checks],
        "quiet": outcomes.quiet,
        "notes": outcomes.notes,
    }


def _side(name: str, side: Side, drawn: tuple[Choice, Picture | None]) -> dict[str, Any]:
    score, predictions, (choice, picture) = side.score, side.predictions, drawn
    curve = split_curve(predictions)
    low, high = score.interval()
    return {
        "name": name,
        "n": side.n_images,
        "source": predictions.provenance.source,
        "classifier": score.source,
        "mean": _plain(curve.mean),
        "std": _plain(curve.std),
        "overall": score.overall,
        "corrected": score.corrected,
        "low": low,
        "high": high,
        "aside": aside_of(score),
        "variety": score.marginal_entropy,
        "doubt": float(score.conditional_entropy.mean()),
        "effective": score.effective_classes,
        "share": _plain(score.marginal),
        "counts": side.class_counts.tolist(),
        "warnings": score.warnings,
        "few": choice.few,
        "tiles": [
            {
                "name": predictions.image_names[i],
                "class": int(side.top_class[i]),
                "doubt": round(float(score.conditional_entropy[i]), 4),
            }
            for i in choice.images
        ],
        "picture": None if picture is None else vars(picture),
    }


def _check(check: Finding, choice: Choice, since: Mapping[str, str]) -> dict[str, Any]:
    place = {image: position for position, image in enumerate(choice.images)}
    return {
        "key": check.key,
        "title": check.title,
        "severity": check.severity,
        "outcome": outcome_of(check),
        "sentence": check.sentence,
        "source": check.source,
        "p": None if check.p_value is None or not math.isfinite(check.p_value) else check.p_value,
        "level": check.level,
        "since": since.get(check.key, ""),
        "classes": check.classes.tolist(),
        "images": len(check.images),
        "tiles": [place[int(i)] for i in check.images[:OF_A_FINDING] if int(i) in place],
    }


def _plain(numbers: ArrayLike) -> list[float]:
    """Return numbers in few digits: the page holds many."""
    return [float(f"{number:.{_DIGITS}g}") for number in np.asarray(numbers)]
