"""The chooser, headless: what can be chosen, what is said about it, and computing with a cancel that works."""

from __future__ import annotations

import io
import json
import math
import os
import sys
import tarfile
import time
import warnings
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Lock, Thread, current_thread
from threading import enumerate as running_threads
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import isexplore as ix
from isexplore.classifiers import load_classifier, weights
from isexplore.inference.settings import Settings
from isexplore.widgets import chooser as chooser_module
from isexplore.widgets import chooser_run, notebook, sources
from isexplore.widgets.choice import Choice, two_numbers
from isexplore.widgets.chooser import Chooser
from isexplore.widgets.progress import Pace, Progress
from isexplore.widgets.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

LONG = 60  # seconds after which a test gives up

View = dict[str, Any]


def pixels(n: int = 200, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (n, 8, 8), dtype=np.uint8)


def make(n: int = 30, seed: int = 0) -> ix.Predictions:
    return ix.Predictions.from_probabilities(np.random.default_rng(seed).dirichlet([0.3] * 4, n))


def npy(images: NDArray[np.uint8]) -> memoryview:
    stream = io.BytesIO()
    np.save(stream, images)
    return memoryview(stream.getvalue())


def png(seed: int = 0) -> memoryview:
    stream = io.BytesIO()
    Image.fromarray(pixels(1, seed)[0]).save(stream, "PNG")
    return memoryview(stream.getvalue())


class Network(torch.nn.Module):
    """Five logits an image; each batch waits until it may go on."""

    class_names = tuple("abcde")

    def __init__(self, *, waits: bool = False) -> None:
        super().__init__()
        self.entered, self.go_on = Event(), Event()
        self.batches = 0
        if not waits:
            self.go_on.set()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.batches += 1
        self.entered.set()
        assert self.go_on.wait(LONG)
        return images.flatten(1)[:, :5] * 9


class Sampler:
    """A generator of the notebook that waits when it is armed, or raises what it is told to."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.entered, self.go_on = Event(), Event()
        self.draws, self.is_armed, self.error = 0, False, error

    def draw(self, n: int) -> NDArray[np.uint8]:
        self.draws += 1
        if self.is_armed:
            self.entered.set()
            if self.error is not None:
                raise self.error
            assert self.go_on.wait(LONG)
        return pixels(n)


def wait_for_the_threads(chooser: Chooser) -> None:
    """Wait until the threads of a chooser that was closed have ended."""
    chooser._preview._worker.close()
    chooser._worker.close()


def until(chooser: Chooser, ready: Callable[[View], object]) -> View:
    """Wait for a view that is ready, and return the latest."""
    reached = Event()

    def look(change: dict[str, Any]) -> None:
        if ready(change["new"]):
            reached.set()

    chooser.observe(look, "view")
    if not ready(chooser.view):
        assert reached.wait(LONG), chooser.view
    chooser.unobserve(look, "view")
    view: View = chooser.view
    json.dumps(view, allow_nan=False)
    return view


class Room:
    """A chooser, the notebook around it, and what it has shown."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names
        self.shown: list[ix.Predictions] = []
        self.chooser = Chooser(self.shown.append)

    @property
    def view(self) -> View:
        view: View = self.chooser.view
        return view

    def until(self, ready: Callable[[View], object]) -> View:
        return until(self.chooser, ready)

    def looked(self) -> View:
        return self.until(lambda view: view["preview"] != "looking …")

    def choose(self, **fields: str) -> View:
        """Set controls as the page does, and wait until the preview says something."""
        for field, value in fields.items():
            self.say("choose", {"field": field, "value": value})
        return self.looked()

    def say(self, kind: str, value: object = None, buffers: list[memoryview] | None = None) -> None:
        (callback,) = self.chooser._msg_callbacks.callbacks
        callback(self.chooser, {"kind": kind, "value": value}, buffers or [])

    def compute(self) -> View:
        self.say("compute")
        return self.until(lambda view: not view["running"])


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    names: dict[str, Any] = {}
    monkeypatch.setattr(notebook, "notebook_namespace", lambda: names)
    room = Room(names)
    room.looked()
    yield room
    for value in names.values():
        if isinstance(value, Network | Sampler):
            value.go_on.set()
    room.chooser.close()


@pytest.fixture
def slow(room: Room) -> Network:
    """Choose a network of the notebook that waits in its first batch, and images for it."""
    room.names.update(images=pixels(), slow=Network(waits=True), fast=Network())
    room.choose(source="variable", variable="images", classifier="variable:slow", device="cpu", batch="64")
    network: Network = room.names["slow"]
    return network


# The form


def test_it_opens_on_the_real_digits(room: Room) -> None:
    view = room.view
    assert view["chosen"]["source"] == "demo:real"
    assert view["preview"] == f"{ix.demo.real().name}: {ix.demo.real().description}"
    assert (view["ready"], view["verb"], view["running"], view["done"]) == (True, "Compute", False, False)
    assert (view["error"], view["summary"], view["shown"]) == ("", "Choose a sample set", [])
    assert {"demo:real", "demo:healthy", "demo:collapsed", "path", "upload", "variable"} <= {
        key for key, _ in view["sources"]
    }
    assert view["devices"][0][0] == "auto"
    assert "cpu" in [key for key, _ in view["devices"]]
    assert view["classifiers"][0][0] == "digits"


def test_an_explorer_with_a_set_begins_closed() -> None:
    chooser = Chooser(lambda _: None, shown="samples.npz, 30 images")
    assert chooser.view["done"] is True
    assert "samples.npz, 30 images" in chooser.view["summary"]
    chooser.close()


@pytest.mark.parametrize("name", ix.demo.names())
def test_each_embedded_gan_has_its_checkpoints(room: Room, name: str) -> None:
    view = room.choose(source=f"demo:{name}")
    steps = [str(step) for step in ix.demo.checkpoints(name)]
    assert [key for key, _ in view["steps"]] == steps
    assert (view["chosen"]["step"], view["shown"]) == (steps[-1], ["step"])
    last = view["preview"]
    assert last == f"{ix.demo.gan(name).name}: {ix.demo.gan(name).description}"
    first = ix.demo.gan(name, int(steps[0]))
    assert room.choose(step=steps[0])["preview"] == f"{first.name}: {first.description}" != last
    assert room.choose(source="demo:real")["chosen"]["step"] == ""


def test_each_source_shows_its_own_controls(room: Room) -> None:
    for source in ("path", "upload", "variable"):
        view = room.choose(source=source)
        assert view["shown"] == [source]
        assert (view["ready"], view["error"]) == (False, "")
        assert view["preview"]


def test_another_source_forgets_what_was_stated_of_the_last(room: Room) -> None:
    room.choose(source="path", range="0 1", layout="HWC", images="7")
    view = room.choose(source="variable")
    assert [view["chosen"][field] for field in ("range", "layout", "images")] == ["", "", ""]


@pytest.mark.parametrize(("field", "value"), [("colour", "blue"), ("source", "demo:nobody"), ("source", "cloud")])
def test_the_form_has_no_such_thing(room: Room, field: str, value: str) -> None:
    before = room.chooser.choice
    with pytest.raises(ValueError, match=value if field == "source" else field):
        room.chooser.choose(field, value)
    assert room.chooser.choice is before
    room.say("choose", {"field": field, "value": value})
    assert repr(value if field == "source" else field) in room.view["error"]


