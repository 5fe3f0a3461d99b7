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
# In the page: the clock starts at the key, and stops two frames after what counts has changed; again after the rest.
_STEP = """
({ wanted, text, marks, rest }) => {
  const place = (mark) => ["transform", "d"].map((name) => document.querySelector(mark)?.getAttribute(name)).join();
  const before = new Map([...marks, ...rest].map((mark) => [mark, place(mark)]));
  const haveMoved = (some) => some.every((mark) => place(mark) !== before.get(mark));
  const frame = () => new Promise(requestAnimationFrame);
  window.ixStep = null;
  addEventListener("keydown", async (event) => {
    const step = {};
    const now = () => performance.now() - event.timeStamp;
    while (!step.text || !step.marks) {
      if (!step.text && document.querySelector(text).textContent.includes(wanted)) step.text = now();
      if (!step.marks && haveMoved(marks)) step.marks = now();
      await frame();
    }
    await frame();
    step.painted = now();
    while (!haveMoved(rest)) await frame();
    await frame();
    await frame();
    step.all = rest.length ? now() : step.painted;
    window.ixStep = step;
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
        Selectors of what moves in the plot that counts.
    rest : tuple of str
        Selectors of what moves in the other plots.
    """

    control: Locator
    text: str
    said: Callable[[int], str]
    marks: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()

    def press(self, step: int) -> dict[str, float]:
        """Press a key once; return the milliseconds to text, marks, their paint, and the last paint."""
        page = self.control.page
        self.control.focus()
        page.wait_for_timeout(200)  # what the focus changed is painted
        watched: dict[str, Any] = {"wanted": self.said(step), "text": self.text}
        watched |= {"marks": list(self.marks), "rest": list(self.rest)}
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
    middle = {key: median(step[key] for step in own) for key in ("text", "marks", "painted", "all")}
    floor = median(step["painted"] for step in echo)
    parts = f"text {middle['text']:.0f} ms, plot {middle['marks']:.0f} ms"
    if ours.rest:
        parts += f"; the other plots painted after {middle['all']:.0f} ms, {middle['all'] / floor:.2f} times the echo"
    return [
        Figure(f"{what}: bare echo, key to paint", floor, "ms"),
        Figure(f"{what}: {slider}, key to paint", middle["painted"], "ms", _RATIO * floor, parts),
    ]
