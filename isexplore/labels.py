"""The score with fewer labels: classes merged into coarser ones, or one class taken off the list.

These change what the classifier can say. To leave out images instead, see `isexplore.groups`.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
from array_api_compat import array_namespace, device

from isexplore.arrays import to_numpy, xlogx
from isexplore.groups import group_codes
from isexplore.matrices import MIN_CLASSES, read_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class CoarseScore:
    """A score taken apart by the chain rule of information: ln overall = ln coarse + Σ_G shares·ln within.

    Attributes
    ----------
    names
        (G,) sorted names of the coarse labels.
    overall
        The score with all classes.
    coarse
        The score with the coarse labels only, between 1 and G.
    within
        (G,) score inside each coarse label: of the images weighted by p(G|x), with rows p(c|x)/p(G|x). It lies
        between 1 and the number of classes in G, and is 1 where no image reaches the label.
    shares
        (G,) p(G), the mean of p(G|x) over the images.
    """

    names: NDArray[Any]
    overall: float
    coarse: float
    within: NDArray[np.float64]
    shares: NDArray[np.float64]


def coarsen(predictions: Any = None, groups: ArrayLike | None = None, *, logits: Any = None) -> CoarseScore:
    """Split the score into that of coarser labels and that within each of them, in one pass over the rows.

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array, tensor or memory map of probabilities.
    groups
        (C,) coarse label of each class, as integers or strings.
    logits
        (N, C) logits instead of probabilities.

    Raises
    ------
    TypeError
        If both or neither of `predictions` and `logits` are given, the matrix holds no real numbers, or there are no
        groups.
    ValueError
        If the groups are not one integer or string for each class, or a row is no distribution.

    Examples
    --------
    Six breeds, each recognised, of two animals:

    >>> score = coarsen(np.eye(6), ["cat"] * 2 + ["dog"] * 4)
    >>> score.within.round(9), score.shares.round(3)
    (array([2., 4.]), array([0.333, 0.667]))
    """
    if groups is None:
        raise TypeError("groups are missing: give the coarse label of each class")
    rows = read_rows(predictions, logits=logits)
    n = rows.n_images
    names, codes = group_codes(groups, rows.n_classes, "classes")
    belongs = np.asarray(codes[:, None] == np.arange(len(names)), dtype=np.float64)  # (C, G)
    sums, fine, coarse = np.zeros(rows.n_classes), np.zeros(rows.n_classes), np.zeros(len(names))
    for _, p in rows.blocks():
        xp = array_namespace(p)
        p_coarse = p @ xp.asarray(belongs, device=device(p))
        sums += to_numpy(xp.sum(p, axis=0))
        fine += to_numpy(xp.sum(xlogx(p), axis=0))
        coarse += to_numpy(xp.sum(xlogx(p_coarse), axis=0))
    marginal = sums / n
    shares = marginal @ belongs
    # Mean p ln(p/m) of each class and of each coarse label; what the label's classes have more is from within.
    by_class = fine / n - xlogx(marginal)
    by_label = coarse / n - xlogx(shares)
    log_within = (by_class @ belongs - by_label) / np.where(shares > 0, shares, 1)
    return CoarseScore(
        names=names,
        overall=math.exp(max(float(by_class.sum()), 0.0)),
        coarse=math.exp(max(float(by_label.sum()), 0.0)),
        within=np.exp(np.maximum(log_within, 0)),
        shares=shares,
    )


@dataclass(frozen=True, eq=False)
class WithoutLabel:
    """The score if one label did not exist.

    Attributes
    ----------
    label
        The class c that was taken off the list.
    score
        The score of the rows p(y|x)/(1 − p(c|x)) over the other classes.
    n_images
        Number of images that it is the score of.
    n_certain
        Number of images left out: certain of that label, they say nothing about the others.
    marginal
        (C,) mean of these rows, 0 at the label.
    """

    label: int
    score: float
    n_images: int
    n_certain: int
    marginal: NDArray[np.float64]


def without_label(predictions: Any = None, label: SupportsIndex | None = None, *, logits: Any = None) -> WithoutLabel:
    """Score the images as if the classifier had one class fewer, its probability shared out in proportion.

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array, tensor or memory map of probabilities.
    label
        Number of the class, from 0 to C − 1.
    logits
        (N, C) logits instead of probabilities.

    Raises
    ------
    TypeError
        If both or neither of `predictions` and `logits` are given, the matrix holds no real numbers, or there is no
        label.
    ValueError
        If there is no such class, only one other, or no image has probability outside it; or a row is no
        distribution.

    Examples
    --------
    >>> score = without_label([[0.5, 0.5, 0], [0.5, 0, 0.5], [1, 0, 0]], label=0)
    >>> score.score, score.n_images, score.n_certain
    (2.0, 2, 1)
    """
    if label is None:
        raise TypeError("the label is missing: give the number of the class to leave out")
    rows = read_rows(predictions, logits=logits)
    number = _check_label(label, rows.n_classes)
    others = np.ones(rows.n_classes)
    others[number] = 0
    count, entropies, sums = 0, 0.0, np.zeros(rows.n_classes)
    for _, p in rows.blocks():
        xp = array_namespace(p)
        q = p * xp.asarray(others, device=device(p))
        # Added up afresh: 1 − p_c would have lost its digits where p_c is near 1.
        left = xp.sum(q, axis=1)
        q = q[left > 0] / left[left > 0][:, None]
        count += q.shape[0]
        sums += to_numpy(xp.sum(q, axis=0))
        entropies -= float(xp.sum(xlogx(q)))
    if count == 0:
        raise ValueError(f"every image is certain of class {number}: without that label there is nothing to score")
    marginal = sums / count
    log_score = -float(xlogx(marginal).sum()) - entropies / count
    return WithoutLabel(number, math.exp(max(log_score, 0.0)), count, rows.n_images - count, marginal)


def _check_label(label: SupportsIndex, n_classes: int) -> int:
    try:
        number = operator.index(label)
    except TypeError:
        number = -1
    if not 0 <= number < n_classes:
        raise ValueError(f"there is no class {label!r}: give its number, from 0 to {n_classes - 1}, not its name")
    if n_classes - 1 < MIN_CLASSES:
        raise ValueError(f"a score needs at least {MIN_CLASSES} classes: these are {n_classes}, and none can go")
    return number
