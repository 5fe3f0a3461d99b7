"""The playground's head and formula, headless: what they send to the page, and what comes back from it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from isexplore import inception_score
from isexplore.contrived import SCENARIOS, Number
from isexplore.contrived.presets import PRESETS
from isexplore.widgets.playground.answers import AnswerBook
from isexplore.widgets.playground.formula import FormulaPanel
from isexplore.widgets.playground.head import HeadPanel
from isexplore.widgets.playground.state import PlayState

if TYPE_CHECKING:
    from collections.abc import Iterator

MIX = "uniform-mix share=0.25"


@pytest.fixture(autouse=True)
def book(monkeypatch: pytest.MonkeyPatch) -> AnswerBook:
    """Return the kernel's list of answers, empty in each test."""
    empty = AnswerBook()
    monkeypatch.setattr(AnswerBook, "_shared", empty)
    return empty


@pytest.fixture
def state() -> Iterator[PlayState]:
    made = PlayState(MIX)
    made.finish()  # with its curve
    yield made
    made.close()


def send(panel: HeadPanel | FormulaPanel, kind: str, **message: Any) -> None:
    panel._receive(panel, {"kind": kind, **message}, [])


def drag(panel: FormulaPanel, value: Any, **what: str) -> None:
    panel.dragged = {**what, "value": value, "at": object.__hash__(object())}
    panel.state.finish()  # a term waits for its curve


def words(view: dict[str, Any]) -> str:
    return json.dumps(view, ensure_ascii=False)


# What is shown


def test_the_numbers_are_those_of_the_library(state: PlayState) -> None:
    state.set_values({"splits": 8})
    view = FormulaPanel(state).view
    score = inception_score(state.frame.shown.setting.scenario.probabilities(), splits=8)
    assert view["overall"] == pytest.approx(score.overall)
    assert (view["mean"], view["std"]) == (pytest.approx(score.mean), pytest.approx(score.std, abs=1e-12))
    assert view["terms"]["variety"]["value"] == pytest.approx(score.marginal_entropy)
    assert view["terms"]["doubt"]["value"] == pytest.approx(score.conditional_entropy.mean())
    assert view["over"] == "over 8 splits of 125"


def test_line_two_multiplies_out(state: PlayState) -> None:
    view = FormulaPanel(state).view
    terms = view["terms"]
    assert math.exp(terms["variety"]["value"] - terms["doubt"]["value"]) == pytest.approx(view["overall"])


def test_splits_that_differ_in_size_are_said_so(state: PlayState) -> None:
    state.set_values({"splits": 3})
    assert FormulaPanel(state).view["over"] == "over 3 splits of 333–334"


@pytest.mark.parametrize("key", SCENARIOS)
def test_every_scenarios_formula_has_numbers_of_its_parameters(key: str) -> None:
    state = PlayState(key)
    view = FormulaPanel(state).view
    parameters = state.parameters()
    parts = [part for part in view["formula"] if not isinstance(part, str)]
    assert all(isinstance(parameters[part["name"]], Number) for part in parts)
    assert all(float(part["text"].replace(",", "")) == pytest.approx(part["value"], rel=1e-5) for part in parts)
    assert "{" not in words(view["formula"][:1])
    json.loads(json.dumps(view, allow_nan=False))
    state.close()


def test_an_exact_answer_over_one_split(state: PlayState) -> None:
    view = FormulaPanel(state).view
    assert (view["answer"], view["kind"], view["computed"], view["details"]) == ("3.579", "exact", "", "")


def test_an_answer_that_differs_over_splits_has_that_of_the_whole_set_among_the_details() -> None:
    state = PlayState("class-order splits=2")
    view = FormulaPanel(state).view
    assert (view["answer"], view["kind"], view["computed"]) == ("5.000", "exact", "")
    assert view["details"] == "On the formula: for the whole set it gives 10.000."
    state.close()


def test_no_formula_for_these_splits_is_said_so(state: PlayState) -> None:
    state.set_values({"splits": 3})  # 1000 images: the splits hold different shares of the classes
    view = FormulaPanel(state).view
    assert state.frame.shown.answer is None
    assert view["answer"] == "3.579 for the whole set"
    assert (view["kind"], view["computed"]) == ("no formula for these splits", "")


