"""The timeline, the heat map and the whole widget of several sets, headless: what the page gets, and sends back."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from threading import Event
from threading import enumerate as running_threads
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import isexplore as ix
from isexplore.collapse.effective import effective_classes
from isexplore.widgets.findings import alarm_of
from isexplore.widgets.sets.heat import HeatPanel
from isexplore.widgets.sets.outline import outline, verdict
from isexplore.widgets.sets.root import SetsExplorer
from isexplore.widgets.sets.state import SetsState
from isexplore.widgets.sets.timeline import TimelinePanel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

HOSTILE = ['<img src=x onerror="alert(1)">', "</script><script>", "a&amp;b", "%{x}\n<b>", "\u202edesrever", ""]


def make(seed: int = 0, n: int = 60, c: int = 5, names: list[str] | None = None) -> ix.Predictions:
    p = np.random.default_rng(seed).dirichlet([0.3] * c, n)
    return ix.Predictions.from_probabilities(p, class_names=names)


def ready(sets: dict[str, ix.Predictions], reference: ix.Predictions | None = None) -> SetsState:
    state = SetsState(sets, reference)
    state.wait()
    return state


@pytest.fixture(scope="module")
def collapsed() -> Iterator[SetsState]:
    """Compute the collapsing GAN against the real digits once; tests that change it put it back."""

    def digits(images: ix.ImageSet) -> ix.Predictions:
        return ix.predict(images, "digits", device="cpu", progress=False)

    steps = (1000, 4500, 30_000)
    state = ready({f"step {n}": digits(ix.demo.gan("collapsed", n)) for n in steps}, digits(ix.demo.real()))
    yield state
    state.close()


def ask(panel: TimelinePanel, number: Any) -> None:
    """Do what the scrubber does."""
    serial: Any = panel.asked["serial"]
    panel.asked = {"serial": serial + 1, "number": number}


def cells(view: dict[str, Any]) -> NDArray[np.float64]:
    """Return the shares that the page paints (classes, sets)."""
    levels = np.frombuffer(view["cells"], "<u2").reshape(view["rows"], view["columns"])
    share: NDArray[np.float64] = levels / 65535 * view["top"]
    return share


def plain(view: dict[str, Any]) -> str:
    """Return a picture as JSON, which has no NaN."""
    return json.dumps({key: value for key, value in view.items() if not isinstance(value, bytes)}, allow_nan=False)


# The timeline


def test_the_curves_are_the_librarys_numbers(collapsed: SetsState) -> None:
    view = TimelinePanel(collapsed).view
    assert (view["axis"], view["at"]) == ("step", [1000, 4500, 30_000])
    for i, entry in enumerate(collapsed.shown().entries):
        score = ix.inception_score(entry.predictions)
        report = ix.diagnose(entry.predictions, reference=collapsed.shown().reference.predictions)  # type: ignore[union-attr]
        assert view["score"][i] == pytest.approx(score.overall)
        assert (view["low"][i], view["high"][i]) == pytest.approx(score.interval())
        assert view["variety"][i] - view["doubt"][i] == pytest.approx(math.log(score.overall))
        assert view["corrected"][i] == pytest.approx(score.corrected)
        assert view["low"][i] < view["corrected"][i] < view["high"][i]
        assert view["effective_classes"][i] == pytest.approx(effective_classes(score)[0])
        assert view["severe"][i] + view["warning"][i] == len(report.findings)
    real = ix.inception_score(collapsed.shown().reference.predictions)  # type: ignore[union-attr]
    assert view["reference"]["corrected"] == pytest.approx(real.corrected)
    assert view["reference"]["effective_classes"] == pytest.approx(effective_classes(real)[0])
    plain(view)


def test_the_collapse_is_said_in_words(collapsed: SetsState) -> None:
    entries = collapsed.shown().entries
    later = "over-represented classes since step 30000"
    assert TimelinePanel(collapsed).view["verdict"] == f"severe since step 4500, {later}"
    fine, bad, worse = entries
    assert verdict([fine, replace(fine, name="again")]) == "nothing severe in 2 sets"
    assert verdict([bad, worse]) == f"severe in all 2 sets, {later}"
    assert verdict([worse, fine]) == "severe in 1 of 2 sets, last in step 30000; warnings at the end"
    assert verdict([bad, fine, worse]) == "severe since step 30000"
    assert verdict([worse]) == "severe"
    assert verdict([replace(bad, report=None, error="no room"), worse]) == "step 30000: severe"
    assert verdict([]) == ""


def test_while_sets_are_diagnosed_the_verdict_says_so_and_not_since_when(collapsed: SetsState) -> None:
    fine, bad, worse = collapsed.shown().entries
    unknown = replace(bad, report=None)
    assert verdict([unknown, replace(unknown, name="again")]) == ""
    assert verdict([unknown, bad, worse]) == "so far: severe in 2 sets (2 of 3 diagnosed)"
    assert verdict([fine, unknown, worse]) == "so far: severe in 1 set (2 of 3 diagnosed)"
    assert verdict([fine, unknown]) == "so far: nothing severe (1 of 2 diagnosed)"


def test_what_is_not_known_yet_is_none() -> None:
    state = SetsState({})
    panels = TimelinePanel(state), HeatPanel(state)
    assert [panel.view for panel in panels] == [{}, {}]
    state.close()  # nothing is computed any more
    state.add("a", make())
    state.add("b", make(1))
    timeline, heat = (panel.view for panel in panels)
    assert (timeline["score"], timeline["severe"], timeline["waiting"]) == ([None, None], [None, None], True)
    assert timeline["progress"] == "scored 0 of 2 …"
    assert (heat["missing"], cells(heat).max()) == ([0, 1], 0)
    plain(timeline)
    plain(heat)


def test_the_scrubber_goes_there_and_is_answered(collapsed: SetsState) -> None:
    panel = TimelinePanel(collapsed)
    ask(panel, 1)
    assert (collapsed.shown().current, panel.view["current"]) == (1, 1)
    assert panel.view["serial"] == panel.asked["serial"] == 1
    ask(panel, 1)  # nothing changes, and still the page gets its answer
    assert panel.view["serial"] == 2
    ask(panel, 99)
    assert (panel.view["serial"], panel.view["current"]) == (3, 1)
    assert "no sample set number 99" in panel.error
    ask(panel, 2)
    assert (panel.error, panel.view["current"]) == ("", 2)


def test_the_answer_comes_when_everything_is_on_its_way(collapsed: SetsState) -> None:
    """Else play would go on before the other views have this step's picture."""
    panel, seen = TimelinePanel(collapsed), []
    collapsed.explorer.observe(lambda _: seen.append(("explorer", None)), "frame")
    panel.observe(lambda change: seen.append((change["new"]["current"], change["new"]["serial"])), "view")
    ask(panel, 0)
    ask(panel, 2)
    assert seen == [(0, 0), ("explorer", None), (0, 1), (2, 1), ("explorer", None), (2, 2)]


