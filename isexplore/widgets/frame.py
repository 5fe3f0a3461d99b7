"""What is on screen at one moment: frozen parts, each computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.score import Score, score_and_table
from isexplore.splits import SplitCurve, SplitTable, shuffled_order, split_table

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
    "Sample",
    "Selection",
    "Walk",
    "sample_of",
    "shuffled",
    "uniform",
    "walk_of",
]

MOST_SPLITS = 200
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
    table : SplitTable
    curve : SplitCurve
        At 1 to min(N, 200) splits.
    """

    seed: int | None
    table: SplitTable
    curve: SplitCurve


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
    """

    mask: NDArray[np.bool_]
    label: str
    subset: Subset
    entropy_range: tuple[float, float] | None = None
    top_class: int | None = None


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
    reference : Reference
    selection : Selection or None
    walk : Walk
    primary : int
        The image looked at.
    """

    sample: Sample
    order: Order
    score: Score
    reference: Reference
    walk: Walk
    selection: Selection | None = None
    primary: int = 0


def sample_of(predictions: Predictions) -> Sample:
    """Compute what is computed once from a sample set, in one pass for all split counts."""
    score, table = score_and_table(predictions, min(len(predictions), MOST_SPLITS))
    top_class = np.argmax(predictions.probabilities, axis=1)
    counts = np.bincount(top_class, minlength=score.n_classes)
    return Sample(predictions, score, top_class, counts, file_order=_order(None, table))


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
    most = min(sample.n_images, MOST_SPLITS)
    return _order(seed, split_table(sample.predictions, most, shuffled_order(sample.n_images, seed)))


def _order(seed: int | None, table: SplitTable) -> Order:
    return Order(seed, table, table.curve(range(1, min(table.n_images, MOST_SPLITS) + 1)))


def uniform(predictions: Predictions) -> Reference:
    """Return the reference that uses every class of a sample set equally often."""
    classes = len(predictions.class_names)
    return Reference("uniform", predictions.class_names, np.full(classes, 1 / classes))
