"""The one thread for long work: the latest wins, a cancel is heard, a failure is told once."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from isexplore.widgets.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Check = Callable[[], None]

LONG = 30  # seconds after which a test gives up; none of them takes a tenth of one


class Heard:
    """What a worker tells, in the order told."""

    def __init__(self) -> None:
        self._told: SimpleQueue[tuple[str, Any]] = SimpleQueue()

    def done(self, outcome: object) -> None:
        self._told.put(("done", outcome))

    def failed(self, error: Exception) -> None:
        self._told.put(("failed", str(error)))

    def next(self) -> tuple[str, Any]:
        return self._told.get(timeout=LONG)

    def nothing_more(self) -> bool:
        return self._told.empty()


class Work:
    """Work in batches that goes on when it is told to, and checks between them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.began, self.go_on, self.ended = Event(), Event(), Event()

    def __call__(self, check: Check) -> str:
        self.began.set()
        assert self.go_on.wait(LONG)
        self.ended.set()
        check()
        return self.name


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.cancel()
    worker.close()


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_work_runs_away_from_the_callers_thread(worker: Worker, heard: Heard) -> None:
    worker.start(lambda _: threading.current_thread().name, heard.done, heard.failed)
    kind, name = heard.next()
    assert (kind, name == threading.current_thread().name) == ("done", False)


def test_a_failure_is_told_once_and_the_next_work_runs(worker: Worker, heard: Heard) -> None:
    def fail(_: Check) -> None:
        raise RuntimeError("the network broke")

    worker.start(fail, heard.done, heard.failed)
    assert heard.next() == ("failed", "the network broke")
    worker.start(lambda _: 2, heard.done, heard.failed)
    assert heard.next() == ("done", 2)
    assert heard.nothing_more()


def test_code_that_exits_is_a_failure(worker: Worker, heard: Heard) -> None:
    def leave(_: Check) -> None:
        raise SystemExit("enough")

    worker.start(leave, heard.done, heard.failed)
    assert heard.next() == ("failed", "ended by SystemExit: enough")


def test_an_abandoned_thread_drops_its_work_and_does_a_last_thing(heard: Heard) -> None:
    worker, work, waiting = Worker(), Work("runs"), Work("waits")
    worker.start(work, heard.done, heard.failed)
    assert work.began.wait(LONG)
    worker.start(waiting, heard.done, heard.failed)
    worker.abandon(lambda: heard.done("last"))
    assert heard.nothing_more()
    work.go_on.set()
    assert heard.next() == ("done", "last")
    worker.close()
    assert heard.nothing_more()
    worker.abandon(lambda: heard.done("at once"))
    assert heard.next() == ("done", "at once")
    assert not waiting.began.is_set()


def test_cancelled_work_tells_nothing(worker: Worker, heard: Heard) -> None:
    work = Work("first")
    worker.start(work, heard.done, heard.failed)
    assert work.began.wait(LONG)
    assert worker.cancel()
    work.go_on.set()
    worker.start(lambda _: "second", heard.done, heard.failed)
    assert heard.next() == ("done", "second")
    assert work.ended.is_set()
    assert heard.nothing_more()


@pytest.mark.parametrize("outcome", ["result", "failure"])
def test_work_that_never_looks_is_dropped_after_a_cancel(worker: Worker, heard: Heard, outcome: str) -> None:
    began, go_on = Event(), Event()

    def deaf(_: Check) -> str:
        began.set()
        assert go_on.wait(LONG)
        if outcome == "failure":
            raise RuntimeError(outcome)
        return outcome

    worker.start(deaf, heard.done, heard.failed)
    assert began.wait(LONG)
    worker.cancel()
    go_on.set()
    worker.start(lambda _: "second", heard.done, heard.failed)
    assert heard.next() == ("done", "second")
    assert heard.nothing_more()


def test_the_latest_wins_and_what_waited_never_begins(worker: Worker, heard: Heard) -> None:
    works = [Work(str(i)) for i in range(5)]
    for work in works:
        worker.start(work, heard.done, heard.failed)
    assert works[0].began.wait(LONG)
    for work in works:
        work.go_on.set()
    assert heard.next() == ("done", "4")
    assert heard.nothing_more()
    assert [work.began.is_set() for work in works] == [True, False, False, False, True]


def test_a_cancel_before_it_begins_is_heard(worker: Worker, heard: Heard) -> None:
    blocking, waiting = Work("blocking"), Work("waiting")
    worker.start(blocking, heard.done, heard.failed)
    worker.start(waiting, heard.done, heard.failed)
    worker.cancel()
    blocking.go_on.set()
    worker.close()
    assert not waiting.began.is_set()
    assert heard.nothing_more()


def test_nobody_waits_for_an_outcome_that_is_being_told(worker: Worker, heard: Heard) -> None:
    telling, go_on, in_time = Event(), Event(), []

    def done(outcome: object) -> None:
        telling.set()
        assert go_on.wait(LONG)
        heard.done(outcome)

    def interfere() -> None:
        in_time.append(worker.cancel())
        worker.start(lambda _: 2, heard.done, heard.failed)
        go_on.set()

    worker.start(lambda _: 1, done, heard.failed)
    assert telling.wait(LONG)
    threading.Thread(target=interfere, daemon=True).start()
    assert [heard.next(), heard.next()] == [("done", 1), ("done", 2)]
    assert in_time == [False]


def test_a_cancel_with_nothing_to_cancel_is_not_in_time(worker: Worker, heard: Heard) -> None:
    assert not worker.cancel()
    worker.start(lambda _: 1, heard.done, heard.failed)
    assert heard.next() == ("done", 1)
    assert not worker.cancel()


def test_work_can_be_started_by_what_hears_of_it(worker: Worker, heard: Heard) -> None:
    def again(outcome: object) -> None:
        heard.done(outcome)
        worker.start(lambda _: 2, heard.done, heard.failed)

    worker.start(lambda _: 1, again, heard.failed)
    assert [heard.next(), heard.next()] == [("done", 1), ("done", 2)]


def test_closing_ends_the_thread_and_twice_is_once(heard: Heard) -> None:
    before = threading.active_count()
    worker = Worker()
    worker.start(lambda _: 1, heard.done, heard.failed)
    worker.close()
    worker.close()
    assert heard.next() == ("done", 1)
    assert threading.active_count() == before


def test_nothing_starts_after_closing(worker: Worker, heard: Heard) -> None:
    worker.close()
    with pytest.raises(RuntimeError):
        worker.start(lambda _: 1, heard.done, heard.failed)


def test_many_requests_at_once_end_with_one_result_of_the_last(worker: Worker, heard: Heard) -> None:
    block = Work("block")
    worker.start(block, heard.done, heard.failed)
    together = threading.Barrier(4)

    def ask() -> None:
        together.wait(LONG)
        for i in range(50):
            worker.start(lambda _, i=i: i, heard.done, heard.failed)  # type: ignore[misc]

    def run(function: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=function)
        thread.start()
        return thread

    for thread in [run(ask) for _ in range(4)]:
        thread.join(LONG)
    block.go_on.set()
    assert heard.next() == ("done", 49)
    assert heard.nothing_more()
