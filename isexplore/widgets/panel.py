"""What every panel is: it draws one dictionary, and turns what a person does into one call on the state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

import anywidget
import traitlets

from isexplore.widgets.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import RLock

HERE = Path(__file__).parent

F = TypeVar("F")  # what is on screen at one moment


class State(Protocol):
    """What a panel needs of a state: a frozen `frame` that is replaced whole, or None, and a lock."""

    frame: Any
    lock: RLock

    def observe(self, handler: Callable[[dict[str, Any]], None], names: str) -> None:
        """Call a handler at each change."""

    def unobserve(self, handler: Callable[[dict[str, Any]], None], names: str) -> None:
        """Call it no more."""


class Panel(anywidget.AnyWidget, Generic[F]):
    """A view of the state.

    The state's frame, an F, goes one way, through `picture`, to the page; actions come back as messages to `act`.

    Attributes
    ----------
    depends : tuple of str
        The parts of the frame that the panel shows: it is drawn again only when one of them changes.
    """

    depends: ClassVar[tuple[str, ...]] = ()

    runtime = anywidget.WidgetTrait().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)

    def __init__(self, state: State, **traits: Any) -> None:
        self.state = state
        super().__init__(runtime=Runtime.shared(), **traits)
        self.on_msg(self._receive)
        state.observe(self._follow, "frame")
        self.redraw()

    def picture(self, frame: F) -> dict[str, Any]:
        """Return what the page draws, as plain JSON."""
        raise NotImplementedError

    def act(self, kind: str, message: dict[str, Any], buffers: list[memoryview]) -> None:
        """Do what a person asked for."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Send the current picture; one message, whatever changed."""
        with self.state.lock, self.hold_sync():
            if self.state.frame is not None:
                self.view = self.picture(self.state.frame)

    def close(self) -> None:
        """Stop following the state, and leave the page."""
        if self.comm is not None:
            self.state.unobserve(self._follow, "frame")
        super().close()

    def _follow(self, change: dict[str, Any]) -> None:
        old, new = change["old"], change["new"]
        if old is None or any(getattr(old, part) is not getattr(new, part) for part in self.depends):
            self.redraw()

    def _receive(self, _: object, message: dict[str, Any], buffers: list[memoryview]) -> None:
        self.attempt(lambda: self.act(str(message.get("kind")), message, buffers))

    def attempt(self, function: Callable[..., None], *arguments: Any) -> None:
        """Call a function; what it raises stays on screen until something works, and the controls go back."""
        with self.state.lock:  # what is drawn must not change while a person's action is carried out
            try:
                function(*arguments)
            except Exception as problem:  # noqa: BLE001 - whatever it is, a person must read it
                self.error = str(problem) or type(problem).__name__
                self.redraw()
            else:
                self.error = ""
