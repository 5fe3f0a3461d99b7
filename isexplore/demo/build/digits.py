"""Write scikit-learn's 1797 handwritten digits as one small file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import save

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SEED = 0
HELD_OUT_SHARE = 0.25
ATTRIBUTION = """\
# Where the digits come from

`digits.safetensors` holds the 1797 images of the test part of **Optical Recognition of Handwritten Digits**
by E. Alpaydin and C. Kaynak (UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49), licensed under
the Creative Commons Attribution 4.0 International licence (CC BY 4.0, https://creativecommons.org/licenses/by/4.0/).
They were taken from scikit-learn's `load_digits` (BSD-3-Clause).

What was changed: gray levels 0–16 were rescaled to 0–255 and rounded to whole numbers, and a fixed quarter of each
class was marked as held out. Nothing else.

The classifier's weights and the samples of the generative networks in this folder were trained on these images by
`python -m isexplore.demo.build`.
"""


def held_out_quarter(labels: NDArray[np.int64], seed: int = SEED) -> NDArray[np.bool_]:
    """Mark a quarter of each class, drawn at random.

    Parameters
    ----------
    labels
        (N,) classes.
    seed
        Of the draw.

    Returns
    -------
    NDArray[np.bool_]
        (N,) True for the images that no classifier may be trained on.

    Examples
    --------
    >>> held_out_quarter(np.repeat([0, 1], 4)).sum()
    np.int64(2)
    """
    # The legacy generator's stream is frozen for ever; that of the newer ones may change with numpy.
    random = np.random.RandomState(seed)
    mask = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        mask[rows[: round(HELD_OUT_SHARE * len(rows))]] = True
    return mask


def build(data: Path) -> None:
    """Write ``digits.safetensors`` and ``ATTRIBUTION.md``.

    Parameters
    ----------
    data
        The folder to write to.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = digits.target.astype(np.int64)
    tensors = {
        "images": np.rint(digits.images * (255 / 16)).astype(np.uint8),
        "labels": labels.astype(np.uint8),
        "held_out": held_out_quarter(labels).astype(np.uint8),
    }
    (data / "digits.safetensors").write_bytes(save(tensors))
    (data / "ATTRIBUTION.md").write_text(ATTRIBUTION, encoding="utf-8")
    print(f"digits: {len(labels)} images, {tensors['held_out'].sum()} held out")
