"""What ``isexplore compare`` prints: each set's score, its difference from another, and what the checks find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isexplore.commands.details import finding_details, plain_number, score_details
from isexplore.oneline import in_one_line
from isexplore.report.outcomes import outcomes_of
from isexplore.report.text import aside_of, notes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isexplore.collapse.comparison import Comparison
    from isexplore.collapse.evidence import Side
    from isexplore.collapse.finding import Severity
    from isexplore.commands.given import Given
    from isexplore.predictions import Predictions
    from isexplore.report import RunReport
    from isexplore.score import Score

__all__ = ["Compared", "compared"]


@dataclass(frozen=True, eq=False)
class Compared:
    """Several sets, diagnosed and compared.

    Attributes
    ----------
    reference : (str, Score, Predictions) or None
        What they were held against.
    scores : mapping of str to Score
        Of each diagnosed set, over the splits that were asked for.
    report : RunReport
    differences : mapping of str to Comparison
        Of a set from the first one given; of the first one from the reference, if that was given apart.
    judged : tuple of str
        The sets that ``--fail-on`` goes by: of a run file the last one alone, which is what the run has come to.
    """

    reference: tuple[str, Score, Predictions] | None
    scores: Mapping[str, Score]
    report: RunReport
    differences: Mapping[str, Comparison]
    judged: tuple[str, ...]

    @property
    def worst(self) -> Severity:
        """The worst of all severities in the sets that are judged."""
        from isexplore.collapse.finding import SEVERITIES

        return min((self.report.reports[name].severity for name in self.judged), key=SEVERITIES.index)

    def __str__(self) -> str:
        lines = []
        if self.reference is not None:
            name, score, _ = self.reference
            lines = [f"{name}: {score}{aside_of(score)} · the reference"]
        for name, report in self.report.reports.items():
            lines.append(f"{name}: {self.scores[name]}{aside_of(self.scores[name])}")
            if name in self.differences:
                lines += [f"  {line}" for line in (self.differences[name].sentence, *self.differences[name].notes)]
            lines += [f"  {finding.severity}: {finding.sentence}" for finding in report.findings]
            quiet = outcomes_of(report.checks).quiet
            lines += [f"  fine: {quiet}"] if quiet else []
            lines += [] if self._shared_notes else [f"  {note}" for note in notes_of(report)]
        since = self.report.since
        lines += [] if since is None or len(self.scores) == 1 else [f"severe from {since} on"]
        lines += [*self._shared_notes, *self._advice]
        return "\n".join(line[: len(line) - len(line.lstrip())] + in_one_line(line) for line in lines)

    @property
    def _shared_notes(self) -> list[str]:
        """What is to be noted of all sets, once, where it is the same of each."""
        first, *others = (notes_of(report) for report in self.report.reports.values())
        return first if all(each == first for each in others) else []

    @property
    def _advice(self) -> list[str]:
        """How to look for what was not looked for."""
        if all(report.evidence.sample.embeddings is not None for report in self.report.reports.values()):
            return []
        return ["note: --embeddings, with the images themselves, looks for nearly equal images, too"]

    def as_json(self) -> dict[str, Any]:
        """Return everything, as ``--json`` prints it."""
        first = next(iter(self.report.reports.values())).evidence
        return {
            "severity": self.report.severity,
            "worst": self.worst,
            "since": self.report.since,
            "seed": first.seed,
            "reference": self.reference
            and {"name": self.reference[0], "score": score_details(self.reference[1], self.reference[2])},
            "sets": [self._set(name) for name in self.report.reports],
        }

    def _set(self, name: str) -> dict[str, Any]:
        report = self.report.reports[name]
        predictions = report.evidence.sample.predictions
        return {
            "name": name,
            "severity": report.severity,
            "score": score_details(self.scores[name], predictions),
            "difference": _difference(self.differences[name]) if name in self.differences else None,
            "checks": [finding_details(check, predictions) for check in report.checks],
        }


def _difference(comparison: Comparison) -> dict[str, Any]:
    return {
        "from": comparison.name_a,
        "images": comparison.n_images,
        "ratio": plain_number(comparison.ratio),
        "ratio_interval_95": [plain_number(end) for end in comparison.ratio_interval(0.95)],
        "log_difference": comparison.difference,
        "p_value": comparison.p_value,
        "sentence": comparison.sentence,
        "notes": comparison.notes,
    }


def compared(given: Given, splits: int) -> Compared:
    """Diagnose and compare sets.

    Parameters
    ----------
    given : Given
    splits : int
    """
    from isexplore.collapse.comparison import compare_sets
    from isexplore.report.diagnosis import diagnose_run
    from isexplore.score import inception_score

    sets, reference = given.sets, given.reference
    report = diagnose_run(sets, None if reference is None else reference[1], splits)
    sides: dict[str, Side] = {name: each.evidence.sample for name, each in report.reports.items()}
    first = next(iter(sides))
    differences = {}
    for name, side in sides.items():
        real = report.reports[name].evidence.reference
        if reference is not None and real is not None and (name == first or not given.apart):
            differences[name] = compare_sets(real, side, splits, names=(reference[0], name))
        elif name != first:
            differences[name] = compare_sets(sides[first], side, splits, names=(first, name))
    return Compared(
        None if reference is None else (reference[0], inception_score(reference[1], splits=splits), reference[1]),
        {name: inception_score(each, splits=splits) for name, each in sets.items()},
        report,
        differences,
        given.judged,
    )
