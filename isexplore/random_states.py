"""The global random states of Python, NumPy and torch, which belong to whoever uses this package."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["kept_random_states"]


@contextmanager
def kept_random_states() -> Iterator[None]:
    """Put the global random states of Python, NumPy and torch back afterwards, as they were.

    Examples
    --------
    >>> random.seed(0)
    >>> with kept_random_states():
    ...     first = random.random()
    >>> random.random() == first
    True
    """
    import torch

    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - a training may use the old one
    cards = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(cards):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002 - as above
        if mps is not None:
            torch.mps.set_rng_state(mps)
