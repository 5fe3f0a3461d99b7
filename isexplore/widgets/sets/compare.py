"""Two sets side by side, A and B: their scores and a test of the difference, and the classes that differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np

from isexplore.collapse.comparable import comparison_notes
from isexplore.collapse.comparison import Comparison, check_comparable, comparison_of, score_of_some
from isexplore.widgets.frame import score_of
from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.sets.frame import REFERENCE, SetsFrame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from isexplore.score import Score
    from isexplore.widgets.frame import Sample
    from isexplore.widgets.sets.frame import Entry
    from isexplore.widgets.sets.state import SetsState

__all__ = ["ComparePanel"]

_PAGE = 20
_SPLITS = 10  # the usual number
_SORTS: dict[str, tuple[str, Callable[[Comparison], NDArray[Any]]]] = {
    "share": ("furthest apart in p(y)", lambda found: -np.abs(found.share_change)),
    "contribution": ("largest change of ln IS", lambda found: -np.abs(found.contribution_change)),
    "class": ("class order", lambda found: np.arange(len(found.share_change))),
}


class ComparePanel(Panel[SetsFrame]):
    """Shows the current set, B, beside another one, A."""

    _esm = HERE / "sets" / "compare.js"
    depends: ClassVar[tuple[str, ...]] = ("entries", "reference", "current", "other", "chosen_class", "selection")
    state: SetsState

    def __init__(self, state: SetsState) -> None:
        self._sort, self._page = "share", 0
        self._scores: WeakKeyDictionary[Sample, dict[int, Score]] = WeakKeyDictionary()  # by their number of images
        super().__init__(state)

    def picture(self, frame: SetsFrame) -> dict[str, Any]:
        """Return both scores, what the test says, and a page of classes; or only why there is nothing to compare."""
        a, b = frame.beside, frame.shown
        head = {
            "others": _others(frame),
            "other": "" if frame.other is None else str(frame.other),
            "names": ["" if a is None else a.name, b.name],
        }
        message = _missing(a, b)
        if message or a is None:
            return head | {"message": message}
        try:
            found = self._compare(a, b)
        except ValueError as problem:
            return head | {"message": str(problem)}
        return head | {
            "message": "",
            "sentence": "A and B are the same set." if a is b else found.sentence,
            "notes": list(found.notes),
            "scores": [_side(score, by_protocol) for score, by_protocol in _sides(found)],
            "splits": found.protocol_a.splits,
            "splitSizes": found.protocol_a.split_sizes,
            "difference": found.protocol_b.log_score - found.protocol_a.log_score,
            "sort": self._sort,
            "sorts": [[key, text] for key, (text, _) in _SORTS.items()],
            "allNames": list(frame.class_names),
            "chosen": frame.chosen_class,
            **self._classes(found, frame),
        }

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Compare with another set, choose a class, sort, or turn the page."""
        value = message.get("value")
        if kind == "other":
            self.state.set_other(int(str(value)))
        elif kind == "class":
            self.state.choose_class(None if value is None else int(str(value)))
        elif kind == "sort":
            if value not in _SORTS:
                raise ValueError(f"there is no order {value!r}")
            self._sort, self._page = str(value), 0
            self.redraw()
        elif kind == "page":
            self._page = max(0, int(str(value)))
            self.redraw()
        else:
            raise ValueError(f"the comparison has no action {kind!r}")

    def _follow(self, change: dict[str, Any]) -> None:
        old, new = change["old"], change["new"]
        if old is None or old.chosen_class != new.chosen_class:
            self._page = -1  # that of the chosen class
        super()._follow(change)

    def _compare(self, a: Entry, b: Entry) -> Comparison:
        if a.sample is None or b.sample is None:
            raise ValueError("still being computed …")
        names = a.name, b.name
        check_comparable(a.predictions, b.predictions, *names)
        n = min(a.sample.n_images, b.sample.n_images)
        by_protocol = (self._score(one.sample, n) for one in (a, b) if one.sample is not None)
        notes = comparison_notes(a.predictions, b.predictions, *names)
        return comparison_of(a.sample.score, b.sample.score, *by_protocol, names=names, notes=notes)

    def _score(self, sample: Sample, images: int) -> Score:
        """Return the score of so many images of a set; it is computed once."""
        known = self._scores.setdefault(sample, {})
        if images not in known:
            splits = min(_SPLITS, images)
            if images == sample.n_images:
                known[images] = score_of(sample, sample.file_order, splits)
            else:
                known[images] = score_of_some(sample.predictions, images, splits)
        return known[images]

    def _classes(self, found: Comparison, frame: SetsFrame) -> dict[str, Any]:
        order = np.argsort(_SORTS[self._sort][1](found), kind="stable")
        pages = -(-len(order) // _PAGE)
        if self._page < 0:
            chosen = frame.chosen_class
            self._page = 0 if chosen is None else int(np.flatnonzero(order == chosen)[0]) // _PAGE
        self._page = min(self._page, pages - 1)
        shown = order[self._page * _PAGE : (self._page + 1) * _PAGE]
        contributions = found.protocol_a.class_contributions, found.protocol_b.class_contributions
        return {
            "classes": [frame.class_names[i] for i in shown],
            "numbers": shown.tolist(),
            "selected": None if frame.selection is None else frame.selection.subset.share[shown].tolist(),
            "shares": [found.a.marginal[shown].tolist(), found.b.marginal[shown].tolist()],
            "contributions": [one[shown].tolist() for one in contributions],
            "changes": found.contribution_change[shown].tolist(),
            "top": float(max(found.a.marginal.max(), found.b.marginal.max())),
            "reach": float(np.abs(found.contribution_change).max()),
            "count": len(order),
            "page": self._page,
            "pages": pages,
        }


def _others(frame: SetsFrame) -> list[list[str]]:
    """Return what B can be compared with: a number and a name each."""
    real = [] if frame.reference is None else [[str(REFERENCE), frame.reference.name]]
    return real + [[str(i), entry.name] for i, entry in enumerate(frame.entries)]


def _missing(a: Entry | None, b: Entry) -> str:
    """Say why there is nothing to compare, if so."""
    if a is None:
        return "There is nothing to compare with: choose a set as A, or give a reference."
    for entry in (a, b):
        if entry.sample is None:
            return f"{entry.name} {entry.error}" if entry.error else f"{entry.name} is being computed …"
    return ""


def _sides(found: Comparison) -> tuple[tuple[Score, Score], tuple[Score, Score]]:
    return (found.a, found.protocol_a), (found.b, found.protocol_b)


def _side(score: Score, by_protocol: Score) -> dict[str, Any]:
    low, high = score.interval()
    return {
        "images": score.n_images,
        "corrected": score.corrected,
        "low": low,
        "high": high,
        "mean": by_protocol.mean,
        "std": by_protocol.std,
        "whole": by_protocol.overall,
        "taken": by_protocol.n_images,
    }
