"""The findings beside the explorer, headless: what they say, what a click on one does, and when they are computed."""

from __future__ import annotations

import json
import re
from itertools import starmap
from pathlib import Path
from threading import Event, Semaphore
from threading import enumerate as running_threads
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest

import isexplore as ix
from isexplore.collapse.evidence import Evidence, side_of
from isexplore.collapse.finding import Finding
from isexplore.predictions import Provenance
from isexplore.report import Report, diagnose
from isexplore.widgets import diagnosis as module
from isexplore.widgets import findings as panel_module
from isexplore.widgets.diagnosis import Diagnosed, Diagnosis, FindingsState
from isexplore.widgets.findings import FindingsPanel, alarm_of, number_of
from isexplore.widgets.gallery import GalleryPanel
from isexplore.widgets.marginal import MarginalPanel
from isexplore.widgets.sets.findings import SetsFindings, since_when
from isexplore.widgets.sets.frame import Entry, SetsFrame
from isexplore.widgets.sets.state import SetsState
from isexplore.widgets.state import ExplorerState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from isexplore.collapse.evidence import Side
    from isexplore.collapse.finding import Severity
    from isexplore.widgets.explorer import Explorer
    from isexplore.widgets.panel import Panel

HOSTILE = ["<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "a&amp;b"]


def make(n: int = 60, c: int = 5, seed: int = 0, name: str = "made", **parts: Any) -> ix.Predictions:
    p = np.random.default_rng(seed).dirichlet([0.3] * c, n)
    return ix.Predictions.from_probabilities(p, **parts).described(Provenance(source=name))


def found(key: str, severity: Severity = "severe", images: Any = (), **parts: Any) -> Finding:
    told: dict[str, Any] = {"title": f"Title of {key}", "value": 1.0, "unit": "classes", "sentence": f"It is {key}."}
    return Finding(key, severity=severity, images=np.asarray(images, np.intp), **told | parts)


def reported(predictions: ix.Predictions, *checks: Finding, reference: ix.Predictions | None = None) -> Report:
    return Report(Evidence(side_of(predictions), None if reference is None else side_of(reference)), checks)


def shown(predictions: ix.Predictions) -> ExplorerState:
    state = ExplorerState()
    state.show(predictions)
    return state


def told(predictions: ix.Predictions, *checks: Finding, **parts: Any) -> tuple[FindingsState, FindingsPanel]:
    """Return the findings of a set, and their panel."""
    state = FindingsState(shown(predictions))
    state.tell(Diagnosed(reported(predictions, *checks, **parts)))
    return state, FindingsPanel(state)


def selected(state: FindingsState) -> list[int] | None:
    selection = state.explorer.shown().selection
    return None if selection is None else np.flatnonzero(selection.mask).tolist()


def looked(explorer: Explorer) -> Report | None:
    """Wait until it is known what is wrong with the set that an explorer shows."""
    assert explorer.diagnosis is not None
    return explorer.diagnosis.wait()


def say(panel: Panel[Any], content: object) -> None:
    (callback,) = panel._msg_callbacks.callbacks
    callback(panel, content, [])


def click(panel: FindingsPanel, key: str) -> None:
    say(panel, {"kind": "finding", "value": key, "set": panel.view["set"]})


def updates(panel: Panel[Any]) -> list[dict[str, Any]]:
    """Return a list that fills with the trait changes that go to the page, one entry a message."""
    sent: list[dict[str, Any]] = []

    def send(data: dict[str, Any], **_: object) -> None:
        if data["method"] == "update":
            sent.append(data["state"])

    panel.comm.send = send
    return sent


@pytest.fixture
def panel() -> FindingsPanel:
    checks = [
        found("missing", images=[7, 3, 11], value=3.0, p_value=1e-9, level=0.05, source="a test"),
        found("doubt", "warning", [1, 2], value=0.0912, unit="nats", interval=(0.08, 0.1021)),
        found("gone", "warning"),
        found("order", "fine", p_value=0.4, level=0.01),
        found("frechet", "fine"),
        found("bins", "fine", p_value=1e-9, level=0.01),  # significant, but no verdict: it must not look fine
        found("blind-spot", "fine", sentence="The score cannot see repeats."),
        found("effective-classes", "fine", sentence="As varied as 4.1 classes."),
    ]
    return told(make(), *checks)[1]


# What it says


def test_what_is_wrong_comes_first_with_its_number_and_what_is_fine_apart(panel: FindingsPanel) -> None:
    view = panel.view
    assert [(row["key"], row["severity"], row["number"], row["images"]) for row in view["found"]] == [
        ("missing", "severe", "3 classes", 3),
        ("doubt", "warning", "0.0912 nats (95 % 0.08–0.102)", 2),
        ("gone", "warning", "1 class", 0),
    ]
    assert view["found"][0]["quiet"] == "p = 1e-09 · level 5 %, how often it fires where nothing is wrong · a test"
    words = [(row["key"], row["word"]) for row in view["found"] + view["fine"]]
    assert words[:3] == [("missing", "severe"), ("doubt", "warning"), ("gone", "warning")]
    assert words[3:] == [("order", "not found"), ("frechet", "stated"), ("bins", "stated")]
    assert view["summary"] == "1 severe, 2 warnings; 1 of 6 checks found nothing."
    assert view["rest"] == "looked for and not found: 1; numbers without a verdict: 2"
    assert (view["busy"], view["problem"], view["pressed"]) == (False, "", "")


def test_the_blind_spot_is_said_where_nothing_is_wrong() -> None:
    predictions = ix.predict(ix.demo.real(), "digits", device="cpu", progress=False)
    state = FindingsState(shown(predictions))
    state.tell(Diagnosed(diagnose(predictions)))
    view = FindingsPanel(state).view
    assert view["found"] == []
    assert re.fullmatch(r"Nothing is wrong that these \d+ checks can see\.", view["summary"])
    assert any("cannot see memorised or repeated images" in sentence for sentence in view["noted"])
    assert any("as varied as" in sentence for sentence in view["noted"])


def test_it_says_what_the_images_are_compared_with() -> None:
    _, panel = told(make())
    assert "no reference set was given" in panel.view["against"]
    _, panel = told(make(), reference=make(1234, seed=1, name="the real ones"))
    assert panel.view["against"] == "compared with the real ones, 1,234 images"


@pytest.mark.parametrize(
    ("value", "unit", "interval", "text"),
    [
        (0, "images", None, "0 images"),
        (904, "images", None, "904 images"),
        (12345.6, "images", (9999.5, 20000.0), "12,346 images (95 % 10,000–20,000)"),
        (-0.00082, "nats", (-0.005, 0.0033), "−0.00082 nats (95 % −0.005 to 0.0033)"),
        (2.5, "", None, "2.5"),
    ],
)
def test_numbers_are_read_with_unit_and_interval(value: float, unit: str, interval: Any, text: str) -> None:
    assert number_of(found("x", value=value, unit=unit, interval=interval)) == text


def test_the_head_names_what_is_severe() -> None:
    severe = [found(str(i), title=f"T{i}") for i in range(5)]
    assert alarm_of(reported(make(), *severe[:2], found("w", "warning"))) == "severe: T0, T1"
    assert alarm_of(reported(make(), *severe)) == "severe: T0, T1, T2 and 2 more"
    assert alarm_of(reported(make(), found("w", "warning"))) == alarm_of(None) == ""


def test_hostile_names_travel_as_they_are_and_as_plain_json() -> None:
    predictions = make(6, 3, name=HOSTILE[0], class_names=HOSTILE, image_names=HOSTILE * 2)
    checks = [found("x", title=HOSTILE[1], sentence=HOSTILE[0], images=[0], value=np.float64(2), p_value=0.0)]
    state, panel = told(predictions, *checks, reference=predictions)
    click(panel, "x")
    assert json.loads(json.dumps(panel.view, allow_nan=False)) == panel.view
    assert (panel.view["found"][0]["title"], panel.view["found"][0]["sentence"]) == (HOSTILE[1], HOSTILE[0])
    assert HOSTILE[0] in panel.view["against"]
    selection = state.explorer.shown().selection
    assert selection is not None
    assert selection.label == HOSTILE[1]


def test_page_and_kernel_speak_of_the_same_things() -> None:
    source = Path(panel_module.__file__).read_text("utf-8")
    script = Path(panel_module.__file__).with_suffix(".js").read_text("utf-8")
    asked = set(re.findall(r"\b(?:v|view\(\)|item)\.(\w+)", script)) | set(re.findall(r'kind: "(\w+)"', script))
    assert {name for name in asked if f'"{name}"' not in source} == set()
    assert "innerHTML" not in script


# A click


def test_a_click_selects_the_images_everywhere_and_a_second_one_lets_go() -> None:
    state, panel = told(make(), found("missing", images=[7, 3, 11]))
    gallery, marginal = GalleryPanel(state.explorer), MarginalPanel(state.explorer)
    sent = [updates(each) for each in (panel, gallery, marginal)]
    click(panel, "missing")
    assert [len(messages) for messages in sent] == [1, 1, 1]
    assert panel.view["pressed"] == "missing"
    assert [item["number"] for item in gallery.view["items"]] == [3, 7, 11] == selected(state)
    assert gallery.view["selectionLabel"] == "Title of missing"
    assert sum(marginal.view["selected"]) == pytest.approx(3 / 60)
    click(panel, "missing")
    assert (panel.view["pressed"], selected(state), marginal.view["selected"]) == ("", None, None)


def test_whatever_else_is_selected_lets_go_of_the_finding(panel: FindingsPanel) -> None:
    state = panel.state
    others: list[Callable[[], None]] = [
        lambda: state.explorer.select_class(1),
        state.explorer.invert,
        state.explorer.clear,
        lambda: state.explorer.show(make(20)),
    ]
    for other in others:
        click(panel, "doubt")
        assert panel.view["pressed"] == "doubt"
        other()
        assert panel.view["pressed"] == ""


def test_looking_closer_keeps_the_finding(panel: FindingsPanel) -> None:
    click(panel, "missing")
    panel.state.explorer.set_primary(3)
    panel.state.explorer.set_splits(2)
    panel.state.explorer.set_walk("unsure")
    assert panel.view["pressed"] == "missing"


def test_another_finding_takes_its_place_in_one_message(panel: FindingsPanel) -> None:
    click(panel, "missing")
    sent = updates(panel)
    click(panel, "doubt")
    assert [message["view"]["pressed"] for message in sent] == ["doubt"]
    assert selected(panel.state) == [1, 2]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"kind": "finding", "value": "gone"}, "speaks of no images"),
        ({"kind": "finding", "value": "unheard"}, "there is no finding 'unheard'"),
        ({"kind": "dance"}, "no action 'dance'"),
    ],
)
def test_what_cannot_be_done_is_said(panel: FindingsPanel, message: dict[str, Any], said: str) -> None:
    click(panel, "missing")
    say(panel, message)
    assert said in panel.error
    assert (panel.view["pressed"], selected(panel.state)) == ("missing", [3, 7, 11])
    click(panel, "doubt")
    assert panel.error == ""


