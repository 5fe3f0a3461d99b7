"""The comparison of two sets and their pair of galleries, headless: what they send, and what they make of a click."""

from __future__ import annotations

import io
import json
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import isexplore as ix
from isexplore.collapse.comparison import compare_sets
from isexplore.collapse.evidence import side_of
from isexplore.widgets.frame import sample_of
from isexplore.widgets.sets import work
from isexplore.widgets.sets.compare import ComparePanel
from isexplore.widgets.sets.frame import REFERENCE
from isexplore.widgets.sets.heat import HeatPanel
from isexplore.widgets.sets.pairs import PairsPanel
from isexplore.widgets.sets.state import SetsState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from isexplore.widgets.panel import Panel

C = 6
HOSTILE = '<img src=x onerror="alert(1)">'


def make(n: int = 200, c: int = C, seed: int = 0, *, pictures: bool = False) -> ix.Predictions:
    rng = np.random.default_rng(seed)
    thumbnails = rng.integers(0, 256, (n, 3, 4, 1), dtype=np.uint8) if pictures else None
    return ix.Predictions.from_probabilities(rng.dirichlet([0.2] * c, n), thumbnails=thumbnails)


@pytest.fixture
def begin() -> Iterator[Callable[..., SetsState]]:
    """Open sets, and wait until all is computed."""
    opened: list[SetsState] = []

    def start(*sets: ix.Predictions, reference: ix.Predictions | None = None) -> SetsState:
        state = SetsState({f"step {i}": one for i, one in enumerate(sets)}, reference)
        opened.append(state)
        state.wait()
        return state

    yield start
    for state in opened:
        state.close()


def send(panel: Panel[Any], kind: str, value: object = None) -> None:
    panel._receive(None, {"kind": kind, "value": value}, [])


def near(numbers: Any) -> Any:
    """Return what equals the numbers but for rounding: sums are added up in another order."""
    return pytest.approx(numbers, rel=1e-9, abs=1e-12)


def updates(panel: Panel[Any]) -> list[set[str]]:
    """Return a list that fills with the traits that go to the page, one entry a message."""
    sent: list[set[str]] = []

    def note(data: dict[str, Any], **_: object) -> None:
        if data["method"] == "update":
            sent.append({*data["state"], *(path[0] for path in data["buffer_paths"])})

    panel.comm.send = note
    return sent


def tiles(data: bytes, tile: dict[str, int], count: int) -> NDArray[np.uint8]:
    """Cut the picture of a gallery apart."""
    picture = np.asarray(Image.open(io.BytesIO(data)))
    h, w, columns = tile["height"], tile["width"], tile["columns"]
    places = [divmod(i, columns) for i in range(count)]
    return np.stack([picture[r * h : (r + 1) * h, k * w : (k + 1) * w] for r, k in places])


# The comparison


def test_the_numbers_are_those_of_the_library(begin: Callable[..., SetsState]) -> None:
    real, early, late = make(300, seed=5), make(), make(seed=1)
    state = begin(early, late, reference=real)
    panel = ComparePanel(state)
    for other, a in ((REFERENCE, real), (0, early)):
        state.set_other(other)
        name = "reference" if other == REFERENCE else "step 0"
        found = compare_sets(side_of(a), side_of(late), names=(name, "step 1"))
        v = panel.view
        assert v["names"] == [name, "step 1"]
        assert v["sentence"] == found.sentence
        assert v["notes"] == list(found.notes)
        assert [side["mean"] for side in v["scores"]] == near([found.protocol_a.mean, found.protocol_b.mean])
        assert [side["corrected"] for side in v["scores"]] == near([found.a.corrected, found.b.corrected])
        assert (v["scores"][0]["low"], v["scores"][0]["high"]) == near(found.a.interval())
        assert v["changes"] == near(found.contribution_change[v["numbers"]].tolist())
        assert v["shares"][1] == near(found.b.marginal[v["numbers"]].tolist())
        assert sum(v["changes"]) == pytest.approx(v["difference"])


def test_classes_are_sorted_by_difference_and_paged(begin: Callable[..., SetsState]) -> None:
    a, b = make(400, 90), make(400, 90, seed=1)
    state = begin(a, b)
    panel = ComparePanel(state)
    change = b.probabilities.mean(axis=0, dtype=float) - a.probabilities.mean(axis=0, dtype=float)
    order = np.argsort(-np.abs(change), kind="stable")
    assert panel.view["numbers"] == order[:20].tolist()
    assert (panel.view["page"], panel.view["pages"]) == (0, 5)
    send(panel, "page", 4)
    assert panel.view["numbers"] == order[80:].tolist()
    send(panel, "page", 99)
    assert panel.view["page"] == 4
    send(panel, "sort", "class")
    assert panel.view["numbers"] == list(range(20))
    send(panel, "sort", "contribution")
    changes = np.abs(panel.view["changes"])
    assert np.array_equal(changes, np.sort(changes)[::-1])
    send(panel, "sort", "beauty")
    assert "no order" in panel.error


