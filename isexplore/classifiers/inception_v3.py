"""torchvision's Inception v3 with its weights ``IMAGENET1K_V1`` and its own preprocessing."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from isexplore.classifiers.digests import verify_weights
from isexplore.classifiers.imagenet import imagenet_names
from isexplore.classifiers.pretrained import PretrainedClassifier
from isexplore.classifiers.state import fill, read_weights
from isexplore.classifiers.weights import get_weights, weights_note

if TYPE_CHECKING:
    import os

SHORTER_SIDE, SIZE = 342, 299
# Of a picture that is longer than this many times its width, only the middle is resized: the rest is cropped anyway.
_LONGEST = 20


class InceptionV3(nn.Module):
    """From pixels to logits: resize and crop of uint8, 0–1, ImageNet's mean and deviation, and torchvision's network.

    Parameters
    ----------
    network : torch.nn.Module
        torchvision's ``Inception3``, with its weights.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Compute the logits.

        Parameters
        ----------
        pixels
            (B, 3, H, W) uint8, or (B, 3, 299, 299) from 0 to 255 that is resized already, of another type.

        Returns
        -------
        torch.Tensor
            (B, 1000) logits.
        """
        from torchvision.transforms.functional import normalize

        seen = resize_like_torchvision(pixels) if pixels.dtype == torch.uint8 else pixels.to(torch.float32)
        ready = normalize(seen / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        return cast("torch.Tensor", self.network(ready.to(next(self.network.parameters()).dtype)))


def inception_v3(*, weights: str | os.PathLike[str] | None = None) -> PretrainedClassifier:
    """Load torchvision's Inception v3 (Szegedy et al. 2016); its 1000 logits have their bias.

    Scores differ from those of the network of 2015: a published score is to be compared with that one.

    Parameters
    ----------
    weights : path, optional
        A local file or folder; by default what `isexplore weights` lists, or else a download.

    Returns
    -------
    PretrainedClassifier

    Raises
    ------
    OSError
        If there are no weights and they can't be downloaded.
    ValueError
        If the file is damaged or holds something else.

    Examples
    --------
    >>> inception_v3(weights="nowhere.pth")
    Traceback (most recent call last):
        ...
    FileNotFoundError: there is no file nowhere.pth with the weights of inception-v3
    """
    path = get_weights("inception-v3", weights)
    digest = verify_weights(path)
    network = build_network()
    # The file's second classifier helps only in training.
    state = {key: value for key, value in read_weights(path).items() if not key.startswith("AuxLogits.")}
    fill(network, state, path)
    return PretrainedClassifier(
        InceptionV3(network).eval(),
        name="inception-v3" + weights_note("inception-v3", digest),
        class_names=imagenet_names(),
        preprocessing="RGB, torchvision's: shorter side antialiased bilinear to 342, centre 299×299, 0–1, "
        "ImageNet mean and deviation",
        weights_sha256=digest,
        resize=resize_like_torchvision,
        input_size=SIZE,
    )


def build_network() -> nn.Module:
    """Build torchvision's network without weights, on the meta device, to be filled.

    Examples
    --------
    >>> build_network()(torch.zeros(2, 3, 299, 299, device="meta")).shape
    torch.Size([2, 1000])
    """
    from torchvision.models import inception_v3 as build

    with torch.device("meta"):  # as torchvision builds it for these weights
        network = build(weights=None, aux_logits=False, init_weights=False, transform_input=True)
    return cast("nn.Module", network.eval())


def resize_like_torchvision(pixels: torch.Tensor) -> torch.Tensor:
    """Resize and crop with torchvision's own functions, in uint8 as they do it.

    Parameters
    ----------
    pixels
        (B, 3, H, W) uint8.

    Returns
    -------
    torch.Tensor
        (B, 3, 299, 299) float32: whole numbers from 0 to 255.

    Examples
    --------
    >>> resize_like_torchvision(torch.zeros(1, 3, 32, 40, dtype=torch.uint8)).shape
    torch.Size([1, 3, 299, 299])
    """
    from torchvision.transforms.functional import center_crop, resize

    height, width = pixels.shape[-2:]
    most = _LONGEST * min(height, width)
    if max(height, width) > most:
        pixels = center_crop(pixels, [min(height, most), min(width, most)])
    resized = resize(pixels, [SHORTER_SIDE], antialias=True)
    return cast("torch.Tensor", center_crop(resized, [SIZE])).to(torch.float32)
