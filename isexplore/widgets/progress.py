"""How far a run is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far a run is: images done, images in all, and seconds since it began.

    Examples
    --------
    >>> progress = Progress(done=50, total=200, seconds=2)
    >>> progress.rate, progress.left
    (25.0, 6.0)
    """

    done: int
    total: int
    seconds: float

    @property
    def rate(self) -> float | None:
        """Images per second, once there is something to tell."""
        return self.done / self.seconds if self.done and self.seconds > 0 else None

    @property
    def left(self) -> float | None:
        """Seconds left at this rate."""
        return (self.total - self.done) / self.rate if self.rate else None
