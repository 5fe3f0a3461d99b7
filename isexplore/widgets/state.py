"""What the explorer shows, without any view: one frozen frame, replaced whole at each change."""

from __future__ import annotations

import operator
from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np
from traitlets import HasTraits, Instance

from isexplore.rules import RULES
from isexplore.widgets.frame import (
    Frame,
    Order,
    Reference,
    Rules,
    Sample,
    printed_by,
    sample_of,
    score_of,
    shuffled,
    uniform,
    walk_of,
)
from isexplore.widgets.selecting import class_selection, with_mask, with_range, with_selection, without_selected

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from isexplore.predictions import Predictions
    from isexplore.widgets.frame import Selection

__all__ = ["ExplorerState"]

DEFAULT_SPLITS = 10


class ExplorerState(HasTraits):
    """The explorer's one state; every method makes exactly one change of `frame`, from any thread.

    Attributes
    ----------
    frame : Frame or None
        None until a sample set is shown.
    references : dict of str to Reference
        The marginals of the sets seen here, by their names.
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
        self.references: dict[str, Reference] = {}

    def shown(self) -> Frame:
        """Return the frame.

        Raises
        ------
        ValueError
            If no sample set is shown yet.
        """
        if self.frame is None:
            raise ValueError("no sample set is shown yet: choose one first")
        return self.frame

    def show(self, predictions: Predictions) -> None:
        """Show another sample set; the split count and the reference stay where they still fit."""
        self.show_sample(sample_of(predictions))

    def show_sample(self, sample: Sample, name: str = "", selection: Selection | None = None) -> None:
        """Show a sample set that is computed already, as `show` does.

        Parameters
        ----------
        sample : Sample
        name : str, optional
            What its marginal is remembered as; by default where the images came from.
        selection : Selection, optional
            Images of this set.
        """
        predictions, score, order = sample.predictions, sample.score, sample.file_order
        with self.lock:
            old = self.frame
            splits = min(old.score.splits if old else DEFAULT_SPLITS, len(order.curve.counts))
            fits = old is not None and old.sample.predictions.class_names == predictions.class_names
            reference = old.reference if old and fits else uniform(predictions)
            self._remember(Reference(name or predictions.provenance.source, predictions.class_names, score.marginal))
            walk = walk_of(sample, old.walk.key if old else "file")
            scored = score_of(sample, order, splits)
            rules = old.rules if old else Rules()
            first = int(walk.images[0])
            frame = Frame(
                sample, order, scored, rules, printed_by(rules, scored, order), reference, walk, primary=first
            )
            self.frame = with_selection(frame, selection)

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
            return _printed(replace(frame, score=score_of(frame.sample, frame.order, splits)))

        self._change(change)

    def set_rule(self, rule: str) -> None:
        """Cut the images into splits by another rule, for the numbers that are printed so.

        Raises
        ------
        ValueError
            If there is no such rule.
        """
        if rule not in RULES:
            raise ValueError(f"there is no split rule {rule!r}; there are: {', '.join(RULES)}")
        self._change(lambda frame: _printed(replace(frame, rules=replace(frame.rules, split_rule=rule))))

    def set_spread(self, *, of_a_sample: bool) -> None:
        """Print the spread of the split scores as a sample's, divided by S − 1, or as the population's."""
        self._change(lambda frame: _printed(replace(frame, rules=replace(frame.rules, of_a_sample=of_a_sample))))

    def shuffle(self, seed: int | None) -> None:
        """Shuffle the images with a seed before they are split, or None: take them in the order of the files.

        Raises
        ------
        ValueError
            If the seed is not between 0 and 2³² − 1.
        """
        sample = self.shown().sample
        self.set_order(sample, sample.file_order if seed is None else shuffled(sample, operator.index(seed)))

    def set_order(self, sample: Sample, order: Order) -> None:
        """Take the images of a sample set in an order of it.

        Raises
        ------
        ValueError
            If another sample set is shown.
        """

        def change(frame: Frame) -> Frame:
            if frame.sample is not sample:
                raise ValueError("another sample set is shown by now: shuffle again")
            return _printed(replace(frame, order=order, score=score_of(sample, order, frame.score.splits)))

        self._change(change)

    def set_reference(self, name: str | None = None, predictions: Predictions | None = None) -> None:
        """Compare p(y) with that of other predictions, or of a set seen before by its name; without, with uniform.

        Raises
        ------
        ValueError
            If the other predictions have other classes, or no set of that name was seen.
        """

        def change(frame: Frame) -> Frame:
            if predictions is not None:
                share = predictions.probabilities.mean(axis=0, dtype=np.float64)
                reference = Reference(name or predictions.provenance.source, predictions.class_names, share)
            elif name is None:
                reference = uniform(frame.sample.predictions)
            elif name in self.references:
                reference = self.references[name]
            else:
                raise ValueError(f"no sample set {name!r} was seen here; seen are: {', '.join(self.references)}")
            here, there = frame.sample.predictions.class_names, reference.class_names
            if there != here:
                raise ValueError(
                    f"the reference has other classes: {len(there)} ({there[0]}, …) against {len(here)} ({here[0]}, …)"
                )
            return replace(frame, reference=self._remember(reference) if predictions is not None else reference)

        self._change(change)

    def select(self, mask: NDArray[np.bool_], label: str = "chosen images") -> None:
        """Select images by a mask of shape (N,)."""
        own = np.array(mask)  # the caller's may change later
        self._change(lambda frame: with_mask(frame, own, label))

    def select_range(self, low: float, high: float) -> None:
        """Select the images whose conditional entropy lies between two values, in nats.

        Raises
        ------
        ValueError
            If the values are not finite numbers, or the first is above the second.
        """
        self._change(lambda frame: with_range(frame, low, high))

    def select_class(self, number: int) -> None:
        """Select the images whose most likely class is this one.

        Raises
        ------
        ValueError
            If there is no such class.
        """
        number = operator.index(number)  # a NumPy number would not travel to the page
        self._change(lambda frame: with_selection(frame, class_selection(frame.sample, number)))

    def set_selection(self, selection: Selection | None) -> None:
        """Select what was put together elsewhere, of this set; None: nothing."""
        self._change(lambda frame: with_selection(frame, selection))

    def invert(self) -> None:
        """Select what is not selected, and only that."""
        self._change(without_selected)

    def clear(self) -> None:
        """Select nothing."""
        self.set_selection(None)

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

    def set_walk(self, key: str) -> None:
        """Look at the images in another order, from its first selected image on.

        Raises
        ------
        ValueError
            If there is no such order.
        """

        def change(frame: Frame) -> Frame:
            walk = walk_of(frame.sample, key)
            chosen = walk.images if frame.selection is None else walk.images[frame.selection.mask[walk.images]]
            return replace(frame, walk=walk, primary=int(chosen[0]) if len(chosen) else frame.primary)

        self._change(change)

    def _remember(self, reference: Reference) -> Reference:
        """Keep a reference under a name of its own: two sets may well have the same name."""
        name, again = reference.name, 1
        while name in self.references and not np.array_equal(self.references[name].share, reference.share):
            again += 1
            name = f"{reference.name} ({again})"
        return self.references.setdefault(name, replace(reference, name=name))

    def _change(self, change: Callable[[Frame], Frame]) -> None:
        with self.lock:
            self.frame = change(self.shown())


def _printed(frame: Frame) -> Frame:
    """Return the frame with what its rules print."""
    return replace(frame, printed=printed_by(frame.rules, frame.score, frame.order))
