"""The list of a kernel's answers: what it keeps, counts, and hands to a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isexplore.widgets.playground.answers import LONGEST_NAME, AnswerBook, checked_name

STATE = "uniform-mix share=0.5"
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def read(book: AnswerBook) -> list[list[str]]:
    return list(csv.reader(io.StringIO(book.to_csv(), newline="")))


def test_an_answer_keeps_who_what_when_and_how_far_off() -> None:
    book = AnswerBook()
    book.add(" Ada  Lovelace ", STATE, 6, 5)
    (row,) = book.rows
    assert (row.learner, row.state, row.guess, row.answer) == ("Ada Lovelace", STATE, 6.0, 5.0)
    assert row.off_percent == pytest.approx(20)
    assert not row.close
    time = datetime.fromisoformat(row.time)
    assert time.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - time) < timedelta(minutes=5)


@pytest.mark.parametrize(("guess", "close"), [(9.0, True), (8.99, False), (11.0, True), (11.01, False), (10.0, True)])
def test_within_ten_per_cent_on_either_side_is_close(guess: float, close: bool) -> None:  # noqa: FBT001 - a case
    book = AnswerBook()
    book.add("", STATE, guess, 10)
    assert book.rows[0].close is close


def test_the_tally_counts_all_and_the_close_ones() -> None:
    book = AnswerBook()
    assert book.tally == "0 answers, 0 close"
    for guess in (5, 50, 5.2):
        book.add("", STATE, guess, 5)
    assert book.tally == "3 answers, 2 close"


def test_one_list_a_kernel() -> None:
    assert AnswerBook.shared() is AnswerBook.shared()


def test_no_answer_is_lost_when_many_threads_add() -> None:
    book, together = AnswerBook(), Barrier(8)

    def add(thread: int) -> None:
        together.wait()
        for _ in range(200):
            book.add(str(thread), STATE, 5, 5)

    threads = [Thread(target=add, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row.learner for row in book.rows) == sorted(str(thread) for thread in range(8) for _ in range(200))


def test_whoever_watches_hears_of_each_answer() -> None:
    book, heard = AnswerBook(), list[str]()
    book.observe(lambda _: heard.append(book.tally), "rows")
    book.add("", STATE, 5, 5)
    book.add("", STATE, 7, 5)
    assert heard == ["1 answer, 1 close", "2 answers, 1 close"]


@given(st.text(max_size=LONGEST_NAME))
@example("=HYPERLINK(1)")
@example("@SUM(1)")
@example("-2+3")
@example('a,"b"\n=1')
def test_a_name_never_becomes_a_formula_and_is_read_back(name: str) -> None:
    book = AnswerBook()
    book.add(name, STATE, 5, 5)
    head, row = read(book)
    cell = dict(zip(head, row, strict=True))["learner"]
    assert not cell.startswith(DANGEROUS)
    assert cell.removeprefix("'") == checked_name(name).removeprefix("'")


@pytest.mark.parametrize("first", DANGEROUS)
def test_a_state_that_begins_like_a_formula_gets_an_apostrophe(first: str) -> None:
    book = AnswerBook()
    book.add("", f"{first}1+1", 5, 5)
    assert read(book)[1][2] == f"'{first}1+1"


def test_numbers_stay_numbers_in_csv() -> None:
    book = AnswerBook()
    book.add("-1", STATE, 4, 5)
    head, row = read(book)
    cells = dict(zip(head, row, strict=True))
    assert cells["learner"] == "'-1"
    assert float(cells["off_percent"]) == pytest.approx(-20)
    assert (float(cells["guess"]), float(cells["answer"]), cells["close"]) == (4, 5, "False")


def test_numbers_have_six_digits_and_no_rounding_errors() -> None:
    book = AnswerBook()
    book.add("", STATE, 3.5790140000000006, 3.579014)
    book.add("", STATE, 1000, 990.0312345)
    assert [row[3:6] for row in read(book)[1:]] == [["3.57901", "3.57901", "0.0"], ["1000.0", "990.031", "1.00694"]]


def test_the_last_name_is_remembered() -> None:
    book = AnswerBook()
    book.add(" Ada ", STATE, 5, 5)
    assert book.learner == "Ada"
    book.add("Bob", STATE, 5, 5)
    assert book.learner == "Bob"


def test_the_data_frame_has_the_same_columns_and_types() -> None:
    book = AnswerBook()
    assert list(book.to_dataframe().columns) == read(book)[0]
    book.add("Ada", STATE, 4, 5)
    frame = book.to_dataframe()
    assert frame["close"].dtype == bool
    assert frame["off_percent"].iloc[0] == pytest.approx(-20)


def test_a_long_name_is_refused_and_kept_out() -> None:
    book = AnswerBook()
    book.add("x" * LONGEST_NAME, STATE, 5, 5)
    with pytest.raises(ValueError, match="61 characters: give at most 60"):
        book.add("x" * (LONGEST_NAME + 1), STATE, 5, 5)
    assert len(book.rows) == 1


@pytest.mark.parametrize(("guess", "answer"), [(float("nan"), 5), (float("inf"), 5), (5, float("nan")), (5, 0)])
def test_what_is_no_number_is_refused(guess: float, answer: float) -> None:
    with pytest.raises(ValueError, match="can't be kept"):
        AnswerBook().add("", STATE, guess, answer)
