"""How much memory a call takes at its peak, beyond what is there before it.

On a CPU each call is measured in a process of its own, `python tests/bench/memory.py NAME`: in one that has run for a
while, a call reuses what earlier ones have given back to the allocator but not to the system, and seems to need less.
"""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from compared import compared, predictions

if TYPE_CHECKING:
    from collections.abc import Callable

_PROCESS = Path("/proc/self")


def peak(name: str) -> float:
    """Return the megabytes of one of the calls that are compared, or NaN where the system does not tell (no Linux)."""
    command = [sys.executable, __file__, name]
    result = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - this file
    return float(result.stdout)


def peak_on_the_gpu(call: Callable[[], object]) -> float:
    """Return the megabytes of tensors; they are counted one by one, so that it matters not what ran before."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 1e6


def _peak_here(call: Callable[[], object]) -> float:
    try:
        (_PROCESS / "clear_refs").write_text("5", encoding="ascii")  # forgets the highest so far
        before = _megabytes("VmRSS")
    except OSError:
        return float("nan")
    call()
    return _megabytes("VmHWM") - before


def _megabytes(what: str) -> float:
    found = re.search(rf"^{what}:\s+(\d+) kB", (_PROCESS / "status").read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else float("nan")


def _main(name: str) -> None:
    calls = compared(*predictions())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own
        print(_peak_here({**calls.rivals, **calls.ours}[name]))


if __name__ == "__main__":
    _main(sys.argv[1])