# A path


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "samples.npz", images=pixels(7))
    np.save(tmp_path / "floats.npy", np.linspace(0, 16, 5 * 64).reshape(5, 8, 8))
    make(9).save(tmp_path / "run.safetensors")
    (tmp_path / "notes.txt").write_text("no images")
    (tmp_path / "Folder" / "deeper").mkdir(parents=True)
    (tmp_path / "Folder" / "a.png").write_bytes(png())
    (tmp_path / "Folder" / "deeper" / "b.png").write_bytes(png())
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden.npz").write_bytes(b"")
    return tmp_path


def test_a_path_is_previewed(room: Room, files: Path) -> None:
    room.choose(source="path")
    assert "7 images, 8×8 gray" in room.choose(path="samples.npz")["preview"]
    view = room.choose(path=f"  {files}/Folder ")
    assert "2 images" in view["preview"]
    assert (view["ready"], view["verb"]) == (True, "Compute")


def test_the_range_of_a_path_can_be_stated(room: Room, files: Path) -> None:
    view = room.choose(source="path", path=str(files / "floats.npy"))
    assert (view["ready"], "range" in view["preview"]) == (False, True)  # 0–16: the library asks
    view = room.choose(range="0 16")
    assert view["ready"]
    assert "0–16" in view["preview"]
    view = room.choose(range="black to white")
    assert not view["ready"]
    assert "black to white" in view["preview"]


def test_the_layout_can_be_stated(room: Room) -> None:
    room.names["pictures"] = np.zeros((2, 3, 4, 3), np.uint8)
    assert "4×3 RGB" in room.choose(source="variable", variable="pictures", layout="HWC")["preview"]
    assert "3×4 RGB" in room.choose(layout="CHW")["preview"]


def test_saved_predictions_are_shown_without_computing(room: Room, files: Path) -> None:
    view = room.choose(source="path", path=f"{files / 'run.safetensors'} ")
    assert (view["ready"], view["verb"]) == (True, "Show")
    assert "9 images × 4 classes" in view["preview"]
    view = room.compute()
    (shown,) = room.shown
    np.testing.assert_array_equal(shown.probabilities, make(9).probabilities)
    assert (view["done"], view["error"], view["message"]) == (True, "", "opened")
    assert "9 images" in view["summary"]


@pytest.mark.parametrize("path", ["nothing/here", "notes.txt", ".hidden.npz", "~nobody-of-this-name/x", "a\0b", "."])
def test_a_path_of_no_images_says_so(room: Room, files: Path, path: str) -> None:
    (files / "Folder" / "deeper" / "b.png").unlink()
    (files / "Folder" / "a.png").unlink()
    view = room.choose(source="path", path=path)
    assert (view["ready"], view["running"]) == (False, False)
    assert view["preview"]
    room.say("compute")
    assert "choose one" in room.view["error"]
    room.choose(source="demo:real")
    assert room.view["error"] == ""


