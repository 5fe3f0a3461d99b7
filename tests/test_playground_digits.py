"""The place of the real digits, headless: what is asked for is computed, told and shown."""

from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

import isexplore as ix
from isexplore.images.altered import Alterations, altered
from isexplore.parametrised import to_text
from isexplore.widgets.playground import digits_state
from isexplore.widgets.playground.digits import DigitsPlace
from isexplore.widgets.playground.digits_lessons import lessons
from isexplore.widgets.playground.digits_state import DigitsSetting, DigitsState
from isexplore.widgets.playground.setting import place_setting

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def state() -> Iterator[DigitsState]:
    it = DigitsState()
    yield it
    it.abandon()


def ask(state: DigitsState, text: str) -> None:
    state.open(text)
    state.wait()
    assert not state.frame.busy


def test_it_begins_with_the_digits_as_they_are(state: DigitsState) -> None:
    real = ix.inception_score(ix.predict(ix.demo.real(), "digits", device="cpu", progress=False))
    assert state.text == "digits"
    assert state.frame.score.overall == pytest.approx(real.overall)
    assert state.frame.score.mean == pytest.approx(real.mean)
    assert state.frame.real.overall == pytest.approx(real.overall)


def test_what_is_shown_is_what_predict_says_of_the_altered_set(state: DigitsState) -> None:
    ask(state, "digits drop=3,7 blur=1 order=sorted")
    images = altered(ix.demo.real(), Alterations(drop=(3, 7), blur=1, order="sorted"))
    theirs = ix.predict(images, "digits", device="cpu", progress=False)
    shown = state.explorer.shown().sample.predictions
    assert (shown.probabilities == theirs.probabilities).all()
    assert shown.labels == theirs.labels
    assert state.frame.score.overall == pytest.approx(ix.inception_score(theirs).overall)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("digits kept=one", 9.9, 10),  # it can't see memorisation
        ("digits drop=0,1,2,3,4", 4.9, 5.05),  # it does see missing classes
        ("digits drop=1,2,3,4,5,6,7,8,9", 1, 1.1),
        ("digits copies=3", 9.9, 10),
        ("digits blur=3", 1, 1.5),
        ("digits noise=250", 2, 5),
        ("digits temperature=10", 1, 2),
        ("digits temperature=0.1", 9.99, 10),
    ],
)
def test_what_the_score_sees(state: DigitsState, text: str, low: float, high: float) -> None:
    ask(state, text)
    assert low <= state.frame.score.overall <= high


def test_order_alone_brings_the_mean_of_the_splits_down(state: DigitsState) -> None:
    ask(state, "digits order=sorted")
    assert state.frame.score.overall == pytest.approx(state.frame.real.overall)
    assert state.frame.score.mean < 1.3


