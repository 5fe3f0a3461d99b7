"""Reports: what they say of made-up findings, as text and as tables, whatever the names are."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from made_up import HOSTILE, finding, predictions, report, run_report

import isexplore as ix
from isexplore.collapse.evidence import side_of
from isexplore.collapse.finding import Finding
from isexplore.predictions import Provenance
from isexplore.report import RunReport, diagnosis
from isexplore.report.outcomes import outcomes_of

if TYPE_CHECKING:
    from isexplore.collapse.evidence import Side


def by(classifier: str) -> ix.Predictions:
    return predictions().described(Provenance("somewhere", classifier))


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

    def counted(given: ix.Predictions, *more: Any, **named: Any) -> Side:
        seen.append(given)
        return side_of(given, *more, **named)

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
        ({"a": predictions(), "b": by("x")}, {"reference": by("y")}, ValueError, "b and the reference can't be"),
        ({"a": predictions()}, {"embeddings": np.ones((40, 2))}, TypeError, "belongs to one sample set"),
        (predictions(), {"embeddings": np.ones((39, 2))}, ValueError, r"\(40, D\).*shape \(39, 2\)"),
        (predictions(), {"embeddings": np.ones(40)}, ValueError, r"shape \(40,\)"),
        (predictions(), {"embeddings": np.full((40, 2), "a")}, ValueError, "no real numbers"),
        (
            predictions(),
            {"embeddings": np.where(np.arange(80) == 7, np.nan, 1).reshape(40, 2)},
            ValueError,
            "03' holds nan",
        ),
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
    told = "severe before that: step 0; step 1" in str(run)  # what is over, but was severe
    assert told == (severities == ["severe", "severe", "warning"])


# as text and as a table


def quiet(key: str) -> Finding:
    return Finding(key, key.title(), "fine", 0, "images", "Nothing.", p_value=0.5, level=0.01)


def blind() -> Finding:
    return Finding("blind-spot", "Blind", "fine", 1, "", "Nobody looked inside.")


def test_only_a_test_that_found_nothing_is_counted_as_such() -> None:
    stated = Finding("n", "N", "fine", 1, "", "Ok.")
    small = Finding("m", "M", "fine", 1, "", "Sure, but small.", p_value=0.001, level=0.01)
    assert outcomes_of([]).quiet == ""
    assert outcomes_of([quiet("a"), quiet("b"), stated]).quiet == "2 checks found nothing; 1 number is only stated"
    assert outcomes_of([finding("x"), quiet("a")]).quiet == "1 other check found nothing"
    assert outcomes_of([stated, small, blind()]).quiet == "2 numbers are only stated"
    every = [finding("x"), quiet("a"), stated, blind()]
    found = outcomes_of(every)
    assert ((*found.fired, *found.not_found, *found.stated), found.notes) == (tuple(every[:3]), (every[3].sentence,))


def test_memorised_images_and_noise_are_not_simply_fine() -> None:
    text = str(ix.diagnose({"a": predictions(), "b": predictions()}, reference=predictions(seed=1)))
    assert (
        "note: The Inception Score alone cannot see memorised or repeated images" in text.rsplit("\n", maxsplit=1)[-1]
    )


@pytest.mark.parametrize("name", ["a\nb", "a\r\nb", " \n", "", "\u2028"])
def test_names_are_on_one_line_and_never_empty(name: str) -> None:
    sample = predictions().described(Provenance(name, name))
    one = report(sample, finding("modes"), reference=sample)
    lines = str(one).split("\n")
    assert len(lines) == len(str(one).splitlines()) == 3
    assert not lines[0].startswith(": ")
    assert not re.search("against ( |$|·)", lines[2])
    run = RunReport({"first": report(predictions()), name: one})
    lines = str(run).split("\n")
    assert len(lines) == len(str(run).splitlines()) == 4
    assert not re.search("(since|from|to) ( |:|$)", str(run))


def test_an_interval_that_leaves_out_the_corrected_score_says_why() -> None:
    even = ix.Predictions.from_probabilities(0.95 * np.eye(10)[np.arange(1003) % 10] + 0.005)  # no two images differ
    score = report(even).evidence.sample.score
    assert not score.interval()[0] <= score.corrected <= score.interval()[1]
    assert "need not hold the corrected score" in str(report(even))
    assert "need not hold" not in str(report(predictions()))


def test_the_text_says_what_was_found_and_on_what_it_rests() -> None:
    stated = Finding("n", "N", "fine", 1, "", "Ok.")
    text = str(report(predictions(), finding("modes"), quiet("order"), stated, blind(), reference=predictions()))
    head, found, basis, note = text.split("\n")
    assert head.startswith("probabilities: IS ")
    assert found == "severe: modes is so."
    counted = "fine: 1 other check found nothing; 1 number is only stated"
    assert basis == f"{counted} · tests at a level of 0.01 · against probabilities · without embeddings"
    assert note == "note: Nobody looked inside."
    assert "modes" in repr(report(predictions(), finding("modes")))


@pytest.mark.parametrize("name", HOSTILE)
def test_in_a_notebook_names_are_text(name: str) -> None:
    sample = predictions().described(Provenance(name))
    for it in (report(sample, finding(name)), RunReport({name: report(sample, finding(name))})):
        text = it._repr_html_()
        assert set(re.findall(r"<[^>]*>", text)) <= {"<div>", "</div>", "<strong>", "</strong>"}
        assert " ".join(name.split()) in html.unescape(text)


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
