"""The TensorFlow Inception network of 2015-12-05, as torch-fidelity and pytorch-fid publish it for PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

import torch
from torch import fx, nn
from torch.nn import functional

from isexplore.classifiers.digests import verify_weights
from isexplore.classifiers.imagenet import CLASSES_2015, N_OUTPUTS_2015, names_2015
from isexplore.classifiers.pretrained import PretrainedClassifier
from isexplore.classifiers.state import fill, read_weights
from isexplore.classifiers.weights import get_weights, weights_note

if TYPE_CHECKING:
    import os

SIZE = 299


class Inception2015(nn.Module):
    """From pixels to logits: resize, (x − 128)/128, and the network.

    Parameters
    ----------
    network : torch.nn.Module
        As `build_network` makes it, with its weights.
    bias : bool
        Whether the last layer adds its bias; published scores leave it out.
    classes : int
        1008, all outputs, or 1000, only those that stand for a class.
    """

    def __init__(self, network: nn.Module, *, bias: bool = False, classes: int = N_OUTPUTS_2015) -> None:
        super().__init__()
        if not bias:
            last = cast("nn.Linear", network.fc)
            network.fc = nn.Linear(last.in_features, last.out_features, bias=False, device="meta")
            network.fc.weight = last.weight
        self.network = network
        self.classes = slice(None) if classes == N_OUTPUTS_2015 else CLASSES_2015

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Compute the logits.

        Parameters
        ----------
        pixels
            (B, 3, H, W), from 0 to 255, of any type and size.

        Returns
        -------
        torch.Tensor
            (B, 1008) or (B, 1000) logits.
        """
        ready = resize_like_tensorflow_1(pixels).sub(128).div_(128)
        return cast("torch.Tensor", self.network(ready.to(next(self.network.parameters()).dtype)))[:, self.classes]


def inception_2015(
    *,
    weights: str | os.PathLike[str] | None = None,
    bias: bool = False,
    classes: Literal[1008, 1000] = 1008,
) -> PretrainedClassifier:
    """Load the network that published Inception Scores come from (Salimans et al. 2016).

    Parameters
    ----------
    weights : path, optional
        A local file or folder; by default what `isexplore weights` lists, or else a download.
    bias : bool
        Whether the last layer adds its bias. Published scores leave it out, as do torch-fidelity and torchmetrics.
    classes : int
        1008, all outputs, as published scores have it, or 1000, those that stand for a class of ImageNet.

    Returns
    -------
    PretrainedClassifier

    Raises
    ------
    OSError
        If there are no weights and they can't be downloaded.
    ValueError
        If the file is damaged or holds something else, or `classes` is another number.

    Examples
    --------
    >>> inception_2015(classes=10)
    Traceback (most recent call last):
        ...
    ValueError: classes must be 1008 (all outputs) or 1000 (those that stand for a class), not 10
    """
    if classes not in (N_OUTPUTS_2015, 1000):
        raise ValueError(f"classes must be 1008 (all outputs) or 1000 (those that stand for a class), not {classes!r}")
    path = get_weights("inception-2015", weights)
    digest = verify_weights(path)
    network = build_network()
    fill(network, read_weights(path), path)
    names = names_2015()
    only = "" if classes == N_OUTPUTS_2015 else ", 1000 classes"
    only += weights_note("inception-2015", digest)
    return PretrainedClassifier(
        Inception2015(network, bias=bias, classes=classes).eval(),
        name=f"inception-2015, logits {'with' if bias else 'without'} bias{only}",
        class_names=names if classes == N_OUTPUTS_2015 else names[CLASSES_2015],
        preprocessing="RGB, TensorFlow 1 bilinear to 299×299 (corners and centres not aligned), (x − 128)/128",
        weights_sha256=digest,
        resize=resize_like_tensorflow_1,
        input_size=SIZE,
    )


def build_network() -> fx.GraphModule:
    """Build the network without weights: torchvision's Inception v3 with 1008 outputs and two changes.

    Its average pools leave the padding out of the mean, and the pool of its last block takes the maximum:
    Inception networks average there, and the network of 2015 is the exception.

    Returns
    -------
    torch.fx.GraphModule
        From (B, 3, 299, 299), −1 to 1, to (B, 1008) logits; on the meta device, to be filled.

    Examples
    --------
    >>> build_network()(torch.zeros(2, 3, 299, 299, device="meta")).shape
    torch.Size([2, 1008])
    """
    from torchvision.models import inception_v3

    with torch.device("meta"):
        plain = inception_v3(weights=None, num_classes=N_OUTPUTS_2015, aux_logits=False, init_weights=False)
    network = fx.symbolic_trace(plain.eval())
    pools = [node for node in network.graph.nodes if node.target is functional.avg_pool2d]
    for pool in pools:
        pool.update_kwarg("count_include_pad", False)
    last = pools[-1]
    last.target = functional.max_pool2d
    last.kwargs = {key: value for key, value in last.kwargs.items() if key != "count_include_pad"}
    network.recompile()
    return network.eval()


def resize_like_tensorflow_1(pixels: torch.Tensor, size: int = SIZE) -> torch.Tensor:
    """Resize as TensorFlow 1 does: output i samples the input at i · H/size, in float32, without a half-pixel shift.

    Parameters
    ----------
    pixels
        (B, C, H, W), of any type.
    size
        Height and width of the result.

    Examples
    --------
    >>> resize_like_tensorflow_1(torch.tensor([[[[0.0, 10.0], [20.0, 30.0]]]]), 4)
    tensor([[[[ 0.,  5., 10., 10.],
              [10., 15., 20., 20.],
              [20., 25., 30., 30.],
              [20., 25., 30., 30.]]]])
    """
    if pixels.shape[-2:] == (size, size):
        return pixels.to(torch.float32)
    top, bottom, down = _neighbours(pixels.shape[-2], size, pixels.device)
    left, right, along = _neighbours(pixels.shape[-1], size, pixels.device)
    # In place, and chosen before they become float32: fresh memory costs more than the arithmetic.
    start = pixels.index_select(-1, left).to(torch.float32)
    rows = pixels.index_select(-1, right).to(torch.float32).sub_(start).mul_(along).add_(start)
    start = rows.index_select(-2, top)
    return rows.index_select(-2, bottom).sub_(start).mul_(down[:, None]).add_(start)


def _neighbours(length: int, size: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return for each output its two neighbours in the input, and how far it lies from the first to the second."""
    place = torch.arange(size, dtype=torch.float32, device=device) * torch.tensor(length / size, dtype=torch.float32)
    first = place.long()
    return first, (first + 1).clamp_max(length - 1), place - first
