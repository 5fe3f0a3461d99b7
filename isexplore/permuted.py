"""The Jensen–Shannon divergence of the splits' marginals, for the images as they lie and in random orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device

from isexplore.arrays import TINY, to_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from isexplore.arrays import Rows

# A permutation test looks at this many numbers and images at most.
MOST_NUMBERS, MOST_IMAGES = 10**7, 50_000
# Numbers in a matrix of split indicators or sums: a few permutations at a time.
INDICATORS = 2**22


def permuted_divergences(
    rows: Rows,
    edges: NDArray[np.int64],
    permutations: int,
    seed: int,
    order: NDArray[np.intp] | None = None,
) -> tuple[NDArray[np.float64], int]:
    """Return the JSD of the splits as they are, followed by that of random orders, and how many images were used.

    The images keep their places and the split numbers are permuted; the sums over splits are then a product of a matrix
    of zeros and ones with the rows.

    Parameters
    ----------
    rows
        The predictions.
    edges
        (S + 1,) where the splits begin and end.
    permutations
        Number of random orders R.
    seed
        Of the permutations, and of the random subset that a large set is thinned to.
    order
        (N,) permutation in which the images are taken; None: as they lie.

    Returns
    -------
    tuple
        (R + 1,) divergences in nats, and the number of images.

    Examples
    --------
    >>> from isexplore.arrays import read_rows
    >>> jsd, _ = permuted_divergences(read_rows(np.eye(2)), np.array([0, 1, 2]), permutations=2, seed=0)
    >>> jsd.round(6)
    array([0.693147, 0.693147, 0.693147])
    """
    rng = np.random.default_rng(seed)
    kept = _thinned(rows.n_images, rows.n_classes, rng)
    places = kept if order is None else np.argsort(order)[kept]
    labels = np.searchsorted(edges, places, side="right") - 1
    splits = len(edges) - 1
    sizes = np.bincount(labels, minlength=splits)
    deviations, marginal = _deviations(rows, kept)
    at_once = max(INDICATORS // (splits * max(len(kept), rows.n_classes)), 1)
    draws = _draws(labels, permutations, at_once, rng)
    jsd = [_jsd(_split_sums(drawn, splits, deviations), marginal, sizes) for drawn in draws]
    return np.concatenate(jsd), len(kept)


def _thinned(n: int, n_classes: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the numbers of the images to look at, increasing."""
    most = min(MOST_IMAGES, max(MOST_NUMBERS // n_classes, 1))
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def _draws(
    labels: NDArray[np.intp], permutations: int, at_once: int, rng: np.random.Generator
) -> Iterator[NDArray[np.intp]]:
    """Yield the split numbers as they are, and then permuted: several rows of them at a time."""
    for first in range(0, permutations + 1, at_once):
        drawn = np.tile(labels, (min(at_once, permutations + 1 - first), 1))
        permuted = drawn[1:] if first == 0 else drawn
        rng.permuted(permuted, axis=1, out=permuted)
        yield drawn


def _split_sums(drawn: NDArray[np.intp], splits: int, deviations: Any) -> Any:
    """Return the splits' sums of the rows, (permutations, S, C), for each row of split numbers."""
    xp = array_namespace(deviations)
    numbers = xp.arange(splits, device=device(deviations))[None, :, None]
    step = max(INDICATORS // (splits * len(drawn)), 1)
    sums: Any = 0.0
    for start in range(0, drawn.shape[1], step):
        part = xp.asarray(drawn[:, None, start : start + step], device=device(deviations))
        indicators = xp.reshape(xp.astype(part == numbers, deviations.dtype), (len(drawn) * splits, -1))
        sums = sums + xp.astype(indicators @ deviations[start : start + step, :], xp.float64)
    return xp.reshape(sums, (len(drawn), splits, -1))


def _deviations(rows: Rows, kept: NDArray[np.intp]) -> tuple[Any, Any]:
    """Return the rows less their mean, in float32, and the mean: sums of deviations lose nothing to rounding."""
    total: Any = 0.0
    blocks = []
    for _, p in rows.blocks(None if len(kept) == rows.n_images else kept):
        xp = array_namespace(p)
        blocks.append(xp.astype(p, xp.float32))
        total = total + xp.sum(p, axis=0)
    marginal = total / len(kept)
    deviations = xp.concat(blocks)
    deviations -= xp.astype(marginal, xp.float32)
    return deviations, marginal


def _jsd(sums: Any, marginal: Any, sizes: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return Σ w_s KL(m_s‖m) of each permutation, from the splits' sums of deviations (permutations, S, C)."""
    xp = array_namespace(sums)
    weights = xp.asarray(sizes / sizes.sum(), device=device(sums))
    count = xp.asarray(np.maximum(sizes, 1.0), device=device(sums))  # a split that thinning left empty has no weight
    ratio = sums / (count[:, None] * (marginal + TINY))  # m_s/m − 1
    ratio = xp.clip(ratio, min=-1 + 1e-12)
    # (1 + r) ln(1 + r) − r is never negative, unlike its first term, and keeps its digits where r is small.
    divergences = xp.sum(marginal * ((1 + ratio) * xp.log1p(ratio) - ratio), axis=2)
    return to_numpy(divergences @ weights)
