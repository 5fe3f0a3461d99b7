"""Published figures: closed forms, the limit of random order by theory and simulation, hostile input."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import binom, chi2

from isexplore.published import PublishedCheck, check_published
from isexplore.score import inception_score

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check(p: NDArray[np.float64], splits: int) -> PublishedCheck:
    """Check the figures that these predictions would be published with."""
    score = inception_score(p, splits=splits)
    return check_published(score.mean, score.std, score.n_images, splits, score.n_classes)


def shuffled(p: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    return p[np.random.default_rng(seed).permutation(len(p))]


# Figures -------------------------------------------------------------------------------------------------------------


def test_cifar_10() -> None:
    cifar = check_published(11.24, 0.12, 50_000, 10, 1000)
    assert cifar.plausible
    assert cifar.verdict == "plausible"
    assert cifar.reasons == ()
    assert cifar.images_per_split == 5000
    assert cifar.implied_sd == pytest.approx(0.12 / 11.24 * math.sqrt(5000), rel=1e-15)
    assert cifar.implied_sd == pytest.approx(0.75, abs=0.005)
    assert cifar.ceiling == pytest.approx(4.26, abs=0.005)
    assert cifar.standard_error == pytest.approx(0.12 / math.sqrt(10), rel=1e-15)
    assert cifar.bias_bound == 0.0999
    assert str(cifar) == (
        "11.24 ± 0.12 over 10 splits of 5000 images is plausible in random order. The ± implies sd(KL) = 0.75 nats, "
        "at least 0.43 (a ± of 10 splits is itself uncertain by 24 %), where 4.26 is the ceiling. It is no standard "
        "error: that of the score of all images would be 0.038. With 5000 images a split and 1000 classes the mean "
        "lies at most about 10 % below the score of endlessly many images (first order)."
    )
    assert repr(cifar) == f"<PublishedCheck: {cifar}>"
    assert cifar._repr_html_() == html.escape(str(cifar))


def test_a_spread_beyond_random_order() -> None:
    reported = check_published(63.70, 7.87, 50_000, 10, 1000)
    assert not reported.plausible
    assert reported.verdict == "not plausible"
    assert reported.implied_sd == pytest.approx(8.7, abs=0.05)
    assert reported.ceiling == pytest.approx(4.26, abs=0.005)
    assert reported.ceiling < reported.limit < reported.least_sd < reported.implied_sd
    assert "63.7 ± 7.87 over 10 splits of 5000 images is not plausible" in str(reported)
    assert "Random order never implies sd(KL) above 4.76 nats" in str(reported)


def test_a_spread_above_the_ceiling_is_doubtful() -> None:
    doubtful = check_published(63.70, 7.2, 50_000, 10, 1000)
    assert (doubtful.verdict, doubtful.plausible, doubtful.reasons) == ("doubtful", False, ())
    assert doubtful.ceiling < doubtful.least_sd < doubtful.limit < doubtful.implied_sd
    assert str(doubtful).startswith(
        "63.7 ± 7.2 over 10 splits of 5000 images is doubtful in random order. Only chance among few splits, or a most "
        "extreme set, explains the ±. The ± implies sd(KL) = 7.99 nats, at least 4.53 (a ± of 10 splits is itself "
        "uncertain by 24 %), where 4.26 is the ceiling, and 4.76 that of the most extreme sets. "
    )


@given(st.floats(0, 20), st.integers(2, 50))
def test_the_words_agree_with_the_figures(std: float, splits: int) -> None:
    found = check_published(50, std, 1000 * splits, splits, 1000)
    words = {"plausible": found.implied_sd <= found.ceiling, "not plausible": found.least_sd > found.limit}
    assert found.verdict == next((verdict for verdict, holds in words.items() if holds), "doubtful")
    assert found.plausible == (found.verdict == "plausible")
    assert f" is {found.verdict} in random order." in str(found)


@pytest.mark.parametrize("splits", [2, 3, 10, 50, 1000])
def test_the_spread_itself_is_uncertain(splits: int) -> None:
    figures = check_published(10, 0.5, 100_000, splits, 1000)
    share = math.sqrt((splits - 1) / chi2.ppf(0.999, splits - 1))
    assert figures.least_sd == pytest.approx(share * figures.implied_sd, rel=0.02)
    assert figures.least_sd <= figures.implied_sd


def test_two_splits_prove_little() -> None:
    """The same relative spread: two splits may differ so by chance, a hundred may not."""
    assert check_published(10, 1.8, 2 * 1000, 2, 1000).verdict == "doubtful"
    assert check_published(10, 1.8, 100 * 1000, 100, 1000).verdict == "not plausible"


def test_one_split() -> None:
    one = check_published(9.5, 0, 5000, 1, 10)
    assert one.plausible
    assert math.isnan(one.implied_sd)
    assert math.isnan(one.least_sd)
    assert math.isnan(one.standard_error)
    assert "One split says nothing about the order." in str(one)
    spread = check_published(9.5, 0.1, 5000, 1, 10)
    assert spread.reasons == (
        "One split has no spread: the ± is something else, such as the spread over several runs.",
    )


def test_no_spread() -> None:
    same = check_published(5, 0, 5000, 10, 10)
    assert same.plausible
    assert "A ± of 0 says that all splits score alike" in str(same)


@pytest.mark.parametrize(
    ("mean", "n_images", "splits", "n_classes", "reason"),
    [
        (0.99, 5000, 10, 1000, "No score is below 1."),
        (10.1, 5000, 10, 10, "No split of 500 images and 10 classes scores above 10."),
        (51.0, 500, 10, 1000, "No split of 50 images and 1000 classes scores above 50."),
        (51.1, 501, 10, 1000, "No split of 51 images and 1000 classes scores above 51."),
        (1.1, 10, 10, 1000, "No split of 1 image and 1000 classes scores above 1."),
    ],
)
def test_impossible_means(mean: float, n_images: int, splits: int, n_classes: int, reason: str) -> None:
    assert check_published(mean, 0, n_images, splits, n_classes).reasons == (reason,)


@pytest.mark.parametrize(
    ("mean", "n_images", "splits", "n_classes"),
    [(1, 5000, 10, 1000), (10, 5000, 10, 10), (50, 500, 10, 1000), (51, 501, 10, 1000), (1, 10, 10, 1000)],
)
def test_just_possible_means(mean: float, n_images: int, splits: int, n_classes: int) -> None:
    assert check_published(mean * (1 + 1e-15), 0, n_images, splits, n_classes).plausible


def test_splits_of_one_image() -> None:
    assert check_published(1, 0.1, 10, 10, 10).reasons == ("Splits of 1 image always score 1, without spread.",)


def test_few_images_for_the_classes() -> None:
    few = check_published(40, 1, 5000, 10, 1000)
    assert few.bias_bound == 0.999
    assert str(few).endswith("500 images a split are few for 1000 classes: larger splits may score far higher.")


# The limit of random order -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 5000, 10**12])
def test_the_limit_precisely(n: int) -> None:
    with mpmath.workdps(40):
        rest = (n - 1) * mpmath.log(n - 1) if n > 1 else 0
        exact = float((n * mpmath.log(n) - rest) / 2)
    assert check_published(1, 0, 2 * n, 2, 1000).limit == pytest.approx(exact, rel=1e-9)


@given(st.integers(2, 12), st.integers(2, 8), st.sampled_from([0.3, 3.0, 300.0]), st.integers(0, 2**32 - 1))
def test_what_one_image_adds_to_the_total(n: int, n_classes: int, sharpness: float, seed: int) -> None:
    """n·ln IS less the same without one image lies between 0 and twice the limit: the premise of the limit."""
    p = softmax(sharpness * np.random.default_rng(seed).normal(size=(n, n_classes)), axis=1)
    gain = n * inception_score(p, splits=1).log_score - (n - 1) * inception_score(p[1:], splits=1).log_score
    assert -1e-12 <= gain <= 2 * check_published(1, 0, n, 1, n_classes).limit + 1e-12


@pytest.mark.parametrize("n", [2, 12])
def test_the_premise_is_sharp(n: int) -> None:
    p = np.eye(2)[np.minimum(np.arange(n), 1)]  # a class of its own against all others
    assert n * inception_score(p, splits=1).log_score == pytest.approx(2 * check_published(1, 0, n, 1, 2).limit)


@pytest.mark.parametrize("n", [2, 10, 100, 5000])
@pytest.mark.parametrize("share", [0.05, 0.4, 0.5, 0.9])
def test_the_hardest_random_order_is_allowed(n: int, share: float) -> None:
    """Each image is of a class of its own with this probability, or else of the common class: exact spread.

    The ceiling (ln n)/2 is first-order: at shares of .4 and .5 the spread exceeds it; the limit holds.
    """
    own = np.arange(n + 1)
    log_common = np.log(1 - own / n, where=own < n, out=np.zeros(n + 1))
    scores = np.exp(own / n * math.log(n) - (1 - own / n) * log_common)
    weights = binom.pmf(own, n, share)
    mean = float(weights @ scores)
    std = math.sqrt(float(weights @ (scores - mean) ** 2))
    many = check_published(mean, std, n * 10**7, 10**7, 10**9)  # so many splits that the spread is known
    assert many.reasons == ()
    assert many.least_sd == pytest.approx(many.implied_sd, rel=1e-2)
    if share in {0.4, 0.5}:
        assert many.ceiling < many.implied_sd < many.limit
        assert many.verdict == "doubtful"


@st.composite
def sets(draw: st.DrawFn) -> NDArray[np.float64]:
    """Draw predictions as unlike each other as can be: some of one class, some of any, from vague to certain."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, n_classes = draw(st.integers(400, 1000)), draw(st.sampled_from([2, 10, 300]))
    labels = np.where(rng.random(n) < draw(st.floats(0, 1)), 0, rng.integers(n_classes, size=n))
    sharpness = draw(st.sampled_from([0.0, 3.0, 30.0])) * rng.random((n, 1)) ** draw(st.sampled_from([0, 3]))
    return np.asarray(softmax(sharpness * np.eye(n_classes)[labels], axis=1))


