"""What the explorer shows, without any view: one frozen frame, replaced whole at each change."""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np
from traitlets import HasTraits, Instance

from isexplore.score import score_and_table, with_splits
from isexplore.splits import SplitCurve, SplitTable, shuffled_order, split_table
from isexplore.subsets import Subset, score_subset

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from isexplore.predictions import Predictions
    from isexplore.score import Score

__all__ = ["ExplorerState", "Frame", "Order", "Reference", "Sample", "Selection"]

MOST_SPLITS = 200
DEFAULT_SPLITS = 10


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
    """A distribution over the classes to compare p(y) with: a name, and shares of shape (C,)."""

    name: str
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
    primary : int
        The image looked at.
    """

    sample: Sample
    order: Order
    score: Score
    reference: Reference
    selection: Selection | None = None
    primary: int = 0


class ExplorerState(HasTraits):
    """The explorer's one state; every method makes exactly one change of `frame`, from any thread.

    Attributes
    ----------
    frame : Frame or None
        None until a sample set is shown.
    lock : RLock
        Held during a change; whoever reads the frame and acts on it holds it too.

    Examples
    --------
    >>> from isexplore import Predictions
    >>> state = ExplorerState()
    >>> state.show(Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]))
    >>> state.select_class(1)
    >>> state.frame.selection.subset.n_images
    2
    """

    frame = Instance(Frame, allow_none=True)

    def __init__(self) -> None:
        super().__init__()
        self.lock = RLock()

    def show(self, predictions: Predictions) -> None:
        """Show another sample set; the split count and the reference stay where they still fit."""
        score, table = score_and_table(predictions, min(len(predictions), MOST_SPLITS))
        top_class = np.argmax(predictions.probabilities, axis=1)
        counts = np.bincount(top_class, minlength=score.n_classes)
        sample = Sample(predictions, score, top_class, counts, file_order=_order(None, table))
        order = sample.file_order
        with self.lock:
            old = self.frame
            splits = min(old.score.splits if old else DEFAULT_SPLITS, sample.n_images, MOST_SPLITS)
            fits = old is not None and old.sample.predictions.class_names == predictions.class_names
            reference = old.reference if old and fits else _uniform(score.n_classes)
            self.frame = Frame(sample, order, with_splits(score, order.table, splits), reference)

    def set_splits(self, splits: int) -> None:
        """Cut the images into another number of splits.

        Raises
        ------
        ValueError
            If it is not between 1 and the smaller of 200 and the number of images.
        """

        def change(frame: Frame) -> Frame:
            most = int(frame.order.curve.counts[-1])
            if not 1 <= splits <= most:
                raise ValueError(f"the number of splits must be between 1 and {most}, not {splits}")
            return replace(frame, score=with_splits(frame.sample.score, frame.order.table, splits))

        self._change(change)

    def shuffle(self, seed: int | None) -> None:
        """Shuffle the images with a seed before they are split, or None: take them in the order of the files.

        Raises
        ------
        ValueError
            If the seed is not between 0 and 2³² − 1.
        """
        seed = None if seed is None else operator.index(seed)

        def change(frame: Frame) -> Frame:
            order = frame.sample.file_order if seed is None else _shuffled(frame.sample, seed)
            return replace(frame, order=order, score=with_splits(frame.sample.score, order.table, frame.score.splits))

        self._change(change)

    def set_reference(self, name: str | None = None, predictions: Predictions | None = None) -> None:
        """Compare p(y) with that of other predictions; without any, with the uniform distribution.

        Raises
        ------
        ValueError
            If the other predictions have other classes.
        """

        def change(frame: Frame) -> Frame:
            classes = frame.sample.score.n_classes
            if predictions is None:
                return replace(frame, reference=_uniform(classes))
            here, there = frame.sample.predictions.class_names, predictions.class_names
            if there != here:
                raise ValueError(
                    f"the reference has other classes: {len(there)} ({there[0]}, …) against {classes} ({here[0]}, …)"
                )
            share = predictions.probabilities.mean(axis=0, dtype=np.float64)
            return replace(frame, reference=Reference(name or predictions.provenance.source, share))

        self._change(change)

    def select(self, mask: NDArray[np.bool_], label: str = "chosen images") -> None:
        """Select images by a mask of shape (N,)."""
        own = np.array(mask)  # the caller's may change later
        self._select(lambda _: (own, label))

    def select_range(self, low: float, high: float) -> None:
        """Select the images whose conditional entropy lies between two values, in nats.

        Raises
        ------
        ValueError
            If the values are not finite numbers, or the first is above the second.
        """
        if not (np.isfinite(low) and np.isfinite(high) and low <= high):
            raise ValueError(f"a range needs two numbers, the smaller first, not {low} and {high}")

        def choose(frame: Frame) -> tuple[NDArray[np.bool_], str]:
            entropy = frame.sample.score.conditional_entropy
            # The ends come from a plot or from a field with three decimals; the extremes must not fall outside.
            slack = 5e-4
            return (entropy >= low - slack) & (entropy <= high + slack), f"H(y|x) from {low:.3f} to {high:.3f} nats"

        self._select(choose, entropy_range=(float(low), float(high)))

    def select_class(self, number: int) -> None:
        """Select the images whose most likely class is this one.

        Raises
        ------
        ValueError
            If there is no such class.
        """
        number = operator.index(number)  # a NumPy number would not travel to the page

        def choose(frame: Frame) -> tuple[NDArray[np.bool_], str]:
            names = frame.sample.predictions.class_names
            if not 0 <= number < len(names):
                raise ValueError(f"there is no class number {number}; there are {len(names)}")
            return frame.sample.top_class == number, f"images that look most like {names[number]}"

        self._select(choose, top_class=number)

    def invert(self) -> None:
        """Select what is not selected, and only that."""

        def choose(frame: Frame) -> tuple[NDArray[np.bool_], str]:
            if frame.selection is None:
                raise ValueError("nothing is selected, so there is nothing to invert")
            label = frame.selection.label
            return ~frame.selection.mask, label.removeprefix("not: ") if label.startswith("not: ") else f"not: {label}"

        self._select(choose)

    def clear(self) -> None:
        """Select nothing."""
        self._change(lambda frame: replace(frame, selection=None))

    def set_primary(self, image: int) -> None:
        """Look at one image.

        Raises
        ------
        ValueError
            If there is no image of that number.
        """
        image = operator.index(image)

        def change(frame: Frame) -> Frame:
            if not 0 <= image < frame.sample.n_images:
                raise ValueError(f"there is no image number {image}; there are {frame.sample.n_images}")
            return replace(frame, primary=image)

        self._change(change)

    def _select(
        self,
        choose: Callable[[Frame], tuple[NDArray[np.bool_], str]],
        entropy_range: tuple[float, float] | None = None,
        top_class: int | None = None,
    ) -> None:
        def change(frame: Frame) -> Frame:
            mask, label = choose(frame)
            subset = score_subset(frame.sample.predictions, frame.sample.score.conditional_entropy, mask)
            primary = frame.primary if mask[frame.primary] or not mask.any() else int(np.argmax(mask))
            return replace(frame, selection=Selection(mask, label, subset, entropy_range, top_class), primary=primary)

        self._change(change)

    def _change(self, change: Callable[[Frame], Frame]) -> None:
        with self.lock:
            if self.frame is None:
                raise ValueError("no sample set is shown yet: choose one first")
            self.frame = change(self.frame)


def _shuffled(sample: Sample, seed: int) -> Order:
    most = min(sample.n_images, MOST_SPLITS)
    return _order(seed, split_table(sample.predictions, most, shuffled_order(sample.n_images, seed)))


def _order(seed: int | None, table: SplitTable) -> Order:
    return Order(seed, table, table.curve(range(1, min(table.n_images, MOST_SPLITS) + 1)))


def _uniform(classes: int) -> Reference:
    return Reference("uniform", np.full(classes, 1 / classes))
