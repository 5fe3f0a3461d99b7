"""Labels that do not match: the classifier's classes are not the generator's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from isexplore.contrived.per_split import counts_in_turn, mean_score
from isexplore.contrived.rows import Turned
from isexplore.contrived.scenario import Answer, Scenario
from isexplore.edges import split_edges
from isexplore.parameters import choice, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LabelMismatch"]


@dataclass(frozen=True, kw_only=True)
class LabelMismatch(Scenario):
    """Perfect images of C classes, seen by a classifier that was trained on other ones.

    Examples
    --------
    >>> [round(LabelMismatch(seen=seen).expected().score) for seen in ("extra", "breeds", "spread", "merged")]
    [10, 120, 10, 2]
    """

    key: ClassVar = "label-mismatch"
    title: ClassVar = "A classifier with other classes"
    teaches: ClassVar = (
        "The score counts what the classifier tells apart, not the classes of the generator: it can be more or fewer."
    )
    formula: ClassVar = "C · {breeds} if all breeds come equally often, C = {classes}"

    classes: int = number(10, "classes C of the generator", 2, 100, 1, "classes", logarithmic=True, drives="variety")
    per_class: int = number(120, "images per class", 1, 120, 1, "images")
    seen: str = choice(
        "breeds",
        "what the classifier sees",
        {
            "extra": "the classes; it has more outputs",
            "breeds": "breeds of each class, with certainty",
            "spread": "each class as all of its breeds, evenly",
            "merged": "few groups of classes",
        },
    )
    extra: int = number(8, "outputs that no image activates", 0, 1000, 1, "outputs")
    breeds: int = number(12, "breeds of each class", 1, 20, 1, "outputs a class")
    merged: int = number(2, "groups, no more than classes", 2, 100, 1, "outputs", upto="classes")

    def written(self) -> str:
        """Return the formula of what the classifier sees."""
        return {
            "extra": "C = {classes}, beside {extra} outputs that nothing activates",
            "breeds": self.formula,
            "spread": "C = {classes}, each spread evenly over {breeds} outputs",
            "merged": "{merged} if all groups come equally often, of C = {classes}",
        }[self.seen]

    def rows(self) -> Turned:
        """Return the same block of probability for every image, at the outputs of its class or breed."""
        image = np.arange(self.classes * self.per_class)
        shown, breed = image % self.classes, image // self.classes % self.breeds
        width, outputs, label = {
            "extra": (1, self.classes + self.extra, shown),
            "breeds": (1, self.classes * self.breeds, shown * self.breeds + breed),
            "spread": (self.breeds, self.classes * self.breeds, shown * self.breeds),
            "merged": (1, self._groups, shown * self._groups // self.classes),
        }[self.seen]
        shape = np.zeros(outputs)
        shape[:width] = 1 / width
        return Turned(shape[None], np.zeros_like(label), label)

    def whole(self) -> Answer:
        """Return the number of kinds that the classifier tells apart, where all are equally often there."""
        return self.over_splits(1)

    def over_splits(self, splits: int) -> Answer:
        """Return the mean score of the splits from how often each kind is there that the classifier tells apart."""
        kinds = self._kinds(split_edges(self.classes * self.per_class, splits))
        return Answer(mean_score(kinds), note="from the exact number of images of each kind that the classifier sees")

    def reason(self) -> str:
        """Say what the classifier tells apart."""
        return {
            "extra": f"Nothing activates the {self.extra} other outputs: they have no part in p(y) or in any p(y|x).",
            "breeds": f"The classifier tells apart {self.breeds} breeds of each of the {self.classes} classes: "
            f"up to {self.classes * self.breeds} outputs are reached, and the score counts them.",
            "spread": f"p(y) reaches {self.classes * self.breeds} outputs, each image {self.breeds} of them: "
            f"variety and doubt both grow by ln {self.breeds}, and only the {self.classes} classes count.",
            "merged": f"The classifier puts the {self.classes} classes into {self._groups} groups, "
            "and what it does not tell apart does not count.",
        }[self.seen]

    @property
    def _groups(self) -> int:
        return min(self.merged, self.classes)

    def _kinds(self, edges: NDArray[np.intp]) -> NDArray[np.intp]:
        if self.seen == "breeds":
            return counts_in_turn(self.classes * self.breeds, edges)
        shown = counts_in_turn(self.classes, edges)
        if self.seen != "merged":
            return shown
        # Group g begins with the first class c whose c·M // C is g.
        first = -(-np.arange(self._groups) * self.classes // self._groups)
        merged: NDArray[np.intp] = np.add.reduceat(shown, first, axis=1)
        return merged
