"""Several sample sets without any view: what each method makes of the one frame, and what the thread computes."""

from __future__ import annotations

import gc
from itertools import pairwise
from threading import Event, Thread
from threading import enumerate as running_threads
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import isexplore as ix
from isexplore.collapse.evidence import side_of
from isexplore.predictions import Provenance
from isexplore.widgets.frame import Sample, Selection, sample_of
from isexplore.widgets.sets.state import SetsState
from isexplore.widgets.sets.steps import steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from isexplore.widgets.sets.frame import Entry

N, C = 60, 5


def make(seed: int = 0, n: int = N, c: int = C, prefix: str = "class") -> ix.Predictions:
    p = np.random.default_rng(seed).dirichlet([0.3] * c, n)
    return ix.Predictions.from_probabilities(p, class_names=[f"{prefix} {i}" for i in range(c)])


def course(count: int) -> dict[str, ix.Predictions]:
    return {f"step {100 * (i + 1)}": make(i) for i in range(count)}


@pytest.fixture
def state() -> Iterator[SetsState]:
    """Three sets and a reference, all computed; the second is shown."""
    it = SetsState(course(3), reference=make(9))
    it.set_current(1)
    it.wait()
    yield it
    it.close()


@pytest.fixture
def opened() -> Iterator[Callable[..., SetsState]]:
    made: list[SetsState] = []

    def begin(*arguments: Any, **named: Any) -> SetsState:
        made.append(SetsState(*arguments, **named))
        return made[-1]

    yield begin
    for it in made:
        it.close()


@pytest.fixture
def held_back(monkeypatch: pytest.MonkeyPatch) -> tuple[Event, Event]:
    """Let the scoring of each set wait: the first event says that one has begun, the second one lets them go on."""
    begun, go_on = Event(), Event()

    def slow(predictions: ix.Predictions) -> Any:
        begun.set()
        assert go_on.wait(30)
        return sample_of(predictions)

    monkeypatch.setattr("isexplore.widgets.sets.work.sample_of", slow)
    return begun, go_on


def shown_set(state: SetsState) -> ix.Predictions:
    return state.explorer.shown().sample.predictions


def selected(state: SetsState) -> Selection:
    selection = state.explorer.shown().selection
    assert selection is not None
    return selection


def sample_in(entry: Entry) -> Sample:
    assert entry.sample is not None
    return entry.sample


def wait_for_first(state: SetsState) -> None:
    there = Event()
    state.explorer.observe(lambda _: there.set(), "frame")
    assert state.explorer.frame is not None or there.wait(30)


def names(state: SetsState) -> list[str]:
    return [entry.name for entry in state.shown().entries]


# Opening


def test_everything_is_computed_and_the_last_set_is_shown_beside_the_reference(
    opened: Callable[..., SetsState],
) -> None:
    sets, real = course(3), make(9)
    state = opened(sets, real)
    state.wait()
    frame = state.shown()
    assert frame.complete
    assert (names(state), frame.current, frame.other) == (list(sets), 2, -1)
    assert (frame.shown.name, frame.beside) == ("step 300", frame.reference)
    assert shown_set(state) is sets["step 300"]
    for entry, predictions in zip(frame.entries, sets.values(), strict=True):
        assert entry.sample is not None
        assert entry.report is not None
        assert entry.sample.score.overall == pytest.approx(ix.inception_score(predictions).overall, rel=1e-12)
        assert str(entry.report) == str(ix.diagnose(predictions, reference=real))
    reference = state.explorer.shown().reference
    assert reference.name == "reference"
    np.testing.assert_allclose(reference.share, real.probabilities.mean(axis=0, dtype=np.float64), atol=1e-7)


def test_without_a_reference_the_first_set_is_beside_and_alone_there_is_none(opened: Callable[..., SetsState]) -> None:
    assert opened(course(3)).shown().other == 0
    alone = opened(course(1))
    assert (alone.shown().other, alone.shown().beside) == (None, None)
    alone.add("step 200", make(1))
    assert alone.shown().other == 0


