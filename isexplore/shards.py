"""Score a set whose predictions are never in one place: sums that add across shards, machines and time.

    sums = merge_shards(shard_sums(logits=network(batch)) for batch in batches)
    sums.summary().overall

However many images there are, sums take 8·C² bytes, 8 MB at 1000 classes, and `shard_sums` as much again and a block of
rows. Processes that share nothing gather theirs:

    shards = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(shards, sums)
    merge_shards(shards).summary().overall

`isexplore.shard_files` keeps them on disk.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, fields
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace

from isexplore.arrays import TINY, to_numpy, xlogx
from isexplore.matrices import read_rows
from isexplore.summary import Summary, summarise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ShardSums:
    """Sums over some of the images; ``a + b`` are the sums over the images of both.

    Attributes
    ----------
    n_images
        Number of images.
    probabilities
        (C,) sum of p.
    xlogx
        (C,) sum of p ln p, in nats; minus its total is the sum of the entropies h.
    entropy_products
        (C,) sum of h·p, in nats.
    entropy_squares
        Sum of h², in nats².
    products
        (C, C) sum of p pᵀ, of 8·C² bytes.
    """

    n_images: int
    probabilities: NDArray[np.float64]
    xlogx: NDArray[np.float64]
    entropy_products: NDArray[np.float64]
    entropy_squares: float
    products: NDArray[np.float64]

    def __add__(self, other: ShardSums) -> ShardSums:
        if not isinstance(other, ShardSums):
            return NotImplemented
        mine, others = len(self.probabilities), len(other.probabilities)
        if mine != others:
            raise ValueError(f"shards of {mine} and of {others} classes do not add: use one classifier for all")
        return ShardSums(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def summary(self) -> Summary:
        """Return the score of these images with its bias, correction and standard error.

        Examples
        --------
        >>> round(shard_sums(np.eye(4)).summary().overall, 9)
        4.0
        """
        n = self.n_images
        marginal, mean_xlogx = self.probabilities / n, self.xlogx / n
        # A class that no image reaches has sums of 0, so its logarithm counts for nothing.
        log_m = np.log(marginal + TINY)
        # Σ KL² with KL = −h − p·ln m.
        kl_squares = self.entropy_squares + 2 * self.entropy_products @ log_m + log_m @ self.products @ log_m
        log_score = mean_xlogx.sum() - marginal @ log_m
        variance = max(float(kl_squares / n - log_score**2), 0.0)
        return summarise(n, marginal, np.diag(self.products) / n, mean_xlogx, variance)


def shard_sums(predictions: Any = None, *, logits: Any = None) -> ShardSums:
    """Read the rows of one shard, or of one batch, once.

    The products cost N·C² operations: at 1000 classes several times what a score costs.

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array, tensor or memory map of probabilities.
    logits
        (N, C) logits instead of probabilities.

    Raises
    ------
    TypeError
        If both or neither of `predictions` and `logits` are given, or the matrix holds no real numbers.
    ValueError
        If the matrix is not N ≥ 1 by C ≥ 2, or a row is no distribution.

    Examples
    --------
    >>> both = shard_sums(np.eye(4)[:1]) + shard_sums(np.eye(4)[1:])
    >>> round(both.summary().overall, 9)
    4.0
    """
    rows = read_rows(predictions, logits=logits)
    c = rows.n_classes
    sums, xlogxs, entropy_products, products = np.zeros(c), np.zeros(c), np.zeros(c), np.zeros((c, c))
    entropy_squares = 0.0
    for _, p in rows.blocks():
        xp = array_namespace(p)
        p_log_p = xlogx(p)
        h = -xp.sum(p_log_p, axis=1)
        sums += to_numpy(xp.sum(p, axis=0))
        xlogxs += to_numpy(xp.sum(p_log_p, axis=0))
        entropy_products += to_numpy(h @ p)
        entropy_squares += float(h @ h)
        products += to_numpy(p.T @ p)
    return ShardSums(rows.n_images, sums, xlogxs, entropy_products, entropy_squares, products)


def merge_shards(shards: Iterable[ShardSums]) -> ShardSums:
    """Add up the sums of several shards, or of a stream of them, of which only two are in memory at a time.

    Parameters
    ----------
    shards
        Sums of at least one shard, all over the same classes.

    Raises
    ------
    TypeError
        If a shard is no `ShardSums`.
    ValueError
        If there are no shards, or their numbers of classes differ.

    Examples
    --------
    A stream of batches:

    >>> p = np.repeat(np.eye(4), 100, axis=0)
    >>> merge_shards(shard_sums(p[i : i + 50]) for i in range(0, 400, 50)).summary().n_images
    400
    """
    if isinstance(shards, ShardSums):
        raise TypeError("this is one shard: give a list of them")
    sums = map(_checked, shards)
    first = next(sums, None)
    if first is None:
        raise ValueError("there are no shards to merge: give at least one")
    return reduce(operator.add, sums, first)


def _checked(shard: ShardSums) -> ShardSums:
    if not isinstance(shard, ShardSums):
        raise TypeError(f"a shard is {type(shard).__name__}: give shard_sums(predictions) of each, or load_shard(path)")
    return shard
