"""What is known to be wrong with the shown set, without any view: its report, and which finding's images are shown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from traitlets import HasTraits, Instance

from isexplore.report.diagnosis import diagnose_sides, sides_of
from isexplore.widgets.selecting import finding_selection
from isexplore.widgets.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isexplore.collapse.finding import Finding
    from isexplore.predictions import Predictions
    from isexplore.report import Report
    from isexplore.widgets.state import ExplorerState

__all__ = ["ADVICE", "Diagnosed", "Diagnosis", "FindingsState"]

ADVICE = "The score and the plots do not depend on it. isexplore.diagnose(…) in a cell shows where it stopped."


@dataclass(frozen=True, eq=False)
class Diagnosed:
    """What is known of the shown sample set at one moment.

    Attributes
    ----------
    report : Report or None
        None until there is one.
    problem : str
        Why there is none, and what to do, where something went wrong.
    progress : str
        How far the checks are, until there is a report.
    note : str
        What to know about the reference.
    since, classes_since : mapping of str to str
        In words, since which sample set each finding is there, and since which it names each of its classes, by the
        findings' keys; only of several sets.
    set_name : str
        Of the sample set, among several; else empty.
    pressed : str
        The key of the finding whose images are selected; empty if none is.
    """

    report: Report | None = None
    problem: str = ""
    progress: str = ""
    note: str = ""
    since: Mapping[str, str] = field(default_factory=dict)
    classes_since: Mapping[str, str] = field(default_factory=dict)
    set_name: str = ""
    pressed: str = ""


class FindingsState(HasTraits):
    """The findings beside an explorer: whose images are selected there.

    Attributes
    ----------
    frame : Diagnosed
        Replaced whole at each change.
    explorer : ExplorerState
        Where the images are selected.
    lock : RLock
        The explorer's.
    """

    frame = Instance(Diagnosed)
    shows_classes = False  # whether a class can be looked at of which there is no image here

    def __init__(self, explorer: ExplorerState) -> None:
        self.explorer, self.lock = explorer, explorer.lock
        super().__init__(frame=Diagnosed())
        explorer.observe(self._follow, "frame")
        self._is_open = True

    def look(self) -> None:
        """Begin to look for trouble, if nobody does so yet; called once there is a view of it."""

    def tell(self, known: Diagnosed) -> None:
        """Say what is known; what is selected stays selected."""
        with self.lock:
            self.frame = replace(known, pressed=self.frame.pressed if known.report is self.frame.report else "")

    def select(self, key: str) -> None:
        """Select the images of a finding in every view; or nothing, if they are selected.

        Raises
        ------
        ValueError
            If there is no such finding, it speaks of no images, or the explorer shows another set by now.
        """
        with self.lock:
            report, shown = self.frame.report, self.explorer.shown().sample.predictions
            if report is None or report.evidence.sample.predictions is not shown:
                raise ValueError("another sample set is shown by now: wait for its own findings")
            found = {check.key: check for check in report.checks}.get(key)
            if found is None:
                raise ValueError(f"there is no finding {key!r}; there are: {', '.join(c.key for c in report.checks)}")
            if not len(found.images):
                self._look_at(found)
                return
            if self.frame.pressed == key:
                self.explorer.clear()
                return
            self.explorer.set_selection(finding_selection(self.explorer.shown().sample, found))

    def _look_at(self, found: Finding) -> None:
        """Show what there is of a finding without images."""
        raise ValueError(f"“{found.title}” speaks of no images")

    def close(self) -> None:
        """Follow the explorer no more."""
        if self._is_open:
            self._is_open = False
            self.explorer.unobserve(self._follow, "frame")

    def _follow(self, change: dict[str, Any]) -> None:
        """Whatever else selects something, or shows another set, lets go of the finding."""
        old, new = change["old"], change["new"]
        if old is None or old.selection is not new.selection:
            self.frame = replace(self.frame, pressed="" if new.selection is None else new.selection.finding)


class Diagnosis(FindingsState):
    """The findings of whatever an explorer shows, computed in a thread of their own; the latest set wins.

    Nothing is computed before `look` or `wait`: the explorer's first paint comes first.

    Parameters
    ----------
    explorer : ExplorerState
    reference : Predictions, optional
        What to compare each set with; a set with other classes is compared with none.

    Examples
    --------
    >>> from isexplore import Predictions
    >>> from isexplore.widgets.state import ExplorerState
    >>> state = ExplorerState()
    >>> state.show(Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]))
    >>> diagnosis = Diagnosis(state)
    >>> diagnosis.wait().evidence.sample.class_counts
    array([1, 2])
    >>> diagnosis.close()
    """

    def __init__(self, explorer: ExplorerState, reference: Predictions | None = None) -> None:
        self.reference = reference
        self._worker = Worker()
        self._looks = False
        self._of: Predictions | None = None  # the set that was last looked at
        super().__init__(explorer)

    def look(self) -> None:
        """Begin to look for trouble, if nobody does so yet."""
        with self.lock:
            self._looks = True
            self._examine()

    def wait(self) -> Report | None:
        """Look for trouble, and return the report once it is there; None where it failed, or no set is shown."""
        self.look()
        self._worker.wait()
        return self.frame.report

    def close(self) -> None:
        """Drop what is computed, and end the thread."""
        super().close()
        self._of = None
        self._worker.abandon()

    def _follow(self, change: dict[str, Any]) -> None:
        super()._follow(change)
        self._examine()

    def _examine(self) -> None:
        """Diagnose what is shown, unless that is done already."""
        if not self._looks or self.explorer.frame is None:
            return
        predictions, reference = self.explorer.frame.sample.predictions, self.reference
        if predictions is self._of:
            return
        note = ""
        if reference is not None and reference.class_names != predictions.class_names:
            note = f"{reference.provenance.source} has other classes and can't be the reference of these images."
            reference = None
        self._of = predictions
        self.tell(Diagnosed(note=note))

        def work(check: Callable[[], None]) -> Report:
            def before(done: int, total: int) -> None:
                check()  # another set may be shown by now
                with self.lock:
                    if self.frame.report is None:  # not that of an earlier look at the same set
                        self._finish(predictions, Diagnosed(progress=f"check {done + 1} of {total}", note=note))

            return diagnose_sides(*sides_of(predictions, reference), before)

        self._worker.start(
            work,
            lambda report: self._finish(predictions, Diagnosed(report, note=note)),
            lambda problem: self._finish(predictions, Diagnosed(problem=_failed(problem), note=note)),
        )

    def _finish(self, predictions: Predictions, known: Diagnosed) -> None:
        with self.lock:
            if predictions is self._of:
                self.tell(known)


def _failed(problem: Exception) -> str:
    return f"could not be diagnosed: {str(problem) or type(problem).__name__}\n{ADVICE}"
