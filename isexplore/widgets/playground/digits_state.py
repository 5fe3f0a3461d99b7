"""The real digits, altered on purpose, and what their network makes of them, without any view."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar

from traitlets import HasTraits, Instance

from isexplore import demo
from isexplore.classifiers import load_classifier
from isexplore.classifiers.tempered import TemperedClassifier
from isexplore.images.altered import Alterations, altered
from isexplore.inference import classify
from isexplore.inference.settings import Settings
from isexplore.parameters import number
from isexplore.parametrised import to_text
from isexplore.widgets.playground.setting import place_setting
from isexplore.widgets.state import ExplorerState
from isexplore.widgets.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isexplore.predictions import Predictions
    from isexplore.score import Score

__all__ = ["DigitsFrame", "DigitsSetting", "DigitsState"]

_TEN = tuple(range(10))


@dataclass(frozen=True, kw_only=True)
class DigitsSetting(Alterations):
    """What is done to the digits, and to the classifier: its logits are divided by a temperature."""

    key: ClassVar = "digits"

    temperature: float = number(1.0, "temperature T", 0.1, 10, 0.01, "1", logarithmic=True, drives="doubt")

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = set(self.drop).difference(_TEN)
        if unknown:
            raise ValueError(f"drop names {min(unknown)}: give digits from 0 to 9")
        if len(self.drop) == len(_TEN):
            raise ValueError("all digits are dropped: keep at least one")


@dataclass(frozen=True, eq=False)
class DigitsFrame:
    """What is asked for, and what is shown.

    Attributes
    ----------
    setting : DigitsSetting
        As asked for.
    shown : DigitsSetting
        Of what the score is; another than `setting` while that is computed.
    score : Score
    real : Score
        Of the digits as they are.
    problem : str
        Why `setting` could not be computed, if it could not.
    """

    setting: DigitsSetting
    shown: DigitsSetting
    score: Score
    real: Score
    problem: str = ""

    @property
    def busy(self) -> bool:
        """Whether what is asked for is still to come."""
        return self.shown != self.setting and not self.problem


class DigitsState(HasTraits):
    """Computes what is asked for in a thread, the latest first, and shows it in an explorer's state.

    Attributes
    ----------
    frame : DigitsFrame
    explorer : ExplorerState
        Of the explorer's panels.
    lock : RLock
        Held during a change of the frame.

    Examples
    --------
    >>> state = DigitsState()
    >>> state.open("digits order=sorted")
    >>> state.close()
    >>> round(state.frame.score.mean, 1), round(state.frame.score.overall, 1)
    (1.1, 9.9)
    """

    frame = Instance(DigitsFrame)

    def __init__(self) -> None:
        super().__init__()
        self.lock = RLock()
        self.explorer = ExplorerState()
        self._network = load_classifier("digits")
        self._worker = Worker()
        usual = DigitsSetting()
        self.explorer.show(_predict(usual, self._network, check=lambda: None))
        real = self.explorer.shown().sample.score
        self.frame = DigitsFrame(usual, usual, self.explorer.shown().score, real)

    @property
    def text(self) -> str:
        """What is asked for, as a short text that `open` reads."""
        return to_text(self.frame.setting)

    def open(self, text: str) -> None:
        """Ask for what a text describes.

        Raises
        ------
        ValueError, TypeError
            If it describes nothing.
        """
        self._ask(lambda _: place_setting(DigitsSetting, text))

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Change some parameters.

        Raises
        ------
        ValueError, TypeError
            If there is no such parameter, or it can't have such a value.
        """
        DigitsSetting.check_names(values)
        self._ask(lambda setting: replace(setting, **values))

    def reset(self) -> None:
        """Show the digits as they are."""
        self._ask(lambda _: DigitsSetting())

    def wait(self) -> None:
        """Wait until nothing is computed."""
        self._worker.wait()

    def close(self) -> None:
        """Finish what runs, and end the thread."""
        self._worker.close()

    def abandon(self) -> None:
        """Drop what runs; its thread ends by itself."""
        self._worker.abandon()

    def _ask(self, change: Callable[[DigitsSetting], DigitsSetting]) -> None:
        with self.lock:
            setting = change(self.frame.setting)
            if setting == self.frame.setting and not self.frame.problem:
                return
            self.frame = replace(self.frame, setting=setting, problem="")
            self._worker.start(
                partial(_predict, setting, self._network), partial(self._take, setting), partial(self._fail, setting)
            )

    def _take(self, setting: DigitsSetting, predictions: Predictions) -> None:
        with self.explorer.lock:
            # Else each step of a slider would stay as one more set to compare with.
            self.explorer.references.pop(predictions.provenance.source, None)
            self.explorer.show(predictions)
            score = self.explorer.shown().score
        with self.lock:
            self.frame = replace(self.frame, shown=setting, score=score)

    def _fail(self, setting: DigitsSetting, problem: Exception) -> None:
        with self.lock:
            if self.frame.setting == setting:
                self.frame = replace(self.frame, problem=str(problem) or type(problem).__name__)


def _predict(setting: DigitsSetting, network: Any, check: Callable[[], None]) -> Predictions:
    images = demo.real()
    if setting != DigitsSetting(temperature=setting.temperature):
        images = altered(images, setting)
    if setting.temperature != 1:
        network = TemperedClassifier(network, setting.temperature)
        images = replace(images, name=f"{images.name.removesuffix(', altered')}, altered")
    return classify(images, network, Settings("cpu"), lambda *_: check())
