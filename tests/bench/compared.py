"""The predictions that are scored, and the calls that are compared on them: the peers' and ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import peers
import torch

from isexplore.score import inception_score

if TYPE_CHECKING:
    from collections.abc import Callable

    Work = dict[str, Callable[[], object]]

N, C = 50_000, 1000
SCORE, LOGITS = "inception_score(p), everything in it", "inception_score(logits=…), everything in it"
_BLOCK = 1000


def predictions() -> tuple[torch.Tensor, torch.Tensor]:
    """Return logits and probabilities in float32, made with next to no other memory."""
    logits = np.random.default_rng(0).standard_normal((N, C), dtype=np.float32)
    logits *= 4
    p = np.empty_like(logits)
    for start in range(0, N, _BLOCK):
        block = p[start : start + _BLOCK]
        np.exp(logits[start : start + _BLOCK], out=block)
        block /= block.sum(axis=1, keepdims=True)
    return torch.from_numpy(logits), torch.from_numpy(p)


@dataclass(frozen=True)
class Compared:
    """The calls by name, and the peers that are not installed."""

    rivals: Work
    ours: Work
    missing: list[str]


def compared(logits: torch.Tensor, soft: torch.Tensor) -> Compared:
    """Return the calls on predictions where they lie; ours get NumPy arrays on the CPU."""
    rivals, missing = peers.installed(logits, soft)
    z, p = _as_given(logits), _as_given(soft)
    return Compared(rivals, {SCORE: partial(inception_score, p), LOGITS: partial(inception_score, logits=z)}, missing)


def _as_given(matrix: torch.Tensor) -> Any:
    """Return what a user of that device has: a NumPy array, or a tensor."""
    return matrix if matrix.is_cuda else matrix.numpy()
