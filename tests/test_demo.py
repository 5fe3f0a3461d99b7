"""The embedded data: what it promises, and that the build scripts really made it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file
from scipy.stats import entropy
from sklearn.datasets import load_digits

from isexplore import demo
from isexplore.classifiers import load_classifier
from isexplore.demo.build import classifier, gan
from isexplore.demo.build.digits import ATTRIBUTION, held_out_quarter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from isexplore.images import ImageSet

DATA = Path(demo.__file__).parent / "data"


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Train as the build does: sums in the same order, and faster on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pictures(images: ImageSet) -> NDArray[np.uint8]:
    return np.stack([images.read(index) for index in range(len(images))])


def reference_score(images: ImageSet) -> float:
    digits = load_classifier("digits")
    with torch.inference_mode():
        p = digits.module(digits.prepare(list(pictures(images)))).double().softmax(1).numpy()
    return float(np.exp(entropy(p, p.mean(0), axis=1).mean()))


def test_everything_together_is_small() -> None:
    assert sum(path.stat().st_size for path in DATA.iterdir()) <= 3_000_000


def test_real_digits_are_those_of_scikit_learn() -> None:
    digits, ours = load_digits(), demo.real()
    np.testing.assert_array_equal(np.rint(pictures(ours)[..., 0] * (16 / 255)), digits.images)
    assert ours.labels == tuple(digits.target)
    assert (ours.name, ours.image_names[42]) == ("digits: real", "image 0042")
    assert ours.read(0).dtype == np.uint8
    assert pictures(ours).max() == 255


def test_a_quarter_of_each_class_is_held_out() -> None:
    digits = load_file(DATA / "digits.safetensors")
    np.testing.assert_array_equal(digits["held_out"], held_out_quarter(digits["labels"].astype(np.int64)))
    shares = [digits["held_out"][digits["labels"] == label].mean() for label in range(10)]
    np.testing.assert_allclose(shares, 0.25, atol=0.01)


def test_attribution_is_in_the_data() -> None:
    assert (DATA / "ATTRIBUTION.md").read_text(encoding="utf-8") == ATTRIBUTION
    assert all(word in ATTRIBUTION for word in ("Alpaydin", "Kaynak", "CC BY 4.0", "BSD-3-Clause", "0–255"))


def test_recorded_accuracy_is_that_of_the_held_out_rows() -> None:
    facts = json.loads((DATA / "classifier.json").read_text(encoding="utf-8"))
    digits = load_file(DATA / "digits.safetensors")
    held_out = digits["held_out"].astype(bool)
    network = load_classifier("digits").module
    labels = torch.from_numpy(digits["labels"][held_out].astype(np.int64))
    correct = classifier.count_correct(network, classifier.as_batch(digits["images"][held_out]), labels)
    assert (facts["held_out_correct"], facts["held_out_rows"]) == (correct, held_out.sum())
    assert facts["training_rows"] == (~held_out).sum()
    assert facts["held_out_accuracy"] == correct / held_out.sum()
    assert facts["held_out_accuracy"] >= 0.99
    assert facts["parameters"] == sum(weight.numel() for weight in network.parameters())


@pytest.mark.usefixtures("one_thread")
def test_classifier_is_trained_by_the_committed_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "EPOCHS", 2)
    digits = load_file(DATA / "digits.safetensors")
    images, labels = classifier.as_batch(digits["images"]), torch.from_numpy(digits["labels"].astype(np.int64))
    held_out = torch.from_numpy(digits["held_out"].astype(np.bool_))
    network = classifier.train(images[~held_out], labels[~held_out])
    assert classifier.count_correct(network, images[held_out], labels[held_out]) > 0.7 * held_out.sum()


def test_real_images_score_high() -> None:
    assert reference_score(demo.real()) > 9.5


def test_last_checkpoints_score_as_their_names_say() -> None:
    assert reference_score(demo.gan("healthy")) > 7.5
    assert reference_score(demo.gan("collapsed")) < 3
    assert reference_score(demo.gan("wandering")) < 3


def test_collapsed_rises_before_it_falls() -> None:
    scores = [reference_score(demo.gan("collapsed", step)) for step in demo.checkpoints("collapsed")]
    best = int(np.argmax(scores))
    assert 0 < best < len(scores) - 1
    assert scores[best] > 7


@pytest.mark.parametrize("name", demo.names())
def test_recorded_scores_and_steps_are_right(name: str) -> None:
    with safe_open(DATA / f"gan-{name}.safetensors", framework="numpy") as file:
        facts = json.loads(file.metadata()["facts"])
    assert tuple(facts["steps"]) == demo.checkpoints(name) == gan.RECIPES[name].steps
    fresh = [reference_score(demo.gan(name, step)) for step in demo.checkpoints(name)]
    np.testing.assert_allclose(facts["inception_scores"], fresh, atol=1e-3)


@pytest.mark.parametrize("name", demo.names())
def test_every_run_has_enough_checkpoints_and_samples(name: str) -> None:
    steps = demo.checkpoints(name)
    assert len(steps) >= 12
    assert list(steps) == sorted(set(steps))
    for step in steps:
        images = demo.gan(name, step)
        assert pictures(images).shape == (1000, 8, 8, 1)
        assert len(images) == len(set(images.image_names)) == 1000
        assert images.name == f"digits: {name} GAN, step {step}"
        assert images.labels is None


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", demo.names())
def test_samples_come_from_the_committed_training(name: str) -> None:
    # Only the first checkpoint: it takes a fraction of a second, and rounding grows to another picture in later ones.
    again = next(gan.train(load_file(DATA / "digits.safetensors")["images"], gan.RECIPES[name]))
    kept = pictures(demo.gan(name, demo.checkpoints(name)[0]))[..., 0]
    difference = np.abs(again.astype(int) - kept.astype(int))
    assert (difference <= 2).mean() >= 0.99


def test_last_step_is_the_default() -> None:
    last = demo.checkpoints("collapsed")[-1]
    np.testing.assert_array_equal(pictures(demo.gan("collapsed")), pictures(demo.gan("collapsed", last)))


def test_unknown_name_lists_the_names() -> None:
    for ask in (demo.gan, demo.checkpoints):
        with pytest.raises(ValueError, match="no GAN is named 'sick'; there are: healthy, collapsed, wandering"):
            ask("sick")


def test_unknown_step_lists_the_steps() -> None:
    with pytest.raises(ValueError, match=r"no samples at step 7; there are: 100, .*, 6000"):
        demo.gan("healthy", 7)
