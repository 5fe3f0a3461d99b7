"""Predictions that grow on disk, shard by shard, and become one file that `isexplore.load` memory-maps.

Rows, embeddings and thumbnails never lie in memory as a whole; names and labels do. What comes out does not depend on
how the images were cut into shards and batches.
"""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import chain, product
from typing import TYPE_CHECKING

import numpy as np

from isexplore.predictions import write
from isexplore.predictions.parts import check_labels, check_names
from isexplore.predictions.shard import Shard, ShardContents, read_shard
from isexplore.tensor_files import ArrayBlocks, expand_home

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from isexplore.predictions.provenance import Provenance

__all__ = ["Shard", "assemble", "checked_out", "reasons"]

_MOST_REASONS_SHOWN = 3


def assemble(folders: Sequence[Path], out: Path, class_names: Sequence[str] | None, provenance: Provenance) -> None:
    """Make one file of complete shards, one after another, which `isexplore.load` opens; the shards stay.

    Thumbnails of several sizes are put each in the middle of the smallest box that holds all; where some have three
    channels, gray ones get three.

    Parameters
    ----------
    folders : sequence of Path
        Of shards, in the order of their images.
    out : Path
        Where the file goes, whole or not at all.
    class_names : sequence of str, length C, or None
    provenance : Provenance
        The images that the shards have skipped are added to it.

    Raises
    ------
    ValueError
        If there is no image, a shard is not complete or damaged, or some shards have other classes than the rest, or no
        labels or embeddings where the rest has.
    OSError
        If the file can't be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from isexplore.predictions import load
    >>> from isexplore.predictions.provenance import Provenance
    >>> with TemporaryDirectory() as folder:
    ...     shards = [Path(folder, number) for number in "01"]
    ...     for path in shards:
    ...         with Shard(path) as shard:
    ...             shard.append(np.eye(2, dtype=np.float32), [np.zeros((8, 8, 1), np.uint8)] * 2, "ab", None, [])
    ...     assemble(shards, Path(folder, "run.safetensors"), ["cat", "dog"], Provenance("pets"))
    ...     load(Path(folder, "run.safetensors"))
    Predictions(4 images × 2 classes, pets)
    """
    parts = [read_shard(folder) for folder in folders]
    skipped = tuple(chain(provenance.skipped, *(part.skipped for part in parts)))
    filled = [part for part in parts if part.names]
    if not filled:
        why = f"none of the {len(skipped)} images of {provenance.source} could be read: {reasons(skipped)}"
        raise ValueError(why if skipped else f"{provenance.source} has no images")
    widths = filled[0].widths
    for part, (name, width) in product(filled, widths.items()):
        if part.widths[name] != width:
            raise ValueError(
                f"{filled[0].folder} has {name} of {width} numbers an image, but {part.folder} of {part.widths[name]}"
            )
    n = sum(len(part.names) for part in filled)
    box = tuple(np.max([part.shapes.max(axis=0) for part in filled], axis=0).tolist())
    write(
        out,
        probabilities=_join(filled, "rows", np.float32, n),
        class_names=check_names("class_names", class_names, widths["rows"]),
        image_names=check_names("image_names", [name for part in filled for name in part.names], n),
        thumbnails=ArrayBlocks(np.dtype(np.uint8), (n, *box), _stack(filled, box)),
        provenance=replace(provenance, skipped=skipped),
        labels=_join_labels(filled, n),
        embeddings=_join(filled, "embeddings", np.float16, n) if widths["embeddings"] else None,
        digests=_join(filled, "digests", np.uint8, n) if widths["digests"] else None,
    )


def checked_out(out: str | os.PathLike[str]) -> Path:
    """Find out before the work, not after it, whether its result can be saved.

    Raises
    ------
    ValueError
        If the name does not end in ``.safetensors``.
    OSError
        If there is no such folder, or it can't be written to.

    Examples
    --------
    >>> checked_out("run.txt")
    Traceback (most recent call last):
        ...
    ValueError: the file of predictions, run.txt, must end in .safetensors
    """
    path = expand_home(out)
    if path.suffix != ".safetensors":
        raise ValueError(f"the file of predictions, {path}, must end in .safetensors")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot save {path}: the folder {path.parent} does not exist")
    if path.is_dir():
        raise IsADirectoryError(f"cannot save {path}: it is a folder")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"cannot save {path}: {path.parent} is not writable")
    return path


def reasons(skipped: Sequence[tuple[str, str]]) -> str:
    """Say in one line why images were skipped: the first reasons, and how many more there are.

    Parameters
    ----------
    skipped : sequence of (str, str)
        Names of images, and why each could not be read.

    Examples
    --------
    >>> reasons([("a.png", "it is empty"), ("b.png", "b.png is truncated")])
    'a.png: it is empty; b.png is truncated'
    """
    more = len(skipped) - _MOST_REASONS_SHOWN
    # Most reasons name the image already.
    named = [reason if name in reason else f"{name}: {reason}" for name, reason in skipped[:_MOST_REASONS_SHOWN]]
    return "; ".join(named) + (f"; and {more} more" if more > 0 else "")


def _join(parts: Sequence[ShardContents], table: str, dtype: type[np.generic], n: int) -> ArrayBlocks:
    blocks = chain.from_iterable(part.blocks(table) for part in parts)
    return ArrayBlocks(np.dtype(dtype), (n, parts[0].widths[table]), blocks)


def _join_labels(parts: Sequence[ShardContents], n: int) -> tuple[int | str, ...] | None:
    labels = [label for part in parts for label in part.labels]
    if len(labels) not in (0, n):
        raise ValueError(f"{len(labels)} of {n} images have labels: give all of them labels, or none")
    return check_labels(labels, n) if labels else None


def _stack(parts: Sequence[ShardContents], box: tuple[int, int, int]) -> Iterator[memoryview]:
    """Yield each thumbnail in the middle of a box."""
    for picture in chain.from_iterable(part.pictures() for part in parts):
        h, w, _ = picture.shape
        if picture.shape == box:
            yield picture.data
            continue
        top, left = (box[0] - h) // 2, (box[1] - w) // 2
        place = np.zeros(box, np.uint8)
        place[top : top + h, left : left + w] = picture  # one channel spreads to three
        yield place.data
