"""The chooser in a real JupyterLab: a run that is watched, cancelled, and run again."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect

import isexplore as ix

if TYPE_CHECKING:
    from pathlib import Path

    from lab import Visit

IMAGES = 96

# The digits network, slowly: a person can watch it, and press Cancel before it is done.
SLOW = """
import time, torch
import isexplore as ix
from isexplore.classifiers import load_classifier, weights

class Slow(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.network = load_classifier("digits").module
    def forward(self, batch):
        time.sleep(0.3)
        return self.network(batch.mean(dim=1, keepdim=True))

class Answer:  # a server that sends a megabyte now and then
    headers = {"Content-Length": "104000000"}
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
    def read(self, _):
        time.sleep(0.1)
        return bytes(1_000_000)

weights.find_weights = lambda name: None
weights.urlopen = lambda *_, **__: Answer()
slow = Slow()
explorer = ix.explore()
explorer
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    digits = ix.demo.real()
    with zipfile.ZipFile(tmp_path / "digits.zip", "w") as it:
        for i in range(IMAGES):
            stream = io.BytesIO()
            Image.fromarray(digits.read(i)[..., 0]).save(stream, "PNG")
            it.writestr(f"{i:03d}.png", stream.getvalue())
    return tmp_path / "digits.zip"


def test_a_run_is_watched_cancelled_and_run_again(visit: Visit, archive: Path) -> None:
    visit.open("chooser.ipynb", [SLOW, "explorer.chooser.choice.precision, explorer.predictions.image_names[:2]"])
    visit.page.locator(".jp-Notebook .jp-Cell").first.click()
    visit.page.keyboard.press("Shift+Enter")
    root = visit.page.locator(".isexplore")
    root.wait_for(timeout=60_000)

    # A path, typed, with completions; what is missing disables the button.
    root.get_by_label("sample set").select_option("path")
    path = root.get_by_label("path", exact=True)
    path.fill(str(archive.parent / "dig"))
    expect(root.locator(f'datalist option[value="{archive}"]')).to_have_count(1)
    compute = root.get_by_role("button", name="Compute")
    expect(compute).to_be_disabled()
    path.fill(str(archive))
    path.press("Tab")
    root.get_by_text(f"digits.zip: {IMAGES} images").wait_for()
    root.get_by_label("classifier").select_option("file")
    root.get_by_text("type the path of a network file").wait_for()
    expect(compute).to_be_disabled()

    # A download, and its cancel.
    root.get_by_label("classifier").select_option("inception-2015")
    compute.click()
    root.get_by_text("downloading the weights").wait_for()
    root.get_by_text("of 104 MB").wait_for()
    visit.picture("chooser-download")
    root.get_by_role("button", name="Cancel").click()
    root.get_by_text("cancelled; nothing was changed").wait_for()

    # A run with its newest images and a provisional score, and its cancel; by the keyboard.
    root.get_by_label("classifier").focus()  # looks for the networks of the notebook
    root.locator('option[value="variable:slow"]').wait_for(state="attached")
    root.get_by_label("classifier").select_option("variable:slow")
    root.get_by_label("precision").select_option("fast")
    batch = root.get_by_label("batch size")
    batch.fill("none")
    batch.press("Tab")
    root.get_by_text("give a whole number").wait_for()
    expect(compute).to_be_disabled()
    batch.fill("8")
    batch.press("Tab")
    expect(compute).to_be_enabled()
    compute.press("Enter")
    provisional = root.locator(".ix-provisional")
    provisional.get_by_text("(whole set as one split)").wait_for()
    assert provisional.inner_text().startswith("provisional, so far: IS ")
    root.get_by_text("images/s").wait_for()
    newest = root.get_by_alt_text("the newest images")
    expect(newest).to_be_visible()
    visit.page.wait_for_function("it => it.naturalWidth >= 8 * 64", arg=newest.element_handle())
    visit.picture("chooser-running")
    root.get_by_role("button", name="Cancel").press("Enter")
    root.get_by_text("cancelled; nothing was changed").wait_for()
    expect(provisional).to_be_hidden()
    expect(newest).to_be_hidden()
    assert not root.locator(".ix-area-header").is_visible()

    # Once more, to the end.
    compute.click()
    provisional.wait_for()
    line = root.locator(".ix-area-header .ix-score")
    line.wait_for()
    root.locator("summary").get_by_text(f"digits.zip, {IMAGES} images").wait_for()
    assert provisional.count() == 1
    expect(provisional).to_be_hidden()
    visit.picture("chooser-done")
    unlabelled = root.evaluate(
        """root => [...root.querySelectorAll("select, input, progress, img")]
             .filter(control => !control.labels?.length && !control.ariaLabel && !control.alt)
             .map(control => control.outerHTML)"""
    )
    assert unlabelled == []
    visit.page.locator(".jp-Notebook .jp-Cell").nth(1).click()
    visit.page.keyboard.press("Shift+Enter")
    visit.page.get_by_text("('fast', ('000.png', '001.png'))").wait_for()
    visit.check()
