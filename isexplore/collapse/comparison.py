"""Two sample sets side by side: both scores by the same protocol, a test of their difference, and class by class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING, Protocol

import numpy as np

from isexplore.collapse.comparable import check_comparable, comparison_notes
from isexplore.collapse.jackknife import log_corrected, log_error
from isexplore.collapse.words import short
from isexplore.score import inception_score
from isexplore.uncertainty import FEW_IMAGES, FIRST_ORDER_LIMIT, ROUNDING, check_level

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from isexplore.predictions import Predictions
    from isexplore.score import Score

__all__ = ["Comparison", "Scored", "check_comparable", "compare_sets", "comparison_of", "score_of_some"]

LEVEL = 0.05  # of the test, as the intervals are at 95 %
_SMALLEST_P = 0.001  # smaller ones are not written out: the tails of a normal law are none of images
_AS_MUCH_AS_NONE = 0.0005  # nats; a ratio that would be printed as 1.000


class Scored(Protocol):
    """A sample set whose score is known, such as an `isexplore.collapse.evidence.Side`."""

    @property
    def predictions(self) -> Predictions:
        """The rows."""

    @property
    def score(self) -> Score:
        """Of all images, over any number of splits."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Sample set B against sample set A. Made by `compare_sets`.

    Attributes
    ----------
    name_a, name_b : str
    a, b : Score
        Of all images of each set: p(y), and the corrected score with its interval, which do not depend on how many
        there are, but for what is left of the bias.
    protocol_a, protocol_b : Score
        Of equally many images n of each set over equally many splits: the mean, the spread, the score as a whole and
        the classes' contributions, which all depend on n. The larger set's are chosen at random.
    notes : tuple of str
        What is unlike or unknown of the two sets, and what makes the test unreliable.

    Examples
    --------
    >>> from isexplore import demo, predict
    >>> from isexplore.collapse.evidence import side_of
    >>> early, late = (
    ...     side_of(predict(demo.gan("collapsed", step), "digits", progress=False)) for step in (3000, 30000)
    ... )
    >>> print(compare_sets(early, late, names=("early", "late")).sentence)
    late scores lower: 0.185 times as much as early (95 % 0.175–0.196, p < 0.001).
    """

    name_a: str
    name_b: str
    a: Score
    b: Score
    protocol_a: Score
    protocol_b: Score
    notes: tuple[str, ...] = ()

    @property
    def n_images(self) -> int:
        """How many images n of each set the protocol and the test take."""
        return self.protocol_a.n_images

    @cached_property
    def difference(self) -> float:
        """What B has more than A of the bias-corrected ln IS of n images, in nats."""
        return log_corrected(self.protocol_b) - log_corrected(self.protocol_a)

    @cached_property
    def error(self) -> float:
        """The standard error of `difference`, in nats, for sets that were drawn independently.

        Sets that share their images, or were made from the same latents, differ less than that by chance; repeated
        images count as if they were several, which they are not.
        """
        # Smaller differences come from rounding.
        return max(math.hypot(log_error(self.protocol_a), log_error(self.protocol_b)), ROUNDING)

    @property
    def z(self) -> float:
        """`difference` in standard errors."""
        return self.difference / self.error

    @property
    def p_value(self) -> float:
        """How often two sets with the same score differ by as much or more (normal law, both sides)."""
        return math.erfc(abs(self.z) / math.sqrt(2))

    @property
    def ratio(self) -> float:
        """The corrected score of B over that of A."""
        return math.exp(self.difference)

    def ratio_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return a confidence interval for `ratio`.

        Parameters
        ----------
        level
            Confidence level, between 0 and 1.

        Raises
        ------
        ValueError
            If the level does not lie between 0 and 1.
        """
        check_level(level)
        reach = NormalDist().inv_cdf((1 + level) / 2) * self.error
        return math.exp(self.difference - reach), math.exp(self.difference + reach)

    @property
    def share_change(self) -> NDArray[np.float64]:
        """(C,) what each class has more of p(y) in B than in A."""
        return self.b.marginal - self.a.marginal

    @property
    def contribution_change(self) -> NDArray[np.float64]:
        """(C,) change of each class's L_c from A to B, in nats; their sum is the difference of ln IS of n images.

        It is that of the scores as they are, without the correction of `difference`.
        """
        return self.protocol_b.class_contributions - self.protocol_a.class_contributions

    @property
    def sentence(self) -> str:
        """What the test says, in words."""
        low, high = self.ratio_interval()
        found = f"{self.ratio:.3f} times as much as {short(self.name_a)} (95 % {low:.3f}–{high:.3f}, {self._p()})"
        if self.p_value >= LEVEL:
            return f"No difference of the scores is seen: {short(self.name_b)} scores {found}."
        if abs(self.difference) < _AS_MUCH_AS_NONE:
            return f"{short(self.name_b)} scores almost as much: {found}."
        return f"{short(self.name_b)} scores {'higher' if self.difference > 0 else 'lower'}: {found}."

    def to_dataframe(self) -> pd.DataFrame:
        """Return a row for each class (needs pandas).

        Its columns are class (its number), share_a, share_b and share_change of p(y), and contribution_a,
        contribution_b and contribution_change in nats.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "class": np.arange(self.a.n_classes),
                "share_a": self.a.marginal,
                "share_b": self.b.marginal,
                "share_change": self.share_change,
                "contribution_a": self.protocol_a.class_contributions,
                "contribution_b": self.protocol_b.class_contributions,
                "contribution_change": self.contribution_change,
            }
        )

    def _p(self) -> str:
        return f"p < {_SMALLEST_P}" if self.p_value < _SMALLEST_P else f"p = {self.p_value:.3f}"


def compare_sets(
    a: Scored, b: Scored, splits: int = 10, *, names: tuple[str, str] = ("A", "B"), seed: int = 0
) -> Comparison:
    """Compare two sample sets by the same protocol: equally many images, over equally many splits.

    A score of few images is biased low, and one over splits more so: numbers of sets of unlike size are no comparison.
    Of the larger set as many images as the smaller one has are chosen at random, and kept in their order, so that a
    sorted file stays a sorted one. That costs the test at most a factor √2 in its standard error.

    Parameters
    ----------
    a, b
        The sample sets, each with its score.
    splits
        Number of contiguous splits S.
    names
        What the sets are called.
    seed
        Of the choice.

    Raises
    ------
    ValueError
        If the sets can't be compared, see `check_comparable`, or have fewer images than splits.

    Examples
    --------
    >>> from isexplore.collapse.evidence import side_of
    >>> from isexplore.predictions import Predictions
    >>> four, two = (side_of(Predictions.from_probabilities(np.eye(4)[[0, 1, *rest] * 30])) for rest in ([2, 3], []))
    >>> comparison = compare_sets(four, two, splits=6)
    >>> comparison.n_images, round(comparison.protocol_a.mean, 1), round(comparison.protocol_b.mean, 1)
    (60, 3.6, 2.0)
    """
    check_comparable(a.predictions, b.predictions, *names)
    n = min(len(a.predictions), len(b.predictions))
    protocol_a, protocol_b = (score_of_some(one.predictions, n, splits, seed) for one in (a, b))
    notes = comparison_notes(a.predictions, b.predictions, *names)
    return comparison_of(a.score, b.score, protocol_a, protocol_b, names=names, notes=notes)


def comparison_of(  # noqa: PLR0913 - two sides
    a: Score,
    b: Score,
    protocol_a: Score,
    protocol_b: Score,
    *,
    names: tuple[str, str] = ("A", "B"),
    notes: tuple[str, ...] = (),
) -> Comparison:
    """Compare two sample sets from scores that are known already.

    Parameters
    ----------
    a, b
        Of all images of each set.
    protocol_a, protocol_b
        Of equally many images, see `score_of_some`, over equally many splits.
    names
        What the sets are called.
    notes
        Said before those on the numbers of images.

    Raises
    ------
    ValueError
        If these are not of equally many images and splits.
    """
    one, other = ((score.n_images, score.splits) for score in (protocol_a, protocol_b))
    if one != other:
        raise ValueError(f"images and splits are {one} and {other}: compare scores of equally many of both")
    notes = (*notes, *_cut_notes(a, b, names, one[0]), *_size_notes(protocol_a, protocol_b))
    return Comparison(*names, a, b, protocol_a, protocol_b, notes)


def score_of_some(predictions: Predictions, images: int, splits: int, seed: int = 0) -> Score:
    """Score some images of a set, chosen at random and kept in their order.

    Parameters
    ----------
    predictions
    images
        How many; all, where the set has just so many.
    splits
        Number of contiguous splits of these.
    seed
        Of the choice.

    Raises
    ------
    ValueError
        If there are not so many images, or they can't be split so.
    """
    n = len(predictions)
    if images == n:
        return inception_score(predictions, splits=splits)
    if not 1 <= images < n:
        raise ValueError(f"can't choose {images} of {n} images: give a number from 1 to {n}")
    chosen = np.sort(np.random.default_rng(seed).choice(n, images, replace=False, shuffle=False))
    return inception_score(predictions.probabilities[chosen], splits=splits)


def _cut_notes(a: Score, b: Score, names: tuple[str, str], n: int) -> list[str]:
    return [
        f"What depends on the number of images is of {n:,} of {short(name)}'s {score.n_images:,} images, "
        "chosen at random."
        for name, score in zip(names, (a, b), strict=True)
        if score.n_images > n
    ]


def _size_notes(*scores: Score) -> list[str]:
    n = scores[0].n_images
    if max(score.bias_constant for score in scores) > 2 * n * FIRST_ORDER_LIMIT:
        return [f"{n:,} images are few for this many classes: the test and the intervals are only a rough guide."]
    if n < FEW_IMAGES:
        return [f"{n} images are few: the test and the intervals are only a rough guide."]
    return []