def test_a_set_that_is_found_late_does_not_stand_for_the_next_choice(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, late = Event(), ix.open_images(pixels(7), name="late")

    def open_choice(choice: Choice, *_: object) -> ix.ImageSet:
        if choice.path == "next":
            raise ValueError("nothing there")
        assert found.wait(LONG)
        return late

    def let_it_arrive(change: dict[str, Any]) -> None:
        if change["new"]["chosen"]["path"] == "next" and not found.is_set():
            found.set()
            while not told.done() and room.chooser._preview.opened is not late:
                time.sleep(0.001)

    monkeypatch.setattr(sources, "open_choice", open_choice)
    room.say("choose", {"field": "path", "value": "first"})
    told = room.chooser._preview._worker._pool.submit(int)  # runs when the first look is over
    room.chooser.observe(let_it_arrive, "view")
    view = room.choose(path="next")
    assert (view["preview"], view["ready"], room.chooser._preview.opened) == ("nothing there", False, None)


def test_a_set_that_is_told_late_does_not_stand_for_the_next_choice(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling, go_on, views = Event(), Event(), list[View]()

    class Late:
        def __repr__(self) -> str:
            telling.set()
            assert go_on.wait(LONG)
            return "late"

    monkeypatch.setattr(sources, "open_choice", lambda choice, *_: Late() if choice.path == "first" else make())
    room.say("choose", {"field": "path", "value": "first"})
    assert telling.wait(LONG)
    room.say("choose", {"field": "path", "value": "next"})
    room.chooser.observe(lambda change: views.append(change["new"]), "view")
    go_on.set()
    assert "ready to show" in room.looked()["preview"]
    assert [view["preview"] for view in views if view["preview"] == "late"] == []


def test_the_next_choice_does_not_wait_for_a_walk_of_everything(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    walking, over = Event(), Event()

    def walk(folder: Path, **_: object) -> Iterator[tuple[Path, list[str], list[str]]]:
        while not over.is_set():
            walking.set()
            yield folder, [], []

    monkeypatch.setattr(os, "walk", walk)
    room.say("choose", {"field": "source", "value": "path"})
    room.say("choose", {"field": "path", "value": "/"})
    try:
        assert walking.wait(LONG)
        assert room.choose(source="demo:real")["ready"]
    finally:
        over.set()


# Completion


def test_completions_are_folders_and_array_files(files: Path) -> None:
    assert sources.completions("") == ["floats.npy", "Folder/", "run.safetensors", "samples.npz"]
    assert sources.completions("F") == ["Folder/"]
    assert sources.completions("Folder/") == ["Folder/deeper/"]
    assert sources.completions(f"{files}/s") == [f"{files}/samples.npz"]
    assert sources.completions(".") == [".hidden/", ".hidden.npz"]
    assert sources.completions("./.h") == ["./.hidden/", "./.hidden.npz"]
    assert sources.completions("notes") == []


def test_the_home_folder_is_completed_as_it_was_typed(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(files))
    monkeypatch.setenv("USERPROFILE", str(files))
    assert sources.completions("~/sam") == ["~/samples.npz"]


@pytest.mark.parametrize("text", ["/nothing/here", "~nobody-of-this-name/x", "a\0b/c", "notes.txt/x", "x" * 5000 + "/"])
@pytest.mark.usefixtures("files")
def test_no_such_folder_has_no_completions(text: str) -> None:
    assert sources.completions(text) == []


def test_completions_are_at_most_fifty(files: Path) -> None:
    for i in range(60):
        (files / f"many {i}").mkdir()
    assert len(sources.completions("many")) == 50


class Entry:
    """An entry of a folder, of which only what fits may be asked for its kind."""

    def __init__(self, name: str) -> None:
        self.name = name

    def is_dir(self) -> bool:
        assert self.name.startswith("fit")
        return not self.name.endswith(".npz")


def test_completing_looks_closer_only_at_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["other", *(f"fit {i:03d}{'.npz' if i % 2 else ''}" for i in reversed(range(200))), "another.png"]

    @contextmanager
    def scandir(_: Path) -> Iterator[Iterator[Entry]]:
        yield map(Entry, names)

    monkeypatch.setattr(os, "scandir", scandir)
    found = sources.completions("fit")
    assert (len(found), found[:3]) == (50, ["fit 000/", "fit 001.npz", "fit 002/"])


@pytest.mark.usefixtures("files")
def test_a_link_that_leads_in_a_circle_does_not_hide_the_others(files: Path) -> None:
    (files / "self").symlink_to(files / "self")
    assert sources.completions("s") == ["samples.npz"]


@pytest.mark.usefixtures("files")
def test_typing_completes_and_chooses_nothing(room: Room) -> None:
    room.choose(source="path")
    sent: list[list[str]] = []
    room.chooser.observe(lambda change: sent.append(change["new"]["completions"]["path"]), "view")
    room.say("complete", {"field": "path", "value": "sam"})
    assert sent == [["samples.npz"]]
    assert room.chooser.choice.path == ""
    assert room.choose(path="Fold")["completions"]["path"] == ["Folder/"]


# Uploads


def test_uploaded_pictures_are_a_folder(room: Room) -> None:
    room.choose(source="upload")
    room.say("upload", ["b.png", "a.png", "c.png"], [png(1), png(2), png(3)])
    view = room.looked()
    assert (view["ready"], "3 images" in view["preview"]) == (True, True)
    images = sources.open_choice(room.chooser.choice, room.chooser._uploads, {}, lambda: None)
    assert isinstance(images, ix.ImageSet)
    assert images.image_names == ("a.png", "b.png", "c.png")
    np.testing.assert_array_equal(images.read(0)[..., 0], pixels(1, 2)[0])


def test_an_uploaded_array_file_is_opened(room: Room) -> None:
    stream = io.BytesIO()
    np.savez(stream, images=pixels(6))
    room.choose(source="upload")
    room.say("upload", ["six.npz"], [memoryview(stream.getvalue())])
    assert "6 images" in room.looked()["preview"]
    assert room.compute()["error"] == ""
    assert len(room.shown[0]) == 6


def test_what_was_said_of_one_set_is_not_believed_of_the_next(room: Room, tmp_path: Path) -> None:
    np.save(tmp_path / "sixteenths.npy", np.linspace(0, 16, 640).reshape(10, 8, 8))
    np.save(tmp_path / "units.npy", np.linspace(0, 1, 640).reshape(10, 8, 8))
    room.choose(source="path", path=str(tmp_path / "sixteenths.npy"))
    room.choose(range="0 16")
    assert room.looked()["ready"]
    view = room.choose(path=str(tmp_path / "units.npy"))
    assert view["chosen"]["range"] == ""
    assert "0–1" in room.looked()["preview"]


def test_nothing_chosen_yet_is_no_error(room: Room) -> None:
    room.choose(source="path")
    view = room.looked()
    assert (view["trouble"], view["ready"], view["error"]) == (False, False, "")
    assert view["preview"].startswith("type the path")
    room.choose(path="/nowhere/at/all")
    assert room.looked()["trouble"]


def test_uploaded_predictions_are_shown(room: Room, tmp_path: Path) -> None:
    make(9).save(tmp_path / "run.safetensors")
    room.choose(source="upload")
    room.say("upload", ["run.safetensors"], [memoryview((tmp_path / "run.safetensors").read_bytes())])
    view = room.looked()
    assert view["verb"] == "Show"


def test_another_upload_replaces_the_last_and_leaves_its_pictures_readable(room: Room) -> None:
    room.choose(source="upload")
    room.say("upload", ["a.png", "b.png"], [png(1), png(2)])
    room.looked()
    first = room.chooser._preview.opened
    room.say("upload", ["c.png"], [png(3)])
    assert "1 image " in room.looked()["preview"]
    assert isinstance(first, ix.ImageSet)
    np.testing.assert_array_equal(first.read(1)[..., 0], pixels(1, 2)[0])


@pytest.mark.parametrize("name", ["../../x.png", "/etc/x.png", "..\\..\\x.png", "a/b/x.png", "x.png"])
def test_an_uploaded_name_stays_in_its_folder(name: str) -> None:
    uploads = Uploads()
    uploads.put([name], [png()])
    assert uploads.path().is_dir()
    assert [file.name for file in uploads.path().iterdir()] == ["x.png"]
    uploads.close()


@pytest.mark.parametrize(
    ("names", "count", "error"),
    [
        (["x.png", "x.png"], 2, "same name"),
        (["a/x.png", "b/x.png"], 2, "same name"),
        ([".."], 1, "whole"),
        ([""], 1, "whole"),
        (["x.png"], 0, "whole"),
    ],
)
def test_an_upload_that_is_not_whole_changes_nothing(room: Room, names: list[str], count: int, error: str) -> None:
    room.choose(source="upload")
    room.say("upload", ["good.png"], [png()])
    before = room.looked()["preview"]
    room.say("upload", names, [png()] * count)
    assert error in room.view["error"]
    assert (room.view["preview"], room.view["ready"]) == (before, True)
    assert [file.name for file in room.chooser._uploads.path().iterdir()] == ["good.png"]
    room.say("upload", ["better.png"], [png()])
    assert room.looked()["error"] == ""


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"<svg onload=alert(1)>"])
def test_an_uploaded_file_that_is_no_picture_is_told(room: Room, content: bytes) -> None:
    room.choose(source="upload")
    room.say("upload", ["<b>.png"], [memoryview(content)])
    assert "can't be read" in room.looked()["preview"]
    view = room.compute()
    assert "<b>.png" in view["error"]
    assert str(room.chooser._uploads.path()) not in view["error"]
    assert room.shown == []


@pytest.mark.parametrize("name", ["notes.txt", "broken.npz", "broken.npy", "broken.safetensors"])
def test_nobody_is_told_where_an_upload_lies(room: Room, name: str) -> None:
    room.choose(source="upload")
    room.say("upload", [name], [memoryview(b"nothing")])
    preview = room.looked()["preview"]
    assert "isexplore-" not in preview
    assert room.chooser._uploads.path().name not in preview or name.startswith("broken")
    assert ("the uploaded files" if name == "notes.txt" else name) in preview


def test_too_large_an_upload_is_told_and_kept_on_screen(room: Room) -> None:
    room.choose(source="upload")
    room.say("too-large", 9e6)
    assert "path" in room.view["error"]
    room.say("refresh")
    assert "path" in room.view["error"]


def test_uploads_are_deleted_when_the_chooser_closes() -> None:
    chooser = Chooser(lambda _: None)
    chooser._uploads.put(["a.png"], [png()])
    folder = chooser._uploads.path()
    chooser.close()
    wait_for_the_threads(chooser)
    assert not folder.parent.exists()
    with pytest.raises(ValueError, match="choose image files"):
        chooser._uploads.path()
    chooser.close()


def test_an_upload_stays_until_nobody_reads_it(room: Room) -> None:
    room.names["slow"] = slow = Network(waits=True)
    room.choose(source="upload", classifier="variable:slow", device="cpu")
    room.say("upload", ["a.npy"], [npy(pixels(5))])
    folder = room.chooser._uploads.path().parent
    assert room.looked()["ready"], room.view
    room.say("compute")
    assert slow.entered.wait(LONG), room.view
    room.chooser.close()
    assert folder.exists()
    slow.go_on.set()
    wait_for_the_threads(room.chooser)
    assert not folder.exists()


# Variables of the notebook


def test_variables_that_may_hold_images_are_offered(room: Room) -> None:
    room.names.update(
        gray=np.zeros((4, 8, 8)),
        tensor=torch.zeros(2, 3, 8, 8),
        ours=make(5),
        opened=ix.open_images(pixels(7)),
        flat=np.zeros((5, 64)),
        text="pictures",
        number=4,
        _hidden=np.zeros((4, 8, 8)),
        network=Network(),
        Kind=torch.nn.Module,
    )
    room.say("refresh")
    assert dict(room.view["variables"]) == {
        "": "choose …",
        "gray": "gray: 4×8×8 float64",
        "tensor": "tensor: 2×3×8×8 float32",
        "ours": "ours: 5 images",
        "opened": "opened: 7 images",
    }
    assert [key for key, _ in room.view["classifiers"]] == [
        "digits",
        "inception-2015",
        "inception-v3",
        "variable:network",
        "file",
    ]


def test_a_variable_is_previewed_and_computed(room: Room) -> None:
    room.names["mine"] = torch.from_numpy(pixels(5))
    assert room.choose(source="variable", variable="mine")["preview"].startswith("mine: 5 images, 8×8 gray")
    room.compute()
    expected = ix.predict(pixels(5), "digits", device="cpu", progress=False)
    np.testing.assert_array_equal(room.shown[0].probabilities, expected.probabilities)
    assert room.shown[0].provenance.source == "mine"


def test_a_variable_that_was_made_again_is_looked_at_again(room: Room) -> None:
    room.names["mine"] = pixels(5)
    room.choose(source="variable", variable="mine", device="cpu")
    room.say("refresh")
    assert room.view["ready"]  # it is the same object
    room.names["mine"] = pixels(6, seed=1)
    room.say("refresh")
    assert room.looked()["preview"].startswith("mine: 6 images")
    room.names["mine"] = pixels(7, seed=2)
    room.say("compute")
    assert "mine is another object by now" in room.view["error"]
    assert room.looked()["preview"].startswith("mine: 7 images")
    assert (room.compute()["error"], len(room.shown[0])) == ("", 7)
    del room.names["mine"]
    room.say("refresh")
    assert "choose a variable" in room.looked()["preview"]


def test_another_source_does_not_wait_for_a_generator(room: Room) -> None:
    room.names["it"] = it = Sampler()
    room.names["draw"] = it.draw
    it.is_armed = True
    for field, value in {"source": "variable", "variable": "draw"}.items():
        room.say("choose", {"field": field, "value": value})
    assert it.entered.wait(LONG)
    for images in ("10", "20", "30"):
        room.say("choose", {"field": "images", "value": images})
    looking = room.chooser._preview._worker
    assert room.choose(source="demo:real")["ready"]
    it.go_on.set()
    looking.close()
    assert it.draws == 1  # what had waited was not drawn


def test_predictions_in_a_variable_are_shown_as_they_are(room: Room) -> None:
    room.names["ours"] = make(5)
    assert room.choose(source="variable", variable="ours")["verb"] == "Show"
    room.compute()
    assert room.shown == [room.names["ours"]]


def test_a_variable_that_is_gone_is_told(room: Room) -> None:
    view = room.choose(source="variable", variable="gone")
    assert (view["ready"], "choose a variable" in view["preview"]) == (False, True)


def test_outside_a_notebook_there_are_no_variables() -> None:
    assert notebook.notebook_namespace() == {}


# Every kind of source


def as_folder(folder: Path, pictures: NDArray[np.uint8]) -> Path:
    (folder / "folder").mkdir()
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / "folder" / f"{i:03d}.png")
    return folder / "folder"


