"""Sets of pictures that are altered on purpose, and a classifier at another temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from torchvision.transforms.functional import gaussian_blur

import isexplore as ix
from isexplore.classifiers import Classifier, load_classifier
from isexplore.classifiers.tempered import TemperedClassifier
from isexplore.images.altered import Alterations, altered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.images import ImageSet

REAL = ix.demo.real()
LABELS = np.array(REAL.labels)


def pixels(images: ImageSet) -> NDArray[np.uint8]:
    return np.stack([images.read(i) for i in range(len(images))])


def small() -> ImageSet:
    """Return six pictures of the labels 0, 1, 2, 0, 1, 2; each is one gray level, 10 times its number."""
    levels = np.arange(0, 60, 10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 9, 9, 1), np.uint8)
    images = ix.open_images(levels, name="six")
    return type(images)(images.name, images.image_names, images.read, images.description, (0, 1, 2, 0, 1, 2))


def levels(images: ImageSet) -> list[int]:
    return [int(images.read(i)[0, 0, 0]) for i in range(len(images))]


def test_no_alteration_changes_no_picture() -> None:
    same = altered(REAL, Alterations())
    assert same.labels == REAL.labels
    assert same.image_names == REAL.image_names
    np.testing.assert_array_equal(pixels(same), pixels(REAL))


@pytest.mark.parametrize(
    ("alterations", "expected"),
    [
        (Alterations(drop=(1,)), [0, 20, 30, 50]),
        (Alterations(kept="one"), [0, 10, 20, 0, 10, 20]),
        (Alterations(copies=2, drop=(0, 2)), [10, 10, 40, 40]),
        (Alterations(order="sorted"), [0, 30, 10, 40, 20, 50]),
        (Alterations(order="sorted", copies=2, drop=(2,)), [0, 0, 30, 30, 10, 10, 40, 40]),
        (Alterations(order="sorted", kept="one"), [0, 0, 10, 10, 20, 20]),
    ],
)
def test_which_pictures_stand_where(alterations: Alterations, expected: list[int]) -> None:
    images = altered(small(), alterations)
    assert levels(images) == expected
    assert images.labels == tuple(level // 10 % 3 for level in expected)
    assert images.image_names == tuple(small().image_names[level // 10] for level in expected)


def test_a_shuffle_keeps_every_picture_and_depends_on_the_seed() -> None:
    first, again, other = (
        altered(REAL, Alterations(order="shuffled", copies=2, seed=seed)).image_names for seed in (0, 0, 1)
    )
    assert first == again != other
    assert sorted(first) == sorted(REAL.image_names * 2)


def test_blur_is_torchvisions_gaussian_blur_away_from_the_rim() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 32, 32), dtype=np.uint8)
    blurred = altered(ix.open_images(picture[..., None]), Alterations(blur=1.5)).read(0)[..., 0].astype(float)
    theirs = gaussian_blur(torch.from_numpy(picture).float(), [13, 13], [1.5, 1.5])[0].numpy()
    assert np.abs(blurred - theirs)[6:-6, 6:-6].max() <= 0.501
    assert np.abs(blurred - picture[0]).max() > 60


def test_blur_leaves_even_pictures_and_colours_alone() -> None:
    assert levels(altered(small(), Alterations(blur=3))) == levels(small())
    striped = np.zeros((1, 8, 8, 3), np.uint8) + np.array([0, 100, 200], np.uint8)
    np.testing.assert_array_equal(altered(ix.open_images(striped), Alterations(blur=2)).read(0), striped[0])


def test_noise_has_its_standard_deviation_and_copies_share_it() -> None:
    gray = ix.open_images(np.full((40, 50, 50), 128, np.uint8), name="gray")
    noisy = pixels(altered(gray, Alterations(noise=20, copies=2))).astype(float)
    assert abs(noisy.std() - 20) < 4 * 20 / np.sqrt(2 * 40 * 50 * 50)
    np.testing.assert_array_equal(noisy[::2], noisy[1::2])
    assert abs(np.corrcoef(noisy[0].ravel(), noisy[2].ravel())[0, 1]) < 4 / 50


def test_noise_depends_on_the_seed_and_the_picture_alone() -> None:
    def noisy(**parts: object) -> NDArray[np.uint8]:
        return pixels(altered(REAL, Alterations(noise=30, **parts)))  # type: ignore[arg-type]

    first = noisy(seed=5)
    assert not np.array_equal(first, noisy(seed=6))
    np.testing.assert_array_equal(first[LABELS != 3], noisy(seed=5, drop=(3,)))


@given(noise=st.floats(0, 250), blur=st.floats(0, 3))
def test_whatever_is_done_pictures_stay_pictures(noise: float, blur: float) -> None:
    picture = altered(REAL, Alterations(noise=noise, blur=blur)).read(7)
    assert picture.dtype == np.uint8
    assert picture.shape == (8, 8, 1)


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ({"drop": (11,)}, ValueError, "no images of the label 11"),
        ({"drop": tuple(range(10))}, ValueError, "all images are dropped"),
        ({"drop": 3}, TypeError, "drop is 3: give a list of labels"),
        ({"drop": ("3",)}, TypeError, "give a list of labels"),
        ({"copies": 0}, ValueError, "copies is 0"),
        ({"blur": float("nan")}, ValueError, "blur is nan"),
        ({"noise": -1}, ValueError, "noise is -1"),
        ({"order": "up"}, ValueError, "order is 'up': it must be one of file, sorted, shuffled"),
        ({"seed": 1.5}, ValueError, "seed is 1.5"),
    ],
)
def test_what_cannot_be_done_is_said(parts: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        altered(REAL, Alterations(**parts))  # type: ignore[arg-type]


@pytest.mark.parametrize("alterations", [Alterations(order="sorted"), Alterations(kept="one"), Alterations(drop=(1,))])
def test_labels_must_be_there_where_they_are_needed(alterations: Alterations) -> None:
    with pytest.raises(ValueError, match="plain has no labels"):
        altered(ix.open_images(np.zeros((5, 8, 8), np.uint8), name="plain"), alterations)


@pytest.mark.parametrize("temperature", [0.5, 1, 3])
def test_a_temperature_is_softmax_of_ln_p_over_t(temperature: float) -> None:
    network = load_classifier("digits")
    tempered = TemperedClassifier(network, temperature)
    assert isinstance(tempered, Classifier)
    p = ix.predict(REAL, network, device="cpu", progress=False).probabilities.astype(np.float64)
    q = ix.predict(REAL, tempered, device="cpu", progress=False).probabilities
    np.testing.assert_allclose(q, softmax(np.log(np.maximum(p, 1e-300)) / temperature, axis=1), atol=2e-6)


def test_a_temperature_is_above_zero() -> None:
    with pytest.raises(ValueError, match="temperature is 0"):
        TemperedClassifier(load_classifier("digits"), 0)
