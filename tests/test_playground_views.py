"""The playground's pictures of p(y|x), headless: the heat map, the marginal and its drawing, the histogram, A and B.

Pictures are held against the full matrix, which they never see.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

import isexplore as ix
from isexplore.contrived import SCENARIOS
from isexplore.widgets.playground.compare import ComparePanel
from isexplore.widgets.playground.doubts import DoubtsPanel
from isexplore.widgets.playground.matrix import MatrixPanel, seen_images
from isexplore.widgets.playground.shares import SharesPanel
from isexplore.widgets.playground.state import PlayState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from isexplore.widgets.panel import Panel
    from isexplore.widgets.playground.frame import PlayFrame

PANELS: tuple[type[Panel[PlayFrame]], ...] = (MatrixPanel, SharesPanel, DoubtsPanel, ComparePanel)
SAME = "Same score, and for the same reasons"
HALF_DRAWN = "drawn images=1000 shares=1,1,1,1,1,0,0,0,0,0"


@contextmanager
def playing(text: str) -> Iterator[PlayState]:
    state = PlayState(text)
    try:
        yield state
    finally:
        state.close()


def matrix_of(state: PlayState) -> NDArray[np.float64]:
    return state.frame.shown.setting.scenario.probabilities()


def cells_of(view: dict[str, Any]) -> NDArray[np.float64]:
    levels: NDArray[np.float64] = np.frombuffer(view["cells"], "<u2").reshape(view["rows"], view["columns"]) / 65535
    return levels


def send(panel: Panel[PlayFrame], **message: Any) -> None:
    panel._receive(None, message, [])


def numbers_in(value: Any) -> list[float]:
    """Return every number of a picture, however deep, other than those of its matrices."""
    if isinstance(value, dict):
        return [number for one in value.values() for number in numbers_in(one)]
    if isinstance(value, list):
        return [number for one in value for number in numbers_in(one)]
    if isinstance(value, str):
        return [number for word in value.split() for number in _read(word.strip("(),.;"))]
    return [float(value)] if isinstance(value, (int, float)) else []


def _read(word: str) -> list[float]:
    try:
        return [float(word)]
    except ValueError:
        return []


# The heat map -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 10, 200])
def test_the_heat_map_shows_rows_of_the_matrix(classes: int) -> None:
    with playing(f"uniform-mix classes={classes} share=0.37") as state:
        view = MatrixPanel(state).view
        p = matrix_of(state)
        assert (view["n"], view["classes"], view["group"]) == (*p.shape, 1)
        np.testing.assert_allclose(cells_of(view), p[view["images"]], atol=0.5 / 65535, rtol=0)


def test_many_classes_are_summed_into_columns() -> None:
    with playing("uniform-mix classes=999 share=0.5") as state:
        view = MatrixPanel(state).view
        assert (view["group"], view["columns"]) == (5, 200)
        p = np.pad(matrix_of(state)[view["images"]], ((0, 0), (0, 1)))
        np.testing.assert_allclose(cells_of(view), p.reshape(-1, 200, 5).sum(2), atol=0.5 / 65535, rtol=0)


@given(st.integers(1, 5000), st.integers(1, 120))
@settings(deadline=None)
def test_the_drawn_images_are_in_order_and_one_of_every_run(n: int, most: int) -> None:
    images = seen_images(n, most)
    assert len(images) == min(n, most)
    starts = [i * n // len(images) for i in range(len(images) + 1)]
    assert all(low <= image < high for low, image, high in zip(starts, images, starts[1:], strict=False))


def test_images_that_come_in_turn_show_all_their_classes() -> None:
    with playing("uniform-mix classes=10 per_class=100 share=0") as state:
        top = cells_of(MatrixPanel(state).view).argmax(axis=1)
        assert set(top.tolist()) == set(range(10))


def test_a_thousandth_is_not_lost() -> None:
    with playing("uniform-mix classes=100 share=0.1") as state:
        cells = cells_of(MatrixPanel(state).view)
        assert cells.min() == pytest.approx(0.001, abs=1e-5)


def test_lines_part_the_splits_where_their_scores_differ() -> None:
    with playing("uniform-mix classes=10 share=0 splits=10") as state:
        panel = MatrixPanel(state)
        assert panel.view["cuts"] == []  # every split has the same classes
        state.set_values({"splits": 3})
        assert panel.view["cuts"] == pytest.approx([33.3, 66.6])
        state.set_values({"splits": 21})
        assert panel.view["cuts"] == []  # too many lines


def test_lines_part_splits_that_are_equally_bad() -> None:
    with playing("class-order splits=10") as state:
        np.testing.assert_allclose(state.frame.shown.played.split_scores, 1)
        assert len(MatrixPanel(state).view["cuts"]) == 9


def test_lines_lie_between_the_rows_of_few_images() -> None:
    with playing("class-order classes=10 per_class=2 splits=4") as state:
        assert MatrixPanel(state).view["cuts"] == [5, 10, 15]


def test_before_a_guess_the_lines_do_not_tell_whether_the_splits_differ() -> None:
    with playing("uniform-mix classes=10 share=0 splits=10 exercise=1") as state:
        panel = MatrixPanel(state)
        assert len(panel.view["cuts"]) == 9
        state.guess(5)
        assert panel.view["cuts"] == []


def test_the_largest_picture_is_small() -> None:
    with playing("uniform-mix classes=1000 per_class=50 share=0.5") as state:
        assert len(MatrixPanel(state).view["cells"]) == 100 * 200 * 2


# The histogram ------------------------------------------------------------------------------------------------------


def test_the_histogram_is_that_of_the_rows() -> None:
    with playing(HALF_DRAWN + " confidence=0.9,0.6,0.3") as state:
        view = DoubtsPanel(state).view
        each = entropy(matrix_of(state), axis=1)
        assert view["counts"] == np.histogram(each, view["edges"])[0].tolist()
        assert view["edges"][-1] == pytest.approx(math.log(10))
        assert view["mean"] == pytest.approx(each.mean(), abs=1e-12)


@pytest.mark.parametrize("classes", range(2, 40))
def test_uniform_rows_are_in_the_last_bin(classes: int) -> None:
    with playing(f"uniform-mix classes={classes} per_class=3 share=1") as state:
        assert DoubtsPanel(state).view["counts"] == [0] * 49 + [3 * classes]  # at some, rounding exceeds ln C


# The marginal, and drawing it ---------------------------------------------------------------------------------------


def test_the_bars_are_the_mean_row() -> None:
    with playing(HALF_DRAWN + " confidence=0.9,0.6,0.3") as state:
        view = SharesPanel(state).view
        p = matrix_of(state).mean(axis=0)
        np.testing.assert_allclose(view["share"], p, atol=1e-12)
        assert view["effective"] == pytest.approx(math.exp(entropy(p)))


def test_a_drawing_moves_the_score_to_the_library_s() -> None:
    with playing(HALF_DRAWN) as state:
        panel = SharesPanel(state)
        assert state.frame.shown.played.overall == pytest.approx(5)
        panel.drawn = {"name": "shares", "values": [1, 0.5, 0.25, 0.25, 0, 0, 0, 0, 0, 0], "serial": 7}
        assert panel.view["serial"] == 7
        assert panel.view["share"][:4] == pytest.approx([0.5, 0.25, 0.125, 0.125])
        overall = state.frame.shown.played.overall
        assert overall == pytest.approx(2**1.75)  # of halves, quarters and eighths, by hand
        assert overall == pytest.approx(ix.inception_score(matrix_of(state), splits=1).overall)
        panel.drawn = {"name": "confidence", "values": [0.1] * 10, "serial": 8}
        assert state.frame.shown.played.overall == pytest.approx(1)


def test_to_draw_begins_from_what_is_shown() -> None:
    with playing("drawn images=500 shares=0.4,0.2,0.2 splits=5") as state:
        state.pin()
        before = state.frame.shown.played
        panel = SharesPanel(state)
        send(panel, kind="own")
        assert state.text.startswith("drawn images=500")
        assert state.frame.pinned is not None
        assert state.frame.shown.setting.splits == 5
        np.testing.assert_allclose(state.frame.shown.played.marginal, before.marginal, atol=1 / 500)
        assert panel.view["drawable"]["shares"]["text"] == "1, 0.5, 0.5"


def test_nothing_can_be_drawn_where_there_are_no_shares() -> None:
    with playing("uniform-mix classes=1000 per_class=100 splits=20 exercise=1") as state:
        panel = SharesPanel(state)
        assert panel.view["drawable"] == {}
        send(panel, kind="own")  # 100,000 images are more than can be drawn
        assert panel.error == ""
        assert list(panel.view["drawable"]) == ["shares", "confidence"]
        assert state.frame.shown.setting.exercise


def test_typed_shares_count_by_their_ratios() -> None:
    with playing(HALF_DRAWN) as state:
        panel = SharesPanel(state)
        send(panel, kind="typed", name="shares", text="5, 3, 0")
        assert panel.view["share"] == pytest.approx([0.625, 0.375, 0])
        assert panel.view["drawable"]["confidence"]["values"] == [1, 1, 1]
        send(panel, kind="typed", name="confidence", text="0.5 1")
        assert panel.view["drawable"]["confidence"]["values"] == [0.5, 1, 0.5]
        assert panel.error == ""


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("shares", "5, x", "'x' is no number"),
        ("shares", " , ", "there are no numbers"),
        ("shares", "0, 0, 0", "all zero"),
        ("shares", "nan, 1", "nan"),
        ("shares", "inf, 1", "inf"),
        ("shares", "-1, 1", "-1"),
        ("shares", "1", "not 1"),
        ("shares", "1," * 1001, "not 1001"),
        ("confidence", "2, 1", "confidence has 2"),
        ("nothing", "1, 1", "no parameter 'nothing'"),
    ],
)
def test_shares_that_cannot_be_are_refused_in_words(name: str, text: str, said: str) -> None:
    with playing(HALF_DRAWN) as state:
        panel, before = SharesPanel(state), state.frame
        send(panel, kind="typed", name=name, text=text)
        assert said in panel.error
        assert state.frame is before
        send(panel, kind="typed", name="shares", text="1, 1")
        assert panel.error == ""


@pytest.mark.parametrize("values", [[0.0] * 10, None, ["a", "b"], [1], [math.nan] * 10])
def test_a_bad_stroke_is_answered_and_changes_nothing(values: Any) -> None:
    with playing(HALF_DRAWN) as state:
        panel, before = SharesPanel(state), state.frame
        panel.drawn = {"name": "shares", "values": values, "serial": 3}
        assert panel.error
        assert panel.view["serial"] == 3
        assert state.frame is before


def test_a_stroke_that_comes_too_late_is_dropped() -> None:
    with playing(HALF_DRAWN) as state:
        panel = SharesPanel(state)
        state.open("uniform-mix")
        panel.drawn = {"name": "shares", "values": [1, 1], "serial": 1}
        assert (panel.error, state.text) == ("", "uniform-mix")


# A and B ------------------------------------------------------------------------------------------------------------


def test_without_a_there_is_nothing_to_compare() -> None:
    with playing("uniform-mix") as state:
        panel = ComparePanel(state)
        assert panel.view["sides"] == []
        send(panel, kind="swap")
        assert "nothing is kept" in panel.error


def test_a_and_b_can_be_kept_changed_and_forgotten() -> None:
    with playing("uniform-mix share=0") as state:
        panel = ComparePanel(state)
        send(panel, kind="pin")
        state.set_values({"share": 1.0})
        texts = [side["text"] for side in panel.view["sides"]]
        assert [side["numbers"]["mean"] for side in panel.view["sides"]] == pytest.approx([10, 1])
        send(panel, kind="swap")
        assert [side["text"] for side in panel.view["sides"]] == texts[::-1]
        send(panel, kind="unpin")
        assert panel.view["sides"] == []
        assert panel.error == ""


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (
            HALF_DRAWN,
            "uniform-mix share=0.1502",
            "Same score, different disease: A lacks variety (1.61 < 2.30 nats), B has doubt (0.69 > 0.00 nats).",
        ),
        (
            "uniform-mix share=0.1502",
            HALF_DRAWN,
            "Same score, different disease: B lacks variety (1.61 < 2.30 nats), A has doubt (0.69 > 0.00 nats).",
        ),
        (
            HALF_DRAWN,
            "uniform-mix share=0",
            "B scores higher, 10.00 > 5.00, by more variety (2.30 > 1.61 nats).",
        ),
        (
            HALF_DRAWN,
            "uniform-mix share=0.1",
            (
                "B scores higher, 6.06 > 5.00, by more variety (2.30 > 1.61 nats), "
                "in spite of more doubt (0.50 > 0.00 nats)."
            ),
        ),
        (
            "uniform-mix share=0",
            HALF_DRAWN + " confidence=0.5,0.5",
            (
                "A scores higher, 10.00 > 1.50, most by less doubt (0.00 < 1.79 nats), "
                "and by more variety (2.30 > 2.20 nats)."
            ),
        ),
        (
            "uniform-mix share=0.5",
            "uniform-mix share=0.5 per_class=50",
            f"{SAME}: variety 2.30 nats, doubt 1.68 nats.",
        ),
        (
            "uniform-mix share=0 per_class=1",
            "uniform-mix share=0 per_class=1 splits=10",
            f"{SAME}: variety 2.30 nats, doubt 0.00 nats. But the mean over the splits is 10.00 for A and 1.00 for B.",
        ),
        (
            "class-order splits=5",
            "uniform-mix share=0.3",
            (
                "A scores higher, 10.00 > 3.08, by less doubt (0.00 < 1.18 nats). "
                "But the mean over the splits is 2.00 for A and 3.08 for B."
            ),
        ),
    ],
)
def test_the_sentence_says_what_makes_the_scores(a: str, b: str, said: str) -> None:
    with playing(f"{a} | {b}") as state:
        assert ComparePanel(state).view["verdict"] == said


def test_the_scales_are_common() -> None:
    with playing("uniform-mix classes=100 | " + HALF_DRAWN) as state:
        view = ComparePanel(state).view
        assert view["most"] == pytest.approx(math.log(100))
        assert view["top"] == pytest.approx(0.2)
        assert [side["matrix"]["rows"] for side in view["sides"]] == [50, 50]


# All of them --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PANELS)
def test_before_a_guess_no_picture_tells_the_score(kind: type[Panel[PlayFrame]]) -> None:
    text = "drawn images=977 shares=0.9,0.4,0.3,0.1 confidence=0.93,0.71 splits=3"
    with playing(f"{text} | {text} exercise=1") as state:
        panel, played = kind(state), state.frame.shown.played
        secrets = [played.overall, played.mean, played.log_mean, played.std, played.variety, played.doubt]
        secrets += [math.exp(played.variety), math.exp(played.doubt), math.log(played.overall), *played.split_scores]

        def told() -> bool:
            return any(abs(number - secret) < 5e-3 * secret for number in numbers_in(panel.view) for secret in secrets)

        state.finish()
        assert state.frame.hidden
        assert not told()
        state.guess(2)
        assert told() == (kind is not MatrixPanel)  # else the test could not fail


@pytest.mark.parametrize("kind", PANELS)
def test_a_picture_is_drawn_again_for_what_it_shows_and_for_nothing_else(kind: type[Panel[PlayFrame]]) -> None:
    with playing("uniform-mix share=0.5 | uniform-mix share=0.25") as state:
        panel = kind(state)
        drawn: list[PlayFrame] = []
        draw = panel.picture
        panel.picture = lambda frame: drawn.append(frame) or draw(frame)  # type: ignore[func-returns-value,method-assign]
        state.finish()  # the curve comes
        assert not drawn
        state.set_values({"share": 0.3})
        assert drawn
        panel.close()
        drawn.clear()
        state.set_values({"share": 0.4})
        assert not drawn


@pytest.mark.parametrize("key", SCENARIOS)
def test_every_scenario_is_pictured_as_its_matrix_is(key: str) -> None:
    with playing(f"{key} | {key} splits=2") as state:
        p = matrix_of(state)
        view = MatrixPanel(state).view
        top = p[view["images"]].argmax(axis=1) // view["group"]
        assert cells_of(view)[np.arange(len(top)), top] == pytest.approx(cells_of(view).max(axis=1), abs=2e-5)
        assert cells_of(view).sum(axis=1) == pytest.approx(1, abs=view["columns"] / 65535)
        np.testing.assert_allclose(SharesPanel(state).view["share"], p.mean(axis=0), atol=1e-12)
        doubts = DoubtsPanel(state).view
        assert sum(doubts["counts"]) == len(p)
        assert doubts["mean"] == pytest.approx(entropy(p, axis=1).mean(), abs=1e-9)
        assert ComparePanel(state).view["verdict"].startswith(SAME)


@pytest.mark.parametrize("kind", [SharesPanel, ComparePanel])
def test_an_unknown_action_is_named(kind: type[Panel[PlayFrame]]) -> None:
    with playing("uniform-mix") as state:
        panel = kind(state)
        send(panel, kind="dance")
        assert "dance" in panel.error
