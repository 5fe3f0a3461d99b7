"""Images that are nearly the same as another one, by their embeddings: memorised images with a little noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isexplore.collapse.copies import Copies
from isexplore.collapse.embedded import both_embedded
from isexplore.collapse.finding import Finding
from isexplore.collapse.neighbours import nearest
from isexplore.collapse.repeats import LARGE, copies_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from isexplore.collapse.embedded import Matrix
    from isexplore.collapse.evidence import Evidence
    from isexplore.collapse.finding import Severity

__all__ = ["check_near_repeats", "near_images"]

NEAR = 1 / 4  # of the reference's median distance to the nearest neighbour
NEAR_ALONE = 1 / 10  # of the set's own, where there is no reference
# One in two hundred repeats another if n images are drawn from some 100 n; real sets that were gathered have a few.
NOTABLE = 0.005
FEWEST = 3  # images: two are each other's nearest, whatever their distance

_SOURCE = "nearest neighbours of embeddings; birthday paradox (Arora & Zhang 2017)"
_TESTED = "binomial test of disjoint near pairs, given those of both sets; " + _SOURCE


def check_near_repeats(evidence: Evidence) -> Iterator[Finding]:
    """Look for images that are much nearer to another one than is usual.

    With a reference: both sets are cut to the same number of images, as more images lie nearer to each other. Near is a
    quarter of the reference's median distance to the nearest neighbour. Images that are joined by near pairs make a
    group; the test is that of exact repeats. Without a reference: near is a tenth of the set's own median, and a
    warning starts at one image in two hundred. Severe from a twentieth of the images on.

    Exact repeats are left out: another check tells of them.

    Parameters
    ----------
    evidence : Evidence

    Yields
    ------
    Finding
        "near-repeats"; where a set has fewer than three different images, only that. Nothing without embeddings.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> drawn = side_of(Predictions.from_probabilities(np.eye(4)), np.array([[0.0], [0.01], [3.0], [7.0]]))
    >>> print(next(check_near_repeats(Evidence(drawn))).sentence)
    1 of 4 different images nearly repeats another one (2 with the one that it repeats; embeddings closer ...
    """
    sample, both = evidence.sample, both_embedded(evidence)
    if sample.embeddings is None:
        return
    different = near_images(evidence)
    fewest = min(map(len, different))
    if fewest < FEWEST:
        yield _untested(fewest)
    elif both is None:
        yield _alone(sample.embeddings, different[0], evidence.seed)
    else:
        yield _beside(both, (different[0], different[1]), evidence)


def near_images(evidence: Evidence) -> list[NDArray[np.intp]]:
    """Return the images of the sample without their exact repeats, and of the reference if both have embeddings.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> pictures = np.array([5, 6, 5], np.uint8).reshape(3, 1, 1)
    >>> near_images(Evidence(side_of(Predictions.from_probabilities(np.eye(3), thumbnails=pictures))))
    [array([0, 1])]
    """
    sides = [evidence.sample]
    if evidence.reference is not None and both_embedded(evidence) is not None:
        sides.append(evidence.reference)
    return [copies_of(side).different for side in sides]


def _untested(fewest: int) -> Finding:
    return Finding(
        "near-repeats",
        "Nearly repeated images",
        "fine",
        fewest,
        "different images",
        f"Nearly repeated images could not be looked for: it takes {FEWEST} different images in each set, and one has "
        f"{fewest}.",
        source=_SOURCE,
    )


def _alone(embeddings: Matrix, rows: NDArray[np.intp], seed: int) -> Finding:
    neighbours = nearest(embeddings, rows, seed)
    copies = _joined(*neighbours, NEAR_ALONE * float(np.median(neighbours[1][:, 0])))
    share = copies.repeats / copies.n_images
    severity: Severity = "severe" if share >= LARGE else "warning" if share >= NOTABLE else "fine"
    near = "a tenth of the median distance to the nearest one"
    return _finding(copies, rows, severity, f"{_said(copies, near)}.")


def _beside(
    embeddings: tuple[Matrix, Matrix], different: tuple[NDArray[np.intp], NDArray[np.intp]], evidence: Evidence
) -> Finding:
    n = min(map(len, different))
    rng = np.random.default_rng(evidence.seed)
    rows, others = (np.sort(rng.choice(each, n, replace=False)) for each in different)
    theirs = nearest(embeddings[1], others, evidence.seed)
    near = NEAR * float(np.median(theirs[1][:, 0]))
    copies = _joined(*nearest(embeddings[0], rows, evidence.seed), near)
    expected = _joined(*theirs, near)
    p_value = copies.p_value(expected)
    share = (copies.repeats - expected.repeats) / n
    severity: Severity = "fine"
    if p_value <= evidence.level:
        severity = "severe" if share >= LARGE else "warning"
    said = _said(copies, "a quarter of the reference's median distance to the nearest one")
    beside = f"; of as many images of the reference, {expected.repeats:,} {'does' if expected.repeats == 1 else 'do'}."
    return _finding(copies, rows, severity, said + beside, (p_value, evidence.level))


def _joined(found: NDArray[np.intp], distances: NDArray[np.float32], near: float) -> Copies:
    """Make groups of images that lie near each other, or are joined by others that do."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    start, rank = np.nonzero(distances <= near)
    size = (len(found), len(found))
    edges = coo_array((np.ones(len(start), np.int8), (start, found[start, rank])), shape=size)
    return Copies(connected_components(edges, directed=False)[1].astype(np.intp))


def _said(copies: Copies, near: str) -> str:
    if not copies.repeats:
        return (
            f"None of {copies.n_images:,} different images nearly repeats another one (embeddings closer than {near})"
        )
    verb, those = (
        ("repeats", "the one that it repeats") if copies.repeats == 1 else ("repeat", "those that they repeat")
    )
    return (
        f"{copies.repeats:,} of {copies.n_images:,} different images nearly {verb} another one "
        f"({len(copies.images):,} with {those}; embeddings closer than {near}), as if drawn from {copies.support()}"
    )


def _finding(
    copies: Copies,
    rows: NDArray[np.intp],
    severity: Severity,
    sentence: str,
    test: tuple[float, float] | tuple[None, None] = (None, None),
) -> Finding:
    return Finding(
        "near-repeats",
        "Nearly repeated images",
        severity,
        copies.repeats,
        "images",
        sentence,
        p_value=test[0],
        level=test[1],
        images=rows[copies.images],
        source=_SOURCE if test[0] is None else _TESTED,
    )
