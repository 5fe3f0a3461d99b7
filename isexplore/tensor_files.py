"""Named arrays in one safetensors file: written block by block, whole or not at all, and memory-mapped when read."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from safetensors import SafetensorError, safe_open

from isexplore.whole_files import writing_whole

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

_DTYPES = {"F32": np.float32, "F16": np.float16, "U8": np.uint8}
# What can be saved, in the order of the file: with the widest first, all begin where their kind of numbers must.
_SAVED_DTYPES = {
    "I64": np.dtype(np.int64),
    "F64": np.dtype(np.float64),
    "F32": np.dtype(np.float32),
    "F16": np.dtype(np.float16),
    "U8": np.dtype(np.uint8),
}
_BLOCK = 2**18
_MOST_HEADER_BYTES = 100_000_000  # safetensors' readers refuse more


@dataclass(frozen=True, eq=False)
class ArrayBlocks:
    """An array that need not be in memory: its numbers come one block after another.

    Attributes
    ----------
    dtype : dtype
    shape : tuple of int
    blocks : iterable of bytes-like
        All numbers in C order, little-endian, cut anywhere; read once.

    Examples
    --------
    >>> import tempfile
    >>> rows = ArrayBlocks(np.dtype(np.uint8), (2, 3), [b"abcd", b"ef"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_tensors(f"{folder}/a.safetensors", {"x": rows}, {})
    ...     open_tensors(f"{folder}/a.safetensors")[0]["x"].tobytes()
    b'abcdef'
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    blocks: Iterable[bytes | memoryview]

    @property
    def n_bytes(self) -> int:
        """Size of the whole array."""
        return math.prod(self.shape) * self.dtype.itemsize


def save_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, NDArray[Any] | ArrayBlocks], metadata: Mapping[str, str]
) -> None:
    """Write arrays under a temporary name, and give the file its own name when it is complete.

    Takes a few MB of memory, however large the arrays are.

    Parameters
    ----------
    path : path-like
    tensors : mapping of str to ndarray or ArrayBlocks
        float16, float32, float64, int64 or uint8; memory maps and views of any layout, too.
    metadata : mapping of str to str

    Raises
    ------
    FileNotFoundError
        If the folder, or the home folder that ``~`` stands for, does not exist.
    IsADirectoryError
        If the path is itself a folder.
    OSError
        If the file can't be written.
    ValueError
        If an array is of another type, its blocks are not as many bytes as its shape needs, or the metadata is too
        large for any reader.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_tensors(f"{folder}/a.safetensors", {"x": np.ones(2, np.float32)}, {"unit": "nats"})
    ...     open_tensors(f"{folder}/a.safetensors")
    ({'x': memmap([1., 1.], dtype=float32)}, {'unit': 'nats'})
    """
    target = expand_home(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot save {target}: the folder {target.parent} does not exist")
    if target.is_dir():
        raise IsADirectoryError(f"cannot save {target}: it is a folder")
    parts = {name: part if isinstance(part, ArrayBlocks) else _in_blocks(part) for name, part in tensors.items()}
    kinds = {name: _kind(name, part) for name, part in parts.items()}
    order = sorted(parts, key=lambda name: (list(_SAVED_DTYPES).index(kinds[name]), name))
    header = _header({name: (kinds[name], parts[name]) for name in order}, metadata)
    with writing_whole(target) as stream:
        stream.write(header)
        for name in order:
            begin = stream.tell()
            for block in parts[name].blocks:
                stream.write(block)
            if stream.tell() - begin != parts[name].n_bytes:
                raise ValueError(f"{name!r} came as {stream.tell() - begin} bytes, not {parts[name].n_bytes}")


def _in_blocks(array: NDArray[Any]) -> ArrayBlocks:
    """Cut an array of any layout, without a copy of the whole."""

    def blocks() -> Iterator[memoryview]:
        flags: list[Literal["external_loop", "buffered", "zerosize_ok"]] = ["external_loop", "buffered", "zerosize_ok"]
        little = array.dtype.newbyteorder("<")
        pieces = np.nditer(array, flags, op_dtypes=little, order="C", casting="equiv", buffersize=_BLOCK)
        for piece in cast("Iterator[NDArray[Any]]", pieces):
            yield np.ascontiguousarray(piece).data

    return ArrayBlocks(array.dtype.newbyteorder("="), array.shape, blocks())


def _kind(name: str, part: ArrayBlocks) -> str:
    for kind, dtype in _SAVED_DTYPES.items():
        if dtype == part.dtype:
            return kind
    raise ValueError(
        f"cannot save {name!r}: it is {part.dtype}, not one of {', '.join(map(str, _SAVED_DTYPES.values()))}"
    )


def _header(parts: Mapping[str, tuple[str, ArrayBlocks]], metadata: Mapping[str, str]) -> bytes:
    entries: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, (kind, part) in parts.items():
        begin, end = end, end + part.n_bytes
        entries[name] = {"dtype": kind, "shape": list(part.shape), "data_offsets": [begin, end]}
    text = json.dumps(entries, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > _MOST_HEADER_BYTES:
        raise ValueError(
            f"the metadata takes {len(text)} bytes, more than the {_MOST_HEADER_BYTES} that readers accept"
        )
    return len(text).to_bytes(8, "little") + text


def open_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Memory-map the float16, float32 and uint8 arrays of a file (safetensors' own reader copies them).

    Returns
    -------
    tuple
        The arrays by name, and the file's metadata.

    Raises
    ------
    ValueError
        If the file is damaged, or an array is empty or of another type.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_tensors(f"{folder}/a.safetensors", {"x": np.arange(3, dtype=np.uint8)}, {})
    ...     open_tensors(f"{folder}/a.safetensors")[0]["x"]
    memmap([0, 1, 2], dtype=uint8)
    """
    file = Path(path)
    try:
        with safe_open(file, framework="numpy") as checked:  # validates the header: sizes, order, no overlap
            metadata = checked.metadata() or {}
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    with file.open("rb") as stream:
        header_size = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(header_size))
    tensors: dict[str, NDArray[Any]] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in _DTYPES:
            raise ValueError(f"{name!r} has the unexpected type {entry['dtype']}")
        if 0 in entry["shape"]:
            raise ValueError(f"{name!r} is empty")
        offset = 8 + header_size + entry["data_offsets"][0]
        tensors[name] = np.memmap(file, _DTYPES[entry["dtype"]], "r", offset, tuple(entry["shape"]))
    return tensors, metadata


def expand_home(path: str | os.PathLike[str]) -> Path:
    """Put the home folder in the place of a leading ``~``.

    Raises
    ------
    FileNotFoundError
        If there is no such user.

    Examples
    --------
    >>> expand_home("run.safetensors").name
    'run.safetensors'
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise FileNotFoundError(f"there is no {path}: its ~ stands for no known home folder") from error
