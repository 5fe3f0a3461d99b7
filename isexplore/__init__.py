"""The Inception Score, opened up: which images and which classes make it.

Importing this package is light: torch, plotly and ipywidgets are imported when something needs them.

Examples
--------
>>> import isexplore as ix
>>> round(ix.inception_score([[0.9, 0.1], [0.2, 0.8]], splits=1).overall, 3)
1.317
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isexplore import demo
    from isexplore.images import ImageSet, open_images
    from isexplore.inference import predict
    from isexplore.predictions import Predictions, load
    from isexplore.score import Score, inception_score
    from isexplore.splits import split_curve
    from isexplore.widgets import explore

    __version__: str

__all__ = [
    "ImageSet",
    "Predictions",
    "Score",
    "__version__",
    "demo",
    "explore",
    "inception_score",
    "load",
    "open_images",
    "predict",
    "split_curve",
]

_MODULES = {
    "ImageSet": "images",
    "Predictions": "predictions",
    "Score": "score",
    "explore": "widgets",
    "inception_score": "score",
    "load": "predictions",
    "open_images": "images",
    "predict": "inference",
    "split_curve": "splits",
}
_LAB_PACKAGES = {"anywidget", "ipywidgets", "pandas", "plotly", "traitlets"}


def _find(name: str) -> object:
    """Import a public name from its module."""
    from importlib import import_module

    if name == "__version__":
        return _version()
    if name == "demo":
        return import_module("isexplore.demo")
    if name not in _MODULES:
        raise AttributeError(f"module 'isexplore' has no attribute {name!r}")
    try:
        return getattr(import_module(f"isexplore.{_MODULES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name not in _LAB_PACKAGES:
            raise
        message = f'isexplore.{name} needs {error.name}: pip install "isexplore[lab]"'
        raise ModuleNotFoundError(message, name=error.name) from error


if not TYPE_CHECKING:  # type checkers read the imports above, so that they see a misspelt name

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used (PEP 562), and keep it."""
        value = globals()[name] = _find(name)
        return value


def __dir__() -> list[str]:
    """List the public names, imported already or not."""
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("isexplore")
    except PackageNotFoundError:  # a checkout on the path that nobody installed
        return "0+unknown"
