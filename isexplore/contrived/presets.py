"""The menu of the playground: settings to begin with, each a title and a text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PRESETS", "Preset"]


@dataclass(frozen=True)
class Preset:
    """An entry of the menu.

    Attributes
    ----------
    group : str
        Its part of the menu.
    title : str
        What it shows, in words; the score is not among them.
    text : str
        A scenario, its parameters, "splits" and what is "moved", where they are not as by default; two of them with a
        bar between them are A and B, side by side.

    Examples
    --------
    >>> PRESETS[0].title
    'Same score, different disease'
    """

    group: str
    title: str
    text: str


_GROUPS: dict[str, dict[str, str]] = {
    "Start here": {
        "Same score, different disease": "covered | uniform-mix share=0.1502",
        "A perfect generator of 1000 classes": "random-images images=50000 splits=10",
        "Images sorted by class, then split": "class-order splits=5 moved=splits",
    },
    "Variety": {
        "Every class equally often, always sure": "perfect",
        "The same answer for every image": "identical",
        "Only some of the classes come": "covered modes=7",
        "One class takes over": "dominant share=0.9",
        "A long tail: ten classes by Zipf's law": "long-tail",
        "A long tail: 1000 classes by Zipf's law": "long-tail classes=1000 images=50000",
        "A long tail: each class rarer by the same ratio": "long-tail tail=geometric ratio=0.8",
    },
    "Doubt": {
        "Every image a little unsure": "uniform-mix",
        "Every image a little unsure, 1000 classes": "uniform-mix classes=1000 per_class=10",
        "A classifier with a higher temperature": "temperature temperature=2",
        "Every image could be one of two classes": "ambiguous",
        "Some images show nothing": "garbage",
        "Real data against two exaggerated images": "gaussians | gaussians data=points",
    },
    "Images, splits, order": {
        "Few images in each split": "random-images classes=10 images=500 splits=10",
        "Fifty images of fifty classes, in ten splits": "perfect per_class=1 classes=50 splits=10 moved=splits",
        "1000 classes, 26,000 images": "random-images images=26000",
        "Sorted against shuffled": (
            "class-order splits=10 moved=splits | class-order order=shuffled splits=10 moved=splits"
        ),
        "Sorted by class, not quite sure": "class-order top=0.9 splits=5 moved=splits",
        "One memorised image per class": "memorised",
        "The whole set ten times": "duplicated",
    },
    "Labels and networks": {
        "More outputs than classes": "label-mismatch seen=extra moved=extra",
        "More than ten from ten classes: breeds": "label-mismatch moved=breeds",
        "Each class spread over its breeds": "label-mismatch seen=spread moved=breeds",
        "Classes merged into two": "label-mismatch seen=merged",
        "Random rows, soft labels against hard": "dirichlet | hard-labels",
        "Softmax applied twice": "double-softmax",
        "Noise that the network is sure of": "adversarial-noise",
    },
    "Your own": {
        "Free play: every slider at once": "free-play",
        "Draw your own": "drawn",
    },
}

PRESETS: tuple[Preset, ...] = tuple(
    Preset(group, title, text) for group, entries in _GROUPS.items() for title, text in entries.items()
)
