"""The Inception Score of a set of predictions: of all images, of the splits, and of each image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore import uncertainty
from isexplore.arrays import Rows, in_float64
from isexplore.cumulative import sums_from
from isexplore.edges import every_edge, split_edges
from isexplore.matrices import read_rows
from isexplore.order_warning import order_warnings
from isexplore.summary import Summary, summarise
from isexplore.terms import divergences, read_terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from isexplore.cumulative import CumulativeSums


LOOKED_AT = 100  # logits, to see whether they are probabilities


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Score(Summary):
    """An Inception Score with everything that explains it; arrays are NumPy arrays wherever the input lay.

    Attributes
    ----------
    splits
        S.
    mean, std
        Mean and population standard deviation of the split scores. The spread is not a standard error.
    split_scores
        (S,) score of each contiguous split from image i·N // S on.
    conditional_entropy
        (N,) H(p(y|x)) of each image: how unsure the network is.
    kl
        (N,) KL(p(y|x) ‖ p(y)) of each image; their mean is ln IS.
    warnings
        Sentences on what makes these numbers unreliable.
    source
        The classifier that made the predictions, where known.

    The other attributes are those of `Summary`: n_images, n_classes, overall, log_score, marginal, marginal_entropy,
    class_contributions, bias_constant, kl_variance, bias, corrected, standard_error.
    """

    splits: int
    mean: float
    std: float
    split_scores: NDArray[np.float64]
    conditional_entropy: NDArray[np.float64]
    kl: NDArray[np.float64]
    warnings: tuple[str, ...] = ()
    source: str | None = None

    @property
    def influence(self) -> NDArray[np.float64]:
        """What each image adds to ln IS, KL − ln IS (N,), in nats: N times its first-order effect.

        The exact effect of leaving an image out is in `isexplore.influence.leave_one_out`.
        """
        return self.kl - self.log_score

    @property
    def split_sizes(self) -> str:
        """How many images a split holds, in words: "500", or "179–180"."""
        smallest, largest = self.n_images // self.splits, -(-self.n_images // self.splits)
        return f"{smallest}" if smallest == largest else f"{smallest}–{largest}"

    def __str__(self) -> str:
        size = self.split_sizes
        corrected = self._corrected()
        if self.splits == 1:
            parts = [f"IS {self.overall:.2f} over 1 split of {size}", corrected]
        else:
            head = f"IS {self.mean:.2f} ± {self.std:.2f} over {self.splits} splits of {size}"
            parts = [head, f"whole set {self.overall:.2f}", corrected]
        return " · ".join([*parts, self.source] if self.source else parts)


def inception_score(predictions: Any = None, *, logits: Any = None, splits: int = 10) -> Score:
    """Score a set of predictions, with all images as one split and over contiguous splits.

    Computed where the matrix lies (CPU or accelerator), in float64 and in blocks of rows; the result is on the CPU.
    Rows are divided by their sum, which takes out what rounding has left. Memory stays flat in N, but for three numbers
    an image and S·C·8 bytes for the splits.

    Parameters
    ----------
    predictions
        A `Predictions`, or an (N, C) array, tensor or memory map of probabilities in any precision.
    logits
        (N, C) logits instead of probabilities.
    splits
        Number of contiguous splits S, from 1 to N.

    Raises
    ------
    TypeError
        If both or neither of `predictions` and `logits` are given, or the matrix holds no real numbers.
    ValueError
        If the matrix is not N ≥ 1 by C ≥ 2, a row is no distribution (the message names the first), or `splits` is
        not a whole number from 1 to N.

    Examples
    --------
    >>> score = inception_score(np.eye(4), splits=2)
    >>> round(score.overall, 9), score.split_scores
    (4.0, array([2., 2.]))
    """
    rows = read_rows(predictions, logits=logits)
    score, sums = _score(rows, split_edges(rows.n_images, splits), _source(predictions))
    scored = with_splits(score, sums.scores(split_edges(rows.n_images, splits)))
    return replace(scored, warnings=(*scored.warnings, *_doubts(rows)))


def _doubts(rows: Rows) -> tuple[str, ...]:
    if not rows.are_logits:
        return ()
    first = in_float64(rows.take(0, min(rows.n_images, LOOKED_AT)))
    try:
        Rows(first).measure(first, np.arange(first.shape[0]))
    except ValueError:
        return ()
    return ("These logits look like probabilities: their rows sum to one. If they are, pass them without logits=.",)


def score_and_sums(predictions: Any, counts: Iterable[int]) -> tuple[Score, CumulativeSums]:
    """Score a set of predictions as one split, and keep the sums for several split counts from the same pass.

    Parameters
    ----------
    predictions
        As for `inception_score`.
    counts
        The split counts that will be asked for, each from 1 to N.

    Raises
    ------
    TypeError, ValueError
        As `inception_score`.

    Examples
    --------
    >>> score, sums = score_and_sums(np.eye(4), counts=[2, 4])
    >>> with_splits(score, sums.scores([0, 2, 4])).mean
    2.0
    """
    rows = read_rows(predictions)
    return _score(rows, every_edge(rows.n_images, counts), _source(predictions))


def _score(rows: Rows, edges: NDArray[np.intp], source: str | None) -> tuple[Score, CumulativeSums]:
    terms = read_terms(rows, edges)
    kl = divergences(rows, terms)
    summary = summarise(rows.n_images, terms.marginal, terms.mean_square, terms.mean_xlogx, float(kl.var()))
    score = Score(
        **vars(summary),
        splits=1,
        mean=summary.overall,
        std=0.0,
        split_scores=np.array([summary.overall]),
        conditional_entropy=terms.entropies,
        kl=kl,
        source=source,
    )
    return score, sums_from(rows, edges, terms)


def with_splits(score: Score, split_scores: NDArray[np.float64]) -> Score:
    """Return the score over another number of splits, or of another order.

    Parameters
    ----------
    score
        The score of a set of predictions.
    split_scores
        (S,) scores of the contiguous splits of the same predictions, in any order.

    Examples
    --------
    >>> with_splits(inception_score(np.eye(4), splits=1), np.ones(4)).mean
    1.0
    """
    splits, n, b = len(split_scores), score.n_images, score.bias_constant
    sizes = uncertainty.size_warnings(n, splits, b, score.kl_variance, score.effective_classes)
    return replace(
        score,
        splits=splits,
        mean=float(split_scores.mean()),
        std=float(split_scores.std()),
        split_scores=split_scores,
        warnings=(*sizes, *order_warnings(score.log_score, split_scores, b, n)),
    )


def _source(predictions: Any) -> str | None:
    provenance = getattr(predictions, "provenance", None)
    classifier, precision = getattr(provenance, "classifier", None), getattr(provenance, "precision", None)
    if classifier is None:
        return None
    # A score that is not exact says so wherever it is printed.
    return str(classifier) if precision in (None, "float32") else f"{classifier}, {precision}"
