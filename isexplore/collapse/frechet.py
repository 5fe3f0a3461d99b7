"""The Fréchet distance of two sets of embeddings, as if both were Gaussian: a second opinion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isexplore.collapse.embedded import both_embedded
from isexplore.collapse.finding import Finding
from isexplore.collapse.neighbours import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from isexplore.collapse.embedded import Matrix
    from isexplore.collapse.evidence import Evidence

__all__ = ["Moments", "check_frechet", "moments"]

FEWEST = 2  # images, in a covariance
MOST = 4096  # the rank of a covariance: the time goes with its cube, and this takes minutes
THOUSAND = 999.5  # from here on, three digits would be written as 1e+03

_SOURCE = "Fréchet distance of Gaussians (Heusel et al. 2017)"


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and covariance of embeddings.

    Attributes
    ----------
    mean : ndarray of float64, shape (D,)
    root : ndarray of float64, shape (D, min(N, D))
        A matrix A with A Aᵀ = Σ, the covariance (divided by n − 1).
    trace : float
        Of Σ.
    """

    mean: NDArray[np.float64]
    root: NDArray[np.float64]
    trace: float

    def distance(self, other: Moments) -> float:
        """Return the squared Fréchet distance |μ₁ − μ₂|² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁Σ₂)^½ of two Gaussians.

        Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium". The
        trace is the sum of the singular values of A₁ᵀA₂: that of the square root of a product which is not symmetric
        would be unstable where a covariance is (nearly) singular.

        Parameters
        ----------
        other : Moments

        Returns
        -------
        float
            At least 0, in squared units of the embeddings.
        """
        from scipy.linalg import svdvals

        apart = self.mean - other.mean
        shared = float(svdvals(self.root.T @ other.root).sum())
        return max(float(apart @ apart) + self.trace + other.trace - 2 * shared, 0.0)


def moments(embeddings: Matrix, rows: NDArray[np.intp] | None = None) -> Moments:
    """Compute mean and covariance in float64, block by block.

    Of no more images than dimensions, the centred images are a root of the covariance by themselves.

    Parameters
    ----------
    embeddings : ndarray of shape (N, D)
        May be a memory map; read twice.
    rows : ndarray of int, optional
        At least two; all where left out.

    Returns
    -------
    Moments

    Examples
    --------
    >>> points = np.array([[0.0, 0.0], [2.0, 0.0]])
    >>> moments(points).distance(moments(points + [0.0, 3.0]))
    9.0
    """
    from scipy.linalg import eigh

    rows = np.arange(len(embeddings)) if rows is None else rows
    width = embeddings.shape[1]
    mean = np.zeros(width)
    for block in blocks(len(rows), width):
        mean += np.sum(embeddings[rows[block]], axis=0, dtype=np.float64) / len(rows)
    if len(rows) <= width:
        few: NDArray[np.float64] = (embeddings[rows] - mean) / np.sqrt(len(rows) - 1)
        return Moments(mean, few.T, float(np.sum(few**2)))
    covariance = np.zeros((width, width))
    for block in blocks(len(rows), width):
        centred = embeddings[rows[block]] - mean
        covariance += centred.T @ centred
    covariance /= len(rows) - 1
    values, vectors = eigh(covariance, overwrite_a=True)
    # Below this, eigenvalues are rounding, and their roots would add up.
    values[values < width * np.finfo(np.float64).eps * values[-1]] = 0
    return Moments(mean, vectors * np.sqrt(values), float(values.sum()))


def check_frechet(evidence: Evidence) -> Iterator[Finding]:
    """State the Fréchet distance to the reference, beside that of two random halves of the reference.

    Parameters
    ----------
    evidence : Evidence

    Yields
    ------
    Finding
        "frechet-distance", which never fires; nothing without embeddings of both sets, or with too few images. Of more
        than 4,096 images in more dimensions than that, only that it was not computed.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> preds = Predictions.from_probabilities(np.eye(4))
    >>> drawn, real = (side_of(preds, np.array([[0.0], [2.0], [4.0], [6.0]]) + shift) for shift in (3, 0))
    >>> print(next(check_frechet(Evidence(drawn, real))).sentence)
    The Fréchet distance to the reference is 9 (4 images against 4); two random sets of 2 images ...
    """
    both = both_embedded(evidence)
    if both is None or len(both[0]) < FEWEST or len(both[1]) < 2 * FEWEST:
        return
    sample, reference = both
    rank = max(min(each.shape) for each in both)
    if rank > MOST:
        yield Finding(
            "frechet-distance",
            "Fréchet distance",
            "fine",
            sample.shape[1],
            "dimensions",
            f"The Fréchet distance was not computed: {rank:,} images in {sample.shape[1]:,} dimensions would take "
            f"too long (up to {MOST:,} images or dimensions it is).",
            source=_SOURCE,
        )
        return
    distance = moments(sample).distance(moments(reference))
    half = min(len(sample), len(reference) // 2)
    order = np.random.default_rng(evidence.seed).permutation(len(reference))
    halves = [moments(reference, np.sort(part)) for part in (order[:half], order[half : 2 * half])]
    scale = halves[0].distance(halves[1])
    yield Finding(
        "frechet-distance",
        "Fréchet distance",
        "fine",
        distance,
        "squared units of the embeddings",
        f"The Fréchet distance to the reference is {_told(distance)} ({len(sample):,} images against "
        f"{len(reference):,}); two random sets of {half:,} images of the reference are {_told(scale)} apart.",
        source=_SOURCE,
    )


def _told(distance: float) -> str:
    return f"{distance:,.0f}" if distance >= THOUSAND else f"{distance:.3g}"
