"""Every notebook runs from top to bottom, in a real kernel, and holds no output."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from isexplore.runs import load_run
from isexplore.score import inception_score

# What the text of a notebook says, as its cells must print it.
SAID = {
    "mode-collapse.ipynb": (
        r"step 1000  6\.62",
        r"step 2000  7\.77",
        r"step 4500  6\.45",
        r"step 30000  1\.38",
        "severe from step 4500 on",
        r"images of each digit at step 4500: \[  3 125  63 198   4 ",
        "2 of 10 classes are missing",
        r"score of the real digits: 9\.\d\d",
        r"IS 10\.00 ± 0\.00 over 10 splits",
        "severe: 990 of 1,000 images repeat an earlier one exactly, in 10 groups: 10 different images",
        r"healthy GAN, step 6000: (?!(.|\n)*severe)",  # the last report that is shown
        "'step [78]00'",  # since when digits are missing in the live training
    )
}
NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def cells_of(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return cells


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_stores_no_output(path: Path) -> None:
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells_of(path))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_every_code_cell_has_a_sentence_before_it(path: Path) -> None:
    kinds = [cell["cell_type"] for cell in cells_of(path)]
    assert kinds[0] == "markdown"
    assert all(before == "markdown" for before, kind in pairwise(kinds) if kind == "code")


# The kernel's own client opens sockets that it closes only when it is collected.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_runs(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error"]
    assert any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in outputs)
    text = "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)
    for said in SAID.get(path.name, ()):
        assert re.search(said, text), f"{said} is not in:\n{text}"
    if path.name == "mode-collapse.ipynb":
        assert (tmp_path / "collapsed.html").is_file()
        _check_live_run(tmp_path / "gan.run")


def _check_live_run(path: Path) -> None:
    """Find in the run file what the text says: a score of about 6 after 600 steps, then half of the digits gone."""
    run = load_run(path)
    assert list(run) == [f"step {step}" for step in range(100, 1300, 100)]
    assert 5 < inception_score(run["step 600"], splits=1).overall < 7
    for name in ("step 900", "step 1000", "step 1100", "step 1200"):
        counts = np.bincount(run[name].probabilities.argmax(axis=1), minlength=10)
        assert inception_score(run[name], splits=1).overall < 4, (name, counts)
        assert (counts <= len(run[name]) / 50).sum() >= 4, (name, counts)  # a fifth of what is expected
