"""Results as JSON holds them."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isexplore.collapse.finding import Finding
    from isexplore.predictions import Predictions
    from isexplore.score import Score

__all__ = ["finding_details", "plain_number", "score_details"]

_EXAMPLES = 10  # images named


def score_details(score: Score, predictions: Predictions) -> dict[str, Any]:
    """Return all numbers of a score, and where its predictions come from."""
    numbers = ("overall", "mean", "std", "splits", "corrected", "standard_error", "bias", "marginal_entropy")
    provenance = asdict(predictions.provenance)
    skipped = provenance.pop("skipped")
    return {
        **{name: getattr(score, name) for name in (*numbers, "n_images", "n_classes", "warnings")},
        "split_scores": score.split_scores.tolist(),
        "interval_95": score.interval(0.95),
        "marginal": score.marginal.tolist(),
        "mean_conditional_entropy": float(score.conditional_entropy.mean()),
        "class_names": predictions.class_names,
        "provenance": provenance,
        "skipped": [{"image": image, "reason": reason} for image, reason in skipped],
    }


def finding_details(finding: Finding, predictions: Predictions) -> dict[str, Any]:
    """Return what a check says: classes by name, how many images, and the names of a few of these."""
    return {
        "key": finding.key,
        "title": finding.title,
        "severity": finding.severity,
        "value": plain_number(float(finding.value)),
        "unit": finding.unit,
        "interval": None if finding.interval is None else [plain_number(float(end)) for end in finding.interval],
        "p_value": None if finding.p_value is None else plain_number(float(finding.p_value)),
        "level": finding.level,
        "sentence": finding.sentence,
        "source": finding.source,
        "classes": [predictions.class_names[i] for i in finding.classes],
        "images": len(finding.images),
        "examples": [predictions.image_names[i] for i in finding.images[:_EXAMPLES]],
    }


def plain_number(value: float | None) -> float | str | None:
    """Return a number as JSON can hold it: "nan" and "inf" as text.

    Examples
    --------
    >>> plain_number(0.5), plain_number(math.inf)
    (0.5, 'inf')
    """
    return value if value is None or math.isfinite(value) else str(value)
