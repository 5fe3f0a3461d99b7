"""Other packages' scores of the same logits, each called as its users call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

_BATCH = 250  # images an update, as an evaluation loop gives them


def installed(logits: torch.Tensor, probabilities: torch.Tensor) -> tuple[dict[str, Callable[[], object]], list[str]]:
    """Return one call a peer, over 10 splits where it has splits, and the names of the missing ones."""
    found: dict[str, Callable[[], object]] = {}
    missing = []
    for name, (build, matrix) in {
        "torch-fidelity": (_torch_fidelity, logits),
        "torchmetrics": (_torchmetrics, logits),
        "pytorch-ignite (no splits)": (_ignite, probabilities),
        "piq": (_piq, logits),
    }.items():
        try:
            found[name] = build(matrix)
        except ImportError:
            missing.append(name)
    return found, missing


def _torch_fidelity(logits: torch.Tensor) -> Callable[[], object]:
    from torch_fidelity.metric_isc import isc_features_to_metric

    return lambda: isc_features_to_metric(logits, splits=10, shuffle=False)


def _torchmetrics(logits: torch.Tensor) -> Callable[[], object]:
    from torchmetrics.image.inception import InceptionScore

    def call() -> Any:
        metric = InceptionScore(feature=torch.nn.Identity(), splits=10).to(logits.device)
        for batch in logits.split(_BATCH):
            metric.update(batch)
        return metric.compute()

    return call


def _ignite(probabilities: torch.Tensor) -> Callable[[], object]:
    from ignite.metrics import InceptionScore

    def call() -> Any:
        metric = InceptionScore(
            num_features=probabilities.shape[1], feature_extractor=torch.nn.Identity(), device=probabilities.device
        )
        for batch in probabilities.split(_BATCH):
            metric.update(batch)
        return metric.compute()

    return call


def _piq(logits: torch.Tensor) -> Callable[[], object]:
    from piq.isc import inception_score

    return lambda: inception_score(logits, num_splits=10)
