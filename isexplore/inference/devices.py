"""Where a network runs, and how exactly: everything it changes is put back afterwards."""

from __future__ import annotations

import platform
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

__all__ = ["devices", "find_device", "full_precision", "has_bfloat16", "on_device"]


def devices() -> dict[str, str]:
    """Return the devices of this machine, best first, each with a name for people.

    Examples
    --------
    >>> "cpu" in devices()
    True
    """
    import torch

    found = {f"cuda:{i}": torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())}
    if torch.backends.mps.is_available():
        found["mps"] = "Apple GPU"
    found["cpu"] = platform.processor() or platform.machine() or "CPU"
    return found


def find_device(name: str) -> torch.device:
    """Return the device of a name, or the best there is for "auto".

    Raises
    ------
    ValueError
        If it is not usable on this machine.

    Examples
    --------
    >>> find_device("cpu")
    device(type='cpu')
    """
    import torch

    if name == "auto":
        best = torch.device(next(iter(devices())))
        # Of several cards the one that this process was told to use, as each that torchrun starts has its own.
        return torch.device("cuda", torch.cuda.current_device()) if best.type == "cuda" else best
    try:
        place = torch.device(name)
        torch.zeros(1, device=place).item()  # reads it too: a meta device would lose the network's weights
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        raise ValueError(f"device {name!r} is not usable here; there is: {', '.join(devices())}") from error
    return place


def has_bfloat16(place: torch.device) -> bool:
    """Return whether a device has instructions for bfloat16; others are slower with it than with float32.

    Examples
    --------
    >>> import torch
    >>> has_bfloat16(torch.device("meta"))
    False
    """
    import torch

    if place.type == "cuda":
        with torch.cuda.device(place):
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if place.type == "cpu":  # torch has no public question for it that its older versions answer
        asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, name, bool)() for name in asked)
    return False


@contextmanager
def on_device(module: torch.nn.Module, place: torch.device) -> Iterator[None]:
    """Put a network on its device in evaluation mode, and leave it afterwards as it was."""
    training = {part: part.training for part in module.modules()}
    home = next((tensor.device for tensor in (*module.parameters(), *module.buffers())), None)
    try:
        module.eval().to(place)
        yield
    finally:
        for part, mode in training.items():
            part.training = mode
        if home is not None:
            module.to(home)


@contextmanager
def full_precision() -> Iterator[None]:
    """Switch off TF32 and bfloat16, which keep 10 and 7 bits of each factor: NVIDIA cards convolve in TF32 by default.

    Matrix products round like that only where somebody asked torch for it.
    """
    import torch

    backends: Any = torch.backends
    cudnn, mkldnn = backends.cudnn, backends.mkldnn
    with ExitStack() as undo:
        if hasattr(cudnn, "conv"):  # torch 2.9 has new switches, and refuses to mix the two kinds
            for part in (cudnn.conv, cudnn.rnn, backends.cuda.matmul, mkldnn.conv, mkldnn.rnn, mkldnn.matmul):
                undo.callback(setattr, part, "fp32_precision", part.fp32_precision)
                part.fp32_precision = "ieee"
        else:
            undo.callback(setattr, cudnn, "allow_tf32", cudnn.allow_tf32)
            undo.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
            cudnn.allow_tf32 = False
            torch.set_float32_matmul_precision("highest")
        yield
