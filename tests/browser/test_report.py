"""A report's page, opened from disk by a browser that has no network: both sliders, the images, hostile names."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from lab import ARTIFACTS
from playwright.sync_api import expect

import isexplore as ix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

STEPS = (1000, 4500, 30000)
HOSTILE = "<b>A</b><img src=x onerror=document.title='caught'>"


def digits(images: ix.ImageSet) -> ix.Predictions:
    return ix.predict(images, "digits", device="cpu", progress=False)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of a run, that of one set, and one whose names have HTML in them."""
    folder = tmp_path_factory.mktemp("reports")
    real = digits(ix.demo.real())
    sets = {f"step {step}": digits(ix.demo.gan("collapsed", step=step)) for step in STEPS}
    ix.diagnose(sets, reference=real).to_html(folder / "run.html")
    ix.diagnose(sets["step 4500"]).to_html(folder / "one.html")

    def renamed(it: ix.Predictions) -> ix.Predictions:
        names = [f"{HOSTILE}{i}" for i in range(len(it))]
        classes = [f"{HOSTILE}{name}" for name in it.class_names]
        new = ix.Predictions.from_probabilities(it.probabilities, classes, names, it.thumbnails)
        return new.described(ix.predictions.Provenance(HOSTILE, HOSTILE))

    hostile = {f"{HOSTILE} {name}": renamed(each) for name, each in sets.items()}
    ix.diagnose(hostile, reference=renamed(real)).to_html(folder / "hostile.html")
    return folder


@dataclass
class Opened:
    """A page, with what went wrong on it."""

    page: Page
    wrong: list[str] = field(default_factory=list)

    @property
    def checkpoint(self) -> Locator:
        return self.page.get_by_label("checkpoint")

    @property
    def splits(self) -> Locator:
        return self.page.get_by_label("splits", exact=True)

    @property
    def score(self) -> Locator:
        return self.page.locator(".ix-score")

    @property
    def tiles(self) -> Locator:
        return self.page.locator(".ix-tile")

    def area(self, name: str) -> Locator:
        return self.page.locator(f".ix-area-{name}")

    def plots(self) -> Locator:
        """Wait until every plot is drawn, which those are that are near the screen."""
        drawn = self.page.locator(".ix-plot")
        for i in range(drawn.count()):
            drawn.nth(i).scroll_into_view_if_needed()
            drawn.nth(i).locator("svg.main-svg").first.wait_for()
        self.page.evaluate("window.scrollTo(0, 0)")
        return drawn


@contextmanager
def opened(browser: Browser, path: Path, **options: Any) -> Iterator[Opened]:
    """Open a page from disk, in a browser without a network; whatever it asks for all the same is wrong."""
    context = browser.new_context(viewport={"width": 1500, "height": 1000}, offline=True, **options)
    page = context.new_page()
    page.set_default_timeout(30_000)
    it = Opened(page)

    def asked(request: Request) -> None:
        if not request.url.startswith(("file:", "data:")):
            it.wrong.append(f"asked: {request.url}")

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            it.wrong.append(f"console: {message.text}")

    page.on("request", asked)
    page.on("console", said)
    page.on("pageerror", lambda error: it.wrong.append(f"page error: {error}"))
    try:
        page.goto(path.as_uri())
        expect(it.score).to_contain_text("IS ")
        yield it
        assert not it.wrong, "\n".join(it.wrong)
    finally:
        context.close()


def backgrounds(tiles: Locator) -> list[str]:
    found: list[str] = tiles.evaluate_all(
        "all => all.map((one) => one.style.backgroundImage + one.style.backgroundPosition)"
    )
    return found


