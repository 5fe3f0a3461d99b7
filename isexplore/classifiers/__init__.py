"""Networks from images to logits, one file each, behind one small protocol."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

__all__ = ["Classifier", "load_classifier"]

KNOWN = ("digits", "inception-2015", "inception-v3")
# How names of network files end: torch.export's .pt2, TorchScript's others, and .pth for the error that it deserves.
FILE_ENDINGS = (".pt2", ".pt", ".ts", ".torchscript", ".pth")


@runtime_checkable
class Classifier(Protocol):
    """A network that returns logits, and how images are made ready for it.

    Examples
    --------
    >>> import numpy as np
    >>> network = load_classifier("digits")
    >>> isinstance(network, Classifier)
    True
    >>> network.module(network.prepare([np.zeros((28, 28, 3), np.uint8)])).shape
    torch.Size([1, 10])
    """

    @property
    def name(self) -> str:
        """What people call it, such as "digits"."""

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """One name a logit, or None where nobody gave them names."""

    @property
    def preprocessing(self) -> str:
        """What ``prepare`` does, in one line shown to people."""

    @property
    def module(self) -> torch.nn.Module:
        """The network, from what ``prepare`` returns to (B, classes) logits."""

    def prepare(self, images: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
        """Turn (H, W, 1 or 3) uint8 images into a (B, C, H, W) uint8 or float32 batch on the CPU."""


def load_classifier(
    classifier: str | os.PathLike[str] | torch.nn.Module | Classifier,
    report: Callable[[int, int | None], None] | None = None,
) -> Classifier:
    """Find a classifier by its name, load it from a file, or wrap a bare network.

    Parameters
    ----------
    classifier
        "digits", "inception-2015", "inception-v3", a file that torch.export or TorchScript saved (``"mine.pt2"``; it is
        a program that is run, so load only files that you trust), any ``torch.nn.Module`` that returns logits, or a
        ready `Classifier`, which comes back unchanged.
    report : callable, optional
        Called with (bytes done, bytes in all or None) while weights are downloaded, in the place of a progress bar.
        What it raises ends the download, and nothing of it stays.

    Returns
    -------
    Classifier
        The network with its preprocessing.

    Raises
    ------
    ValueError
        If no classifier has that name, its weights are damaged, or the file holds no network.
    OSError
        If there is no such file, or weights are not on this machine and can't be downloaded.
    TypeError
        If it is neither a name, a file, a network nor a classifier.

    Examples
    --------
    >>> load_classifier("digits").name
    'digits'
    """
    if isinstance(classifier, str) and not classifier.lower().endswith(FILE_ENDINGS):
        return _named(classifier, report)
    if isinstance(classifier, (str, os.PathLike)):
        from isexplore.classifiers.network_file import load_network_file

        return load_network_file(classifier)
    if isinstance(classifier, Classifier) and not isinstance(classifier, type):
        return classifier

    from torch import nn

    from isexplore.classifiers.module import ModuleClassifier

    if isinstance(classifier, nn.Module):
        return ModuleClassifier(classifier)
    found = f"the class {classifier.__name__}" if isinstance(classifier, type) else type(classifier).__name__
    raise TypeError(
        f"a classifier is one of the names {_listed()}, a network file ({FILE_ENDINGS[0]}, TorchScript), "
        f"a torch.nn.Module or a Classifier, not {found}"
    )


def _named(name: str, report: Callable[[int, int | None], None] | None) -> Classifier:
    """Load one of the classifiers that the package knows."""
    if name not in KNOWN:
        raise ValueError(
            f"no classifier is named {name!r}; known are: {_listed()}, and files that end in {', '.join(FILE_ENDINGS)}"
        )
    if name == "digits":
        from isexplore.classifiers.digits import DigitsClassifier

        return DigitsClassifier()

    from isexplore.classifiers.weights import get_weights

    weights = get_weights(name, report=report)
    if name == "inception-2015":
        from isexplore.classifiers.inception_2015 import inception_2015

        return inception_2015(weights=weights)

    from isexplore.classifiers.inception_v3 import inception_v3

    return inception_v3(weights=weights)


def _listed() -> str:
    """List the known names for a message."""
    return ", ".join(map(repr, KNOWN))
