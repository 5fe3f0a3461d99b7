"""The page of a report, as its text: it asks for nothing, only its own scripts run, and names are only text."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import HOSTILE, finding, predictions, report, run_report
from PIL import Image

import isexplore as ix
from isexplore.collapse.evidence import side_of
from isexplore.collapse.finding import Finding
from isexplore.predictions import Provenance
from isexplore.report import Report, RunReport
from isexplore.report.thumbnails import choose

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class Page(HTMLParser):
    """What a browser would make of a page, as far as this parser knows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's interface
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.words += data

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.scripts[0])
        return found


def page_of(it: Report | RunReport, folder: Path) -> Page:
    it.to_html(folder / "page.html")
    return Page((folder / "page.html").read_text(encoding="utf-8"))


def test_the_page_asks_for_nothing_and_allows_nothing(tmp_path: Path) -> None:
    page = page_of(report(predictions(), finding("modes")), tmp_path)
    assert not [tag for tag, has in page.tags if {"src", "href", "action", "data"} & has.keys()]
    assert {tag for tag, _ in page.tags}.isdisjoint({"link", "img", "iframe", "base", "object"})
    (policy,) = [has["content"] for tag, has in page.tags if has.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules["style-src"] == "'unsafe-inline'"
    hashes = [hashlib.sha256(script.encode()).digest() for script in page.scripts[1:]]  # the first one is data
    assert rules["script-src"] == " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in hashes)
    assert "connect-src" not in rules


def test_since_is_said_from_there_on_and_not_of_what_went_away_again(tmp_path: Path) -> None:
    drawn = page_of(run_report("severe", "fine", "severe", "severe"), tmp_path).data["sets"]
    assert [each["checks"][0]["since"] for each in drawn] == ["", "", "severe since step 2", "severe since step 2"]
    drawn = page_of(run_report("severe", "fine"), tmp_path).data["sets"]
    assert [each["checks"][0]["since"] for each in drawn] == ["", ""]


def test_the_page_tells_what_was_not_found_from_what_is_only_stated(tmp_path: Path) -> None:
    checks = (
        finding("modes"),
        Finding("order", "Order", "fine", 0, "", "Nothing.", p_value=0.5, level=0.01),
        Finding("n", "N", "fine", 1, "", "Ok."),
        Finding("blind-spot", "Blind", "fine", 1, "", "Nobody looked inside."),
    )
    (drawn,) = page_of(report(predictions(), *checks), tmp_path).data["sets"]
    assert [check["outcome"] for check in drawn["checks"]] == ["fired", "not found", "stated", "stated"]
    assert drawn["quiet"] == "1 other check found nothing; 1 number is only stated"
    assert drawn["notes"] == ["Nobody looked inside."]


def test_the_page_has_the_whole_curve_of_each_set(tmp_path: Path) -> None:
    sets = {"long": predictions(130), "short": predictions(12, seed=1)}
    real = predictions(50, seed=2)
    data = page_of(RunReport({name: report(each, reference=real) for name, each in sets.items()}), tmp_path).data
    for drawn, each in zip([*data["sets"], data["reference"]], [*sets.values(), real], strict=True):
        curve, score = ix.split_curve(each), ix.inception_score(each, splits=1)
        assert len(drawn["mean"]) == min(100, len(each))
        np.testing.assert_allclose(drawn["mean"], curve.mean, rtol=1e-5)
        np.testing.assert_allclose(drawn["std"], curve.std, rtol=1e-5, atol=1e-9)
        np.testing.assert_allclose(drawn["share"], score.marginal, rtol=1e-5)
        assert drawn["counts"] == np.bincount(each.probabilities.argmax(1), minlength=4).tolist()
        assert drawn["variety"] - drawn["doubt"] == pytest.approx(np.log(drawn["overall"]))


def test_the_images_of_a_finding_are_in_the_page(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 5, 7, 3), np.uint8)
    names = [f"{i}.png" for i in range(40)]
    data = page_of(
        report(predictions(thumbnails=pixels, image_names=names), finding("modes", images=(31, 7))), tmp_path
    ).data
    (drawn,) = data["sets"]
    kind, _, picture = drawn["picture"]["uri"].partition(",")
    assert kind == "data:image/png;base64"
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))))
    across = drawn["picture"]["columns"]

    def cut(tile: int) -> NDArray[np.uint8]:
        row, column = divmod(tile, across)
        return sheet[5 * row : 5 * row + 5, 7 * column : 7 * column + 7]

    tiles = drawn["checks"][0]["tiles"]
    assert [drawn["tiles"][tile]["name"] for tile in tiles] == ["31.png", "7.png"]
    for tile, image in zip(tiles, (31, 7), strict=True):
        np.testing.assert_array_equal(cut(tile), pixels[image])


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_only_text_in_the_page(name: str, tmp_path: Path) -> None:
    classes, images = [f"{name}{i}" for i in range(4)], [f"{name}{i}" for i in range(40)]
    sample = predictions(thumbnails=np.zeros((40, 4, 4, 1), np.uint8))
    hostile = ix.Predictions(sample.probabilities, tuple(classes), tuple(images), sample.thumbnails)
    hostile = hostile.described(Provenance(name, name, name, name, name, {name: name}, name, ((name, name),), name))
    said = Finding(name, name, "severe", 1.0, name, name, images=np.array([1]), classes=np.array([1]), source=name)
    kept = name.replace("\ud800", "?")
    page = page_of(RunReport({name: report(hostile, said, reference=hostile)}), tmp_path)
    plain = page_of(RunReport({"a": report(sample, finding("modes"), reference=sample)}), tmp_path)
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert page.scripts[1:] == plain.scripts[1:]
    assert kept in page.words
    assert not re.search("[<>&\u2028]", page.scripts[0])
    assert page.data["classes"] == classes
    assert page.data["sets"][0]["name"] == name


