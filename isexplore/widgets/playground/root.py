"""The playground: contrived distributions, the digits changed by hand, and an attack on their network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from isexplore.contrived.presets import PRESETS
from isexplore.predictions import Predictions
from isexplore.widgets.panel import HERE as SHARED
from isexplore.widgets.playground.answers import AnswerBook
from isexplore.widgets.playground.compare import ComparePanel
from isexplore.widgets.playground.controls import ControlsPanel
from isexplore.widgets.playground.curve import CurvePanel
from isexplore.widgets.playground.doubts import DoubtsPanel
from isexplore.widgets.playground.formula import FormulaPanel
from isexplore.widgets.playground.frame import curve_of
from isexplore.widgets.playground.head import HeadPanel
from isexplore.widgets.playground.matrix import MatrixPanel
from isexplore.widgets.playground.shares import SharesPanel
from isexplore.widgets.playground.state import PlayState
from isexplore.widgets.runtime import Runtime

if TYPE_CHECKING:
    import pandas as pd

    from isexplore.widgets.panel import Panel
    from isexplore.widgets.playground.attack import AttackPlace
    from isexplore.widgets.playground.digits import DigitsPlace
    from isexplore.widgets.playground.frame import PlayFrame

__all__ = ["Playground", "playground"]

HERE = Path(__file__).parent
START = PRESETS[0].text
PLACES = {"contrived": "contrived distributions", "digits": "real digits", "attack": "attack the network"}


def _style() -> str:
    """Return the explorer's style sheet and those of the playground's panels in one."""
    sheets = [SHARED / "explorer.css", *sorted(HERE.glob("*.css"))]
    return "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)


class Playground(anywidget.AnyWidget):
    """Distributions that are made by hand, and their score. Made by `isexplore.playground`.

    Attributes
    ----------
    state : PlayState
        Of the contrived distributions; everything that can be done on screen is a method of it.
    place : {"contrived", "digits", "attack"}
        What is open.
    """

    _esm = HERE / "root.js"
    _css = _style()

    runtime = anywidget.WidgetTrait().tag(sync=True)
    head, formula, controls, curve, matrix, shares, doubts, compare = (
        anywidget.WidgetTrait().tag(sync=True) for _ in range(8)
    )
    digits, header, marginal, entropy, protocol, gallery = (anywidget.WidgetTrait().tag(sync=True) for _ in range(6))
    attack = anywidget.WidgetTrait().tag(sync=True)
    places = traitlets.List([[key, title] for key, title in PLACES.items()]).tag(sync=True)
    place = traitlets.Enum(list(PLACES), "contrived").tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)

    def __init__(self, state: PlayState) -> None:
        self.state = state
        self._digits: DigitsPlace | None = None
        self._attack: AttackPlace | None = None
        super().__init__(runtime=Runtime.shared())
        with self.hold_sync():
            self.head, self.formula = HeadPanel(self.state), FormulaPanel(self.state)
            self.controls, self.curve = ControlsPanel(self.state), CurvePanel(self.state)
            self.matrix, self.shares = MatrixPanel(self.state), SharesPanel(self.state)
            self.doubts, self.compare = DoubtsPanel(self.state), ComparePanel(self.state)
        self.observe(self._enter, "place")
        state.observe(self._forget_errors, "frame")

    def __repr__(self) -> str:
        """Say what is set up, for where no widget can be drawn, as in a saved notebook."""
        return f"Playground({self.text!r}; run this cell again to play)"

    @property
    def text(self) -> str:
        """What is open and how it is set up, as a short text: `playground` and `restore` read it."""
        if self.place == "digits" and self._digits is not None:
            return self._digits.text
        if self.place == "attack" and self._attack is not None:
            return self._attack.text
        return self.state.text

    def restore(self, text: str) -> None:
        """Set up what a text describes.

        Raises
        ------
        ValueError, TypeError
            If it describes nothing; the message says why.
        """
        place = _place_of(text)
        if place == "digits":
            self._digits_place().open(text)
        elif place == "attack":
            self._attack_place().open(text)
        else:
            self.state.open(text)
        self.place = place

    @property
    def answers(self) -> pd.DataFrame:
        """The predictions made in all playgrounds of this kernel, a row each."""
        return AnswerBook.shared().to_dataframe()

    @property
    def predictions(self) -> Predictions:
        """The contrived p(y|x) as predictions, for `isexplore.explore` and everything else."""
        setting = self.state.frame.shown.setting
        return Predictions.from_probabilities(setting.scenario.probabilities())

    def to_dataframe(self) -> pd.DataFrame:
        """Return the curve, a row a value of the moved parameter: score, exact score, variety and doubt in nats.

        Raises
        ------
        ValueError
            In an exercise, before a guess.
        """
        import pandas as pd

        if self.state.frame.hidden:
            raise ValueError("the score is hidden: guess it first, or end the exercise")
        setting = self.state.frame.shown.setting
        curve = self.state.frame.curve or curve_of(setting)
        return pd.DataFrame(
            {
                curve.setting.moved: curve.values,  # noqa: PD011 - of a curve, not of a data frame
                "score": curve.scores,
                "exact": curve.exact,
                "variety": curve.variety,
                "doubt": curve.doubt,
            }
        )

    def close(self) -> None:
        """Close all parts, and end their threads."""
        for place in (self._digits, self._attack):
            if place is not None:
                place.close()
        for part in self._panels():
            part.close()
        self.state.close()
        super().close()

    def _panels(self) -> tuple[Panel[PlayFrame], ...]:
        return self.head, self.formula, self.controls, self.curve, self.matrix, self.shares, self.doubts, self.compare

    def _forget_errors(self, change: dict[str, Any]) -> None:
        """Once something else is set up, what was refused in any panel is over."""
        if change["old"].shown is not change["new"].shown:
            for panel in self._panels():
                panel.error = ""

    def _enter(self, change: dict[str, Any]) -> None:
        """Make what a place shows when somebody first goes there: two of them need torch."""
        try:
            if change["new"] == "digits":
                self._digits_place()
            elif change["new"] == "attack":
                self._attack_place()
        except Exception as problem:  # noqa: BLE001 - whatever it is, a person must read it
            self.error = f"{PLACES[change['new']]}: {problem}"
        else:
            self.error = ""

    def _digits_place(self) -> DigitsPlace:
        from isexplore.widgets.playground.digits import DigitsPlace

        if self._digits is None:
            self._digits = it = DigitsPlace()
            with self.hold_sync():
                self.digits, self.header, self.marginal = it.controls, it.header, it.marginal
                self.entropy, self.protocol, self.gallery = it.entropy, it.protocol, it.gallery
        return self._digits

    def _attack_place(self) -> AttackPlace:
        from isexplore.widgets.playground.attack import AttackPlace

        if self._attack is None:
            self._attack = AttackPlace()
            self.attack = self._attack.panel
        return self._attack


def _place_of(text: str) -> str:
    """Return the place that a text speaks of: its first word, unless that is a scenario's."""
    if not isinstance(text, str):
        raise TypeError(f"state must be a text such as 'uniform-mix share=0.5', not {type(text).__name__}")
    first = text.split(maxsplit=1)[:1]
    return first[0] if first and first[0] in {"digits", "attack"} else "contrived"


def playground(state: str = START) -> Playground:
    """Build p(y|x) by hand in a notebook, and see what the Inception Score makes of it, beside the exact answer.

    Parameters
    ----------
    state : str, optional
        What to begin with: a text that the playground showed, such as ``"uniform-mix share=0.5 splits=10"``. Two with
        a bar between them stand side by side. ``"digits …"`` begins with real images, ``"attack …"`` with noise.

    Returns
    -------
    Playground
        A widget. ``text``, ``predictions``, ``to_dataframe()`` and ``answers`` give back what is on screen.

    Raises
    ------
    ValueError, TypeError
        If the text describes nothing; the message says why.

    Examples
    --------
    >>> import isexplore as ix
    >>> play = ix.playground("uniform-mix share=0.5")
    >>> play.state.set_values({"share": 0.0})
    >>> play.text, round(play.state.frame.shown.played.overall, 9)
    ('uniform-mix share=0', 10.0)
    >>> play.close()
    """
    if _place_of(state) == "contrived":
        return Playground(PlayState(state))
    made = Playground(PlayState(START))
    try:
        made.restore(state)
    except (TypeError, ValueError):
        made.close()
        raise
    return made
