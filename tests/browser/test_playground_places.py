"""The playground's other places in a real JupyterLab: the digits changed by hand, and the attack on their network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from playing import area, settled, wait_for
from playwright.sync_api import expect

import isexplore as ix
from isexplore.images.altered import Alterations, altered

if TYPE_CHECKING:
    from lab import Visit
    from playwright.sync_api import Locator


def open_place(visit: Visit, notebook: str, cell: str, first: str) -> Locator:
    visit.open(notebook, [f"import isexplore as ix\n{cell}"])
    visit.run_all()
    root = visit.page.locator(".isexplore").first
    area(root, first).locator(".ix-panel").wait_for(timeout=60_000)
    return root


def wait_for_line(root: Locator, score: ix.Score) -> None:
    """Wait until the explorer's line is the library's, all of it but the classifier's name."""
    line = area(root, "header").locator(".ix-score")
    wanted = str(score).partition(" · digits")[0]
    wait_for(
        root,
        lambda: line.inner_text().partition(" · digits")[0] == wanted,
        lambda: f"{wanted}, but {line.inner_text()}",
    )


def test_real_digits_altered_score_as_the_library_says(visit: Visit) -> None:
    root = open_place(visit, "digits.ipynb", "ix.playground()", "compare")
    page = visit.page
    root.get_by_role("radio", name="real digits").check()
    area(root, "digits").locator(".ix-panel").wait_for(timeout=60_000)
    expect(area(root, "formula")).to_be_hidden()
    digits = area(root, "digits")
    real = ix.demo.real()
    preds = ix.predict(real, "digits", progress=False)
    wait_for_line(root, ix.inception_score(preds))

    # Three classes dropped.
    for digit in (0, 1, 2):
        digits.get_by_role("group").get_by_label(str(digit), exact=True).check()
    kept = preds.probabilities[np.array(real.labels) > 2]
    wait_for_line(root, ix.inception_score(kept))
    assert ix.inception_score(kept).overall < 7.1
    visit.picture("playground-digits")

    # Sorted by class: the mean over the splits falls, and the whole set keeps its score.
    digits.get_by_label("order of the images", exact=True).select_option("sorted")
    rows = np.argsort(np.array(real.labels)[np.array(real.labels) > 2], kind="stable")
    wait_for_line(root, ix.inception_score(kept[rows]))

    # Blurred, by keys, and back.
    digits.get_by_role("button", name="Reset").click()
    wait_for_line(root, ix.inception_score(preds))
    slider = digits.get_by_label("blur σ", exact=True)
    slider.press("End")
    text = digits.get_by_label("as text", exact=True)
    wait_for(root, lambda: "blur=" in text.input_value(), lambda: "a blur")
    blurred = altered(real, Alterations(blur=float(text.input_value().partition("blur=")[2])))
    expected = ix.inception_score(ix.predict(blurred, "digits", progress=False))
    wait_for_line(root, expected)
    assert expected.overall < 9.5

    # Typed, and a mistake.
    text.fill("digits drop=0,1,2,3,4,5,6,7,8,9")
    text.press("Enter")
    expect(digits.get_by_role("alert").filter(has_text="all digits are dropped")).to_be_visible()
    wait_for_line(root, expected)
    text.fill("digits drop=0,1,2")
    text.press("Enter")
    wait_for_line(root, ix.inception_score(kept))

    # Back to the made-up rows.
    root.get_by_role("radio", name="contrived distributions").check()
    expect(area(root, "formula")).to_be_visible()
    expect(digits).to_be_hidden()
    assert page.locator(".isexplore").count() == 1
    visit.check()


def test_the_attack_climbs_stops_and_goes_on(visit: Visit) -> None:
    root = open_place(visit, "attack.ipynb", "ix.playground('attack images=200 steps=200')", "attack")
    attack = area(root, "attack")
    line, tiles = attack.locator(".ix-score"), attack.locator(".ix-attack-tiles figure")

    def step_and_score() -> tuple[int, float]:
        found = re.match(r"IS ([\d.]+) of 200 images after (\d+) of 200 steps", line.inner_text())
        return (int(found[2]), float(found[1])) if found else (-1, np.nan)

    wait_for(root, lambda: step_and_score()[0] == 0, lambda: f"noise, but {line.inner_text()}")
    noise = step_and_score()[1]
    assert noise < 4
    attack.get_by_role("button", name="▶ Climb").click()
    wait_for(root, lambda: step_and_score()[0] >= 4, lambda: "some steps")
    attack.get_by_role("button", name="■ Stop").click()
    go_on = attack.get_by_role("button", name="▶ Go on")
    expect(go_on).to_be_visible()
    there = settled(root, step_and_score)  # one step may still be under way
    assert 4 <= there[0] < 200
    assert there[1] > noise
    go_on.click()
    wait_for(root, lambda: step_and_score()[1] > 9, lambda: f"a score above 9, but {line.inner_text()}")
    attack.get_by_role("button", name="■ Stop").click()
    expect(go_on).to_be_visible()
    expect(tiles).to_have_count(60)
    drawn = tiles.first.locator(".ix-attack-tile").evaluate("tile => getComputedStyle(tile).backgroundImage")
    assert drawn.startswith('url("blob:')
    visit.picture("playground-attack")
    attack.get_by_role("button", name="Back to noise").click()
    wait_for(root, lambda: step_and_score() == (0, noise), lambda: "the noise again")
    visit.check()
