"""Scenarios in which some classes have more images than others, and the classifier is sure of each image."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import entr

from isexplore.contrived.layout import in_turn, whole_counts
from isexplore.contrived.per_split import counts_in_runs, mean_score
from isexplore.contrived.rows import one_top
from isexplore.contrived.scenario import Answer, Scenario
from isexplore.edges import split_edges
from isexplore.parameters import choice, number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from isexplore.contrived.rows import Turned

__all__ = ["Dominant", "LongTail"]


@dataclass(frozen=True, kw_only=True)
class Uneven(Scenario):
    """One-hot rows with other shares of the classes: the score is exp H of the shares, rounded to whole images."""

    classes: int = number(10, "classes", 2, 1000, 1, "classes", logarithmic=True)
    images: int = number(10_000, "images", 1, 50_000, 1, "images", logarithmic=True)

    @abstractmethod
    def shares(self) -> NDArray[np.float64]:
        """Return the shares of the classes, (C,), up to a factor."""

    def rows(self) -> Turned:
        """Return one-hot rows, each class spread evenly over the images."""
        return one_top(self.classes, self._labels())

    def whole(self) -> Answer:
        """Return exp H of the rounded shares."""
        unrounded = _effective(self.shares())
        note = f"of shares rounded to whole images; {unrounded:.6g} without rounding"
        return Answer(_effective(whole_counts(self.shares(), self.images)), note=note)

    def over_splits(self, splits: int) -> Answer:
        """Return the mean of exp H over the splits, of the shares in each."""
        counts = counts_in_runs(self._labels(), self.classes, split_edges(self.images, splits))
        return Answer(mean_score(counts), note="of the whole images of each class in each split")

    def _labels(self) -> NDArray[np.intp]:
        return in_turn(whole_counts(self.shares(), self.images))


@dataclass(frozen=True, kw_only=True)
class Dominant(Uneven):
    """One class has a share π of the images, the others share the rest evenly.

    Examples
    --------
    >>> Dominant(classes=10, share=0.5, images=900).expected().score
    6.0
    """

    key: ClassVar = "dominant"
    title: ClassVar = "One class takes over"
    teaches: ClassVar = "One class of ten may have half of all images, and the score is still 6 of 10."
    formula: ClassVar = "π^(−π) · ((1 − π)/(C − 1))^(−(1 − π)), C = {classes}, π = {share}"

    share: float = number(0.5, "share π of one class", 0, 1, 0.01, "share", drives="variety")

    def shares(self) -> NDArray[np.float64]:
        """Return π, and (1 − π)/(C − 1) for each of the others."""
        shares = np.full(self.classes, (1 - self.share) / (self.classes - 1))
        shares[0] = self.share
        return shares

    def reason(self) -> str:
        """Say how many even classes it is worth."""
        return (
            f"Every row is sure, so only p(y) counts: class 0 has a share of {self.share:.4g} of {self.images:,} "
            f"images, and the rest goes to the other {self.classes - 1}. That is worth {self.whole().score:.4g} "
            "classes of equal size."
        )


@dataclass(frozen=True, kw_only=True)
class LongTail(Uneven):
    """Each class is rarer than the one before it, by Zipf's law or at a constant ratio.

    The second class has r times the images of the first, in both; Zipf's exponent is then −log₂ r.

    Examples
    --------
    >>> round(LongTail(classes=10, ratio=0.5, images=50_000).expected().score, 3)
    7.343
    >>> round(LongTail(classes=10, ratio=0.5, images=50_000, tail="geometric").expected().score, 3)
    3.969
    """

    key: ClassVar = "long-tail"
    title: ClassVar = "Some classes are rare"
    teaches: ClassVar = (
        "Rare classes count for little: all classes are there, but the score is as if some were missing."
    )
    formula: ClassVar = "e^H(p), p_c ∝ c^(log₂ r), C = {classes}, r = {ratio}"

    tail: str = choice("zipf", "tail", {"zipf": "Zipf's law", "geometric": "constant ratio"})
    ratio: float = number(0.5, "second class against the first, r", 0.01, 1, 0.01, "ratio", drives="variety")

    def written(self) -> str:
        """Return the formula of the tail."""
        return self.formula if self.tail == "zipf" else "e^H(p), p_c ∝ r^(c − 1), C = {classes}, r = {ratio}"

    def shares(self) -> NDArray[np.float64]:
        """Return the shares of the classes, up to a factor."""
        c = np.arange(1.0, self.classes + 1)
        shares: NDArray[np.float64] = c ** math.log2(self.ratio) if self.tail == "zipf" else self.ratio ** (c - 1)
        return shares

    def reason(self) -> str:
        """Say how the tail falls, and how many even classes it is worth."""
        counts = whole_counts(self.shares(), self.images)
        law = (
            f"Zipf's law with exponent {abs(math.log2(self.ratio)):.3g}" if self.tail == "zipf" else "a constant ratio"
        )
        return (
            f"Every row is sure, so only p(y) counts. By {law}, the first class has {counts[0]:,} images, the second "
            f"{counts[1]:,}, the last {counts[-1]:,}: worth {_effective(counts):.4g} classes of equal size."
        )


def _effective(counts: ArrayLike) -> float:
    """Return the effective number of classes, exp of the entropy of their shares: the score of one-hot rows."""
    counts = np.asarray(counts)
    return math.exp(entr(counts / counts.sum()).sum())
