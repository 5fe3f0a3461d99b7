"""What a check says of a sample set: a severity, a number with its uncertainty, one sentence, and the images meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SEVERITIES", "Finding", "Severity"]

Severity = Literal["severe", "warning", "fine"]
SEVERITIES: tuple[Severity, ...] = ("severe", "warning", "fine")  # worst first


def _none() -> NDArray[np.intp]:
    return np.zeros(0, np.intp)


@dataclass(frozen=True, eq=False)
class Finding:
    """What one check says.

    Attributes
    ----------
    key : str
        Names the check, such as "missing-classes": the same in every report.
    title : str
        What was looked for, in two or three words.
    severity : {"severe", "warning", "fine"}
        "fine" where it was looked for and not found, or where a number is only stated.
    value : float
        The number that the sentence is about.
    unit : str
        Of the value, such as "classes", "images" or "nats".
    interval : (float, float) or None
        Of the value, at 95 %.
    p_value, level : float or None
        Of the test, and below what it fires: how often it fires where nothing is wrong. None where there is no test.
    sentence : str
        One plain sentence: what is so, and what it rests on.
    images : ndarray of int, shape (K,)
        The numbers of the images that it speaks of, the most telling first; may be empty.
    classes : ndarray of int, shape (M,)
        The numbers of the classes that it speaks of, worst first; may be empty.
    source : str
        The test, and whose it is.

    Examples
    --------
    >>> Finding("repeated-images", "Repeated images", "fine", 0, "images", "No image occurs twice.").fires
    False
    """

    key: str
    title: str
    severity: Severity
    value: float
    unit: str
    sentence: str
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    level: float | None = None
    images: NDArray[np.intp] = field(default_factory=_none)
    classes: NDArray[np.intp] = field(default_factory=_none)
    source: str = ""

    @property
    def fires(self) -> bool:
        """Whether something is wrong."""
        return self.severity != "fine"
