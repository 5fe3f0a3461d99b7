"""The playground's controls and curve, headless: what they send to the page, and what they make of what comes back."""

from __future__ import annotations

import inspect
import json
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import isexplore as ix
from isexplore.contrived import SCENARIOS, Answer, Distinct, Number, Scenario
from isexplore.parameters import number, shares
from isexplore.widgets.playground import state as state_module
from isexplore.widgets.playground.controls import ControlsPanel, _stops
from isexplore.widgets.playground.curve import CurvePanel
from isexplore.widgets.playground.frame import curve_of
from isexplore.widgets.playground.setting import setting_from
from isexplore.widgets.playground.state import PlayState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isexplore.widgets.panel import Panel


@dataclass(frozen=True, kw_only=True)
class Some(Scenario):
    """The first few of some classes, with these shares: not every number goes with every list."""

    key: ClassVar = "some"
    title: ClassVar = "Some"
    teaches: ClassVar = ""
    formula: ClassVar = ""

    shares: tuple[float, ...] = shares((1, 1, 1, 1, 1), "shares", 9)
    kept: int = number(2, "classes kept", 1, 1000, 1, "classes", logarithmic=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kept > len(self.shares):
            raise ValueError(f"{self.kept} of {len(self.shares)} classes can't be kept")

    def rows(self) -> Distinct:
        return Distinct(np.eye(len(self.shares)), np.tile(np.arange(self.kept), 6))

    def whole(self) -> Answer:
        return Answer(self.kept)

    def reason(self) -> str:
        return ""


@pytest.fixture(autouse=True)
def _some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCENARIOS, "some", Some)


@pytest.fixture
def state() -> Iterator[PlayState]:
    it = PlayState("uniform-mix share=0.25")
    it.finish()
    yield it
    it.close()


def ask(panel: ControlsPanel, **values: Any) -> None:
    """Let the page move something."""
    serial: Any = panel.asked["serial"]
    panel.asked = {"serial": serial + 1, "values": values}


def say(panel: Panel[Any], content: object) -> None:
    """Let the page send a message."""
    (callback,) = panel._msg_callbacks.callbacks
    callback(panel, content, [])


def updates(panel: Panel[Any]) -> list[dict[str, Any]]:
    """Return a list that fills with the trait changes that go to the page, one entry a message."""
    sent: list[dict[str, Any]] = []

    def send(data: dict[str, Any], **_: object) -> None:
        if data["method"] == "update":
            sent.append(data["state"])

    panel.comm.send = send
    return sent


def numbers_in(view: Any) -> set[float]:
    """Return all numbers in a picture."""
    if isinstance(view, dict):
        return set().union(*map(numbers_in, view.values()))
    if isinstance(view, list):
        return set().union(*map(numbers_in, view))
    return {view} if isinstance(view, (int, float)) and not isinstance(view, bool) else set()


# The controls


@pytest.mark.parametrize("text", ["uniform-mix", "free-play splits=3", "class-order"])
def test_there_is_a_control_for_each_parameter_with_its_value(text: str) -> None:
    state = PlayState(text)
    panel, setting = ControlsPanel(state), setting_from(text)
    assert [row["name"] for row in panel.rows] == [*setting.scenario.parameters(), "splits"]
    assert list(panel.view["values"]) == [row["name"] for row in panel.rows]
    for row, parameter in zip(panel.rows, setting.parameters().values(), strict=True):
        assert row["title"] == parameter.title
        value = panel.view["values"][row["name"]]
        assert setting.value(row["name"]) == (tuple(value) if isinstance(value, list) else value)
        if isinstance(parameter, Number):
            assert (row["low"], row["high"], row["step"]) == (parameter.low, parameter.high, parameter.step)
    json.dumps([panel.rows, panel.view], allow_nan=False)
    state.close()


