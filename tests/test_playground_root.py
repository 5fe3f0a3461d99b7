"""The playground as a whole, without a browser: its places, its text, and what it gives back."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

import isexplore as ix
from isexplore.contrived.presets import PRESETS
from isexplore.widgets.playground.root import Playground

if TYPE_CHECKING:
    from collections.abc import Iterator

PANELS = ("head", "formula", "controls", "curve", "matrix", "shares", "doubts", "compare")


def wait_for_threads(most: int) -> None:
    """Wait until no more threads run than so many: the last ones end by themselves."""
    deadline = time.monotonic() + 30
    while threading.active_count() > most and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= most


@pytest.fixture
def play() -> Iterator[Playground]:
    it = ix.playground("uniform-mix share=0.5")
    yield it
    it.close()


def test_it_begins_with_the_first_preset() -> None:
    play = ix.playground()
    assert play.text == PRESETS[0].text
    assert play.place == "contrived"
    assert all(getattr(play, name) is not None for name in PANELS)
    assert play.digits is play.attack is None  # which would import torch
    play.close()


@pytest.mark.parametrize("text", ["digits", "digits drop=3 blur=1", "attack", "attack seed=3"])
def test_a_text_opens_its_place(text: str) -> None:
    play = ix.playground(text)
    assert play.text == text
    assert play.place == text.split(maxsplit=1)[0]
    assert getattr(play, play.place) is not None
    assert repr(play) == f"Playground({text!r}; run this cell again to play)"
    play.close()


def test_a_place_keeps_what_was_set_up_in_it(play: Playground) -> None:
    play.restore("digits drop=1")
    play.place = "contrived"
    assert play.text == "uniform-mix share=0.5"
    play.place = "digits"
    assert play.text == "digits drop=1"


def test_a_place_is_made_when_somebody_goes_there(play: Playground) -> None:
    play.place = "attack"
    assert play.attack is not None
    assert play.text == "attack"
    assert not play.error


def test_a_place_that_cannot_be_made_is_said(play: Playground, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_torch(_: Playground) -> None:
        raise ModuleNotFoundError("No module named 'torch'")

    monkeypatch.setattr(Playground, "_attack_place", no_torch)
    play.place = "attack"
    assert play.error == "attack the network: No module named 'torch'"
    play.place = "contrived"
    assert not play.error


@pytest.mark.parametrize("text", ["", "nothing", "digits drop=12", "attack seed=-1", "uniform-mix share=2", "drawn |"])
def test_a_text_that_describes_nothing_leaves_no_widget_and_no_thread(text: str) -> None:
    before = threading.active_count()
    with pytest.raises(ValueError, match=r"\w"):
        ix.playground(text)
    wait_for_threads(before)


def test_a_text_must_be_one() -> None:
    with pytest.raises(TypeError, match=r"state must be a text such as .*, not int"):
        ix.playground(5)  # type: ignore[arg-type]


def test_a_wrong_text_changes_nothing(play: Playground) -> None:
    with pytest.raises(ValueError, match="no scenario 'nothing'"):
        play.restore("nothing")
    assert play.text == "uniform-mix share=0.5"


def test_what_is_no_text_is_refused(play: Playground) -> None:
    with pytest.raises(TypeError, match=r"state must be a text such as .*, not int"):
        play.restore(5)  # type: ignore[arg-type]


def test_an_error_is_over_when_something_else_is_set_up(play: Playground) -> None:
    play.controls.asked = {"serial": 1, "values": {"share": -1}}
    assert "share is -1" in play.controls.error
    play.state.finish()
    play.state.pin()
    assert "share is -1" in play.controls.error  # neither the curve nor A is something else
    play.state.open("drawn")
    assert not play.controls.error


def test_before_a_guess_the_curve_is_not_handed_out(play: Playground) -> None:
    play.state.set_exercise(on=True)
    with pytest.raises(ValueError, match="hidden: guess it first"):
        play.to_dataframe()
    play.state.guess(5)
    assert len(play.to_dataframe()) == len(play.to_dataframe().dropna()) == 101


def test_everything_is_handed_back(play: Playground) -> None:
    table = play.to_dataframe()
    assert table.columns.tolist() == ["share", "score", "exact", "variety", "doubt"]
    np.testing.assert_allclose(table["score"], table["exact"])
    score = ix.inception_score(play.predictions, splits=1)
    assert score.overall == pytest.approx(play.state.frame.shown.played.overall)
    assert list(play.answers.columns)[-1] == "close"


def test_closing_ends_everything() -> None:
    before = threading.active_count()
    play = ix.playground("digits")
    play.place = "attack"
    play.close()
    assert play.comm is None
    wait_for_threads(before)
