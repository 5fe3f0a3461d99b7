"""From a key on a slider of the playground to the painted score and plots, against a bare ipywidgets echo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures import table
from key_to_paint import ECHO, STEPS, Watched, compared
from notebook import browsing, notebook

if TYPE_CHECKING:
    from figures import Figure

TITLE = f"A slider of the playground to paint in JupyterLab (medians of {STEPS} steps, taking turns)"
_BEGIN = 0.25  # ε; a step is 0.01
_STATES = {
    "1000 × 10": f"uniform-mix share={_BEGIN}",
    "50,000 × 1000": f"uniform-mix classes=1000 per_class=50 share={_BEGIN}",
}
_SAID = ".ix-area-formula .ix-exact"
_POINT = ".ix-area-curve .shapelayer path:last-child"  # on the curve
_MEAN = ".ix-area-doubts .shapelayer path"  # of the entropies


def measure() -> list[Figure]:
    figures = []
    with browsing() as (browser, folder):
        for number, (what, state) in enumerate(_STATES.items()):
            cells = [ECHO, f"import isexplore as ix\nix.playground({state!r})"]
            with notebook(browser, folder / str(number), cells, height=1800) as it:
                for cell in range(2):
                    it.run(cell)
                    it.wait(cell)
                for mark in (_POINT, _MEAN):
                    it.page.locator(mark).first.wait_for(state="attached", timeout=60_000)
                it.page.wait_for_timeout(3000)  # the whole curve is there
                share = it.page.get_by_label("uniform part ε of each row", exact=True)
                ours = Watched(share, _SAID, lambda step: f"ε = {_BEGIN + 0.01 * step:g}", (_POINT,), (_MEAN,))
                figures += compared(it, what, "slider of ε", ours)
    return figures


if __name__ == "__main__":
    print(table(TITLE, measure()))
