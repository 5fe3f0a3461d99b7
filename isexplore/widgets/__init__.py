"""The explorer: a headless state, and one view a file that observes it."""

from isexplore.widgets.explorer import Explorer, explore

__all__ = ["Explorer", "explore"]
