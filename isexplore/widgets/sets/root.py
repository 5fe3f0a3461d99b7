"""Several sample sets: their course, what is wrong with them, two side by side, and the explorer of one of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from isexplore.report import RunReport
from isexplore.widgets.explorer import Explorer
from isexplore.widgets.findings import FindingsPanel, alarm_of
from isexplore.widgets.panel import HERE as SHARED
from isexplore.widgets.runtime import Runtime
from isexplore.widgets.sets.compare import ComparePanel
from isexplore.widgets.sets.findings import SetsFindings
from isexplore.widgets.sets.heat import HeatPanel
from isexplore.widgets.sets.outline import outline
from isexplore.widgets.sets.pairs import PairsPanel
from isexplore.widgets.sets.state import SetsState
from isexplore.widgets.sets.timeline import TimelinePanel

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from isexplore.predictions import Predictions
    from isexplore.report import Report
    from isexplore.runs import Monitor
    from isexplore.widgets.sets.frame import SetsFrame

__all__ = ["SetsExplorer"]

HERE = Path(__file__).parent


def _style() -> str:
    """Return the explorer's style sheet, that of a heat map, and those of the panels of several sets in one."""
    sheets = [SHARED / "explorer.css", SHARED / "playground" / "matrix.css", *sorted(HERE.glob("*.css"))]
    return "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)


class SetsExplorer(anywidget.AnyWidget):
    """Several sample sets, such as the checkpoints of a run. Made by `isexplore.explore`.

    Attributes
    ----------
    state : SetsState
        What is shown; everything that can be done on screen is a method of it.
    """

    _esm = HERE / "root.js"
    _css = _style()

    runtime = anywidget.WidgetTrait().tag(sync=True)
    timeline, heat, findings, compare, pairs, explorer = (anywidget.WidgetTrait().tag(sync=True) for _ in range(6))
    shown = traitlets.Unicode().tag(sync=True)
    stale = traitlets.Bool(default_value=False).tag(sync=True)  # the explorer shows another set than the current one
    waiting, error = traitlets.Unicode().tag(sync=True), traitlets.Unicode().tag(sync=True)

    def __init__(self, state: SetsState) -> None:
        self.state = state
        self._monitor: Monitor | None = None
        super().__init__(runtime=Runtime.shared())
        with self.hold_sync():
            self.timeline, self.heat = TimelinePanel(self.state), HeatPanel(self.state)
            self._found = SetsFindings(self.state)
            self.findings = FindingsPanel(self._found)
            self.compare, self.pairs = ComparePanel(self.state), PairsPanel(self.state)
            self.explorer = Explorer(state=self.state.explorer)
            self._entitle()
        self.state.observe(self._entitle, "frame")
        self.on_msg(self._receive)

    @classmethod
    def watching(cls, monitor: Monitor, reference: Predictions | None = None) -> SetsExplorer:
        """Return an explorer of a training that goes on: each checkpoint is shown as it comes."""
        it = cls(SetsState(monitor.checkpoints(), reference))
        it._monitor = monitor
        monitor.watch(it._take)
        it._take()  # what came in between
        return it

    def _take(self, *_: object) -> None:
        """Show what the monitor has by now; nothing that goes wrong here may end the training."""
        sets = {} if self._monitor is None else self._monitor.checkpoints()
        try:
            if sets:
                self.state.follow(sets)
        except Exception as problem:  # noqa: BLE001 - whatever it is, a person must read it
            self.error = str(problem) or type(problem).__name__
        else:
            self.error = ""

    def __repr__(self) -> str:
        """Say what is shown, for where no widget can be drawn, as in a saved notebook."""
        frame = self.state.frame
        line = "no sample set yet" if frame is None else f"{len(frame.entries)} sets, {frame.shown.name} is shown"
        return f"SetsExplorer({line}; run this cell again to explore)"

    @property
    def predictions(self) -> Predictions | None:
        """The current set."""
        return None if self.state.frame is None else self.state.frame.shown.predictions

    @property
    def selection(self) -> NDArray[np.intp]:
        """The numbers of the selected images of the current set; empty where none are selected."""
        return self.explorer.selection if self._is_up_to_date() else np.zeros(0, np.intp)

    @property
    def report(self) -> Report | None:
        """What is wrong with the current set; None until it is known."""
        return None if self.state.frame is None else self.state.frame.shown.report

    @property
    def reports(self) -> RunReport:
        """What is wrong with the sets that are diagnosed so far.

        Raises
        ------
        ValueError
            If none is.
        """
        frame = self.state.shown()
        known = {entry.name: entry.report for entry in frame.entries if entry.report is not None}
        if not known:
            raise ValueError("no set is diagnosed yet: wait a moment, or until state.wait() returns")
        return RunReport(known)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row a set, empty where it is not known yet.

        Name, number of images, score of the whole set, corrected score with the ends of its interval at 95 %, variety
        and doubt in nats, corrected effective classes, the worst severity, numbers of severe findings and of warnings,
        error.

        Raises
        ------
        ValueError
            If there is no set yet.
        """
        import pandas as pd

        return pd.DataFrame([outline(entry) for entry in self.state.shown().entries])

    def close(self) -> None:
        """Close all parts, and end the thread."""
        for part in (self.timeline, self.heat, self.findings, self.compare, self.pairs, self.explorer):
            if part is not None:
                part.close()
        if self._monitor is not None:
            self._monitor.unwatch(self._take)
        if self.comm is not None:
            self.state.unobserve(self._entitle, "frame")
        self._found.close()
        self.state.close()
        super().close()

    def _is_up_to_date(self) -> bool:
        """Whether the explorer shows the current set already."""
        there, frame = self.state.explorer.frame, self.state.frame
        return there is not None and frame is not None and there.sample is frame.shown.sample

    def _entitle(self, _: object = None) -> None:
        frame = self.state.frame
        with self.hold_sync():
            self.waiting = "waiting for the first checkpoint …" if frame is None else ""
            self.shown = "" if frame is None else _title(frame)
            self.stale = frame is not None and frame.shown.sample is None
            self.explorer.header.alarm = alarm_of(self.report)

    def _receive(self, _: object, message: dict[str, Any], __: object) -> None:
        if message.get("kind") == "look":
            self.state.look()
        elif message.get("kind") == "clear" and self.state.explorer.frame is not None:
            self.state.explorer.clear()


def _title(frame: SetsFrame) -> str:
    entry = frame.shown
    number = f"{entry.name}, set {frame.current + 1} of {len(frame.entries)}"
    if entry.sample is not None:
        return number
    return f"{number}: {entry.error}" if entry.error else f"{number}: being computed …"
