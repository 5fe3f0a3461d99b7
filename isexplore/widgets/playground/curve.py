"""The score against the moved parameter: as computed, and by the formula under it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.playground.frame import PlayFrame

if TYPE_CHECKING:
    from isexplore.widgets.playground.frame import Curve, Shown
    from isexplore.widgets.playground.setting import Setting
    from isexplore.widgets.playground.state import PlayState

_LINES = {"score": "the score", "terms": "ln IS as variety and doubt"}
_ANSWERS = {
    "exact": "by the formula",
    "expected": "by the formula, in the mean over random draws",
    "approximate": "by an approximate formula",
}
_HIDDEN: dict[str, Any] = {"now": None, "values": [], "scores": [], "exact": [], "varieties": [], "doubts": []}


class CurvePanel(Panel[PlayFrame]):
    """Shows the score against the moved parameter, and where on the curve the setting is."""

    _esm = HERE / "playground" / "curve.js"
    depends: ClassVar[tuple[str, ...]] = ("shown", "curve", "guess")
    state: PlayState

    def __init__(self, state: PlayState) -> None:
        self._lines = "score"
        self._last: Curve | None = None
        super().__init__(state)

    def picture(self, frame: PlayFrame) -> dict[str, Any]:
        """Return the curve, or the last one of this kind while the new one is computed, and the point on it."""
        setting = frame.shown.setting
        parameter = setting.moving()
        self._last = frame.curve or self._last
        if self._last is not None and not _same_axis(self._last.setting, setting):
            self._last = None
        return {
            "title": parameter.title,
            "unit": parameter.unit,
            "low": parameter.low,
            "high": parameter.high,
            "logarithmic": parameter.logarithmic,
            "at": float(setting.value(setting.moved)),
            "lines": self._lines,
            "allLines": [list(option) for option in _LINES.items()],
            "stale": frame.curve is None,
            "hidden": frame.hidden,
            "computed": _words(frame.shown),
            "answered": _ANSWERS[frame.shown.answer.kind] if frame.shown.answer else None,
            **(_HIDDEN if frame.hidden else _secret(frame.shown, self._last)),
        }

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Move the parameter to a value, or show other lines."""
        value = message["value"]
        if kind == "move":
            self.state.set_values({self.state.frame.shown.setting.moved: value})
        elif kind == "lines":
            if value not in _LINES:
                raise ValueError(f"there are no lines {value!r}; there are: {', '.join(_LINES)}")
            self._lines = value
            self.redraw()
        else:
            raise ValueError(f"the curve has no action {kind!r}")


def _same_axis(one: Setting, other: Setting) -> bool:
    return type(one.scenario) is type(other.scenario) and one.moved == other.moved


def _words(shown: Shown) -> str:
    splits = shown.setting.splits
    if splits == 1:
        return "all images as one split"
    if shown.answer and shown.answer.kind == "expected":  # its mean is known exactly, that of the score is not
        return f"exp of the mean of ln IS over {splits} splits"
    return f"mean over {splits} splits"


def _secret(shown: Shown, curve: Curve | None) -> dict[str, Any]:
    """Return what nobody may see who has yet to guess: the curve, and the point on it."""
    point = {"score": shown.score, "variety": shown.played.variety, "doubt": shown.played.doubt}
    return {
        "now": {**point, "exact": shown.answer.score if shown.answer else None},
        "values": curve.values.tolist() if curve else [],
        "scores": curve.scores.tolist() if curve else [],
        "exact": [None if math.isnan(value) else value for value in curve.exact.tolist()] if curve else [],
        "varieties": curve.variety.tolist() if curve else [],
        "doubts": curve.doubt.tolist() if curve else [],
    }
