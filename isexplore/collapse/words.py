"""Parts of the sentences of findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["listed", "number", "of_classes", "short"]

LONGEST = 60  # letters of a name
NAMED = 5  # things that a sentence names
TEN = 10


def listed(items: Sequence[str], at_most: int = NAMED) -> str:
    """Name the first few of many things.

    Examples
    --------
    >>> listed(["0: 3 where 99 were expected", "4: none", "7: none"], at_most=2)
    '0: 3 where 99 were expected; 4: none; and 1 more'
    """
    rest = len(items) - at_most
    return "; ".join([*items[:at_most], *([f"and {rest} more"] if rest > 0 else [])])


def number(expected: float) -> str:
    """Write an expected number of images: whole, or with one decimal below ten.

    Examples
    --------
    >>> number(98.9), number(0.25), number(0)
    ('99', '0.2', '0')
    """
    return f"{expected:.0f}" if expected >= TEN or expected == round(expected) else f"{expected:.1f}"


def of_classes(found: int, total: int) -> str:
    """Say how many of all classes, with the verb.

    Examples
    --------
    >>> of_classes(1, 10), of_classes(2, 10)
    ('1 of 10 classes is', '2 of 10 classes are')
    """
    return f"{found} of {total} classes {'is' if found == 1 else 'are'}"


def short(name: str) -> str:
    r"""Put a name on one line, and cut a long one.

    Examples
    --------
    >>> short("great white shark,\n white shark"), len(short("very " * 1000))
    ('great white shark, white shark', 60)
    >>> short(" ")
    '(no name)'
    """
    line = " ".join(name.split()) or "(no name)"
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
