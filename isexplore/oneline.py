"""How a result shows itself: as its one honest line."""

from __future__ import annotations

import html


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
