"""The findings in a real JupyterLab: what is wrong, a click from its images, whatever the images are called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playing import wait_for
from playwright.sync_api import expect

import isexplore as ix

if TYPE_CHECKING:
    from lab import Visit
    from playwright.sync_api import Dialog, Locator

    from isexplore.report import Report

DIGITS = """
import isexplore as ix
def digits(images):
    return ix.predict(images, "digits", device="cpu", embeddings=True, progress=False)
real = digits(ix.demo.real())
"""
ONE = f"""{DIGITS}
explorer = ix.explore(digits(ix.demo.gan("collapsed", step=4500)), reference=real)
explorer
"""
SEVERAL = f"""{DIGITS}
sets = {{f"step {{s}}": digits(ix.demo.gan("collapsed", step=s)) for s in (3000, 4500, 6000)}}
explorer = ix.explore(sets, reference=real)
explorer
"""
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script><b>bold</b><a href='https://evil.invalid/'>go</a>"


# How opaque the middle of a picture is.
_OPAQUE = "it => it.getContext('2d').getImageData(it.width / 2, it.height / 2, 1, 1).data[3]"


def explorer(visit: Visit, cell: str, name: str = "findings.ipynb") -> Locator:
    """Open a notebook of one cell, run it, and wait until it is known what is wrong."""
    visit.open(name, [cell])
    visit.run_all()
    root = visit.page.locator(".isexplore").first
    findings = root.locator(".ix-area-findings").first
    findings.wait_for(timeout=60_000)
    findings.scroll_into_view_if_needed()
    expect(findings.locator(".ix-findings-summary")).to_contain_text("checks", timeout=60_000)
    return root


def area(root: Locator, name: str) -> Locator:
    return root.locator(f".ix-area-{name}").first


def finding(root: Locator, title: str) -> Locator:
    """Return a finding that has images."""
    return area(root, "findings").locator("button.ix-finding").filter(has_text=title)


def shown_images(root: Locator) -> list[str]:
    """Return the names of the images on the gallery's page, from its text twin."""
    twin = area(root, "gallery").locator("details.ix-twin")
    if twin.get_attribute("open") is None:
        twin.locator("summary").click()
    twin.locator("tbody tr").first.wait_for()
    names: list[str] = twin.locator("tbody").evaluate("body => [...body.rows].map(row => row.cells[0].textContent)")
    return names


@pytest.fixture(scope="module")
def report() -> Report:
    def digits(images: ix.ImageSet) -> ix.Predictions:
        return ix.predict(images, "digits", device="cpu", embeddings=True, progress=False)

    return ix.diagnose(digits(ix.demo.gan("collapsed", step=4500)), reference=digits(ix.demo.real()))


def test_a_click_shows_the_images_of_a_finding_in_every_view(visit: Visit, report: Report) -> None:
    root = explorer(visit, ONE)
    missing = next(found for found in report.findings if found.key == "missing-classes")
    names = [report.evidence.sample.predictions.image_names[i] for i in sorted(missing.images)]
    button, gallery = finding(root, missing.title), area(root, "gallery")
    expect(area(root, "header").locator(".ix-findings-alarm")).to_contain_text(f"severe: {missing.title}")
    expect(button).to_contain_text(missing.sentence)
    expect(button).to_contain_text("✖ severe")
    expect(button).to_have_attribute("aria-pressed", "false")
    assert area(root, "findings").locator("button.ix-finding").first.inner_text() == button.inner_text(), "worst first"

    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(gallery.locator("h3")).to_have_text(f"Images: selected {len(names)} of 1,000")
    expect(gallery.get_by_text(f"{missing.title} · IS of the selection ({len(names)} images)")).to_be_visible()
    assert shown_images(root) == names
    area(root, "marginal").locator("details.ix-twin > summary").click()
    selected = area(root, "marginal").locator("tbody tr td:nth-child(3)")
    expect(selected).to_have_count(10)  # filled once it is open
    expect(selected.first).not_to_have_text("–")
    parts = selected.all_inner_texts()
    assert sum(map(float, parts)) == pytest.approx(len(names) / 1000, abs=1e-3)
    strip = area(root, "findings").get_by_role("img", name="The most telling ones")
    expect(strip).to_be_visible()
    visit.picture("findings-light-1500")

    # A second click lets go; so does a class that is chosen in the histogram.
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(gallery.locator("h3")).to_have_text("Images: 1,000, none selected")
    expect(strip).to_have_count(0)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    area(root, "marginal").get_by_label("select images of").select_option("3")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(gallery.get_by_text("images that look most like 3")).to_be_visible()
    visit.check()


