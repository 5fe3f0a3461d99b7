"""Scenarios whose score is known exactly, each against its closed form; printed figures to their printed digits.

More of them, with finite sets of images, are in `test_score.py`. Expectations over random images are checked without
randomness: by counting out every set of images there could be, by summing the library's parts over a binomial law, or
by weighting rows at the nodes of a quadrature. Simulations only come on top.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import digamma, entr, expit
from scipy.stats import beta, binom, entropy, hypergeom, norm

from isexplore.groups import group_sums
from isexplore.labels import coarsen
from isexplore.score import inception_score
from isexplore.splits import split_curve

if TYPE_CHECKING:
    from numpy.typing import NDArray


def exactly(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def printed(value: float, figure: str) -> bool:
    """Return whether a value rounds to a figure, at as many decimals as the figure has."""
    return f"{value:.{len(figure.partition('.')[2])}f}" == figure


def overall(p: Any) -> float:
    return inception_score(p, splits=1).overall


def one_hot(counts: Any) -> NDArray[np.float64]:
    return np.repeat(np.eye(len(counts)), counts, axis=0)


def weighted(p: NDArray[np.float64], weights: Any) -> float:
    """Return the score of rows p that have weights, by the library's sums of one group for each."""
    return group_sums(p, np.arange(len(p))).reweighted(weights)


def nodes(low: float, high: float, count: int = 400) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return nodes and weights of Gauss and Legendre's rule between two ends."""
    x, w = np.polynomial.legendre.leggauss(count)
    return (low + high) / 2 + (high - low) / 2 * x, (high - low) / 2 * w


# Shares of the classes ----------------------------------------------------------------------------------------------


def test_the_same_score_from_doubt_as_from_missing_modes() -> None:
    def score(epsilon: float) -> float:
        return 10 * math.exp(-entropy((1 - epsilon) * np.eye(10)[0] + epsilon / 10))

    epsilon = brentq(lambda e: score(e) - 5, 0.01, 0.9, xtol=1e-14)
    assert printed(epsilon, "0.1502")
    assert overall((1 - epsilon) * np.eye(10) + epsilon / 10) == exactly(5)
    assert overall(one_hot([10] * 5 + [0] * 5)) == exactly(5)


@pytest.mark.parametrize(
    ("shares", "figure"),
    [
        ([0.5] + [0.5 / 9] * 9, "6.0"),
        ([0.9] + [0.1 / 9] * 9, "1.724"),
        ([0.99] + [0.01 / 9] * 9, "1.081"),
        (1 / np.arange(1, 11), "7.343"),
        (1 / np.arange(1, 1001), "179.65"),
        (0.5 ** np.arange(10), "3.969"),
        (0.8 ** np.arange(10), "8.331"),
    ],
    ids=["dominant .5", "dominant .9", "dominant .99", "Zipf 10", "Zipf 1000", "geometric .5", "geometric .8"],
)
def test_shares_of_perfect_classes(shares: Any, figure: str) -> None:
    exact = math.exp(entropy(shares))
    assert weighted(np.eye(len(shares)), shares) == exactly(exact)
    assert printed(exact, figure)


def test_one_memorised_image_per_class() -> None:
    """The score does not see it, but duplicates do: 20 of 100 images have a pair among them with probability .870."""
    assert overall(np.repeat(np.eye(100), 7, axis=0)) == exactly(100)
    assert printed(1 - math.prod(1 - k / 100 for k in range(20)), "0.870")


def test_a_duplicated_set() -> None:
    p = np.random.default_rng(0).dirichlet(np.full(10, 0.1), 500)
    assert overall(np.concatenate([p, p])) == exactly(overall(p))
    assert overall(np.repeat(p, 3, axis=0)) == exactly(overall(p))