def test_a_class_is_chosen_and_let_go_and_its_page_is_turned_to(begin: Callable[..., SetsState]) -> None:
    state = begin(make(400, 90), make(400, 90, seed=1))
    panel = ComparePanel(state)
    send(panel, "sort", "class")
    send(panel, "class", 3)
    assert (state.shown().chosen_class, panel.view["chosen"], panel.view["page"]) == (3, 3, 0)
    state.choose_class(85)
    assert (panel.view["chosen"], panel.view["page"]) == (85, 4)
    send(panel, "page", 1)  # a person may look elsewhere
    assert panel.view["page"] == 1
    send(panel, "class", None)
    assert state.shown().chosen_class is None
    send(panel, "class", 90)
    assert "no class number 90" in panel.error


def test_another_set_is_chosen_to_compare_with(begin: Callable[..., SetsState]) -> None:
    state = begin(make(), make(seed=1), reference=make(seed=2))
    panel = ComparePanel(state)
    assert panel.view["others"] == [["-1", "reference"], ["0", "step 0"], ["1", "step 1"]]
    assert panel.view["other"] == "-1"
    send(panel, "other", 0)
    assert (state.shown().other, panel.view["names"][0]) == (0, "step 0")
    send(panel, "other", 1)
    assert panel.view["sentence"] == "A and B are the same set."
    send(panel, "other", 7)
    assert "no sample set number 7" in panel.error


def test_without_another_set_it_says_so(begin: Callable[..., SetsState]) -> None:
    panel = ComparePanel(begin(make()))
    assert "nothing to compare with" in panel.view["message"]
    assert "scores" not in panel.view


def test_what_is_not_computed_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    go = Event()
    monkeypatch.setattr(work, "sample_of", lambda predictions: go.wait() and sample_of(predictions))
    state = SetsState({"one": make(), "two": make(seed=1)})
    compare, pairs = ComparePanel(state), PairsPanel(state)
    assert compare.view["message"] == "one is being computed …"
    assert [side["waiting"] for side in pairs.view["sides"]] == ["being computed …"] * 2
    go.set()
    state.wait()
    assert compare.view["message"] == ""
    assert compare.view["scores"][0]["images"] == pairs.view["sides"][0]["n"] == 200
    state.close()


def test_a_set_that_failed_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ValueError("row 3 holds NaN")

    monkeypatch.setattr(work, "sample_of", fail)
    state = SetsState({"one": make(), "two": make(seed=1)})
    compare, pairs = ComparePanel(state), PairsPanel(state)
    state.wait()
    assert "could not be scored: row 3 holds NaN" in compare.view["message"]
    assert "row 3 holds NaN" in pairs.view["sides"][1]["waiting"]
    state.close()


def test_one_image_or_one_class_breaks_nothing(begin: Callable[..., SetsState]) -> None:
    one = ix.Predictions.from_probabilities([[1.0, 0.0]])
    many = ix.Predictions.from_probabilities(np.eye(2)[[0] * 30])
    state = begin(one, many)
    compare, pairs = ComparePanel(state), PairsPanel(state)
    assert compare.view["splits"] == 1
    json.dumps(compare.view, allow_nan=False)
    send(pairs, "class", 1)
    assert [side["count"] for side in pairs.view["sides"]] == [0, 0]


# The pair of galleries


def test_images_of_the_class_stand_side_by_side_surest_first(begin: Callable[..., SetsState]) -> None:
    a, b = make(300, seed=3, pictures=True), make(pictures=True)
    state = begin(b, reference=a)
    panel = PairsPanel(state)
    state.choose_class(2)
    for predictions, side, data in zip((a, b), panel.view["sides"], (panel.sprite_a, panel.sprite_b), strict=True):
        p = predictions.probabilities
        members = np.flatnonzero(p.argmax(axis=1) == 2)
        doubt = ix.inception_score(predictions, splits=1).conditional_entropy
        members = members[np.argsort(doubt[members], kind="stable")]
        assert (side["count"], side["n"]) == (len(members), len(p))
        assert [item["number"] for item in side["items"]] == members[:40].tolist()
        assert [item["confidence"] for item in side["items"]] == p[members[:40], 2].tolist()
        assert predictions.thumbnails is not None
        shown = tiles(data, side["tile"], len(side["items"]))
        assert np.array_equal(shown, predictions.thumbnails[members[:40], ..., 0])


