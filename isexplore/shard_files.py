"""Sums of a shard in a file, for machines that share no more than a disk."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

from isexplore.matrices import MIN_CLASSES
from isexplore.shards import ShardSums
from isexplore.tensor_files import expand_home, save_tensors

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

_FORMAT = "isexplore shard sums 1"


def save_shard(path: str | os.PathLike[str], sums: ShardSums) -> None:
    """Write sums to one safetensors file of about 8·C² bytes, whole or not at all.

    Raises
    ------
    OSError
        If the folder does not exist, or the file can't be written.

    Examples
    --------
    >>> import tempfile
    >>> from isexplore.shards import shard_sums
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_shard(f"{folder}/0.safetensors", shard_sums(np.eye(4)))
    ...     load_shard(f"{folder}/0.safetensors").n_images
    4
    """
    save_tensors(path, {f.name: np.array(getattr(sums, f.name)) for f in fields(sums)}, {"format": _FORMAT})


def load_shard(path: str | os.PathLike[str]) -> ShardSums:
    """Read sums that `save_shard` wrote, once they are seen to be sums over images.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or does not hold sums over images.
    """
    file = expand_home(path)
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    try:
        with safe_open(file, framework="numpy") as opened:
            tensors = {field.name: opened.get_tensor(field.name) for field in fields(ShardSums)}
            _check(opened.metadata() or {}, tensors)
    except (SafetensorError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} holds no sums of a shard: {error}") from error
    return ShardSums(**{name: array.item() if array.ndim == 0 else array for name, array in tensors.items()})


def _check(metadata: Mapping[str, str], tensors: Mapping[str, NDArray[Any]]) -> None:
    """Refuse what can't be the sums of a shard."""
    if metadata.get("format") != _FORMAT:
        raise ValueError("it does not say that it holds any")
    n, p, p_log_p, h_p, h_h, p_p = tensors.values()
    c = p.size
    expected = [("int64", ()), *[("float64", shape) for shape in ((c,), (c,), (c,), (), (c, c))]]
    if c < MIN_CLASSES or [(str(array.dtype), array.shape) for array in tensors.values()] != expected:
        raise ValueError("its arrays have other types or shapes")
    if not all(np.isfinite(array).all() for array in tensors.values()):
        raise ValueError("it holds NaN or infinity")
    # Each row sums to one, so that its p pᵀ sums to p along both axes, and its h·p to h = −Σ p ln p.
    pairs = [(p.sum(), n), (p_p.sum(axis=0), p), (p_p.sum(axis=1), p), (h_p.sum(), -p_log_p.sum())]
    agree = all(np.allclose(a, b, rtol=1e-6, atol=1e-6) for a, b in pairs)
    if n < 1 or min(p.min(), -p_log_p.max(), h_p.min(), h_h, p_p.min()) < 0 or not agree:
        raise ValueError("its sums contradict each other")
