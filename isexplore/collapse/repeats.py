"""Images that occur more than once, pixel for pixel, and how many different ones the generator seems to know."""

from __future__ import annotations

from math import isinf
from typing import TYPE_CHECKING

import numpy as np

from isexplore.collapse.copies import Copies
from isexplore.collapse.finding import Finding
from isexplore.collapse.pixels import how, image_keys, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isexplore.collapse.evidence import Evidence, Side
    from isexplore.collapse.finding import Severity
    from isexplore.collapse.pixels import Kind
    from isexplore.predictions import Predictions

__all__ = ["check_repeats", "copies_of"]

# A twentieth of n images repeats an earlier one if they are drawn from some 10 n: there is next to nothing new to draw.
LARGE = 0.05

_SOURCE = "birthday paradox (Arora & Zhang 2017)"
_TESTED = "binomial test of disjoint pairs of copies, given those of both sets; " + _SOURCE


def check_repeats(evidence: Evidence) -> Iterator[Finding]:
    """Look for images that repeat an earlier one.

    Images are compared by their digests, or else by their thumbnails. Without a reference every repeat is a warning,
    because a generator with a continuous latent space never draws the same image twice. With a reference it takes
    significantly more than there. Severe from a twentieth of the images on (more than in the reference).

    Parameters
    ----------
    evidence : Evidence

    Yields
    ------
    Finding
        "repeated-images", and "support-size", the birthday estimate, which is only stated, of two images or more.
        Nothing where the predictions hold neither digests nor thumbnails.

    Examples
    --------
    >>> from isexplore.collapse.evidence import side_of, Evidence
    >>> from isexplore.predictions import Predictions
    >>> images = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)
    >>> preds = Predictions.from_probabilities(np.full((4, 2), 0.5), thumbnails=images // 2)
    >>> next(check_repeats(Evidence(side_of(preds)))).sentence
    '2 of 4 images repeat an earlier one exactly (equal thumbnails), in 2 groups: 2 different images.'
    """
    sample, reference = evidence.sample, evidence.reference
    kind = kind_of(sample) if reference is None else kind_of(sample, reference)
    if kind is None:
        reference = None
        kind = kind_of(sample)
    if kind is None:
        return
    copies = _copies(sample.predictions, kind)
    other = None if reference is None else _copies(reference.predictions, kind)
    share = copies.repeats / copies.n_images
    beside, p_value = "", None
    if other is not None:
        p_value = copies.p_value(other)
        share -= other.repeats / other.n_images
        beside = f"; in the reference, {other.repeats:,} of {other.n_images:,} {'does' if other.repeats == 1 else 'do'}"
    severity: Severity = "fine"
    if copies.repeats and (p_value is None or p_value <= evidence.level):
        severity = "severe" if share >= LARGE else "warning"
    yield Finding(
        "repeated-images",
        "Repeated images",
        severity,
        copies.repeats,
        "images",
        f"{_said(copies, kind)}{beside}.",
        p_value=p_value,
        level=None if p_value is None else evidence.level,
        images=copies.images,
        source=_SOURCE if p_value is None else _TESTED,
    )
    if copies.n_images > 1:
        yield _support(copies)


def copies_of(side: Side) -> Copies:
    """Return which images of a set are the same; where nothing tells, none is.

    Parameters
    ----------
    side : Side

    Returns
    -------
    Copies

    Examples
    --------
    >>> from isexplore.collapse.evidence import side_of
    >>> from isexplore.predictions import Predictions
    >>> pictures = np.array([5, 6, 5], np.uint8).reshape(3, 1, 1)
    >>> copies_of(side_of(Predictions.from_probabilities(np.eye(3), thumbnails=pictures))).group
    array([0, 1, 0])
    """
    kind = kind_of(side)
    return Copies(np.arange(side.n_images)) if kind is None else _copies(side.predictions, kind)


def _copies(predictions: Predictions, kind: Kind) -> Copies:
    return Copies(np.unique(image_keys(predictions, kind), return_inverse=True)[1].reshape(-1))


def _said(copies: Copies, kind: Kind) -> str:
    if not copies.repeats:
        return f"None of {copies.n_images:,} images repeats an earlier one exactly{how(kind)}"
    groups = f"{copies.n_groups:,} group{'s' if copies.n_groups > 1 else ''}"
    verb = "repeats" if copies.repeats == 1 else "repeat"
    return (
        f"{copies.repeats:,} of {copies.n_images:,} images {verb} an earlier one exactly{how(kind)}, in {groups}: "
        f"{len(copies.sizes):,} different images"
    )


def _support(copies: Copies) -> Finding:
    support = copies.support()
    unknown = isinf(support.estimate)
    if unknown:
        said = f"No image repeats, so exact repeats give no estimate: at least {support.low:,.0f} images (95 %)."
    else:
        said = f"By exact repeats, the generator seems to draw from {support}."
    return Finding(
        "support-size",
        "Support size",
        "fine",
        support.low if unknown else support.estimate,
        "images",
        said,
        interval=None if unknown else (support.low, support.high),
        source=_SOURCE,
    )
