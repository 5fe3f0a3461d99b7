"""The command line: what it prints where, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import isexplore as ix
from isexplore import cli

if TYPE_CHECKING:
    from collections.abc import Callable

CAPTURED = pytest.CaptureFixture[str]
NOT_NEEDED_TO_SCORE = ("plotly", "ipywidgets", "anywidget", "pandas", "jupyterlab", "sklearn", "scipy", "torchvision")


@pytest.fixture
def run(capsys: CAPTURED) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: object) -> tuple[int, str, str]:
        code = cli.main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    p = np.random.default_rng(0).dirichlet([0.1] * 4, size=50)
    path = tmp_path / "saved.safetensors"
    ix.Predictions.from_probabilities(p, class_names=["a", "b", "c", "<d>"]).save(path)
    return path


# isexplore score


def test_score_of_an_embedded_set_is_one_line(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = run("score", "demo:real", "--classifier", "digits", "--device", "cpu")
    score = ix.inception_score(ix.predict(ix.demo.real(), "digits", device="cpu", progress=False))
    assert (code, out) == (0, f"{score}\n")
    assert "1797/1797" in err  # the progress bar


@pytest.mark.parametrize(("source", "low", "high"), [("demo:healthy", 7.5, 10), ("demo:collapsed", 1, 3)])
def test_json_has_every_number(run: Callable[..., tuple[int, str, str]], source: str, low: float, high: float) -> None:
    code, out, _ = run("score", source, "--splits", 5, "--device", "cpu", "--json")
    details = json.loads(out)
    assert code == 0
    assert out.count("\n") == 1
    assert low < details["overall"] < high
    assert details["splits"] == len(details["split_scores"]) == 5
    assert details["mean"] == pytest.approx(np.mean(details["split_scores"]))
    assert details["std"] == pytest.approx(np.std(details["split_scores"]))
    assert details["interval_95"][0] <= details["corrected"] <= details["interval_95"][1]
    assert np.log(details["overall"]) == pytest.approx(
        details["marginal_entropy"] - details["mean_conditional_entropy"]
    )
    assert len(details["marginal"]) == len(details["class_names"]) == details["n_classes"] == 10
    assert details["provenance"]["classifier"] == "digits"
    assert {"bias", "standard_error", "n_images", "warnings", "skipped"} <= details.keys()


# isexplore conventions


def test_conventions_prints_what_the_library_returns(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    path = tmp_path / "one-hot.safetensors"
    p = np.eye(5)[np.random.default_rng(0).integers(5, size=43)]
    ix.Predictions.from_probabilities(p).save(path)
    table = ix.compare_conventions(p.astype(np.float32), splits=4, seed=0)
    code, out, err = run("conventions", path, "--splits", 4)
    lines = [line for line in out.splitlines() if not line.startswith("  ")]
    assert (code, err) == (0, "")
    assert [line.split("  ")[0] for line in lines] == table["convention"].tolist()
    assert "improved-gan (2016)" in out
    assert re.search(r"improved-gan \(2016\) +nan ± nan\n +nan: an exact zero makes 0 · ln 0 = nan", out)

    code, out, _ = run("conventions", path, "--splits", 4, "--json")
    rows = json.loads(out)
    assert [row["convention"] for row in rows] == table["convention"].tolist()
    by_name = {row["convention"]: row for row in rows}
    assert by_name["improved-gan (2016)"]["value"] == "nan"
    assert by_name["isexplore, whole set"]["value"] == pytest.approx(ix.inception_score(p).overall)
    assert by_name["isexplore, whole set"]["spread"] is None


def test_conventions_takes_images_and_more_splits_than_there_are(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("conventions", "demo:real", "--splits", 2000, "--device", "cpu")
    assert code == 0
    assert "203 of 2000 splits hold no image" in out


# isexplore score, of other sources


def test_a_checkpoint_is_named_behind_an_at(run: Callable[..., tuple[int, str, str]]) -> None:
    step = ix.demo.checkpoints("healthy")[0]
    _, out, _ = run("score", f"demo:healthy@{step}", "--device", "cpu", "--json")
    score = ix.inception_score(ix.predict(ix.demo.gan("healthy", step=step), "digits", device="cpu", progress=False))
    assert json.loads(out)["overall"] == pytest.approx(score.overall)


def test_folder_with_a_broken_image(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    from PIL import Image

    for i in range(4):
        Image.fromarray(np.full((8, 8), 60 * i, np.uint8)).save(tmp_path / f"{i}.png")
    (tmp_path / "4.png").write_bytes(b"no picture")
    code, out, err = run("score", tmp_path, "--classifier", "digits", "--splits", 2, "--device", "cpu", "--json")
    details = json.loads(out)
    assert (code, details["n_images"]) == (0, 4)
    assert [skipped["image"] for skipped in details["skipped"]] == ["4.png"]
    assert re.search(r"^warning: .*4\.png", err, re.MULTILINE)


def test_an_ambiguous_range_is_stated_as_the_error_says(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    digits = np.stack([ix.demo.real().read(i)[..., 0] for i in range(60)])
    np.save(tmp_path / "sixteenths.npy", digits / 255 * 16)
    source = ("score", tmp_path / "sixteenths.npy", "--classifier", "digits", "--device", "cpu", "--splits", 2)
    code, _, err = run(*source)
    assert code == 1
    assert "--range 0 16" in err
    _, out, _ = run(*source, "--range", 0, 16, "--layout", "HWC", "--json")
    score = ix.inception_score(ix.predict(digits, "digits", device="cpu", progress=False), splits=2)
    assert json.loads(out)["overall"] == pytest.approx(score.overall)


def test_out_is_a_source_without_a_classifier(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (20, 8, 8), np.uint8))
    out = tmp_path / "run.safetensors"
    first = run("score", tmp_path / "images.npy", "--classifier", "digits", "--device", "cpu", "--out", out)
    again = run("score", out)
    assert first[:2] == again[:2]
    assert first[0] == 0
    assert len(ix.load(out)) == 20


def test_saved_predictions_and_a_needless_classifier(run: Callable[..., tuple[int, str, str]], saved: Path) -> None:
    code, out, err = run("score", saved, "--classifier", "digits", "--splits", 50)
    assert (code, out) == (0, f"{ix.inception_score(ix.load(saved), splits=50)}\n")
    assert "--classifier is not used" in err
    assert "warning: Splits of 1 image" in err


def test_embeddings_are_kept_if_asked_for(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path, saved: Path
) -> None:
    out = tmp_path / "run.safetensors"
    assert run("score", "demo:collapsed", "--device", "cpu", "--embeddings", "--out", out)[0] == 0
    embeddings = ix.load(out).embeddings
    assert embeddings is not None
    assert len(embeddings) == 1000
    assert run("score", out, "--embeddings")[0] == 0
    code, _, err = run("score", saved, "--embeddings")
    assert code == 1
    assert "holds no embeddings: these are made from the images" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "--classifier", "digits"], "nowhere"),
        (["nowhere.safetensors"], "nowhere.safetensors"),
        (["demo:nothing"], "nothing"),
        (["demo:healthy@last"], "whole number"),
        (["demo:healthy@-1"], "whole number"),
        (["demo:real@5"], "real"),
        (["demo:real", "--classifier", "resnet"], "resnet"),
        (["demo:real", "--device", "gpu"], "gpu"),
        (["demo:real", "--splits", "5000"], "5000 splits"),
        (["demo:real", "--out", "missing/run.safetensors"], "the folder missing does not exist"),
        (["demo:real", "--out", "run.csv"], "must end in .safetensors"),
        (["demo:real", "--out", "folder.safetensors"], "it is a folder"),
    ],
)
def test_failure_is_one_readable_line(
    run: Callable[..., tuple[int, str, str]],
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.safetensors").mkdir()
    code, out, err = run("score", *arguments)
    told = ("images: ", "network: ", "images/s")  # what they are, and the progress bar
    (line,) = [line for line in err.splitlines() if line and not any(words in line for words in told)]
    assert (code, out) == (1, "")
    assert line.startswith("isexplore: ")
    assert message in line


def test_what_the_images_are_is_said(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.random.default_rng(0).uniform(-1, 1, (20, 8, 8, 1)))
    code, _, err = run("score", tmp_path / "images.npy", "--classifier", "digits", "--splits", "2")
    assert code == 0
    assert "images: images.npy: 20 images, 8×8 gray, float64, range −1–1 (inferred)\n" in err
    assert "network: digits, which sees: gray (ITU-R 601), antialiased bilinear to 8×8, 0–1\n" in err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["scores"],
        ["score"],
        ["score", __file__],  # which network?
        ["score", "demo:real", "--splits", "0"],
        ["score", "demo:real", "--splits", "ten"],
        ["score", "demo:real", "--port", "9999"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: CAPTURED) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 2
    assert "usage: isexplore" in capsys.readouterr().err


def test_ctrl_c_exits_with_130(
    run: Callable[..., tuple[int, str, str]], saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("isexplore.predictions.load", interrupted)
    code, out, err = run("score", saved)
    assert (code, out) == (130, "")
    assert err.startswith("isexplore: stopped; what")
    assert err.count("\n") == 1


def test_terminal_without_unicode(saved: Path) -> None:
    command = [sys.executable, "-m", "isexplore", "score", str(saved)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(command, capture_output=True, check=True, env=environment)  # noqa: S603
    assert result.stdout.startswith(b"IS ")


def test_score_needs_none_of_the_lab_packages() -> None:
    code = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {NOT_NEEDED_TO_SCORE}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)

sys.meta_path.insert(0, Blocker())
from isexplore.cli import main
assert main(["score", "demo:collapsed", "--device", "cpu"]) == 0
sys.exit(main(["lab"]))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert result.stdout.startswith("IS "), result.stderr
    assert result.returncode == 1
    assert 'pip install "isexplore[lab]"' in result.stderr.splitlines()[-1]


# isexplore lab


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Record what JupyterLab would be started with, in an empty folder, as a user with a display."""
    from jupyterlab.labapp import LabApp

    launches: list[list[str]] = []
    monkeypatch.setattr(LabApp, "launch_instance", launches.append)
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.chdir(tmp_path)
    return launches


