"""Images that the set shares with the reference, pixel for pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import binom, binomtest

import isexplore as ix
from isexplore.collapse.evidence import Evidence, Side, side_of
from isexplore.collapse.memorised import check_memorised
from isexplore.collapse.near_memorised import check_near_memorised
from isexplore.predictions import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


def digits(images: NDArray[np.uint8]) -> Side:
    return side_of(ix.predict(images, "digits", device="cpu", progress=False, embeddings=True))


@pytest.fixture(scope="module")
def real() -> NDArray[np.uint8]:
    digits = ix.demo.real()
    return np.stack([digits.read(i) for i in range(len(digits))])


def test_noisy_copies_of_the_reference_are_found(real: NDArray[np.uint8]) -> None:
    """Forty different digits with a little noise, among 860 that the reference does not have."""
    rng = np.random.default_rng(0)
    noise = rng.integers(-3, 4, (40, 8, 8, 1))
    copies = np.clip(real[:40].astype(int) + noise, 0, 255).astype(np.uint8)
    (found,) = check_near_memorised(Evidence(digits(np.concatenate([real[900:1760], copies])), digits(real[:900])))
    assert found.severity == "warning"
    assert set(found.images) >= set(range(860, 895))
    assert found.value <= 42


def test_what_is_the_same_to_the_pixel_is_told_once(real: NDArray[np.uint8]) -> None:
    side = digits(real[:300])
    (found,) = check_memorised(Evidence(side, side))
    assert (found.severity, found.value) == ("warning", 300)
    assert not list(check_near_memorised(Evidence(side, side)))


def test_halves_of_the_real_digits_share_nothing(real: NDArray[np.uint8]) -> None:
    whole = digits(real)
    rng = np.random.default_rng(1)
    fired = 0
    for _ in range(20):
        order = rng.permutation(len(real))
        one, other = (side_of(part_of(whole, order[start::2])) for start in range(2))
        fired += any(finding.fires for finding in check_near_memorised(Evidence(one, other)))
    assert fired <= 1


def part_of(side: Side, rows: NDArray[np.intp]) -> Predictions:
    predictions = side.predictions
    assert predictions.embeddings is not None
    return Predictions.from_probabilities(predictions.probabilities[rows], embeddings=predictions.embeddings[rows])
