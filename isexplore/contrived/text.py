"""A scenario as a short text: ``uniform-mix share=0.1502``."""

from __future__ import annotations

from reprlib import repr as brief
from typing import TYPE_CHECKING

from isexplore.parametrised import from_pairs, pairs_of, to_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isexplore.contrived.scenario import Scenario

__all__ = ["from_text", "scenario_of", "to_text"]


def from_text(text: str) -> Scenario:
    """Return the scenario that a text names.

    Raises
    ------
    ValueError
        If the text is empty, or names no scenario, no parameter of it, or no possible value.
    TypeError
        If a value is no number where it must be.

    Examples
    --------
    >>> from_text("uniform-mix share=0.5 classes=100")
    UniformMix(classes=100, per_class=100, share=0.5)
    """
    key, *words = text.split() or [""]
    return scenario_of(key, pairs_of(words))


def scenario_of(key: str, pairs: Mapping[str, str]) -> Scenario:
    """Return a scenario of these parameters, each a text.

    Raises
    ------
    ValueError, TypeError
        As `from_text`.

    Examples
    --------
    >>> scenario_of("uniform-mix", {"classes": "20"}).classes
    20
    """
    from isexplore.contrived import SCENARIOS

    if key not in SCENARIOS:
        raise ValueError(f"there is no scenario {brief(key)}; there are: {', '.join(SCENARIOS)}")
    return from_pairs(SCENARIOS[key], pairs)
