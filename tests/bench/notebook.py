"""A notebook in a real JupyterLab for benchmarks: cells that run one at a time, and everything the page receives."""

from __future__ import annotations

import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from lab import find_chromium, running_chromium, running_lab, visiting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lab import Visit
    from playwright.sync_api import Browser, CDPSession, Locator, Page

LOAD = {
    "1797 × 10": "import isexplore as ix\npreds = ix.predict(ix.demo.real(), 'digits', progress=False)",
    "50,000 × 1000": """
import numpy as np, isexplore as ix
p = np.random.default_rng(0).standard_gamma(0.1, (50_000, 1000), dtype=np.float32)  # Dirichlet rows, once normalised
preds = ix.Predictions.from_probabilities(p / p.sum(1, keepdims=True))
""",
    "50,000 × 1000, thumbnails 32×32 RGB": """
import numpy as np, isexplore as ix
rng = np.random.default_rng(0)
p = rng.standard_gamma(0.1, (50_000, 1000), dtype=np.float32)
thumbnails = rng.integers(0, 256, (50_000, 32, 32, 3), dtype=np.uint8)
preds = ix.Predictions.from_probabilities(p / p.sum(1, keepdims=True), thumbnails=thumbnails)
""",
}


@dataclass
class Notebook:
    """An open notebook, and the bytes that its page has received since it was opened."""

    page: Page
    path: Path
    frames: list[int] = field(default_factory=list)  # bytes of each message of the kernel's websocket
    downloads: list[int] = field(default_factory=list)  # bytes of each file over HTTP, headers included

    @property
    def received(self) -> int:
        return sum(self.frames) + sum(self.downloads)

    def cell(self, number: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)

    def run(self, number: int) -> None:
        """Press Ctrl+Enter in a cell, as a person does."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def wait(self, number: int) -> None:
        """Wait until a cell has been executed."""
        prompt = self.cell(number).locator(".jp-InputPrompt").first
        prompt.filter(has_text="]").filter(has_not_text="*").filter(has_not_text="[ ]").wait_for(timeout=120_000)

    def text(self, number: int) -> str:
        """Run a cell that prints, and return what it printed."""
        self.run(number)
        self.wait(number)
        return self.cell(number).locator(".jp-OutputArea-output").inner_text()

    def save(self) -> int:
        """Save through the keyboard, and return the file's size in bytes."""
        before = self.path.stat().st_mtime_ns
        self.page.keyboard.press("Control+s")
        while self.path.stat().st_mtime_ns == before:
            self.page.wait_for_timeout(100)
        self.page.wait_for_timeout(1000)  # until it is written
        return self.path.stat().st_size


@contextmanager
def browsing() -> Iterator[tuple[Browser, Path]]:
    """Run a Chromium; the folder is for a JupyterLab."""
    executable = find_chromium()
    if executable is None:
        raise SystemExit("no Chromium on this machine (Debian's package is called chromium)")
    with running_chromium(executable) as browser, tempfile.TemporaryDirectory() as folder:
        yield browser, Path(folder)


@contextmanager
def notebook(browser: Browser, folder: Path, cells: Sequence[str], *, height: int = 1000) -> Iterator[Notebook]:
    """Open a notebook of these cells in a JupyterLab of its own."""
    folder.mkdir()
    with running_lab(folder) as lab, visiting(browser, lab) as visit:
        visit.page.set_viewport_size({"width": 1500, "height": height})
        it = Notebook(visit.page, lab.root / "bench.ipynb")
        _count_bytes(visit, it)
        visit.open("bench.ipynb", cells)
        yield it
        visit.check()


def _count_bytes(visit: Visit, it: Notebook) -> None:
    protocol: CDPSession = visit.page.context.new_cdp_session(visit.page)
    protocol.send("Network.enable")
    protocol.on("Network.loadingFinished", lambda event: it.downloads.append(int(event["encodedDataLength"])))

    def received(payload: str | bytes) -> None:
        it.frames.append(len(payload.encode()) if isinstance(payload, str) else len(payload))

    visit.page.on("websocket", lambda socket: socket.on("framereceived", received))
