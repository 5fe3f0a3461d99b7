"""The Inception Score of a set of predictions, and the terms that it is made of.

    IS = exp( mean over images x of KL( p(y|x) ‖ p(y) ) ) = exp( H(p(y)) − mean H(p(y|x)) )

Salimans et al. 2016, "Improved Techniques for Training GANs". Entropies and divergences are in nats.
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore import uncertainty
from isexplore.arrays import Rows, read_rows, xlogx
from isexplore.splits import SplitTable, check_splits
from isexplore.terms import divergences, read_terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class Score:
    """An Inception Score with everything that explains it; arrays are NumPy arrays wherever the input lay.

    Attributes
    ----------
    n_images, n_classes, splits
        N, C and S.
    overall
        The score of all images as one split, exp(H(p(y)) − mean H(p(y|x))), between 1 and min(N, C).
    mean, std
        Mean and population standard deviation of the split scores. The spread is not a standard error.
    split_scores
        (S,) score of each contiguous split from image i·N // S on.
    marginal
        (C,) p(y), the mean of the rows.
    marginal_entropy
        H(p(y)): the variety.
    conditional_entropy
        (N,) H(p(y|x)) of each image: how unsure the network is.
    kl
        (N,) KL(p(y|x) ‖ p(y)) of each image; their mean is ln IS.
    class_contributions
        (C,) L_c = mean p(c|x) ln(p(c|x)/p(c)); their sum is ln IS.
    bias_constant, kl_variance
        B = Σ_c Var(p_c)/p(c), and σ² = Var(kl) in nats²: the two numbers that bias and standard error come from.
    bias
        Estimated bias of `overall` from having N images only (first order).
    corrected
        `overall` with that bias taken out, within [1, C].
    standard_error
        Of `overall`, IS·sd(kl)/√N.
    warnings
        Sentences on what makes these numbers unreliable.
    source
        The classifier that made the predictions, where known.
    """

    n_images: int
    n_classes: int
    splits: int
    overall: float
    mean: float
    std: float
    split_scores: NDArray[np.float64]
    marginal: NDArray[np.float64]
    marginal_entropy: float
    conditional_entropy: NDArray[np.float64]
    kl: NDArray[np.float64]
    class_contributions: NDArray[np.float64]
    bias_constant: float
    kl_variance: float
    bias: float
    corrected: float
    standard_error: float
    warnings: tuple[str, ...] = ()
    source: str | None = None

    @property
    def effective_classes(self) -> float:
        """How many classes used equally would be as varied as these, exp(H(p(y)))."""
        return math.exp(self.marginal_entropy)

    @property
    def split_sizes(self) -> str:
        """How many images a split holds, in words: "500", or "179–180"."""
        smallest, largest = self.n_images // self.splits, -(-self.n_images // self.splits)
        return f"{smallest}" if smallest == largest else f"{smallest}–{largest}"

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return a confidence interval for the score of endlessly many images: corrected ± z·standard_error.

        Parameters
        ----------
        level
            Confidence level, between 0 and 1.

        Returns
        -------
        tuple
            Lower and upper end, within [1, C].

        Raises
        ------
        ValueError
            If the level does not lie between 0 and 1.

        Examples
        --------
        >>> inception_score(np.full((20, 4), 0.25)).interval()
        (1.0, 1.0)
        """
        return uncertainty.interval(self.corrected, self.standard_error, level, self.n_classes)

    def __str__(self) -> str:
        size = self.split_sizes
        low, high = self.interval()
        corrected = f"corrected {self.corrected:.2f} (95 % {low:.2f}–{high:.2f})"
        if self.splits == 1:
            parts = [f"IS {self.overall:.2f} over 1 split of {size}", corrected]
        else:
            head = f"IS {self.mean:.2f} ± {self.std:.2f} over {self.splits} splits of {size}"
            parts = [head, f"whole set {self.overall:.2f}", corrected]
        return " · ".join([*parts, self.source] if self.source else parts)

    def __repr__(self) -> str:
        return f"<Score: {self}>"

    def _repr_html_(self) -> str:
        return html.escape(str(self))


def inception_score(predictions: Any = None, *, logits: Any = None, splits: int = 10) -> Score:
    """Score a set of predictions, with all images as one split and over contiguous splits.

    Computed where the matrix lies (CPU or accelerator), in float64 and in blocks of rows; the result is on the CPU.
    Rows are divided by their sum, which takes out what rounding has left.

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
    splits = check_splits(splits, rows.n_images)
    score, table = _score(rows, [splits], _source(predictions))
    return with_splits(score, table, splits)


def score_and_table(predictions: Any, max_splits: int) -> tuple[Score, SplitTable]:
    """Score a set of predictions as one split, and prepare every split count up to a largest, in the same pass.

    Parameters
    ----------
    predictions
        As for `inception_score`.
    max_splits
        The largest split count that will be asked for, from 1 to N.

    Raises
    ------
    TypeError, ValueError
        As `inception_score`.

    Examples
    --------
    >>> score, table = score_and_table(np.eye(4), max_splits=4)
    >>> with_splits(score, table, splits=2).mean
    2.0
    """
    rows = read_rows(predictions)
    largest = check_splits(max_splits, rows.n_images)
    return _score(rows, range(1, largest + 1), _source(predictions))


def _score(rows: Rows, counts: Iterable[int], source: str | None) -> tuple[Score, SplitTable]:
    terms = read_terms(rows, counts)
    n, n_classes, marginal = rows.n_images, rows.n_classes, terms.marginal

    marginal_entropy = max(float(-xlogx(marginal).sum()), 0.0)
    log_score = max(marginal_entropy - float(terms.entropies.mean()), 0.0)
    overall = math.exp(log_score)
    kl = divergences(rows, marginal, terms.entropies)
    variance = float(kl.var())
    b = uncertainty.bias_constant(marginal, terms.mean_square)
    score = Score(
        n_images=n,
        n_classes=n_classes,
        splits=1,
        overall=overall,
        mean=overall,
        std=0.0,
        split_scores=np.array([overall]),
        marginal=marginal,
        marginal_entropy=marginal_entropy,
        conditional_entropy=terms.entropies,
        kl=kl,
        class_contributions=np.maximum(terms.mean_xlogx - xlogx(marginal), 0),
        bias_constant=b,
        kl_variance=variance,
        bias=uncertainty.score_bias(overall, b, variance, n),
        corrected=uncertainty.corrected_score(log_score, b, variance, n, n_classes),
        standard_error=uncertainty.standard_error(overall, variance, n),
        source=source,
    )
    return score, terms.table


def with_splits(score: Score, table: SplitTable, splits: int) -> Score:
    """Return the score over another number of splits, or of another order, without reading the predictions again.

    Parameters
    ----------
    score
        The score of a set of predictions.
    table
        The table of the same predictions, in any order.
    splits
        Number of splits S.

    Raises
    ------
    ValueError
        If the table was not built for this split count.

    Examples
    --------
    >>> from isexplore.splits import split_table
    >>> p = np.eye(4)
    >>> with_splits(inception_score(p, splits=1), split_table(p, max_splits=4), splits=4).mean
    1.0
    """
    scores = table.scores(splits)
    return replace(
        score,
        splits=len(scores),
        mean=float(scores.mean()),
        std=float(scores.std()),
        split_scores=scores,
        warnings=uncertainty.size_warnings(score.n_images, len(scores), score.bias_constant, score.kl_variance),
    )


def _source(predictions: Any) -> str | None:
    classifier = getattr(getattr(predictions, "provenance", None), "classifier", None)
    return None if classifier is None else str(classifier)
