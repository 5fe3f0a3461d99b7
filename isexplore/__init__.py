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
    from isexplore import contrived, demo
    from isexplore.bootstrap import bootstrap_interval
    from isexplore.capacity import channel_capacity
    from isexplore.conventions import compare_conventions
    from isexplore.cumulative import cumulative_sums
    from isexplore.extrapolation import extrapolated_score
    from isexplore.groups import group_sums
    from isexplore.images import ImageSet, open_images
    from isexplore.inference import predict
    from isexplore.influence import leave_one_out
    from isexplore.labels import coarsen, without_label
    from isexplore.loss import log_inception_score
    from isexplore.order import order_test, split_loss
    from isexplore.predictions import Predictions, load
    from isexplore.published import check_published
    from isexplore.report import diagnose
    from isexplore.runs import Monitor, load_run
    from isexplore.score import Score, inception_score
    from isexplore.shard_files import load_shard, save_shard
    from isexplore.shards import ShardSums, merge_shards, shard_sums
    from isexplore.sizes import size_curve
    from isexplore.splits import split_curve
    from isexplore.subsets import score_subset
    from isexplore.widgets import explore
    from isexplore.widgets.playground.root import playground

    __version__: str

__all__ = [
    "ImageSet",
    "Monitor",
    "Predictions",
    "Score",
    "ShardSums",
    "__version__",
    "bootstrap_interval",
    "channel_capacity",
    "check_published",
    "coarsen",
    "compare_conventions",
    "contrived",
    "cumulative_sums",
    "demo",
    "diagnose",
    "explore",
    "extrapolated_score",
    "group_sums",
    "inception_score",
    "leave_one_out",
    "load",
    "load_run",
    "load_shard",
    "log_inception_score",
    "merge_shards",
    "open_images",
    "order_test",
    "playground",
    "predict",
    "save_shard",
    "score_subset",
    "shard_sums",
    "size_curve",
    "split_curve",
    "split_loss",
    "without_label",
]

_MODULES = {
    "ImageSet": "images",
    "Monitor": "runs",
    "Predictions": "predictions",
    "Score": "score",
    "ShardSums": "shards",
    "bootstrap_interval": "bootstrap",
    "channel_capacity": "capacity",
    "check_published": "published",
    "coarsen": "labels",
    "compare_conventions": "conventions",
    "cumulative_sums": "cumulative",
    "diagnose": "report",
    "explore": "widgets",
    "extrapolated_score": "extrapolation",
    "group_sums": "groups",
    "inception_score": "score",
    "leave_one_out": "influence",
    "load": "predictions",
    "load_run": "runs",
    "load_shard": "shard_files",
    "log_inception_score": "loss",
    "merge_shards": "shards",
    "open_images": "images",
    "order_test": "order",
    "playground": "widgets.playground.root",
    "predict": "inference",
    "save_shard": "shard_files",
    "score_subset": "subsets",
    "shard_sums": "shards",
    "size_curve": "sizes",
    "split_curve": "splits",
    "split_loss": "order",
    "without_label": "labels",
}
_ROOMS = {"contrived", "demo"}
_LAB_PACKAGES = {"anywidget", "ipywidgets", "pandas", "plotly", "traitlets"}


def _find(name: str) -> object:
    """Import a public name from its module."""
    from importlib import import_module

    if name == "__version__":
        return _version()
    if name in _ROOMS:
        return import_module(f"isexplore.{name}")
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
