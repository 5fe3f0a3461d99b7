"""Where the score comes from: between and within groups of images, and class by class against the reference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.arrays import xlogx
from isexplore.collapse.effective import NORMAL_95
from isexplore.collapse.finding import Finding
from isexplore.collapse.neighbours import blocks
from isexplore.collapse.words import NAMED, listed, short, signed
from isexplore.groups import group_codes
from isexplore.uncertainty import interval_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from isexplore.collapse.evidence import Evidence, Side

__all__ = ["check_contributions", "check_groups"]

ROWS = 2000  # read at a time
SHOWN = 0.0005  # nats: what three decimals show


def check_groups(evidence: Evidence) -> Iterator[Finding]:
    """State the score as between × within groups: BCIS × WCIS of Benny et al. 2021.

    The groups are the labels where all sets have them, and else the most likely classes.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> drawn = side_of(Predictions.from_probabilities(np.eye(4), labels=["cat", "cat", "dog", "dog"]))
    >>> next(check_groups(Evidence(drawn))).sentence
    'The score, 4.00, is 2.00 between × 2.00 within the 2 labels.'
    """
    reference = evidence.reference
    sides = [evidence.sample] if reference is None else [evidence.sample, reference]
    labelled = all(side.predictions.labels is not None for side in sides)
    first, *others = [_factors(side, labelled=labelled) for side in sides]
    kind = "labels" if labelled else "predicted classes"
    said = f"The score, {first.overall:,.2f}, is {first} within the {first.n_groups:,} {kind}"
    rest = "".join(f"; the reference's, {other.overall:,.2f}, is {other}" for other in others)
    yield Finding(
        key="between-within",
        title="Between and within classes",
        severity="fine",
        value=first.between,
        unit="between",
        sentence=f"{said}{rest}.",
        source="BCIS × WCIS (Benny et al. 2021)",
    )


def check_contributions(evidence: Evidence) -> Iterator[Finding]:
    """State how far ln IS is from the reference's, and which classes' parts of it have changed most.

    ln IS is corrected for the number of images, B/2N; the parts are not, so that they add up to what is printed.

    Without a reference there is no finding.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> real = side_of(Predictions.from_probabilities(np.tile(np.eye(4), (50, 1))))
    >>> drawn = side_of(Predictions.from_probabilities(np.tile(np.eye(4)[:2], (100, 1))))
    >>> next(check_contributions(Evidence(drawn, real))).classes
    array([2, 3])
    """
    reference = evidence.reference
    if reference is None:
        return
    score, other = evidence.sample.score, reference.score
    changes = score.class_contributions - other.class_contributions
    most = np.argsort(-np.abs(changes), kind="stable")[:NAMED]
    most = most[np.abs(changes[most]) >= SHOWN]
    logs = [each.log_score + each.bias_constant / (2 * each.n_images) for each in (score, other)]
    errors = [interval_error(1.0, each.bias_constant, each.kl_variance, each.n_images) for each in (score, other)]
    difference, reach = logs[0] - logs[1], NORMAL_95 * math.hypot(*errors)
    names = evidence.sample.predictions.class_names
    parts = listed([f"{short(names[c])}: {signed(changes[c])}" for c in most])
    yield Finding(
        key="class-contributions",
        title="Contributions of the classes",
        severity="fine",
        value=difference,
        unit="nats",
        sentence=f"ln IS is {logs[0]:.3f} nats, the reference's {logs[1]:.3f} (corrected for the number of images); "
        + (
            f"what the classes add, uncorrected, has changed most for {parts}."
            if parts
            else "no class adds more or less."
        ),
        interval=(difference - reach, difference + reach),
        classes=most,
        source="ln IS = Σ_c mean p(c|x) ln(p(c|x)/p(c)); delta method for the interval",
    )


@dataclass(frozen=True)
class _Factors:
    """The score of all images, and its factors between and within groups."""

    n_groups: int
    overall: float
    between: float
    within: float

    def __str__(self) -> str:
        return f"{self.between:,.2f} between × {self.within:,.2f}"


def _factors(side: Side, *, labelled: bool) -> _Factors:
    """Compute between = exp(H(p(y)) − Σ w_g H(m_g)), and within, what is left of the score.

    The marginals m_g are of some groups at a time: of thousands of labels and classes, all would take gigabytes.
    """
    p, score = side.predictions.probabilities, side.score
    groups: Any = side.predictions.labels if labelled else side.top_class
    names, codes = group_codes(groups, len(p), "images")
    counts, inside = np.bincount(codes), 0.0
    for some in blocks(len(names), score.n_classes):
        images = np.flatnonzero((codes >= some.start) & (codes < some.stop))
        marginals = _sums(p, images, codes[images] - some.start) / counts[some, None]
        inside -= float(counts[some] @ xlogx(marginals).sum(axis=1)) / len(p)
    within = max(inside - float(score.conditional_entropy.mean()), 0.0)
    return _Factors(len(names), score.overall, math.exp(max(score.marginal_entropy - inside, 0.0)), math.exp(within))


def _sums(p: NDArray[np.floating], images: NDArray[np.intp], codes: NDArray[np.intp]) -> NDArray[np.float64]:
    """Add the rows of some images up by group."""
    from scipy.sparse import csr_array

    sums = np.zeros((int(codes.max()) + 1, p.shape[1]))
    for start in range(0, len(images), ROWS):
        block, code = np.asarray(p[images[start : start + ROWS]]), codes[start : start + ROWS]
        # In float32, as the rows are: twice as quick, and the few rows of a block lose nothing.
        member = csr_array((1 / block.sum(axis=1), (code, np.arange(len(code)))), shape=(len(sums), len(code)))
        sums += member @ block
    return sums
