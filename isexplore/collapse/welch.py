"""The difference of two means, with its interval and one-sided p-values, where the variances differ (Welch 1947)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MeanDifference", "welch"]

FEWEST = 2  # numbers that a variance needs


@dataclass(frozen=True)
class MeanDifference:
    """How much larger one mean is than another.

    Attributes
    ----------
    value : float
    interval : (float, float) or None
        At 95 %; None where there are too few numbers.
    p_greater, p_less : float
        How likely chance makes a difference this large or larger, and this small or smaller, where there is none.
    """

    value: float
    interval: tuple[float, float] | None
    p_greater: float
    p_less: float

    @property
    def negative(self) -> MeanDifference:
        """The difference the other way round."""
        interval = None if self.interval is None else (-self.interval[1], -self.interval[0])
        return MeanDifference(-self.value, interval, self.p_less, self.p_greater)


def welch(a: NDArray[np.float64], b: NDArray[np.float64]) -> MeanDifference:
    """Return the difference of the means of two sets of numbers, a − b.

    Parameters
    ----------
    a, b
        (N,) and (M,) numbers. With only one in a set there are no interval and no p-values but one.

    Examples
    --------
    >>> import numpy as np
    >>> difference = welch(np.array([3.0, 4.0, 5.0]), np.array([1.0, 2.0, 3.0]))
    >>> difference.value, round(difference.p_greater, 4)
    (2.0, 0.0352)
    """
    from scipy.stats import t as student

    difference = float(a.mean() - b.mean())
    if min(len(a), len(b)) < FEWEST:
        return MeanDifference(difference, None, 1.0, 1.0)
    of_a, of_b = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
    error = math.sqrt(of_a + of_b)
    if error == 0:
        interval = (difference, difference)
        return MeanDifference(difference, interval, float(difference <= 0), float(difference >= 0))
    freedom = (of_a + of_b) ** 2 / (of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1))
    reach = float(student.ppf(0.975, freedom)) * error
    t = difference / error
    return MeanDifference(
        difference,
        (difference - reach, difference + reach),
        float(student.sf(t, freedom)),
        float(student.cdf(t, freedom)),
    )
