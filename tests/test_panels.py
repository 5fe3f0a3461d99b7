"""The explorer's panels, headless: what they send to the page, and what they make of what comes back."""

from __future__ import annotations

import gc
import inspect
import io
import json
import math
import re
import sys
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event, Thread
from threading import enumerate as running_threads
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import isexplore as ix
from isexplore.collapse.effective import effective_classes
from isexplore.conventions import convention_rows
from isexplore.order import order_test, split_loss
from isexplore.predictions import Provenance
from isexplore.widgets.chooser import Chooser
from isexplore.widgets.conventions import ConventionsPanel
from isexplore.widgets.entropy import EntropyPanel
from isexplore.widgets.gallery import GalleryPanel
from isexplore.widgets.header import HeaderPanel
from isexplore.widgets.marginal import MarginalPanel
from isexplore.widgets.protocol import ProtocolPanel
from isexplore.widgets.state import ExplorerState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from isexplore.widgets.explorer import Explorer
    from isexplore.widgets.frame import Frame
    from isexplore.widgets.panel import Panel

PANELS: tuple[type[Panel[Any]], ...] = (
    HeaderPanel,
    MarginalPanel,
    EntropyPanel,
    ProtocolPanel,
    GalleryPanel,
    ConventionsPanel,
)
HOSTILE = ['<img src=x onerror="alert(1)">', "</script><script>", "a&amp;b", "%{x}\n<b>", "\u202edesrever", ""]


def matrix(n: int, c: int, seed: int = 0) -> NDArray[np.float64]:
    p: NDArray[np.float64] = np.random.default_rng(seed).dirichlet([0.3] * c, n)
    return p


def make(n: int = 250, c: int = 5, seed: int = 0, **parts: Any) -> ix.Predictions:
    return ix.Predictions.from_probabilities(matrix(n, c, seed), **parts)


def named(source: str, predictions: ix.Predictions) -> ix.Predictions:
    return predictions.described(Provenance(source=source))


def pictures(n: int, h: int = 6, w: int = 4, c: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (n, h, w, c), dtype=np.uint8)


def show(predictions: ix.Predictions) -> ExplorerState:
    state = ExplorerState()
    state.show(predictions)
    return state


def frame_of(state: ExplorerState) -> Frame:
    assert state.frame is not None
    return state.frame


def updates(panel: Panel[Any]) -> list[dict[str, Any]]:
    """Return a list that fills with the trait changes that go to the page, one entry a message."""
    sent: list[dict[str, Any]] = []

    def send(data: dict[str, Any], buffers: list[bytes], **_: object) -> None:
        if data["method"] == "update":
            binary = {path[0]: buffer for path, buffer in zip(data["buffer_paths"], buffers, strict=True)}
            sent.append(data["state"] | binary)

    panel.comm.send = send
    return sent


def say(panel: Panel[Any], content: object) -> None:
    """Let the page send a message; unlike the widget's own dispatcher, this hides no exception."""
    (callback,) = panel._msg_callbacks.callbacks
    callback(panel, content, [])


def settle(panel: ProtocolPanel | ConventionsPanel) -> None:
    """Wait until the panel's worker has nothing left to do."""
    panel.worker._pool.submit(lambda: None).result(60)


# One change, one round of messages


@pytest.fixture
def room() -> tuple[ExplorerState, dict[type[Panel[Any]], Panel[Any]], dict[type[Panel[Any]], list[dict[str, Any]]]]:
    state = show(make(thumbnails=pictures(250)))
    panels = {kind: kind(state) for kind in PANELS}
    return state, panels, {kind: updates(panel) for kind, panel in panels.items()}


SELECTING = {MarginalPanel, EntropyPanel, GalleryPanel}
CHANGES: dict[str, tuple[Callable[[ExplorerState], None], set[type[Panel[Any]]]]] = {
    "class": (lambda state: state.select_class(2), SELECTING),
    "range": (lambda state: state.select_range(0.2, 0.5), SELECTING),
    "mask": (lambda state: state.select(np.arange(250) > 100), SELECTING),
    "invert": (lambda state: state.invert(), SELECTING),
    "clear": (lambda state: state.clear(), SELECTING),
    "primary": (lambda state: state.set_primary(7), {GalleryPanel}),
    "splits": (lambda state: state.set_splits(7), {HeaderPanel, ProtocolPanel}),
    "shuffle": (lambda state: state.shuffle(1), {HeaderPanel, ProtocolPanel}),
    "reference": (lambda state: state.set_reference("other", make(seed=1)), {MarginalPanel}),
    "split rule": (lambda state: state.set_rule("chunk"), {ProtocolPanel}),
    "another set": (lambda state: state.show(make(60, 4)), set(PANELS) - {ConventionsPanel}),
}