def test_a_finding_of_another_set_selects_nothing(panel: FindingsPanel) -> None:
    panel.state.explorer.show(make(60, seed=1))
    click(panel, "missing")
    assert "another sample set is shown by now" in panel.error
    assert selected(panel.state) is None


# When it is computed


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Event]]:
    """Let the diagnosis of each set wait for a word, by the sets' names."""
    gates: dict[str, Event] = {"begun": Event()}

    def wait(sample: Side, reference: Side | None, _: object) -> Report:
        gates["begun"].set()
        assert gates[sample.predictions.provenance.source].wait(30)
        real = None if reference is None else reference.predictions
        return reported(sample.predictions, found("x", images=[1]), reference=real)

    monkeypatch.setattr(module, "diagnose_sides", wait)
    yield gates
    for gate in gates.values():
        gate.set()


def test_nothing_is_computed_before_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[ix.Predictions] = []

    def count(sample: Side, *_: object) -> Report:
        calls.append(sample.predictions)
        return reported(sample.predictions)

    monkeypatch.setattr(module, "diagnose_sides", count)
    explorer = ix.explore(make())
    explorer.show(make(seed=1))
    assert (calls, explorer.report, explorer.findings.view["busy"]) == ([], None, True)
    say(explorer.findings, {"kind": "look"})  # as each view does when it is there
    say(explorer.findings, {"kind": "look"})
    assert looked(explorer) is explorer.report
    assert calls == [explorer.predictions]
    explorer.state.select_class(1)
    looked(explorer)
    assert len(calls) == 1
    explorer.close()


