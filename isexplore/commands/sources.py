"""What stands for images on the command line, and how they become predictions, maybe by several processes."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from isexplore.images import ImageSet
    from isexplore.predictions import Predictions

__all__ = ["SOURCES", "add_network", "add_splits", "check_source", "read_source", "with_ranks"]

SOURCES = (
    "images (a folder, .zip, .tar, .npz or .npy), saved predictions (.safetensors), or an embedded set: "
    "demo:real, demo:healthy, demo:collapsed, demo:wandering; with a training step: demo:healthy@1000"
)


def add_network(parser: argparse.ArgumentParser) -> None:
    """Add what says how images are read and classified."""
    parser.add_argument(
        "--classifier",
        help="the network: digits, inception-2015, inception-v3, or a network file (TorchScript or torch.export); "
        "not needed for predictions and embedded sets",
    )
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


def add_splits(parser: argparse.ArgumentParser) -> None:
    """Add the number of splits."""
    parser.add_argument("--splits", type=_positive, default=10, help="number of splits (default: 10)")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def with_ranks(command: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Let a command classify images as one of several processes, of which the first one speaks."""

    def run(options: argparse.Namespace) -> int:
        from isexplore.inference.ranks import process_group

        with process_group() as rank, warnings.catch_warnings(), contextlib.ExitStack() as stack:
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show_warning
            if rank > 0:
                quiet = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
                stack.enter_context(contextlib.redirect_stdout(quiet))
                stack.enter_context(contextlib.redirect_stderr(quiet))
            options.is_first = rank == 0
            return command(options)

    return run


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning as one readable line, without the place in the code; a progress bar makes room for it."""
    from tqdm import tqdm

    tqdm.write(f"warning: {message}", file=sys.stderr)


def read_source(
    source: str, options: argparse.Namespace, *, splits: int | None = None, out: Path | None = None
) -> Predictions:
    """Return the predictions that a source holds, or those of its images.

    Parameters
    ----------
    source : str
    options : Namespace
        Of the command line.
    splits : int, optional
        How many splits there will be: to say before the work that there are too few images, not after it.
    out : Path, optional
        Where the predictions are saved.
    """
    if source.endswith(".safetensors"):
        return _saved(source, options, out)
    _check_there(source)
    classifier = _classifier_of(source, options)

    from isexplore.classifiers import load_classifier
    from isexplore.inference import predict
    from isexplore.oneline import in_one_line

    images = _opened(source, options, splits)
    print("images:", in_one_line(str(images)), file=sys.stderr)  # with the range that was inferred
    network = load_classifier(classifier)
    print(f"network: {network.name}, which sees: {network.preprocessing}", file=sys.stderr)
    more = {"embeddings": True} if getattr(options, "embeddings", False) else {}
    return predict(
        images,
        network,
        device=options.device,
        precision=options.precision,
        batch_size=options.batch_size,
        on_error=options.on_error,
        out=out,
        progress=options.is_first,
        **more,
    )


def check_source(source: str, options: argparse.Namespace, *, splits: int | None = None) -> Predictions | None:
    """Find out whether a source can be read, without classifying anything; return the predictions that it holds.

    Images are closed again: those of several sources may be more than the memory holds.
    """
    if source.endswith(".safetensors"):
        from isexplore.edges import check_splits

        predictions = _saved(source, options, None)
        if splits is not None:
            check_splits(splits, len(predictions))
        return predictions
    _check_there(source)
    _classifier_of(source, options)
    _opened(source, options, splits)
    return None


def _check_there(source: str) -> None:
    """Refuse what holds no images, before anything is asked about them."""
    from isexplore.runs import is_run_file
    from isexplore.tensor_files import expand_home

    if source.startswith("demo:"):
        return
    path = expand_home(source)
    if not path.exists():
        raise FileNotFoundError(f"there is no {source}")
    if is_run_file(source):
        raise ValueError(f"{source} is a run file, which holds several sets: see them with isexplore compare {source}")
    if path.is_file() and not path.stat().st_size:
        raise ValueError(f"{source} is empty: whatever wrote it may have been stopped before it began")


def _classifier_of(source: str, options: argparse.Namespace) -> str:
    classifier: str | None = options.classifier or ("digits" if source.startswith("demo:") else None)
    if classifier is None:
        _stop(options.parser, "images need a --classifier, such as --classifier digits")
    return classifier


def _opened(source: str, options: argparse.Namespace, splits: int | None) -> ImageSet:
    from isexplore import demo
    from isexplore.edges import check_splits
    from isexplore.images import open_images

    if source.startswith("demo:"):
        images = demo.open_set(source.removeprefix("demo:"))
    else:
        images = open_images(source, value_range=options.range and tuple(options.range), layout=options.layout)
    if splits is not None:
        check_splits(splits, len(images))
    return images


def _stop(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    parser.error(message)


def _saved(source: str, options: argparse.Namespace, out: Path | None) -> Predictions:
    from isexplore.predictions import load
    from isexplore.predictions.assembly import checked_out

    checked = None if out is None else checked_out(out)
    if options.classifier is not None:
        print(f"note: {source} holds predictions, --classifier is not used", file=sys.stderr)
    predictions = load(source)
    if getattr(options, "embeddings", False) and predictions.embeddings is None:
        raise ValueError(f"{source} holds no embeddings: these are made from the images, with --embeddings")
    if checked is not None:
        predictions.save(checked)
    return predictions
