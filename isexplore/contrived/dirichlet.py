"""Rows drawn from a Dirichlet law, as they are and as hard labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import digamma, logsumexp

from isexplore.contrived.per_split import counts_in_turn, mean_score
from isexplore.contrived.rows import Turned, one_top
from isexplore.contrived.scenario import Answer, Scenario
from isexplore.edges import split_edges
from isexplore.parameters import number

__all__ = ["DirichletRows", "HardLabels"]


@dataclass(frozen=True, kw_only=True)
class DirichletRows(Scenario):
    """Rows drawn from the symmetric Dirichlet(α) law, each turned through all classes, so that p(y) is even.

    L = ln C − ψ(Cα + 1) + ψ(α + 1).

    Examples
    --------
    >>> [round(DirichletRows(alpha=alpha).expected().score, 5) for alpha in (1, 0.1)]
    [1.45298, 4.28897]
    """

    key: ClassVar = "dirichlet"
    title: ClassVar = "Random rows"
    teaches: ClassVar = (
        "A classifier that knows nothing scores high as long as it is sure of itself: α sets how sure it is."
    )
    formula: ClassVar = "C · exp(ψ(α + 1) − ψ(Cα + 1)), C = {classes}, α = {alpha}"

    classes: int = number(10, "classes", 2, 1000, 1, "classes", logarithmic=True)
    draws: int = number(50, "rows drawn, each turned through all classes", 1, 100, 1, "rows")
    seed: int = number(0, "seed", 0, 999, 1, "seed")
    alpha: float = number(
        0.1, "concentration α: low is sure", 0.001, 10, 0.001, "concentration", logarithmic=True, drives="doubt"
    )

    def rows(self) -> Turned:
        """Return each row drawn, the highest number first, turned to class 0, 1, …, C − 1, then the next."""
        rng = np.random.default_rng(self.seed)
        size = (self.draws, self.classes)
        # Where α is small, gamma numbers round to 0: their logarithms do not. G(α) is G(α + 1)·U^(1/α), and
        # −ln U exponential.
        logs = np.log(rng.standard_gamma(self.alpha + 1, size)) - rng.standard_exponential(size) / self.alpha
        drawn = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
        first = (np.arange(self.classes) + drawn.argmax(axis=1, keepdims=True)) % self.classes
        image = np.arange(self.draws * self.classes)
        return Turned(np.take_along_axis(drawn, first, axis=1), image // self.classes, image % self.classes)

    def whole(self) -> Answer:
        """Return exp(E ln IS)."""
        return self._soft(f"mean over all rows that could be drawn; here are {self.draws}")

    def over_splits(self, splits: int) -> Answer | None:
        """Return the same where each split holds whole rounds of classes."""
        return self._soft("each split holds rows in all turns") if self.draws % splits == 0 else None

    def reason(self) -> str:
        """Say what the law gives and what is lost."""
        return (
            f"p(y) is even, so the variety is ln {self.classes} = {math.log(self.classes):.3f}; a row drawn with "
            f"α = {self.alpha:g} has {_doubt(self.classes, self.alpha):.3f} nats of entropy on average, and the "
            "difference is ln IS. No image shows anything here: being sure is enough."
        )

    def _soft(self, note: str) -> Answer:
        return Answer(self.classes * math.exp(-_doubt(self.classes, self.alpha)), "expected", note)


@dataclass(frozen=True, kw_only=True)
class HardLabels(Scenario):
    """Rows as those of `DirichletRows`, whatever the seed, of each of which only the most likely class is kept.

    Examples
    --------
    >>> round(HardLabels(classes=10, alpha=1).expected().score, 9)
    10.0
    """

    key: ClassVar = "hard-labels"
    title: ClassVar = "Hard labels from random rows"
    teaches: ClassVar = "Hard labels hide all doubt: the same predictions score C, however unsure they were."
    formula: ClassVar = "C = {classes} with hard labels; C · exp(ψ(α + 1) − ψ(Cα + 1)) with soft ones, α = {alpha}"

    classes: int = number(10, "classes", 2, 1000, 1, "classes", logarithmic=True, drives="variety")
    draws: int = number(50, "rows drawn, each turned through all classes", 1, 100, 1, "rows")
    # What only moves doubt in soft rows moves nothing here.
    alpha: float = number(0.1, "concentration α: low is sure", 0.001, 10, 0.001, "concentration", logarithmic=True)

    def rows(self) -> Turned:
        """Return a certain row for the most likely class of each image: every row drawn is turned to each in turn."""
        return one_top(self.classes, np.tile(np.arange(self.classes), self.draws))

    def whole(self) -> Answer:
        """Return C."""
        return Answer(float(self.classes))

    def over_splits(self, splits: int) -> Answer:
        """Return the mean score of the splits from their counts of classes."""
        edges = split_edges(self.draws * self.classes, splits)
        return Answer(mean_score(counts_in_turn(self.classes, edges)))

    def reason(self) -> str:
        """Say what soft labels would score."""
        soft = self.classes * math.exp(-_doubt(self.classes, self.alpha))
        return (
            f"Each class is the most likely one equally often, and a hard label has no entropy: {self.classes}. "
            f"The soft rows behind it, at α = {self.alpha:g}, score about {soft:.3f}."
        )


def _doubt(classes: int, alpha: float) -> float:
    """Return the mean entropy of a row by the symmetric Dirichlet(α) law, nats."""
    return float(digamma(classes * alpha + 1) - digamma(alpha + 1))
