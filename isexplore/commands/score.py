"""``isexplore score``: the Inception Score of one set of images."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isexplore.commands.sources import SOURCES, add_network, add_splits, read_source, with_ranks

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "score",
        allow_abbrev=False,
        help="print the Inception Score of a set of images",
        description="Progress and warnings go to stderr, one line or one JSON object to stdout.",
    )
    parser.add_argument("source", metavar="SOURCE", help=SOURCES)
    add_network(parser)
    add_splits(parser)
    parser.add_argument("--embeddings", action="store_true", help="keep what the network's last layer sees, too")
    parser.add_argument("--out", type=Path, metavar="FILE", help="save the predictions here, as .safetensors")
    parser.add_argument("--json", action="store_true", help="print one JSON object with all details")
    parser.set_defaults(run=with_ranks(run), parser=parser, goes_on=True)


def run(options: argparse.Namespace) -> int:
    """Print the score of a source, and save its predictions if asked to."""
    from isexplore.commands.details import score_details
    from isexplore.score import inception_score

    predictions = read_source(options.source, options, splits=options.splits, out=options.out)
    score = inception_score(predictions, splits=options.splits)
    for warning in score.warnings:
        print("warning:", warning, file=sys.stderr)
    print(json.dumps(score_details(score, predictions), allow_nan=False) if options.json else score)
    return 0
