"""A network from a file that holds its program: one that torch.export saved, or TorchScript."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pickle import UnpicklingError
from threading import Lock
from typing import IO, TYPE_CHECKING, Any
from zipfile import ZipFile

import torch

from isexplore.classifiers.any_batch import AnyBatch, ExportedNetwork, quiet
from isexplore.classifiers.module import PREPROCESSING, stack
from isexplore.classifiers.weights import PUBLISHED, VARIABLE
from isexplore.tensor_files import expand_home

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

_NAMES = "class_names.json"
_MOST_NAMES = 2**24  # bytes
_FORCE, _FORCE_NOT = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
_ONE_AT_A_TIME = Lock()  # the environment is everybody's
_OPAQUE = "/constants/opaque_obj_"
_WHAT_TO_DO = "save the network with torch.export.save, or give the torch.nn.Module itself"
_PICKLED = "is damaged, or holds pickled objects that are no tensors, and nothing in it was run; export it anew without"


@dataclass(frozen=True, eq=False)
class FileClassifier:
    """A network from a file: it gets the images in their own size and channels, float32 from 0 to 1.

    Attributes
    ----------
    module : torch.nn.Module
        From (B, C, H, W) to (B, classes) logits, for any B.
    name : str
        The file's name.
    class_names : tuple of str or None
        From an extra file ``class_names.json`` in it, or TorchScript's attribute ``class_names``.
    weights_sha256 : str
        Of the file: the network and its weights.
    shape : tuple or None
        Channels, height and width that the program takes, None for any; None where the file doesn't say.
    """

    module: nn.Module = field(repr=False)
    name: str
    class_names: tuple[str, ...] | None = field(repr=False)
    weights_sha256: str
    shape: tuple[int | None, int | None, int | None] | None = None
    preprocessing: str = field(init=False, default=PREPROCESSING)

    @property
    def input_size(self) -> int | None:
        """The side of the square that the program takes, or None where it takes others too."""
        return self.shape[1] if self.shape and self.shape[1] == self.shape[2] else None

    def prepare(self, images: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
        """Stack (H, W, C) uint8 images of one shape into a (B, C, H, W) float32 batch from 0 to 1, on the CPU.

        Raises
        ------
        ValueError
            If the shapes differ, or the program takes another one.
        """
        batch = stack(images, self.name)
        found = batch.shape[1:]
        if self.shape and any(wanted not in (None, size) for wanted, size in zip(self.shape, found, strict=True)):
            raise ValueError(
                f"{self.name} takes images of {_listed(self.shape)} (channels×height×width), but got {_listed(found)}; "
                "convert them first, or export the network with dynamic sizes"
            )
        return batch


def load_network_file(path: str | os.PathLike[str]) -> FileClassifier:
    """Load a network from a file that torch.export.save or torch.jit.save wrote.

    Such a file is a program, and it is run: load only files that you trust. What is pickled in it is read as tensors
    alone, so no code in a pickle is run, but torch promises no safety from a program made to do harm. Weights alone are
    none, and are refused.

    Parameters
    ----------
    path : path
        The content decides what it is, not the name.

    Returns
    -------
    FileClassifier

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, holds something else or pickled objects, or the program can't be a classifier.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10)).eval()
    >>> program = torch.export.export(network, (torch.zeros(1, 1, 8, 8),))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     torch.export.save(program, Path(folder, "mine.pt2"))
    ...     mine = load_network_file(Path(folder, "mine.pt2"))
    >>> mine.name, mine.shape, mine.module(torch.zeros(3, 1, 8, 8)).shape
    ('mine.pt2', (1, 8, 8), torch.Size([3, 10]))
    """
    file = expand_home(path)
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file} with a network")
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        members = _members(stream, file)
        names = _class_names(stream, members, file)
        shape = None
        if any(member.endswith("/constants.pkl") for member in members):
            network: AnyBatch = _load_script(stream, file)
            names = names or _strings(getattr(network.network, "class_names", None))
        elif any(_is_program(member) for member in members):
            network = ExportedNetwork(_load_exported(stream, members, file), file.name)
            shape = network.shape
        else:
            raise ValueError(f"{file} {_what_else(members, file)}")
    return FileClassifier(network.requires_grad_(requires_grad=False), file.name, names, digest, shape)


def _members(stream: IO[bytes], file: Path) -> list[str]:
    """List what the file holds, once it is whole: torch's formats are zip archives, but for old pickles."""
    stream.seek(0)
    is_pickle = stream.read(1) == b"\x80"
    try:
        with ZipFile(stream) as archive:
            members, damaged = archive.namelist(), archive.testzip()  # torch itself would compute with a flipped bit
    except Exception as error:  # a damaged file may raise anything
        if is_pickle:
            return ["data.pkl"]
        raise ValueError(f"{file} is damaged, or no network: {error}") from error
    if damaged is not None:
        raise ValueError(f"{file} is damaged: {damaged!r} in it has another checksum")
    return members


