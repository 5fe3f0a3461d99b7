"""What other code prints on the predictions that are shown, side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from isexplore.conventions import ConventionRow, convention_rows
from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.worker import Worker

if TYPE_CHECKING:
    from isexplore.widgets.frame import Frame, Order, Sample
    from isexplore.widgets.state import ExplorerState


class ConventionsPanel(Panel["Frame"]):
    """Shows the conventions at the current split count and order, once a person has asked for them."""

    _esm = HERE / "conventions.js"
    depends: ClassVar[tuple[str, ...]] = ("sample", "score", "order")
    state: ExplorerState

    def __init__(self, state: ExplorerState) -> None:
        self.worker = Worker()
        self._is_open = False
        self._rows: list[ConventionRow] = []
        self._of: Shown | None = None  # what the rows were computed from
        self._asked: Shown | None = None  # what they were last asked for
        super().__init__(state)

    def picture(self, frame: Frame) -> dict[str, Any]:
        """Return the rows, and whether they are yet to become those of what is shown now."""
        overall = frame.score.overall
        order = "in file order" if frame.order.seed is None else f"shuffled with seed {frame.order.seed}"
        splits = "1 split" if frame.score.splits == 1 else f"{frame.score.splits} splits"
        return {
            "isOpen": self._is_open,
            "caption": f"{splits}, images {order}; each by its own rules" if self._is_open else "",
            "busy": self._is_open and self._asked is not None and self._of != self._asked,
            "rows": [_cells(row, overall, frame.score.n_classes) for row in self._rows],
        }

    def redraw(self) -> None:
        """Ask for what the picture lacks, and send it."""
        frame = self.state.frame
        if frame is not None and self._is_open and Shown.by(frame) != self._asked:
            self._compute(frame)
        super().redraw()

    def act(self, kind: str, _: dict[str, Any], __: list[memoryview]) -> None:
        """Compare, or put the table away."""
        if kind not in {"open", "close"}:
            raise ValueError(f"the conventions have no action {kind!r}")
        self._is_open = kind == "open"
        self._forget()
        self.redraw()

    def close(self) -> None:
        """Leave the page, and end the thread."""
        self._forget()
        self.worker.abandon()
        super().close()

    def _forget(self) -> None:
        self.worker.cancel()
        self._rows, self._of, self._asked = [], None, None

    def _compute(self, frame: Frame) -> None:
        asked = self._asked = Shown.by(frame)
        predictions, splits, order = frame.sample.predictions, frame.score.splits, frame.order.sums.order
        self.worker.start(
            lambda _: convention_rows(predictions, splits=splits, order=order),
            lambda rows: self._take(asked, rows),
            lambda problem: self._give_up(asked, problem),
        )

    def _take(self, asked: Shown, rows: list[ConventionRow]) -> None:
        with self.state.lock:
            if asked == self._asked:
                self._of, self._rows = asked, rows
                super().redraw()

    def _give_up(self, asked: Shown, problem: Exception) -> None:
        with self.state.lock:
            if asked == self._asked:
                self._of, self._rows = asked, []  # not to be tried again until a person asks
                self.error = str(problem) or type(problem).__name__
                super().redraw()


@dataclass(frozen=True)
class Shown:
    """What a comparison depends on; samples and orders are the same only if they are identical."""

    sample: Sample
    order: Order
    splits: int

    @classmethod
    def by(cls, frame: Frame) -> Shown:
        """Return what a comparison with what is on screen depends on."""
        return cls(frame.sample, frame.order, frame.score.splits)


def _cells(row: ConventionRow, overall: float, n_classes: int) -> dict[str, str]:
    above = f"Above {n_classes}, the number of classes: no Inception Score can be." if row.value > n_classes else ""
    return {
        "name": row.convention,
        "value": _text(row.value),
        "spread": "" if row.spread is None else _text(row.spread),
        "against": _against(row.value / overall),
        "difference": row.difference,
        "note": " ".join(filter(None, [row.note, above])),
        "remark": row.remark,
        "source": row.source,
    }


def _against(ratio: float) -> str:
    smallest, most = 5e-6, 10
    if not math.isfinite(ratio):
        return ""
    if ratio > most:
        return f"× {ratio:,.0f}" if ratio < 1 / smallest else f"× {ratio:.2g}"
    return "the same" if abs(ratio - 1) < smallest else f"{100 * (ratio - 1):+.2f} %".replace("-", "−")


def _text(value: float) -> str:
    """Return a number as the code would print it, but shorter."""
    most = 1e5
    return f"{value:.4f}" if abs(value) < most else f"{value:.3g}"
