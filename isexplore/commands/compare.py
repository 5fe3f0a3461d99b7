"""``isexplore compare``: several sets of images, against each other and for mode collapse."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isexplore.commands.sources import SOURCES, add_network, add_splits, with_ranks

if TYPE_CHECKING:
    import argparse

    from isexplore.commands.compared import Compared

__all__ = ["add"]

_FAILED = 3


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "compare",
        allow_abbrev=False,
        help="compare sets of images, and look for mode collapse",
        description="Each set's score, its difference from the first set, and what the checks find in it. "
        "The exit code is 3 if --fail-on is given and a check finds something as bad in any of the diagnosed sets; of "
        "the checkpoints in a run file only the last one counts, since every run is bad at its beginning. "
        "What other code prints for one set is: isexplore conventions.",
    )
    parser.add_argument(
        "sources",
        metavar="SET",
        nargs="+",
        help=f"{SOURCES}; or a run file, which holds all checkpoints. In order, first to last",
    )
    parser.add_argument(
        "--reference",
        metavar="SET",
        help="what the sets should look like, such as real images; left out, the first set is the reference and is "
        "not diagnosed itself; where that is a run file, the classes are held against equal shares",
    )
    add_network(parser)
    add_splits(parser)
    parser.add_argument(
        "--embeddings", action="store_true", help="look at what the network's last layer sees, too: for near copies"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write one self-contained page here, as .html")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object with all details: severity is the last set's, worst is what --fail-on goes by",
    )
    parser.add_argument(
        "--fail-on",
        choices=("severe", "warning"),
        help="exit with 3 if anything as bad, or worse, is found in any set, or in the last checkpoint of a run file",
    )
    parser.set_defaults(run=with_ranks(run), parser=parser, goes_on=True)


def run(options: argparse.Namespace) -> int:
    """Print the comparison, write the page if asked to, and say in the exit code whether anything is wrong."""
    from isexplore.commands.compared import compared
    from isexplore.commands.given import read_sets
    from isexplore.oneline import in_one_line

    if options.out is not None:
        from isexplore.report.page import checked_page  # before the work, not after it

        checked_page(options.out)
    given = read_sets(options)
    if not options.is_first:  # of several processes, the first one does what is left
        return 0
    found = compared(given, options.splits)
    for name, score in found.scores.items():
        for warning in score.warnings:
            print(in_one_line(f"warning: {name}: {warning}"), file=sys.stderr)
    print(json.dumps(found.as_json(), allow_nan=False, ensure_ascii=False) if options.json else found)
    if options.out is not None:
        found.report.to_html(options.out)
    return _FAILED if _fails(found, options.fail_on) else 0


def _fails(found: Compared, fail_on: str | None) -> bool:
    return found.worst in {"severe": ("severe",), "warning": ("severe", "warning"), None: ()}[fail_on]
