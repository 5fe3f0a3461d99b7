"""The nearest neighbours of many images among themselves, in memory that does not grow with the embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["blocks", "nearest", "nearest_across"]

CANDIDATES = 8
PROJECTED = 64  # dimensions
_TOGETHER = 2**22  # numbers that are float32 at once: 16 MB


def blocks(count: int, size: int) -> Iterator[slice]:
    """Cut `count` rows into blocks of some 16 MB.

    Parameters
    ----------
    count : int
    size : int
        Numbers that go with one row.

    Examples
    --------
    >>> list(blocks(5000, 2048))
    [slice(0, 2048, None), slice(2048, 4096, None), slice(4096, 5000, None)]
    """
    step = max(_TOGETHER // max(size, 1), 1)
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def nearest(
    embeddings: NDArray[np.floating], rows: NDArray[np.intp], seed: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Find the nearest neighbours of some rows among them.

    Candidates are found in a random projection to 64 dimensions, which keeps squared distances within a few times
    √(2/64) = 18 % (Johnson & Lindenstrauss 1984; Dasgupta & Gupta 2003); scikit-learn goes through all pairs block by
    block. The distances of the eight best are then computed in all dimensions. A neighbour at less than half the
    distance of the others is missed about once in a million: the law of the ratio of two χ² of 64 degrees of freedom,
    F > 4, is 6e-8 for one of the others. Of neighbours hardly nearer than the next, some are missed, and the distance
    to the first is then a few percent too large. Up to 64 dimensions all are exact.

    Parameters
    ----------
    embeddings : ndarray of shape (N, D)
        May be a memory map.
    rows : ndarray of int, shape (n,)
        At least two.
    seed : int
        Of the projection.

    Returns
    -------
    tuple
        (n, K) positions within `rows` and (n, K) distances, nearest first; K = 8, or n − 1 if there are fewer.

    Examples
    --------
    >>> points = np.array([[0.0], [9.0], [1.0], [7.0]])
    >>> found, distances = nearest(points, np.arange(4), seed=0)
    >>> found[:, 0], distances[:, 0]
    (array([2, 3, 0, 1]), array([1., 2., 1., 2.], dtype=float32))
    """
    count = min(CANDIDATES, len(rows) - 1)
    found = _candidates(_projected(embeddings, rows, seed), None, count)
    return _by_distance(embeddings, rows, embeddings, rows, found)


def nearest_across(
    embeddings: NDArray[np.floating],
    rows: NDArray[np.intp],
    others: NDArray[np.floating],
    other_rows: NDArray[np.intp],
    seed: int,
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Find the nearest of some rows of another matrix, as `nearest` does.

    Parameters
    ----------
    embeddings, others : ndarray of shape (N, D) and (M, D)
    rows, other_rows : ndarray of int, shape (n,) and (m,)
    seed : int
        Of the projection.

    Returns
    -------
    tuple
        (n, K) positions within `other_rows` and (n, K) distances, nearest first; K = 8, or m if there are fewer.

    Examples
    --------
    >>> found, distances = nearest_across(np.array([[2.0]]), np.arange(1), np.array([[0.0], [3.0]]), np.arange(2), 0)
    >>> found, distances
    (array([[1, 0]]), array([[1., 2.]], dtype=float32))
    """
    count = min(CANDIDATES, len(other_rows))
    low = _projected(embeddings, rows, seed)
    found = _candidates(_projected(others, other_rows, seed), low, count)
    return _by_distance(embeddings, rows, others, other_rows, found)


def _candidates(among: NDArray[np.float32], of: NDArray[np.float32] | None, count: int) -> NDArray[np.intp]:
    """Return who is nearest to each point in the projection; without points, to each of them but itself."""
    from sklearn.neighbors import NearestNeighbors

    found: NDArray[np.intp] = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(among).kneighbors(of)[1]
    return found


def _by_distance(
    embeddings: NDArray[np.floating],
    rows: NDArray[np.intp],
    others: NDArray[np.floating],
    other_rows: NDArray[np.intp],
    found: NDArray[np.intp],
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Measure the candidates in all dimensions, and sort them."""
    distances = np.empty(found.shape, np.float32)
    for block in blocks(len(rows), found.shape[1] * embeddings.shape[1]):
        here = np.asarray(embeddings[rows[block]], np.float32)[:, None]
        there = np.asarray(others[other_rows[found[block]]], np.float32)
        distances[block] = np.linalg.norm(there - here, axis=-1)
    order = np.argsort(distances, axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(distances, order, axis=1)


def _projected(embeddings: NDArray[np.floating], rows: NDArray[np.intp], seed: int) -> NDArray[np.float32]:
    from sklearn.random_projection import GaussianRandomProjection

    width = embeddings.shape[1]
    if width <= PROJECTED:
        return np.asarray(embeddings[rows], np.float32)
    projection = GaussianRandomProjection(PROJECTED, random_state=seed).fit(np.zeros((1, width), np.float32))
    low = np.empty((len(rows), PROJECTED), np.float32)
    for block in blocks(len(rows), width):
        low[block] = projection.transform(np.asarray(embeddings[rows[block]], np.float32))
    return low
