"""Computes the rows p(y|x) of batches; on a GPU, several can be under way."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from isexplore.inference.acceleration import Accelerated, accelerated
from isexplore.inference.batch_logits import fetch_later, in_parts, probabilities
from isexplore.inference.row_cache import KnownRows
from isexplore.predictions.parts import check_embeddings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

    import torch

    from isexplore.classifiers import Classifier
    from isexplore.images.image_set import ImageSet
    from isexplore.inference.batches import Batch
    from isexplore.inference.row_cache import RowCache
    from isexplore.inference.settings import Precision

__all__ = ["Job", "computing"]


@dataclass(frozen=True)
class Job:
    """What is to be computed, and how.

    Attributes
    ----------
    sample : ImageSet
    network : Classifier
    precision : {"exact", "fast"}
    place : torch.device
    batch_size : int
    embeddings : bool
        Whether what the network's last linear layer gets is wanted, too.
    """

    sample: ImageSet
    network: Classifier
    precision: Precision
    place: torch.device
    batch_size: int
    embeddings: bool = False


@contextmanager
def computing(
    job: Job, row_cache: RowCache | None, twice: AbstractSet[int]
) -> Iterator[Callable[[Batch], Callable[[], KnownRows]]]:
    """Make a network ready, at the first batch that needs it.

    Parameters
    ----------
    job : Job
    row_cache : RowCache or None
        Where rows are kept.
    twice : set of int
        The numbers of the batches that are computed in exact precision, too.

    Yields
    ------
    callable
        Starts to compute a batch, and returns what waits for its rows: a GPU works on its own meanwhile.

    Examples
    --------
    >>> import isexplore as ix, torch
    >>> from isexplore.inference.batches import read_batches
    >>> from isexplore.classifiers import load_classifier
    >>> digits = load_classifier("digits")
    >>> (batch,) = read_batches(ix.demo.real(), digits.prepare, 4, range(1), cache=None)
    >>> with computing(Job(ix.demo.real(), digits, "exact", torch.device("cpu"), 4), None, frozenset()) as start:
    ...     start(batch)().rows.argmax(axis=1)
    array([0, 1, 2, 3])
    """
    with ExitStack() as stack:

        @cache
        def ready(
            precision: Precision, *, embeddings: bool
        ) -> tuple[Callable[[torch.Tensor], torch.Tensor], Accelerated]:
            # By the length of the whole run: a resumed one, and each of several processes, must do the same.
            images = len(job.sample) if precision == job.precision else len(twice) * job.batch_size
            network = stack.enter_context(
                accelerated(job.network, job.place, precision, images, job.batch_size, embeddings=embeddings)
            )
            return in_parts(network.run, job.place), network

        def start(batch: Batch) -> Callable[[], KnownRows]:
            if batch.known is not None:
                return lambda known=batch.known: known  # type: ignore[misc] # mypy loses a default's type
            names = [job.sample.image_names[i] for i in batch.indices]
            run, network = ready(job.precision, embeddings=job.embeddings)
            fetch = fetch_later(run(batch.tensor))
            check = batch.number in twice and "bfloat16" in network.description
            fetch_exact = fetch_later(ready("exact", embeddings=False)[0](batch.tensor)) if check else None

            def wait() -> KnownRows:
                exact = None if fetch_exact is None else probabilities(fetch_exact(), names, job.network)
                logits, features = network.cut(fetch())
                rows = probabilities(logits, names, job.network)
                known = KnownRows(rows, network.description, exact, check_embeddings(features, names))
                if row_cache is not None:
                    row_cache.keep(batch.digest, known)
                return known

            return wait

        yield start
