"""The score in one line, variety and confidence as two bars, and what may bias the score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from isexplore.widgets.panel import HERE, Panel

if TYPE_CHECKING:
    from isexplore.widgets.frame import Frame


class HeaderPanel(Panel["Frame"]):
    """The explorer's head."""

    _esm = HERE / "header.js"
    depends: ClassVar[tuple[str, ...]] = ("sample", "score", "order")

    alarm = traitlets.Unicode().tag(sync=True)  # what the findings below say is wrong; empty where nothing is

    def picture(self, frame: Frame) -> dict[str, Any]:
        """Return the score line, what the classifier made of the images, and the numbers of the two bars."""
        score = frame.score
        provenance = frame.sample.predictions.provenance
        skipped = provenance.skipped
        images = "image" if len(skipped) == 1 else "images"
        notes = [f"Skipped, as unreadable: {len(skipped)} {images}, first {skipped[0][0]}"] if skipped else []
        return {
            "line": str(score),
            "seen": f"The classifier sees: {provenance.preprocessing}" if provenance.preprocessing else "",
            "overall": score.overall,
            "logScore": math.log(score.overall),
            "variety": score.marginal_entropy,
            "doubt": float(score.conditional_entropy.mean()),
            "most": math.log(score.n_classes),
            "warnings": [*score.warnings, *notes],
        }
