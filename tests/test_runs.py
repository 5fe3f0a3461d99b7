"""The run file: whole checkpoints or none, whoever is killed meanwhile, and nothing of a hostile file is believed."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tracemalloc
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from isexplore.predictions import Predictions, Provenance
from isexplore.predictions.packing import pack, unpack
from isexplore.runs import append, is_run_file, load_run
from isexplore.runs.run_file import create

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRIPT = """
import sys, numpy as np
from isexplore.predictions import Predictions
from isexplore.runs import append
rows = np.full((4000, 500), 1 / 500, np.float32)
step = 0
while True:
    append(sys.argv[1], step := step + 1, Predictions.from_probabilities(rows))
    print(step, flush=True)
"""

ENDLESS = (
    "CREATE VIEW checkpoints AS WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n)"
    " SELECT x AS step, x'00' AS predictions FROM n"
)


def some(number: int, n: int = 5) -> Predictions:
    """Return predictions with every part that there is."""
    rng = np.random.default_rng(number)
    made = Predictions.from_probabilities(
        rng.dirichlet(np.ones(3), n),
        ["a", "b", "<c>"],
        [f"{i}.png" for i in range(n)],
        rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8),
        labels=list(range(n)),
        embeddings=rng.normal(size=(n, 4)),
    )
    digests = rng.integers(0, 256, (n, 16), dtype=np.uint8)
    parts = {part.name: getattr(made, part.name) for part in fields(made)}
    return Predictions(**parts | {"digests": digests, "provenance": Provenance(f"step {number}", classifier="mine")})


def assert_same(one: Predictions, other: Predictions) -> None:
    for part in fields(one):
        a, b = getattr(one, part.name), getattr(other, part.name)
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b, strict=True)
        else:
            assert a == b, part.name


def run_with(path: Path, *statements: str | tuple[str, Sequence[object]]) -> Path:
    """Make a run file of steps 500 and 1000, and then do something to it that `append` never would."""
    for step in (500, 1000):
        append(path, step, some(step))
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(*([statement] if isinstance(statement, str) else statement))
    return path


def test_every_part_comes_back_as_it_was(tmp_path: Path) -> None:
    for step in (0, 500, 1000):
        append(tmp_path / "a.run", step, some(step))
    run = load_run(tmp_path / "a.run")
    assert list(run) == ["step 0", "step 500", "step 1000"]
    for number, predictions in zip((0, 500, 1000), run.values(), strict=True):
        assert_same(some(number), predictions)
    assert_same(some(1), unpack(pack(some(1))))


def test_small_checkpoints_keep_no_file_open(tmp_path: Path) -> None:
    for step in range(5):
        append(tmp_path / "a.run", step, some(step))
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - names will do
    run = load_run(tmp_path / "a.run")
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208 - as above
    assert len(run) == 5


def test_what_is_large_is_memory_mapped(tmp_path: Path) -> None:
    append(tmp_path / "a.run", 1, some(1, n=80_000))
    predictions = load_run(tmp_path / "a.run")["step 1"]
    assert isinstance(predictions.probabilities, np.memmap)
    assert isinstance(predictions.embeddings, np.memmap)


def test_a_training_that_goes_back_replaces_what_came_later(tmp_path: Path) -> None:
    for step in (500, 1000, 1500, 2000):
        append(tmp_path / "a.run", step, some(step))
    append(tmp_path / "a.run", 1000, some(7))
    run = load_run(tmp_path / "a.run")
    assert list(run) == ["step 500", "step 1000"]
    assert_same(run["step 1000"], some(7))


def test_steps_are_in_order_of_numbers_not_of_text(tmp_path: Path) -> None:
    for step in (900, 1000, 20000):
        append(tmp_path / "a.run", step, some(1))
    assert list(load_run(tmp_path / "a.run")) == ["step 900", "step 1000", "step 20000"]


def test_any_name_will_do(tmp_path: Path) -> None:
    for name in ("a", "what? it's 100% #1 & done.run", "naïve ☃.db", "file:x?mode=memory"):
        append(tmp_path / name, 1, some(1))
        assert list(load_run(tmp_path / name)) == ["step 1"]
        assert is_run_file(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["a", "what? it's 100% #1 & done.run", "naïve ☃.db", "file:x?mode=memory"]
    )


def test_an_empty_file_of_that_name_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.run").touch()
    append(tmp_path / "a.run", 1, some(1))
    assert list(load_run(tmp_path / "a.run")) == ["step 1"]


def test_numpy_and_torch_numbers_are_steps(tmp_path: Path) -> None:
    append(tmp_path / "a.run", np.int64(3), some(1))
    assert list(load_run(tmp_path / "a.run")) == ["step 3"]


@pytest.mark.parametrize("step", ["5", 5.0, None])
def test_other_steps_are_refused(tmp_path: Path, step: object) -> None:
    with pytest.raises(TypeError):
        append(tmp_path / "a.run", step, some(1))  # type: ignore[arg-type] # that is the test
    assert not (tmp_path / "a.run").exists()


@pytest.mark.parametrize("step", [-1, 2**63])
def test_steps_out_of_range_are_refused(tmp_path: Path, step: int) -> None:
    with pytest.raises(ValueError, match=f"from 0 to 9223372036854775807, not {step}"):
        append(tmp_path / "a.run", step, some(1))


def test_a_run_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    append(tmp_path / "a.run", 1, some(1))
    with closing(sqlite3.connect(tmp_path / "a.run", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM checkpoints")
        assert list(load_run(tmp_path / "a.run")) == ["step 1"]
        writer.execute("ROLLBACK")


def test_a_killed_process_leaves_whole_checkpoints(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    for _ in range(2):
        writer = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-c", SCRIPT, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(3)]
        writer.send_signal(signal.SIGKILL)
        told += [int(line) for line in writer.stdout]
        writer.wait()
        writer.stdout.close()
        run = load_run(path)
        assert list(run)[: len(told)] == [f"step {step}" for step in told]
        assert len(run) - len(told) in (0, 1)  # the one that it was at
        assert all(len(predictions) == 4000 for predictions in run.values())


def half_written(path: Path, copy: Path) -> None:
    """Copy a run file as a power cut would leave it: changed pages are in it, and the old ones in the journal."""
    run_with(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size = 1")  # so that pages go to the file before the end
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM checkpoints")
        for step in (1500, 2000, 2500):
            writer.execute("INSERT INTO checkpoints VALUES (?, ?)", (step, b"half" * 100_000))
        shutil.copy(path, copy)
        shutil.copy(f"{path}-journal", f"{copy}-journal")
        writer.execute("ROLLBACK")


def test_half_a_checkpoint_is_taken_back(tmp_path: Path) -> None:
    half_written(tmp_path / "a.run", tmp_path / "b.run")
    assert (tmp_path / "a.run").read_bytes() != (tmp_path / "b.run").read_bytes()
    assert list(load_run(tmp_path / "b.run")) == ["step 500", "step 1000"]
    append(tmp_path / "b.run", 1500, some(1))
    assert list(load_run(tmp_path / "b.run")) == ["step 500", "step 1000", "step 1500"]


def test_a_journal_that_names_another_file_is_not_followed(tmp_path: Path) -> None:
    half_written(tmp_path / "a.run", tmp_path / "b.run")
    victim = tmp_path / "precious.txt"
    victim.touch()
    name = os.fsencode(victim)
    with Path(f"{tmp_path / 'b.run'}-journal").open("ab") as journal:  # SQLite's file format, section 3
        journal.write((2**30 // 4096 + 1).to_bytes(4, "big") + name + len(name).to_bytes(4, "big"))
        journal.write((sum(name) & 0xFFFFFFFF).to_bytes(4, "big") + bytes.fromhex("d9d505f920a163d7"))
    for act in (lambda: load_run(tmp_path / "b.run"), lambda: append(tmp_path / "b.run", 1, some(1))):
        with pytest.raises(ValueError, match=r"b\.run-journal was not written by isexplore"):
            act()
    assert victim.exists()


def test_of_a_large_journal_only_the_end_is_read(tmp_path: Path) -> None:
    journal = Path(f"{run_with(tmp_path / 'a.run')}-journal")
    with journal.open("wb") as stream:
        stream.seek(2**25)
        stream.write(bytes.fromhex("d9d505f920a163d7"))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"a\.run-journal was not written by isexplore"):
            load_run(tmp_path / "a.run")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_journal_that_is_gone_in_a_moment_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, found = run_with(tmp_path / "a.run"), Path.is_file

    def and_gone(file: Path) -> bool:
        there = found(file)
        if file.name == "a.run-journal":  # as where a training has completed its checkpoint just now
            file.unlink(missing_ok=True)
        return there

    Path(f"{path}-journal").write_bytes(b"old pages")
    monkeypatch.setattr(Path, "is_file", and_gone)
    assert list(load_run(path)) == ["step 500", "step 1000"]


@pytest.mark.parametrize("act", [load_run, lambda path: append(path, 1500, some(1))], ids=["load_run", "append"])
def test_files_in_wal_mode_are_refused_and_nothing_is_left_beside_them(tmp_path: Path, act: object) -> None:
    assert callable(act)
    path = run_with(tmp_path / "a.run", "PRAGMA journal_mode = WAL")
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"a\.run .*WAL mode"):
        act(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_append_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.run"
    append(path, 1, some(1))
    before = path.read_bytes()
    opened = sqlite3.connect

    def full(*arguments: object, **options: object) -> sqlite3.Connection:
        connection = opened(*arguments, **options)  # type: ignore[call-overload] # handed on as they come
        connection.execute("PRAGMA max_page_count = 3")  # SQLite's own way to a full disk
        return connection  # type: ignore[no-any-return] # as above

    monkeypatch.setattr(sqlite3, "connect", full)
    with pytest.raises(OSError, match=r"cannot write .*a\.run: database or disk is full"):
        append(path, 2, some(2, n=1000))
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("act", [lambda path: append(path, 1, some(1)), create], ids=["append", "create"])
def test_places_that_can_hold_no_run_say_so(tmp_path: Path, act: object) -> None:
    assert callable(act)
    with pytest.raises(FileNotFoundError, match=r"cannot write .*a\.run: the folder .*nowhere does not exist"):
        act(tmp_path / "nowhere" / "a.run")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        act(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="a device or a pipe"):
        act(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OSError, match=r"cannot write .*loop"):
        act(tmp_path / "loop")


def test_other_files_are_never_written_to(tmp_path: Path) -> None:
    for name, data in (("notes.txt", b"my notes " * 1000), ("short.txt", b"hi")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError, match=rf"{name} is not a run file"):
            append(tmp_path / name, 1, some(1))
        assert (tmp_path / name).read_bytes() == data
    with closing(sqlite3.connect(tmp_path / "bookmarks.db")) as other, other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    before = (tmp_path / "bookmarks.db").read_bytes()
    with pytest.raises(ValueError, match="a database of something else"):
        append(tmp_path / "bookmarks.db", 1, some(1))
    assert (tmp_path / "bookmarks.db").read_bytes() == before


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no run file .*missing\.run"):
        load_run(tmp_path / "missing.run")
    with pytest.raises(IsADirectoryError, match="is a folder, not a run file"):
        load_run(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    for name in ("loop", "pipe"):
        with pytest.raises(FileNotFoundError, match=name):
            load_run(tmp_path / name)
        assert not is_run_file(tmp_path / name)


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"", "it is empty"), (b"SQLite format 3\0", "not a database"), (b"hello " * 999, "not a database")],
    ids=["empty", "only the beginning", "text"],
)
def test_what_is_no_database_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "a.run").write_bytes(data)
    with pytest.raises(ValueError, match=rf"a\.run is not a run file.*{why}"):
        load_run(tmp_path / "a.run")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_truncated_files_are_refused(tmp_path: Path, share: float) -> None:
    path = run_with(tmp_path / "a.run")
    for step in range(1500, 6000, 500):
        append(path, step, some(step, n=200))
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ValueError, match=r"a\.run"):
        load_run(path)


def test_bytes_changed_at_random_are_refused_or_make_no_difference(tmp_path: Path) -> None:
    whole = run_with(tmp_path / "a.run").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 5):
            data[place] = rng.integers(256)
        (tmp_path / "b.run").write_bytes(data)
        try:
            load_run(tmp_path / "b.run")
        except (ValueError, OSError) as error:
            assert "b.run" in str(error)  # noqa: PT017 - other errors fail the test by themselves
            refused += 1
    assert refused > 50


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        (["CREATE TABLE more (x)"], "other tables"),
        (["CREATE VIEW more AS SELECT 1"], "other tables"),
        (["CREATE TRIGGER t AFTER INSERT ON checkpoints BEGIN DELETE FROM checkpoints; END"], "other tables"),
        (["DROP TABLE checkpoints"], "other tables"),
        (["ALTER TABLE checkpoints RENAME TO other"], "other tables"),
        (
            [
                "DROP TABLE checkpoints",
                ENDLESS,
            ],
            "other tables",
        ),
        (["PRAGMA application_id = 7"], "a database of something else"),
        (["PRAGMA user_version = 2"], "of version 2, and this isexplore reads version 1"),
        (["UPDATE checkpoints SET predictions = 'text' WHERE step = 1000"], "step 1000 is not what was written"),
        (["UPDATE checkpoints SET predictions = 7"], "step 500 is not what was written"),
        (["UPDATE checkpoints SET predictions = x'00' WHERE step = 1000"], "step 1000 is not a file of predictions"),
        (["UPDATE checkpoints SET predictions = zeroblob(99) WHERE step = 500"], "step 500 is not a file of"),
        (["UPDATE checkpoints SET step = -step"], "steps are not in order"),
    ],
)
def test_files_that_say_something_else_are_refused(tmp_path: Path, statements: list[str], why: str) -> None:
    path = run_with(tmp_path / "a.run", *statements)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"a\.run.*{why}"):
        load_run(path)
    assert path.read_bytes() == before


def test_rows_that_are_no_distributions_are_refused(tmp_path: Path) -> None:
    data = pack(some(500)).replace(some(500).probabilities.tobytes(), np.full((5, 3), 7, np.float32).tobytes())
    path = run_with(tmp_path / "a.run", ("UPDATE checkpoints SET predictions = ?", [data]))
    with pytest.raises(ValueError, match=r"a\.run: step 500 is not a file of predictions: row 0"):
        load_run(path)


def test_reading_needs_no_right_to_write(tmp_path: Path) -> None:
    path = run_with(tmp_path / "a.run")
    before = path.stat().st_mtime_ns
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        assert list(load_run(path)) == ["step 500", "step 1000"]
        assert path.stat().st_mtime_ns == before
        assert [file.name for file in tmp_path.iterdir()] == ["a.run"]
    finally:
        tmp_path.chmod(0o700)


def test_importing_runs_brings_no_torch() -> None:
    code = "import sys, isexplore.runs; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own
