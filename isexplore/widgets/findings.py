"""The findings: what is wrong with the shown set, how sure that is, and a click away the images meant."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from isexplore.report.outcomes import outcome_of
from isexplore.widgets.diagnosis import Diagnosed, FindingsState
from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.sprite import strip

if TYPE_CHECKING:
    from isexplore.collapse.evidence import Evidence
    from isexplore.collapse.finding import Finding
    from isexplore.report import Report

NAMED = 3  # findings in the head's one line
_ONE = {"classes": "class", "images": "image"}
# What must be read even where nothing is wrong: never give false security.
NOTED = ("effective-classes", "blind-spot")


class FindingsPanel(Panel[Diagnosed]):
    """Shows what the checks found, worst first, and what they looked for and did not find."""

    _esm = HERE / "findings.js"
    depends: ClassVar[tuple[str, ...]] = (
        "report",
        "problem",
        "progress",
        "note",
        "since",
        "classes_since",
        "set_name",
        "pressed",
    )
    state: FindingsState

    sprite = traitlets.Bytes().tag(sync=True)

    def picture(self, frame: Diagnosed) -> dict[str, Any]:
        """Return a row a check, with its numbers as they are read."""
        report = frame.report
        checks = [] if report is None else [check for check in report.checks if check.fires or check.key not in NOTED]
        return {
            "busy": report is None and not frame.problem,
            "problem": frame.problem,
            "progress": frame.progress,
            "note": frame.note,
            "set": frame.set_name,
            "pressed": frame.pressed,
            "showsClasses": self.state.shows_classes,
            "summary": "" if report is None else _summary(checks),
            "against": "" if report is None else _against(report.evidence),
            "noted": [] if report is None else [check.sentence for check in report.checks if check.key in NOTED],
            "found": [_row(check, frame) for check in checks if check.fires],
            "fine": [_row(check, Diagnosed()) for check in checks if not check.fires],
            "rest": _rest(checks),
            "strip": self._strip(report, frame.pressed),
        }

    def _strip(self, report: Report | None, key: str) -> dict[str, Any] | None:
        """Put the most telling images of a finding into one picture, and return their names and size."""
        images = () if report is None else next((check.images for check in report.checks if check.key == key), ())
        if report is None or not len(images):
            self.sprite = b""
            return None
        self.sprite, shown = strip(report.evidence.sample.predictions, np.asarray(images))
        return shown

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Begin to look for trouble, or select the images of a finding."""
        if kind == "look":
            self.state.look()
        elif kind == "finding":
            if message.get("set", "") != self.state.frame.set_name:  # a click waits for the kernel
                raise ValueError(f"{self.state.frame.set_name} is shown by now: it has findings of its own")
            self.state.select(str(message["value"]))
        else:
            raise ValueError(f"the findings have no action {kind!r}")


def alarm_of(report: Report | None) -> str:
    """Say in a few words what is severe; empty if nothing is."""
    severe = [] if report is None else [finding.title for finding in report.findings if finding.severity == "severe"]
    rest = f" and {len(severe) - NAMED} more" if len(severe) > NAMED else ""
    return f"severe: {', '.join(severe[:NAMED])}{rest}" if severe else ""


def _row(check: Finding, known: Diagnosed) -> dict[str, Any]:
    return {
        "key": check.key,
        "severity": check.severity,
        "word": word_of(check),
        "title": check.title,
        "number": number_of(check),
        "sentence": check.sentence,
        "since": known.since.get(check.key, ""),
        "classesSince": known.classes_since.get(check.key, ""),
        "images": len(check.images),
        "classes": len(check.classes),
        "quiet": _quiet(check),
    }


def word_of(check: Finding) -> str:
    """Say what became of a check: how severe it is; or that its test found nothing; or that it only states a number.

    Examples
    --------
    >>> from isexplore.collapse.finding import Finding
    >>> word_of(Finding("order", "Order", "fine", 0.1, "%", "…", p_value=0.4, level=0.01))
    'not found'
    >>> word_of(Finding("frechet-distance", "Fréchet distance", "fine", 166, "", "…"))
    'stated'
    """
    return check.severity if check.fires else outcome_of(check)


def number_of(check: Finding) -> str:
    """Return the number of a finding as it is read: with its unit, and its interval where it has one.

    Examples
    --------
    >>> from isexplore.collapse.finding import Finding
    >>> number_of(Finding("doubt", "Low confidence", "warning", 0.0913, "nats", "…", interval=(0.0806, 0.1021)))
    '0.0913 nats (95 % 0.0806–0.102)'
    >>> number_of(Finding("missing", "Missing classes", "severe", 3, "classes", "…"))
    '3 classes'
    >>> number_of(Finding("missing", "Missing classes", "severe", 1, "classes", "…"))
    '1 class'
    """
    unit = _ONE.get(check.unit, check.unit) if check.value == 1 else check.unit
    return f"{_text(check.value)} {unit}".strip() + ("" if check.interval is None else _interval(*check.interval))


def _interval(low: float, high: float) -> str:
    return f" (95 % {_text(low)}{'–' if low >= 0 else ' to '}{_text(high)})"


def _text(value: float) -> str:
    """Return a count in full, and anything else to three digits."""
    whole = 1000
    text = f"{value:,.0f}" if value == round(value) or abs(value) >= whole else f"{value:.3g}"
    return text.replace("-", "−")


def _quiet(check: Finding) -> str:
    """Return what the finding rests on."""
    p, level = check.p_value, check.level
    parts = [
        "" if p is None else f"p = {p:.2g}" if p > 0 else "p too small for a number",
        "" if level is None else f"level {100 * level:.3g} %, how often it fires where nothing is wrong",
        check.source,
    ]
    return " · ".join(part for part in parts if part)


def _summary(checks: list[Finding]) -> str:
    words = Counter(word_of(check) for check in checks)
    if not words["severe"] + words["warning"]:
        return f"Nothing is wrong that these {len(checks)} checks can see."
    counted = [f"{words['severe']} severe"] if words["severe"] else []
    counted += [f"{words['warning']} warning{'s' * (words['warning'] > 1)}"] if words["warning"] else []
    return f"{', '.join(counted)}; {words['not found']} of {len(checks)} checks found nothing."


def _rest(checks: list[Finding]) -> str:
    words = Counter(word_of(check) for check in checks)
    parts = (("not found", "looked for and not found: {}"), ("stated", "numbers without a verdict: {}"))
    return "; ".join(text.format(words[word]) for word, text in parts if words[word])


def _against(evidence: Evidence) -> str:
    reference = evidence.reference
    if reference is None:
        return "compared with an even use of all classes: no reference set was given"
    return f"compared with {reference.predictions.provenance.source}, {reference.n_images:,} images"
