"""Where sample sets stand on an axis: at the numbers in their names, where these grow."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Steps", "steps_of"]

# A minus behind a letter or a digit is a hyphen.
_NUMBER = re.compile(r"(?:(?<![^\W_])-)?[0-9]+(?:[,_][0-9]{3})*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+(?![^\W_]))?")
_COUNTED = "checkpoint, in order"


@dataclass(frozen=True)
class Steps:
    """Places on an axis.

    Attributes
    ----------
    title : str
        Of the axis.
    at : tuple of float
        One a set, ascending.
    named : bool
        Whether they are numbers out of the names; else they are 1, 2, 3, …
    """

    title: str
    at: tuple[float, ...]
    named: bool


def steps_of(names: Sequence[str]) -> Steps:
    """Return where sets stand: at the first number of their names that grows from each to the next, else one by one.

    Examples
    --------
    >>> steps_of(["step 100", "step 1,000", "step 4500"])
    Steps(title='step', at=(100.0, 1000.0, 4500.0), named=True)
    >>> steps_of(["v2-0.5", "v2-1.5"]).at
    (0.5, 1.5)
    >>> steps_of(["t=-2", "t=-1", "t=1e3"]).at
    (-2.0, -1.0, 1000.0)
    >>> steps_of(["before", "after"]).at
    (1.0, 2.0)
    """
    found = [list(_NUMBER.finditer(name)) for name in names]
    for position in range(min((len(numbers) for numbers in found), default=0)):
        picked = [numbers[position] for numbers in found]
        at = tuple(float(re.sub("[,_]", "", number.group())) for number in picked)
        if len(at) > 1 and all(math.isfinite(value) for value in at) and all(a < b for a, b in pairwise(at)):
            words = {number.string[: number.start()].strip(" -_:=./") for number in picked}
            title = words.pop() if len(words) == 1 else ""
            return Steps(title or _COUNTED.partition(",")[0], at, named=True)
    return Steps(_COUNTED, tuple(float(i) for i in range(1, len(names) + 1)), named=False)
