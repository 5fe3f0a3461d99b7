"""Images that the set shares with the reference, pixel for pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from isexplore.collapse.evidence import Evidence, Side, side_of
from isexplore.collapse.memorised import check_memorised
from isexplore.predictions import Predictions

if TYPE_CHECKING:
    from isexplore.collapse.finding import Finding


def side(pixels: list[int]) -> Side:
    """Make a set whose images are told apart by one number each."""
    pictures = np.array(pixels, np.uint16).view(np.uint8).reshape(-1, 1, 2)
    return side_of(Predictions.from_probabilities(np.full((len(pixels), 2), 0.5), thumbnails=pictures))


def checked(sample: list[int], reference: list[int]) -> Finding:
    (found,) = check_memorised(Evidence(side(sample), side(reference)))
    return found


def test_memorised_images_are_found_and_named() -> None:
    found = checked([*range(1000, 1090), *range(10)], list(range(200)))
    assert found.severity == "warning"
    assert found.value == 10
    assert found.images.tolist() == list(range(90, 100))
    assert found.p_value == pytest.approx(binomtest(10, 10, 200 / 400, alternative="greater").pvalue)


def test_a_few_memorised_images_that_are_repeated_are_found() -> None:
    found = checked(list(range(10)) * 10, list(range(200)))
    assert (found.severity, found.value) == ("warning", 100)


def test_sets_that_share_nothing_are_fine() -> None:
    found = checked(list(range(100)), list(range(100, 200)))
    assert (found.severity, found.value, found.p_value) == ("fine", 0, 1.0)


@pytest.mark.parametrize("times", [2, 5])
@pytest.mark.parametrize("n", [60, 200, 340])
def test_a_set_that_has_natural_repeats_is_no_alarm(n: int, times: int) -> None:
    """Each image lies in the data more than once: two parts share many, and repeat many among themselves."""
    rng = np.random.default_rng(0)
    pixels = np.repeat(np.arange(400 // times), times)
    fired = 0
    for _ in range(400):
        drawn = rng.permutation(pixels).tolist()
        fired += checked(drawn[:n], drawn[n:]).fires
    assert fired <= binom.ppf(0.999, 400, 0.01)


def test_without_pixels_or_a_reference_nothing_is_said() -> None:
    bare = side_of(Predictions.from_probabilities(np.eye(2)))
    assert not list(check_memorised(Evidence(side([1, 2]), bare)))
    assert not list(check_memorised(Evidence(side([1, 2]))))
