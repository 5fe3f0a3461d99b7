"""The numbers of a whole sample set: its score, the two entropies, bias, corrected score, standard error, interval.

    IS = exp( mean over images x of KL( p(y|x) ‖ p(y) ) ) = exp( H(p(y)) − mean H(p(y|x)) )

Salimans et al. 2016, "Improved Techniques for Training GANs". Entropies and divergences are in nats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isexplore import balance, uncertainty
from isexplore.arrays import xlogx
from isexplore.oneline import OneLine

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Summary(OneLine):
    """The numbers of a whole sample set, without those of single images.

    Attributes
    ----------
    n_images, n_classes
        N and C.
    overall
        The score of all images as one split, exp(H(p(y)) − mean H(p(y|x))), between 1 and min(N, C).
    log_score
        L = ln(overall), in nats: the mutual information between image and label.
    marginal
        (C,) p(y), the mean of the rows.
    marginal_entropy
        H(p(y)): the variety.
    class_contributions
        (C,) L_c = mean p(c|x) ln(p(c|x)/p(c)); their sum is ln IS.
    bias_constant, kl_variance
        B = Σ_c Var(p_c)/p(c), and σ² = Var(kl) in nats²: the two numbers that bias and standard error come from.
    bias
        Estimated bias of `overall` from having N images only (first order); that of a mean over S splits is about S
        times as large.
    corrected
        `overall` with that bias taken out, within [1, C].
    standard_error
        Of `overall`, IS·sd(kl)/√N.
    """

    n_images: int
    n_classes: int
    overall: float
    log_score: float
    marginal: NDArray[np.float64]
    marginal_entropy: float
    class_contributions: NDArray[np.float64]
    bias_constant: float
    kl_variance: float
    bias: float
    corrected: float
    standard_error: float

    @property
    def effective_classes(self) -> float:
        """How many classes used equally would be as varied as these, exp(H(p(y)))."""
        return math.exp(self.marginal_entropy)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what makes these numbers unreliable."""
        return uncertainty.size_warnings(self.n_images, 1, self.bias_constant, self.kl_variance, self.effective_classes)

    def __str__(self) -> str:
        images = "1 image" if self.n_images == 1 else f"{self.n_images} images"
        return f"IS {self.overall:.2f} of {images} · {self._corrected()}"

    def _corrected(self) -> str:
        low, high = self.interval()
        return f"corrected {self.corrected:.2f} (95 % {low:.2f}–{high:.2f})"

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return a confidence interval for the score of endlessly many images: corrected ± z·error.

        The error is the standard error, or that of p(y) alone where this is larger, see
        `isexplore.uncertainty.interval_error`. Where the images' KL hardly varies and the classes that they reach are
        about equally likely, the interval comes from a χ² law instead, see `isexplore.balance.balanced_interval`; it
        need not hold `corrected`.

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
        >>> import isexplore as ix
        >>> ix.inception_score(np.full((20, 4), 0.25)).interval()
        (1.0, 1.0)
        """
        uncertainty.check_level(level)
        if balance.is_balanced(self):
            return balance.balanced_interval(self, level)
        error = uncertainty.interval_error(self.overall, self.bias_constant, self.kl_variance, self.n_images)
        return uncertainty.interval(self.corrected, error, level, self.n_classes)


def summarise(
    n: int,
    marginal: NDArray[np.float64],
    mean_square: NDArray[np.float64],
    mean_xlogx: NDArray[np.float64],
    kl_variance: float,
) -> Summary:
    """Make a summary from means over the images, however they were added up.

    Parameters
    ----------
    n
        Number of images N.
    marginal, mean_square, mean_xlogx
        (C,) means of p, p² and p ln p over the images; the last in nats.
    kl_variance
        σ² = Var(KL(p‖marginal)), in nats².

    Examples
    --------
    Two certain images of different classes:

    >>> half = np.array([0.5, 0.5])
    >>> summarise(2, half, half, np.zeros(2), kl_variance=0.0).overall
    2.0
    """
    n_classes = len(marginal)
    marginal_entropy = max(float(-xlogx(marginal).sum()), 0.0)
    log_score = max(marginal_entropy + float(mean_xlogx.sum()), 0.0)
    overall = math.exp(log_score)
    b = uncertainty.bias_constant(marginal, mean_square)
    return Summary(
        n_images=n,
        n_classes=n_classes,
        overall=overall,
        log_score=log_score,
        marginal=marginal,
        marginal_entropy=marginal_entropy,
        class_contributions=np.maximum(mean_xlogx - xlogx(marginal), 0),
        bias_constant=b,
        kl_variance=kl_variance,
        bias=uncertainty.score_bias(overall, b, kl_variance, n),
        corrected=uncertainty.corrected_score(log_score, b, kl_variance, n, n_classes),
        standard_error=uncertainty.standard_error(overall, kl_variance, n),
    )
