"""isexplore's own numbers, the score's first code, the correction proposed to it, and its best-known descendant."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from isexplore.conventions.convention import PLAIN_ZERO, Convention, Printed, join, over_parts
from isexplore.conventions.sums import GUIDED_DIFFUSION_SIZE
from isexplore.edges import check_splits

if TYPE_CHECKING:
    from isexplore.conventions.sums import ConventionSums


def _isexplore_whole(sums: ConventionSums) -> Printed:
    return Printed(math.exp(max(float(sums.whole.log_scores[0]), 0.0)))


def _isexplore_splits(sums: ConventionSums) -> Printed:
    try:
        check_splits(sums.splits, sums.n_images)
    except ValueError as error:
        return Printed(math.nan, math.nan, f"Raises ValueError: {error}.")
    scores = np.exp(np.maximum(sums.floor.log_scores, 0))
    return Printed(float(scores.mean()), float(scores.std()))


def _improved_gan(sums: ConventionSums) -> Printed:
    return over_parts(sums.floor, sums.floor.log_scores, sums.floor.has_zero, PLAIN_ZERO)


def _corrected(sums: ConventionSums) -> Printed:
    return Printed(math.exp(float(sums.whole.log_scores[0])))


def _guided_diffusion(sums: ConventionSums) -> Printed:
    parts, last = sums.by_5000, sums.n_images % GUIDED_DIFFUSION_SIZE
    printed = over_parts(parts, parts.log_scores, parts.has_zero, PLAIN_ZERO)
    uneven = f"The last part, of {last} images, counts as much as one of {GUIDED_DIFFUSION_SIZE}."
    return Printed(printed.value, None, join(printed.note, uneven if last and len(parts.sizes) > 1 else ""))


ISEXPLORE_WHOLE = Convention(
    name="isexplore, whole set",
    difference="All images as one split: exp(H(p(y)) − mean H(p(y|x))) in float64, with 0 · ln 0 = 0.",
    source="isexplore.inception_score(…).overall",
    compute=_isexplore_whole,
)
ISEXPLORE_SPLITS = Convention(
    name="isexplore, splits",
    difference="Mean and population standard deviation over contiguous splits from image i·N // S on, 0 · ln 0 = 0.",
    source="isexplore.inception_score(…).mean and .std",
    compute=_isexplore_splits,
    remark="The spread across splits is no standard error.",
)
IMPROVED_GAN = Convention(
    name="improved-gan (2016)",
    difference=(
        "Mean and population standard deviation over contiguous splits from image i·N // S on, by plain logarithms."
    ),
    source="Salimans et al. 2016; openai/improved-gan, inception_score/model.py",
    compute=_improved_gan,
    remark=(
        "Its 2015 network has 1008 outputs of which 1000 are classes, and published scores leave the last layer's bias "
        "out (reported for CIFAR-10's test set: 10.95 without, 11.23 with it). CIFAR-10 can exceed 10, as the labels "
        "are the network's 1000."
    ),
)
CORRECTED = Convention(
    name="improved-gan, as corrected in its issue tracker",
    difference="exp of the mean KL over all images at once, by scipy.stats.entropy, which renormalises both arguments.",
    source="Barratt 2017, “Inception Score calculation”, openai/improved-gan's issues; Barratt & Sharma 2018",
    compute=_corrected,
    remark=(
        "An infinite score never is the right answer: p(c) = 0 forces p(c|x) = 0, so the KL is finite. The mean of "
        "the splits' scores exceeds the exp of their mean KL by almost nothing (a factor of about 1.0009); that each "
        "split has a p(y) of its own lowers them by more."
    ),
)
GUIDED_DIFFUSION = Convention(
    name="guided-diffusion",
    difference="Mean over parts of 5000 images as they lie, however short the last one is, by plain logarithms.",
    source="Dhariwal & Nichol 2021; openai/guided-diffusion, evaluations/evaluator.py",
    compute=_guided_diffusion,
    remark=(
        "The number of splits plays no part. A file of more than 5000 images that is sorted by class scores far too "
        "low."
    ),
)
