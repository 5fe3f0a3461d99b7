"""Images of the reference that the set repeats, pixel for pixel: a generator that has memorised what it was shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.collapse.finding import Finding
from isexplore.collapse.pixels import how, image_keys, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from isexplore.collapse.evidence import Evidence
    from isexplore.collapse.pixels import Kind

__all__ = ["chance_of_sharing", "check_memorised", "shared_images"]


def check_memorised(evidence: Evidence) -> Iterator[Finding]:
    """Look for images that are in the reference, too, more often than images of the reference repeat each other.

    At most a warning: it is bad only where the reference is what the generator was trained on, and the set is not a
    part of it.

    Parameters
    ----------
    evidence : Evidence

    Yields
    ------
    Finding
        "memorised-images"; nothing without a reference, or where pixels of only one set are known.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> def side(*pixels):
    ...     pictures = np.array(pixels, np.uint8).reshape(-1, 1, 1)
    ...     return side_of(Predictions.from_probabilities(np.eye(len(pixels)), thumbnails=pictures))
    >>> next(check_memorised(Evidence(side(1, 2, 3), side(3, 4, 5)))).sentence
    '1 of 3 images is also in the reference, pixel for pixel (equal thumbnails).'
    """
    found = _keys(evidence)
    if found is None:
        return
    keys, real, kind = found
    images = np.flatnonzero(np.isin(keys, real))
    n = len(images)
    drawn = np.random.default_rng(evidence.seed).choice(keys, min(len(keys), len(real)), replace=False)
    p_value = chance_of_sharing(drawn, real)
    fires = p_value <= evidence.level
    are = f"image{'' if len(keys) == 1 else 's'} {'is' if n == 1 else 'are'}"
    said = f"{n:,} of {len(keys):,} {are} also in the reference, pixel for pixel{how(kind)}"
    if fires:
        said += ": memorised, if that is what the generator was trained on"
    yield Finding(
        "memorised-images",
        "Memorised images",
        "warning" if fires else "fine",
        n,
        "images",
        f"{said}.",
        p_value=p_value,
        level=evidence.level,
        images=images,
        source="binomial test of images shared with the reference, given the pairs of equal images within it",
    )


def shared_images(evidence: Evidence) -> NDArray[np.intp] | None:
    """Return the numbers of the images that are in the reference, pixel for pixel; None where nothing tells.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> def side(*pixels):
    ...     pictures = np.array(pixels, np.uint8).reshape(-1, 1, 1)
    ...     return side_of(Predictions.from_probabilities(np.eye(len(pixels)), thumbnails=pictures))
    >>> shared_images(Evidence(side(1, 2, 3), side(3, 4, 5)))
    array([2])
    """
    found = _keys(evidence)
    return None if found is None else np.flatnonzero(np.isin(found[0], found[1]))


def chance_of_sharing(keys: NDArray[Any], real: NDArray[Any]) -> float:
    """Return the p-value of as many images shared by two sets of one law, of n ≤ m images.

    Of two equal images that are dealt at random, one lies in each set with odds of 2nm to m² against both lying in the
    second. So the matches across, given also the disjoint pairs within the second, are binomial with p = 2n / (2n + m);
    images that occur more often give less variance.

    Parameters
    ----------
    keys, real : ndarray, shape (n,) and (m,)
        Equal where images are.

    Returns
    -------
    float

    Examples
    --------
    Four images of five, of which none occurs twice in the other set:

    >>> real = np.arange(5)
    >>> round(chance_of_sharing(np.arange(1, 6), real), 4), round((2 / 3) ** 4, 4)
    (0.1975, 0.1975)
    """
    from scipy.stats import binom

    n, m = len(keys), len(real)
    values, group = np.unique(np.concatenate([keys, real]), return_inverse=True)
    here, there = (np.bincount(part.reshape(-1), minlength=len(values)) for part in (group[:n], group[n:]))
    across, within = int(np.minimum(here, there).sum()), int((there // 2).sum())
    return float(binom.sf(across - 1, across + within, 2 * n / (2 * n + m)))


def _keys(evidence: Evidence) -> tuple[NDArray[np.void], NDArray[np.void], Kind] | None:
    """Return what tells the images of both sets apart, and what that is."""
    sample, reference = evidence.sample, evidence.reference
    kind = None if reference is None else kind_of(sample, reference)
    if reference is None or kind is None:
        return None
    return image_keys(sample.predictions, kind), image_keys(reference.predictions, kind), kind
