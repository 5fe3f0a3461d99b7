"""``isexplore compare``: what it prints of several sets, its page, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import isexplore as ix
from isexplore import cli
from isexplore.collapse.comparison import compare_sets
from isexplore.collapse.evidence import side_of
from isexplore.report.diagnosis import diagnose_run
from isexplore.runs.run_file import create

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


def test_a_run_is_judged_by_its_last_checkpoint(run: Run, tmp_path: Path, even: Path, gone: Path) -> None:
    """It is severe at its untrained beginning, whatever becomes of it."""
    from isexplore.runs import append

    files = {name: tmp_path / f"{name}.run" for name in ("healthy", "collapsed")}
    for name, order in (("healthy", (gone, even)), ("collapsed", (even, gone))):
        for step, path in enumerate(order):
            append(files[name], step, ix.load(path))

    def judged(*sources: object) -> tuple[int, Any]:
        code, out, _ = run(*sources, "--reference", even, "--fail-on", "severe", "--json")
        found = json.loads(out)
        return code, (found["worst"], found["severity"])

    assert judged(files["healthy"]) == (0, ("fine", "fine"))
    assert judged(files["collapsed"]) == (3, ("severe", "severe"))
    assert judged(files["collapsed"], files["healthy"]) == (3, ("severe", "fine"))  # the last of each run
    assert judged(files["healthy"], gone) == (3, ("severe", "severe"))
    assert judged(gone, files["healthy"]) == (3, ("severe", "fine"))


def test_memorised_images_and_noise_are_not_said_to_be_fine(run: Run, tmp_path: Path) -> None:
    """Ten real images again and again, each with a little noise: no two are equal, and the score is that of the set."""
    real = np.stack([np.asarray(ix.demo.real().read(i)) for i in np.random.default_rng(0).permutation(1797)])
    rng = np.random.default_rng(1)
    images = np.clip(real[np.arange(1000) % 100] + rng.integers(-6, 7, (1000, *real.shape[1:])), 0, 255)
    np.save(tmp_path / "memorised.npy", images.astype(np.uint8))
    _, out, _ = run("demo:real", tmp_path / "memorised.npy", "--classifier", "digits")
    assert "note: The Inception Score alone cannot see memorised or repeated images inside a class" in out
    assert "note: --embeddings" in out
    assert "numbers are only stated" in out


def test_the_same_note_of_all_sets_is_printed_once(run: Run, even: Path, gone: Path, tmp_path: Path) -> None:
    note = "note: The Inception Score alone"
    other = saved(tmp_path / "other.safetensors", [0.4, 0.2, 0.2, 0.2])
    lines = run(even, gone, other)[1].splitlines()
    assert [line.startswith(note) for line in lines].count(True) == 1
    it = ix.load(other)
    tiles = np.zeros((len(it), 2, 2, 1), np.uint8)
    ix.Predictions.from_probabilities(it.probabilities, it.class_names, thumbnails=tiles).save(other)
    lines = run(even, gone, other)[1].splitlines()
    assert [line.startswith(f"  {note}") for line in lines].count(True) == 2  # under each, they are not the same


def test_names_of_files_are_on_one_line(run: Run, even: Path, gone: Path) -> None:
    odd = gone.rename(gone.with_name("o\nd\rd.safetensors"))
    lines = run(even, odd)[1].splitlines()
    assert not [line for line in lines if line.startswith("d")]


def test_json_says_what_the_library_returns(run: Run) -> None:
    code, out, _ = run("demo:real", "demo:collapsed@3000", "demo:collapsed@4500", "--splits", 5, "--json")
    it = json.loads(out)
    assert (code, out.count("\n")) == (0, 1)
    assert set(it) == {"severity", "worst", "since", "seed", "reference", "sets"}
    names = ["demo:collapsed@3000", "demo:collapsed@4500"]
    real = digits(ix.demo.real())
    sets = dict(zip(names, (digits(ix.demo.gan("collapsed", step)) for step in (3000, 4500)), strict=True))
    found = diagnose_run(sets, real, splits=5)
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
        (["{even}", "{gone}", "--reference", "{empty}"], "can't be the reference, which is one set"),
    ],
)
def test_failure_is_one_readable_line(run: Run, arguments: list[str], message: str, even: Path, gone: Path) -> None:

    empty = even.with_name("empty.run")
    create(empty)
    code, out, err = run(*(text.format(even=even, gone=gone, empty=empty) for text in arguments))
    said = [line for line in err.splitlines() if line.startswith("isexplore: ")]
    assert (code, out, len(said)) == (1, "", 1)
    assert message in said[0]
    assert not list(even.parent.glob("*.html"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo:real", "demo:nothing"], "nothing"),
        (["demo:real", "nowhere.npz", "--classifier", "digits"], "there is no nowhere.npz"),
        (["demo:real", "nowhere.run"], "there is no nowhere.run"),
        (["demo:real", "{even.parent}/nothing.zip"], "nothing.zip is empty"),
        (["{even}", "{even.parent}/./even.safetensors"], "even.safetensors is given twice"),
        (["demo:real", "demo:healthy", "--reference", "nowhere.safetensors"], "nowhere.safetensors"),
        (["demo:real", "demo:healthy", "--splits", "1001"], "1001 splits"),
        (["demo:real", "{even}", "{other}"], "can't be compared"),
        (["demo:real", "{even}", "--embeddings"], "holds no embeddings"),
        (["demo:real", "{even}", "--splits", "401"], "401 splits"),
    ],
)
def test_what_can_be_known_is_said_before_the_work(
    run: Run, arguments: list[str], message: str, even: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def predict(*_: object, **__: object) -> None:
        pytest.fail("it classifies already")

    monkeypatch.setattr("isexplore.inference.predict", predict)
    other = saved(even.with_name("other.safetensors"), [0.2] * 5, classes=5)
    even.with_name("nothing.zip").touch()
    code, _, err = run(*(text.format(even=even, other=other) for text in arguments))
    assert code == 1
    assert message in err.splitlines()[-1]


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


def test_the_checks_are_made_over_the_splits_that_were_asked_for(run: Run) -> None:
    checks = {}
    for splits in (1, 50):
        _, out, _ = run("demo:real", "demo:healthy", "--splits", splits, "--json")
        (it,) = json.loads(out)["sets"]
        checks[splits] = {check["key"]: check for check in it["checks"]}
        assert it["score"]["splits"] == splits
    assert "class-order" not in checks[1]  # one split has no order
    assert "Splits of 1000 images are enough" in checks[1]["images-per-split"]["sentence"]
    assert "Splits of 20 images are small" in checks[50]["images-per-split"]["sentence"]


def test_a_run_file_has_no_score_of_its_own(even: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = even.with_name("gan.run")
    create(file)
    assert cli.main(["score", str(file)]) == 1
    assert "is a run file" in capsys.readouterr().err


def test_a_page_that_can_not_be_written_is_refused_before_the_work(
    run: Run, even: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    code, out, err = run("demo:real", "demo:healthy", "--out", even.with_name("page.html"))
    assert (code, out) == (1, "")
    assert "nothing may be written into the folder" in err


def test_control_characters_of_a_name_never_reach_the_terminal(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "x\n::error::owned\x1b[31m"
    folder.mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "a.png")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "b.png")
    code, out, err = run("demo:real", folder, "--classifier", "digits", "--splits", "1")
    assert code == 0
    assert "owned" in out
    assert not [line for line in (out + err).splitlines() if line.startswith("::error")]
    assert "\x1b[31m" not in out + err
