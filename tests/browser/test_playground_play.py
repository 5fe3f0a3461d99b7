"""The playground in a real JupyterLab: play, and exercises that hide the score until it is guessed."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playing import agree, area, enter, is_scored, opened, score, shown, start, state, wait_for, wait_for_value
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab import Lab, Visit
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def visit(browser: Browser, lab: Lab) -> Iterator[Visit]:
    with opened(browser, lab, "playground_play.ipynb") as it:
        yield it


_SEEN = """
line => {
  window.ixSeen = [];
  const note = () => ixSeen.push(line.textContent);
  new MutationObserver(note).observe(line, { childList: true, characterData: true, subtree: true });
}
"""


_CLICK_AT_A_STEP = """
(line, button) => new Promise((done) => {
  const click = (_, observer) => { observer.disconnect(); button.click(); done(); };
  new MutationObserver(click).observe(line, { childList: true, subtree: true });
})
"""


def test_play_runs_and_stops_and_steps_go_one_by_one(visit: Visit) -> None:
    root = start(visit, "uniform-mix share=0.7")
    controls, line = area(root, "controls"), area(root, "formula").locator(".ix-score")
    start_button, stop = (controls.get_by_role("button", name=name) for name in ("▶ Play", "■ Stop"))
    share = controls.get_by_label("uniform part ε of each row", exact=True)
    agree(root)

    # To the end, where it stops by itself.
    controls.get_by_label("speed", exact=True).select_option("fast")
    line.evaluate(_SEEN)
    start_button.click()
    expect(stop).to_be_visible()
    expect(state(root)).to_have_value("uniform-mix share=1")
    expect(start_button).to_be_visible()
    assert is_scored(line.inner_text(), score("uniform-mix share=1"))
    seen = {found for text in visit.page.evaluate("ixSeen") if (found := text.split()[1])}
    assert len(seen) >= 8, f"the number moved on the way: {sorted(seen)}"

    # From the first value again, and stopped by hand.
    start_button.click()
    wait_for(root, lambda: 0 < shown(state(root).input_value()).value("share") < 0.7, lambda: "some steps")
    line.evaluate(_CLICK_AT_A_STEP, stop.element_handle())  # when no other step is under way
    expect(start_button).to_be_visible()
    there = agree(root)

    # A step on, and a step back: play would go past them.
    expect(share).to_have_value(f"{shown(there).value('share'):g}")
    controls.get_by_role("button", name="one step on").click()
    expect(state(root)).not_to_have_value(there)
    after = agree(root)
    assert shown(after).value("share") == pytest.approx(shown(there).value("share") + 0.025, abs=0.006)
    expect(share).to_have_value(f"{shown(after).value('share'):g}")  # the controls know it, too
    controls.get_by_role("button", name="one step back").click()
    expect(state(root)).to_have_value(there)
    agree(root)

    # Through the split counts.
    enter(root, "class-order splits=90 moved=splits")
    expect(controls.get_by_role("radio", name="play and the curve move splits S")).to_be_checked()
    start_button.click()
    expect(start_button).to_be_visible()
    expect(state(root)).to_have_value("class-order splits=100 moved=splits")
    agree(root)

    # A slider that is touched stops it; a reset goes back to what was opened.
    enter(root, "uniform-mix share=0.3")
    start_button.click()
    expect(stop).to_be_visible()
    controls.get_by_label("classes", exact=True).press("ArrowRight")
    expect(start_button).to_be_visible()
    wait_for_value(root, "classes", 11)
    reset = area(root, "head").get_by_role("button", name="Reset")
    reset.click()
    expect(state(root)).to_have_value("uniform-mix share=0.3")
    agree(root)

    # What is typed meanwhile stays; and Reset stops play.
    start_button.click()
    state(root).fill("half a thought")
    wait_for(root, lambda: float(share.input_value()) > 0.45, lambda: "some steps")
    assert state(root).input_value() == "half a thought"
    state(root).press("Escape")
    controls.get_by_label("speed", exact=True).select_option("slow")
    line.evaluate(_CLICK_AT_A_STEP, reset.element_handle())
    expect(start_button).to_be_visible()
    expect(state(root)).to_have_value("uniform-mix share=0.3")
    agree(root)


# Everything on the page that a person, a screen reader or a pointer at rest can read.
_READABLE = """
root => [...root.querySelectorAll("*")].flatMap((element) => [
  element.children.length ? "" : element.textContent,
  element.value ?? "",
  ...[...element.attributes].filter(({ name }) => /^(aria-.*|title|alt)$/.test(name)).map(({ value }) => value),
]).concat(root.innerText).join("\\n")
"""


def test_an_exercise_hides_the_score_until_it_is_guessed(visit: Visit) -> None:
    question = "uniform-mix share=0.37 splits=2 exercise=1"
    setting, expected = shown(question), score(question)
    numbers = expected.mean, expected.marginal_entropy - np.log(expected.overall)  # the score, and the doubt
    secrets = [f"{number:.{digits}f}" for number in numbers for digits in (2, 3)]
    root = start(visit, question)
    formula = area(root, "formula")
    guess, name = formula.get_by_label("what will the score be?"), formula.get_by_label("your name, if you like")
    reveal = formula.get_by_role("button", name="Reveal")

    def told() -> list[str]:
        text = root.evaluate(_READABLE)
        return [secret for secret in secrets if secret in text]

    # With every table open, too.
    area(root, "curve").get_by_text("hidden until you have guessed").first.wait_for()
    for twin in root.locator("details.ix-twin:visible > summary").all():
        twin.click()
    assert told() == []
    expect(area(root, "controls").get_by_role("button", name="▶ Play")).to_be_disabled()
    visit.picture("playground-exercise")
    area(root, "compare").get_by_role("button", name="Keep as A").click()
    expect(area(root, "compare").locator(".ix-side")).to_have_count(2)
    assert told() == []
    area(root, "compare").get_by_role("button", name="Forget A").click()

    # What is no guess tells nothing.
    guess.fill("0.5")
    reveal.click()
    assert told() == []
    guess.fill("3")
    name.fill("=Ada")
    name.press("Enter")
    outcome = formula.locator(".ix-outcome")
    off = 100 * (3 / expected.mean - 1)
    expect(outcome).to_contain_text(f"Your guess 3.00, the score {expected.mean:.2f}: {abs(off):.1f}% too high")
    expect(outcome).to_contain_text(setting.scenario.reason())
    agree(root)
    assert told() == secrets
    visit.picture("playground-revealed")

    # Another value is another question.
    area(root, "controls").get_by_label("uniform part ε of each row", exact=True).press("ArrowRight")
    expect(outcome).to_be_hidden()
    expect(formula.locator(".ix-score")).to_contain_text("?")
    second = state(root).input_value()
    secrets[:] = [f"{score(second).mean:.2f}", f"{score(second).mean:.3f}"]
    assert told() == []
    guess.fill(f"{score(second).mean:.4f}")
    reveal.click()
    expect(outcome).to_contain_text("right.")
    expect(formula.get_by_text("2 answers, 1 close")).to_be_visible()

    # What was kept openly is asked, too, when it comes back.
    enter(root, "uniform-mix share=0.12 | uniform-mix share=0.21 exercise=1")
    wait_for(root, lambda: "0.12" in state(root).input_value(), lambda: "A and B")
    area(root, "compare").get_by_role("button", name="Swap A and B").click()
    expect(state(root)).to_have_value("uniform-mix share=0.21 exercise=1 | uniform-mix share=0.12 exercise=1")
    secrets[:] = [f"{score(f'uniform-mix share={share}').mean:.2f}" for share in (0.12, 0.21)]
    assert told() == []
    expect(formula.locator(".ix-score")).to_contain_text("?")

    # The answers as a file.
    with visit.page.expect_download() as download:
        formula.get_by_role("button", name="Save the answers (CSV)").click()
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == [question, second]
    assert [row["learner"] for row in rows] == ["'=Ada", "'=Ada"]  # in a spreadsheet it is no formula
    assert [float(row["guess"]) for row in rows] == pytest.approx([3, score(second).mean], abs=1e-4)
    assert [float(row["answer"]) for row in rows] == pytest.approx([expected.mean, score(second).mean], rel=1e-5)
    assert [row["close"] for row in rows] == ["False", "True"]