def test_a_finding_is_pressed_from_the_keyboard(visit: Visit) -> None:
    root = explorer(visit, ONE)
    area(root, "header").get_by_role("button", name="see Findings").focus()
    visit.page.keyboard.press("Enter")
    buttons = area(root, "findings").locator("button.ix-finding")
    expect(buttons.first).to_be_focused()
    expect(buttons.first).to_be_in_viewport()
    for key, pressed in [("Enter", "true"), ("Space", "false"), ("Space", "true"), ("Escape", "false")]:
        visit.page.keyboard.press(key)
        expect(buttons.first).to_have_attribute("aria-pressed", pressed)
        expect(buttons.first).to_be_focused()
    quiet = area(root, "findings").locator("details.ix-quiet").first
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    expect(quiet).to_contain_text("level")
    visit.check()


def test_what_was_not_found_and_what_nobody_can_see_is_said(visit: Visit) -> None:
    root = explorer(visit, f"{DIGITS}\nix.explore(real)")
    findings = area(root, "findings")
    nothing = re.compile(r"Nothing is wrong that these \d+ checks can see\.")
    expect(findings.locator(".ix-findings-summary")).to_have_text(nothing)
    expect(findings.get_by_text("cannot see memorised or repeated images")).to_be_visible()
    expect(findings.get_by_text("equally frequent classes")).to_be_visible()
    expect(findings.get_by_text("no reference set was given")).to_be_visible()
    expect(area(root, "header").locator(".ix-findings-alarm")).to_be_hidden()
    rest = findings.locator("details.ix-findings-rest")
    expect(rest.locator("li").first).to_be_hidden()
    rest.locator("summary").first.click()
    expect(rest.locator("li").first).to_contain_text(re.compile("✓ not found|· stated"))
    visit.check()


def test_it_is_drawn_before_it_is_known_and_an_error_says_what_to_do(visit: Visit) -> None:
    cell = f"""{DIGITS}
import pathlib, time
import isexplore.widgets.diagnosis as module
def slow(*_):
    while not pathlib.Path("go").exists():
        time.sleep(0.05)
    raise MemoryError("no room for 400 MB of embeddings")
module.diagnose_sides = slow
ix.explore(real)
"""
    visit.open("slow.ipynb", [cell])
    visit.run_all()
    root = visit.page.locator(".isexplore")
    summary = area(root, "findings").locator(".ix-findings-summary")
    expect(summary).to_have_text("looking for trouble …", timeout=60_000)
    area(root, "marginal").get_by_label("select images of").select_option("3")  # nothing waits for it
    expect(area(root, "gallery").get_by_text("images that look most like 3")).to_be_visible()
    expect(summary).to_have_text("looking for trouble …")
    (visit.lab.root / "go").touch()
    problem = area(root, "findings").get_by_role("alert").filter(has_text="no room for 400 MB")
    expect(problem).to_contain_text("isexplore.diagnose(…) in a cell")
    area(root, "gallery").get_by_role("button", name="Clear").click()
    expect(area(root, "gallery").locator("h3")).to_contain_text("none selected")
    expect(problem).to_be_visible()
    visit.check()


@pytest.mark.parametrize(("theme", "width"), [("JupyterLab Dark", 1500), ("JupyterLab Light", 1000)])
@pytest.mark.parametrize("cell", [ONE, SEVERAL], ids=["one", "several"])
def test_it_looks_right_in_both_themes_and_where_it_is_narrow(visit: Visit, cell: str, theme: str, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 1000})  # of which the explorer has 700 or 1200
    root = explorer(visit, cell, "look.ipynb")
    visit.theme(theme)
    button = area(root, "findings").locator("button.ix-finding").first
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    area(root, "findings").locator(".ix-strip").wait_for()
    for details in area(root, "findings").locator("details").all():
        if details.is_visible():
            details.locator("summary").first.click()
    area(root, "findings").scroll_into_view_if_needed()
    several = "several" if cell is SEVERAL else "one"
    visit.picture(f"findings-{several}-{theme.removeprefix('JupyterLab ').lower()}-{width}")
    findings = area(root, "findings")
    assert findings.evaluate("part => part.scrollWidth <= part.clientWidth + 1"), "nothing sticks out sideways"
    assert root.evaluate("root => root.scrollWidth <= root.clientWidth + 1"), "nothing sticks out sideways"
    visit.check()


