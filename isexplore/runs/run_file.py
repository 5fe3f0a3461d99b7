"""The run file: a training's checkpoints in one SQLite database, appended to while it goes on.

SQLite does what is hard about that: a checkpoint is in the file as a whole or not at all, also where the process is
killed or the power fails, and the file can be read while another process writes. A checkpoint is a row with its step
and, as a blob, the bytes that `isexplore.predictions.packing.pack` makes of its predictions. A file is opened read-only
to be read, must have exactly the one table that is written here, and nothing in it is ever executed.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from operator import index as whole
from threading import RLock
from typing import TYPE_CHECKING, SupportsIndex

from isexplore.predictions.packing import pack, unpack
from isexplore.tensor_files import expand_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Literal

    from isexplore.predictions import Predictions

__all__ = ["append", "create", "is_run_file", "load_run", "step_name"]

# SQLite's own places for what a database is, and of which version: "file" and others show them.
_APPLICATION = int.from_bytes(b"isex")
_VERSION = 1
_TABLE = "CREATE TABLE checkpoints (step INTEGER PRIMARY KEY, predictions BLOB NOT NULL)"
_LEAST_LIMIT = 2**16  # bytes, which SQLite's own statements need
_MAGIC = b"SQLite format 3\0"
_PATIENCE = 30.0  # seconds to wait for another process that reads or writes
# At the end of a journal, behind the name of another file: SQLite's file format, section 3.
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_LAST_STEP = 2**63 - 1  # SQLite's largest integer
_ROLLBACK = b"\1\1"  # bytes 18 and 19 of a database that is not in WAL mode: section 1.3 there
# To close a file takes away this process's locks on it, also those of a thread that writes a checkpoint.
_HELD = RLock()


def step_name(step: int) -> str:
    """Return what a checkpoint is called.

    Examples
    --------
    >>> step_name(1000)
    'step 1000'
    """
    return f"step {step}"


def is_run_file(path: str | os.PathLike[str]) -> bool:
    """Say whether a path leads to an SQLite database, by its first bytes.

    Examples
    --------
    >>> is_run_file("nothing.run")
    False
    """
    file = expand_home(path)
    if not file.is_file():
        return False
    return _first_bytes(file, len(_MAGIC)) == _MAGIC


def create(path: str | os.PathLike[str]) -> None:
    """Make a run file without checkpoints, or find that there is one already that can be appended to.

    Parameters
    ----------
    path : path-like
        Any name; ``.run`` is usual.

    Raises
    ------
    ValueError
        If there is another file.
    OSError
        If it can't be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     create(f"{folder}/gan.run")
    ...     load_run(f"{folder}/gan.run")
    {}
    """
    with _writing(_target(path)):
        pass


def append(path: str | os.PathLike[str], step: SupportsIndex, predictions: Predictions) -> None:
    """Add a checkpoint behind the others: as a whole, or not at all.

    The file is one training's history. Where it has this step or later ones already, the training has gone back and
    goes on from here, as after a crash: those are replaced by this one. The file is made if there is none.

    Parameters
    ----------
    path : path-like
        Any name; ``.run`` is usual.
    step : int
        How many steps the training has made, from 0 on.
    predictions : Predictions

    Raises
    ------
    TypeError
        If the step is no whole number.
    ValueError
        If the step is negative, or there is another file.
    OSError
        If it can't be written; what was in the file before stays as it was.

    Examples
    --------
    >>> import tempfile
    >>> from isexplore import Predictions
    >>> predictions = Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for step in (500, 1000, 1500, 1000):
    ...         append(f"{folder}/gan.run", step, predictions)
    ...     list(load_run(f"{folder}/gan.run"))
    ['step 500', 'step 1000']
    """
    number = whole(step)
    if not 0 <= number <= _LAST_STEP:
        raise ValueError(f"a step must be a number from 0 to {_LAST_STEP}, not {number}")
    data = pack(predictions)
    with _writing(_target(path)) as run:
        run.execute("DELETE FROM checkpoints WHERE step >= ?", (number,))
        run.execute("INSERT INTO checkpoints VALUES (?, ?)", (number, data))


def load_run(path: str | os.PathLike[str]) -> dict[str, Predictions]:
    """Open the checkpoints of a run file, also while a training appends to it.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    dict of str to Predictions
        By "step 1000" …, in the order of the steps; what is larger than 16 MB is memory-mapped.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no run file, or is damaged.
    OSError
        If it can't be read.

    Examples
    --------
    >>> load_run("nothing.run")
    Traceback (most recent call last):
    ...
    FileNotFoundError: there is no run file nothing.run
    """
    file = expand_home(path)
    if file.is_dir():
        raise IsADirectoryError(f"{file} is a folder, not a run file")
    if not file.is_file():
        raise FileNotFoundError(f"there is no run file {file}")
    _take_back(file)
    found: dict[str, Predictions] = {}
    taken = 0
    with _opened(file, "ro") as run:
        _check(run, file)
        # One after the other, so that no training waits for all of them to be read.
        for step in _steps(run, file):
            row = run.execute(
                "SELECT typeof(predictions), length(predictions), predictions FROM checkpoints WHERE step = ?", (step,)
            ).fetchone()
            if row is None:  # a training has gone back meanwhile
                continue
            kind, size, data = row
            taken += size
            if kind != b"blob" or taken > file.stat().st_size:  # such as rows that share their pages
                raise ValueError(f"{file} is damaged: {step_name(step)} is not what was written there")
            try:
                found[step_name(step)] = unpack(data)
            except ValueError as error:
                raise ValueError(f"{file}: {step_name(step)} is {error}") from error
            except OSError as error:  # such as no room for temporary files
                raise OSError(f"cannot read {step_name(step)} of {file}: {error}") from error
    return found


def _target(path: str | os.PathLike[str]) -> Path:
    """Find out whether there can be a run file of this name."""
    file = expand_home(path)
    if not file.parent.is_dir():
        raise FileNotFoundError(f"cannot write {file}: the folder {file.parent} does not exist")
    if file.is_dir():
        raise IsADirectoryError(f"cannot write {file}: it is a folder")
    if file.exists() and not file.is_file():
        raise ValueError(f"cannot write {file}: it is a device or a pipe, not a file")
    return file


@contextmanager
def _opened(file: Path, mode: Literal["ro", "rw", "rwc"]) -> Iterator[sqlite3.Connection]:
    """Open a database; SQLite's errors become ours, which name the file."""
    if mode != "ro":
        _refuse_foreign_journal(file)
    address = f"{file.absolute().as_uri()}?mode={mode}"
    try:
        with closing(sqlite3.connect(address, timeout=_PATIENCE, isolation_level=None, uri=True)) as run:
            run.text_factory = bytes  # of a damaged file, text may be anything
            _refuse_wal(file)
            run.execute("PRAGMA trusted_schema = OFF")
            if mode == "ro":  # whatever a file says, nothing in it is larger than itself
                run.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(file.stat().st_size, _LEAST_LIMIT))
            yield run
    except sqlite3.OperationalError as error:  # such as a full disk
        raise OSError(f"cannot {'read' if mode == 'ro' else 'write'} {file}: {error}") from error
    except (sqlite3.Error, UnicodeDecodeError) as error:  # a message can quote a damaged file
        raise ValueError(f"{file} is not a run file, or is damaged: {error}") from error


