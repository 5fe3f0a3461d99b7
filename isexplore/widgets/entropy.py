"""The histogram of per-image conditional entropy H(y|x); a range of it is a selection."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from isexplore.widgets.panel import HERE, Panel

if TYPE_CHECKING:
    from isexplore.widgets.frame import Frame
    from isexplore.widgets.state import ExplorerState

_BINS = 50
_ONE_BAR = 0.6  # with this share of the images in one bar, the others can't be seen on a linear scale


class EntropyPanel(Panel["Frame"]):
    """Shows how unsure the network is about each image."""

    _esm = HERE / "entropy.js"
    depends: ClassVar[tuple[str, ...]] = ("sample", "selection")
    state: ExplorerState

    def __init__(self, state: ExplorerState) -> None:
        self._logarithmic: bool | None = None  # nobody has chosen yet
        super().__init__(state)

    def picture(self, frame: Frame) -> dict[str, Any]:
        """Return the bins, how many images each holds, and how many of the selected ones."""
        entropy = frame.sample.score.conditional_entropy
        most = float(entropy.max())
        counts, edges = np.histogram(entropy, bins=_BINS, range=(0.0, most if most > 0 else 1.0))
        piled = counts.max() > _ONE_BAR * len(entropy)
        selection = frame.selection
        return {
            "edges": edges.tolist(),
            "counts": counts.tolist(),
            "selected": np.histogram(entropy[selection.mask], bins=edges)[0].tolist() if selection else None,
            "range": list(selection.entropy_range) if selection and selection.entropy_range else None,
            "mean": float(entropy.mean()),
            "most": math.log(frame.sample.score.n_classes),
            "n": len(entropy),
            "logarithmic": bool(piled) if self._logarithmic is None else self._logarithmic,
        }

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Select a range of entropies, or change the scale."""
        if kind == "range":
            self.state.select_range(float(message["low"]), float(message["high"]))
        elif kind == "logarithmic":
            self._logarithmic = bool(message["value"])
            self.redraw()
