"""The score between and within groups of images, and what it would be if the groups had other shares.

With the shares w_g, marginals m_g and log scores L_g of the groups, and the marginal m of all images,

    IS = BCIS × WCIS = exp( Σ_g w_g KL(m_g ‖ m) ) × exp( Σ_g w_g L_g )

Benny et al. 2021, "Evaluation Metrics for Conditional Image Generation": the between-class and the within-class
Inception Score. The equality holds for any grouping: labels, folders, splits, checkpoints.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace

from isexplore.arrays import TINY, to_numpy, xlogx
from isexplore.matrices import read_rows
from isexplore.oneline import OneLine

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False, repr=False)
class GroupSums(OneLine):
    """The sums of each group of images, from which everything else follows without the predictions.

    Attributes
    ----------
    names
        (G,) sorted integers or strings; every group has at least one image.
    counts
        (G,) number of images n_g.
    probabilities
        (G, C) sum of p(y|x) over the images of each group.
    entropies
        (G,) sum of H(y|x) over the images of each group, in nats.
    """

    names: NDArray[Any]
    counts: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    entropies: NDArray[np.float64]

    def __str__(self) -> str:
        return (
            f"IS {self.overall:.2f} = between {len(self.names)} groups {self.between:.2f} × within {self.within:.2f}, "
            f"{self.counts.sum()} images"
        )

    @property
    def shares(self) -> NDArray[np.float64]:
        """(G,) part w_g of all images that is in each group."""
        shares: NDArray[np.float64] = self.counts / self.counts.sum()
        return shares

    @property
    def marginals(self) -> NDArray[np.float64]:
        """(G, C) mean row m_g of each group."""
        return self.probabilities / self.counts[:, None]

    @property
    def scores(self) -> NDArray[np.float64]:
        """(G,) score of each group by itself, between 1 and min(n_g, C)."""
        return np.exp(self._log_scores())

    @property
    def divergences(self) -> NDArray[np.float64]:
        """(G,) KL(m_g ‖ m) of each group from all images, in nats."""
        marginals = self.marginals
        # A class that no image reaches has m_g = 0 in every group, so its logarithm counts for nothing.
        log_marginal = np.log(self.probabilities.sum(axis=0) / self.counts.sum() + TINY)
        kl: NDArray[np.float64] = xlogx(marginals).sum(axis=1) - marginals @ log_marginal
        return np.maximum(kl, 0)

    @property
    def overall(self) -> float:
        """The score of all images; it is `between` × `within`."""
        return self.reweighted(self.counts)

    @property
    def between(self) -> float:
        """BCIS, exp(Σ w_g KL(m_g ‖ m)): how far the groups lie apart, between 1 and G."""
        return math.exp(self.shares @ self.divergences)

    @property
    def within(self) -> float:
        """WCIS, exp(Σ w_g L_g): the geometric mean of the groups' own scores."""
        return math.exp(self.shares @ self._log_scores())

    def reweighted(self, weights: ArrayLike) -> float:
        """Return the score that all images would have if the groups had these shares.

        Parameters
        ----------
        weights
            (G,) weights in the order of `names`, at least 0; divided by their sum.

        Raises
        ------
        ValueError
            If the weights are not one finite number ≥ 0 for each group, or all are 0.

        Examples
        --------
        >>> group_sums(np.eye(4)).reweighted([1, 1, 0, 0])
        2.0
        """
        w = self._check(weights)
        marginal = (w / self.counts) @ self.probabilities
        log_score = -xlogx(marginal).sum() - (w / self.counts) @ self.entropies
        return math.exp(max(float(log_score), 0.0))

    def without(self, group: int | str) -> GroupSums:
        """Return the sums without the images of one group; all classes stay.

        Parameters
        ----------
        group
            One of `names`.

        Raises
        ------
        ValueError
            If there is no such group, or no other.

        Examples
        --------
        >>> round(group_sums(np.eye(4)).without(3).overall, 9)
        3.0
        """
        names = self.names.tolist()
        if group not in names:
            raise ValueError(f"there is no group {group!r}: give one of names, such as {names[0]!r}")
        if len(names) == 1:
            raise ValueError(f"{group!r} is the only group: without it no images are left")
        kept = np.arange(len(names)) != names.index(group)
        return GroupSums(self.names[kept], self.counts[kept], self.probabilities[kept], self.entropies[kept])

    def to_dataframe(self) -> pd.DataFrame:
        """Return a row for each group (needs pandas).

        Its columns are group, images, share w_g, score exp(L_g), kl KL(m_g ‖ m), and contribution w_g (KL + L_g);
        the contributions add up to ln IS.
        """
        import pandas as pd

        columns = {
            "group": self.names,
            "images": self.counts,
            "share": self.shares,
            "score": self.scores,
            "kl": self.divergences,
            "contribution": self.shares * (self.divergences + self._log_scores()),
        }
        return pd.DataFrame(columns)

    def _log_scores(self) -> NDArray[np.float64]:
        log_scores: NDArray[np.float64] = -xlogx(self.marginals).sum(axis=1) - self.entropies / self.counts
        return np.maximum(log_scores, 0)  # rounding may leave a score of one a hair below it

    def _check(self, weights: ArrayLike) -> NDArray[np.float64]:
        w = np.asarray(weights, dtype=np.float64)
        n = len(self.names)
        if w.shape != (n,):
            raise ValueError(f"weights have shape {w.shape}: give {n} numbers, one for each group")
        good = np.isfinite(w) & (w >= 0)
        if not good.all():
            g = int(np.argmin(good))
            raise ValueError(f"the weight of group {self.names[g].item()!r} is {w[g]}: give finite numbers from 0 on")
        if not w.any():
            raise ValueError("all weights are 0: give at least one group a positive weight")
        w = w / w.max()  # the sum of huge weights would overflow
        normalised: NDArray[np.float64] = w / w.sum()
        return normalised