def test_what_was_asked_before_somebody_went_elsewhere_is_dropped(collapsed: SetsState) -> None:
    """The page sends a slider's last move when the kernel has time, which may be after a click that came later."""
    panel = TimelinePanel(collapsed)
    moves = panel.view["moves"]
    panel.asked = {"serial": 1, "moves": moves, "number": 1}
    collapsed.choose_cell(2, 3)
    panel.asked = {"serial": 2, "moves": moves, "number": 0}
    assert (panel.view["current"], panel.view["serial"]) == (2, 2)
    panel.asked = {"serial": 3, "moves": panel.view["moves"], "number": 0}
    panel.asked = {"serial": 4, "moves": panel.view["moves"], "number": 2}
    assert panel.view["current"] == 2
    collapsed.explorer.clear()
    collapsed.choose_class(None)


def test_a_new_checkpoint_is_nobodys_move() -> None:
    state = ready({"step 1": make(), "step 2": make(1)})
    panel = TimelinePanel(state)
    moves = panel.view["moves"]
    state.add("step 3", make(2))
    assert (panel.view["moves"], panel.view["current"]) == (moves, 2)
    panel.asked = {"serial": 1, "moves": moves, "number": 0}  # asked before it came
    assert panel.view["current"] == 0
    state.follow({"step 7": make(3), "step 8": make(4)})  # another training
    assert panel.view["moves"] == moves + 1
    state.close()


@pytest.mark.parametrize("number", ["1", None, 1.5, [1]])
def test_what_is_no_number_is_an_error_on_screen(collapsed: SetsState, number: Any) -> None:
    panel, before = TimelinePanel(collapsed), collapsed.frame
    ask(panel, number)
    assert panel.error
    assert (collapsed.frame, panel.view["serial"]) == (before, 1)


