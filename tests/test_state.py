"""The explorer's state: what each method makes of the one frame, without any view."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import isexplore as ix
from isexplore.widgets.state import ExplorerState

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from isexplore.widgets.frame import Frame

N, C = 60, 5


def make(n: int = N, c: int = C, seed: int = 0, prefix: str = "class") -> ix.Predictions:
    p = np.random.default_rng(seed).dirichlet([0.3] * c, n)
    return ix.Predictions.from_probabilities(p, class_names=[f"{prefix} {i}" for i in range(c)])


def frame_of(state: ExplorerState) -> Frame:
    assert state.frame is not None
    return state.frame


def selected(state: ExplorerState) -> NDArray[np.bool_]:
    selection = frame_of(state).selection
    assert selection is not None
    return selection.mask


@pytest.fixture
def state() -> ExplorerState:
    state = ExplorerState()
    state.show(make())
    return state


ACTIONS: dict[str, Callable[[ExplorerState], None]] = {
    "set_splits": lambda state: state.set_splits(7),
    "shuffle": lambda state: state.shuffle(3),
    "file order": lambda state: state.shuffle(None),
    "set_rule": lambda state: state.set_rule("chunk"),
    "set_spread": lambda state: state.set_spread(of_a_sample=True),
    "set_reference": lambda state: state.set_reference("other", make(seed=1)),
    "no reference": lambda state: state.set_reference(),
    "select": lambda state: state.select(np.arange(N) % 3 == 0),
    "select nothing": lambda state: state.select(np.zeros(N, bool)),
    "select_range": lambda state: state.select_range(0.1, 0.6),
    "select_class": lambda state: state.select_class(2),
    "clear": lambda state: state.clear(),
    "set_primary": lambda state: state.set_primary(11),
}


@pytest.mark.parametrize("action", [*ACTIONS.values(), ExplorerState.invert], ids=[*ACTIONS, "invert"])
def test_nothing_can_be_done_before_a_set_is_shown(action: Callable[[ExplorerState], None]) -> None:
    state = ExplorerState()
    with pytest.raises(ValueError, match=r"choose one first"):
        action(state)
    assert state.frame is None


@pytest.mark.parametrize(
    "action",
    [*ACTIONS.values(), ExplorerState.invert, lambda state: state.show(make(20))],
    ids=[*ACTIONS, "invert", "show"],
)
def test_each_action_is_one_change(state: ExplorerState, action: Callable[[ExplorerState], None]) -> None:
    state.select_class(1)
    changes: list[dict[str, Any]] = []
    state.observe(changes.append, "frame")
    action(state)
    assert len(changes) == 1
    assert changes[0]["new"] is state.frame


# What is shown


def test_a_shown_set_is_scored_once_and_cut_into_ten(state: ExplorerState) -> None:
    frame, expected = frame_of(state), ix.inception_score(make(), splits=10)
    assert str(frame.score) == str(expected)
    assert frame.score.mean == pytest.approx(expected.mean, rel=1e-12)
    assert frame.score.std == pytest.approx(expected.std, rel=1e-9)
    assert frame.score.warnings == expected.warnings
    assert (frame.sample.score.splits, frame.sample.score.overall) == (1, expected.overall)
    np.testing.assert_array_equal(frame.sample.top_class, make().probabilities.argmax(axis=1))
    np.testing.assert_array_equal(
        frame.sample.class_counts, [(frame.sample.top_class == number).sum() for number in range(C)]
    )
    np.testing.assert_allclose(frame.reference.share, 1 / C)
    assert (frame.selection, frame.primary, frame.order.seed) == (None, 0, None)


@pytest.mark.parametrize(("n", "splits", "most"), [(1, 1, 1), (7, 7, 7), (60, 10, 60), (450, 10, 200)])
def test_split_counts_go_up_to_the_number_of_images_or_200(n: int, splits: int, most: int) -> None:
    state = ExplorerState()
    state.show(make(n))
    curve, expected = frame_of(state).order.curve, ix.split_curve(make(n), range(1, most + 1))
    assert frame_of(state).score.splits == splits
    np.testing.assert_array_equal(curve.counts, np.arange(1, most + 1))
    np.testing.assert_allclose(curve.mean, expected.mean, rtol=1e-12)
    np.testing.assert_allclose(curve.std, expected.std, rtol=1e-9, atol=1e-12)


def test_another_set_keeps_the_split_count_that_still_fits(state: ExplorerState) -> None:
    state.set_splits(20)
    state.show(make(40))
    assert frame_of(state).score.splits == 20
    state.show(make(12))
    assert frame_of(state).score.splits == 12
    state.show(make(400))
    assert frame_of(state).score.splits == 12


def test_another_set_drops_selection_primary_and_shuffle(state: ExplorerState) -> None:
    state.select_class(1)
    state.set_primary(50)
    state.shuffle(5)
    state.show(make(40))
    frame = frame_of(state)
    assert (frame.selection, frame.primary, frame.order.seed) == (None, 0, None)


@pytest.mark.parametrize(
    ("other", "kept"), [(make(30), True), (make(30, C + 1), False), (make(30, prefix="other class"), False)]
)
def test_another_set_keeps_a_reference_of_the_same_classes_only(
    state: ExplorerState, other: ix.Predictions, *, kept: bool
) -> None:
    state.set_reference("real", make(seed=1))
    state.show(other)
    reference = frame_of(state).reference
    assert (reference.name == "real") is kept
    assert reference.share.shape == (other.probabilities.shape[1],)


def test_a_reference_is_another_sets_marginal(state: ExplorerState) -> None:
    other = make(33, seed=4)
    state.set_reference("real", other)
    np.testing.assert_allclose(frame_of(state).reference.share, ix.inception_score(other).marginal, atol=1e-7)
    state.set_reference(predictions=other)
    assert frame_of(state).reference.name == f"{other.provenance.source} (2)"  # the set shown has that name
    state.set_reference()
    np.testing.assert_array_equal(frame_of(state).reference.share, np.full(C, 1 / C))


# Splits and order


@given(n=st.integers(1, 40), c=st.integers(2, 6), seed=st.integers(0, 2**32 - 1), data=st.data())
def test_splits_and_order_give_the_librarys_numbers(n: int, c: int, seed: int, data: st.DataObject) -> None:
    state, predictions = ExplorerState(), make(n, c)
    state.show(predictions)
    shuffled = data.draw(st.booleans())
    splits = data.draw(st.integers(1, n))
    for step in data.draw(st.permutations(["splits", "order"])):
        if step == "splits":
            state.set_splits(splits)
        elif shuffled:
            state.shuffle(seed)
    order = np.random.RandomState(seed).permutation(n) if shuffled else np.arange(n)
    expected, score = ix.inception_score(predictions.probabilities[order], splits=splits), frame_of(state).score
    np.testing.assert_allclose(score.split_scores, expected.split_scores, rtol=1e-9)
    assert (score.splits, score.split_sizes) == (splits, expected.split_sizes)
    assert (score.mean, score.overall) == pytest.approx((expected.mean, expected.overall), rel=1e-9)
    assert score.std == pytest.approx(expected.std, rel=1e-9, abs=1e-9)
    assert score.warnings == expected.warnings


def test_shuffling_forth_and_back_gives_the_same_numbers(state: ExplorerState) -> None:
    before = frame_of(state).score.split_scores
    state.shuffle(2020)
    assert not np.allclose(frame_of(state).score.split_scores, before)
    state.shuffle(None)
    np.testing.assert_array_equal(frame_of(state).score.split_scores, before)


@pytest.mark.parametrize("seed", [None, 7])
def test_other_rules_print_the_librarys_numbers(seed: int | None, state: ExplorerState) -> None:
    p = frame_of(state).sample.predictions.probabilities
    rows = p if seed is None else p[np.random.RandomState(seed).permutation(N)]
    state.shuffle(seed)
    state.set_splits(7)
    cuts = {
        "floor": [i * N // 7 for i in range(8)],
        "equal": [i * (N // 7) for i in range(8)],
        "chunk": np.cumsum([0, *map(len, torch.arange(N).chunk(7))]).tolist(),
    }
    for rule, expected in cuts.items():
        scores = [ix.inception_score(rows[i:j], splits=1).overall for i, j in pairwise(expected)]
        for of_a_sample in (False, True):
            state.set_rule(rule)
            state.set_spread(of_a_sample=of_a_sample)
            printed = frame_of(state).printed
            assert printed.cuts.tolist() == expected
            assert (printed.splits, printed.left_out) == (len(scores), N - expected[-1])
            assert printed.mean == pytest.approx(np.mean(scores), rel=1e-12)
            assert printed.std == pytest.approx(np.std(scores, ddof=int(of_a_sample)), rel=1e-9)
    state.set_splits(1)
    assert math.isnan(frame_of(state).printed.std)


def test_a_sorted_set_raises_the_alarm_and_shuffling_clears_it() -> None:
    state = ExplorerState()
    state.show(ix.Predictions.from_probabilities(np.repeat(np.eye(4) * 0.96 + 0.01, 30, axis=0)))
    test = frame_of(state).order.test
    assert test is not None
    assert test.alarm
    state.shuffle(2020)
    test = frame_of(state).order.test
    assert test is not None
    assert not test.alarm


@pytest.mark.parametrize(("n", "tested"), [(3, None), (4, 2), (19, 9), (40, 10)])
def test_few_images_are_tested_in_fewer_splits_or_not_at_all(n: int, tested: int | None) -> None:
    state = ExplorerState()
    state.show(make(n))
    test = frame_of(state).order.test
    assert (test and test.splits) == tested


def test_an_order_of_another_set_is_refused(state: ExplorerState) -> None:
    sample = frame_of(state).sample
    state.show(make(seed=1))
    with pytest.raises(ValueError, match="another sample set is shown by now"):
        state.set_order(sample, sample.file_order)


def test_a_shuffle_keeps_selection_and_primary(state: ExplorerState) -> None:
    state.select_class(1)
    state.set_primary(30)
    before = frame_of(state)
    state.shuffle(1)
    assert (frame_of(state).selection, frame_of(state).primary) == (before.selection, 30)


class Forbidden:
    """Stands where a matrix was, and breaks whatever reads it."""

    shape = (N, C)

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the matrix was read again: {name}")


def test_a_split_count_does_not_read_the_matrix() -> None:
    state, predictions = ExplorerState(), make()
    state.show(predictions)
    state.select_class(1)
    object.__setattr__(predictions, "probabilities", Forbidden())
    for splits in range(1, N + 1):
        state.set_splits(splits)
    state.set_primary(3)
    state.clear()
    with pytest.raises(AssertionError, match="read again"):
        state.shuffle(1)


# Selection


@given(mask=st.lists(st.booleans(), min_size=N, max_size=N), primary=st.integers(0, N - 1))
def test_the_selections_score_is_that_of_its_images(mask: list[bool], primary: int) -> None:
    state, predictions, chosen = ExplorerState(), make(), np.array(mask)
    state.show(predictions)
    state.set_primary(primary)
    state.select(chosen, "mine")
    frame = frame_of(state)
    assert frame.selection is not None
    subset = frame.selection.subset
    assert (frame.selection.label, subset.n_images) == ("mine", chosen.sum())
    if chosen.any():
        part = predictions.probabilities[chosen]
        assert subset.score == pytest.approx(ix.inception_score(part, splits=1).overall, rel=1e-9)
        assert frame.primary == mask.index(True)
    else:
        assert math.isnan(subset.score)
        assert frame.primary == primary
    np.testing.assert_allclose(subset.share, predictions.probabilities[chosen].sum(axis=0) / N, atol=1e-7)


@given(mask=st.lists(st.booleans(), min_size=N, max_size=N))
def test_inverting_twice_is_where_it_began(mask: list[bool]) -> None:
    state = ExplorerState()
    state.show(make())
    state.select(np.array(mask), "mine")
    state.invert()
    np.testing.assert_array_equal(selected(state), ~np.array(mask))
    first = frame_of(state).selection
    assert first is not None
    assert first.label == "not: mine"
    state.invert()
    np.testing.assert_array_equal(selected(state), mask)
    second = frame_of(state).selection
    assert second is not None
    assert second.label == "mine"


@pytest.mark.parametrize("number", range(C))
def test_a_class_selects_the_images_that_look_most_like_it(state: ExplorerState, number: int) -> None:
    state.select_class(number)
    selection = frame_of(state).selection
    assert selection is not None
    np.testing.assert_array_equal(selection.mask, make().probabilities.argmax(axis=1) == number)
    assert selection.top_class == number
    assert f"class {number}" in selection.label
    assert selection.mask[frame_of(state).primary]


def test_a_range_of_entropies_includes_its_ends(state: ExplorerState) -> None:
    entropy = frame_of(state).sample.score.conditional_entropy
    low, high = np.sort(entropy)[[10, 29]]
    state.select_range(float(low), float(high))
    np.testing.assert_array_equal(np.sort(entropy[selected(state)]), np.sort(entropy)[10:30])
    state.select_range(float(entropy.min()), float(entropy.max()))
    assert selected(state).all()
    state.select_range(10, 10)
    assert not selected(state).any()
    selection = frame_of(state).selection
    assert selection is not None
    assert selection.entropy_range == (10, 10)


def test_a_selection_is_not_the_callers_array(state: ExplorerState) -> None:
    mask = np.zeros(N, bool)
    state.select(mask)
    mask[:] = True
    assert not selected(state).any()


def test_clear_selects_nothing_and_keeps_the_primary_image(state: ExplorerState) -> None:
    state.select_class(3)
    primary = frame_of(state).primary
    state.clear()
    assert (frame_of(state).selection, frame_of(state).primary) == (None, primary)


# Wrong values

WRONG: dict[str, Callable[[ExplorerState], None]] = {
    "no splits": lambda state: state.set_splits(0),
    "negative splits": lambda state: state.set_splits(-3),
    "more splits than images": lambda state: state.set_splits(N + 1),
    "half a split": lambda state: state.set_splits(2.5),  # type: ignore[arg-type]
    "negative seed": lambda state: state.shuffle(-1),
    "unknown rule": lambda state: state.set_rule("thirds"),
    "large seed": lambda state: state.shuffle(2**32),
    "no such class": lambda state: state.select_class(C),
    "negative class": lambda state: state.select_class(-1),
    "no such image": lambda state: state.set_primary(N),
    "negative image": lambda state: state.set_primary(-1),
    "NaN": lambda state: state.select_range(math.nan, 1),
    "infinity": lambda state: state.select_range(0, math.inf),
    "range the wrong way round": lambda state: state.select_range(1, 0.5),
    "short mask": lambda state: state.select(np.ones(N - 1, bool)),
    "numbers for a mask": lambda state: state.select(np.arange(N)),  # type: ignore[arg-type]
    "flat mask": lambda state: state.select(np.ones((N, 1), bool)),
    "other classes": lambda state: state.set_reference("other", make(c=C + 1)),
    "other names": lambda state: state.set_reference("other", make(prefix="kind")),
}


@pytest.mark.parametrize("action", WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_named_and_changes_nothing(
    state: ExplorerState, action: Callable[[ExplorerState], None]
) -> None:
    before = state.frame
    with pytest.raises(ValueError, match=r"\w+"):
        action(state)
    assert state.frame is before


def test_nothing_selected_cannot_be_inverted(state: ExplorerState) -> None:
    with pytest.raises(ValueError, match="nothing to invert"):
        state.invert()


def test_a_matrix_that_is_no_distribution_leaves_the_old_set(state: ExplorerState) -> None:
    before = state.frame
    with pytest.raises(ValueError, match="row 1"):
        state.show(replace(make(2), probabilities=np.array([[0.5, 0.5], [0.9, 0.9]], np.float32)))
    assert state.frame is before


def test_numpy_numbers_become_plain_ones(state: ExplorerState) -> None:
    number: Any = np.int64(3)
    state.set_primary(number)
    state.set_splits(number)
    state.shuffle(number)
    assert [type(value) for value in (frame_of(state).primary, frame_of(state).score.splits)] == [int, int]
    assert type(frame_of(state).order.seed) is int
    state.select_class(number)
    state.select_range(np.float32(0), np.float32(1))  # type: ignore[arg-type]
    selection = frame_of(state).selection
    assert selection is not None
    assert selection.entropy_range is not None
    assert [type(value) for value in selection.entropy_range] == [float, float]


# Threads


def is_consistent(frame: Frame) -> bool:
    n, c = frame.sample.predictions.probabilities.shape
    return (
        frame.order.sums.n_images == n
        and 0 <= frame.primary < n
        and frame.reference.share.shape == (c,)
        and (frame.selection is None or frame.selection.mask.shape == (n,))
        and np.array_equal(frame.score.split_scores, frame.order.curve.at(frame.score.splits))
        and frame.printed.cuts[-1] + frame.printed.left_out == n
    )


def test_two_threads_leave_it_consistent() -> None:
    state, sets = ExplorerState(), [make(40, 5), make(30, 4, seed=1)]
    state.show(sets[0])
    wrong: list[object] = []
    frames: list[Frame] = [frame_of(state)]

    def check(change: dict[str, Any]) -> None:
        if change["old"] is not frames[-1] or not is_consistent(change["new"]):
            wrong.append(change)
        frames.append(change["new"])

    state.observe(check, "frame")
    together = Barrier(2)
    done = [0, 0]

    def hammer(thread: int) -> None:
        random = np.random.default_rng(thread)
        actions: list[Callable[[], None]] = [
            lambda: state.show(sets[random.integers(2)]),
            lambda: state.set_splits(int(random.integers(1, 45))),
            lambda: state.shuffle(int(random.integers(9))),
            lambda: state.set_rule(str(random.choice(["floor", "equal", "chunk"]))),
            lambda: state.select(random.random(40) < 0.5),
            lambda: state.select_class(int(random.integers(5))),
            lambda: state.select_range(0, random.random()),
            lambda: state.set_reference("other", sets[random.integers(2)]),
            lambda: state.set_primary(int(random.integers(40))),
            state.invert,
            state.clear,
        ]
        together.wait(30)
        for _ in range(150):
            try:
                actions[random.integers(len(actions))]()
                done[thread] += 1
            except ValueError:
                pass  # the other thread has just shown a set that this does not fit
            except BaseException as error:  # noqa: BLE001 - anything else is a finding
                wrong.append(error)

    threads = [Thread(target=hammer, args=(thread,)) for thread in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert len(frames) == 1 + sum(done)
    assert min(done) > 50
