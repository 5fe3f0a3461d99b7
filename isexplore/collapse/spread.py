"""How different the images of one class are from each other, beside the reference: what the score can't see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isexplore.collapse.embedded import both_embedded
from isexplore.collapse.finding import Finding
from isexplore.collapse.neighbours import blocks
from isexplore.collapse.words import listed, of_classes, short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from isexplore.collapse.embedded import Matrix
    from isexplore.collapse.evidence import Evidence
    from isexplore.collapse.finding import Severity

__all__ = ["check_spread", "spread_classes", "to_centroids"]

FEWEST = 20  # images of a class, in each set: with fewer, a t-test would miss its level
# A class is severely narrow where its images lie half as far from their centroid as they should.
HALF = 0.5
LEAST = 1e-6  # relative error of a mean distance: of copies, which have none, or one of rounding

_SOURCE = "distances to the class centroid (Anderson 2006), t-tests, Benjamini–Hochberg over the classes"


def check_spread(evidence: Evidence) -> Iterator[Finding]:
    """Look for classes whose images are less different from each other than those of the reference.

    The spread of a class is the mean distance of its images to their centroid, over the predicted classes that have
    twenty images or more in both sets. Tested by Student's and by Welch's test, one-sided, at a false discovery rate of
    the stated level.

    Parameters
    ----------
    evidence : Evidence

    Yields
    ------
    Finding
        "class-spread", whose value is the smallest ratio to the reference's spread; where no class has enough images,
        only that. Nothing without embeddings of both sets.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> preds, cloud = Predictions.from_probabilities([[1.0, 0.0]] * 50), np.random.default_rng(0).normal(size=(50, 3))
    >>> finding = next(check_spread(Evidence(side_of(preds, cloud / 4), side_of(preds, cloud))))
    >>> print(finding.severity, finding.sentence)
    severe 1 of 1 classes is narrower than in the reference, with these parts of its mean distance ... – class 0: 0.25.
    """
    from scipy.stats import false_discovery_control

    both, reference = both_embedded(evidence), evidence.reference
    if both is None or reference is None:
        return
    sample = evidence.sample
    classes = spread_classes(evidence)
    if not len(classes):
        yield _untested(int(np.minimum(sample.class_counts, reference.class_counts).max()))
        return
    ours, theirs = (to_centroids(each, side.top_class) for each, side in zip(both, (sample, reference), strict=True))
    ratios, p_values = _compared(ours, theirs, classes)
    adjusted = false_discovery_control(p_values)
    narrow = np.flatnonzero(adjusted <= evidence.level)
    narrow = narrow[np.argsort(ratios[narrow], kind="stable")]
    severity: Severity = "fine"
    if len(narrow):
        severity = "severe" if ratios[narrow[0]] <= HALF else "warning"
    names = [short(sample.predictions.class_names[c]) for c in classes]
    yield Finding(
        "class-spread",
        "Spread within classes",
        severity,
        float(ratios.min()),
        "of the reference's spread",
        _said(names, ratios, narrow),
        p_value=float(adjusted.min()),
        level=evidence.level,
        images=_images(ours.distances, sample.top_class, classes[narrow]),
        classes=classes[narrow],
        source=_SOURCE,
    )


def spread_classes(evidence: Evidence) -> NDArray[np.intp]:
    """Return the predicted classes that have twenty images or more in both sets; none without a reference.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> drawn = side_of(Predictions.from_probabilities(np.repeat(np.eye(3), [20, 19, 99], axis=0)))
    >>> spread_classes(Evidence(drawn, drawn)), spread_classes(Evidence(drawn))
    (array([0, 2]), array([], dtype=int64))
    """
    if evidence.reference is None:
        return np.zeros(0, np.intp)
    return np.flatnonzero(np.minimum(evidence.sample.class_counts, evidence.reference.class_counts) >= FEWEST)


def _untested(most: int) -> Finding:
    return Finding(
        "class-spread",
        "Spread within classes",
        "fine",
        most,
        "images of a class in both sets at most",
        f"The spread within classes could not be tested: it takes {FEWEST} images of a class in both sets, and no "
        f"class has more than {most}.",
        source=_SOURCE,
    )


@dataclass(frozen=True, eq=False)
class Distances:
    """Distances to the centroids of groups.

    Attributes
    ----------
    group : ndarray of int, shape (N,)
    distances : ndarray of float64, shape (N,)
        To the centroid of the image's own group.
    influence : ndarray of float64, shape (N,)
        What each image adds to the mean distance of its group, also by moving the centroid.
    """

    group: NDArray[np.intp]
    distances: NDArray[np.float64]
    influence: NDArray[np.float64]

    def moments(self, groups: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
        """Return of some groups the mean distance, the standard deviation of the influence, and the count."""
        counts = np.bincount(self.group)
        several = np.maximum(counts - 1, 1)
        # The centroid is that of the images themselves, which makes squares of distances too small by 1 − 1/n.
        means = np.bincount(self.group, self.distances) / np.maximum(counts, 1) * np.sqrt(counts / several)
        centres = np.bincount(self.group, self.influence) / np.maximum(counts, 1)
        squares = np.bincount(self.group, (self.influence - centres[self.group]) ** 2)
        return means[groups], np.sqrt(squares / several)[groups], counts[groups]


def to_centroids(embeddings: Matrix, group: NDArray[np.intp]) -> Distances:
    """Compute the distance of each image to the centroid of its group.

    Parameters
    ----------
    embeddings : ndarray of shape (N, D)
        May be a memory map; read three times, in blocks.
    group : ndarray of int, shape (N,)
        From 0 on.

    Returns
    -------
    Distances

    Examples
    --------
    >>> found = to_centroids(np.array([[0.0], [2.0], [5.0]]), np.array([0, 0, 1]))
    >>> found.distances, found.influence
    (array([1., 1., 0.]), array([1., 1., 0.]))
    """
    n, width = embeddings.shape
    sizes = np.bincount(group)
    centroids, pull = np.zeros((len(sizes), width)), np.zeros((len(sizes), width))
    distances, influence = np.empty(n), np.empty(n)
    for block in blocks(n, width):
        centroids += _means(np.asarray(embeddings[block], np.float64), group[block], sizes)
    for block in blocks(n, width):
        away = embeddings[block] - centroids[group[block]]
        distances[block] = np.linalg.norm(away, axis=1)
        away /= np.maximum(distances[block], np.finfo(np.float64).tiny)[:, None]
        pull += _means(away, group[block], sizes)
    for block in blocks(n, width):
        away = embeddings[block] - centroids[group[block]]
        # A centroid that moves by δ changes the mean distance by −δ · (mean direction from it to the images).
        influence[block] = distances[block] - np.einsum("nd,nd->n", away, pull[group[block]])
    return Distances(group, distances, influence)


def _means(rows: NDArray[np.float64], group: NDArray[np.intp], sizes: NDArray[np.intp]) -> NDArray[np.float64]:
    """Add up rows by group, over the number of rows that the group has in all blocks."""
    from scipy.sparse import csr_array

    member = csr_array((1 / sizes[group], (group, np.arange(len(group)))), shape=(len(sizes), len(group)))
    sums: NDArray[np.float64] = member @ rows
    return sums


def _compared(
    ours: Distances, theirs: Distances, classes: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return of each class the ratio of the mean distances, and the p-value of its being less than 1.

    The larger p-value of Welch's test and Student's counts. Distances are skewed: a few of them that happen to be small
    seem to have a small variance, too. Student's test, which pools the variances, is not misled where the sample has
    few, and Welch's, which does not, where the reference has few.
    """
    from scipy.stats import ttest_ind_from_stats

    (mean, deviation, count), (real_mean, real_deviation, real_count) = ours.moments(classes), theirs.moments(classes)
    spread = real_mean > 0  # of copies only, nothing can be narrower
    real_mean = np.where(spread, real_mean, 1)
    # In units of the reference's mean. Copies have no deviation, or one of rounding.
    stated = mean / real_mean, np.maximum(deviation / real_mean, LEAST), count
    expected = np.ones(len(classes)), np.maximum(real_deviation / real_mean, LEAST), real_count
    student, welch = (
        ttest_ind_from_stats(*stated, *expected, equal_var=equal_var, alternative="less").pvalue
        for equal_var in (True, False)
    )
    return np.where(spread, stated[0], 1.0), np.where(spread, np.maximum(student, welch), 1.0)


def _said(names: list[str], ratios: NDArray[np.float64], narrow: NDArray[np.intp]) -> str:
    if not len(narrow):
        lowest = int(np.argmin(ratios))
        return (
            f"None of {len(names):,} classes is narrower than in the reference, beyond chance; the narrowest is "
            f"{names[lowest]}, with {ratios[lowest]:.2f} of its spread."
        )
    found = listed([f"{names[c]}: {ratios[c]:.2f}" for c in narrow])
    those = of_classes(len(narrow), len(names))
    return f"{those} narrower than in the reference, with these parts of its mean distance to the centroid – {found}."


def _images(distances: NDArray[np.float64], top: NDArray[np.intp], classes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the images of some classes, class by class, those at the centre first."""
    inside = [np.flatnonzero(top == c) for c in classes]
    ordered = [each[np.argsort(distances[each], kind="stable")] for each in inside]
    return np.concatenate([*ordered, np.zeros(0, np.intp)])
