"""Settings made of parameters, and as short texts that people can read, keep, change by hand and mail."""

from __future__ import annotations

from dataclasses import dataclass, fields
from reprlib import repr as brief
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from isexplore.parameters import Parameter

__all__ = ["Parametrised", "from_pairs", "pairs_of", "to_text"]


@dataclass(frozen=True, kw_only=True)
class Parametrised:
    """A frozen dataclass whose fields are parameters; each value is checked.

    Attributes
    ----------
    key : str
        Its name in texts.
    """

    key: ClassVar[str]

    def __post_init__(self) -> None:
        for name, parameter in self.parameters().items():
            object.__setattr__(self, name, parameter.check(name, getattr(self, name)))

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """Return what can be set, by the names of the fields."""
        return {field.name: field.metadata["parameter"] for field in fields(cls)}

    @classmethod
    def check_names(cls, names: Iterable[str]) -> None:
        """Refuse names that are no parameters.

        Raises
        ------
        ValueError
            If there is no such parameter; the message names those that there are.

        Examples
        --------
        >>> from isexplore.contrived import UniformMix
        >>> UniformMix.check_names(["share", "shre"])
        Traceback (most recent call last):
        ValueError: uniform-mix has no parameter 'shre'; it has: classes, per_class, share
        """
        known = cls.parameters()
        for name in names:
            if name not in known:
                raise ValueError(f"{cls.key} has no parameter {brief(name)}; it has: {', '.join(known)}")


P = TypeVar("P", bound=Parametrised)


def to_text(setting: Parametrised) -> str:
    """Return the key of a setting, and its parameters where they are not what they are by default.

    Examples
    --------
    >>> from isexplore.contrived import UniformMix
    >>> to_text(UniformMix(share=0.5))
    'uniform-mix share=0.5'
    """
    values = [(field.name, getattr(setting, field.name), field.default) for field in fields(setting)]
    return " ".join([setting.key, *(f"{name}={_word(value)}" for name, value, usual in values if value != usual)])


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


def from_pairs(kind: type[P], pairs: Mapping[str, str]) -> P:
    """Return a setting of a kind whose parameters are given as words.

    Raises
    ------
    ValueError, TypeError
        If there is no such parameter, or it can't have such a value.

    Examples
    --------
    >>> from isexplore.contrived import UniformMix
    >>> from_pairs(UniformMix, {"classes": "20"}).classes
    20
    """
    kind.check_names(pairs)
    parameters = kind.parameters()
    return kind(**{name: _read(name, parameters[name], word) for name, word in pairs.items()})


def _read(name: str, parameter: Parameter, word: str) -> Any:
    try:
        return parameter.read(word)
    except ValueError:
        raise ValueError(f"{name}={word:.30}: {brief(word)} is no number") from None


def _word(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_word, value))
    if not isinstance(value, float):
        return str(value)
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
