"""Two sets compared, and their pair of galleries, in a real JupyterLab, driven as a person drives them."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import expect

import isexplore as ix
from isexplore.collapse.comparison import compare_sets
from isexplore.collapse.evidence import side_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab import Visit
    from playwright.sync_api import Locator

SETS = """
import isexplore as ix
real = ix.predict(ix.demo.real(), "digits", progress=False)
sets = {f"step {s}": ix.predict(ix.demo.gan("collapsed", step=s), "digits", progress=False) for s in (3000, 4500)}
explorer = ix.explore(sets, reference=real)
explorer
"""
# In the page: decoding takes as long as it is told to.
_SLOW = """
const decode = window.createImageBitmap;
window.createImageBitmap = async (...all) => {
  await new Promise((done) => setTimeout(done, window.ixSlow ?? 0));
  return decode(...all);
};
"""
OTHER_NETWORK = """
from dataclasses import replace
strange = sets["step 4500"].described(replace(real.provenance, classifier="inception-2015"))
ix.explore({"step 3000": sets["step 3000"], "strange": strange})
"""
HOSTILE = """
import numpy as np
import isexplore as ix
evil = '<img src=x onerror="window.pwned = 1"><b>bold</b>'
rows = np.random.default_rng(0).dirichlet([0.3] * 3, (2, 60))
names = dict(class_names=[evil, "b", "c"], image_names=[f"{evil} {i}" for i in range(60)])
a, b = (ix.Predictions.from_probabilities(p, **names) for p in rows)
explorer = ix.explore({evil: a, "second": b})
explorer.state.choose_class(0)
explorer
"""


def predict(step: int | None) -> ix.Predictions:
    return ix.predict(ix.demo.real() if step is None else ix.demo.gan("collapsed", step), "digits", progress=False)


@pytest.fixture(scope="module")
def known() -> dict[str, ix.Predictions]:
    return {"reference": predict(None), "step 3000": predict(3000), "step 4500": predict(4500)}


def area(root: Locator, name: str) -> Locator:
    return root.locator(f".ix-area-{name}").first


def begin(visit: Visit, notebook: str, *cells: str) -> Locator:
    visit.open(notebook, cells)
    visit.run_all()
    root = visit.page.locator(".isexplore").first
    area(root, "compare").locator(".ix-scores").wait_for(timeout=120_000)
    area(root, "pairs").locator(".ix-pair").wait_for()
    return root


def wait_for(visit: Visit, condition: Callable[[], bool], what: str) -> None:
    for _ in range(200):
        if condition():
            return
        visit.page.wait_for_timeout(100)
    raise AssertionError(f"did not come: {what}")


def twin_rows(panel: Locator, number: int) -> list[list[str]]:
    """Open a table twin, and return what it says."""
    twin = panel.locator("details.ix-twin").nth(number)
    if twin.get_attribute("open") is None:
        twin.locator("summary").click()
    twin.locator("tbody tr").first.wait_for()
    rows: list[list[str]] = twin.locator("tbody").evaluate(
        "body => [...body.rows].map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return rows


def shown(predictions: ix.Predictions, digit: int) -> list[str]:
    """Return the names of the first images of a digit, surest first."""
    members = np.flatnonzero(predictions.probabilities.argmax(axis=1) == digit)
    doubt = ix.inception_score(predictions, splits=1).conditional_entropy[members]
    return [predictions.image_names[i] for i in members[np.argsort(doubt, kind="stable")][:40]]


def titles(root: Locator, letter: str) -> list[str]:
    found: list[str] = (
        area(root, "pairs")
        .get_by_role("group", name=letter, exact=True)
        .get_by_role("option")
        .evaluate_all("tiles => tiles.map(tile => tile.title.split(',')[0])")
    )
    return found


def test_two_sets_are_compared_and_a_class_is_looked_at(visit: Visit, known: dict[str, ix.Predictions]) -> None:
    root = begin(visit, "compare.ipynb", SETS)
    compare, pairs = area(root, "compare"), area(root, "pairs")

    # The last set stands beside the reference; the numbers are the library's.
    found = compare_sets(side_of(known["reference"]), side_of(known["step 4500"]), names=("reference", "step 4500"))
    expect(compare.locator(".ix-difference")).to_have_text(found.sentence)
    rows = {row[0]: row[1:] for row in twin_rows(compare, 0)}
    assert rows["images"] == ["1,797", "1,000"]
    assert rows["corrected score, all images"] == [f"{found.a.corrected:.3f}", f"{found.b.corrected:.3f}"]
    assert rows["mean over 10 splits of 100"] == [f"{found.protocol_a.mean:.3f}", f"{found.protocol_b.mean:.3f}"]
    classes = twin_rows(compare, 1)
    order = np.argsort(-np.abs(found.share_change), kind="stable")
    assert [row[0] for row in classes] == [str(i) for i in order]
    assert float(classes[0][7].replace("−", "-")) == pytest.approx(found.contribution_change[order[0]], abs=6e-5)

    # Another A.
    compare.get_by_label("A", exact=True).select_option("step 3000")
    other = compare_sets(side_of(known["step 3000"]), side_of(known["step 4500"]), names=("step 3000", "step 4500"))
    expect(compare.locator(".ix-difference")).to_have_text(other.sentence)
    expect(pairs.get_by_role("group", name="A", exact=True)).to_contain_text("A: step 3000")
    compare.get_by_label("A", exact=True).select_option("reference")
    expect(compare.locator(".ix-difference")).to_have_text(found.sentence)

    # A click on a class: its row is lit, and both galleries show it.
    plot = compare.locator(".ix-classes .ix-plot")
    plot.scroll_into_view_if_needed()
    label = plot.locator(".ytick text").get_by_text("7", exact=True)
    label.wait_for()
    at, box = label.bounding_box(), plot.bounding_box()
    assert at is not None
    assert box is not None
    visit.page.mouse.move(box["x"] + 0.3 * box["width"], at["y"] + at["height"] / 2)
    visit.page.mouse.click(box["x"] + 0.3 * box["width"], at["y"] + at["height"] / 2)
    expect(pairs.locator("h3")).to_have_text("Images that look most like 7: A beside B")
    expect(compare.get_by_label("class", exact=True)).to_have_value("7")
    expect(plot.locator(".shapelayer path")).to_have_count(1)
    wait_for(visit, lambda: titles(root, "B") == shown(known["step 4500"], 7), "the 7s of step 4500")
    assert titles(root, "A") == shown(known["reference"], 7)
    visit.picture("compare-light")

    # The keyboard alone: another class, another order, another page, and an image of B for the explorer below.
    pairs.get_by_role("button", name="class ›").press("Enter")
    expect(pairs.locator("h3")).to_contain_text("like 8")
    wait_for(visit, lambda: titles(root, "B") == shown(known["step 4500"], 8), "the 8s of step 4500")
    pairs.get_by_role("button", name="page ›").press("Enter")
    expect(pairs.locator(".ix-controls")).to_contain_text("page 2 of 5")
    wait_for(visit, lambda: titles(root, "B") != shown(known["step 4500"], 8), "the second page")
    gallery = pairs.get_by_role("group", name="B", exact=True).get_by_role("listbox")
    gallery.press("ArrowRight")
    gallery.press("ArrowDown")
    gallery.press("ArrowUp")
    second = titles(root, "B")[1]
    gallery.press("Enter")
    expect(root.locator(".ix-area-gallery .ix-primary strong")).to_have_text(second)
    expect(gallery.locator('[aria-selected="true"]')).to_have_attribute("title", re.compile(f"^{second},"))

    # Dark and narrow.
    visit.theme("JupyterLab Dark")
    visit.page.set_viewport_size({"width": 760, "height": 1000})
    compare.scroll_into_view_if_needed()
    for name in ("compare", "pairs"):
        fits = partial(area(root, name).evaluate, "element => element.scrollWidth <= element.clientWidth")
        wait_for(visit, fits, f"{name} within its column")  # plots follow a moment later
    visit.picture("compare-dark-narrow")
    visit.check()


def test_names_and_pictures_are_of_the_same_class(visit: Visit, known: dict[str, ix.Predictions]) -> None:
    visit.page.add_init_script(_SLOW)
    root = begin(visit, "slow.ipynb", SETS)
    pairs, chosen = area(root, "pairs"), area(root, "pairs").get_by_label("class", exact=True)
    names = {digit: shown(known["step 4500"], digit) for digit in (7, 8)}
    canvases = pairs.get_by_role("group", name="B", exact=True).locator("[role=option] canvas")

    def look_at(digit: int) -> None:
        chosen.select_option(str(digit))
        wait_for(visit, lambda: titles(root, "B") == names[digit], f"the {digit}s")

    def select_all() -> list[str]:
        root.get_by_role("button", name="Select this range").click()
        expect(pairs).to_contain_text("of them selected")
        wait_for(visit, lambda: titles(root, "B") == names[8], "the 8s")
        drawn: list[str] = canvases.evaluate_all("all => all.map((it) => it.toDataURL())")
        return drawn

    look_at(8)
    pictures = select_all()
    root.locator(".ix-area-gallery").get_by_role("button", name="Clear").click()
    expect(pairs).not_to_contain_text("of them selected")
    look_at(7)
    # Another change while the pictures are still being decoded.
    visit.page.evaluate("window.ixSlow = 1500")
    chosen.select_option("8")
    visit.page.wait_for_timeout(300)
    assert select_all() == pictures
    visit.check()


def test_a_set_of_another_network_is_refused_in_words(visit: Visit) -> None:
    begin(visit, "refused.ipynb", SETS, OTHER_NETWORK)
    said = visit.page.locator(".jp-Notebook .jp-OutputArea-output").get_by_text("can't be compared").last
    expect(said).to_contain_text("step 3000 and strange can't be compared: their classifiers differ", timeout=60_000)
    expect(said).to_contain_text("digits against inception-2015")
    visit.check()


def test_html_in_names_is_shown_as_text(visit: Visit) -> None:
    root = begin(visit, "hostile.ipynb", HOSTILE)
    compare, pairs = area(root, "compare"), area(root, "pairs")
    expect(compare.locator(".ix-difference")).to_contain_text('<img src=x onerror="window.pwned = 1">')
    expect(pairs.locator("h3")).to_contain_text("<b>bold</b>")
    expect(pairs).to_contain_text("kept without thumbnails")
    compare.locator(".ix-classes .ix-plot").scroll_into_view_if_needed()
    compare.locator(".ix-classes .ytick text").first.wait_for()
    ticks = compare.locator(".ix-classes .ytick").all_text_contents()
    assert any(tick.startswith("<img src=x") for tick in ticks), ticks
    assert titles(root, "B")[0].startswith("<img")
    assert root.locator("img, b").count() == 0
    assert visit.page.evaluate("window.pwned") is None
    visit.check()
