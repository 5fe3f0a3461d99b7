"""Embeddings that somebody brings along: checked before a check trips over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_embeddings"]

_BLOCK = 4096  # rows


def read_embeddings(given: Any, n: int) -> NDArray[np.floating]:
    """Return embeddings as a NumPy array of floats.

    Parameters
    ----------
    given : array-like of shape (N, D)
        A torch tensor will do.
    n : int
        How many images there are.

    Raises
    ------
    ValueError
        If the shape does not fit, or a number is not finite.

    Examples
    --------
    >>> read_embeddings([[1, 2], [3, 4]], 2).shape
    (2, 2)
    """
    if hasattr(given, "detach"):
        given = given.detach().cpu()
        given = (given.float() if str(given.dtype) == "torch.bfloat16" else given).numpy()
    matrix = np.asarray(given)
    if matrix.ndim != 2 or len(matrix) != n or not matrix.shape[1]:  # noqa: PLR2004 - a matrix
        raise ValueError(f"embeddings have shape {matrix.shape}: give ({n}, D), a row for each image")
    if matrix.dtype.kind not in "fiu":
        raise ValueError(f"embeddings of type {matrix.dtype} are no real numbers")
    if matrix.dtype.kind in "iu":
        matrix = matrix.astype(np.float32)
    for start in range(0, n, _BLOCK):
        finite = np.isfinite(matrix[start : start + _BLOCK]).all(axis=1)
        if not finite.all():
            raise ValueError(f"row {start + int(np.argmin(finite))} of the embeddings is not finite")
    return matrix
