"""The explorer in a real JupyterLab, driven as a person drives it."""

from __future__ import annotations

import re
import shutil
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import expect

import isexplore as ix
from isexplore.splits import shuffled_order

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab import Visit
    from playwright.sync_api import Locator

# The digits network, slowly: a person can press Cancel before it is done.
SLOW = """
import time, torch
import isexplore as ix
from isexplore.classifiers import load_classifier

class Slow(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.network = load_classifier("digits").module
    def forward(self, batch):
        time.sleep(0.4)
        return self.network(batch)

slow = Slow()
explorer = ix.explore()
explorer
"""
EXPLORE = """
import isexplore as ix
explorer = ix.explore(ix.predict(ix.demo.gan("collapsed"), "digits", progress=False))
explorer
"""


@pytest.fixture(scope="module")
def collapsed() -> ix.Predictions:
    return ix.predict(ix.demo.gan("collapsed"), "digits", progress=False)


def explorer(visit: Visit) -> Locator:
    root = visit.page.locator(".isexplore")
    root.wait_for(timeout=60_000)
    return root


def panel(root: Locator, name: str) -> Locator:
    return root.locator(f".ix-area-{name}")


def click_bar(visit: Visit, bar: Locator) -> None:
    """Click in the middle of a bar; Plotly's own layer lies above it."""
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    assert box is not None
    visit.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def wait_for(visit: Visit, condition: Callable[[], bool], what: str) -> None:
    for _ in range(200):
        if condition():
            return
        visit.page.wait_for_timeout(100)
    raise AssertionError(f"did not come: {what}")


def wait_for_score(visit: Visit, line: Locator, score: ix.Score) -> None:
    """Wait until the header says what the library says, all of it but the classifier's name."""
    wait_for(
        visit, lambda: line.inner_text().removesuffix(" · digits") == str(score).removesuffix(" · digits"), str(score)
    )


