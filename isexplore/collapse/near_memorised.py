"""Images that are nearly one of the reference, by their embeddings: memorised ones with a little noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isexplore.collapse.embedded import both_embedded
from isexplore.collapse.finding import Finding
from isexplore.collapse.memorised import chance_of_sharing, shared_images
from isexplore.collapse.near import NEAR
from isexplore.collapse.neighbours import nearest, nearest_across

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from isexplore.collapse.embedded import Matrix
    from isexplore.collapse.evidence import Evidence

__all__ = ["check_near_memorised"]

MOST = 10_000  # images of each set: time grows with the product
FEWEST = 3  # of the reference: its own distances are the measure


def check_near_memorised(evidence: Evidence) -> Iterator[Finding]:
    """Look for images that lie much nearer to one of the reference than its own images lie to each other.

    Near is a quarter of the reference's median distance to the nearest neighbour, as for near repeats. Images that are
    in the reference pixel for pixel are left out: another check tells of them. The test is theirs, too, of groups of
    images that near pairs join. At most a warning, and at most 10,000 images of each set, chosen by the seed.

    Parameters
    ----------
    evidence : Evidence

    Yields
    ------
    Finding
        "nearly-memorised-images"; nothing without the embeddings of both sets, or with fewer than three images in the
        reference.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> def side(points):
    ...     return side_of(Predictions.from_probabilities(np.full((len(points), 2), 0.5), embeddings=points))
    >>> real = np.random.default_rng(0).standard_normal((200, 16))
    >>> (found,) = check_near_memorised(Evidence(side(real[:20] + 0.01), side(real)))
    >>> found.severity, found.value
    ('warning', 20)
    """
    both = both_embedded(evidence)
    if both is None or evidence.reference is None:
        return
    shared = shared_images(evidence)
    new = np.setdiff1d(np.arange(evidence.sample.n_images), () if shared is None else shared)
    rng = np.random.default_rng(evidence.seed)
    n_real = evidence.reference.n_images
    real = np.sort(rng.choice(n_real, min(MOST, n_real), replace=False))
    rows = np.sort(rng.choice(new, min(MOST, len(new), len(real)), replace=False))
    if len(real) < FEWEST or not len(rows):
        return
    group, near = _groups(both, rows, real, evidence.seed)
    images = rows[near]
    p_value = chance_of_sharing(group[: len(rows)], group[len(rows) :])
    fires = p_value <= evidence.level
    verb = "is" if len(images) == 1 else "are"
    said = (
        f"{len(images):,} of {len(rows):,} images {verb} nearly one of {len(real):,} of the reference (embeddings "
        "closer than a quarter of the median distance to the nearest one there)"
    )
    yield Finding(
        "nearly-memorised-images",
        "Nearly memorised images",
        "warning" if fires else "fine",
        len(images),
        "images",
        f"{said}{': memorised, if that is what the generator was trained on' if fires else ''}.",
        p_value=p_value,
        level=evidence.level,
        images=images,
        source="binomial test of near pairs across the sets, given those within the reference",
    )


def _groups(
    embeddings: tuple[Matrix, Matrix], rows: NDArray[np.intp], real: NDArray[np.intp], seed: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Give each image the number of its group (n + m), joined by near pairs, and tell which have a near one (n)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    sample, reference = embeddings
    theirs, apart = nearest(reference, real, seed)
    across, distances = nearest_across(sample, rows, reference, real, seed)
    limit = NEAR * float(np.median(apart[:, 0]))
    n = len(rows)
    start, rank = np.nonzero(distances <= limit)
    first, place = np.nonzero(apart <= limit)
    heads = np.concatenate([start, n + first])
    tails = n + np.concatenate([across[start, rank], theirs[first, place]])
    size = n + len(real)
    edges = coo_array((np.ones(len(heads), np.int8), (heads, tails)), shape=(size, size))
    near: NDArray[np.bool_] = np.any(distances <= limit, axis=1)
    return connected_components(edges, directed=False)[1].astype(np.intp), near