def test_without_a_choice_the_first_class_of_the_comparison_is_shown(begin: Callable[..., SetsState]) -> None:
    state = begin(make(), reference=make(seed=4))
    assert PairsPanel(state).view["class"] == ComparePanel(state).view["numbers"][0]
    alone = begin(make())
    assert PairsPanel(alone).view["sides"][0] is None
    assert PairsPanel(alone).view["class"] == int(make().probabilities.mean(axis=0).argmax())


def test_selected_images_are_marked_in_every_view_of_several_sets(begin: Callable[..., SetsState]) -> None:
    a, b = make(seed=1), make()
    state = begin(a, b)
    pairs, compare, heat = PairsPanel(state), ComparePanel(state), HeatPanel(state)
    quiet = pairs.view["class"]
    assert [side["selected"] for side in pairs.view["sides"]] == [None, None]
    assert (compare.view["selected"], heat.view["selected"]) == (None, None)

    top = b.probabilities.argmax(axis=1)
    other = (quiet + 1) % C  # none of the selected images is of the class that was looked at
    mask = np.zeros(len(b), bool)
    mask[np.flatnonzero(top == other)[:3]] = True
    mask[np.flatnonzero(top == (other + 1) % C)[:1]] = True
    state.explorer.select(mask)
    assert pairs.view["class"] == other
    left, right = pairs.view["sides"]
    assert (left["selected"], right["selected"]) == (None, 3)
    chosen = [item["number"] for item in right["items"] if item["selected"]]
    assert set(chosen) == set(np.flatnonzero(mask & (top == other)))
    assert [item["number"] for item in right["items"][:3]] == chosen  # first of all
    assert all(item["selected"] for item in left["items"])
    part = b.probabilities[mask].sum(axis=0, dtype=float) / len(b)
    assert compare.view["selected"] == pytest.approx(
        part[compare.view["numbers"]].tolist(), rel=1e-6
    )  # rows of 1 + 1e-8
    assert heat.view["selected"] == np.bincount(top[mask], minlength=C).tolist()

    # A class that somebody chose stays while selected images are in it, and else gives way.
    state.choose_class((other + 1) % C)
    state.explorer.select(~mask)
    assert pairs.view["class"] == state.shown().chosen_class == (other + 1) % C
    state.explorer.select(mask & (top == other))
    assert (pairs.view["class"], state.shown().chosen_class) == (other, None)
    state.choose_class(quiet)  # and can be chosen all the same
    assert (pairs.view["class"], pairs.view["sides"][1]["selected"]) == (quiet, 0)

    # Nothing that is selected is a choice of no class.
    state.explorer.select_range(50, 60)
    assert (pairs.view["class"], pairs.view["sides"][1]["selected"]) == (quiet, 0)
    state.choose_class(None)
    assert pairs.view["class"] == quiet

    # They belong to this set alone; a selected class goes along.
    state.set_current(0)
    assert heat.view["selected"] is None
    state.explorer.select_class(2)
    state.set_current(1)
    assert heat.view["selected"] == [0, 0, int((top == 2).sum()), 0, 0, 0]
    state.explorer.clear()
    assert (heat.view["selected"], pairs.view["sides"][1]["selected"], pairs.view["class"]) == (None, None, 2)