def gallery_rows(root: Locator) -> list[list[str]]:
    twin = panel(root, "gallery").locator("details.ix-twin")
    if twin.get_attribute("open") is None:
        twin.locator("summary").click()
    twin.locator("tbody tr").first.wait_for()
    rows: list[list[str]] = twin.locator("tbody").evaluate(
        "body => [...body.rows].map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return rows


SORTED = """
import numpy as np
import isexplore as ix
preds = ix.predict(ix.demo.real(), "digits", progress=False)
rows = np.argsort(preds.probabilities.argmax(axis=1), kind="stable")
explorer = ix.explore(ix.Predictions.from_probabilities(preds.probabilities[rows]))
explorer
"""


def test_a_class_sorted_set_raises_the_alarm_and_a_shuffle_clears_it(visit: Visit) -> None:
    visit.open("sorted.ipynb", [SORTED])
    visit.run_all()
    root = explorer(visit)
    preds = ix.predict(ix.demo.real(), "digits", progress=False)
    p = preds.probabilities[np.argsort(preds.probabilities.argmax(axis=1), kind="stable")]
    protocol, line = panel(root, "protocol"), panel(root, "header").locator(".ix-score")
    order, printed = protocol.locator(".ix-order"), protocol.locator(".ix-printed strong")

    # Sorted by class: an alarm beside the button, a warning below the score, and the loss taken apart.
    by_class = ix.inception_score(p)
    wait_for_score(visit, line, by_class)
    expect(order).to_have_class(re.compile("ix-alarm"))
    expect(order).to_contain_text(f"lose {100 * ix.order_test(p).loss:.2g} % to it")
    expect(panel(root, "header").get_by_text("do not lie in random order")).to_be_visible()
    expect(printed).to_have_text(f"{by_class.mean:.2f} ± {by_class.std:.2f}")
    loss = ix.split_loss(by_class)
    numbers = [
        f"{loss.overall:.2f}",
        f"× {loss.divergence_factor:.4f}",
        f"× {loss.mean_ratio:.4f}",
        f"= {loss.mean:.2f}",
    ]
    expect(protocol.locator(".ix-factors td:first-child")).to_have_text(numbers)
    visit.picture("sorted-light-1500")

    # One click.
    protocol.get_by_role("button", name="Shuffle").click()
    rows = p[shuffled_order(len(p), 2020)]
    mixed = ix.inception_score(rows)
    wait_for_score(visit, line, mixed)
    expect(order).not_to_have_class(re.compile("ix-alarm"))
    expect(order).to_contain_text("In random order, tested with 10 splits")
    expect(panel(root, "header").get_by_text("do not lie in random order")).to_have_count(0)
    expect(printed).to_have_text(f"{mixed.mean:.2f} ± {mixed.std:.2f}")
    expect(protocol.locator(".ix-printed")).to_contain_text(f"in file order (dashed) it was {by_class.mean:.2f}")

    # Other rules for the same splits, by keyboard.
    protocol.get_by_label("± is").focus()
    visit.page.keyboard.press("ArrowDown")
    expect(printed).to_have_text(f"{mixed.mean:.2f} ± {np.std(mixed.split_scores, ddof=1):.2f}")
    protocol.get_by_label("cut by").focus()
    visit.page.keyboard.press("ArrowDown")
    size = len(p) // 10
    scores = [ix.inception_score(rows[i * size : (i + 1) * size], splits=1).overall for i in range(10)]
    expect(printed).to_have_text(f"{np.mean(scores):.2f} ± {np.std(scores, ddof=1):.2f}")
    expect(protocol.locator(".ix-printed")).to_contain_text(f"{len(p) - 10 * size} images left out")

    # What other code prints, on the order that is shown; it follows the slider.
    conventions = panel(root, "conventions")
    conventions.get_by_role("button", name="Compare").click()
    for splits in (10, 9):
        if splits != mixed.splits:
            protocol.get_by_label("splits", exact=True).focus()
            visit.page.keyboard.press("ArrowLeft")
        cells = conventions.locator("tbody tr:has(th)", has_text="improved-gan (2016)").locator("td")
        score = ix.inception_score(rows, splits=splits)
        expect(cells.nth(0)).to_have_text(f"{score.mean:.4f}")
        expect(cells.nth(1)).to_have_text(f"{score.std:.4f}")
    table = ix.compare_conventions(rows, splits=9, seed=0)
    shown = conventions.locator("tbody tr:has(th)").evaluate_all("rows => rows.map(row => row.cells[0].textContent)")
    assert shown == table["convention"].tolist()
    visit.picture("conventions-light-1500")
    visit.theme("JupyterLab Dark")
    visit.picture("conventions-dark-1500")
    conventions.get_by_role("button", name="Put away").click()
    expect(conventions.locator("table")).to_be_hidden()
    visit.check()


def test_from_the_chooser_to_the_images_of_a_class(visit: Visit, collapsed: ix.Predictions) -> None:
    page = visit.page
    visit.open("story.ipynb", [SLOW])
    visit.run_all()
    root = explorer(visit)

    # Choose the collapsed GAN and a slow network, compute, and cancel.
    root.get_by_label("sample set").select_option("demo:collapsed")
    root.get_by_label("classifier").focus()  # looks for the networks of the notebook
    root.get_by_label("classifier").locator("option", has_text="slow").wait_for(state="attached")
    root.get_by_label("classifier").select_option("variable:slow")
    root.get_by_role("button", name="Compute").click()
    root.get_by_text("images/s").wait_for()
    root.get_by_role("button", name="Cancel").click()
    root.get_by_text("cancelled; nothing was changed").wait_for()
    assert not panel(root, "header").is_visible()

    # Compute again, with the network as it is.
    root.get_by_label("classifier").select_option("digits")
    root.get_by_role("button", name="Compute").click()
    line = panel(root, "header").locator(".ix-score")
    line.wait_for()
    expected = ix.inception_score(collapsed, splits=10)
    assert line.inner_text() == str(expected)
    root.locator("summary").get_by_text("collapsed GAN, step 30000, 1000 images").wait_for()
    visit.picture("chosen-light-1500")

    # Drag the split slider; the number is the library's for that count.
    slider = root.get_by_label("splits", exact=True)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 10, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2, steps=8)
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    splits = int(slider.input_value())
    assert splits > 40
    wait_for_score(visit, line, ix.inception_score(collapsed, splits=splits))

    # Shuffle with a seed: the same rows in torch-fidelity's order.
    root.get_by_label("with seed").fill("7")
    root.get_by_role("button", name="Shuffle").click()
    shuffled = collapsed.probabilities[shuffled_order(len(collapsed), 7)]
    wait_for_score(visit, line, ix.inception_score(shuffled, splits=splits))
    panel(root, "protocol").get_by_text("shuffled with seed 7").wait_for()

    # Click the tallest bar: the gallery shows that class only, with the selection's own score.
    bars = panel(root, "marginal").locator(".bars .point path")
    heights = bars.evaluate_all("bars => bars.map(bar => bar.getBoundingClientRect().height)")
    click_bar(visit, bars.nth(int(np.argmax(heights))))
    top = collapsed.probabilities.argmax(axis=1)
    chosen = int(np.bincount(top).argmax())
    mask = top == chosen
    panel(root, "gallery").get_by_role("heading", name=f"selected {mask.sum():,} of {len(mask):,}").wait_for()
    rows = gallery_rows(root)
    assert rows
    assert {row[1] for row in rows} == {collapsed.class_names[chosen]}
    alone = ix.inception_score(collapsed.probabilities[mask], splits=1).overall
    assert f"IS of the selection ({mask.sum():,} images) {alone:.2f}" in panel(root, "gallery").inner_text()

    # Walk with the arrows.
    canvas = panel(root, "gallery").locator("canvas.ix-gallery")
    name = panel(root, "gallery").locator(".ix-primary strong")
    canvas.focus()
    first = name.inner_text()
    page.keyboard.press("ArrowRight")
    wait_for(visit, lambda: name.inner_text() == rows[1][0], "the next image")
    page.keyboard.press("ArrowLeft")
    wait_for(visit, lambda: name.inner_text() == first, "the image before")
    visit.picture("selected-light-1500")

    # Reload, and run again.
    page.reload()
    page.get_by_role("menuitem", name="Run", exact=True).wait_for()
    visit.ready("story.ipynb")
    visit.run_all()
    wait_for(
        visit,
        lambda: root.count() == 1 and root.get_by_role("button", name="Compute").is_enabled(),
        "the chooser again",
    )
    root.get_by_label("sample set").select_option("demo:healthy")
    root.get_by_role("button", name="Compute").click()
    root.locator("summary").get_by_text("healthy GAN").wait_for()
    visit.check()


