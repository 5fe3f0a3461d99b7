"""Several sets in a real JupyterLab: the timeline, its scrubber and play, the heat map, and a training that goes on."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from lab import visiting
from playing import wait_for
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab import Lab, Visit
    from playwright.sync_api import Browser, Locator

STEPS = (1000, 2000, 3000, 4500, 6000)
# Images that look most like each digit, at each of these steps; `ix.demo` says so, too.
AT_4500 = (3, 125, 63, 198, 4, 125, 105, 16, 187, 174)
SEVERAL = f"""
import isexplore as ix
def digits(images):
    return ix.predict(images, "digits", device="cpu", progress=False)
sets = {{f"step {{n}}": digits(ix.demo.gan("collapsed", n)) for n in {STEPS}}}
it = ix.explore(sets, reference=digits(ix.demo.real()))
it
"""
HOSTILE = """
import numpy as np, isexplore as ix
names = ['<img src=x onerror="alert(1)">', "<b>bold</b>", "a&amp;b", "</script><script>alert(2)</script>"]
def make(seed):
    p = np.random.default_rng(seed).dirichlet([0.3] * 4, 200)
    return ix.Predictions.from_probabilities(p, class_names=names)
it = ix.explore({f"{name} {i}": make(i) for i, name in enumerate(names)}, reference=make(9))
it
"""
STALE = """
import numpy as np, isexplore as ix
def make(seed):
    return ix.Predictions.from_probabilities(np.random.default_rng(seed).dirichlet([0.3] * 4, 200))
sets = {"first": make(1), "torn": make(0), "whole": make(2)}
sets["torn"].probabilities.setflags(write=True)
sets["torn"].probabilities[7] = np.nan
it = ix.explore(sets, reference=make(3))
it
"""
LIVE = """
import torch, isexplore as ix
from isexplore.runs import Monitor
class Generator(torch.nn.Module):
    latent_dim = 4
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 64)
    def forward(self, z):
        return self.layer(z).sigmoid().reshape(-1, 1, 8, 8)
monitor = Monitor(Generator(), "digits", every=10, n=40)
it = ix.explore(monitor)
it
"""


# In the page: controls without a name, and what sticks out on the right.
_NAMELESS = """
all => all.filter((it) => !(it.labels?.length || it.ariaLabel || it.textContent.trim())).map((it) => it.outerHTML)
"""
_TOO_WIDE = """
root => [...root.querySelectorAll("*")].filter((it) => !it.closest(".ix-twin-body, svg, .modebar"))
  .filter((it) => it.getBoundingClientRect().right > root.getBoundingClientRect().right + 2).map((it) => it.className)
