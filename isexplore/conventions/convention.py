"""A convention: one way in which some code turns predictions into an Inception Score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from isexplore.conventions.parts import Parts
    from isexplore.conventions.sums import ConventionSums

# Why a score by plain logarithms is NaN.
PLAIN_ZERO = "an exact zero makes 0 · ln 0 = nan in plain logarithms"


@dataclass(frozen=True)
class Printed:
    """What a convention makes of a sample set.

    Attributes
    ----------
    value
        The score; NaN or infinite where the original's is, NaN where the original raises.
    spread
        The number that it prints beside the score; None where it prints none.
    note
        Why a number is no number, and what these predictions in particular make of the convention.
    """

    value: float
    spread: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Convention:
    """One way to compute the score.

    Attributes
    ----------
    name
        Whose it is.
    difference
        What it does differently, in one sentence.
    source
        Where it can be read.
    compute
        The same computation from sums.
    remark
        What always deserves a line beside its number.
    """

    name: str
    difference: str
    source: str
    compute: Callable[[ConventionSums], Printed]
    remark: str = ""

    def row(self, sums: ConventionSums) -> ConventionRow:
        """Return what it prints, with its explanation."""
        printed = self.compute(sums)
        return ConventionRow(
            self.name, printed.value, printed.spread, printed.note, self.difference, self.remark, self.source
        )


@dataclass(frozen=True)
class ConventionRow:
    """What one convention prints, and why.

    Attributes
    ----------
    convention
        Whose it is.
    value
        The score; NaN or infinite where the original's is, NaN where the original raises.
    spread
        The number that it prints beside the score; None where it prints none.
    note
        Why a number is no number, and what these predictions in particular make of the convention; often empty.
    difference
        What it does differently, in one sentence.
    remark
        What else deserves a line, whatever the predictions; often empty.
    source
        Where it can be read.
    """

    convention: str
    value: float
    spread: float | None
    note: str
    difference: str
    remark: str
    source: str


def over_parts(
    parts: Parts,
    log_scores: NDArray[np.float64],
    bad: NDArray[np.bool_],
    why: str,
    ddof: int = 0,
) -> Printed:
    """Return mean and standard deviation of the parts' scores, NaN with the reason where a part has none.

    Parameters
    ----------
    parts
        K parts.
    log_scores
        (K,) ln of their scores.
    bad
        (K,) parts whose score is NaN in the original.
    why
        The reason, as a clause.
    ddof
        0: population standard deviation; 1: sample standard deviation, NaN for a single part.

    Examples
    --------
    >>> from isexplore.arrays import Rows
    >>> from isexplore.conventions.partitions import floor_splits
    >>> from isexplore.conventions.parts import read_parts
    >>> (halves,) = read_parts(Rows(np.eye(4)), [floor_splits(4, 2)])
    >>> over_parts(halves, halves.log_scores, halves.has_zero, "0 · ln 0 is nan").note
    'nan: 0 · ln 0 is nan, in 2 of 2 splits.'
    """
    count = len(parts.sizes) + parts.empty
    failed = np.count_nonzero(bad)
    notes = []
    if parts.empty:
        notes.append(f"nan: {parts.empty} of {count} splits hold no image, and the mean of nothing is nan.")
    if failed:
        where = "" if count == 1 else f", in {failed} of {count} splits"
        notes.append(f"nan: {why}{where}.")
    if count <= ddof:
        notes.append("The spread is nan: one split has no sample standard deviation.")
    note = join(*notes)
    if parts.empty or failed:
        return Printed(math.nan, math.nan, note)
    scores = np.exp(log_scores)
    return Printed(float(scores.mean()), float(scores.std(ddof=ddof)) if count > ddof else math.nan, note)


def dropped_images(sums: ConventionSums) -> str:
    """Say how many images equal splits leave out; nothing if none, or if all splits are empty."""
    dropped = sums.n_images % sums.splits
    return f"The last images are left out, {dropped} of {sums.n_images}." if 0 < dropped < sums.n_images else ""


def join(*sentences: str) -> str:
    """Return sentences as one text, without the empty ones."""
    return " ".join(filter(None, sentences))
