"""Ways to cut a sample set into parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isexplore.edges import split_edges
from isexplore.rules import cuts_of_size, equal_cuts

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Partition:
    """Which part of a sample set each image belongs to.

    Attributes
    ----------
    labels
        (N,) number of the image's part, from 0 on; K: in none.
    count
        Number of parts K that hold an image.
    empty
        Number of parts that hold none.
    """

    labels: NDArray[np.int64]
    count: int
    empty: int = 0

    def along(self, order: NDArray[np.int64]) -> Partition:
        """Return the partition of the images taken in another order.

        Examples
        --------
        >>> floor_splits(4, 2).along(np.array([3, 0, 1, 2])).labels
        array([0, 1, 1, 0])
        """
        labels = np.empty_like(self.labels)
        labels[order] = self.labels
        return Partition(labels, self.count, self.empty)


def floor_splits(n: int, splits: int) -> Partition:
    """Cut n images before image i·n // S; with fewer images than splits some hold none.

    Examples
    --------
    >>> floor_splits(5, 2).labels
    array([0, 0, 1, 1, 1])
    >>> floor_splits(5, 7).empty
    2
    """
    count = min(n, splits)  # with fewer images than splits each image is a split of its own
    return _partition(n, split_edges(n, count), empty=splits - count)


def equal_splits(n: int, splits: int) -> Partition:
    """Cut n images into S splits of n // S, which leaves out the last n mod S; with n < S all splits are empty.

    Examples
    --------
    >>> equal_splits(5, 2).labels
    array([0, 0, 1, 1, 2])
    >>> equal_splits(5, 7).empty
    7
    """
    if n < splits:
        return Partition(np.zeros(n, dtype=np.int64), 0, splits)
    return _partition(n, equal_cuts(n, splits))


def chunks(n: int, size: int) -> Partition:
    """Cut n images into parts of a given size; the last may be shorter.

    Examples
    --------
    >>> chunks(5, 2).labels
    array([0, 0, 1, 1, 2])
    """
    return _partition(n, cuts_of_size(n, size))


def _partition(n: int, cuts: NDArray[np.int64], empty: int = 0) -> Partition:
    return Partition(np.searchsorted(cuts, np.arange(n), side="right") - 1, len(cuts) - 1, empty)
