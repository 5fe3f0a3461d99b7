"""What a selection in one of several sets means for the other views, and for the next set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isexplore.widgets.selecting import class_selection, finding_selection

if TYPE_CHECKING:
    from isexplore.widgets.frame import Frame, Selection
    from isexplore.widgets.sets.frame import Entry, SetsFrame

__all__ = ["alike", "class_to_look_at"]


def alike(selection: Selection, entry: Entry) -> Selection | None:
    """Return the same class in another set, or the images of the same finding; nothing where there is none."""
    if entry.sample is None:
        return None
    if selection.top_class is not None:
        return class_selection(entry.sample, selection.top_class)
    findings = () if entry.report is None else entry.report.findings
    found = next((each for each in findings if each.key == selection.finding and len(each.images)), None)
    return None if found is None else finding_selection(entry.sample, found)


def class_to_look_at(frame: SetsFrame, there: Frame) -> int | None:
    """Return the selected class; else the one that was chosen, unless none of the selected images is of it."""
    selection, chosen = there.selection, frame.chosen_class
    if selection is not None and selection.top_class is not None:
        return selection.top_class
    if selection is None or not selection.mask.any():
        return chosen
    return chosen if (there.sample.top_class[selection.mask] == chosen).any() else None
