"""What a network's last linear layer gets of each image: noted while the network runs, and brought along."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch
    from torch import nn

    from isexplore.classifiers import Classifier

__all__ = ["Features", "check_has_features", "features_of"]


class Features:
    """Puts behind the logits of a network what the last `torch.nn.Linear` that it calls gets: the same as columns.

    So they go through whatever logits go through, such as halves of a batch, and are cut off at the end.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._width = 0
        self._seen: Any = None

    def note(self, _: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Remember what a layer gets: a hook before its call."""
        self._seen = inputs[0] if inputs else named["input"]

    def behind(self, run: Callable[[torch.Tensor], Any]) -> Callable[[torch.Tensor], Any]:
        """Make what runs the network return rows of logits and features, (B, C + D).

        What are no logits stays alone, and is left to who checks it.
        """
        import torch

        def both(batch: torch.Tensor) -> Any:
            self._seen = None
            logits = run(batch)
            seen, self._seen = self._seen, None
            if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or len(logits) != len(batch):  # noqa: PLR2004 - a matrix
                self._width = 0
                return logits
            if seen is None:
                raise ValueError(f"{self._name} called no torch.nn.Linear, so there are no embeddings to keep")
            if len(seen) != len(batch):
                raise ValueError(
                    f"the last torch.nn.Linear that {self._name} called got {tuple(seen.shape)} for {len(batch)} "
                    "images, so there is not one embedding an image to keep"
                )
            features = seen.flatten(1) if seen.ndim > 1 else seen[:, None]
            if self._width not in (0, features.shape[1]):
                raise ValueError(f"{self._name} has embeddings of {self._width}, and of {features.shape[1]} numbers")
            self._width = features.shape[1]
            return torch.cat([logits, features], dim=1)

        return both

    def cut(self, rows: Any) -> tuple[Any, torch.Tensor | None]:
        """Cut rows into logits (B, C) and features (B, D)."""
        return (rows[:, : -self._width], rows[:, -self._width :]) if self._width else (rows, None)


@contextmanager
def features_of(module: nn.Module, name: str) -> Iterator[Features]:
    """Listen to all linear layers of a network, and leave it afterwards as it was.

    Examples
    --------
    >>> import torch
    >>> network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.ReLU(), torch.nn.Linear(4, 3))
    >>> with features_of(network, "mine") as features:
    ...     rows = features.behind(network)(torch.tensor([[[-1.0, 2.0], [0.5, -3.0]]]))
    >>> logits, seen = features.cut(rows)
    >>> logits.shape, seen
    (torch.Size([1, 3]), tensor([[0.0000, 2.0000, 0.5000, 0.0000]], grad_fn=...))
    """
    from torch import nn

    features = Features(name)
    with ExitStack() as hooks:
        for part in module.modules():
            if isinstance(part, nn.Linear):
                hooks.callback(part.register_forward_pre_hook(features.note, with_kwargs=True).remove)
        yield features


def check_has_features(network: Classifier) -> None:
    """Refuse a network without a linear layer before it has done any work.

    Raises
    ------
    ValueError
        If there is none, or it is in a program, where nobody can listen.

    Examples
    --------
    >>> import torch
    >>> from isexplore.classifiers import load_classifier
    >>> check_has_features(load_classifier(torch.nn.Flatten()))
    Traceback (most recent call last):
        ...
    ValueError: embeddings are what a network's last torch.nn.Linear gets, and Flatten has none: ...
    """
    from torch import nn

    from isexplore.classifiers.any_batch import AnyBatch

    if any(isinstance(part, AnyBatch) for part in network.module.modules()):
        raise ValueError(
            f"{network.name} is a program from a file, and embeddings can't be had from inside of one: "
            "give the torch.nn.Module itself, or do without embeddings"
        )
    if not any(isinstance(part, nn.Linear) for part in network.module.modules()):
        raise ValueError(
            f"embeddings are what a network's last torch.nn.Linear gets, and {network.name} has none: "
            "take another network, or do without embeddings"
        )
