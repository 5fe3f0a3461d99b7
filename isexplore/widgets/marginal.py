"""The marginal class histogram p(y) against a reference; a class of it is a selection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from isexplore.collapse.effective import effective_classes
from isexplore.widgets.panel import HERE, Panel

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from isexplore.widgets.frame import Frame
    from isexplore.widgets.state import ExplorerState

# Bars stay wide enough to read and to click; more classes than this are paged.
_PAGE = 30
_SORTS: dict[str, tuple[str, Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]]] = {
    "class": ("class order", lambda share, _: np.arange(len(share))),
    "share": ("share, most first", lambda share, _: np.argsort(-share, kind="stable")),
    "difference": (
        "furthest from the reference",
        lambda share, expected: np.argsort(-np.abs(share - expected), kind="stable"),
    ),
}


class MarginalPanel(Panel["Frame"]):
    """Shows how often each class is drawn."""

    _esm = HERE / "marginal.js"
    depends: ClassVar[tuple[str, ...]] = ("sample", "selection", "reference")
    state: ExplorerState

    def __init__(self, state: ExplorerState) -> None:
        self._sort = "class"
        self._page = 0
        super().__init__(state)

    def picture(self, frame: Frame) -> dict[str, Any]:
        """Return one page of bars, in the chosen order."""
        score, reference = frame.sample.score, frame.reference
        names = frame.sample.predictions.class_names
        order = _SORTS[self._sort][1](score.marginal, reference.share)
        pages = -(-len(names) // _PAGE)
        self._page = min(self._page, pages - 1)
        shown = order[self._page * _PAGE : (self._page + 1) * _PAGE]
        selection = frame.selection
        offered = [
            name
            for name, other in self.state.references.items()
            if other.class_names == names and other.share is not score.marginal
        ]
        top = float(max(score.marginal.max(), reference.share.max()))
        return {
            "names": [names[i] for i in shown],
            "numbers": shown.tolist(),
            "share": score.marginal[shown].tolist(),
            "expected": reference.share[shown].tolist(),
            "selected": selection.subset.share[shown].tolist() if selection else None,
            "images": frame.sample.class_counts[shown].tolist(),
            "top": 1.08 * top,
            "classes": len(names),
            "allNames": list(names),
            "effective": score.effective_classes,
            "corrected": effective_classes(score)[0],
            "n": score.n_images,
            "sort": self._sort,
            "sortedBy": _SORTS[self._sort][0],
            "sorts": [[key, text] for key, (text, _) in _SORTS.items()],
            "reference": reference.name,
            "referenceKey": reference.name if reference.name in offered else "",
            "references": [["", "uniform"], *([name, name] for name in offered)],
            "chosen": selection.top_class if selection else None,
            "page": self._page,
            "pages": pages,
            "first": self._page * _PAGE,
        }

    def _follow(self, change: dict[str, Any]) -> None:
        old, new = change["old"], change["new"]
        chosen = new.selection if old is None or old.selection is not new.selection else None
        if chosen is not None and chosen.top_class is not None:  # turn to its page
            order = _SORTS[self._sort][1](new.sample.score.marginal, new.reference.share)
            self._page = int(np.flatnonzero(order == chosen.top_class)[0]) // _PAGE
        super()._follow(change)

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Select a class, or change sorting, page or reference."""
        value = message["value"]
        if kind == "class":
            self.state.select_class(int(value))
        elif kind == "clear":
            self.state.clear()
        elif kind == "reference":
            self.state.set_reference(str(value) if value else None)
        elif kind == "sort":
            if value not in _SORTS:
                raise ValueError(f"there is no order {value!r}")
            self._sort, self._page = value, 0
            self.redraw()
        elif kind == "page":
            self._page = max(0, int(value))
            self.redraw()
