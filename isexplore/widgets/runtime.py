"""One copy of Plotly's JavaScript, and the helpers around it, for every panel of a kernel."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import ClassVar

import anywidget
import traitlets
from plotly.offline import get_plotlyjs

_HERE = Path(__file__).parent


@cache
def _source() -> str:
    """Return Plotly as a module; its own global name is put back as it was, since other widgets may use it."""
    return (
        "const before = globalThis.Plotly;\n(function () {\n"
        f"{get_plotlyjs()}\n"
        "})();\nconst found = globalThis.Plotly;\nglobalThis.Plotly = before;\nexport default found;\n"
    )


class Runtime(anywidget.AnyWidget):
    """Carries the shared JavaScript (4.8 MB) to the page once; each `FigureWidget` would carry it again.

    Attributes
    ----------
    plotly : str
        A module that the page loads when it draws the first plot: anywidget gives a widget two seconds to load, and a
        busy page needs longer for so much.
    """

    _esm = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in ("runtime.js", "panels.js"))

    plotly = traitlets.Unicode().tag(sync=True)

    _shared: ClassVar[Runtime | None] = None

    def __init__(self) -> None:
        super().__init__(plotly=_source())

    @classmethod
    def shared(cls) -> Runtime:
        """Return the kernel's one runtime; a new one if all widgets were closed."""
        if cls._shared is None or cls._shared.comm is None:
            cls._shared = cls()
        return cls._shared
