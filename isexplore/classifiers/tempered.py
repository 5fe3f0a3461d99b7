"""A classifier that is less sure of everything, or more, by a temperature."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from isexplore.classifiers import Classifier

__all__ = ["TemperedClassifier"]


class _Tempered(nn.Module):
    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature
        self.eval()  # as the network that it was made of

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.network(images)) / self.temperature


@dataclass(frozen=True)
class TemperedClassifier:
    """Another classifier, with its logits divided by a temperature: p(y|x) is softmax(ln p / T).

    Examples
    --------
    >>> from isexplore.classifiers import load_classifier
    >>> TemperedClassifier(load_classifier("digits"), 2.0).name
    'digits at temperature 2'
    """

    classifier: Classifier = field(repr=False)
    temperature: float
    module: nn.Module = field(init=False, repr=False)
    name: str = field(init=False)
    class_names: tuple[str, ...] | None = field(init=False)
    preprocessing: str = field(init=False)

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"temperature is {self.temperature:g}: it must be above 0")
        derived = {
            "module": _Tempered(self.classifier.module, self.temperature),
            "name": f"{self.classifier.name} at temperature {self.temperature:g}",
            "class_names": self.classifier.class_names,
            "preprocessing": self.classifier.preprocessing,
        }
        for name, value in derived.items():  # a frozen dataclass sets its derived fields this way
            object.__setattr__(self, name, value)

    def prepare(self, images: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
        """Make images ready as the classifier itself does."""
        return self.classifier.prepare(images)
