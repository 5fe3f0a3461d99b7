"""The formula as interface: each term with its number, which can be dragged; and predict, then reveal."""

from __future__ import annotations

import math
from string import Formatter
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import traitlets

from isexplore.contrived import Number
from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.playground.answers import LONGEST_NAME, AnswerBook, checked_name
from isexplore.widgets.playground.frame import PlayFrame
from isexplore.widgets.playground.state import Term

if TYPE_CHECKING:
    from isexplore.contrived import Answer
    from isexplore.parameters import Parameter
    from isexplore.widgets.playground.frame import Curve, Guess, Shown
    from isexplore.widgets.playground.setting import Setting
    from isexplore.widgets.playground.state import PlayState

_KINDS = {"exact": "exact", "expected": "in the mean over random images", "approximate": "approximate"}
_SAME = 1e-6  # what differs by less is rounding
_KEYS = 50  # presses of an arrow key from one end of a term's range to the other


class FormulaPanel(Panel[PlayFrame]):
    """Shows the score as a formula of its terms and of the setting's parameters; hides it until it is guessed.

    Attributes
    ----------
    dragged : dict
        Where a person wants a number to go: {"term" or "parameter": its name, "value": number, "at": when}.
    tally : str
        How many answers were given in this kernel; empty before the first.
    longest : int
        The most characters of a learner's name.
    learner : str
        Who answered last in this kernel: most likely the one who answers next.
    """

    _esm = HERE / "playground" / "formula.js"
    depends: ClassVar[tuple[str, ...]] = ("shown", "curve", "guess")
    state: PlayState

    dragged = traitlets.Dict().tag(sync=True)
    tally = traitlets.Unicode().tag(sync=True)
    longest = traitlets.Int(LONGEST_NAME).tag(sync=True)
    learner = traitlets.Unicode().tag(sync=True)

    def __init__(self, state: PlayState) -> None:
        self._book = AnswerBook.shared()
        super().__init__(state)
        self.observe(lambda change: self.attempt(self._drag, change["new"]), "dragged")
        self._book.observe(self._count, ["rows", "learner"])
        self._count()

    def picture(self, frame: PlayFrame) -> dict[str, Any]:
        """Return the score and the formulas; while it is to be guessed, nothing that tells it."""
        setting = frame.shown.setting
        asked = {
            "exercise": setting.exercise,
            "hidden": frame.hidden,
            "splits": setting.splits,
            "over": _over(setting),
            "verdict": _verdict(frame.guess) if frame.guess else "",
        }
        if frame.hidden:
            return asked
        played = frame.shown.played
        return asked | {
            "mean": played.mean,
            "std": played.std,
            "overall": played.overall,
            "most": math.log(len(played.marginal)),
            "terms": self._terms(frame),
            "formula": _parts(setting),
            **_answer(frame.shown),
            "reason": setting.scenario.reason(),
        }

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Take a guess, or hand out the answers as CSV."""
        if kind == "guess":
            learner = checked_name(str(message.get("learner") or ""))  # a refused name must not reveal the score
            value = _finite(message["value"])
            self.state.guess(value)
            self._book.add(learner, self.state.text, value, self.state.frame.shown.played.mean)
        elif kind == "save":
            self.send({"kind": "csv", "request": message.get("request"), "text": self._book.to_csv()})
        else:
            raise ValueError(f"the formula has no action {kind!r}")

    def close(self) -> None:
        """Stop counting the answers, and leave the page."""
        if self.comm is not None:
            self._book.unobserve(self._count, ["rows", "learner"])
        super().close()

    def _count(self, _: object = None) -> None:
        # Without the state's lock: another playground's answer comes here, too.
        self.tally = self._book.tally if self._book.rows else ""
        self.learner = self._book.learner

    def _drag(self, wish: dict[str, Any]) -> None:
        value = _finite(wish["value"])
        if "parameter" not in wish:
            if self.state.frame.hidden:
                raise ValueError("the score is hidden: guess it, then its terms can be dragged")
            self.state.drag(wish["term"], value)
            return
        name = wish["parameter"]
        parameter = self.state.parameters().get(name)
        if not isinstance(parameter, Number):
            raise ValueError(f"there is no number {name!r} to drag")  # noqa: TRY004 - the name is wrong, not a type
        self.state.set_values({name: parameter.nearest(value)})

    def _terms(self, frame: PlayFrame) -> dict[str, Any]:
        """Return each term's number, the range that it can be dragged in, if it can, and what moves with it."""
        played, most = frame.shown.played, math.log(len(frame.shown.played.marginal))
        terms = {"variety": (played.variety, 0.0, most), "doubt": (played.doubt, 0.0, most)}
        terms["score"] = (frame.shown.score, 1.0, float(len(played.marginal)))
        parameters = self.state.parameters()
        pictures = {}
        for term in get_args(Term):
            value, low, high = terms[term]
            name = self.state.driver(term)
            driver = parameters[name].title if name else ""
            title = f"drag it, or use the arrow keys: it moves {driver}"
            if not driver:
                title = f"no parameter here moves the {term} alone: it can't be dragged"
            elif frame.curve is not None and frame.curve.setting.moved == name:
                low, high = _range(frame.curve, term)
                if high - low < _SAME:
                    driver, title = "", f"{driver} does not change the {term}: it can't be dragged"
            step = (high - low) / _KEYS
            pictures[term] = {
                "value": value,
                "title": title,
                "range": {"low": low, "high": high, "step": step} if driver else None,
            }
        return pictures


