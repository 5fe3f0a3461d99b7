"""The embedded sample sets: real handwritten digits, and what small GANs that were trained on them draw.

``data/ATTRIBUTION.md`` says where the digits come from; ``python -m isexplore.demo.build`` rebuilds everything.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import safe_open
from safetensors.numpy import load_file

from isexplore.images import ImageSet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from isexplore.demo.training import GanTraining

__all__ = ["checkpoints", "gan", "names", "open_set", "real", "train_gan"]

_DATA = Path(__file__).parent / "data"
_NAMES = ("healthy", "collapsed", "wandering")


def real() -> ImageSet:
    """Return the 1797 real 8×8 digits, with their labels.

    Examples
    --------
    >>> digits = real()
    >>> len(digits), digits.labels[:3], digits.read(0).shape
    (1797, (0, 1, 2), (8, 8, 1))
    """
    digits = load_file(_DATA / "digits.safetensors")
    labels = tuple(digits["labels"].tolist())
    return _image_set("digits: real", digits["images"], labels)


def names() -> tuple[str, ...]:
    """Return the names of the GAN runs.

    Examples
    --------
    >>> names()
    ('healthy', 'collapsed', 'wandering')
    """
    return _NAMES


@cache
def checkpoints(name: str) -> tuple[int, ...]:
    """Return the training steps at which samples of a GAN were kept, first to last.

    Parameters
    ----------
    name
        One of `names`.

    Raises
    ------
    ValueError
        If no GAN has that name.

    Examples
    --------
    >>> checkpoints("healthy")[-1]
    6000
    """
    with safe_open(_gan_file(name), framework="numpy") as file:
        return tuple(file.get_tensor("steps").tolist())


def gan(name: str, step: int | None = None) -> ImageSet:
    """Return the 1000 samples that a GAN drew at a training step.

    Image i comes from the same latent vector at every step, so that steps can be compared image by image.

    Parameters
    ----------
    name
        "healthy"; "collapsed", which starts well and ends on one digit; or "wandering", which never draws more than a
        few digits at a time, and others a little later.
    step
        One of `checkpoints`; the last if None.

    Raises
    ------
    ValueError
        If no GAN has that name, or no samples were kept at that step.

    Examples
    --------
    >>> gan("healthy")
    digits: healthy GAN, step 6000: 1000 images, 8×8 gray, uint8, 0–255
    """
    steps = checkpoints(name)
    step = steps[-1] if step is None else step
    if step not in steps:
        raise ValueError(f"the {name} GAN has no samples at step {step}; there are: {', '.join(map(str, steps))}")
    with safe_open(_gan_file(name), framework="numpy") as file:
        images = file.get_slice("samples")[steps.index(step)]
    return _image_set(f"digits: {name} GAN, step {step}", images)


def open_set(text: str) -> ImageSet:
    """Return the set that a text names: ``"real"``, a GAN such as ``"healthy"``, or its checkpoint ``"healthy@1000"``.

    Raises
    ------
    ValueError
        If there is no such set.

    Examples
    --------
    >>> open_set("healthy@1000").name
    'digits: healthy GAN, step 1000'
    """
    if text == "real":
        return real()
    name, at, step = text.partition("@")
    if at and not step.isdecimal():
        raise ValueError(f"demo:{text}: the step behind @ must be a whole number")
    return gan(name, int(step) if at else None)


def train_gan(generator_rate: float = 1e-3, discriminator_rate: float = 1e-3, seed: int = 0) -> GanTraining:
    """Train the GAN that drew the embedded samples, on the real digits, step by step.

    By default it is trained as the healthy one was; 5e-3 for both rates, and seed 2, are those of the collapsed one.
    Everything is drawn from torch's global random state, which is seeded here. The networks are too small for several
    threads, which only wait for each other: ``torch.set_num_threads(1)``.

    Parameters
    ----------
    generator_rate, discriminator_rate
        Learning rates of Adam.
    seed
        Of torch's global random state.

    Returns
    -------
    GanTraining
        ``generator``, from latents (B, 32) to (B, 1, 8, 8) from −1 to 1; ``steps(count)``, to be iterated, which yields
        how many steps are done; and ``set_rates(generator_rate, discriminator_rate)``.

    Examples
    --------
    >>> training = train_gan()
    >>> for step in training.steps(3):
    ...     print(step)  # here the generator has learned from that many batches
    1
    2
    3
    """
    from isexplore.demo.training import GanTraining

    return GanTraining(load_file(_DATA / "digits.safetensors")["images"], generator_rate, discriminator_rate, seed)


def _gan_file(name: str) -> Path:
    """Find a run's file, which has `samples` (K, 1000, 8, 8) uint8 and `steps` (K,)."""
    if name not in _NAMES:
        raise ValueError(f"no GAN is named {name!r}; there are: {', '.join(_NAMES)}")
    return _DATA / f"gan-{name}.safetensors"


def _image_set(name: str, images: NDArray[np.uint8], labels: tuple[int, ...] | None = None) -> ImageSet:
    """Make a set of (N, 8, 8) images."""
    pixels = images[..., None]

    def read(index: int) -> NDArray[np.uint8]:
        picture: NDArray[np.uint8] = pixels[index]
        return picture

    image_names = tuple(f"image {index:04d}" for index in range(len(pixels)))
    return ImageSet(name, image_names, read, f"{len(pixels)} images, 8×8 gray, uint8, 0–255", labels)
