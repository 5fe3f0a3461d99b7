"""Copies: the score does not see that images are the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isexplore.contrived.per_split import counts_in_turn, mean_over_sizes, mean_score
from isexplore.contrived.rows import Turned, one_top
from isexplore.contrived.samples import drawn_labels, random_log_score
from isexplore.contrived.scenario import Answer, Scenario
from isexplore.edges import split_edges
from isexplore.parameters import number

__all__ = ["Duplicated", "Memorised"]


@dataclass(frozen=True, kw_only=True)
class Memorised(Scenario):
    """A generator that knows a few images of each class by heart, and returns one of them each time.

    Examples
    --------
    >>> memorised = Memorised(classes=100, distinct=1, looked_at=20)
    >>> round(memorised.expected().score, 9), round(memorised.birthday(), 3)
    (100.0, 0.87)
    """

    key: ClassVar = "memorised"
    title: ClassVar = "Memorised images"
    teaches: ClassVar = (
        "One memorised image per class scores as high as endless variety; only a look for duplicates tells."
    )
    formula: ClassVar = "C = {classes}, however many images of each class there are: {distinct} here"

    classes: int = number(100, "classes", 2, 1000, 1, "classes", logarithmic=True, drives="variety")
    per_class: int = number(50, "images per class", 1, 100, 1, "images")
    distinct: int = number(1, "memorised images per class", 1, 100, 1, "images", upto="per_class")
    looked_at: int = number(20, "images that a person looks at", 2, 1000, 1, "images", logarithmic=True)

    def rows(self) -> Turned:
        """Return certain rows, the classes in turn; copies have equal rows, as other images of the class have."""
        label = np.tile(np.arange(self.classes), self.per_class)
        return one_top(self.classes, label)

    def whole(self) -> Answer:
        """Return C."""
        return Answer(float(self.classes), note="the same for any number of memorised images")

    def over_splits(self, splits: int) -> Answer:
        """Return the mean score of the splits from their counts of classes."""
        edges = split_edges(self.classes * self.per_class, splits)
        return Answer(mean_score(counts_in_turn(self.classes, edges)))

    def birthday(self) -> float:
        """Return the probability that two are the same among the s images that a person looks at.

        1 − Π_{k < s} (1 − k/n), where the generator has n images and draws each as often (Arora & Zhang 2017).
        """
        known, seen = self.classes * self.distinct, self.looked_at
        return 1.0 if seen > known else -math.expm1(np.log1p(-np.arange(seen) / known).sum())

    def birthday_rule(self) -> float:
        """Return 1 − exp(−s²/2n), near to `birthday` where s is small against n.

        Examples
        --------
        >>> round(Memorised(classes=100, looked_at=20).birthday_rule(), 3)
        0.865
        """
        return -math.expm1(-(self.looked_at**2) / (2 * self.classes * self.distinct))

    def reason(self) -> str:
        """Say what the score sees, and what would see more."""
        return (
            f"The generator has only {self.classes * self.distinct:,} images, but the score sees classes, not images. "
            f"People can see it: among {self.looked_at} images drawn, two are the same with probability "
            f"{self.birthday():.3f} (1 − exp(−s²/2n) gives {self.birthday_rule():.3f})."
        )


@dataclass(frozen=True, kw_only=True)
class Duplicated(Scenario):
    """A set of random images of a perfect generator, repeated as a whole.

    Examples
    --------
    >>> [round(Duplicated(classes=1000, images=500, times=times).expected().score, 2) for times in (1, 10)]
    [365.49, 365.49]
    """

    key: ClassVar = "duplicated"
    title: ClassVar = "The whole set repeated"
    teaches: ClassVar = (
        "Copies change nothing: a set that is repeated scores what it scored before, which for few images is low."
    )
    formula: ClassVar = "exp(−C Σ_k Binom(k; n, 1/C) (k/n) ln(k/n)), C = {classes}, n = {images}, {times} times or once"

    classes: int = number(1000, "classes of the generator", 2, 1000, 1, "classes", logarithmic=True)
    images: int = number(500, "different images", 1, 5000, 1, "images", logarithmic=True, drives="variety")
    times: int = number(10, "times that the set is there", 1, 10, 1, "times")
    seed: int = number(0, "seed", 0, 999, 1, "seed")

    def rows(self) -> Turned:
        """Return a certain row for each image, the whole set once and then again."""
        label = np.tile(drawn_labels(self.classes, self.images, self.seed), self.times)
        return one_top(self.classes, label)

    def whole(self) -> Answer:
        """Return exp(E ln IS) of the different images."""
        return Answer(math.exp(random_log_score(self.images, self.classes)), "expected", "over all sets of images")

    def over_splits(self, splits: int) -> Answer | None:
        """Return exp(E ln IS) where each split lies within one copy of the set."""
        if splits % self.times:
            return None
        log = mean_over_sizes(self.images, splits // self.times, lambda n: random_log_score(n, self.classes))
        return Answer(math.exp(log), "expected", "each split lies within one copy of the set")

    def reason(self) -> str:
        """Say how many images there really are."""
        all_different = math.exp(random_log_score(self.images * self.times, self.classes))
        return (
            f"p(y) and every p(y|x) stay as they are when the set comes {self.times} times: {self.images:,} images "
            f"score {self.whole().score:.4g}, and so do their copies; {self.images * self.times:,} different images "
            f"would score {all_different:.4g}."
        )