def as_zip(folder: Path, pictures: NDArray[np.uint8]) -> Path:
    with zipfile.ZipFile(folder / "pictures.zip", "w") as archive:
        for file in sorted(as_folder(folder, pictures).iterdir()):
            archive.write(file, file.name)
    return folder / "pictures.zip"


def as_tar(folder: Path, pictures: NDArray[np.uint8]) -> Path:
    with tarfile.open(folder / "pictures.tar.gz", "w:gz") as archive:
        archive.add(as_folder(folder, pictures), "pictures")
    return folder / "pictures.tar.gz"


def as_npz(folder: Path, pictures: NDArray[np.uint8]) -> Path:
    np.savez(folder / "pictures.npz", pictures)
    return folder / "pictures.npz"


def as_npy(folder: Path, pictures: NDArray[np.uint8]) -> Path:
    np.save(folder / "pictures.npy", pictures)
    return folder / "pictures.npy"


FILES = [as_folder, as_zip, as_tar, as_npz, as_npy]
VARIABLES: dict[str, Callable[[torch.Tensor], Any]] = {
    "array": lambda batch: batch.numpy(),
    "tensor": lambda batch: batch,
    "image set": lambda batch: ix.open_images(batch.numpy()),
    "dataset": TensorDataset,
    "loader": lambda batch: DataLoader(TensorDataset(batch), batch_size=7),
    "function": lambda batch: lambda n: batch[:n],
}


@pytest.fixture
def expected(room: Room) -> ix.Predictions:
    room.names.update(mine=Network())
    room.choose(classifier="variable:mine", device="cpu")
    return ix.predict(rgb(), Network(), device="cpu", progress=False)


def rgb() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize("make_file", FILES)
def test_every_path_gives_the_same_predictions(
    room: Room, tmp_path: Path, expected: ix.Predictions, make_file: Callable[[Path, NDArray[np.uint8]], Path]
) -> None:
    room.choose(source="path")
    assert "20 images" in room.choose(path=str(make_file(tmp_path, rgb())))["preview"]
    assert room.compute()["error"] == ""
    np.testing.assert_array_equal(room.shown[0].probabilities, expected.probabilities)


@pytest.mark.parametrize("make_file", [as_zip, as_tar, as_npz, as_npy])
def test_every_upload_gives_the_same_predictions(
    room: Room, tmp_path: Path, expected: ix.Predictions, make_file: Callable[[Path, NDArray[np.uint8]], Path]
) -> None:
    file = make_file(tmp_path, rgb())
    room.choose(source="upload")
    room.say("upload", [file.name], [memoryview(file.read_bytes())])
    view = room.looked()
    assert view["preview"].startswith("uploaded files: 20 images")
    assert view["shown"] == (["upload"] if make_file in (as_zip, as_tar) else ["upload", "range", "layout"])
    assert room.compute()["error"] == ""
    np.testing.assert_array_equal(room.shown[0].probabilities, expected.probabilities)


@pytest.mark.parametrize("kind", VARIABLES)
def test_every_variable_gives_the_same_predictions(room: Room, expected: ix.Predictions, kind: str) -> None:
    room.names["it"] = VARIABLES[kind](torch.from_numpy(rgb()).movedim(-1, 1))
    view = room.choose(source="variable", variable="it", images="20" if kind == "function" else "")
    assert view["preview"].startswith("it: 20 images")
    assert "it" in dict(view["variables"])
    assert room.compute()["error"] == ""
    np.testing.assert_array_equal(room.shown[0].probabilities, expected.probabilities)
    assert room.shown[0].provenance.source == "it"


class Generator(torch.nn.Module):
    latent_dim = 3

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z.sigmoid()[:, :, None, None].expand(-1, 3, 8, 8)


def test_a_module_that_states_its_latents_generates(room: Room, expected: ix.Predictions) -> None:
    assert len(expected) == 20
    room.names["G"] = Generator()
    view = room.choose(source="variable", variable="G")
    assert (view["shown"], view["imagesHint"]) == (["variable", "images", "range", "layout"], "10,000")
    assert view["preview"].startswith("G: 10000 images")
    for text in ("1,000", "0x3", "0", "-5", "many"):
        view = room.choose(images=text)
        assert (view["ready"], view["trouble"]) == (text == "1,000", text != "1,000")
        assert ("1000 images" if text == "1,000" else repr(text)) in view["preview"]
    assert room.choose(images="30")["ready"]
    assert room.compute()["error"] == ""
    assert len(room.shown[0]) == 30


