"""A part of the predictions of a run: a folder that grows by batches, and can be read once it is complete."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
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

_PIXELS, _INDEX, _UNFINISHED = "thumbnails.u8", "index.jsonl", "index.jsonl.part"
# What has as many numbers for each image: in which file, and as which type.
_TABLES: dict[str, tuple[str, np.dtype[Any]]] = {
    "rows": ("rows.f32", np.dtype("<f4")),
    "embeddings": ("embeddings.f16", np.dtype("<f2")),
    "digests": ("digests.u8", np.dtype(np.uint8)),
}
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
        self._widths: dict[str, int] = {}
        self._tables = {name: (folder / file).open("wb") for name, (file, _) in _TABLES.items()}
        self._pixels, self._index = ((folder / name).open("wb") for name in (_PIXELS, _UNFINISHED))

    def append(  # noqa: PLR0913 - what there is to say of an image
        self,
        rows: NDArray[np.float32],
        thumbnails: Sequence[NDArray[np.uint8]],
        names: Sequence[str],
        labels: Sequence[int | str] | None,
        skipped: Sequence[tuple[str, str]],
        *,
        embeddings: NDArray[np.float16] | None = None,
        digests: NDArray[np.uint8] | None = None,
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
        embeddings : ndarray of float16, shape (B, D), or None
        digests : ndarray of uint8, shape (B, 16), or None

        Raises
        ------
        ValueError
            If lengths disagree, the numbers an image become more or fewer, or a thumbnail is something else.
        OSError
            If it can't be written; the shard is then of no more use.
        """
        n = len(rows)
        if len(names) != n or len(thumbnails) != n:
            raise ValueError(f"{n} rows came with {len(names)} names and {len(thumbnails)} thumbnails")
        given = {"rows": rows, "embeddings": embeddings, "digests": digests}
        tables: dict[str, NDArray[Any]] = {name: table for name, table in given.items() if table is not None}
        widths = self._new_widths(tables, n) if n else self._widths
        for name, picture in zip(names, thumbnails, strict=True):
            _check_picture(name, picture)
        batch = {
            "names": list(names),
            "labels": check_labels(labels, n),
            "shapes": [picture.shape for picture in thumbnails],
            "widths": widths,
            "skipped": list(skipped),
        }
        self._widths = widths
        with self._named_errors():
            for name, table in tables.items():
                self._tables[name].write(table.astype(_TABLES[name][1]).tobytes())
            self._pixels.write(b"".join(picture.tobytes() for picture in thumbnails))
            self._index.write(json.dumps(batch).encode() + b"\n")

    def _new_widths(self, tables: dict[str, NDArray[Any]], n: int) -> dict[str, int]:
        """Return how many numbers an image has in each table, 0 where it is not in it."""
        for name, table in tables.items():
            if table.ndim != 2 or len(table) != n:  # noqa: PLR2004 - a row for each image
                raise ValueError(f"{n} images came with {name} of shape {table.shape}")
        widths = {name: tables[name].shape[1] if name in tables else 0 for name in _TABLES}
        for name, before in self._widths.items():
            if widths[name] != before:
                raise ValueError(f"{name} of {widths[name]} numbers an image came after {name} of {before}")
        return widths

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
        with self._named_errors(), ExitStack() as streams:  # closes all, whichever fails
            for stream in (*self._tables.values(), self._pixels, self._index):
                streams.enter_context(stream)

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
    widths : dict of str to int
        How many numbers an image has in ``"rows"``, ``"embeddings"`` and ``"digests"``, 0 where it has none; empty
        where there are no images.
    skipped : list of (str, str)
        Images that could not be read, and why.
    """

    folder: Path
    names: list[str]
    labels: list[Any]
    shapes: NDArray[np.intp]
    widths: dict[str, int]
    skipped: list[tuple[str, str]]

    def blocks(self, table: str) -> Iterator[bytes]:
        """Yield ``"rows"`` as float32 bytes, ``"embeddings"`` as float16 or ``"digests"``, cut anywhere."""
        with (self.folder / _TABLES[table][0]).open("rb") as stream:
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
    widths: dict[str, int] = {}
    with (folder / _INDEX).open("rb") as index:
        for line in index:
            batch = json.loads(line)
            names += batch["names"]
            labels += batch["labels"] or []
            shapes.append(np.array(batch["shapes"], np.intp).reshape(-1, 3))
            skipped += [(name, reason) for name, reason in batch["skipped"]]
            widths = batch["widths"]
    contents = ShardContents(folder, names, labels, np.concatenate(shapes), widths, skipped)
    sizes = {file: len(names) * widths.get(name, 0) * dtype.itemsize for name, (file, dtype) in _TABLES.items()}
    sizes[_PIXELS] = int(contents.shapes.prod(axis=1).sum())
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
