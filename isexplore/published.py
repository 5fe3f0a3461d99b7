"""Check a published "mean ± std" over splits: whether splits in random order can give it.

With images in random order, a split of n images has sd(ln IS) ≈ sd(KL)/√n, so that the published figures imply

    sd(KL) ≈ (std/mean)·√n.

KL of an image to the marginal of its split lies between 0 and ln n, hence the ceiling sd(KL) ≤ (ln n)/2 (Popoviciu).
That the marginal changes with the images adds a little: n·ln IS gains between 0 and n ln n − (n−1) ln(n−1) from any one
image, so that √n·sd(ln IS) of independent images never exceeds half of that, about (1 + ln n)/2 (Efron and Stein 1981).
Beyond this the order was not random, or the figures mean something else. (ln C)/2 would be no ceiling: KL of an image
of a rare class can exceed ln C.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from statistics import NormalDist
from typing import SupportsIndex

from isexplore.edges import check_splits
from isexplore.matrices import MIN_CLASSES
from isexplore.oneline import OneLine
from isexplore.uncertainty import FIRST_ORDER_LIMIT

# The spread of a few splits is uncertain itself: the verdict counts on no more than its lower bound at this level.
LEVEL = 0.999
# Scores that were computed, not typed, may be off by rounding.
ROUNDING = 1e-9


@dataclass(frozen=True, repr=False, kw_only=True)
class PublishedCheck(OneLine):
    """What a published "mean ± std" implies, and whether splits in random order can give it.

    Attributes
    ----------
    mean, std, n_images, splits, n_classes
        The published figures, as given.
    images_per_split
        n = N/S.
    implied_sd
        sd(KL) that the spread implies, (std/mean)·√n, in nats; NaN for one split, which says nothing.
    least_sd
        Its lower confidence bound at 99.9 %, as a spread of S splits has a relative error of about 1/√(2(S−1)).
    ceiling
        The largest sd(KL) of n images, (ln n)/2.
    limit
        The largest √n·sd(ln IS) of splits in random order, about (1 + ln n)/2: above it `least_sd` is impossible.
    standard_error
        Implied standard error of the score of all images, std/√S; NaN for one split.
    bias_bound
        How far, as a share, the mean may lie below the score of endlessly many images: (C−1)/2n, to first order.
    reasons
        Sentences on what is impossible about the figures.
    """

    mean: float
    std: float
    n_images: int
    splits: int
    n_classes: int
    images_per_split: float
    implied_sd: float
    least_sd: float
    ceiling: float
    limit: float
    standard_error: float
    bias_bound: float
    reasons: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Either "not plausible", for the reasons; or "doubtful", with sd(KL) above the ceiling; or "plausible"."""
        if self.reasons:
            return "not plausible"
        return "doubtful" if self.implied_sd > self.ceiling else "plausible"

    @property
    def plausible(self) -> bool:
        """Whether splits in random order give such figures without an unlikely chance: false also where doubtful."""
        return self.verdict == "plausible"

    def __str__(self) -> str:
        verdict = self.verdict
        size = _images(self.images_per_split)
        if self.splits == 1:
            head = f"{self.mean:g} from one split of {size} is {verdict}."
            return " ".join([head, *self.reasons, "One split says nothing about the order.", self._bias(size)])
        parts = [
            f"{self.mean:g} ± {self.std:g} over {self.splits} splits of {size} is {verdict} in random order.",
            *self.reasons,
            self._spread(),
            self._bias(size),
        ]
        if verdict == "doubtful":
            parts.insert(1, "Only chance among few splits, or a most extreme set, explains the ±.")
        return " ".join(parts)

    def _spread(self) -> str:
        if self.std == 0:
            return (
                "A ± of 0 says that all splits score alike, as identical images and evenly spread certain ones do; "
                "more often it was rounded or left out."
            )
        error = 100 / math.sqrt(2 * (self.splits - 1))
        return (
            f"The ± implies sd(KL) = {self.implied_sd:.2f} nats, at least {self.least_sd:.2f} (a ± of {self.splits} "
            f"splits is itself uncertain by {error:.0f} %), where {self._most()}. It is no standard "
            f"error: that of the score of all images would be {self.standard_error:.2g}."
        )

    def _most(self) -> str:
        if self.plausible:
            return f"{self.ceiling:.2f} is the ceiling"
        return f"{self.ceiling:.2f} is the ceiling, and {self.limit:.2f} that of the most extreme sets"

    def _bias(self, size: str) -> str:
        if self.bias_bound > FIRST_ORDER_LIMIT:
            return f"{size} a split are few for {self.n_classes} classes: larger splits may score far higher."
        return (
            f"With {size} a split and {self.n_classes} classes the mean lies at most about "
            f"{100 * self.bias_bound:.2g} % below the score of endlessly many images (first order)."
        )


