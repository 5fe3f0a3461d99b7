"""What may stand among several sample sets, and which numbers name one of them."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from isexplore.collapse.comparable import check_comparable
from isexplore.predictions import Predictions
from isexplore.widgets.sets.frame import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from isexplore.widgets.sets.frame import SetsFrame

__all__ = ["check_class", "check_number", "check_same", "new_entry", "reference_name"]


def new_entry(name: str, predictions: Predictions) -> Entry:
    """Return a set of which nothing is computed yet.

    Raises
    ------
    TypeError
        If the name is no text, or the set is no predictions.
    """
    if not isinstance(name, str):
        raise TypeError(f"the names of sample sets must be text, not {name!r}: give str({name!r})")
    if not isinstance(predictions, Predictions):
        raise TypeError(
            f"{name!r} must be Predictions, not {type(predictions).__name__}: make them with "
            "isexplore.predict(images, classifier=…), isexplore.load(path) or Predictions.from_probabilities(p)"
        )
    return Entry(name, predictions)


def reference_name(names: Iterable[str]) -> str:
    """Return what the real set is called: never as one of the others."""
    taken, name = set(names), "reference"
    while name in taken:
        name += " (real)"
    return name


def check_same(one: Entry, other: Entry) -> None:
    """Refuse two sets that were not made in the same way.

    Raises
    ------
    ValueError
        If their classes, classifiers or preprocessing differ; the message names both.
    """
    check_comparable(one.predictions, other.predictions, one.name, other.name)


def check_number(frame: SetsFrame, number: int) -> int:
    """Return the number of a set as a plain one: one of NumPy's would not travel to the page.

    Raises
    ------
    ValueError
        If there is no such set.
    """
    return _checked("sample set", number, len(frame.entries))


def check_class(frame: SetsFrame, number: int) -> int:
    """Return the number of a class as a plain one.

    Raises
    ------
    ValueError
        If there is no such class.
    """
    return _checked("class", number, len(frame.class_names))


def _checked(what: str, number: int, count: int) -> int:
    number = operator.index(number)
    if not 0 <= number < count:
        raise ValueError(f"there is no {what} number {number}; there are {count}")
    return number
