"""The Jensen–Shannon divergence of the splits' marginals, for the images as they lie and in random orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace

from isexplore.arrays import TINY, to_numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.arrays import Rows

# A permutation test looks at this many numbers and images at most.
MOST_NUMBERS, MOST_IMAGES = 10**7, 50_000
# Sums of several permutations are taken at once while they fit a processor's cache.
CACHED = 2**18
# Numbers in a block of split marginals: few enough for a small cache.
BUFFER = 2**14
# Labels of so many images, all permutations taken at once together.
LABELS = 2**21
# A float32 sum of more rows than about this many could differ between equal sums by more than the test allows.
SUMMED = 1024


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Some rows of predictions, each with the number of its split.

    Attributes
    ----------
    deviations
        (n, C) rows less their mean, in float32: their sums lose little to rounding.
    marginal
        (C,) mean of the rows.
    labels
        (n,) numbers of the splits, each of 0 to S − 1 at least once.
    """

    deviations: NDArray[np.float32]
    marginal: NDArray[np.float64]
    labels: NDArray[np.int32]

    @property
    def n_splits(self) -> int:
        """S."""
        return int(self.labels.max()) + 1

    def divergences(self, labels: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the JSD of the splits, in nats, for each row of (permutations, n) split numbers."""
        sums = _split_sums(labels, self.n_splits, self.deviations)
        return _jsd(sums, self.marginal, np.bincount(self.labels))

    def permuted(self, permutations: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the JSD of the splits in each of several random orders.

        The images keep their places and the split numbers are permuted.

        Examples
        --------
        >>> from isexplore.matrices import read_rows
        >>> rng = np.random.default_rng(0)
        >>> labelled_rows(read_rows(np.eye(2)), np.array([0, 1, 2]), rng).permuted(3, rng).round(6)
        array([0.693147, 0.693147, 0.693147])
        """
        n, n_classes = self.deviations.shape
        at_once = max(min(CACHED // (self.n_splits * n_classes), LABELS // n), 1)
        counts = [min(at_once, permutations - first) for first in range(0, permutations, at_once)]
        drawn = (rng.permuted(np.tile(self.labels, (count, 1)), axis=1) for count in counts)
        return np.concatenate([self.divergences(labels) for labels in drawn])


def labelled_rows(
    rows: Rows, edges: NDArray[np.int64], rng: np.random.Generator, order: NDArray[np.intp] | None = None
) -> LabelledRows:
    """Read the rows and say which split each lies in; of a large set, those of a random subset.

    Parameters
    ----------
    rows
        The predictions.
    edges
        (S + 1,) where the splits begin and end; those that the subset leaves empty are not counted.
    rng
        Draws the subset.
    order
        (N,) permutation in which the images are taken; None: as they lie.

    Examples
    --------
    >>> from isexplore.matrices import read_rows
    >>> labelled_rows(read_rows(np.eye(3)), np.array([0, 1, 3]), np.random.default_rng(0)).labels
    array([0, 1, 1], dtype=int32)
    """
    kept = _thinned(rows.n_images, rows.n_classes, rng)
    places = kept if order is None else np.argsort(order)[kept]
    _, labels = np.unique(np.searchsorted(edges, places, side="right"), return_inverse=True)
    total: Any = 0.0
    blocks = []
    for _, p in rows.blocks(None if len(kept) == rows.n_images else kept):
        xp = array_namespace(p)
        blocks.append(to_numpy(xp.astype(p, xp.float32)))
        total = total + xp.sum(p, axis=0)
    marginal = to_numpy(total) / len(kept)
    deviations = np.concatenate(blocks)
    deviations -= marginal.astype(np.float32)
    return LabelledRows(deviations, marginal, labels.astype(np.int32))


def _thinned(n: int, n_classes: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the numbers of the images to look at, increasing."""
    most = min(MOST_IMAGES, max(MOST_NUMBERS // n_classes, 1))
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def _split_sums(labels: NDArray[np.int32], splits: int, deviations: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
    """Return the splits' sums of the rows, (permutations, S, C), for each row of split numbers.

    They are the product of a sparse matrix of ones, one for each image and permutation, with the rows: the time does
    not depend on the number of splits.
    """
    from scipy.sparse import csc_array

    count, n = labels.shape
    places = (labels + splits * np.arange(count, dtype=np.int32)[:, None]).T  # where image i is added: (n, count)
    ones = np.ones(places.size, dtype=np.float32)
    sums: Any = 0.0
    step = SUMMED * splits
    for start in range(0, n, step):
        part = places[start : start + step].ravel()
        ends = np.arange(0, len(part) + 1, count, dtype=np.int32)
        rows = deviations[start : start + step]
        added = csc_array((ones[: len(part)], part, ends), shape=(count * splits, len(rows))) @ rows
        sums = added if n <= step else sums + added.astype(np.float64)
    return np.asarray(sums).reshape(count, splits, -1)


def _jsd(
    sums: NDArray[np.floating[Any]], marginal: NDArray[np.float64], sizes: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return Σ w_s KL(m_s‖m) of each permutation, from the splits' sums of deviations (permutations, S, C)."""
    jsd = np.zeros(len(sums))
    weights = sizes / sizes.sum()
    step = max(BUFFER // (len(sums) * len(marginal)), 1)
    for start in range(0, len(sizes), step):
        part = slice(start, start + step)
        ratio = sums[:, part] * (1 / (marginal + TINY))
        ratio *= 1 / sizes[part, None]
        ratio += 1.0  # m_s/m
        np.maximum(ratio, TINY, out=ratio)
        # x ln x − x + 1 is never negative, unlike its first term, and their sum keeps more digits where x is near one.
        terms = np.log(ratio)
        terms -= 1.0
        terms *= ratio
        terms += 1.0
        jsd += terms @ marginal @ weights[part]
    return jsd
