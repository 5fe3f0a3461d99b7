"""Contrived distributions p(y|x) whose Inception Score is known exactly, each with what it teaches."""

from __future__ import annotations

from isexplore.contrived.copies import Duplicated, Memorised
from isexplore.contrived.dirichlet import DirichletRows, HardLabels
from isexplore.contrived.doubt import Ambiguous, DoubleSoftmax, Temperature, UniformMix
from isexplore.contrived.drawn import Drawn
from isexplore.contrived.freeplay import FreePlay
from isexplore.contrived.garbage import Garbage
from isexplore.contrived.gaussians import Gaussians
from isexplore.contrived.labels import LabelMismatch
from isexplore.contrived.modes import Covered, Identical, Perfect
from isexplore.contrived.noise import AdversarialNoise
from isexplore.contrived.order import ClassOrder
from isexplore.contrived.rows import Distinct, Rows, Turned
from isexplore.contrived.samples import RandomImages
from isexplore.contrived.scenario import Answer, Scenario
from isexplore.contrived.scoring import Played, play
from isexplore.contrived.text import from_text, to_text
from isexplore.contrived.uneven import Dominant, LongTail
from isexplore.parameters import Choice, Number, Shares

__all__ = [
    "SCENARIOS",
    "AdversarialNoise",
    "Ambiguous",
    "Answer",
    "Choice",
    "ClassOrder",
    "Covered",
    "DirichletRows",
    "Distinct",
    "Dominant",
    "DoubleSoftmax",
    "Drawn",
    "Duplicated",
    "FreePlay",
    "Garbage",
    "Gaussians",
    "HardLabels",
    "Identical",
    "LabelMismatch",
    "LongTail",
    "Memorised",
    "Number",
    "Perfect",
    "Played",
    "RandomImages",
    "Rows",
    "Scenario",
    "Shares",
    "Temperature",
    "Turned",
    "UniformMix",
    "from_text",
    "play",
    "to_text",
]

SCENARIOS: dict[str, type[Scenario]] = {
    kind.key: kind
    for kind in (
        Perfect,
        Identical,
        Covered,
        UniformMix,
        Temperature,
        Ambiguous,
        Garbage,
        Dominant,
        LongTail,
        Memorised,
        Duplicated,
        RandomImages,
        ClassOrder,
        LabelMismatch,
        HardLabels,
        DoubleSoftmax,
        Gaussians,
        AdversarialNoise,
        DirichletRows,
        FreePlay,
        Drawn,
    )
}
