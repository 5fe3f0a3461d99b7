"""Alter a set of pictures on purpose, to find out what the score sees of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.ndimage import gaussian_filter

from isexplore.parameters import choice, labels, number
from isexplore.parametrised import Parametrised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.images.image_set import ImageSet

__all__ = ["Alterations", "altered"]

_ORDERS = {"file": "as in the file", "sorted": "sorted by class", "shuffled": "shuffled by the seed"}
_KEPT = {"all": "all of them", "one": "one, repeated"}


@dataclass(frozen=True, kw_only=True)
class Alterations(Parametrised):
    """What is done to a set of pictures, in this order.

    Attributes
    ----------
    drop : tuple of int
        The labels whose pictures are left out.
    kept : {"all", "one"}
        With "one", the first picture of each label stands in the place of all of its label.
    copies : int
        How often each picture comes, one behind the other.
    blur : float
        The standard deviation of a Gaussian, in pixels.
    noise : float
        The standard deviation of Gaussian noise, in gray levels of 255. All copies of a picture get the same.
    order : {"file", "sorted", "shuffled"}
        Sorted by label, or shuffled with the seed, copies and all.
    seed : int
        Of noise and shuffle.

    Examples
    --------
    >>> Alterations(blur=9)
    Traceback (most recent call last):
    ValueError: blur is 9: it must lie between 0 and 3 (pixels)
    """

    key: ClassVar = "altered"

    drop: tuple[int, ...] = labels("leave out")
    kept: str = choice("all", "images of each class", _KEPT)
    copies: int = number(1, "copies of each image", 1, 5, 1, "copies")
    blur: float = number(0.0, "blur σ", 0, 3, 0.1, "pixels")
    noise: float = number(0.0, "noise σ", 0, 250, 2.5, "gray levels")
    order: str = choice("file", "order of the images", _ORDERS)
    seed: int = number(0, "seed of noise, shuffle", 0, 999, 1, "seed")


def altered(images: ImageSet, alterations: Alterations) -> ImageSet:
    """Return a set of pictures with alterations, which are made as each is read.

    Raises
    ------
    ValueError
        If the set has no labels where they are needed, has no picture of a label to drop, or none are left.

    Examples
    --------
    >>> import isexplore as ix
    >>> altered(ix.demo.real(), Alterations(drop=(3, 7), copies=2, order="sorted"))
    digits: real, altered: 2870 images, from 1797 images, 8×8 gray, uint8, 0–255
    """
    numbers = _numbers(images, alterations)
    return replace(
        images,
        name=f"{images.name}, altered",
        image_names=tuple(images.image_names[i] for i in numbers),
        read=partial(_read, images, numbers, alterations),
        description=f"{len(numbers)} images, from {images.description}",
        labels=None if images.labels is None else tuple(images.labels[i] for i in numbers),
    )


def _numbers(images: ImageSet, alterations: Alterations) -> NDArray[np.intp]:
    """Return the number of the picture that stands at each place."""
    numbers = np.arange(len(images))
    if alterations.drop or alterations.kept == "one" or alterations.order == "sorted":
        if images.labels is None:
            raise ValueError(f"{images.name} has no labels: nothing can be dropped, kept or sorted by them")
        _, first, label = np.unique(images.labels, return_index=True, return_inverse=True)
        known = set(images.labels)
        for one in alterations.drop:
            if one not in known:
                raise ValueError(f"{images.name} has no images of the label {one}, so they can't be dropped")
        numbers = numbers[~np.isin(images.labels, alterations.drop)]
        if not len(numbers):
            raise ValueError("all images are dropped: keep at least one class")
        if alterations.kept == "one":
            numbers = first[label[numbers]]
    numbers = np.repeat(numbers, alterations.copies)
    if alterations.order == "sorted":
        return numbers[np.argsort(label[numbers], kind="stable")]
    if alterations.order == "shuffled":
        return np.random.default_rng(alterations.seed).permutation(numbers)
    return numbers


def _read(images: ImageSet, numbers: NDArray[np.intp], alterations: Alterations, index: int) -> NDArray[np.uint8]:
    number = int(numbers[index])
    picture = images.read(number)
    if not alterations.blur and not alterations.noise:
        return picture
    levels = picture.astype(np.float64)
    if alterations.blur:
        levels = gaussian_filter(levels, (alterations.blur, alterations.blur, 0), mode="nearest")
    if alterations.noise:
        levels += np.random.default_rng([alterations.seed, number]).normal(0, alterations.noise, levels.shape)
    return np.rint(levels).clip(0, 255).astype(np.uint8)
