"""How far a run is, and how fast it goes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_WINDOW = 10  # seconds


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    done : int
        Images, or bytes of a download.
    total : int or None
        How many there are in all, if known.
    rate : float or None
        How many a second, once there is something to tell.

    Examples
    --------
    >>> Progress(done=50, total=200, rate=25.0).left
    6.0
    """

    done: int
    total: int | None
    rate: float | None

    @property
    def left(self) -> float | None:
        """Seconds left at this rate."""
        return (self.total - self.done) / self.rate if self.rate and self.total is not None else None


class Pace:
    """How many a second: of late, since a run may begin slowly (a network is compiled) or fast (results are known).

    That is over the last ten seconds, without the first batch as soon as there is another.

    Examples
    --------
    >>> pace = Pace()
    >>> pace.rate(0, 100.0), pace.rate(50, 125.0), pace.rate(100, 126.0)
    (None, 2.0, 50.0)
    """

    def __init__(self) -> None:
        self._marks: deque[tuple[int, float]] = deque()

    def rate(self, done: int, now: float) -> float | None:
        """Note how many are done at a time in seconds, and return how many a second that is of late."""
        self._marks.append((done, now))
        while len(self._marks) > 2 and (self._marks[0][0] == 0 or self._marks[1][1] <= now - _WINDOW):  # noqa: PLR2004 - a rate has two ends
            self._marks.popleft()
        before, then = self._marks[0]
        return (done - before) / (now - then) if done > before and now > then else None
