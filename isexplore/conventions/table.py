"""All conventions side by side."""

from __future__ import annotations

import operator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.conventions import libraries, originals, tutorials
from isexplore.conventions.sums import read_sums
from isexplore.matrices import read_rows
from isexplore.splits import shuffled_order

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from isexplore.conventions.convention import ConventionRow

CONVENTIONS = (
    originals.ISEXPLORE_WHOLE,
    originals.ISEXPLORE_SPLITS,
    originals.IMPROVED_GAN,
    originals.CORRECTED,
    tutorials.TUTORIAL_NUMPY,
    tutorials.TUTORIAL_KERAS,
    tutorials.TUTORIAL_PROSE,
    tutorials.BLOG,
    tutorials.TWO_SAMPLES,
    tutorials.ENTROPY_FORM,
    tutorials.ARTICLE,
    libraries.TORCH_FIDELITY,
    libraries.TORCHMETRICS,
    libraries.IGNITE,
    libraries.PIQ,
    originals.GUIDED_DIFFUSION,
)


def compare_conventions(
    predictions: Any = None, *, logits: Any = None, splits: int = 10, seed: int | None = None
) -> pd.DataFrame:
    """Return what other code prints as the score of the very same predictions (needs pandas).

    Nothing is patched: where the original prints nan or inf, so does its row, and the note says why. An original that
    raises has the value NaN and says so in its note. The matrix is read once, in blocks; the formulas are evaluated
    in float64 on rows divided by their sum, but zeros are those of the precision that was given. Conventions that
    start from logits get ln p where probabilities are given.

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array, tensor or memory map of probabilities in any precision.
    logits
        (N, C) logits instead of probabilities.
    splits
        Number of splits S, for the conventions that split; it may exceed N, as in the originals.
    seed
        Of the order in which a convention without a seed of its own takes the images (numpy's RandomState, not torch's
        generator); None: a fresh order at each call, as in the original.

    Returns
    -------
    pandas.DataFrame
        A row for each convention, isexplore's own two first, with the columns convention, value, spread (NaN also
        where it prints none), note, difference, remark and source.

    Raises
    ------
    TypeError, ValueError
        As `inception_score`, except that S may exceed N.

    Examples
    --------
    >>> table = compare_conventions([[1, 0, 0], [0, 1, 0], [0, 0, 1]], splits=1)
    >>> table.set_index("convention")["value"].loc[["isexplore, whole set", "improved-gan (2016)"]].round(9).tolist()
    [3.0, nan]
    """
    import pandas as pd

    rows = convention_rows(predictions, logits=logits, splits=splits, seed=seed)
    table = pd.DataFrame([asdict(row) for row in rows])
    return table.astype({"spread": float})


def convention_rows(
    predictions: Any = None,
    *,
    logits: Any = None,
    splits: int = 10,
    seed: int | None = None,
    order: NDArray[np.int64] | None = None,
) -> list[ConventionRow]:
    """Return the rows of `compare_conventions` without pandas; a spread is None where the original prints none.

    Parameters
    ----------
    predictions, logits, splits, seed
        As for `compare_conventions`.
    order
        (N,) permutation in which all of them are given the images; None: as they lie.

    Raises
    ------
    TypeError, ValueError
        As `compare_conventions`.

    Examples
    --------
    >>> row = convention_rows([[1, 0, 0], [0, 1, 0], [0, 0, 1]], splits=1)[8]
    >>> row.convention, row.value, row.note.split(".")[0]
    ('encyclopedia, two samples', inf, 'inf: p(y) = 0 in the first half but not in the second, for 2 of 3 classes')
    """
    rows = read_rows(predictions, logits=logits)
    count = _split_count(splits)
    n = rows.n_images
    unseeded = np.random.default_rng().permutation(n) if seed is None else shuffled_order(n, seed)
    sums = read_sums(rows, count, unseeded, order)
    return [convention.row(sums) for convention in CONVENTIONS]


def _split_count(splits: int) -> int:
    try:
        count = operator.index(splits)
    except TypeError:
        count = -1
    if count < 1:
        raise ValueError(f"splits is {splits!r}: give a whole number from 1 on")
    return count
