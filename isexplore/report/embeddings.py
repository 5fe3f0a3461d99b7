"""Embeddings that somebody brings along: checked before a check trips over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.predictions.parts import check_embeddings, check_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_embeddings"]


def read_embeddings(given: Any, n: int) -> NDArray[np.float16]:
    """Return embeddings as predictions keep them, by the same check; integers and lists will do, too.

    Parameters
    ----------
    given : array-like of shape (N, D)
        A torch tensor will do.
    n : int
        How many images there are.

    Returns
    -------
    ndarray of float16, shape (N, D)
        As predictions keep them.

    Raises
    ------
    ValueError
        If the shape does not fit, or the row of an image, which is named, holds what is not finite or beyond float16.

    Examples
    --------
    >>> read_embeddings([[1, 2], [3, 4]], 2).shape
    (2, 2)
    >>> read_embeddings([[1e30], [0.0]], 2)
    Traceback (most recent call last):
        ...
    ValueError: the embedding of 'image 0' holds 1e+30, but it is kept as float16, which ends at 65504: ...
    """
    if not hasattr(given, "detach"):
        given = np.asanyarray(given)
        if given.dtype.kind not in "fiu":
            raise ValueError(f"embeddings of type {given.dtype} are no real numbers")
        given = given if given.dtype.kind == "f" else given.astype(np.float64)
    matrix = check_embeddings(given, check_names("image_names", None, n))
    if matrix is None:  # only of None, which is no array
        raise ValueError("there are no embeddings")
    return matrix
