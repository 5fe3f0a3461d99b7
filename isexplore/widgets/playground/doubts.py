"""The histogram of the images' conditional entropies H(p(y|x))."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.playground.frame import PlayFrame

_BINS = 50


class DoubtsPanel(Panel[PlayFrame]):
    """Shows how unsure the classifier is about each image."""

    _esm = HERE / "playground" / "doubts.js"
    depends: ClassVar[tuple[str, ...]] = ("shown", "guess")

    def picture(self, frame: PlayFrame) -> dict[str, Any]:
        """Return how many images are in each bin from 0 to ln C, and the mean unless it must be guessed."""
        played = frame.shown.played
        most = math.log(frame.shown.rows.n_classes)
        # A full range keeps the axis still while a slider moves; rounding may put an entropy just outside.
        counts, edges = np.histogram(played.entropies.clip(0, most), bins=_BINS, range=(0.0, most))
        return {
            "edges": edges.tolist(),
            "counts": counts.tolist(),
            "most": most,
            "n": len(played.entropies),
            "mean": None if frame.hidden else played.doubt,
        }
