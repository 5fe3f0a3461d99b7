"""Reports: what they say of made-up findings, as text, as tables and as one page, whatever the names are."""

from __future__ import annotations

import base64
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
from PIL import Image

import isexplore as ix
from isexplore.collapse.evidence import Evidence, side_of
from isexplore.collapse.finding import Finding
from isexplore.predictions import Provenance
from isexplore.report import Report, RunReport, diagnosis
from isexplore.report.thumbnails import choose

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from isexplore.collapse.evidence import Side

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "</style><b>\"'&",
    "{{ 7 * 7 }}<!--",
    "\u2028\ud800 &lt;i&gt;",
)


def predictions(
    n: int = 40, classes: int = 4, seed: int = 0, thumbnails: NDArray[np.uint8] | None = None, **names: Any
) -> ix.Predictions:
    p = np.random.default_rng(seed).dirichlet([0.2] * classes, size=n)
    return ix.Predictions.from_probabilities(p, thumbnails=thumbnails, **names)


def finding(key: str, severity: Any = "severe", images: tuple[int, ...] = (), classes: tuple[int, ...] = ()) -> Finding:
    where: dict[str, Any] = {"images": np.array(images, np.intp), "classes": np.array(classes, np.intp)}
    test: dict[str, Any] = {"interval": (1.0, 3.0), "p_value": 0.001, "level": 0.01, "source": "a test"}
    return Finding(key, key.title(), severity, 2.0, "classes", f"{key} is so.", **where, **test)


def report(sample: ix.Predictions, *checks: Finding, reference: ix.Predictions | None = None) -> Report:
    return Report(Evidence(side_of(sample), None if reference is None else side_of(reference)), checks)


def run_report(*severities: str) -> RunReport:
    """Return a run whose check "modes" has these severities."""
    sample = predictions()
    return RunReport({f"step {i}": report(sample, finding("modes", severity)) for i, severity in enumerate(severities)})


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


# diagnose


def test_the_worst_comes_first_and_equals_stay_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [finding("a", "fine"), finding("b", "warning"), finding("c"), finding("d", "warning"), finding("e")]
    monkeypatch.setattr(diagnosis, "CHECKS", (lambda _: said[:2], lambda _: said[2:]))
    found = ix.diagnose(predictions())
    assert [check.key for check in found.checks] == ["c", "e", "b", "d", "a"]
    assert [check.key for check in found.findings] == ["c", "e", "b", "d"]
    assert found.severity == "severe"


def test_nothing_to_say_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "CHECKS", ())
    assert ix.diagnose(predictions()).severity == "fine"


