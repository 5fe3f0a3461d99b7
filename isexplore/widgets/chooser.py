"""Chooses a sample set, a classifier and a device; computes, with progress and a cancel that works."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields, replace
from threading import RLock
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from isexplore import demo
from isexplore.inference import classify, devices
from isexplore.predictions import Predictions
from isexplore.widgets import sources
from isexplore.widgets.panel import HERE
from isexplore.widgets.runtime import Runtime
from isexplore.widgets.sources import Choice, Uploads
from isexplore.widgets.worker import Cancelled, Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from isexplore.images import ImageSet

_BATCH = 64  # a cancel is heard after each
_PAINT_EVERY = 0.1  # seconds between two pictures of the progress
_LAYOUTS = [["", "inferred"], ["HWC", "channels last"], ["CHW", "channels first"]]
_SHOWN = {
    "demo": ["step"],
    "path": ["path", "range", "layout"],
    "upload": ["upload", "range", "layout"],
    "variable": ["variable", "range", "layout"],
}


@dataclass(frozen=True)
class Progress:
    """How far a run is: images done, images in all, and seconds since it began."""

    done: int
    total: int
    seconds: float

    @property
    def rate(self) -> float | None:
        """Images per second, once there is something to tell."""
        return self.done / self.seconds if self.done and self.seconds > 0 else None

    @property
    def left(self) -> float | None:
        """Seconds left at this rate."""
        return (self.total - self.done) / self.rate if self.rate else None


class Chooser(anywidget.AnyWidget):
    """The form above the explorer.

    Parameters
    ----------
    show : callable
        Called with the predictions that were computed or opened.
    shown : str
        The sample set that is shown already, in words; empty where there is none, so that the form starts open.
    """

    _esm = HERE / "chooser.js"

    runtime = anywidget.WidgetTrait().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)

    def __init__(self, show: Callable[[Predictions], None], *, shown: str = "") -> None:
        super().__init__(runtime=Runtime.shared())
        self._show = show
        self._shown = shown
        self._choice = Choice()
        self._uploads = Uploads()
        self._opened: ImageSet | Predictions | None = None
        self._progress: Progress | None = None
        self._completions: list[str] = []
        self._preview = self._error = self._message = ""
        self._running = self._trouble = False
        self._painting = RLock()
        self._opener, self._worker = Worker(), Worker()
        self._sources = [
            ["demo:real", "embedded: real digits"],
            *([f"demo:{name}", f"embedded: {name} GAN"] for name in demo.names() if name != "real"),
            ["path", "a path on this machine"],
            ["upload", "files from your computer"],
            ["variable", "a variable of this notebook"],
        ]
        self._devices = [["auto", "the best there is"]]
        self.on_msg(self._receive)
        if shown:
            self._paint()  # the form is closed: looking around waits until a person opens it
        else:
            self._open()

    @property
    def choice(self) -> Choice:
        """What the form says."""
        return self._choice

    def close(self) -> None:
        """Stop what runs, and leave the page."""
        for worker in (self._opener, self._worker):
            worker.cancel()
            worker.close()
        self._uploads.close()
        super().close()

    def choose(self, field: str, value: str) -> None:
        """Set one control of the form, and look at what it leads to.

        Raises
        ------
        ValueError
            If there is no such control, or no such source.
        """
        if field not in {known.name for known in fields(Choice)}:
            raise ValueError(f"the form has no field {field!r}")
        if field == "source" and value not in {source for source, _ in self._sources}:
            raise ValueError(f"there is no source {value!r}")
        self._error = ""
        self._choice = replace(self._choice, **{field: value})
        if field == "source":
            self._choice = replace(self._choice, step="", range="", layout="")
        if field == "path":
            self._completions = sources.completions(value)
        if field in ("classifier", "device"):
            self._paint()
        else:
            self._open()

    def compute(self) -> None:
        """Classify the chosen images in the worker, and show the result; the latest request wins.

        Raises
        ------
        ValueError
            If there is nothing to compute.
        """
        opened, choice = self._opened, self._choice
        if opened is None:
            raise ValueError("there is no sample set to compute yet: choose one")
        self._worker.cancel()  # what runs must not tell its outcome after this
        self._progress, self._error, self._message = None, "", ""
        if isinstance(opened, Predictions):
            self._finish(opened)
            return
        names = sources.notebook_namespace()
        kind, _, name = choice.classifier.partition(":")
        classifier = names.get(name) if kind == "variable" else choice.classifier
        self._running = True
        self._paint()
        self._worker.start(
            lambda stop: self._classify(opened, classifier, choice.device, stop), self._finish, self._fail
        )

    def cancel(self) -> None:
        """Stop computing; what is shown stays as it was."""
        self._worker.cancel()
        if self._running:  # else it was done before this was heard
            self._running, self._message = False, "cancelled; nothing was changed"
        self._paint()

    def _classify(self, images: ImageSet, classifier: Any, device: str, stop: Event) -> Predictions:
        from isexplore.classifiers import load_classifier

        began = painted = time.monotonic()

        def report(done: int, total: int) -> None:
            nonlocal painted
            if stop.is_set():
                raise Cancelled
            now = time.monotonic()
            if now - painted >= _PAINT_EVERY or done in (0, total):
                painted = now
                self._progress = Progress(done, total, now - began)
                self._paint()

        return classify(images, load_classifier(classifier), device, _BATCH, report)

    def _finish(self, predictions: Predictions) -> None:
        try:
            self._show(predictions)
        except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
            self._fail(error)
            return
        self._running, self._error = False, ""
        self._shown = f"{predictions.provenance.source}, {len(predictions)} images"
        progress = self._progress
        self._message = f"done in {progress.seconds:.1f} s" if progress else "opened"
        self._paint()

    def _fail(self, error: Exception) -> None:
        self._running = False
        self._complain(error)

    def _complain(self, error: Exception) -> None:
        self._error = str(error) or type(error).__name__
        self._paint()

    def _open(self) -> None:
        """Look at the chosen set, away from the kernel's thread: a folder may be large."""
        choice, uploads, names = self._choice, self._uploads, sources.notebook_namespace()
        self._opener.cancel()  # what is looked at must not arrive after this
        self._opened, self._preview, self._trouble = None, "looking …", False
        self._paint()

        def opened(result: ImageSet | Predictions) -> None:
            self._opened = result
            is_saved = isinstance(result, Predictions)
            self._preview = f"{result!r}: ready to show" if is_saved else f"{result.name}: {result.description}"  # type: ignore[union-attr]
            self._paint()

        def failed(error: Exception) -> None:
            self._trouble = True
            self._preview = str(error) or type(error).__name__
            self._paint()

        def look(_: Event) -> ImageSet | Predictions:
            if len(self._devices) == 1:  # only here, since it imports torch, which takes a second
                self._devices = [*self._devices, *([name, f"{name}: {card}"] for name, card in devices().items())]
            return sources.open_choice(choice, uploads, names)

        self._opener.start(look, opened, failed)

    def _receive(self, _: object, message: dict[str, Any], buffers: list[memoryview]) -> None:
        try:
            kind, value = message.get("kind"), message.get("value")
            if kind == "choose" and isinstance(value, dict):
                self.choose(str(value.get("field")), str(value.get("value")))
            elif kind == "complete":
                self._completions = sources.completions(str(value))
                self._paint()
            elif kind == "upload" and isinstance(value, list):
                self._uploads.put(value, buffers)
                self._error = ""
                self._open()
            elif kind == "too-large":
                self._complain(ValueError("these files are too large for the browser (over 8 MB): give their path"))
            elif kind == "compute":
                self.compute()
            elif kind == "cancel":
                self.cancel()
            elif kind == "open" and self._opened is None:
                self._open()
            elif kind == "refresh":
                self._paint()
        except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
            self._complain(error)

    def _paint(self) -> None:
        """Send the form as it is now; under a lock, so that no thread's older picture comes last."""
        with self._painting:
            self.view = self._picture()

    def _picture(self) -> dict[str, Any]:
        names = sources.notebook_namespace()
        choice, progress = self._choice, self._progress
        kind, _, run = choice.source.partition(":")
        steps = demo.checkpoints(run) if kind == "demo" and run != "real" else ()
        shown = [row for row in _SHOWN.get(kind, []) if row != "step" or steps]
        summary = f"Sample set: {self._shown}. Choose another" if self._shown else "Choose a sample set"
        return {
            "chosen": {known.name: getattr(choice, known.name) for known in fields(Choice)}
            | {"step": choice.step or (str(steps[-1]) if steps else "")},
            "sources": self._sources,
            "steps": [[str(step), f"step {step}"] for step in steps],
            "variables": [["", "choose …"], *sources.image_variables(names)],
            "completions": self._completions,
            "layouts": _LAYOUTS,
            "classifiers": [
                ["digits", "digits: small CNN for 8×8 digits"],
                *(
                    [f"variable:{name}", f"{name}: a network of this notebook"]
                    for name in sources.module_variables(names)
                ),
            ],
            "devices": self._devices,
            "shown": shown,
            "preview": self._preview,
            "trouble": self._trouble,
            "ready": self._opened is not None,
            "verb": "Show" if isinstance(self._opened, Predictions) else "Compute",
            "running": self._running,
            "progress": None
            if progress is None
            else {"done": progress.done, "total": progress.total, "rate": progress.rate, "left": progress.left},
            "message": self._message,
            "error": self._error,
            "summary": summary,
            "done": bool(self._shown),
        }
