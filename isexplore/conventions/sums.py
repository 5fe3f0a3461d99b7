"""What all conventions are computed from: the means over the parts into which they cut a sample set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isexplore.conventions.partitions import chunks, equal_splits, floor_splits
from isexplore.conventions.parts import read_parts
from isexplore.splits import shuffled_order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from isexplore.arrays import Rows
    from isexplore.conventions.parts import Parts

TORCH_FIDELITY_SEED = 2020
GUIDED_DIFFUSION_SIZE = 5000


@dataclass(frozen=True, eq=False)
class ConventionSums:
    """All that the conventions need to know of a sample set, from one pass over its rows.

    Attributes
    ----------
    n_images, n_classes, splits
        N, C and S.
    are_logits
        Whether logits were given, not probabilities.
    vanishing
        The largest probability that is zero in the precision that was given.
    whole, halves, floor, equal, by_5000
        The images as they lie: as one part, in two, in S splits from i·N // S on, in S splits of N // S, and
        in parts of 5000.
    fidelity
        The splits from i·N // S on in torch-fidelity's order, numpy.random.RandomState(2020).
    chunked
        Parts of ⌈N / S⌉ images, in the order that was given.
    """

    n_images: int
    n_classes: int
    splits: int
    are_logits: bool
    vanishing: float
    whole: Parts
    halves: Parts
    floor: Parts
    equal: Parts
    by_5000: Parts
    fidelity: Parts
    chunked: Parts


def read_sums(
    rows: Rows, splits: int, unseeded: NDArray[np.int64], order: NDArray[np.int64] | None = None
) -> ConventionSums:
    """Read the rows once.

    Parameters
    ----------
    rows
        N rows p(y|x).
    splits
        Number of splits S, which may be more than N.
    unseeded
        (N,) permutation, for the convention that shuffles without a seed.
    order
        (N,) order in which every convention is given the images; None: as they lie.

    Raises
    ------
    ValueError
        If a row is no distribution.

    Examples
    --------
    >>> import numpy as np
    >>> from isexplore.arrays import Rows
    >>> read_sums(Rows(np.eye(5)), splits=2, unseeded=np.arange(5)).chunked.sizes
    array([3, 2])
    """
    n = rows.n_images
    partitions = [
        floor_splits(n, 1),
        floor_splits(n, 2),
        floor_splits(n, splits),
        equal_splits(n, splits),
        chunks(n, GUIDED_DIFFUSION_SIZE),
        floor_splits(n, splits).along(shuffled_order(n, TORCH_FIDELITY_SEED)),
        chunks(n, -(-n // splits)).along(unseeded),
    ]
    parts = read_parts(rows, partitions if order is None else [partition.along(order) for partition in partitions])
    return ConventionSums(n, rows.n_classes, splits, rows.are_logits, rows.vanishing, *parts)
