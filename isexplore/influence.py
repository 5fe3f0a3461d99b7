"""What the score would be without each single image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device

from isexplore.arrays import read_rows, to_numpy, xlogx
from isexplore.terms import read_terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST = 2


def leave_one_out(predictions: Any = None, *, logits: Any = None) -> NDArray[np.float64]:
    """Return the exact score of all images but one, for each image, in two passes over the rows.

    Without image i the marginal is (N·m − p_i)/(N − 1), and the mean conditional entropy (N·h − h_i)/(N − 1). To first
    order ln IS changes by −`Score.influence`/(N − 1).

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array or tensor of probabilities.
    logits
        (N, C) logits instead of probabilities.

    Returns
    -------
    NDArray
        (N,) scores, as one split.

    Raises
    ------
    ValueError
        If a row is no distribution, or there is one image only.

    Examples
    --------
    >>> leave_one_out([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]).round(3)
    array([1., 2., 2.])
    """
    rows = read_rows(predictions, logits=logits)
    n = rows.n_images
    if n < FEWEST:
        raise ValueError("there is one image only: leaving it out leaves nothing to score")
    terms = read_terms(rows, np.array([0, n]))
    log_scores = np.log(n - 1) - (terms.entropies.sum() - terms.entropies) / (n - 1)
    for start, p in rows.blocks():
        xp = array_namespace(p)
        # Where one image holds all there is of a class, rounding may leave a hair below nothing.
        rest = xp.clip(xp.asarray(terms.cumulative[-1], device=device(p)) - p, min=0.0)
        log_scores[start : start + p.shape[0]] -= to_numpy(xp.sum(xlogx(rest), axis=1)) / (n - 1)
    scores: NDArray[np.float64] = np.exp(np.maximum(log_scores, 0))
    return scores
