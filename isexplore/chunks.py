"""Work on runs of rows, several at once where that helps, with results in the order of the rows."""

from __future__ import annotations

import itertools
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from isexplore.arrays import Rows

Result = TypeVar("Result")
BLOCKS = 16  # in a chunk: few enough to share out, enough to be worth a thread's while
MOST_THREADS = 16  # beyond, memory is the limit
_PATIENCE = 5  # seconds
_POOLS = itertools.count()


def each_chunk(rows: Rows, count: int, work: Callable[[int, int], Result]) -> Iterator[Result]:
    """Call work(start, stop) for consecutive runs of `count` rows, and yield what it returns, first rows first.

    The runs don't depend on the number of threads, so neither does a sum over them.

    Parameters
    ----------
    rows
        The matrix; NumPy's is worked on by several threads, as its functions let each other run.
    count
        Number of rows in all.
    work
        Gets the first row of a run and the one after its last.

    Examples
    --------
    >>> from isexplore.matrices import read_rows
    >>> list(each_chunk(read_rows([[0.5, 0.5]] * 3), 3, lambda start, stop: (start, stop)))
    [(0, 3)]
    """
    step = BLOCKS * rows.step
    runs = [(start, min(start + step, count)) for start in range(0, count, step)]
    threads = min(os.cpu_count() or 1, MOST_THREADS, len(runs)) if rows.is_numpy else 1
    if threads == 1:
        for run in runs:
            yield work(*run)
        return
    name = f"isexplore-rows-{next(_POOLS)}"
    pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
    try:
        yield from pool.map(lambda run: work(*run), runs)
    finally:
        pool.shutdown(cancel_futures=True)  # after an error or an interruption the rest is not worth waiting for
        # An interruption may come while a thread starts: the pool does not know it, and it ends a moment later.
        late = time.monotonic() + _PATIENCE
        while any(thread.name.startswith(f"{name}_") for thread in threading.enumerate()) and time.monotonic() < late:
            time.sleep(0.001)