def test_what_may_generate_is_offered_and_nothing_else_that_can_be_called(room: Room) -> None:
    room.names.update(
        G=Generator(),
        critic=Network(),
        digits=load_classifier("digits"),
        draw=lambda n: np.zeros((n, 8, 8)),
        capital=lambda N: np.zeros((N, 8, 8)),  # noqa: N803 - people write it so
        album=[Image.new("L", (8, 8))] * 3,
        losses=[0.5, 0.25],
        sample=lambda batch_size, sigma=1.0: sigma * np.ones((batch_size, 8, 8)),
        plot=lambda image: image,
        train=lambda: None,
        mix=lambda n, m: n + m,
        length=len,
        Kind=Generator,
        text="n",
    )
    room.say("refresh")
    assert [key for key, _ in room.view["variables"]] == ["", "G", "draw", "capital", "album", "sample"]
    networks = dict(room.view["classifiers"])
    assert [key for key in networks if key.startswith("variable:")] == [
        "variable:critic",
        "variable:digits",
        "variable:G",
    ]
    assert "generator" in networks["variable:G"]


def test_a_ready_classifier_of_the_notebook_classifies(room: Room) -> None:
    room.names["mine"] = load_classifier("digits")
    room.choose(classifier="variable:mine", device="cpu")
    assert room.compute()["error"] == ""
    assert room.shown[0].provenance.classifier == "digits"


class Endless(IterableDataset[torch.Tensor]):
    def __iter__(self) -> Iterator[torch.Tensor]:
        while True:
            yield torch.zeros(1, 8, 8)


def test_a_stream_without_an_end_is_asked_for_some_images(room: Room, expected: ix.Predictions) -> None:
    assert len(expected) == 20
    room.names["stream"] = Endless()
    view = room.choose(source="variable", variable="stream")
    assert (view["ready"], view["trouble"], "images" in view["shown"], view["imagesHint"]) == (False, True, True, "all")
    assert room.choose(images="9")["ready"]
    assert room.compute()["error"] == ""
    assert len(room.shown[0]) == 9


def test_datasets_of_hugging_face_are_offered(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dataset:
        def __len__(self) -> int:
            return 7

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(Dataset=Dataset, IterableDataset=Endless))
    room.names["theirs"] = Dataset()
    room.say("refresh")
    assert ["theirs", "theirs: a dataset of 7"] in room.view["variables"]


def test_a_dataset_that_does_not_say_how_long_it_is_is_offered(room: Room) -> None:
    room.names["data"] = Dataset[int]()
    room.say("refresh")
    assert ["data", "data: a dataset"] in room.view["variables"]


# Computing


def test_the_real_digits_are_computed_and_shown(room: Room) -> None:
    view = room.compute()
    expected = ix.predict(ix.demo.real(), "digits", device="cpu", batch_size=64, progress=False)
    (shown,) = room.shown
    np.testing.assert_allclose(shown.probabilities, expected.probabilities, atol=1e-6)
    assert (view["done"], view["error"], view["ready"]) == (True, "", True)
    assert view["message"].startswith("done in ")
    assert view["summary"].startswith(f"Sample set: {shown.provenance.source}, {len(shown)} images")


def test_the_explorer_shows_what_its_chooser_computes() -> None:
    explorer = ix.explore()
    explorer.chooser.choose("source", "demo:collapsed")
    until(explorer.chooser, lambda view: view["ready"])
    explorer.chooser.compute()
    assert until(explorer.chooser, lambda view: not view["running"])["error"] == ""
    score = ix.inception_score(ix.predict(ix.demo.gan("collapsed"), "digits", device="cpu", progress=False))
    assert explorer.protocol.view["mean"] == pytest.approx(score.mean, rel=1e-5)
    assert explorer.header.view["overall"] == pytest.approx(score.overall, rel=1e-5)
    explorer.close()


def test_a_network_of_the_notebook_classifies(room: Room) -> None:
    room.names.update(images=pixels(), mine=Network())
    room.choose(source="variable", variable="images", classifier="variable:mine", device="cpu")
    room.compute()
    expected = ix.predict(pixels(), Network(), device="cpu", progress=False)
    np.testing.assert_allclose(room.shown[0].probabilities, expected.probabilities, atol=1e-6)
    assert room.shown[0].class_names == tuple("abcde")


def test_progress_says_how_far_how_fast_and_how_long(room: Room, slow: Network) -> None:
    seen: list[View] = []
    views: list[View] = []
    room.chooser.observe(lambda change: seen.append(change["new"]), "progress")
    assert room.chooser.progress is None
    room.say("compute")
    assert slow.entered.wait(LONG)
    view = room.view
    assert (view["running"], view["done"], view["message"]) == (True, False, "computing …")
    room.chooser.observe(lambda change: views.append(change["new"]), "view")
    assert room.chooser.progress == {
        "done": 0,
        "total": 200,
        "rate": None,
        "left": None,
        "unit": "images",
        "scored": 0,
        "score": None,
        "newest": b"",
    }
    slow.go_on.set()
    room.until(lambda view: not view["running"])
    assert len(views) == 1  # progress alone sends no form
    *running, last, after = seen
    assert after is None  # nothing provisional remains
    assert (last["done"], last["left"]) == (200, 0)
    assert last["rate"] > 0
    assert [progress["done"] for progress in running] == sorted(progress["done"] for progress in running)
    json.dumps([progress | {"newest": None} for progress in [*running, last]], allow_nan=False)


def test_progress_that_comes_after_the_cancel_is_dropped(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def monotonic() -> float:
        calls.append(1)
        if len(calls) == 2:  # it has just looked whether to go on
            room.chooser.cancel()
        return len(calls)

    monkeypatch.setattr(chooser_run, "time", SimpleNamespace(monotonic=monotonic))
    room.say("compute")
    room.chooser._worker.close()  # wait for what runs
    assert len(calls) == 2
    assert room.chooser.progress is None
    assert "cancelled" in room.view["message"]


def test_time_left() -> None:
    assert Progress(50, 200, 25.0).left == 6
    assert Progress(200, 200, 25.0).left == 0
    assert (Progress(0, 200, None).left, Progress(50, None, 25.0).left) == (None, None)


def test_the_rate_is_that_of_late() -> None:
    pace = Pace()
    assert pace.rate(0, 100) is None
    assert pace.rate(20, 140) == 0.5  # compiled meanwhile
    assert [pace.rate(20 + 10 * second, 140 + second) for second in range(1, 20)] == [10] * 19
    rates = [pace.rate(210 + second, 159 + second) or 0 for second in range(1, 20)]  # it slows down to one a second
    assert rates == sorted(rates, reverse=True)
    assert rates[8] > 1
    assert rates[9:] == [1] * 10
    assert pace.rate(229, 178) == 1  # nothing more, at the same time


def test_a_cancel_is_heard_within_a_batch_and_computing_again_works(room: Room, slow: Network) -> None:
    room.say("compute")
    assert slow.entered.wait(LONG)
    room.say("cancel")
    assert room.view["running"] is False
    assert "cancelled" in room.view["message"]
    slow.go_on.set()
    view = room.compute()
    assert (view["done"], view["error"]) == (True, "")
    assert len(room.shown) == 1
    assert slow.batches == 1 + math.ceil(200 / 64)
    assert view["message"].startswith("done in ")


def test_a_cancel_is_heard_at_the_next_image_that_is_not_in_a_file(room: Room) -> None:
    room.names["it"] = it = Sampler()
    room.names["draw"] = it.draw
    room.choose(source="variable", variable="draw", images="640", device="cpu", batch="640")
    it.draws, it.is_armed = 0, True  # the first 64 are kept from the look
    room.say("compute")
    assert it.entered.wait(LONG)
    room.say("cancel")
    it.go_on.set()
    room.chooser._worker._pool.submit(int).result(LONG)  # when the run is over
    assert it.draws == 1


def test_code_that_exits_is_an_error(room: Room) -> None:
    it = Sampler(SystemExit(3))
    room.names["draw"] = it.draw
    assert room.choose(source="variable", variable="draw", images="640", device="cpu")["ready"]
    it.is_armed = True
    view = room.compute()
    assert (view["error"], view["message"], room.shown) == ("ended by SystemExit: 3", "", [])
    view = room.choose(images="100")
    assert (view["preview"], view["ready"], view["trouble"]) == ("ended by SystemExit: 3", False, True)


def test_a_cancelled_run_leaves_the_explorer_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"images": pixels(), "slow": Network(waits=True)}
    monkeypatch.setattr(notebook, "notebook_namespace", lambda: names)
    explorer = ix.explore(make())
    explorer.state.select_class(1)
    before, network = explorer.state.frame, names["slow"]
    assert isinstance(network, Network)
    for field, value in {"source": "variable", "variable": "images", "classifier": "variable:slow"}.items():
        explorer.chooser.choose(field, value)
    until(explorer.chooser, lambda view: view["ready"])
    explorer.chooser.compute()
    assert network.entered.wait(LONG)
    explorer.chooser.cancel()
    network.go_on.set()
    explorer.close()
    assert explorer.state.frame is before


