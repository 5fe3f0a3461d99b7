"""How a result shows itself: as its one honest line, whatever names are in it."""

from __future__ import annotations

import html
import unicodedata


class OneLine:
    """Shows an object as what `str` says of it, in Python and, escaped, in a notebook.

    Examples
    --------
    >>> class Five(OneLine):
    ...     def __str__(self):
    ...         return "5 < 6"
    >>> Five(), Five()._repr_html_()
    (<Five: 5 < 6>, '5 &lt; 6')
    """

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def _repr_html_(self) -> str:
        return html.escape(str(self))


def in_one_line(text: str) -> str:
    r"""Return a text without line breaks and control characters, whatever is in the names that it holds.

    Examples
    --------
    >>> in_one_line("step\n1: IS 3.00")
    'step 1: IS 3.00'
    >>> in_one_line("\x1b[31mred")
    '[31mred'
    """
    return "".join(letter for letter in " ".join(text.split()) if unicodedata.category(letter) != "Cc")
