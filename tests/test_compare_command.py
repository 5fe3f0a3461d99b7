"""``isexplore compare``: what it prints of several sets, its page, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import isexplore as ix
from isexplore import cli
from isexplore.collapse.comparison import compare_sets
from isexplore.collapse.evidence import side_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

LAB_PACKAGES = ("plotly", "ipywidgets", "anywidget", "pandas", "jupyterlab", "traitlets")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> tuple[int, str, str]:
        code = cli.main(["compare", *map(str, arguments), "--device", "cpu"])
        return code, *capsys.readouterr()

    return run


def digits(images: ix.ImageSet) -> ix.Predictions:
    return ix.predict(images, "digits", device="cpu", progress=False)


def saved(path: Path, weights: list[float], n: int = 400, classes: int = 4) -> Path:
    """Save certain predictions whose classes have these weights."""
    drawn = np.random.default_rng(0).choice(classes, n, p=weights)
    ix.Predictions.from_probabilities(np.eye(classes)[drawn], class_names=list("abcdef"[:classes])).save(path)
    return path


@pytest.fixture
def even(tmp_path: Path) -> Path:
    return saved(tmp_path / "even.safetensors", [0.25] * 4)


@pytest.fixture
def gone(tmp_path: Path) -> Path:
    return saved(tmp_path / "gone.safetensors", [0.5, 0.5, 0, 0])


def test_a_collapsed_set_fails_and_a_healthy_one_does_not(run: Run) -> None:
    code, out, _ = run("demo:real", "demo:collapsed", "--fail-on", "severe")
    assert code == 3
    assert "missing" in out
    code, out, _ = run("demo:real", "demo:healthy", "--fail-on", "severe")
    assert code == 0
    assert "severe" not in out
    assert run("demo:real", "demo:healthy", "--fail-on", "warning")[0] == 3
    assert run("demo:real", "demo:collapsed")[0] == 0  # nobody asked it to fail


def test_a_bad_set_in_the_middle_fails_too(run: Run, even: Path, gone: Path) -> None:
    code, out, _ = run(even, gone, saved(even.with_name("later.safetensors"), [0.25] * 4), "--fail-on", "severe")
    assert code == 3
    assert "severe from" not in out  # it did not stay so


def test_json_says_what_the_library_returns(run: Run) -> None:
    code, out, _ = run("demo:real", "demo:collapsed@3000", "demo:collapsed@4500", "--splits", 5, "--json")
    it = json.loads(out)
    assert (code, out.count("\n")) == (0, 1)
    assert set(it) == {"severity", "since", "seed", "reference", "sets"}
    names = ["demo:collapsed@3000", "demo:collapsed@4500"]
    real = digits(ix.demo.real())
    sets = dict(zip(names, (digits(ix.demo.gan("collapsed", step)) for step in (3000, 4500)), strict=True))
    found = ix.diagnose(sets, reference=real)
    assert it["reference"]["name"] == "demo:real"
    assert it["reference"]["score"]["overall"] == pytest.approx(ix.inception_score(real).overall)
    assert (it["severity"], it["since"]) == ("severe", found.since) == ("severe", names[1])
    assert [each["name"] for each in it["sets"]] == names
    for each, name in zip(it["sets"], names, strict=True):
        report = found.reports[name]
        assert set(each) == {"name", "severity", "score", "difference", "checks"}
        assert each["severity"] == report.severity
        assert each["score"]["splits"] == 5
        assert [check["sentence"] for check in each["checks"]] == [check.sentence for check in report.checks]
        assert [check["images"] for check in each["checks"]] == [len(check.images) for check in report.checks]
        comparison = compare_sets(side_of(real), side_of(sets[name]), 5, names=("demo:real", name))
        assert each["difference"]["from"] == "demo:real"
        assert each["difference"]["ratio"] == pytest.approx(comparison.ratio)
        assert each["difference"]["sentence"] == comparison.sentence
    missing = next(check for check in it["sets"][1]["checks"] if check["severity"] == "severe")
    assert {"0", "4"} <= set(missing["classes"])
    assert missing["examples"][0].startswith("image ")


def differences(out: str) -> dict[str, str | None]:
    return {each["name"]: each["difference"] and each["difference"]["from"] for each in json.loads(out)["sets"]}


def test_with_a_reference_of_its_own_all_sets_are_diagnosed(run: Run, even: Path, gone: Path) -> None:
    other = saved(even.with_name("other.safetensors"), [0.4, 0.4, 0.1, 0.1])
    _, out, _ = run(gone, other, "--reference", even, "--json")
    assert differences(out) == {str(gone): str(even), str(other): str(gone)}
    _, out, _ = run(gone, "--reference", even, "--json")
    assert differences(out) == {str(gone): str(even)}
    _, out, _ = run(even, gone, other, "--json")
    assert differences(out) == {str(gone): str(even), str(other): str(even)}


def test_a_run_file_is_all_its_checkpoints(run: Run, tmp_path: Path, even: Path, gone: Path) -> None:
    from isexplore.runs import append

    file = tmp_path / "gan.run"
    for step, path in ((100, even), (200, gone)):
        append(file, step, ix.load(path))
    _, out, _ = run(file, "--json")
    assert json.loads(out)["reference"] is None
    assert differences(out) == {"step 100": None, "step 200": "step 100"}
    _, out, _ = run(even, file, "--json")
    assert differences(out) == {f"{file}: step 100": str(even), f"{file}: step 200": str(even)}


def test_the_page_is_written(run: Run, even: Path, gone: Path) -> None:
    page = even.with_name("report.html")
    code, out, _ = run(even, gone, "--out", page, "--fail-on", "severe")
    assert code == 3
    assert out
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_one_set_is_no_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["compare", "demo:real"])
    assert exit_.value.code == 2
    assert "give two or more sets; what other code prints is isexplore conventions" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{even}", "nowhere.safetensors"], "nowhere.safetensors"),
        (["{even}", "{even}"], "is given twice"),
        (["{even}", "demo:real"], "can't be compared"),
        (["{even}", "{gone}", "--splits", "401"], "401 splits"),
        (["{even}", "{gone}", "--out", "report.safetensors"], "must end in .html"),
        (["{even}", "{gone}", "--out", "missing/report.html"], "the folder missing does not exist"),
        (["{even}", "{gone}", "--embeddings"], "holds no embeddings"),
        (["{even}", "{empty}"], "has no checkpoint yet"),
    ],
)
def test_failure_is_one_readable_line(run: Run, arguments: list[str], message: str, even: Path, gone: Path) -> None:
    from isexplore.runs.run_file import create

    empty = even.with_name("empty.run")
    create(empty)
    code, out, err = run(*(text.format(even=even, gone=gone, empty=empty) for text in arguments))
    said = [line for line in err.splitlines() if line.startswith("isexplore: ")]
    assert (code, out, len(said)) == (1, "", 1)
    assert message in said[0]
    assert not list(even.parent.glob("*.html"))


def test_without_a_page_it_needs_none_of_the_lab_packages(even: Path, gone: Path) -> None:
    code = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {LAB_PACKAGES}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)

sys.meta_path.insert(0, Blocker())
from isexplore.cli import main
assert main(["compare", {str(even)!r}, {str(gone)!r}, "--fail-on", "severe"]) == 3
sys.exit(main(["compare", {str(even)!r}, {str(gone)!r}, "--out", {str(even.with_suffix(".html"))!r}]))
"""
    result: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert "missing" in result.stdout, result.stderr
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == 'isexplore: a page needs plotly: pip install "isexplore[lab]"'