def test_the_latest_set_wins(slow: dict[str, Event]) -> None:
    slow |= {"first": Event(), "second": Event()}
    explorer = ix.explore(make(name="first"))
    say(explorer.findings, {"kind": "look"})
    assert slow["begun"].wait(30)
    explorer.show(make(name="second", seed=1))
    assert explorer.findings.view["busy"]
    slow["second"].set()
    slow["first"].set()  # done last, and for nothing
    report = looked(explorer)
    assert report is not None
    assert report.evidence.sample.predictions is explorer.predictions
    assert not explorer.findings.view["busy"]
    explorer.close()


def test_it_says_how_far_it_is_and_stops_at_the_next_check(monkeypatch: pytest.MonkeyPatch) -> None:
    began, go_on = Semaphore(0), Semaphore(0)
    done: list[str] = []

    def slow_check(evidence: Evidence) -> list[Finding]:
        began.release()
        assert go_on.acquire(timeout=30)
        done.append(evidence.sample.predictions.provenance.source)
        return []

    monkeypatch.setattr("isexplore.report.diagnosis.CHECKS", (slow_check,) * 3)
    explorer = ix.explore(make(name="first"))
    assert explorer.findings.view["progress"] == ""
    say(explorer.findings, {"kind": "look"})
    for number in (1, 2):
        assert began.acquire(timeout=30)
        assert explorer.findings.view["progress"] == f"check {number} of 3"
        if number == 1:
            go_on.release()
    explorer.show(make(name="second", seed=1))
    assert explorer.findings.view["progress"] == ""
    for _ in range(4):
        go_on.release()
    looked(explorer)
    assert done == [*["first"] * 2, *["second"] * 3]  # the third check of the first set is not begun
    explorer.close()


