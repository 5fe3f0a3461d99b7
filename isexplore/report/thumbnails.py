"""A choice of images for the page: those that the findings speak of, and a few of each class."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from isexplore.report.sheet import sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from isexplore.collapse.evidence import Side
    from isexplore.collapse.finding import Finding

__all__ = ["Choice", "Picture", "choose", "pictures"]

OF_A_FINDING = 24
_OF_A_CLASS = 24
BUDGET = 3_500_000  # bytes of pictures in a page, before base64 makes a third more of them
_TRIES = (200, 120, 60, 30, 12, 6)  # images a set
_PIXEL_ART = 32  # pixels a side, and less: a few bytes, which JPEG would blur
_COLUMNS = 20


@dataclass(frozen=True)
class Choice:
    """Images of one set.

    Attributes
    ----------
    images : list of int
        Their numbers, each once.
    few : int
        The first so many are a few of each class; those of the findings may be among them.
    """

    images: list[int]
    few: int


@dataclass(frozen=True)
class Picture:
    """Several images in one, as the page cuts them apart.

    Attributes
    ----------
    uri : str
        With the picture in it.
    width, height, columns : int
        Of one image, in pixels; and how many stand in a row.
    """

    uri: str
    width: int
    height: int
    columns: int


def choose(side: Side, findings: Sequence[Finding], most: int) -> Choice:
    """Choose images of a set: a few of each class in turn, the commonest class first, then those of the findings.

    Parameters
    ----------
    side : Side
    findings : sequence of Finding
    most : int
        About how many: half of them, at least, are for the classes.

    Examples
    --------
    >>> from isexplore.collapse.evidence import side_of
    >>> from isexplore.predictions import Predictions
    >>> rows = [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.2, 0.8]]
    >>> choose(side_of(Predictions.from_probabilities(rows)), [], 3).images
    [0, 3, 1]
    """
    by_class = np.argsort(side.top_class, kind="stable")
    first = np.cumsum(side.class_counts) - side.class_counts
    turn = np.empty(side.n_images, np.intp)  # how many of its class come before an image
    turn[by_class] = np.arange(side.n_images) - first[side.top_class[by_class]]
    of_findings = dict.fromkeys(int(i) for found in findings for i in found.images[:OF_A_FINDING])  # worst first
    few = max(most - len(of_findings), most // 2)
    in_turn = np.lexsort((side.top_class, -side.class_counts[side.top_class], turn))
    images = in_turn[turn[in_turn] < _OF_A_CLASS][:few].tolist()
    more = [i for i in of_findings if i not in set(images)]
    return Choice([*images, *more[: most - len(images)]], len(images))


def pictures(sides: Sequence[Side], findings: Sequence[Sequence[Finding]]) -> list[tuple[Choice, Picture | None]]:
    """Choose images of several sets, and draw them: fewer where they would make the page too large.

    A set without thumbnails has no picture.
    """
    for most in _TRIES:
        choices = [choose(side, found, most) for side, found in zip(sides, findings, strict=True)]
        drawn = [_picture(side, choice.images) for side, choice in zip(sides, choices, strict=True)]
        if sum(len(picture.uri) for picture in drawn if picture) <= BUDGET * 4 / 3:
            break
    return list(zip(choices, drawn, strict=True))


def _picture(side: Side, images: list[int]) -> Picture | None:
    thumbnails = side.predictions.thumbnails
    if thumbnails is None:
        return None
    tiles = thumbnails[images]
    _, height, width, _ = tiles.shape
    kind = "png" if max(height, width) <= _PIXEL_ART else "jpeg"
    data = base64.b64encode(_encoded(tiles, kind)).decode()
    return Picture(f"data:image/{kind};base64,{data}", width, height, _COLUMNS)


def _encoded(tiles: NDArray[np.uint8], kind: str) -> bytes:
    options = {"optimize": True} if kind == "png" else {"quality": 80}
    stream = io.BytesIO()
    Image.fromarray(sheet(tiles, _COLUMNS)).save(stream, kind, **options)
    return stream.getvalue()
