"""The sums over images that a score is made of: one pass over the rows, and a second for the divergences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device

from isexplore.arrays import TINY, Rows, exponentials, in_float64, to_numpy
from isexplore.chunks import each_chunk
from isexplore.edges import runs

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Terms:
    """What one pass over the rows gives; images are in the order that they were read in."""

    cumulative: NDArray[np.float64]  # (K, C) sum of p over the images before each edge
    entropies: NDArray[np.float64]  # (N,) H(p)
    scales: NDArray[np.float64]  # (N,) what a row was multiplied by to sum to one
    marginal: NDArray[np.float64]  # (C,) mean of p
    mean_square: NDArray[np.float64]  # (C,) mean of p²
    mean_xlogx: NDArray[np.float64]  # (C,) mean of p ln p


def read_terms(rows: Rows, edges: NDArray[np.intp], order: NDArray[np.intp] | None = None) -> Terms:
    """Read the rows once, in an order; the edges are sorted and reach from 0 to N."""
    n, n_classes = rows.n_images, rows.n_classes
    entropies, scales = np.empty(n), np.empty(n)
    cumulative = np.zeros((len(edges), n_classes))
    squares, xlogxs = np.zeros(n_classes), np.zeros(n_classes)

    reading = _Reading(rows, edges, order, entropies, scales)
    for chunk in each_chunk(rows, n, reading.chunk):
        cumulative[chunk.first : chunk.first + len(chunk.pieces)] += to_numpy(chunk.pieces)
        squares += to_numpy(chunk.squares)
        xlogxs += to_numpy(chunk.xlogxs)
    np.cumsum(cumulative, axis=0, out=cumulative)
    return Terms(cumulative, entropies, scales, cumulative[-1] / n, squares / n, xlogxs / n)


def divergences(rows: Rows, terms: Terms, order: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
    """Read the rows a second time, in the same order, for KL(p‖m) = −H(p) − Σ_c p_c ln m_c of each."""
    # A class that no image reaches has p_c = 0 in every row, so its logarithm counts for nothing.
    log_marginal = np.log(terms.marginal + TINY)
    kl = np.empty(rows.n_images)

    def read(start: int, stop: int) -> None:
        for begin in range(start, stop, rows.step):
            end = min(begin + rows.step, stop)
            p = in_float64(rows.take(begin, end, order))
            if rows.are_logits:
                p, _ = exponentials(p, np.arange(begin, end))
            xp = array_namespace(p)
            cross = to_numpy(xp.vecdot(p, xp.asarray(log_marginal, device=device(p))))
            kl[begin:end] = -terms.scales[begin:end] * cross - terms.entropies[begin:end]

    for _ in each_chunk(rows, rows.n_images, read):
        pass
    return np.maximum(kl, 0, out=kl)


@dataclass(frozen=True, eq=False)
class _Sums:
    """The sums over one chunk of rows, where the rows lie."""

    first: int  # number of the edge that ends the first piece
    pieces: Any  # (k, C) sums of p between neighbouring edges, as far as the chunk reaches
    squares: Any  # (C,) sum of p²
    xlogxs: Any  # (C,) sum of p ln p

    @classmethod
    def zeros(cls, rows: Rows, first: int, last: int) -> _Sums:
        like = rows.take(0, 1)
        xp = array_namespace(like)
        shapes = (last - first + 1, rows.n_classes), rows.n_classes, rows.n_classes
        return cls(first, *(xp.zeros(shape, dtype=xp.float64, device=device(like)) for shape in shapes))

    def add(self, p: Any, x: Any, scale: Any, piece: NDArray[np.intp]) -> None:
        """Add rows p (n, C), which are written over, with x = p ln p, their scales (n,) and their pieces (n,)."""
        # Sums by einsum, not by matrix products: on a busy machine the threads of BLAS wait for each other.
        xp = array_namespace(p)
        for i, j, k in runs(piece):
            self.pieces[k - self.first, :] += xp.einsum("i,ij->j", scale[i:j], p[i:j, :])
        self.xlogxs[...] += xp.einsum("i,ij->j", scale, x) + xp.einsum("i,ij->j", scale * xp.log(scale), p)
        p *= p
        self.squares[...] += xp.einsum("i,ij->j", scale * scale, p)


@dataclass(frozen=True, eq=False)
class _Reading:
    """One pass over the rows; chunks may be read by several threads, as each writes to its own images only."""

    rows: Rows
    edges: NDArray[np.intp]
    order: NDArray[np.intp] | None
    entropies: NDArray[np.float64]  # (N,) written
    scales: NDArray[np.float64]  # (N,) written

    def chunk(self, start: int, stop: int) -> _Sums:
        """Return the sums over some rows."""
        rows = self.rows
        piece = np.searchsorted(self.edges, np.arange(start, stop), side="right")  # of each image
        sums = _Sums.zeros(rows, int(piece[0]), int(piece[-1]))
        buffers: Any = None
        for begin in range(start, stop, rows.step):
            end = min(begin + rows.step, stop)
            block = rows.take(begin, end, self.order)
            xp = array_namespace(block)
            if not buffers:  # fresh memory for every block would cost more than the sums
                buffers = tuple(xp.empty(block.shape, dtype=xp.float64, device=device(block)) for _ in range(2))
            p, x = (buffer[: end - begin, :] for buffer in buffers)
            p[...] = block
            names = np.arange(begin, end) if self.order is None else self.order[begin:end]
            p, x, totals = _from_logits(p, names) if rows.are_logits else _from_probabilities(rows, p, x, names)
            # With p' = s·p: Σ p' ln p' = s Σ p ln p + ln s, for every row and, weighted so, for every column.
            scale = 1 / totals
            entropy = -scale * xp.einsum("ij->i", x) - xp.log(scale)
            self.scales[begin:end] = to_numpy(scale)
            self.entropies[begin:end] = np.maximum(to_numpy(entropy), 0)
            sums.add(p, x, scale, piece[begin - start : end - start])
        return sums


def _from_probabilities(rows: Rows, p: Any, x: Any, names: NDArray[np.intp]) -> tuple[Any, Any, Any]:
    """Return p, p ln p and the sums of the rows; x is written over."""
    xp = array_namespace(p)
    with np.errstate(invalid="ignore", over="ignore"):
        totals, least = rows.measure(p, names)
    if least > 0:
        xp.log(p, out=x)
    else:
        xp.add(p, TINY, out=x)
        xp.log(x, out=x)
    x *= p
    return p, x, totals


def _from_logits(logits: Any, names: NDArray[np.intp]) -> tuple[Any, Any, Any]:
    """Return p, p ln p and the sums of the rows, of p = exp(z) that is yet to be divided by its sum."""
    p, z = exponentials(logits, names)
    return p, p * z, array_namespace(p).sum(p, axis=1)
