"""What opening the explorer costs: seconds to its last panel, bytes over the wire, bytes in a saved notebook."""

from __future__ import annotations

import json
from dataclasses import dataclass

from figures import Figure, table
from notebook import LOAD, Notebook, browsing, notebook

TITLE = "Opening the explorer in JupyterLab (the median of 3 openings)"
_SECONDS, _WIRE, _SAVED = 3.0, 12.0, 6.0  # budgets, in seconds and MB
_REPEATS = 3
_EXPLORE = """
import time
began = time.perf_counter()
import isexplore.widgets
imported = time.perf_counter()
explorer = ix.explore(preds)
made = time.perf_counter()
explorer
"""
_PRINT = "import json\nprint(json.dumps([imported - began, made - imported]))"

# In the page: the clock starts at the key, and stops two frames after each of the five panels is drawn.
_WATCH = """
() => {
  window.ixWatch = {};
  for (const name of ["drawImage", "fillText"]) {
    const original = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...rest) {
      if (this.canvas.matches(".ix-gallery")) ixWatch[name] = true;
      return original.apply(this, rest);
    };
  }
  const painted = () => document.querySelector(".ix-area-header .ix-score")?.textContent
    && ["marginal .point path", "entropy .point path", "protocol .points path"]
      .every((mark) => document.querySelector(`.ix-area-${mark}`))
    && ixWatch[ixWatch.thumbnails ? "drawImage" : "fillText"];
  addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    ixWatch.begun = event.timeStamp;
    const stop = () => { ixWatch.seconds = (performance.now() - ixWatch.begun) / 1000; };
    const look = () => requestAnimationFrame(painted() ? () => requestAnimationFrame(stop) : look);
    look();
  }, { capture: true });
}
"""


@dataclass(frozen=True)
class _Opening:
    seconds: float  # from the key to the last panel
    importing: float  # of them, the kernel's: importing the widgets
    making: float  # and explore()
    wire: int  # bytes received from the key on
    messages: int
    saved: int  # bytes added to the notebook


def measure() -> list[Figure]:
    figures: list[Figure] = []
    with browsing() as (browser, folder):
        for what, load in LOAD.items():
            openings = []
            for i in range(_REPEATS):
                with notebook(browser, folder / f"{len(figures)}-{i}", [load, _EXPLORE, _PRINT]) as it:
                    openings.append(_open(it, pictures="32×32" in what or what.startswith("1797")))
            middle = sorted(openings, key=lambda opening: opening.seconds)[_REPEATS // 2]
            figures += _figures(what, middle)
    return figures


def _open(it: Notebook, *, pictures: bool) -> _Opening:
    page = it.page
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Save Widget State Automatically").click()
    it.run(0)
    it.wait(0)
    bare = it.save()
    page.evaluate(_WATCH)
    page.evaluate("pictures => { ixWatch.thumbnails = pictures; }", pictures)

    before, frames = it.received, len(it.frames)
    it.run(1)
    page.wait_for_function("() => window.ixWatch.seconds", timeout=120_000)
    seconds = float(page.evaluate("() => ixWatch.seconds"))
    page.wait_for_timeout(2000)  # what comes late is counted too
    wire, messages = it.received - before, len(it.frames) - frames
    importing, making = json.loads(it.text(2))
    return _Opening(seconds, importing, making, wire, messages, it.save() - bare)


def _figures(what: str, it: _Opening) -> list[Figure]:
    page = it.seconds - it.importing - it.making
    parts = f"import {it.importing:.2f} s, explore() {it.making:.2f} s, page {page:.2f} s"
    return [
        Figure(f"{what}: run to last panel", it.seconds, "s", _SECONDS, parts),
        Figure(f"{what}: over the wire", it.wire / 1e6, "MB", _WIRE, f"{it.messages} messages"),
        Figure(f"{what}: added to the notebook", it.saved / 1e6, "MB", _SAVED, "with widget state saved"),
    ]


if __name__ == "__main__":
    print(table(TITLE, measure()))
