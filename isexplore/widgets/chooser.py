"""Chooses a sample set, a classifier and a device; computes, with progress and a cancel that works."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from isexplore import demo
from isexplore.classifiers import KNOWN, load_classifier
from isexplore.classifiers.weights_report import weights_state
from isexplore.devices import devices
from isexplore.inference import classify
from isexplore.predictions import Predictions
from isexplore.widgets import sources
from isexplore.widgets.panel import HERE
from isexplore.widgets.progress import Progress
from isexplore.widgets.runtime import Runtime
from isexplore.widgets.sources import Choice, Uploads
from isexplore.widgets.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

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


class Chooser(anywidget.AnyWidget):
    """The form above the explorer.

    Parameters
    ----------
    show : callable
        Called with the predictions that were computed or opened.
    shown : str
        The sample set that is shown already, in words; empty where there is none, so that the form starts open.

    Examples
    --------
    >>> chooser = Chooser(print)
    >>> chooser.choose("source", "demo:healthy")
    >>> chooser.choice.source
    'demo:healthy'
    >>> chooser.close()
    """

    _esm = HERE / "chooser.js"

    runtime = anywidget.WidgetTrait().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    progress = traitlets.Any().tag(sync=True)  # a dict or None; apart from the view: it changes ten times a second

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
        self._trouble = False
        self._looking: object = None  # the latest look at a set …
        self._running: object = None  # … and the run that goes on, by identity: what came before has no say
        self._state = RLock()  # for what is read and written together; never held while the form is painted
        self._painting = RLock()
        self._opener, self._worker = Worker(), Worker()
        self._sources = [
            ["demo:real", "embedded: real digits"],
            *([f"demo:{name}", f"embedded: {name} GAN"] for name in demo.names()),
            ["path", "a path on this machine"],
            ["upload", "files from your computer"],
            ["variable", "a variable of this notebook"],
        ]
        self._devices = [["auto", "the best there is"]]
        self._variables: list[list[str]] = []
        self._classifiers: list[list[str]] = []
        self._scan()
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
        # What was said of one set must not be believed of the next.
        forgotten = {"step": "", "range": "", "layout": ""} if field in ("source", "path", "variable") else {}
        with self._state:
            self._choice = replace(self._choice, **{field: value}, **forgotten)
        if field == "path":
            self._completions = sources.completions(value)
        if field in ("classifier", "device"):
            self._scan()
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
        names = sources.notebook_namespace()
        with self._state:
            opened, choice = self._opened, self._choice
            if opened is None:
                raise ValueError("there is no sample set to compute yet: choose one")
            self._running = run = object()
            self._progress, self._error = None, ""
            self._message = "opening …" if isinstance(opened, Predictions) else "computing …"

            def work(check: Callable[[], None]) -> Predictions:
                if isinstance(opened, Predictions):
                    return opened
                kind, _, name = choice.classifier.partition(":")
                classifier: Any = names.get(name) if kind == "variable" else choice.classifier
                return classify(opened, load_classifier(classifier), choice.device, _BATCH, self._reporter(run, check))

            self._worker.start(work, partial(self._finish, run), partial(self._fail, run))
        self._paint()

    def cancel(self) -> None:
        """Stop computing; what is shown stays as it was."""
        with self._state:
            if self._worker.cancel():  # else it was done before this was heard
                self._running, self._message = None, "cancelled; nothing was changed"
        self._paint()

    def _reporter(self, run: object, check: Callable[[], None]) -> Callable[[int, int], None]:
        began = painted = time.monotonic()

        def report(done: int, total: int) -> None:
            nonlocal painted
            check()
            now = time.monotonic()
            if now - painted >= _PAINT_EVERY or done in (0, total):
                painted = now
                with self._state:
                    if self._running is run:
                        self._progress = Progress(done, total, now - began)
                self._paint_progress()

        return report

    def _finish(self, run: object, predictions: Predictions) -> None:
        try:
            self._show(predictions)
        except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
            self._fail(run, error)
            return
        with self._state:
            self._shown = f"{predictions.provenance.source}, {len(predictions)} images"
            if self._running is run:
                self._running, self._error = None, ""
                self._message = f"done in {self._progress.seconds:.1f} s" if self._progress else "opened"
        self._paint()

    def _fail(self, run: object, error: Exception) -> None:
        with self._state:
            if self._running is not run:
                return
            self._running, self._message = None, ""
        self._complain(error)

    def _complain(self, error: Exception) -> None:
        self._error = str(error) or type(error).__name__
        self._paint()

    def _open(self) -> None:
        """Look at the chosen set, away from the kernel's thread: a folder may be large."""
        uploads, names = self._uploads, sources.notebook_namespace()
        self._scan()

        def look(check: Callable[[], None]) -> ImageSet | Predictions:
            if len(self._devices) == 1:  # only here, since it imports torch, which takes a second
                self._devices = [*self._devices, *([name, f"{name}: {card}"] for name, card in devices().items())]
            return sources.open_choice(choice, uploads, names, check)

        def tell(preview: str, opened: ImageSet | Predictions | None, *, trouble: bool = False) -> None:
            with self._state:
                if self._looking is not look:
                    return
                self._opened, self._preview, self._trouble = opened, preview, trouble
            self._paint()

        def found(opened: ImageSet | Predictions) -> None:
            is_saved = isinstance(opened, Predictions)
            tell(f"{opened!r}: ready to show" if is_saved else repr(opened), opened)

        def failed(error: Exception) -> None:
            tell(str(error) or type(error).__name__, None, trouble=not isinstance(error, sources.NothingChosen))

        with self._state:
            choice, self._looking = self._choice, look
            self._opened, self._preview, self._trouble = None, "looking …", False
            self._opener.start(look, found, failed)
        self._paint()

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
                with self._state:
                    self._choice = replace(self._choice, range="", layout="")
                self._error = ""
                self._open()
            elif kind == "too-large":
                self._complain(
                    ValueError(
                        "these files are too large for the browser (over 8 MB): choose “a path on this machine” instead"
                    )
                )
            elif kind == "compute":
                self.compute()
            elif kind == "cancel":
                self.cancel()
            elif kind == "open" and self._opened is None:
                self._open()
            elif kind == "refresh":
                self._scan()
                self._paint()
        except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
            self._complain(error)

    def _paint(self) -> None:
        """Send the form as it is now; under a lock, so that no thread's older picture comes last."""
        with self._painting:
            self._paint_progress()
            self.view = self._picture()

    def _paint_progress(self) -> None:
        with self._painting:
            now = self._progress
            shown = None if now is None else {"done": now.done, "total": now.total, "rate": now.rate, "left": now.left}
            self.progress = shown

    def _scan(self) -> None:
        """Look for sets and networks among the variables of the notebook."""
        names = sources.notebook_namespace()
        self._variables = [["", "choose …"], *map(list, sources.image_variables(names))]
        self._classifiers = [
            *([name, f"{name}: {weights_state(name)}"] for name in KNOWN),
            *([f"variable:{name}", f"{name}: a network of this notebook"] for name in sources.module_variables(names)),
        ]

    def _picture(self) -> dict[str, Any]:
        choice = self._choice
        kind, _, run = choice.source.partition(":")
        steps = demo.checkpoints(run) if kind == "demo" and run != "real" else ()
        shown = [row for row in _SHOWN.get(kind, []) if row != "step" or steps]
        summary = f"Sample set: {self._shown}. Choose another" if self._shown else "Choose a sample set"
        return {
            "chosen": {known.name: getattr(choice, known.name) for known in fields(Choice)}
            | {"step": choice.step or (str(steps[-1]) if steps else "")},
            "sources": self._sources,
            "steps": [[str(step), f"step {step}"] for step in steps],
            "variables": self._variables,
            "completions": self._completions,
            "layouts": _LAYOUTS,
            "classifiers": self._classifiers,
            "devices": self._devices,
            "shown": shown,
            "preview": self._preview,
            "trouble": self._trouble,
            "ready": self._opened is not None,
            "verb": "Show" if isinstance(self._opened, Predictions) else "Compute",
            "running": self._running is not None,
            "message": self._message,
            "error": self._error,
            "summary": summary,
            "done": bool(self._shown),
        }
