"""Finding a classifier, and making images ready for it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from isexplore import demo
from isexplore.classifiers import Classifier, digits, load_classifier
from isexplore.classifiers.digits import DigitsClassifier, _resize
from isexplore.classifiers.module import ModuleClassifier

RANDOM = np.random.default_rng(0)


def test_importing_the_protocol_is_light() -> None:
    code = "import sys, isexplore.classifiers, isexplore.demo; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - a fixed command


def test_digits_is_found_by_name() -> None:
    found = load_classifier("digits")
    assert isinstance(found, Classifier)
    assert (found.name, found.class_names) == ("digits", tuple("0123456789"))
    assert "8×8" in found.preprocessing
    assert getattr(found, "input_size", None) == found.prepare([np.zeros((28, 20, 3), np.uint8)]).shape[-1]
    assert not found.module.training


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no classifier is named 'digit'; known are: 'digits'.* that end in \.pt2, "):
        load_classifier("digit")


@pytest.mark.parametrize("wrong", [None, 3, lambda images: images])
def test_what_is_no_network_is_refused(wrong: object) -> None:
    with pytest.raises(
        TypeError,
        match=rf"'inception-v3', a network file .*, a torch\.nn\.Module or a Classifier, not {type(wrong).__name__}",
    ):
        load_classifier(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [nn.Linear, DigitsClassifier])
def test_a_class_is_no_classifier(wrong: type) -> None:
    with pytest.raises(TypeError, match=f"not the class {wrong.__name__}"):
        load_classifier(wrong)  # type: ignore[arg-type]


def test_a_classifier_comes_back_unchanged() -> None:
    classifier = DigitsClassifier()
    assert load_classifier(classifier) is classifier


def test_a_bare_network_is_wrapped() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    wrapped = load_classifier(network)
    assert wrapped.module is network
    assert (wrapped.name, wrapped.class_names) == ("Sequential", None)
    assert isinstance(wrapped, Classifier)


def test_a_network_may_name_its_classes() -> None:
    network = nn.Linear(4, 2)
    network.class_names = ["cat", "dog"]  # type: ignore[assignment]
    assert load_classifier(network).class_names == ("cat", "dog")


@pytest.mark.parametrize("channels", [1, 3])
def test_module_gets_the_images_as_they_are(channels: int) -> None:
    images = RANDOM.integers(0, 256, (4, 5, 6, channels), np.uint8)
    batch = ModuleClassifier(nn.Identity()).prepare(list(images))
    assert batch.dtype == torch.float32
    np.testing.assert_allclose(batch.numpy(), images.transpose(0, 3, 1, 2) / 255, rtol=1e-6)


def test_module_refuses_images_of_several_shapes() -> None:
    images = [np.zeros(shape, np.uint8) for shape in ((8, 8, 1), (28, 28, 1), (8, 8, 3))]
    with pytest.raises(ValueError, match=r"8×8×1, 8×8×3, 28×28×1\); resize them to one shape, or wrap"):
        ModuleClassifier(nn.Identity()).prepare(images)


def test_digits_of_the_right_size_are_only_scaled() -> None:
    images = [demo.real().read(index) for index in range(20)]
    batch = DigitsClassifier().prepare(images)
    torch.testing.assert_close(batch, torch.from_numpy(np.stack(images)[:, None, ..., 0]) / 255, rtol=0, atol=0)


def test_digits_turn_colours_into_gray_by_luma() -> None:
    images = RANDOM.integers(0, 256, (4, 8, 8, 3), np.uint8)
    expected = images @ np.array([0.299, 0.587, 0.114]) / 255
    batch = DigitsClassifier().prepare(list(images))
    np.testing.assert_allclose(batch[:, 0].numpy(), expected, atol=1e-6)


def test_digits_are_resized_like_pillow_does() -> None:
    image = RANDOM.integers(0, 256, (28, 20, 1), np.uint8)
    expected = Image.fromarray(image[..., 0].astype(np.float32)).resize((8, 8), Image.Resampling.BILINEAR)
    batch = DigitsClassifier().prepare([image])
    np.testing.assert_allclose(batch[0, 0].numpy(), np.asarray(expected) / 255, atol=1e-5)


def test_digits_of_several_shapes_share_a_batch() -> None:
    images = [RANDOM.integers(0, 256, shape, np.uint8) for shape in ((8, 8, 1), (28, 28, 3), (5, 9, 1))]
    batch = DigitsClassifier().prepare(images)
    assert batch.shape == (3, 1, 8, 8)
    for image, row in zip(images, batch, strict=True):
        torch.testing.assert_close(DigitsClassifier().prepare([image])[0], row)


def test_digits_of_many_photos_are_resized_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    photos = [RANDOM.integers(0, 256, (1200, 1600, 3), np.uint8)] * 3
    shapes: list[torch.Size] = []

    def resize(batch: torch.Tensor) -> torch.Tensor:
        shapes.append(batch.shape)
        return _resize(batch)

    monkeypatch.setattr(digits, "_resize", resize)
    found = DigitsClassifier().prepare(photos)
    assert shapes == [(1, 1, 1200, 1600)] * 3
    torch.testing.assert_close(found, DigitsClassifier().prepare(photos[:1]).expand(3, 1, 8, 8), rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(28, 28, 3), (8, 8, 1), (5, 9, 3)])
def test_digits_are_the_same_one_by_one(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int, int]) -> None:
    images = list(RANDOM.integers(0, 256, (20, *shape), np.uint8))
    together = DigitsClassifier().prepare(images)
    monkeypatch.setattr(digits, "_TOGETHER", 0)
    torch.testing.assert_close(DigitsClassifier().prepare(images), together, rtol=0, atol=1e-7)


def test_enlarged_digits_are_still_recognised() -> None:
    real = demo.real()
    assert real.labels is not None
    large = [np.asarray(Image.fromarray(real.read(i)[..., 0]).resize((28, 28)).convert("RGB")) for i in range(200)]
    classifier = load_classifier("digits")
    with torch.inference_mode():
        found = classifier.module(classifier.prepare(large)).argmax(1)
    assert (found.numpy() == real.labels[:200]).mean() > 0.95
