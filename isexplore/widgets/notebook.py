"""The variables of the notebook that may hold images or networks."""

from __future__ import annotations

import inspect
import sys
from functools import partial
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PIL import Image

from isexplore.classifiers import Classifier
from isexplore.images import ImageSet
from isexplore.images.datasets import is_hugging_face
from isexplore.images.streams import is_stream
from isexplore.predictions import Predictions

if TYPE_CHECKING:
    from collections.abc import Mapping

# What `isexplore.images.generators` asks a module for, and what functions call the number of images that are wanted.
_LATENTS = ("latent_dim", "z_dim", "nz", "latent_shape")
_COUNTS = frozenset(
    {"n", "b", "bs", "batch", "batch_size", "count", "num", "size", "n_images", "n_samples", "num_images"}
    | {"num_samples", "samples"}
)


def notebook_namespace() -> Mapping[str, Any]:
    """Return the variables of the notebook that this runs in; none elsewhere."""
    from IPython import get_ipython

    shell = get_ipython()
    return {} if shell is None else cast("Mapping[str, Any]", shell.user_ns)


def image_variables(namespace: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, description) of each variable that may hold a sample set, or generate one.

    Examples
    --------
    >>> image_variables({"images": np.zeros((5, 8, 8), np.uint8), "epochs": 7})
    [('images', 'images: 5×8×8 uint8')]
    """
    found = []
    for name, value in _public(namespace):
        what = _describe(value)
        if what:
            found.append((name, f"{name}: {what}"))
    return found


def network_variables(namespace: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, description) of each variable that is a classifier or a torch module; likely generators come last.

    Examples
    --------
    >>> import torch
    >>> network_variables({"network": torch.nn.Flatten(), "epochs": 7})
    [('network', 'network: a network of this notebook')]
    """
    module = _torch_class("nn", "Module")
    networks, generators = [], []
    for name, value in _public(namespace):
        if isinstance(value, module) and may_generate(value):
            generators.append((name, f"{name}: a generator of this notebook?"))
        # Only what looks like one by its class: to ask an object for its attributes may run code.
        elif isinstance(value, module) or (hasattr(type(value), "prepare") and isinstance(value, Classifier)):
            networks.append((name, f"{name}: a network of this notebook"))
    return networks + generators


def may_generate(value: object) -> bool:
    """Tell whether something looks like a generator of images.

    That is a torch module that states its latent size, or a function whose only required argument is called as a number
    of images is: to try any function of a notebook would surprise.

    Examples
    --------
    >>> may_generate(lambda n: np.zeros((n, 8, 8))), may_generate(print), may_generate(lambda image: image)
    (True, False, False)
    """
    if isinstance(value, _torch_class("nn", "Module")):
        return any(hasattr(value, name) for name in _LATENTS)
    if not isinstance(value, FunctionType | MethodType | partial):
        return False
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return False
    required = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return (
        len(required) == 1
        and required[0].name.lower() in _COUNTS
        and required[0].kind is not inspect.Parameter.KEYWORD_ONLY
    )


def _describe(value: object) -> str:
    """Say in a few words how a variable holds images; nothing if it does not."""
    if isinstance(value, Predictions | ImageSet):
        return f"{len(value)} images"
    if isinstance(value, (np.ndarray, _torch_class("Tensor"))):
        array = cast("np.ndarray[Any, Any]", value)
        kind = str(array.dtype).removeprefix("torch.")
        return f"{'×'.join(map(str, array.shape))} {kind}" if array.ndim in (3, 4) else ""
    if isinstance(value, list) and value and isinstance(value[0], Image.Image):
        return f"{len(value)} images of Pillow's"
    if is_stream(value):
        return "a stream of images"
    if isinstance(value, _torch_class("utils", "data", "Dataset")) or is_hugging_face(value, "Dataset"):
        return f"a dataset{_length(value)}"
    return "a generator" if may_generate(value) else ""


def _public(namespace: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in list(namespace.items()) if not name.startswith("_")]


def _length(value: Any) -> str:
    try:
        return f" of {len(value)}"
    except Exception:  # noqa: BLE001 - it is a person's own code, and this only a hint
        return ""


def _torch_class(*names: str) -> type:
    """Return a class of torch; one that nothing belongs to if nobody has imported it yet, or a thread still does so."""
    found: Any = sys.modules.get("torch")
    for name in names:
        found = getattr(found, name, None)
    return found if isinstance(found, type) else _Nothing


class _Nothing:
    """What no value is."""
