"""What ``isexplore compare`` prints: each set's score, its difference from another, and what the checks find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isexplore.commands.details import finding_details, plain_number, score_details
from isexplore.commands.sources import read_source

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from isexplore.collapse.comparison import Comparison
    from isexplore.collapse.evidence import Side
    from isexplore.collapse.finding import Severity
    from isexplore.predictions import Predictions
    from isexplore.report import RunReport
    from isexplore.score import Score

__all__ = ["Compared", "compared", "read_sets"]

Sets = dict[str, "Predictions"]


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
    """

    reference: tuple[str, Score, Predictions] | None
    scores: Mapping[str, Score]
    report: RunReport
    differences: Mapping[str, Comparison]

    @property
    def severity(self) -> Severity:
        """The worst of all severities in any set."""
        from isexplore.collapse.finding import SEVERITIES

        return min((report.severity for report in self.report.reports.values()), key=SEVERITIES.index)

    def __str__(self) -> str:
        lines = [] if self.reference is None else [f"{self.reference[0]}: {self.reference[1]} · the reference"]
        for name, report in self.report.reports.items():
            lines.append(f"{name}: {self.scores[name]}")
            if name in self.differences:
                lines += [f"  {line}" for line in (self.differences[name].sentence, *self.differences[name].notes)]
            lines += [f"  {finding.severity}: {finding.sentence}" for finding in report.findings]
            fine = len(report.checks) - len(report.findings)
            lines.append(f"  fine: {fine} {'check' if fine == 1 else 'checks'} found nothing")
        since = self.report.since
        return "\n".join(lines if since is None or len(self.scores) == 1 else [*lines, f"severe from {since} on"])

    def as_json(self) -> dict[str, Any]:
        """Return everything, as ``--json`` prints it."""
        first = next(iter(self.report.reports.values())).evidence
        return {
            "severity": self.severity,
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


def read_sets(options: argparse.Namespace) -> tuple[Sets, tuple[str, Predictions] | None]:
    """Return the sets to diagnose by name, and the reference.

    That is what ``--reference`` names, else the first set; there is none where the first source is a run file: its
    first checkpoint shows what a generator draws before it has learned anything.
    """
    from isexplore.runs import is_run_file

    sources: list[str] = options.sources
    twice = {source for source in sources if sources.count(source) > 1}
    if twice:
        raise ValueError(f"{min(twice)} is given twice")
    starts_with_run = is_run_file(sources[0])
    if len(sources) == 1 and options.reference is None and not starts_with_run:
        options.parser.error("give two or more sets; what other code prints is isexplore conventions")
    sets: Sets = {}
    for source in sources:
        if is_run_file(source):
            sets |= _run(source, alone=len(sources) == 1)
        else:
            sets[source] = read_source(source, options, splits=options.splits)
    if options.reference is not None:
        return sets, (options.reference, read_source(options.reference, options, splits=options.splits))
    return sets, None if starts_with_run else (sources[0], sets.pop(sources[0]))


def _run(source: str, *, alone: bool) -> Sets:
    """Return the checkpoints of a run file, which say whose they are where it is not the only source."""
    from isexplore.runs import load_run

    run = load_run(source)
    if not run:
        raise ValueError(f"the run file {source} has no checkpoint yet")
    return run if alone else {f"{source}: {name}": each for name, each in run.items()}


def compared(sets: Sets, reference: tuple[str, Predictions] | None, splits: int, *, apart: bool) -> Compared:
    """Diagnose and compare sets.

    Parameters
    ----------
    sets : dict of str to Predictions
        At least one.
    reference : (str, Predictions) or None
    splits : int
    apart : bool
        Whether the reference is none of the sets that were given: the first of these is what the others are compared
        with.
    """
    from isexplore.collapse.comparison import compare_sets
    from isexplore.report.diagnosis import diagnose
    from isexplore.score import inception_score

    report = diagnose(sets, None if reference is None else reference[1])
    sides: dict[str, Side] = {name: each.evidence.sample for name, each in report.reports.items()}
    first = next(iter(sides))
    differences = {}
    for name, side in sides.items():
        real = report.reports[name].evidence.reference
        if reference is not None and real is not None and (name == first or not apart):
            differences[name] = compare_sets(real, side, splits, names=(reference[0], name))
        elif name != first:
            differences[name] = compare_sets(sides[first], side, splits, names=(first, name))
    return Compared(
        None if reference is None else (reference[0], inception_score(reference[1], splits=splits), reference[1]),
        {name: inception_score(each, splits=splits) for name, each in sets.items()},
        report,
        differences,
    )