def test_a_logarithmic_slider_has_positions_at_equal_ratios_which_are_all_possible() -> None:
    panel = ControlsPanel(PlayState("some"))
    row = panel.rows[0]
    positions = row["positions"]
    assert (positions[0], positions[-1]) == (row["low"], row["high"])
    assert positions == sorted(set(positions))
    assert all(position == int(position) for position in positions)
    ratios = np.diff(np.log(positions[-50:]))
    np.testing.assert_allclose(ratios, math.log(1000) / 120, rtol=0.2)  # of whole numbers, so only nearly
    assert ControlsPanel(PlayState("uniform-mix")).rows[-1]["positions"] is None  # the number of splits
    panel.state.close()


def test_a_move_is_one_message_with_the_number_of_the_move(state: PlayState) -> None:
    panel = ControlsPanel(state)
    sent = updates(panel)
    ask(panel, share=0.5)
    assert [list(message) for message in sent if "view" in message] == [["view"]]
    assert panel.view["values"] == {"classes": 10, "per_class": 100, "share": 0.5, "splits": 1}
    assert panel.view["serial"] == panel.asked["serial"] == 1
    assert state.frame.shown.setting.scenario == SCENARIOS["uniform-mix"](share=0.5)  # type: ignore[call-arg]


def test_several_values_move_at_once(state: PlayState) -> None:
    panel, frames = ControlsPanel(state), list[Any]()
    state.observe(frames.append, "frame")
    ask(panel, share=0.5, classes=20, splits=4)
    assert len({id(change["new"].shown) for change in frames}) == 1
    assert panel.view["values"] == {"classes": 20, "per_class": 100, "share": 0.5, "splits": 4}


def test_what_moves_elsewhere_moves_the_controls_and_is_no_answer(state: PlayState) -> None:
    panel = ControlsPanel(state)
    ask(panel, share=0.5)
    asked = panel.asked
    state.set_values({"classes": 30})
    assert (panel.view["values"]["classes"], panel.view["serial"], panel.asked) == (30, 1, asked)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"share": 3}, r"share is 3: it must lie between 0 and 1"),
        ({"share": "x"}, "share is 'x': give a number"),
        ({"share": math.nan}, "share is nan"),
        ({"classes": 2.5}, "classes is 2.5: it must be a whole number"),
        ({"nobody": 1}, "has no parameter 'nobody'"),
        ({"splits": 0}, "splits is 0"),
        ({"share": 0.5, "classes": 10**400}, ""),
        (None, ""),
        (["share"], ""),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_the_controls_go_back(state: PlayState, values: Any, words: str) -> None:
    panel = ControlsPanel(state)
    frame, before = state.frame, panel.view
    panel.asked = {"serial": 7, "values": values}
    assert re.search(words, panel.error)
    assert panel.error
    assert state.frame is frame
    assert panel.view == {**before, "serial": 7}  # answered, so that the page no longer waits
    ask(panel, share=0.75)
    assert (panel.error, panel.view["values"]["share"]) == ("", 0.75)


@pytest.mark.parametrize("asked", [{}, {"values": {"share": 0.5}}, {"serial": None, "values": {}}, {"serial": 1}])
def test_a_malformed_move_is_an_error(state: PlayState, asked: dict[str, Any]) -> None:
    panel, frame = ControlsPanel(state), state.frame
    panel.asked = asked
    assert panel.error
    assert state.frame is frame


def test_more_splits_than_images_become_as_many_and_the_slider_is_told() -> None:
    panel = ControlsPanel(PlayState("some"))
    assert panel.rows[-1]["high"] == 12
    ask(panel, splits=50)
    assert (panel.view["values"]["splits"], panel.view["serial"]) == (12, 1)
    ask(panel, splits=50)  # nothing changes, but the page must hear of it
    assert (panel.view["values"]["splits"], panel.view["serial"]) == (12, 2)
    ask(panel, kept=5)
    assert panel.rows[-1]["high"] == 30
    panel.state.close()


