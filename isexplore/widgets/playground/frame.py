"""What the playground shows at one moment: frozen parts, each computed once."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isexplore.contrived import play

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from isexplore.contrived import Answer, Played, Rows
    from isexplore.widgets.playground.setting import Setting

__all__ = ["Curve", "Guess", "PlayFrame", "Shown", "curve_of", "shown"]

POINTS = 101  # of a curve, at most: every number of splits


@dataclass(frozen=True, eq=False)
class Shown:
    """A setting and its score.

    Attributes
    ----------
    setting : Setting
    rows : Rows
    played : Played
    answer : Answer or None
        None where no formula is known.
    """

    setting: Setting
    rows: Rows
    played: Played
    answer: Answer | None

    @property
    def score(self) -> float:
        """The number to hold against the answer: the mean score over the splits, or exp of the mean of ln IS."""
        return self.played.log_mean if self.answer and self.answer.kind == "expected" else self.played.mean


@dataclass(frozen=True, eq=False)
class Curve:
    """The score against the moved parameter; the other parameters are as they are.

    Attributes
    ----------
    setting : Setting
        One of its points.
    values : ndarray of float, shape (K,)
        Of the parameter.
    scores, variety, doubt : ndarray of float, shape (K,)
        As `Shown.score`, and H(p(y)) and mean H(p(y|x)) of all images in nats.
    exact : ndarray of float, shape (K,)
        By the formula; NaN where none is known.
    """

    setting: Setting
    values: NDArray[np.float64]
    scores: NDArray[np.float64]
    variety: NDArray[np.float64]
    doubt: NDArray[np.float64]
    exact: NDArray[np.float64]

    def is_of(self, setting: Setting) -> bool:
        """Say whether a setting lies on this curve: only the moved parameter may differ."""
        if setting.moved != self.setting.moved:
            return False
        try:
            return setting.moved_to(self.setting.value(setting.moved)) == self.setting
        except ValueError:  # the curve's value does not go with what else is set
            return False


@dataclass(frozen=True)
class Guess:
    """What somebody predicted, and what it was."""

    value: float
    answer: float

    @property
    def off(self) -> float:
        """How far the guess is from the answer, as a share of it; negative if it is too low."""
        return self.value / self.answer - 1


@dataclass(frozen=True, eq=False)
class PlayFrame:
    """Everything that the playground shows at one moment.

    Attributes
    ----------
    shown : Shown
    curve : Curve or None
        None while it is computed.
    pinned : Shown or None
        What was kept as A, to be compared with what is shown.
    guess : Guess or None
    """

    shown: Shown
    curve: Curve | None = None
    pinned: Shown | None = None
    guess: Guess | None = None

    @property
    def hidden(self) -> bool:
        """Whether nothing may tell the score, since it has yet to be guessed."""
        return self.shown.setting.exercise and self.guess is None


def shown(setting: Setting) -> Shown:
    """Score a setting."""
    rows = setting.scenario.rows()
    return Shown(setting, rows, play(rows, setting.splits), setting.scenario.expected(setting.splits))


def curve_of(setting: Setting, check: Callable[[], None] = lambda: None) -> Curve:
    """Score a setting at up to 101 values of its moved parameter; `check` is called before each.

    Examples
    --------
    >>> from isexplore.widgets.playground.setting import setting_from
    >>> curve = curve_of(setting_from("uniform-mix moved=share"))
    >>> curve.values[[0, -1]], curve.scores[[0, -1]].round(9)
    (array([0., 1.]), array([10.,  1.]))
    """
    points = []
    for value in setting.moving().grid(POINTS):
        check()
        with suppress(ValueError):  # a value that does not go with the others is no point
            points.append(shown(setting.moved_to(value)))
    return Curve(
        setting,
        np.array([point.setting.value(setting.moved) for point in points], dtype=np.float64),
        np.array([point.score for point in points]),
        np.array([point.played.variety for point in points]),
        np.array([point.played.doubt for point in points]),
        np.array([math.nan if point.answer is None else point.answer.score for point in points]),
    )