@pytest.mark.parametrize(("change", "concerned"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_one_message_to_each_panel_that_shows_it(
    room: tuple[ExplorerState, dict[type[Panel[Any]], Panel[Any]], dict[type[Panel[Any]], list[dict[str, Any]]]],
    change: Callable[[ExplorerState], None],
    concerned: set[type[Panel[Any]]],
) -> None:
    state, _, sent = room
    state.select_class(1)
    for messages in sent.values():
        messages.clear()
    change(state)
    assert {kind: len(messages) for kind, messages in sent.items()} == {kind: int(kind in concerned) for kind in PANELS}
    assert all("view" in message for messages in sent.values() for message in messages)


def test_the_same_again_is_no_message(
    room: tuple[ExplorerState, dict[type[Panel[Any]], Panel[Any]], dict[type[Panel[Any]], list[dict[str, Any]]]],
) -> None:
    state, _, sent = room
    state.set_splits(10)
    state.set_primary(0)
    state.clear()
    state.set_reference()
    assert not any(sent.values())


def test_a_click_is_one_round_of_messages(
    room: tuple[ExplorerState, dict[type[Panel[Any]], Panel[Any]], dict[type[Panel[Any]], list[dict[str, Any]]]],
) -> None:
    _, panels, sent = room
    say(panels[MarginalPanel], {"kind": "class", "value": 3})
    assert {kind: len(messages) for kind, messages in sent.items()} == {kind: int(kind in SELECTING) for kind in PANELS}


def test_pixels_and_view_of_the_gallery_arrive_together() -> None:
    state = show(make(thumbnails=pictures(250)))
    panel = GalleryPanel(state)
    sent = updates(panel)
    state.select_class(1)
    assert [set(message) for message in sent] == [{"view", "sprite"}]
    state.set_primary(int(panel.view["items"][3]["number"]))  # on the same page: no pixels travel again
    assert [set(message) for message in sent[1:]] == [{"view"}]
    say(panel, {"kind": "order", "value": "unsure"})
    assert [set(message) for message in sent[2:]] == [{"view", "sprite"}]


def test_a_closed_panel_follows_no_more_and_closes_again() -> None:
    state = show(make())
    panels = [kind(state) for kind in PANELS]
    for panel in panels:
        sent = updates(panel)
        panel.close()
        panel.close()
        state.select_class(1)
        state.clear()
        assert not sent


# What travels is plain JSON

SETS: dict[str, Callable[[], ix.Predictions]] = {
    "digits": lambda: make(1797, 10, thumbnails=pictures(1797, 8, 8, 1)),
    "1000 classes": lambda: make(300, 1000),
    "one image": lambda: make(1, 3, thumbnails=pictures(1)),
    "two classes": lambda: make(5, 2),
    "identical rows": lambda: ix.Predictions.from_probabilities(np.full((30, 4), 0.25)),
    "one-hot rows": lambda: ix.Predictions.from_probabilities(np.eye(6)[np.arange(30) % 6]),
    "one class": lambda: ix.Predictions.from_probabilities(np.eye(6)[np.zeros(30, int)]),
    "hostile names": lambda: make(6, 6, class_names=HOSTILE, image_names=HOSTILE[::-1]),
}
SITUATIONS: dict[str, Callable[[ExplorerState], None]] = {
    "as opened": lambda _: None,
    "all selected": lambda state: state.select(np.ones(frame_of(state).sample.n_images, bool)),
    "nothing selected": lambda state: state.select(np.zeros(frame_of(state).sample.n_images, bool)),
    "a class": lambda state: state.select_class(0),
    "the other classes": lambda state: state.invert(),
    "a range": lambda state: state.select_range(0, 0.7),
    "last image": lambda state: state.set_primary(frame_of(state).sample.n_images - 1),
    "shuffled": lambda state: state.shuffle(2020),
    "most splits": lambda state: state.set_splits(int(frame_of(state).order.curve.counts[-1])),
    "one split": lambda state: state.set_splits(1),
    "reference": lambda state: state.set_reference("itself", frame_of(state).sample.predictions),
}


@pytest.mark.parametrize("kind", PANELS)
@pytest.mark.parametrize("predictions", SETS.values(), ids=SETS)
def test_views_are_plain_json_without_nan(predictions: Callable[[], ix.Predictions], kind: type[Panel[Any]]) -> None:
    state = show(predictions())
    panel = kind(state)
    for situation in SITUATIONS.values():
        situation(state)
        assert json.loads(json.dumps(panel.view, allow_nan=False)) == panel.view
        assert panel.error == ""


def test_hostile_names_travel_as_they_are() -> None:
    state = show(make(6, 6, class_names=HOSTILE, image_names=HOSTILE[::-1]))
    assert MarginalPanel(state).view["names"] == HOSTILE
    assert [item["name"] for item in GalleryPanel(state).view["items"]] == HOSTILE[::-1]


@pytest.mark.parametrize("kind", [*PANELS, Chooser])
def test_page_and_kernel_speak_of_the_same_things(kind: type[Panel[Any] | Chooser]) -> None:
    module = Path(inspect.getfile(kind))
    script, source = module.with_suffix(".js").read_text("utf-8"), module.read_text("utf-8")
    asked = set(re.findall(r"\b(?:v|view\(\))\.(\w+)", script))
    said = set(re.findall(r"""(?:\bsend\(|\bkind: )"([\w-]+)\"""", script))
    assert {name for name in asked | said if f'"{name}"' not in source} == set()


# Header and protocol


def test_the_header_says_what_the_score_says() -> None:
    predictions = make()
    state = show(predictions)
    panel = HeaderPanel(state)
    state.set_splits(5)
    view, score = panel.view, ix.inception_score(predictions, splits=5)
    assert view["line"] == str(score)
    assert view["overall"] == pytest.approx(score.overall)
    assert view["warnings"] == list(score.warnings)
    assert view["logScore"] == pytest.approx(math.log(score.overall))
    assert view["variety"] - view["doubt"] == pytest.approx(view["logScore"])
    assert 0 <= view["doubt"] <= view["variety"] <= view["most"]


def test_the_header_says_what_the_classifier_sees() -> None:
    for preprocessing, said in [(None, ""), ("gray, 8×8", "The classifier sees: gray, 8×8")]:
        state = show(make().described(ix.predictions.Provenance(preprocessing=preprocessing)))
        assert HeaderPanel(state).view["seen"] == said


def test_the_header_counts_skipped_images() -> None:
    provenance = ix.predictions.Provenance("folder", skipped=(("broken.png", "truncated"), ("b.png", "empty")))
    (note,) = HeaderPanel(show(make().described(provenance))).view["warnings"]
    assert "2 images" in note
    assert "broken.png" in note


def test_the_slider_sets_the_split_count_without_an_echo() -> None:
    predictions = make()
    state = show(predictions)
    panel = ProtocolPanel(state)
    sent = updates(panel)
    panel.set_state({"splits": 7})
    assert frame_of(state).score.splits == panel.splits == panel.view["splits"] == 7
    assert panel.view["mean"] == pytest.approx(ix.inception_score(predictions, splits=7).mean)
    assert [set(message) for message in sent] == [{"view"}]  # the slider itself is not sent back
    panel.set_state({"splits": 7})
    assert len(sent) == 1
    for splits in range(1, 41):  # a drag
        panel.set_state({"splits": splits})
    assert [message["view"]["splits"] for message in sent[1:]] == list(range(1, 41))
    assert not any("splits" in message for message in sent)


def test_the_slider_follows_the_state() -> None:
    state = show(make())
    panel = ProtocolPanel(state)
    sent = updates(panel)
    state.set_splits(3)
    assert [(message["splits"], message["view"]["splits"]) for message in sent] == [(3, 3)]
    state.show(make(2))
    assert panel.splits == 2


@pytest.mark.parametrize("splits", [0, -1, 201, 10**9])
def test_an_impossible_split_count_is_an_error_and_the_slider_goes_back(splits: int) -> None:
    state = show(make())
    panel = ProtocolPanel(state)
    before = state.frame
    sent = updates(panel)
    panel.set_state({"splits": splits})
    assert state.frame is before
    assert "between 1 and 200" in panel.error
    assert panel.splits == 10
    assert {"splits": 10} in [{key: message[key] for key in message if key == "splits"} for message in sent]
    panel.set_state({"splits": 9})
    assert (panel.error, frame_of(state).score.splits) == ("", 9)


def test_the_protocol_shows_the_curve_in_the_current_order() -> None:
    predictions = make()
    state = show(predictions)
    panel = ProtocolPanel(state)
    for seed in (None, 5):
        say(panel, {"kind": "shuffle", "seed": seed})
        settle(panel)
        curve = ix.split_curve(predictions, range(1, 201), seed=seed)
        assert panel.view["counts"] == curve.counts.tolist()
        np.testing.assert_allclose(panel.view["means"], curve.mean, rtol=1e-9)
        np.testing.assert_allclose(panel.view["stds"], curve.std, rtol=1e-6, atol=1e-9)
        assert (panel.view["seed"], panel.busy) == (seed, "")
    assert "5" in panel.view["order"]
    in_file_order = ix.split_curve(predictions, range(1, 201))
    np.testing.assert_allclose(panel.view["fileMeans"], in_file_order.mean, rtol=1e-9)
    assert panel.view["before"] == pytest.approx(in_file_order.mean[9])
    say(panel, {"kind": "shuffle", "seed": None})
    assert (panel.view["seed"], panel.view["fileMeans"]) == (None, None)


def test_the_protocol_says_what_the_rules_print() -> None:
    state = show(make())
    panel = ProtocolPanel(state)
    panel.set_state({"splits": 7})
    say(panel, {"kind": "rule", "value": "equal"})
    say(panel, {"kind": "spread", "value": "sample"})
    printed = frame_of(state).printed
    assert (panel.view["rule"], panel.view["ofASample"]) == ("equal", True)
    assert panel.view["printed"] == {
        "mean": printed.mean,
        "std": printed.std,
        "splits": 7,
        "sizes": "35",
        "leftOut": 5,
    }
    say(panel, {"kind": "rule", "value": "floor"})
    assert (panel.view["printed"]["sizes"], panel.view["printed"]["leftOut"]) == ("35–36", 0)
    say(panel, {"kind": "spread", "value": "population"})
    assert panel.view["printed"]["std"] == pytest.approx(panel.view["std"])
    state.set_splits(1)
    state.set_spread(of_a_sample=True)
    assert panel.view["printed"]["std"] is None


def test_the_protocol_takes_the_loss_apart_and_tests_the_order() -> None:
    p = np.repeat(np.eye(5) * 0.95 + 0.01, 50, axis=0)
    state = show(ix.Predictions.from_probabilities(p))
    panel = ProtocolPanel(state)
    predictions = frame_of(state).sample.predictions
    view, score = panel.view, ix.inception_score(predictions)
    assert view["alarm"]
    test = order_test(predictions)
    assert f"{test.splits} splits lose {100 * test.loss:.2g} % to it (p = 0.005" in view["test"]
    assert view["loss"] == pytest.approx(vars(split_loss(score)))
    assert view["loss"]["overall"] * view["loss"]["divergence_factor"] * view["loss"]["mean_ratio"] == pytest.approx(
        view["mean"]
    )
    say(panel, {"kind": "shuffle", "seed": 2020})
    settle(panel)
    assert not panel.view["alarm"]
    assert panel.view["mean"] > 2 * panel.view["before"]
    state.show(make(3))
    assert panel.view["test"] == "Too few images to test their order."


def test_a_shuffle_of_a_set_that_is_no_longer_shown_is_dropped() -> None:
    state = show(make())
    panel = ProtocolPanel(state)
    with state.lock:  # so that the worker cannot hand over its order
        say(panel, {"kind": "shuffle", "seed": 3})
        assert panel.busy
        state.show(make(seed=1))
    settle(panel)
    assert (frame_of(state).order.seed, panel.busy, panel.error) == (None, "", "")


# Conventions


def test_conventions_are_computed_when_asked_for_and_then_follow() -> None:
    predictions = make(class_names=list("abcde"))
    state = show(predictions)
    panel = ConventionsPanel(state)
    state.set_splits(7)
    settle(panel)
    assert panel.view == {"isOpen": False, "caption": "", "busy": False, "rows": []}

    say(panel, {"kind": "open"})
    assert panel.view["isOpen"]
    settle(panel)
    assert not panel.view["busy"]
    expected = {row.convention: row for row in convention_rows(predictions, splits=7)}
    assert [row["name"] for row in panel.view["rows"]] == list(expected)
    for row in panel.view["rows"]:
        if "torchmetrics" not in row["name"]:  # another order at each call
            assert row["value"] == _printed(expected[row["name"]].value)
            above = " Above 5, the number of classes: no Inception Score can be."
            assert row["note"] == (expected[row["name"]].note + above * (expected[row["name"]].value > 5)).strip()
            for part in ("difference", "remark", "source"):
                assert row[part] == getattr(expected[row["name"]], part)
    before = panel.view["rows"]

    state.shuffle(5)
    settle(panel)
    assert panel.view["rows"] != before
    contiguous = {row["name"]: row["value"] for row in panel.view["rows"]}
    assert contiguous["improved-gan (2016)"] == _printed(frame_of(state).score.mean)

    say(panel, {"kind": "close"})
    state.shuffle(6)
    settle(panel)
    assert panel.view == {"isOpen": False, "caption": "", "busy": False, "rows": []}
    panel.close()


def test_conventions_that_are_no_longer_right_are_marked() -> None:
    state = show(make())
    panel = ConventionsPanel(state)
    sent = updates(panel)
    say(panel, {"kind": "open"})
    settle(panel)
    sent.clear()
    state.set_splits(3)
    settle(panel)
    assert [message["view"]["busy"] for message in sent] == [True, False]


def test_what_breaks_in_the_comparison_is_said_and_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    panel = ConventionsPanel(show(make()))
    with monkeypatch.context() as patch:
        patch.setattr("isexplore.widgets.conventions.convention_rows", broken)
        say(panel, {"kind": "open"})
        settle(panel)
        assert (panel.error, panel.view["busy"], panel.view["rows"]) == ("no room", False, [])
    say(panel, {"kind": "close"})
    say(panel, {"kind": "open"})
    settle(panel)
    assert (panel.error, panel.view["busy"], len(panel.view["rows"])) == ("", False, 16)


def test_a_comparison_that_is_put_away_keeps_nothing_alive() -> None:
    state = show(make())
    panel = ConventionsPanel(state)
    say(panel, {"kind": "open"})
    settle(panel)
    old = ref(frame_of(state).sample)
    say(panel, {"kind": "close"})
    state.show(make(20, 3))
    settle(panel)
    gc.collect()
    assert old() is None


@pytest.mark.parametrize("kind", ["shuffle", "open"])
def test_closing_does_not_wait_for_what_runs(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    running, go_on = Event(), Event()

    def slow(*_: object, **__: object) -> None:
        running.set()
        go_on.wait(60)

    monkeypatch.setattr("isexplore.widgets.protocol.shuffled", slow)
    monkeypatch.setattr("isexplore.widgets.conventions.convention_rows", slow)
    state = show(make())
    panel = ProtocolPanel(state) if kind == "shuffle" else ConventionsPanel(state)
    say(panel, {"kind": kind, "seed": 1})
    assert running.wait(60)
    with state.lock:
        panel.close()
    assert not go_on.is_set()
    go_on.set()


def test_file_order_is_not_undone_by_an_earlier_shuffle(monkeypatch: pytest.MonkeyPatch) -> None:
    state = show(make())
    panel = ProtocolPanel(state)
    handed_over, go_on = Event(), Event()
    finish = ProtocolPanel._finish

    def late(self: ProtocolPanel, request: int, act: Callable[[], None]) -> None:
        handed_over.set()
        go_on.wait(60)
        finish(self, request, act)

    monkeypatch.setattr(ProtocolPanel, "_finish", late)
    say(panel, {"kind": "shuffle", "seed": 3})
    assert handed_over.wait(60)
    say(panel, {"kind": "shuffle", "seed": None})
    go_on.set()
    settle(panel)
    assert (frame_of(state).order.seed, panel.busy) == (None, "")


def test_an_order_that_was_shuffled_here_raises_no_alarm() -> None:
    state = show(ix.Predictions.from_probabilities(np.repeat(np.eye(5) * 0.95 + 0.01, 50, axis=0)))
    panel = ProtocolPanel(state)
    order = frame_of(state).order
    assert panel.view["alarm"]
    state.set_order(frame_of(state).sample, replace(order, seed=7))  # as if chance had sorted the images
    assert not panel.view["alarm"]
    assert panel.view["test"].startswith("In random order, tested with 10 splits: p = ")


def _printed(value: float) -> str:
    return f"{value:.4f}" if not abs(value) >= 1e5 else f"{value:.3g}"


# Entropy


@given(n=st.integers(1, 50), c=st.integers(2, 5), seed=st.integers(0, 99), share=st.floats(0, 1))
@settings(max_examples=50)
def test_the_histogram_counts_every_image_once(n: int, c: int, seed: int, share: float) -> None:
    state = show(make(n, c, seed))
    panel = EntropyPanel(state)
    assert sum(panel.view["counts"]) == panel.view["n"] == n
    state.select(np.ones(n, bool))
    assert panel.view["selected"] == panel.view["counts"]
    mask = np.random.default_rng(seed).random(n) < share
    state.select(mask)
    assert sum(panel.view["selected"]) == mask.sum()
    assert all(part <= whole for part, whole in zip(panel.view["selected"], panel.view["counts"], strict=True))
    panel.close()


def test_a_drag_over_the_histogram_selects_a_range() -> None:
    state = show(make())
    panel = EntropyPanel(state)
    low, high = panel.view["edges"][3], panel.view["edges"][9]
    say(panel, {"kind": "range", "low": low, "high": high})
    selection, entropy = frame_of(state).selection, frame_of(state).sample.score.conditional_entropy
    assert selection is not None
    assert selection.mask[(entropy >= low) & (entropy <= high)].all()
    assert panel.view["range"] == [low, high]
    state.invert()
    assert panel.view["range"] is None


def test_the_whole_histogram_selects_every_image() -> None:
    state = show(make())
    panel = EntropyPanel(state)
    say(panel, {"kind": "range", "low": panel.view["edges"][0], "high": panel.view["edges"][-1]})
    assert panel.view["selected"] == panel.view["counts"]


def test_the_scale_is_the_panels_own() -> None:
    state = show(make())
    panel = EntropyPanel(state)
    before = state.frame
    assert panel.view["selected"] is None
    say(panel, {"kind": "logarithmic", "value": True})
    assert panel.view["logarithmic"] is True
    assert state.frame is before


# Marginal


def test_bars_show_shares_counts_and_reference() -> None:
    predictions = make(class_names=list("abcde"))
    view, score = MarginalPanel(show(predictions)).view, ix.inception_score(predictions)
    assert view["names"] == view["allNames"] == list("abcde")
    np.testing.assert_allclose(view["share"], score.marginal)
    np.testing.assert_allclose(view["expected"], 0.2)
    assert view["images"] == np.bincount(predictions.probabilities.argmax(axis=1), minlength=5).tolist()
    assert view["effective"] == pytest.approx(math.exp(score.marginal_entropy))
    assert (view["corrected"], view["n"]) == (effective_classes(score)[0], score.n_images)
    assert view["corrected"] > view["effective"]
    assert view["top"] > max(view["share"])


@given(seed=st.integers(0, 99), threshold=st.floats(0, 1))
@settings(max_examples=30)
def test_the_selected_part_of_a_bar_lies_within_it(seed: int, threshold: float) -> None:
    state = show(make(40, 4, seed))
    panel = MarginalPanel(state)
    mask = np.random.default_rng(seed).random(40) < threshold
    state.select(mask)
    share, part = np.array(panel.view["share"]), np.array(panel.view["selected"])
    assert (part <= share + 1e-12).all()
    assert part.sum() == pytest.approx(mask.mean())
    state.invert()
    np.testing.assert_allclose(part + panel.view["selected"], share)
    panel.close()


def test_bars_are_sorted() -> None:
    state = show(make(c=30))
    panel = MarginalPanel(state)
    assert panel.view["numbers"] == list(range(30))
    say(panel, {"kind": "sort", "value": "share"})
    assert panel.view["share"] == sorted(panel.view["share"], reverse=True)
    assert sorted(panel.view["numbers"]) == list(range(30))
    state.set_reference("other", make(c=30, seed=1))
    say(panel, {"kind": "sort", "value": "difference"})
    distance = np.abs(np.array(panel.view["share"]) - panel.view["expected"])
    np.testing.assert_array_equal(distance, np.sort(distance)[::-1])
    assert panel.view["names"] == [panel.view["allNames"][number] for number in panel.view["numbers"]]
    assert {key for key, _ in panel.view["sorts"]} == {"class", "share", "difference"}


def test_a_thousand_classes_are_paged() -> None:
    state = show(make(50, 1000))
    panel = MarginalPanel(state)
    assert panel.view["pages"] == math.ceil(1000 / len(panel.view["numbers"]))
    say(panel, {"kind": "sort", "value": "share"})
    seen: list[int] = []
    for page in range(panel.view["pages"]):
        say(panel, {"kind": "page", "value": page})
        assert (panel.view["page"], panel.view["first"]) == (page, len(seen))
        seen += panel.view["numbers"]
    assert sorted(seen) == list(range(1000))
    np.testing.assert_array_equal(seen, np.argsort(-frame_of(state).sample.score.marginal, kind="stable"))
    say(panel, {"kind": "page", "value": 10**6})
    assert panel.view["page"] == panel.view["pages"] - 1
    say(panel, {"kind": "page", "value": -5})
    assert panel.view["page"] == 0
    say(panel, {"kind": "page", "value": 3})
    state.show(make(20, 5))
    assert (panel.view["page"], panel.view["pages"], panel.view["classes"]) == (0, 1, 5)


def test_references_are_offered_only_with_the_same_classes() -> None:
    state = show(make())
    panel = MarginalPanel(state)
    state.show(named("more classes", make(c=6)))
    state.show(named("other names", make(class_names=list("abcde"))))
    state.show(named("shown", make()))
    state.set_reference("same", make(seed=1))
    state.set_reference()
    assert [key for key, _ in panel.view["references"]] == ["", "probabilities", "same"]
    say(panel, {"kind": "reference", "value": "same"})
    assert (panel.view["reference"], panel.view["referenceKey"]) == ("same", "same")
    np.testing.assert_allclose(panel.view["expected"], ix.inception_score(make(seed=1)).marginal, atol=1e-7)
    say(panel, {"kind": "reference", "value": "more classes"})
    assert "other classes" in panel.error
    assert panel.view["reference"] == "same"
    say(panel, {"kind": "reference", "value": ""})
    assert (panel.error, panel.view["referenceKey"]) == ("", "")
    say(panel, {"kind": "reference", "value": "never seen"})
    assert "never seen" in panel.error
    state.show(named("six", make(c=6)))
    assert [key for key, _ in panel.view["references"]] == ["", "more classes"]


def test_a_second_click_on_a_class_lets_it_go() -> None:
    state = show(make())
    panel = MarginalPanel(state)
    say(panel, {"kind": "class", "value": 3})
    say(panel, {"kind": "clear", "value": 3})
    assert frame_of(state).selection is None


def test_a_chosen_class_turns_to_its_page() -> None:
    state = show(make(50, 100))
    panel = MarginalPanel(state)
    say(panel, {"kind": "sort", "value": "share"})
    state.select_class(77)
    assert 77 in panel.view["numbers"]
    say(panel, {"kind": "page", "value": 0})
    assert panel.view["page"] == 0


def test_sets_of_the_same_name_stay_apart_as_references() -> None:
    first, second, third = make(seed=1), make(seed=2), make(seed=3)
    state = show(first)
    panel = MarginalPanel(state)
    state.set_reference(predictions=second)
    assert frame_of(state).reference.name == "probabilities (2)"
    state.show(third)
    assert [key for key, _ in panel.view["references"]] == ["", "probabilities", "probabilities (2)"]
    say(panel, {"kind": "reference", "value": "probabilities (2)"})
    np.testing.assert_allclose(panel.view["expected"], second.probabilities.mean(axis=0), atol=1e-6)


def test_the_images_are_walked_from_the_first_in_the_chosen_order() -> None:
    state = show(make(thumbnails=pictures(250)))
    panel = GalleryPanel(state)
    say(panel, {"kind": "order", "value": "unsure"})
    state.select_class(2)
    assert panel.view["primary"]["number"] == numbers(panel)[0]
    entropy = [item["entropy"] for item in panel.view["items"]]
    assert entropy == sorted(entropy, reverse=True)
    state.clear()
    say(panel, {"kind": "page", "value": 2})
    assert panel.view["primary"]["number"] == numbers(panel)[0]
    say(panel, {"kind": "walk", "value": 1})
    assert (panel.view["page"], panel.view["primary"]["number"]) == (2, numbers(panel)[1])


def test_one_tall_bar_makes_the_scale_logarithmic_until_a_person_chooses() -> None:
    p = np.full((100, 5), 1e-6)
    p[:, 0] = 1 - 4e-6
    p[0] = 0.2
    panel = EntropyPanel(show(ix.Predictions.from_probabilities(p)))
    assert panel.view["logarithmic"]
    say(panel, {"kind": "logarithmic", "value": False})
    assert not panel.view["logarithmic"]
    assert not EntropyPanel(show(make())).view["logarithmic"]


def test_escape_clears_and_the_fallback_says_the_score() -> None:
    explorer = ix.explore(make())
    explorer.state.select_class(1)
    say(explorer, {"kind": "clear"})
    assert len(explorer.selection) == 0
    assert "IS " in repr(explorer)
    assert "run this cell again" in repr(explorer)
    explorer.close()


def test_a_clicked_bar_is_marked() -> None:
    state = show(make())
    panel = MarginalPanel(state)
    say(panel, {"kind": "class", "value": 3})
    assert panel.view["chosen"] == 3
    state.invert()
    assert panel.view["chosen"] is None


# Gallery


def numbers(panel: GalleryPanel) -> list[int]:
    return [item["number"] for item in panel.view["items"]]


def all_pages(panel: GalleryPanel) -> list[int]:
    found: list[int] = []
    for page in range(panel.view["pages"]):
        say(panel, {"kind": "page", "value": page})
        assert panel.view["page"] == page
        found += numbers(panel)
    return found


def test_each_order_shows_every_image_once() -> None:
    state = show(make())
    panel, score, top = GalleryPanel(state), frame_of(state).sample.score, frame_of(state).sample.top_class
    keys = {
        "file": np.arange(250),
        "unsure": -score.conditional_entropy,
        "sure": score.conditional_entropy,
        "share": -score.kl,
        "class": top,
    }
    assert {key for key, _ in panel.view["orders"]} == set(keys)
    for order, key in keys.items():
        say(panel, {"kind": "order", "value": order})
        assert all_pages(panel) == np.argsort(key, kind="stable").tolist()


def test_a_page_out_of_reach_is_the_nearest() -> None:
    panel = GalleryPanel(show(make()))
    last = panel.view["pages"] - 1
    say(panel, {"kind": "page", "value": 99})
    assert panel.view["page"] == last == 249 // panel.view["pageSize"]
    say(panel, {"kind": "page", "value": -1})
    assert panel.view["page"] == 0


def test_walking_stops_at_both_ends_and_turns_pages() -> None:
    state = show(make())
    panel = GalleryPanel(state)
    say(panel, {"kind": "order", "value": "unsure"})
    sequence = all_pages(panel)
    say(panel, {"kind": "primary", "value": sequence[0]})
    say(panel, {"kind": "walk", "value": -1})
    assert (frame_of(state).primary, panel.view["page"]) == (sequence[0], 0)
    walked = [sequence[0]]
    for _ in range(260):
        say(panel, {"kind": "walk", "value": 1})
        walked.append(frame_of(state).primary)
        assert frame_of(state).primary in numbers(panel)
    assert walked == sequence + [sequence[-1]] * 11
    assert panel.view["page"] == panel.view["pages"] - 1
    page = panel.view["pageSize"]
    say(panel, {"kind": "walk", "value": -page})
    assert (frame_of(state).primary, panel.view["page"]) == (sequence[-1 - page], panel.view["pages"] - 2)
    say(panel, {"kind": "walk", "value": -(10**6)})
    assert frame_of(state).primary == sequence[0]


def test_walking_stays_in_the_selection() -> None:
    state = show(make())
    panel = GalleryPanel(state)
    state.select_class(2)
    chosen = np.flatnonzero(frame_of(state).sample.top_class == 2).tolist()
    assert frame_of(state).primary == chosen[0]
    seen = [chosen[0]]
    for _ in chosen:
        say(panel, {"kind": "walk", "value": 1})
        seen.append(frame_of(state).primary)
    assert seen == [*chosen, chosen[-1]]
    outside = next(i for i in range(250) if i not in chosen)
    state.set_primary(outside)  # from outside the gallery
    assert panel.view["primary"]["number"] == outside
    say(panel, {"kind": "walk", "value": 1})
    assert frame_of(state).primary == chosen[0]


def test_a_turned_page_stays_until_another_image_is_looked_at() -> None:
    state = show(make())
    panel = GalleryPanel(state)
    say(panel, {"kind": "page", "value": 2})
    state.set_splits(5)
    state.set_reference("other", make(seed=1))
    assert panel.view["page"] == 2
    say(panel, {"kind": "primary", "value": numbers(panel)[7]})
    assert panel.view["page"] == 2
    state.set_primary(5)
    assert panel.view["page"] == 0


def test_the_rest_is_shown_gray_behind_the_selected() -> None:
    state = show(make())
    panel = GalleryPanel(state)
    state.select_class(1)
    chosen = frame_of(state).sample.top_class == 1
    assert all_pages(panel) == np.flatnonzero(chosen).tolist()
    say(panel, {"kind": "rest", "value": True})
    assert all_pages(panel) == [*np.flatnonzero(chosen).tolist(), *np.flatnonzero(~chosen).tolist()]
    say(panel, {"kind": "page", "value": 0})
    assert [item["selected"] for item in panel.view["items"]] == [bool(chosen[i]) for i in numbers(panel)]
    say(panel, {"kind": "rest", "value": False})
    assert all(item["selected"] for item in panel.view["items"])


def test_the_gallery_says_what_is_selected() -> None:
    predictions = make()
    state = show(predictions)
    panel = GalleryPanel(state)
    assert (panel.view["selectedCount"], panel.view["selectionScore"]) == (None, None)
    state.select_range(0.1, 0.6)
    selection = frame_of(state).selection
    assert selection is not None
    part = predictions.probabilities[selection.mask]
    assert (panel.view["selectedCount"], panel.view["selectionLabel"]) == (len(part), selection.label)
    assert panel.view["selectionScore"] == pytest.approx(ix.inception_score(part, splits=1).overall)
    say(panel, {"kind": "invert"})
    assert panel.view["selectedCount"] == 250 - len(part)
    state.select(np.zeros(250, bool))
    assert (panel.view["selectedCount"], panel.view["selectionScore"], panel.view["items"]) == (0, None, [])
    assert (panel.view["pages"], panel.view["primary"], panel.sprite) == (1, None, b"")
    say(panel, {"kind": "walk", "value": 1})
    assert panel.error == ""
    say(panel, {"kind": "clear"})
    assert len(panel.view["items"]) == panel.view["pageSize"]


@pytest.mark.parametrize(("h", "w", "c"), [(8, 8, 1), (6, 4, 3), (3, 64, 3), (1, 1, 1)])
@pytest.mark.parametrize("n", [1, 5, 13, 250])
def test_the_sprite_holds_the_pixels_of_the_page(n: int, h: int, w: int, c: int) -> None:
    thumbnails = pictures(n, h, w, c)
    state = show(make(n, thumbnails=thumbnails))
    panel = GalleryPanel(state)
    say(panel, {"kind": "order", "value": "sure"})
    for page in range(panel.view["pages"]):
        say(panel, {"kind": "page", "value": page})
        tile = panel.view["tile"]
        assert (tile["width"], tile["height"]) == (w, h)
        with Image.open(io.BytesIO(panel.sprite)) as image:
            assert image.format == "PNG"
            sprite = np.asarray(image).reshape(image.height, image.width, c)
        for place, number in enumerate(numbers(panel)):
            y, x = h * (place // tile["columns"]), w * (place % tile["columns"])
            np.testing.assert_array_equal(sprite[y : y + h, x : x + w], thumbnails[number])


def test_the_primary_image_is_drawn_last_when_it_is_on_another_page() -> None:
    thumbnails = pictures(250)
    state = show(make(thumbnails=thumbnails))
    panel = GalleryPanel(state)
    state.select(np.arange(250) > 9)
    state.set_primary(0)  # not a selected one
    assert 0 not in numbers(panel)
    place, tile = len(panel.view["items"]), panel.view["tile"]
    with Image.open(io.BytesIO(panel.sprite)) as image:
        sprite = np.asarray(image)
    y, x = 6 * (place // tile["columns"]), 4 * (place % tile["columns"])
    np.testing.assert_array_equal(sprite[y : y + 6, x : x + 4], thumbnails[0])


def test_sprites_follow_the_set() -> None:
    state = show(make(5, thumbnails=pictures(5)))
    panel = GalleryPanel(state)
    first = panel.sprite
    state.show(make(5, thumbnails=pictures(5)[::-1]))
    assert panel.sprite not in (b"", first)
    state.show(make(5))
    assert (panel.sprite, panel.view["tile"]["width"]) == (b"", 1)
    state.show(make(5, thumbnails=255 - pictures(5)))
    assert panel.sprite not in (b"", first)


def test_the_primary_image_is_shown_in_full() -> None:
    predictions = make(c=30)
    state = show(predictions)
    panel, score = GalleryPanel(state), frame_of(state).sample.score
    say(panel, {"kind": "primary", "value": 17})
    primary, row = panel.view["primary"], predictions.probabilities[17]
    order = np.argsort(-row, kind="stable")[:10]
    assert [name for name, _, _ in primary["top"]] == [predictions.class_names[c] for c in order]
    np.testing.assert_allclose([mine for _, mine, _ in primary["top"]], row[order])
    np.testing.assert_allclose([all_ for _, _, all_ in primary["top"]], score.marginal[order])
    assert (primary["name"], primary["class"]) == (predictions.image_names[17], predictions.class_names[order[0]])
    assert (primary["entropy"], primary["kl"]) == (score.conditional_entropy[17], score.kl[17])
    assert primary["share"] == pytest.approx(score.kl[17] / score.kl.sum())
    assert primary["even"] == 1 / 250


def test_few_classes_make_a_short_list() -> None:
    assert len(GalleryPanel(show(make(c=3))).view["primary"]["top"]) == 3


def test_identical_rows_share_a_score_of_one() -> None:
    panel = GalleryPanel(show(ix.Predictions.from_probabilities(np.full((3, 4), 0.25))))
    assert panel.view["primary"]["share"] == 0


# What comes from the page may be anything

NAN, HUGE = math.nan, 10**400
NO_MESSAGES: list[object] = [None, [], "text", 5]
BAD: list[tuple[type[Panel[Any]], object]] = [
    (EntropyPanel, {"kind": "range"}),
    (EntropyPanel, {"kind": "range", "low": 1}),
    (EntropyPanel, {"kind": "range", "low": "low", "high": "high"}),
    (EntropyPanel, {"kind": "range", "low": None, "high": 1}),
    (EntropyPanel, {"kind": "range", "low": 2, "high": 1}),
    (EntropyPanel, {"kind": "range", "low": NAN, "high": NAN}),
    (EntropyPanel, {"kind": "range", "low": 0, "high": math.inf}),
    (EntropyPanel, {"kind": "range", "low": 0, "high": HUGE}),
    (EntropyPanel, {"kind": "logarithmic"}),
    (MarginalPanel, {"kind": "class"}),
    (MarginalPanel, {"kind": "class", "value": None}),
    (MarginalPanel, {"kind": "class", "value": "cat"}),
    (MarginalPanel, {"kind": "class", "value": NAN}),
    (MarginalPanel, {"kind": "class", "value": math.inf}),
    (MarginalPanel, {"kind": "class", "value": 99}),
    (MarginalPanel, {"kind": "class", "value": HUGE}),
    (MarginalPanel, {"kind": "reference", "value": "nobody"}),
    (MarginalPanel, {"kind": "reference", "value": ["list"]}),
    (MarginalPanel, {"kind": "sort", "value": "beauty"}),
    (MarginalPanel, {"kind": "sort", "value": {}}),
    (MarginalPanel, {"kind": "page", "value": "next"}),
    (MarginalPanel, {"kind": "page", "value": math.inf}),
    (ProtocolPanel, {"kind": "shuffle"}),
    (ProtocolPanel, {"kind": "shuffle", "seed": "seed"}),
    (ProtocolPanel, {"kind": "shuffle", "seed": -1}),
    (ProtocolPanel, {"kind": "shuffle", "seed": HUGE}),
    (ProtocolPanel, {"kind": "shuffle", "seed": NAN}),
    (ProtocolPanel, {"kind": "shuffle", "seed": math.inf}),
    (GalleryPanel, {"kind": "primary"}),
    (GalleryPanel, {"kind": "primary", "value": 1.5}),
    (GalleryPanel, {"kind": "primary", "value": -1}),
    (GalleryPanel, {"kind": "primary", "value": HUGE}),
    (GalleryPanel, {"kind": "primary", "value": [1]}),
    (GalleryPanel, {"kind": "walk"}),
    (GalleryPanel, {"kind": "walk", "value": NAN}),
    (GalleryPanel, {"kind": "page", "value": "next"}),
    (GalleryPanel, {"kind": "order", "value": "beauty"}),
    (GalleryPanel, {"kind": "order", "value": [1]}),
    (GalleryPanel, {"kind": "invert"}),
    (ProtocolPanel, {"kind": "rule", "value": "thirds"}),
    (ProtocolPanel, {"kind": "rule", "value": []}),
    (ProtocolPanel, {"kind": "spread"}),
    (ProtocolPanel, {"kind": "anything"}),
    (ConventionsPanel, {"kind": "anything"}),
    (HeaderPanel, {"kind": "anything"}),
    *((kind, content) for kind in PANELS for content in NO_MESSAGES),
]


@pytest.mark.parametrize(("kind", "content"), BAD)
def test_a_malformed_message_ends_in_the_panels_error(kind: type[Panel[Any]], content: object) -> None:
    state = show(make(class_names=list("abcde")))
    panel = kind(state)
    frame, view = state.frame, panel.view
    say(panel, content)
    assert panel.error
    assert (state.frame, panel.view) == (frame, view)


def test_an_error_stays_until_something_works() -> None:
    state = show(make())
    panel = GalleryPanel(state)
    say(panel, {"kind": "primary", "value": 999})
    assert panel.error == "there is no image number 999; there are 250"
    state.select_class(1)
    assert panel.error
    say(panel, {"kind": "walk", "value": 1})
    assert panel.error == ""


KINDS = ["class", "range", "logarithmic", "reference", "sort", "page"]
KINDS += ["rule", "spread", "open", "close", "shuffle", "primary", "walk", "order", "rest", "clear", "invert"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.sampled_from(["file", "share"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
MESSAGES = st.fixed_dictionaries(
    {"kind": st.sampled_from(KINDS)}, optional=dict.fromkeys(["value", "low", "high", "seed"], ANYTHING)
)


@given(messages=st.lists(MESSAGES, max_size=6))
def test_no_message_breaks_a_panel(messages: list[dict[str, Any]]) -> None:
    state = show(make(120, 45, thumbnails=pictures(120)))
    panels = [kind(state) for kind in PANELS]
    for message in messages:
        for panel in panels:
            say(panel, message)
            json.dumps(panel.view, allow_nan=False)
    for panel in panels:
        panel.close()


def test_nothing_else_changes_what_is_shown_while_a_panel_acts_and_draws() -> None:
    state, free = show(make()), list[bool]()

    def look() -> None:
        def take() -> None:
            if state.lock.acquire(blocking=False):
                free.append(True)
                state.lock.release()

        thread = Thread(target=take)
        thread.start()
        thread.join(60)

    class Probe(EntropyPanel):
        def picture(self, frame: Frame) -> dict[str, Any]:
            look()
            return super().picture(frame)

        def act(self, kind: str, message: dict[str, Any], buffers: list[memoryview]) -> None:
            look()
            super().act(kind, message, buffers)

    panel = Probe(state)
    panel.redraw()
    state.select_class(1)
    say(panel, {"kind": "logarithmic", "value": True})
    say(panel, {"kind": "range"})
    assert panel.error
    assert free == []
    look()
    assert free == [True]


@pytest.fixture
def busy_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("busy_threads")
def test_a_click_while_another_set_arrives_is_drawn_from_one_of_both() -> None:
    sets = [make(300, 5), make(20, 3)]
    state = show(sets[0])
    gallery, marginal = GalleryPanel(state), MarginalPanel(state)
    together, wrong = Barrier(2), list[str]()

    def arrive() -> None:
        together.wait(30)
        for i in range(60):
            state.show(sets[i % 2])

    def click() -> None:
        together.wait(30)
        for i in range(100):
            say(gallery, {"kind": "order", "value": ["unsure", "class"][i % 2]})
            say(gallery, {"kind": "page", "value": i % 3})
            say(marginal, {"kind": "sort", "value": ["share", "class"][i % 2]})
            wrong.extend(error for error in (gallery.error, marginal.error) if error)

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - any is a finding
            wrong.append(repr(error))

    threads = [Thread(target=run, args=(work,)) for work in (arrive, click)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not wrong
    assert (gallery.view["n"], marginal.view["classes"]) == (20, 3)


# The explorer around them


def parts_of(explorer: Explorer) -> list[Any]:
    names = "header", "marginal", "entropy", "protocol", "gallery", "conventions"
    return [getattr(explorer, name) for name in names]


def worker_threads() -> set[Thread]:
    return {thread for thread in running_threads() if thread.name.startswith("isexplore")}


def test_without_predictions_there_is_only_a_chooser() -> None:
    explorer = ix.explore()
    assert parts_of(explorer) == [None] * 6
    assert explorer.chooser is not None
    assert (explorer.predictions, explorer.selection.tolist()) == (None, [])
    with pytest.raises(ValueError, match="choose one first"):
        explorer.to_dataframe()
    explorer.show(make())
    assert explorer.gallery.view["n"] == 250
    explorer.close()


def test_the_explorer_hands_back_what_is_shown() -> None:
    predictions = make(class_names=list("abcde"))
    explorer = ix.explore(predictions)
    assert explorer.predictions is predictions
    assert explorer.selection.tolist() == []
    explorer.state.select_class(2)
    np.testing.assert_array_equal(explorer.selection, np.flatnonzero(predictions.probabilities.argmax(axis=1) == 2))

    score, table = ix.inception_score(predictions), explorer.to_dataframe()
    assert list(table) == ["image", "class", "probability", "conditional_entropy", "kl", "share", "selected"]
    assert table["image"].tolist() == list(predictions.image_names)
    assert table["class"].tolist() == [predictions.class_names[c] for c in predictions.probabilities.argmax(axis=1)]
    np.testing.assert_array_equal(table["probability"], predictions.probabilities.max(axis=1))
    np.testing.assert_allclose(table["conditional_entropy"], score.conditional_entropy)
    np.testing.assert_allclose(table["kl"], score.kl)
    np.testing.assert_allclose(table["share"], score.kl / score.kl.sum())
    np.testing.assert_array_equal(np.flatnonzero(table["selected"]), explorer.selection)
    explorer.close()


@pytest.mark.parametrize("labels", [(7, 7, 1), ("cat", "<b>", "cat")])
def test_labels_are_a_column_where_there_are_any(labels: tuple[Any, ...]) -> None:
    explorer = ix.explore(make(3, labels=labels))
    assert list(explorer.to_dataframe())[:3] == ["image", "label", "class"]
    assert explorer.to_dataframe()["label"].tolist() == list(labels)
    explorer.close()


def test_identical_rows_have_no_shares() -> None:
    explorer = ix.explore(ix.Predictions.from_probabilities(np.full((3, 4), 0.25)))
    assert explorer.to_dataframe()["share"].tolist() == [0, 0, 0]
    explorer.close()


def test_a_reference_is_drawn_and_offered() -> None:
    reference = make(seed=1).described(ix.predictions.Provenance("real images"))
    explorer = ix.explore(make(), reference=reference)
    assert explorer.marginal.view["reference"] == explorer.marginal.view["referenceKey"] == "real images"
    explorer.close()


def test_another_set_is_shown_in_the_same_panels() -> None:
    explorer = ix.explore(make())
    parts = parts_of(explorer)
    other = make(20, 3)
    explorer.show(other)
    assert explorer.predictions is other
    assert parts_of(explorer) == parts
    assert (explorer.gallery.view["n"], explorer.marginal.view["classes"]) == (20, 3)
    explorer.close()


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ([[0.5, 0.5]], TypeError, r"predictions must be Predictions, several .*isexplore\.predict"),
        (np.eye(3), TypeError, r"predictions must be Predictions, several .*isexplore\.predict"),
        ("samples.npz", FileNotFoundError, r"no run file samples\.npz"),
        ({"a": 1}, TypeError, r"'a' must be Predictions, not int.*isexplore\.predict"),
        ({}, ValueError, "no sample sets in the mapping"),
    ],
)
def test_only_predictions_can_be_explored(wrong: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ix.explore(wrong)
    with pytest.raises(TypeError, match="reference must be Predictions"):
        ix.explore(make(), reference=wrong)
    with pytest.raises(TypeError, match="needs predictions"):
        ix.explore(reference=make())


def test_a_reference_of_other_classes_is_an_error() -> None:
    with pytest.raises(ValueError, match="other classes"):
        ix.explore(make(), reference=make(c=6))


def test_closing_closes_every_part_and_ends_the_threads() -> None:
    before = worker_threads()
    explorer = ix.explore(make())
    children = [explorer.chooser, *parts_of(explorer), explorer.findings]
    explorer.close()
    assert [child.comm for child in (explorer, *children)] == [None] * 9
    assert worker_threads() <= before
    explorer.close()
