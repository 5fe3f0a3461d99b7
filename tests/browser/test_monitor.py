"""The live cell of the notebook on mode collapse, in a real JupyterLab: the timeline grows while the GAN is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from lab import Visit

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "mode-collapse.ipynb"
SETUP = """
import torch
import isexplore as ix
torch.set_num_threads(1)
real = ix.predict(ix.demo.real(), "digits", embeddings=True, progress=False)
"""
_SCRUBBER = ".ix-area-timeline .ix-scrubber"
# In the page: how many checkpoints can be scrubbed to once there are enough, or "over" if the cell ended before.
_GROWN = """
([selector, least]) => {
  const cells = [...document.querySelectorAll(".jp-Notebook .jp-CodeCell")];
  const running = cells.at(-1).querySelector(".jp-InputPrompt").textContent.includes("*");
  const checkpoints = Number(document.querySelector(selector)?.max ?? -1) + 1;
  return running ? (checkpoints >= least ? checkpoints : false) : "over";
}
"""


def live_cells() -> list[str]:
    """Return the cells that make the monitor, show it, and train."""
    cells = ["".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]]
    first = next(i for i, cell in enumerate(cells) if "ix.Monitor(" in cell and "ix.explore(monitor" in cell)
    return [cells[first], next(cell for cell in cells if "training.steps(" in cell)]


def test_the_timeline_grows_while_the_training_cell_runs(visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size({"width": 1400, "height": 1300})
    visit.open("live.ipynb", [SETUP, *live_cells()])
    visit.run_all()
    seen = [0]
    while len(seen) < 5:  # three pictures on the way at least, each with more checkpoints than the one before
        grown = page.wait_for_function(_GROWN, arg=[_SCRUBBER, seen[-1] + 1], timeout=120_000).json_value()
        if grown == "over":
            break
        seen.append(int(grown))
        page.locator(_SCRUBBER).scroll_into_view_if_needed()
        visit.picture(f"live-{seen[-1]:02d}")
    assert len(seen) >= 4, seen
    assert seen[2] < 12
    expect(page.locator(_SCRUBBER)).to_have_attribute("max", "11", timeout=120_000)
    expect(page.locator(".ix-scrubbed")).to_have_text("step 1200", timeout=60_000)
    for kind in ("error", "stderr"):  # where the monitor would warn
        expect(page.locator(f'[data-mime-type="application/vnd.jupyter.{kind}"]')).to_have_count(0)
    visit.picture("live-end")
    visit.check()
