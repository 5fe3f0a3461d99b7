"""Two galleries side by side, class by class: what the network takes for a class in A, and in B."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from isexplore.widgets.frame import WALKS
from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.sets.frame import SetsFrame
from isexplore.widgets.sprite import sprite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.widgets.frame import Sample, Selection
    from isexplore.widgets.sets.frame import Entry
    from isexplore.widgets.sets.state import SetsState

__all__ = ["PairsPanel"]

_PAGE = 40  # images of each set
_COLUMNS = 10  # of the picture that holds them
_ORDERS = ("sure", "unsure", "file")


class PairsPanel(Panel[SetsFrame]):
    """Shows the images of one class, of A on the left and of the current set, B, on the right."""

    _esm = HERE / "sets" / "pairs.js"
    depends: ClassVar[tuple[str, ...]] = ("shown", "beside", "chosen_class", "selection")
    state: SetsState

    sprite_a, sprite_b = traitlets.Bytes().tag(sync=True), traitlets.Bytes().tag(sync=True)
    primary = traitlets.Int(-1).tag(sync=True)

    def __init__(self, state: SetsState) -> None:
        self._order, self._page = "sure", 0
        super().__init__(state)
        state.explorer.observe(self._follow_primary, "frame")

    def picture(self, frame: SetsFrame) -> dict[str, Any]:
        """Return a page of images of the class in both sets."""
        names, number = frame.class_names, _class_of(frame)
        entries = (frame.beside, frame.shown)
        selections = (None, frame.selection)  # only of the shown set anything is selected
        members = [_members(*one, number, self._order) for one in zip(entries, selections, strict=True)]
        pages = max(1, *(-(-len(found) // _PAGE) for found in members))
        self._page = min(self._page, pages - 1)
        pages_shown = [found[self._page * _PAGE : (self._page + 1) * _PAGE] for found in members]
        self.sprite_a, self.sprite_b = (
            _sprite(entry, shown) for entry, shown in zip(entries, pages_shown, strict=True)
        )
        return {
            "class": number,
            "name": names[number],
            "names": list(names),
            "chosen": frame.chosen_class is not None,
            "sides": [
                _side(entry, shown, found, number, selection)
                for entry, shown, found, selection in zip(entries, pages_shown, members, selections, strict=True)
            ],
            "order": self._order,
            "orders": [[key, WALKS[key][0]] for key in _ORDERS],
            "page": self._page,
            "pages": pages,
            "pageSize": _PAGE,
        }

    def redraw(self) -> None:
        """Send the current picture, and which image of it the explorer looks at."""
        with self.state.lock, self.hold_sync():
            super().redraw()
            self._follow_primary()

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Choose a class, sort, turn the page, or look at an image of B in the explorer."""
        value = message.get("value")
        if kind == "class":
            self.state.choose_class(int(str(value)))
        elif kind == "primary":
            self._look_at(int(str(value)), message.get("set"))
        elif kind == "order":
            if value not in _ORDERS:
                raise ValueError(f"there is no order {value!r}; there are: {', '.join(_ORDERS)}")
            self._order, self._page = str(value), 0
            self.redraw()
        elif kind == "page":
            self._page = max(0, int(str(value)))
            self.redraw()
        else:
            raise ValueError(f"the pair of galleries has no action {kind!r}")

    def close(self) -> None:
        """Stop following the explorer, too, and leave the page."""
        if self.comm is not None:
            self.state.explorer.unobserve(self._follow_primary, "frame")
        super().close()

    def _follow(self, change: dict[str, Any]) -> None:
        old, new = change["old"], change["new"]
        selects = new.selection is not None and (old is None or new.selection is not old.selection)
        if old is None or selects or _class_of(old) != _class_of(new):
            self._page = 0  # where the selected images are
        super()._follow(change)

    def _look_at(self, image: int, of_set: object) -> None:
        shown, there = self.state.shown().shown, self.state.explorer.frame
        if of_set != shown.name:  # a click waits for the kernel
            raise ValueError(f"{shown.name} is shown by now: its images have other numbers")
        if there is None or there.sample is not shown.sample:
            raise ValueError(f"{shown.name} is still being computed: wait a moment")
        self.state.explorer.set_primary(image)

    def _follow_primary(self, _: object = None) -> None:
        """Mark the image that the explorer looks at, if it shows the current set already."""
        with self.state.lock:
            frame, there = self.state.frame, self.state.explorer.frame
            same = frame is not None and there is not None and there.sample is frame.shown.sample
            self.primary = there.primary if same and there is not None else -1


def _class_of(frame: SetsFrame) -> int:
    """Return the chosen class, else the one whose p(y) differs most; that of most selected images, if that has none."""
    if frame.chosen_class is not None:
        return frame.chosen_class
    entries = (frame.shown, frame.beside)
    shares = [entry.sample.score.marginal for entry in entries if entry is not None and entry.sample is not None]
    if not shares:
        return 0
    most_different = int(np.argmax(np.abs(shares[0] - shares[-1]) if len(shares) > 1 else shares[0]))
    selected = frame.selected_counts
    if selected is None or selected[most_different] or not selected.any():
        return most_different
    return int(selected.argmax())


def _members(entry: Entry | None, selection: Selection | None, number: int, order: str) -> NDArray[np.intp]:
    """Return the images that look most like a class, sorted, the selected ones first."""
    if entry is None or entry.sample is None:
        return np.zeros(0, np.intp)
    found = np.flatnonzero(entry.sample.top_class == number)
    found = found[np.argsort(WALKS[order][1](entry.sample)[found], kind="stable")]
    return found if selection is None else found[np.argsort(~selection.mask[found], kind="stable")]


def _sprite(entry: Entry | None, shown: NDArray[np.intp]) -> bytes:
    thumbnails = None if entry is None else entry.predictions.thumbnails
    return sprite(np.asarray(thumbnails[shown]), _COLUMNS) if thumbnails is not None and len(shown) else b""


def _side(
    entry: Entry | None, shown: NDArray[np.intp], found: NDArray[np.intp], number: int, selection: Selection | None
) -> dict[str, Any] | None:
    if entry is None:
        return None
    sample: Sample | None = entry.sample
    if sample is None:
        return {"set": entry.name, "waiting": f"{entry.name} {entry.error}" if entry.error else "being computed …"}
    predictions = entry.predictions
    thumbnails = predictions.thumbnails
    size = (1, 1) if thumbnails is None else thumbnails.shape[1:3]
    return {
        "set": entry.name,
        "waiting": "",
        "count": len(found),
        "selected": None if selection is None else int(selection.mask[found].sum()),
        "n": sample.n_images,
        "pictures": thumbnails is not None,
        "tile": {"height": size[0], "width": size[1], "columns": _COLUMNS},
        "items": [
            {
                "number": int(i),
                "name": predictions.image_names[i],
                "confidence": float(predictions.probabilities[i, number]),
                "selected": selection is None or bool(selection.mask[i]),
            }
            for i in shown
        ],
    }