def check_published(
    mean: float, std: float, n_images: SupportsIndex, splits: SupportsIndex, n_classes: SupportsIndex
) -> PublishedCheck:
    """Check whether a published "mean ± std" can come from splits in random order.

    Plausible does not mean right: images sorted by class may score alike in every split. Doubtful is a spread above the
    ceiling that few splits might still show by chance.

    Parameters
    ----------
    mean, std
        Mean and standard deviation of the split scores, as published; a deviation of 0 for one split.
    n_images
        Number of images N in all.
    splits
        Number of splits S.
    n_classes
        Number of the network's classes C, such as 1000.

    Raises
    ------
    ValueError
        If the mean is not above 0, the deviation is negative, either is not finite, or a number is not whole, or too
        small: 1 image, 1 split, 2 classes, and as many images as splits.

    Examples
    --------
    >>> check = check_published(11.24, 0.12, n_images=50_000, splits=10, n_classes=1000)
    >>> check.plausible, round(check.implied_sd, 2), round(check.ceiling, 2)
    (True, 0.75, 4.26)

    >>> print(*check_published(63.70, 7.87, n_images=50_000, splits=10, n_classes=1000).reasons)
    Random order never implies sd(KL) above 4.76 nats; images sorted by class, as many files are, can.

    >>> check_published(63.70, 7.2, n_images=50_000, splits=10, n_classes=1000).verdict
    'doubtful'
    """
    mean, std = _figure(mean, "mean"), _figure(std, "std")
    if mean == 0:
        raise ValueError("mean is 0: give the published mean, at least 1")
    n_images = _whole(n_images, "n_images", 1)
    splits = check_splits(splits, n_images)
    n_classes = _whole(n_classes, "n_classes", MIN_CLASSES)
    n = n_images / splits
    implied = std / mean * math.sqrt(n) if splits > 1 else math.nan
    least = implied * _least_share(splits - 1) if splits > 1 else math.nan
    limit = (math.log(n) - (n - 1) * math.log1p(-1 / n)) / 2 if n > 1 else 0.0
    reasons = _about_mean(mean, math.ceil(n), n_classes)
    if splits == 1 and std > 0:
        reasons.append("One split has no spread: the ± is something else, such as the spread over several runs.")
    elif n == 1 and std > 0:
        reasons.append("Splits of 1 image always score 1, without spread.")
    elif least > limit:
        reasons.append(
            f"Random order never implies sd(KL) above {limit:.2f} nats; images sorted by class, as many files are, can."
        )
    return PublishedCheck(
        mean=mean,
        std=std,
        n_images=n_images,
        splits=splits,
        n_classes=n_classes,
        images_per_split=n,
        implied_sd=implied,
        least_sd=least,
        ceiling=math.log(n) / 2,
        limit=limit,
        standard_error=std / math.sqrt(splits) if splits > 1 else math.nan,
        bias_bound=(n_classes - 1) / (2 * n),
        reasons=tuple(reasons),
    )


def _images(n: float) -> str:
    return "1 image" if n == 1 else f"{n:.9g} images"


def _about_mean(mean: float, n: int, n_classes: int) -> list[str]:
    if mean < 1 - ROUNDING:
        return ["No score is below 1."]
    if mean > min(n, n_classes) * (1 + ROUNDING):
        return [f"No split of {_images(n)} and {n_classes} classes scores above {min(n, n_classes)}."]
    return []


def _least_share(freedom: int) -> float:
    """Return the lower confidence bound of a standard deviation as a share of its estimate, √(k/χ²).

    The χ² quantile is that of Wilson and Hilferty (1931), within 4 % of the exact one.
    """
    part = 2 / (9 * freedom)
    quantile = freedom * (1 - part + NormalDist().inv_cdf(LEVEL) * math.sqrt(part)) ** 3
    return math.sqrt(freedom / quantile)


def _figure(value: float, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{name} is {value!r}: give the published number, such as 11.24 or 0.12")
    return number


def _whole(value: SupportsIndex, name: str, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} is {value!r}: give a whole number, at least {least}") from None
    if number < least:
        raise ValueError(f"{name} is {number}: give at least {least}")
    return number
