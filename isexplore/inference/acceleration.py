"""How fast a network runs: batch norms folded, memory in the processor's order, bfloat16, compiled, batch size."""

from __future__ import annotations

import math
import warnings
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from isexplore.inference.devices import full_precision, has_bfloat16, on_device
from isexplore.inference.features import Features, features_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Literal

    import torch
    from torch import nn

    from isexplore.classifiers import Classifier

__all__ = ["Accelerated", "accelerated", "usual_batch_size"]

# Compiling an Inception network takes 15 to 50 s and makes it a tenth to a fifth faster: images after which that pays,
# on a CPU as measured, on a GPU by an estimate.
_PAYS = {"cpu": 10_000, "cuda": 1_000_000}
# Pixels a batch, as the network sees them: what the CPU is fastest with, as larger activations are paged in each time.
_CPU_PIXELS = 2**21
# Bytes a pixel that a network needs on a GPU, generously: 256 channels of float32 in full size.
_GPU_BYTES = 1024
_MOST_RAW_PIXELS = 2**25
_MOST_IMAGES = 256


@dataclass(frozen=True)
class Accelerated:
    """A network that is ready to run.

    Attributes
    ----------
    run : callable
        From a prepared batch on its device to float32 logits, with features behind them if there are any.
    description : str
        How it computes, such as "float32" or "bfloat16, compiled".
    features : Features or None
        What cuts the features off.
    """

    run: Callable[[torch.Tensor], torch.Tensor]
    description: str
    features: Features | None = None

    def cut(self, rows: Any) -> tuple[Any, torch.Tensor | None]:
        """Cut what `run` returns into logits, and features if there are any."""
        return (rows, None) if self.features is None else self.features.cut(rows)


@contextmanager
def accelerated(  # noqa: PLR0913 - what runs, where, how exactly and how long
    classifier: Classifier,
    place: torch.device,
    precision: Literal["exact", "fast"],
    n_images: int,
    batch_size: int | None = None,
    *,
    embeddings: bool = False,
) -> Iterator[Accelerated]:
    """Make a network run as fast as its device can, and leave it afterwards as it was.

    Exact is float32, never TF32. Fast is bfloat16 where the device computes in it; a network with published weights is
    compiled for it where so many images pay for that, and the last layer stays in float32. Such a network is copied,
    its batch norms folded into its convolutions; any other one runs as it is.

    Parameters
    ----------
    classifier : Classifier
    place : torch.device
    precision : str
        "exact" or "fast".
    n_images : int
        How many images the run has.
    batch_size : int, optional
        Images in all batches but shorter ones, which are not compiled for; without it nothing is.
    embeddings : bool
        Whether to bring along what its last linear layer gets.

    Yields
    ------
    Accelerated

    Examples
    --------
    >>> import numpy as np, torch
    >>> from isexplore.classifiers import load_classifier
    >>> digits = load_classifier("digits")
    >>> with accelerated(digits, torch.device("cpu"), "exact", 1) as network:
    ...     logits = network.run(digits.prepare([np.zeros((8, 8, 1), np.uint8)]))
    >>> logits.shape, network.description
    (torch.Size([1, 10]), 'float32')
    """
    from isexplore.classifiers.pretrained import PretrainedClassifier

    fast = precision == "fast"
    half = fast and has_bfloat16(place)
    description = "bfloat16" if half else "float32"
    if fast and not half:
        description += f" ({place.type} without bfloat16)"
    with full_precision(), ExitStack() as stack:
        pretrained = isinstance(classifier, PretrainedClassifier)
        if pretrained:
            module = _faster_copy(classifier.module, place, half=half)
        else:
            module = classifier.module
            stack.enter_context(on_device(module, place))
        features = stack.enter_context(features_of(module, classifier.name)) if embeddings else None
        run: Callable[[torch.Tensor], Any] = _autocast(module, place) if half and not pretrained else module
        if pretrained and fast and batch_size and n_images >= _PAYS.get(place.type, math.inf):
            try:
                run = _compiled(module, place, batch_size)
            except Exception as error:  # noqa: BLE001 - no compiler, no Triton, one that fails: whatever a machine lacks
                description += f", not compiled ({type(error).__name__})"
            else:
                description += ", compiled"
        yield Accelerated(_inferring(run if features is None else features.behind(run)), description, features)


