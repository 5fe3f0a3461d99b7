"""Reads a network's weights from a file without trusting it, and gives them to the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import torch


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read tensors from a ``.safetensors`` or ``.pth`` file; code in it is never run.

    Raises
    ------
    ValueError
        If the file is damaged, or holds something other than named tensors.
    """
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile file may raise anything
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(f"{path} cannot be read safely as weights, and nothing in it was run: {reason}") from error
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()
    ):
        raise ValueError(f"{path} holds something other than named tensors")
    return state


def fill(network: torch.nn.Module, state: dict[str, torch.Tensor], path: Path) -> None:
    """Give a network its weights, in evaluation mode and fixed; `path` is where they come from, for errors.

    Raises
    ------
    ValueError
        If tensors are missing, unknown, or of another shape or type.

    Examples
    --------
    >>> import torch
    >>> from pathlib import Path
    >>> fill(torch.nn.Linear(2, 1), {"weight": torch.zeros(1, 3)}, Path("mine.pth"))
    Traceback (most recent call last):
        ...
    ValueError: mine.pth does not fit: bias is missing; weight is 1×3, not 1×2
    """
    import torch

    # How many batches a network was trained on plays no part in what it computes, and old files don't say.
    given = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    wanted = {key: value for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    faults = [f"{key} is missing" for key in wanted if key not in given]
    faults += [f"{key} is unknown" for key in given if key not in wanted]
    for key in wanted.keys() & given.keys():
        if given[key].shape != wanted[key].shape:
            faults.append(f"{key} is {_shape(given[key])}, not {_shape(wanted[key])}")
        elif not given[key].is_floating_point() or given[key].layout != torch.strided or given[key].is_meta:
            faults.append(f"{key} is {given[key].dtype}, not a plain floating-point tensor")
    if faults:
        more = f"; and {len(faults) - 2} more" if len(faults) > 2 else ""  # noqa: PLR2004 - the first two tell enough
        raise ValueError(f"{path} does not fit: {'; '.join(faults[:2])}{more}")
    clean = {key: value.detach().to(torch.float32).contiguous() for key, value in given.items()}
    counts = {key: torch.tensor(0) for key in network.state_dict().keys() - wanted.keys()}
    network.load_state_dict(clean | counts, assign=True)
    network.eval().requires_grad_(requires_grad=False)


def _shape(tensor: torch.Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a single number"