def test_a_report_that_comes_while_another_set_is_shown_is_dropped(slow: dict[str, Event]) -> None:
    slow |= {"first": Event(), "second": Event()}
    explorer = ix.explore(make(name="first"))
    diagnosis = explorer.diagnosis
    assert diagnosis is not None
    diagnosis.look()
    with explorer.state.lock:  # as while a person's action is carried out
        slow["first"].set()
        assert diagnosis._worker._stop.wait(30)  # the report is there, and must wait for the lock
        explorer.show(make(name="second", seed=1))
    slow["begun"].clear()
    assert slow["begun"].wait(30)  # the thread went on to the second set, so it is done with the first
    assert explorer.report is None
    slow["second"].set()
    explorer.close()


def test_an_old_report_is_gone_as_soon_as_another_set_is_shown(slow: dict[str, Event]) -> None:
    slow |= {"first": Event(), "second": Event()}
    slow["first"].set()
    explorer = ix.explore(make(name="first"))
    looked(explorer)
    assert explorer.header.alarm == "severe: Title of x"
    explorer.show(make(name="second", seed=1))
    assert (explorer.report, explorer.findings.view["found"], explorer.header.alarm) == (None, [], "")
    slow["second"].set()
    explorer.close()


def test_a_view_is_drawn_while_it_is_computed(slow: dict[str, Event]) -> None:
    slow["first"] = Event()
    explorer = ix.explore(make(name="first"))
    say(explorer.findings, {"kind": "look"})
    explorer.state.select_class(2)  # nothing waits for the diagnosis
    assert explorer.findings.view["busy"]
    explorer.close()
    slow["first"].set()
    explorer.close()


