"""Images a second through the network of 2015 with the same random weights: peers, and ours exact and fast."""

from __future__ import annotations

import statistics
import time
import warnings
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import torch
from figures import Figure, table, times
from torch import nn

from isexplore.classifiers.inception_2015 import Inception2015, build_network, resize_like_tensorflow_1
from isexplore.classifiers.pretrained import PretrainedClassifier
from isexplore.classifiers.state import fill
from isexplore.inference.acceleration import accelerated, usual_batch_size

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TITLE = "Inception of 2015, random weights, images of 32×32 (medians, taking turns)"
GFLOP = 11.4  # an image
_BUDGETS = {"cpu": {"exact": 1.8, "fast": 3.5}, "cuda": {"fast": 5.0}}
_IMAGES = {"cpu": 64, "cuda": 4096}  # a repeat
_PEERS_BATCH = {"cpu": 32, "cuda": 256}
_REPEATS = 4
_LONG_RUN = 10**7  # images that compiling pays for


def measure() -> list[Figure]:
    figures = _on(torch.device("cpu"))
    if not torch.cuda.is_available():
        return [*figures, Figure("the same on a GPU", float("nan"), "images/s", why="there was none")]
    return figures + _on(torch.device("cuda"))


def random_peer() -> Any:
    """Return torch-fidelity's own network with random weights, without a download."""
    from torch_fidelity import feature_extractor_inceptionv3 as fidelity

    network = fidelity.FeatureExtractorInceptionV3
    with (
        patch.object(fidelity, "load_state_dict_from_url", lambda *_, **__: None),
        patch.object(network, "load_state_dict", lambda *_: None),
    ):
        peer = network("peer", ["logits_unbiased"])
    torch.manual_seed(0)
    for part in peer.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight)
        elif isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, 0, 0.05)
    return peer.eval()


def torchmetrics_network(weights: dict[str, torch.Tensor]) -> Any:
    """Return the network that torchmetrics' InceptionScore runs, with these weights."""
    from torch_fidelity import feature_extractor_inceptionv3 as fidelity
    from torchmetrics.image import fid

    network = fid.NoTrainInceptionV3
    with (
        patch.object(fidelity, "load_state_dict_from_url", lambda *_, **__: None),
        patch.object(network, "load_state_dict", lambda *_: None),
    ):
        peer = network("peer", ["logits_unbiased"])
    peer.load_state_dict(weights)
    return peer.eval()


def ours(weights: dict[str, torch.Tensor], path: Path) -> PretrainedClassifier:
    """Return our network with these weights; `path` is what errors call them."""
    network = build_network()
    fill(network, weights, path)
    names = tuple(map(str, range(1008)))
    return PretrainedClassifier(
        Inception2015(network).eval(), "inception-2015", names, "TensorFlow 1's", "0", resize_like_tensorflow_1
    )


def matrix_rate(place: torch.device) -> float:
    """Return the bfloat16 GFLOP/s of a large matrix product: the best of some."""
    side = 8192 if place.type == "cuda" else 2048
    a, b = (torch.randn(side, side, device=place).bfloat16() for _ in range(2))
    runs = times({"product": lambda: _awaited(lambda: a @ b)}, 10)["product"]
    return 2 * side**3 / min(runs) / 1e9


def in_batches(run: Callable[[torch.Tensor], Any], pixels: torch.Tensor, size: int) -> None:
    """Run all images, from where they lie, and wait for them."""
    with torch.inference_mode():
        _awaited(lambda: [run(batch) for batch in pixels.split(size)])


def _awaited(call: Callable[[], object]) -> None:
    call()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def _on(place: torch.device) -> list[Figure]:
    from pathlib import Path

    n = _IMAGES[place.type]
    pixels = torch.randint(0, 256, (n, 3, 32, 32), dtype=torch.uint8).to(place)
    peer = random_peer()
    classifier = ours(peer.state_dict(), Path("random weights"))
    size = usual_batch_size(classifier, (32, 32, 3), place)
    at_a_time = _PEERS_BATCH[place.type]
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # the peers' own
        work: dict[str, Callable[[], object]] = {
            "torch-fidelity": partial(in_batches, peer.to(place), pixels, at_a_time),
            "torchmetrics": partial(in_batches, torchmetrics_network(peer.state_dict()).to(place), pixels, at_a_time),
        }
        compiling, described = 0.0, {}
        for name, precision, images in (
            ("exact", "exact", n),
            ("fast", "fast", n),
            ("fast, long run", "fast", _LONG_RUN),
        ):
            began = time.perf_counter()
            network = stack.enter_context(accelerated(classifier, place, precision, images, size))  # type: ignore[arg-type]
            compiling = time.perf_counter() - began  # of the last
            work[name] = partial(in_batches, network.run, pixels, size)
            described[name] = network.description
        for call in work.values():
            call()  # the first is slower
        seconds = {name: statistics.median(runs) for name, runs in times(work, _REPEATS).items()}
    ceiling = matrix_rate(place) / GFLOP
    figures = [Figure(f"{place.type}: {name}", n / seconds[name], "images/s") for name in list(work)[:2]]
    for name, how in described.items():
        ratio = seconds["torch-fidelity"] / seconds[name]
        share = n / seconds[name] / ceiling
        why = f"{ratio:.2f} × torch-fidelity, {share:.0%} of the bfloat16 matrix rate; batches of {size}"
        if name == "fast, long run":
            why += f"; without the {compiling:.0f} s of compiling"
        figures.append(Figure(f"{place.type}: {name} ({how})", n / seconds[name], "images/s", why=why))
        wanted = _BUDGETS[place.type].get(name.partition(",")[0])
        if wanted:
            # A budget is what a figure may be at most: here the time an image.
            figures.append(
                Figure(
                    f"{place.type}: {name}, time an image",
                    1e3 * seconds[name] / n,
                    "ms",
                    1e3 * seconds["torch-fidelity"] / n / wanted,
                    f"torch-fidelity's / {wanted}",
                )
            )
    return [*figures, Figure(f"{place.type}: bfloat16 matrix rate / {GFLOP} GFLOP", ceiling, "images/s", why="ceiling")]


if __name__ == "__main__":
    print(table(TITLE, measure()))
