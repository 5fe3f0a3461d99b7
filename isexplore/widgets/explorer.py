"""The explorer: one state, a chooser and seven views of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, overload

import anywidget
import numpy as np

from isexplore.predictions import Predictions
from isexplore.widgets.chooser import Chooser
from isexplore.widgets.conventions import ConventionsPanel
from isexplore.widgets.diagnosis import Diagnosis
from isexplore.widgets.entropy import EntropyPanel
from isexplore.widgets.findings import FindingsPanel, alarm_of
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

    from isexplore.report import Report
    from isexplore.runs import Monitor
    from isexplore.widgets.sets.root import SetsExplorer

__all__ = ["Explorer", "explore"]

_ADVICE = (
    "make them with isexplore.predict(images, classifier=…), isexplore.load(path) or Predictions.from_probabilities(p)"
)


class Explorer(anywidget.AnyWidget):
    """The Inception Score of one sample set, opened up. Made by `isexplore.explore`.

    Attributes
    ----------
    state : ExplorerState
        What is shown; everything that can be done on screen is a method of it.
    diagnosis : Diagnosis or None
        What is wrong with it; None where the explorer is a part of another widget, which says that.
    """

    _esm = HERE / "explorer.js"
    _css = HERE / "explorer.css"

    runtime = anywidget.WidgetTrait().tag(sync=True)
    chooser, header, marginal, entropy, protocol, gallery, findings, conventions = (
        anywidget.WidgetTrait().tag(sync=True) for _ in range(8)
    )

    def __init__(
        self,
        predictions: Predictions | None = None,
        reference: Predictions | None = None,
        *,
        state: ExplorerState | None = None,
    ) -> None:
        """Make an explorer of its own, or of the state of a widget that it is a part of: that says what is shown."""
        if state is not None:
            self.state, self.diagnosis = state, None
            super().__init__(runtime=Runtime.shared())
            self._open()
            self.on_msg(self._receive)
            return
        self.state = ExplorerState()
        self.diagnosis = Diagnosis(self.state, reference)
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
            self._open()

    def _open(self) -> None:
        with self.hold_sync():
            self.header, self.marginal = HeaderPanel(self.state), MarginalPanel(self.state)
            self.entropy, self.protocol = EntropyPanel(self.state), ProtocolPanel(self.state)
            self.gallery, self.conventions = GalleryPanel(self.state), ConventionsPanel(self.state)
            if self.diagnosis is not None:
                self.findings = FindingsPanel(self.diagnosis)
                self.diagnosis.observe(self._warn, "frame")

    def _warn(self, change: dict[str, Any]) -> None:
        self.header.alarm = alarm_of(change["new"].report)

    @property
    def predictions(self) -> Predictions | None:
        """The sample set that is shown."""
        return None if self.state.frame is None else self.state.frame.sample.predictions

    @property
    def report(self) -> Report | None:
        """What is wrong with it, as `isexplore.diagnose` returns it; None until that is known."""
        return None if self.diagnosis is None else self.diagnosis.frame.report

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
        for child in (self.chooser, *parts, self.findings, self.diagnosis):
            if child is not None:
                child.close()
        super().close()


@overload
def explore(predictions: Predictions | None = None, *, reference: Predictions | None = None) -> Explorer: ...
@overload
def explore(
    predictions: Mapping[str, Predictions] | str | os.PathLike[str] | Monitor, *, reference: Predictions | None = None
) -> SetsExplorer: ...
def explore(
    predictions: Predictions | Mapping[str, Predictions] | str | os.PathLike[str] | Monitor | None = None,
    *,
    reference: Predictions | None = None,
) -> Explorer | SetsExplorer:
    """Explore the Inception Score of a sample set, or of several, in a notebook.

    Parameters
    ----------
    predictions : Predictions, mapping of str to Predictions, path-like or Monitor, optional
        What to show: one sample set; several by their names, such as the checkpoints of a run, first to last; a run
        file that an `isexplore.Monitor` wrote; or such a monitor, to watch a training. Without, the explorer begins
        with a chooser of sample sets.
    reference : Predictions, optional
        Real images, to compare with; by default p(y) is compared with the uniform distribution.

    Returns
    -------
    Explorer or SetsExplorer
        A widget. ``selection``, ``to_dataframe()`` and ``predictions`` give back what is on screen. The kernel keeps
        it, with its sums (16 MB at 1000 classes, 0.4 MB for each of several sets), until ``close()`` or the kernel's
        end.

    Raises
    ------
    TypeError
        If it is given something else.
    ValueError
        If the reference has other classes, sets can't be compared, there is none, or the file is no run file.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import isexplore as ix
    >>> predictions = ix.Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]])
    >>> explorer = ix.explore(predictions)
    >>> explorer.state.select_class(1)
    >>> explorer.selection
    array([1])
    >>> several = ix.explore({"step 1": predictions, "step 2": predictions})
    >>> several.state.wait()
    >>> several.to_dataframe()["score"].round(3).tolist()
    [1.317, 1.317]
    >>> several.close()
    """
    if reference is not None and not isinstance(reference, Predictions):
        raise TypeError(f"reference must be Predictions, not {type(reference).__name__}: {_ADVICE}")
    if predictions is None or isinstance(predictions, Predictions):
        if reference is not None and predictions is None:
            raise TypeError("a reference needs predictions to be compared with")
        return Explorer(predictions, reference)
    return _explore_sets(predictions, reference)


def _explore_sets(given: object, reference: Predictions | None) -> SetsExplorer:
    from isexplore.runs import Monitor, load_run
    from isexplore.widgets.sets.root import SetsExplorer
    from isexplore.widgets.sets.state import SetsState

    if isinstance(given, Monitor):
        return SetsExplorer.watching(given, reference)
    if isinstance(given, str | os.PathLike):
        sets, empty = load_run(given), f"{os.fspath(given)} holds no checkpoint yet"
    elif isinstance(given, Mapping):
        sets, empty = dict(given), "there are no sample sets in the mapping"
    else:
        raise TypeError(
            "predictions must be Predictions, several of them by their names, a run file's path or a Monitor, "
            f"not {type(given).__name__}: {_ADVICE}"
        )
    if not sets:
        raise ValueError(f"{empty}: give at least one")
    return SetsExplorer(SetsState(sets, reference))