def test_both_galleries_turn_their_pages_together(begin: Callable[..., SetsState]) -> None:
    state = begin(make(600, 2), reference=make(100, 2, seed=1))
    panel = PairsPanel(state)
    few, many = panel.view["sides"]
    assert panel.view["pages"] == -(-many["count"] // 40)
    send(panel, "page", panel.view["pages"])
    assert panel.view["page"] == panel.view["pages"] - 1
    assert panel.view["sides"][0]["items"] == []
    assert len(panel.view["sides"][1]["items"]) == many["count"] - 40 * panel.view["page"]
    send(panel, "class", 1 - panel.view["class"])
    assert panel.view["page"] == 0
    send(panel, "order", "file")
    numbers = [item["number"] for item in panel.view["sides"][1]["items"]]
    assert numbers == sorted(numbers)
    send(panel, "order", "beauty")
    assert "no order" in panel.error
    assert few["n"] == 100


def test_the_page_is_turned_to_what_is_selected(begin: Callable[..., SetsState]) -> None:
    b = make(600, 2)
    state = begin(b, reference=make(100, 2, seed=1))
    panel = PairsPanel(state)
    number = panel.view["class"]
    send(panel, "page", 4)
    assert panel.view["page"] == 4
    last = np.flatnonzero(b.probabilities.argmax(axis=1) == number)[-2:]
    mask = np.zeros(600, bool)
    mask[last] = True
    state.explorer.select(mask)
    assert (panel.view["page"], panel.view["class"]) == (0, number)
    assert {item["number"] for item in panel.view["sides"][1]["items"] if item["selected"]} == set(last)
    send(panel, "page", 2)
    state.explorer.clear()
    assert panel.view["page"] == 2


def test_an_image_of_b_becomes_the_one_looked_at(begin: Callable[..., SetsState]) -> None:
    state = begin(make(), make(seed=1), reference=make(seed=4))
    panel = PairsPanel(state)
    number = panel.view["sides"][1]["items"][3]["number"]
    look = {"kind": "primary", "value": number, "set": state.shown().shown.name}
    panel._receive(None, look, [])
    assert state.explorer.shown().primary == panel.primary == number
    state.explorer.set_primary(5)
    assert panel.primary == 5
    panel._receive(None, {**look, "value": 10_000}, [])
    assert "no image number 10000" in panel.error
    state.set_current(0)
    before = state.explorer.frame
    panel._receive(None, look, [])  # a click that comes late
    assert "its images have other numbers" in panel.error
    assert state.explorer.frame is before


def test_one_change_is_one_message(begin: Callable[..., SetsState]) -> None:
    state = begin(make(pictures=True), make(seed=1, pictures=True), reference=make(seed=4, pictures=True))
    panels = ComparePanel(state), PairsPanel(state)
    state.choose_class(1)
    sent = [updates(panel) for panel in panels]
    state.choose_class(4)
    assert sent == [[{"view"}], [{"view", "sprite_a", "sprite_b"}]]
    state.choose_class(4)
    assert [len(messages) for messages in sent] == [1, 1]  # the same again is no message
    state.explorer.set_primary(9)
    assert sent[1][1:] == [{"primary"}]


def test_without_thumbnails_it_says_so(begin: Callable[..., SetsState]) -> None:
    state = begin(make(), reference=make(seed=4, pictures=True))
    panel = PairsPanel(state)
    assert [side["pictures"] for side in panel.view["sides"]] == [True, False]
    assert panel.sprite_b == b""


def test_hostile_names_travel_as_they_are() -> None:
    p = np.random.default_rng(0).dirichlet([0.3] * 3, 50)
    a, b = (
        ix.Predictions.from_probabilities(
            rows, class_names=[HOSTILE, "b", "c"], image_names=[f"{HOSTILE}{i}" for i in range(50)]
        )
        for rows in (p, p[::-1])
    )
    state = SetsState({HOSTILE: a, "</script>": b})
    state.wait()
    state.choose_class(0)
    compare, pairs = ComparePanel(state).view, PairsPanel(state).view
    assert compare["names"] == [HOSTILE, "</script>"]
    assert compare["allNames"][0] == pairs["name"] == HOSTILE
    assert pairs["sides"][0]["items"][0]["name"].startswith(HOSTILE)
    json.dumps([compare, pairs], allow_nan=False)
    state.close()


def test_a_closed_panel_follows_no_more(begin: Callable[..., SetsState]) -> None:
    state = begin(make(), reference=make(seed=4))
    for kind in (ComparePanel, PairsPanel):
        panel = kind(state)
        sent = updates(panel)
        panel.close()
        panel.close()
        state.choose_class(1)
        state.explorer.set_primary(3)
        state.choose_class(2)
        assert sent == []


def test_an_unknown_action_is_an_error_on_screen(begin: Callable[..., SetsState]) -> None:
    state = begin(make(), reference=make(seed=4))
    for kind in (ComparePanel, PairsPanel):
        panel = kind(state)
        send(panel, "dance")
        assert "no action 'dance'" in panel.error


def test_ten_big_sets_are_compared_with_little_kept(begin: Callable[..., SetsState]) -> None:
    """Of the larger set one choice is kept for each number of images, not for each set compared with it."""
    state = begin(*[make(100, seed=i) for i in range(4)], reference=make(300, seed=9))
    panel = ComparePanel(state)
    for i in range(4):
        state.set_current(i)
    real = state.shown().reference
    assert real is not None
    assert real.sample is not None
    assert list(panel._scores[real.sample]) == [100]
