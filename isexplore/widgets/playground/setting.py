"""What a person has set up in the playground, and as a short text: ``uniform-mix share=0.5 splits=10 exercise=1``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from reprlib import repr as brief
from typing import TYPE_CHECKING, Any, TypeVar, cast

from isexplore.contrived import Number, to_text
from isexplore.contrived.text import scenario_of
from isexplore.parametrised import Parametrised, from_pairs, pairs_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isexplore.contrived import Scenario
    from isexplore.parameters import Parameter

__all__ = ["MOST_SPLITS", "Setting", "setting_from", "text_of"]

MOST_SPLITS = 100


@dataclass(frozen=True)
class Setting:
    """A scenario, and how it is looked at.

    Attributes
    ----------
    scenario : Scenario
    n_images : int
        Of the scenario.
    splits : int
        Into how many splits the images are cut.
    moved : str
        The parameter that the curve is over: a number of the scenario's, or "splits".
    exercise : bool
        Whether the score is hidden until somebody has guessed it.
    """

    scenario: Scenario
    n_images: int
    splits: int = 1
    moved: str = "splits"
    exercise: bool = False

    def parameters(self) -> dict[str, Parameter]:
        """Return everything that can be moved: what the scenario has, and the number of splits."""
        splits = Number("splits S", 1, min(MOST_SPLITS, self.n_images), 1, "splits")
        return {**self.scenario.ranges(), "splits": splits}

    def movable(self) -> list[str]:
        """Return the names of the numbers, which a curve can be over."""
        return [name for name, parameter in self.parameters().items() if isinstance(parameter, Number)]

    def moving(self) -> Number:
        """Return the parameter that moves."""
        return cast("Number", self.parameters()[self.moved])

    def value(self, name: str) -> Any:
        """Return what a parameter is now."""
        return self.splits if name == "splits" else getattr(self.scenario, name)

    def moved_to(self, value: float) -> Setting:
        """Return the setting with the moved parameter at another value."""
        return self.with_values({self.moved: value})

    def with_values(self, values: Mapping[str, Any]) -> Setting:
        """Return the setting with some parameters at other values; the moved one is then the number that changed.

        Fewer images than splits leave as many splits as images.

        Raises
        ------
        ValueError, TypeError
            If there is no such parameter, or it can't have such a value.
        """
        parameters = self.parameters()
        for name in values:
            if name not in parameters:
                raise ValueError(f"{self.scenario.key} has no parameter {name!r}; it has: {', '.join(parameters)}")
        own = {name: value for name, value in values.items() if name != "splits"}
        scenario = replace(self.scenario, **own)
        n_images = scenario.rows().n_images if scenario != self.scenario else self.n_images
        splits = Number("splits", 1, MOST_SPLITS, 1, "splits").check("splits", values.get("splits", self.splits))
        changed = replace(self, scenario=scenario, n_images=n_images, splits=min(int(splits), n_images))
        different = [name for name in values if changed.value(name) != self.value(name)]
        if len(different) == 1 and different[0] in self.movable():
            return replace(changed, moved=different[0])
        return changed


def setting_from(text: str) -> Setting:
    """Return the setting that a text describes; what it leaves out is as by default.

    Raises
    ------
    ValueError, TypeError
        If it describes none; the message says why.

    Examples
    --------
    >>> setting = setting_from("uniform-mix share=0.5 splits=10 moved=share")
    >>> setting.scenario.share, setting.splits, setting.moved
    (0.5, 10, 'share')
    """
    key, *words = text.split() or [""]
    pairs = pairs_of(words)
    own = {name: pairs.pop(name, word) for name, word in {"splits": "1", "moved": "", "exercise": "0"}.items()}
    scenario = scenario_of(key, pairs)
    setting = Setting(scenario, scenario.rows().n_images, moved=own["moved"] or _usual(scenario))
    if setting.moved not in (movable := setting.movable()):
        raise ValueError(f"moved={own['moved']}: what moves must be one of {', '.join(movable)}")
    if own["exercise"] not in {"0", "1"}:
        raise ValueError(f"exercise={own['exercise']}: it must be 0 or 1")
    most = min(MOST_SPLITS, setting.n_images)
    if not own["splits"].isdecimal() or not 1 <= int(own["splits"]) <= most:
        raise ValueError(f"splits={own['splits']}: it must be a whole number from 1 to {most}")
    return replace(setting, splits=int(own["splits"]), exercise=own["exercise"] == "1")


def text_of(setting: Setting) -> str:
    """Return a setting as the text that `setting_from` reads.

    Examples
    --------
    >>> text_of(setting_from("uniform-mix   splits=10 share=0.5"))
    'uniform-mix share=0.5 splits=10'
    """
    words = [to_text(setting.scenario)]
    if setting.splits != 1:
        words.append(f"splits={setting.splits}")
    if setting.moved != _usual(setting.scenario):
        words.append(f"moved={setting.moved}")
    if setting.exercise:
        words.append("exercise=1")
    return " ".join(words)


def _usual(scenario: Scenario) -> str:
    """Return what moves by default: the last number of a scenario, since what is particular to it comes last."""
    numbers = [name for name, one in scenario.parameters().items() if isinstance(one, Number) and name != "seed"]
    return numbers[-1] if numbers else "splits"


P = TypeVar("P", bound=Parametrised)


def place_setting(kind: type[P], text: str) -> P:
    """Return the setting of a place that a text describes: ``digits drop=3,7 blur=1``, ``attack seed=3``.

    Raises
    ------
    ValueError, TypeError
        If the text begins with another key, or names no parameter of this kind, or no possible value.

    Examples
    --------
    >>> from isexplore.images.altered import Alterations
    >>> place_setting(Alterations, "altered drop=3,7").drop
    (3, 7)
    """
    key, *words = text.split() or [""]
    if key != kind.key:
        raise ValueError(f"{brief(text)} must begin with {kind.key}, as in {kind.key!r} alone")
    return from_pairs(kind, pairs_of(words))
