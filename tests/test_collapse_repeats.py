"""Exact repeats and the birthday estimate: planted and memorised images, the test against simulation, hostile parts."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isexplore.collapse.copies import Copies
from isexplore.collapse.evidence import Evidence, Side, side_of
from isexplore.collapse.repeats import check_repeats, copies_of
from isexplore.predictions import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.collapse.finding import Finding


def side(images: Any, *, digests: bool = True) -> Side:
    """Make a set from the numbers of what its images show."""
    numbers = np.asarray(images, np.uint32)
    pixels = numbers.view(np.uint8).reshape(-1, 2, 2, 1)
    rows = np.eye(10)[numbers % 10]
    if not digests:
        return side_of(Predictions.from_probabilities(rows, thumbnails=pixels))
    codes = np.zeros((len(numbers), 16), np.uint8)
    codes[:, 12:] = numbers.view(np.uint8).reshape(-1, 4)  # ends in zeros, as one digest in 256 does
    return side_of(replace(Predictions.from_probabilities(rows), digests=codes[:, ::-1]))


def repeats(sample: Side, reference: Side | None = None) -> Finding:
    return next(iter(check_repeats(Evidence(sample, reference))))


# Findings ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digests", [True, False])
def test_different_images_are_fine(digests: bool) -> None:  # noqa: FBT001 - a parameter of the test
    sample = side(range(500), digests=digests)
    for reference in (None, side(range(1000, 1400), digests=digests)):
        finding = repeats(sample, reference)
        assert (finding.severity, finding.value, len(finding.images)) == ("fine", 0, 0)
        assert ("equal thumbnails" in finding.sentence) != digests


def test_one_repeat_is_a_warning_without_a_reference() -> None:
    finding = repeats(side([*range(500), 7]))
    assert (finding.severity, finding.value, finding.images.tolist()) == ("warning", 1, [7, 500])
    assert finding.sentence == "1 of 501 images repeats an earlier one exactly, in 1 group: 500 different images."


def test_one_repeat_is_no_evidence_beside_a_reference() -> None:
    finding = repeats(side([*range(500), 7]), side(range(500)))
    assert finding.severity == "fine"
    assert finding.sentence.endswith(": 500 different images; in the reference, 0 of 500 do.")


def test_both_halves_of_the_sentence_say_the_same_of_no_repeats_and_of_one() -> None:
    finding = repeats(side(range(1200)), side([*range(1999), 7]))
    assert finding.sentence == (
        "None of 1,200 images repeats an earlier one exactly; in the reference, 1 of 2,000 does."
    )


@pytest.mark.parametrize("m", [990, 3000])
def test_planted_repeats_of_one_percent_are_found(m: int) -> None:
    finding = repeats(side([*range(990), *range(10)]), side(range(2000, 2000 + m)))
    assert (finding.severity, finding.value) == ("warning", 10)
    assert finding.images.tolist() == [i for k in range(10) for i in (k, 990 + k)]
    assert finding.p_value is not None
    assert finding.p_value <= 0.01


def test_a_memorised_image_of_each_class_is_severe_though_its_score_is_perfect() -> None:
    sample = side(np.tile(np.arange(10), 100))
    assert sample.score.overall == pytest.approx(10)
    for reference in (None, side(range(1800))):
        finding = repeats(sample, reference)
        assert (finding.severity, finding.value, len(finding.images)) == ("severe", 990, 1000)


def test_a_single_image_is_severe() -> None:
    assert repeats(side([3] * 100), side(range(100))).severity == "severe"


def test_repeats_that_the_reference_has_too_are_fine() -> None:
    real = [*range(400), *range(60)]
    assert repeats(side(real), side(real)).severity == "fine"


def test_the_largest_groups_come_first() -> None:
    assert repeats(side([5, 1, 2, 1, 2, 2, 9])).images.tolist() == [2, 4, 5, 1, 3]


def test_sets_that_are_told_apart_by_different_things_are_not_compared() -> None:
    finding = repeats(side([1, 2, 2]), side([1, 2, 2], digests=False))
    assert (finding.severity, finding.p_value) == ("severe", None)


def test_nothing_is_said_where_nothing_tells_images_apart() -> None:
    bare = side_of(Predictions.from_probabilities(np.eye(3)))
    assert list(check_repeats(Evidence(bare))) == []
    assert copies_of(bare).repeats == 0


# The birthday estimate -----------------------------------------------------------------------------------------------


def test_the_support_is_estimated_and_its_interval_covers_it() -> None:
    """Draw 300 of 5000 equally likely images: nine pairs on average."""
    rng = np.random.default_rng(0)
    supports = [Copies(np.unique(rng.integers(0, 5000, 300), return_inverse=True)[1]).support() for _ in range(1000)]
    assert np.mean([1 / each.estimate for each in supports]) == pytest.approx(1 / 5000, rel=0.05)
    assert np.mean([each.low <= 5000 <= each.high for each in supports]) >= 0.94  # an exact interval, of 95 %


def test_without_repeats_the_support_has_a_lower_bound() -> None:
    """The upper limit of a Poisson mean of which none was seen is −ln .025 at 95 %, two-sided."""
    finding = list(check_repeats(Evidence(side(range(1000)))))[1]
    assert (finding.key, finding.interval) == ("support-size", None)
    assert finding.value == pytest.approx(1000 * 999 / 2 / -math.log(0.025))
    assert finding.sentence == ("No image repeats, so exact repeats give no estimate: at least 135,407 images (95 %).")


def test_one_image_says_nothing_of_the_support() -> None:
    assert [each.key for each in check_repeats(Evidence(side([3])))] == ["repeated-images"]


def test_the_support_of_a_few_memorised_images_is_their_number() -> None:
    finding = list(check_repeats(Evidence(side(np.arange(1000) % 10))))[1]
    assert finding.value == pytest.approx(10, rel=0.01)


@given(st.lists(st.integers(0, 8), min_size=2, max_size=40))
def test_groups_are_counted_as_by_hand(images: list[int]) -> None:
    copies = copies_of(side(images))
    n = len(images)
    assert copies.repeats == n - len(set(images))
    assert copies.images.size == sum(images.count(image) > 1 for image in images)
    assert copies.pairs == sum(images.count(image) // 2 for image in set(images))
    same = sum(images[i] == images[j] for i in range(n) for j in range(i))
    expected = n * (n - 1) / 2 / same if same else math.inf
    assert copies.support().estimate == pytest.approx(expected)
    assert copies.different.tolist() == [i for i in range(n) if images[i] not in images[:i]]


# How often the test fires where nothing is wrong ----------------------------------------------------------------------


def copies_drawn(rng: np.random.Generator, shares: NDArray[np.float64], n: int) -> Copies:
    return Copies(np.unique(rng.choice(len(shares), n, p=shares), return_inverse=True)[1])


@pytest.mark.parametrize(("n", "m"), [(150, 150), (100, 250), (250, 100)])
@pytest.mark.parametrize("kind", ["rare", "few", "uneven"])
def test_two_sets_of_one_law_fire_no_more_often_than_stated(kind: str, n: int, m: int) -> None:
    shares = {
        "rare": np.full(1000, 1 / 1000),
        "few": np.full(12, 1 / 12),
        "uneven": np.r_[0.4, np.full(400, 0.6 / 400)],
    }[kind]
    rng = np.random.default_rng(1)
    p = np.array([copies_drawn(rng, shares, n).p_value(copies_drawn(rng, shares, m)) for _ in range(600)])
    for level in (0.01, 0.05):
        assert np.mean(p <= level) <= level + 3 * math.sqrt(level * (1 - level) / len(p))


def test_two_halves_of_one_set_with_copies_fire_no_more_often_than_stated() -> None:
    shown = np.repeat(np.arange(200), [1, 2, 3, 5] * 50)
    rng, p = np.random.default_rng(2), []
    for _ in range(600):
        halves = np.split(rng.permutation(shown)[: len(shown) // 2 * 2], 2)
        first, second = (Copies(np.unique(half, return_inverse=True)[1]) for half in halves)
        p.append(first.p_value(second))
    assert np.mean(np.array(p) <= 0.05) <= 0.05
