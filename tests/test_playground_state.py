"""The playground's state without a browser: what each action changes, texts, the curve, and who wins."""

from __future__ import annotations

import math
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import isexplore as ix
from isexplore.widgets.playground import frame as frames
from isexplore.widgets.playground.frame import PlayFrame, curve_of
from isexplore.widgets.playground.setting import setting_from, text_of
from isexplore.widgets.playground.state import PlayState

if TYPE_CHECKING:
    from collections.abc import Iterator

START = "uniform-mix share=0.5"


@pytest.fixture
def state() -> Iterator[PlayState]:
    it = PlayState(START)
    yield it
    it.close()


def seen(state: PlayState) -> list[PlayFrame]:
    state.finish()
    frames: list[PlayFrame] = []
    state.observe(lambda change: frames.append(change["new"]), "frame")
    return frames


def library(state: PlayState) -> ix.Score:
    setting = state.frame.shown.setting
    return ix.inception_score(setting.scenario.probabilities(), splits=setting.splits)


# Texts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "uniform-mix",
        "uniform-mix share=0.1502",
        "uniform-mix classes=1000 per_class=50 share=0.125 splits=100 moved=classes exercise=1",
        "uniform-mix moved=splits",
        "uniform-mix share=0.1 | uniform-mix share=0.9 splits=4 moved=classes",
    ],
)
def test_a_text_comes_back(text: str, state: PlayState) -> None:
    state.open(text)
    assert state.text == text
    again = PlayState(state.text)
    assert again.frame.shown.setting == state.frame.shown.setting
    again.close()


def test_a_text_may_be_sloppy_and_say_what_is_so_anyway() -> None:
    assert text_of(setting_from("  uniform-mix   exercise=0 share=0.25 splits=1 moved=share ")) == "uniform-mix"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "there is no scenario ''"),
        ("|", "there is no scenario ''"),
        ("perfekt", "there is no scenario 'perfekt'; there are: "),
        ("uniform-mix shre=1", "uniform-mix has no parameter 'shre'; it has: classes, per_class, share"),
        ("uniform-mix share", "'share' is not of the form name=value"),
        ("uniform-mix share=", "'share=' is not of the form name=value"),
        ("uniform-mix share=.1 share=.2", "share is given twice, as .1 and as .2"),
        ("uniform-mix share=much", "share=much: 'much' is no number"),
        ("uniform-mix share=nan", "share is nan: it must lie between 0 and 1"),
        ("uniform-mix share=2", "share is 2: it must lie between 0 and 1"),
        ("uniform-mix classes=2.5", "classes is 2.5: it must be a whole number"),
        ("uniform-mix splits=0", "splits=0: it must be a whole number from 1 to 100"),
        ("uniform-mix splits=-1", "splits=-1: it must be a whole number"),
        ("uniform-mix splits=²", "splits=²: it must be a whole number"),
        ("uniform-mix classes=2 per_class=10 splits=21", "splits=21: it must be a whole number from 1 to 20"),
        ("uniform-mix moved=order", "moved=order: what moves must be one of classes, per_class, share, splits"),
        ("uniform-mix exercise=yes", "exercise=yes: it must be 0 or 1"),
        ("uniform-mix | perfekt", "there is no scenario 'perfekt'"),
        ("uniform-mix | uniform-mix | uniform-mix", "is not of the form name=value"),
    ],
)
def test_a_text_that_describes_nothing(text: str, complaint: str, state: PlayState) -> None:
    before = state.frame
    with pytest.raises(ValueError, match=complaint.replace("|", r"\|").replace("(", r"\(")):
        state.open(text)
    assert state.frame is before


def test_reset_goes_back_to_what_was_opened(state: PlayState) -> None:
    state.set_values({"share": 0.1, "splits": 7})
    state.pin()
    state.reset()
    assert state.text == START


def test_reset_does_not_reveal_what_is_to_be_guessed(state: PlayState) -> None:
    state.open("uniform-mix share=0.1 | uniform-mix")
    state.set_exercise(on=True)
    state.set_values({"share": 0.75})
    state.reset()
    assert state.text == "uniform-mix share=0.1 | uniform-mix exercise=1"
    assert state.frame.hidden


# Moving parameters --------------------------------------------------------------------------------------------------