def test_what_an_answer_is_of_is_among_the_details(state: PlayState) -> None:
    state.set_values({"splits": 2})
    view = FormulaPanel(state).view
    assert (view["kind"], view["computed"]) == ("exact", "")
    assert view["details"] == "On the formula: every split holds the same mixture of rows."


def test_the_formula_is_the_one_of_what_is_chosen() -> None:
    state = PlayState("label-mismatch seen=merged")
    panel = FormulaPanel(state)
    assert [part if isinstance(part, str) else part["name"] for part in panel.view["formula"]] == [
        "merged",
        " if all groups come equally often, of C = ",
        "classes",
    ]
    state.set_values({"seen": "spread"})
    assert "merged" not in words(panel.view["formula"])
    state.close()


def test_an_expectation_is_called_one_and_the_difference_shown() -> None:
    state = PlayState("random-images seed=3 splits=10")
    shown = state.frame.shown
    view = FormulaPanel(state).view
    assert shown.answer is not None
    off = shown.played.log_mean / shown.answer.score - 1
    assert (view["kind"], view["computed"]) == (
        "in the mean over random images",
        f"computed {shown.played.mean:,.3f}",
    )
    assert "exp(E ln IS)" in view["details"]
    assert f"{shown.played.log_mean:,.3f}, {abs(off):.2%} {'higher' if off > 0 else 'lower'}" in view["details"]
    state.close()


# What is dragged


def test_a_dragged_parameter_goes_to_the_nearest_position_of_its_slider(state: PlayState) -> None:
    panel = FormulaPanel(state)
    drag(panel, 0.4337, parameter="share")
    assert state.frame.shown.setting.value("share") == 0.43
    drag(panel, 99, parameter="share")
    assert state.frame.shown.setting.value("share") == 1
    drag(panel, 20.4, parameter="classes")
    assert state.frame.shown.setting.value("classes") == 20
    assert panel.error == ""


def test_a_dragged_term_moves_what_drives_it(state: PlayState) -> None:
    panel = FormulaPanel(state)
    wanted = 1.0
    drag(panel, wanted, term="doubt")
    share = Number("share", 0, 1, 0.01, "share")
    doubts = []
    for value in share.grid(101):  # by the definition, not by the curve
        row = np.full(10, value / 10)
        row[0] += 1 - value
        doubts.append(-(row[row > 0] * np.log(row[row > 0])).sum())
    best = share.grid(101)[np.argmin(np.abs(np.array(doubts) - wanted))]
    assert state.frame.shown.setting.value("share") == pytest.approx(best)


def test_a_dragged_score_moves_the_moved_parameter(state: PlayState) -> None:
    panel = FormulaPanel(state)
    drag(panel, 10, term="score")
    assert state.frame.shown.setting.value("share") == 0
    assert panel.view["mean"] == pytest.approx(10)


def test_a_term_has_the_range_that_the_curve_has(state: PlayState) -> None:
    panel = FormulaPanel(state)
    state.set_values({"classes": 20})
    state.finish()
    score = panel.view["terms"]["score"]["range"]
    assert state.frame.shown.setting.moved == "classes"
    for end, classes in (("low", 2), ("high", 1000)):
        state.set_values({"classes": classes})
        assert score[end] == pytest.approx(state.frame.shown.played.mean)


def test_a_score_that_does_not_move_is_plain(state: PlayState) -> None:
    panel = FormulaPanel(state)
    state.set_values({"per_class": 50})
    state.finish()
    assert state.frame.shown.setting.moved == "per_class"
    assert panel.view["terms"]["score"]["range"] is None
    assert "does not change the score" in panel.view["terms"]["score"]["title"]


def test_a_term_that_nothing_drives_is_plain_and_cannot_be_dragged(state: PlayState) -> None:
    panel = FormulaPanel(state)
    before = state.frame
    assert panel.view["terms"]["variety"]["range"] is None
    assert "no parameter here moves the variety alone" in panel.view["terms"]["variety"]["title"]
    assert state.parameters()["share"].title in panel.view["terms"]["doubt"]["title"]
    drag(panel, 1, term="variety")
    assert "no parameter here moves the variety" in panel.error
    assert state.frame is before


@pytest.mark.parametrize("value", [None, "1", True, float("nan"), float("inf"), [1]])
def test_a_drag_to_no_number_is_refused(state: PlayState, value: Any) -> None:
    panel = FormulaPanel(state)
    before = state.frame
    drag(panel, value, parameter="share")
    assert "is no number" in panel.error
    assert state.frame is before


