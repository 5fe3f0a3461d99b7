"""Chooses a sample set, a classifier and how to run it; computes, with progress and a cancel that works."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from isexplore import demo
from isexplore.classifiers import FILE_ENDINGS, KNOWN
from isexplore.classifiers.weights_report import weights_state
from isexplore.inference.devices import devices
from isexplore.inference.settings import Settings
from isexplore.predictions import Predictions
from isexplore.predictions.assembly import reasons
from isexplore.widgets import notebook, sources
from isexplore.widgets.choice import Choice, NothingChosen, missing_settings, read_classifier, read_settings
from isexplore.widgets.chooser_run import Run
from isexplore.widgets.panel import HERE
from isexplore.widgets.preview import Preview
from isexplore.widgets.runtime import Runtime
from isexplore.widgets.uploads import ALONE, Uploads
from isexplore.widgets.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isexplore.images import ImageSet

_LAYOUTS = [["", "inferred"], ["HWC", "channels last"], ["CHW", "channels first"]]
_PRECISIONS = [["exact", "exact: float32, for numbers to publish"], ["fast", "fast: bfloat16, and how far off it is"]]
_COMPLETED = {"path": ALONE, "network": FILE_ENDINGS}  # fields that are paths, and endings of their files
_OF_THE_RUN = ("classifier", "network", "device", "precision", "batch")


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
    progress = traitlets.Any().tag(sync=True)  # a dict or None; apart from the view: it changes five times a second

    def __init__(self, show: Callable[[Predictions], None], *, shown: str = "") -> None:
        super().__init__(runtime=Runtime.shared())
        self._show = show
        self._shown = shown
        self._choice = Choice()
        self._uploads = Uploads()
        self._preview = Preview(changed=self._paint)
        self._completions: dict[str, list[str]] = {field: [] for field in _COMPLETED}
        self._error = self._message = self._note = ""
        self._running: Run | None = None  # the run that goes on, by identity: what came before has no say
        self._state = RLock()  # for what is read and written together; never held while the form is painted
        self._painting = RLock()
        self._worker = Worker()
        self._sources = sources.offered()
        self._looked_at: object = None  # the object of the notebook, if it is one
        self._devices = [["auto", "the best there is"]]
        self._variables, self._classifiers = list[list[str]](), list[list[str]]()
        self._controls, self._images_hint = list[str](), ""
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
        """Stop what runs, and leave the page; a thread that still reads an upload deletes it at its end."""
        self._worker.cancel()
        self._preview.close(last=partial(self._worker.abandon, self._uploads.close))
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
        is_other = field in ("source", "path", "variable")
        forgotten = dict.fromkeys(("step", "images", "range", "layout"), "") if is_other else {}
        with self._state:
            self._choice = replace(self._choice, **{field: value}, **forgotten)
            if self._running is None:
                self._message = ""
        if field in _COMPLETED:
            self._complete(field, value)
        if field in _OF_THE_RUN:
            self._scan()
            self._paint()
        else:
            self._open(elsewhere=is_other)

    def compute(self) -> None:
        """Classify the chosen images in the worker, and show the result; the latest request wins.

        Raises
        ------
        ValueError
            If there is nothing to compute, or another object has the variable's name by now.
        """
        names = notebook.notebook_namespace()
        if self._is_replaced(names):
            self._open()
            raise ValueError(f"{self._choice.variable} is another object by now: look at what it is, and compute again")
        with self._state:
            opened, choice = self._preview.opened, self._choice
            if opened is None:
                raise ValueError("there is no sample set to compute yet: choose one")
            is_saved = isinstance(opened, Predictions)
            settings = Settings() if is_saved else read_settings(choice)
            self._error = ""
            self._message = "opening …" if is_saved else "computing …"
            self._running = run = Run(opened, read_classifier(choice, names), settings, self._paint_progress)
            self._worker.start(run, partial(self._finish, run), partial(self._fail, run))
        self._paint()

    def cancel(self) -> None:
        """Stop computing; what is shown stays as it was."""
        with self._state:
            if self._worker.cancel():  # else it was done before this was heard
                self._running, self._message = None, "cancelled; nothing was changed"
        self._paint()

    def _finish(self, run: Run, predictions: Predictions) -> None:
        try:
            self._show(predictions)
        except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
            self._fail(run, error)
            return
        skipped = predictions.provenance.skipped
        of = len(skipped) + len(predictions)
        with self._state:
            self._shown = f"{predictions.provenance.source}, {len(predictions)} images"
            self._note = f"{len(skipped)} of {of} images were skipped: {reasons(skipped)}" if skipped else ""
            if self._running is run:
                self._running, self._error, self._message = None, "", run.outcome(predictions)
        self._paint()

    def _fail(self, run: Run, error: Exception) -> None:
        with self._state:
            if self._running is not run:
                return
            self._running, self._message = None, ""
        self._complain(error)

    def _complain(self, error: Exception) -> None:
        self._error = str(error) or type(error).__name__
        self._paint()

    def _is_replaced(self, names: Mapping[str, Any]) -> bool:
        """Say whether the variable that was looked at is another object by now: its cell was run again."""
        return self._choice.source == "variable" and names.get(self._choice.variable) is not self._looked_at

    def _open(self, *, elsewhere: bool = True) -> None:
        """Look at the chosen set; `elsewhere` than before, or at the same in another way."""
        uploads, names = self._uploads, notebook.notebook_namespace()
        self._scan()

        def open_set(check: Callable[[], None]) -> ImageSet | Predictions:
            if len(self._devices) == 1:  # only here, since it imports torch, which takes a second
                self._devices = [*self._devices, *([name, f"{name}: {card}"] for name, card in devices().items())]
            return sources.open_choice(choice, uploads, names, check)

        with self._state:
            choice = self._choice
            self._looked_at = names.get(choice.variable) if choice.source == "variable" else None
            self._preview.look(open_set, elsewhere=elsewhere)
        self._paint()

    def _complete(self, field: str, text: str) -> None:
        # A new dict: a view that holds the old one must not change with it.
        self._completions = self._completions | {field: sources.completions(text, _COMPLETED[field])}

    def _receive(self, _: object, message: dict[str, Any], buffers: list[memoryview]) -> None:
        try:
            self._act(message.get("kind"), message.get("value"), buffers)
        except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
            self._complain(error)

    def _act(self, kind: object, value: Any, buffers: list[memoryview]) -> None:
        if kind == "choose" and isinstance(value, dict):
            self.choose(str(value.get("field")), str(value.get("value")))
        elif kind == "complete" and isinstance(value, dict) and str(value.get("field")) in _COMPLETED:
            self._complete(value["field"], str(value.get("value")))
            self._paint()
        elif kind == "upload" and isinstance(value, list):
            self._uploads.put(value, buffers)
            with self._state:
                self._choice = replace(self._choice, range="", layout="")
            self._error = ""
            self._open()
        elif kind == "too-large":
            raise ValueError("these files are too large for the browser (over 8 MB): choose “a path on this machine”")
        elif kind == "compute":
            self.compute()
        elif kind == "cancel":
            self.cancel()
        elif kind == "open" and self._preview.opened is None:
            self._open()
        elif kind == "refresh":
            if self._is_replaced(notebook.notebook_namespace()):
                self._open()
            else:
                self._scan()
                self._paint()

    def _paint(self) -> None:
        """Send the form as it is now; under a lock, so that no thread's older picture comes last."""
        with self._painting:
            self._paint_progress()
            self.view = self._picture()

    def _paint_progress(self) -> None:
        with self._painting:
            run = self._running
            self.progress = None if run is None else run.picture

    def _scan(self) -> None:
        """Look for sets and networks among the variables of the notebook, and which controls the form needs."""
        names = notebook.notebook_namespace()
        self._variables = [["", "choose …"], *map(list, notebook.image_variables(names))]
        networks = notebook.network_variables(names)
        self._classifiers = [
            *([name, f"{name}: {weights_state(name)}"] for name in KNOWN),
            *([f"variable:{name}", text] for name, text in networks),
            ["file", "a network file …"],
        ]
        self._controls = sources.controls(self._choice, self._uploads, names)
        self._images_hint = sources.images_hint(self._choice, names)

    def _picture(self) -> dict[str, Any]:
        choice, preview = self._choice, self._preview
        missing = None if preview.opened is None or preview.is_saved else missing_settings(choice)
        kind, _, run = choice.source.partition(":")
        steps = demo.checkpoints(run) if kind == "demo" and run != "real" else ()
        summary = f"Sample set: {self._shown}. Choose another" if self._shown else "Choose a sample set"
        return {
            "chosen": asdict(choice) | {"step": choice.step or (str(steps[-1]) if steps else "")},
            "sources": self._sources,
            "steps": [[str(step), f"step {step}"] for step in steps],
            "variables": self._variables,
            "completions": self._completions,
            "layouts": _LAYOUTS,
            "classifiers": self._classifiers,
            "devices": self._devices,
            "precisions": _PRECISIONS,
            "imagesHint": self._images_hint,
            "shown": [*self._controls, *(["network"] if choice.classifier == "file" else [])],
            "preview": preview.text if missing is None else f"{preview.text} · {missing}",
            "trouble": preview.trouble or not (missing is None or isinstance(missing, NothingChosen)),
            "ready": preview.opened is not None and missing is None,
            "verb": "Show" if preview.is_saved else "Compute",
            "running": self._running is not None,
            "message": self._message,
            "note": self._note,
            "error": self._error,
            "summary": summary,
            "done": bool(self._shown),
        }
