"""The setting of a place as a short text: ``digits drop=3,7 blur=1.0``, ``attack seed=3``."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from isexplore.contrived import Number
from isexplore.contrived.text import pairs_of
from isexplore.images.altered import Labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isexplore.contrived import Choice

__all__ = ["place_setting", "place_text"]


class PlaceSetting(Protocol):
    """A frozen dataclass whose fields are parameters."""

    key: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @classmethod
    def parameters(cls) -> Mapping[str, Labels | Choice | Number]:
        """Return what can be moved, by the names of the fields."""


S = TypeVar("S", bound=PlaceSetting)


def place_text(setting: PlaceSetting) -> str:
    """Return the key of a setting, and its parameters where they are not what they are by default.

    Examples
    --------
    >>> from isexplore.widgets.playground.attack_state import AttackSetting
    >>> place_text(AttackSetting(seed=3))
    'attack seed=3'
    """
    values = [(one.name, getattr(setting, one.name), one.default) for one in fields(setting)]
    return " ".join([setting.key, *(f"{name}={_word(value)}" for name, value, usual in values if value != usual)])


def place_setting(kind: type[S], text: str) -> S:
    """Return the setting of a kind that a text describes.

    Raises
    ------
    ValueError, TypeError
        If the text begins with another key, or names no parameter of this kind, or no possible value.

    Examples
    --------
    >>> from isexplore.widgets.playground.attack_state import AttackSetting
    >>> place_setting(AttackSetting, "attack images=500")
    AttackSetting(images=500, steps=80, step_size=0.05, seed=0)
    """
    key, *words = text.split() or [""]
    if key != kind.key:
        raise ValueError(f"{text!r} must begin with {kind.key}, as in {kind.key!r} alone")
    parameters, pairs = kind.parameters(), pairs_of(words)
    for name in pairs:
        if name not in parameters:
            raise ValueError(f"{key} has no parameter {name!r}; it has: {', '.join(parameters)}")
    return kind(**{name: _read(name, parameters[name], word) for name, word in pairs.items()})


def _read(name: str, parameter: object, word: str) -> Any:
    if not isinstance(parameter, (Labels, Number)):
        return word
    try:
        return [int(part) for part in word.split(",")] if isinstance(parameter, Labels) else float(word)
    except ValueError:
        what = "whole numbers with commas between, such as 3,7" if isinstance(parameter, Labels) else "a number"
        raise ValueError(f"{name}={word}: give {what}") from None


def _word(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
