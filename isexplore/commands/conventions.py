"""``isexplore conventions``: what other code makes of the same images."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from isexplore.commands.details import plain_number
from isexplore.commands.sources import SOURCES, add_network, add_splits, read_source, with_ranks

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "conventions",
        allow_abbrev=False,
        help="print what other code makes of the same images",
        description="The Inception Score of the same predictions by the rules of libraries, tutorials and articles, "
        "and why where one is nan or infinite.",
    )
    parser.add_argument("source", metavar="SOURCE", help=SOURCES)
    add_network(parser)
    add_splits(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON list with all details")
    parser.set_defaults(run=with_ranks(run), parser=parser, goes_on=True)


def run(options: argparse.Namespace) -> int:
    """Print what each convention makes of a source, a line each, with a second one where there is a reason to give."""
    from isexplore.conventions import convention_rows

    predictions = read_source(options.source, options)
    rows = convention_rows(predictions, splits=options.splits)
    if options.json:
        plain = [asdict(row) | {"value": plain_number(row.value), "spread": plain_number(row.spread)} for row in rows]
        print(json.dumps(plain, allow_nan=False, ensure_ascii=False))
        return 0
    width = max(len(row.convention) for row in rows)
    for row in rows:
        spread = "" if row.spread is None else f" ± {row.spread:.4g}"
        print(f"{row.convention:<{width}}  {row.value:.6g}{spread}")
        if row.note:
            print(f"{'':<{width}}  {row.note}")
    return 0
