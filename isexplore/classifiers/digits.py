"""A small convolutional network for the embedded 8×8 digits, trained by ``isexplore.demo.build``."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from safetensors.torch import load
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIZE = 8
# ITU-R BT.601: how much red, green and blue add to what the eye sees as brightness.
LUMA = (0.299, 0.587, 0.114)
# Numbers that become float32 at once: 16 MB.
_TOGETHER = 2**22


class DigitsNet(nn.Module):
    """Three convolutions and one linear layer: gray 8×8 images to ten logits.

    Examples
    --------
    >>> DigitsNet()(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(24, 48, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(48, 64, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(64 * 2 * 2, 10),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Compute the logits.

        Parameters
        ----------
        images
            (B, 1, 8, 8), 0 for paper and 1 for ink.

        Returns
        -------
        torch.Tensor
            (B, 10) logits.
        """
        return cast("torch.Tensor", self.layers(images))


def load_digits_net() -> DigitsNet:
    """Load the trained network, in evaluation mode.

    Returns
    -------
    DigitsNet
        On the CPU, with the weights that the package carries.

    Examples
    --------
    >>> load_digits_net().training
    False
    """
    weights = files("isexplore").joinpath("demo", "data", "classifier.safetensors").read_bytes()
    network = DigitsNet()
    network.load_state_dict(load(weights))
    return network.eval()


@dataclass(frozen=True)
class DigitsClassifier:
    """The trained digits network with its preprocessing.

    Examples
    --------
    >>> DigitsClassifier().class_names
    ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
    """

    module: DigitsNet = field(default_factory=load_digits_net, repr=False)
    name: str = "digits"
    class_names: tuple[str, ...] = tuple("0123456789")
    preprocessing: str = "gray (ITU-R 601), antialiased bilinear to 8×8, 0–1"
    input_size: int = SIZE

    def prepare(self, images: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
        """Turn images of any size into gray 8×8 ones.

        Parameters
        ----------
        images
            One (H, W, 1) or (H, W, 3) uint8 array an image; sizes may differ.

        Returns
        -------
        torch.Tensor
            (B, 1, 8, 8) float32 from 0 to 1, on the CPU.

        Examples
        --------
        >>> white = np.full((28, 28, 3), 255, np.uint8)
        >>> batch = DigitsClassifier().prepare([white])
        >>> batch.shape, round(batch.mean().item(), 5)
        (torch.Size([1, 1, 8, 8]), 1.0)
        """
        small = len({image.shape for image in images}) == 1 and sum(image.size for image in images) <= _TOGETHER
        # One call for a batch of small images is many times faster than one an image; photos would fill the memory.
        stacks = [np.stack(images)] if small else [image[np.newaxis] for image in images]
        return torch.cat([_resize(_gray(stack)) for stack in stacks])


def _gray(stack: NDArray[np.uint8]) -> torch.Tensor:
    """(B, H, W, 1 or 3) uint8 to (B, 1, H, W) float32 from 0 to 1."""
    pixels = torch.from_numpy(stack).to(torch.float32).div_(255)
    if pixels.shape[-1] == len(LUMA):
        pixels = (pixels * torch.tensor(LUMA)).sum(-1, keepdim=True)
    return pixels.permute(0, 3, 1, 2)


def _resize(batch: torch.Tensor) -> torch.Tensor:
    """(B, 1, H, W) to (B, 1, 8, 8); images of that size stay as they are, bit for bit."""
    if batch.shape[-2:] == (SIZE, SIZE):
        return batch
    return functional.interpolate(batch, (SIZE, SIZE), mode="bilinear", antialias=True, align_corners=False)
