"""Pictures that a generator draws when they are read."""

from __future__ import annotations

import random
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import index as whole
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.images.datasets import is_dataset
from isexplore.images.image_set import ImageSet
from isexplore.images.items import Meaning, canonical, describe, learn_meaning, pictures_in, shows_labels
from isexplore.images.pixels import Layout, array_name
from isexplore.random_states import kept_random_states

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch
    from numpy.typing import NDArray

_BATCH = 64
_LATENT_SIZES = ("latent_dim", "z_dim", "nz")
_CLASS_COUNTS = ("num_classes", "n_classes")
# The random states belong to the process: two draws at once would disturb each other.
_ONE_DRAW = RLock()


def is_generator(source: object) -> bool:
    """Say whether something is a function, or a torch module.

    Examples
    --------
    >>> is_generator(len), is_generator(int), is_generator([1])
    (True, False, False)
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(source, torch.nn.Module):  # some have items too
        return True
    return callable(source) and not isinstance(source, type) and not is_dataset(source)


def generator_set(  # noqa: PLR0913, PLR0917 - all that open_images is told
    generator: Callable[[int], Any],
    name: str | None,
    value_range: tuple[float, float] | None,
    layout: Layout | None,
    n: int,
    seed: int,
) -> ImageSet:
    """Draw n pictures from a generator, in batches of 64, when they are read.

    *A function* is called as ``generator(batch)`` with the number of pictures wanted, and returns that many:
    ``(B, C, H, W)``, ``(B, H, W, C)`` or ``(B, H, W)``, a list of Pillow images, or ``(pictures, labels)``, of which
    the labels are not kept. For a diffusers pipeline: ``lambda batch: pipeline(prompts[:batch]).images``.

    *A* ``torch.nn.Module`` is called with latents: ``module(z)``, z standard normal of shape ``(B, latent_dim)``, or
    ``(B, *latent_shape)`` where the module has that attribute (``z_dim`` and ``nz`` are read like ``latent_dim``). If
    it has ``num_classes`` (or ``n_classes``), it is called as ``module(z, y)``, y going round 0, 1, …,
    ``num_classes`` − 1, and the set keeps y as its labels. It stays where it is, and is in eval mode meanwhile.

    Before each batch Python's, NumPy's and torch's global random states are seeded by (seed, number of the batch), and
    put back afterwards (torch's on the CPU, CUDA and MPS): image i is the same whenever it is read, unless the
    generator has randomness of its own.

    These states, and the module's mode, belong to the whole process. While pictures are drawn in another thread, as the
    notebook's widgets do, what you draw at random meanwhile disturbs the pictures and is disturbed by them, and the
    module is in eval mode for you too. Image i is the same as long as nothing else draws at the same time.

    Parameters
    ----------
    generator : callable or torch.nn.Module
    name : str, optional
        By default the name of the function or of its type.
    value_range, layout
        As for `isexplore.open_images`. By default the range of floats is inferred from the first batch.
    n : int
        How many pictures.
    seed : int
        Another seed gives other pictures.

    Raises
    ------
    ValueError
        If a module does not say its latent, or range or layout must be stated.
    RuntimeError
        If the generator raises or returns something else, also later, when pictures are read.

    Examples
    --------
    >>> def noise(batch):
    ...     return np.random.rand(batch, 8, 8, 3)
    >>> generator_set(noise, None, None, None, n=100, seed=0)
    noise: 100 images, first is 8×8 RGB, float64, range 0–1 (inferred from the first 64), drawn with seed 0
    """
    import torch

    if isinstance(generator, torch.nn.Module):
        name = name or type(generator).__name__
        classes = _class_count(generator)
        make = partial(_from_latents, generator, _Latents(_latent_shape(generator), classes, seed))
    else:
        name = name or getattr(generator, "__name__", type(generator).__name__).replace("<lambda>", "generator")
        classes, make = 0, partial(_call, generator)
    draw = lru_cache(maxsize=1)(partial(_draw, make, name, n, seed))  # pictures are read one by one
    names = tuple(array_name(i, n) for i in range(n))
    try:
        pictures, labelled = draw(0)
        meaning = learn_meaning(pictures, value_range, layout)
        description = f"{describe(n, pictures, meaning)}, drawn with seed {seed}"
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    labels = tuple(i % classes for i in range(n)) if classes else None
    if labels is None and labelled:
        description += ", labels not kept"
    return ImageSet(name, names, partial(_read, draw, names, meaning), description, labels)


def _read(
    draw: Callable[[int], tuple[list[Any], bool]], names: Sequence[str], meaning: Meaning, index: int
) -> NDArray[np.uint8]:
    try:
        return canonical(draw(index // _BATCH)[0][index % _BATCH], names[index], meaning)
    except ValueError as error:  # no damaged file among others: the generator is broken
        raise RuntimeError(str(error)) from error


def _draw(make: Callable[[int, int], Any], name: str, n: int, seed: int, batch: int) -> tuple[list[Any], bool]:
    """Return the pictures of a batch, and whether there are labels beside them."""
    first = batch * _BATCH
    wanted = min(_BATCH, n - first)
    with _ONE_DRAW, _seeded(seed, batch):
        try:
            made = make(wanted, batch)
        except Exception as error:
            why = str(error) or type(error).__name__
            raise RuntimeError(f"{name} failed to draw images {first} to {first + wanted - 1}: {why}") from error
    try:
        pictures = pictures_in(made)
    except ValueError as error:
        raise RuntimeError(f"{name} was asked for {wanted} images: {error}") from error
    if len(pictures) != wanted:
        raise RuntimeError(f"{name} was asked for {wanted} images and returned {len(pictures)}")
    return pictures, shows_labels(made)


def _call(generator: Callable[[int], Any], wanted: int, _: int) -> Any:
    import torch

    with torch.no_grad():
        return generator(wanted)


@dataclass(frozen=True)
class _Latents:
    shape: tuple[int, ...]  # of one
    classes: int  # 0 if the generator has none
    seed: int


def _from_latents(module: torch.nn.Module, latents: _Latents, wanted: int, batch: int) -> Any:
    import torch

    parameter = next((value for value in module.parameters() if value.is_floating_point()), torch.empty(0))
    # Drawn on the CPU, and all of a batch: the same on every device, and for every n.
    source = torch.Generator().manual_seed(_numbers(latents.seed, batch)[0])
    z = torch.randn(_BATCH, *latents.shape, generator=source)[:wanted].to(parameter)
    if not latents.classes:
        with _evaluating(module):
            return module(z)
    y = torch.arange(batch * _BATCH, batch * _BATCH + wanted, device=z.device) % latents.classes
    with _evaluating(module):
        return module(z, y)


def _latent_shape(module: torch.nn.Module) -> tuple[int, ...]:
    shape = getattr(module, "latent_shape", None)
    sizes = [getattr(module, name) for name in _LATENT_SIZES if isinstance(getattr(module, name, None), int)]
    if shape is None and not sizes:
        raise ValueError(
            f"{type(module).__name__} does not say what its latents are: give it an attribute, as in"
            " generator.latent_dim = 128 or generator.latent_shape = (128, 1, 1), or pass a function, as in"
            " lambda batch: generator(torch.randn(batch, 128))"
        )
    return tuple(map(whole, shape)) if shape is not None else (sizes[0],)


def _class_count(module: torch.nn.Module) -> int:
    counts = [getattr(module, name) for name in _CLASS_COUNTS if isinstance(getattr(module, name, None), int)]
    return counts[0] if counts else 0


@contextmanager
def _evaluating(module: torch.nn.Module) -> Iterator[None]:
    import torch

    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        with torch.no_grad():  # a tensor that the module keeps from an inference could never be trained through
            yield
    finally:
        for part, mode in modes.items():
            part.training = mode


def _numbers(seed: int, batch: int) -> tuple[int, int]:
    """Return a seed for the latents and another for the global states: else noise would repeat the latents."""
    latents, states = np.random.SeedSequence([seed, batch]).generate_state(2)
    return int(latents), int(states)


@contextmanager
def _seeded(seed: int, batch: int) -> Iterator[None]:
    """Seed the global random states of Python, NumPy and torch, and put them back."""
    import torch

    _, number = _numbers(seed, batch)
    cuda_runs = torch.cuda.is_initialized()
    try:
        with kept_random_states():
            random.seed(number)
            np.random.seed(number)  # noqa: NPY002 - generators may use the old one
            torch.manual_seed(number)
            yield
    finally:
        if not cuda_runs:  # manual_seed left its seed for when CUDA starts: leave the one that was there before
            torch.cuda.manual_seed_all(torch.initial_seed())
