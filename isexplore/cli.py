"""The command line: ``isexplore lab`` opens the notebooks, ``score`` prints a score, ``compare`` what others print.

``weights`` lists, fetches and verifies the weights of the Inception networks.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isexplore.lab import open_lab

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isexplore.predictions import Predictions
    from isexplore.score import Score

__all__ = ["main"]

_EXPECTED = (ValueError, TypeError, LookupError, OSError, ImportError, RuntimeError)


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
            open_lab(others, options.dir)
        elif options.command == "weights":
            return _weights(options)
        else:
            _run(_score if options.command == "score" else _compare, options, parser)
    except KeyboardInterrupt:
        kept = "; what an Inception network or a network file has computed is kept: run the same again to go on"
        print(f"isexplore: stopped{kept if options.command in ('score', 'compare') else ''}", file=sys.stderr)
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
    _add_source(score)
    score.add_argument("--json", action="store_true", help="print one JSON object with all details")
    compare = commands.add_parser(
        "compare",
        allow_abbrev=False,
        help="print what other code makes of the same images",
        description="The Inception Score of the same predictions by the rules of libraries, tutorials and articles, "
        "and why where one is nan or infinite.",
    )
    _add_source(compare)
    compare.add_argument("--json", action="store_true", help="print one JSON list with all details")
    weights = commands.add_parser(
        "weights",
        allow_abbrev=False,
        help="list, fetch or verify the weights of the Inception networks",
        description="Without an action: say which weights are on this machine, and where they are looked for.",
    )
    actions = weights.add_subparsers(dest="action")
    fetch = actions.add_parser("fetch", help="download weights into the cache, where they are not there yet")
    fetch.add_argument("name", metavar="NAME", help="inception-2015 or inception-v3")
    actions.add_parser("verify", help="compare the SHA-256 of what is there with the eight digits in its name")
    return parser


def _add_source(parser: argparse.ArgumentParser) -> None:
    """Add what says which images, or predictions, in how many splits."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="images (a folder, .zip, .tar, .npz or .npy), saved predictions (.safetensors), or an embedded set: "
        "demo:real, demo:healthy, demo:collapsed, demo:wandering; with a training step: demo:healthy@1000",
    )
    parser.add_argument(
        "--classifier",
        help="the network: digits, inception-2015, inception-v3, or a network file (TorchScript or torch.export); "
        "not needed for predictions and embedded sets",
    )
    parser.add_argument("--splits", type=_positive, default=10, help="number of splits (default: 10)")
    parser.add_argument(
        "--range", nargs=2, type=float, metavar=("BLACK", "WHITE"), help="an array's values, such as 0 16"
    )
    parser.add_argument(
        "--layout", choices=("HWC", "CHW"), help="an array's axes (range and layout are inferred if left out)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps … (default: auto)")
    parser.add_argument(
        "--precision",
        choices=("exact", "fast"),
        default="exact",
        help="exact: float32; fast: bfloat16, and how far that is off (default: exact)",
    )
    parser.add_argument("--batch-size", type=_positive, metavar="N", help="images a batch (default: what fits)")
    parser.add_argument(
        "--on-error",
        choices=("skip", "raise"),
        default="skip",
        help="what to do about an image that can't be read (default: skip and count it)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="save the predictions here, as .safetensors")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def _weights(options: argparse.Namespace) -> int:
    """List, fetch or verify weights."""
    from isexplore.classifiers.weights import ensure_weights
    from isexplore.classifiers.weights_report import verification_report, weights_report

    if options.action == "fetch":
        print(ensure_weights(options.name))
        return 0
    lines, sound = verification_report() if options.action == "verify" else (weights_report(), True)
    print("\n".join(lines))
    return 0 if sound else 1


def _run(
    command: Callable[[argparse.Namespace, argparse.ArgumentParser], None],
    options: argparse.Namespace,
    parser: argparse.ArgumentParser,
) -> None:
    """Run a command that classifies images, maybe as one of several processes, of which the first one speaks."""
    from isexplore.inference.ranks import process_group

    with process_group() as rank, warnings.catch_warnings(), contextlib.ExitStack() as stack:
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _show_warning
        if rank > 0:
            quiet = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stdout(quiet))
            stack.enter_context(contextlib.redirect_stderr(quiet))
        options.progress = rank == 0
        command(options, parser)


def _score(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Print the score of a source, and save its predictions if asked to."""
    from isexplore.score import inception_score

    predictions = _predictions(options, parser, most_splits_are_images=True)
    score = inception_score(predictions, splits=options.splits)
    for warning in score.warnings:
        print("warning:", warning, file=sys.stderr)
    print(json.dumps(_details(score, predictions), allow_nan=False) if options.json else score)


def _compare(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Print what each convention makes of a source, a line each, with a second one where there is a reason to give."""
    from dataclasses import asdict

    from isexplore.conventions import convention_rows

    predictions = _predictions(options, parser, most_splits_are_images=False)
    rows = convention_rows(predictions, splits=options.splits)
    if options.json:
        plain = [asdict(row) | {"value": _plain(row.value), "spread": _plain(row.spread)} for row in rows]
        print(json.dumps(plain, allow_nan=False, ensure_ascii=False))
        return
    width = max(len(row.convention) for row in rows)
    for row in rows:
        spread = "" if row.spread is None else f" ± {row.spread:.4g}"
        print(f"{row.convention:<{width}}  {row.value:.6g}{spread}")
        if row.note:
            print(f"{'':<{width}}  {row.note}")


def _plain(value: float | None) -> float | str | None:
    """Return a number as JSON can hold it: "nan" and "inf" as text."""
    return value if value is None or math.isfinite(value) else str(value)


def _predictions(
    options: argparse.Namespace, parser: argparse.ArgumentParser, *, most_splits_are_images: bool
) -> Predictions:
    source: str = options.source
    if source.endswith(".safetensors"):
        from isexplore.predictions import load
        from isexplore.predictions.assembly import checked_out

        out = None if options.out is None else checked_out(options.out)
        if options.classifier is not None:
            print(f"note: {source} holds predictions, --classifier is not used", file=sys.stderr)
        predictions = load(source)
        if out is not None:
            predictions.save(out)
        return predictions
    is_demo = source.startswith("demo:")
    classifier = options.classifier or ("digits" if is_demo else None)
    if classifier is None:
        parser.error("images need a --classifier, such as --classifier digits")

    from isexplore import demo
    from isexplore.classifiers import load_classifier
    from isexplore.edges import check_splits
    from isexplore.images import open_images
    from isexplore.inference import predict

    if is_demo:
        images = demo.open_set(source.removeprefix("demo:"))
    else:
        images = open_images(source, value_range=options.range and tuple(options.range), layout=options.layout)
    print("images:", images, file=sys.stderr)  # with the range that was inferred
    if most_splits_are_images:  # say so before the work, not after it
        check_splits(options.splits, len(images))
    network = load_classifier(classifier)
    print(f"network: {network.name}, which sees: {network.preprocessing}", file=sys.stderr)
    return predict(
        images,
        network,
        device=options.device,
        precision=options.precision,
        batch_size=options.batch_size,
        on_error=options.on_error,
        out=options.out,
        progress=options.progress,
    )


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
    """Print a warning as one readable line, without the place in the code; a progress bar makes room for it."""
    from tqdm import tqdm

    tqdm.write(f"warning: {message}", file=sys.stderr)