@pytest.mark.parametrize(
    ("problem", "said"), [(ValueError("names the thing"), "names the thing"), (MemoryError(), "MemoryError")]
)
def test_an_error_stays_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch, problem: Exception, said: str) -> None:
    def fail(*_: object) -> Report:
        raise problem

    with monkeypatch.context() as patched:
        patched.setattr(module, "diagnose_sides", fail)
        explorer = ix.explore(make())
        assert looked(explorer) is None
    view = explorer.findings.view
    assert said in view["problem"]
    assert "isexplore.diagnose" in view["problem"]
    assert (view["busy"], view["summary"]) == (False, "")
    explorer.state.select_class(1)
    assert explorer.findings.view["problem"] == view["problem"]
    explorer.show(make(seed=1))
    assert looked(explorer) is not None
    assert explorer.findings.view["problem"] == ""
    explorer.close()


def test_the_reference_is_the_one_given_whatever_the_histogram_is_held_against() -> None:
    real = make(200, seed=1, name="real")
    explorer = ix.explore(make(), reference=real)
    explorer.state.set_reference()
    report = looked(explorer)
    assert report is not None
    assert report.evidence.reference is not None
    assert report.evidence.reference.predictions is real
    assert "real, 200 images" in explorer.findings.view["against"]
    explorer.show(make(c=4))
    report = looked(explorer)
    assert report is not None
    assert report.evidence.reference is None
    assert "real has other classes" in explorer.findings.view["note"]
    explorer.close()


def test_closing_ends_it_and_a_part_of_another_widget_has_none() -> None:
    before = set(running_threads())
    explorer = ix.explore(make())
    looked(explorer)
    explorer.close()
    assert explorer.findings.comm is None
    assert not {thread for thread in running_threads() if thread.name.startswith("isexplore_")} - before
    part = type(explorer)(state=shown(make()))
    assert (part.chooser, part.findings, part.report) == (None, None, None)
    assert part.gallery.view["n"] == 60
    part.close()


def test_without_a_set_there_is_nothing_to_wait_for() -> None:
    assert Diagnosis(ExplorerState()).wait() is None


# Several sets


def run(*outcomes: Severity | Literal["failed"] | None, current: int = -1) -> SetsFrame:
    """Return checkpoints with one finding of these severities; None where there is no report yet."""

    def entry(i: int, outcome: Severity | Literal["failed"] | None) -> Entry:
        one = make(20, seed=i)
        if outcome is None or outcome == "failed":
            return Entry(f"step {i}", one, error=outcome or "")
        return Entry(f"step {i}", one, report=reported(one, found("x", outcome)))

    return SetsFrame(tuple(starmap(entry, enumerate(outcomes))), None, current % len(outcomes), None)


@pytest.mark.parametrize(
    ("outcomes", "current", "said"),
    [
        (("fine", "severe", "severe"), 2, "in every set since step 1"),
        (("fine", "severe", "severe"), 1, "in every set since step 1"),
        (("fine", "warning", "severe"), 2, "in every set since step 2"),  # as bad as now
        (("fine", "severe", "warning"), 2, "in every set since step 1"),
        (("severe", "fine", "severe"), 2, "in every set since step 2"),
        (("fine", "severe", "severe", "fine"), 1, "in every set from step 1 to step 2"),
        (("fine", "severe", "severe", "fine"), 2, "in every set from step 1 to step 2"),
        (("severe", "severe", "fine"), 0, "in every set from step 0 to step 1"),
        (("severe", "warning"), 0, "better in step 1"),
        (("severe", "fine", "severe"), 0, "better in step 1"),
        (("severe", "severe"), 1, "in every set"),
        (("fine", "failed", "severe"), 2, "in every set since step 2"),
        (("severe", "failed", "severe"), 2, "in every set"),  # that could be diagnosed
        (("severe",), 0, None),
        (("failed", "severe"), 1, None),
        (("severe", "fine"), 1, None),
        # Nobody knows yet.
        ((None, "severe", "severe"), 2, None),
        (("fine", "severe", None), 1, None),
        (("severe", None), 1, None),
    ],
)
def test_since_when_it_is_so(
    outcomes: tuple[Severity | Literal["failed"] | None, ...], current: int, said: str | None
) -> None:
    assert since_when(run(*outcomes, current=current)).get("x") == said


