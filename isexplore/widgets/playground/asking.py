"""A panel whose page asks for values faster than a kernel may answer."""

from __future__ import annotations

import operator
from typing import Any, TypeVar

import traitlets

from isexplore.widgets.panel import Panel

__all__ = ["AskingPanel"]

F = TypeVar("F")


class AskingPanel(Panel[F]):
    """A panel with sliders; its state has a method `set_values`.

    Attributes
    ----------
    asked : dict
        The `values` that a person set last, by the parameters' names, and a `serial` number. The picture holds the
        serial that was answered last, so that the page does not pull a slider from under a finger.
    """

    # A trait, not messages: of many moves, the widget manager sends only the latest while the kernel is busy.
    asked = traitlets.Dict({"serial": 0, "values": {}}).tag(sync=True)
    state: Any

    def __init__(self, state: Any) -> None:
        self.answered = 0
        super().__init__(state)
        self.observe(self._move, "asked")

    def take(self, asked: dict[str, Any]) -> None:
        """Set the values that were asked for."""
        self.state.set_values(asked["values"])

    def _move(self, change: dict[str, Any]) -> None:
        with self.state.lock:
            self.attempt(self._answer, change["new"])
            self.redraw()  # even if nothing changed, the page waits for an answer

    def _answer(self, asked: dict[str, Any]) -> None:
        self.answered = operator.index(asked["serial"])
        self.take(asked)