@pytest.mark.parametrize(
    ("theme", "width"), [("JupyterLab Light", 1800), ("JupyterLab Dark", 1500), ("JupyterLab Dark", 900)]
)
def test_it_looks_right_in_both_themes_and_at_any_width(visit: Visit, theme: str, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 1400})
    visit.open("look.ipynb", [EXPLORE])
    visit.theme(theme)
    visit.run_all()
    root = explorer(visit)
    click_bar(visit, panel(root, "marginal").locator(".bars .point path").first)
    panel(root, "gallery").get_by_text("IS of the selection").wait_for()
    root.scroll_into_view_if_needed()
    visit.page.wait_for_timeout(500)  # the last plot paints
    shade = theme.removeprefix("JupyterLab ").lower()
    visit.picture(f"explorer-{shade}-{width}")
    assert root.evaluate("root => root.scrollWidth <= root.clientWidth + 1"), "nothing sticks out sideways"
    text = root.evaluate("root => getComputedStyle(root).color")
    assert (np.array([int(n) for n in re.findall(r"\d+", text)[:3]]).mean() > 128) == ("Dark" in theme)
    visit.check()


def test_a_dragged_range_selects_images(visit: Visit, collapsed: ix.Predictions) -> None:
    visit.open("drag.ipynb", [EXPLORE, "explorer.selection.tolist()"])
    visit.run_all()
    root = explorer(visit)
    plot = panel(root, "entropy").locator(".ix-plot .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    visit.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 30)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + box["width"] * 0.98, box["y"] + 60, steps=10)
    visit.page.mouse.up()
    panel(root, "gallery").get_by_text("IS of the selection").wait_for()
    # The fields show the range to three decimals; sent back as they are, they select just what they say.
    low = float(root.get_by_label("from", exact=True).input_value())
    high = float(root.get_by_label("to", exact=True).input_value())
    root.get_by_role("button", name="Select this range").click()
    entropy = ix.inception_score(collapsed).conditional_entropy
    count = int(((entropy >= low) & (entropy <= high)).sum())
    assert 0 < count < len(collapsed)
    panel(root, "gallery").get_by_role("heading", name=f"selected {count:,} of").wait_for()
    root.get_by_role("button", name="Invert").click()
    panel(root, "gallery").get_by_role("heading", name=f"selected {len(collapsed) - count:,} of").wait_for()
    root.get_by_role("button", name="Clear").click()
    panel(root, "gallery").get_by_role("heading", name="none selected").wait_for()
    visit.check()


def test_everything_can_be_done_from_the_keyboard(visit: Visit, collapsed: ix.Predictions) -> None:
    keyboard = visit.page.keyboard
    visit.open("keys.ipynb", [EXPLORE])
    visit.run_all()
    root = explorer(visit)
    line = panel(root, "header").locator(".ix-score")

    root.get_by_label("splits", exact=True).focus()
    keyboard.press("ArrowRight")
    wait_for_score(visit, line, ix.inception_score(collapsed, splits=11))

    root.get_by_label("from", exact=True).focus()
    keyboard.press("Control+A")
    keyboard.type("0")
    keyboard.press("Tab")
    keyboard.type("0.01")
    keyboard.press("Enter")
    panel(root, "gallery").get_by_text("H(y|x) from 0.000 to 0.010 nats").wait_for()

    root.get_by_label("select images of").focus()
    keyboard.type("0")  # a select goes to the option that begins with what is typed
    panel(root, "gallery").get_by_text("images that look most like 0").wait_for()

    unnamed = root.evaluate(
        """root => [...root.querySelectorAll("select, input, button, canvas[tabindex], progress")]
             .filter(control => !control.labels?.length && !control.textContent.trim() && !control.ariaLabel)
             .map(control => control.outerHTML)"""
    )
    assert unnamed == []
    visit.check()


def test_every_plot_has_a_text_twin(visit: Visit, collapsed: ix.Predictions) -> None:
    visit.open("twin.ipynb", [EXPLORE])
    visit.run_all()
    root = explorer(visit)
    score = ix.inception_score(collapsed)
    for name, rows in {"marginal": 10, "entropy": 50, "protocol": 200}.items():
        twin = panel(root, name).locator("details.ix-twin")
        twin.locator("summary").click()
        expect(twin.locator("tbody tr")).to_have_count(rows)
        assert panel(root, name).locator(".ix-plot").get_attribute("aria-label")
    first = panel(root, "marginal").locator("tbody tr").first.inner_text().split()
    assert first[:2] == ["0", f"{score.marginal[0]:.4f}"]
    visit.check()


def test_errors_are_said_and_stay(visit: Visit, tmp_path: Path) -> None:
    visit.open("errors.ipynb", [EXPLORE])
    visit.run_all()
    root = explorer(visit)
    root.locator("details.ix-chooser > summary").click()
    root.get_by_label("sample set").select_option("path")
    root.get_by_label("path", exact=True).fill("/nowhere/at/all")
    root.get_by_label("path", exact=True).press("Tab")
    root.locator(".ix-preview").get_by_text("/nowhere/at/all").wait_for()
    assert root.get_by_role("button", name="Compute").is_disabled()

    root.get_by_label("sample set").select_option("upload")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 no zip at all")
    root.get_by_label("files", exact=True).set_input_files(broken)
    root.locator(".ix-preview").get_by_text("broken.npz").wait_for()

    root.get_by_label("from", exact=True).fill("2")
    root.get_by_label("to", exact=True).fill("1")
    root.get_by_role("button", name="Select this range").click()
    panel(root, "entropy").get_by_role("alert").get_by_text("the smaller first").wait_for()
    visit.picture("errors")
    visit.check()


def test_an_upload_is_computed(visit: Visit, tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", np.stack([ix.demo.real().read(i) for i in range(40)]))
    visit.open("upload.ipynb", ["import isexplore as ix\nix.explore()"])
    visit.run_all()
    root = explorer(visit)
    root.get_by_label("sample set").select_option("upload")
    root.get_by_label("files", exact=True).set_input_files(tmp_path / "two.npz")
    root.locator(".ix-preview").get_by_text("40 images, 8×8 gray").wait_for()
    root.get_by_role("button", name="Compute").click()
    root.locator("summary").get_by_text("uploaded files, 40 images").wait_for()
    visit.check()


def test_names_with_markup_stay_names(visit: Visit) -> None:
    evil = "<a href='https://evil.invalid/'><b>bold</b></a><img src=x onerror=document.title='owned'>"
    cell = f"""
import numpy as np, isexplore as ix
rng = np.random.default_rng(0)
p = rng.dirichlet(np.full(3, .1), 30)
names = [str(i) + {evil!r} for i in range(30)]
ix.explore(ix.Predictions.from_probabilities(p, names[:3], names))
"""
    visit.open("evil.ipynb", [cell])
    visit.run_all()
    root = explorer(visit)
    click_bar(visit, panel(root, "marginal").locator(".bars .point path").first)
    panel(root, "gallery").get_by_text("IS of the selection").wait_for()
    for summary in root.locator("details.ix-twin > summary").all():
        summary.click()
    bar = panel(root, "marginal").locator(".bars .point path").first
    bar.scroll_into_view_if_needed()
    bar.hover(force=True)
    hover = panel(root, "marginal").locator(".hoverlayer .hovertext")
    hover.first.wait_for()
    assert evil[:30] in "".join(hover.all_text_contents())
    drawn = "img:not(.ix-newest), b, a, .ix-plot a, .hoverlayer [style*=bold], .xtick [style*=bold]"
    assert root.locator(drawn).count() == 0
    assert visit.page.title() != "owned"
    visit.check()


def test_plots_and_tiles_follow_a_change_of_theme(visit: Visit) -> None:
    cell = """
import numpy as np, isexplore as ix
ix.explore(ix.Predictions.from_probabilities(np.random.default_rng(0).dirichlet(np.ones(5), 50)))
"""
    visit.open("theme.ipynb", [cell])
    visit.theme("JupyterLab Light")
    visit.run_all()
    root = explorer(visit)
    tick = panel(root, "entropy").locator(".xtick text").first
    canvas = panel(root, "gallery").locator("canvas.ix-gallery")
    tick.wait_for()

    def are(dark: bool) -> bool:  # noqa: FBT001
        text = re.findall(r"[\d.]+", tick.evaluate("text => getComputedStyle(text).fill"))[:3]
        tile = canvas.evaluate("canvas => [...canvas.getContext('2d').getImageData(8, 8, 1, 1).data].slice(0, 3)")
        if not text:  # the tick was just drawn anew
            return False
        return (sum(map(float, text)) > 3 * 128) == dark and (sum(tile) < 3 * 128) == dark

    for theme, dark in [("JupyterLab Dark", True), ("JupyterLab Light", False)]:
        visit.theme(theme)
        wait_for(visit, partial(are, dark), f"text and tiles of {theme}")
    visit.check()


def test_after_a_restart_it_says_that_nobody_answers(visit: Visit) -> None:
    visit.open("restart.ipynb", [EXPLORE])
    visit.run_all()
    root = explorer(visit)
    panel(root, "marginal").locator(".bars .point path").first.wait_for()
    visit.page.get_by_role("menuitem", name="Kernel", exact=True).click()
    visit.page.locator(".lm-Menu-itemLabel").get_by_text("Restart Kernel…", exact=True).click()
    visit.page.locator(".jp-Dialog").get_by_role("button", name="Confirm Kernel Restart").click()
    root.get_by_text("run this cell again").wait_for()
    assert root.locator(".ix-grid").get_attribute("inert") is not None
    # And the advice helps. (No check of the console here: Lab itself complains of the lost connection.)
    visit.run_all()
    alive = visit.page.locator(".isexplore .ix-grid:not([inert])")
    alive.locator(".bars .point path").first.wait_for(timeout=60_000)


def test_a_thousand_classes_stay_readable(visit: Visit) -> None:
    cell = """
import numpy as np, isexplore as ix
p = np.random.default_rng(0).dirichlet(np.full(1000, .01), 3000)
ix.explore(ix.Predictions.from_probabilities(p))
"""
    visit.open("thousand.ipynb", [cell])
    visit.run_all()
    root = explorer(visit)
    bars = panel(root, "marginal").locator(".bars .point path")
    bars.first.wait_for()
    box = bars.first.bounding_box()
    assert box is not None
    assert box["width"] >= 5, "a bar is wide enough to click"
    panel(root, "marginal").get_by_role("button", name="later").click()
    panel(root, "marginal").get_by_text("classes 31–60 of 1,000").wait_for()
    panel(root, "marginal").get_by_label("sort by").select_option("share")
    panel(root, "marginal").get_by_text("classes 1–30 of 1,000").wait_for()
    visit.picture("thousand-classes")
    visit.check()


def test_the_notebook_runs_from_top_to_bottom(visit: Visit, checkout: Path) -> None:
    shutil.copy(checkout / "notebooks" / "explore.ipynb", visit.lab.root / "explore.ipynb")
    visit.open("explore.ipynb")
    visit.run_all()
    roots = visit.page.locator(".isexplore")
    wait_for(visit, lambda: roots.count() == 4, "three explorers and a chooser")
    wait_for(visit, lambda: roots.nth(2).locator(".bars .point path").count() >= 10, "the last plots")
    assert visit.page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
    visit.picture("notebook")
    visit.check()