def test_the_latest_request_wins(state: DigitsState, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go, computed = Event(), Event(), []
    predict = digits_state._predict

    def slow(setting: DigitsSetting, network: Any, check: Any) -> Any:
        begun.set()
        assert go.wait(60)
        computed.append(setting.blur)
        return predict(setting, network, check)

    monkeypatch.setattr(digits_state, "_predict", slow)
    for step in range(1, 20):
        state.set_values({"blur": step / 10})
        assert begun.wait(60)
    assert state.frame.busy
    assert state.frame.shown == DigitsSetting()
    go.set()
    state.wait()
    assert computed == [0.1, 1.9]
    assert state.frame.shown == state.frame.setting == DigitsSetting(blur=1.9)


def test_a_dragged_slider_leaves_no_references_behind(state: DigitsState) -> None:
    for blur in (0.5, 1, 1.5):
        ask(state, f"digits blur={blur}")
    assert len(state.explorer.references) == 2
    assert "digits: real" in state.explorer.references
    ask(state, "digits")
    ask(state, "digits temperature=3")
    assert len(state.explorer.references) == 2


def test_what_fails_is_said_and_the_next_works(state: DigitsState, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(digits_state, "_predict", lambda *_: 1 / 0)
        state.set_values({"blur": 1})
        state.wait()
    assert "division" in state.frame.problem
    assert not state.frame.busy
    assert state.frame.shown == DigitsSetting()
    state.set_values({"blur": 1})
    state.wait()
    assert not state.frame.problem
    assert state.frame.shown.blur == 1


@pytest.mark.parametrize(
    "text",
    [
        "digits",
        "digits drop=3,7 blur=1 order=sorted temperature=2",
        "digits kept=one copies=3 noise=20 seed=7",
        "digits temperature=0.33",
    ],
)
def test_a_text_leads_back_to_itself(text: str) -> None:
    assert sorted(to_text(place_setting(DigitsSetting, text)).split()) == sorted(text.split())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must begin with digits"),
        ("digit", "must begin with digits"),
        ("digits blurred", "not of the form name=value"),
        ("digits blur=much", "blur=much: .much. is no number"),
        ("digits blur=99", "between 0 and 3"),
        ("digits temperature=0", "between 0.1 and 10"),
        ("digits drop=3,x", "drop=3,x: .3,x. is no number"),
        ("digits drop=12", "drop names 12: give digits from 0 to 9"),
        ("digits drop=0,1,2,3,4,5,6,7,8,9", "all digits are dropped"),
        ("digits order=random", "order is 'random': it must be one of"),
        ("digits colour=red", "no parameter 'colour'; it has: drop"),
    ],
)
def test_a_wrong_text_says_so_and_changes_nothing(state: DigitsState, text: str, message: str) -> None:
    before = state.frame
    with pytest.raises(ValueError, match=message):
        state.open(text)
    assert state.frame is before


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("digits drop=3,7", "Without 3 and 7 the score is at most about 8"),
        ("digits kept=one", "memorised"),
        ("digits kept=one drop=4", "Only 9 different images"),
        ("digits copies=2", "Copies change nothing"),
        ("digits blur=1", "blurred"),
        ("digits noise=50", "With noise"),
        ("digits order=sorted", "each of 10 splits"),
        ("digits order=shuffled", "In random order"),
        ("digits temperature=2", "T = 2"),
    ],
)
def test_each_alteration_has_its_lesson(state: DigitsState, text: str, word: str) -> None:
    assert "as they are" in lessons(state.frame)[0]
    ask(state, text)
    change, *told = lessons(state.frame)
    assert change.startswith(f"Whole set {state.frame.real.overall:.2f} → {state.frame.score.overall:.2f}")
    assert len(told) == len(text.split()) - 1
    assert word in told[-1]


def test_the_panel_draws_its_controls_and_answers_each_move() -> None:
    place = DigitsPlace()
    panel = place.controls
    json.dumps(panel.view)
    assert [row["name"] for row in panel.view["rows"]] == list(DigitsSetting.parameters())
    assert all(row["value"] in row["positions"] for row in panel.view["rows"] if row["kind"] == "number")
    values = {row["name"]: row["value"] for row in panel.view["rows"]}
    panel.asked = {"serial": 1, "values": values | {"drop": [7, 3], "temperature": 0.33}}
    assert place.text == "digits drop=3,7 temperature=0.33"
    assert panel.view["serial"] == 1
    assert panel.view["busy"]
    place.state.wait()
    assert not panel.view["busy"]
    assert all(row["value"] in row["positions"] for row in panel.view["rows"] if row["kind"] == "number")
    assert place.header.view["overall"] == pytest.approx(place.state.frame.score.overall)
    panel.asked = {"serial": 2, "values": values | {"drop": list(range(10))}}
    assert panel.error == "all digits are dropped: keep at least one"
    assert panel.view["serial"] == 2
    assert panel.view["rows"][0]["value"] == [3, 7]
    panel.asked = {"serial": "x", "values": {"sugar": 1}}
    assert panel.error
    (receive,) = panel._msg_callbacks.callbacks
    receive(panel, {"kind": "open", "value": "digits  blur=1"}, [])
    assert panel.view["text"] == "digits blur=1"
    receive(panel, {"kind": "reset"}, [])
    assert place.text == "digits"
    receive(panel, {"kind": "explode"}, [])
    assert "no action 'explode'" in panel.error
    place.close()
