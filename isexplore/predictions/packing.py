"""Predictions as bytes, to be kept inside of other files: those of the file that `Predictions.save` writes."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.predictions import load

if TYPE_CHECKING:
    from isexplore.predictions import Predictions

__all__ = ["pack", "unpack"]

_NAME = "predictions.safetensors"
_SMALL = 2**24  # bytes


def pack(predictions: Predictions) -> bytes:
    """Return the bytes of the file that `Predictions.save` would write.

    Raises
    ------
    OSError
        If there is no room for temporary files.

    Examples
    --------
    >>> from isexplore import Predictions
    >>> len(pack(Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]]))) > 100
    True
    """
    with TemporaryDirectory(prefix="isexplore-") as folder:
        predictions.save(Path(folder, _NAME))
        return Path(folder, _NAME).read_bytes()


def unpack(data: bytes) -> Predictions:
    """Open what `pack` returned; it is checked as `isexplore.load` does.

    Up to 16 MB are kept in memory. More is memory-mapped from a temporary file, which is deleted already: it takes room
    until the predictions are let go.

    Raises
    ------
    ValueError
        If the bytes are no file of predictions, or a damaged one.
    OSError
        If there is no room for temporary files.

    Examples
    --------
    >>> from isexplore import Predictions
    >>> unpack(pack(Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]])))
    Predictions(2 images × 2 classes, probabilities)
    """
    with TemporaryDirectory(prefix="isexplore-") as folder:
        file = Path(folder, _NAME)
        file.write_bytes(data)
        try:
            found = load(file)
        except ValueError as error:  # without the name of a file that is gone
            raise ValueError(str(error).removeprefix(f"{file} is ")) from error
        return found if len(data) > _SMALL else _in_memory(found)


def _in_memory(predictions: Predictions) -> Predictions:
    """Copy what is memory-mapped: each map keeps a file open, and a process may open only so many."""
    parts = {part.name: getattr(predictions, part.name) for part in fields(predictions)}
    arrays: dict[str, Any] = {name: np.array(part) for name, part in parts.items() if isinstance(part, np.ndarray)}
    return replace(predictions, **arrays)
