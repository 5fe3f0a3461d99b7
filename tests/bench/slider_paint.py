"""From a key on the splits slider to the painted score and curve, against a bare ipywidgets echo on the same page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures import table
from key_to_paint import ECHO, FROM, STEPS, Watched, compared
from notebook import LOAD, browsing, notebook

if TYPE_CHECKING:
    from figures import Figure

TITLE = f"Slider to paint in JupyterLab (medians of {STEPS} steps, taking turns)"
_MARKER = ".ix-area-protocol .scatterlayer .trace:last-child .points path"


def measure() -> list[Figure]:
    figures = []
    with browsing() as (browser, folder):
        for number, what in enumerate(("1797 × 10", "50,000 × 1000")):
            cells = [LOAD[what], ECHO, "ix.explore(preds)"]  # which begins at as many splits as the echo
            with notebook(browser, folder / str(number), cells, height=1800) as it:
                for cell in range(3):
                    it.run(cell)
                    it.wait(cell)
                it.page.locator(_MARKER).wait_for(state="attached", timeout=60_000)
                it.page.wait_for_timeout(1000)
                splits = it.page.get_by_label("splits", exact=True)
                ours = Watched(
                    splits, ".ix-area-header .ix-score", lambda step: f"over {FROM + step} splits", (_MARKER,)
                )
                figures += compared(it, what, "splits slider", ours)
    return figures


if __name__ == "__main__":
    print(table(TITLE, measure()))
