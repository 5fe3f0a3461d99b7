"""The lesson in a real JupyterLab: it runs, its exercises draw, and one of them is answered."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from playing import area, score, state
from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from lab import Visit

NAME = "lesson-inception-score.ipynb"
EXERCISES = 6


def test_the_lesson_runs_and_an_exercise_is_answered(visit: Visit, checkout: Path) -> None:
    shutil.copy(checkout / "notebooks" / NAME, visit.lab.root / NAME)
    visit.open(NAME)
    visit.run_all()
    last = visit.page.locator(".jp-CodeCell").last.locator(".jp-InputPrompt")
    prompt = last.filter(has_text="]").filter(has_not_text="*").filter(has_not_text="[ ]")
    prompt.wait_for(state="attached", timeout=120_000)

    # JupyterLab draws a cell when it comes near the screen.
    headings = visit.page.get_by_role("heading", name="Exercise ")
    exercises = visit.page.locator(".isexplore").filter(has=visit.page.get_by_role("button", name="Reveal"))
    expect(headings).to_have_count(EXERCISES)
    for heading in headings.all():
        heading.scroll_into_view_if_needed()
    expect(exercises).to_have_count(EXERCISES)
    for exercise in exercises.all():
        exercise.scroll_into_view_if_needed()
        expect(area(exercise, "curve").locator(".ix-plot .main-svg").first).to_be_visible(timeout=30_000)
        expect(area(exercise, "formula").locator(".ix-score")).to_contain_text("IS ?")
    failed = visit.page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]')
    assert failed.count() == 0

    first = exercises.first
    first.scroll_into_view_if_needed()
    asked = state(first).input_value()
    formula = area(first, "formula")
    visit.picture("lesson-asked")
    formula.get_by_label("what will the score be?").fill("7")
    formula.get_by_role("button", name="Reveal").click()
    answered = visit.page.locator(".isexplore").filter(has_text="Your guess 7.00")
    expect(answered).to_contain_text(f"the score {score(asked).mean:.2f}")
    visit.picture("lesson-answered")

    # The last cell lists the answers.
    cell = visit.page.locator(".jp-CodeCell").last
    cell.locator(".cm-content").click()
    visit.page.keyboard.press("Control+Enter")
    expect(cell.locator("tbody tr")).to_have_count(1)
    expect(cell.locator("tbody tr")).to_contain_text(asked)
    visit.check()
