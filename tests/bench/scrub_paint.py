"""Several sets: from a key on the scrubber to the painted timeline and score, and what opening ten sets costs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from figures import Figure, table
from key_to_paint import ECHO, STEPS, Watched, compared
from notebook import Notebook, browsing, notebook

if TYPE_CHECKING:
    from pathlib import Path

TITLE = f"Ten sets in JupyterLab: opening, and scrubber to paint (medians of {STEPS} steps, taking turns)"
_SETS = 10
_SECONDS = 3.0  # budget of the first paint
_SHARE = 0.1  # budget: anonymous memory kept, as a share of the files
# The sets differ in their scores, are written to files, and memory-mapped from there.
_LOAD = """
import gc, re, time
import numpy as np, isexplore as ix
def anonymous():
    gc.collect()
    return int(re.search(r"Anonymous: +([0-9]+)", open("/proc/self/smaps_rollup").read())[1]) / 1024
sets = {{}}
for k in range({sets}):
    p = np.random.default_rng(k).standard_gamma(0.05 + 0.01 * k, ({n}, {c}), dtype=np.float32) + np.float32(1e-9)
    ix.Predictions.from_probabilities(p / p.sum(1, keepdims=True)).save(f"{{k}}.safetensors")
    del p
    sets[f"step {{k}}"] = ix.load(f"{{k}}.safetensors")
import isexplore.widgets.sets.root
before = anonymous()
"""
_EXPLORE = "began = time.perf_counter()\nit = ix.explore(sets)\nit"
_WAIT = """
import json, time
while any(entry.sample is None for entry in it.state.frame.entries): time.sleep(0.01)
scored = time.perf_counter() - began
it.state.wait()
print(json.dumps([scored, time.perf_counter() - began, anonymous() - before, it.to_dataframe()["score"].tolist()]))
"""
_SCORE = ".ix-area-explorer .ix-score"
_MARKER = ".ix-area-timeline .shapelayer path"
# In the page: the clock starts at the key, and stops two frames after the first set is there.
_WATCH = """
({ score, marker }) => {
  window.ixOpened = null;
  addEventListener("keydown", (event) => {
    const stop = () => { window.ixOpened = (performance.now() - event.timeStamp) / 1000; };
    const painted = () => document.querySelector(score)?.textContent && document.querySelector(marker);
    const look = () => requestAnimationFrame(painted() ? () => requestAnimationFrame(stop) : look);
    if (event.key === "Enter") look();
  }, { capture: true });
}
"""


@dataclass(frozen=True)
class _Scrubber(Watched):
    """Goes on by one set at a key, and back to the first one before it is at the end."""

    first: str = ""

    def press(self, step: int) -> dict[str, float]:
        if (step - 1) % (_SETS - 1) == 0:
            self.control.press("Home")
            self.control.page.locator(_SCORE).filter(has_text=self.first).wait_for()
            self.control.page.wait_for_timeout(500)
        return super().press(step)


def measure() -> list[Figure]:
    figures: list[Figure] = []
    with browsing() as (browser, folder):
        for number, (n, c) in enumerate(((1000, 10), (50_000, 1000))):
            cells = [_LOAD.format(sets=_SETS, n=n, c=c), ECHO, _EXPLORE, _WAIT]
            with notebook(browser, folder / str(number), cells, height=1800) as it:
                figures += _measured(it, f"{_SETS} × {n:,} × {c}", folder / str(number) / "lab")
    return figures


def _measured(it: Notebook, what: str, files: Path) -> list[Figure]:
    for cell in range(2):
        it.run(cell)
        it.wait(cell)
    it.page.evaluate(_WATCH, {"score": _SCORE, "marker": _MARKER})
    it.run(2)
    it.page.wait_for_function("() => window.ixOpened", timeout=120_000)
    first = float(it.page.evaluate("() => window.ixOpened"))
    scored, diagnosed, kept, scores = json.loads(it.text(3))
    size = sum(file.stat().st_size for file in files.glob("*.safetensors")) / 2**20
    said = [f"whole set {score:.2f} " for score in scores]
    it.page.locator(_MARKER).wait_for(state="attached", timeout=60_000)
    it.page.wait_for_timeout(1000)
    scrubber = it.page.get_by_label("checkpoint", exact=True)
    ours = _Scrubber(scrubber, _SCORE, lambda step: said[1 + (step - 1) % (_SETS - 1)], (_MARKER,), first=said[0])
    return [
        Figure(f"{what}: opening, to the first set painted", first, "s", _SECONDS),
        Figure(f"{what}: until all are scored", scored, "s", why=f"diagnosed after {diagnosed:.1f} s"),
        Figure(f"{what}: anonymous memory kept", kept, "MB", max(_SHARE * size, 100), f"the files have {size:,.0f} MB"),
        *compared(it, what, "scrubber", ours),
    ]


if __name__ == "__main__":
    print(table(TITLE, measure()))
