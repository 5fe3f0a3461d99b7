"""The number of statistically different bins, over the predicted classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isexplore.collapse.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from isexplore.collapse.evidence import Evidence

__all__ = ["check_bins", "z_test"]


def check_bins(evidence: Evidence) -> Iterator[Finding]:
    """State in how many classes the shares of the two sets differ.

    Richardson & Weiss 2018, "On GANs and GMMs", count the bins whose shares differ by a two-sample z-test; here the
    bins are the predicted classes, and the p-values are corrected for their number (Benjamini & Hochberg 1995).

    Parameters
    ----------
    evidence : Evidence

    Yields
    ------
    Finding
        "different-bins", which never fires, as other checks tell of missing classes and of those that have too many
        images; nothing without a reference.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> real = side_of(Predictions.from_probabilities(np.repeat(np.eye(3), 50, axis=0)))
    >>> drawn = side_of(Predictions.from_probabilities(np.repeat(np.eye(3), [50, 90, 10], axis=0)))
    >>> next(check_bins(Evidence(drawn, real))).sentence
    '2 of 3 classes have another share than in the reference (NDB/K 0.67).'
    """
    from scipy.stats import false_discovery_control

    reference = evidence.reference
    if reference is None:
        return
    counts, others = evidence.sample.class_counts, reference.class_counts
    used = np.flatnonzero(counts + others)
    p_values = false_discovery_control(z_test(counts[used], others[used], counts.sum(), others.sum()))
    different = used[p_values <= evidence.level]
    n, k = len(different), len(used)
    yield Finding(
        "different-bins",
        "Statistically different bins",
        "fine",
        n,
        "classes",
        f"{n:,} of {k:,} classes {'has' if n == 1 else 'have'} another share than in the reference "
        f"(NDB/K {n / k:.2f}).",
        classes=different[np.argsort(p_values[p_values <= evidence.level], kind="stable")],
        source="NDB, two-sample z-test of proportions (Richardson & Weiss 2018), Benjamini–Hochberg over the classes "
        f"at {100 * evidence.level:g} %",
    )


def z_test(counts: NDArray[np.intp], others: NDArray[np.intp], n: int, m: int) -> NDArray[np.float64]:
    """Test of each bin whether its share differs between two sets.

    Parameters
    ----------
    counts, others : ndarray of int, shape (K,)
        Images of each bin; not both 0.
    n, m : int
        Images of each set.

    Returns
    -------
    ndarray of float64, shape (K,)
        Two-sided p-values, by the pooled variance.

    Examples
    --------
    >>> z_test(np.array([10, 90]), np.array([30, 70]), 100, 100).round(5)
    array([0.00041, 0.00041])
    """
    from scipy.stats import norm

    pooled = (counts + others) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    # Where all images are in one bin, the shares are equal, and the error is 0.
    z = np.divide(counts / n - others / m, error, out=np.zeros(len(counts)), where=error > 0)
    p_values: NDArray[np.float64] = 2 * norm.sf(np.abs(z))
    return p_values
