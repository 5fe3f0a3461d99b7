"""What a person can set: a number with its range and unit, one of several words, shares of classes, or labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from reprlib import repr as brief
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Choice", "Labels", "Number", "Parameter", "Shares", "choice", "labels", "number", "shares"]

MOST_SHARES = 1000
FARTHEST = 10**100


@dataclass(frozen=True)
class Number:
    """A number that a slider moves.

    Attributes
    ----------
    title : str
        What it is, in words.
    low, high : float
        The ends of its range, which belong to it.
    step : float
        From one position of a slider to the next; a whole number means that the parameter is one, too.
    unit : str
        "images", "classes", "share", …
    logarithmic : bool
        Whether the positions of a slider lie at equal ratios.
    drives : {"", "variety", "doubt"}
        The term of ln IS that it moves, where it moves just one.
    upto : str
        The name of another parameter that it has no reason to be above, if there is one.
    """

    title: str
    low: float
    high: float
    step: float
    unit: str
    logarithmic: bool = False
    drives: Literal["", "variety", "doubt"] = ""
    upto: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole number."""
        return float(self.step).is_integer()

    def check(self, name: str, value: Any) -> float:
        """Return the value, as an int where the parameter is a whole number.

        Raises
        ------
        TypeError
            If it is no number.
        ValueError
            If it is out of range, not finite, or not whole where it must be.

        Examples
        --------
        >>> Number("classes", 2, 1000, 1, "classes").check("classes", 10.0)
        10
        """
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise TypeError(f"{name} is {brief(value)}: give a number of {self.unit}")
        if isinstance(value, int):
            value = min(max(value, -FARTHEST), FARTHEST)  # some are too long to be printed
        if not self.low <= value <= self.high:  # NaN is not, either
            raise ValueError(f"{name} is {value:g}: it must lie between {self.low:g} and {self.high:g} ({self.unit})")
        if not self.is_whole:
            return float(value)
        if value != int(value):
            raise ValueError(f"{name} is {value:g}: it must be a whole number of {self.unit}")
        return int(value)

    @staticmethod
    def read(word: str) -> float:
        """Return the number that a word is; ValueError if it is none."""
        return float(word)

    def grid(self, most: int) -> NDArray[np.float64]:
        """Return at most so many values from `low` to `high`, each a position of its slider.

        Examples
        --------
        >>> Number("share", 0, 1, 0.25, "share").grid(41)
        array([0.  , 0.25, 0.5 , 0.75, 1.  ])
        >>> Number("classes", 2, 1000, 1, "classes", logarithmic=True).grid(4)
        array([   2.,   16.,  126., 1000.])
        """
        steps = round((self.high - self.low) / self.step) + 1
        positions = min(most, steps)
        spaced = np.geomspace if self.logarithmic and positions < steps else np.linspace
        values = [self.nearest(value) for value in spaced(self.low, self.high, positions)]
        return np.unique(np.array(values, dtype=np.float64))

    def nearest(self, value: float) -> float:
        """Return the position of the slider that is nearest to a value.

        Examples
        --------
        >>> Number("share", 0, 1, 0.01, "share").nearest(0.3333)
        0.33
        """
        steps = round((min(max(value, self.low), self.high) - self.low) / self.step)
        return min(round(self.low + steps * self.step, 9), self.high)


@dataclass(frozen=True)
class Choice:
    """One of several words.

    Attributes
    ----------
    title : str
    options : dict of str to str
        What each word means, in the order of a menu.
    """

    title: str
    options: dict[str, str]

    def check(self, name: str, value: Any) -> str:
        """Return the value.

        Raises
        ------
        ValueError
            If it is none of the options.

        Examples
        --------
        >>> Choice("order", {"sorted": "by class", "cyclic": "in turn"}).check("order", "sorted")
        'sorted'
        """
        if not isinstance(value, str) or value not in self.options:
            raise ValueError(f"{name} is {brief(value)}: it must be one of {', '.join(self.options)}")
        return str(value)

    @staticmethod
    def read(word: str) -> str:
        """Return the word."""
        return word


@dataclass(frozen=True)
class Shares:
    """A list of numbers, one a class: drawn, or typed.

    Attributes
    ----------
    title : str
    most : float
        No number may be higher.
    fewest : int
        How many there must be.
    """

    title: str
    most: float
    fewest: int = 2

    def check(self, name: str, value: Any) -> tuple[float, ...]:
        """Return the numbers.

        Raises
        ------
        TypeError
            If it is no list of numbers.
        ValueError
            If there are too few, or more than 1000, or one is negative, too high, or no number.

        Examples
        --------
        >>> Shares("shares", 1).check("shares", [0.5, 0, 0.5])
        (0.5, 0.0, 0.5)
        """
        try:
            numbers = () if isinstance(value, str) else tuple(float(number) for number in value)  # "11" is no 1, 1
        except (TypeError, ValueError, OverflowError):
            numbers = ()
        if not numbers:
            raise TypeError(f"{name} is {brief(value)}: give a list of numbers, one a class") from None
        if not self.fewest <= len(numbers) <= MOST_SHARES:
            raise ValueError(f"{name} needs {self.fewest} to {MOST_SHARES} numbers, one a class, not {len(numbers)}")
        for c, one in enumerate(numbers):
            if not 0 <= one <= self.most:
                raise ValueError(f"{name} has {one:g} for class {c}: it must lie between 0 and {self.most:g}")
        return numbers

    @staticmethod
    def read(word: str) -> list[float]:
        """Return the numbers in a word, with commas between them; ValueError if one is none."""
        return [float(part) for part in word.split(",")]


@dataclass(frozen=True)
class Labels:
    """Any number of labels, each a whole number.

    Attributes
    ----------
    title : str
    """

    title: str

    def check(self, name: str, value: Any) -> tuple[int, ...]:
        """Return the labels, sorted, each once.

        Raises
        ------
        TypeError
            If it is no list of whole numbers.

        Examples
        --------
        >>> Labels("without").check("drop", [7, 3, 7])
        (3, 7)
        """
        whole = isinstance(value, (list, tuple)) and all(type(label) is int for label in value)
        if not whole:
            raise TypeError(f"{name} is {value!r}: give a list of labels, each a whole number")
        return tuple(sorted(set(value)))

    @staticmethod
    def read(word: str) -> list[int]:
        """Return the labels in a word, with commas between them; ValueError if one is no whole number."""
        return [int(part) for part in word.split(",")]


Parameter = Number | Choice | Shares | Labels


def number(  # noqa: PLR0913, PLR0917 - a slider is described in one line, as its field is
    default: float,
    title: str,
    low: float,
    high: float,
    step: float,
    unit: str,
    *,
    logarithmic: bool = False,
    drives: Literal["", "variety", "doubt"] = "",
    upto: str = "",
) -> Any:
    """Return a dataclass field that a slider can move; the arguments are those of `Number`."""
    parameter = Number(title, low, high, step, unit, logarithmic, drives, upto)
    return field(default=default, metadata={"parameter": parameter})


def choice(default: str, title: str, options: dict[str, str]) -> Any:
    """Return a dataclass field that holds one of several words."""
    return field(default=default, metadata={"parameter": Choice(title, options)})


def shares(default: tuple[float, ...], title: str, most: float, fewest: int = 2) -> Any:
    """Return a dataclass field that holds a number a class."""
    return field(default=default, metadata={"parameter": Shares(title, most, fewest)})


def labels(title: str) -> Any:
    """Return a dataclass field that holds any number of labels; none at first."""
    return field(default=(), metadata={"parameter": Labels(title)})
