"""The sets that ``isexplore compare`` is given: found out before the work whether they can be read and compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isexplore.commands.sources import check_source, read_source

if TYPE_CHECKING:
    import argparse

    from isexplore.predictions import Predictions

__all__ = ["Given", "read_sets"]


@dataclass(frozen=True, eq=False)
class Given:
    """Several sets, and what they should look like.

    Attributes
    ----------
    sets : dict of str to Predictions
        Those to diagnose, by name; at least one.
    reference : (str, Predictions) or None
    judged : tuple of str
        The sets that ``--fail-on`` goes by: each that was given, but of a run file its last checkpoint.
    apart : bool
        Whether the reference was given apart: then the first of the sets is what the others are compared with.
    """

    sets: dict[str, Predictions]
    reference: tuple[str, Predictions] | None
    judged: tuple[str, ...]
    apart: bool


def read_sets(options: argparse.Namespace) -> Given:
    """Return what is to be compared; whatever can be wrong with a source is said before any image is classified.

    The reference is what ``--reference`` names, else the first set; there is none where the first source is a run
    file: its first checkpoint shows what a generator draws before it has learned anything.
    """
    from isexplore.runs import is_run_file

    sources: list[str] = options.sources
    _check_arguments(options)
    runs = {source: _run(source, alone=len(sources) == 1) for source in sources if is_run_file(source)}
    others = [source for source in [*sources, options.reference] if source is not None and source not in runs]
    saved = {source: check_source(source, options, splits=options.splits) for source in dict.fromkeys(others)}
    _check_saved(runs, saved, options.reference)

    def read(source: str) -> Predictions:
        known = saved[source]
        return read_source(source, options, splits=options.splits) if known is None else known

    sets: dict[str, Predictions] = {}
    for source in sources:
        sets |= runs[source] if source in runs else {source: read(source)}
    judged = [list(runs[source])[-1] if source in runs else source for source in sources]
    if options.reference is not None:
        known = sets.get(options.reference)
        real = read(options.reference) if known is None else known
        return Given(sets, (options.reference, real), tuple(judged), apart=True)
    if sources[0] in runs:
        return Given(sets, None, tuple(judged), apart=False)
    return Given(sets, (sources[0], sets.pop(sources[0])), tuple(judged[1:]), apart=False)


def _check_arguments(options: argparse.Namespace) -> None:
    from isexplore.runs import is_run_file
    from isexplore.tensor_files import expand_home

    sources: list[str] = options.sources
    places = [source if source.startswith("demo:") else str(expand_home(source).resolve()) for source in sources]
    twice = {source for source, place in zip(sources, places, strict=True) if places.count(place) > 1}
    if twice:
        raise ValueError(f"{min(twice)} is given twice")
    if options.reference is not None and is_run_file(options.reference):
        raise ValueError(
            f"the run file {options.reference} can't be the reference, which is one set: "
            "give images, or the saved predictions of one checkpoint"
        )
    if len(sources) == 1 and options.reference is None and not is_run_file(sources[0]):
        options.parser.error("give two or more sets; what other code prints is isexplore conventions")


def _run(source: str, *, alone: bool) -> dict[str, Predictions]:
    """Return the checkpoints of a run file, which say whose they are where it is not the only source."""
    from isexplore.runs import load_run

    run = load_run(source)
    if not run:
        raise ValueError(f"the run file {source} has no checkpoint yet")
    return run if alone else {f"{source}: {name}": each for name, each in run.items()}


def _check_saved(
    runs: dict[str, dict[str, Predictions]], saved: dict[str, Predictions | None], reference: str | None
) -> None:
    """Find out whether the predictions that are there already can be compared."""
    from isexplore.collapse.comparable import check_comparable

    sets = {name: each for run in runs.values() for name, each in run.items()}
    sets |= {name: each for name, each in saved.items() if each is not None}
    beside = [name for name in (reference, next(iter(sets), None)) if name in sets]
    for name, each in sets.items():
        for other in dict.fromkeys(beside):
            if name != other:
                check_comparable(sets[other], each, other, name)
