"""Two settings side by side, A and B: what makes their scores equal, or different."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.playground.frame import PlayFrame
from isexplore.widgets.playground.matrix import heatmap_of
from isexplore.widgets.playground.setting import text_of

if TYPE_CHECKING:
    from isexplore.contrived import Played
    from isexplore.widgets.playground.frame import Shown
    from isexplore.widgets.playground.state import PlayState

_ROWS = 50  # of a small heat map
_ALIKE = 0.01  # as ln IS: one per cent of a score


class ComparePanel(Panel[PlayFrame]):
    """Shows what was kept as A beside what is shown, B."""

    _esm = HERE / "playground" / "compare.js"
    depends: ClassVar[tuple[str, ...]] = ("shown", "pinned", "guess")
    state: PlayState

    def picture(self, frame: PlayFrame) -> dict[str, Any]:
        """Return both sides, and a sentence about them; without their numbers while one must be guessed."""
        if frame.pinned is None:
            return {"sides": [], "verdict": ""}
        both = (frame.pinned, frame.shown)
        return {
            "sides": [_side(one, hidden=frame.hidden) for one in both],
            "most": max(math.log(one.rows.n_classes) for one in both),
            "top": max(float(one.played.marginal.max()) for one in both),
            "verdict": "" if frame.hidden else verdict(*(one.played for one in both)),
        }

    def act(self, kind: str, _: dict[str, Any], __: list[memoryview]) -> None:
        """Keep what is shown as A, change A and B, or forget A."""
        actions = {"pin": self.state.pin, "swap": self.state.swap, "unpin": self.state.unpin}
        if kind not in actions:
            raise ValueError(f"the comparison has no action {kind!r}")
        actions[kind]()


def verdict(a: Played, b: Played) -> str:
    """Say in a sentence or two what makes two scores equal, or different.

    Examples
    --------
    >>> from isexplore.widgets.playground.frame import shown
    >>> from isexplore.widgets.playground.setting import setting_from
    >>> sure, unsure = (shown(setting_from(f"uniform-mix share={share}")).played for share in (0, 0.25))
    >>> verdict(sure, unsure)
    'A scores higher, 10.00 > 3.58, by less doubt (0.00 < 1.03 nats).'
    >>> verdict(sure, sure)
    'Same score, and for the same reasons: variety 2.30 nats, doubt 0.00 nats.'
    """
    log = (a.variety - a.doubt) - (b.variety - b.doubt)
    higher = _which(log)
    if higher == "A":
        said = _higher("A", a, b)
    elif higher == "B":
        said = _higher("B", b, a)
    elif abs(a.variety - b.variety) >= _ALIKE:
        # At the same score, the one with less variety has less doubt, too.
        (poor, less), (unsure, more) = sorted({"A": a, "B": b}.items(), key=lambda one: one[1].variety)
        said = (
            f"Same score, different disease: {poor} lacks variety ({less.variety:.2f} < {more.variety:.2f} nats), "
            f"{unsure} has doubt ({more.doubt:.2f} > {less.doubt:.2f} nats)."
        )
    else:
        said = f"Same score, and for the same reasons: variety {a.variety:.2f} nats, doubt {a.doubt:.2f} nats."
    if _which(math.log(a.mean / b.mean)) != higher:
        said += f" But the mean over the splits is {a.mean:.2f} for A and {b.mean:.2f} for B."
    return said


def _which(log: float) -> Literal["A", "B", "neither"]:
    """Say which score is the higher one, from ln of A's over B's."""
    if abs(log) < _ALIKE:
        return "neither"
    return "A" if log > 0 else "B"


def _higher(name: str, high: Played, low: Played) -> str:
    variety, doubt = high.variety - low.variety, low.doubt - high.doubt  # what each term adds; their sum is positive
    terms = {
        ("variety", True): f"more variety ({high.variety:.2f} > {low.variety:.2f} nats)",
        ("variety", False): f"less variety ({high.variety:.2f} < {low.variety:.2f} nats)",
        ("doubt", True): f"less doubt ({high.doubt:.2f} < {low.doubt:.2f} nats)",
        ("doubt", False): f"more doubt ({high.doubt:.2f} > {low.doubt:.2f} nats)",
    }
    first, second = ("variety", "doubt") if variety >= doubt else ("doubt", "variety")
    rest = min(variety, doubt)
    said = f"{name} scores higher, {high.overall:.2f} > {low.overall:.2f}, "
    if rest >= _ALIKE:
        return said + f"most by {terms[first, True]}, and by {terms[second, True]}."
    if rest <= -_ALIKE:
        return said + f"by {terms[first, True]}, in spite of {terms[second, False]}."
    return said + f"by {terms[first, True]}."


def _side(shown: Shown, *, hidden: bool) -> dict[str, Any]:
    played = shown.played
    numbers = {
        "mean": played.mean,
        "std": played.std,
        "overall": played.overall,
        "variety": played.variety,
        "doubt": played.doubt,
    }
    return {
        "title": shown.setting.scenario.title,
        "text": text_of(shown.setting),
        "splits": shown.setting.splits,
        "numbers": None if hidden else numbers,
        "matrix": heatmap_of(shown, _ROWS, hidden=hidden),
        "share": played.marginal.tolist(),
    }
