"""How far the score's estimators miss a true score that is known, and how often their intervals hold it: a simulation.

The rows come from symmetric Dirichlet distributions, or from a mixture of a sharp and a doubtful one, as real networks
are sure of some images and not of others. Their true score is exp(ln C − mean of ψ(Cα + 1) − ψ(α + 1)). One-hot rows
from classes with known shares, and rows of equal doubt, show the χ² law.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from figures import Figure, table
from scipy.special import digamma, softmax
from scipy.stats import entropy
from scipy.stats import t as student

from isexplore.bootstrap import bootstrap_interval
from isexplore.extrapolation import extrapolated_score
from isexplore.score import Score, inception_score
from isexplore.uncertainty import interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

TITLE = "Bias, RMSE and coverage of nominal 95 % intervals (simulation with known true scores)"
PLUG_IN, CORRECTED = "plug-in ± 1.96 SE", "corrected ± 1.96 SE"
SPLIT = "mean of 10 splits, t-interval from their ±"
EXTRAPOLATED, BASIC, PERCENTILE = "IS∞ (no interval)", "basic bootstrap", "percentile bootstrap"


@dataclass(frozen=True)
class Law:
    """Rows of C classes: with probability shares[j] from the symmetric Dirichlet(alphas[j])."""

    n_classes: int
    alphas: tuple[float, ...]
    shares: tuple[float, ...] = (1.0,)

    @property
    def true_score(self) -> float:
        doubt = [digamma(self.n_classes * a + 1) - digamma(a + 1) for a in self.alphas]
        return math.exp(math.log(self.n_classes) - float(np.dot(self.shares, doubt)))

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        rows = np.empty((n, self.n_classes), dtype=np.float32)
        kinds = rng.choice(len(self.alphas), size=n, p=self.shares)
        for kind, alpha in enumerate(self.alphas):
            drawn = kinds == kind
            rows[drawn] = rng.standard_gamma(alpha, (int(drawn.sum()), self.n_classes), dtype=np.float32)
        rows /= rows.sum(axis=1, keepdims=True)
        return rows

    def __str__(self) -> str:
        parts = [f"Dirichlet({alpha:g})" for alpha in self.alphas]
        if len(parts) > 1:
            parts = [f"{share:g} {part}" for share, part in zip(self.shares, parts, strict=True)]
        return f"C = {self.n_classes}, {' + '.join(parts)}"


class Estimate(NamedTuple):
    value: float
    low: float = math.nan
    high: float = math.nan


MIXTURE = Law(1000, (0.0005, 0.03), (0.6, 0.4))
# Law, number of images, sets, resamples of the bootstrap (0: too slow here).
SETTINGS = (
    (Law(10, (0.1,)), 1000, 400, 400),
    (Law(10, (0.1,)), 50_000, 60, 0),
    (Law(1000, (0.001,)), 5000, 60, 0),
    (MIXTURE, 5000, 120, 400),
    (MIXTURE, 50_000, 16, 0),
)
FEWEST_SETS = 50  # that a coverage can be told from
# Classes, images, how far the shares are from equal (1 ± this), sets.
CERTAIN = ((10, 1000, 0.0, 400), (10, 1000, 0.05, 400), (10, 1000, 0.2, 400), (100, 2000, 0.0, 200))
# Classes, the gap from each row's largest logit to its others, images, sets.
DOUBTFUL = tuple((classes, gap, n, 400) for classes in (2, 3) for gap in (3.0, 8.0) for n in (100, 1000))


def measure() -> list[Figure]:
    figures = []
    for law, n, sets, resamples in SETTINGS:
        figures += _dirichlet(law, n, sets, resamples)
    for classes, n, unevenness, sets in CERTAIN:
        shares = (1 + unevenness * np.where(np.arange(classes) % 2, 1, -1)) / classes
        head = f"one-hot rows, C = {classes}, shares 1/C ± {100 * unevenness:.0f} %, N = {n:,}"
        figures += _equally_sure(head, np.eye(classes), shares, n, sets)
    for classes, gap, n, sets in DOUBTFUL:
        head = f"equal doubt, C = {classes}, logit gap {gap:g}, N = {n:,}"
        figures += _equally_sure(head, softmax(gap * np.eye(classes), axis=1), np.full(classes, 1 / classes), n, sets)
    return figures


def _dirichlet(law: Law, n: int, sets: int, resamples: int) -> list[Figure]:
    true, rng = law.true_score, np.random.default_rng(1)
    found: dict[str, list[Estimate]] = {}
    oracles, variances = [], []
    for seed in range(sets):
        p = law.draw(n, rng)
        score = inception_score(p, splits=10)
        # With p(y) known to be uniform, only the mean doubt would have to be estimated: no bias, the same noise.
        oracles.append(law.n_classes * math.exp(-score.conditional_entropy.mean()))
        variances.append(float(score.conditional_entropy.var()))
        for name, estimate in _estimates(p, score, resamples, seed).items():
            found.setdefault(name, []).append(estimate)
    return [
        _figure(f"{law}, N = {n:,}: {name}", true, estimates, np.array(oracles), float(np.mean(variances)) / n)
        for name, estimates in found.items()
    ]


def _estimates(p: NDArray[np.float32], score: Score, resamples: int, seed: int) -> dict[str, Estimate]:
    reach = float(student.ppf(0.975, 9)) * score.std / 3  # the sample std over √10 is the population std over √9
    estimates = {
        PLUG_IN: Estimate(score.overall, *interval(score.overall, score.standard_error, 0.95, score.n_classes)),
        CORRECTED: Estimate(score.corrected, *score.interval()),
        SPLIT: Estimate(score.mean, score.mean - reach, score.mean + reach),
        EXTRAPOLATED: Estimate(extrapolated_score(p, seed=seed).value),
    }
    if resamples:
        low, high = bootstrap_interval(p, resamples=resamples, seed=seed)
        estimates[BASIC] = Estimate(score.overall, low, high)
        # The basic interval is the percentile interval, mirrored at the score.
        estimates[PERCENTILE] = Estimate(score.overall, 2 * score.overall - high, 2 * score.overall - low)
    return estimates


def _figure(what: str, true: float, estimates: list[Estimate], oracles: NDArray[np.float64], variance: float) -> Figure:
    """Return the coverage, with bias and RMSE beside it.

    A dozen sets would not show the bias for the noise. But the noise is nearly that of the oracle, whose expectation
    true·(1 + variance/2) and variance true²·variance are known: only what differs from it is left to chance.
    """
    values = np.array([estimate.value for estimate in estimates])
    rest = values - oracles
    bias = float(rest.mean()) + true * variance / 2
    covariance = np.cov(oracles, rest)
    slope = covariance[0, 1] / covariance[0, 0]
    spread = true**2 * variance * (1 + 2 * slope) + covariance[1, 1]
    covered = 100 * float(np.mean([estimate.low <= true <= estimate.high for estimate in estimates]))
    if math.isnan(estimates[0].low) or len(estimates) < FEWEST_SETS:
        covered = math.nan
    error = math.sqrt(covariance[1, 1] / len(values))
    remark = f"bias {bias:+.3f} (± {error:.2g}), RMSE {math.sqrt(bias**2 + spread):.3g}"
    return Figure(what, covered, "% covered", why=f"{remark}; true score {true:.2f}, {len(values)} sets")


def _equally_sure(head: str, rows: NDArray[np.float64], shares: NDArray[np.float64], n: int, sets: int) -> list[Figure]:
    """Return the coverage for sets of images whose predictions are rows[c] with probability shares[c]."""
    true = math.exp(float(entropy(shares @ rows) - shares @ entropy(rows, axis=1)))
    rng = np.random.default_rng(2)
    found: dict[str, list[tuple[float, float]]] = {"interval()": [], CORRECTED: []}
    for _ in range(sets):
        score = inception_score(rows[rng.choice(len(rows), n, p=shares)], splits=1)
        found["interval()"].append(score.interval())
        found[CORRECTED].append(interval(score.corrected, score.standard_error, 0.95, score.n_classes))
    rounding = 1e-9
    return [
        Figure(
            f"{head}: {name}",
            100 * float(np.mean([low - rounding <= true <= high + rounding for low, high in ends])),
            "% covered",
            why=f"mean width {np.mean([high - low for low, high in ends]):.3g}; true score {true:.4g}, {sets} sets",
        )
        for name, ends in found.items()
    ]


if __name__ == "__main__":
    print(table(TITLE, measure()))
