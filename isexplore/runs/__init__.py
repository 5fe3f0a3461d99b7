"""Watch a training: its checkpoints are scored on the way, and kept in one file."""

from __future__ import annotations

from isexplore.runs.monitor import Monitor
from isexplore.runs.run_file import append, is_run_file, load_run

__all__ = ["Monitor", "append", "is_run_file", "load_run"]
