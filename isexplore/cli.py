"""The command line: ``isexplore lab`` opens the notebooks, ``isexplore score`` prints a score."""

from __future__ import annotations

import argparse
import filecmp
import io
import json
import os
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isexplore.images import ImageSet
    from isexplore.predictions import Predictions
    from isexplore.score import Score

__all__ = ["copy_notebooks", "main"]

_EXPECTED = (ValueError, TypeError, LookupError, OSError, ImportError, RuntimeError)
_LAB_PACKAGES = ("jupyterlab", "ipywidgets", "anywidget", "plotly")
_ROOT_OPTIONS = {"--notebook-dir", "--ServerApp.root_dir"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands behind ``isexplore``; by default what the shell gave.

    Returns
    -------
    int
        0; 1 after a failure, said in one line on stderr; 130 after Ctrl-C. Wrong usage exits with 2.

    Examples
    --------
    >>> main(["score", "nothing.safetensors"])  # and on stderr: "isexplore: there is no file nothing.safetensors"
    1
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without "±" still shows the number
    parser = _parser()
    options, others = parser.parse_known_args(arguments)
    if others and options.command != "lab":
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    try:
        if options.command == "lab":
            _lab(others, options.dir)
        else:
            _score(options, parser)
    except KeyboardInterrupt:
        print("isexplore: stopped", file=sys.stderr)
        return 130
    except _EXPECTED as error:
        print("isexplore:", " ".join(str(error).split()) or type(error).__name__, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("isexplore", description="The Inception Score, opened up.", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    lab = commands.add_parser(
        "lab",
        allow_abbrev=False,
        usage="isexplore lab [NOTEBOOK] [--dir DIR] [OPTIONS OF JUPYTER LAB]",
        help="open the notebooks in JupyterLab",
        description="Copy the notebooks to a folder, keeping every file that is there already, and open JupyterLab. "
        "NOTEBOOK is the name of a packaged notebook (default explore.ipynb) or a path to any other. "
        "All other options go to jupyter lab as they are.",
    )
    lab.add_argument("--dir", type=Path, help="where the notebooks are copied to (default: isexplore-notebooks)")
    score = commands.add_parser(
        "score",
        allow_abbrev=False,
        help="print the Inception Score of a set of images",
        description="Progress and warnings go to stderr, one line or one JSON object to stdout.",
    )
    score.add_argument(
        "source",
        metavar="SOURCE",
        help="images (a folder, .npz or .npy), saved predictions (.safetensors), or an embedded set: "
        "demo:real, demo:healthy, demo:collapsed, demo:wandering; with a training step: demo:healthy@1000",
    )
    score.add_argument("--classifier", help="the network, such as digits; not needed for predictions and embedded sets")
    score.add_argument("--splits", type=_positive, default=10, help="number of splits (default: 10)")
    score.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps … (default: auto)")
    score.add_argument("--out", type=Path, metavar="FILE", help="save the predictions here, as .safetensors")
    score.add_argument("--json", action="store_true", help="print one JSON object with all details")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


# isexplore lab


def _lab(arguments: list[str], folder: Path | None) -> None:
    """Copy the notebooks and run JupyterLab on one of them until it ends."""
    missing = [name for name in _LAB_PACKAGES if not _is_installed(name)]
    if missing:
        raise ModuleNotFoundError(f'not installed: {", ".join(missing)}: pip install "isexplore[lab]"')
    name, others = _take_notebook(arguments)
    packaged = sorted(notebook.name for notebook in _packaged_notebooks().glob("*.ipynb"))
    if name in packaged:
        folder = folder or Path("isexplore-notebooks")
        notebook = folder / name
    else:
        notebook = Path(name)
        if notebook.suffix != ".ipynb" or not notebook.is_file():
            raise FileNotFoundError(f"there is no notebook {name}; packaged are: {', '.join(packaged)}")
    if folder is not None:
        for kept in copy_notebooks(folder):
            print(f"kept {kept}, which differs from the packaged one", file=sys.stderr)

    from jupyterlab.labapp import LabApp

    LabApp.launch_instance(_lab_arguments(notebook.absolute(), others))


def _take_notebook(arguments: list[str]) -> tuple[str, list[str]]:
    """Find NOTEBOOK among the arguments that are not ours: the first, unless it is an option, or what ends in .ipynb.

    Examples
    --------
    >>> _take_notebook(["--port", "9999"])
    ('explore.ipynb', ['--port', '9999'])
    >>> _take_notebook(["--no-browser", "mine.ipynb"])
    ('mine.ipynb', ['--no-browser'])
    """
    for i, argument in enumerate(arguments):
        if not argument.startswith("-") and (i == 0 or argument.endswith(".ipynb")):
            return argument, arguments[:i] + arguments[i + 1 :]
    return "explore.ipynb", arguments


def _lab_arguments(notebook: Path, others: list[str]) -> list[str]:
    """Return the arguments for jupyter lab: what `others` leave open is decided here; the token stays as it is."""
    given = {other.split("=")[0] for other in others}
    if given & _ROOT_OPTIONS:
        start = [str(notebook)]  # Jupyter works out where it lies below the given root
    else:  # unlike a file to run, a default address is also the one that is printed for people without a browser
        start = [f"--ServerApp.root_dir={notebook.parent}", f"--LabApp.default_url=/lab/tree/{quote(notebook.name)}"]
    start.append("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")  # no request leaves the machine
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        start.append("--allow-root")
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        start.append("--no-browser")
    return [option for option in start if option.split("=")[0] not in given] + others


def copy_notebooks(folder: Path) -> list[Path]:
    """Copy the packaged notebooks to a folder, which is made if need be; a file that exists is never touched.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path
        The files that were there already and differ from the packaged ones.

    Raises
    ------
    OSError
        If the folder can't be made or written to.
    """
    kept = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for original in sorted(_packaged_notebooks().iterdir()):
            copy = folder / original.name
            if original.is_dir() or original.name.startswith("."):
                continue
            if not copy.exists():
                with copy.open("xb") as stream:
                    stream.write(original.read_bytes())
            elif not filecmp.cmp(original, copy, shallow=False):
                kept.append(copy)
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror
        raise OSError(f"cannot put the notebooks into {folder}: {reason}; name another folder with --dir") from error
    return kept


def _packaged_notebooks() -> Path:
    """Return the folder with the notebooks: in the package when installed, beside it in a checkout."""
    package = Path(__file__).parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / "explore.ipynb").is_file():
            return folder
    raise FileNotFoundError("the notebooks are missing from this installation; install isexplore again")


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ImportError:
        return False


# isexplore score


def _score(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Print the score of a source, and save its predictions if asked to."""
    from isexplore.score import inception_score

    if options.out is not None:
        _check_out(options.out)
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _show_warning
        predictions = _predictions(options, parser)
        if options.out is not None:
            predictions.save(options.out)
        score = inception_score(predictions, splits=options.splits)
    for warning in score.warnings:
        print("warning:", warning, file=sys.stderr)
    print(json.dumps(_details(score, predictions), allow_nan=False) if options.json else score)


def _check_out(out: Path) -> None:
    """Find out before the work, not after it, whether its result can be saved."""
    out = out.expanduser()
    folder = out.parent
    if out.suffix != ".safetensors":
        raise ValueError(f"--out {out} must end in .safetensors")
    if not folder.is_dir():
        raise FileNotFoundError(f"cannot save {out}: the folder {folder} does not exist")
    if out.is_dir() or not os.access(folder, os.W_OK):
        raise PermissionError(f"cannot save {out}: {'it is a folder' if out.is_dir() else f'{folder} is not writable'}")


def _predictions(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Predictions:
    source: str = options.source
    if source.endswith(".safetensors"):
        from isexplore.predictions import load

        if options.classifier is not None:
            print(f"note: {source} holds predictions, --classifier is not used", file=sys.stderr)
        return load(source)
    is_demo = source.startswith("demo:")
    classifier = options.classifier or ("digits" if is_demo else None)
    if classifier is None:
        parser.error("images need a --classifier, such as --classifier digits")

    from isexplore.images import open_images
    from isexplore.inference import predict
    from isexplore.splits import check_splits

    images = _demo(source.removeprefix("demo:")) if is_demo else open_images(source)
    check_splits(options.splits, len(images))
    return predict(images, classifier, device=options.device)


def _demo(name: str) -> ImageSet:
    """Open an embedded set: ``real``, ``healthy``, or ``healthy@1000`` for a checkpoint."""
    from isexplore import demo

    if name == "real":
        return demo.real()
    gan, at, step = name.partition("@")
    if at and not step.isdecimal():
        raise ValueError(f"demo:{name}: the step behind @ must be a whole number")
    return demo.gan(gan, step=int(step) if at else None)


def _details(score: Score, predictions: Predictions) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    from dataclasses import asdict

    numbers = ("overall", "mean", "std", "splits", "corrected", "standard_error", "bias", "marginal_entropy")
    provenance = asdict(predictions.provenance)
    skipped = provenance.pop("skipped")
    return {
        **{name: getattr(score, name) for name in (*numbers, "n_images", "n_classes", "warnings")},
        "split_scores": score.split_scores.tolist(),
        "interval_95": score.interval(0.95),
        "marginal": score.marginal.tolist(),
        "mean_conditional_entropy": float(score.conditional_entropy.mean()),
        "class_names": predictions.class_names,
        "provenance": provenance,
        "skipped": [{"image": image, "reason": reason} for image, reason in skipped],
    }


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning as one readable line, without the place in the code."""
    print("warning:", message, file=sys.stderr)
