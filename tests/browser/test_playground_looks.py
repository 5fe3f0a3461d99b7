"""The playground's looks in a real JupyterLab: both themes, any width, and far down in a notebook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from playing import agree, area, enter, state, wait_for
from playwright.sync_api import expect

if TYPE_CHECKING:
    from lab import Visit
    from playwright.sync_api import Locator

_PANELS = ("head", "formula", "controls", "curve", "matrix", "shares", "doubts", "compare")
_PAGES = ["print('a line\\n' * 50)"] * 4  # cells of more than a screen's height together
_SETTINGS = {
    "free": "free-play garbage=0.1",
    "pair": "covered splits=5 | random-images splits=5",
    "draw": "drawn",
}

# Plots that have no marks or not their box's width, points that are not round, and heat maps that are empty.
_UNDRAWN = """
root => {
  const plots = [...root.querySelectorAll(".ix-plot")].filter((plot) => {
    const wide = plot.querySelector(".main-svg")?.clientWidth ?? 0;
    return Math.abs(wide - plot.clientWidth) > 2 || !plot.querySelector(".trace path");
  });
  const points = [...root.querySelectorAll(".ix-area-curve :is(.shapelayer, .points) path")].filter((point) => {
    const { width, height } = point.getBoundingClientRect();
    return width > 4 && Math.abs(width - height) > 1;
  });
  const canvas = root.querySelector(".ix-area-matrix canvas");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const empty = pixels.some((part) => part) ? [] : [canvas];
  return [...plots, ...points, ...empty].map((it) => it.outerHTML.slice(0, 200));
}
"""
# What ends to the right of the playground.
_OUT = """
root => root.scrollWidth <= root.clientWidth ? [] : [...root.querySelectorAll("*")]
  .filter((it) => it.getBoundingClientRect().right > root.getBoundingClientRect().right + 1)
  .map((it) => it.outerHTML.slice(0, 200))
"""


def expect_drawn(root: Locator) -> None:
    """Go to each plot, as what is far from the screen is not drawn, and wait until all are."""

    def drawn() -> bool:
        for plot in root.locator(".ix-plot").all():
            plot.scroll_into_view_if_needed()
        return bool(root.evaluate(_UNDRAWN) == [])

    wait_for(root, drawn, lambda: str(root.evaluate(_UNDRAWN)))


def test_it_draws_far_down_in_both_themes_and_at_any_width(visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size({"width": 1500, "height": 1000})
    visit.open("look.ipynb", [*_PAGES, "import isexplore as ix\nix.playground('uniform-mix')", *_PAGES])
    visit.run_all()
    cells = page.locator(".jp-CodeCell")
    done = cells.last.locator(".jp-InputPrompt").filter(has_text=f"[{2 * len(_PAGES) + 1}]")
    done.wait_for(state="attached", timeout=60_000)

    # Whatever it was drawn into off screen: whoever comes there sees all of it.
    cell = cells.nth(len(_PAGES))
    cell.scroll_into_view_if_needed()
    root = cell.locator(".isexplore")
    for name in _PANELS:
        expect(area(root, name).locator(".ix-panel")).to_be_visible()
    expect_drawn(root)
    assert root.locator(".ix-plot").count() >= 3
    expect(root).to_be_in_viewport()  # it had its height before, so nothing jumped

    for theme, width in (("Light", 1500), ("Dark", 1500), ("Dark", 1100), ("Dark", 700)):
        if width == 1500:
            visit.theme(f"JupyterLab {theme}")
        elif width == 700:  # the file browser would leave too little
            page.keyboard.press("Control+b")
        page.set_viewport_size({"width": width, "height": 1400})
        for name, text in _SETTINGS.items():
            enter(root, text)
            expect(state(root)).to_have_value(text)
            agree(root)
            expect_drawn(root)
            area(root, "head").scroll_into_view_if_needed()
            visit.picture(f"playground-{name}-{theme.lower()}-{width}")
            assert root.evaluate(_OUT) == [], f"{name}, {theme}, {width}: nothing sticks out sideways"
        colour = root.evaluate("root => getComputedStyle(root).color")
        assert (np.mean([int(part) for part in re.findall(r"\d+", colour)[:3]]) > 128) == (theme == "Dark")
    visit.check()
