"""Near repeats: noisy copies planted among real digits, all neighbours against scipy's, and how often it fires."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from isexplore import demo, diagnose
from isexplore.classifiers.digits import DigitsClassifier
from isexplore.collapse.evidence import Evidence, Side, side_of
from isexplore.collapse.near import check_near_repeats
from isexplore.collapse.neighbours import nearest
from isexplore.predictions import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.collapse.finding import Finding


@cache
def real() -> NDArray[np.uint8]:
    digits = demo.real()
    return np.stack([digits.read(i) for i in range(len(digits))])


def embedded(images: NDArray[np.uint8]) -> Side:
    classifier = DigitsClassifier()
    with torch.no_grad():
        features = classifier.module.layers[:-1](classifier.prepare(list(images)))
        p = classifier.module.layers[-1](features).softmax(1)
    predictions = Predictions.from_probabilities(p, thumbnails=images)
    return side_of(replace(predictions, embeddings=features.numpy().astype(np.float16)))


def bare(embeddings: NDArray[np.floating]) -> Side:
    return side_of(Predictions.from_probabilities(np.full((len(embeddings), 2), 0.5)), embeddings)


def noisy(images: NDArray[np.uint8], sd: float = 2) -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).normal(0, sd, images.shape)
    return np.clip(np.round(images + noise), 0, 255).astype(np.uint8)


def near(sample: Side, reference: Side | None = None) -> Finding:
    (finding,) = check_near_repeats(Evidence(sample, reference))
    return finding


# Findings ------------------------------------------------------------------------------------------------------------


def test_real_digits_do_not_repeat() -> None:
    sample, reference = embedded(real()[::2]), embedded(real()[1::2])
    for finding in (near(sample), near(sample, reference)):
        assert (finding.severity, finding.value, len(finding.images)) == ("fine", 0, 0)


def test_noisy_copies_of_one_percent_are_found() -> None:
    sample = embedded(np.concatenate([real()[:890], noisy(real()[:10])]))
    for finding in (near(sample), near(sample, embedded(real()[890:]))):
        assert (finding.severity, finding.value) == ("warning", 10)
        assert finding.images.tolist() == [i for k in range(10) for i in (k, 890 + k)]
        assert (
            "10 of 900 different images nearly repeat another one (20 with those that they repeat; " in finding.sentence
        )


def test_a_memorised_image_of_each_class_with_noise_is_severe_though_its_score_is_perfect() -> None:
    sample = embedded(noisy(np.tile(real()[:10], (60, 1, 1, 1)), 4))
    assert sample.score.overall == pytest.approx(10, abs=0.1)
    finding = near(sample, embedded(real()[10:]))
    assert (finding.severity, finding.value) == ("severe", 590)
    assert "as if drawn from 10 equally likely images" in finding.sentence


def test_a_single_image_with_noise_is_severe() -> None:
    assert near(embedded(noisy(np.repeat(real()[:1], 200, axis=0))), embedded(real()[1:])).severity == "severe"


def test_exact_repeats_are_left_out() -> None:
    sample = embedded(np.concatenate([real()[:300], real()[:100]]))
    finding = near(sample, embedded(real()[300:]))
    assert (finding.severity, finding.value) == ("fine", 0)
    assert finding.sentence.startswith(
        "None of 300 different images nearly repeats another one (embeddings closer than"
    )
    assert finding.sentence.endswith("; of as many images of the reference, 0 do.")


def test_the_wandering_gan_repeats_itself_nearly_too() -> None:
    wandering = demo.gan("wandering", 100)
    images = np.stack([wandering.read(i) for i in range(len(wandering))])
    finding = near(embedded(images), embedded(real()))
    assert finding.severity == "severe"
    assert " of 807 different images" in finding.sentence


def test_nothing_is_said_without_embeddings_and_of_two_images_that_they_are_too_few() -> None:
    silent = side_of(Predictions.from_probabilities(np.eye(5)))
    assert list(check_near_repeats(Evidence(silent))) == []
    for few in (near(bare(np.eye(2))), near(bare(np.eye(5)), bare(np.eye(2, 5)))):
        assert (few.severity, few.value, few.p_value) == ("fine", 2, None)
        assert few.sentence.endswith("it takes 3 different images in each set, and one has 2.")


def test_a_reference_without_embeddings_is_none() -> None:
    silent = side_of(Predictions.from_probabilities(np.eye(5)))
    assert near(bare(np.eye(5)), silent).p_value is None


def test_equal_embeddings_are_near_whatever_the_unit() -> None:
    assert near(bare(np.zeros((50, 3)))).severity == "severe"
    assert near(bare(np.zeros((50, 3))), bare(np.random.default_rng(0).normal(size=(50, 3)))).severity == "severe"


def test_embeddings_of_different_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="have 5 dimensions, those of the reference 4"):
        near(bare(np.eye(5)), bare(np.eye(4)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [70_000.0, 1e30, np.nan, -np.inf])
def test_embeddings_that_are_brought_along_are_held_to_the_same_as_kept_ones(value: float, dtype: type) -> None:
    preds = Predictions.from_probabilities(np.eye(5))
    given: NDArray[np.floating] = np.zeros((5, 3), dtype)
    given[3, 1] = value
    with pytest.raises(ValueError, match="embedding of 'image 3' holds") as kept:
        Predictions.from_probabilities(np.eye(5), embeddings=given)
    with pytest.raises(ValueError, match="embedding of 'image 3' holds") as brought:
        diagnose(preds, embeddings=given)
    assert str(kept.value) == str(brought.value)


# How often it fires where nothing is wrong ----------------------------------------------------------------------------


def test_two_sets_of_one_law_with_near_copies_fire_no_more_often_than_stated() -> None:
    """The law: 60 images that come with a little noise, beside a cloud of others."""
    rng, fired, found = np.random.default_rng(0), 0, 0.0
    centres = rng.normal(size=(60, 8))

    def drawn() -> NDArray[np.float64]:
        return np.concatenate([rng.choice(centres, 30) + 1e-3 * rng.normal(size=(30, 8)), rng.normal(size=(60, 8))])

    for _ in range(150):
        finding = near(bare(drawn()), bare(drawn()))
        found += finding.value
        fired += finding.fires
    assert found / 150 > 3  # there is something to find, in both
    assert fired <= 5  # 1.5 expected at most; more than 5 come up once in 200 times


# Neighbours -----------------------------------------------------------------------------------------------------------


def test_neighbours_in_few_dimensions_are_exact() -> None:
    points = np.random.default_rng(0).normal(size=(200, 20))
    rows = np.arange(0, 200, 2)
    found, distances = nearest(points, rows, seed=0)
    all_distances = cdist(points[rows], points[rows])
    np.fill_diagonal(all_distances, np.inf)
    np.testing.assert_array_equal(found, np.argsort(all_distances, axis=1)[:, :8])
    np.testing.assert_allclose(distances, np.sort(all_distances, axis=1)[:, :8], rtol=1e-5)


def test_near_copies_in_many_dimensions_are_all_found_with_their_distances() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(1000, 512)).astype(np.float16)
    points[500:] = points[:500] + np.float16(0.25) * rng.normal(size=(500, 512)).astype(np.float16)
    found, distances = nearest(points, np.arange(1000), seed=3)
    np.testing.assert_array_equal(found[:, 0], (np.arange(1000) + 500) % 1000)
    np.testing.assert_allclose(distances[:500, 0], np.linalg.norm(points[500:].astype(float) - points[:500], axis=1))


def test_the_median_distance_of_digits_is_hardly_too_large() -> None:
    rows = embedded(real()).embeddings
    assert rows is not None
    exact = cdist(rows, rows)
    np.fill_diagonal(exact, np.inf)
    median = np.median(nearest(rows, np.arange(len(rows)), seed=0)[1][:, 0])
    assert 1 - 1e-6 <= median / np.median(exact.min(axis=1)) < 1.03
