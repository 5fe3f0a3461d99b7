"""The marginal p(y) against the uniform one; in a scenario of shares, a person draws them here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from isexplore.contrived import Shares, to_text
from isexplore.contrived.drawn import Drawn
from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.playground.frame import PlayFrame
from isexplore.widgets.playground.setting import setting_from, text_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.widgets.playground.frame import Shown
    from isexplore.widgets.playground.setting import Setting
    from isexplore.widgets.playground.state import PlayState


class SharesPanel(Panel[PlayFrame]):
    """Shows how often each class comes, and lets a person draw it.

    Attributes
    ----------
    drawn : dict
        What was drawn last: the `name` of a list of shares, its `values`, and a `serial` number that comes back in
        the picture, so that the page knows when a stroke has been answered.
    """

    _esm = HERE / "playground" / "shares.js"
    depends: ClassVar[tuple[str, ...]] = ("shown", "guess")
    state: PlayState

    # A trait, not messages: of many strokes, the widget manager sends only the latest while the kernel is busy.
    drawn = traitlets.Dict().tag(sync=True)

    def __init__(self, state: PlayState) -> None:
        super().__init__(state)
        self.observe(self._take, "drawn")

    def picture(self, frame: PlayFrame) -> dict[str, Any]:
        """Return p(y), and what can be drawn in this scenario."""
        marginal = frame.shown.played.marginal
        return {
            # Rounded, a marginal that is the same is the same picture, which is neither sent nor drawn again.
            "share": marginal.round(12).tolist(),
            # How even it is, is the variety: nothing to tell before a guess.
            "effective": None if frame.hidden else round(float(np.exp(frame.shown.played.variety)), 9),
            "drawable": _drawable(frame.shown.setting, len(marginal)),
            "serial": self.drawn.get("serial", 0),
        }

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Go over to drawing, or take shares that were typed."""
        if kind == "own":
            pinned = self.state.frame.pinned
            before = f"{text_of(pinned.setting)} | " if pinned else ""
            self.state.open(before + text_of(own_of(self.state.frame.shown)))
        elif kind == "typed":
            name = str(message["name"])
            values = np.array(_numbers(str(message["text"])))
            if name == "shares" and 1 < values.max() < np.inf:
                values /= values.max()  # only their ratios count
            self.state.set_values({name: values.tolist()})
        else:
            raise ValueError(f"the shares have no action {kind!r}")

    def _take(self, change: dict[str, Any]) -> None:
        name, values = change["new"].get("name"), change["new"].get("values")
        with self.state.lock:
            if isinstance(self.state.parameters().get(str(name)), Shares):  # else the scenario has changed since
                self.attempt(self.state.set_values, {name: values})
            self.redraw()  # even if nothing changed, the page waits for an answer


def own_of(shown: Shown) -> Setting:
    """Return the setting to go on drawing from: every class as often as it is now, in sure rows.

    Examples
    --------
    >>> from isexplore.widgets.playground.frame import shown
    >>> own_of(shown(setting_from("uniform-mix classes=4 splits=5"))).scenario.shares
    (1.0, 1.0, 1.0, 1.0)
    """
    marginal, setting = shown.played.marginal, shown.setting
    images = Drawn.parameters()["images"].nearest(setting.n_images)  # type: ignore[union-attr] # it is a number
    heights: NDArray[np.float64] = (marginal / marginal.max()).round(4)
    own = setting_from(to_text(Drawn(images=int(images), shares=tuple(heights.tolist()))))
    return replace(own, splits=setting.splits, exercise=setting.exercise)


def _drawable(setting: Setting, n_classes: int) -> dict[str, Any]:
    """Return the lists of shares of a scenario: one number a class as the page draws them, and as a text."""
    lists = {name: one for name, one in setting.parameters().items() if isinstance(one, Shares)}
    return {
        name: {
            "title": one.title,
            "most": one.most,
            "values": np.resize(setting.value(name), n_classes).tolist(),  # fewer numbers come over and over
            "text": ", ".join(f"{value:.4g}" for value in setting.value(name)),
        }
        for name, one in lists.items()
    }


def _numbers(text: str) -> list[float]:
    parts = text.replace(",", " ").replace(";", " ").split()
    numbers = []
    for part in parts:
        try:
            numbers.append(float(part))
        except ValueError:
            raise ValueError(f"{part!r} is no number: give one for each class, with commas, such as 5, 3, 0") from None
    if not numbers:
        raise ValueError("there are no numbers: give one for each class, with commas, such as 5, 3, 0")
    return numbers
