"""What there is to compute of several sample sets, and in which order: what is on screen first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from isexplore.collapse.evidence import side_of
from isexplore.widgets.frame import sample_of
from isexplore.widgets.worker import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from isexplore.widgets.sets.frame import Entry, SetsFrame

    Check = Callable[[], None]
    Step = Callable[[Entry, Entry | None, Check], Entry]

__all__ = ["next_step"]

_EDGES = 50  # of the sums that are kept of a set: 0.4 MB at 1000 classes


def next_step(frame: SetsFrame, *, diagnoses: bool) -> tuple[Entry, Step] | None:
    """Return what to compute next, or None if nothing is missing.

    All scores come before the first diagnosis, which may take long. What failed once is not tried again.

    Parameters
    ----------
    frame : SetsFrame
    diagnoses : bool
        Whether reports are asked for, too.

    Returns
    -------
    (Entry, callable) or None
        The entry, and a function from it, the reference, and what is to be called now and then, as it raises where the
        work is to stop, to the entry that takes its place.
    """
    for entry in (frame.shown, frame.reference, frame.beside, *frame.entries):
        if entry is not None and entry.sample is None and not entry.error:
            return entry, _sampled
    missing = [entry for entry in (frame.shown, *frame.entries) if entry.report is None and not entry.error]
    if not (diagnoses and missing):
        return None
    if frame.reference is not None and frame.reference.side is None and not frame.reference.error:
        return frame.reference, _sided
    return missing[0], _diagnosed


def _sampled(entry: Entry, _: Entry | None, __: Check) -> Entry:
    try:
        sample = sample_of(entry.predictions)
    except Exception as problem:  # noqa: BLE001 - whatever it is, a person must read it
        return replace(entry, error=f"could not be scored: {str(problem) or type(problem).__name__}")
    # The sums of one set take 8 MB at 1000 classes: with fewer, other split rules read a few more rows.
    order = replace(sample.file_order, sums=sample.file_order.sums.thinned(_EDGES))
    return replace(entry, sample=replace(sample, file_order=order))


def _sided(entry: Entry, _: Entry | None, __: Check) -> Entry:
    try:
        return replace(entry, side=side_of(entry.predictions))
    except Exception as problem:  # noqa: BLE001 - as above
        return replace(entry, error=f"can't be compared with: {str(problem) or type(problem).__name__}")


def _diagnosed(entry: Entry, reference: Entry | None, check: Check) -> Entry:
    from isexplore.report.diagnosis import diagnose_sides

    try:
        if reference is not None and reference.side is None:
            raise ValueError(f"the reference {reference.error}")  # noqa: TRY301 - said of each set that misses it
        real = None if reference is None else reference.side
        report = diagnose_sides(side_of(entry.predictions), real, lambda _done, _total: check())
    except Cancelled:
        raise
    except Exception as problem:  # noqa: BLE001 - as above
        return replace(entry, error=f"could not be diagnosed: {str(problem) or type(problem).__name__}")
    return replace(entry, report=report)
