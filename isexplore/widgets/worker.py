"""One thread for long work: the latest request wins, and a cancel is heard at the next batch."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Cancelled", "Worker"]


class Cancelled(Exception):  # noqa: N818 - it is no error
    """Raised by work that was told to stop."""


class Worker:
    """Runs one piece of work at a time, away from the kernel's own threads.

    Examples
    --------
    >>> worker, seen = Worker(), []
    >>> worker.start(lambda check: 6 * 7, done=seen.append, failed=print)
    >>> worker.close()
    >>> seen
    [42]
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="isexplore")
        self._stop = Event()  # of the latest work: set once its outcome is claimed or dropped
        self._stop.set()
        self._lock = Lock()
        self._latest = Future[None]()
        self._latest.set_result(None)

    def start(
        self,
        work: Callable[[Callable[[], None]], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Run work in the thread, instead of what runs there.

        Parameters
        ----------
        work : callable
            Gets a function to call in every batch, which raises `Cancelled` after a cancel.
        done, failed : callable
            Called in the thread with the result, or with what was raised; neither after a cancel that was in time.
            They may take long: nobody waits for them but the next work.
        """

        def check() -> None:
            if stop.is_set():
                raise Cancelled

        def run() -> None:
            try:
                check()  # it may be replaced or cancelled before it begins
                outcome = work(check)
                call: Callable[[Any], None] = done
            except Cancelled:
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
                outcome, call = error, failed
            except BaseException as error:  # noqa: BLE001 - a person's own code may call sys.exit()
                outcome, call = RuntimeError(f"ended by {type(error).__name__}: {error}"), failed
            with self._lock:
                dropped = stop.is_set()
                stop.set()  # from here on a cancel is too late
            if not dropped:
                call(outcome)

        with self._lock:
            self._stop.set()
            self._stop = stop = Event()
            self._latest = self._pool.submit(run)

    def cancel(self) -> bool:
        """Stop what runs, and say whether that was in time: then its outcome is dropped, else there is none to drop."""
        with self._lock:
            in_time = not self._stop.is_set()
            self._stop.set()
        return in_time

    def wait(self) -> None:
        """Wait until nothing runs; what `done` or `failed` raised is raised here."""
        self._latest.result()

    def close(self) -> None:
        """Finish what runs, and end the thread."""
        self._pool.shutdown()

    def abandon(self, last: Callable[[], None] = lambda: None) -> None:
        """Drop what runs and what waits, without waiting for it; the thread ends by itself, and calls `last` then."""
        self.cancel()
        self._pool.shutdown(wait=self._latest.done())  # what waits hears of the cancel before it begins
        self._latest.add_done_callback(lambda _: last())  # at once, if nothing runs