"""


def area(root: Locator, name: str) -> Locator:
    return root.locator(f":scope > .ix-grid > .ix-area-{name}")


def widget(visit: Visit) -> Locator:
    root = visit.page.locator(".isexplore").first
    area(root, "explorer").locator(".ix-area-header .ix-score").wait_for(timeout=90_000)
    return root


@contextmanager
def opened(browser: Browser, lab: Lab, notebook: str) -> Iterator[tuple[Visit, Locator]]:
    with visiting(browser, lab) as visit:
        visit.open(notebook, [SEVERAL])
        visit.run_all()
        root = widget(visit)
        expect(area(root, "timeline").locator(".ix-verdict")).to_contain_text("severe since step 4500", timeout=90_000)
        yield visit, root
        visit.check()


@pytest.fixture(scope="module")
def several(browser: Browser, lab: Lab) -> Iterator[tuple[Visit, Locator]]:
    """Open five checkpoints for several tests: that takes longest of all."""
    with opened(browser, lab, "several.ipynb") as it:
        yield it


def scrubber(root: Locator) -> Locator:
    return root.get_by_label("checkpoint", exact=True)


def heat(root: Locator) -> Locator:
    return area(root, "heat").locator("canvas.ix-heat")


def expect_shown(root: Locator, number: int) -> None:
    """Expect a set everywhere: in words, in the curves, in the heat map, and in the explorer below."""
    name = f"step {STEPS[number]}"
    expect(root.locator(".ix-shown")).to_have_text(f"{name}, set {number + 1} of {len(STEPS)}")
    expect(area(root, "timeline").locator(".ix-scrubbed")).to_have_text(name)
    expect(area(root, "timeline").locator(".ix-now")).to_have_text(re.compile(f"^{name}: IS "))
    expect(scrubber(root)).to_have_value(str(number))
    expect(heat(root)).to_have_attribute("aria-label", re.compile(f"Current: {name}[.]"))
    said = area(root, "timeline").locator(".ix-now").inner_text()
    whole = re.search(r"whole set ([\d.]+)", said)
    assert whole
    expect(area(root, "explorer").locator(".ix-score")).to_contain_text(f"whole set {whole[1]} ")


def place(root: Locator) -> float:
    """Return where the line stands that marks the current checkpoint in the curves, in pixels of the page."""
    lines = area(root, "timeline").locator(".shapelayer path")
    lines.last.wait_for(state="attached")
    box = lines.last.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2


def click_cell(root: Locator, row: int, column: int, columns: int = len(STEPS), rows: int = 10) -> None:
    canvas = heat(root)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    canvas.click(position={"x": box["width"] * (column + 0.5) / columns, "y": box["height"] * (row + 0.5) / rows})


def expect_class(root: Locator, digit: int, images: int) -> None:
    gallery = area(root, "explorer").locator(".ix-area-gallery")
    expect(gallery.locator("h3")).to_have_text(f"Images: selected {images} of 1,000")
    expect(gallery.locator(".ix-selection")).to_contain_text(f"images that look most like {digit}")
    expect(area(root, "heat").locator(".ix-heat-chosen")).to_have_text(str(digit))


def test_the_scrubber_moves_everything_by_keyboard_and_by_mouse(several: tuple[Visit, Locator]) -> None:
    visit, root = several
    scrubber(root).focus()
    visit.page.keyboard.press("Home")
    expect_shown(root, 0)
    first = place(root)
    visit.page.keyboard.press("ArrowRight")
    visit.page.keyboard.press("ArrowRight")
    expect_shown(root, 2)
    assert place(root) > first
    box = scrubber(root).bounding_box()
    assert box is not None
    visit.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    visit.page.mouse.down()
    for share in (0.6, 0.8, 0.99):
        visit.page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
    visit.page.mouse.up()
    expect_shown(root, 4)
    root.get_by_role("button", name="the checkpoint before").click()
    expect_shown(root, 3)
    visit.picture("timeline")


def test_a_click_on_a_point_of_a_curve_goes_there(several: tuple[Visit, Locator]) -> None:
    _, root = several
    chart = area(root, "timeline").locator(".ix-course")
    chart.scroll_into_view_if_needed()
    point = chart.locator(".scatterlayer .trace:has(.points path)").first.locator(".points path").nth(1)
    box = point.bounding_box()
    assert box is not None
    root.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect_shown(root, 1)


def test_play_shows_every_checkpoint_and_stops_at_the_end(several: tuple[Visit, Locator]) -> None:
    visit, root = several
    scrubber(root).focus()
    visit.page.keyboard.press("End")
    expect_shown(root, 4)
    visit.page.evaluate("""() => {
      window.ixSeen = [];
      const at = document.querySelector(".ix-shown");
      const score = document.querySelector(".ix-area-explorer .ix-score");
      const note = () => {
        const pair = `${at.textContent.split(",")[0]} ${/whole set ([\\d.]+)/.exec(score.textContent)[1]}`;
        if (window.ixSeen.at(-1) !== pair) window.ixSeen.push(pair);
        requestAnimationFrame(note);
      };
      note();
    }""")
    root.get_by_role("button", name="▶ Play").click()
    expect(root.get_by_role("button", name="■ Stop")).to_be_visible()
    expect(root.get_by_role("button", name="▶ Play")).to_be_visible(timeout=60_000)
    expect_shown(root, 4)
    seen = visit.page.evaluate("() => window.ixSeen")
    rows = area(root, "timeline").locator("details.ix-twin")
    rows.locator("summary").click()
    scores = [row.split("\t")[:4:3] for row in rows.locator("tbody").inner_text().splitlines()]  # of the whole sets
    rows.locator("summary").click()
    painted = [f"{name} {score}" for name, score in scores]
    # Each was on screen with its own score.
    assert [pair for pair in seen if pair in painted] == [painted[4], *painted]


def test_a_person_stops_play(several: tuple[Visit, Locator]) -> None:
    visit, root = several
    root.get_by_role("button", name="▶ Play").click()
    expect(root.get_by_role("button", name="■ Stop")).to_be_visible()
    scrubber(root).focus()
    visit.page.keyboard.press("End")
    expect(root.get_by_role("button", name="▶ Play")).to_be_visible()
    expect_shown(root, 4)
    visit.page.wait_for_timeout(1000)  # nothing may follow
    expect_shown(root, 4)
    root.get_by_role("button", name="▶ Play").click()
    click_cell(root, row=1, column=2)
    expect(root.get_by_role("button", name="▶ Play")).to_be_visible()
    expect_shown(root, 2)
    visit.page.wait_for_timeout(1000)
    expect_shown(root, 2)


def test_nothing_jumps_when_a_class_is_chosen(several: tuple[Visit, Locator]) -> None:
    _, root = several
    sides = area(root, "pairs").locator(".ix-pair-list, .ix-pair-side > .ix-note:not([hidden])")
    heights = []
    for row in (3, 3, 5, 5):  # a second click lets it go
        scrubber(root).focus()
        root.page.keyboard.press("Escape")
        heights.append([area(root, name).evaluate("it => it.offsetHeight") for name in ("compare", "pairs")])
        click_cell(root, row=row, column=3)
        expect_class(root, row, AT_4500[row])
        expect(area(root, "compare")).to_contain_text("Thick line")
        heights.append([area(root, name).evaluate("it => it.offsetHeight") for name in ("compare", "pairs")])
        tops = sides.evaluate_all(
            "all => all.filter((it) => it.clientHeight).map((it) => it.getBoundingClientRect().top)"
        )
        assert len(set(tops)) == 1, tops
    assert all(one == heights[0] for one in heights), heights


def test_a_click_on_a_cell_shows_its_images(several: tuple[Visit, Locator]) -> None:
    _, root = several
    click_cell(root, row=7, column=3)
    expect_shown(root, 3)
    expect_class(root, 7, AT_4500[7])
    pairs = area(root, "pairs")
    pairs.scroll_into_view_if_needed()
    expect(pairs).to_contain_text(f"{AT_4500[7]}")
    click_cell(root, row=0, column=3)
    expect_class(root, 0, AT_4500[0])
    # They are seen at once, under the map; a class that is gone is said.
    looked = area(root, "heat").locator(".ix-heat-looked")
    expect(looked.get_by_role("status")).to_have_text(f"step 4500, class 0: {AT_4500[0]} images")
    expect(looked.locator(".ix-strip canvas")).to_have_count(AT_4500[0])
    expect(looked.locator(".ix-strip canvas").first).to_be_in_viewport()
    click_cell(root, row=0, column=4)
    expect(looked.get_by_role("status")).to_have_text("step 6000, class 0: no image")
    expect(looked.locator(".ix-strip")).to_be_hidden()


def test_the_heat_map_is_read_and_used_by_keyboard(several: tuple[Visit, Locator]) -> None:
    visit, root = several
    heat(root).focus()
    readout = area(root, "heat").locator(".ix-heat-cell")
    for key in ("Home", "PageUp", *["ArrowDown"] * 4, *["ArrowRight"] * 3):
        visit.page.keyboard.press(key)
    expect(readout).to_contain_text("4 at step 4500: p(y) = 0.0")
    expect(readout).to_contain_text(f"; {AT_4500[4]} images look most like it")
    visit.page.keyboard.press("Enter")
    expect_shown(root, 3)
    expect_class(root, 4, AT_4500[4])
    visit.page.keyboard.press("Tab")
    expect(readout).to_contain_text("point at a cell")


def test_a_class_stays_selected_from_checkpoint_to_checkpoint(several: tuple[Visit, Locator]) -> None:
    visit, root = several
    click_cell(root, row=3, column=3)
    expect_class(root, 3, AT_4500[3])
    scrubber(root).focus()
    visit.page.keyboard.press("End")
    expect_shown(root, 4)
    expect_class(root, 3, 257)
    visit.page.keyboard.press("Escape")
    expect(area(root, "explorer").locator(".ix-area-gallery h3")).to_have_text("Images: 1,000, none selected")


def test_every_plot_says_its_numbers_as_a_table(several: tuple[Visit, Locator]) -> None:
    _, root = several
    for name, rows in {"timeline": len(STEPS), "heat": len(STEPS)}.items():
        twin = area(root, name).locator("details.ix-twin")
        twin.locator("summary").click()
        expect(twin.locator("tbody tr")).to_have_count(rows)
        twin.locator("summary").click()
    missing = root.locator(":is(input, select, button):not(.modebar *)").evaluate_all(_NAMELESS)
    assert not missing


def stacked(root: Locator) -> bool:
    """Tell whether the heat map lies below the curves."""
    above, below = (area(root, name).bounding_box() for name in ("timeline", "heat"))
    return above is not None and below is not None and below["y"] >= above["y"] + above["height"]


def test_dark_and_narrow(browser: Browser, lab: Lab) -> None:
    with opened(browser, lab, "dark.ipynb") as (visit, root):
        light = heat(root).evaluate("it => it.toDataURL()")
        visit.theme("JupyterLab Dark")
        area(root, "timeline").scroll_into_view_if_needed()
        expect(area(root, "timeline").locator(".ix-course .xtick text").first).to_have_css("fill", "rgb(255, 255, 255)")
        wait_for(
            root, lambda: heat(root).evaluate("it => it.toDataURL()") != light, lambda: "a heat map of dark colours"
        )
        visit.picture("timeline-dark")
        visit.page.set_viewport_size({"width": 1100, "height": 900})  # the file browser takes some
        expect(area(root, "heat")).to_be_visible()
        wait_for(root, lambda: stacked(root), lambda: "the heat map below the curves")
        wait_for(root, lambda: not root.evaluate(_TOO_WIDE), lambda: f"room: {root.evaluate(_TOO_WIDE)}")
        visit.picture("timeline-narrow")


def test_a_reloaded_page_goes_on(visit: Visit) -> None:
    visit.open("reload.ipynb", [SEVERAL])
    visit.run_all()
    root = widget(visit)
    expect(area(root, "timeline").locator(".ix-verdict")).to_contain_text("severe since step 4500", timeout=90_000)
    click_cell(root, row=4, column=3)
    expect_shown(root, 3)
    visit.page.keyboard.press("Control+s")
    file = visit.lab.root / "reload.ipynb"
    while "jupyter.widget-view+json" not in file.read_text():
        visit.page.wait_for_timeout(100)
    visit.page.reload()
    visit.ready("reload.ipynb")
    root = widget(visit)
    expect_shown(root, 3)
    expect_class(root, 4, AT_4500[4])
    scrubber(root).focus()
    visit.page.keyboard.press("ArrowLeft")
    expect_shown(root, 2)
    root.get_by_role("button", name="▶ Play").click()
    expect(root.get_by_role("button", name="■ Stop")).to_be_visible()
    expect(root.get_by_role("button", name="▶ Play")).to_be_visible(timeout=60_000)
    expect_shown(root, 4)
    visit.check()


def test_html_in_names_is_text(visit: Visit) -> None:
    visit.page.on("dialog", lambda dialog: visit.errors.append(f"a script ran: {dialog.message}"))
    visit.open("hostile.ipynb", [HOSTILE])
    visit.run_all()
    root = widget(visit)
    hostile = '<img src=x onerror="alert(1)">'
    expect(area(root, "heat").locator(".ix-heat-names > span").first).to_have_text(hostile)
    click_cell(root, row=0, column=0, columns=4, rows=4)
    expect(root.locator(".ix-shown")).to_have_text(f"{hostile} 0, set 1 of 4")
    expect(area(root, "timeline").locator(".ix-scrubbed")).to_have_text(f"{hostile} 0")
    expect(area(root, "heat").locator(".ix-heat-cell")).to_contain_text(f"{hostile} at {hostile} 0")
    for twin in root.locator("details.ix-twin summary").all():
        twin.click()
    chart = area(root, "timeline").locator(".ix-course")
    chart.scroll_into_view_if_needed()
    box = chart.locator(".scatterlayer .trace:has(.points path) .points path").first.bounding_box()
    assert box is not None
    visit.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(chart.locator(".hoverlayer")).to_contain_text("<img src=x")
    assert root.locator("img, b, script").count() == 0
    visit.check()


def test_a_training_shows_itself_checkpoint_by_checkpoint(visit: Visit) -> None:
    visit.open("live.ipynb", [LIVE, "for step in (10, 20, 30): monitor(step)"])
    visit.page.locator(".jp-CodeCell").first.locator(".cm-content").click()
    visit.page.keyboard.press("Control+Enter")
    root = visit.page.locator(".isexplore").first
    expect(root.locator(".ix-waiting")).to_have_text("waiting for the first checkpoint …", timeout=60_000)
    expect(scrubber(root)).to_have_count(0)
    visit.page.locator(".jp-CodeCell").nth(1).locator(".cm-content").click()
    visit.page.keyboard.press("Control+Enter")
    expect(root.locator(".ix-shown")).to_have_text("step 30, set 3 of 3", timeout=60_000)
    expect(root.locator(".ix-waiting")).to_be_hidden()
    root.scroll_into_view_if_needed()
    expect(scrubber(root)).to_have_value("2")
    visit.check()


def test_the_explorers_head_leads_to_the_findings_above(several: tuple[Visit, Locator]) -> None:
    visit, root = several
    scrubber(root).focus()
    visit.page.keyboard.press("End")
    expect_shown(root, 4)
    head = area(root, "explorer").locator(".ix-area-header")
    expect(head.locator(".ix-findings-alarm")).to_contain_text("severe: Missing classes")
    head.get_by_role("button", name="see Findings").click()
    expect(area(root, "findings").locator("button.ix-finding").first).to_be_focused()


def test_numbers_of_another_set_are_dim_and_out_of_reach(visit: Visit) -> None:
    visit.open("stale.ipynb", [STALE])
    visit.run_all()
    root = widget(visit)
    explorer = area(root, "explorer")
    expect(root.locator(".ix-shown")).to_have_text("whole, set 3 of 3")
    expect(explorer).not_to_have_class(re.compile("ix-stale"))
    compare = area(root, "compare")
    said, numbers = compare.locator(".ix-difference"), compare.locator(":has(> .ix-scores)")
    expect(said).to_contain_text("whole")
    height = compare.bounding_box()
    scrubber(root).focus()
    visit.page.keyboard.press("ArrowLeft")
    expect(root.locator(".ix-shown")).to_contain_text("could not be scored")
    expect(explorer).to_have_class(re.compile("ix-stale"))
    assert explorer.evaluate("it => it.inert")
    expect(said).to_contain_text("torn could not be scored")
    expect(numbers).to_have_css("opacity", "0.4")
    assert numbers.evaluate("it => it.inert")
    assert compare.bounding_box() == height  # nothing jumps
    visit.page.keyboard.press("End")
    expect(explorer).not_to_have_class(re.compile("ix-stale"))
    assert not explorer.evaluate("it => it.inert")
    expect(said).to_contain_text("whole")
    expect(numbers).to_have_css("opacity", "1")
    # No line runs through a set of which nobody knows what is wrong.
    findings = area(root, "timeline").locator(".ix-course .scatterlayer .trace").last
    expect(findings.locator(".points path")).to_have_count(2)
    assert not any(
        "L" in line
        for line in findings.locator(".lines path").evaluate_all("all => all.map((it) => it.getAttribute('d'))")
    )
