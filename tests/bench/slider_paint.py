"""From a key on the splits slider to the painted score and curve, against a bare ipywidgets echo on the same page."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from figures import Figure, table
from notebook import LOAD, browsing, notebook

if TYPE_CHECKING:
    from playwright.sync_api import Locator

TITLE = "Slider to paint in JupyterLab (medians of 40 steps, taking turns)"
_STEPS = 40
_RATIO = 1.5  # budget: as many times the echo
_FROM = 10  # the explorer begins at this many splits
_ECHO = f"""
import ipywidgets
slider, label = ipywidgets.IntSlider({_FROM}, 1, 200), ipywidgets.Label()
label.add_class("ix-echo")
slider.observe(lambda change: setattr(label, "value", f"the value is {{change.new}} now"), "value")
ipywidgets.VBox([slider, label])
"""
# In the page: the clock starts at the key, and stops two frames after everything has changed.
_STEP = """
({ wanted, text, marker }) => {
  const place = () => marker && document.querySelector(marker)?.getAttribute("transform");
  const before = place();
  window.ixStep = null;
  addEventListener("keydown", (event) => {
    const step = {};
    const look = () => {
      const now = performance.now() - event.timeStamp;
      if (!step.text && document.querySelector(text).textContent.includes(wanted)) step.text = now;
      if (!step.marker && (!marker || place() !== before)) step.marker = now;
      if (!step.text || !step.marker) return requestAnimationFrame(look);
      requestAnimationFrame(() => requestAnimationFrame(() => {
        window.ixStep = { ...step, painted: performance.now() - event.timeStamp };
      }));
    };
    look();
  }, { capture: true, once: true });
}
"""
_MARKER = ".ix-area-protocol .scatterlayer .trace:last-child .points path"
_OURS = {"text": ".ix-area-header .ix-score", "marker": _MARKER}
_THEIRS = {"text": ".ix-echo", "marker": None}


def measure() -> list[Figure]:
    figures = []
    with browsing() as (browser, folder):
        for number, what in enumerate(("1797 × 10", "50,000 × 1000")):
            cells = [LOAD[what], _ECHO, "ix.explore(preds)"]
            with notebook(browser, folder / str(number), cells, height=1800) as it:
                for cell in range(3):
                    it.run(cell)
                    it.wait(cell)
                it.page.locator(_MARKER).wait_for(state="attached", timeout=60_000)
                it.page.wait_for_timeout(1000)
                ours = it.page.get_by_label("splits", exact=True)
                theirs = it.page.locator(".widget-slider .noUi-handle")
                figures += _compare(what, ours, theirs)
    return figures


def _compare(what: str, ours: Locator, theirs: Locator) -> list[Figure]:
    own, echo = [], []
    for splits in range(_FROM + 1, _FROM + 1 + _STEPS):  # they take turns
        echo.append(_press(theirs, f"is {splits} now", _THEIRS))
        own.append(_press(ours, f"over {splits} splits", _OURS))
    middle = {key: median(step[key] for step in own) for key in ("text", "marker", "painted")}
    floor = median(step["painted"] for step in echo)
    parts = f"header {middle['text']:.0f} ms, marker {middle['marker']:.0f} ms"
    return [
        Figure(f"{what}: bare echo, key to paint", floor, "ms"),
        Figure(f"{what}: splits slider, key to paint", middle["painted"], "ms", _RATIO * floor, parts),
    ]


def _press(control: Locator, wanted: str, watched: dict[str, Any]) -> dict[str, float]:
    page = control.page
    control.focus()
    page.wait_for_timeout(200)  # what the focus changed is painted
    page.evaluate(_STEP, {"wanted": wanted, **watched})
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => window.ixStep", timeout=20_000)
    return dict(page.evaluate("() => window.ixStep"))


if __name__ == "__main__":
    print(table(TITLE, measure()))