def test_the_reference_is_computed_once_for_all_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[ix.Predictions] = []

    def counted(given: ix.Predictions, *more: Any) -> Side:
        seen.append(given)
        return side_of(given, *more)

    monkeypatch.setattr(diagnosis, "side_of", counted)
    real, sets = predictions(seed=9), {f"step {i}": predictions(seed=i) for i in range(3)}
    found = ix.diagnose(sets, reference=real)
    assert list(found.reports) == list(sets)
    assert [sum(one is each for one in seen) for each in (real, *sets.values())] == [1, 1, 1, 1]
    assert len({id(each.evidence.reference) for each in found.reports.values()}) == 1


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        ({}, {}, ValueError, "the mapping is empty"),
        ({1: predictions()}, {}, TypeError, "names must be text, not 1"),
        ({"a": "a.safetensors"}, {}, TypeError, "the set 'a' must be Predictions, not str"),
        (np.eye(3), {}, TypeError, "preds must be Predictions, not ndarray.*from_probabilities"),
        (predictions(), {"reference": {}}, TypeError, "reference must be Predictions, not dict"),
        (predictions(), {"reference": predictions(classes=5)}, ValueError, "4 and 5 classes"),
        ({"a": predictions(), "b": predictions(classes=3)}, {}, ValueError, "a and b can't be compared"),
        ({"a": predictions()}, {"embeddings": np.ones((40, 2))}, TypeError, "belongs to one sample set"),
        (predictions(), {"embeddings": np.ones((39, 2))}, ValueError, r"shape \(39, 2\): give \(40, D\)"),
        (predictions(), {"embeddings": np.ones(40)}, ValueError, r"shape \(40,\)"),
        (predictions(), {"embeddings": np.full((40, 2), "a")}, ValueError, "no real numbers"),
        (predictions(), {"embeddings": np.where(np.arange(80) == 7, np.nan, 1).reshape(40, 2)}, ValueError, "row 3 "),
    ],
)
def test_what_can_not_be_diagnosed_is_named(
    given: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ix.diagnose(given, **options)


def test_embeddings_are_taken_from_a_tensor_and_in_place_of_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(diagnosis, "CHECKS", ())
    given = torch.arange(80.0).reshape(40, 2).requires_grad_()
    used = ix.diagnose(predictions(), embeddings=given).evidence.sample.embeddings
    np.testing.assert_array_equal(used, np.arange(80.0).reshape(40, 2))


# a run


@pytest.mark.parametrize(
    ("severities", "since"),
    [
        (["fine", "severe", "severe"], "step 1"),
        (["severe", "fine", "severe"], "step 2"),
        (["severe", "severe"], "step 0"),
        (["severe", "severe", "warning"], None),
        (["fine"], None),
    ],
)
def test_since_is_where_the_last_severe_stretch_begins(severities: list[str], since: str | None) -> None:
    run = run_report(*severities)
    assert run.severity == severities[-1]
    assert (run.since, run.since_of("modes"), run.since_of("another")) == (since, since, None)
    assert (f"severe from {since} on" in str(run)) == (since is not None)


# as text and as a table


def test_the_text_says_what_was_found_and_on_what_it_rests() -> None:
    quiet = finding("order", "fine")
    text = str(report(predictions(), finding("modes"), quiet, reference=predictions()))
    head, found, basis = text.split("\n")
    assert head.startswith("probabilities: IS ")
    assert found == "severe: modes is so."
    assert basis == "fine: 1 other check found nothing, at a level of 0.01 · against probabilities · without embeddings"
    assert "modes" in repr(report(predictions(), finding("modes")))


@pytest.mark.parametrize("name", HOSTILE)
def test_in_a_notebook_names_are_text(name: str) -> None:
    sample = predictions().described(Provenance(name))
    for it in (report(sample, finding(name)), RunReport({name: report(sample, finding(name))})):
        html = it._repr_html_()
        assert set(re.findall(r"<[^>]*>", html)) <= {"<div>", "</div>", "<strong>", "</strong>"}
        parsed = Page(html)
        assert name in parsed.words


def test_a_row_a_check() -> None:
    sample = predictions(class_names=["a", "b", "c", "d"])
    first = report(sample, finding("modes", images=(3, 1), classes=(2, 0)), Finding("n", "N", "fine", 1, "", "Ok."))
    table = first.to_dataframe()
    columns = "key title severity value unit low high p_value level sentence source images classes"
    assert table.columns.tolist() == columns.split()
    row = table.iloc[0].to_dict()
    assert row["classes"] == ["c", "a"]
    assert (row["images"], row["low"], row["high"], row["p_value"]) == (2, 1.0, 3.0, 0.001)
    assert table[["low", "p_value", "level"]].iloc[1].isna().all()
    both = RunReport({"x": first, "y": first}).to_dataframe()
    assert both.columns.tolist() == ["set", *columns.split()]
    assert both["set"].tolist() == ["x", "x", "y", "y"]


# the page


def test_the_page_asks_for_nothing_and_allows_nothing(tmp_path: Path) -> None:
    page = page_of(report(predictions(), finding("modes")), tmp_path)
    assert not [tag for tag, has in page.tags if {"src", "href", "action", "data"} & has.keys()]
    assert {tag for tag, _ in page.tags}.isdisjoint({"link", "img", "iframe", "base", "object"})
    (policy,) = [has["content"] for tag, has in page.tags if has.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules["script-src"] == rules["style-src"] == "'unsafe-inline'"
    assert "connect-src" not in rules


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
