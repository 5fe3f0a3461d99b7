"""Two overlapping classes: real data has doubtful images, and a generator that leaves them out scores more."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import entr, expit

from isexplore.contrived.per_split import counts_in_turn, mean_score
from isexplore.contrived.rows import Turned
from isexplore.contrived.scenario import Answer, Scenario
from isexplore.edges import split_edges
from isexplore.parameters import choice, number

__all__ = ["Gaussians"]


@dataclass(frozen=True, kw_only=True)
class Gaussians(Scenario):
    """One number an image, N(μ, 1) or N(−μ, 1), and the best classifier there is, p(+|x) = 1/(1 + exp(−2μx)).

    Real images come in pairs x and −x, so that p(y) is even. Instead of real data, two points can be shown.

    Examples
    --------
    >>> round(Gaussians().expected().score, 4), round(Gaussians(data="points").expected().score, 4)
    (1.4005, 1.999)
    """

    key: ClassVar = "gaussians"
    title: ClassVar = "Real data is not optimal"
    teaches: ClassVar = (
        "Real data need not have the best score: two exaggerated images beat it, even with the best classifier."
    )
    formula: ClassVar = "2 · exp(−E h(1/(1 + exp(−2μx)))), h(p) = −p ln p − (1 − p) ln(1 − p), x ~ N(μ, 1), μ = {mu}"

    data: str = choice("real", "what is shown", {"real": "real data, ½ N(±μ, 1)", "points": "two points at ±x"})
    pairs: int = number(500, "pairs of images", 1, 2000, 1, "pairs", logarithmic=True)
    seed: int = number(0, "seed", 0, 999, 1, "seed")
    position: float = number(5, "position ±x of the two points", 0, 10, 0.1, "standard deviations")
    mu: float = number(1, "mean ±μ of the real classes", 0, 5, 0.05, "standard deviations", drives="doubt")

    def written(self) -> str:
        """Return the formula of what is shown."""
        if self.data == "real":
            return self.formula
        return "2 · exp(−h(1/(1 + exp(−2μx)))), h(p) = −p ln p − (1 − p) ln(1 − p), x = {position}, μ = {mu}"

    def rows(self) -> Turned:
        """Return what the best classifier says of pairs of images, x and then −x."""
        if self.data == "points":
            x = np.array([self.position])
        else:
            x = self.mu + np.random.default_rng(self.seed).standard_normal(self.pairs)
        image = np.arange(2 * self.pairs)
        plus = expit(2 * self.mu * x)
        return Turned(np.stack([plus, expit(-2 * self.mu * x)], axis=1), image // 2 % len(x), image % 2)

    def whole(self) -> Answer:
        """Return the integral, or the closed form of two points."""
        if self.data == "points":
            return self._points(1)
        return self._real("an integral: the mean over all images that could be drawn")

    def over_splits(self, splits: int) -> Answer | None:
        """Return the same, where each split holds whole pairs; of two points, from the counts of each."""
        if self.data == "points":
            return self._points(splits)
        return self._real("each split holds whole pairs") if self.pairs % splits == 0 else None

    def reason(self) -> str:
        """Compare real data with the two points."""
        real, points = self._real("").score, self._points(1).score
        return (
            f"Real images of the two classes overlap where μ = {self.mu:g}: even the best classifier must doubt those "
            f"between them, and real data scores {real:.4f} of 2. Two points at ±{self.position:g} score {points:.4f}"
            + (", though they are not real data." if points > real else ".")
        )

    def _real(self, note: str) -> Answer:
        # The trapezoidal rule is exact up to rounding for a smooth integrand that falls this fast.
        step = 0.02
        z = np.arange(-12, 12, step)
        plus, minus = expit(2 * self.mu * (self.mu + z)), expit(-2 * self.mu * (self.mu + z))
        density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return Answer(2 * math.exp(-step * float(density @ (entr(plus) + entr(minus)))), "expected", note)

    def _points(self, splits: int) -> Answer:
        edges = split_edges(2 * self.pairs, splits)
        return Answer(mean_score(counts_in_turn(2, edges), float(expit(2 * self.mu * self.position))))