def test_a_set_that_failed_is_told_of_and_the_course_goes_on() -> None:
    sets = {"step 1": make(), "step 2": make(1), "step 3": make(2)}
    sets["step 2"].probabilities.setflags(write=True)
    sets["step 2"].probabilities[3] = np.nan
    state = ready(sets)
    timeline, heat = TimelinePanel(state).view, HeatPanel(state).view
    assert [name for name, _ in timeline["problems"]] == ["step 2"]
    assert "row 3" in timeline["problems"][0][1]
    assert timeline["score"][1] is None
    assert timeline["progress"] == ""
    assert heat["missing"] == [1]
    state.close()


# The heat map


def test_the_cells_are_the_marginals(collapsed: SetsState) -> None:
    view = HeatPanel(collapsed).view
    expected = np.stack([ix.inception_score(entry.predictions).marginal for entry in collapsed.shown().entries]).T
    np.testing.assert_allclose(cells(view), expected, atol=view["top"] / 65535)
    assert (view["names"], view["sets"][1]) == ([*"0123456789"], "step 4500")
    assert (view["pages"], view["sort"]) == (1, "class")
    assert view["images"][1] == [3, 125, 63, 198, 4, 125, 105, 16, 187, 174]
    assert not view["missing"]


def test_a_cell_leads_to_its_images(collapsed: SetsState) -> None:
    panel = HeatPanel(collapsed)
    panel._receive(panel, {"kind": "cell", "set": 1, "class": 4}, [])
    frame, selection = collapsed.shown(), collapsed.explorer.shown().selection
    assert (frame.current, frame.chosen_class, panel.view["current"], panel.view["chosen"]) == (1, 4, 1, 4)
    assert selection is not None
    assert selection.subset.n_images == 4
    collapsed.set_current(2)
    collapsed.explorer.clear()
    collapsed.choose_class(None)


def test_the_images_of_the_cell_that_is_looked_at_are_shown_under_the_map() -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (60, 3, 4, 1), dtype=np.uint8)
    p = np.eye(3)[[0] * 2 + [1] * 58]
    bare, clad = (ix.Predictions.from_probabilities(p, class_names=[*"abc"], thumbnails=one) for one in (None, tiles))
    state = ready({"step 1": bare, "step 2": clad})
    panel = HeatPanel(state)
    assert (panel.view["strip"], panel.view["cell"], panel.sprite) == (None, "", b"")
    state.choose_cell(1, 1)
    assert panel.view["cell"] == "step 2, class b: 58 images"
    assert panel.view["strip"] == {"names": list(clad.image_names[2:26]), "width": 4, "height": 3}
    picture = np.asarray(Image.open(io.BytesIO(panel.sprite)))
    np.testing.assert_array_equal(picture, np.hstack([*tiles[2:26, ..., 0]]))
    state.choose_class(0)
    assert (panel.view["cell"], len(panel.view["strip"]["names"])) == ("step 2, class a: 2 images", 2)
    state.choose_class(2)
    assert (panel.view["cell"], panel.view["strip"]["names"], panel.sprite) == ("step 2, class c: no image", [], b"")
    state.choose_cell(0, 0)  # of a set without thumbnails, how many there are
    assert (panel.view["cell"], panel.view["strip"]["names"]) == ("step 1, class a: 2 images", [])
    plain(panel.view)
    state.close()


def lively(c: int, sets: int = 6) -> dict[str, ix.Predictions]:
    """Return sets of which class c // 2 grows most, and then c // 3."""
    found = {}
    for k in range(sets):
        share = np.ones(c)
        share[c // 2] += 20 * k
        share[c // 3] += 10 * k
        found[f"set {k}"] = ix.Predictions.from_probabilities(np.tile(share / share.sum(), (8, 1)))
    return found


def test_of_many_classes_those_that_change_most_come_first() -> None:
    state = ready(lively(100))
    panel = HeatPanel(state)
    view = panel.view
    assert (view["sort"], view["rows"], view["pages"], view["classes"]) == ("change", 30, 4, 100)
    assert view["numbers"][:2] == [50, 33]
    panel._receive(panel, {"kind": "sort", "value": "class"}, [])
    assert panel.view["numbers"] == list(range(30))
    panel._receive(panel, {"kind": "page", "value": 99}, [])
    assert (panel.view["page"], panel.view["numbers"]) == (3, list(range(90, 100)))
    state.explorer.select_class(45)  # the page turns to what somebody looks at
    assert (panel.view["page"], panel.view["chosen"]) == (1, 45)
    state.close()


def test_sorting_by_the_distance_from_the_reference() -> None:
    sets = lively(10)
    state = ready(sets, sets["set 5"])
    panel = HeatPanel(state)
    panel._receive(panel, {"kind": "sort", "value": "difference"}, [])
    assert panel.view["numbers"][:2] == [5, 3]
    state.close()


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"kind": "cell", "set": 9, "class": 0}, "no sample set number 9"),
        ({"kind": "cell", "set": 0, "class": 77}, "no class number 77"),
        ({"kind": "cell", "set": "x", "class": 0}, "invalid literal"),
        ({"kind": "cell"}, "set"),
        ({"kind": "sort", "value": "colour"}, "no order 'colour'"),
        ({"kind": "dance"}, "no action 'dance'"),
    ],
)
def test_what_the_page_should_not_send_is_an_error_on_screen(
    collapsed: SetsState, message: dict[str, Any], said: str
) -> None:
    panel, before = HeatPanel(collapsed), collapsed.frame
    panel._receive(panel, message, [])
    assert said in panel.error
    assert collapsed.frame is before


