"""What the checks found in one sample set, or in the checkpoints of a run, to read, compute with, and take away."""

from __future__ import annotations

from isexplore.report.diagnosis import diagnose
from isexplore.report.report import Report
from isexplore.report.run_report import RunReport

__all__ = ["Report", "RunReport", "diagnose"]
