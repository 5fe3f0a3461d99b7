"""Rebuild the embedded data: ``python -m isexplore.demo.build``."""

from __future__ import annotations

from pathlib import Path

import torch

from isexplore.demo.build import classifier, digits, gan


def main() -> None:
    """Rebuild every file in ``isexplore/demo/data``, in the order in which they need each other."""
    # The number of threads changes the order of sums; these networks are too small to gain from more than one.
    torch.set_num_threads(1)
    data = Path(__file__).parents[1] / "data"
    data.mkdir(exist_ok=True)
    for part in (digits, classifier, gan):
        part.build(data)


if __name__ == "__main__":
    main()
