"""What is on screen of several sample sets at one moment: frozen, and replaced whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from isexplore.collapse.evidence import Side
    from isexplore.predictions import Predictions
    from isexplore.report import Report
    from isexplore.widgets.frame import Sample, Selection

    Key = tuple[str, Predictions]

__all__ = ["REFERENCE", "Entry", "SetsFrame", "computed", "moved", "placed"]

REFERENCE = -1  # the number of the reference, where an entry's is asked for


@dataclass(frozen=True, eq=False)
class Entry:
    """One of several sample sets, and what is known of it so far.

    Attributes
    ----------
    name : str
    predictions : Predictions
    sample : Sample or None
        None until it is computed.
    report : Report or None
        None until it is diagnosed.
    side : Side or None
        Of the reference: what all sets are diagnosed against; None until the first one is.
    error : str
        Why there is no sample, or no report.
    """

    name: str
    predictions: Predictions
    sample: Sample | None = None
    report: Report | None = None
    side: Side | None = None
    error: str = ""

    @property
    def key(self) -> Key:
        """What stays the same while more of it is computed."""
        return self.name, self.predictions


@dataclass(frozen=True, eq=False)
class SetsFrame:
    """Everything that is on screen of several sets at one moment.

    Attributes
    ----------
    entries : tuple of Entry
        In the given order: checkpoints from first to last.
    reference : Entry or None
        The real set, if there is one.
    current : int
        The number of the entry that the explorer shows.
    other : int or None
        What it is compared with: an entry's number, −1 for the reference, None where there is nothing to compare with.
    chosen_class : int or None
        The class looked at in the heat map and in the pair of galleries.
    selection : Selection or None
        Images of the shown set, as they are selected in the explorer.
    """

    entries: tuple[Entry, ...]
    reference: Entry | None
    current: int
    other: int | None
    chosen_class: int | None = None
    selection: Selection | None = None

    @property
    def shown(self) -> Entry:
        """The entry that the explorer shows."""
        return self.entries[self.current]

    @property
    def beside(self) -> Entry | None:
        """What it is compared with."""
        if self.other is None:
            return None
        return self.reference if self.other == REFERENCE else self.entries[self.other]

    @property
    def complete(self) -> bool:
        """Whether nothing is left to compute: each set has a report, or an error that says why not."""
        scored = self.reference is None or bool(self.reference.sample or self.reference.error)
        return scored and all(entry.report or entry.error for entry in self.entries)

    @property
    def selected_counts(self) -> NDArray[np.intp] | None:
        """How many of the selected images look most like each class (C,); None where nothing is selected."""
        sample, selection = self.shown.sample, self.selection
        if sample is None or selection is None:
            return None
        return np.bincount(sample.top_class[selection.mask], minlength=len(self.class_names))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, which are the same in all sets."""
        return self.entries[0].predictions.class_names


def placed(entries: tuple[Entry, ...], reference: Entry | None) -> SetsFrame:
    """Return what is shown at first: the last set beside the reference, else beside the first set."""
    other = REFERENCE if reference is not None else 0 if len(entries) > 1 else None
    return SetsFrame(entries, reference, current=len(entries) - 1, other=other)


def moved(old: SetsFrame, entries: tuple[Entry, ...]) -> SetsFrame:
    """Return the frame with other sets: what was looked at still is, if it is there, but the last one gives way."""
    usual = placed(entries, old.reference)
    was_last = old.current == len(old.entries) - 1
    current = usual.current if was_last or old.shown not in entries else entries.index(old.shown)
    other = entries.index(old.beside) if old.other != REFERENCE and old.beside in entries else usual.other
    return replace(old, entries=entries, current=current, other=REFERENCE if old.other == REFERENCE else other)


def computed(frame: SetsFrame, found: Mapping[Key, Entry]) -> SetsFrame:
    """Return the frame with what was computed since it was shown."""
    entries = tuple(found.get(entry.key, entry) for entry in frame.entries)
    real = frame.reference
    return replace(frame, entries=entries, reference=None if real is None else found.get(real.key, real))
