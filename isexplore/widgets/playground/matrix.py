"""The matrix p(y|x) as a heat map: images down, classes across, as many of both as can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from isexplore.edges import split_edges
from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.playground.frame import PlayFrame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.widgets.playground.frame import Shown

__all__ = ["MatrixPanel", "heatmap_of", "seen_images"]

MOST_ROWS = 100  # two pixels each
MOST_COLUMNS = 200
FULL = 65535  # what a probability of 1 is sent as: two bytes show four decimals


class MatrixPanel(Panel[PlayFrame]):
    """Shows the rows of the images."""

    _esm = HERE / "playground" / "matrix.js"
    depends: ClassVar[tuple[str, ...]] = ("shown", "guess")

    def picture(self, frame: PlayFrame) -> dict[str, Any]:
        """Return the cells, and which images and classes they are of."""
        return heatmap_of(frame.shown, MOST_ROWS, hidden=frame.hidden)


def seen_images(n_images: int, most: int) -> NDArray[np.intp]:
    """Return the images that are drawn, in order: all, or one at random of each of as many runs as there is room for.

    At equal distances, images whose classes come in turn could all be of one class.

    Examples
    --------
    >>> seen_images(5, 100)
    array([0, 1, 2, 3, 4])
    >>> len(seen_images(1000, 100))
    100
    """
    if n_images <= most:
        return np.arange(n_images)
    edges = split_edges(n_images, most)
    within = np.random.default_rng(0).random(most)  # always the same: a moved slider must not shuffle the picture
    return edges[:-1] + np.floor(within * np.diff(edges)).astype(np.intp)


def heatmap_of(shown: Shown, most_rows: int, *, hidden: bool) -> dict[str, Any]:
    """Return what the page's `heatmap` draws: the cells, row by row, and where the splits are cut, in rows.

    Parameters
    ----------
    shown
    most_rows
        How many images there is room for.
    hidden
        Whether nothing may tell the score; the cuts are then there even where they make no difference.
    """
    rows = shown.rows
    images = seen_images(rows.n_images, most_rows)
    group = -(-rows.n_classes // MOST_COLUMNS)  # classes to a column
    cells = np.add.reduceat(rows.take(images), np.arange(0, rows.n_classes, group), axis=1)
    splits = shown.setting.splits
    # More lines would hide the rows; where all splits score as the whole set does, they would say nothing.
    scores = shown.played.split_scores
    differ = hidden or not np.allclose(scores, shown.played.overall, rtol=1e-9, atol=0)
    cuts = split_edges(rows.n_images, splits)[1:-1] if splits <= most_rows // 5 and differ else np.zeros(0)
    return {
        "cells": (cells * FULL).round().clip(0, FULL).astype("<u2").tobytes(),
        "rows": len(images),
        "columns": cells.shape[1],
        "images": images.tolist(),
        "group": group,
        "n": rows.n_images,
        "classes": rows.n_classes,
        "splits": splits,
        "cuts": (cuts * len(images) / rows.n_images).tolist(),
    }