def test_a_run_of_large_photographs_stays_below_ten_megabytes(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 64, 64, 3), np.uint8)  # what compresses worst
    sample = report(predictions(300, classes=30, thumbnails=noise), finding("modes", images=tuple(range(30))))
    data = page_of(RunReport({f"step {i}": sample for i in range(14)}), tmp_path).data
    assert (tmp_path / "page.html").stat().st_size < 10_000_000
    assert all(len(each["tiles"]) >= 12 for each in data["sets"])


def test_many_classes_one_image_and_no_thumbnails(tmp_path: Path) -> None:
    data = page_of(report(predictions(1, classes=1000)), tmp_path).data
    (drawn,) = data["sets"]
    assert drawn["picture"] is None
    assert drawn["mean"] == [1.0]
    assert len(data["classes"]) == len(drawn["share"]) == 1000


def test_the_page_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "page.html"
    target.write_text("before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        with pytest.raises(OSError, match=r"cannot save .*page.html: .*No space left"):
            report(predictions()).to_html(target)
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]
    assert target.read_text() == "before"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("page.txt", ValueError, "must end in .html"),
        ("missing/page.html", FileNotFoundError, "the folder .*missing does not exist"),
        ("folder.html", IsADirectoryError, "it is a folder"),
    ],
)
def test_a_page_that_can_not_be_written_is_named(
    name: str, error: type[Exception], message: str, tmp_path: Path
) -> None:
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(error, match=message):
        report(predictions()).to_html(tmp_path / name)


def test_without_plotly_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(ModuleNotFoundError, match=r'a page needs plotly: pip install "isexplore\[lab\]"'):
        report(predictions()).to_html(tmp_path / "page.html")


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=60),
    st.lists(st.integers(0, 59), max_size=40),
    st.integers(6, 80),
)
def test_the_choice_holds_each_class_and_no_image_twice(classes: list[int], found: list[int], most: int) -> None:
    side = side_of(ix.Predictions.from_probabilities(np.eye(6)[classes]))
    images = tuple(i for i in found if i < len(classes))
    choice = choose(side, [finding("modes", images=images)], most)
    assert len(choice.images) == len(set(choice.images)) <= most
    few = [classes[i] for i in choice.images[: choice.few]]
    if len(set(classes)) <= most // 2:
        assert set(few) == set(classes)
    if len(set(images[:24])) <= most // 2:
        assert set(images[:24]) <= set(choice.images)
