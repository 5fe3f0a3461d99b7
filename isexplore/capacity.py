"""How far cherry-picking can go: the largest score that choosing or weighting the images of a set can reach.

Seen as a channel from image to label, a set scores exp I(w) when image i is taken with weight w_i, and I is the mutual
information of image and label. Its maximum over w is the channel's capacity. For any weights w and any distribution q
over the classes (Blahut 1972; Arimoto 1972)

    I(w)  ≤  capacity  ≤  max_i KL(p_i ‖ q),

so that a pair (w, q) certifies itself, however it was found. Arimoto's and Blahut's own iteration needs thousands of
passes over the images. Here a few images at a time, at most one more for each class, are weighted best by Newton steps
(a primal-dual interior-point method); a pass over all images then bounds what the others could add, and finds those
that could add most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device

from isexplore.arrays import TINY, to_numpy, xlogx
from isexplore.matrices import read_rows
from isexplore.oneline import OneLine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.arrays import Rows

# What float64 resolves, with room.
FINEST, COARSEST = 1e-9, 1.0
# Each Newton step takes the gap down about tenfold.
NEWTON_STEPS = 50


@dataclass(frozen=True, eq=False, repr=False)
class Capacity(OneLine):
    """The largest score within reach of choosing and weighting images, between two bounds.

    Attributes
    ----------
    log_lower
        ln of the score that `weights` reach, in nats.
    log_upper
        No choice and no weighting of the images has a larger ln score, in nats.
    weights
        (N,) weights of the images, with sum 1. Unless the images as they are do best already, most are 0, and
        some tiny.
    steps
        Passes over all images that bounded the capacity.
    converged
        Whether the bounds lie within the tolerance; they hold even if not.
    """

    log_lower: float
    log_upper: float
    weights: NDArray[np.float64]
    steps: int
    converged: bool

    def __str__(self) -> str:
        used = int((self.weights > 0).sum())
        return f"at most {self.upper:.4g} by choosing images; {self.lower:.4g} with {used} of {len(self.weights)}"

    @property
    def lower(self) -> float:
        """Score that `weights` reach."""
        return math.exp(self.log_lower)

    @property
    def upper(self) -> float:
        """Score that no choice and no weighting of the images exceeds."""
        return math.exp(self.log_upper)


def channel_capacity(
    predictions: Any = None, *, logits: Any = None, tolerance: float = 1e-6, max_steps: int = 100
) -> Capacity:
    """Bound the score that the best choice or weighting of the images could reach.

    Takes a handful of passes over the matrix, read in blocks where it lies, and on the CPU room for the rows of
    the images in use (about as many as classes).

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array, tensor or memory map of probabilities.
    logits
        (N, C) logits instead of probabilities.
    tolerance
        The gap between the bounds, in nats, at which to stop: from 1e-9 to 1.
    max_steps
        Stop after so many passes over the images in any case.

    Raises
    ------
    TypeError, ValueError
        As `inception_score`; also if `tolerance` or `max_steps` is out of range.

    Examples
    --------
    Nine tenths of these images show one class. Taking the two classes alike reaches 2:

    >>> p = np.repeat(np.eye(2), [90, 10], axis=0)
    >>> capacity = channel_capacity(p)
    >>> round(capacity.lower, 4), round(capacity.upper, 4)
    (2.0, 2.0)
    """
    if not FINEST <= tolerance <= COARSEST:
        raise ValueError(f"tolerance is {tolerance}: give a gap in nats from {FINEST:g} to {COARSEST:g}")
    if max_steps < 1:
        raise ValueError(f"max_steps is {max_steps}: give at least 1")
    rows = read_rows(predictions, logits=logits)
    q, negentropies = _read_once(rows)
    weights = np.full(rows.n_images, 1 / rows.n_images)
    lower, upper = float(negentropies.mean() - xlogx(q).sum()), math.inf
    active = np.array([], dtype=np.intp)
    for step in range(1, max_steps + 1):
        divergences, leads = _divergences(rows, negentropies, q)
        upper = min(upper, float(divergences.max()))
        if upper - lower <= tolerance or step == max_steps:
            break
        active = np.union1d(active, _most_lacking(divergences, leads, lower))
        p = np.concatenate([to_numpy(block) for _, block in rows.blocks(active)])
        reached, part = _best_weights(p, negentropies[active], max(tolerance / 4, (upper - lower) / 100))
        q = part @ p
        if reached > lower:
            lower, weights = reached, np.zeros(rows.n_images)
            weights[active] = part
    upper = max(upper, lower)  # rounding may have crossed them
    return Capacity(lower, upper, weights, steps=step, converged=upper - lower <= tolerance)


def _read_once(rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean row (C,) and Σ_c p ln p of each image (N,)."""
    total, negentropies = np.zeros(rows.n_classes), np.empty(rows.n_images)
    for start, block in rows.blocks():
        xp = array_namespace(block)
        total += to_numpy(xp.sum(block, axis=0))
        negentropies[start : start + block.shape[0]] = to_numpy(xp.sum(xlogx(block), axis=1))
    return total / rows.n_images, negentropies


def _divergences(
    rows: Rows, negentropies: NDArray[np.float64], q: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return KL(p_i ‖ q) of each image, and the class in which it exceeds q most, as a ratio."""
    divergences, leads = negentropies.copy(), np.empty(rows.n_images, dtype=np.intp)
    for start, block in rows.blocks():
        xp, here = array_namespace(block), slice(start, start + block.shape[0])
        place = device(block)
        divergences[here] -= to_numpy(block @ xp.asarray(np.log(q + TINY), device=place))
        leads[here] = to_numpy(xp.argmax(block * xp.asarray(1 / (q + TINY), device=place), axis=1))
    return divergences, leads


def _most_lacking(divergences: NDArray[np.float64], leads: NDArray[np.intp], lower: float) -> NDArray[np.intp]:
    """Return for each class the image with the largest divergence that it leads, if it could raise the bound."""
    order = np.lexsort((-divergences, leads))
    first = order[np.unique(leads[order], return_index=True)[1]]
    found: NDArray[np.intp] = first[divergences[first] > lower]
    return found


def _best_weights(
    p: NDArray[np.float64], negentropies: NDArray[np.float64], tolerance: float
) -> tuple[float, NDArray[np.float64]]:
    """Maximise I(w) over the weights of a few images: return its value and the weights.

    At the maximum, slack s_i = U − KL(p_i ‖ w·p) and weight satisfy w_i s_i = 0 and Σ w = 1. A Newton step goes
    towards w_i s_i = μ, and μ goes to 0 with the gap. Multiplied by √w, the step's equations stay well-conditioned.
    """
    n = len(p)
    w = np.full(n, 1 / n)
    for step in range(1, NEWTON_STEPS + 1):
        q = w @ p + TINY
        divergences = negentropies - p @ np.log(q)
        value, largest = float(w @ divergences), float(divergences.max())
        gap = largest - value
        if gap <= tolerance or step == NEWTON_STEPS:
            break
        slack = largest + 0.1 * gap - divergences
        mu = 0.1 * (w @ slack) / n
        root = np.sqrt(w)
        scaled = root[:, None] * p / np.sqrt(q)
        matrix = scaled @ scaled.T
        matrix[np.diag_indices(n)] += slack
        free, level = np.linalg.solve(matrix, np.stack([mu / root + root * divergences, root], axis=1)).T
        change = root * (free - (root @ free) / (root @ level) * level)
        fastest = float(np.max(-change / w))
        w = w + change * min(1.0, 0.99 / fastest if fastest > 0 else 1.0)
        w /= w.sum()
    return value, w
