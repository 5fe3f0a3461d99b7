"""Free play: everything that can be wrong with a generator, a classifier or a protocol, a slider each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import entr

from isexplore.contrived.layout import in_turn, whole_counts
from isexplore.contrived.per_split import counts_in_runs
from isexplore.contrived.rows import Turned
from isexplore.contrived.scenario import Answer, Scenario
from isexplore.edges import split_edges
from isexplore.parameters import choice, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FreePlay"]


@dataclass(frozen=True, kw_only=True)
class FreePlay(Scenario):
    """Images of some modes, some classes or garbage, in any order.

    N = `per_split` · `parts` images. The share `garbage` of them have uniform rows. The others are of the first
    `covered` classes, class j (from 1) as often as j^−`imbalance`. In the row of an image of class c, the classes c to
    c + `ambiguity` − 1 share the probability `confidence` evenly, and all others share the rest.

    More modes or ambiguous classes than there are classes mean: all of them. In turn, the images of every class are
    spread evenly, copies next to one another; sorted, garbage comes last.

    Examples
    --------
    >>> round(FreePlay(covered=5).expected().score, 9)
    5.0
    >>> round(FreePlay(order="sorted").expected(splits=5).score, 9)
    2.0
    """

    key: ClassVar = "free-play"
    title: ClassVar = "Free play"
    teaches: ClassVar = "The score is variety less doubt: it can't see what changes neither of the two."
    formula: ClassVar = (
        "exp(H(p(y)) − (1 − {garbage}) · H(row) − {garbage} · ln C), H(row) = −k a ln a − (C − k) b ln b, "
        "a = {confidence} / k, b = (1 − {confidence}) / (C − k), k = {ambiguity}, C = {classes}; "
        "of {covered} classes, class j as often as 1 / j^{imbalance}"
    )

    classes: int = number(10, "classes", 2, 1000, 1, "classes", logarithmic=True)
    per_split: int = number(100, "images in each part of the set", 1, 5000, 1, "images", logarithmic=True)
    parts: int = number(10, "number of such parts", 1, 10, 1, "parts")
    order: str = choice(
        "turn", "order", {"turn": "classes in turn", "shuffled": "shuffled", "sorted": "sorted by class"}
    )
    seed: int = number(0, "seed", 0, 999, 1, "seed")
    duplicates: int = number(1, "copies of each image", 1, 100, 1, "images", logarithmic=True)
    collapse: float = number(0, "collapse within each class", 0, 1, 0.01, "share")
    imbalance: float = number(0, "imbalance (Zipf exponent)", 0, 3, 0.05, "exponent", drives="variety")
    ambiguity: int = number(1, "classes that an image could be", 1, 100, 1, "classes", logarithmic=True, upto="classes")
    garbage: float = number(0, "share of garbage", 0, 1, 0.01, "share")
    confidence: float = number(1, "confidence", 0, 1, 0.01, "probability", drives="doubt")
    covered: int = number(
        10, "classes covered", 1, 1000, 1, "classes", logarithmic=True, drives="variety", upto="classes"
    )

    def rows(self) -> Turned:
        """Return two shapes of rows, one turned to the class of each image, and one even."""
        high, low = self._levels
        shapes = np.full((2, self.classes), low)
        shapes[0, : self._k] = high
        shapes[1] = 1 / self.classes
        kinds, is_garbage = self._kinds, self._kinds == self._modes
        return Turned(shapes, is_garbage.astype(np.intp), np.where(is_garbage, 0, kinds))

    def whole(self) -> Answer:
        """Return the formula's value, of the counts of the classes."""
        return Answer(float(self._scores(self._counts[None])[0]), note=self._note())

    def over_splits(self, splits: int) -> Answer | None:
        """Return the mean of the formula over the splits, of the counts in each; None if the images are shuffled."""
        if self.order == "shuffled":
            return None
        counts = counts_in_runs(self._kinds, len(self._counts), split_edges(self._n, splits))
        other = (
            ""
            if splits == self.parts
            else f"{splits} splits, where {self.parts} parts of {self.per_split} images were meant"
        )
        return Answer(float(self._scores(counts).mean()), note="; ".join(filter(None, [self._note(), other])))

    def reason(self) -> str:
        """Say what adds to the score, what takes from it, and what it does not see."""
        likely = max(self._levels[0], self._levels[1] if self._k < self.classes else 0)
        seen = (
            f"There are {self._n:,} images, {self.parts} times {self.per_split:,}. "
            f"{np.count_nonzero(self._counts[:-1])} of {self.classes} classes come up; {self._counts[-1]:,} of the "
            f"images are garbage, and in the rows of the others no class has more than {likely:.3g}."
        )
        return f"{seen} {self._different()} of the images are different, which the score can't see."

    @property
    def _n(self) -> int:
        return self.per_split * self.parts

    @property
    def _modes(self) -> int:
        return min(self.covered, self.classes)

    @property
    def _k(self) -> int:
        return min(self.ambiguity, self.classes)

    @property
    def _levels(self) -> tuple[float, float]:
        """The probability of each class that an image could be, and of each other class."""
        if self._k == self.classes:
            return 1 / self.classes, 0.0
        return self.confidence / self._k, (1 - self.confidence) / (self.classes - self._k)

    @cached_property
    def _counts(self) -> NDArray[np.intp]:
        """Number of images of each mode, and of garbage, (modes + 1,)."""
        modes = np.arange(1, self._modes + 1) ** -self.imbalance
        return whole_counts([*((1 - self.garbage) * modes / modes.sum()), self.garbage], self._n)

    @property
    def _originals(self) -> NDArray[np.intp]:
        """Number of images of each mode, and of garbage, of which the others are copies, (modes + 1,)."""
        return -(-self._counts // self.duplicates)

    @cached_property
    def _kinds(self) -> NDArray[np.intp]:
        """The mode of each image, (N,); garbage has the number after the last."""
        if self.order == "turn":
            originals = in_turn(self._originals)
            times = np.full(len(originals), self.duplicates)
            last = np.zeros_like(self._counts)
            last[originals] = np.arange(len(originals))
            # The last image of a kind has no more copies than are left.
            times[last[self._counts > 0]] -= (self._originals * self.duplicates - self._counts)[self._counts > 0]
            return np.repeat(originals, times)
        kinds = np.repeat(np.arange(len(self._counts)), self._counts)
        return np.random.default_rng(self.seed).permutation(kinds) if self.order == "shuffled" else kinds

    def _scores(self, counts: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the score of each split, from the numbers of images of each kind in it, (S, modes + 1)."""
        high, low = self._levels
        sizes, garbage, confident = counts.sum(axis=1), counts[:, -1], np.zeros((len(counts), self.classes))
        confident[:, : self._modes] = counts[:, :-1]
        # How many images could be of class c: those of the k classes up to it, around the corner.
        sums = np.cumsum(np.hstack([np.zeros((len(counts), 1)), confident, confident]), axis=1)
        could_be = sums[:, self.classes + 1 :] - sums[:, self.classes + 1 - self._k : -self._k]
        each, even = (sizes - garbage)[:, None], garbage[:, None] / self.classes
        marginal = (even + high * could_be + low * (each - could_be)) / sizes[:, None]
        row = self._k * entr(high) + (self.classes - self._k) * entr(low)
        doubt = (1 - garbage / sizes) * row + garbage / sizes * np.log(self.classes)
        scores: NDArray[np.float64] = np.exp(entr(marginal).sum(axis=1) - doubt)
        return scores

    def _different(self) -> int:
        """Return how many different images there are."""
        kept = np.maximum(np.round((1 - self.collapse) * self._originals), 1)
        return int(kept[self._originals > 0].sum())

    def _note(self) -> str:
        said = []
        if self.covered > self.classes or self.ambiguity > self.classes:
            said.append(f"there are only {self.classes} classes: more than all is all")
        if self._k == self.classes:
            said.append("an image that could be any class has an even row, whatever the confidence")
        if self.imbalance or self.garbage or self._n % self._modes:
            said.append("shares are rounded to whole images")
        if self.duplicates > 1 or self.collapse:
            said.append("copies within a class change neither p(y) nor any row")
        return "; ".join(said)
