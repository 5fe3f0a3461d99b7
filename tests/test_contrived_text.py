"""Scenarios as texts: there and back, what others may write, and the texts of the menu."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isexplore.contrived import SCENARIOS, Choice, Number, Scenario, Shares, from_text, play, to_text
from isexplore.contrived.presets import PRESETS, Preset
from isexplore.widgets.playground.setting import setting_from, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isexplore.parameters import Parameter


def values(parameter: Parameter) -> st.SearchStrategy[Any]:
    if isinstance(parameter, Choice):
        return st.sampled_from(list(parameter.options))
    if isinstance(parameter, Shares):
        return st.lists(st.floats(0, parameter.most), min_size=2, max_size=12).filter(any)
    assert isinstance(parameter, Number)
    if parameter.is_whole:
        return st.integers(int(parameter.low), int(parameter.high))
    return st.floats(parameter.low, parameter.high) | st.sampled_from(parameter.grid(9).tolist())


def scenarios() -> st.SearchStrategy[Scenario]:
    def of(kind: type[Scenario]) -> st.SearchStrategy[Scenario]:
        drawn = st.fixed_dictionaries({}, optional={name: values(one) for name, one in kind.parameters().items()})
        return drawn.map(lambda chosen: kind(**chosen))

    return st.sampled_from(list(SCENARIOS.values())).flatmap(of)


@given(scenarios())
def test_a_text_is_the_scenario(scenario: Scenario) -> None:
    text = to_text(scenario)
    assert from_text(text) == scenario
    assert to_text(from_text(text)) == text
    assert text.isprintable()


def test_what_is_as_by_default_is_left_out() -> None:
    for key, kind in SCENARIOS.items():
        assert to_text(kind()) == key
        assert from_text(f"  {key}\n") == kind()


HOSTILE = {
    "": "no scenario",
    " \n ": "no scenario",
    "nonsense": "no scenario 'nonsense'",
    "__class__": "no scenario",
    "<b>free-play</b>": "no scenario",
    "Free-Play": "no scenario",
    "free-play covered": "name=value",
    "free-play covered=": "name=value",
    "free-play =5": "name=value",
    "free-play covered = 5": "name=value",
    "free-play covered=5 covered=6": "twice",
    "free-play nonsense=5": "no parameter 'nonsense'",
    "free-play __init__=5": "no parameter",
    "free-play key=5": "no parameter",
    "free-play covered=five": "no number",
    "free-play covered=5;6": "no number",
    "free-play covered=5=6": "no number",
    "free-play covered=nan": "covered is nan",
    "free-play covered=inf": "covered is inf",
    "free-play covered=-1e999": "covered is -inf",
    "free-play covered=2.5": "whole number",
    "free-play covered=1e9": "must lie between",
    f"free-play covered={'9' * 5000}": "covered is inf",
    "free-play order=nonsense": "order is 'nonsense'",
    "free-play order=__class__": "order is",
    "drawn shares=": "name=value",
    "drawn shares=1": "shares needs 2 to 1000 numbers, one a class, not 1",
    "drawn shares=1,": "no number",
    "drawn shares=1,x": "no number",
    "drawn shares=1,nan": "nan for class 1",
    "drawn shares=1,-1": "-1 for class 1",
    "drawn shares=0,0": "all zero",
    f"drawn shares={'1,' * 1000}1": "not 1001",
    "x" * 5000: "no scenario",
    f"free-play {'x' * 5000}": "name=value",
    f"free-play {'x' * 5000}=1": "no parameter",
    f"free-play {'x' * 5000}=1 {'x' * 5000}=1": "twice",
    f"free-play covered={'x' * 5000}": "no number",
    f"free-play order={'x' * 5000}": "order is",
}


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:30])
def test_a_text_that_is_none_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises((ValueError, TypeError), match=HOSTILE[text]) as caught:
        from_text(text)
    assert len(str(caught.value)) < 1000


@given(st.text() | st.text("freplaycovdn-=5., ").map(lambda end: f"free-play {end}"))
def test_any_text_is_a_scenario_or_a_clear_error(text: str) -> None:
    try:
        scenario = from_text(text)
    except (ValueError, TypeError) as error:
        assert str(error)  # noqa: PT017 - most texts are none
    else:
        assert from_text(to_text(scenario)) == scenario


# The menu -------------------------------------------------------------------------------------------------------------


def settings_of(preset: Preset) -> Iterator[str]:
    for part in preset.text.split("|"):
        yield part.strip()


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.title)
def test_every_entry_of_the_menu_opens(preset: Preset) -> None:
    for text in settings_of(preset):
        setting = setting_from(text)
        assert text_of(setting) == text, "the menu is compared with what is shown: as short as can be"
        answer = setting.scenario.expected(setting.splits)
        assert answer is not None
        # Random images: a few standard deviations of one set of them.
        computed = play(setting.scenario.rows(), setting.splits).log_mean
        assert computed == pytest.approx(answer.score, rel=1e-9 if answer.kind == "exact" else 0.1)


def test_every_scenario_is_on_the_menu_once_at_least() -> None:
    assert {text.split()[0] for preset in PRESETS for text in settings_of(preset)} == SCENARIOS.keys()


def test_titles_tell_entries_apart_and_groups_stay_together() -> None:
    assert len({preset.title for preset in PRESETS}) == len(PRESETS)
    assert len({preset.text for preset in PRESETS}) == len(PRESETS)
    groups = [preset.group for preset in PRESETS]
    assert groups == sorted(groups, key=groups.index)


def test_the_two_diseases_score_the_same() -> None:
    (pair,) = (preset for preset in PRESETS if "disease" in preset.title)
    missing, doubting = (setting_from(text).scenario for text in settings_of(pair))
    assert play(missing.rows()).overall == pytest.approx(5, rel=1e-9)
    assert play(doubting.rows()).overall == pytest.approx(5, abs=5e-4)  # ε has four digits


FIGURES = {
    "A perfect generator of 1000 classes": 900.72,
    "Images sorted by class, then split": 2,
    "One class takes over": 1.724,
    "A long tail: ten classes by Zipf's law": 7.343,
    "A long tail: 1000 classes by Zipf's law": 179.65,
    "Every image a little unsure": 3.579,
    "A classifier with a higher temperature": 7.084,
    "Every image could be one of two classes": 5,
    "Few images in each split": 9.099,
    "Fifty images of fifty classes, in ten splits": 5,
    "Sorted by class, not quite sure": 1.77,
    "One memorised image per class": 100,
    "The whole set ten times": 365.49,
    "More than ten from ten classes: breeds": 120,
    "Classes merged into two": 2,
    "Softmax applied twice": 1.0762,
}


@pytest.mark.parametrize("title", FIGURES)
def test_the_menu_has_the_figures_of_the_lecture(title: str) -> None:
    (preset,) = (preset for preset in PRESETS if preset.title == title)
    setting = setting_from(preset.text)
    answer = setting.scenario.expected(setting.splits)
    assert answer is not None
    assert answer.score == pytest.approx(FIGURES[title], rel=2e-3)
