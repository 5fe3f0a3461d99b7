"""The playground in a real JupyterLab by mouse and by keyboard: formula, drawing, and everything with keys alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playing import agree, area, enter, opened, score, shown, start, state, wait_for
from playwright.sync_api import expect
from scipy.special import entr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab import Lab, Visit
    from playwright.sync_api import Browser, Locator


@pytest.fixture(scope="module")
def visit(browser: Browser, lab: Lab) -> Iterator[Visit]:
    with opened(browser, lab, "playground_hands.ipynb") as it:
        yield it


def test_the_formula_is_an_interface(visit: Visit) -> None:
    page = visit.page
    root = start(visit, "uniform-mix share=0.5")
    formula = area(root, "formula")
    agree(root)

    def drag(number: Locator, part: float) -> None:
        """Drag a number over a part of its range, 300 pixels for all of it, and wait until it is there."""
        number.scroll_into_view_if_needed()
        low, high, now = (float(number.get_attribute(f"aria-value{end}") or "") for end in ("min", "max", "now"))
        box = number.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 300 * part, y, steps=10)
        page.mouse.up()
        wanted = now + part * (high - low)
        wait_for_near(number, wanted, 0.05 * (high - low))

    def wait_for_near(number: Locator, wanted: float, most: float) -> None:
        def off() -> float:
            return abs(float(number.get_attribute("aria-valuenow") or "") - wanted)

        wait_for(root, lambda: off() <= most, lambda: f"{wanted}, it is off by {off()}")
        agree(root)

    # A parameter in the formula.
    share = formula.get_by_role("slider", name="uniform part ε of each row")
    drag(share, -0.2)
    assert shown(state(root).input_value()).value("share") == pytest.approx(0.3, abs=0.011)
    before = shown(state(root).input_value()).value("share")
    share.press("ArrowRight")
    wait_for_near(share, before + 0.01, 1e-9)

    # A term moves the parameter that drives it: more doubt, a lower score; and back by keys.
    doubt, whole = (formula.get_by_role("slider", name=name) for name in ("doubt, mean H(y|x)", "Inception Score"))
    first = score(state(root).input_value())
    drag(doubt, 0.3)
    second = score(state(root).input_value())
    assert second.overall == pytest.approx(first.overall * 10**-0.3, rel=0.15)  # the range is ln 10
    whole.press("ArrowUp")
    wait_for(root, lambda: score(state(root).input_value()).overall > second.overall, lambda: "a higher score")
    agree(root)
    drag(whole, 0.4)
    assert score(state(root).input_value()).overall > second.overall + 2
    expect(formula.get_by_role("slider", name="variety, H(y)")).to_have_count(0)  # no parameter moves it alone

    # Pointing at a term lights the panel that shows it; so does the keyboard.
    panels = {"rows": "matrix", "variety": "shares", "doubt": "doubts", "score": "curve"}

    def lit() -> set[str]:
        return {name for name in panels.values() if shadow(name) != "none"}

    def lights(term: str, panel: str) -> bool:
        formula.locator(f"[data-term={term}]").first.hover()  # again, should it have moved
        return lit() == {panel}

    def shadow(name: str) -> str:
        return str(area(root, name).locator(".ix-panel").evaluate("panel => getComputedStyle(panel).boxShadow"))

    formula.locator(".ix-score").hover()
    wait_for(root, lambda: lit() == set(), lambda: "nothing is lit")
    for term, panel in panels.items():
        wait_for(root, partial(lights, term, panel), lambda: f"only one is lit, but {lit()}")
    visit.picture("playground-lit")
    formula.locator(".ix-score").hover()
    formula.locator(".ix-term-kl").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    wait_for(root, lambda: lit() == {"matrix", "shares", "doubts"}, lambda: "all three that KL speaks of")


def test_a_drawn_marginal_changes_the_score(visit: Visit) -> None:
    root = start(visit, "drawn")
    shares = area(root, "shares")
    sheet = shares.locator(".ix-sheet")
    agree(root)
    drawn = partial(lambda: np.array(shown(state(root).input_value()).value("shares")))

    # With the mouse: from the top left to the bottom right.
    sheet.scroll_into_view_if_needed()
    first, last = (shares.locator(".bars .point").nth(i).bounding_box() for i in (0, 9))
    assert first is not None
    assert last is not None
    mouse = visit.page.mouse
    mouse.move(first["x"] + first["width"] / 2, first["y"] + 2)
    mouse.down()
    mouse.move(last["x"] + last["width"] / 2, last["y"] + last["height"] * 0.8, steps=15)
    mouse.up()
    wait_for(root, lambda: bool(drawn()[-1] < 0.5), lambda: "the stroke's end")
    heights = drawn()
    assert len(heights) == 10
    assert (np.diff(heights) < 0).all()
    assert heights[0] > 0.9
    assert heights[-1] == pytest.approx(0.2, abs=0.1)
    agree(root)
    visit.picture("playground-drawn")

    # By keyboard: the third class gets less.
    sheet.focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "PageDown"):
        visit.page.keyboard.press(key)
    wait_for(root, lambda: drawn()[2] == pytest.approx(heights[2] - 0.2), lambda: "a key")
    assert np.delete(drawn(), 2) == pytest.approx(np.delete(heights, 2))
    agree(root)

    # Typed, as any numbers.
    shares.get_by_label("or type").fill("5, 3, 0, 2")
    shares.get_by_role("button", name="Set").click()
    wait_for(root, lambda: len(drawn()) == 4, lambda: "four classes")
    assert drawn() == pytest.approx([1, 0.6, 0, 0.4])
    agree(root)
    assert score(state(root).input_value()).overall == pytest.approx(np.exp(entr([0.5, 0.3, 0, 0.2]).sum()))
    shares.get_by_label("draw", exact=True).select_option("confidence")
    shares.get_by_label("or type").fill("0.5 1 1 0.7")
    shares.get_by_label("or type").press("Enter")
    wait_for(root, lambda: shown(state(root).input_value()).value("confidence")[0] == 0.5, lambda: "a confidence")
    before = agree(root)

    # What is wrong is said, and changes nothing.
    shares.get_by_label("or type").fill("0.5 many 1 1")
    shares.get_by_role("button", name="Set").click()
    expect(shares.get_by_role("alert")).to_contain_text("'many' is no number")
    expect(state(root)).to_have_value(before)

    # From any other scenario.
    enter(root, "long-tail classes=12")
    expect(shares.get_by_role("button", name="Draw your own")).to_be_visible()
    shares.get_by_role("button", name="Draw your own").click()
    wait_for(root, lambda: state(root).input_value().startswith("drawn "), lambda: "the scenario to draw in")
    assert len(drawn()) == 12
    agree(root)


def test_all_of_it_goes_by_keyboard(visit: Visit) -> None:
    page, keyboard = visit.page, visit.page.keyboard
    root = start(visit, "covered modes=7")

    def tab_to(name: str) -> None:
        """Press Tab until the control of a name has the focus."""
        for _ in range(80):
            keyboard.press("Tab")
            if page.evaluate(_NAME) == name:
                return
        raise AssertionError(f"Tab never came to {name!r}")

    # Only this focus is given; from here on there are only keys.
    root.locator(".ix-places input").first.focus()
    tab_to("preset")
    keyboard.press("ArrowDown")
    wait_for(root, lambda: state(root).input_value() != "covered modes=7", lambda: "another preset")
    agree(root)
    tab_to("exercise: predict, then reveal")
    keyboard.press("Space")
    wait_for(root, lambda: state(root).input_value().endswith("exercise=1"), lambda: "an exercise")
    tab_to("state")
    keyboard.press("Control+a")
    keyboard.type("uniform-mix share=0.2 exercise=1")
    keyboard.press("Enter")
    expect(state(root)).to_have_value("uniform-mix share=0.2 exercise=1")
    tab_to("what will the score be?")
    keyboard.type("5")
    keyboard.press("Enter")
    expect(area(root, "formula").locator(".ix-outcome")).to_contain_text("Your guess 5.00")
    page.wait_for_function("() => document.activeElement.matches('.ix-outcome')")  # what comes next is read out there
    agree(root)

    root.locator(".ix-places input").first.focus()
    tab_to("exercise: predict, then reveal")
    keyboard.press("Space")
    expect(state(root)).to_have_value("uniform-mix share=0.2")
    tab_to("▶ Play")
    keyboard.press("Enter")
    wait_for(root, lambda: shown(state(root).input_value()).value("share") > 0.25, lambda: "play")
    keyboard.press("Enter")
    expect(area(root, "controls").get_by_role("button", name="▶ Play")).to_be_focused()
    before = agree(root)
    tab_to("classes")
    keyboard.press("ArrowRight")
    expect(state(root)).not_to_have_value(before)
    agree(root)
    tab_to("show")
    keyboard.press("ArrowDown")
    expect(area(root, "curve").get_by_text("The gap between them is ln IS")).to_be_visible()
    tab_to(str(area(root, "matrix").locator("canvas").get_attribute("aria-label")))
    keyboard.press("ArrowDown")
    cell = area(root, "matrix").locator("output")
    expect(cell).to_contain_text(", class 0: p = ")
    keyboard.press("ArrowRight")
    expect(cell).to_contain_text(", class 1: p = ")
    tab_to("Draw your own")
    keyboard.press("Enter")
    wait_for(root, lambda: state(root).input_value().startswith("drawn"), lambda: "the scenario to draw in")
    agree(root)
    tab_to("Keep as A")
    keyboard.press("Enter")
    wait_for(root, lambda: "|" in state(root).input_value(), lambda: "A and B")
    agree(root)

    unnamed = root.evaluate(
        """root => [...root.querySelectorAll("select, input, button, canvas[tabindex], [role=slider]")]
             .filter(control => !control.labels?.length && !control.textContent.trim() && !control.ariaLabel)
             .map(control => control.outerHTML)"""
    )
    assert unnamed == []


# The name of what has the focus, as far as the playground names things.
_NAME = """
() => {
  const it = document.activeElement;
  return it.ariaLabel || it.labels?.[0]?.textContent || it.textContent.trim();
}
"""