def test_labels_that_do_not_match() -> None:
    ten = one_hot([12] * 10)
    breeds = np.eye(120)  # image i shows class i // 12
    spread = np.repeat(np.kron(np.eye(10), np.full((1, 12), 1 / 12)), 12, axis=0)
    assert overall(np.pad(ten, ((0, 0), (0, 8)))) == exactly(10)
    assert overall(breeds) == exactly(120)
    assert overall(spread) == exactly(10)
    assert overall(ten @ np.kron(np.eye(2), np.ones((5, 1)))) == exactly(2)
    assert coarsen(ten, np.arange(10) // 5).coarse == exactly(2)
    assert coarsen(breeds, np.arange(120) // 12).coarse == exactly(10)
    assert coarsen(breeds, np.arange(120) // 12).within == exactly([12] * 10)
    assert coarsen(spread, np.arange(120) // 12).within == exactly([1] * 10)


def test_noise_that_the_network_is_sure_of() -> None:
    """Whatever the images show: balanced one-hot rows score C."""
    logits = np.random.default_rng(0).normal(size=(1000, 1000))
    np.fill_diagonal(logits, 1e4)
    assert inception_score(logits=logits, splits=1).overall == exactly(1000)


@pytest.mark.parametrize(("n_classes", "figure"), [(10, "1.0762"), (1000, "1.0010")])
def test_softmax_applied_twice(n_classes: int, figure: str) -> None:
    """Perfect rows that are taken for logits: e/(e + C − 1) is all that is left of certainty."""
    total = math.e + n_classes - 1
    exact = n_classes * math.exp(-entr(math.e / total) - (n_classes - 1) * entr(1 / total))
    assert inception_score(logits=np.eye(n_classes), splits=1).overall == exactly(exact)
    assert printed(exact, figure)


# Few images per split -----------------------------------------------------------------------------------------------


def expected_log_score(n: int, n_classes: int) -> float:
    """Return E ln IS of n one-hot images of C equal classes: E H of a multinomial's frequencies."""
    k = np.arange(n + 1)
    return float(n_classes * binom.pmf(k, n, 1 / n_classes) @ entr(k / n))


def summed_contributions(n: int, n_classes: int) -> float:
    """Return the same from what the library says one class adds that k of n images show."""
    law = binom(n, 1 / n_classes)
    likely = [k for k in range(n + 1) if law.pmf(k) > 1e-14]
    # Many classes in one set, where the images suffice.
    sets = [likely] if sum(likely) <= n else [[k] for k in likely]
    scores = [inception_score(one_hot([*counts, n - sum(counts)]), splits=1) for counts in sets]
    added = np.concatenate([score.class_contributions[:-1] for score in scores])
    return float(n_classes * law.pmf(likely) @ added)


@pytest.mark.parametrize(
    ("n", "n_classes", "figure"),
    [
        (5, 10, "3.853"),
        (50, 10, "9.099"),
        (500, 10, "9.910"),
        (50, 1000, "48.35"),
        (500, 1000, "365.49"),
        (5000, 1000, "900.72"),
        (50_000, 1000, "990.03"),
    ],
)
def test_a_perfect_generator_cannot_score_all_its_classes(n: int, n_classes: int, figure: str) -> None:
    exact = expected_log_score(n, n_classes)
    assert summed_contributions(n, n_classes) == exactly(exact)
    assert printed(math.exp(exact), figure)


@pytest.mark.parametrize(("n", "n_classes"), [(1, 4), (4, 3), (7, 2), (5, 10)])
def test_every_split_there_could_be(n: int, n_classes: int) -> None:
    """All C^n sequences of n one-hot images, each a split: the mean of ln IS is the closed form."""
    labels = np.array(list(itertools.product(range(n_classes), repeat=n))).ravel()
    scores = inception_score(np.eye(n_classes, dtype=bool)[labels], splits=n_classes**n).split_scores
    assert np.log(scores).mean() == exactly(expected_log_score(n, n_classes))
    if (n, n_classes) == (5, 10):
        assert printed(float(scores.mean()), "3.943")  # the mean score itself is a little higher


@pytest.mark.parametrize(("n_classes", "n", "figure"), [(10, 50, 9.11), (10, 500, 9.91), (1000, 500, 365.49)])
def test_splits_of_random_images(n_classes: int, n: int, figure: float) -> None:
    labels = np.random.default_rng(0).integers(n_classes, size=20 * n)
    score = inception_score(np.eye(n_classes, dtype=bool)[labels], splits=20)
    assert score.mean == pytest.approx(figure, rel=0.01)


@pytest.mark.parametrize(("splits", "figure"), [(1, "10"), (2, "9.95"), (5, "9.82"), (10, "9.6")])
def test_shuffled_splits_of_sorted_classes(splits: int, figure: str) -> None:
    """A split of 1000 images, 100 of each class, drawn without replacement: E H of hypergeometric frequencies."""
    n = 1000 // splits
    k = np.arange(101)
    exact = math.exp(10 * hypergeom.pmf(k, 1000, 100, n) @ entr(k / n))
    assert exact == pytest.approx(float(figure), abs=0.06 if splits == 10 else 0.01)
    p = one_hot([100] * 10)
    logs = np.log([split_curve(p, [splits], seed=seed).at(splits) for seed in range(100)]).mean(axis=1)
    assert abs(logs.mean() - math.log(exact)) <= 5 * logs.std() / 10 + 1e-12


def test_a_perfect_generator_of_1000_modes() -> None:
    """All modes seen, and 980.97 to be expected of 26,000 images: to first order, and as the binomial law has it."""
    n = 26_000
    first_order = 1000 * math.exp(-999 / (2 * n))
    assert printed(first_order, "980.97")
    perfect = np.tile(np.eye(1000, dtype=bool), (26, 1))
    score = inception_score(perfect, splits=1)
    assert score.overall == exactly(1000)
    assert score.overall * math.exp(-score.bias_constant / (2 * n)) == exactly(first_order)
    assert score.bias == exactly(-1000 * 999 / (2 * n))
    assert math.exp(expected_log_score(n, 1000)) == pytest.approx(first_order, rel=1e-3)
    assert 1000 * (1 - 1 / 1000) ** n < 1e-8  # expected number of modes not seen


# Soft labels --------------------------------------------------------------------------------------------------------


def dirichlet_log_score(n_classes: int, alpha: float) -> float:
    return float(math.log(n_classes) - digamma(n_classes * alpha + 1) + digamma(alpha + 1))


@pytest.mark.parametrize(
    ("n_classes", "alpha", "figure"), [(10, 1, "1.45298"), (10, 0.1, "4.28897"), (1000, 0.001, "368.5")]
)
def test_dirichlet_rows_hard_and_soft(n_classes: int, alpha: float, figure: str) -> None:
    """Every class weighs alike once each row comes with all its rotations; hard labels then score C."""
    exact = math.exp(dirichlet_log_score(n_classes, alpha))
    assert printed(exact, figure)
    if n_classes > 10:
        return
    drawn = np.random.default_rng(0).dirichlet(np.full(n_classes, alpha), 5000)
    rows = np.concatenate([np.roll(drawn, k, axis=1) for k in range(n_classes)])
    score = inception_score(rows, splits=1)
    error = score.conditional_entropy[:5000].std() / math.sqrt(5000)
    assert score.marginal == exactly([0.1] * 10)
    assert score.log_score == pytest.approx(math.log(exact), abs=5 * error)
    assert overall(np.eye(n_classes)[rows.argmax(axis=1)]) == exactly(10)


@pytest.mark.parametrize(("n_classes", "alpha"), [(2, 0.1), (2, 1), (10, 0.1), (10, 1), (1000, 0.001)])
def test_the_closed_form_of_dirichlet_rows(n_classes: int, alpha: float) -> None:
    """One class of a row is beta distributed; with x = exp(u) the density has no pole at 0."""
    law = beta(alpha, (n_classes - 1) * alpha)
    constant = law.pdf(0.5) * 0.5 ** (1 - alpha) * 0.5 ** (1 - (n_classes - 1) * alpha)

    def integrand(u: float) -> float:
        x = math.exp(u)
        return float(-u * x * x**alpha * constant * (-math.expm1(u)) ** ((n_classes - 1) * alpha - 1))

    mean = quad(integrand, -200, -1, limit=200)[0] + quad(integrand, -1, 0, limit=500)[0]
    assert math.log(n_classes) - n_classes * mean == pytest.approx(dirichlet_log_score(n_classes, alpha), rel=1e-9)


@pytest.mark.parametrize("alpha", [1, 2, 5])
def test_dirichlet_rows_of_two_classes(alpha: int) -> None:
    """By quadrature over the beta law; x = t²(3 − 2t) smooths x ln x at the ends."""
    t, w = nodes(0, 1)
    x = t * t * (3 - 2 * t)
    density = beta(alpha, alpha).pdf(x) * 6 * t * (1 - t)
    assert weighted(np.stack([x, 1 - x], axis=1), w * density) == exactly(math.exp(dirichlet_log_score(2, alpha)))


# Real data is not optimal -------------------------------------------------------------------------------------------


def half_and_half(mu: float) -> float:
    """Return the score of ½N(±μ, 1) with the classifier of Bayes, p(+|x) = 1/(1 + exp(−2μx))."""

    def doubt(x: float) -> float:
        p = expit(2 * mu * x)
        return float(norm.pdf(x - mu) * (entr(p) + entr(1 - p)))

    return math.exp(math.log(2) - quad(doubt, -40, 40, points=[0, mu], epsabs=1e-13, epsrel=1e-13)[0])


@pytest.mark.parametrize("mu", [0.3, 1.0, 3.0])
def test_real_data_with_the_best_classifier(mu: float) -> None:
    x, w = nodes(-14, 14)
    logits = np.stack([mu * x, -mu * x], axis=1)
    sums = group_sums(logits=logits, groups=np.arange(len(x)))
    assert sums.reweighted(w * (norm.pdf(x - mu) + norm.pdf(x + mu))) == exactly(half_and_half(mu))


def test_two_points_score_more_than_real_data() -> None:
    assert printed(half_and_half(1), "1.4005")
    sure = expit(10)
    exact = 2 * math.exp(-entr(sure) - entr(1 - sure))
    assert inception_score(logits=[[5, -5], [-5, 5]], splits=1).overall == exactly(exact)
    assert printed(exact, "1.9990")
