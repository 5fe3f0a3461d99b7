"""Whether the network is less sure of these images than of real ones, or more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from isexplore.collapse.finding import Finding, Severity
from isexplore.collapse.welch import welch
from isexplore.collapse.words import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from isexplore.collapse.evidence import Evidence, Side

__all__ = ["check_confidence"]

# Float32 probabilities do not tell smaller differences of an entropy, in nats.
DECIMALS = 5
# The mean doubt divides the score by its exponential: this much of it more, or less, is a third of the score.
SEVERE = math.log(3 / 2)
# Images more doubtful than this part of the reference's are called doubtful.
QUANTILE = 0.99
# Without a reference: an image is doubtful where no class has half of the probability …
HALF = 0.5
# … and more than this part of doubtful images is told.
DOUBTFUL_SHARE = 0.10


def check_confidence(evidence: Evidence) -> Iterator[Finding]:
    """Look for low confidence, and with a reference for over-confidence.

    With a reference the images' H(p(y|x)) are compared. All of them must differ in rank, by the test of Mann and
    Whitney 1947, and on average, by Welch's (1947): the larger p-value counts. As a few garbage images hardly move
    either, the most doubtful hundredth of both sets is looked at too, by Fisher's exact test; the smaller of the two
    p-values counts twice. The finding is severe where the mean doubt is ln 3/2 nats larger, which costs a third of the
    score. Over-confidence is the other side, without the last test.

    Without a reference low confidence is told, as a warning, where more than a tenth of the images have no class with
    half of the probability, by the exact binomial test.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> sure, unsure = [0.99, 0.01], [0.6, 0.4]
    >>> real = side_of(Predictions.from_probabilities([sure] * 40))
    >>> drawn = side_of(Predictions.from_probabilities([sure] * 20 + [unsure] * 20))
    >>> for finding in check_confidence(Evidence(drawn, real)):
    ...     print(finding.severity, round(finding.value, 3), finding.unit, len(finding.images))
    warning 0.309 nats 20
    fine -0.309 nats 0
    """
    if evidence.reference is None:
        yield _alone(evidence)
    else:
        yield from _compared(evidence, evidence.reference)


def _compared(evidence: Evidence, reference: Side) -> Iterator[Finding]:
    from scipy.stats import mannwhitneyu

    doubt, real = _doubt(evidence.sample), _doubt(reference)
    more = welch(doubt, real)
    less = more.negative
    doubtful = np.flatnonzero(doubt > np.quantile(real, QUANTILE))
    doubtful = doubtful[np.argsort(-doubt[doubtful], kind="stable")]
    told = f"H(p(y|x)) is {doubt.mean():.3f} nats on average, the reference's {real.mean():.3f}"
    many = f"{len(doubtful):,} of {len(doubt):,} images are more doubtful than 99 % of the reference's"

    p_all = max(float(mannwhitneyu(doubt, real, alternative="greater").pvalue), more.p_greater)
    p_value = min(1.0, 2 * min(p_all, _tail_test(doubt, real)))
    severity = _severity(p_value, evidence.level, more.value)
    if severity == "fine":
        lead = "The network is not less sure of these images than of the reference's, beyond chance"
    elif 2 * p_all <= evidence.level:
        lead = "The network is less sure of these images than of the reference's"
    else:
        lead = "Some images are more doubtful than the reference's"
    yield Finding(
        key="low-confidence",
        title="Low confidence",
        severity=severity,
        value=more.value,
        unit="nats",
        sentence=f"{lead}: {told}; {many}.",
        interval=more.interval,
        p_value=p_value,
        level=evidence.level,
        images=doubtful,
        source="difference of mean H(p(y|x)); one-sided: Mann–Whitney and Welch, both, or Fisher's exact test of the "
        "most doubtful hundredth (Bonferroni)",
    )
    p_value = max(float(mannwhitneyu(doubt, real, alternative="less").pvalue), less.p_greater)
    severity = _severity(p_value, evidence.level, less.value)
    surer, beyond = ("not more sure", ", beyond chance") if severity == "fine" else ("more sure", "")
    yield Finding(
        key="over-confidence",
        title="Over-confidence",
        severity=severity,
        value=less.value,
        unit="nats",
        sentence=f"The network is {surer} of these images than of the reference's{beyond}: {told}.",
        interval=less.interval,
        p_value=p_value,
        level=evidence.level,
        source="difference of mean H(p(y|x)); one-sided: Mann–Whitney and Welch, both",
    )


def _alone(evidence: Evidence) -> Finding:
    from scipy.stats import binomtest

    sample = evidence.sample
    n = sample.n_images
    largest = sample.predictions.probabilities[np.arange(n), sample.top_class]
    doubtful = np.flatnonzero(largest < HALF)
    doubtful = doubtful[np.argsort(-sample.score.conditional_entropy[doubtful], kind="stable")]
    test = binomtest(len(doubtful), n, DOUBTFUL_SHARE, alternative="greater")
    fires = bool(test.pvalue <= evidence.level)
    interval = binomtest(len(doubtful), n).proportion_ci(0.95, method="exact")
    said = (
        f"{len(doubtful):,} of {n:,} images ({percent(len(doubtful) / n)}) have no class with half of the probability"
    )
    return Finding(
        key="low-confidence",
        title="Low confidence",
        severity="warning" if fires else "fine",
        value=100 * len(doubtful) / n,
        unit="% of images",
        sentence=f"{said}{', more than a tenth beyond chance' if fires else ''}: without a reference there is no "
        "telling whether real images would be as doubtful.",
        interval=(100 * float(interval.low), 100 * float(interval.high)),
        p_value=float(test.pvalue),
        level=evidence.level,
        images=doubtful,
        source="exact binomial test of more than 10 % (Clopper and Pearson 1934)",
    )


def _doubt(side: Side) -> NDArray[np.float64]:
    """Return H(p(y|x)) of each image (N,), as far as float32 tells it: what rounding makes must not be ranked."""
    return np.round(side.score.conditional_entropy, DECIMALS)


def _severity(p_value: float, level: float, effect: float) -> Severity:
    if p_value > level:
        return "fine"
    return "severe" if effect >= SEVERE else "warning"


def _tail_test(doubt: NDArray[np.float64], real: NDArray[np.float64]) -> float:
    """Return how likely chance puts so many of the most doubtful hundredth of both sets into the first, or more."""
    from scipy.stats import hypergeom

    both = np.concatenate([doubt, real])
    limit = np.quantile(both, QUANTILE)
    beyond = both > limit
    if not beyond.any():  # the most doubtful are all alike
        beyond = both >= limit
    return float(hypergeom.sf(beyond[: len(doubt)].sum() - 1, len(both), beyond.sum(), len(doubt)))