def test_the_keyboard_moves_both_sliders(browser: Browser, reports: Path) -> None:
    with opened(browser, reports / "run.html") as it:
        assert it.plots().count() == 4
        expect(it.page.locator(".ix-verdict")).to_have_text("severe from step 4500 on")
        expect(it.score).to_contain_text("IS 1.37 ± 0.09 over 10 splits of 100")
        expect(it.area("findings")).to_contain_text("(severe since step 4500; ")

        # Splits: the score and the curve's marker follow.
        it.splits.focus()
        line = it.area("curve").locator(".shapelayer path").first
        point = it.area("curve").locator(".scatterlayer .points path").last
        before = line.get_attribute("d"), point.get_attribute("transform")
        for _ in range(9):
            it.page.keyboard.press("ArrowLeft")
        expect(it.score).to_contain_text("IS 1.38 over 1 split of 1,000")
        expect(line).not_to_have_attribute("d", str(before[0]))
        expect(point).not_to_have_attribute("transform", str(before[1]))
        it.page.keyboard.press("End")
        expect(it.score).to_contain_text("over 100 splits of 10 ")
        for warning in it.page.locator(".ix-warnings li").all():  # which are of another number of splits
            expect(warning).to_contain_text("over 10 splits: ")

        # The checkpoint: the score, the variety, the findings, the classes and the images follow.
        last = backgrounds(it.tiles)
        variety = it.page.locator(".ix-bar-value").first.inner_text()
        it.checkpoint.focus()
        it.page.keyboard.press("Home")
        expect(it.checkpoint).to_have_attribute("aria-valuetext", "step 1000")
        expect(it.area("findings")).not_to_contain_text("severe")
        expect(it.page.locator(".ix-bar-value").first).not_to_have_text(variety)
        expect(it.area("marginal").locator(".ix-plot")).to_have_attribute(
            "aria-label", re.compile("in step 1000 against")
        )
        expect(it.area("images")).to_contain_text("7 · ")
        assert backgrounds(it.tiles) != last
        it.page.keyboard.press("ArrowRight")
        expect(it.area("findings")).to_contain_text("(severe since step 4500; ")
        expect(it.area("images")).to_contain_text("0 · 3 of 1,000")
        expect(it.score).to_contain_text("over 100 splits of 10 ")  # as it was


def test_the_mouse_moves_both_sliders_and_chooses_in_the_plots(browser: Browser, reports: Path) -> None:
    with opened(browser, reports / "run.html") as it:
        it.plots()
        for slider, place in ((it.splits, 0.5), (it.checkpoint, 0.02)):
            box = slider.bounding_box()
            assert box
            it.page.mouse.click(box["x"] + place * box["width"], box["y"] + box["height"] / 2)
        expect(it.score).to_contain_text(re.compile(r"over (4\d|5\d|60) splits"))
        expect(it.checkpoint).to_have_attribute("aria-valuetext", "step 1000")

        # A cell of the heat map, in the column of the second checkpoint.
        box = it.area("heat").locator(".heatmaplayer").bounding_box()
        assert box
        it.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
        it.area("heat").locator(".hoverlayer .hovertext").wait_for()
        it.page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
        expect(it.checkpoint).to_have_attribute("aria-valuetext", "step 4500")

        # A finding's images, and the reference's.
        many = it.tiles.count()
        it.area("findings").get_by_role("button", name="show images").first.click()
        lines = it.area("images").locator(".ix-line")
        expect(lines).to_have_count(2)  # its own images, and the reference's of the same classes
        looks = [
            line.locator(".ix-tile").evaluate_all("all => all.map((one) => one.title.match(/looks like (.)/)[1])")
            for line in lines.all()
        ]
        assert sorted(looks[0]) == ["0"] * 3 + ["4"] * 4
        assert set(looks[1]) == {"0", "4"}
        assert many > len(looks[0])
        it.page.get_by_label("show", exact=True).select_option(label="the reference, a few of each class")
        expect(it.area("images")).to_contain_text("0 · 178 of 1,797")


def test_each_plot_has_its_numbers_as_a_table(browser: Browser, reports: Path) -> None:
    with opened(browser, reports / "run.html") as it:
        tables = it.page.locator(".ix-twin")
        assert tables.count() == 5  # four plots, and the images
        for i in range(5):
            tables.nth(i).locator("summary").click()
            expect(tables.nth(i).locator("td").first).to_be_visible()
        rows = it.area("timeline").locator("tbody tr")
        expect(rows).to_have_count(3)
        expect(rows.nth(1)).to_contain_text("severe")


