"""One process's share of a run: reads its batches, computes what is not known yet, and writes the rows in order."""

from __future__ import annotations

from collections import deque
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.inference.acceleration import usual_batch_size
from isexplore.inference.batch_rows import Job, computing
from isexplore.inference.batches import count_batches, read_batches
from isexplore.inference.fast_check import checked_batches
from isexplore.inference.features import check_has_features
from isexplore.inference.row_cache import open_cache
from isexplore.predictions.assembly import reasons
from isexplore.predictions.shard import Shard

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from isexplore.classifiers import Classifier
    from isexplore.images.image_set import ImageSet
    from isexplore.inference.batches import Batch
    from isexplore.inference.ranks import Ranks
    from isexplore.inference.row_cache import KnownRows
    from isexplore.inference.settings import Settings

__all__ = ["Outcome", "plan", "write_shard"]

_TRIED = 16  # pictures, to learn the size of one
_USUAL_SHAPE = (299, 299, 3)


@dataclass(frozen=True, eq=False)
class Outcome:
    """How the rows of a shard were computed.

    Attributes
    ----------
    precisions : tuple of str
        In words; several where some rows are of earlier runs.
    checked : list of KnownRows
        The batches of a fast run that were computed twice.
    """

    precisions: tuple[str, ...]
    checked: list[KnownRows]


def plan(sample: ImageSet, network: Classifier, settings: Settings, place: torch.device, ranks: Ranks) -> Job:
    """Decide on the batches, the same for all processes.

    Raises
    ------
    ValueError
        If the processes have other images or networks, or images that each of them sees in another order; or if
        embeddings are wanted and the network has none.

    Examples
    --------
    >>> import isexplore as ix, torch
    >>> from isexplore.classifiers import load_classifier
    >>> from isexplore.inference.ranks import Ranks
    >>> from isexplore.inference.settings import Settings
    >>> plan(ix.demo.real(), load_classifier("digits"), Settings(), torch.device("cpu"), Ranks()).batch_size
    256
    """
    if settings.embeddings:
        check_has_features(network)
    ranks.agree("images", len(sample), sample.name)
    ranks.agree("networks", network.name, getattr(network, "weights_sha256", None))
    if ranks.world > 1 and sample.shuffled:
        raise ValueError(f"{sample.name} comes in another order each time: several processes can't share it")
    size = settings.batch_size or usual_batch_size(network, _first_shape(sample), place)
    return Job(sample, network, settings.precision, place, ranks.of_first(size), settings.embeddings)


def write_shard(  # noqa: PLR0913, PLR0917 - what is computed, where to, and who looks on
    job: Job,
    ranks: Ranks,
    folder: Path,
    on_error: str,
    report: Callable[[int, int], None],
    watch: Callable[[Batch, NDArray[np.float32]], None],
) -> Outcome:
    """Classify this process's share of the images.

    Parameters
    ----------
    job : Job
    ranks : Ranks
        Which process of how many this is.
    folder : Path
        Where the shard is written.
    on_error : str
        "skip" or "raise".
    report, watch : callable
        As for `isexplore.inference.classify`.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        If the network returns no logits, or an image can't be read and that is to end the run.
    """
    sample, size, on_gpu = job.sample, job.batch_size, job.place.type == "cuda"
    n_batches = count_batches(len(sample), size)
    share = ranks.share(n_batches)
    first, last = share.start * size, min(share.stop * size, len(sample))
    cache = open_cache(job.network, job.precision, job.place)
    twice = checked_batches(n_batches, size) if job.precision == "fast" else frozenset[int]()
    wanted: Any = {"cache": cache, "twice": twice, "embeddings": job.embeddings}
    how: dict[str, None] = {}  # a set that keeps its order
    checked: list[KnownRows] = []
    report(0, last - first)
    with (
        Shard(folder) as shard,
        computing(job, cache, twice) as start,
        closing(read_batches(sample, job.network.prepare, size, share, **wanted, pinned=on_gpu)) as batches,
        closing(_in_turn(batches, start, ahead=int(on_gpu), on_error=on_error)) as done,
    ):
        for batch, known in done:
            labels: Any = None if sample.labels is None else [sample.labels[i] for i in batch.indices]
            names = [sample.image_names[i] for i in batch.indices]
            rows, embeddings = (known.rows, known.embeddings) if known else (np.empty((0, 0), np.float32), None)
            beside: Any = {"embeddings": embeddings, "digests": batch.digests}
            shard.append(rows, batch.thumbnails, names, labels, batch.skipped, **beside)
            if known is not None:
                how[known.precision] = None
                if known.exact is not None and batch.number in twice:
                    checked.append(known)
                watch(batch, known.rows)
            report(batch.stop - first, last - first)
    if cache is not None:
        cache.trim()
    return Outcome(tuple(how), checked)


def _in_turn(
    batches: Iterable[Batch], start: Callable[[Batch], Callable[[], KnownRows]], *, ahead: int, on_error: str
) -> Generator[tuple[Batch, KnownRows | None]]:
    """Yield each batch with its rows, None if it has none; it is waited for when `ahead` others are started."""
    started: deque[tuple[Batch, Callable[[], KnownRows | None]]] = deque()
    for batch in batches:
        if batch.error is not None:
            raise batch.error
        if batch.skipped and on_error == "raise":
            raise ValueError(reasons(batch.skipped))
        started.append((batch, start(batch) if batch.indices else lambda: None))
        if len(started) > ahead:
            done, wait = started.popleft()
            yield done, wait()
    for done, wait in started:
        yield done, wait()


def _first_shape(sample: ImageSet) -> tuple[int, int, int]:
    """Return the shape of the first picture that can be read, of a few."""
    for i in range(min(len(sample), _TRIED)):
        try:
            height, width, channels = sample.read(i).shape
        except (OSError, ValueError):
            continue
        return height, width, channels
    return _USUAL_SHAPE