def test_one_action_makes_one_frame(state: PlayState) -> None:
    frames = seen(state)
    state.set_values({"share": 0.75, "splits": 1})
    assert len(frames) == 1
    assert frames[0].shown.played.overall == pytest.approx(library(state).overall, rel=1e-12)


def test_splits_change_the_mean(state: PlayState) -> None:
    state.set_values({"splits": 7, "share": 0.2})
    score = library(state)
    assert state.frame.shown.played.mean == pytest.approx(score.mean, rel=1e-12)
    assert state.frame.shown.played.std == pytest.approx(score.std, abs=1e-9)


def test_what_changes_nothing_is_no_change(state: PlayState) -> None:
    frames = seen(state)
    state.set_values({"share": 0.5, "splits": 1})
    assert not frames


def test_fewer_images_than_splits_leave_as_many_splits(state: PlayState) -> None:
    state.set_values({"splits": 100})
    state.set_values({"per_class": 1, "splits": 100})
    assert state.frame.shown.setting.splits == 10
    splits: Any = state.parameters()["splits"]
    assert splits.high == 10


@pytest.mark.parametrize(
    "values", [{"share": math.nan}, {"share": 1.5}, {"classes": 1}, {"splits": 0}, {"splits": 101}, {"nothing": 1}]
)
def test_values_that_cannot_be_leave_everything_as_it_was(state: PlayState, values: dict[str, Any]) -> None:
    before = state.frame
    with pytest.raises(ValueError, match=next(iter(values))):
        state.set_values(values)
    assert state.frame is before


# The curve ----------------------------------------------------------------------------------------------------------


def test_the_curve_comes_after_the_frame_and_is_exact(state: PlayState) -> None:
    state.finish()
    curve = state.frame.curve
    assert curve is not None
    assert curve.values[[0, -1]].tolist() == [0, 1]
    assert len(curve.values) == 101
    np.testing.assert_allclose(curve.scores, curve.exact, rtol=1e-12)
    np.testing.assert_allclose(np.log(curve.scores), curve.variety - curve.doubt, atol=1e-12)


def test_along_its_curve_a_parameter_keeps_it(state: PlayState) -> None:
    state.finish()
    curve = state.frame.curve
    state.set_values({"share": 0.9})
    assert state.frame.curve is curve


def test_another_parameter_has_another_curve(state: PlayState) -> None:
    state.finish()
    state.set_values({"classes": 20})
    state.finish()
    assert state.frame.shown.setting.moved == "classes"
    assert state.frame.curve is not None
    assert state.frame.curve.values[[0, -1]].tolist() == [2, 1000]
    state.set_moved("splits")
    state.finish()
    assert state.frame.curve.values[[0, -1]].tolist() == [1, 100]


