"""The score against the number of images: how much of it is sample size."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from isexplore.cumulative import sums_from
from isexplore.edges import all_edges
from isexplore.matrices import read_rows
from isexplore.splits import several, shuffled_order
from isexplore.summary import summarise
from isexplore.terms import divergences, read_terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray


POINTS = 12  # of a curve, where no sizes are given
SMALLEST = 10
MOST_CHUNKS = 1000  # of one size: more would only take memory


@dataclass(frozen=True, eq=False)
class SizeCurve:
    """The score against the number of images n.

    Attributes
    ----------
    sizes
        (K,) numbers of images n.
    mean, std
        (K,) mean and population standard deviation of the scores of disjoint random chunks of n images; of a single
        chunk the standard deviation is NaN.
    chunks
        (K,) how many chunks there were: N // n, and 1000 at most.
    predicted
        (K,) the score to be expected of n images, IS · exp((σ² − B)(1/2n − 1/2N)) with IS, σ² and B of all N images: of
        first order, so only a guide where n is not much larger than B, and never below 1.
    """

    sizes: NDArray[np.int64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    chunks: NDArray[np.int64]
    predicted: NDArray[np.float64]

    def to_dataframe(self) -> pd.DataFrame:
        """Return a data frame with the columns images, mean, std, chunks and predicted (needs pandas)."""
        import pandas as pd

        columns = {"mean": self.mean, "std": self.std, "chunks": self.chunks, "predicted": self.predicted}
        return pd.DataFrame({"images": self.sizes, **columns})


def size_curve(
    predictions: Any = None, sizes: Iterable[int] | None = None, *, logits: Any = None, seed: int = 0
) -> SizeCurve:
    """Return the score of smaller random sets of the same images, and what the bias formula predicts for them.

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array, tensor or memory map of probabilities.
    sizes
        Numbers of images, each from 1 to N; None: about 12 from N/1000, or 10 if that is more, to N.
    logits
        (N, C) logits instead of probabilities.
    seed
        Of the order that the chunks are cut from, see `isexplore.splits.shuffled_order`.

    Raises
    ------
    ValueError
        If a size is not a whole number from 1 to N, or a row is no distribution.

    Examples
    --------
    Ten perfect classes:

    >>> curve = size_curve(np.repeat(np.eye(10), 500, axis=0), [50, 500, 5000])
    >>> curve.chunks, curve.mean.round(1), curve.predicted.round(1)
    (array([100,  10,   1]), array([ 9.1,  9.9, 10. ]), array([ 9.1,  9.9, 10. ]))
    """
    rows = read_rows(predictions, logits=logits)
    n = rows.n_images
    wanted = _default_sizes(n) if sizes is None else [_checked(size, n) for size in several(sizes, "sizes")]
    cuts = [size * np.arange(min(n // size, MOST_CHUNKS) + 1) for size in wanted]
    edges, order = all_edges(np.concatenate([[0], *cuts]), n), shuffled_order(n, seed)
    terms = read_terms(rows, edges, order)
    sums = sums_from(rows, edges, terms, order)
    scores = [sums.scores(where) for where in cuts]
    variance = float(divergences(rows, terms, order).var())
    whole = summarise(n, terms.marginal, terms.mean_square, terms.mean_xlogx, variance)
    log_bias = (whole.kl_variance - whole.bias_constant) * (1 / np.array(wanted) - 1 / n) / 2
    return SizeCurve(
        sizes=np.array(wanted, dtype=np.int64),
        mean=np.array([s.mean() for s in scores]),
        std=np.array([s.std() if len(s) > 1 else np.nan for s in scores]),
        chunks=np.array([len(s) for s in scores], dtype=np.int64),
        predicted=np.maximum(whole.overall * np.exp(log_bias), 1),
    )


def _default_sizes(n: int) -> list[int]:
    smallest = min(max(SMALLEST, n // MOST_CHUNKS), n)
    sizes: list[int] = np.unique(np.geomspace(smallest, n, POINTS).round().astype(int)).tolist()
    return sizes


def _checked(size: SupportsIndex, n: int) -> int:
    try:
        number = operator.index(size)
    except TypeError:
        number = 0
    if not 1 <= number <= n:
        raise ValueError(f"a size is {size!r}: give whole numbers of images from 1 to {n}")
    return number