@settings(max_examples=60)
@given(sets(), st.sampled_from([1, 2, 5, 10, 20, 80]), st.integers(0, 1000))
def test_random_order_is_plausible(p: NDArray[np.float64], splits: int, seed: int) -> None:
    assert check(shuffled(p, seed), splits).reasons == ()


def test_sorted_by_class() -> None:
    """Half of the images of one class, half spread over the others: splits that score 1, and splits that score 99."""
    p = np.repeat(np.eye(496), [4950] + [10] * 495, axis=0)
    in_order = check(p, 10)
    assert in_order.mean == pytest.approx((5 * 1 + 5 * 99) / 10)
    assert not in_order.plausible
    assert check(shuffled(p), 10).plausible


def test_sorted_by_class_and_alike() -> None:
    """Balanced classes in order: every split scores 1, which no figure gives away."""
    assert check(np.repeat(np.eye(10), 100, axis=0), 10).plausible


# Hostile input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ((math.nan, 0.1, 100, 10, 10), "mean is nan: give the published number"),
        ((math.inf, 0.1, 100, 10, 10), "mean is inf"),
        ((-8.0, 0.1, 100, 10, 10), "mean is -8.0"),
        ((0, 0.1, 100, 10, 10), "mean is 0"),
        (("eight", 0.1, 100, 10, 10), "mean is 'eight'"),
        ((None, 0.1, 100, 10, 10), "mean is None"),
        ((8.0, math.nan, 100, 10, 10), "std is nan"),
        ((8.0, -0.1, 100, 10, 10), "std is -0.1"),
        ((8.0, 0.1, 0, 10, 10), "n_images is 0: give at least 1"),
        ((8.0, 0.1, 5e4, 10, 10), "n_images is 50000.0: give a whole number"),
        ((8.0, 0.1, 9, 10, 10), "10 splits of 9 images would leave splits empty"),
        ((8.0, 0.1, 100, 0, 10), "splits is 0: give a whole number from 1 to 100"),
        ((8.0, 0.1, 100, -1, 10), "splits is -1"),
        ((8.0, 0.1, 100, 2.5, 10), "splits is 2.5"),
        ((8.0, 0.1, 100, 10, 1), "n_classes is 1: give at least 2"),
        ((8.0, 0.1, 100, 10, math.nan), "n_classes is nan"),
    ],
)
def test_bad_figures(figures: tuple[Any, Any, Any, Any, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_published(*figures)
