"""Train small GANs on the digits, one that does well and two that collapse, and keep samples along the way.

`isexplore.demo.training` trains them. The runs differ in learning rates, seed and length alone; nothing is done to the
samples but rounding to gray levels.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.numpy import load_file, save
from safetensors.torch import load_file as load_weights

from isexplore.classifiers.digits import DigitsNet
from isexplore.demo.build.classifier import as_batch
from isexplore.demo.training import BATCH, BETAS, LATENT, GanTraining
from isexplore.score import inception_score

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SAMPLES = 1000


@dataclass(frozen=True)
class Recipe:
    """What makes one run differ from another, and after how many steps samples are kept."""

    generator_rate: float
    discriminator_rate: float
    seed: int
    steps: tuple[int, ...]


RECIPES = {
    # It is stopped in time: at 30,000 steps it too has lost digits (a score of 6.4).
    "healthy": Recipe(1e-3, 1e-3, 0, (100, 200, 400, 700, 1000, 1500, 2000, 2500, 3000, 4000, 5000, 6000)),
    # Five times the learning rate: it starts well, then loses one digit after another.
    "collapsed": Recipe(
        5e-3, 5e-3, 2, (100, 200, 300, 500, 1000, 2000, 3000, 4500, 6000, 9000, 12000, 16000, 22000, 30000)
    ),
    # The generator is fifty times faster than the discriminator: it runs from one digit to the next.
    "wandering": Recipe(
        5e-3, 1e-4, 0, (100, 300, 600, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000, 5500, 6000)
    ),
}


def train(images: NDArray[np.uint8], recipe: Recipe) -> Iterator[NDArray[np.uint8]]:
    """Train a GAN and yield samples at each step of the recipe, always from the same latent vectors.

    Parameters
    ----------
    images
        (N, 8, 8) real images.
    recipe
        Learning rates, seed and steps.

    Yields
    ------
    NDArray[np.uint8]
        (1000, 8, 8) samples. Sample i comes from the same latent vector every time.
    """
    training = GanTraining(images, recipe.generator_rate, recipe.discriminator_rate, recipe.seed)
    latents = torch.randn(SAMPLES, LATENT)
    for step in training.steps(recipe.steps[-1]):
        if step in recipe.steps:
            with torch.no_grad():
                samples = training.generator(latents).add(1).mul(127.5).round().clamp(0, 255)
            yield samples.to(torch.uint8).view(-1, 8, 8).numpy()


def build(data: Path) -> None:
    """Train every recipe and write its samples to ``gan-NAME.safetensors``.

    The file's metadata has, under "facts", JSON with the recipe and the whole-set Inception Score at each step.

    Parameters
    ----------
    data
        The folder that has ``digits.safetensors`` and ``classifier.safetensors``.
    """
    images = load_file(data / "digits.safetensors")["images"]
    network = DigitsNet().eval()
    network.load_state_dict(load_weights(data / "classifier.safetensors"))
    for name, recipe in RECIPES.items():
        start = perf_counter()
        samples = list(train(images, recipe))
        with torch.inference_mode():
            logits = [network(as_batch(some)).double().numpy() for some in samples]
        scores = [round(inception_score(logits=some, splits=1).overall, 4) for some in logits]
        facts = {
            **asdict(recipe),
            "latent": LATENT,
            "batch": BATCH,
            "adam_betas": BETAS,
            "inception_scores": scores,
            "versions": {"torch": str(torch.__version__), "numpy": np.__version__},
        }
        tensors: dict[str, NDArray[Any]] = {"samples": np.stack(samples), "steps": np.array(recipe.steps, np.int64)}
        (data / f"gan-{name}.safetensors").write_bytes(save(tensors, {"facts": json.dumps(facts)}))
        print(f"{name}: {perf_counter() - start:.0f} s, scores {scores}")
