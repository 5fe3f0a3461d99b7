"""``isexplore weights``: which weights of the Inception networks are on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "weights",
        allow_abbrev=False,
        help="list, fetch or verify the weights of the Inception networks",
        description="Without an action: say which weights are on this machine, and where they are looked for.",
    )
    actions = parser.add_subparsers(dest="action")
    fetch = actions.add_parser("fetch", help="download weights into the cache, where they are not there yet")
    fetch.add_argument("name", metavar="NAME", help="inception-2015 or inception-v3")
    actions.add_parser("verify", help="compare the SHA-256 of what is there with the eight digits in its name")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List, fetch or verify weights."""
    from isexplore.classifiers.weights import ensure_weights
    from isexplore.classifiers.weights_report import verification_report, weights_report

    if options.action == "fetch":
        print(ensure_weights(options.name))
        return 0
    lines, sound = verification_report() if options.action == "verify" else (weights_report(), True)
    print("\n".join(lines))
    return 0 if sound else 1
