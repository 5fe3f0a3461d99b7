"""A part of the predictions of a run: a folder that grows by batches, and can be read once it is complete."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from isexplore.predictions.parts import THUMBNAIL_SIDE, check_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

__all__ = ["Shard", "ShardContents", "read_shard"]

_ROWS, _PIXELS, _INDEX, _UNFINISHED = "rows.f32", "thumbnails.u8", "index.jsonl", "index.jsonl.part"
_ROW = np.dtype("<f4")
_BLOCK_BYTES = 2**22


class Shard:
    """A folder to which one process adds predictions, batch by batch.

    It counts as complete only when `close` was called, or a ``with`` block has ended without an exception: until then
    its index has another name, and `read_shard` refuses it.

    Parameters
    ----------
    folder : Path
        Made where it does not exist; an earlier shard in it is replaced.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> picture = np.zeros((8, 8, 1), np.uint8)
    >>> with TemporaryDirectory() as folder:
    ...     with Shard(Path(folder)) as shard:
    ...         shard.append(np.eye(2, dtype=np.float32), [picture] * 2, ["a.png", "b.png"], None, [("c.png", "empty")])
    ...     read_shard(Path(folder)).names
    ['a.png', 'b.png']
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _INDEX).unlink(missing_ok=True)  # before what it describes is overwritten
        self.folder = folder
        self._n_classes: int | None = None
        self._rows, self._pixels, self._index = ((folder / name).open("wb") for name in (_ROWS, _PIXELS, _UNFINISHED))

    def append(
        self,
        rows: NDArray[np.float32],
        thumbnails: Sequence[NDArray[np.uint8]],
        names: Sequence[str],
        labels: Sequence[int | str] | None,
        skipped: Sequence[tuple[str, str]],
    ) -> None:
        """Add a batch of B images, which may be none.

        Parameters
        ----------
        rows : ndarray of float32, shape (B, C)
            p(y|x), which nobody checks here. Without images, C does not matter.
        thumbnails : sequence of uint8 ndarray, length B
            Each (h, w, 1 or 3), at most 64 pixels a side.
        names : sequence of str, length B
        labels : sequence of int or of str, length B, or None
        skipped : sequence of (str, str)
            Images that could not be read, and why.

        Raises
        ------
        ValueError
            If lengths disagree, the number of classes changes, or a thumbnail is something else.
        OSError
            If it can't be written; the shard is then of no more use.
        """
        n, c = rows.shape
        if len(names) != n or len(thumbnails) != n:
            raise ValueError(f"{n} rows came with {len(names)} names and {len(thumbnails)} thumbnails")
        if n:
            if self._n_classes not in (None, c):
                raise ValueError(f"rows of {c} classes came after rows of {self._n_classes}")
            self._n_classes = c
        for name, picture in zip(names, thumbnails, strict=True):
            _check_picture(name, picture)
        batch = {
            "names": list(names),
            "labels": check_labels(labels, n),
            "shapes": [picture.shape for picture in thumbnails],
            "n_classes": self._n_classes,
            "skipped": list(skipped),
        }
        with self._named_errors():
            self._rows.write(rows.astype(_ROW).tobytes())
            self._pixels.write(b"".join(picture.tobytes() for picture in thumbnails))
            self._index.write(json.dumps(batch).encode() + b"\n")

    def close(self) -> None:
        """Complete the shard: from here on any process can read it.

        Raises
        ------
        OSError
            If what was added last can't be written; the shard is then not complete.
        """
        if not self._index.closed:
            self._release()
            (self.folder / _UNFINISHED).replace(self.folder / _INDEX)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._release()

    def _release(self) -> None:
        with self._named_errors(), self._rows, self._pixels, self._index:  # closes all, whichever fails
            pass

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:  # such as a full disk
            raise OSError(f"cannot write predictions to {self.folder}: {error}") from error


@dataclass(frozen=True, eq=False)
class ShardContents:
    """A complete shard, of which the rows and pixels stay on the disk.

    Attributes
    ----------
    folder : Path
    names : list of str, length n
    labels : list of int or str, length n, or shorter where some images have none
    shapes : ndarray of shape (n, 3)
        Height, width and channels of each thumbnail.
    n_classes : int
        0 where there are no images.
    skipped : list of (str, str)
        Images that could not be read, and why.
    """

    folder: Path
    names: list[str]
    labels: list[Any]
    shapes: NDArray[np.intp]
    n_classes: int
    skipped: list[tuple[str, str]]

    def row_blocks(self) -> Iterator[bytes]:
        """Yield the rows as float32 bytes, cut anywhere."""
        with (self.folder / _ROWS).open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                yield block

    def pictures(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the thumbnails one by one."""
        with (self.folder / _PIXELS).open("rb") as stream:
            for h, w, c in self.shapes.tolist():
                yield np.frombuffer(stream.read(h * w * c), np.uint8).reshape(h, w, c)


def read_shard(folder: Path) -> ShardContents:
    """Read the index of a complete shard.

    Raises
    ------
    ValueError
        If the shard is not complete, or its files have not the sizes that the index says.
    """
    if not (folder / _INDEX).is_file():
        raise ValueError(f"{folder} is not complete: the process that writes it has not ended, or was interrupted")
    names: list[str] = []
    labels: list[Any] = []
    shapes = [np.zeros((0, 3), np.intp)]
    skipped: list[tuple[str, str]] = []
    n_classes = 0
    with (folder / _INDEX).open("rb") as index:
        for line in index:
            batch = json.loads(line)
            names += batch["names"]
            labels += batch["labels"] or []
            shapes.append(np.array(batch["shapes"], np.intp).reshape(-1, 3))
            skipped += [(name, reason) for name, reason in batch["skipped"]]
            n_classes = batch["n_classes"] or 0
    contents = ShardContents(folder, names, labels, np.concatenate(shapes), n_classes, skipped)
    sizes = {_ROWS: len(names) * n_classes * _ROW.itemsize, _PIXELS: int(contents.shapes.prod(axis=1).sum())}
    for file, size in sizes.items():
        if (folder / file).stat().st_size != size:
            raise ValueError(f"{folder} is damaged: {file} has {(folder / file).stat().st_size} bytes, not {size}")
    return contents


def _check_picture(name: str, picture: NDArray[np.uint8]) -> None:
    h, w, c = picture.shape if picture.ndim == 3 else (0, 0, 0)  # noqa: PLR2004 - height, width, channels
    if picture.dtype != np.uint8 or c not in (1, 3) or not (1 <= h <= THUMBNAIL_SIDE and 1 <= w <= THUMBNAIL_SIDE):
        raise ValueError(
            f"the thumbnail of {name} must be uint8 of shape (h, w, 1 or 3), at most {THUMBNAIL_SIDE} pixels a side, "
            f"not {picture.dtype} of shape {picture.shape}"
        )