def _is_program(member: str) -> bool:
    folder, _, name = member.rpartition("/")
    return name == "serialized_exported_program.json" or (folder.endswith("/models") and name.endswith(".json"))


def _what_else(members: list[str], file: Path) -> str:
    if any("/aotinductor/" in member for member in members):
        return f"is a package that AOTInductor compiled for one kind of machine; {_WHAT_TO_DO}"
    if not any(member.endswith("data.pkl") for member in members):
        return f"holds no network; {_WHAT_TO_DO}"
    for name, published in PUBLISHED.items():
        if file.name in (published.file, *published.also):
            return f'holds the weights of {name}: choose "{name}", and name the file in {VARIABLE}'
    return (
        "holds pickled weights or a pickled module, not a program, and nothing in it was run. Build the network in "
        f"Python, give it its weights (load_state_dict(torch.load(file, weights_only=True))), and {_WHAT_TO_DO}"
    )


def _load_script(stream: IO[bytes], file: Path) -> AnyBatch:
    network = _load(torch.jit.load, stream, file, map_location="cpu").eval()
    for part in network.modules():
        if not hasattr(part, "training"):
            part.training = False  # a frozen network has lost this attribute, which every module has
    numbers = (tensor.dtype for tensor in (*network.parameters(), *network.buffers()) if tensor.is_floating_point())
    return AnyBatch(network, file.name, next(numbers, torch.float32))


def _load_exported(stream: IO[bytes], members: list[str], file: Path) -> torch.export.ExportedProgram:
    if any(_OPAQUE in member.lower() for member in members):  # torch gives them to Python's own pickle
        raise ValueError(f"{file} {_PICKLED}")
    with _tensors_only():
        program: torch.export.ExportedProgram = _load(torch.export.load, stream, file)
    return program


@contextmanager
def _tensors_only() -> Iterator[None]:
    """Keep torch.load from making anything but tensors and plain containers, whatever its caller says.

    torch.export.load says weights_only=False, and only this variable of the environment is stronger.
    """
    with _ONE_AT_A_TIME:
        before = {name: os.environ.pop(name, None) for name in (_FORCE, _FORCE_NOT)}  # torch refuses both together
        os.environ[_FORCE] = "1"
        try:
            yield
        finally:
            del os.environ[_FORCE]
            os.environ.update({name: value for name, value in before.items() if value is not None})


def _load(load: Any, stream: IO[bytes], file: Path, **options: str) -> Any:
    stream.seek(0)
    try:
        with quiet():
            return load(stream, **options)
    except UnpicklingError as error:  # torch's own message advises to load it all the same
        raise ValueError(f"{file} {_PICKLED}") from error
    except Exception as error:  # a damaged file may raise anything
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(
            f"{file} cannot be loaded by torch {torch.__version__}: it is damaged, was saved by a newer torch, or for "
            f"a device that is not here ({reason})"
        ) from error


def _class_names(stream: IO[bytes], members: list[str], file: Path) -> tuple[str, ...] | None:
    """Read the extra file with names, which both formats keep in their archive."""
    found = [member for member in members if member.endswith((f"extra/{_NAMES}", f"extra_files/{_NAMES}"))]
    if not found:
        return None
    try:
        with ZipFile(stream) as archive, archive.open(found[0]) as content:
            names = _strings(json.loads(content.read(_MOST_NAMES)))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{_NAMES} in {file} cannot be read: {error}") from error
    if names is None:
        raise ValueError(f"{_NAMES} in {file} must be a list of names")
    return names


def _strings(names: object) -> tuple[str, ...] | None:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(names)


def _listed(shape: Sequence[int | None]) -> str:
    return "×".join("any" if size is None else str(size) for size in shape)