OFFLINE = "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"


def opened(folder: Path, name: str) -> list[str]:
    return [f"--ServerApp.root_dir={folder}", f"--LabApp.default_url=/lab/tree/{name}", OFFLINE]


def test_lab_copies_the_notebooks_and_opens_the_first(launched: list[list[str]], tmp_path: Path) -> None:
    assert cli.main(["lab"]) == 0
    assert launched == [opened(tmp_path / "isexplore-notebooks", "explore.ipynb")]
    assert (tmp_path / "isexplore-notebooks" / "explore.ipynb").is_file()


def test_lab_passes_other_options_on(launched: list[list[str]], tmp_path: Path) -> None:
    cli.main(["lab", "--port", "9999", "--dir", "here", "--no-browser", "--ServerApp.foo=1"])
    assert launched == [
        [*opened(tmp_path / "here", "explore.ipynb"), "--port", "9999", "--no-browser", "--ServerApp.foo=1"]
    ]


def test_lab_with_a_root_of_ones_own(launched: list[list[str]], tmp_path: Path) -> None:
    cli.main(["lab", "explore.ipynb", "--notebook-dir", "."])
    assert launched == [[str(tmp_path / "isexplore-notebooks" / "explore.ipynb"), OFFLINE, "--notebook-dir", "."]]


