"""The sums over images that a score is made of: one pass over the rows, and a second for the divergences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from array_api_compat import array_namespace, device

from isexplore.arrays import TINY, Rows, to_numpy, xlogx
from isexplore.splits import SplitSums, SplitTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Terms:
    """What one pass over the rows gives."""

    entropies: NDArray[np.float64]  # (N,) H(p)
    marginal: NDArray[np.float64]  # (C,) mean of p
    mean_square: NDArray[np.float64]  # (C,) mean of p²
    mean_xlogx: NDArray[np.float64]  # (C,) mean of p ln p
    table: SplitTable


def read_terms(rows: Rows, counts: Iterable[int]) -> Terms:
    """Read the rows once; the table answers these split counts."""
    n, n_classes = rows.n_images, rows.n_classes
    entropies = np.empty(n)
    squares, xlogxs = np.zeros(n_classes), np.zeros(n_classes)
    sums = SplitSums(n, n_classes, counts)
    for start, p in rows.blocks():
        xp = array_namespace(p)
        p_log_p = xlogx(p)
        block = np.maximum(-to_numpy(xp.sum(p_log_p, axis=1)), 0)
        entropies[start : start + len(block)] = block
        squares += to_numpy(xp.sum(p * p, axis=0))
        xlogxs += to_numpy(xp.sum(p_log_p, axis=0))
        sums.add(start, p, block)
    table = sums.table()
    return Terms(entropies, table.probabilities[-1] / n, squares / n, xlogxs / n, table)


def divergences(rows: Rows, marginal: NDArray[np.float64], entropies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Read the rows a second time, for KL(p‖m) = −H(p) − Σ_c p_c ln m_c of each."""
    # A class that no image reaches has p_c = 0 in every row, so its logarithm counts for nothing.
    log_marginal = np.log(marginal + TINY)
    cross_entropies = np.empty(rows.n_images)
    for start, p in rows.blocks():
        weights = array_namespace(p).asarray(log_marginal, device=device(p))
        cross_entropies[start : start + p.shape[0]] = -to_numpy(p @ weights)
    return np.maximum(cross_entropies - entropies, 0)
