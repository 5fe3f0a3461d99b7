"""``isexplore lab``: open the notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "lab",
        allow_abbrev=False,
        usage="isexplore lab [NOTEBOOK] [--dir DIR] [OPTIONS OF JUPYTER LAB]",
        help="open the notebooks in JupyterLab",
        description="Copy the notebooks to a folder, keeping every file that is there already, and open JupyterLab. "
        "NOTEBOOK is the name of a packaged notebook (default explore.ipynb) or a path to any other. "
        "All other options go to jupyter lab as they are.",
    )
    parser.add_argument("--dir", type=Path, help="where the notebooks are copied to (default: isexplore-notebooks)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Copy the notebooks and open JupyterLab."""
    from isexplore.lab import open_lab

    open_lab(options.others, options.dir)
    return 0
