"""What is known of each class: how many images, how many were expected, how sure that is, and its part of ln IS."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isexplore.collapse.exact_tests import adjusted, binomial_test, fisher_test

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.collapse.evidence import Evidence

__all__ = ["FALSE_DISCOVERY_RATE", "ClassTable", "class_table", "classes_tested", "images_to_miss_a_class"]

# Of the classes told to be off, at most this part is expected to be right. Where none is off, any is told this often.
FALSE_DISCOVERY_RATE = 0.05


@dataclass(frozen=True, eq=False)
class ClassTable:
    """A number a class, in the order of the classes.

    Attributes
    ----------
    counts : ndarray of int, shape (C,)
        Images of which the class is the most likely one.
    shares : ndarray, shape (C,)
        Their part of all images.
    expected : ndarray, shape (C,)
        The images expected: the reference's share, or 1/C where there is no reference, of all images.
    reference_shares : ndarray, shape (C,)
        The reference's part, or 1/C.
    tested : ndarray of bool, shape (C,)
        The classes that occur in the sample or in the reference; without a reference all.
    p_adjusted : ndarray, shape (C,)
        p-values adjusted for the number of classes (Benjamini and Hochberg 1995); 1 where not tested.
    contributions : ndarray, shape (C,)
        The classes' parts of ln IS, in nats.
    reference_contributions : ndarray, shape (C,), or None
        Those of the reference.
    """

    counts: NDArray[np.intp]
    shares: NDArray[np.float64]
    expected: NDArray[np.float64]
    reference_shares: NDArray[np.float64]
    tested: NDArray[np.bool_]
    p_adjusted: NDArray[np.float64]
    contributions: NDArray[np.float64]
    reference_contributions: NDArray[np.float64] | None


def class_table(evidence: Evidence) -> ClassTable:
    """Hold the count of each class against the reference's, or against equal shares.

    With a reference by Fisher's exact test, without one by the exact binomial test; two-sided, and adjusted over all
    classes for the false discovery rate.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> drawn = Predictions.from_probabilities(np.repeat(np.eye(4), [5, 75, 60, 60], axis=0))
    >>> table = class_table(Evidence(side_of(drawn)))
    >>> table.expected, table.p_adjusted.round(3)
    (array([50., 50., 50., 50.]), array([0.   , 0.   , 0.125, 0.125]))
    """
    sample, reference = evidence.sample, evidence.reference
    counts, n, n_classes = sample.class_counts, sample.n_images, sample.score.n_classes
    tested, p_adjusted = classes_tested(evidence), np.ones(n_classes)
    if reference is None:
        reference_shares = np.full(n_classes, 1 / n_classes)
        p_values = binomial_test(counts, n, 1 / n_classes)
    else:
        reference_shares = reference.class_counts / reference.n_images
        p_values = fisher_test(counts[tested], n, reference.class_counts[tested], reference.n_images)
    p_adjusted[tested] = adjusted(p_values)
    return ClassTable(
        counts=counts,
        shares=counts / n,
        expected=n * reference_shares,
        reference_shares=reference_shares,
        tested=tested,
        p_adjusted=p_adjusted,
        contributions=sample.score.class_contributions,
        reference_contributions=None if reference is None else reference.score.class_contributions,
    )


def classes_tested(evidence: Evidence) -> NDArray[np.bool_]:
    """Say which classes occur in the sample or in the reference (C,); without a reference it is all of them.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> drawn = side_of(Predictions.from_probabilities(np.eye(3)[:2]))
    >>> classes_tested(Evidence(drawn, drawn)), classes_tested(Evidence(drawn))
    (array([ True,  True, False]), array([ True,  True,  True]))
    """
    counts, reference = evidence.sample.class_counts, evidence.reference
    if reference is None:
        return np.ones(len(counts), dtype=bool)
    tested: NDArray[np.bool_] = (counts > 0) | (reference.class_counts > 0)
    return tested


def images_to_miss_a_class(evidence: Evidence) -> float:
    """Return how many images of a class must be expected in the sample for their absence to be told.

    Where x are expected among the sample's N images, the reference has x·M/N among its M. That chance puts all of these
    into the reference, and none into the sample, has a probability of (M/(N + M))^(x·M/N): twice this must be at most
    5 % / C, for C classes (the first step of Benjamini and Hochberg; if more classes are off, fewer images may do).
    Without a reference M is endless, and the probability exp(−x).

    Returns
    -------
    float
        x, in images of the sample.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> real = side_of(Predictions.from_probabilities(np.tile(np.eye(10), (50, 1))))
    >>> round(images_to_miss_a_class(Evidence(real)), 2), round(images_to_miss_a_class(Evidence(real, real)), 2)
    (5.99, 8.64)
    """
    classes = int(classes_tested(evidence).sum())
    needed = math.log(2 * classes / FALSE_DISCOVERY_RATE)
    if evidence.reference is None:
        return needed
    ratio = evidence.sample.n_images / evidence.reference.n_images
    return needed * ratio / math.log1p(ratio)
