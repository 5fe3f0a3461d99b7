"""The score as tutorials, a blog, an encyclopedia and an article teach it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from isexplore.arrays import xlogx
from isexplore.conventions.convention import PLAIN_ZERO, Convention, Printed, dropped_images, join, over_parts
from isexplore.conventions.parts import EPS

if TYPE_CHECKING:
    from isexplore.conventions.parts import Parts
    from isexplore.conventions.sums import ConventionSums

BROWNLEE = "Brownlee 2019, “How to Implement the Inception Score (IS) for Evaluating GANs”, machinelearningmastery.com"
ENCYCLOPEDIA = "Wikipedia, “Inception score”"


def _with_eps(sums: ConventionSums, parts: Parts) -> Printed:
    bad = parts.has_zero & (sums.vanishing > EPS)
    return over_parts(parts, parts.log_scores_eps, bad, "1e-16 is 0 in this precision, and 0 · ln 0 is nan")


def _numpy(sums: ConventionSums) -> Printed:
    printed = _with_eps(sums, sums.whole)
    return Printed(printed.value, None, printed.note)


def _keras(sums: ConventionSums) -> Printed:
    printed = _with_eps(sums, sums.equal)
    return Printed(printed.value, printed.spread, join(printed.note, dropped_images(sums)))


def _exponential(exponent: float) -> Printed:
    try:
        return Printed(math.exp(exponent))
    except OverflowError:
        return Printed(math.inf, None, f"inf: exp({exponent:.6g}) is more than a float64 can hold.")


def _prose(sums: ConventionSums) -> Printed:
    return _exponential(sums.n_images * float(sums.whole.log_scores[0]) / sums.n_classes)


def _blog(sums: ConventionSums) -> Printed:
    if sums.whole.has_zero[0]:
        return Printed(math.nan, None, f"nan: {PLAIN_ZERO}.")
    return Printed(float(sums.whole.log_scores[0]) / sums.n_classes)


def _two_samples(sums: ConventionSums) -> Printed:
    if sums.halves.empty:
        return Printed(math.nan, None, "nan: the first half holds no image, and the mean of nothing is nan.")
    first, second = sums.halves.marginals
    unseen = int(((second > 0) & (first == 0)).sum())
    if unseen:
        where = f"p(y) = 0 in the first half but not in the second, for {unseen} of {sums.n_classes} classes"
        return Printed(math.inf, None, f"inf: {where}.")
    seen = first > 0
    cross = float((second[seen] * np.log(first[seen])).sum())
    return _exponential(float(sums.halves.xlogx[1]) - cross)


def _entropies(sums: ConventionSums) -> Printed:
    return Printed(math.exp(float(sums.whole.log_scores[0])))


def _marginal_only(sums: ConventionSums) -> Printed:
    meant = math.exp(-float(xlogx(sums.whole.marginals[0]).sum()))
    note = f"Raises as printed, an axis error; as meant it gives exp H(p(y)) = {meant:.6g}, which ignores sharpness."
    return Printed(math.nan, None, note)


TUTORIAL_NUMPY = Convention(
    name="tutorial, NumPy",
    difference="All images as one split, with 1e-16 added inside both logarithms.",
    source=BROWNLEE,
    compute=_numpy,
    remark=(
        "Rows that sum to s instead of 1 would score IS^s here, while scipy silently renormalises; these rows are "
        "divided by their sum first."
    ),
)
TUTORIAL_KERAS = Convention(
    name="tutorial, Keras with splits",
    difference=(
        "Mean and population standard deviation over splits of N // S images, the rest dropped, with 1e-16 added "
        "inside both logarithms."
    ),
    source=BROWNLEE,
    compute=_keras,
)
TUTORIAL_PROSE = Convention(
    name="tutorial's prose",
    difference="As worded, unlike its code: KL summed over images and averaged over classes, exp(N · ln IS / C).",
    source=BROWNLEE,
    compute=_prose,
)
BLOG = Convention(
    name="blog, PyTorch",
    difference="KL.mean() over images and classes, by plain logarithms and never exponentiated: ln IS / C.",
    source="A blog post with PyTorch code (author and address not recorded)",
    compute=_blog,
    remark="It also leaves the network in training mode, which changes the predictions themselves.",
)
TWO_SAMPLES = Convention(
    name="encyclopedia, two samples",
    difference="The first half of the images makes p(y), the second half the mean KL to it.",
    source=ENCYCLOPEDIA,
    compute=_two_samples,
    remark=(
        "Biased upwards with few images, where the usual form is biased downwards. It depends on the order: the halves "
        "of a file that is sorted by class share no classes, and it scores far too high."
    ),
)
ENTROPY_FORM = Convention(
    name="encyclopedia, entropy form",
    difference="All images as one split: exp(H(p(y)) − mean H(p(y|x))).",
    source=ENCYCLOPEDIA,
    compute=_entropies,
)
ARTICLE = Convention(
    name="article with TensorFlow code",
    difference="Takes the entropy of p(y) alone: exp H(p(y)), the effective number of classes.",
    source="An article with TensorFlow code (author and address not recorded)",
    compute=_marginal_only,
)
