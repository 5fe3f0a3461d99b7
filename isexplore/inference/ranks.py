"""One run by several processes, as ``torchrun`` starts them: each classifies its share, the first puts it together."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from filelock import BaseFileLock

__all__ = ["Ranks", "find_ranks", "process_group", "working_folder"]

_PATIENCE = timedelta(days=7)
_SHARED = ContextVar("several processes share what this one classifies", default=False)


@dataclass(frozen=True)
class Ranks:
    """The processes that share a run.

    Attributes
    ----------
    rank, world : int
        The number of this process, and how many there are.

    Examples
    --------
    >>> Ranks(1, 3).share(10)
    range(3, 6)
    """

    rank: int = 0
    world: int = 1
    group: Any = None

    def share(self, count: int) -> range:
        """Return which of `count` consecutive things are this process's."""
        return range(self.rank * count // self.world, (self.rank + 1) * count // self.world)

    def of_first(self, value: Any) -> Any:
        """Return what the first process says."""
        return self.of_all(value)[0]

    def agree(self, what: str, *values: object) -> None:
        """Make sure that all processes were given the same.

        Raises
        ------
        ValueError
            If they were not.
        """
        said = self.of_all(values)
        if any(other != said[0] for other in said):
            raise ValueError(f"the processes of this run were given different {what}: {said}")

    @contextmanager
    def together(self) -> Iterator[None]:
        """Wait for the others at the end of a block; if it fails in one process, it fails in all.

        Raises
        ------
        RuntimeError
            If another process failed.
        """
        try:
            yield
        except Exception as error:
            self.of_all(f"{type(error).__name__}: {error}")
            raise
        for rank, text in enumerate(self.of_all(None)):
            if text is not None:
                raise RuntimeError(f"process {rank} of {self.world} failed: {text}")

    def of_all(self, value: Any) -> list[Any]:
        """Return what each process says, in order."""
        if self.world == 1:
            return [value]
        from torch import distributed

        said: list[Any] = [None] * self.world
        distributed.all_gather_object(said, value, group=self.group)
        return said


@contextmanager
def find_ranks() -> Iterator[Ranks]:
    """Find out which process of how many this is, within `process_group`.

    Elsewhere it is the only one, whatever else torch.distributed is used for: training code may well classify in one
    of its processes alone.

    Examples
    --------
    >>> with find_ranks() as ranks:
    ...     ranks.rank, ranks.world
    (0, 1)
    """
    if not _SHARED.get():
        yield Ranks()
        return
    from torch import distributed

    # A few words are exchanged, which need no GPU; one process may have to wait long for another.
    group = distributed.new_group(backend="gloo", timeout=_PATIENCE)
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size(), group)
    finally:
        distributed.destroy_process_group(group)


@contextmanager
def process_group() -> Iterator[int]:
    """Join the processes that ``torchrun`` started, if it did, and leave them at the end.

    Yields
    ------
    int
        The number of this process; 0 where it is the only one.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield 0
        return
    import torch
    from torch import distributed

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=_PATIENCE)
    shared = _SHARED.set(True)
    try:
        yield distributed.get_rank()
    finally:
        _SHARED.reset(shared)
        distributed.destroy_process_group()


@contextmanager
def working_folder(ranks: Ranks, out: Path | None) -> Iterator[Path]:
    """Make a folder for the shards of all processes: beside the result, or where temporary files go.

    It is deleted in the end. A process that is killed leaves it; the next run to the same result deletes it.

    Raises
    ------
    ValueError
        If the processes are on several machines, and `out` does not say which folder they share.
    FileExistsError
        If another run writes the same result.
    """
    if out is None:
        if int(os.environ.get("LOCAL_WORLD_SIZE", "1")) < ranks.world:
            raise ValueError("processes on several machines need --out, in a folder that all of them see")
        folder = Path(ranks.of_first(mkdtemp(prefix="isexplore-") if ranks.rank == 0 else None))
    else:
        folder = out.with_name(f".{out.name}.part")
    lock, claimed = FileLock(folder / "lock"), False
    try:
        with ranks.together():
            if ranks.rank == 0:
                _claim(folder, lock)
                claimed = True
        yield folder
    finally:
        if claimed:
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()


def _claim(folder: Path, lock: BaseFileLock) -> None:
    """Empty a folder, if no other run uses it."""
    folder.mkdir(exist_ok=True)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise FileExistsError(f"another run is writing the same file: {folder} is its work") from None
    except NotImplementedError:
        pass  # a file system without locks, as clusters may have: there it is up to who starts the runs
    for shard in folder.glob("shard-*"):
        shutil.rmtree(shard, ignore_errors=True)
