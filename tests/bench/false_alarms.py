"""How often the checks for mode collapse fire where nothing is wrong, and find a thinned class: a simulation.

Random halves of the real digits stand for a sample and a reference from the same source: every check is run on them.
The counts of classes are simulated at 50,000 images and 1000 classes too, by counts alone, where a thousand tests are
made at once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from figures import Figure, table
from scipy.stats import binom, binomtest

from isexplore import demo
from isexplore.collapse.class_table import FALSE_DISCOVERY_RATE
from isexplore.collapse.evidence import Evidence, side_of
from isexplore.collapse.exact_tests import adjusted, binomial_test, fisher_test
from isexplore.inference import predict
from isexplore.report.checks import CHECKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.predictions import Predictions

TITLE = "False alarms of the checks for mode collapse, and how often a thinned class is found (simulation)"
HALVES = 300
N, CLASSES, THINNED = 50_000, 1000, 1 / 3
# How many images the reference has for each of the sample's; none: equal shares, which are known.
REFERENCES = {"equal shares": 0, "a reference of 50,000": 1, "a reference of 200,000": 4}
SETS = 200
SURE = 0.999  # that a level which is held counts as held


def measure() -> list[Figure]:
    return [*_halves(), *(figure for name, ratio in REFERENCES.items() for figure in _counts(name, ratio))]


def _halves() -> list[Figure]:
    """Return how often each check fires on two random halves of the real digits."""
    real = predict(demo.real(), classifier="digits", embeddings=True)
    rng = np.random.default_rng(0)
    fired: Counter[str] = Counter()
    levels: dict[str, float | None] = {}
    for seed in range(HALVES):
        order = rng.permutation(len(real))
        sample, reference = (side_of(_some(real, part)) for part in np.array_split(order, 2))
        for check in CHECKS:
            for finding in check(Evidence(sample, reference, seed=seed)):
                levels[finding.key] = finding.level
                fired[finding.key] += finding.fires
    tested = {key: level for key, level in levels.items() if level is not None}
    untested = [key for key in levels if key not in tested]
    stated = sum(fired[key] for key in untested)
    return [
        *(_alarms(f"{key}, halves of the real digits", fired[key], HALVES, level) for key, level in tested.items()),
        Figure("numbers without a test, halves of the real digits", stated, "fired", why=", ".join(untested)),
    ]


def _counts(name: str, ratio: int) -> list[Figure]:
    """Return how often any class is told where none is off, and what is told where one in 1000 or 20 is thinned."""
    rng = np.random.default_rng(ratio)
    equal = np.full(CLASSES, 1 / CLASSES)
    any_told = sum(bool(_told(equal, ratio, rng).any()) for _ in range(SETS))
    figures = [_alarms(f"any of 1000 classes, 50,000 images against {name}", any_told, SETS, FALSE_DISCOVERY_RATE)]
    for thinned in (1, 50):
        shares = equal.copy()
        shares[:thinned] *= THINNED
        shares[-1] += 1 - shares.sum()  # what they lose goes to one class, which is not looked at
        told = np.array([_told(shares, ratio, rng) for _ in range(SETS)])[:, :-1]
        found, wrong = told[:, :thinned], told[:, thinned:].sum(axis=1)
        rate = 100 * float(np.mean(wrong / np.maximum(told.sum(axis=1), 1)))
        remark = f"false discovery rate {rate:.1f} %, stated 5 %; {SETS} sets"
        what = f"found of {thinned} of 1000 classes, thinned to a third, 50,000 images against {name}"
        figures.append(Figure(what, 100 * float(found.mean()), "% found", why=remark))
    return figures


def _told(shares: NDArray[np.float64], ratio: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which classes are told to be off in a sample of 50,000, against equal shares or a reference of them."""
    counts = rng.multinomial(N, shares)
    if ratio == 0:
        p_values = binomial_test(counts, N, 1 / CLASSES)
    else:
        real = rng.multinomial(ratio * N, np.full(CLASSES, 1 / CLASSES))
        p_values = fisher_test(counts, N, real, ratio * N)
    told: NDArray[np.bool_] = adjusted(p_values) <= FALSE_DISCOVERY_RATE
    return told


def _alarms(what: str, fired: int, of: int, level: float) -> Figure:
    """Return the part that fired; the budget is what chance leaves to a test that holds its level exactly."""
    most = 100 * float(binomtest(fired, of).proportion_ci(0.95, method="exact").high)
    budget = 100 * float(binom.ppf(SURE, of, level)) / of
    why = f"level {100 * level:g} %; fired {fired} of {of}, so at most {most:.1f} % (Clopper–Pearson)"
    return Figure(what, 100 * fired / of, "% fired", budget, why)


def _some(predictions: Predictions, images: NDArray[np.intp]) -> Predictions:
    """Return the predictions of some of the images."""

    def taken(part: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if part is None else part[images]

    names, labels = predictions.image_names, predictions.labels
    return replace(
        predictions,
        probabilities=predictions.probabilities[images],
        image_names=tuple(names[i] for i in images),
        thumbnails=taken(predictions.thumbnails),
        labels=None if labels is None else tuple(labels[i] for i in images),
        embeddings=taken(predictions.embeddings),
        digests=taken(predictions.digests),
    )


if __name__ == "__main__":
    print(table(TITLE, measure()))
