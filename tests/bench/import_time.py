"""How long `import isexplore` takes, beyond starting Python."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from statistics import median

from figures import Figure, table, times

TITLE = "Import (medians of 15 fresh processes)"
_BUDGET = 0.3  # seconds


_CODES = {
    "an empty Python": "pass",
    "import isexplore": "import isexplore",
    "import numpy": "import numpy",
    "import isexplore; isexplore.inception_score": "import isexplore; isexplore.inception_score",
}


def measure() -> list[Figure]:
    runs = times({what: partial(_run, code) for what, code in _CODES.items()}, 15)
    seconds = {what: median(values) for what, values in runs.items()}
    bare = seconds.pop("an empty Python")
    notes = {"import numpy": "for comparison", "import isexplore; isexplore.inception_score": "NumPy comes with it"}
    return [
        Figure("an empty Python", bare, "s", why="taken off the others"),
        *(
            Figure(what, value - bare, "s", _BUDGET if what == "import isexplore" else None, notes.get(what, ""))
            for what, value in seconds.items()
        ),
    ]


def _run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own


if __name__ == "__main__":
    print(table(TITLE, measure()))
