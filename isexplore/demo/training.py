"""The small GAN that drew the embedded samples, and its training, step by step.

The loss is the non-saturating one of Goodfellow et al. 2014, "Generative Adversarial Nets".
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

LATENT = 32
BATCH = 64
BETAS = (0.5, 0.999)


class Generator(nn.Sequential):
    """From latents (B, 32) to digits (B, 1, 8, 8), −1 for paper and 1 for ink.

    Examples
    --------
    >>> Generator()(torch.zeros(5, 32)).shape
    torch.Size([5, 1, 8, 8])
    """

    latent_dim = LATENT

    def __init__(self) -> None:
        super().__init__(_perceptron(LATENT, 128, 256, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))


class GanTraining:
    """A GAN that learns while `steps` is iterated.

    Parameters
    ----------
    images
        (N, 8, 8) real images.
    generator_rate, discriminator_rate
        Learning rates of Adam.
    seed
        Of torch's global random state, which everything is drawn from.

    Attributes
    ----------
    generator : Generator
    """

    def __init__(
        self, images: NDArray[np.uint8], generator_rate: float, discriminator_rate: float, seed: int = 0
    ) -> None:
        torch.manual_seed(seed)
        self.generator = Generator()
        self._discriminator = nn.Sequential(nn.Flatten(), _perceptron(64, 256, 128, 1))
        self._real = torch.from_numpy(images).to(torch.float32).div(127.5).sub(1).unsqueeze(1)
        self._generator_optimizer = torch.optim.Adam(self.generator.parameters(), generator_rate, BETAS)
        self._discriminator_optimizer = torch.optim.Adam(self._discriminator.parameters(), discriminator_rate, BETAS)
        self._done = 0

    def set_rates(self, generator_rate: float, discriminator_rate: float) -> None:
        """Change the learning rates from here on."""
        self._generator_optimizer.param_groups[0]["lr"] = generator_rate
        self._discriminator_optimizer.param_groups[0]["lr"] = discriminator_rate

    def steps(self, count: int) -> Iterator[int]:
        """Make steps one after the other, and yield how many are done in all, from 1 on."""
        yes, no = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
        judge = functional.binary_cross_entropy_with_logits
        for _ in range(count):
            drawn = self._real[torch.randint(len(self._real), (BATCH,))]
            fake = self.generator(torch.randn(BATCH, LATENT))

            loss = judge(self._discriminator(drawn), yes) + judge(self._discriminator(fake.detach()), no)
            self._discriminator_optimizer.zero_grad()
            loss.backward()
            self._discriminator_optimizer.step()

            loss = judge(self._discriminator(fake), yes)
            self._generator_optimizer.zero_grad()
            loss.backward()
            self._generator_optimizer.step()

            self._done += 1
            yield self._done


def _perceptron(*widths: int) -> nn.Sequential:
    """Linear layers of these widths with leaky ReLUs between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])
