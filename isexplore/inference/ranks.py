"""One run by several processes, as ``torchrun`` starts them: each classifies its share, the first puts it together."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Ranks", "find_ranks", "process_group", "working_folder"]


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
        return self._all(value)[0]

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
            self._all(f"{type(error).__name__}: {error}")
            raise
        for rank, text in enumerate(self._all(None)):
            if text is not None:
                raise RuntimeError(f"process {rank} of {self.world} failed: {text}")

    def _all(self, value: Any) -> list[Any]:
        if self.world == 1:
            return [value]
        from torch import distributed

        said: list[Any] = [None] * self.world
        distributed.all_gather_object(said, value, group=self.group)
        return said


@contextmanager
def find_ranks() -> Iterator[Ranks]:
    """Find out which process of how many this is: torch.distributed knows, where it was initialised.

    Examples
    --------
    >>> with find_ranks() as ranks:
    ...     ranks.rank, ranks.world
    (0, 1)
    """
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1):
        yield Ranks()
        return
    # A few words are exchanged, which need no GPU, whatever the processes use among themselves.
    group = distributed.new_group(backend="gloo")
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
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield distributed.get_rank()
    finally:
        distributed.destroy_process_group()


@contextmanager
def working_folder(ranks: Ranks, out: Path | None) -> Iterator[Path]:
    """Make a folder for the shards of all processes: beside the result, or where temporary files go.

    It is deleted in the end. A process that is killed leaves it; the next run to the same result deletes it.
    """
    if out is None:
        folder = Path(ranks.of_first(mkdtemp(prefix="isexplore-") if ranks.rank == 0 else None))
    else:
        folder = out.with_name(f".{out.name}.part")
        with ranks.together():
            if ranks.rank == 0:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
    try:
        yield folder
    finally:
        if ranks.rank == 0:
            shutil.rmtree(folder, ignore_errors=True)
