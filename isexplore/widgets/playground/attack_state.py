"""Gradient ascent on the score from noise, in a thread, and what is seen of it, without any view."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from traitlets import HasTraits, Instance

from isexplore import demo
from isexplore.attack import ascend, classified, nearest, noise
from isexplore.classifiers import load_classifier
from isexplore.parameters import number
from isexplore.parametrised import Parametrised, to_text
from isexplore.score import inception_score
from isexplore.widgets.playground.setting import place_setting
from isexplore.widgets.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from isexplore.score import Score

    Climb = Iterator[tuple[int, NDArray[np.uint8]]]

__all__ = ["AttackFrame", "AttackSetting", "AttackState", "Look"]

_EVERY = 2  # steps between two looks
_SHOWN = 60  # images


@dataclass(frozen=True, kw_only=True)
class AttackSetting(Parametrised):
    """How the noise climbs.

    Attributes
    ----------
    images, steps : int
    step_size : float
        Of Adam, as a share of the way from black to white.
    seed : int
        Of the noise.
    """

    key: ClassVar = "attack"

    images: int = number(200, "images", 100, 1000, 100, "images")
    steps: int = number(80, "steps", 10, 200, 10, "steps")
    step_size: float = number(0.05, "step size", 0.01, 0.2, 0.01, "of the gray scale")
    seed: int = number(0, "seed of the noise", 0, 999, 1, "seed")


@dataclass(frozen=True, eq=False)
class Look:
    """The images after a number of steps, as whole gray levels, and what the network makes of them.

    Attributes
    ----------
    step : int
    score : Score
        Of all images as one split.
    images : ndarray of uint8, shape (60, 8, 8, 1)
        The first ones.
    probabilities : ndarray of float, shape (60, 10)
        Of these.
    distance : float
        How far these are from the nearest real digit, on average: root mean square in gray levels.
    """

    step: int
    score: Score
    images: NDArray[np.uint8]
    probabilities: NDArray[np.float64]
    distance: float


@dataclass(frozen=True, eq=False)
class AttackFrame:
    """What is on screen.

    Attributes
    ----------
    setting : AttackSetting
    look : Look or None
        The latest; None until the noise has been looked at.
    steps, scores : tuple
        Of all looks so far.
    running : bool
    problem : str
        What ended the climb, if it failed.
    """

    setting: AttackSetting
    look: Look | None = None
    steps: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()
    running: bool = False
    problem: str = ""

    @property
    def done(self) -> bool:
        """Whether all steps are made."""
        return bool(self.steps) and self.steps[-1] == self.setting.steps


class AttackState(HasTraits):
    """Climbs in a thread; a stop is heard before the next step, and the climb goes on from there.

    Attributes
    ----------
    frame : AttackFrame
    lock : RLock
        Held during a change of the frame.
    digits_apart : float
        How far a real digit is from the nearest other one, on average; as `Look.distance`.

    Examples
    --------
    >>> state = AttackState()
    >>> state.open("attack images=100 steps=40")
    >>> state.start()
    >>> state.close()
    >>> state.frame.done, state.frame.scores[0] < 5 < 9 < state.frame.scores[-1]
    (True, True)
    """

    frame = Instance(AttackFrame)

    def __init__(self) -> None:
        super().__init__()
        self.lock = RLock()
        self._network = load_classifier("digits").module
        real = demo.real()
        self._digits = np.stack([real.read(i) for i in range(len(real))])
        self.digits_apart = _apart(self._digits[:_SHOWN], self._digits)
        self._worker = Worker()
        self._reset(AttackSetting())

    @property
    def text(self) -> str:
        """The setting as a short text that `open` reads."""
        return to_text(self.frame.setting)

    def open(self, text: str) -> None:
        """Begin with the noise that a text describes.

        Raises
        ------
        ValueError, TypeError
            If it describes nothing.
        """
        self._reset(place_setting(AttackSetting, text))

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Change some parameters; the climb begins again with noise.

        Raises
        ------
        ValueError, TypeError
            If there is no such parameter, or it can't have such a value.
        """
        AttackSetting.check_names(values)
        with self.lock:
            setting = replace(self.frame.setting, **values)
            if setting != self.frame.setting:
                self._reset(setting)

    def reset(self) -> None:
        """Go back to the noise."""
        self._reset(self.frame.setting)

    def start(self) -> None:
        """Climb, from where it was stopped; from the noise, if it had reached its end."""
        with self.lock:
            if self.frame.running:
                return
            if self.frame.done or self.frame.problem:
                self._reset(self.frame.setting)
            self._go(until=self.frame.setting.steps)
            self.frame = replace(self.frame, running=True)

    def stop(self) -> None:
        """Stop before the next step."""
        with self.lock:
            if self.frame.running and self._worker.cancel():
                self.frame = replace(self.frame, running=False)

    def wait(self) -> None:
        """Wait until nothing runs."""
        self._worker.wait()

    def close(self) -> None:
        """Finish what runs, and end the thread."""
        self._worker.close()

    def abandon(self) -> None:
        """Drop what runs; its thread ends by itself."""
        self._worker.abandon()

    def _reset(self, setting: AttackSetting) -> None:
        with self.lock:
            images = noise(setting.images, setting.seed)
            self._climb = enumerate(ascend(self._network, images, setting.steps, setting.step_size))
            self.frame = AttackFrame(setting)
            self._go(until=0)

    def _go(self, until: int) -> None:
        """Let the climb go on in the thread, up to a step."""
        climb = self._climb  # another one, by identity, after a reset: what is left of the old one has no say
        self._worker.start(
            lambda check: self._work(climb, until, check),
            lambda _: self._change(climb, running=False),
            lambda problem: self._change(climb, running=False, problem=str(problem) or type(problem).__name__),
        )

    def _work(self, climb: Climb, until: int, check: Callable[[], None]) -> None:
        for step, images in climb:
            if step % _EVERY == 0 or step == until:
                look = self._look(step, images)
                with self.lock:
                    seen = self.frame
                    self._change(climb, look=look, steps=(*seen.steps, step), scores=(*seen.scores, look.score.overall))
            if step >= until:
                return
            check()

    def _look(self, step: int, images: NDArray[np.uint8]) -> Look:
        p, first = classified(self._network, images), images[:_SHOWN]
        return Look(step, inception_score(p, splits=1), first, p[:_SHOWN], float(nearest(first, self._digits).mean()))

    def _change(self, climb: Climb, **parts: Any) -> None:
        with self.lock:
            if climb is self._climb:
                self.frame = replace(self.frame, **parts)


def _apart(images: NDArray[np.uint8], others: NDArray[np.uint8]) -> float:
    """Return how far images, the first of the others, are from the nearest of the rest."""
    rest = [np.delete(others, i, axis=0) for i in range(len(images))]
    return float(np.mean([nearest(images[i : i + 1], rest[i]) for i in range(len(images))]))
