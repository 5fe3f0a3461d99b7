"""What the playground shows, without any view: one frozen frame, replaced whole at each change."""

from __future__ import annotations

import math
from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from traitlets import HasTraits, Instance

from isexplore.contrived import Number
from isexplore.widgets.playground.frame import Curve, Guess, PlayFrame, Shown, curve_of, shown
from isexplore.widgets.playground.setting import setting_from, text_of
from isexplore.widgets.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isexplore.parameters import Parameter
    from isexplore.widgets.playground.setting import Setting

__all__ = ["PlayState", "Term"]

Term = Literal["variety", "doubt", "score"]


class PlayState(HasTraits):
    """The playground's one state; every method makes one change of `frame`, from any thread.

    The curve comes a moment later, from a thread.

    Attributes
    ----------
    frame : PlayFrame
    lock : RLock
        Held during a change; whoever reads the frame and acts on it holds it too.
    opened : int
        How often something else was opened: a move of what was there before comes too late.

    Examples
    --------
    >>> state = PlayState("uniform-mix share=0.5")
    >>> state.set_values({"share": 0.0})
    >>> round(state.frame.shown.played.overall, 9)
    10.0
    >>> state.close()
    """

    frame = Instance(PlayFrame)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.lock = RLock()
        self.opened = 0
        self._worker = Worker()
        self._wish: tuple[Term, float] | None = None  # a drag that waits for its curve
        self._own: Setting | None = None  # the A that a person kept; one that came in a pair is not theirs
        self.open(text)

    @property
    def text(self) -> str:
        """The setting as a short text that `open` reads; A and B with a bar between them."""
        pinned = f"{text_of(self.frame.pinned.setting)} | " if self.frame.pinned else ""
        return pinned + text_of(self.frame.shown.setting)

    def open(self, text: str, *, keep: bool = False) -> None:
        """Show what a text describes: a setting, or two with a bar between them, A and B.

        Parameters
        ----------
        text
            As `text` gives it.
        keep
            Whether an A that a person kept stays, if the text is of one setting.

        Raises
        ------
        ValueError, TypeError
            If it describes no setting.
        """
        settings = [setting_from(part) for part in text.split("|", maxsplit=1)]
        with self.lock:
            kept = self.frame.pinned if keep and len(settings) == 1 else None
            if kept is not None and kept.setting is self._own:
                settings.insert(0, kept.setting)
            self._settings = settings
            self._begin(*settings)

    def reset(self) -> None:
        """Go back to what was opened last; what was to be guessed stays to be guessed."""
        with self.lock:
            exercise = self.frame.shown.setting.exercise
            self._begin(*self._settings[:-1], replace(self._settings[-1], exercise=exercise))

    def parameters(self) -> dict[str, Parameter]:
        """Return what can be moved, and in which range."""
        return self.frame.shown.setting.parameters()

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Move parameters; where one number changes, the curve is over it from now on.

        Raises
        ------
        ValueError, TypeError
            If there is no such parameter, or it can't have such a value.
        """
        self._set(lambda setting: setting.with_values(values))

    def set_moved(self, name: str) -> None:
        """Let the curve be over another parameter.

        Raises
        ------
        ValueError
            If there is no number of that name.
        """
        with self.lock:
            frame = self.frame
            if name not in (movable := frame.shown.setting.movable()):
                raise ValueError(f"there is no number {name!r} to move; there are: {', '.join(movable)}")
            setting = replace(frame.shown.setting, moved=name)
            self.frame = replace(frame, shown=replace(frame.shown, setting=setting), curve=self._kept_curve(setting))
            self._draw_curve()

    def set_exercise(self, *, on: bool) -> None:
        """Hide the score until it has been guessed, or show it."""
        self._set(lambda setting: replace(setting, exercise=on))

    def guess(self, value: float) -> None:
        """Take a prediction of the mean score, and show the score.

        Raises
        ------
        ValueError
            If it is no score, or there is nothing to guess.
        """
        with self.lock:
            if not self.frame.hidden:
                raise ValueError("the score is on screen already: change something, and guess again")
            if not (math.isfinite(value) and value >= 1):
                raise ValueError(f"{value:g} can be no score: a score is at least 1")
            self.frame = replace(self.frame, guess=Guess(float(value), self.frame.shown.played.mean))

    def pin(self) -> None:
        """Keep what is shown as A, to compare with what comes."""
        with self.lock:
            self._own = self.frame.shown.setting
            self.frame = replace(self.frame, pinned=self.frame.shown)

    def unpin(self) -> None:
        """Forget A."""
        with self.lock:
            self.frame = replace(self.frame, pinned=None)

    def swap(self) -> None:
        """Show A, and keep what was shown as A; in an exercise, A is to be guessed next.

        Raises
        ------
        ValueError
            If there is no A.
        """
        with self.lock:
            kept, now = self.frame.pinned, self.frame.shown
            if kept is None:
                raise ValueError("nothing is kept as A yet")
            if kept.setting is self._own:
                self._own = now.setting
            self.opened += 1
            setting = replace(kept.setting, exercise=now.setting.exercise)  # else A, kept before, would end it
            self._show(replace(kept, setting=setting), pinned=now)

    def driver(self, term: Term) -> str | None:
        """Return the parameter that moves a term of the formula, or None: the moved one, or one that moves only it."""
        parameters, moved = self.parameters(), self.frame.shown.setting.moved
        if term == "score":
            return moved
        drivers = [name for name, one in parameters.items() if isinstance(one, Number) and one.drives == term]
        return moved if moved in drivers else next(iter(drivers), None)

    def drag(self, term: Term, value: float) -> None:
        """Move the parameter that drives a term to where the term is nearest to a value, as soon as its curve is there.

        Raises
        ------
        ValueError
            If no parameter moves this term alone, or the value is no number.
        """
        with self.lock:
            name = self.driver(term)
            if name is None or not math.isfinite(value):
                raise ValueError(f"no parameter here moves the {term} to {value:g}")
            setting = replace(self.frame.shown.setting, moved=name)
            curve = self._kept_curve(setting)
            if curve is None:
                if setting != self.frame.shown.setting:  # else it is being computed
                    self.set_moved(name)
                self._wish = term, value
                return
            found = {"variety": curve.variety, "doubt": curve.doubt, "score": curve.scores}[term]
            nearest = curve.values[np.argmin(np.abs(found - value))]
            self._show(shown(setting.moved_to(float(nearest))), self.frame.pinned, curve)

    def finish(self) -> None:
        """Wait until the curve is there, for scripts."""
        self._worker.wait()

    def close(self) -> None:
        """Let go of the thread."""
        self._worker.abandon()

    def _begin(self, *settings: Setting) -> None:
        """Show one setting, or A and B."""
        self.opened += 1  # before the frame, whose views say so
        *kept, last = [shown(setting) for setting in settings]
        self.frame = PlayFrame(last, pinned=kept[0] if kept else None)
        self._draw_curve()

    def _set(self, change: Callable[[Setting], Setting]) -> None:
        with self.lock:
            setting = change(self.frame.shown.setting)
            if setting != self.frame.shown.setting:
                self._show(shown(setting), self.frame.pinned)

    def _show(self, new: Shown, pinned: Shown | None, curve: Curve | None = None) -> None:
        self.frame = PlayFrame(new, curve or self._kept_curve(new.setting), pinned)
        self._draw_curve()

    def _kept_curve(self, setting: Setting) -> Curve | None:
        curve = self.frame.curve
        return curve if curve is not None and curve.is_of(setting) else None

    def _draw_curve(self) -> None:
        """Compute the curve in the thread, unless it is there; the latest request wins."""
        setting, self._wish = self.frame.shown.setting, None
        if self.frame.curve is not None:
            self._worker.cancel()
            return

        def take(curve: Curve) -> None:
            with self.lock:
                if self.frame.curve is None and curve.is_of(self.frame.shown.setting):
                    self.frame = replace(self.frame, curve=curve)
                    if self._wish:
                        self.drag(*self._wish)

        def give_up(problem: Exception) -> None:
            raise problem  # the same computation worked a moment ago

        self._worker.start(lambda check: curve_of(setting, check), take, give_up)
