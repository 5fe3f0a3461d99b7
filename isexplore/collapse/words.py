"""Parts of the sentences of findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["listed", "number", "of_classes", "percent", "short", "signed"]

LONGEST = 60  # letters of a name
NAMED = 5  # things that a sentence names
TEN = 10
# Bidirectional controls: they would turn round what a sentence says after the name.
_TURNS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


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
    >>> number(1234.5), number(98.9), number(0.25), number(0)
    ('1,234', '99', '0.2', '0')
    """
    return f"{expected:,.0f}" if expected >= TEN or expected == round(expected) else f"{expected:.1f}"


def of_classes(found: int, total: int) -> str:
    """Say how many of all classes, with the verb.

    Examples
    --------
    >>> of_classes(1, 10), of_classes(2, 10)
    ('1 of 10 classes is', '2 of 10 classes are')
    """
    return f"{found:,} of {total:,} classes {'is' if found == 1 else 'are'}"


def percent(part: float) -> str:
    """Write a part in percent.

    Examples
    --------
    >>> percent(0.1312)
    '13.1 %'
    """
    return f"{100 * part:.1f} %"


def signed(change: float) -> str:
    """Write a change with its sign.

    Examples
    --------
    >>> signed(0.0149), signed(-0.2318)
    ('+0.015', '−0.232')
    """
    return f"{change:+.3f}".replace("-", "−")


def short(name: str) -> str:
    r"""Put a name on one line, without characters that turn the direction of reading, and cut a long one.

    Examples
    --------
    >>> short("great white shark,\n white shark"), len(short("very " * 1000))
    ('great white shark, white shark', 60)
    >>> short(" "), short("\u202eevil")
    ('(no name)', 'evil')
    """
    line = " ".join(name.translate(_TURNS).split()) or "(no name)"
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
