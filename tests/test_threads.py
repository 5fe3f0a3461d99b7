"""Several scores at once, an interruption, and an error among the threads that read a matrix."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from isexplore.influence import leave_one_out
from isexplore.score import Score, inception_score

THREADS = 4


@pytest.fixture(autouse=True)
def many_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read five rows at a time, so that there are chunks for several threads, on a machine of any size."""
    monkeypatch.setattr("isexplore.arrays.CPU_BLOCK", 50)
    monkeypatch.setattr("os.cpu_count", lambda: THREADS)


def matrix(seed: int = 0) -> Any:
    return np.random.default_rng(seed).dirichlet(np.full(10, 0.1), 2000)


def reading_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("isexplore-rows")]


def numbers(score: Score) -> list[Any]:
    return [np.asarray(value) for value in vars(score).values()]


def test_chunks_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the others here would test nothing."""
    names = set()
    everybody = threading.Barrier(THREADS)
    plain = np.searchsorted

    def noted(*args: Any, **kwargs: Any) -> Any:
        name = threading.current_thread().name
        if name.startswith("isexplore-rows") and name not in names:
            names.add(name)
            everybody.wait(timeout=60)
        return plain(*args, **kwargs)

    monkeypatch.setattr("isexplore.terms.np.searchsorted", noted)
    inception_score(matrix())
    assert len(names) == THREADS


def test_scores_at_once_are_the_scores_one_by_one() -> None:
    """To the last bit: of one matrix, of different ones, and while something else reads one of them."""
    matrices = [matrix(0), matrix(0), matrix(1), matrix(2)]
    alone = [numbers(inception_score(p)) for p in matrices]
    others = leave_one_out(matrices[0])
    together = threading.Barrier(THREADS + 1)

    def score(p: Any) -> Any:
        together.wait(timeout=60)
        return [numbers(inception_score(p)) for _ in range(3)]

    def influence() -> Any:
        together.wait(timeout=60)
        return leave_one_out(matrices[0])

    with ThreadPoolExecutor(THREADS + 1) as pool:
        left_out = pool.submit(influence)
        scored = list(pool.map(score, matrices))
    for expected, runs in zip(alone, scored, strict=True):
        for found in runs:
            for a, b in zip(expected, found, strict=True):
                np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(left_out.result(), others)
    assert reading_threads() == []


@pytest.mark.parametrize("kind", ["probabilities", "logits"])
def test_an_error_leaves_no_thread_and_names_the_first_row(kind: str) -> None:
    p = matrix()
    p[[1999, 1203, 907]] = np.nan  # in different chunks
    with pytest.raises(ValueError, match=f"row 907 of the {kind}"):
        inception_score(**{"predictions" if kind == "probabilities" else "logits": p})
    assert reading_threads() == []


# Reading 2000 blocks at 10 ms each takes long. It says when it is in the middle, of the first pass or of the second,
# and goes on only after the interruption, which thus comes neither too early nor too late.
INTERRUPTED = """
import itertools, os, signal, sys, threading, time
import numpy as np
import isexplore.arrays
from isexplore.score import inception_score

asked = threading.Event()

def interrupt(number, frame):
    asked.set()
    signal.default_int_handler(number, frame)

signal.signal(signal.SIGINT, interrupt)  # a job in the background may have inherited that it is ignored
os.cpu_count = lambda: 4
isexplore.arrays.CPU_BLOCK = 2
middle, counter, plain = int(sys.argv[1]), itertools.count(), isexplore.arrays.Rows.take

def slow(self, *args):
    number = next(counter)
    if number == middle:
        print("in the middle", flush=True)
    if number >= middle:
        asked.wait()
        time.sleep(0.01)
    return plain(self, *args)

isexplore.arrays.Rows.take = slow
try:
    inception_score(np.tile(np.eye(2), (1000, 1)))
except KeyboardInterrupt:
    print("interrupted after", next(counter) - middle)
print(*(thread.name for thread in threading.enumerate()))
"""
BLOCKS = 2000


@pytest.mark.parametrize("middle", [100, BLOCKS + 200], ids=["first pass", "second pass"])
def test_an_interruption_ends_it_and_leaves_no_thread(middle: int) -> None:
    command = [sys.executable, "-c", INTERRUPTED, str(middle)]
    with subprocess.Popen(  # noqa: S603 - our own code
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "in the middle\n"
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 0, err
    assert err == ""
    said, threads = out.splitlines()
    # What the four threads had begun, sixteen blocks each, and what they took up before they were told.
    assert int(said.removeprefix("interrupted after ")) < BLOCKS / 2
    assert threads == "MainThread"
