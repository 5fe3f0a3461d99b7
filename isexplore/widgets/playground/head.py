"""The playground's head: a menu of settings, what this one teaches, and the setting as a short text."""

from __future__ import annotations

from reprlib import repr as brief
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from isexplore.contrived.presets import PRESETS
from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.playground.frame import PlayFrame

if TYPE_CHECKING:
    from isexplore.widgets.playground.state import PlayState

_EXERCISE = " exercise=1"


class HeadPanel(Panel[PlayFrame]):
    """Opens a setting: from the menu, from a text, or the one opened last once more.

    Attributes
    ----------
    presets : list
        The menu: [group, [[number, title], …]] each.
    """

    _esm = HERE / "playground" / "head.js"
    depends: ClassVar[tuple[str, ...]] = ("shown", "pinned", "guess")
    state: PlayState

    presets = traitlets.List[Any]().tag(sync=True)

    def __init__(self, state: PlayState) -> None:
        self._preset: int | None = None  # the one that was opened last, while its scenario is still there
        super().__init__(state, presets=_menu())

    def picture(self, frame: PlayFrame) -> dict[str, Any]:
        """Return the scenario in words, the setting as a text, and which preset it comes from."""
        scenario, text = frame.shown.setting.scenario, self.state.text
        self._preset = _preset_of(text.replace(_EXERCISE, ""), scenario.key, self._preset)
        return {
            "preset": self._preset,
            "title": scenario.title,
            "teaches": "" if frame.hidden else scenario.teaches,  # it may tell the score
            "text": text,
            "exercise": frame.shown.setting.exercise,
        }

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Open a preset or a text, go back to it, or begin or end an exercise."""
        if kind == "preset":
            number = int(message["value"])
            text = PRESETS[number].text
            on = self.state.frame.shown.setting.exercise
            self._preset = number  # beside a kept A, the text does not say so
            self.state.open(" |".join(part.rstrip() + _EXERCISE for part in text.split("|")) if on else text, keep=True)
        elif kind == "open":
            text = str(message["value"])
            if text.strip().split(" ")[0] in {"digits", "attack"}:
                raise ValueError(f"{brief(text)} belongs to another place: open that above, it has a field of its own")
            self.state.open(text)
        elif kind == "reset":
            self.state.reset()
        elif kind == "exercise":
            self.state.set_exercise(on=bool(message["value"]))
        else:
            raise ValueError(f"the head has no action {kind!r}")


def _menu() -> list[Any]:
    groups: dict[str, list[tuple[int, str]]] = {}
    for i, preset in enumerate(PRESETS):
        groups.setdefault(preset.group, []).append((i, preset.title))
    return [[group, presets] for group, presets in groups.items()]


def _preset_of(text: str, key: str, last: int | None) -> int | None:
    """Return the preset that a text is; else the last one, if only its numbers were moved since."""
    texts = [preset.text for preset in PRESETS]
    if text in texts:
        return texts.index(text)
    return last if last is not None and texts[last].rpartition("|")[2].split()[0] == key else None
