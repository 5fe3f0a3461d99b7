"""The command line: ``isexplore lab`` opens the notebooks, ``score`` prints a score, ``compare`` compares sets.

``conventions`` prints what other code makes of the same images; ``weights`` lists, fetches and verifies the weights of
the Inception networks.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from typing import TYPE_CHECKING

from isexplore.commands import compare, conventions, lab, score, weights
from isexplore.oneline import in_one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_EXPECTED = (ValueError, TypeError, LookupError, OSError, ImportError, RuntimeError)
_COMMANDS = (lab, score, compare, conventions, weights)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands behind ``isexplore``; by default what the shell gave.

    Returns
    -------
    int
        0; 1 after a failure, said in one line on stderr; 3 where ``compare`` found what ``--fail-on`` names; 130 after
        Ctrl-C. Wrong usage exits with 2.

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
    options.others = others
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        kept = "; what an Inception network or a network file has computed is kept: run the same again to go on"
        print(f"isexplore: stopped{kept if options.goes_on else ''}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except _EXPECTED as error:
        print("isexplore:", in_one_line(str(error)) or type(error).__name__, file=sys.stderr)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("isexplore", description="The Inception Score, opened up.", allow_abbrev=False)
    parser.set_defaults(goes_on=False)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in _COMMANDS:
        command.add(commands)
    return parser