def test_among_several_sets_each_finding_says_since_when(visit: Visit) -> None:
    root = explorer(visit, SEVERAL)
    missing = finding(root, "Missing classes")
    expect(missing.locator(".ix-finding-since")).to_have_text("in every set since step 4500", timeout=60_000)
    expect(missing.locator(".ix-finding-course")).to_have_text("By class: 0, 4 since step 4500; 2, 7 since step 6000.")
    heat = area(root, "heat").locator("canvas.ix-heat")
    bare = heat.evaluate("it => it.toDataURL()")
    missing.click()
    expect(missing).to_have_attribute("aria-pressed", "true")
    expect(area(root, "gallery").get_by_text("Missing classes · IS of the selection")).to_be_visible()
    wait_for(root, lambda: heat.evaluate("it => it.toDataURL()") != bare, lambda: "wedges on the heat map")
    expect(area(root, "findings").get_by_role("img", name="The most telling ones")).to_be_in_viewport()
    # They are selected in the views of several sets, too: beside A, on the heat map, and in the table of the classes.
    expect(area(root, "pairs").locator("[aria-label=B] .ix-pair-words")).to_contain_text(
        re.compile(r"\d of them selected")
    )
    expect(area(root, "heat").get_by_text("some of the selected images")).to_be_visible()
    area(root, "compare").locator("details.ix-twin > summary").last.click()
    parts = area(root, "compare").locator("details.ix-twin").last.locator("tbody tr td:nth-child(4)")
    expect(parts).to_have_count(10)
    expect(parts.first).not_to_have_text("–")
    area(root, "compare").locator(".ix-classes").scroll_into_view_if_needed()
    expect(area(root, "compare").locator(".ix-classes .scatterlayer .trace")).to_have_count(4)  # one more than before
    # The list scrolls to the images of the finding that stands lowest; what is not selected is dim beside A.
    low = area(root, "findings").locator("button.ix-finding").filter(has_text="Low confidence")
    low.click()
    expect(area(root, "findings").get_by_role("img", name="The most telling ones")).to_be_in_viewport(ratio=0.9)
    for words, dim in (("", False), (", not selected", True)):
        tiles = area(root, "pairs").locator("[aria-label=B] [role=option]")
        tile = tiles.and_(root.locator(f"[title$='%{words}']")).first
        tile.wait_for()
        opaque = tile.locator("canvas").evaluate(_OPAQUE)
        assert (opaque < 128) == dim
    missing.click()
    # One explorer has one list of findings.
    assert root.locator(".ix-area-findings .ix-panel").count() == 1
    slider = area(root, "timeline").get_by_role("slider").first
    slider.focus()
    visit.page.keyboard.press("Home")
    expect(area(root, "findings").locator(".ix-severity-severe")).to_have_count(0)
    expect(area(root, "gallery").locator("h3")).to_have_text("Images: 1,000, none selected")
    expect(area(root, "heat").get_by_text("some of the selected images")).to_be_hidden()
    visit.page.keyboard.press("End")
    expect(missing).to_have_attribute("aria-pressed", "false")
    visit.check()


NAMES = f"""
import numpy as np, isexplore as ix
from isexplore.predictions import Provenance
evil = {HOSTILE!r}
def made(seed, shares):
    rng = np.random.default_rng(seed)
    p = 0.97 * np.eye(3)[rng.choice(3, 400, p=shares)] + 0.01
    tiles = rng.integers(0, 255, (400, 4, 4, 1), dtype=np.uint8)
    names = [f"{{i}}{{evil}}" for i in range(400)]
    made = ix.Predictions.from_probabilities(p, [f"{{c}}{{evil}}" for c in "abc"], names, tiles)
    return made.described(Provenance(source=f"{{seed}}{{evil}}"))
real = made(0, [1/3, 1/3, 1/3])
first, last = made(1, [.5, .49, .01]), made(2, [.998, .001, .001])
"""


@pytest.mark.parametrize(
    "line",
    ["ix.explore(last, reference=real)", "ix.explore({f'1{evil}': first, f'2{evil}': last}, reference=real)"],
    ids=["one", "several"],
)
def test_names_with_markup_stay_names(visit: Visit, line: str) -> None:
    said: list[str] = []

    def note(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    visit.page.on("dialog", note)
    root = explorer(visit, NAMES + line, "evil.ipynb")
    button = area(root, "findings").locator("button.ix-finding").first
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    area(root, "gallery").get_by_text("IS of the selection").wait_for()
    # Scroll to each plot, so that it is drawn; open whatever can be opened; point at bars.
    for plot in root.locator(".ix-plot").all():
        plot.scroll_into_view_if_needed()
        plot.locator(".main-svg").first.wait_for()
    for summary in root.locator("details > summary").all():
        if summary.is_visible():
            summary.click()
    bar = area(root, "marginal").locator(".bars .point path").first
    bar.scroll_into_view_if_needed()
    bar.hover(force=True)
    hover = area(root, "marginal").locator(".hoverlayer .hovertext")
    hover.first.wait_for()
    assert HOSTILE[:28] in "".join(hover.all_text_contents())
    expect(area(root, "findings")).to_contain_text(f"0{HOSTILE}")  # the reference's
    expect(area(root, "findings").locator("button.ix-finding").first).to_contain_text(HOSTILE[:28])
    drawn = "img:not(.ix-newest), script, b, a, .ix-plot a, [style*=bold]"
    assert [str(each.evaluate("it => it.outerHTML"))[:200] for each in root.locator(drawn).all()] == []
    assert visit.page.locator("img[src=x]").count() == 0
    assert said == []
    visit.picture("findings-evil")
    visit.check()
