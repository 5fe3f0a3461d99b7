"""The score of a scenario from its few numbers: what `inception_score` finds in the matrix, in a hundredth of the time.

The tests hold the one against the other; this one is for sliders.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import entr

from isexplore.edges import split_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.contrived.rows import Rows

__all__ = ["Played", "play"]


@dataclass(frozen=True, eq=False)
class Played:
    """A scenario's score, and what makes it.

    Attributes
    ----------
    overall : float
        The score of all images as one split.
    split_scores : ndarray of float, shape (S,)
    variety : float
        H(p(y)) of all images, nats.
    doubt : float
        Mean H(p(y|x)), nats; ln of `overall` is variety less doubt.
    marginal : ndarray of float, shape (C,)
        p(y) of all images.
    entropies : ndarray of float, shape (N,)
        H(p(y|x)) of each image, nats.
    """

    overall: float
    split_scores: NDArray[np.float64]
    variety: float
    doubt: float
    marginal: NDArray[np.float64]
    entropies: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """Mean of the split scores."""
        return float(self.split_scores.mean())

    @property
    def std(self) -> float:
        """Population standard deviation of the split scores."""
        return float(self.split_scores.std())

    @property
    def log_mean(self) -> float:
        """Exponential of the mean of ln IS over the splits."""
        return math.exp(np.log(self.split_scores).mean())


def play(rows: Rows, splits: int = 1) -> Played:
    """Score rows over contiguous splits.

    Parameters
    ----------
    rows
    splits
        S, from 1 to N.

    Raises
    ------
    ValueError
        If there are fewer images than splits.

    Examples
    --------
    >>> from isexplore.contrived.rows import Distinct
    >>> play(Distinct(np.eye(4), np.arange(4)), splits=2).mean
    2.0
    """
    edges = split_edges(rows.n_images, splits)
    entropies = rows.entropies()
    marginals = rows.marginals(edges)
    sizes = np.diff(edges)
    marginal = sizes @ marginals / rows.n_images
    doubts = np.add.reduceat(entropies, edges[:-1]) / sizes
    variety, doubt = float(entr(marginal).sum()), float(entropies.mean())
    return Played(
        overall=_score(variety - doubt),
        split_scores=np.array([_score(log) for log in entr(marginals).sum(axis=1) - doubts]),
        variety=variety,
        doubt=doubt,
        marginal=marginal,
        entropies=entropies,
    )


def _score(log: float) -> float:
    return math.exp(max(log, 0.0))  # rounding must not put a score below 1
