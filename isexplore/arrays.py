"""Read an (N, C) matrix of predictions in blocks of float64 rows, wherever it lies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device, to_device

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

ROW_SUM_TOLERANCE = 1e-3
# Numbers in a block: on a CPU few enough to stay in its cache, on an accelerator enough to keep it busy.
CPU_BLOCK, ACCELERATOR_BLOCK = 2**16, 2**22
# Added inside a logarithm: changes no value above 1e-284, and makes 0·log 0 the 0 that it should be.
TINY = 1e-300
# exp of it is 0 in float64; an infinity would make 0·∞, which is no number.
LEAST_LOGIT = -1e4


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

    @property
    def is_numpy(self) -> bool:
        """Whether it is a NumPy array."""
        return isinstance(self.matrix, np.ndarray)

    @property
    def step(self) -> int:
        """Number of rows in a block."""
        size = CPU_BLOCK if self._place == "cpu" else ACCELERATOR_BLOCK
        return max(size // self.n_classes, 1)

    @property
    def _place(self) -> str:
        return str(device(self.matrix))

    def take(self, start: int, stop: int, order: NDArray[np.intp] | None = None) -> Any:
        """Return some rows as they are, where float64 exists: the rows from `start` up to `stop` of an order."""
        if order is None:
            block = self.matrix[start:stop, :]
        else:
            xp = array_namespace(self.matrix)
            block = xp.take(self.matrix, xp.asarray(order[start:stop], device=device(self.matrix)), axis=0)
        return to_device(block, "cpu") if self._place.startswith("mps") else block  # Apple's GPU has no float64

    def measure(self, p: Any, names: NDArray[np.intp]) -> tuple[Any, float]:
        """Return the sums (n,) of float64 rows p (n, C) and their least value, once they are seen to be distributions.

        Raises
        ------
        ValueError
            If a row is none; the message names it by its number in the matrix, given in `names` (n,).
        """
        xp = array_namespace(p)
        sums = xp.einsum("ij->i", p)
        least = float(xp.min(p))
        # Written so that NaN counts as bad.
        if not (least >= 0 and bool(xp.all(xp.abs(sums - 1) <= self._tolerance))):
            good = (xp.abs(sums - 1) <= self._tolerance) & (xp.min(p, axis=1) >= 0)
            bad = int(np.argmin(to_numpy(good)))
            raise ValueError(_complaint(to_numpy(p[bad, :]), int(names[bad])))
        return sums, least

    @cached_property
    def vanishing(self) -> float:
        """The largest probability that is zero in the matrix's precision: half its smallest subnormal number.

        Softmax in float32 gives exact zeros from a logit gap of 104 on, in float64 from 745 on.
        """
        xp = array_namespace(self.matrix)
        if not xp.isdtype(self.matrix.dtype, "real floating"):
            return 0.0
        kind = xp.finfo(self.matrix.dtype)
        return float(kind.smallest_normal) * float(kind.eps) / 2

    @cached_property
    def _tolerance(self) -> float:
        xp = array_namespace(self.matrix)
        if not xp.isdtype(self.matrix.dtype, "real floating"):
            return ROW_SUM_TOLERANCE
        # bfloat16 rounds so coarsely that good rows miss one by several 1e-3; and many small numbers are each off by
        # up to half of what separates the least ones, 2⁻²⁵ in float16.
        return max(ROW_SUM_TOLERANCE, float(xp.finfo(self.matrix.dtype).eps)) + self.n_classes * self.vanishing

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
        count = self.n_images if order is None else len(order)
        for start in range(0, count, self.step):
            yield start, self.normalised(start, min(start + self.step, count), order)

    def normalised(self, start: int, stop: int, order: NDArray[np.intp] | None = None) -> Any:
        """Return what `take` does as float64 rows that sum to exactly one, in a copy."""
        names = np.arange(start, stop) if order is None else order[start:stop]
        p = in_float64(self.take(start, stop, order))
        with np.errstate(invalid="ignore", over="ignore"):
            if self.are_logits:
                p, _ = exponentials(p, names)
                p /= array_namespace(p).sum(p, axis=1, keepdims=True)
            else:
                p /= self.measure(p, names)[0][:, None]
        return p


def in_float64(block: Any) -> Any:
    """Return a copy in float64."""
    xp = array_namespace(block)
    return xp.astype(block, xp.float64, copy=True)


def exponentials(logits: Any, names: NDArray[np.intp]) -> tuple[Any, Any]:
    """Return exp(z) and z, the logits less the largest of their row; minus infinity stands for "never this class".

    Parameters
    ----------
    logits
        (n, C) float64 block, which is overwritten.
    names
        (n,) numbers of its rows in the matrix.

    Raises
    ------
    ValueError
        If a row holds NaN or plus infinity, or nothing but minus infinity.

    Examples
    --------
    >>> p, z = exponentials(np.array([[1.0, 1.0, -np.inf]]), np.arange(1))
    >>> p, z
    (array([[1., 1., 0.]]), array([[     0.,      0., -10000.]]))
    """
    xp = array_namespace(logits)
    largest = xp.max(logits, axis=1, keepdims=True)
    finite = xp.isfinite(largest[:, 0])
    if not bool(xp.all(finite)):
        name = int(names[int(np.argmin(to_numpy(finite)))])
        raise ValueError(
            f"row {name} of the logits holds NaN or plus infinity, or nothing but minus infinity: predict that image "
            "again, or leave it out"
        )
    logits -= largest
    if bool(xp.min(logits) < LEAST_LOGIT):
        logits = xp.clip(logits, LEAST_LOGIT, 0.0)
    return xp.exp(logits), logits


def _complaint(row: NDArray[np.float64], name: int) -> str:
    if not np.isfinite(row).all():
        c = int(np.argmin(np.isfinite(row)))
        return f"row {name} of the probabilities holds {row[c]} (class {c}): predict that image again, or leave it out"
    hint = "if these are logits, pass them as logits=…, or their softmax"
    if (row < 0).any():
        c = int(np.argmin(row))
        return f"row {name} of the probabilities is negative ({row[c]:.6g} at class {c}): {hint}"
    return (
        f"row {name} of the probabilities sums to {row.sum():.6g} instead of 1: {hint}, or divide each row by its sum"
    )


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
