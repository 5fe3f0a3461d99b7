"""From a key on a slider to the last paint that it causes, against a bare ipywidgets echo on the same page."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from figures import Figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from notebook import Notebook
    from playwright.sync_api import Locator

__all__ = ["ECHO", "FROM", "STEPS", "Watched", "compared"]

STEPS = 40
FROM = 10  # where the echo begins
_RATIO = 1.5  # budget: as many times the echo
ECHO = f"""
import ipywidgets
slider, label = ipywidgets.IntSlider({FROM}, 1, 200), ipywidgets.Label()
label.add_class("ix-echo")
slider.observe(lambda change: setattr(label, "value", f"the value is {{change.new}} now"), "value")
ipywidgets.VBox([slider, label])
"""
# In the page: the clock starts at the key, and stops two frames after everything has changed.
_STEP = """
({ wanted, text, marks }) => {
  const place = (mark) => ["transform", "d"].map((name) => document.querySelector(mark)?.getAttribute(name)).join();
  const before = marks.map(place);
  window.ixStep = null;
  addEventListener("keydown", (event) => {
    const step = {};
    const look = () => {
      const now = performance.now() - event.timeStamp;
      if (!step.text && document.querySelector(text).textContent.includes(wanted)) step.text = now;
      if (!step.marks && marks.every((mark, i) => place(mark) !== before[i])) step.marks = now;
      if (!step.text || !step.marks) return requestAnimationFrame(look);
      requestAnimationFrame(() => requestAnimationFrame(() => {
        window.ixStep = { ...step, painted: performance.now() - event.timeStamp };
      }));
    };
    look();
  }, { capture: true, once: true });
}
"""


@dataclass(frozen=True)
class Watched:
    """A slider, and what on the page changes with it.

    Attributes
    ----------
    control : Locator
    text : str
        A selector of what says the value in words.
    said : callable
        From the number of the step, 1, 2, …, to words that are there then.
    marks : tuple of str
        Selectors of what moves in plots.
    """

    control: Locator
    text: str
    said: Callable[[int], str]
    marks: tuple[str, ...] = ()

    def press(self, step: int) -> dict[str, float]:
        """Press a key once; return the milliseconds to the text, to the marks, and to the last paint."""
        page = self.control.page
        self.control.focus()
        page.wait_for_timeout(200)  # what the focus changed is painted
        watched: dict[str, Any] = {"wanted": self.said(step), "text": self.text, "marks": list(self.marks)}
        page.evaluate(_STEP, watched)
        page.keyboard.press("ArrowRight")
        page.wait_for_function("() => window.ixStep", timeout=20_000)
        return dict(page.evaluate("() => window.ixStep"))


def compared(it: Notebook, what: str, slider: str, ours: Watched) -> list[Figure]:
    """Move our slider and the echo's in turn; return both medians, ours with a budget."""
    handle = it.page.locator(".widget-slider .noUi-handle")
    theirs = Watched(handle, ".ix-echo", lambda step: f"is {FROM + step} now")
    own, echo = [], []
    for step in range(1, STEPS + 1):  # they take turns
        echo.append(theirs.press(step))
        own.append(ours.press(step))
    middle = {key: median(step[key] for step in own) for key in ("text", "marks", "painted")}
    floor = median(step["painted"] for step in echo)
    parts = f"text {middle['text']:.0f} ms, plots {middle['marks']:.0f} ms"
    return [
        Figure(f"{what}: bare echo, key to paint", floor, "ms"),
        Figure(f"{what}: {slider}, key to paint", middle["painted"], "ms", _RATIO * floor, parts),
    ]
