"""Garbage among good images: the classifier knows nothing about some images and is sure of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isexplore.contrived.rows import Turned
from isexplore.contrived.scenario import Answer, Scenario
from isexplore.parameters import number

__all__ = ["Garbage"]


@dataclass(frozen=True, kw_only=True)
class Garbage(Scenario):
    """A fraction f of the images has a uniform row, the others are one-hot and balanced: the score is C^(1 − f).

    Examples
    --------
    >>> round(Garbage(classes=100, fraction=0.5).expected().score, 9)
    10.0
    """

    key: ClassVar = "garbage"
    title: ClassVar = "Some images show nothing"
    teaches: ClassVar = "With half of the images garbage, the score is the square root of the best, not half of it."
    formula: ClassVar = "C^(1 − f), C = {classes}, f = {fraction}"

    classes: int = number(10, "classes", 2, 1000, 1, "classes", logarithmic=True)
    per_class: int = number(100, "images per class", 1, 100, 1, "images")
    fraction: float = number(0.25, "garbage f", 0, 1, 0.01, "share", drives="doubt")

    @property
    def garbage(self) -> int:
        """Images of each class that are garbage."""
        return round(self.fraction * self.per_class)

    def rows(self) -> Turned:
        """Return one-hot rows of the classes in turn; where a turn is garbage, uniform rows."""
        before = np.arange(self.per_class + 1) * self.garbage // self.per_class  # garbage comes evenly
        shapes = np.stack([np.eye(1, self.classes)[0], np.full(self.classes, 1 / self.classes)])
        label = np.tile(np.arange(self.classes), self.per_class)
        return Turned(shapes, np.repeat(np.diff(before), self.classes), label)

    def whole(self) -> Answer:
        """Return the closed form for whole images."""
        return Answer(self.classes ** (1 - self.garbage / self.per_class), note=self._note())

    def over_splits(self, splits: int) -> Answer | None:
        """Return the mean of C^(1 − f) where each split holds whole turns, with its own f."""
        if self.per_class % splits:
            return None
        turns = self.per_class // splits
        scores = self.classes ** (1 - np.diff(np.arange(splits + 1) * self.garbage // splits) / turns)
        return Answer(float(scores.mean()), note=self._note())

    def reason(self) -> str:
        """Say what garbage costs."""
        return (
            f"{self.garbage} of {self.per_class} images a class have a uniform row. p(y) stays even, but these images "
            f"have the greatest doubt, ln {self.classes}, and ln IS is the mean over images: "
            f"{1 - self.garbage / self.per_class:.0%} of ln {self.classes} is left."
        )

    def _note(self) -> str:
        return f"f is {self.garbage}/{self.per_class}, a whole number of images a class"
