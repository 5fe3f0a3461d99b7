"""What the views of several sets show, without any view; the sets are computed one by one in a thread."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from itertools import starmap
from typing import TYPE_CHECKING, Any

from traitlets import HasTraits, Instance

from isexplore.widgets.frame import Reference
from isexplore.widgets.selecting import class_selection
from isexplore.widgets.sets.checks import check_class, check_number, check_same, new_entry, reference_name
from isexplore.widgets.sets.frame import REFERENCE, SetsFrame, computed, moved, placed
from isexplore.widgets.sets.selecting import alike, class_to_look_at
from isexplore.widgets.sets.work import next_step
from isexplore.widgets.state import ExplorerState
from isexplore.widgets.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isexplore.predictions import Predictions
    from isexplore.widgets.frame import Selection
    from isexplore.widgets.sets.frame import Entry, Key

__all__ = ["SetsState"]

_PAUSE = 0.2  # seconds between two pictures of what was computed meanwhile: a drawing may take longer than a small set


class SetsState(HasTraits):
    """The state of several sample sets; every method makes exactly one change of `frame`, from any thread.

    The scores are computed at once. Nothing is diagnosed before `look` or `wait`: the page's first paint comes first.

    Parameters
    ----------
    sets : mapping of str to Predictions
        By their names, in order; may be empty, where sets come later.
    reference : Predictions, optional
        The real set.

    Attributes
    ----------
    frame : SetsFrame or None
        None until there is a set.
    explorer : ExplorerState
        Of the current set; it shows the one before until the new one is computed.
    lock : RLock
        The explorer's, too. Held during a change; whoever reads the frame and acts on it holds it too.

    Raises
    ------
    TypeError
        If a name is no text, or a set is no predictions.
    ValueError
        If two sets can't be compared; the message names both.

    Examples
    --------
    >>> from isexplore import Predictions
    >>> first = Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]])
    >>> state = SetsState({"step 1": first})
    >>> state.add("step 2", Predictions.from_probabilities([[0.9, 0.1], [0.8, 0.2]]))
    >>> state.wait()
    >>> [entry.name for entry in state.frame.entries], state.frame.shown.name
    (['step 1', 'step 2'], 'step 2')
    >>> state.close()
    """

    frame = Instance(SetsFrame, allow_none=True)

    def __init__(self, sets: Mapping[str, Predictions], reference: Predictions | None = None) -> None:
        super().__init__()
        self.explorer = ExplorerState()
        self.lock = self.explorer.lock  # one for both: each changes with the other
        self._reference = None if reference is None else new_entry(reference_name(sets), reference)
        self._worker = Worker()
        self._working = self._closed = self._looks = False
        self._problem: Exception | None = None  # the first one of a view or of the work, until somebody waits
        self._wanted_class: int | None = None  # to be selected as soon as the current set is there
        self.explorer.observe(self._follow_selection, "frame")
        if sets:
            self.follow(sets)

    def shown(self) -> SetsFrame:
        """Return the frame.

        Raises
        ------
        ValueError
            If there is no set yet.
        """
        if self.frame is None:
            raise ValueError("there is no sample set yet: add one first")
        return self.frame

    def add(self, name: str, predictions: Predictions) -> None:
        """Add a set behind the others, and show it if the last one was shown.

        Raises
        ------
        TypeError, ValueError
            As at the beginning, and if there is a set of that name.
        """
        with self.lock:
            before = {} if self.frame is None else {entry.name: entry.predictions for entry in self.frame.entries}
            if name in before:
                raise ValueError(f"there is a sample set {name!r} already: give each a name of its own")
            self.follow({**before, name: predictions})

    def follow(self, sets: Mapping[str, Predictions]) -> None:
        """Show these sets in place of those before; what is computed of one that stays is kept.

        The one that was shown stays shown, unless it was the last one, or is gone: then the last one is.

        Raises
        ------
        TypeError, ValueError
            As at the beginning, if there is no set, or one is named as the reference is.
        """
        with self.lock:
            if self._reference is not None and self._reference.name in sets:
                raise ValueError(f"the reference is named {self._reference.name!r}: give the sample set another name")
            old = self.frame
            known = {} if old is None else {entry.key: entry for entry in old.entries}
            entries = tuple(known.get(entry.key, entry) for entry in starmap(new_entry, sets.items()))
            if not entries:
                raise ValueError("there is no sample set: give at least one")
            for one in [*entries[1:], *([] if self._reference is None else [self._reference])]:
                check_same(entries[0], one)
            frame = placed(entries, self._reference) if old is None else moved(old, entries)
            self.frame = self._with_selection(frame)
            self._show_current()
            self._work_on()

    def set_current(self, number: int) -> None:
        """Show another set; a class or a finding that is selected in the explorer is selected in this one, too.

        Raises
        ------
        ValueError
            If there is no set of that number.
        """
        with self.lock:
            self._go(check_number(self.shown(), number), None)

    def set_other(self, number: int) -> None:
        """Compare the current set with another one, or with the reference, which is number −1.

        Raises
        ------
        ValueError
            If there is no set of that number, or no reference.
        """
        with self.lock:
            frame = self.shown()
            if number != REFERENCE:
                number = check_number(frame, number)
            elif frame.reference is None:
                raise ValueError("there is no reference to compare with")
            self.frame = replace(frame, other=number)

    def choose_class(self, number: int | None) -> None:
        """Look at a class in the heat map and in the pair of galleries; None: at none.

        Raises
        ------
        ValueError
            If there is no such class.
        """
        with self.lock:
            chosen = None if number is None else check_class(self.shown(), number)
            self.frame = replace(self.shown(), chosen_class=chosen)

    def choose_cell(self, number: int, of_class: int) -> None:
        """Show a set, and select its images of a class.

        Raises
        ------
        ValueError
            If there is no such set, or no such class.
        """
        with self.lock:
            chosen = check_class(self.shown(), of_class)
            self._go(check_number(self.shown(), number), chosen, chosen_class=chosen)

    def look(self) -> None:
        """Diagnose all sets from now on; called once there is a view of them."""
        with self.lock:
            self._looks = True
            if self.frame is not None:
                self._work_on()

    def wait(self) -> None:
        """Wait until nothing is left to compute, reports included; what a view raised meanwhile is raised here."""
        self.look()
        while self._working and not self._closed:
            self._worker.wait()
        with self.lock:
            problem, self._problem = self._problem, None
        if problem is not None:
            raise problem

    def close(self) -> None:
        """Drop what is left to compute; the thread ends by itself."""
        self._closed = True
        self._worker.abandon()

    # The frame

    def _go(self, number: int, wanted_class: int | None, **changed: Any) -> None:
        """Show a set, at once if it is computed."""
        self._wanted_class = wanted_class
        self.frame = self._with_selection(replace(self.shown(), current=number, **changed))
        self._show_current()

    def _with_selection(self, frame: SetsFrame) -> SetsFrame:
        """Return the frame with what is to be selected: the wanted class, else what is, else the like in this set."""
        there = self.explorer.frame
        before = None if there is None else there.selection
        if self._wanted_class is not None and frame.shown.sample is not None:
            selection: Selection | None = class_selection(frame.shown.sample, self._wanted_class)
        elif there is not None and there.sample is frame.shown.sample:
            selection = before
        else:
            selection = None if before is None else alike(before, frame.shown)
        return replace(frame, selection=selection)

    def _show_current(self) -> None:
        """Let the explorer follow, as soon as the current set is computed."""
        frame, there = self.shown(), self.explorer.frame
        entry = frame.shown
        if entry.sample is None:
            return
        if there is None or there.sample is not entry.sample:
            self.explorer.show_sample(entry.sample, entry.name, frame.selection)
        elif there.selection is not frame.selection:
            self.explorer.set_selection(frame.selection)
        self._wanted_class = None
        self._hold_against_reference()

    def _hold_against_reference(self) -> None:
        """Let the explorer compare p(y) with that of the reference, once both are there."""
        real = self.shown().reference
        if real is not None and real.sample is not None and real.name not in self.explorer.references:
            share = real.sample.score.marginal
            self.explorer.references[real.name] = Reference(real.name, real.predictions.class_names, share)
            self.explorer.set_reference(real.name)

    def _follow_selection(self, change: dict[str, Any]) -> None:
        """Show everywhere what somebody selects in the explorer: a class is looked at, too."""
        frame, there = self.frame, change["new"]
        if frame is None or there is None or there.sample is not frame.shown.sample:
            return
        if there.selection is not frame.selection:
            self.frame = replace(frame, selection=there.selection, chosen_class=class_to_look_at(frame, there))

    # The work

    def _work_on(self) -> None:
        """Begin to compute what is missing, unless that goes on already."""
        if not (self._working or self._closed):
            self._working = True
            self._worker.start(self._work, done=lambda _: None, failed=self._fail)

    def _work(self, check: Callable[[], None]) -> None:
        """Compute what is missing, one after the other; small sets are shown several at a time."""
        found: dict[Key, Entry] = {}
        taken_at = 0.0
        while True:
            check()
            with self.lock:
                frame = computed(self.shown(), found)
                step = next_step(frame, diagnoses=self._looks)
                if found and (step is None or frame.shown.key in found or time.monotonic() > taken_at + _PAUSE):
                    self._tell(frame)
                    found, taken_at = {}, time.monotonic()
                if step is None:
                    self._working = False
                    return
            entry, compute = step
            found[entry.key] = compute(entry, frame.reference, check)

    def _tell(self, frame: SetsFrame) -> None:
        """Show what was computed; a view that can't is no reason not to compute the rest: `wait` raises what it did."""
        for show in (partial(setattr, self, "frame", self._with_selection(frame)), self._show_current):
            try:
                show()
            except Exception as problem:  # noqa: BLE001 - of whoever observes: the frame is replaced all the same
                self._problem = self._problem or problem

    def _fail(self, problem: Exception) -> None:
        """Keep what ended the work, for `wait`; the next set, or the next look, begins it again."""
        with self.lock:
            self._working = False
            self._problem = self._problem or problem
