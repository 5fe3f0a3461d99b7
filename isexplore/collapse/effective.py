"""How many classes are used, as a number: exp H(p(y)), the effective number of classes."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from isexplore.collapse.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isexplore.collapse.evidence import Evidence
    from isexplore.score import Score

__all__ = ["check_effective_classes", "effective_classes"]

NORMAL_95 = NormalDist().inv_cdf(0.975)


def effective_classes(score: Score) -> tuple[float, tuple[float, float]]:
    """Return exp H(p(y)) of endlessly many images, and its 95 % interval.

    With N images H(p(y)) is B/2N too low on average, B = Σ_c Var(p_c)/p(c), which is added: for one-hot rows this is
    the correction of Miller (1955) and Madow, (C − 1)/2N. Its error is sd(−Σ_c p_c ln p(c))/√N, by the delta method;
    but no less than what is left where all classes are equal: there 2N·(ln C − H) is Σ λ_k·χ²₁ with weights
    0 ≤ λ_k ≤ 1 that sum to B, of variance 2·min(B, B²) at most.

    Returns
    -------
    tuple
        The number, and the lower and upper end, within [1, C].

    Examples
    --------
    >>> import numpy as np
    >>> from isexplore.score import inception_score
    >>> value, (low, high) = effective_classes(inception_score(np.repeat(np.eye(3), [50, 30, 20], axis=0)))
    >>> round(value, 2), round(low, 2), round(high, 2)
    (2.83, 2.63, 3.0)
    """
    n, b = score.n_images, score.bias_constant
    log_value = score.marginal_entropy + b / (2 * n)
    # −Σ_c p_c ln p(c) of an image is the sum of its two terms, KL(p‖p(y)) + H(p), and H(p(y)) on average.
    spread = float((score.kl + score.conditional_entropy).std()) / math.sqrt(n)
    reach = NORMAL_95 * max(spread, math.sqrt(min(b, b**2) / 2) / n)
    value, low, high = (
        min(max(math.exp(x), 1.0), float(score.n_classes)) for x in (log_value, log_value - reach, log_value + reach)
    )
    return value, (low, high)


def check_effective_classes(evidence: Evidence) -> Iterator[Finding]:
    """State the effective number of classes, beside the reference's: it is not tested, the single classes are.

    Examples
    --------
    >>> import numpy as np
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> drawn = side_of(Predictions.from_probabilities(np.repeat(np.eye(3), [50, 30, 20], axis=0)))
    >>> next(check_effective_classes(Evidence(drawn))).sentence
    'The images are as varied as 2.8 equally frequent classes (95 % 2.6–3.0), of 3.'
    """
    score = evidence.sample.score
    value, interval = _known(score)
    said = f"The images are as varied as {_told(value, interval)}, of {score.n_classes:,}."
    if evidence.reference is not None:
        of_reference, its_interval = _known(evidence.reference.score)
        said = f"{said[:-1]}; the reference's are as varied as {_told(of_reference, its_interval, short=True)}."
    yield Finding(
        key="effective-classes",
        title="Effective classes",
        severity="fine",
        value=value,
        unit="classes",
        sentence=said,
        interval=interval,
        source="exp H(p(y)), corrected for the number of images (Miller 1955)",
    )


def _known(score: Score) -> tuple[float, tuple[float, float] | None]:
    """Return the number, and its interval where there is one: a single image says nothing of how images differ."""
    value, interval = effective_classes(score)
    return value, interval if score.n_images > 1 else None


def _told(value: float, interval: tuple[float, float] | None, *, short: bool = False) -> str:
    classes = "" if short else " equally frequent classes"
    if interval is None:
        return f"{value:,.1f}{classes}"
    return f"{value:,.1f}{classes} (95 % {interval[0]:,.1f}–{interval[1]:,.1f})"
