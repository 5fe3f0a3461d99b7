"""What the score would be without each single image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device

from isexplore.arrays import TINY, to_numpy
from isexplore.chunks import each_chunk
from isexplore.matrices import read_rows
from isexplore.terms import read_terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.arrays import Rows
    from isexplore.score import Score

FEWEST = 2


def leave_one_out(predictions: Any = None, *, logits: Any = None, score: Score | None = None) -> NDArray[np.float64]:
    """Return the exact score of all images but one, for each image, in one or two passes over the rows.

    Without image i the marginal is (N·m − p_i)/(N − 1), and the mean conditional entropy (N·h − h_i)/(N − 1). To first
    order ln IS changes by −`Score.influence`/(N − 1).

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array or tensor of probabilities.
    logits
        (N, C) logits instead of probabilities.
    score
        What `inception_score` says of these predictions: it saves the first pass, for marginal and entropies.

    Returns
    -------
    NDArray
        (N,) scores, as one split.

    Raises
    ------
    ValueError
        If a row is no distribution, there is one image only, or `score` is of other numbers of images or classes.

    Examples
    --------
    >>> leave_one_out([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]).round(3)
    array([1., 2., 2.])
    """
    rows = read_rows(predictions, logits=logits)
    n = rows.n_images
    if n < FEWEST:
        raise ValueError("there is one image only: leaving it out leaves nothing to score")
    if score is None:
        terms = read_terms(rows, np.array([0, n]))
        marginal, entropies = terms.marginal, terms.entropies
    else:
        if (score.n_images, score.n_classes) != (n, rows.n_classes):
            raise ValueError(
                f"the score is of {score.n_images} images and {score.n_classes} classes, and the predictions are of "
                f"{n} and {rows.n_classes}: give inception_score of the same predictions"
            )
        marginal, entropies = score.marginal, score.conditional_entropy
    log_scores = np.log(n - 1) - (entropies.sum() - entropies + _rest(rows, n * marginal)) / (n - 1)
    scores: NDArray[np.float64] = np.exp(np.maximum(log_scores, 0))
    return scores


def _rest(rows: Rows, total: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Σ_c r_c ln r_c of r = total − p for each row p, where total is the sum of all rows."""
    sums = np.empty(rows.n_images)

    def read(start: int, stop: int) -> None:
        buffer: Any = None
        for begin in range(start, stop, rows.step):
            end = min(begin + rows.step, stop)
            rest = rows.normalised(begin, end)
            xp = array_namespace(rest)
            if buffer is None:
                buffer = xp.empty(rest.shape, dtype=xp.float64, device=device(rest))
            logs = buffer[: end - begin, :]
            xp.subtract(xp.asarray(total, device=device(rest)), rest, out=rest)
            # Where one image holds all there is of a class, rounding may leave a hair below nothing.
            xp.clip(rest, min=0.0, out=rest)
            xp.add(rest, TINY, out=logs)
            xp.log(logs, out=logs)
            sums[begin:end] = to_numpy(xp.vecdot(rest, logs))

    for _ in each_chunk(rows, rows.n_images, read):
        pass
    return sums
