"""The images, a page at a time; the selection's score; and one image with its p(y|x) beside p(y)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from isexplore.widgets.frame import WALKS
from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.sprite import sprite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.widgets.frame import Frame, Sample
    from isexplore.widgets.state import ExplorerState

_PAGE = 56
_TOP = 10


class GalleryPanel(Panel["Frame"]):
    """Shows the selected images, or all where none are selected."""

    _esm = HERE / "gallery.js"
    depends: ClassVar[tuple[str, ...]] = ("sample", "selection", "walk", "primary")
    state: ExplorerState

    sprite = traitlets.Bytes().tag(sync=True)

    def __init__(self, state: ExplorerState) -> None:
        self._rest = False
        self._page = 0
        self._drawn: tuple[Sample, NDArray[np.intp]] | None = None
        super().__init__(state)

    def picture(self, frame: Frame) -> dict[str, Any]:
        """Return one page of images in the chosen order, and the primary one in full."""
        sample, selection, score = frame.sample, frame.selection, frame.sample.score
        sequence = self._sequence(frame)
        shown = sequence[self._page * _PAGE : (self._page + 1) * _PAGE]
        names = sample.predictions.class_names
        tile = self._draw(frame, shown)
        return {
            "items": [
                {
                    "number": int(i),
                    "name": sample.predictions.image_names[i],
                    "class": names[sample.top_class[i]],
                    "entropy": float(score.conditional_entropy[i]),
                    "kl": float(score.kl[i]),
                    "selected": bool(selection.mask[i]) if selection else True,
                }
                for i in shown
            ],
            "tile": tile,
            "primary": _primary(frame) if len(sequence) else None,
            "n": sample.n_images,
            "overall": score.overall,
            "selectedCount": selection.subset.n_images if selection else None,
            "selectionLabel": selection.label if selection else "",
            "selectionScore": selection.subset.score if selection and selection.subset.n_images else None,
            "order": frame.walk.key,
            "orders": [[key, text] for key, (text, _) in WALKS.items()],
            "rest": self._rest,
            "page": self._page,
            "pages": max(1, -(-len(sequence) // _PAGE)),
            "pageSize": _PAGE,
        }

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Walk, turn the page, sort, or change the selection."""
        value = message.get("value")
        if kind == "clear":
            self.state.clear()
        elif kind == "invert":
            self.state.invert()
        elif kind == "primary":
            self.state.set_primary(int(str(value)))
        elif kind == "walk":
            self._step(int(str(value)))
        elif kind == "page":
            self._turn(page=int(str(value)))
        elif kind == "order":
            self.state.set_walk(str(value))
        elif kind == "rest":
            self._rest = bool(value)
            self._page = 0 if self.state.frame is None else self._page_of_primary(self.state.frame)
            self.redraw()

    def _follow(self, change: dict[str, Any]) -> None:
        new, old = change["new"], change["old"]
        if old is None or any(getattr(old, part) is not getattr(new, part) for part in self.depends):
            self._page = self._page_of_primary(new)
        super()._follow(change)

    def _page_of_primary(self, frame: Frame) -> int:
        at = np.flatnonzero(self._sequence(frame) == frame.primary)
        return int(at[0]) // _PAGE if len(at) else 0

    def _turn(self, page: int) -> None:
        """Turn to a page; its first image becomes the primary one."""
        sequence = self._sequence(self.state.frame) if self.state.frame is not None else np.zeros(0, np.intp)
        if len(sequence):
            page = min(max(0, page), (len(sequence) - 1) // _PAGE)
            self.state.set_primary(int(sequence[page * _PAGE]))

    def _step(self, by: int) -> None:
        """Make the image so many places further in the sequence the primary one; stop at the ends."""
        frame = self.state.frame
        sequence = self._sequence(frame) if frame is not None else np.zeros(0, np.intp)
        if frame is None or not len(sequence):
            return
        at = np.flatnonzero(sequence == frame.primary)
        place = int(at[0]) + by if len(at) else 0
        self.state.set_primary(int(sequence[min(max(place, 0), len(sequence) - 1)]))

    def _sequence(self, frame: Frame) -> NDArray[np.intp]:
        """Return the images in the order they are shown: the selected ones, then the others if they are asked for."""
        images = frame.walk.images
        if frame.selection is None:
            return images
        chosen = frame.selection.mask[images]
        return np.concatenate([images[chosen], images[~chosen]]) if self._rest else images[chosen]

    def _draw(self, frame: Frame, shown: NDArray[np.intp]) -> dict[str, int]:
        """Put the page's thumbnails into one picture, and the primary one last if it is on another page.

        Returns the size of a tile and the number of columns; the picture is made again only if it changes.
        """
        thumbnails = frame.sample.predictions.thumbnails
        if thumbnails is None or not len(shown):
            self.sprite, self._drawn = b"", None
            return {"width": 1, "height": 1, "columns": 1}
        if frame.primary not in shown:
            shown = np.append(shown, frame.primary)
        columns = min(12, len(shown))
        if self._drawn is None or self._drawn[0] is not frame.sample or not np.array_equal(self._drawn[1], shown):
            self._drawn = frame.sample, shown
            self.sprite = sprite(np.asarray(thumbnails[shown]), columns)
        return {"width": thumbnails.shape[2], "height": thumbnails.shape[1], "columns": columns}


def _primary(frame: Frame) -> dict[str, Any]:
    sample, i = frame.sample, frame.primary
    score, names = sample.score, sample.predictions.class_names
    row = sample.predictions.probabilities[i]
    top = np.argsort(-row, kind="stable")[:_TOP]
    return {
        "number": i,
        "name": sample.predictions.image_names[i],
        "class": names[int(top[0])],
        "confidence": float(row[top[0]]),
        "entropy": float(score.conditional_entropy[i]),
        "kl": float(score.kl[i]),
        "share": float(score.kl[i] / score.kl.sum()) if score.kl.any() else 0.0,
        "even": 1 / sample.n_images,
        "top": [[names[c], float(row[c]), float(score.marginal[c])] for c in top],
    }