@settings(max_examples=25, deadline=None)
@given(
    names=st.lists(st.text(max_size=6), min_size=1, max_size=5, unique=True),
    classes=st.integers(2, 40),
    n=st.integers(1, 5),
    zeros=st.booleans(),
)
def test_any_sets_make_pictures_of_plain_numbers(names: list[str], classes: int, n: int, *, zeros: bool) -> None:
    one_hot = np.eye(classes)[np.arange(n) % classes]
    state = ready(
        {
            name: ix.Predictions.from_probabilities(one_hot) if zeros else make(i, n, classes)
            for i, name in enumerate(names)
        }
    )
    for panel in (TimelinePanel(state), HeatPanel(state)):
        plain(panel.view)
    np.testing.assert_array_less(cells(HeatPanel(state).view), 1 + 1e-9)
    state.close()


# The whole


@pytest.fixture
def explored() -> Iterator[Callable[..., SetsExplorer]]:
    made: list[SetsExplorer] = []

    def begin(*arguments: Any, **named: Any) -> SetsExplorer:
        made.append(ix.explore(*arguments, **named))
        made[-1].state.wait()
        return made[-1]

    yield begin
    for it in made:
        it.close()


def test_several_sets_give_back_what_is_on_screen(explored: Callable[..., SetsExplorer]) -> None:
    sets = {"step 1": make(), "step 2": make(1)}
    it = explored(sets, reference=make(9))
    it.state.choose_cell(0, 2)
    np.testing.assert_array_equal(it.selection, np.flatnonzero(sets["step 1"].probabilities.argmax(axis=1) == 2))
    assert it.predictions is sets["step 1"]
    assert str(it.report) == str(ix.diagnose(sets["step 1"], reference=make(9)))
    assert list(it.reports.reports) == ["step 1", "step 2"]
    assert (it.waiting, it.shown) == ("", "step 1, set 1 of 2")
    table = it.to_dataframe()
    assert table["name"].tolist() == ["step 1", "step 2"]
    assert table["score"].tolist() == pytest.approx([ix.inception_score(one).overall for one in sets.values()])
    assert table["severity"].tolist() == [report.severity for report in it.reports.reports.values()]
    assert list(table.columns) == list(outline(it.state.shown().entries[0]))
    assert "2 sets, step 1 is shown" in repr(it)


def test_one_set_in_a_mapping_is_enough(explored: Callable[..., SetsExplorer]) -> None:
    it = explored({"only": make()})
    assert it.state.shown().other is None
    assert it.timeline.view["at"] == [1.0]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_will_do(explored: Callable[..., SetsExplorer], name: str) -> None:
    it = explored({name: make(names=[*HOSTILE[:4], "x"])})
    assert it.heat.view["sets"] == [name]
    assert it.heat.view["names"][:4] == HOSTILE[:4]


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({}, ValueError, "no sample sets in the mapping"),
        ({1: make()}, TypeError, "must be text, not 1"),
        ({"a": 3}, TypeError, "'a' must be Predictions, not int"),
        ({"a": make(), "b": make(c=6)}, ValueError, "a and b can't be compared"),
        (np.eye(3), TypeError, "not ndarray"),
        ([make()], TypeError, "not list"),
        ("nothing.run", FileNotFoundError, "nothing.run"),
    ],
)
def test_what_is_no_sets_is_refused(given: Any, error: type[Exception], said: str) -> None:
    threads = set(running_threads())
    with pytest.raises(error, match=said):
        ix.explore(given)
    assert set(running_threads()) <= threads