def test_an_empty_state_waits_for_its_first_set(opened: Callable[..., SetsState]) -> None:
    state = opened({}, make(9))
    assert state.frame is None
    with pytest.raises(ValueError, match="no sample set yet"):
        state.set_current(0)
    state.add("step 100", make())
    state.wait()
    assert (names(state), state.shown().other, state.explorer.shown().reference.name) == (["step 100"], -1, "reference")


@pytest.mark.parametrize(
    ("sets", "reference", "error", "message"),
    [
        ({"a": make(), "b": make(c=4)}, None, ValueError, "a and b can't be compared"),
        ({"a": make(), "b": make(prefix="kind")}, None, ValueError, "a and b can't be compared"),
        ({"a": make()}, make(c=4), ValueError, "a and reference can't be compared"),
        (
            {
                name: make().described(Provenance(source="x", classifier=name, preprocessing=None))
                for name in ("one", "two")
            },
            None,
            ValueError,
            "one and two can't be compared",
        ),
        ({1000: make()}, None, TypeError, "must be text, not 1000"),
        ({"a": np.eye(3)}, None, TypeError, "'a' must be Predictions, not ndarray"),
    ],
)
def test_sets_that_do_not_belong_together_are_refused(
    sets: dict[str, Any], reference: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        SetsState(sets, reference)


def test_two_hundred_sets_and_sets_without_telling_names(opened: Callable[..., SetsState]) -> None:
    state = opened({f"{'x' * 50}<b>{i}</b>": make(i % 7, 12) for i in range(200)})
    state.wait()
    assert state.shown().complete
    assert all(not entry.error for entry in state.shown().entries)


# Changes


ACTIONS: dict[str, Callable[[SetsState, int, int], None]] = {
    "set_current": lambda state, number, _: state.set_current(number),
    "set_other": lambda state, number, _: state.set_other(number - 1),
    "choose_class": lambda state, _, of_class: state.choose_class(of_class),
    "no class": lambda state, _, __: state.choose_class(None),
    "choose_cell": lambda state, number, of_class: state.choose_cell(number, of_class),
    "select_class": lambda state, _, of_class: state.explorer.select_class(of_class),
}


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_every_action_replaces_the_frame_once_and_keeps_the_old_one(
    state: SetsState, action: Callable[[SetsState, int, int], None], number: int
) -> None:
    before, seen = state.shown(), []
    kept = dict(vars(before))
    state.observe(lambda change: seen.append(change["new"]), "frame")
    action(state, number, 4)
    assert len(seen) == 1
    assert vars(before) == kept
    assert seen[0].entries is before.entries  # nothing is computed again


@pytest.mark.parametrize("number", [0, 2])
def test_scrubbing_shows_a_set_without_reading_it_again(state: SetsState, number: int) -> None:
    entry = state.shown().entries[number]
    shown: list[Any] = []
    state.explorer.observe(lambda change: shown.append(change["new"]), "frame")
    state.set_current(number)
    assert [frame.sample for frame in shown] == [entry.sample]  # one picture, of what was there


def test_splits_reference_and_walk_stay_while_scrubbing(state: SetsState) -> None:
    state.explorer.set_splits(7)
    state.explorer.set_walk("unsure")
    state.set_current(0)
    frame = state.explorer.shown()
    assert (frame.score.splits, frame.walk.key, frame.reference.name) == (7, "unsure", "reference")


def test_a_class_that_is_selected_stays_selected_in_the_next_set(state: SetsState) -> None:
    state.explorer.select_class(2)
    state.set_current(2)
    selection = selected(state)
    np.testing.assert_array_equal(selection.mask, shown_set(state).probabilities.argmax(axis=1) == 2)
    assert (selection.top_class, state.shown().chosen_class) == (2, 2)
    state.explorer.clear()
    state.set_current(0)
    assert state.explorer.shown().selection is None
    state.explorer.select(np.arange(N) < 5)  # other images have the same numbers in another set
    state.set_current(1)
    assert state.explorer.shown().selection is None


def test_a_cell_shows_its_set_with_its_class_selected(state: SetsState) -> None:
    seen: list[Any] = []
    state.explorer.observe(lambda change: seen.append(change["new"]), "frame")
    state.choose_cell(0, 3)
    frame = state.shown()
    assert (frame.current, frame.chosen_class, len(seen)) == (0, 3, 1)
    assert shown_set(state) is frame.entries[0].predictions
    selection = selected(state)
    assert selection.top_class == 3
    assert selection.mask.sum() == sample_in(frame.entries[0]).class_counts[3]


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda state: state.set_current(3), "no sample set number 3; there are 3"),
        (lambda state: state.set_current(-1), "no sample set number -1"),
        (lambda state: state.set_other(3), "no sample set number 3"),
        (lambda state: state.set_other(-2), "no sample set number -2"),
        (lambda state: state.choose_class(5), "no class number 5; there are 5"),
        (lambda state: state.choose_cell(0, -1), "no class number -1"),
        (lambda state: state.choose_cell(9, 1), "no sample set number 9"),
        (lambda state: state.add("reference", make()), "the reference is named 'reference'"),
        (lambda state: state.add("step 100", make()), "'step 100' already"),
        (lambda state: state.add("step 400", make(c=7)), "step 100 and step 400 can't be compared"),
        (lambda state: state.follow({}), "give at least one"),
    ],
)
def test_what_there_is_not_is_refused_and_changes_nothing(
    state: SetsState, action: Callable[[SetsState], None], message: str
) -> None:
    before, below = state.frame, state.explorer.frame
    with pytest.raises(ValueError, match=message):
        action(state)
    assert (state.frame, state.explorer.frame) == (before, below)