def test_a_cancel_after_the_end_says_nothing(room: Room) -> None:
    message = room.compute()["message"]
    room.say("cancel")
    assert room.view["message"] == message


def test_the_latest_of_two_requests_wins(room: Room, slow: Network) -> None:
    room.say("compute")
    assert slow.entered.wait(LONG)
    room.names["others"] = pixels(10, seed=1)
    room.choose(variable="others", classifier="variable:fast")
    room.say("compute")
    assert room.view["running"]
    slow.go_on.set()
    view = room.until(lambda view: not view["running"])
    assert [len(shown) for shown in room.shown] == [10]
    assert "10 images" in view["summary"]
    assert slow.batches == 1


def test_predictions_shown_meanwhile_are_not_overwritten(room: Room, slow: Network) -> None:
    room.names["ours"] = make(5)
    room.say("compute")
    assert slow.entered.wait(LONG)
    room.choose(variable="ours")
    room.say("compute")
    slow.go_on.set()
    view = room.until(lambda view: not view["running"])
    assert (view["message"], view["done"], room.chooser.progress) == ("opened", True, None)
    assert room.shown == [room.names["ours"]]


def test_saved_predictions_are_shown_away_from_the_kernels_thread(room: Room) -> None:
    where: list[str] = []
    room.chooser._show = lambda _: where.append(current_thread().name)
    room.names["ours"] = make(5)
    room.choose(source="variable", variable="ours")
    room.compute()
    assert len(where) == 1
    assert where[0].startswith("isexplore")


def test_a_cancel_while_the_result_is_shown_comes_too_late(room: Room) -> None:
    showing, go_on = Event(), Event()

    def show(_: ix.Predictions) -> None:
        showing.set()
        assert go_on.wait(LONG)

    room.chooser._show = show
    room.names["ours"] = make(5)
    room.choose(source="variable", variable="ours")
    room.say("compute")
    assert showing.wait(LONG)
    room.say("cancel")
    assert (room.view["running"], room.view["message"]) == (True, "opening …")
    go_on.set()
    assert room.until(lambda view: not view["running"])["message"] == "opened"


def test_what_is_shown_late_leaves_the_next_run_running(room: Room, slow: Network) -> None:
    showing, go_on = Event(), Event()

    def show(predictions: ix.Predictions) -> None:
        showing.set()
        assert go_on.wait(LONG)
        room.shown.append(predictions)

    room.chooser._show = show
    room.names["ours"] = make(5)
    room.choose(variable="ours")
    room.say("compute")
    assert showing.wait(LONG)
    room.choose(variable="images")
    room.say("compute")
    go_on.set()
    assert slow.entered.wait(LONG)
    assert (room.view["running"], room.view["message"], len(room.shown)) == (True, "computing …", 1)
    slow.go_on.set()
    room.until(lambda view: not view["running"])
    assert [len(shown) for shown in room.shown] == [5, 200]


def test_choosing_while_it_computes_does_not_stop_it(room: Room, slow: Network) -> None:
    room.say("compute")
    assert slow.entered.wait(LONG)
    room.choose(source="demo:real")
    room.say("too-large")
    room.say("choose", {"field": "source", "value": "nowhere"})
    assert room.view["running"]
    slow.go_on.set()
    room.until(lambda view: not view["running"])
    assert [shown.provenance.source for shown in room.shown] == ["images"]


def test_closing_waits_for_nothing_stops_within_a_batch_and_ends_the_threads(room: Room, slow: Network) -> None:
    room.say("compute")
    assert slow.entered.wait(LONG)
    before = set(running_threads())
    room.chooser.close()
    slow.go_on.set()
    wait_for_the_threads(room.chooser)
    assert (room.shown, slow.batches) == ([], 1)
    ended = before - set(running_threads())
    assert len([thread for thread in ended if thread.name.startswith("isexplore")]) == 2


class Broken(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        raise RuntimeError(f"no room for {len(images)} images")


class Mute(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("classifier", "device", "error"),
    [
        ("variable:broken", "cpu", "no room for"),
        ("variable:mute", "cpu", "NotImplementedError"),
        ("variable:softmax", "cpu", "logits"),
        ("variable:gone", "cpu", "classifier"),
        ("nobody", "cpu", "nobody"),
        ("digits", "toaster", "toaster"),
    ],
)
def test_a_failure_stays_on_screen_until_something_works(room: Room, classifier: str, device: str, error: str) -> None:
    room.names.update(broken=Broken(), mute=Mute(), softmax=torch.nn.Softmax(dim=1))
    room.choose(classifier=classifier, device=device)
    view = room.compute()
    assert error in view["error"]
    assert (room.shown, view["done"], view["ready"]) == ([], False, True)
    room.say("refresh")
    assert error in room.view["error"]
    room.choose(classifier="digits", device="cpu")
    assert room.compute()["error"] == ""
    assert len(room.shown) == 1


def test_a_set_that_cannot_be_shown_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = make(5)
    monkeypatch.setattr(notebook, "notebook_namespace", lambda: {"ours": ours})

    def refuse(_: ix.Predictions) -> None:
        raise RuntimeError("no room on the screen")

    room = Room({})
    room.chooser._show = refuse
    room.choose(source="variable", variable="ours")
    view = room.compute()
    assert (view["error"], view["done"], view["running"]) == ("no room on the screen", False, False)
    room.chooser.close()


# How it is run


def test_device_precision_and_batch_reach_the_run(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Settings] = []

    def classify(_: object, __: object, settings: Settings, *___: object) -> ix.Predictions:
        asked.append(settings)
        return make()

    monkeypatch.setattr(chooser_run, "classify", classify)
    room.compute()
    room.choose(device="cpu", precision="fast", batch=" 1,024 ")
    room.compute()
    room.choose(precision="exact", batch="")
    room.compute()
    assert asked == [Settings(), Settings("cpu", "fast", 1024), Settings("cpu")]


@pytest.mark.parametrize(("field", "value"), [("batch", "0"), ("batch", "-2"), ("batch", "ten"), ("precision", "half")])
def test_no_way_to_run_is_said_before_it_is_tried(room: Room, field: str, value: str) -> None:
    view = room.choose(**{field: value})
    assert (view["ready"], view["trouble"], repr(value) in view["preview"]) == (False, True, True)
    room.say("compute")
    assert repr(value) in room.view["error"]
    assert not room.view["running"]
    view = room.choose(batch="", precision="fast")
    assert (view["ready"], view["trouble"], view["error"]) == (True, False, "")


@pytest.fixture(params=["mine.pt2", "mine.pt"])
def network_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 5)).eval()
    images, path = torch.zeros(2, 1, 8, 8), tmp_path / str(request.param)
    if path.suffix == ".pt2":
        torch.export.save(torch.export.export(network, (images,)), path)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch calls TorchScript deprecated
            torch.jit.save(torch.jit.trace(network, images), path)
    return path


