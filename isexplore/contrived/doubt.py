"""Scenarios of doubt: all classes are there, but the classifier is not sure of any image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import entr, softmax

from isexplore.contrived.rows import Turned
from isexplore.contrived.scenario import Answer, Scenario
from isexplore.parameters import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Ambiguous", "DoubleSoftmax", "Temperature", "UniformMix"]

LOGIT = 10.0  # of an image's class; all others are 0


@dataclass(frozen=True, kw_only=True)
class UniformMix(Scenario):
    """A share ε of the uniform distribution in every row.

    L = ln C + a ln a + (C − 1) b ln b, with a = 1 − ε + ε/C and b = ε/C.

    Examples
    --------
    >>> round(UniformMix(classes=10, share=0.25).expected().score, 3)
    3.579
    """

    key: ClassVar = "uniform-mix"
    title: ClassVar = "Every image a little unsure"
    teaches: ClassVar = (
        "A little doubt about every image costs more than most people expect: variety alone is not enough."
    )
    formula: ClassVar = "C · a^a · b^((C − 1) b), a = 1 − ε + ε/C, b = ε/C, C = {classes}, ε = {share}"

    classes: int = number(10, "classes", 2, 1000, 1, "classes", logarithmic=True)
    per_class: int = number(100, "images per class", 1, 100, 1, "images")
    share: float = number(0.25, "uniform part ε of each row", 0, 1, 0.01, "share", drives="doubt")

    def rows(self) -> Turned:
        """Return the same row for every image, turned to its class."""
        shape = (1 - self.share) * np.eye(1, self.classes) + self.share / self.classes
        return _all_alike(shape, self.per_class)

    def whole(self) -> Answer:
        """Return the closed form."""
        b = self.share / self.classes
        return _one_top(self.classes, 1 - self.share + b, b)

    def reason(self) -> str:
        """Say what is lost."""
        return (
            f"p(y) is even over {self.classes} classes whatever ε is; but each row keeps {1 - self.share:.4g} for "
            f"its class and spreads {self.share:.4g} over all classes: ln IS loses the entropy of such a row."
        )


@dataclass(frozen=True, kw_only=True)
class Temperature(Scenario):
    """A logit of 10 for the class that an image shows and 0 for the others, divided by a temperature T.

    L = ln C + a ln a + (C − 1) b ln b, with a = e^(10/T) / (e^(10/T) + C − 1) and b = (1 − a) / (C − 1).

    Examples
    --------
    >>> round(Temperature(classes=10, temperature=2).expected().score, 3)
    7.084
    """

    key: ClassVar = "temperature"
    title: ClassVar = "A classifier with another temperature"
    teaches: ClassVar = (
        "The temperature of the classifier's softmax can bring the same images anywhere from 1 to C: "
        "scores from two classifiers can't be compared."
    )
    formula: ClassVar = (
        "C · a^a · b^((C − 1) b), a = e^(10/T) / (e^(10/T) + C − 1), b = (1 − a)/(C − 1), "
        "C = {classes}, T = {temperature}"
    )

    classes: int = number(10, "classes", 2, 1000, 1, "classes", logarithmic=True)
    per_class: int = number(100, "images per class", 1, 100, 1, "images")
    temperature: float = number(1, "temperature T", 0.1, 10, 0.1, "T", logarithmic=True, drives="doubt")

    def rows(self) -> Turned:
        """Return the same row for every image, turned to its class."""
        return _all_alike(softmax(LOGIT / self.temperature * np.eye(1, self.classes), axis=1), self.per_class)

    def whole(self) -> Answer:
        """Return the closed form."""
        return _one_top(self.classes, *self._row())

    def reason(self) -> str:
        """Say how sure the classifier is."""
        a, b = self._row()
        return (
            f"Neither the logits, 10 against 0, nor the images change. At T = {self.temperature:g} the softmax "
            f"gives {a:.2%} to the image's class and {b:.2g} to each of the other {self.classes - 1}."
        )

    def _row(self) -> tuple[float, float]:
        odds = math.exp(-LOGIT / self.temperature)  # of another class; e^(10/T) itself would be huge
        total = 1 + (self.classes - 1) * odds
        return 1 / total, odds / total


@dataclass(frozen=True, kw_only=True)
class DoubleSoftmax(Scenario):
    """One-hot rows that are taken for logits: softmax applied twice.

    L = ln C + a ln a + (C − 1) b ln b, with a = e/(e + C − 1) and b = 1/(e + C − 1).

    Examples
    --------
    >>> round(DoubleSoftmax(classes=10).expected().score, 4)
    1.0762
    """

    key: ClassVar = "double-softmax"
    title: ClassVar = "Softmax applied twice"
    teaches: ClassVar = "Code that takes probabilities for logits makes every score nearly 1, even for perfect images."
    formula: ClassVar = "C · a^a · b^((C − 1) b), a = e/(e + C − 1), b = 1/(e + C − 1), C = {classes}"

    per_class: int = number(100, "images per class", 1, 100, 1, "images")
    classes: int = number(10, "classes", 2, 1000, 1, "classes", logarithmic=True)

    def rows(self) -> Turned:
        """Return the softmax of a one-hot row for every image, turned to its class."""
        return _all_alike(softmax(np.eye(1, self.classes), axis=1), self.per_class)

    def whole(self) -> Answer:
        """Return the closed form."""
        total = math.e + self.classes - 1
        return _one_top(self.classes, math.e / total, 1 / total)

    def reason(self) -> str:
        """Say what a second softmax leaves of certainty."""
        top = math.e / (math.e + self.classes - 1)
        return (
            f"The first softmax was sure: 1 for the image's class, 0 for the others. The second takes these for "
            f"logits and leaves the class {top:.2%}, only e times as much as each of the other {self.classes - 1}."
        )


@dataclass(frozen=True, kw_only=True)
class Ambiguous(Scenario):
    """Each row is even over k classes, and each class is in as many rows: the score is C/k.

    Examples
    --------
    >>> Ambiguous(classes=10, ways=4).expected().score
    2.5
    """

    key: ClassVar = "ambiguous"
    title: ClassVar = "Every image could be one of k classes"
    teaches: ClassVar = "The score counts what can be told apart: if each image could be one of k classes, it is C/k."
    formula: ClassVar = "C / min(k, C), C = {classes}, k = {ways}"

    per_class: int = number(100, "images per class", 1, 100, 1, "images")
    classes: int = number(10, "classes", 2, 1000, 1, "classes", logarithmic=True)
    ways: int = number(
        2, "classes k that an image could be", 1, 1000, 1, "classes", logarithmic=True, drives="doubt", upto="classes"
    )

    @property
    def possible(self) -> int:
        """The k, or C where k is more."""
        return min(self.ways, self.classes)

    def rows(self) -> Turned:
        """Return rows over the class of an image and the k − 1 after it, the last followed by the first."""
        return _all_alike((np.arange(self.classes) < self.possible)[None] / self.possible, self.per_class)

    def whole(self) -> Answer:
        """Return C/k."""
        note = f"there are only {self.classes} classes that an image could be" if self.ways > self.classes else ""
        return Answer(self.classes / self.possible, note=note)

    def reason(self) -> str:
        """Say how much is lost."""
        k = self.possible
        return (
            f"p(y) is even over {self.classes} classes, H(y) = {math.log(self.classes):.3f}; each row is even over "
            f"{k}, H(y|x) = ln {k} = {math.log(k):.3f}. The score is that of "
            f"{self.classes / k:.4g} classes that can be told apart."
        )


def _all_alike(shape: NDArray[np.float64], per_class: int) -> Turned:
    """Return one shape (1, C) for all images, turned to each class in turn."""
    label = np.tile(np.arange(shape.shape[1]), per_class)
    return Turned(shape, np.zeros_like(label), label)


def _one_top(classes: int, a: float, b: float) -> Answer:
    """Return the score where each row has a for its class and b for each other: C · a^a · b^((C − 1) b)."""
    return Answer(classes * math.exp(-entr(a) - (classes - 1) * entr(b)))