def test_one_set_has_no_checkpoints(browser: Browser, reports: Path) -> None:
    with opened(browser, reports / "one.html") as it:
        expect(it.checkpoint).to_be_hidden()
        expect(it.area("timeline")).to_have_count(0)
        expect(it.area("marginal")).to_contain_text("equal shares")
        it.splits.fill("1")
        expect(it.score).to_contain_text("over 1 split of 1,000")


def test_html_in_names_is_text(browser: Browser, reports: Path) -> None:
    with opened(browser, reports / "hostile.html") as it:
        it.plots()
        for details in it.page.locator("summary").all():
            details.click()
        for step in ("Home", "ArrowRight"):
            it.checkpoint.focus()
            it.page.keyboard.press(step)
        it.area("findings").get_by_role("button", name="show images").first.click()
        for place in ("timeline", "heat", "findings", "images"):
            expect(it.area(place)).to_contain_text("<img")
        expect(it.page.locator("main img")).to_have_count(0)
        expect(it.page).to_have_title(re.compile(re.escape(HOSTILE)))
        assert it.page.title() != "caught"

        # What Plotly shows of a name: it reads a little HTML itself.
        it.plots()  # and back to the top
        box = it.area("heat").locator(".heatmaplayer").bounding_box()
        assert box
        it.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(it.area("heat").locator(".hoverlayer .hovertext")).to_contain_text("<b>A</b><img")


def test_a_script_that_is_not_the_pages_own_does_not_run(browser: Browser, reports: Path) -> None:
    text = (reports / "one.html").read_text(encoding="utf-8")
    caught = "document.title = 'caught'"
    added = f'<script>{caught}</script><img src="data:," alt="" onerror="{caught}">'
    file = reports / "changed.html"
    file.write_text(text.replace("<noscript>", f"{added}<noscript>", 1), encoding="utf-8")
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(file.as_uri())
    expect(page.locator(".ix-score")).to_contain_text("IS ")  # its own do
    assert page.title() != "caught"
    assert sum("Content Security Policy" in text for text in said) == 2
    page.close()


def test_what_nobody_looked_for_is_said_without_a_click(browser: Browser, reports: Path) -> None:
    with opened(browser, reports / "one.html") as it:
        note = it.area("findings").get_by_text("The Inception Score alone cannot see")
        expect(note).to_have_count(1)
        expect(note).to_be_visible()
        expect(it.area("findings").locator("summary")).to_have_text(
            re.compile(r"^\d+ other checks? found nothing; \d+ numbers are only stated$")
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_and_a_narrow_window(browser: Browser, reports: Path, scheme: Any) -> None:
    with opened(browser, reports / "run.html", color_scheme=scheme) as it:
        for width in (1500, 700):
            it.page.set_viewport_size({"width": width, "height": 1000})
            it.plots()
            assert it.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            ARTIFACTS.mkdir(exist_ok=True)
            it.page.screenshot(path=ARTIFACTS / f"report-{scheme}-{width}.png", full_page=True)
        back = it.page.evaluate("getComputedStyle(document.body).backgroundColor")
        text = it.area("curve").locator("text.xtitle").evaluate("one => getComputedStyle(one).fill")
        assert (back, text) == {
            "light": ("rgb(255, 255, 255)", "rgb(34, 34, 34)"),
            "dark": ("rgb(21, 21, 21)", "rgb(230, 230, 230)"),
        }[scheme]
        other: Any = "light" if scheme == "dark" else "dark"
        it.page.emulate_media(color_scheme=other)  # the plots follow, too
        expect(it.page.locator("body")).to_have_attribute("data-jp-theme-light", str(other == "light").lower())
        expect(it.area("curve").locator("text.xtitle")).not_to_have_css("fill", text)
