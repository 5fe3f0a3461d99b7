"""Score a set whose predictions are never in one place: sums that add across shards, machines and time.

    sums = merge_shards(shard_sums(logits=network(batch)) for batch in batches)
    sums.summary().overall

The memory needed is one block and (C, C) numbers, however many images there are. The sums are plain arrays, so an
all-reduce across machines adds them too.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, fields
from functools import reduce
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from array_api_compat import array_namespace
from safetensors import SafetensorError, safe_open

from isexplore.arrays import MIN_CLASSES, TINY, read_rows, to_numpy, xlogx
from isexplore.summary import Summary, summarise
from isexplore.tensor_files import expand_home, save_tensors

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

_FORMAT = "isexplore shard sums 1"


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
        (C, C) sum of p pᵀ.
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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the sums to one safetensors file of about C·C·8 bytes, whole or not at all.

        Raises
        ------
        OSError
            If the folder does not exist, or the file can't be written.
        """
        save_tensors(path, {f.name: np.array(getattr(self, f.name)) for f in fields(self)}, {"format": _FORMAT})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read sums that `save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, or does not hold sums over images.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     shard_sums(np.eye(4)).save(f"{folder}/0.safetensors")
        ...     ShardSums.load(f"{folder}/0.safetensors").n_images
        4
        """
        file = expand_home(path)
        if not file.is_file():
            raise FileNotFoundError(f"there is no file {file}")
        try:
            with safe_open(file, framework="numpy") as opened:
                tensors = {field.name: opened.get_tensor(field.name) for field in fields(cls)}
                _check(opened.metadata() or {}, tensors)
        except (SafetensorError, ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{file} holds no sums of a shard: {error}") from error
        return cls(**{name: array.item() if array.ndim == 0 else array for name, array in tensors.items()})


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
    sums = map(_checked, shards)
    first = next(sums, None)
    if first is None:
        raise ValueError("there are no shards to merge: give at least one")
    return reduce(operator.add, sums, first)


def _checked(shard: ShardSums) -> ShardSums:
    if not isinstance(shard, ShardSums):
        raise TypeError(
            f"a shard is {type(shard).__name__}: give shard_sums(predictions) of each, or ShardSums.load(path)"
        )
    return shard


def _check(metadata: Mapping[str, str], tensors: Mapping[str, NDArray[Any]]) -> None:
    """Refuse what can't be the sums of a shard."""
    if metadata.get("format") != _FORMAT:
        raise ValueError("it does not say that it holds any")
    n, p, p_log_p, h_p, h_h, p_p = tensors.values()
    c = p.size
    expected = [("int64", ()), *[("float64", shape) for shape in ((c,), (c,), (c,), (), (c, c))]]
    if c < MIN_CLASSES or [(str(array.dtype), array.shape) for array in tensors.values()] != expected:
        raise ValueError("its arrays have other types or shapes")
    if not all(np.isfinite(array).all() for array in tensors.values()):
        raise ValueError("it holds NaN or infinity")
    # Each row sums to one, so that its p pᵀ sums to p along both axes, and its h·p to h = −Σ p ln p.
    pairs = [(p.sum(), n), (p_p.sum(axis=0), p), (p_p.sum(axis=1), p), (h_p.sum(), -p_log_p.sum())]
    agree = all(np.allclose(a, b, rtol=1e-6, atol=1e-6) for a, b in pairs)
    if n < 1 or min(p.min(), -p_log_p.max(), h_p.min(), h_h, p_p.min()) < 0 or not agree:
        raise ValueError("its sums contradict each other")