def usual_batch_size(classifier: Classifier, shape: tuple[int, int, int], place: torch.device) -> int:
    """Return how many images a batch should have: a power of two.

    Parameters
    ----------
    classifier : Classifier
    shape : tuple of int
        Height, width and channels of a picture, before it is prepared.
    place : torch.device

    Examples
    --------
    >>> import torch
    >>> from isexplore.classifiers import load_classifier
    >>> digits = load_classifier("digits")
    >>> usual_batch_size(digits, (28, 28, 1), torch.device("cpu"))
    256
    >>> usual_batch_size(digits, (4000, 3000, 3), torch.device("cpu"))
    2
    """
    raw = max(1, shape[0] * shape[1])
    side = getattr(classifier, "input_size", None)
    seen = side * side if side else raw
    if place.type == "cuda":
        import torch

        free, _ = torch.cuda.mem_get_info(place)
        free += torch.cuda.memory_reserved(place) - torch.cuda.memory_allocated(place)  # torch's own, for another use
        most = free // (2 * _GPU_BYTES * seen)  # half of it: others live there, and memory breaks into pieces
    else:
        most = _CPU_PIXELS // seen
    most = max(1, min(most, _MOST_RAW_PIXELS // raw, _MOST_IMAGES))
    return 1 << (most.bit_length() - 1)


def _inferring(run: Callable[[torch.Tensor], Any]) -> Callable[[torch.Tensor], Any]:
    """Compute without gradients, and return float32; what is no tensor is left to who checks it."""
    import torch

    def infer(batch: torch.Tensor) -> Any:
        with torch.inference_mode():
            logits = run(batch)
            half = isinstance(logits, torch.Tensor) and logits.dtype == torch.bfloat16
            return logits.float() if half else logits

    return infer


def _autocast(module: nn.Module, place: torch.device) -> Callable[[torch.Tensor], Any]:
    import torch

    def run(batch: torch.Tensor) -> Any:
        with torch.autocast(place.type, torch.bfloat16):
            return module(batch)

    return run


def _faster_copy(module: nn.Module, place: torch.device, *, half: bool) -> nn.Module:
    """Copy a network with published weights, and rearrange the copy."""
    import torch

    with torch.inference_mode(mode=False), torch.no_grad():  # tensors of inference mode can't be compiled
        copy = deepcopy(module).eval().requires_grad_(requires_grad=False)
        network: Any = copy.network
        _fold_batch_norms(network)
        if half:
            for part in network.children():
                if part is not network.fc:
                    part.to(torch.bfloat16)
            # Logits in bfloat16 would have eight bits; the last layer costs next to nothing.
            network.fc.register_forward_pre_hook(_in_float32)
        copy.to(place)
        if half or place.type == "cpu":  # NVIDIA's cards convolve float32 faster in the usual order
            copy.to(memory_format=torch.channels_last)
        return copy


def _fold_batch_norms(network: nn.Module) -> None:
    """Multiply the scale of each batch norm into the convolution before it: in evaluation both are linear."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for block in network.modules():
        conv, norm = getattr(block, "conv", None), getattr(block, "bn", None)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            block.conv = fuse_conv_bn_eval(conv, norm)
            block.bn = nn.Identity()


def _in_float32(_: nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
    return (inputs[0].float(),)


def _compiled(module: nn.Module, place: torch.device, batch_size: int) -> Callable[[torch.Tensor], Any]:
    """Compile for one batch size, now, so that a failure is known before the run begins."""
    import torch

    inner = cast("nn.Module", module.network)
    options: dict[str, Any] | None = {"freezing": True} if place.type == "cpu" else None
    batch = torch.zeros(batch_size, 3, 32, 32, dtype=torch.uint8, device=place)
    try:
        module.network = cast("nn.Module", torch.compile(inner, options=options, dynamic=False))
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # the compiler's own
            module(batch)
    except Exception:
        module.network = inner
        raise

    def run(batch: torch.Tensor) -> Any:
        with torch.compiler.set_stance("eager_on_recompile"):  # for a shorter batch, compiling would not pay
            return module(batch)

    return run
