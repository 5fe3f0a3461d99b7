"""The score as PyTorch's metric libraries compute it, most of them from logits."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from isexplore.conventions.convention import Convention, Printed, dropped_images, join, over_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.conventions.parts import Parts
    from isexplore.conventions.sums import ConventionSums

MINUS_INFINITY = "an exact zero is a logit of −inf, and 0 · (−inf) is nan"
EMPTY_CLASS = "a class has p(y) = 0, and 0 · ln 0 is nan"


def _from_logits(parts: Parts, limit: float, ddof: int) -> Printed:
    """Score parts by softmax and log_softmax: p = 0 is harmless from a finite logit, if the class is not empty."""
    endless = parts.has_minus_infinity
    why = MINUS_INFINITY if endless.any() else EMPTY_CLASS
    return over_parts(parts, parts.log_scores, endless | _empty_class(parts, limit), why, ddof)


def _empty_class(parts: Parts, limit: float) -> NDArray[np.bool_]:
    """Return which parts have a class with p(y) = 0, where the least number above 0 is 2·limit."""
    return np.asarray((parts.marginals <= limit).any(axis=1))


def _torch_fidelity(sums: ConventionSums) -> Printed:
    return _from_logits(sums.fidelity, limit=0.0, ddof=0)


def _torchmetrics(sums: ConventionSums) -> Printed:
    printed = _from_logits(sums.chunked, sums.vanishing, ddof=1)
    made = len(sums.chunked.sizes)
    note = f"Makes {made} splits instead of {sums.splits}." if made != sums.splits else ""
    return replace(printed, note=join(printed.note, note))


def _ignite(sums: ConventionSums) -> Printed:
    return Printed(math.exp(float(sums.whole.log_scores_eps[0])))


def _piq(sums: ConventionSums) -> Printed:
    parts = sums.equal
    bad = _empty_class(parts, sums.vanishing)  # torch's kl_div takes p ln p as 0 at p = 0, but not p ln p(y)
    printed = over_parts(parts, parts.log_scores, bad, EMPTY_CLASS, ddof=1)
    return replace(printed, note=join(printed.note, dropped_images(sums)))


TORCH_FIDELITY = Convention(
    name="torch-fidelity 0.4",
    difference=(
        "Shuffles with numpy's RandomState(2020), then mean and population standard deviation over splits from image "
        "i·N // S on, from logits in float64."
    ),
    source="toshas/torch-fidelity, torch_fidelity/metric_isc.py",
    compute=_torch_fidelity,
    remark="Its own network leaves the last layer's bias out.",
)
TORCHMETRICS = Convention(
    name="torchmetrics 1.9",
    difference=(
        "Shuffles without a seed, then mean and sample standard deviation over chunks of ⌈N / S⌉ images, from logits "
        "in the input's precision."
    ),
    source="Lightning-AI/torchmetrics, torchmetrics/image/inception.py",
    compute=_torchmetrics,
    remark="Another order at each call, unless a seed is given here.",
)
IGNITE = Convention(
    name="pytorch-ignite 0.5",
    difference="All images as one split in streaming sums in float64, with 1e-16 added inside both logarithms.",
    source="pytorch/ignite, ignite/metrics/gan/inception_score.py",
    compute=_ignite,
)
PIQ = Convention(
    name="piq 0.8",
    difference="Mean and sample standard deviation over splits of N // S images, the rest dropped, from logits.",
    source="photosynthesis-team/piq, piq/isc.py",
    compute=_piq,
    remark="Its documentation calls the spread a variance; it is a standard deviation.",
)