def test_nothing_is_compared_with_a_reference_that_there_is_not(opened: Callable[..., SetsState]) -> None:
    with pytest.raises(ValueError, match="no reference"):
        opened(course(2)).set_other(-1)


# Sets that come while it is open


def test_a_new_set_is_shown_if_the_last_one_was(state: SetsState) -> None:
    state.add("step 400", make(4))
    assert (state.shown().current, state.shown().shown.name) == (1, "step 200")
    state.set_current(3)
    state.add("step 500", make(5))
    state.wait()
    assert state.shown().shown.name == "step 500"
    assert shown_set(state) is state.shown().entries[4].predictions
    assert state.shown().complete


def test_a_selection_goes_with_its_set(opened: Callable[..., SetsState]) -> None:
    sets = {"long": make(0, n=90), "short": make(1, n=50), "last": make(2, n=70)}
    state = opened(sets)
    state.wait()
    state.set_current(0)
    state.explorer.select(np.arange(90) > 80)
    assert state.shown().selection is state.explorer.shown().selection is not None
    state.set_other(1)  # of nothing that is selected
    assert state.shown().selection is state.explorer.shown().selection is not None
    state.follow({"short": sets["short"], "last": sets["last"]})  # the shown one is gone
    assert state.shown().selection is state.explorer.shown().selection is None

    state.explorer.select_class(2)
    seen: list[Any] = []
    state.observe(lambda change: seen.append(change["new"]), "frame")
    state.follow({"short": sets["short"]})
    assert [frame.shown.name for frame in seen] == ["short"]  # one change, although the class is selected in it
    assert seen[0].selection is selected(state)
    np.testing.assert_array_equal(selected(state).mask, sets["short"].probabilities.argmax(axis=1) == 2)


def test_nothing_is_selected_of_a_set_that_is_not_scored(
    opened: Callable[..., SetsState], held_back: tuple[Event, Event]
) -> None:
    begun, go_on = held_back
    go_on.set()
    state = opened({"long": make(0, n=90)})
    wait_for_first(state)
    state.explorer.select_class(1)
    go_on.clear()
    begun.clear()
    state.follow({"long": state.shown().shown.predictions, "short": make(1, n=50)})  # the last one is shown
    assert begun.wait(30)
    state.explorer.select(np.arange(90) > 80)  # of the set that the explorer still shows
    assert state.shown().selection is None
    state.explorer.select_class(3)
    state.choose_class(4)
    go_on.set()
    state.wait()
    frame = state.shown()
    assert frame.shown.name == "short"
    assert frame.selection is selected(state)
    np.testing.assert_array_equal(selected(state).mask, sample_in(frame.shown).top_class == 3)
    assert frame.chosen_class == 4  # chosen last


