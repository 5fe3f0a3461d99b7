"""Train the digits classifier on the images that are not held out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.numpy import load_file
from safetensors.torch import save
from torch.nn import functional

from isexplore.classifiers.digits import DigitsNet

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SEED = 0
EPOCHS = 100
BATCH = 64
LEARNING_RATE = 3e-3
# Each training image is turned (radians), scaled and moved (half widths) by up to this much, anew in each epoch.
TURN, SCALE, SHIFT = 0.2, 0.1, 0.15


def train(images: torch.Tensor, labels: torch.Tensor) -> DigitsNet:
    """Train a network from scratch with Adam, the learning rate falling along a cosine.

    Parameters
    ----------
    images
        (N, 1, 8, 8) float32 from 0 to 1.
    labels
        (N,) int64 classes.

    Returns
    -------
    DigitsNet
        In evaluation mode.
    """
    torch.manual_seed(SEED)
    network = DigitsNet().train()
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(images)).split(BATCH):
            loss = functional.cross_entropy(network(disturb(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    return network.eval()


def disturb(images: torch.Tensor) -> torch.Tensor:
    """Turn, scale and move each image a little, at random.

    Parameters
    ----------
    images
        (N, 1, 8, 8).

    Returns
    -------
    torch.Tensor
        (N, 1, 8, 8), interpolated bilinearly.
    """
    angle, scale, *shift = torch.rand(4, len(images)) * 2 - 1
    angle, scale = angle * TURN, 1 + scale * SCALE
    across, down = (part * SHIFT for part in shift)
    rows = [angle.cos() * scale, -angle.sin() * scale, across, angle.sin() * scale, angle.cos() * scale, down]
    grid = functional.affine_grid(torch.stack(rows, 1).view(-1, 2, 3), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def count_correct(network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> int:
    """Count the images whose largest logit is at their label.

    Parameters
    ----------
    network
        From (N, 1, 8, 8) to (N, 10) logits.
    images
        (N, 1, 8, 8) float32 from 0 to 1.
    labels
        (N,) int64 classes.

    Returns
    -------
    int
        From 0 to N.
    """
    with torch.inference_mode():
        return int((network(images).argmax(1) == labels).sum())


def as_batch(images: NDArray[np.uint8]) -> torch.Tensor:
    """Scale (N, 8, 8) uint8 images to (N, 1, 8, 8) float32 from 0 to 1."""
    return torch.from_numpy(images).unsqueeze(1).to(torch.float32).div(255)


def build(data: Path) -> None:
    """Train, write ``classifier.safetensors``, and write what was measured to ``classifier.json``.

    Parameters
    ----------
    data
        The folder that has ``digits.safetensors``.
    """
    digits = load_file(data / "digits.safetensors")
    images, labels = as_batch(digits["images"]), torch.from_numpy(digits["labels"].astype(np.int64))
    held_out = torch.from_numpy(digits["held_out"].astype(np.bool_))
    network = train(images[~held_out], labels[~held_out])
    correct = count_correct(network, images[held_out], labels[held_out])
    rows = int(held_out.sum())
    facts = {
        "held_out_accuracy": correct / rows,
        "held_out_correct": correct,
        "held_out_rows": rows,
        "training_rows": len(images) - rows,
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "seed": SEED,
        "epochs": EPOCHS,
        "batch": BATCH,
        "learning_rate": LEARNING_RATE,
        "versions": {"torch": str(torch.__version__), "numpy": np.__version__},
    }
    (data / "classifier.safetensors").write_bytes(save(network.state_dict()))
    (data / "classifier.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(f"classifier: {correct} of {rows} held-out images right ({correct / rows:.2%})")
