"""The sliders and menus of a scenario, and play: a step at a time through the values of one parameter."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from isexplore.contrived import Choice, Number
from isexplore.widgets.panel import HERE
from isexplore.widgets.playground.asking import AskingPanel
from isexplore.widgets.playground.frame import POINTS, PlayFrame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.widgets.playground.setting import Setting
    from isexplore.widgets.playground.state import PlayState

_STOPS = 41  # of play, at most
_POSITIONS = 121  # of a logarithmic slider, at most


class ControlsPanel(AskingPanel[PlayFrame]):
    """Moves the parameters of a scenario, and the number of splits.

    Attributes
    ----------
    rows : list of dict
        What each control is, in their order; it changes only with the scenario, or with a range.
    """

    _esm = HERE / "playground" / "controls.js"
    depends: ClassVar[tuple[str, ...]] = ("shown", "curve")
    state: PlayState

    rows: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)

    def picture(self, frame: PlayFrame) -> dict[str, Any]:
        """Return all values, and where a step would lead."""
        setting = frame.shown.setting
        value = setting.value(setting.moved)
        # Not every value goes with the others: those of the curve do.
        stops = _stops(setting.moving().grid(POINTS) if frame.curve is None else frame.curve.values)
        here, beyond = bisect_left(stops, value), bisect_right(stops, value)
        return {
            "serial": self.answered,
            "opened": self.state.opened,
            "values": _values(setting),
            "moved": setting.moved,
            "first": stops[0],
            "before": stops[here - 1] if here else None,
            "after": stops[beyond] if beyond < len(stops) else None,
            "exercise": setting.exercise,
        }

    def redraw(self) -> None:
        """Send the current picture, and the controls with it."""
        with self.state.lock, self.hold_sync():
            setting = self.state.frame.shown.setting
            self.rows = [_row(name, parameter) for name, parameter in _movable(setting).items()]
            super().redraw()

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Let another parameter be the one that moves."""
        if kind != "moved":
            raise ValueError(f"the controls have no action {kind!r}")
        self.state.set_moved(str(message["value"]))

    def take(self, asked: dict[str, Any]) -> None:
        """Move parameters, unless something else was opened since: then the move was of what is gone."""
        if asked.get("opened", self.state.opened) == self.state.opened:
            super().take(asked)


def _stops(values: NDArray[np.float64]) -> list[float]:
    """Return at most 41 of the values, both ends among them: a step is to be seen."""
    places = np.linspace(0, len(values) - 1, min(len(values), _STOPS)).round().astype(int)
    return [float(value) for value in values[places]]


def _movable(setting: Setting) -> dict[str, Number | Choice]:
    """Return what has a control here: lists of shares are drawn elsewhere."""
    return {name: one for name, one in setting.parameters().items() if isinstance(one, (Choice, Number))}


def _values(setting: Setting) -> dict[str, Any]:
    return {name: setting.value(name) for name in _movable(setting)}


def _row(name: str, parameter: Number | Choice) -> dict[str, Any]:
    if isinstance(parameter, Choice):
        options = [list(option) for option in parameter.options.items()]
        return {"name": name, "title": parameter.title, "options": options}
    return {
        "name": name,
        "title": parameter.title,
        "unit": parameter.unit,
        "low": parameter.low,
        "high": parameter.high,
        "step": parameter.step,
        "positions": list(_positions(parameter)) if parameter.logarithmic else None,
    }


@lru_cache
def _positions(parameter: Number) -> tuple[float, ...]:
    return tuple(parameter.grid(_POSITIONS).tolist())
