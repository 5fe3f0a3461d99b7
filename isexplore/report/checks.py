"""All checks, in the order in which they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isexplore.collapse.bins import check_bins
from isexplore.collapse.blind_spot import check_blind_spot
from isexplore.collapse.classes import check_classes
from isexplore.collapse.confidence import check_confidence
from isexplore.collapse.coverage import check_coverage
from isexplore.collapse.effective import check_effective_classes
from isexplore.collapse.frechet import check_frechet
from isexplore.collapse.memorised import check_memorised
from isexplore.collapse.near import check_near_repeats
from isexplore.collapse.near_memorised import check_near_memorised
from isexplore.collapse.protocol import check_order, check_saturation, check_size
from isexplore.collapse.repeats import check_repeats
from isexplore.collapse.shares import check_contributions, check_groups
from isexplore.collapse.spread import check_spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from isexplore.collapse.evidence import Evidence
    from isexplore.collapse.finding import Finding

__all__ = ["CHECKS"]

CHECKS: tuple[Callable[[Evidence], Iterable[Finding]], ...] = (
    check_classes,
    check_effective_classes,
    check_confidence,
    check_repeats,
    check_near_repeats,
    check_memorised,
    check_near_memorised,
    check_spread,
    check_coverage,
    check_groups,
    check_contributions,
    check_order,
    check_size,
    check_saturation,
    check_frechet,
    check_bins,
    check_blind_spot,
)
