"""Whether the order of the images matters: what splitting loses, and whether random order would lose as much.

With splits s of n_s images and weights w_s = n_s/N, marginals m_s and scores IS_s,

    mean of IS_s = IS · exp(−JSD) · AM/GM,    JSD = Σ w_s KL(m_s‖m) = ln IS − Σ w_s ln IS_s

where AM is the mean of the split scores and GM = exp(Σ w_s ln IS_s). In random order the Jensen–Shannon divergence of
the split marginals is about (S − 1)·B/2N; images sorted by class make it large, and the mean of the splits low.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.cumulative import check_permutation
from isexplore.edges import split_edges
from isexplore.matrices import read_rows
from isexplore.oneline import OneLine
from isexplore.order_warning import mean_log
from isexplore.permuted import labelled_rows
from isexplore.splits import check_seed

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from isexplore.score import Score

# The first permutations raise a suspicion at this p-value or below: with 199, where none reaches the JSD.
SUSPICION_LEVEL, FEWEST_PERMUTATIONS = 0.005, 199
# Without the bound the alarm needs this p-value, and so many permutations: where at most one reaches the JSD.
ALARM_LEVEL, MANY_PERMUTATIONS = 0.001, 1999
FEWEST_IMAGES = 2
# Random order makes sums of χ² variables; the one with the longest tail for its spread, a single χ² with one degree of
# freedom, exceeds its mean by so many standard deviations once in ten thousand times.
FAR = 10
# Two equal JSDs may come out so different, relatively and absolutely; what is this close counts as reached.
ROUNDING, TINIEST = 1e-5, 1e-14


@dataclass(frozen=True, eq=False, repr=False)
class SplitLoss(OneLine):
    """Why the mean of the split scores differs from the score of all images: mean = overall · two factors.

    Attributes
    ----------
    overall
        IS, the score of all images as one split.
    mean
        The mean of the split scores.
    splits
        S.
    jsd
        Jensen–Shannon divergence of the split marginals, weighted with the splits' sizes, in nats.
    expected_jsd
        What it is in random order, to first order: (S − 1)·B/2N.
    divergence_factor
        exp(−JSD): the loss from each split having a marginal of its own.
    mean_ratio
        AM/GM: arithmetic over (weighted) geometric mean of the split scores, the gain from taking the mean of scores
        instead of the mean of their logarithms.
    """

    overall: float
    mean: float
    splits: int
    jsd: float
    expected_jsd: float
    divergence_factor: float
    mean_ratio: float

    def __str__(self) -> str:
        return (
            f"mean of {self.splits} splits {self.mean:.2f} = whole set {self.overall:.2f} "
            f"× {self.divergence_factor:.4f} (the splits differ: JSD {self.jsd:.3g} nats, {self.expected_jsd:.3g} "
            f"expected in random order) × {self.mean_ratio:.4f} (arithmetic over geometric mean)"
        )


def split_loss(score: Score) -> SplitLoss:
    """Take apart what the mean of the split scores has lost against the score of all images.

    Parameters
    ----------
    score
        Over the splits in question.

    Raises
    ------
    TypeError
        If it is no score, but predictions.

    Examples
    --------
    Four perfect classes, sorted:

    >>> from isexplore.score import inception_score
    >>> loss = split_loss(inception_score(np.repeat(np.eye(4), 50, axis=0), splits=2))
    >>> round(loss.mean, 9), round(loss.divergence_factor, 9), round(loss.mean_ratio, 9)
    (2.0, 0.5, 1.0)
    """
    if not hasattr(score, "split_scores"):
        raise TypeError(f"this is {type(score).__name__}, no Score: give inception_score(predictions, splits=…)")
    geometric = math.exp(mean_log(score.split_scores, score.n_images))
    # Rounding may leave the JSD of equal splits a hair below zero.
    jsd = max(math.log(score.overall / geometric), 0.0)
    mean, n_splits = float(score.split_scores.mean()), len(score.split_scores)
    return SplitLoss(
        overall=score.overall,
        mean=mean,
        splits=n_splits,
        jsd=jsd,
        expected_jsd=(n_splits - 1) * score.bias_constant / (2 * score.n_images),
        divergence_factor=math.exp(-jsd),
        mean_ratio=mean / geometric,
    )


@dataclass(frozen=True, eq=False, repr=False)
class OrderTest(OneLine):
    """A permutation test of the hypothesis that the images lie in random order, against splits that differ too much.

    The alarm is raised at p ≤ 0.001; or already where none of the first permutations reaches the JSD (p ≤ 0.005), if it
    exceeds a bound too that random order exceeds less than once in a thousand times. Images in random order thus raise
    it about once in a thousand times.

    Attributes
    ----------
    jsd
        Jensen–Shannon divergence of the split marginals of the images used, in nats.
    expected
        Its mean over the random permutations.
    p_value
        (1 + the number of permutations whose JSD is as large or larger) / (1 + permutations).
    bound
        A JSD that random order exceeds less than once in a thousand times, in nats: ten standard deviations above the
        mean of the first permutations.
    permutations, splits
        How many permutations were made, and S.
    n_images, n_used
        How many images there are, and how many were looked at: in a large set a random subset, kept in order.
    """

    jsd: float
    expected: float
    p_value: float
    bound: float
    permutations: int
    splits: int
    n_images: int
    n_used: int

    @property
    def alarm(self) -> bool:
        """Whether the order is not random beyond reasonable doubt."""
        return self.p_value <= ALARM_LEVEL or (self.p_value <= SUSPICION_LEVEL and self.jsd > self.bound)

    @property
    def loss(self) -> float:
        """The part of the split scores (geometric mean) that is lost against random order, 1 − exp(E JSD − JSD)."""
        return -math.expm1(self.expected - self.jsd)

    def __str__(self) -> str:
        used = "" if self.n_used == self.n_images else f", on {self.n_used} of the {self.n_images} images"
        test = f"JSD {self.jsd:.3g} nats, {self.expected:.3g} in random order; p = {self.p_value:.3g}{used}"
        if not self.alarm:
            return f"The images may well lie in random order: the splits differ no more than by chance ({test})."
        return (
            f"The images do not lie in random order: the geometric mean of the {self.splits} split scores is "
            f"{100 * self.loss:.2g} % lower than in random order ({test})."
        )


def order_test(  # noqa: PLR0913 - what to test, in which order, and how
    predictions: Any = None,
    splits: int = 10,
    *,
    logits: Any = None,
    order: ArrayLike | None = None,
    permutations: int = 199,
    seed: int = 0,
) -> OrderTest:
    """Test whether the splits' marginals differ more than if the images lay in random order.

    The images keep their places and the split numbers are permuted. At most 50,000 images and ten million numbers are
    looked at: a larger set is thinned to a random subset, kept in order and in its splits, which leaves the p-value
    valid.

    Where none of the permutations reaches the JSD, and the JSD does not exceed `isexplore.order_warning.order_bound`
    either, the test goes on to 1999 permutations, and raises the alarm if at most one of them reaches it. Images in
    random order raise the alarm about once in a thousand times.

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array, tensor or memory map of probabilities.
    splits
        Number of contiguous splits S, from 2 to N.
    logits
        (N, C) logits instead of probabilities.
    order
        (N,) permutation in which the images are taken; None: as they lie.
    permutations
        Number of random permutations to begin with, from 199 on.
    seed
        Of the permutations and of the subset.

    Raises
    ------
    ValueError
        If `splits` is not a whole number from 2 to N, `order` is no permutation, there are fewer than 199 permutations,
        or a row is no distribution.

    Examples
    --------
    >>> sorted_by_class = np.repeat(np.eye(10), 100, axis=0)
    >>> order_test(sorted_by_class, splits=5).alarm
    True
    >>> order_test(np.random.default_rng(0).permutation(sorted_by_class), splits=5).alarm
    False
    """
    rows = read_rows(predictions, logits=logits)
    n = rows.n_images
    if n < FEWEST_IMAGES:
        raise ValueError("one image has no order to test: give at least two")
    edges = split_edges(n, splits)
    n_splits = len(edges) - 1
    if n_splits == 1:
        raise ValueError("one split has no order to test: give splits=2 or more")
    if permutations < FEWEST_PERMUTATIONS:
        raise ValueError(f"{permutations} permutations can never raise the alarm: give {FEWEST_PERMUTATIONS} or more")
    taken = None if order is None else check_permutation(order, n)
    rng = np.random.default_rng(check_seed(seed))
    used = labelled_rows(rows, edges, rng, taken)
    n_used = len(used.labels)
    jsd = float(used.divergences(used.labels[None])[0])
    least = jsd * (1 - ROUNDING) - TINIEST
    random = used.permuted(permutations, rng)
    bound = float(random.mean() + FAR * random.std())
    if random.max() < least and jsd <= bound and permutations < MANY_PERMUTATIONS:
        random = np.concatenate([random, used.permuted(MANY_PERMUTATIONS - permutations, rng)])
    return OrderTest(
        jsd=jsd,
        expected=float(random.mean()),
        p_value=(1 + int(np.count_nonzero(random >= least))) / (1 + len(random)),
        bound=bound,
        permutations=len(random),
        splits=n_splits,
        n_images=n,
        n_used=n_used,
    )
