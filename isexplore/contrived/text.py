"""A scenario as a short text that people can read, keep, change by hand and mail: ``uniform-mix share=0.1502``."""

from __future__ import annotations

from dataclasses import fields
from reprlib import repr as brief
from typing import TYPE_CHECKING, Any

from isexplore.contrived.parameter import Choice, Shares

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isexplore.contrived.scenario import Scenario

__all__ = ["from_text", "pairs_of", "scenario_of", "to_text"]


def to_text(scenario: Scenario) -> str:
    """Return the key of a scenario, and its parameters where they are not what they are by default.

    Examples
    --------
    >>> from isexplore.contrived.doubt import UniformMix
    >>> to_text(UniformMix(share=0.5))
    'uniform-mix share=0.5'
    """
    changed = {field.name: getattr(scenario, field.name) for field in fields(scenario)}
    words = [f"{name}={_word(value)}" for name, value in changed.items() if value != _defaults(scenario)[name]]
    return " ".join([scenario.key, *words])


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


def pairs_of(words: list[str]) -> dict[str, str]:
    """Return ``name=value`` words as names and values.

    Raises
    ------
    ValueError
        If a word is no pair, or a name comes twice.

    Examples
    --------
    >>> pairs_of(["classes=10", "share=0.5"])
    {'classes': '10', 'share': '0.5'}
    """
    pairs: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            raise ValueError(f"{brief(word)} is not of the form name=value, such as classes=10")
        if name in pairs:
            raise ValueError(f"{name:.30} is given twice, as {pairs[name]:.30} and as {value:.30}")
        pairs[name] = value
    return pairs


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
    kind = SCENARIOS[key]
    parameters = kind.parameters()
    for name in pairs:
        if name not in parameters:
            raise ValueError(f"{key} has no parameter {brief(name)}; it has: {', '.join(parameters)}")
    return kind(**{name: _read(name, parameters[name], word) for name, word in pairs.items()})


def _read(name: str, parameter: object, word: str) -> Any:
    if isinstance(parameter, Choice):
        return word
    try:
        return [float(part) for part in word.split(",")] if isinstance(parameter, Shares) else float(word)
    except ValueError:
        raise ValueError(f"{name}={word:.30}: {brief(word)} is no number") from None


def _word(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(short if float(short := f"{part:g}") == part else repr(part) for part in value)
    return repr(value) if isinstance(value, float) else str(value)


def _defaults(scenario: Scenario) -> dict[str, Any]:
    return {field.name: field.default for field in fields(scenario)}
