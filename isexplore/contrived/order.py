"""The order of the images: contiguous splits of a class-sorted set see few classes each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from isexplore.contrived.laws import hypergeometric
from isexplore.contrived.per_split import counts_in_turn, expected_log_score, mean_over_sizes, mean_score
from isexplore.contrived.rows import Turned, one_top
from isexplore.contrived.scenario import Answer, Scenario
from isexplore.edges import split_edges
from isexplore.parameters import choice, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ClassOrder"]


@dataclass(frozen=True, kw_only=True)
class ClassOrder(Scenario):
    """A balanced set whose images are sorted by class, show the classes in turn, or are shuffled.

    A split in which n_c of n images show class c has m_c = b + (a − b) n_c/n. Sorted and with a = 1 the score is C/S
    where S divides C. Shuffled, n_c is hypergeometric.

    Examples
    --------
    >>> [round(ClassOrder().expected(splits).score, 2) for splits in (1, 2, 5, 10)]
    [10.0, 5.0, 2.0, 1.0]
    """

    key: ClassVar = "class-order"
    title: ClassVar = "Images sorted by class"
    teaches: ClassVar = "The same images score less when they are sorted by class, because each split sees few classes."
    formula: ClassVar = (
        "exp(−Σ_c m_c ln m_c + a ln a + (C − 1) b ln b), m_c = b + (a − b) n_c/n, a = {top}, b = (1 − a)/(C − 1), "
        "C = {classes}"
    )

    classes: int = number(10, "classes", 2, 1000, 1, "classes", logarithmic=True)
    per_class: int = number(100, "images per class", 1, 100, 1, "images")
    order: str = choice(
        "sorted",
        "order of the images",
        {"sorted": "sorted by class", "turn": "classes in turn", "shuffled": "shuffled"},
    )
    top: float = number(1, "top probability a of each row", 0.5, 1, 0.01, "probability", drives="doubt")
    seed: int = number(0, "seed of the shuffling", 0, 999, 1, "seed")

    def rows(self) -> Turned:
        """Return the same row for every image, turned to its class."""
        return one_top(self.classes, self._labels(), self.top)

    def whole(self) -> Answer:
        """Return the closed form, which no order changes."""
        even = np.full((1, self.classes), self.per_class)
        return Answer(mean_score(even, self.top), note="all images together: their order does not matter")

    def over_splits(self, splits: int) -> Answer:
        """Return the mean score of the splits from their counts of classes; of shuffled images, exp(E ln IS)."""
        images = self.classes * self.per_class
        edges = split_edges(images, splits)
        if self.order == "turn":
            return Answer(mean_score(counts_in_turn(self.classes, edges), self.top))
        if self.order == "sorted":
            starts = self.per_class * np.arange(self.classes)
            counts = np.diff((edges[:, None] - starts).clip(0, self.per_class), axis=0)
            return Answer(mean_score(counts, self.top))
        return Answer(
            math.exp(mean_over_sizes(images, splits, self._shuffled_log_score)), "expected", "over all orders"
        )

    def reason(self) -> str:
        """Say which classes a split sees."""
        seen = {
            "sorted": f"sorted, {self.per_class} of one class before the next, so that each of S splits "
            f"sees about {self.classes}/S classes, one at least, and can score no more than it sees",
            "turn": "in turn, so that every split of C images or more sees all classes about equally often",
            "shuffled": "shuffled, so that every split sees all classes, but a small one unequally often, by chance",
        }[self.order]
        return (
            f"The images are {seen}. All together they score {self.whole().score:.4g} in any order: "
            f"splits are runs of neighbours, so shuffle before you split."
        )

    def _labels(self) -> NDArray[np.intp]:
        if self.order == "turn":
            return np.tile(np.arange(self.classes), self.per_class)
        label = np.repeat(np.arange(self.classes), self.per_class)
        return label if self.order == "sorted" else np.random.default_rng(self.seed).permutation(label)

    def _shuffled_log_score(self, images: int) -> float:
        law = hypergeometric(images, of=self.classes * self.per_class, per_class=self.per_class)
        return expected_log_score(law, images, self.classes, self.top)
