"""Train small GANs on the digits, one that does well and two that collapse, and keep samples along the way.

The loss is the non-saturating one of Goodfellow et al. 2014, "Generative Adversarial Nets". The runs differ in learning
rates, seed and length alone; nothing is done to the samples but rounding to gray levels.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.numpy import load_file, save
from safetensors.torch import load_file as load_weights
from torch import nn
from torch.nn import functional

from isexplore.classifiers.digits import DigitsNet
from isexplore.demo.build.classifier import as_batch
from isexplore.score import inception_score

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SAMPLES = 1000
LATENT = 32
BATCH = 64
BETAS = (0.5, 0.999)


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
    torch.manual_seed(recipe.seed)
    real = torch.from_numpy(images).to(torch.float32).div(127.5).sub(1).flatten(1)
    generator = nn.Sequential(_perceptron(LATENT, 128, 256, 64), nn.Tanh())
    discriminator = _perceptron(64, 256, 128, 1)
    generator_optimizer = torch.optim.Adam(generator.parameters(), recipe.generator_rate, BETAS)
    discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), recipe.discriminator_rate, BETAS)
    latents = torch.randn(SAMPLES, LATENT)
    yes, no = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
    judge = functional.binary_cross_entropy_with_logits
    for step in range(1, recipe.steps[-1] + 1):
        drawn = real[torch.randint(len(real), (BATCH,))]
        fake = generator(torch.randn(BATCH, LATENT))

        loss = judge(discriminator(drawn), yes) + judge(discriminator(fake.detach()), no)
        discriminator_optimizer.zero_grad()
        loss.backward()
        discriminator_optimizer.step()

        loss = judge(discriminator(fake), yes)
        generator_optimizer.zero_grad()
        loss.backward()
        generator_optimizer.step()

        if step in recipe.steps:
            with torch.no_grad():
                samples = generator(latents).add(1).mul(127.5).round().clamp(0, 255)
            yield samples.to(torch.uint8).view(-1, 8, 8).numpy()


def _perceptron(*widths: int) -> nn.Sequential:
    """Linear layers of these widths with leaky ReLUs between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


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