def test_lab_gives_way_to_a_given_option(launched: list[list[str]], tmp_path: Path) -> None:
    cli.main(["lab", "--LabApp.default_url=/lab"])
    assert launched == [
        [f"--ServerApp.root_dir={tmp_path / 'isexplore-notebooks'}", OFFLINE, "--LabApp.default_url=/lab"]
    ]


def test_lab_opens_any_notebook(launched: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "my own.ipynb").write_text("{}")
    cli.main(["lab", "my own.ipynb"])
    assert launched == [opened(tmp_path, "my%20own.ipynb")]
    assert not (tmp_path / "isexplore-notebooks").exists()


def test_lab_as_root_without_a_display(
    launched: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    cli.main(["lab"])
    cli.main(["lab", "--no-browser", "--allow-root"])
    start = opened(tmp_path / "isexplore-notebooks", "explore.ipynb")
    assert launched == [[*start, "--allow-root", "--no-browser"], [*start, "--no-browser", "--allow-root"]]


def test_lab_keeps_what_was_edited(launched: list[list[str]], tmp_path: Path, capsys: CAPTURED) -> None:
    cli.main(["lab", "--dir", "here"])
    cli.main(["lab", "--dir", "here"])
    assert capsys.readouterr().err == ""
    (tmp_path / "here" / "explore.ipynb").write_text("edited")
    cli.main(["lab", "--dir", "here"])
    assert (tmp_path / "here" / "explore.ipynb").read_text() == "edited"
    assert "kept here/explore.ipynb" in capsys.readouterr().err.replace(os.sep, "/")
    assert len(launched) == 3


def test_lab_leaves_no_half_copied_notebook(
    launched: list[list[str]], tmp_path: Path, capsys: CAPTURED, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "isexplore-notebooks"

    def copy_half(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:100])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(shutil, "copyfile", copy_half)
        assert cli.main(["lab"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert list(folder.iterdir()) == []
    assert cli.main(["lab"]) == 0
    assert (folder / "explore.ipynb").stat().st_size > 100
    assert [path for path in folder.iterdir() if path.name.startswith(".")] == []
    assert len(launched) == 1


def test_lab_keeps_what_another_program_put_there_meanwhile(
    launched: list[list[str]], tmp_path: Path, capsys: CAPTURED, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, notebook = shutil.copyfile, tmp_path / "isexplore-notebooks" / "explore.ipynb"

    def slow_copy(source: Path, target: Path) -> None:
        copy(source, target)
        notebook.write_text("mine")

    monkeypatch.setattr(shutil, "copyfile", slow_copy)
    assert cli.main(["lab"]) == 0
    assert notebook.read_text() == "mine"
    assert "kept" in capsys.readouterr().err
    assert len(launched) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.ipynb"], "packaged are: explore.ipynb"),
        (["file.txt"], "there is no notebook file.txt"),
        (["--dir", "file.txt"], "cannot put the notebooks into file.txt: it is a file"),
        (["--dir", "file.txt/below"], "cannot put the notebooks into file.txt"),
    ],
)
def test_lab_failure_is_one_readable_line(
    launched: list[list[str]], tmp_path: Path, capsys: CAPTURED, arguments: list[str], message: str
) -> None:
    (tmp_path / "file.txt").touch()
    assert cli.main(["lab", *arguments]) == 1
    err = capsys.readouterr().err
    assert message in err.replace(os.sep, "/")
    assert err.count("\n") == 1
    assert launched == []


def test_lab_into_a_folder_that_is_read_only(
    launched: list[list[str]], tmp_path: Path, capsys: CAPTURED, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", denied)
    assert cli.main(["lab", "--dir", str(tmp_path / "here")]) == 1
    assert "Permission denied; name another folder with --dir" in capsys.readouterr().err
    assert launched == []


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX signals")
def test_lab_runs_prints_its_address_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    """The real JupyterLab: the token is on, the printed address is the notebook's, Ctrl-C ends it quietly."""
    command = [sys.executable, "-m", "isexplore", "lab", "--no-browser", "--port=0", "--ServerApp.ip=127.0.0.1"]
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path), "PYTHONPATH": str(Path(ix.__file__).parents[1])}
    with (
        (tmp_path / "log").open("w+") as log,
        subprocess.Popen(  # noqa: S603 - our own command
            command,
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=log,
            preexec_fn=_heed_ctrl_c,  # noqa: PLW1509 - no thread is running here that it could harm
        ) as lab,
    ):
        try:
            assert _appears(r"http://127\.0\.0\.1:\d+/lab/tree/explore\.ipynb\?token=\w{20,}", tmp_path / "log")
            lab.send_signal(signal.SIGINT)
            assert lab.wait(timeout=60) in (0, 130)  # 130 if it came before the server was all up
        finally:
            lab.kill()
    assert "Traceback" not in (tmp_path / "log").read_text()


def _heed_ctrl_c() -> None:
    """Undo what a shell does to a job in the background, whose children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _appears(pattern: str, log: Path, seconds: float = 120) -> bool:
    end = time.monotonic() + seconds
    while not re.search(pattern, log.read_text()):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def test_whoever_has_read_enough_hears_no_more() -> None:
    command = [sys.executable, "-m", "isexplore", "weights"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as it:  # noqa: S603 - our own
        assert it.stdout is not None
        assert it.stderr is not None
        it.stdout.close()
        assert it.stderr.read() == ""
    assert it.returncode == 1
