"""Accept whatever holds predictions as an (N, C) matrix, and say what is wrong with what does not."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj

from isexplore.arrays import Rows

MIN_CLASSES = 2


def read_rows(predictions: Any = None, *, logits: Any = None) -> Rows:
    """Accept whatever holds predictions: a `Predictions`, a matrix of probabilities, or logits.

    Parameters
    ----------
    predictions
        An object with `.probabilities`, or an (N, C) array, tensor, memory map or nested list of probabilities.
    logits
        (N, C) unnormalised log-probabilities, instead of `predictions`.

    Raises
    ------
    TypeError
        If both or neither are given, or the matrix is masked or holds no real numbers.
    ValueError
        If the matrix is not N ≥ 1 by C ≥ 2. The rows themselves are checked when they are read.

    Examples
    --------
    >>> read_rows([[0.5, 0.5], [1, 0]]).n_images
    2
    """
    if (predictions is None) == (logits is None):
        raise TypeError("give either predictions (probabilities) or logits=…, one of the two")
    matrix = getattr(predictions, "probabilities", predictions) if logits is None else logits
    _refuse_others(matrix)
    if hasattr(matrix, "detach"):
        matrix = _on_the_cpu(matrix.detach())  # a score is a number to read: no gradient is recorded
    elif not is_array_api_obj(matrix) or isinstance(matrix, np.ndarray):
        matrix = np.asarray(matrix)  # also a plain view of a memory map
    xp = array_namespace(matrix)
    if not xp.isdtype(matrix.dtype, ("bool", "integral", "real floating")):
        raise TypeError(f"the matrix holds {matrix.dtype}: give real numbers, such as float32")
    check_shape(tuple(matrix.shape), "the matrix")
    return Rows(matrix, are_logits=logits is not None)


def check_shape(shape: tuple[int, ...], name: str) -> None:
    """Refuse what is not N ≥ 1 images by C ≥ 2 classes.

    Raises
    ------
    ValueError
        The message calls the matrix by its name.

    Examples
    --------
    >>> check_shape((5, 1), "the matrix")
    Traceback (most recent call last):
    ValueError: the matrix has 1 column(s): a score needs at least 2 classes
    """
    if len(shape) != 2:  # noqa: PLR2004 - a matrix
        raise ValueError(f"{name} has shape {shape}: give one row per image and one column per class, (N, C)")
    if shape[0] == 0:
        raise ValueError(f"{name} has no rows: give at least one image")
    if shape[1] < MIN_CLASSES:
        raise ValueError(f"{name} has {shape[1]} column(s): a score needs at least {MIN_CLASSES} classes")


def _refuse_others(matrix: Any) -> None:
    """Say what to do with something that is taken for a matrix of predictions."""
    if isinstance(matrix, (str, os.PathLike)):
        raise TypeError(f"{matrix} is a path: open predictions with isexplore.load, or images with isexplore.predict")
    if hasattr(matrix, "image_names"):
        raise TypeError("these are images: first classify them, isexplore.predict(images, classifier=…)")
    if isinstance(matrix, np.ma.MaskedArray):
        raise TypeError(
            "the matrix is masked, and a mask has no meaning here: leave out the images with masked numbers, "
            "np.ma.compress_rows(p), or give them a value, p.filled(0)"
        )


def _on_the_cpu(tensor: Any) -> Any:
    """Return NumPy's view of a tensor that lies in the CPU's memory, where NumPy knows its kind of numbers."""
    if str(device(tensor)) != "cpu":
        return tensor
    try:
        return tensor.numpy()
    except (TypeError, RuntimeError):  # bfloat16, or no plain strided tensor
        return tensor


def check_probabilities(probabilities: Any) -> None:
    """Refuse a matrix whose rows are not distributions.

    Parameters
    ----------
    probabilities
        (N, C) array or tensor.

    Raises
    ------
    TypeError
        If it is masked, or holds no real numbers.
    ValueError
        If it is not N ≥ 1 by C ≥ 2, or a row holds NaN, an infinity or a negative number, or its sum is off one by
        more than 1e-3 (bfloat16: 0.0078; float16: 1e-3 and C·2⁻²⁵). The message names the first such row.

    Examples
    --------
    >>> check_probabilities([[0.5, 0.5], [0.9, 0.3]])
    Traceback (most recent call last):
    ValueError: row 1 of the probabilities sums to 1.2 instead of 1: ...
    """
    for _ in read_rows(probabilities).blocks():
        pass
