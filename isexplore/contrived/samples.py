"""Images of a perfect generator, drawn at random: what few images cost, in all or in each split."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from isexplore.contrived.laws import binomial
from isexplore.contrived.per_split import expected_log_score, mean_over_sizes
from isexplore.contrived.rows import Turned, one_top
from isexplore.contrived.scenario import Answer, Scenario
from isexplore.parameters import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RandomImages", "drawn_labels", "random_log_score"]

_FEW = 0.05  # classes: fewer would be printed as 0.0


@dataclass(frozen=True, kw_only=True)
class RandomImages(Scenario):
    """Images of C equally likely classes, each recognised with certainty, drawn at random.

    E ln IS = −C Σ_k Binom(k; n, 1/C) (k/n) ln(k/n) for n images, all of them or those of a split.

    Examples
    --------
    >>> round(RandomImages(classes=1000, images=50_000).expected(splits=10).score, 2)
    900.72
    """

    key: ClassVar = "random-images"
    title: ClassVar = "A perfect generator, images drawn at random"
    teaches: ClassVar = "Even a perfect generator cannot score C with few images a split: n images score at most n."
    formula: ClassVar = "exp(−C Σ_k Binom(k; n, 1/C) (k/n) ln(k/n)), C = {classes}, n = {images}, or those of one split"

    classes: int = number(1000, "classes of the generator", 2, 1000, 1, "classes", logarithmic=True)
    images: int = number(
        5000, "images drawn, in all splits", 1, 50_000, 1, "images", logarithmic=True, drives="variety"
    )
    seed: int = number(0, "seed", 0, 999, 1, "seed")

    def rows(self) -> Turned:
        """Return a certain row for each image."""
        label = drawn_labels(self.classes, self.images, self.seed)
        return one_top(self.classes, label)

    def whole(self) -> Answer:
        """Return exp(E ln IS) of all images."""
        return self.over_splits(1)

    def over_splits(self, splits: int) -> Answer:
        """Return exp(E ln IS), the mean of ln IS taken over the splits, whose sizes may differ by one image."""
        log = mean_over_sizes(self.images, splits, lambda n: random_log_score(n, self.classes))
        return Answer(math.exp(log), "expected", "mean over all sets of images that could be drawn")

    def first_order(self) -> float:
        """Return C·exp(−(C − 1)/2n), near to the score of all images if there are many of each class.

        Examples
        --------
        >>> round(RandomImages(classes=1000, images=26_000).first_order(), 2)
        980.97
        """
        return self.classes * math.exp(-(self.classes - 1) / (2 * self.images))

    def reason(self) -> str:
        """Say how uneven chance makes p(y)."""
        each, unseen = self.images / self.classes, self.classes * (1 - 1 / self.classes) ** self.images
        return (
            f"All {self.classes} classes are equally likely, but of {self.images:,} images chance gives some classes "
            f"more than {each:.3g}, some fewer"
            + (f", and leaves {unseen:.1f} out on average" if unseen >= _FEW else "")
            + ": p(y) of few images is uneven. "
            + (
                f"That takes about (C − 1)/2n from ln IS: all images together keep about {self.first_order():.2f}. "
                if each >= 1
                else f"All images together can show {self.images:,} classes at most. "
            )
            + "A split has fewer images, and loses more."
        )


def drawn_labels(classes: int, images: int, seed: int) -> NDArray[np.intp]:
    """Return the classes of images drawn at random.

    Examples
    --------
    >>> drawn_labels(classes=10, images=3, seed=0)
    array([8, 6, 5])
    """
    return np.random.default_rng(seed).integers(classes, size=images)


def random_log_score(images: int, classes: int) -> float:
    """Return E ln IS of images of equally likely classes, each recognised with certainty.

    Examples
    --------
    >>> round(math.exp(random_log_score(5, 10)), 3)
    3.853
    """
    return expected_log_score(binomial(images, classes), images, classes)
