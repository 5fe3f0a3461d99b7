"""What became of each check: it fired, its test found nothing, or it only states a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from isexplore.collapse.finding import Finding

__all__ = ["Outcome", "Outcomes", "outcome_of", "outcomes_of"]

Outcome = Literal["fired", "not found", "stated"]
_NOTED = "blind-spot"  # no check, but what nobody can see or has looked for: said in full, and not counted


def outcome_of(check: Finding) -> Outcome:
    """Say what became of a check.

    "not found" is only what a test has looked for: of a number without a test, and of a difference that is sure but
    too small to matter, nothing more can be said than the number.

    Examples
    --------
    >>> from isexplore.collapse.finding import Finding
    >>> outcome_of(Finding("order", "Order", "fine", 0.1, "%", "…", p_value=0.4, level=0.01))
    'not found'
    >>> outcome_of(Finding("frechet-distance", "Fréchet distance", "fine", 166, "", "…"))
    'stated'
    """
    if check.fires:
        return "fired"
    tested = check.p_value is not None and check.level is not None and check.p_value > check.level
    return "not found" if tested else "stated"


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The checks of one sample set by what became of them, each in the order of the checks.

    Attributes
    ----------
    fired, not_found, stated : tuple of Finding
    notes : tuple of str
        What must be read even where nothing is wrong, in sentences.
    """

    fired: tuple[Finding, ...]
    not_found: tuple[Finding, ...]
    stated: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def quiet(self) -> str:
        """How many checks found nothing, and how many numbers are only stated; empty where there are neither."""
        checks, numbers = len(self.not_found), len(self.stated)
        parts = [
            f"{checks} {'other ' if self.fired else ''}{'check' if checks == 1 else 'checks'} found nothing"
            if checks
            else "",
            f"{numbers} {'number is' if numbers == 1 else 'numbers are'} only stated" if numbers else "",
        ]
        return "; ".join(filter(None, parts))


def outcomes_of(checks: Iterable[Finding]) -> Outcomes:
    """Split checks by what became of them.

    Examples
    --------
    >>> from isexplore.collapse.finding import Finding
    >>> order = Finding("order", "Order", "fine", 0.1, "%", "…", p_value=0.4, level=0.01)
    >>> outcomes_of([order, Finding("frechet-distance", "Fréchet distance", "fine", 166, "", "…")]).quiet
    '1 check found nothing; 1 number is only stated'
    """
    every = list(checks)
    counted = [check for check in every if check.fires or check.key != _NOTED]
    fired, not_found, stated = (
        tuple(check for check in counted if outcome_of(check) == outcome)
        for outcome in ("fired", "not found", "stated")
    )
    notes = tuple(check.sentence for check in every if check.key == _NOTED and not check.fires)
    return Outcomes(fired, not_found, stated, notes)