@pytest.mark.parametrize("action", ["reset", "open", "swap"])
def test_a_move_of_what_is_gone_comes_too_late(action: str, state: PlayState) -> None:
    panel = ControlsPanel(state)
    state.pin()
    ask(panel, share=0.5)
    seen = panel.view["opened"]
    {"reset": state.reset, "open": lambda: state.open("uniform-mix share=0.75"), "swap": state.swap}[action]()
    before = state.frame.shown
    panel.asked = {"serial": 9, "opened": seen, "values": {"share": 0.9}}
    assert state.frame.shown is before
    assert (panel.view["serial"], panel.error) == (9, "")
    panel.asked = {"serial": 10, "opened": panel.view["opened"], "values": {"share": 0.9}}
    assert state.frame.shown.setting.value("share") == 0.9


def test_lists_of_shares_have_no_control_here() -> None:
    panel = ControlsPanel(PlayState("some"))
    assert [row["name"] for row in panel.rows] == list(panel.view["values"]) == ["kept", "splits"]
    panel.state.close()


def test_the_controls_themselves_are_sent_only_when_they_change(state: PlayState) -> None:
    panel = ControlsPanel(state)
    sent = updates(panel)
    ask(panel, share=0.5)
    assert [message for message in sent if "rows" in message] == []
    state.open("free-play")
    assert any("rows" in message for message in sent)


# Play


def test_play_visits_points_from_end_to_end_once_and_then_there_is_no_step(state: PlayState) -> None:
    panel = ControlsPanel(state)
    ask(panel, share=panel.view["first"])
    state.finish()
    visited = [panel.view["values"]["share"]]
    while panel.view["after"] is not None and len(visited) < 100:
        ask(panel, share=panel.view["after"])
        visited.append(panel.view["values"]["share"])
    assert (len(visited), visited[0], visited[-1]) == (41, 0, 1)
    assert visited == sorted(set(visited) & set(curve_of(state.frame.shown.setting).values.tolist()))
    assert panel.error == ""


@given(st.floats(0, 1))
def test_a_step_leads_to_the_nearest_points_on_both_sides(value: float) -> None:
    state = PlayState("uniform-mix")
    panel = ControlsPanel(state)
    ask(panel, share=value)
    state.finish()
    stops, view = np.array(_stops(state.frame.curve.values)) if state.frame.curve else np.zeros(0), panel.view
    assert len(stops) == 41
    if value > 0:
        assert view["before"] < value
        assert not ((view["before"] < stops) & (stops < value)).any()
    if value < 1:
        assert value < view["after"]
        assert not ((value < stops) & (stops < view["after"])).any()
    assert [view["before"] is None, view["after"] is None] == [value == 0, value == 1]
    state.close()


def test_play_stops_where_values_no_longer_go_with_the_others() -> None:
    state = PlayState("some kept=5 moved=kept")
    state.finish()
    view = ControlsPanel(state).view
    assert (view["before"], view["after"], view["first"]) == (4, None, 1)
    state.close()


def test_a_step_goes_through_the_numbers_of_splits_too(state: PlayState) -> None:
    panel = ControlsPanel(state)
    say(panel, {"kind": "moved", "value": "splits"})
    state.finish()
    assert (panel.view["moved"], panel.view["before"], panel.view["first"]) == ("splits", None, 1)
    ask(panel, splits=panel.view["after"])
    assert state.frame.shown.setting.splits > 1


def test_what_has_no_numbers_cannot_be_moved() -> None:
    panel = ControlsPanel(PlayState("free-play"))
    moved = panel.view["moved"]
    say(panel, {"kind": "moved", "value": "order"})
    assert "no number 'order' to move" in panel.error
    assert panel.view["moved"] == moved
    panel.state.close()


# The curve


def test_the_curve_is_the_librarys_score_and_the_known_formula(state: PlayState) -> None:
    view = CurvePanel(state).view
    assert (view["title"], view["low"], view["high"], view["at"]) == ("uniform part ε of each row", 0, 1, 0.25)
    mix = SCENARIOS["uniform-mix"]
    for i in (0, 10, 37, 40):
        p = mix(share=view["values"][i]).probabilities()  # type: ignore[call-arg]
        score = ix.inception_score(p)
        assert view["scores"][i] == pytest.approx(score.overall, abs=1e-9)
        assert view["varieties"][i] == pytest.approx(score.marginal_entropy, abs=1e-9)
        assert view["doubts"][i] == pytest.approx(score.conditional_entropy.mean(), abs=1e-9)
    for share, known in {0.1: 6.064, 0.25: 3.579, 0.5: 1.870}.items():  # worked out by hand, to four digits
        assert view["exact"][view["values"].index(share)] == pytest.approx(known, abs=5e-4)
    assert view["now"] == pytest.approx(
        {"score": 3.579, "exact": 3.579, "variety": math.log(10), "doubt": math.log(10 / 3.579)}, abs=5e-4
    )


