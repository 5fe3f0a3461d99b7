"""Some of the images of a frame, chosen by a mask, a class or a range of entropies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from isexplore.subsets import score_subset
from isexplore.widgets.frame import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.widgets.frame import Frame

__all__ = ["with_class", "with_mask", "with_range", "without_selected"]


def with_mask(
    frame: Frame,
    mask: NDArray[np.bool_],
    label: str,
    entropy_range: tuple[float, float] | None = None,
    top_class: int | None = None,
) -> Frame:
    """Return the frame with the images of a mask selected; the first of them is the primary one."""
    subset = score_subset(frame.sample.predictions, mask, frame.sample.score.conditional_entropy)
    first = frame.walk.images[mask[frame.walk.images]][:1]
    primary = int(first[0]) if len(first) else frame.primary
    return replace(frame, selection=Selection(mask, label, subset, entropy_range, top_class), primary=primary)


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
    return with_mask(frame, mask, f"H(y|x) from {low:.3f} to {high:.3f} nats", (float(low), float(high)))


def with_class(frame: Frame, number: int) -> Frame:
    """Return the frame with the images selected whose most likely class is this one.

    Raises
    ------
    ValueError
        If there is no such class.
    """
    names = frame.sample.predictions.class_names
    if not 0 <= number < len(names):
        raise ValueError(f"there is no class number {number}; there are {len(names)}")
    mask = frame.sample.top_class == number
    return with_mask(frame, mask, f"images that look most like {names[number]}", top_class=number)


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
