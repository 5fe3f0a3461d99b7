"""The images, a page at a time; the selection's score; and one image with its p(y|x) beside p(y)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets
from PIL import Image

from isexplore.widgets.panel import HERE, Panel

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from isexplore.widgets.state import ExplorerState, Frame, Sample

_PAGE = 56
_TOP = 10
_ORDERS: dict[str, tuple[str, Callable[[Sample], NDArray[Any]]]] = {
    "file": ("name, as the files lie", lambda sample: np.arange(sample.n_images)),
    "unsure": ("H(y|x), most unsure first", lambda sample: -sample.score.conditional_entropy),
    "sure": ("H(y|x), surest first", lambda sample: sample.score.conditional_entropy),
    "share": ("share of ln IS, most first", lambda sample: -sample.score.kl),
    "class": ("class", lambda sample: sample.top_class),
}


class GalleryPanel(Panel):
    """Shows the selected images, or all where none are selected."""

    _esm = HERE / "gallery.js"
    depends: ClassVar[tuple[str, ...]] = ("sample", "selection", "primary")

    sprite = traitlets.Bytes().tag(sync=True)

    def __init__(self, state: ExplorerState) -> None:
        self._order = "file"
        self._rest = False
        self._page = 0
        self._drawn: Any = None
        self._listed: Any = None
        self._followed: int | None = None
        self._sequence: NDArray[np.intp] = np.zeros(0, np.intp)
        super().__init__(state)

    def picture(self, frame: Frame) -> dict[str, Any]:
        """Return one page of images in the chosen order, and the primary one in full."""
        sample, selection, score = frame.sample, frame.selection, frame.sample.score
        sequence = self._walk(frame)
        # The page follows the primary image, unless a person turned it.
        shown = sequence[self._page * _PAGE : (self._page + 1) * _PAGE]
        names = sample.predictions.class_names
        tile = self._draw(sample, shown)
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
            "order": self._order,
            "orders": [[key, text] for key, (text, _) in _ORDERS.items()],
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
            last = max(0, (len(self._sequence) - 1) // _PAGE)
            self._page = min(max(0, int(str(value))), last)
            self.redraw()
        elif kind == "order":
            if value not in _ORDERS:
                raise ValueError(f"there is no order {value!r}")
            self._order = str(value)
            self.redraw()
        elif kind == "rest":
            self._rest = bool(value)
            self.redraw()

    def _step(self, by: int) -> None:
        """Make the image so many places further in the sequence the primary one; stop at the ends."""
        if self.state.frame is None or not len(self._sequence):
            return
        at = np.flatnonzero(self._sequence == self.state.frame.primary)
        place = int(at[0]) + by if len(at) else 0
        place = min(max(place, 0), len(self._sequence) - 1)
        self.state.set_primary(int(self._sequence[place]))

    def _walk(self, frame: Frame) -> NDArray[np.intp]:
        """Return the images in the order they are shown, and turn to the primary one's page when that changes."""
        listed = (frame.sample, frame.selection, self._order, self._rest)
        if self._listed is None or any(a is not b for a, b in zip(listed, self._listed, strict=True)):
            sequence = np.argsort(_ORDERS[self._order][1](frame.sample), kind="stable")
            if frame.selection is not None:
                chosen = frame.selection.mask[sequence]
                rest = sequence[~chosen] if self._rest else sequence[:0]
                sequence = np.concatenate([sequence[chosen], rest])
            self._sequence, self._listed, self._drawn = sequence, listed, None
            self._page, self._followed = 0, None
        if self._followed != frame.primary:
            self._followed = frame.primary
            at = np.flatnonzero(self._sequence == frame.primary)
            self._page = int(at[0]) // _PAGE if len(at) else 0
        return self._sequence

    def _draw(self, sample: Sample, shown: NDArray[np.intp]) -> dict[str, int]:
        """Put the page's thumbnails into one picture, if they are not there already; return its grid."""
        thumbnails = sample.predictions.thumbnails
        if thumbnails is None or not len(shown):
            self.sprite = b""
            return {"width": 1, "height": 1, "columns": 1}
        height, width = thumbnails.shape[1:3]
        columns = min(12, len(shown))
        page = (id(sample), self._page)
        if self._drawn != page:
            self._drawn = page
            self.sprite = _png(_grid(np.asarray(thumbnails[shown]), columns))
        return {"width": width, "height": height, "columns": columns}


def _grid(tiles: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Lay tiles (n, h, w, c) out in rows of so many columns."""
    n, h, w, c = tiles.shape
    lines = -(-n // columns)
    cells = np.zeros((lines * columns, h, w, c), np.uint8)
    cells[:n] = tiles
    return cells.reshape(lines, columns, h, w, c).swapaxes(1, 2).reshape(lines * h, columns * w, c)


def _png(picture: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture).save(stream, "PNG", compress_level=3)
    return stream.getvalue()


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
