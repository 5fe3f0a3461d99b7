"""All checks, in the order in which they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from isexplore.collapse.evidence import Evidence
    from isexplore.collapse.finding import Finding

__all__ = ["CHECKS"]

CHECKS: tuple[Callable[[Evidence], Iterable[Finding]], ...] = ()
