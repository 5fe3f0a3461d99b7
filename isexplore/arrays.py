"""Read an (N, C) matrix of predictions in blocks of float64 rows, wherever it lies."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj, to_device

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MIN_CLASSES = 2
ROW_SUM_TOLERANCE = 1e-3
# Numbers in a block: on a CPU few enough to stay in its cache, on an accelerator enough to keep it busy.
CPU_BLOCK, ACCELERATOR_BLOCK = 2**16, 2**22
# Added inside a logarithm: changes no value above 1e-284, and makes 0·log 0 the 0 that it should be.
TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows p(y|x) of a matrix that may be huge, memory-mapped or on an accelerator.

    Attributes
    ----------
    matrix
        (N, C) array or tensor that is read and never modified.
    are_logits
        Whether the rows are logits, to be put through a softmax.
    """

    matrix: Any
    are_logits: bool = False

    @property
    def n_images(self) -> int:
        """Number of rows N."""
        return int(self.matrix.shape[0])

    @property
    def n_classes(self) -> int:
        """Number of columns C."""
        return int(self.matrix.shape[1])

    def blocks(self, order: NDArray[np.intp] | None = None) -> Iterator[tuple[int, Any]]:
        """Yield (rows yielded so far, float64 rows that sum to exactly one), a block at a time.

        Probabilities are divided by their row sum, which removes what rounding to float16 or float32 has left.

        Parameters
        ----------
        order
            (M,) numbers of the rows to read, in this order; None: all, as they lie.

        Raises
        ------
        ValueError
            If a row is no distribution; the message names the first such row by its number in the matrix.
        """
        xp = array_namespace(self.matrix)
        place = str(device(self.matrix))
        size = CPU_BLOCK if place == "cpu" else ACCELERATOR_BLOCK
        step = max(size // self.n_classes, 1)
        tolerance = ROW_SUM_TOLERANCE
        if xp.isdtype(self.matrix.dtype, "real floating"):
            # bfloat16 rounds so coarsely that good rows miss one by several 1e-3.
            tolerance = max(tolerance, float(xp.finfo(self.matrix.dtype).eps))
        count = self.n_images if order is None else len(order)
        for start in range(0, count, step):
            stop = min(start + step, count)
            if order is None:
                block = self.matrix[start:stop, :]
            else:
                block = xp.take(self.matrix, xp.asarray(order[start:stop], device=device(self.matrix)), axis=0)
            if place.startswith("mps"):
                block = to_device(block, "cpu")  # Apple's GPU has no float64
            block = xp.astype(block, xp.float64)
            names = np.arange(start, stop) if order is None else order[start:stop]
            yield start, _softmax(block, names) if self.are_logits else _normalised(block, names, tolerance)


def _normalised(block: Any, names: NDArray[np.intp], tolerance: float) -> Any:
    xp = array_namespace(block)
    with np.errstate(invalid="ignore", over="ignore"):
        sums = block @ xp.ones(block.shape[1], dtype=xp.float64, device=device(block))
        # Written so that NaN counts as bad.
        good = (xp.abs(sums - 1) <= tolerance) & (xp.min(block, axis=1) >= 0)
    if not bool(xp.all(good)):
        bad = int(np.argmin(to_numpy(good)))
        raise ValueError(_complaint(to_numpy(block[bad, :]), int(names[bad])))
    block /= sums[:, None]  # in place: it is a copy already
    return block


def _complaint(row: NDArray[np.float64], name: int) -> str:
    if not np.isfinite(row).all():
        c = int(np.argmin(np.isfinite(row)))
        return f"row {name} of the probabilities holds {row[c]} (class {c}): predict that image again, or leave it out"
    hint = "pass logits=… if these are logits"
    if (row < 0).any():
        c = int(np.argmin(row))
        return f"row {name} of the probabilities is negative ({row[c]:.6g} at class {c}): {hint}"
    return (
        f"row {name} of the probabilities sums to {row.sum():.6g} instead of 1: {hint}, or divide each row by its sum"
    )


def _softmax(block: Any, names: NDArray[np.intp]) -> Any:
    xp = array_namespace(block)
    finite = xp.all(xp.isfinite(block), axis=1)
    if not bool(xp.all(finite)):
        name = int(names[int(np.argmin(to_numpy(finite)))])
        raise ValueError(f"row {name} of the logits holds NaN or infinity: predict that image again, or leave it out")
    exponentials = xp.exp(block - xp.max(block, axis=1, keepdims=True))
    return exponentials / xp.sum(exponentials, axis=1, keepdims=True)


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
        If both or neither are given, or the matrix holds no real numbers.
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
    if isinstance(matrix, (str, os.PathLike)):
        raise TypeError(f"{matrix} is a path: open predictions with isexplore.load, or images with isexplore.predict")
    if hasattr(matrix, "image_names"):
        raise TypeError("these are images: first classify them, isexplore.predict(images, classifier=…)")
    if hasattr(matrix, "detach"):
        matrix = matrix.detach()  # a score is a number to read: no gradient is recorded
    elif not is_array_api_obj(matrix) or isinstance(matrix, np.ndarray):
        matrix = np.asarray(matrix)  # also a plain view of a memory map
    xp = array_namespace(matrix)
    if not xp.isdtype(matrix.dtype, ("bool", "integral", "real floating")):
        raise TypeError(f"the matrix holds {matrix.dtype}: give real numbers, such as float32")
    shape = tuple(matrix.shape)
    if len(shape) != 2:  # noqa: PLR2004 - a matrix
        raise ValueError(f"the matrix has shape {shape}: give one row per image and one column per class, (N, C)")
    if shape[0] == 0:
        raise ValueError("the matrix has no rows: give at least one image")
    if shape[1] < MIN_CLASSES:
        raise ValueError(f"the matrix has {shape[1]} column(s): a score needs at least {MIN_CLASSES} classes")
    return Rows(matrix, are_logits=logits is not None)


def check_probabilities(probabilities: Any) -> None:
    """Refuse a matrix whose rows are not distributions.

    Parameters
    ----------
    probabilities
        (N, C) array or tensor.

    Raises
    ------
    TypeError
        If it holds no real numbers.
    ValueError
        If it is not N ≥ 1 by C ≥ 2, or a row holds NaN, an infinity or a negative number, or its sum is off one by
        more than 1e-3 (bfloat16: by more than its 0.0078). The message names the first such row.

    Examples
    --------
    >>> check_probabilities([[0.5, 0.5], [0.9, 0.3]])
    Traceback (most recent call last):
    ValueError: row 1 of the probabilities sums to 1.2 instead of 1: ...
    """
    for _ in read_rows(probabilities).blocks():
        pass


def xlogx(x: Any) -> Any:
    """Return x·ln x element by element, 0 where x is 0, for float64 arrays of any kind.

    Examples
    --------
    >>> float(xlogx(np.array([0.0, 0.5, 0.5])).sum().round(6))
    -0.693147
    """
    return x * array_namespace(x).log(x + TINY)


def to_numpy(x: Any) -> NDArray[Any]:
    """Bring an array to the CPU as a NumPy array.

    Examples
    --------
    >>> to_numpy(np.ones(2))
    array([1., 1.])
    """
    return np.asarray(to_device(x, "cpu"))
