"""One copy of Plotly's JavaScript, and the helpers around it, for every panel of a kernel."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import ClassVar

import anywidget
from plotly.offline import get_plotlyjs

_HERE = Path(__file__).parent


@cache
def _source() -> str:
    """Return the module's text.

    Plotly runs when the first plot is drawn: anywidget gives a widget two seconds to load, and a notebook may have a
    hundred. Plotly's own global name is put back as it was, since other widgets may use it.
    """
    helpers = (_HERE / "runtime.js").read_text(encoding="utf-8")
    return (
        "function loadPlotly() {\nconst before = globalThis.Plotly;\n"
        f"{get_plotlyjs()}\n"
        "const found = globalThis.Plotly;\nglobalThis.Plotly = before;\nreturn found;\n}\n"
        f"{helpers}"
    )


class Runtime(anywidget.AnyWidget):
    """Carries the shared JavaScript (4.8 MB) to the page once; each `FigureWidget` would carry it again."""

    _shared: ClassVar[Runtime | None] = None

    def __init__(self) -> None:
        super().__init__(_esm=_source())

    @classmethod
    def shared(cls) -> Runtime:
        """Return the kernel's one runtime; a new one if all widgets were closed."""
        if cls._shared is None or cls._shared.comm is None:
            cls._shared = cls()
        return cls._shared