def test_a_reference_must_be_predictions() -> None:
    with pytest.raises(TypeError, match="reference must be Predictions, not ndarray"):
        ix.explore({"a": make()}, reference=np.eye(3))  # type: ignore[call-overload]


def test_a_run_file_opens(explored: Callable[..., SetsExplorer], tmp_path: Path) -> None:
    from isexplore.runs import append
    from isexplore.runs.run_file import create

    path = tmp_path / "gan.run"
    create(path)
    with pytest.raises(ValueError, match="holds no checkpoint yet"):
        ix.explore(path)
    for step in (500, 1000):
        append(path, step, make(step))
    it = explored(path)
    assert it.timeline.view["names"] == ["step 500", "step 1000"]
    assert it.timeline.view["at"] == [500, 1000]


def test_a_training_is_watched_as_it_goes(explored: Callable[..., SetsExplorer]) -> None:
    import torch

    from isexplore.runs import Monitor

    class Generator(torch.nn.Module):
        latent_dim = 4

        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 64)

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            images: torch.Tensor = self.layer(z).sigmoid().reshape(-1, 1, 8, 8)
            return images

    monitor = Monitor(Generator(), "digits", every=10, n=20)
    it = explored(monitor)
    assert (it.waiting, it.predictions, it.timeline.view) == ("waiting for the first checkpoint …", None, {})
    for step in (10, 20, 30):
        monitor(step)
    it.state.wait()
    assert it.timeline.view["names"] == ["step 10", "step 20", "step 30"]
    assert (it.waiting, it.shown) == ("", "step 30, set 3 of 3")
    kept = it.state.shown().entries[0]
    monitor(20)  # it has gone back, as after a crash
    it.state.wait()
    assert it.timeline.view["names"] == ["step 10", "step 20"]
    assert it.state.shown().entries[0] is kept
    it.close()
    monitor(30)
    assert len(it.state.shown().entries) == 2


def test_the_diagnosis_begins_when_the_page_says_that_it_is_there() -> None:
    it = ix.explore({"a": make(), "b": make(1)}, reference=make(2))
    done = Event()

    def follow(_: object) -> None:
        if it.state.shown().complete:
            done.set()

    it.state.observe(follow, "frame")
    it._receive(it, {"kind": "look"}, [])
    assert done.wait(60)
    assert list(it.reports.reports) == ["a", "b"]
    it.close()


def test_the_explorer_is_stale_while_the_current_set_can_not_be_shown(explored: Callable[..., SetsExplorer]) -> None:
    sets = {"step 1": make(), "step 2": make(1)}
    sets["step 1"].probabilities.setflags(write=True)
    sets["step 1"].probabilities[3] = np.nan
    it = explored(sets)
    assert (it.stale, it._is_up_to_date()) == (False, True)
    it.state.set_current(0)
    assert (it.stale, it._is_up_to_date()) == (True, False)
    assert "could not be scored" in it.shown
    it.state.set_current(1)
    assert not it.stale


def test_the_head_says_what_is_severe(collapsed: SetsState) -> None:
    reference = collapsed.shown().reference
    assert reference is not None
    sets = {entry.name: entry.predictions for entry in collapsed.shown().entries[:2]}
    it = ix.explore(sets, reference=reference.predictions)
    it.state.wait()
    assert it.explorer.header.alarm == alarm_of(it.report) != ""
    it.state.set_current(0)
    assert it.explorer.header.alarm == ""
    it.close()


def test_an_error_goes_when_something_works(monkeypatch: pytest.MonkeyPatch) -> None:
    it = SetsExplorer(SetsState({}))
    sets = {"step 1": make()}
    monkeypatch.setattr(it, "_monitor", SimpleNamespace(checkpoints=lambda: sets, unwatch=lambda _: None))
    sets["step 2"] = make(c=7)
    it._take()
    assert "can't be compared" in it.error
    del sets["step 2"]
    it._take()
    assert it.error == ""
    it.close()


def test_closing_ends_everything() -> None:
    before = set(running_threads())
    it = ix.explore({"a": make(), "b": make(1)})
    it.state.wait()
    it.close()
    for thread in set(running_threads()) - before:
        thread.join(30)
    assert set(running_threads()) <= before
