"""The marginal p(y) of several sets as a heat map: a column a checkpoint, a row a class."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.sets.frame import SetsFrame
from isexplore.widgets.sprite import strip

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.widgets.sets.frame import Entry
    from isexplore.widgets.sets.state import SetsState

_PAGE = 30  # rows stay high enough to read and to click
_FULL = 65535  # what the darkest cell is sent as
_SORTS = {
    "class": "class order",
    "change": "change over the sets, most first",
    "difference": "furthest from the reference",
}


class HeatPanel(Panel[SetsFrame]):
    """Shows how often each class is drawn in each set; a cell leads to its images."""

    _esm = HERE / "sets" / "heat.js"
    depends: ClassVar[tuple[str, ...]] = ("entries", "reference", "current", "chosen_class", "selection")
    state: SetsState

    sprite = traitlets.Bytes().tag(sync=True)

    def __init__(self, state: SetsState) -> None:
        self._sort = ""  # nobody has chosen yet
        self._page = 0
        super().__init__(state)

    def picture(self, frame: SetsFrame) -> dict[str, Any]:
        """Return one page of classes, in the chosen order."""
        table, selected = _shares(frame.entries), frame.selected_counts
        order = _sorted(self._sort_of(frame), frame.entries, frame.reference)
        pages = -(-len(order) // _PAGE)
        self._page = min(self._page, pages - 1)
        shown = order[self._page * _PAGE : (self._page + 1) * _PAGE]
        share = table[:, shown]
        top = _round_up(float(np.nanmax(table, initial=0)))
        return {
            "cells": (np.nan_to_num(share.T) / top * _FULL).round().clip(0, _FULL).astype("<u2").tobytes(),
            "rows": len(shown),
            "columns": len(frame.entries),
            "top": top,
            "missing": np.flatnonzero(np.isnan(table[:, 0])).tolist(),
            "gone": [_missing(entry)[shown].tolist() for entry in frame.entries],
            "images": [[] if e.sample is None else e.sample.class_counts[shown].tolist() for e in frame.entries],
            "sets": [entry.name for entry in frame.entries],
            "names": [frame.class_names[c] for c in shown],
            "numbers": shown.tolist(),
            "selected": None if selected is None else selected[shown].tolist(),
            "current": frame.current,
            "chosen": frame.chosen_class,
            "sort": self._sort_of(frame),
            "sorts": [[key, text] for key, text in _SORTS.items()],
            "page": self._page,
            "pages": pages,
            "first": self._page * _PAGE,
            "classes": len(order),
            **self._looked_at(frame),
        }

    def _looked_at(self, frame: SetsFrame) -> dict[str, Any]:
        """Put the first images of the chosen class in the current set into one picture, and say how many there are."""
        entry, chosen = frame.shown, frame.chosen_class
        if chosen is None or entry.sample is None:
            self.sprite = b""
            return {"strip": None, "cell": "" if chosen is None else f"{entry.name}: not known"}
        images = np.flatnonzero(entry.sample.top_class == chosen)
        self.sprite, shown = strip(entry.predictions, images)
        number = f"{len(images):,} image{'' if len(images) == 1 else 's'}" if len(images) else "no image"
        return {"strip": shown, "cell": f"{entry.name}, class {frame.class_names[chosen]}: {number}"}

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Go to a cell's images, or change sorting or page."""
        if kind == "cell":
            self.state.choose_cell(int(message["set"]), int(message["class"]))
        elif kind == "sort":
            if message["value"] not in _SORTS:
                raise ValueError(f"there is no order {message['value']!r}; there are: {', '.join(_SORTS)}")
            self._sort, self._page = message["value"], 0
            self.redraw()
        elif kind == "page":
            self._page = max(0, int(message["value"]))
            self.redraw()
        else:
            raise ValueError(f"the heat map has no action {kind!r}")

    def _sort_of(self, frame: SetsFrame) -> str:
        return self._sort or ("class" if len(frame.class_names) <= _PAGE else "change")

    def _follow(self, change: dict[str, Any]) -> None:
        old, new = change["old"], change["new"]
        if (
            old is not None and new.chosen_class is not None and old.chosen_class != new.chosen_class
        ):  # turn to its page
            order = _sorted(self._sort_of(new), new.entries, new.reference)
            self._page = int(np.flatnonzero(order == new.chosen_class)[0]) // _PAGE
        super()._follow(change)


def _shares(entries: tuple[Entry, ...]) -> NDArray[np.float64]:
    """Return p(y) of each set (sets, C), NaN where it is not known yet."""
    classes = len(entries[0].predictions.class_names)
    unknown = np.full(classes, math.nan)
    return np.stack([unknown if entry.sample is None else entry.sample.score.marginal for entry in entries])


def _missing(entry: Entry) -> NDArray[np.bool_]:
    """Say of each class (C,) whether the checks call it missing: a few images may still look most like it."""
    gone = np.zeros(len(entry.predictions.class_names), bool)
    for found in () if entry.report is None else entry.report.findings:
        if found.key == "missing-classes":
            gone[found.classes] = True
    return gone


def _sorted(sort: str, entries: tuple[Entry, ...], reference: Entry | None) -> NDArray[np.intp]:
    """Return the classes in an order; while some sets are missing, of those that are there."""
    table = _shares(entries)
    known = table[~np.isnan(table[:, 0])]
    if sort == "class" or not len(known):
        return np.arange(table.shape[1])
    if sort == "change":
        return np.argsort(known.min(axis=0) - known.max(axis=0), kind="stable")
    there = None if reference is None else reference.sample
    expected = 1 / table.shape[1] if there is None else there.score.marginal
    return np.argsort(-np.abs(known - expected).max(axis=0), kind="stable")


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, … times a power of ten: the colours stay while sets are added."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return min(1.0, next(step * power for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9)))
