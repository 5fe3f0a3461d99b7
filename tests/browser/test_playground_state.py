"""The playground's setting as a text in a real JupyterLab: copied, typed, and still there after a reload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playing import agree, area, enter, play, score, state, wait_for, wait_for_value
from playwright.sync_api import expect

if TYPE_CHECKING:
    from lab import Visit


def test_a_state_survives_a_reload_and_can_be_copied_and_typed(visit: Visit) -> None:
    page = visit.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    root = play(visit, "state.ipynb", "covered | uniform-mix share=0.3 splits=4", "'another cell'")
    root.get_by_label("classes", exact=True).press("ArrowRight")
    wait_for_value(root, "classes", 11)
    text = agree(root)
    area(root, "head").get_by_role("button", name="Copy").click()
    expect(area(root, "head").get_by_text("copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == text == "covered | uniform-mix classes=11 share=0.3 splits=4 moved=classes"
    sides = [side.inner_text() for side in area(root, "compare").locator(".ix-side .ix-score").all()]

    # The kernel lives on: the same playground comes back, and works.
    page.keyboard.press("Control+s")
    wait_for(
        root, lambda: "jupyter.widget-view" in (visit.lab.root / "state.ipynb").read_text(), lambda: "a saved file"
    )
    page.reload()
    page.locator(".isexplore .ix-area-compare .ix-panel").wait_for(timeout=60_000)
    assert agree(root) == text
    assert [side.inner_text() for side in area(root, "compare").locator(".ix-side .ix-score").all()] == sides
    root.get_by_label("splits S", exact=True).press("ArrowRight")
    wait_for_value(root, "splits", 5)

    # The copied text in another cell gives the same numbers.
    page.locator(".jp-CodeCell .cm-content").nth(1).fill(f"ix.playground(state={copied!r})")
    page.keyboard.press("Control+Enter")
    other = page.locator(".isexplore").nth(1)
    other.locator(".ix-area-compare .ix-panel").wait_for()
    assert agree(other) == copied
    assert [side.inner_text() for side in area(other, "compare").locator(".ix-side .ix-score").all()] == sides

    # Typed; and what is wrong is said, and changes nothing.
    enter(other, "garbage   fraction=0.4 splits=2")
    expect(state(other)).to_have_value("garbage fraction=0.4 splits=2")
    before = agree(other)
    for wrong, said in {
        "garbage fraction=2": "fraction is 2: it must lie between 0 and 1",
        "rubbish": "there is no scenario 'rubbish'",
        "": "there is no scenario ''",
        "garbage <b>x": "'<b>x' is not of the form name=value",
    }.items():
        enter(other, wrong)
        expect(area(other, "head").get_by_role("alert")).to_contain_text(said)
        assert area(other, "formula").locator(".ix-score").inner_text().startswith(f"IS {score(before).mean:.2f} ")
        expect(state(other)).to_have_value(wrong)  # it can be mended
    state(other).press("Escape")
    expect(state(other)).to_have_value(before)

    # Once something else is set up, the mistake is over.
    other.get_by_label("splits S", exact=True).press("ArrowRight")
    wait_for_value(other, "splits", 3)
    expect(area(other, "head").get_by_role("alert")).to_be_hidden()
    visit.check()