def test_a_set_that_could_not_be_scored_costs_no_selection(opened: Callable[..., SetsState]) -> None:
    torn = make(1)
    torn.probabilities.setflags(write=True)
    torn.probabilities[3] = np.nan
    good = make(0)
    state = opened({"good": good, "torn": torn})
    state.wait()
    state.set_current(0)
    state.explorer.select(np.arange(N) < 5)
    chosen = selected(state)
    state.set_current(1)
    assert (state.shown().selection, selected(state)) == (None, chosen)  # it is not the shown set's
    state.follow({"good": good})
    assert state.shown().selection is selected(state) is chosen


def test_a_training_that_goes_back_keeps_what_stays(state: SetsState) -> None:
    before = state.shown()
    first, second, _ = before.entries
    state.set_other(0)
    again = make(77)
    state.follow({first.name: first.predictions, second.name: second.predictions, "step 300": again})
    state.wait()
    now = state.shown()
    assert (now.entries[0], now.entries[1], now.entries[2].predictions) == (first, second, again)
    assert (now.current, now.other) == (1, 0)
    assert now.complete
    state.follow({"step 50": make(5), "step 60": make(6)})
    assert (state.shown().shown.name, state.shown().other) == ("step 60", -1)


def test_sets_may_come_while_others_are_computed(
    opened: Callable[..., SetsState], held_back: tuple[Event, Event]
) -> None:
    begun, go_on = held_back
    state = opened(course(1))
    assert begun.wait(30)
    state.add("step 200", make(1))
    state.choose_cell(0, 1)  # of a set that is not there yet
    assert state.explorer.frame is None
    go_on.set()
    state.wait()
    assert state.shown().complete
    assert shown_set(state) is state.shown().entries[0].predictions
    selection = selected(state)
    assert selection.top_class == 1


