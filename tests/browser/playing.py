"""What the tests of the playground share: how it is opened, and what the library says of what it shows."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from lab import visiting
from playwright.sync_api import expect

import isexplore as ix
from isexplore.widgets.playground.setting import setting_from, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab import Lab, Visit
    from playwright.sync_api import Browser, Locator

    from isexplore.widgets.playground.setting import Setting

T = TypeVar("T")
_LINE = re.compile(r"IS ([\d,.]+)(?: ± ([\d,.]+))? over (\d+) splits? of \S+(?: · whole set ([\d,.]+))?")


def play(visit: Visit, notebook: str, text: str, *cells: str) -> Locator:
    """Open a notebook with a playground and maybe more cells, run all, and return the playground."""
    visit.open(notebook, [f"import isexplore as ix\nplay = ix.playground({text!r})\nplay", *cells])
    visit.run_all()
    root = visit.page.locator(".isexplore").first
    root.locator(".ix-area-compare .ix-panel").wait_for(timeout=60_000)
    return root


@contextmanager
def opened(browser: Browser, lab: Lab, notebook: str) -> Iterator[Visit]:
    """Open a page with a playground for several tests: opening it takes longest of all."""
    with visiting(browser, lab) as visit:
        play(visit, notebook, "uniform-mix")
        yield visit
        visit.check()


def start(visit: Visit, text: str) -> Locator:
    """Return the playground that is open, with another setting."""
    root = visit.page.locator(".isexplore").first
    enter(root, text)
    expect(state(root)).to_have_value(" | ".join(text_of(setting_from(part)) for part in text.split("|")))
    return root


def area(root: Locator, name: str) -> Locator:
    return root.locator(f".ix-area-{name}")


def state(root: Locator) -> Locator:
    """Return the field that has the setting as a text."""
    return root.get_by_label("state", exact=True)


def enter(root: Locator, text: str) -> None:
    """Restore a setting by typing it."""
    state(root).fill(text)
    state(root).press("Enter")


def shown(text: str) -> Setting:
    """Return the setting that is shown where a text is on screen: of two, the second."""
    return setting_from(text.rpartition("|")[2])


@cache
def score(text: str) -> ix.Score:
    """Return what the library says of all rows, which the playground never writes out."""
    setting = shown(text)
    return ix.inception_score(setting.scenario.probabilities(), splits=setting.splits)


def is_scored(line: str, expected: ix.Score) -> bool:
    """Say whether a line has the library's numbers, as far as it has digits."""
    found = _LINE.match(line)
    if not found or int(found[3]) != expected.splits:
        return False
    pairs = [(found[1], expected.mean), (found[2], expected.std), (found[4], expected.overall)]
    wanted = pairs if expected.splits > 1 else pairs[:1]
    return all(said and abs(float(said.replace(",", "")) - number) < 0.00501 for said, number in wanted)


def agree(root: Locator) -> str:
    """Wait until the score line says what the library says of the setting on screen; return the setting's text."""
    line = area(root, "formula").locator(".ix-score")

    def agrees() -> bool:
        text = state(root).input_value()
        return is_scored(line.inner_text(), score(text)) and state(root).input_value() == text

    def problem() -> str:
        text = state(root).input_value()
        return f"{score(text)} for {text!r}, but there stands {line.inner_text()!r}"

    wait_for(root, agrees, problem)
    return state(root).input_value()


def wait_for(root: Locator, condition: Callable[[], bool], what: Callable[[], str]) -> None:
    for _ in range(900):
        if condition():
            return
        root.page.wait_for_timeout(50)
    raise AssertionError(f"did not come: {what()}")


def settled(root: Locator, read: Callable[[], T]) -> T:
    """Return what is read once it has been the same for half a second."""
    seen: list[T] = []

    def same() -> bool:
        seen.append(read())
        return len(seen) > 10 and all(one == seen[-1] for one in seen[-10:])

    wait_for(root, same, lambda: f"a rest, but {seen[-10:]}")
    return seen[-1]


def wait_for_value(root: Locator, name: str, value: float | str) -> None:
    """Wait until a parameter has a value in the setting's text, and the score is the library's for it."""
    wait_for(root, lambda: shown(state(root).input_value()).value(name) == value, lambda: f"{name} = {value}")
    agree(root)