def group_sums(predictions: Any = None, groups: ArrayLike | None = None, *, logits: Any = None) -> GroupSums:
    """Read the rows once and add them up by group.

    The sums take G·C·8 bytes, so with a group for each image as much as the whole matrix in float64.

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array, tensor or memory map of probabilities.
    groups
        (N,) group of each image, as integers or strings: ``preds.labels`` where there are any, names of folders,
        numbers of splits. None: the number of the most likely class of each image.
    logits
        (N, C) logits instead of probabilities.

    Raises
    ------
    TypeError
        If both or neither of `predictions` and `logits` are given, or the matrix holds no real numbers.
    ValueError
        If the groups are not one integer or string for each image, or mix both, or a row is no distribution.

    Examples
    --------
    Two folders, of which the second holds one class only:

    >>> sums = group_sums(np.eye(3)[[0, 1, 2, 2]], ["a", "a", "b", "b"])
    >>> sums.scores, round(sums.between, 9), round(sums.within**2, 9)
    (array([2., 1.]), 2.0, 2.0)

    The labels that came with the images:

    >>> from isexplore.predictions import Predictions
    >>> preds = Predictions.from_probabilities(np.eye(3), labels=["cat", "cat", "dog"])
    >>> group_sums(preds, preds.labels).scores
    array([2., 1.])

    The folder of each image is the first part of its name:

    >>> preds = Predictions.from_probabilities(np.eye(3), image_names=["cat/0.png", "cat/1.png", "dog/0.png"])
    >>> group_sums(preds, [name.split("/")[0] for name in preds.image_names]).names
    array(['cat', 'dog'], dtype='<U3')
    """
    rows = read_rows(predictions, logits=logits)
    if groups is None:
        names, codes = np.arange(rows.n_classes), None
    else:
        names, codes = group_codes(groups, rows.n_images, "images")
    counts = np.zeros(len(names), dtype=np.int64)
    probabilities = np.zeros((len(names), rows.n_classes))
    entropies = np.zeros(len(names))
    for start, p in rows.blocks():
        h = -to_numpy(array_namespace(p).sum(xlogx(p), axis=1))
        block = to_numpy(p)  # arrays have no common way to add rows by group
        code = np.argmax(block, axis=1) if codes is None else codes[start : start + len(block)]
        order = np.argsort(code, kind="stable")
        found, first, count = np.unique(code[order], return_index=True, return_counts=True)
        counts[found] += count
        probabilities[found] += np.add.reduceat(block[order], first, axis=0)
        entropies[found] += np.add.reduceat(h[order], first)
    seen = counts > 0
    return GroupSums(names[seen], counts[seen], probabilities[seen], entropies[seen])


def group_codes(groups: ArrayLike, count: int, members: str) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Give each group a number, and each thing the number of its group.

    Parameters
    ----------
    groups
        (count,) integers or strings: the group of each.
    count, members
        How many there must be, and of what, for the error message.

    Returns
    -------
    tuple
        (G,) sorted names of the groups, and (count,) number of each thing's group among them.

    Raises
    ------
    ValueError
        If the groups are not one integer or string for each, or mix both.

    Examples
    --------
    >>> group_codes(["cat", "dog", "cat"], 3, "images")
    (array(['cat', 'dog'], dtype='<U3'), array([0, 1, 0]))
    """
    given = to_numpy(groups.detach()) if hasattr(groups, "detach") else np.asarray(groups)
    if given.dtype.kind in "OT" and all(isinstance(name, str) for name in given.flat):
        given = given.astype(np.str_)  # strings of a data frame
    if given.dtype.kind == "U" and not hasattr(groups, "dtype"):  # of a list, in which NumPy makes the 1 a "1"
        others = [name for name in np.asarray(groups, dtype=object).flat if not isinstance(name, str)]
        if others:
            raise ValueError(f"groups mix strings with others, such as {others[0]!r}: give integers only, or strings")
    if given.shape != (count,):
        raise ValueError(f"groups have shape {given.shape}: give {count}, one for each of the {members}")
    if given.dtype.kind not in "iubU":
        raise ValueError(f"groups of type {given.dtype} are not clear: give integers or strings")
    names, codes = np.unique(given, return_inverse=True)
    return names, codes