def test_a_network_file_classifies(room: Room, network_file: Path) -> None:
    view = room.choose(classifier="file", device="cpu")
    assert (view["ready"], view["trouble"], view["shown"]) == (False, False, ["network"])
    assert "type the path of a network file" in view["preview"]
    view = room.choose(network=f"{network_file}x")
    assert (view["ready"], view["trouble"], f"{network_file}x" in view["preview"]) == (False, True, True)
    room.say("complete", {"field": "network", "value": f"{network_file.parent}/m"})
    assert room.view["completions"]["network"] == [str(network_file)]
    view = room.choose(network=f" {network_file} ")
    assert (view["ready"], view["trouble"]) == (True, False)
    assert room.compute()["error"] == ""
    expected = ix.predict(ix.demo.real(), network_file, device="cpu", progress=False)
    np.testing.assert_allclose(room.shown[0].probabilities, expected.probabilities, atol=1e-6)


def test_a_network_file_that_is_gone_is_told(room: Room, network_file: Path) -> None:
    room.choose(classifier="file", network=str(network_file))
    network_file.unlink()
    room.say("compute")
    assert str(network_file) in room.view["error"]
    assert not room.view["running"]


def test_predictions_need_no_network(room: Room) -> None:
    room.names["ours"] = make(5)
    room.choose(classifier="file", batch="ten")
    view = room.choose(source="variable", variable="ours")
    assert (view["ready"], view["verb"], view["trouble"]) == (True, "Show", False)
    assert room.compute()["error"] == ""
    assert room.shown == [room.names["ours"]]
    view = room.choose(source="demo:real")
    assert (view["ready"], view["verb"]) == (False, "Compute")


# While it runs


@pytest.fixture
def seen(room: Room, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Paint every batch, and keep what was painted of runs."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(chooser_run, "_PAINT_EVERY", 0)
    room.chooser.observe(lambda change: found.append(change["new"]) if change["new"] else None, "progress")
    return found


def test_the_provisional_score_is_the_librarys_for_the_images_so_far(room: Room, seen: list[dict[str, Any]]) -> None:
    room.names.update(images=pixels(), mine=Network())
    room.choose(source="variable", variable="images", classifier="variable:mine", device="cpu", batch="30")
    assert room.compute()["error"] == ""
    assert [picture["scored"] for picture in seen] == [0, 30, 60, 90, 120, 150, 180, 200]
    assert seen[0]["score"] is None
    rows = room.shown[0].probabilities
    for picture in seen[1:]:
        so_far = ix.inception_score(rows[: picture["scored"]], splits=1)
        assert picture["score"] == pytest.approx(so_far.overall, rel=1e-9)
    assert room.chooser.progress is None  # nothing provisional remains


@pytest.mark.parametrize("size", [10, 20])  # fewer and more than are shown
def test_the_newest_images_are_shown_first(room: Room, seen: list[dict[str, Any]], size: int) -> None:
    images = pixels(2 * size)
    room.names.update(images=images, mine=Network())
    room.choose(source="variable", variable="images", classifier="variable:mine", device="cpu", batch=str(size))
    room.compute()
    for picture, done in zip(seen[1:], (size, 2 * size), strict=True):
        row = np.asarray(Image.open(io.BytesIO(picture["newest"])).convert("L"))
        tiles = [row[4:64:8, 70 * k + 4 : 70 * k + 64 : 8] for k in range(min(done, 16))]
        np.testing.assert_array_equal(tiles, images[:done][::-1][:16])


def test_thumbnails_of_any_shape_fit_into_the_row() -> None:
    shapes = [(8, 8, 1), (64, 64, 3), (64, 1, 3), (1, 64, 1), (1, 1, 3)]
    row = Image.open(io.BytesIO(chooser_run.draw_row([np.full(shape, 255, np.uint8) for shape in shapes])))
    assert row.size == (5 * 64 + 4 * 6, 64)
    inside = np.asarray(row)[..., 3]
    areas = [int((inside[:, 70 * k : 70 * k + 64] > 0).sum()) for k in range(5)]
    assert areas == [64 * 64, 64 * 64, 64, 64, 64 * 64]


def test_it_is_painted_five_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now, painted = [100.0], list[int]()
    monkeypatch.setattr(chooser_run, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def classify(_: object, __: object, ___: Settings, report: Callable[[int, int], None], ____: object) -> object:
        for done in range(1001):
            report(done, 1000)
            now[0] += 0.01
        return make()

    monkeypatch.setattr(chooser_run, "classify", classify)
    run = chooser_run.Run(ix.demo.real(), Network(), Settings(), lambda: painted.append(run.picture["done"]))  # type: ignore[index]
    run(lambda: None)
    assert (painted[0], painted[-1]) == (0, 1000)
    assert 45 <= len(painted) <= 52  # in ten seconds


def test_nothing_provisional_remains_after_a_cancel(room: Room, slow: Network, seen: list[dict[str, Any]]) -> None:
    slow.go_on.set()
    shown = Event()

    def cancel(change: dict[str, Any]) -> None:
        if change["new"] and change["new"]["scored"]:
            shown.set()
            room.chooser.cancel()

    room.chooser.observe(cancel, "progress")
    room.say("compute")
    assert shown.wait(LONG)
    room.chooser._worker._pool.submit(int).result(LONG)  # when the run is over
    assert (room.chooser.progress, slow.batches, room.shown) == (None, 1, [])
    assert room.view["message"] == "cancelled; nothing was changed"
    assert max(picture["scored"] for picture in seen) == 64
    assert room.choose(batch="32")["message"] == ""


def test_skipped_images_are_told_until_another_set_is_shown(room: Room, files: Path) -> None:
    (files / "Folder" / "broken.png").write_bytes(b"nothing")
    room.choose(source="path", path=str(files / "Folder"), device="cpu")
    view = room.compute()
    assert view["error"] == ""
    assert view["note"].startswith("1 of 3 images were skipped: broken.png")
    room.choose(source="demo:real", device="toaster")
    view = room.compute()
    assert "toaster" in view["error"]
    assert view["note"]
    room.choose(device="cpu")
    assert room.compute()["note"] == ""


# Downloads


class Answer(io.BytesIO):
    """A server's answer, of which each piece waits until it may come."""

    headers: ClassVar = {"Content-Length": "5000000"}

    def __init__(self) -> None:
        super().__init__(bytes(5_000_000))
        self.asked, self.go_on = Event(), Event()
        self.pieces = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.pieces += 1
        if self.pieces > 1:
            self.asked.set()
            assert self.go_on.wait(LONG)
        return super().read(size)


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Answer:
    answer = Answer()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TORCH_HOME", raising=False)
    monkeypatch.delenv("ISEXPLORE_WEIGHTS", raising=False)
    monkeypatch.setattr(weights, "urlopen", lambda *_, **__: answer)
    return answer


def test_a_download_says_how_far_it_is_and_a_cancel_is_heard(
    room: Room, seen: list[dict[str, Any]], answer: Answer, tmp_path: Path
) -> None:
    room.choose(classifier="inception-2015", device="cpu")
    room.say("compute")
    assert answer.asked.wait(LONG)
    assert [(picture["unit"], picture["done"], picture["total"]) for picture in seen] == [
        ("bytes", 0, 5_000_000),
        ("bytes", 2**20, 5_000_000),
    ]
    assert seen[1]["scored"] == 0
    room.say("cancel")
    assert (room.view["running"], room.chooser.progress) == (False, None)
    answer.go_on.set()
    room.chooser._worker._pool.submit(int).result(LONG)  # when the download is over
    assert answer.pieces == 2  # the piece that it waited for was the last
    assert [file for file in (tmp_path / "cache").rglob("*") if file.is_file()] == []
    room.choose(classifier="digits")
    assert room.compute()["error"] == ""


def test_a_download_that_is_damaged_is_told(room: Room, answer: Answer) -> None:
    answer.go_on.set()
    room.choose(classifier="inception-v3", device="cpu")
    view = room.compute()
    assert "weights of inception-v3" in view["error"]
    assert (room.chooser.progress, room.shown) == (None, [])


# What comes from the page may be anything


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "compute",
        {},
        {"kind": "unknown"},
        {"kind": "choose"},
        {"kind": "choose", "value": "path"},
        {"kind": "choose", "value": {}},
        {"kind": "choose", "value": {"field": ["source"], "value": None}},
        {"kind": "choose", "value": {"field": "step", "value": "last"}},
        {"kind": "choose", "value": {"field": "device", "value": {}}},
        {"kind": "complete"},
        {"kind": "complete", "value": 5},
        {"kind": "complete", "value": {"field": "source", "value": "x"}},
        {"kind": "complete", "value": {"field": ["path"]}},
        {"kind": "upload"},
        {"kind": "upload", "value": "x.png"},
        {"kind": "upload", "value": [None, {}]},
        {"kind": "too-large"},
    ],
)
def test_no_message_breaks_it(room: Room, content: object) -> None:
    (callback,) = room.chooser._msg_callbacks.callbacks
    callback(room.chooser, content, [])
    room.looked()
    assert room.choose(source="demo:real")["ready"]


