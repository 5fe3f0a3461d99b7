"""One checkpoint of a generator in training: a few images from fixed latents, classified, and nothing else touched."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

    from isexplore.classifiers import Classifier
    from isexplore.images import ImageSet
    from isexplore.predictions import Predictions

__all__ = ["classify_here", "device_of"]


def classify_here(sample: ImageSet, network: Classifier, place: torch.device, *, embeddings: bool) -> Predictions:
    """Classify a small set in this process and in memory: what `isexplore.predict` returns, without its files.

    Where several processes train together, `isexplore.predict` divides its images among them and waits for all. This
    waits for none of them, and keeps no rows for later runs, as no other run has these images.

    Parameters
    ----------
    sample : ImageSet
        Of pictures of one size.
    network : Classifier
    place : torch.device
        Where the network runs; it is put there and back.
    embeddings : bool
        Whether to keep them.

    Returns
    -------
    Predictions

    Raises
    ------
    ValueError, RuntimeError
        If an image can't be read or drawn, or the network returns something other than finite logits.

    Examples
    --------
    >>> import torch
    >>> import isexplore as ix
    >>> from isexplore.classifiers import load_classifier
    >>> classify_here(ix.demo.gan("healthy"), load_classifier("digits"), torch.device("cpu"), embeddings=False)
    Predictions(1000 images × 10 classes, digits: healthy GAN, step 6000, digits)
    """
    from isexplore.inference import ONE_RUN
    from isexplore.inference.acceleration import usual_batch_size
    from isexplore.inference.batch_rows import Job, computing
    from isexplore.inference.batches import count_batches, read_batches
    from isexplore.predictions import Predictions, Provenance
    from isexplore.predictions.assembly import reasons

    shape: Any = sample.read(0).shape
    size = usual_batch_size(network, shape, place)
    job = Job(sample, network, "exact", place, size, embeddings)
    done = []
    with ONE_RUN, computing(job, None, frozenset()) as start:
        for batch in read_batches(sample, network.prepare, size, range(count_batches(len(sample), size)), cache=None):
            if batch.error is not None:
                raise batch.error
            if batch.skipped:
                raise ValueError(reasons(batch.skipped))
            done.append((batch, start(batch)()))
    predictions = Predictions.from_probabilities(
        np.concatenate([known.rows for _, known in done]),
        network.class_names,
        sample.image_names,
        np.stack([picture for batch, _ in done for picture in batch.thumbnails]),
        sample.labels,
        np.concatenate([known.embeddings for _, known in done if known.embeddings is not None]) if embeddings else None,
    )
    provenance = Provenance(
        source=sample.name,
        classifier=network.name,
        preprocessing=network.preprocessing,
        device=str(place),
        precision=done[0][1].precision,
        weights_sha256=getattr(network, "weights_sha256", None),
        versions={name: version(name) for name in ("numpy", "torch")},
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    )
    digests = np.concatenate([batch.digests for batch, _ in done])
    return replace(predictions, digests=digests, provenance=provenance)


def device_of(generator: object) -> torch.device:
    """Return where a module's parameters are; the best device there is for what has none.

    Examples
    --------
    >>> import torch
    >>> device_of(torch.nn.Linear(2, 2))
    device(type='cpu')
    """
    import torch

    from isexplore.inference.devices import find_device

    first = next(generator.parameters(), None) if isinstance(generator, torch.nn.Module) else None
    return find_device("auto") if first is None else first.device
