"""Noise that the classifier is sure of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isexplore.contrived.per_split import counts_in_turn, mean_score
from isexplore.contrived.rows import Turned, one_top
from isexplore.contrived.scenario import Answer, Scenario
from isexplore.edges import split_edges
from isexplore.parameters import number

__all__ = ["AdversarialNoise"]


@dataclass(frozen=True, kw_only=True)
class AdversarialNoise(Scenario):
    """Noise that gradient ascent has changed until the network is sure of a class, as often of each class.

    Examples
    --------
    >>> round(AdversarialNoise().expected().score, 6)
    1000.0
    """

    key: ClassVar = "adversarial-noise"
    title: ClassVar = "Noise that the network is sure of"
    teaches: ClassVar = (
        "The score never looks at the images: noise that the network is sure of scores as high as the best images."
    )
    formula: ClassVar = "C · a^a · b^((C − 1) b), b = (1 − a)/(C − 1), C = {classes}, a = {top}"

    classes: int = number(1000, "classes", 2, 1000, 1, "classes", logarithmic=True)
    per_class: int = number(10, "noise images per class", 1, 100, 1, "images")
    top: float = number(1, "how sure the network is, a", 0.5, 1, 0.001, "probability", drives="doubt")

    def rows(self) -> Turned:
        """Return the same row for every image, turned to the class that it was made for."""
        return one_top(self.classes, np.tile(np.arange(self.classes), self.per_class), self.top)

    def whole(self) -> Answer:
        """Return the closed form."""
        return self.over_splits(1)

    def over_splits(self, splits: int) -> Answer:
        """Return the mean score of the splits from their counts of classes."""
        edges = split_edges(self.classes * self.per_class, splits)
        return Answer(mean_score(counts_in_turn(self.classes, edges), self.top))

    def reason(self) -> str:
        """Say that only the network's answers count."""
        return (
            f"Only p(y|x) enters the score. Each of the {self.classes * self.per_class:,} images is noise, made so "
            f"that the network gives one class probability {self.top:.4g}, every class equally often: the score is "
            f"{self.whole().score:.5g} of {self.classes}. Barratt and Sharma (2018) did so with the real network."
        )
