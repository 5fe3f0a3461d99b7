"""The ways in which code cuts a sample set into splits, and what each then prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isexplore.edges import check_splits, split_edges

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["RULES", "PrintedSplits", "SplitRule", "printed_score"]


@dataclass(frozen=True)
class SplitRule:
    """A way to cut N images into S splits.

    Attributes
    ----------
    title, user
        What it does, and who does it so.
    cuts
        Gives, for N and S, the increasing numbers of images at which splits begin and end.
    """

    title: str
    user: str
    cuts: Callable[[int, int], NDArray[np.int64]]


def equal_cuts(n: int, splits: int) -> NDArray[np.int64]:
    """Return the cuts of S splits of N // S images each; up to S − 1 images are left out at the end.

    Examples
    --------
    >>> equal_cuts(11, 4)
    array([0, 2, 4, 6, 8])
    """
    return np.arange(check_splits(splits, n) + 1, dtype=np.int64) * (n // splits)


def chunk_cuts(n: int, splits: int) -> NDArray[np.int64]:
    """Return the cuts of splits of ⌈N / S⌉ images, as torch.chunk makes them: the last is shorter, and some may lack.

    Examples
    --------
    >>> chunk_cuts(12, 10)
    array([ 0,  2,  4,  6,  8, 10, 12])
    """
    return cuts_of_size(n, -(-n // check_splits(splits, n)))


def cuts_of_size(n: int, size: int) -> NDArray[np.int64]:
    """Return the cuts of parts of a given size; the last part may be smaller.

    Examples
    --------
    >>> cuts_of_size(5, 2)
    array([0, 2, 4, 5])
    """
    return np.append(np.arange(0, n, size, dtype=np.int64), n)


RULES = {
    "floor": SplitRule("i·N // S, all images", "as improved-gan and torch-fidelity", split_edges),
    "equal": SplitRule("N // S, the rest left out", "as piq and the Keras tutorial", equal_cuts),
    "chunk": SplitRule("⌈N / S⌉, the last shorter", "as torchmetrics", chunk_cuts),
}


@dataclass(frozen=True, eq=False)
class PrintedSplits:
    """What code prints that follows a rule.

    Attributes
    ----------
    mean, std
        Of the split scores; the standard deviation is NaN where it is that of a sample of one.
    cuts
        (K + 1,) where the K splits begin and end.
    left_out
        How many images belong to no split.
    """

    mean: float
    std: float
    cuts: NDArray[np.int64]
    left_out: int

    @property
    def splits(self) -> int:
        """How many splits there are: torch.chunk may make fewer than it was asked for."""
        return len(self.cuts) - 1


def printed_score(
    split_scores: NDArray[np.float64], cuts: NDArray[np.int64], n: int, *, of_a_sample: bool = False
) -> PrintedSplits:
    """Return the mean and the spread of the split scores that a rule gives.

    Parameters
    ----------
    split_scores
        (K,) scores of the splits.
    cuts
        (K + 1,) where they begin and end.
    n
        Number of images N.
    of_a_sample
        Whether the standard deviation divides by K − 1, as torchmetrics and piq do, and not by K.

    Examples
    --------
    >>> printed_score(np.array([2.0, 3.0]), equal_cuts(5, 2), n=5, of_a_sample=True).left_out
    1
    """
    std = float(split_scores.std(ddof=int(of_a_sample))) if len(split_scores) > of_a_sample else float("nan")
    return PrintedSplits(float(split_scores.mean()), std, cuts, n - int(cuts[-1]))
