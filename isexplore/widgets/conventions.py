"""What other code prints on the predictions that are shown, side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from isexplore.conventions import ConventionRow, convention_rows
from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.worker import Worker

if TYPE_CHECKING:
    from isexplore.widgets.frame import Frame
    from isexplore.widgets.state import ExplorerState


class ConventionsPanel(Panel):
    """Shows the conventions at the current split count and order, once a person has asked for them."""

    _esm = HERE / "conventions.js"
    depends: ClassVar[tuple[str, ...]] = ("sample", "score", "order")

    def __init__(self, state: ExplorerState) -> None:
        self.worker = Worker()
        self._is_open = False
        self._rows: list[ConventionRow] = []
        self._of: Frame | None = None  # what the rows were computed from
        self._asked: Frame | None = None  # what they are being computed from
        super().__init__(state)

    def picture(self, frame: Frame) -> dict[str, Any]:
        """Return the rows, and whether they are those of what is shown now."""
        overall = frame.score.overall
        return {
            "isOpen": self._is_open,
            "stale": self._is_open and not _same(self._of, frame),
            "rows": [_cells(row, overall) for row in self._rows] if self._is_open else [],
        }

    def redraw(self) -> None:
        """Send the current picture, and compute what it lacks."""
        super().redraw()
        frame = self.state.frame
        if frame is None or not self._is_open or _same(self._of, frame) or _same(self._asked, frame):
            return
        self._asked = frame
        predictions, splits, order = frame.sample.predictions, frame.score.splits, frame.order.sums.order
        self.worker.start(
            lambda _: convention_rows(predictions, splits=splits, order=order),
            lambda rows: self._take(frame, rows),
            self._give_up,
        )

    def act(self, kind: str, _: dict[str, Any], __: list[memoryview]) -> None:
        """Compare, or put the table away."""
        if kind not in {"open", "close"}:
            raise ValueError(f"the conventions have no action {kind!r}")
        self._is_open = kind == "open"
        self.redraw()

    def close(self) -> None:
        """Leave the page, and end the thread."""
        super().close()
        self.worker.cancel()
        self.worker.close()

    def _take(self, frame: Frame, rows: list[ConventionRow]) -> None:
        with self.state.lock:
            self._of, self._rows = frame, rows
            self.redraw()

    def _give_up(self, problem: Exception) -> None:
        self.error = str(problem) or type(problem).__name__


def _same(computed: Frame | None, shown: Frame) -> bool:
    return (
        computed is not None
        and computed.sample is shown.sample
        and computed.order is shown.order
        and computed.score.splits == shown.score.splits
    )


def _cells(row: ConventionRow, overall: float) -> dict[str, str]:
    return {
        "name": row.convention,
        "value": _text(row.value),
        "spread": "" if row.spread is None else _text(row.spread),
        "against": _percent(row.value / overall - 1),
        "difference": row.difference,
        "note": row.note,
        "remark": row.remark,
        "source": row.source,
    }


def _percent(share: float) -> str:
    smallest = 5e-6
    if not math.isfinite(share):
        return ""
    return "the same" if abs(share) < smallest else f"{100 * share:+,.3g} %".replace("-", "−")


def _text(value: float) -> str:
    """Return a number as the code would print it, but shorter."""
    most = 1e5
    return f"{value:.4f}" if abs(value) < most else f"{value:.3g}"
