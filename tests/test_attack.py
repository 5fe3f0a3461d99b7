"""Gradient ascent on the score: what it reaches, what it leaves alone, and the place that shows it."""

from __future__ import annotations

import io
import json
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

import isexplore as ix
from isexplore.attack import ascend, classified, nearest, noise
from isexplore.classifiers import load_classifier
from isexplore.widgets.playground import attack_state
from isexplore.widgets.playground.attack import AttackPlace
from isexplore.widgets.playground.attack_state import AttackState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

NETWORK = load_classifier("digits").module
DIGITS = np.stack([ix.demo.real().read(i) for i in range(1797)])


def last(n: int, seed: int, steps: int) -> NDArray[np.uint8]:
    *_, images = ascend(NETWORK, noise(n, seed), steps)
    return images


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_outscores_what_it_was_and_comes_near_ten(seed: int) -> None:
    images = last(200, seed, 80)
    predictions = ix.predict(ix.open_images(images), "digits", device="cpu", progress=False)  # as any other images
    before = ix.inception_score(classified(NETWORK, noise(200, seed)), splits=1).overall
    after = ix.inception_score(predictions, splits=1).overall
    assert before < 5
    assert after > 9.5
    assert ix.inception_score(classified(NETWORK, images), splits=1).overall == pytest.approx(after, rel=1e-6)


def test_what_scores_so_well_is_no_digit() -> None:
    images = last(100, 0, 40)
    among_digits = [nearest(DIGITS[i : i + 1], np.delete(DIGITS, i, axis=0))[0] for i in range(0, 1797, 30)]
    # As far from every digit as noise is: farther than any digit is from its nearest neighbour.
    assert nearest(images, DIGITS).min() > max(among_digits)
    assert np.corrcoef(images.ravel(), noise(100, 0).ravel())[0, 1] > 0.7
    assert np.abs(images.astype(int) - noise(100, 0)).max() <= round(0.3 * 255) + 1
    assert nearest(images, DIGITS).mean() > 0.95 * nearest(noise(100, 0), DIGITS).mean()


