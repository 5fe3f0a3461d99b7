"""The place of the real digits: its controls, and the explorer's panels for what comes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from isexplore.contrived import Choice, Number
from isexplore.widgets.entropy import EntropyPanel
from isexplore.widgets.gallery import GalleryPanel
from isexplore.widgets.header import HeaderPanel
from isexplore.widgets.marginal import MarginalPanel
from isexplore.widgets.panel import HERE
from isexplore.widgets.playground.asking import AskingPanel
from isexplore.widgets.playground.digits_lessons import lessons
from isexplore.widgets.playground.digits_state import DigitsFrame, DigitsSetting, DigitsState
from isexplore.widgets.protocol import ProtocolPanel

if TYPE_CHECKING:
    from isexplore.parameters import Parameter

__all__ = ["DigitsPanel", "DigitsPlace"]

_POSITIONS = 81  # of a logarithmic slider, at most


class DigitsPanel(AskingPanel[DigitsFrame]):
    """Alters the real digits."""

    _esm = HERE / "playground" / "digits.js"
    depends: ClassVar[tuple[str, ...]] = ("setting", "shown", "score", "problem")
    state: DigitsState

    def picture(self, frame: DigitsFrame) -> dict[str, Any]:
        """Return the controls, and what the score sees."""
        parameters = DigitsSetting.parameters()
        return {
            "serial": self.answered,
            "rows": [_row(name, parameter, getattr(frame.setting, name)) for name, parameter in parameters.items()],
            "text": self.state.text,
            "altered": frame.setting != DigitsSetting(),
            "busy": frame.busy,
            "problem": frame.problem,
            "lessons": lessons(frame),
        }

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Show the digits as they are, or what a text describes."""
        if kind == "reset":
            self.state.reset()
        elif kind == "open":
            self.state.open(str(message["value"]))
            self.redraw()  # even if nothing changed, the text is written as it usually is
        else:
            raise ValueError(f"the digits have no action {kind!r}")


def _row(name: str, parameter: Parameter, value: Any) -> dict[str, Any]:
    row = {"name": name, "title": parameter.title, "value": value}
    if isinstance(parameter, Choice):
        return row | {"kind": "choice", "options": [list(option) for option in parameter.options.items()]}
    if not isinstance(parameter, Number):
        return row | {"kind": "labels", "value": list(value), "options": list(range(10))}
    if parameter.logarithmic:
        positions = sorted({*parameter.grid(_POSITIONS).tolist(), value, 1.0})
    else:
        positions = sorted({*parameter.grid(round((parameter.high - parameter.low) / parameter.step) + 1), value})
    unit = "" if parameter.is_whole or parameter.unit == "1" else parameter.unit  # of a count, the title says it
    return row | {"kind": "number", "positions": positions, "unit": unit}


class DigitsPlace:
    """The widgets of the place; it needs torch, and is made when somebody first goes there.

    Attributes
    ----------
    state : DigitsState
    controls, header, marginal, entropy, protocol, gallery : widgets
    """

    def __init__(self) -> None:
        self.state = DigitsState()
        self.controls = DigitsPanel(self.state)
        explorer = self.state.explorer
        self.header, self.marginal, self.entropy = (
            HeaderPanel(explorer),
            MarginalPanel(explorer),
            EntropyPanel(explorer),
        )
        self.protocol, self.gallery = ProtocolPanel(explorer), GalleryPanel(explorer)

    @property
    def text(self) -> str:
        """How it is set up, as a short text that `open` reads."""
        return self.state.text

    def open(self, text: str) -> None:
        """Set up what a text describes; it is shown a moment later.

        Raises
        ------
        ValueError, TypeError
            If it describes nothing.
        """
        self.state.open(text)

    def close(self) -> None:
        """Close the widgets, and let the thread end."""
        self.state.abandon()
        for widget in (self.controls, self.header, self.marginal, self.entropy, self.protocol, self.gallery):
            widget.close()
