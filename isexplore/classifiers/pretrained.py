"""What the networks with published weights have in common: how they look to the rest of the package."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import nn

# A batch of larger pictures is resized on the CPU, one by one: 100 MB.
_MOST_RAW_PIXELS = 2**25


@dataclass(frozen=True, eq=False)
class PretrainedClassifier:
    """A network with published weights.

    Attributes
    ----------
    module : torch.nn.Module
        From (B, 3, H, W) pixels, 0 to 255, to (B, classes) logits.
    name, class_names, preprocessing
        As every classifier has them.
    weights_sha256 : str
        Of the file that the weights come from: two runs with the same digits used the same weights.
    resize
        From (B, 3, H, W) uint8 to what the network sees, (B, 3, `input_size`, `input_size`) float32 from 0 to 255.
    input_size : int
        The side of the square that the network sees.
    """

    module: nn.Module = field(repr=False)
    name: str
    class_names: tuple[str, ...] = field(repr=False)
    preprocessing: str
    weights_sha256: str
    resize: Callable[[torch.Tensor], torch.Tensor] = field(repr=False)
    input_size: int = 299

    def prepare(self, images: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
        """Turn (H, W, 1 or 3) uint8 images, of any sizes, into a batch for `module`: pixels from 0 to 255.

        Images of one size stay as they are, in uint8, and the network's device resizes them. Others, and more than
        33 million pixels, are resized here, to float32.
        """
        if len({image.shape[:2] for image in images}) == 1:
            height, width = images[0].shape[:2]
            if len(images) * height * width <= _MOST_RAW_PIXELS:
                return stack_rgb(images)
        return torch.cat([self.resize(stack_rgb([image])) for image in images])


def stack_rgb(images: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
    """Stack images of one size into a (B, 3, H, W) uint8 batch; gray becomes RGB.

    Examples
    --------
    >>> stack_rgb([np.zeros((4, 5, 1), np.uint8), np.zeros((4, 5, 3), np.uint8)]).shape
    torch.Size([2, 3, 4, 5])
    """
    colour = np.stack([np.broadcast_to(image, (*image.shape[:2], 3)) for image in images])
    return (
        torch.from_numpy(colour).permute(0, 3, 1, 2).contiguous()
    )  # in another order in memory, sums round differently