def test_many_choices_at_once_end_with_the_last(room: Room, files: Path) -> None:
    room.choose(source="path")
    for path in [str(files / "samples.npz"), "/nothing/here", str(files / "Folder")] * 10:
        room.say("choose", {"field": "path", "value": path})
    assert room.looked()["preview"].startswith("Folder: 2 images")


def test_an_older_picture_of_the_form_never_comes_last(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    painting, go_on = Event(), Event()
    room.choose(source="demo:healthy")

    def hold_up(_: object) -> tuple[int, ...]:
        if not painting.is_set():
            painting.set()
            assert go_on.wait(LONG)
        return ()

    monkeypatch.setattr(ix.demo, "checkpoints", hold_up)
    older = Thread(target=room.say, args=("refresh",))
    newer = Thread(target=room.chooser.choose, args=("device", "cpu"))
    older.start()
    assert painting.wait(LONG)
    newer.start()
    newer.join(0.1)  # it waits for the older one, which would otherwise overtake it now
    go_on.set()
    older.join(LONG)
    newer.join(LONG)
    assert room.view["chosen"]["device"] == "cpu"


class Watched:
    """A lock that tells when the second one wants it."""

    def __init__(self) -> None:
        self._lock, self._asked = Lock(), 0
        self.wanted = Event()

    def __enter__(self) -> None:
        self._asked += 1
        if self._asked == 2:
            self.wanted.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_two_choices_at_once_are_both_kept(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched()
    monkeypatch.setattr(room.chooser, "_state", watched)

    def other() -> None:
        room.chooser.choose("device", "cpu")
        watched.wanted.set()

    thread = Thread(target=other)

    def meanwhile(choice: Choice, **fields: str) -> Choice:
        if "classifier" in fields:
            thread.start()
            assert watched.wanted.wait(LONG)
        return replace(choice, **fields)

    monkeypatch.setattr(chooser_module, "replace", meanwhile)
    room.chooser.choose("classifier", "variable:mine")
    thread.join(LONG)
    assert (room.chooser.choice.classifier, room.chooser.choice.device) == ("variable:mine", "cpu")


def test_painting_does_not_look_through_the_notebook(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.names["images"] = pixels()
    room.choose(source="variable", variable="images")
    monkeypatch.setattr(notebook, "image_variables", pytest.fail)
    monkeypatch.setattr(notebook, "network_variables", pytest.fail)
    room.compute()
    assert len(room.shown) == 1
    assert "images" in dict(room.view["variables"])


def test_painting_opens_no_file(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = room.choose(source="demo:healthy")["steps"]
    monkeypatch.setattr(ix.demo, "safe_open", pytest.fail)
    room.say("refresh")
    assert room.view["steps"] == steps


# Small parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 255", (0, 255)),
        ("0–255", (0, 255)),
        ("0-16", (0, 16)),
        ("-1 to 1", (-1, 1)),
        ("−1–1", (-1, 1)),
        ("-1-1", (-1, 1)),
        ("−1 to −0.5", (-1, -0.5)),
        ("0, 1", (0, 1)),
        ("0.5-1.5", (0.5, 1.5)),
        ("0 .5", (0, 0.5)),
        ("[0, 1]", (0, 1)),
        ("1e3 2", (1000, 2)),
        ("0 to 1e5", (0, 1e5)),
        ("-2.5E-1–1e+1", (-0.25, 10)),
        ("0 and 1.", (0, 1)),
    ],
)
def test_black_and_white_are_read_as_people_write_them(text: str, expected: tuple[float, float]) -> None:
    assert two_numbers(text) == expected


@pytest.mark.parametrize("text", ["x", "1", "0 1 2", "0,5 1", "", "nan inf", "1e5", "10", "1e-5", "0x10 5", "a1 b2"])
def test_other_than_two_numbers_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="two numbers"):
        two_numbers(text)


def test_only_a_path_is_asked_for_its_text() -> None:
    class Silent(Dataset[torch.Tensor]):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, _: int) -> torch.Tensor:
            return torch.zeros(1, 8, 8)

        def __str__(self) -> str:
            raise AssertionError("this may be a person's own code")

    choice = Choice(source="variable", variable="data", range="0 1")
    opened = sources.open_choice(choice, Uploads(), {"data": Silent()}, lambda: None)
    assert len(opened) == 3


def test_an_unknown_source_cannot_be_opened() -> None:
    with pytest.raises(ValueError, match="cloud"):
        sources.open_choice(Choice(source="cloud"), Uploads(), {}, lambda: None)