def test_the_point_follows_at_once_and_the_curve_when_it_is_computed(
    state: PlayState, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, go_on = CurvePanel(state), Event()
    before = panel.view

    def slow(*arguments: Any) -> Any:
        assert go_on.wait(60)
        return curve_of(*arguments)

    monkeypatch.setattr(state_module, "curve_of", slow)
    state.set_values({"classes": 50, "per_class": 10})  # two at once: the curve stays over the share
    old = panel.view
    assert old["stale"]
    assert old["scores"] == before["scores"]
    assert old["now"]["score"] == pytest.approx(state.frame.shown.played.mean)
    assert old["now"]["score"] != pytest.approx(before["now"]["score"])
    state.set_moved("splits")
    assert (panel.view["stale"], panel.view["values"]) == (True, [])  # no curve of this kind was there
    state.set_moved("share")
    go_on.set()
    state.finish()
    assert not panel.view["stale"]
    assert panel.view["scores"][0] == pytest.approx(50)


def test_a_point_where_no_formula_is_known_is_a_gap() -> None:
    state = PlayState("free-play order=shuffled splits=5")
    panel = CurvePanel(state)
    state.finish()
    assert panel.view["answered"] is None
    assert panel.view["now"]["exact"] is None
    assert panel.view["exact"][-1] is None
    assert len(panel.view["exact"]) == len(panel.view["scores"]) == 10
    json.dumps(panel.view, allow_nan=False)
    state.close()


def test_the_words_say_which_mean_is_shown(state: PlayState) -> None:
    panel = CurvePanel(state)
    assert panel.view["computed"] == "all images as one split"
    state.set_values({"splits": 10})
    assert panel.view["computed"] == "mean over 10 splits"


def test_an_expected_score_is_held_against_the_mean_of_the_logarithms() -> None:
    state = PlayState("random-images classes=10 images=50 splits=10")
    panel, played = CurvePanel(state), state.frame.shown.played
    assert panel.view["computed"] == "exp of the mean of ln IS over 10 splits"
    assert panel.view["now"]["score"] == pytest.approx(math.exp(np.log(played.split_scores).mean()))
    assert panel.view["now"]["score"] < played.mean - 0.01
    assert panel.view["now"]["exact"] == pytest.approx(3.853, abs=5e-4)  # worked out by hand
    state.close()


@pytest.mark.parametrize("key", SCENARIOS)
def test_every_scenario_has_controls_and_a_curve(key: str) -> None:
    state = PlayState(key)
    controls, curve = ControlsPanel(state), CurvePanel(state)
    state.finish()
    json.dumps([controls.rows, controls.view, curve.view], allow_nan=False)
    assert len(curve.view["values"]) == len(curve.view["exact"]) > 1
    assert curve.view["low"] <= curve.view["at"] <= curve.view["high"]
    ask(controls, **controls.view["values"])  # what the page was told, it may say
    assert (controls.error, controls.view["serial"]) == ("", 1)
    state.close()


def test_a_click_on_the_curve_moves_the_parameter_there(state: PlayState) -> None:
    panel = CurvePanel(state)
    say(panel, {"kind": "move", "value": 0.75})
    assert (panel.view["at"], panel.error, panel.view["stale"]) == (0.75, "", False)
    say(panel, {"kind": "move", "value": 2})
    assert (panel.view["at"], panel.error) == (0.75, "share is 2: it must lie between 0 and 1 (share)")


def test_other_lines_are_shown_on_request(state: PlayState) -> None:
    panel = CurvePanel(state)
    say(panel, {"kind": "lines", "value": "terms"})
    assert panel.view["lines"] == "terms"
    state.set_values({"share": 0.5})
    assert panel.view["lines"] == "terms"


# In an exercise


def test_nobody_learns_the_score_before_the_guess(state: PlayState) -> None:
    controls, curve = ControlsPanel(state), CurvePanel(state)
    state.set_exercise(on=True)
    state.set_values({"share": 0.3})
    state.finish()
    shown, computed = state.frame.shown, state.frame.curve
    assert shown.answer is not None
    assert computed is not None
    secrets = [shown.score, shown.answer.score, shown.played.variety, shown.played.doubt, math.log(shown.score)]
    secrets += [*computed.scores, *computed.exact, *computed.variety, *computed.doubt]
    for panel in (controls, curve):
        ranges = numbers_in(controls.rows) | {0, 1, 10}
        told = numbers_in(panel.view) - ranges
        assert [secret for secret in secrets if any(math.isclose(secret, one, rel_tol=1e-6) for one in told)] == []
    assert (curve.view["hidden"], controls.view["exercise"], curve.view["now"]) == (True, True, None)
    state.guess(3)
    assert (curve.view["hidden"], curve.view["now"]["score"]) == (False, shown.score)
    assert len(curve.view["scores"]) == 101
    state.set_values({"share": 0.35})  # a new question
    assert (curve.view["now"], curve.view["scores"]) == (None, [])


# What comes from the page may be anything


@pytest.mark.parametrize("kind", [ControlsPanel, CurvePanel])
def test_page_and_kernel_speak_of_the_same_things(kind: type[Panel[Any]]) -> None:
    module = Path(inspect.getfile(kind))
    script, source = module.with_suffix(".js").read_text("utf-8"), module.read_text("utf-8")
    asked = set(re.findall(r"\b(?:v|row|next|view\(\))\.(\w+)", script)) - {"disabled"}
    said = set(re.findall(r"""(?:\bsend\(|\bkind: )"([\w-]+)\"""", script))
    assert {name for name in asked | said if f'"{name}"' not in source} == set()


NO_MESSAGES: list[object] = [None, [], "text", 5]
BAD: list[tuple[type[Panel[Any]], object]] = [
    (ControlsPanel, {"kind": "moved"}),
    (ControlsPanel, {"kind": "moved", "value": "nobody"}),
    (ControlsPanel, {"kind": "moved", "value": []}),
    (ControlsPanel, {"kind": "step", "value": 1}),
    (CurvePanel, {"kind": "move"}),
    (CurvePanel, {"kind": "move", "value": None}),
    (CurvePanel, {"kind": "move", "value": math.nan}),
    (CurvePanel, {"kind": "move", "value": 10**400}),
    (CurvePanel, {"kind": "lines", "value": "pages"}),
    (CurvePanel, {"kind": "lines", "value": []}),
    (CurvePanel, {"kind": "anything", "value": 1}),
    *((kind, content) for kind in (ControlsPanel, CurvePanel) for content in NO_MESSAGES),
]


@pytest.mark.parametrize(("kind", "content"), BAD)
def test_a_malformed_message_ends_in_the_panels_error(
    state: PlayState, kind: type[Panel[Any]], content: object
) -> None:
    panel = kind(state)
    frame, view = state.frame, panel.view
    say(panel, content)
    assert panel.error
    assert (state.frame, panel.view) == (frame, view)


def test_a_closed_panel_no_longer_follows(state: PlayState) -> None:
    panels = ControlsPanel(state), CurvePanel(state)
    views = [panel.view for panel in panels]
    for panel in panels:
        panel.close()
    state.set_values({"share": 0.9})
    assert [panel.view for panel in panels] == views


def test_settings_that_differ_in_nothing_but_the_scenario_get_its_controls(state: PlayState) -> None:
    panel = ControlsPanel(state)
    setting = state.frame.shown.setting
    state.open("some")
    assert [row["title"] for row in panel.rows] == ["classes kept", "splits S"]
    assert replace(setting, splits=2).parameters().keys() != panel.view["values"].keys()
