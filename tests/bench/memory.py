"""How much memory a call takes at its peak, beyond what is there before it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PROCESS = Path("/proc/self")


def peak(call: Callable[[], object]) -> float:
    """Return megabytes, or NaN where the system (other than Linux) does not tell."""
    try:
        (_PROCESS / "clear_refs").write_text("5", encoding="ascii")  # forgets the highest so far
        before = _megabytes("VmRSS")
    except OSError:
        return float("nan")
    call()
    return _megabytes("VmHWM") - before


def _megabytes(what: str) -> float:
    found = re.search(rf"^{what}:\s+(\d+) kB", (_PROCESS / "status").read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) / 1000 if found else float("nan")
