"""All checks together, on the embedded sets and at full size: what a person sees who calls `isexplore.diagnose`."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import isexplore as ix

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVERYTHING = {
    *("missing-classes", "starved-classes", "over-represented-classes", "effective-classes"),
    *("low-confidence", "over-confidence", "repeated-images", "near-repeats", "support-size"),
    *("memorised-images", "nearly-memorised-images", "class-spread", "coverage", "precision", "recall", "density"),
    *("between-within", "class-contributions", "class-order", "images-per-class", "images-per-split", "saturation"),
    *("frechet-distance", "different-bins", "blind-spot"),
}
NEEDS_REFERENCE = {
    *("over-confidence", "memorised-images", "nearly-memorised-images", "class-spread", "coverage", "precision"),
    *("recall", "density", "frechet-distance", "different-bins", "class-contributions"),
}


@cache
def digits(name: str, step: int = 0) -> ix.Predictions:
    images = ix.demo.gan(name, step=step) if step else ix.demo.real()
    return ix.predict(images, "digits", device="cpu", embeddings=True, progress=False)


def some(predictions: ix.Predictions, images: NDArray[np.intp]) -> ix.Predictions:
    def taken(part: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if part is None else part[images]

    return replace(
        predictions,
        probabilities=predictions.probabilities[images],
        image_names=tuple(predictions.image_names[i] for i in images),
        labels=None if predictions.labels is None else tuple(predictions.labels[i] for i in images),
        thumbnails=taken(predictions.thumbnails),
        embeddings=taken(predictions.embeddings),
        digests=taken(predictions.digests),
    )


def test_everything_is_looked_for_that_can_be() -> None:
    sample, real = digits("healthy", 6000), digits("real")
    assert {check.key for check in ix.diagnose(sample, real).checks} == EVERYTHING
    assert {check.key for check in ix.diagnose(sample).checks} == EVERYTHING - NEEDS_REFERENCE


def test_the_collapsed_run_is_severe_from_the_right_checkpoint_on_with_the_missing_digits_named() -> None:
    steps = (1000, 2000, 3000, 4500, 6000, 9000, 30000)
    found = ix.diagnose({f"step {step}": digits("collapsed", step) for step in steps}, digits("real"))
    assert [found.reports[f"step {step}"].severity == "severe" for step in steps] == [step >= 4500 for step in steps]
    assert (found.since, found.since_of("missing-classes")) == ("step 4500", "step 4500")
    missing = next(each for each in found.reports["step 4500"].findings if each.key == "missing-classes")
    assert sorted(missing.classes) == [0, 4]
    assert "0: 3 where 99 were expected" in missing.sentence
    assert "4 since step 4500; 2, 7 since step 6000" in str(found)


@pytest.mark.parametrize("step", [1000, 2000, 4000, 6000])
def test_the_healthy_run_raises_nothing_severe(step: int) -> None:
    assert ix.diagnose(digits("healthy", step), digits("real")).severity == "warning"


@pytest.mark.parametrize("seed", range(3))  # these; each check alone keeps its level, and there are many checks
def test_two_halves_of_the_real_digits_raise_nothing(seed: int) -> None:
    images = np.random.default_rng(seed).permutation(len(digits("real")))
    one, other = (some(digits("real"), half) for half in np.array_split(images, 2))
    assert ix.diagnose(one, other).findings == ()


def test_a_thinned_class_is_found_among_a_thousand_and_no_other() -> None:
    share = np.ones(1000)
    share[417] = 1 / 3
    drawn = np.random.default_rng(0).choice(1000, 50_000, p=share / share.sum())
    p = np.zeros((50_000, 1000), np.float32)
    p[np.arange(50_000), drawn] = 1
    (found,) = ix.diagnose(ix.Predictions.from_probabilities(p)).findings
    assert (found.key, found.classes.tolist(), found.value) == ("starved-classes", [417], 1)
