"""The explorer: one state, a chooser and six views of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np

from isexplore.predictions import Predictions
from isexplore.widgets.chooser import Chooser
from isexplore.widgets.conventions import ConventionsPanel
from isexplore.widgets.entropy import EntropyPanel
from isexplore.widgets.gallery import GalleryPanel
from isexplore.widgets.header import HeaderPanel
from isexplore.widgets.marginal import MarginalPanel
from isexplore.widgets.panel import HERE
from isexplore.widgets.protocol import ProtocolPanel
from isexplore.widgets.runtime import Runtime
from isexplore.widgets.state import ExplorerState

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["Explorer", "explore"]


class Explorer(anywidget.AnyWidget):
    """The Inception Score of one sample set, opened up. Made by `isexplore.explore`.

    Attributes
    ----------
    state : ExplorerState
        What is shown; everything that can be done on screen is a method of it.
    """

    _esm = HERE / "explorer.js"
    _css = HERE / "explorer.css"

    runtime = anywidget.WidgetTrait().tag(sync=True)
    chooser, header, marginal, entropy, protocol, gallery, conventions = (
        anywidget.WidgetTrait().tag(sync=True) for _ in range(7)
    )

    def __init__(self, predictions: Predictions | None = None, reference: Predictions | None = None) -> None:
        self.state = ExplorerState()
        shown = "" if predictions is None else f"{predictions.provenance.source}, {len(predictions)} images"
        super().__init__(runtime=Runtime.shared(), chooser=Chooser(self.show, shown=shown))
        if predictions is not None:
            self.show(predictions)
        if reference is not None:
            try:
                self.state.set_reference(predictions=reference)
            except ValueError:
                self.close()
                raise

        self.on_msg(self._receive)

    def __repr__(self) -> str:
        """Say what is shown, for where no widget can be drawn, as in a saved notebook."""
        frame = self.state.frame
        line = "no sample set yet" if frame is None else f"{frame.sample.predictions.provenance.source}: {frame.score}"
        return f"Explorer({line}; run this cell again to explore)"

    def _receive(self, _: object, message: dict[str, Any], __: object) -> None:
        if message.get("kind") == "clear" and self.state.frame is not None:
            self.state.clear()

    def show(self, predictions: Predictions) -> None:
        """Show another sample set in place of this one."""
        self.state.show(predictions)
        if self.header is None:
            with self.hold_sync():
                self.header, self.marginal = HeaderPanel(self.state), MarginalPanel(self.state)
                self.entropy, self.protocol = EntropyPanel(self.state), ProtocolPanel(self.state)
                self.gallery, self.conventions = GalleryPanel(self.state), ConventionsPanel(self.state)

    @property
    def predictions(self) -> Predictions | None:
        """The sample set that is shown."""
        return None if self.state.frame is None else self.state.frame.sample.predictions

    @property
    def selection(self) -> NDArray[np.intp]:
        """The numbers of the selected images; empty where none are selected."""
        frame = self.state.frame
        if frame is None or frame.selection is None:
            return np.zeros(0, np.intp)
        return np.flatnonzero(frame.selection.mask)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row an image: name, class, its probability, H(y|x) and KL in nats, share of ln IS, selected.

        Its label comes behind the name, where the images have labels.

        Raises
        ------
        ValueError
            If no sample set is shown yet.
        """
        import pandas as pd

        frame = self.state.shown()
        sample, score = frame.sample, frame.sample.score
        predictions = sample.predictions
        total = float(score.kl.sum())
        return pd.DataFrame(
            {
                "image": predictions.image_names,
                **({} if predictions.labels is None else {"label": predictions.labels}),
                "class": [predictions.class_names[c] for c in sample.top_class],
                "probability": np.take_along_axis(predictions.probabilities, sample.top_class[:, None], axis=1)[:, 0],
                "conditional_entropy": score.conditional_entropy,
                "kl": score.kl,
                "share": score.kl / total if total > 0 else np.zeros(len(predictions)),
                "selected": frame.selection.mask if frame.selection else np.zeros(len(predictions), bool),
            }
        )

    def close(self) -> None:
        """Close all parts."""
        parts = self.header, self.marginal, self.entropy, self.protocol, self.gallery, self.conventions
        for child in (self.chooser, *parts):
            if child is not None:
                child.close()
        super().close()


def explore(predictions: Predictions | None = None, *, reference: Predictions | None = None) -> Explorer:
    """Explore the Inception Score of a sample set in a notebook.

    Parameters
    ----------
    predictions : Predictions, optional
        What to show. Without, the explorer begins with a chooser of sample sets.
    reference : Predictions, optional
        What to compare p(y) with; by default the uniform distribution.

    Returns
    -------
    Explorer
        A widget. ``selection``, ``to_dataframe()`` and ``predictions`` give back what is on screen. The kernel keeps
        it, with its sums (16 MB at 1000 classes), until ``close()`` or the kernel's end.

    Raises
    ------
    TypeError
        If it is given something other than predictions.
    ValueError
        If the reference has other classes.

    Examples
    --------
    >>> import isexplore as ix
    >>> predictions = ix.Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]])
    >>> explorer = ix.explore(predictions)
    >>> explorer.state.select_class(1)
    >>> explorer.selection
    array([1])
    """
    for what, value in {"predictions": predictions, "reference": reference}.items():
        if value is not None and not isinstance(value, Predictions):
            raise TypeError(
                f"{what} must be Predictions, not {type(value).__name__}: make them with "
                "isexplore.predict(images, classifier=…), isexplore.load(path) or Predictions.from_probabilities(p)"
            )
    if reference is not None and predictions is None:
        raise TypeError("a reference needs predictions to be compared with")
    return Explorer(predictions, reference)
