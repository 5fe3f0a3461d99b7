"""Whether the generator reaches all of what is real, and draws nothing else, by nearest neighbours of embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isexplore.collapse.embedded import both_embedded
from isexplore.collapse.finding import Finding
from isexplore.collapse.manifold import K_COVERAGE, compare_manifolds, expected_coverage
from isexplore.collapse.words import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from isexplore.collapse.evidence import Evidence
    from isexplore.collapse.finding import Severity

__all__ = ["check_coverage"]

IMAGES = 5000  # of each set at most: the time goes with the square
DRAWS = 999
# Severe where nine tenths of what two sets of one law would cover is not covered: blurred images alone lose most of it.
SEVERE = 0.1

_PRECISION = "Kynkäänniemi et al. 2019, k = 3"
_COVERAGE = "Naeem et al. 2020, k = 5"


def check_coverage(evidence: Evidence) -> Iterator[Finding]:
    """Look for real images that have nothing drawn near them; state precision, recall and density.

    On at most 5,000 images of each set, drawn at random.

    Parameters
    ----------
    evidence : Evidence

    Yields
    ------
    Finding
        "coverage", tested by permutation, and "precision", "recall" and "density", which never fire. Nothing without
        embeddings of both sets, or with five images or fewer in one of them.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> preds, cloud = Predictions.from_probabilities(np.eye(60)), np.random.default_rng(0).normal(size=(60, 2))
    >>> lost = np.where(np.arange(60) < 30, 9, 0)[:, None]
    >>> found = list(check_coverage(Evidence(side_of(preds, cloud), side_of(preds, cloud + lost))))
    >>> print(found[0].severity, found[0].sentence)
    warning 50.0 % of the reference have an image nearby, where 97.3 % would if both were alike (60 images ...
    """
    both = both_embedded(evidence)
    if both is None or min(map(len, both)) <= K_COVERAGE:
        return
    rng = np.random.default_rng(evidence.seed)
    rows = [np.sort(rng.permutation(len(each))[:IMAGES]) for each in both]
    drawn, real = (np.asarray(each[row], np.float32) for each, row in zip(both, rows, strict=True))
    found = compare_manifolds(drawn, real)
    n, m = len(drawn), len(real)
    those = f"{n:,} images and {m:,} of the reference"
    expected = expected_coverage(n, m)
    p_value = found.coverage_p_value(DRAWS, evidence.seed)
    severity: Severity = "fine"
    if p_value <= evidence.level:
        severity = "severe" if found.coverage <= SEVERE * expected else "warning"
    yield Finding(
        "coverage",
        "Coverage",
        severity,
        found.coverage,
        "of the reference",
        f"{percent(found.coverage)} of the reference have an image nearby, where {percent(expected)} would if both "
        f"were alike ({those}).",
        interval=_wilson(found.covered),
        p_value=p_value,
        level=evidence.level,
        source=f"coverage ({_COVERAGE}), permutation test",
    )
    yield Finding(
        "precision",
        "Precision",
        "fine",
        found.precision,
        "of the images",
        f"{percent(found.precision)} of the images are as near to a real one as its third nearest real one ({those}).",
        interval=_wilson(found.precise),
        images=rows[0][~found.precise],
        source=f"precision ({_PRECISION})",
    )
    yield Finding(
        "recall",
        "Recall",
        "fine",
        found.recall,
        "of the reference",
        f"{percent(found.recall)} of the reference are as near to an image as its third nearest image ({those}).",
        interval=_wilson(found.recalled),
        source=f"recall ({_PRECISION})",
    )
    yield Finding(
        "density",
        "Density",
        "fine",
        found.density,
        "neighbourhoods, 1 where alike",
        f"An image is in {found.density:,.2f} times as many neighbourhoods of real images as it would be if both were "
        f"alike ({those}).",
        source=f"density ({_COVERAGE})",
    )


def _wilson(each: NDArray[np.bool_]) -> tuple[float, float]:
    """Return Wilson's interval of a part, at 95 %."""
    from scipy.stats import binomtest

    interval = binomtest(int(each.sum()), len(each)).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
