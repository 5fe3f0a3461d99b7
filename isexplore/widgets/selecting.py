"""Some of the images of a frame, chosen by a mask, a class or a range of entropies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from isexplore.subsets import score_subset
from isexplore.widgets.frame import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.collapse.finding import Finding
    from isexplore.subsets import Subset
    from isexplore.widgets.frame import Frame, Sample

__all__ = ["class_selection", "finding_selection", "with_mask", "with_range", "with_selection", "without_selected"]


def with_selection(frame: Frame, selection: Selection | None) -> Frame:
    """Return the frame with other images selected, or none; the first of them is the primary one."""
    if selection is None:
        return replace(frame, selection=None)
    first = frame.walk.images[selection.mask[frame.walk.images]][:1]
    return replace(frame, selection=selection, primary=int(first[0]) if len(first) else frame.primary)


def with_mask(frame: Frame, mask: NDArray[np.bool_], label: str) -> Frame:
    """Return the frame with the images of a mask selected."""
    return with_selection(frame, Selection(mask, label, _subset(frame.sample, mask)))


def with_range(frame: Frame, low: float, high: float) -> Frame:
    """Return the frame with the images selected whose conditional entropy lies between two values, in nats.

    Raises
    ------
    ValueError
        If the values are not finite numbers, or the first is above the second.
    """
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise ValueError(f"a range needs two numbers, the smaller first, not {low} and {high}")
    entropy = frame.sample.score.conditional_entropy
    mask = (entropy >= low) & (entropy <= high)
    label = f"H(y|x) from {low:.3f} to {high:.3f} nats"
    return with_selection(frame, Selection(mask, label, _subset(frame.sample, mask), (float(low), float(high))))


def class_selection(sample: Sample, number: int) -> Selection:
    """Return the images whose most likely class is this one.

    Raises
    ------
    ValueError
        If there is no such class.
    """
    names = sample.predictions.class_names
    if not 0 <= number < len(names):
        raise ValueError(f"there is no class number {number}; there are {len(names)}")
    mask = sample.top_class == number
    return Selection(mask, f"images that look most like {names[number]}", _subset(sample, mask), top_class=number)


def finding_selection(sample: Sample, found: Finding) -> Selection:
    """Return the images that a finding speaks of."""
    mask = np.zeros(sample.n_images, bool)
    mask[found.images] = True
    return Selection(mask, found.title, _subset(sample, mask), finding=found.key)


def without_selected(frame: Frame) -> Frame:
    """Return the frame with what is not selected selected, and only that.

    Raises
    ------
    ValueError
        If nothing is selected.
    """
    if frame.selection is None:
        raise ValueError("nothing is selected, so there is nothing to invert")
    label = frame.selection.label
    opposite = label.removeprefix("not: ") if label.startswith("not: ") else f"not: {label}"
    return with_mask(frame, ~frame.selection.mask, opposite)


def _subset(sample: Sample, mask: NDArray[np.bool_]) -> Subset:
    return score_subset(sample.predictions, mask, sample.score.conditional_entropy)