def test_a_value_that_does_not_go_with_the_others_is_no_point(
    state: PlayState, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = frames.shown

    def picky(setting: Any) -> Any:
        if setting.scenario.share > 0.5:
            raise ValueError("too much")
        return honest(setting)

    monkeypatch.setattr(frames, "shown", picky)
    assert curve_of(state.frame.shown.setting).values.max() == 0.5


def test_only_the_latest_curve_is_shown(state: PlayState, monkeypatch: pytest.MonkeyPatch) -> None:
    state.finish()
    held, honest = Event(), frames.shown

    def slow(setting: Any) -> Any:
        held.wait(10)
        return honest(setting)

    monkeypatch.setattr(frames, "shown", slow)
    state.set_values({"classes": 20})
    assert state.frame.curve is None
    state.set_values({"classes": 20, "share": 0.25})
    held.set()
    state.finish()
    assert state.frame.curve is not None
    assert state.frame.curve.is_of(state.frame.shown.setting)
    assert state.frame.curve.setting.moved == "share"


def test_many_threads_at_once_end_with_a_frame_that_fits(state: PlayState) -> None:
    def move(first: int) -> None:
        for k in range(30):
            state.set_values({"share": ((first + k) % 100) / 100, "splits": 1 + k % 5})

    threads = [Thread(target=move, args=(17 * k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state.finish()
    assert state.frame.curve is not None
    assert state.frame.curve.is_of(state.frame.shown.setting)
    assert state.frame.shown.played.mean == pytest.approx(library(state).mean, rel=1e-12)


# Dragging a term ----------------------------------------------------------------------------------------------------


def test_dragging_a_term_moves_what_drives_it(state: PlayState) -> None:
    assert state.driver("doubt") == state.driver("score") == "share"
    state.finish()
    state.drag("score", 5.0)
    assert state.frame.shown.played.overall == pytest.approx(5.0, abs=0.2)
    state.drag("doubt", 0.0)
    assert state.frame.shown.setting.value("share") == 0
    state.drag("doubt", 99.0)
    assert state.frame.shown.setting.value("share") == 1


def test_a_term_that_nothing_drives_stays(state: PlayState) -> None:
    assert state.driver("variety") is None
    with pytest.raises(ValueError, match="no parameter here moves the variety"):
        state.drag("variety", 1.0)
    with pytest.raises(ValueError, match="moves the doubt to nan"):
        state.drag("doubt", math.nan)


def test_a_drag_waits_for_the_curve_of_what_it_moves(state: PlayState, monkeypatch: pytest.MonkeyPatch) -> None:
    state.set_moved("classes")
    state.finish()
    held, honest = Event(), frames.shown

    def slow(setting: Any) -> Any:
        held.wait(10)
        return honest(setting)

    monkeypatch.setattr(frames, "shown", slow)
    state.drag("doubt", 2.0)
    state.drag("doubt", 1.0)
    assert state.frame.shown.setting.value("share") == 0.5
    held.set()
    state.finish()
    assert state.frame.shown.played.doubt == pytest.approx(1.0, abs=0.05)
    assert state.frame.shown.setting.moved == "share"
    assert state.frame.curve is not None
    assert state.frame.curve.is_of(state.frame.shown.setting)


# A and B ------------------------------------------------------------------------------------------------------------


def test_a_and_b(state: PlayState) -> None:
    with pytest.raises(ValueError, match="nothing is kept as A"):
        state.swap()
    state.pin()
    state.set_values({"share": 0.25})
    assert state.text == "uniform-mix share=0.5 | uniform-mix"
    state.swap()
    assert state.text == "uniform-mix | uniform-mix share=0.5"
    state.unpin()
    assert state.text == START


def test_a_and_b_whose_parameters_have_other_ranges_can_be_swapped(state: PlayState) -> None:
    state.open("duplicated moved=images | random-images images=50000 moved=images")
    state.finish()  # else there is no curve, whose value A could not have
    state.swap()
    assert state.text == "random-images images=50000 | duplicated moved=images"


def test_an_a_that_a_person_kept_stays_where_that_is_wanted(state: PlayState) -> None:
    state.pin()
    state.open("garbage", keep=True)
    assert state.text == f"{START} | garbage"
    state.swap()
    state.open("perfect", keep=True)
    assert state.text == "garbage | perfect"
    state.open("perfect | identical", keep=True)
    assert state.text == "perfect | identical"
    state.swap()
    state.open("drawn", keep=True)  # what came in a pair does not stay, on either side
    assert state.text == "drawn"
    state.pin()
    state.open("perfect")
    assert state.text == "perfect"


def test_a_swap_in_an_exercise_reveals_nothing(state: PlayState) -> None:
    state.pin()  # before the exercise, not in it
    state.set_exercise(on=True)
    state.set_values({"share": 0.25})
    state.swap()
    assert state.frame.hidden
    assert state.text == "uniform-mix exercise=1 | uniform-mix share=0.5 exercise=1"


# Predict, then reveal -----------------------------------------------------------------------------------------------


def test_the_score_is_hidden_until_it_is_guessed(state: PlayState) -> None:
    with pytest.raises(ValueError, match="on screen already"):
        state.guess(3.0)
    state.set_exercise(on=True)
    assert state.frame.hidden
    state.guess(3.0)
    assert not state.frame.hidden
    assert state.frame.guess is not None
    assert state.frame.guess.answer == pytest.approx(library(state).mean)
    assert state.frame.guess.off == pytest.approx(3 / library(state).mean - 1)
    state.set_values({"share": 0.4})
    assert state.frame.hidden


@pytest.mark.parametrize("value", [0.5, -1, math.nan, math.inf])
def test_what_can_be_no_score_is_no_guess(state: PlayState, value: float) -> None:
    state.set_exercise(on=True)
    with pytest.raises(ValueError, match="can be no score"):
        state.guess(value)
    assert state.frame.hidden


def test_to_look_at_another_curve_poses_no_new_question(state: PlayState) -> None:
    state.set_exercise(on=True)
    state.guess(3.0)
    state.set_moved("classes")
    state.pin()
    assert not state.frame.hidden
