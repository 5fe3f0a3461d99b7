"""Named arrays in one safetensors file: written whole or not at all, memory-mapped when read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_DTYPES = {"F32": np.float32, "U8": np.uint8}


def save_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]
) -> None:
    """Write arrays under a temporary name, and give the file its own name when it is complete.

    Raises
    ------
    FileNotFoundError
        If the folder, or the home folder that ``~`` stands for, does not exist.
    IsADirectoryError
        If the path is itself a folder.
    OSError
        If the file can't be written.

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
    temporary = target.with_name(f".isexplore-{uuid4().hex}.part")
    try:
        temporary.touch(exist_ok=False)
        permissions = temporary.stat().st_mode  # of any new file; safetensors may replace it by a private one
        save_file(dict(tensors), temporary, dict(metadata))
        temporary.chmod(permissions)
        with temporary.open("r+b") as stream:
            os.fsync(stream.fileno())  # else a power cut could leave the name on an incomplete file
        temporary.replace(target)
    except SafetensorError as error:  # such as a full disk
        raise OSError(f"cannot save {target}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def open_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Memory-map the float32 and uint8 arrays of a file (safetensors' own reader copies them).

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
