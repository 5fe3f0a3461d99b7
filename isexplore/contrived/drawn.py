"""A marginal that somebody has drawn, with a confidence for each class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import entr

from isexplore.contrived.layout import in_turn, whole_counts
from isexplore.contrived.per_split import counts_in_runs
from isexplore.contrived.rows import Distinct
from isexplore.contrived.scenario import Answer, Scenario
from isexplore.edges import split_edges
from isexplore.parameters import number
from isexplore.parameters import shares as one_per_class

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Drawn"]


@dataclass(frozen=True, kw_only=True)
class Drawn(Scenario):
    """Classes as often as drawn, each with its own confidence.

    There are as many classes as `shares`, whose heights count only by their ratios. An image of class c has the
    probability `confidence[c]` there, and the rest spread evenly over the others. Fewer confidences than classes are
    used over and over, so that two equal ones are for all classes; of more, the first are used.

    Raises
    ------
    ValueError
        If all shares are zero.

    Examples
    --------
    >>> round(Drawn(shares=(0.5, 0.5, 0, 0)).expected().score, 9)
    2.0
    """

    key: ClassVar = "drawn"
    title: ClassVar = "Draw your own"
    teaches: ClassVar = (
        "The score depends only on how often each class comes and how sure each row is, not on which class it is."
    )
    formula: ClassVar = (
        "exp(H(p(y)) − Σ n_c H(row c) / N), p(y) = Σ n_c · row c / N, n_c of N = {images} images by the drawn shares"
    )

    images: int = number(1000, "images", 1, 50_000, 1, "images", logarithmic=True)
    shares: tuple[float, ...] = one_per_class((1.0,) * 10, "share of each class, by the ratios", 1)
    confidence: tuple[float, ...] = one_per_class((1.0,) * 10, "confidence in each class", 1, fewest=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not any(self.shares):
            raise ValueError("shares are all zero: give one class at least a share above 0")

    def rows(self) -> Distinct:
        """Return one row a class, for the images of all classes in turn."""
        n_classes = len(self.shares)
        rows = np.repeat(self._others[:, None], n_classes, axis=1)
        np.fill_diagonal(rows, self._own)
        return Distinct(rows, self._kinds)

    def whole(self) -> Answer:
        """Return the formula's value, of the counts of the classes."""
        return Answer(float(self._scores(self._counts[None])[0]), note=self._note())

    def over_splits(self, splits: int) -> Answer:
        """Return the mean of the formula over the splits, of the counts in each."""
        counts = counts_in_runs(self._kinds, len(self.shares), split_edges(self.images, splits))
        return Answer(float(self._scores(counts).mean()), note=self._note())

    def reason(self) -> str:
        """Say which class comes most and how sure the classifier is."""
        top = int(self._counts.argmax())
        sure = self._own @ self._counts / self.images
        return (
            f"{np.count_nonzero(self._counts)} of {len(self.shares)} classes come up, class {top} most, in "
            f"{self._counts[top]} of {self.images} images; on average an image has probability {sure:.3g} in its class."
        )

    @cached_property
    def _counts(self) -> NDArray[np.intp]:
        """Number of images of each class, (C,)."""
        return whole_counts(self.shares, self.images)

    @cached_property
    def _kinds(self) -> NDArray[np.intp]:
        return in_turn(self._counts)

    @property
    def _own(self) -> NDArray[np.float64]:
        """Probability of the class that an image shows, (C,)."""
        return np.resize(self.confidence, len(self.shares))

    @property
    def _others(self) -> NDArray[np.float64]:
        """Probability of each other class, (C,)."""
        return (1 - self._own) / (len(self.shares) - 1)

    def _scores(self, counts: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the score of each split, from the numbers of images of each class in it, (S, C)."""
        own, others, sizes = self._own, self._others, counts.sum(axis=1)
        marginal = ((counts @ others)[:, None] + counts * (own - others)) / sizes[:, None]
        doubt = counts @ (entr(own) + (len(own) - 1) * entr(others)) / sizes
        # A class that never comes has rounding there instead of 0.
        scores: NDArray[np.float64] = np.exp(entr(marginal.clip(min=0)).sum(axis=1) - doubt)
        return scores

    def _note(self) -> str:
        said = ["shares are rounded to whole images"]
        if len(self.confidence) < len(self.shares):
            said.append(f"{len(self.confidence)} confidences are used over and over for {len(self.shares)} classes")
        if len(self.confidence) > len(self.shares):
            said.append(f"of {len(self.confidence)} confidences, the first {len(self.shares)} are used")
        return "; ".join(said)
