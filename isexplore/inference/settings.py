"""How a run is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import os

__all__ = ["OnError", "Precision", "Settings"]

Precision = Literal["exact", "fast"]
OnError = Literal["skip", "raise"]


@dataclass(frozen=True)
class Settings:
    """How a run is done; `isexplore.predict` says what each part means.

    Raises
    ------
    ValueError
        If a part is none of what it can be.

    Examples
    --------
    >>> Settings(precision="fast")
    Settings(device='auto', precision='fast', batch_size=None, on_error='skip', out=None, embeddings=False)
    """

    device: str = "auto"
    precision: Precision = "exact"
    batch_size: int | None = None
    on_error: OnError = "skip"
    out: str | os.PathLike[str] | None = None
    embeddings: bool = False

    def __post_init__(self) -> None:
        for name, known in (("precision", get_args(Precision)), ("on_error", get_args(OnError))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be {' or '.join(map(repr, known))}, not {getattr(self, name)!r}")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {self.batch_size}")