def test_every_step_is_a_file_of_gray_levels_and_the_network_stays_as_it_was() -> None:
    weights = [parameter.clone() for parameter in NETWORK.parameters()]
    start = noise(20, 3)
    seen = list(ascend(NETWORK, start, 3))
    assert len(seen) == 4
    np.testing.assert_array_equal(seen[0], start)
    assert {images.dtype for images in seen} == {np.dtype(np.uint8)}
    assert {images.shape for images in seen} == {(20, 8, 8, 1)}
    # The first step of Adam is as long as its rate, 12.75 gray levels: rounded, not cut off, that is 13 up or down.
    first = (seen[1].astype(int) - start)[(start > 13) & (start < 242)]
    assert (first.min(), first.max()) == (-13, 13)
    assert all(torch.equal(a, b) for a, b in zip(weights, NETWORK.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in NETWORK.parameters())


def test_a_seed_decides_everything() -> None:
    np.testing.assert_array_equal(last(20, 4, 5), last(20, 4, 5))
    assert not np.array_equal(last(20, 4, 5), last(20, 5, 5))


def test_nearest_is_the_root_mean_square() -> None:
    images, others = noise(5, 0), noise(7, 1)
    expected = [min(np.sqrt(np.mean((a.astype(float) - b.astype(float)) ** 2)) for b in others) for a in images]
    np.testing.assert_allclose(nearest(images, others), expected)


# The place


@pytest.fixture
def state() -> Iterator[AttackState]:
    it = AttackState()
    it.wait()
    yield it
    it.abandon()


def test_a_climb_is_looked_at_every_second_step(state: AttackState) -> None:
    state.set_values({"images": 100, "steps": 10, "seed": 3})
    state.wait()
    assert state.frame.steps == (0,)
    state.start()
    state.wait()
    frame = state.frame
    assert frame.steps == (0, 2, 4, 6, 8, 10)
    assert frame.done
    assert not frame.running
    images = list(ascend(NETWORK, noise(100, 3), 10))
    expected = [ix.inception_score(classified(NETWORK, images[step]), splits=1).overall for step in frame.steps]
    np.testing.assert_allclose(frame.scores, expected)
    assert frame.look is not None
    np.testing.assert_array_equal(frame.look.images, images[-1][:60])
    state.start()  # again, from the noise
    state.wait()
    np.testing.assert_allclose(state.frame.scores, expected)


def test_a_stop_is_heard_within_a_step_and_the_climb_goes_on_from_there(
    state: AttackState, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go, made = Event(), Event(), []

    def slow(*arguments: Any) -> Iterator[NDArray[np.uint8]]:
        for step, images in enumerate(ascend(*arguments)):
            if step == 5:
                asked.set()
                assert go.wait(60)
            made.append(step)
            yield images

    monkeypatch.setattr(attack_state, "ascend", slow)
    state.set_values({"images": 100, "steps": 20})
    state.start()
    assert asked.wait(60)
    state.stop()
    assert not state.frame.running
    go.set()
    state.wait()
    assert made == list(range(6))  # the step under way, and no other
    assert state.frame.steps == (0, 2, 4)
    state.start()
    state.wait()
    assert made == list(range(21))
    assert state.frame.steps == (0, 2, 4, *range(6, 21, 2))


def test_after_a_reset_an_older_climb_has_no_say(state: AttackState, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, go = Event(), Event()
    look = AttackState._look

    def slow(self: AttackState, step: int, images: NDArray[np.uint8]) -> attack_state.Look:
        if step == 4:
            asked.set()
            assert go.wait(60)
        return look(self, step, images)

    monkeypatch.setattr(AttackState, "_look", slow)
    state.start()
    assert asked.wait(60)
    state.set_values({"seed": 9})
    go.set()
    state.wait()
    assert state.frame.steps == (0,)
    assert not state.frame.running
    assert state.text == "attack seed=9"


def test_what_fails_is_said_and_can_be_tried_again(state: AttackState, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(attack_state, "classified", lambda *_: 1 / 0)
        state.start()
        state.wait()
    assert "division" in state.frame.problem
    state.set_values({"steps": 10})
    state.start()
    state.wait()
    assert not state.frame.problem
    assert state.frame.done


@pytest.mark.parametrize("text", ["attack", "attack images=500 seed=3", "attack step_size=0.1 steps=40"])
def test_a_text_leads_back_to_itself(state: AttackState, text: str) -> None:
    state.open(text)
    words = state.text.split()
    assert words[0] == "attack"
    assert sorted(words) == sorted(text.split())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must begin with attack"),
        ("digits", "must begin with attack"),
        ("attack images", "not of the form name=value"),
        ("attack images=many", "images=many: .many. is no number"),
        ("attack images=nan", "images is nan"),
        ("attack images=1e9", "between 100 and 1000"),
        ("attack speed=3", "no parameter 'speed'; it has: images, steps, step_size, seed"),
        ("attack seed=1 seed=2", "given twice"),
    ],
)
def test_a_wrong_text_says_so_and_changes_nothing(state: AttackState, text: str, message: str) -> None:
    before = state.frame
    with pytest.raises(ValueError, match=message):
        state.open(text)
    assert state.frame is before


def test_the_panel_sends_one_picture_with_what_the_network_calls_each() -> None:
    place = AttackPlace()
    place.state.wait()
    panel = place.panel
    view = panel.view
    json.dumps(view)
    seen = view["seen"]
    assert len(seen["calls"]) == 60
    assert all(0 <= digit <= 9 and 0.1 <= p <= 1 for digit, p in seen["calls"])
    sprite = np.asarray(Image.open(io.BytesIO(panel.sprite)))
    assert sprite.shape == (40, 96)
    np.testing.assert_array_equal(sprite[8:16, 16:24], noise(200, 0)[14, ..., 0])  # the second row, the third place
    panel.asked = {"serial": 1, "values": {"images": 100, "steps": 10, "step_size": 0.05, "seed": 2}}
    assert place.text == "attack images=100 steps=10 seed=2"
    (receive,) = panel._msg_callbacks.callbacks
    receive(panel, {"kind": "start"}, [])
    assert panel.view["running"]
    place.state.wait()
    assert panel.view["done"]
    panel.asked = {"serial": 2, "values": {"images": 3}}
    assert panel.error == "images is 3: it must lie between 100 and 1000 (images)"
    assert panel.view["serial"] == 2
    receive(panel, {"kind": "explode"}, [])
    assert "no action 'explode'" in panel.error
    place.close()
