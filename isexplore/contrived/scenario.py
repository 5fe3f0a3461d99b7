"""What a scenario is: a few parameters that make p(y|x), the exact answer, and one sentence that it teaches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from isexplore.edges import check_splits
from isexplore.parameters import Number
from isexplore.parametrised import Parametrised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.contrived.rows import Rows
    from isexplore.parameters import Parameter

__all__ = ["Answer", "Scenario"]


@dataclass(frozen=True)
class Answer:
    """What the score must be.

    Attributes
    ----------
    score : float
        For "exact", the mean score over the splits. For "expected", exp(E ln IS): to be compared with the exponential
        of the mean of ln IS over the splits, as the mean score itself is a little higher.
    kind : {"exact", "expected", "approximate"}
        Whether it holds for these very images; for images drawn at random, in the mean; or nearly.
    note : str
        What should be known about it, if anything.
    """

    score: float
    kind: Literal["exact", "expected", "approximate"] = "exact"
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Scenario(Parametrised, ABC):
    """A contrived distribution; each is a frozen dataclass whose fields are its parameters.

    Attributes
    ----------
    title : str
        Its name for people.
    teaches : str
        One sentence.
    formula : str
        The exact answer as a formula; a parameter's name in braces stands for its number. Where it depends on a
        choice, see `written`.
    """

    title: ClassVar[str]
    teaches: ClassVar[str]
    formula: ClassVar[str]

    def ranges(self) -> dict[str, Parameter]:
        """Return what can be moved, and how far beside the other parameters as they are now."""
        ranges = self.parameters()
        for name, parameter in ranges.items():
            if isinstance(parameter, Number) and parameter.upto:
                most = max(parameter.low, min(parameter.high, getattr(self, parameter.upto)))
                ranges[name] = replace(parameter, high=most)
        return ranges

    def written(self) -> str:
        """Return the formula for what is chosen."""
        return self.formula

    @abstractmethod
    def rows(self) -> Rows:
        """Return p(y|x) of all images in few numbers."""

    @abstractmethod
    def whole(self) -> Answer:
        """Return the score of all images as one split, by a formula."""

    @abstractmethod
    def reason(self) -> str:
        """Say in a sentence or two, with these numbers, why the score is what it is."""

    def over_splits(self, splits: int) -> Answer | None:  # noqa: ARG002 - few scenarios know an answer
        """Return the mean score over 2 or more splits by a formula, or None where there is none."""
        return None

    def probabilities(self) -> NDArray[np.float64]:
        """Return p(y|x) of all images, (N, C)."""
        rows = self.rows()
        return rows.take(np.arange(rows.n_images))

    def expected(self, splits: int = 1) -> Answer | None:
        """Return the exact score over a number of contiguous splits, or None where no formula is known.

        Parameters
        ----------
        splits
            S, from 1 to the number of images.

        Raises
        ------
        ValueError
            If there are fewer images than splits.
        """
        rows = self.rows()
        check_splits(splits, rows.n_images)
        if splits == 1:
            return self.whole()
        answer = self.over_splits(splits)
        if answer is not None or not _alike(rows, splits):
            return answer
        whole = self.whole()
        return replace(whole, note="; ".join(filter(None, (whole.note, "every split holds the same mixture of rows"))))


def _alike(rows: Rows, splits: int) -> bool:
    """Say whether all splits have the same shares of each kind of row, and so the same score."""
    if rows.n_images % splits:
        return False
    kinds = np.sort(rows.kinds().reshape(splits, -1), axis=1)
    return bool((kinds == kinds[0]).all())
