"""The scores of several sets over the checkpoints, and a scrubber and play through them."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, ClassVar

from isexplore.widgets.panel import HERE
from isexplore.widgets.playground.asking import AskingPanel
from isexplore.widgets.sets.frame import SetsFrame
from isexplore.widgets.sets.outline import outline, progress, verdict
from isexplore.widgets.sets.steps import steps_of

if TYPE_CHECKING:
    from isexplore.widgets.sets.frame import Entry
    from isexplore.widgets.sets.state import SetsState

_LINES = ("score", "corrected", "low", "high", "variety", "doubt", "effective_classes", "severe", "warning")


class TimelinePanel(AskingPanel[SetsFrame]):
    """Shows the course of a run, and which checkpoint is looked at.

    Attributes
    ----------
    asked : dict
        The `number` of the set that a person wants to see, a `serial` number, and how many `moves` the picture had.
    """

    _esm = HERE / "sets" / "timeline.js"
    depends: ClassVar[tuple[str, ...]] = ("entries", "reference", "current")
    state: SetsState

    def __init__(self, state: SetsState) -> None:
        self._moves = 0  # from set to set, that others made
        self._takes = False
        self._course: tuple[tuple[Entry, ...], dict[str, Any]] | None = None
        super().__init__(state)

    def picture(self, frame: SetsFrame) -> dict[str, Any]:
        """Return the curves, and where on them the current set is."""
        real = None if frame.reference is None else outline(frame.reference)
        return {
            "serial": self.answered,
            "moves": self._moves,
            "current": frame.current,
            "waiting": frame.shown.sample is None and not frame.shown.error,
            "reference": None if real is None else {name: real[name] for name in _LINES[:7]},
            **self._course_of(frame.entries),
            "progress": progress(frame),
        }

    def _answer(self, asked: dict[str, Any]) -> None:
        try:
            self.take(asked)
        finally:
            self.answered = operator.index(asked["serial"])  # last: play goes on when everything is on its way

    def take(self, asked: dict[str, Any]) -> None:
        """Show the set that was asked for, unless somebody went elsewhere since: what is asked waits for the kernel."""
        if asked.get("moves", self._moves) == self._moves:
            self._takes = True
            try:
                self.state.set_current(operator.index(asked["number"]))
            finally:
                self._takes = False

    def _follow(self, change: dict[str, Any]) -> None:
        if not self._takes and change["old"] is not None and _went(change["old"], change["new"]):
            self._moves += 1
        super()._follow(change)

    def act(self, kind: str, _message: dict[str, Any], _: list[memoryview]) -> None:
        """Refuse what there is not: the scrubber speaks through `asked`."""
        raise ValueError(f"the timeline has no action {kind!r}")

    def _course_of(self, entries: tuple[Entry, ...]) -> dict[str, Any]:
        if self._course is None or self._course[0] is not entries:
            self._course = entries, _course(entries)
        return self._course[1]


def _went(old: SetsFrame, new: SetsFrame) -> bool:
    """Return whether somebody went to another set; a new one that comes, and is shown, is nobody's move."""
    grown = len(new.entries) > len(old.entries)
    appended = grown and all(a.key == b.key for a, b in zip(old.entries, new.entries, strict=False))
    return old.current != new.current and not appended


def _course(entries: tuple[Entry, ...]) -> dict[str, Any]:
    """Return what stays while somebody scrubs."""
    rows = [outline(entry) for entry in entries]
    steps = steps_of([entry.name for entry in entries])
    return {
        "names": [entry.name for entry in entries],
        "axis": steps.title,
        "at": list(steps.at),
        **{name: [row[name] for row in rows] for name in _LINES},
        "classes": len(entries[0].predictions.class_names),
        "verdict": verdict(entries),
        "problems": [[entry.name, entry.error] for entry in entries if entry.error],
    }
