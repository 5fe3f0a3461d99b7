"""The embeddings of both sets, where both have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from isexplore.collapse.evidence import Evidence

    Matrix = NDArray[np.floating]

__all__ = ["both_embedded"]


def both_embedded(evidence: Evidence) -> tuple[Matrix, Matrix] | None:
    """Return the embeddings of the sample and of the reference, or None where one of them is missing.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    tuple or None
        (N, D) and (M, D).

    Raises
    ------
    ValueError
        If they have different dimensions, and so come from different networks.

    Examples
    --------
    >>> import numpy as np
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> preds = Predictions.from_probabilities(np.eye(2))
    >>> wide, narrow = side_of(preds, np.zeros((2, 5))), side_of(preds, np.zeros((2, 4)))
    >>> both_embedded(Evidence(wide)) is None
    True
    >>> both_embedded(Evidence(wide, narrow))
    Traceback (most recent call last):
        ...
    ValueError: the embeddings have 5 dimensions, those of the reference 4: use one network for both
    """
    sample, reference = evidence.sample, evidence.reference
    if sample.embeddings is None or reference is None or reference.embeddings is None:
        return None
    widths = sample.embeddings.shape[1], reference.embeddings.shape[1]
    if widths[0] != widths[1]:
        raise ValueError(
            f"the embeddings have {widths[0]} dimensions, those of the reference {widths[1]}: use one network for both"
        )
    return sample.embeddings, reference.embeddings
