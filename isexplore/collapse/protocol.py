"""Trouble with how the images were taken and counted: their order, their number, and a score that is at its ceiling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from isexplore.collapse.class_table import classes_tested, images_to_miss_a_class
from isexplore.collapse.finding import Finding
from isexplore.collapse.words import number
from isexplore.order import FEWEST_PERMUTATIONS, order_test
from isexplore.uncertainty import size_warnings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isexplore.collapse.evidence import Evidence

__all__ = ["check_order", "check_saturation", "check_size"]

# From this part of the largest possible score on, hardly anything is left to tell.
SATURATED = 0.95


def check_order(evidence: Evidence) -> Iterator[Finding]:
    """Look for images that do not lie in random order, such as sorted by class, by a permutation test.

    See `isexplore.order.order_test`. A single split has no order to test: then there is no finding.

    Examples
    --------
    >>> import numpy as np
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> by_class = side_of(Predictions.from_probabilities(np.repeat(np.eye(10), 100, axis=0)))
    >>> next(check_order(Evidence(by_class))).sentence
    'The images do not lie in random order: the mean of 10 splits, 1.00, is 90 % lower than in random order; ...'
    """
    score, level = evidence.sample.score, evidence.level
    if score.splits == 1:
        return
    permutations = max(FEWEST_PERMUTATIONS, math.ceil(1 / level) - 1)  # as many as p ≤ level takes
    test = order_test(evidence.sample.predictions, score.splits, permutations=permutations, seed=evidence.seed)
    fires = test.p_value <= level
    loss = 100 * test.loss
    if fires:
        said = (
            f"The images do not lie in random order: the mean of {score.splits:,} splits, {score.mean:,.2f}, is "
            f"{loss:.2g} % lower than in random order; the score of all, {score.overall:,.2f}, does not depend on it."
        )
    else:
        said = f"The images may well lie in random order: the {score.splits:,} splits differ no more than by chance."
    yield Finding(
        key="class-order",
        title="Order of the images",
        severity="warning" if fires else "fine",
        value=loss,
        unit="% of the mean of splits",
        sentence=said,
        p_value=test.p_value,
        level=level,
        source=f"permutation test of the Jensen–Shannon divergence of the splits, {test.permutations} permutations",
    )


def check_size(evidence: Evidence) -> Iterator[Finding]:
    """Look for too few images in a split, and too few for a single missing class to be told.

    Neither is a test: the first goes by `isexplore.uncertainty.size_warnings`, the second by `images_to_miss_a_class`.

    Examples
    --------
    >>> import numpy as np
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> few = side_of(Predictions.from_probabilities(np.tile(np.eye(10), (5, 1))))
    >>> for finding in check_size(Evidence(few)):
    ...     print(finding.severity, finding.sentence)
    warning Splits of 5 images cannot score above 5, but p(y) is as varied as 10 equal classes: use fewer ...
    warning 5 images a class are few: that a single class is missing can be told from about 6.0 on.
    """
    score = evidence.sample.score
    split = score.n_images // score.splits
    warnings = size_warnings(
        score.n_images, score.splits, score.bias_constant, score.kl_variance, score.effective_classes
    )
    low = 100 * -math.expm1((score.kl_variance - score.bias_constant) / (2 * split))
    fine = f"Splits of {score.split_sizes} images are enough: their scores are biased low by about {low:.2g} %."
    yield Finding(
        key="images-per-split",
        title="Images per split",
        severity="warning" if warnings else "fine",
        value=split,
        unit="images",
        sentence=" ".join(warnings) or fine,
        source="first-order bias B/2n of ln IS (Miller 1955; Chong and Forsyth 2020)",
    )
    classes = int(classes_tested(evidence).sum())
    each, needed = score.n_images / classes, images_to_miss_a_class(evidence)
    few = each < needed
    yield Finding(
        key="images-per-class",
        title="Images per class",
        severity="warning" if few else "fine",
        value=each,
        unit="images",
        sentence=f"{number(each)} images a class are {'few' if few else 'enough'}: that a single class is missing can "
        f"be told from about {number(needed)} on.",
        source="the expected number from which none at all is significant among all classes",
    )


def check_saturation(evidence: Evidence) -> Iterator[Finding]:
    """State how far the score is from the most there is, min(N, C): at its ceiling it cannot tell good from better.

    Examples
    --------
    >>> import numpy as np
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> perfect = side_of(Predictions.from_probabilities(np.tile(np.eye(10), (50, 1))))
    >>> next(check_saturation(Evidence(perfect))).sentence
    'The score, 10.00, is 100 % of the most there is, 10: it cannot tell these images from better ones.'
    """
    score = evidence.sample.score
    most = min(score.n_images, score.n_classes)
    part = score.overall / most
    low, high = (min(100 * end / most, 100.0) for end in score.interval())
    told = "it cannot tell these images from better ones" if part >= SATURATED else "better images would show"
    yield Finding(
        key="saturation",
        title="Saturation",
        severity="fine",
        value=100 * part,
        unit="% of the highest score",
        sentence=f"The score, {score.overall:,.2f}, is {100 * part:.0f} % of the most there is, {most:,}: {told}.",
        interval=(low, high),
        source="IS ≤ min(N, C)",
    )