def test_the_collapse_has_its_checkpoint_and_follows_the_current_set() -> None:
    steps = (3000, 4500, 30000)
    sets = {
        f"step {step}": ix.predict(ix.demo.gan("collapsed", step=step), "digits", device="cpu", progress=False)
        for step in steps
    }
    state = SetsState(sets, ix.predict(ix.demo.real(), "digits", device="cpu", progress=False))
    findings = SetsFindings(state)
    panel = FindingsPanel(findings)
    state.wait()
    row = {row["key"]: row for row in panel.view["found"]}["missing-classes"]
    assert (row["severity"], row["since"]) == ("severe", "in every set since step 4500")
    assert row["classesSince"] == "4 since step 4500; 1, 2, 3, 5, 6, 7, 8 since step 30000"
    state.set_current(0)
    assert all(row["severity"] != "severe" for row in panel.view["found"])
    state.set_current(1)
    say(panel, {"kind": "finding", "value": "missing-classes", "set": "step 3000"})  # a click that comes late
    assert "step 4500 is shown by now" in panel.error
    assert selected(findings) is None
    click(panel, "missing-classes")
    report = state.shown().shown.report
    assert report is not None
    assert selected(findings) == sorted({c.key: c for c in report.checks}["missing-classes"].images.tolist())
    sent = updates(panel)
    state.set_other(0)  # says nothing about what is wrong
    assert not sent
    seen: list[Any] = []
    state.observe(lambda change: seen.append(change["new"]), "frame")
    state.set_current(2)  # the same finding goes along, with the images of this set
    later = state.shown().shown.report
    assert later is not None
    images = {c.key: c for c in later.checks}["missing-classes"].images
    assert (panel.view["pressed"], selected(findings)) == ("missing-classes", sorted(images.tolist()))
    assert [frame.selection for frame in seen] == [state.explorer.shown().selection]  # in one change
    state.set_current(0)  # where nothing is missing
    assert (panel.view["pressed"], selected(findings)) == ("", None)
    panel.close()
    findings.close()
    findings.close()
    state.close()


def test_a_class_without_any_image_is_looked_at_beside_it() -> None:
    p, real = (np.repeat(np.eye(3), counts, axis=0) for counts in ([0, 90, 90], [60, 60, 60]))
    sets = {"first": ix.Predictions.from_probabilities(p), "again": ix.Predictions.from_probabilities(p)}
    state = SetsState(sets, ix.Predictions.from_probabilities(real))
    state.choose_class(2)
    findings = SetsFindings(state)
    panel = FindingsPanel(findings)
    state.wait()
    row = {row["key"]: row for row in panel.view["found"]}["missing-classes"]
    assert (row["images"], row["classes"], panel.view["showsClasses"]) == (0, 1, True)
    click(panel, "missing-classes")
    assert (state.shown().chosen_class, selected(findings), panel.error) == (0, None, "")
    panel.close()
    findings.close()
    state.close()
    alone = ix.explore(sets["first"], reference=ix.Predictions.from_probabilities(real))
    looked(alone)
    assert not alone.findings.view["showsClasses"]
    click(alone.findings, "missing-classes")
    assert "speaks of no images" in alone.findings.error
    alone.close()


def test_each_finding_has_a_key_of_its_own() -> None:
    predictions = ix.predict(ix.demo.gan("collapsed"), "digits", device="cpu", embeddings=True, progress=False)
    real = ix.predict(ix.demo.real(), "digits", device="cpu", embeddings=True, progress=False)
    keys = [check.key for check in diagnose(predictions, real).checks]
    assert sorted(set(keys)) == sorted(keys)
