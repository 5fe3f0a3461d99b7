"""The score against the number of splits, in file order or shuffled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from isexplore.widgets.panel import HERE, Panel

if TYPE_CHECKING:
    from isexplore.widgets.frame import Frame
    from isexplore.widgets.state import ExplorerState


class ProtocolPanel(Panel):
    """Shows what the number of splits and the order of the images do to the score."""

    _esm = HERE / "protocol.js"
    depends: ClassVar[tuple[str, ...]] = ("sample", "score", "order")

    splits = traitlets.Int(1).tag(sync=True)

    def __init__(self, state: ExplorerState) -> None:
        super().__init__(state)
        self.observe(self._slid, "splits")

    def picture(self, frame: Frame) -> dict[str, Any]:
        """Return the curve and the current point on it."""
        score, order = frame.score, frame.order
        self.splits = score.splits
        return {
            "counts": order.curve.counts.tolist(),
            "means": order.curve.mean.tolist(),
            "stds": order.curve.std.tolist(),
            "splits": score.splits,
            "perSplit": score.split_sizes,
            "mean": score.mean,
            "std": score.std,
            "overall": score.overall,
            "fileOrder": order.seed is None,
            "seed": order.seed,
            "order": "file order" if order.seed is None else f"the order shuffled with seed {order.seed}",
        }

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Shuffle, or go back to the order of the files."""
        if kind == "shuffle":
            seed = message["seed"]
            self.state.shuffle(None if seed is None else int(seed))

    def _slid(self, change: dict[str, Any]) -> None:
        if self.state.frame is not None and change["new"] != self.state.frame.score.splits:
            self.attempt(self.state.set_splits, change["new"])
