"""What every check looks at: the sample set and, maybe, a reference, with what all of them need computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isexplore.score import Score, inception_score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.predictions import Predictions

__all__ = ["Evidence", "Side", "side_of"]

SPLITS = 10  # the usual number


@dataclass(frozen=True, eq=False)
class Side:
    """A sample set, the one that is diagnosed or the reference.

    Attributes
    ----------
    predictions : Predictions
    score : Score
        Over ten splits, if nobody asked for another number, or as many as there are images.
    top_class : ndarray of int, shape (N,)
        The most likely class of each image.
    class_counts : ndarray of int, shape (C,)
        How many images have each class as their most likely one.
    embeddings : ndarray of float16 or float32, shape (N, D), or None
    """

    predictions: Predictions
    score: Score
    top_class: NDArray[np.intp]
    class_counts: NDArray[np.intp]
    embeddings: NDArray[np.floating] | None = None

    @property
    def n_images(self) -> int:
        """The number of images."""
        return len(self.predictions)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the checks look at.

    Attributes
    ----------
    sample : Side
    reference : Side or None
    level : float
        How often a check may fire where nothing is wrong; for the checks of all classes, the false discovery rate.
    seed : int
        Of everything random.
    """

    sample: Side
    reference: Side | None = None
    level: float = 0.01
    seed: int = 0


def side_of(predictions: Predictions, embeddings: NDArray[np.floating] | None = None, splits: int = SPLITS) -> Side:
    """Compute what the checks need of a sample set.

    Parameters
    ----------
    predictions : Predictions
    embeddings : ndarray of shape (N, D), optional
        In place of those that the predictions hold.
    splits : int
        Fewer where there are not as many images.

    Examples
    --------
    >>> from isexplore.predictions import Predictions
    >>> side_of(Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])).class_counts
    array([1, 2])
    """
    score = inception_score(predictions, splits=min(splits, len(predictions)))
    top_class = np.argmax(predictions.probabilities, axis=1)
    counts = np.bincount(top_class, minlength=score.n_classes)
    return Side(predictions, score, top_class, counts, predictions.embeddings if embeddings is None else embeddings)
