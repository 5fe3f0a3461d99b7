"""The playground in a real JupyterLab: every preset, every slider, and two settings side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playing import agree, area, enter, opened, score, shown, start, state, wait_for, wait_for_value
from playwright.sync_api import expect

from isexplore.contrived.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab import Lab, Visit
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def visit(browser: Browser, lab: Lab) -> Iterator[Visit]:
    with opened(browser, lab, "playground.ipynb") as it:
        yield it


def test_every_preset_opens_and_scores_as_the_library_says(visit: Visit) -> None:
    root = start(visit, "uniform-mix share=0.5")
    menu = root.get_by_label("preset", exact=True)
    assert menu.locator("optgroup option").all_text_contents() == [preset.title for preset in PRESETS]
    for i, preset in enumerate(PRESETS):
        menu.select_option(str(i))
        expect(state(root)).to_have_value(preset.text)
        agree(root)
        expect(area(root, "head").get_by_role("heading")).to_have_text(shown(preset.text).scenario.title)
        expect(menu).to_have_value(str(i))
        first, bar, _ = preset.text.partition(" |")
        sides = area(root, "compare").locator(".ix-side")
        if bar:
            a = sides.first.locator(".ix-score")
            expect(a).to_contain_text(f"IS {score(first).mean:,.2f}")
        else:
            expect(sides.first).to_be_hidden()


def test_every_slider_moves_the_number_to_the_library_s(visit: Visit) -> None:
    root = start(visit, "uniform-mix")
    rows = area(root, "controls").locator(".ix-parameter")
    for text in (
        "uniform-mix share=0.5 splits=4",
        "random-images classes=10 images=500 splits=10",
        "label-mismatch",
        "free-play",
    ):
        enter(root, text)
        expect(state(root)).to_have_value(text)
        titles = {one.title: name for name, one in shown(text).parameters().items()}
        expect(rows.locator("label")).to_have_text(list(titles))
        for row, name in zip(rows.all(), titles.values(), strict=True):
            slider, menu = row.locator("input[type=range]"), row.locator("select")
            if menu.count():
                for option in menu.locator("option").all():
                    menu.select_option(option.get_attribute("value"))
                    wait_for_value(root, name, menu.input_value())
                continue
            slider.focus()
            last = slider.evaluate("slider => slider.value === slider.max")
            slider.press("ArrowLeft" if last else "ArrowRight")
            wait_for_value(root, name, float(row.locator("input[type=number]").input_value()))
            assert shown(state(root).input_value()).value(name) != shown(text).value(name)


def test_two_settings_stand_side_by_side(visit: Visit) -> None:
    root = start(visit, "uniform-mix share=0.2")
    compare = area(root, "compare")
    verdict, sides = compare.locator(".ix-verdict"), compare.locator(".ix-side")
    agree(root)

    # Keep, change, swap, forget.
    compare.get_by_role("button", name="Keep as A").click()
    expect(verdict).to_contain_text("Same score, and for the same reasons")
    root.get_by_label("uniform part ε of each row", exact=True).press("PageUp")
    wait_for(root, lambda: shown(state(root).input_value()).value("share") > 0.2, lambda: "a change of B")
    both = agree(root)
    first, _, second = both.partition(" | ")
    assert first == "uniform-mix share=0.2"
    expect(verdict).to_contain_text("A scores higher")
    expect(verdict).to_contain_text("less doubt")
    for side, text in zip(sides.all(), (first, second), strict=True):
        expect(side.locator(".ix-score")).to_contain_text(f"IS {score(text).mean:.2f}")
    compare.get_by_role("button", name="Swap A and B").click()
    expect(state(root)).to_have_value(f"{second} | {first}")
    expect(verdict).to_contain_text("B scores higher")
    agree(root)
    compare.get_by_role("button", name="Forget A").click()
    expect(state(root)).to_have_value(first)
    expect(sides.first).to_be_hidden()

    # Same score, different disease.
    root.get_by_label("preset", exact=True).select_option(label="Same score, different disease")
    expect(verdict).to_have_text(
        "Same score, different disease: A lacks variety (1.61 < 2.30 nats), B has doubt (0.69 > 0.00 nats)."
    )
    expect(sides.locator(".ix-score")).to_contain_text(["IS 5.00"] * 2)
    agree(root)
    visit.picture("playground-pair")
