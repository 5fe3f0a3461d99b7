"""Programs from files, as modules that take a batch of any size and move to any device."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch.export import ExportedProgram

_NO_LIMIT = 2**31


class AnyBatch(nn.Module):
    """A program that was saved in evaluation mode, and stays in it; errors name its file.

    Parameters
    ----------
    network : torch.nn.Module
        From images to logits.
    name : str
        What errors call it.
    dtype : torch.dtype
        Of the images that it takes.
    least, most : int
        Images in one call: batches are cut, and padded with copies of their last image.

    Examples
    --------
    >>> AnyBatch(nn.Flatten(), "mine.pt2", torch.float16, 8, 8)(torch.zeros(11, 1, 2, 2)).shape
    torch.Size([11, 4])
    """

    def __init__(
        self, network: nn.Module, name: str, dtype: torch.dtype, least: int = 1, most: int = _NO_LIMIT
    ) -> None:
        super().__init__()
        self.network = network
        self.name = name
        self.dtype = dtype
        self.least, self.most = least, most
        self.training = False

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002, FBT001, FBT002 - as torch.nn.Module has it
        """Stay as the file is: an exported program refuses both modes."""
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Compute the logits.

        Parameters
        ----------
        images
            (B, C, H, W), from 0 to 1.

        Returns
        -------
        torch.Tensor
            (B, classes) logits.

        Raises
        ------
        ValueError
            If the program fails, or returns something other than one row an image.
        """
        # A program in half precision states its types itself, and can't run in others.
        own = nullcontext() if self.dtype == torch.float32 else torch.autocast(images.device.type, enabled=False)
        with own:
            parts = images.to(self.dtype).split(min(self.most, len(images)))
            rows = [self._logits(part) for part in parts]
            return rows[0] if len(rows) == 1 else torch.cat(rows)

    def _logits(self, images: torch.Tensor) -> torch.Tensor:
        n = len(images)
        if n < self.least:
            images = torch.cat([images, images[-1:].expand(self.least - n, -1, -1, -1)])
        try:
            logits = self.network(images)
        except (RuntimeError, AssertionError, TypeError, IndexError) as error:
            raise self._explained(error, images) from error
        if not isinstance(logits, torch.Tensor) or logits.ndim == 0 or len(logits) != len(images):
            found = f"shape {tuple(logits.shape)}" if isinstance(logits, torch.Tensor) else f"a {type(logits).__name__}"
            raise ValueError(
                f"{self.name} must return logits alone, of shape ({len(images)}, classes), but returned {found}"
            )
        return logits[:n]

    def _explained(self, error: Exception, images: torch.Tensor) -> Exception:
        text = str(error).strip() or type(error).__name__
        if "out of memory" in text:  # TorchScript raises it as another error: a smaller batch may do
            return error if isinstance(error, torch.OutOfMemoryError) else torch.OutOfMemoryError(text)
        lines = text.splitlines()
        reason = lines[-1 if "TorchScript" in lines[0] else 0]
        shape = "×".join(map(str, images.shape))
        return ValueError(f"{self.name} failed on a batch of {shape} (images×channels×height×width): {reason}")


class ExportedNetwork(AnyBatch):
    """A program of torch.export.

    Attributes
    ----------
    shape : tuple
        Channels, height and width that it takes, None for any.

    Raises
    ------
    ValueError
        If it takes something other than one batch of images, was exported in training mode, or is damaged.
    """

    def __init__(self, program: ExportedProgram, name: str) -> None:
        inputs = [node for node in program.graph.nodes if node.name in program.graph_signature.user_inputs]
        images = inputs[0].meta.get("val") if len(inputs) == 1 else None
        if not isinstance(images, torch.Tensor) or images.ndim != 4:  # noqa: PLR2004 - (B, C, H, W)
            raise ValueError(f"{name} must take one batch of images, (B, C, H, W), and nothing else")
        if not images.is_floating_point():
            raise ValueError(f"{name} takes {images.dtype}: export it for floating-point images from 0 to 1")
        if any(map(_trains, program.graph.nodes)):
            raise ValueError(f"{name} was exported in training mode: call the network's eval() before torch.export")
        try:
            network = _module(program, torch.device("cpu"))
        except Exception as error:  # the file may be anything
            raise ValueError(f"{name} is damaged, or no program of torch.export: {error}") from error
        super().__init__(network, name, images.dtype, *_limits(program, images.shape[0]))
        self.program = program
        channels, height, width = (size if isinstance(size, int) else None for size in images.shape[1:])
        self.shape = (channels, height, width)

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Self:  # noqa: ARG002, FBT001, FBT002 - as torch.nn.Module has it
        """Follow ``to(device)``: devices are written into the program itself. Its types stay as they are."""
        place = fn(torch.empty(0)).device
        if place != next((tensor.device for tensor in self.state_dict().values()), None):
            self.network = _module(self.program, place)
        return self


def _module(program: ExportedProgram, place: torch.device) -> nn.Module:
    from torch.export.passes import move_to_device_pass

    with quiet():
        network = move_to_device_pass(program, place).module()
    for node in list(network.graph.nodes):
        if str(node.target) == "aten._assert_tensor_metadata.default":
            network.graph.erase_node(node)  # it would refuse to run in another precision
        elif any(isinstance(argument, torch.device) for argument in node.args):  # torch 2.6 forgets these
            node.args = tuple(place if isinstance(argument, torch.device) else argument for argument in node.args)
    network.recompile()
    return network.requires_grad_(requires_grad=False)


def _limits(program: ExportedProgram, size: int | torch.SymInt) -> tuple[int, int]:
    """Return the least and the most images that a program takes at once."""
    if isinstance(size, int):
        return size, size
    known: Any = program.range_constraints.get(size.node.expr)
    if known is None:
        return 1, _NO_LIMIT
    return max(1, int(known.lower)), int(known.upper) if known.upper < _NO_LIMIT else _NO_LIMIT


def _trains(node: torch.fx.Node) -> bool:
    """Tell whether a step of a program is a dropout or a normalisation that was exported in training mode."""
    schema: Any = getattr(node.target, "_schema", None)
    if schema is None:
        return False
    names = [argument.name for argument in schema.arguments]
    given = dict(zip(names, node.args, strict=False)) | node.kwargs
    return any(given.get(name) is True for name in ("train", "training"))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep torch from calling TorchScript deprecated, and from logging what the one error says already."""
    loggers = [logging.getLogger(name) for name in ("torch.export", "torch._export")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