def test_a_drag_of_what_is_not_there_is_refused(state: PlayState) -> None:
    panel = FormulaPanel(state)
    drag(panel, 1, parameter="<img>")
    assert "no number '<img>'" in panel.error
    drag(panel, 1, term="magic")
    assert panel.error


# Predict, then reveal


def test_while_hidden_nothing_tells_the_score(state: PlayState) -> None:
    state.set_exercise(on=True)
    panel = FormulaPanel(state)
    head = HeadPanel(state)
    played = state.frame.shown.played
    assert set(panel.view) == {"exercise", "hidden", "splits", "over", "verdict"}
    for secret in (played.mean, played.overall, played.variety, played.doubt):
        assert f"{secret:.2f}" not in words(panel.view) + words(head.view)
    assert state.frame.shown.setting.scenario.reason() not in words(panel.view)
    assert head.view["teaches"] == ""


def test_while_hidden_the_terms_cannot_be_dragged_to_find_out(state: PlayState) -> None:
    state.set_exercise(on=True)
    state.finish()
    panel = FormulaPanel(state)
    before = state.frame
    drag(panel, 5, term="score")
    assert "guess it" in panel.error
    assert state.frame is before


def test_a_guess_reveals_and_is_kept(state: PlayState, book: AnswerBook) -> None:
    state.set_exercise(on=True)
    panel, head = FormulaPanel(state), HeadPanel(state)
    send(panel, "guess", value=7.5, learner="Ada")
    assert panel.view["verdict"] == "Your guess 7.50, the score 3.58: 109.6% too high."
    assert panel.view["reason"] == state.frame.shown.setting.scenario.reason()
    assert panel.view["mean"] == pytest.approx(3.579, abs=1e-3)
    assert head.view["teaches"]
    (row,) = book.rows
    assert (row.learner, row.guess, row.state) == ("Ada", 7.5, state.text)
    assert row.answer == pytest.approx(3.579, abs=1e-3)
    assert panel.tally == "1 answer, 0 close"


def test_a_good_guess_is_called_right(state: PlayState, book: AnswerBook) -> None:
    state.set_exercise(on=True)
    panel = FormulaPanel(state)
    send(panel, "guess", value=3.58)
    assert panel.view["verdict"].endswith("right.")
    assert book.rows[0].close


def test_after_a_change_the_score_is_hidden_again(state: PlayState) -> None:
    state.set_exercise(on=True)
    panel = FormulaPanel(state)
    send(panel, "guess", value=2)
    assert not panel.view["hidden"]
    state.set_values({"share": 0.5})
    assert panel.view["hidden"]
    assert panel.view["verdict"] == ""


@pytest.mark.parametrize(
    "message",
    [{"value": None}, {"value": "5"}, {"value": 0.5}, {"value": 5, "learner": "x" * 61}, {"value": -math.inf}],
)
def test_a_guess_that_is_refused_reveals_nothing(state: PlayState, book: AnswerBook, message: dict[str, Any]) -> None:
    state.set_exercise(on=True)
    panel = FormulaPanel(state)
    send(panel, "guess", **message)
    assert panel.error
    assert panel.view["hidden"]
    assert not book.rows


def test_all_playgrounds_count_the_same_answers(state: PlayState) -> None:
    other = PlayState(MIX + " exercise=1")
    here, there = FormulaPanel(state), FormulaPanel(other)
    assert here.tally == ""
    send(there, "guess", value=3.5)
    assert here.tally == there.tally == "1 answer, 1 close"
    here.close()
    other.set_values({"share": 0.3})
    send(there, "guess", value=3.5)
    assert here.tally == "1 answer, 1 close"  # it has left the page
    other.close()


def test_a_name_is_typed_once_a_kernel(state: PlayState) -> None:
    state.set_exercise(on=True)
    other = PlayState(MIX)
    here, there = FormulaPanel(state), FormulaPanel(other)
    send(here, "guess", value=0.5, learner="nobody")  # refused
    assert here.learner == there.learner == ""
    send(here, "guess", value=3, learner=" Ada ")
    assert here.learner == there.learner == FormulaPanel(other).learner == "Ada"
    other.close()


