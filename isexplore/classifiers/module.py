"""Any PyTorch network that returns logits, used as it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PREPROCESSING = "own size and channels, 0–1"


@dataclass(frozen=True)
class ModuleClassifier:
    """A bare network: it gets the images in their own size and channels, float32 from 0 to 1.

    Its name is that of the network's class. Class names come from the network's ``class_names``, where it has them.

    Examples
    --------
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    >>> ModuleClassifier(network).name
    'Sequential'
    """

    module: nn.Module = field(repr=False)
    name: str = field(init=False)
    class_names: tuple[str, ...] | None = field(init=False)
    preprocessing: str = field(init=False, default=PREPROCESSING)

    def __post_init__(self) -> None:
        class_names = getattr(self.module, "class_names", None)
        # A frozen dataclass sets its derived fields this way.
        object.__setattr__(self, "name", type(self.module).__name__)
        object.__setattr__(self, "class_names", None if class_names is None else tuple(map(str, class_names)))

    def prepare(self, images: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
        """Stack images of one shape into a batch.

        Parameters
        ----------
        images
            One (H, W, C) uint8 array an image, all of one shape.

        Returns
        -------
        torch.Tensor
            (B, C, H, W) float32 from 0 to 1, on the CPU.

        Raises
        ------
        ValueError
            If the shapes differ.

        Examples
        --------
        >>> ModuleClassifier(nn.Identity()).prepare([np.zeros((8, 6, 3), np.uint8)]).shape
        torch.Size([1, 3, 8, 6])
        """
        return stack(images, self.name)


def stack(images: Sequence[NDArray[np.uint8]], name: str) -> torch.Tensor:
    """Stack (H, W, C) uint8 images of one shape into a (B, C, H, W) float32 batch from 0 to 1, for the network `name`.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> stack([np.full((8, 6, 3), 255, np.uint8)], "mine").unique()
    tensor([1.])
    """
    shapes = sorted({image.shape for image in images})
    if len(shapes) > 1:
        found = ", ".join("×".join(map(str, shape)) for shape in shapes)
        raise ValueError(
            f"{name} got images of different shapes in one batch (height×width×channels: {found}); "
            "resize them to one shape, or wrap the network in a classifier whose prepare() does"
        )
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).to(torch.float32).div_(255)