def _range(curve: Curve, term: Term) -> tuple[float, float]:
    values = {"variety": curve.variety, "doubt": curve.doubt, "score": curve.scores}[term]
    return float(values.min()), float(values.max())


def _parts(setting: Setting) -> list[Any]:
    """Return a scenario's formula in parts: words, and numbers that can be dragged.

    Examples
    --------
    >>> from isexplore.widgets.playground.setting import setting_from
    >>> [part if isinstance(part, str) else part["name"] for part in _parts(setting_from("uniform-mix"))]
    ['C · a^a · b^((C − 1) b), a = 1 − ε + ε/C, b = ε/C, C = ', 'classes', ', ε = ', 'share']
    """
    parameters = setting.parameters()
    parts: list[Any] = []
    for words, name, _, _ in Formatter().parse(setting.scenario.written()):
        if words:
            parts.append(words)
        if name:
            parts.append(_part(name, parameters[name], setting.value(name)))
    return parts


def _part(name: str, parameter: Parameter, value: Any) -> Any:
    if not isinstance(parameter, Number) or parameter.low == parameter.high:
        return f"{value}"
    return {
        "name": name,
        "title": parameter.title,
        "unit": parameter.unit,
        "value": value,
        "text": f"{value:,}" if parameter.is_whole else f"{value:g}",
        "low": parameter.low,
        "high": parameter.high,
        "step": parameter.step,
        "logarithmic": parameter.logarithmic,
    }


def _answer(shown: Shown) -> dict[str, str]:
    """Return what the formula gives, of which kind it is, and the computed score if it is another; in words."""
    answer = shown.answer
    if answer is None:
        whole = f"{shown.setting.scenario.whole().score:,.3f} for the whole set"
        return {"answer": whole, "kind": "no formula for these splits", "computed": "", "details": ""}
    value, mean = f"{answer.score:,.3f}", f"{shown.played.mean:,.3f}"
    return {
        "answer": value,
        "kind": _KINDS[answer.kind],
        "computed": "" if mean == value else f"computed {mean}",
        "details": _details(shown, answer),
    }


def _details(shown: Shown, answer: Answer) -> str:
    """Say what exactly the formula is of, for those who want to know."""
    said = []
    if shown.setting.splits > 1:
        whole = shown.setting.scenario.whole().score
        if not math.isclose(answer.score, whole, rel_tol=_SAME):
            said.append(f"for the whole set it gives {whole:,.3f}")
    if answer.kind == "expected":
        off = shown.score / answer.score - 1
        same = f"{abs(off):.2%} {'higher' if off > 0 else 'lower'}" if abs(off) > _SAME else "the same"
        said.append(f"it is of exp(E ln IS), and exp of the mean of ln IS here is {shown.score:,.3f}, {same}")
    if answer.note:
        said.append(answer.note)
    return f"On the formula: {'; '.join(said)}." if said else ""


def _over(setting: Setting) -> str:
    smallest, largest = setting.n_images // setting.splits, -(-setting.n_images // setting.splits)
    size = f"{smallest:,}" if smallest == largest else f"{smallest:,}–{largest:,}"
    return f"over {setting.splits} {'split' if setting.splits == 1 else 'splits'} of {size}"


def _verdict(guess: Guess) -> str:
    said = f"Your guess {guess.value:,.2f}, the score {guess.answer:,.2f}: "
    off = f"{abs(guess.off):.1%}"
    return said + ("right." if off == "0.0%" else f"{off} too {'high' if guess.off > 0 else 'low'}.")


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number: type one, such as 7.5")
    return float(value)