def test_the_answers_are_handed_out_as_csv(state: PlayState, book: AnswerBook, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    panel = FormulaPanel(state)
    monkeypatch.setattr(panel, "send", sent.append)
    book.add("Ada", MIX, 4, 5)
    send(panel, "save", request="here")
    assert sent == [{"kind": "csv", "request": "here", "text": book.to_csv()}]


# The head


def test_the_head_says_what_is_open(state: PlayState) -> None:
    view = HeadPanel(state).view
    scenario = state.frame.shown.setting.scenario
    assert (view["title"], view["teaches"], view["text"]) == (scenario.title, scenario.teaches, state.text)


@pytest.mark.parametrize("number", range(len(PRESETS)))
def test_every_preset_opens_and_stays_chosen_while_its_numbers_move(state: PlayState, number: int) -> None:
    head = HeadPanel(state)
    send(head, "preset", value=number)
    assert head.error == ""
    assert (head.view["preset"], state.text) == (number, PRESETS[number].text)
    state.set_values({"splits": 7})
    assert head.view["preset"] == number
    send(head, "reset")
    assert (head.view["preset"], state.text) == (number, PRESETS[number].text)


def test_the_menu_has_each_preset_once_in_its_group(state: PlayState) -> None:
    menu = [(group, *one) for group, presets in HeadPanel(state).presets for one in presets]
    assert sorted(menu, key=lambda one: one[1]) == [(one.group, i, one.title) for i, one in enumerate(PRESETS)]


def test_a_preset_opened_in_an_exercise_stays_hidden(state: PlayState) -> None:
    head, hidden = HeadPanel(state), list[bool]()
    send(head, "exercise", value=True)
    state.observe(lambda change: hidden.append(change["new"].hidden), "frame")
    for number in range(len(PRESETS)):
        send(head, "preset", value=number)
        assert head.view["preset"] == number
    send(head, "reset")
    assert head.error == ""
    assert all(hidden)
    send(head, "exercise", value=False)
    assert not state.frame.hidden


def test_a_preset_leaves_the_a_that_a_person_kept(state: PlayState) -> None:
    head = HeadPanel(state)
    titles = [one.title for one in PRESETS]
    single, other, pair = (
        titles.index(name)
        for name in ("One class takes over", "Softmax applied twice", "Real data against two exaggerated images")
    )
    state.pin()
    for number in (single, other):
        send(head, "preset", value=number)
        assert (head.view["preset"], state.text) == (number, f"uniform-mix | {PRESETS[number].text}")
    state.set_values({"splits": 7})
    send(head, "reset")
    assert (head.view["preset"], state.text) == (other, f"uniform-mix | {PRESETS[other].text}")
    send(head, "preset", value=pair)
    assert state.text == PRESETS[pair].text
    send(head, "preset", value=single)  # the A of a pair goes with it
    assert state.text == PRESETS[single].text


def test_another_scenario_is_no_preset(state: PlayState) -> None:
    head = HeadPanel(state)
    send(head, "preset", value=0)
    state.open("free-play garbage=0.37")
    assert head.view["preset"] is None


def test_a_typed_text_is_opened(state: PlayState) -> None:
    head = HeadPanel(state)
    send(head, "open", value="  uniform-mix  share=0.5 splits=10 ")
    assert head.error == ""
    assert head.view["text"] == state.text == "uniform-mix share=0.5 splits=10"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "there is no scenario ''"),
        ("<script>", "there is no scenario '<script>'"),
        ("uniform-mix share", "not of the form name=value"),
        ("uniform-mix share=2", "between 0 and 1"),
        ("uniform-mix dose=2", "no parameter 'dose'"),
    ],
)
def test_a_typed_text_with_a_fault_leaves_all_as_it_was_and_says_why(state: PlayState, text: str, problem: str) -> None:
    head = HeadPanel(state)
    before, view = state.frame, head.view
    send(head, "open", value=text)
    assert problem in head.error
    assert state.frame is before
    assert head.view == view
    send(head, "open", value=MIX)
    assert head.error == ""


@pytest.mark.parametrize("panel", [HeadPanel, FormulaPanel])
def test_unknown_actions_are_refused(state: PlayState, panel: type[HeadPanel | FormulaPanel]) -> None:
    made = panel(state)
    send(made, "dance")
    assert "no action 'dance'" in made.error
