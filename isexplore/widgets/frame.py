"""What is on screen at one moment: frozen parts, each computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.cumulative import EDGES, CumulativeSums, sums_of
from isexplore.edges import every_edge
from isexplore.matrices import read_rows
from isexplore.order import OrderTest, order_test
from isexplore.rules import RULES, PrintedSplits, printed_score
from isexplore.score import Score, score_and_sums, with_splits
from isexplore.splits import SplitCurve, curve_of, shuffled_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from isexplore.predictions import Predictions
    from isexplore.subsets import Subset

__all__ = [
    "WALKS",
    "Frame",
    "Order",
    "Reference",
    "Rules",
    "Sample",
    "Selection",
    "Walk",
    "printed_by",
    "sample_of",
    "score_of",
    "shuffled",
    "uniform",
    "walk_of",
]

MOST_SPLITS = 200
TESTED_SPLITS = 10  # the order is judged by the usual number
# What each walk is called, and the numbers that it sorts the images by.
WALKS: dict[str, tuple[str, Callable[[Sample], NDArray[Any]]]] = {
    "file": ("name, as the files lie", lambda sample: np.arange(sample.n_images)),
    "unsure": ("H(y|x), most unsure first", lambda sample: -sample.score.conditional_entropy),
    "sure": ("H(y|x), surest first", lambda sample: sample.score.conditional_entropy),
    "share": ("share of ln IS, most first", lambda sample: -sample.score.kl),
    "class": ("class", lambda sample: sample.top_class),
}


@dataclass(frozen=True, eq=False)
class Sample:
    """A sample set and what is computed from it once.

    Attributes
    ----------
    predictions : Predictions
    score : Score
        Of the whole set as one split.
    top_class : ndarray of int, shape (N,)
        The class that the network finds most likely, per image.
    class_counts : ndarray of int, shape (C,)
        How many images have each class as their most likely one.
    file_order : Order
        The images as they lie.
    """

    predictions: Predictions
    score: Score
    top_class: NDArray[np.intp]
    class_counts: NDArray[np.intp]
    file_order: Order

    @property
    def n_images(self) -> int:
        """The number of images."""
        return len(self.predictions)


@dataclass(frozen=True, eq=False)
class Order:
    """An order of the images, and what the score is in it at each split count.

    Attributes
    ----------
    seed : int or None
        Of the shuffle; None is the order of the files.
    curve : SplitCurve
        At 1 to min(N, 200) splits.
    sums : CumulativeSums
        For the split rules that the curve does not follow.
    test : OrderTest or None
        Whether the order is random; None where there are too few images to tell.
    """

    seed: int | None
    curve: SplitCurve
    sums: CumulativeSums
    test: OrderTest | None


@dataclass(frozen=True)
class Rules:
    """How some other code makes a number of the splits.

    Attributes
    ----------
    split_rule : str
        One of `isexplore.rules.RULES`.
    of_a_sample : bool
        Whether the spread divides by S − 1.
    """

    split_rule: str = "floor"
    of_a_sample: bool = False


@dataclass(frozen=True, eq=False)
class Walk:
    """The order in which the images are looked at.

    Attributes
    ----------
    key : str
        One of `WALKS`.
    images : ndarray of int, shape (N,)
        The images' numbers in this order.
    """

    key: str
    images: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Selection:
    """Some of the images.

    Attributes
    ----------
    mask : ndarray of bool, shape (N,)
    label : str
        What was selected, in words.
    subset : Subset
        Their own score, and their part of p(y).
    entropy_range : (float, float) or None
        In nats, where it was selected by conditional entropy.
    top_class : int or None
        Where it was selected by class.
    finding : str
        The key of the finding that speaks of these images; empty where it was selected otherwise.
    """

    mask: NDArray[np.bool_]
    label: str
    subset: Subset
    entropy_range: tuple[float, float] | None = None
    top_class: int | None = None
    finding: str = ""


@dataclass(frozen=True, eq=False)
class Reference:
    """A distribution over the classes to compare p(y) with: a name, C class names, and shares of shape (C,)."""

    name: str
    class_names: tuple[str, ...]
    share: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Frame:
    """Everything that is on screen at one moment.

    Attributes
    ----------
    sample : Sample
    order : Order
    score : Score
        At the current split count and order.
    rules : Rules
    printed : PrintedSplits
        What code prints that follows these rules.
    reference : Reference
    selection : Selection or None
    walk : Walk
    primary : int
        The image looked at.
    """

    sample: Sample
    order: Order
    score: Score
    rules: Rules
    printed: PrintedSplits
    reference: Reference
    walk: Walk
    selection: Selection | None = None
    primary: int = 0


def sample_of(predictions: Predictions) -> Sample:
    """Compute what is computed once from a sample set, in one pass for all split counts."""
    score, sums = score_and_sums(predictions, _counts(len(predictions)))
    top_class = np.argmax(predictions.probabilities, axis=1)
    counts = np.bincount(top_class, minlength=score.n_classes)
    return Sample(predictions, score, top_class, counts, file_order=_order(predictions, None, sums))


def printed_by(rules: Rules, score: Score, order: Order) -> PrintedSplits:
    """Return what code prints that follows other rules, at the same split count and in the same order."""
    n = score.n_images
    cuts = RULES[rules.split_rule].cuts(n, score.splits)
    scores = score.split_scores if rules.split_rule == "floor" else order.sums.scores(cuts)
    return printed_score(scores, cuts, n, of_a_sample=rules.of_a_sample)


def walk_of(sample: Sample, key: str) -> Walk:
    """Sort the images of a sample set.

    Raises
    ------
    ValueError
        If there is no walk of that key.
    """
    if key not in WALKS:
        raise ValueError(f"there is no order {key!r}; there are: {', '.join(WALKS)}")
    return Walk(key, np.argsort(WALKS[key][1](sample), kind="stable"))


def shuffled(sample: Sample, seed: int) -> Order:
    """Shuffle a sample set with a seed, as torch-fidelity does."""
    n = sample.n_images
    edges = every_edge(n, _counts(n))
    return _order(sample.predictions, seed, sums_of(read_rows(sample.predictions), edges, shuffled_order(n, seed)))


def _counts(n: int) -> range:
    return range(1, min(n, MOST_SPLITS) + 1)


def _order(predictions: Predictions, seed: int | None, sums: CumulativeSums) -> Order:
    n = sums.n_images
    splits = min(TESTED_SPLITS, n // 2)  # splits of one image never differ in their loss
    test = order_test(predictions, splits, order=sums.order) if splits > 1 else None
    return Order(seed, curve_of(sums, _counts(n)), sums.thinned(EDGES), test)


def score_of(sample: Sample, order: Order, splits: int) -> Score:
    """Return the score of a sample set in an order, over a number of splits."""
    return with_splits(sample.score, order.curve.at(splits))


def uniform(predictions: Predictions) -> Reference:
    """Return the reference that uses every class of a sample set equally often."""
    classes = len(predictions.class_names)
    return Reference("uniform", predictions.class_names, np.full(classes, 1 / classes))
