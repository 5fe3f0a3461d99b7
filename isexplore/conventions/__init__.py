"""What other code prints as the Inception Score of the very same predictions."""

from __future__ import annotations

from isexplore.conventions.convention import ConventionRow
from isexplore.conventions.table import compare_conventions, convention_rows

__all__ = ["ConventionRow", "compare_conventions", "convention_rows"]