def test_what_is_on_screen_is_computed_first(opened: Callable[..., SetsState], monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[Any] = []

    def noted(predictions: ix.Predictions) -> Any:
        order.append(predictions)
        return sample_of(predictions)

    monkeypatch.setattr("isexplore.widgets.sets.work.sample_of", noted)
    sets, real = course(4), make(9)
    state = opened(sets, real)
    state.wait()
    a, b, c, last = sets.values()
    assert order == [last, real, a, b, c]


def test_all_is_scored_but_nothing_diagnosed_before_somebody_looks(opened: Callable[..., SetsState]) -> None:
    state = opened(course(3), make(9))
    scored, diagnosed = Event(), Event()

    def follow(_: object = None) -> None:
        frame = state.shown()
        if all(entry.sample for entry in (*frame.entries, frame.reference) if entry):
            scored.set()
        if frame.complete:
            diagnosed.set()

    state.observe(follow, "frame")
    follow()
    assert scored.wait(30)
    state.add("step 400", make(3))  # nor does a new set begin it
    state._worker.wait()
    assert all(entry.sample for entry in state.shown().entries)
    assert not any(entry.report for entry in state.shown().entries)
    diagnosed.clear()
    state.look()
    assert diagnosed.wait(30)
    assert all(entry.report for entry in state.shown().entries)


def test_the_reference_is_read_once_for_all_reports(
    opened: Callable[..., SetsState], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Any] = []

    def noted(predictions: ix.Predictions) -> Any:
        read.append(predictions)
        return side_of(predictions)

    monkeypatch.setattr("isexplore.widgets.sets.work.side_of", noted)
    sets, real = course(3), make(9)
    state = opened(sets, real)
    state.wait()
    first, second, last = sets.values()
    assert read == [real, last, first, second]
    reports = [entry.report for entry in state.shown().entries]
    assert len({report.evidence.reference for report in reports if report}) == 1


def test_a_reference_that_can_not_be_read_is_said_of_each_set(opened: Callable[..., SetsState]) -> None:
    real = make(9)
    bad = real.probabilities
    bad.setflags(write=True)
    bad[7, 0] = np.nan
    state = opened(course(2), real)
    state.wait()
    for entry in state.shown().entries:
        assert entry.sample is not None
        assert "could not be diagnosed: the reference could not be scored" in entry.error
        assert "row 7" in entry.error


def test_what_is_computed_of_a_set_that_is_gone_is_dropped(
    opened: Callable[..., SetsState], held_back: tuple[Event, Event]
) -> None:
    begun, go_on = held_back
    state = opened(course(2))
    assert begun.wait(30)
    other = make(50)
    state.follow({"step 200": other})
    go_on.set()
    state.wait()
    assert sample_in(state.shown().shown).predictions is other is shown_set(state)


# Trouble


def test_a_view_that_can_not_draw_does_not_end_the_work(opened: Callable[..., SetsState]) -> None:
    state = opened({}, make(9))
    times: list[int] = []

    def broken(_: object) -> None:
        times.append(1)
        if len(times) == 2:  # the first time in `follow`, the second in the thread
            raise RuntimeError("no canvas")

    state.observe(broken, "frame")
    state.follow(course(3))
    with pytest.raises(RuntimeError, match="no canvas"):
        state.wait()
    assert len(times) > 2
    assert state.shown().complete
    assert shown_set(state) is state.shown().entries[2].predictions
    state.add("step 400", make(4))
    state.wait()  # it is raised once
    assert state.shown().complete


def test_a_set_named_reference_is_not_the_reference(opened: Callable[..., SetsState]) -> None:
    real, fake = make(9), make(1)
    state = opened({"reference": fake, "reference (real)": make(2)}, real)
    state.set_current(0)
    state.wait()
    frame = state.explorer.shown()
    assert frame.sample.predictions is fake
    assert frame.reference.name == "reference (real) (real)"
    np.testing.assert_allclose(frame.reference.share, real.probabilities.mean(axis=0, dtype=np.float64), atol=1e-7)
    assert set(state.explorer.references) >= {"reference", "reference (real) (real)"}


def test_a_set_that_can_not_be_scored_says_why_and_the_others_go_on(opened: Callable[..., SetsState]) -> None:
    sets = course(3)
    bad = sets["step 200"].probabilities
    bad.setflags(write=True)
    bad[7, 0] = np.nan
    state = opened(sets)
    state.wait()
    first, second, third = state.shown().entries
    assert "could not be scored" in second.error
    assert "row 7" in second.error
    assert (second.sample, second.report) == (None, None)
    assert first.report is not None
    assert third.report is not None
    state.set_current(1)
    assert state.shown().shown is second
    assert shown_set(state) is third.predictions  # until another one is there


def test_a_diagnosis_that_fails_leaves_the_score(
    opened: Callable[..., SetsState], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("isexplore.report.diagnosis.diagnose_sides", broken)
    state = opened(course(2))
    state.wait()
    assert state.shown().complete
    for entry in state.shown().entries:
        assert entry.sample is not None
        assert entry.error == "could not be diagnosed: MemoryError"


def test_a_set_that_is_closed_is_not_diagnosed_to_the_end(
    opened: Callable[..., SetsState], monkeypatch: pytest.MonkeyPatch
) -> None:
    began, closed = Event(), Event()
    done: list[int] = []

    def slow_check(_: object) -> list[Any]:
        began.set()
        assert closed.wait(30)
        done.append(1)
        return []

    monkeypatch.setattr("isexplore.report.diagnosis.CHECKS", (slow_check,) * 3)
    state = opened(course(2))
    state.look()
    assert began.wait(30)
    state.close()
    closed.set()
    state._worker.wait()
    assert len(done) == 1
    assert all(not entry.error and entry.report is None for entry in state.shown().entries)


def test_closing_ends_the_thread_and_lets_everything_go() -> None:
    before = set(running_threads())
    state = SetsState(course(30))
    state.close()
    state.wait()
    for thread in set(running_threads()) - before:
        thread.join(30)
        assert not thread.is_alive()
    state.add("step 99999", make(3))  # a training that goes on must not stumble over it
    remembered = ref(state)
    del state
    gc.collect()
    assert remembered() is None


def test_many_hands_leave_one_whole_frame(opened: Callable[..., SetsState]) -> None:
    state = opened(course(6), make(9))
    wait_for_first(state)
    problems: list[Exception] = []

    def play(seed: int) -> None:
        random = np.random.default_rng(seed)
        try:
            for _ in range(40):
                ACTIONS[str(random.choice(list(ACTIONS)))](state, *random.integers(C, size=2).tolist())
        except Exception as problem:  # noqa: BLE001 - it is raised below, in the thread that counts
            problems.append(problem)

    threads = [Thread(target=play, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    state.wait()
    assert not problems
    assert state.shown().complete
    assert shown_set(state) is state.shown().shown.predictions


@pytest.fixture(scope="module")
def four() -> Iterator[SetsState]:
    it = SetsState(course(4))
    it.wait()
    yield it
    it.close()


@given(steps=st.lists(st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, C - 1))), max_size=8))
def test_the_explorer_always_shows_the_current_set_and_the_class_of_the_last_cell(
    four: SetsState, steps: list[tuple[int, int | None]]
) -> None:
    chosen: int | None = None
    four.choose_class(None)
    four.explorer.clear()
    for number, of_class in steps:
        if of_class is None:
            four.set_current(number)
        else:
            four.choose_cell(number, of_class)
            chosen = of_class
        selection = four.explorer.shown().selection
        assert shown_set(four) is four.shown().entries[number].predictions
        assert (None if selection is None else selection.top_class) == chosen == four.shown().chosen_class


def small(entry: Entry) -> int:
    """Return how many bytes a set keeps of its own, next to its predictions."""
    sample = sample_in(entry)
    order = sample.file_order
    arrays = [sample.top_class, sample.score.kl, sample.score.conditional_entropy, *vars(order.sums).values()]
    return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))


