"""One thread for long work: the latest request wins, and a cancel is heard at the next batch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, RLock
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
    >>> worker.start(lambda stop: 6 * 7, done=seen.append, failed=print)
    >>> worker.close()
    >>> seen
    [42]
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="isexplore")
        self._stop = Event()
        self._lock = RLock()

    def start(
        self, work: Callable[[Event], Any], done: Callable[[Any], None], failed: Callable[[Exception], None]
    ) -> None:
        """Run work in the thread, instead of what runs there.

        Parameters
        ----------
        work : callable
            Gets an event to look at in every batch, and raises `Cancelled` when it is set.
        done, failed : callable
            Called in the thread with the result, or with what was raised; neither after a cancel.
        """

        def run() -> None:
            if stop.is_set():
                return  # replaced or cancelled before it began
            try:
                outcome = work(stop)
                call: Callable[[Any], None] = done
            except Cancelled:
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
                outcome, call = error, failed
            with self._lock:
                if not stop.is_set():
                    call(outcome)

        with self._lock:
            self._stop.set()
            self._stop = stop = Event()
            self._pool.submit(run)

    def cancel(self) -> None:
        """Stop what runs; its outcome is dropped."""
        with self._lock:
            self._stop.set()

    def close(self) -> None:
        """Finish what runs, and end the thread."""
        self._pool.shutdown()
