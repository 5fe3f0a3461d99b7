"""The place of the attack: noise that climbs the score, live, with the images beside the number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from isexplore.attack import REACH
from isexplore.contrived import Number
from isexplore.widgets.panel import HERE
from isexplore.widgets.playground.asking import AskingPanel
from isexplore.widgets.playground.attack_state import AttackFrame, AttackSetting, AttackState
from isexplore.widgets.sprite import sprite

if TYPE_CHECKING:
    from isexplore.widgets.playground.attack_state import Look

__all__ = ["AttackPanel", "AttackPlace"]

_COLUMNS = 12  # of the picture of all images
_SOURCE = "Barratt & Sharma 2018, “A Note on the Inception Score”"


class AttackPanel(AskingPanel[AttackFrame]):
    """Shows the climb, and starts and stops it.

    Attributes
    ----------
    sprite : bytes
        The images as one PNG file, 12 in a row.
    """

    _esm = HERE / "playground" / "attack.js"
    depends: ClassVar[tuple[str, ...]] = ("setting", "look", "running", "problem")
    state: AttackState

    sprite = traitlets.Bytes().tag(sync=True)

    def picture(self, frame: AttackFrame) -> dict[str, Any]:
        """Return the controls, the curve, and what the network calls each image."""
        return {
            "serial": self.answered,
            "rows": [_row(name, one, getattr(frame.setting, name)) for name, one in AttackSetting.parameters().items()],
            "text": self.state.text,
            "running": frame.running,
            "done": frame.done,
            "begun": len(frame.steps) > 1,
            "problem": frame.problem,
            "all": frame.setting.steps,
            "steps": list(frame.steps),
            "scores": list(frame.scores),
            "seen": None if frame.look is None else self._seen(frame.look),
            "lesson": (
                "From pure noise, the pixels climb the gradient of the score itself, and none moves by more than"
                f" {REACH:.0%} of the gray scale. In the end the network is sure of nearly all, and of each class"
                " nearly equally often: all that the score asks for. A person still sees noise."
            ),
            "source": f"The idea: {_SOURCE}.",
        }

    def redraw(self) -> None:
        """Send the current picture, and the images with it."""
        with self.state.lock, self.hold_sync():
            look = self.state.frame.look
            self.sprite = b"" if look is None else sprite(look.images, _COLUMNS)
            super().redraw()

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Start, stop, reset, or begin with what a text describes."""
        if kind == "start":
            self.state.start()
        elif kind == "stop":
            self.state.stop()
        elif kind == "reset":
            self.state.reset()
        elif kind == "open":
            self.state.open(str(message["value"]))
        else:
            raise ValueError(f"the attack has no action {kind!r}")

    def _seen(self, look: Look) -> dict[str, Any]:
        top = look.probabilities.argmax(axis=1)
        return {
            "step": look.step,
            "n": look.score.n_images,
            "score": look.score.overall,
            "variety": look.score.marginal_entropy,
            "doubt": float(look.score.conditional_entropy.mean()),
            "columns": _COLUMNS,
            "calls": [[int(c), float(p)] for c, p in zip(top, look.probabilities.max(axis=1), strict=True)],
            "distance": look.distance,
            "apart": self.state.digits_apart,
        }


def _row(name: str, parameter: object, value: float) -> dict[str, Any]:
    if not isinstance(parameter, Number):
        raise TypeError(f"{name} is no number")
    ends = {"low": parameter.low, "high": parameter.high, "step": parameter.step}
    return {"name": name, "title": parameter.title, "unit": parameter.unit, "value": value, **ends}


class AttackPlace:
    """The widget of the place; it needs torch, and is made when somebody first goes there.

    Attributes
    ----------
    state : AttackState
    panel : AttackPanel
    """

    def __init__(self) -> None:
        self.state = AttackState()
        self.panel = AttackPanel(self.state)

    @property
    def text(self) -> str:
        """How it is set up, as a short text that `open` reads."""
        return self.state.text

    def open(self, text: str) -> None:
        """Begin with the noise that a text describes.

        Raises
        ------
        ValueError, TypeError
            If it describes nothing.
        """
        self.state.open(text)

    def close(self) -> None:
        """Close the widget, and let the thread end."""
        self.state.abandon()
        self.panel.close()