def test_little_is_kept_of_a_set_and_other_split_rules_still_come_out_right(opened: Callable[..., SetsState]) -> None:
    predictions = make(0, n=3000, c=40)
    state = opened({"large": predictions})
    state.wait()
    assert small(state.shown().shown) < predictions.probabilities.nbytes / 3
    state.explorer.set_splits(7)
    state.explorer.set_rule("chunk")
    parts = np.split(predictions.probabilities, range(429, 3000, 429))
    expected = np.mean([ix.inception_score(part, splits=1).overall for part in parts])
    assert state.explorer.shown().printed.mean == pytest.approx(expected, rel=1e-6)


# Where they stand on an axis


@pytest.mark.parametrize(
    ("texts", "at"),
    [
        (["step 1000", "step 2000", "step 10,000"], (1000, 2000, 10_000)),
        (["epoch 1, step 5", "epoch 1, step 6", "epoch 2, step 1"], None),
        (["v2-0.5", "v2-1.5"], (0.5, 1.5)),
        (["step 2", "step 1"], None),
        (["step 1", "step 1 again"], None),
        (["first", "step 2"], None),
        (["1e3", "1e4"], (1000, 10_000)),
        (["t=-2", "t=-1", "t=0.5"], (-2, -1, 0.5)),
        (["t=-1", "t=-2"], None),
        (["-1.5e-3", "-1e-3"], (-0.0015, -0.001)),
        (["2e5a", "3e4a"], (2, 3)),
        (["step-1", "step-2"], (1, 2)),
        (["1e999", "2e999"], None),
        (["only 7"], None),
        (["9" * 400, "99" * 400], None),
    ],
)
def test_numbers_in_names_are_an_axis_where_they_ascend(texts: list[str], at: tuple[float, ...] | None) -> None:
    steps = steps_of(texts)
    assert (steps.at if steps.named else None) == at
    assert len(steps.at) == len(texts)
    assert all(a < b for a, b in pairwise(steps.at))


@given(st.lists(st.text(max_size=12), max_size=6))
def test_any_names_have_ascending_places(texts: list[str]) -> None:
    steps = steps_of(texts)
    assert len(steps.at) == len(texts)
    assert all(a < b for a, b in pairwise(steps.at))
