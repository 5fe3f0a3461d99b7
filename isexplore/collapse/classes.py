"""Classes that the generator has lost, neglects or prefers, by the most likely class of each image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isexplore.collapse.class_table import FALSE_DISCOVERY_RATE, ClassTable, class_table, images_to_miss_a_class
from isexplore.collapse.finding import Finding, Severity
from isexplore.collapse.words import listed, number, of_classes, short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from isexplore.collapse.evidence import Evidence

__all__ = ["check_classes"]

# A class with less than this part of what is expected counts as missing: a classifier errs on a few images in a hundred
# and so finds some of a class that is never drawn.
MISSING = 1 / 20
# Missing classes are severe where they hold this part of the reference: a hundredth of what is real is never drawn.
SEVERE_MISSING = 0.01
# Shifted classes are severe where this part of all images is in the wrong class.
SEVERE_SHIFT = 1 / 3
# Without a reference, one class is severe that alone has this part of all images more than its equal share.
SEVERE_ALONE = 1 / 2

NAMED = 10  # classes that a sentence names


@dataclass(frozen=True)
class _Kind:
    """One way in which classes can be off."""

    key: str
    title: str
    predicate: str  # "… are missing"
    where_none: str
    severe_from: float


_MISSING = _Kind(
    "missing-classes",
    "Missing classes",
    "missing",
    "No class is missing: none has less than a twentieth of the images expected, beyond chance.",
    SEVERE_MISSING,
)
_STARVED = _Kind(
    "starved-classes",
    "Starved classes",
    "starved",
    "No class that is there has fewer images than expected, beyond chance.",
    SEVERE_SHIFT,
)
_OVER = _Kind(
    "over-represented-classes",
    "Over-represented classes",
    "over-represented",
    "No class has more images than expected, beyond chance.",
    SEVERE_SHIFT,
)


def check_classes(evidence: Evidence) -> Iterator[Finding]:
    """Look for missing, starved and over-represented classes: three findings.

    A class is off where its count differs from what the reference, or equal shares, let expect, at a false discovery
    rate of 5 % over all classes: see `class_table`. It is missing where it has less than a twentieth of what is
    expected, starved where it has more, but too little. Missing classes are severe where they hold a hundredth of the
    reference, the others where a third of all images is lost or gained. Few data sets have equal classes: without a
    reference only one class is severe that alone has half of all images more than its equal share.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> real = side_of(Predictions.from_probabilities(np.repeat(np.eye(4), 50, axis=0)))
    >>> drawn = side_of(Predictions.from_probabilities(np.repeat(np.eye(4), [0, 80, 60, 60], axis=0)))
    >>> for finding in check_classes(Evidence(drawn, real)):
    ...     print(finding.severity, finding.sentence)
    severe 1 of 4 classes is missing – class 0: 0 where 50 were expected.
    fine No class that is there has fewer images than expected, beyond chance.
    warning 1 of 4 classes is over-represented – class 1: 80 where 50 were expected.
    """
    table = class_table(evidence)
    below = table.shares < table.reference_shares
    missing = table.shares < MISSING * table.reference_shares
    yield _finding(evidence, table, _MISSING, missing)
    yield _finding(evidence, table, _STARVED, below & ~missing)
    yield _finding(evidence, table, _OVER, table.shares > table.reference_shares)


def _finding(evidence: Evidence, table: ClassTable, kind: _Kind, candidates: NDArray[np.bool_]) -> Finding:
    test = "exact binomial test" if evidence.reference is None else "Fisher's exact test"
    shift = np.abs(table.shares - table.reference_shares)
    off = np.flatnonzero(candidates & (table.p_adjusted <= FALSE_DISCOVERY_RATE))
    worst_first = off[np.argsort(-shift[off], kind="stable")]
    return Finding(
        key=kind.key,
        title=kind.title,
        severity=_severity(evidence, table, kind, off, float(shift[off].sum())),
        value=float(len(off)),
        unit="classes",
        sentence=_sentence(evidence, table, kind, worst_first),
        p_value=float(table.p_adjusted[candidates].min(initial=1.0)),
        level=FALSE_DISCOVERY_RATE,
        images=_images(evidence, worst_first),
        classes=worst_first,
        source=(
            f"{test} of each class, adjusted over {table.tested.sum()} classes to a false discovery rate of 5 % "
            "(Benjamini and Hochberg 1995)"
        ),
    )


def _severity(evidence: Evidence, table: ClassTable, kind: _Kind, off: NDArray[np.intp], shift: float) -> Severity:
    if not len(off):
        return "fine"
    if evidence.reference is None:
        alone = float((table.shares - table.reference_shares)[off].max())
        return "severe" if kind is _OVER and alone >= SEVERE_ALONE else "warning"
    size = float(table.reference_shares[off].sum()) if kind is _MISSING else shift
    return "severe" if size >= kind.severe_from else "warning"


def _sentence(evidence: Evidence, table: ClassTable, kind: _Kind, off: NDArray[np.intp]) -> str:
    if not len(off):
        said = (_too_few(evidence, table) if kind is _MISSING else "") or kind.where_none
    else:
        names = evidence.sample.predictions.class_names
        each = [f"{short(names[c])}: {table.counts[c]:,} where {number(table.expected[c])} were expected" for c in off]
        said = f"{of_classes(len(off), int(table.tested.sum()))} {kind.predicate} – {listed(each, NAMED)}."
    if evidence.reference is None:
        return f"If all classes should be equally frequent: {said[0].lower()}{said[1:]}"
    return said


def _too_few(evidence: Evidence, table: ClassTable) -> str:
    """Say of how many classes it could not be told that they are missing; nothing where it could of all."""
    needed, tested = images_to_miss_a_class(evidence), int(table.tested.sum())
    enough = int(np.sum(table.expected[table.tested] >= needed))
    if enough == tested:
        return ""
    takes = f"it takes {math.ceil(needed):,} that are expected of it"
    if not enough:
        most = number(float(table.expected.max()))
        return f"Too few images to tell whether a class is missing: {takes}, where there are at most {most}."
    told = f"None of the {enough:,} classes that are frequent enough to tell is missing"
    return f"{told}; of {tested - enough:,} it can't be told: {takes}."


def _images(evidence: Evidence, classes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the images of some classes, class by class in their order."""
    top_class = evidence.sample.top_class
    rank = np.full(evidence.sample.score.n_classes, len(classes))
    rank[classes] = np.arange(len(classes))
    ranks = rank[top_class]
    images = np.flatnonzero(ranks < len(classes))
    return images[np.argsort(ranks[images], kind="stable")]
