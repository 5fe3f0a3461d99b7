"""Gradient ascent on the score itself: noise that scores like a perfect generator.

Barratt & Sharma 2018, "A Note on the Inception Score", show it for ImageNet's network: whoever optimises the score
finds images that the network is sure of and that no person would take for anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import nn

__all__ = ["REACH", "ascend", "classified", "nearest", "noise"]

# An image that is sure of its class stays there. With a temperature of its own, from 2 to 10, one image is sure sooner
# than the next, and the later ones fill the classes that are still rare.
_COOLEST, _WARMEST = 2.0, 10.0
# No pixel leaves its start by more, as a share of the gray scale: given more room, images begin to look like digits.
REACH = 0.3


def noise(n: int, seed: int, side: int = 8) -> NDArray[np.uint8]:
    """Return images of independent pixels, all gray levels alike.

    Parameters
    ----------
    n
        Images.
    seed
        At least 0.
    side
        Pixels of an image's side.

    Returns
    -------
    ndarray of uint8, shape (n, side, side, 1)

    Examples
    --------
    >>> noise(3, seed=0).shape
    (3, 8, 8, 1)
    """
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 1), dtype=np.uint8)


def ascend(
    network: nn.Module, images: NDArray[np.uint8], steps: int, step_size: float = 0.05
) -> Iterator[NDArray[np.uint8]]:
    """Climb the Inception Score with the pixels, by Adam, and yield the images on the way.

    No pixel leaves its start by more than `REACH`, 30 % of the gray scale, so that noise stays noise.
    Every step is made when the next images are asked for; whoever stops asking has stopped the climb. The network stays
    as it is.

    Parameters
    ----------
    network
        From images (N, C, H, W) from 0 to 1 to logits.
    images
        (N, H, W, C), where to start.
    steps
        How many, at least 0.
    step_size
        About how far a pixel goes in a step, as a share of the way from black to white.

    Yields
    ------
    ndarray of uint8, shape (N, H, W, C)
        After 0, 1, …, `steps` steps, rounded to whole gray levels as in a file.

    Examples
    --------
    >>> import isexplore as ix
    >>> from isexplore.classifiers import load_classifier
    >>> network = load_classifier("digits").module
    >>> *_, last = ascend(network, noise(100, seed=0), steps=40)
    >>> ix.inception_score(classified(network, last), splits=1).overall > 9
    True
    """
    import torch

    from isexplore.loss import log_inception_score

    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).to(torch.float32).div_(255).requires_grad_()
    lowest, highest = (pixels.detach() - REACH).clamp(min=0), (pixels.detach() + REACH).clamp(max=1)
    temperature = torch.from_numpy(np.geomspace(_COOLEST, _WARMEST, len(images), dtype=np.float32))[:, None]
    adam = torch.optim.Adam([pixels], lr=step_size)
    yield images
    for _ in range(steps):
        loss = -log_inception_score(network(pixels) / temperature)
        (pixels.grad,) = torch.autograd.grad(loss, pixels)  # backward() would leave gradients in the network, too
        adam.step()
        with torch.no_grad():
            pixels.clamp_(lowest, highest)
        yield pixels.detach().mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def classified(network: nn.Module, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return what a network makes of images: p(y|x), (N, classes), without any temperature.

    Parameters
    ----------
    network
        As for `ascend`.
    images
        (N, H, W, C) uint8.
    """
    import torch

    with torch.no_grad():
        logits = network(torch.from_numpy(images).permute(0, 3, 1, 2).to(torch.float32).div_(255))
        p: NDArray[np.float64] = logits.double().softmax(dim=1).numpy()
    return p


def nearest(images: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return how far each image is from the nearest other one: root mean square over the pixels, in gray levels.

    Parameters
    ----------
    images, others
        (N, H, W, C) and (M, H, W, C) uint8.

    Returns
    -------
    ndarray of float, shape (N,)

    Examples
    --------
    >>> black, gray = np.zeros((1, 8, 8, 1), np.uint8), np.full((1, 8, 8, 1), 100, np.uint8)
    >>> nearest(gray, np.concatenate([black, gray + 90]))
    array([90.])
    """
    from scipy.spatial.distance import cdist

    flat, flat_others = (batch.reshape(len(batch), -1).astype(np.float64) for batch in (images, others))
    distances: NDArray[np.float64] = cdist(flat, flat_others).min(axis=1) / np.sqrt(flat.shape[1])
    return distances