@contextmanager
def _writing(file: Path) -> Iterator[sqlite3.Connection]:
    """Begin a transaction, which is kept if nothing fails; a new file gets its table in it."""
    with _HELD, _opened(file, "rwc") as run, run:
        run.execute("BEGIN IMMEDIATE")
        if not file.stat().st_size:  # new
            run.execute(_TABLE)
            run.execute(f"PRAGMA application_id = {_APPLICATION}")
            run.execute(f"PRAGMA user_version = {_VERSION}")
        _check(run, file)
        yield run


def _check(run: sqlite3.Connection, file: Path) -> None:
    """Refuse a database that has anything but the one table: no view, trigger or virtual table gets to act."""
    (application,) = run.execute("PRAGMA application_id").fetchone()
    (version,) = run.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        found = "a database of something else" if file.stat().st_size else "empty"
        raise ValueError(f"{file} is not a run file: it is {found}")
    if version != _VERSION:
        raise ValueError(f"{file} is a run file of version {version}, and this isexplore reads version {_VERSION}")
    if run.execute("SELECT type, sql FROM sqlite_master LIMIT 2").fetchall() != [(b"table", _TABLE.encode())]:
        raise ValueError(f"{file} is damaged: it has other tables than a run file has")


def _steps(run: sqlite3.Connection, file: Path) -> list[int]:
    steps = [-1]
    for (step,) in run.execute("SELECT step FROM checkpoints ORDER BY step"):
        if not isinstance(step, int) or step <= steps[-1]:  # such as pages that lead back to themselves
            raise ValueError(f"{file} is damaged: its steps are not in order")
        steps.append(step)
    return steps[1:]


def _first_bytes(file: Path, n: int) -> bytes:
    with _HELD, file.open("rb") as stream:
        return stream.read(n)


def _refuse_wal(file: Path) -> None:
    """Refuse a database in WAL mode, before SQLite makes further files beside it; those written here never are."""
    begin = _first_bytes(file, 20)
    if begin.startswith(_MAGIC) and begin[18:] not in {b"", _ROLLBACK}:
        raise ValueError(f"{file} was not left as isexplore wrote it: it is in SQLite's WAL mode, or is damaged")


def _end_of_journal(file: Path) -> bytes:
    """Return the last bytes of where SQLite keeps what a transaction has changed, until it is complete."""
    journal = file.with_name(f"{file.name}-journal")
    with suppress(FileNotFoundError):  # its checkpoint may be complete by now
        if journal.is_file():
            with journal.open("rb") as stream:
                stream.seek(max(0, stream.seek(0, os.SEEK_END) - len(_JOURNAL_MAGIC)))
                return stream.read()
    return b""


def _take_back(file: Path) -> None:
    """Take back the half of a checkpoint that a killed process has left: SQLite does it where it may write."""
    if _end_of_journal(file):
        with _opened(file, "rw") as run:
            run.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _refuse_foreign_journal(file: Path) -> None:
    """Refuse a journal that names another file, as SQLite would delete that; those written here never do."""
    if _end_of_journal(file) == _JOURNAL_MAGIC:
        raise ValueError(
            f"{file}-journal was not written by isexplore: delete it, if you don't know where it comes from"
        )
