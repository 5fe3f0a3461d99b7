"""Scenarios of variety: even over some classes, of which the classifier is sure; and one without any variety."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isexplore.contrived.per_split import counts_in_turn, mean_score
from isexplore.contrived.rows import Distinct, Turned, one_top
from isexplore.contrived.scenario import Answer, Scenario
from isexplore.edges import split_edges
from isexplore.parameters import number

__all__ = ["Covered", "Identical", "Perfect"]


@dataclass(frozen=True, kw_only=True)
class Perfect(Scenario):
    """One-hot rows, as many of each class: the score is C.

    Examples
    --------
    >>> Perfect(classes=10).expected().score
    10.0
    """

    key: ClassVar = "perfect"
    title: ClassVar = "Sure and balanced"
    teaches: ClassVar = "The best score there is equals the number of classes, and says nothing about how images look."
    formula: ClassVar = "C = {classes}"

    per_class: int = number(100, "images per class", 1, 100, 1, "images")
    classes: int = number(10, "classes", 2, 1000, 1, "classes", logarithmic=True, drives="variety")

    def rows(self) -> Turned:
        """Return one-hot rows, the classes in turn."""
        return one_top(self.classes, np.tile(np.arange(self.classes), self.per_class))

    def whole(self) -> Answer:
        """Return C."""
        return Answer(float(self.classes))

    def over_splits(self, splits: int) -> Answer:
        """Return the mean score of splits that may be too short for all classes."""
        return _in_turn_over(self.classes, self.classes * self.per_class, splits)

    def reason(self) -> str:
        """Say why it is the most there can be."""
        return (
            f"Every row is sure, so H(y|x) = 0; p(y) is even over {self.classes:,} classes, so H(y) = ln "
            f"{self.classes} = {math.log(self.classes):.3f} nats, the most there can be."
        )


@dataclass(frozen=True, kw_only=True)
class Identical(Scenario):
    """The same row for every image, uniform or not: the score is 1.

    Examples
    --------
    >>> Identical(share=0.5).expected().score
    1.0
    """

    key: ClassVar = "identical"
    title: ClassVar = "The same row for every image"
    teaches: ClassVar = "A sure row and a clueless row score the same, 1, if every image has it: rows must differ."
    formula: ClassVar = "e^(H(p) − H(p)) = 1, every row p = (1 − ε) · one-hot + ε/C, C = {classes}, ε = {share}"

    classes: int = number(10, "classes", 2, 1000, 1, "classes", logarithmic=True)
    images: int = number(1000, "images", 1, 50_000, 1, "images", logarithmic=True)
    share: float = number(0.5, "uniform part ε of the row", 0, 1, 0.01, "share")

    def rows(self) -> Distinct:
        """Return the one row for all images."""
        row = np.full(self.classes, self.share / self.classes)
        row[0] += 1 - self.share
        return Distinct(row[None], np.zeros(self.images, dtype=np.intp))

    def whole(self) -> Answer:
        """Return 1."""
        return Answer(1.0)

    def reason(self) -> str:
        """Say that p(y) is every image's row."""
        top = 1 - self.share + self.share / self.classes
        return (
            f"All {self.images:,} images have the same row, {top:.1%} for class 0, so p(y) is that row, too: "
            "H(y) = H(y|x), and nothing is left of ln IS."
        )


@dataclass(frozen=True, kw_only=True)
class Covered(Scenario):
    """One-hot rows, as many of each of K out of C classes: the score is K.

    Examples
    --------
    >>> Covered(classes=10, modes=5).expected().score
    5.0
    """

    key: ClassVar = "covered"
    title: ClassVar = "Some classes never come"
    teaches: ClassVar = "Missing classes lower the score, but it can't say which classes are missing."
    formula: ClassVar = "min(K, C), K = {modes}, C = {classes}"

    per_class: int = number(100, "images per covered class", 1, 100, 1, "images")
    classes: int = number(10, "classes", 2, 1000, 1, "classes", logarithmic=True)
    modes: int = number(
        5, "classes covered K", 1, 1000, 1, "classes", logarithmic=True, drives="variety", upto="classes"
    )

    @property
    def covered(self) -> int:
        """K, or C where K is more."""
        return min(self.modes, self.classes)

    def rows(self) -> Turned:
        """Return one-hot rows of the first K classes, in turn."""
        return one_top(self.classes, np.tile(np.arange(self.covered), self.per_class))

    def whole(self) -> Answer:
        """Return K."""
        return Answer(float(self.covered), note=self._note())

    def over_splits(self, splits: int) -> Answer:
        """Return the mean score of splits that may be too short for all covered classes."""
        return _in_turn_over(self.covered, self.covered * self.per_class, splits, self._note())

    def reason(self) -> str:
        """Say which classes are missing."""
        missing = self.classes - self.covered
        return (
            f"Every row is sure, but p(y) is even over {self.covered} of {self.classes} classes; {missing} never come. "
            f"H(y) = ln {self.covered} = {math.log(self.covered):.3f} nats."
        )

    def _note(self) -> str:
        return f"there are only {self.classes} classes to cover" if self.modes > self.classes else ""


def _in_turn_over(kinds: int, n: int, splits: int, note: str = "") -> Answer:
    """Return the mean score over splits of n one-hot images of so many kinds in turn."""
    few = f"a split has {n // splits:,} images, too few for {kinds:,} classes" if n // splits < kinds else ""
    counts = counts_in_turn(kinds, split_edges(n, splits))
    return Answer(mean_score(counts), note="; ".join(filter(None, (note, few))))
