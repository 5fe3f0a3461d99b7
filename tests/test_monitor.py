"""The monitor of a training: it sees what is drawn, and the training never notices that it was there."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
import pytest
import torch
from torch import nn

import isexplore as ix
from isexplore.predictions import Predictions
from isexplore.runs import Monitor, load_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

TWO_PROCESSES = """
import torch
from torch import distributed
from isexplore.runs import Monitor

distributed.init_process_group("gloo")
monitor = Monitor(lambda count: torch.rand(count, 8, 8), "digits", every=1, n=4)
for step in (1, 2, 3):
    monitor(step)
print(f"{distributed.get_rank()}:{len(monitor.checkpoints())}", flush=True)
distributed.destroy_process_group()
"""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Train with one thread: more would only wait for each other in networks this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Noisy(nn.Module):
    """A generator with everything that a training can be disturbed by: batch norm, dropout, its own randomness."""

    latent_dim = 8

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.Dropout(0.3), nn.Linear(32, 64))
        self.layers[1].eval()  # frozen, as people do; it has to stay so

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        drawn: torch.Tensor = self.layers(z + 0.01 * torch.randn_like(z)).tanh()
        return drawn.view(-1, 1, 8, 8)


def still(value: float = 0.5) -> Callable[[int], torch.Tensor]:
    """Return a generator of plain gray."""
    return lambda count: torch.full((count, 1, 8, 8), value)


def trained(monitored: bool, tmp_path: Path, steps: int = 25) -> tuple[dict[str, torch.Tensor], list[float]]:  # noqa: FBT001 - with or without
    """Train for a few steps with random numbers from everywhere; return the weights, and the next random numbers."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the one that trainings use
    torch.manual_seed(0)
    generator = Noisy()
    monitor = Monitor(generator, "digits", every=5, path=tmp_path / "a.run", n=70, value_range=(-1, 1))
    optimizer = torch.optim.Adam(generator.parameters(), 0.01)
    for step in range(1, steps + 1):
        noise = random.random() + np.random.rand()  # noqa: NPY002, S311 - as above
        loss = (generator(torch.randn(16, 8)) - noise).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if monitored:
            monitor(step)
    assert len(monitor.checkpoints()) == (5 if monitored else 0)
    assert [part.training for part in generator.modules()] == [True, True, True, False, True, True]
    numbers = [random.random(), np.random.rand(), torch.rand(()).item()]  # noqa: NPY002, S311 - as above
    return generator.state_dict(), numbers


def test_weights_and_random_numbers_are_the_same_with_and_without_it(tmp_path: Path) -> None:
    (weights, numbers), (other_weights, other_numbers) = trained(True, tmp_path), trained(False, tmp_path)
    assert numbers == other_numbers
    for name, weight in weights.items():
        assert torch.equal(weight, other_weights[name]), name


def test_making_one_draws_no_random_number(tmp_path: Path) -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    Monitor(Noisy(), "digits", value_range=(-1, 1), path=tmp_path / "a.run")
    torch.manual_seed(0)
    generator = Noisy()
    after_generator = torch.get_rng_state()
    Monitor(generator, "digits", value_range=(-1, 1))
    assert torch.equal(torch.get_rng_state(), after_generator)
    torch.manual_seed(0)
    assert torch.equal(torch.rand(3), expected)


def test_no_gradient_is_left() -> None:
    generator = Noisy()
    Monitor(generator, "digits", every=1, n=4, value_range=(-1, 1))(1)
    assert all(parameter.grad is None for parameter in generator.parameters())


def test_rows_are_those_of_predict() -> None:
    torch.manual_seed(3)
    generator = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))
    generator.z_dim = 16  # type: ignore[assignment] # a number beside the layers
    monitor = Monitor(generator, "digits", every=1, n=300, value_range=(-1, 1))
    monitor(1)
    seen = monitor.checkpoints()["step 1"]
    images = ix.open_images(generator, n=300, value_range=(-1, 1))
    expected = ix.predict(images, "digits", device="cpu", embeddings=True, progress=False)
    for part in ("probabilities", "embeddings", "digests", "thumbnails"):
        np.testing.assert_array_equal(getattr(seen, part), getattr(expected, part), strict=True)
    for part in ("class_names", "image_names", "labels"):
        assert getattr(seen, part) == getattr(expected, part)
    made, wanted = seen.provenance, expected.provenance
    assert made.source == "Sequential, step 1"
    for part in ("classifier", "preprocessing", "device", "precision", "weights_sha256", "versions"):
        assert getattr(made, part) == getattr(wanted, part)


def test_latents_stay_the_same() -> None:
    seen: list[torch.Tensor] = []

    class Generator(nn.Module):
        latent_dim = 4

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            seen.append(z.clone())
            return z.repeat(1, 16).view(-1, 1, 8, 8).sigmoid()

    monitor = Monitor(Generator(), "digits", every=10, n=100)
    seen.clear()
    for step in range(1, 31):
        torch.randn(step)
        monitor(step)
    first, second, third = (torch.cat(seen[i : i + 2]) for i in (0, 2, 4))
    assert first.shape == (100, 4)
    assert torch.equal(first, second)
    assert torch.equal(first, third)


def test_functions_are_drawn_from_with_the_same_numbers() -> None:
    monitor = Monitor(lambda count: torch.rand(count, 8, 8), "digits", every=1, n=20)
    monitor(1)
    monitor(2)
    one, other = monitor.checkpoints().values()
    np.testing.assert_array_equal(one.digests, other.digests)


def steps_taken(steps: Sequence[SupportsIndex], every: int) -> list[str]:
    monitor = Monitor(still(), "digits", every=every, n=2)
    taken: list[str] = []
    monitor.watch(lambda name, _: taken.append(name))
    for step in steps:
        monitor(step)
    return taken


@pytest.mark.parametrize(
    ("steps", "taken"),
    [
        ([*range(1, 31)], [10, 20, 30]),
        ([*range(31)], [0, 10, 20, 30]),
        ([*range(3, 40, 3)], [12, 21, 30]),  # not every step is told, as where two optimizers step
        ([25, 26, 29, 30], [30]),  # from the middle on
        ([7, 45, 46], [45]),
        ([*range(1, 21), *range(6, 16)], [10, 20, 10]),  # a crash, and on from step 5
        ([10, 10, 10, 20, 20], [10, 20]),  # told again, as where gradients of several batches are added up
    ],
)
def test_a_checkpoint_is_due_whenever_a_multiple_is_passed(steps: list[int], taken: list[int]) -> None:
    assert steps_taken(steps, every=10) == [f"step {step}" for step in taken]


def test_numbers_of_torch_are_steps() -> None:
    assert steps_taken([torch.tensor(5)], every=5) == ["step 5"]


@pytest.mark.parametrize(("step", "error"), [("5", TypeError), (5.0, TypeError), (-1, ValueError)])
def test_other_steps_are_refused(step: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Monitor(still(), "digits", n=2)(step)


def test_the_run_file_has_what_the_monitor_has(tmp_path: Path) -> None:
    monitor = Monitor(Noisy(), "digits", every=5, path=tmp_path / "a.run", n=10, value_range=(-1, 1))
    assert load_run(tmp_path / "a.run") == {}
    for step in (*range(1, 21), *range(8, 13)):
        monitor(step)
    kept, run = monitor.checkpoints(), load_run(tmp_path / "a.run")
    assert list(kept) == list(run) == ["step 5", "step 10"]  # the training went back to step 7
    for one, other in zip(kept.values(), run.values(), strict=True):
        np.testing.assert_array_equal(one.probabilities, other.probabilities)
        assert one.provenance == other.provenance


def test_watchers_are_told_until_they_no_longer_want_to() -> None:
    monitor = Monitor(still(), "digits", every=1, n=3)
    told: list[tuple[str, int]] = []

    def watcher(name: str, predictions: Predictions) -> None:
        told.append((name, len(predictions)))

    monitor.watch(watcher)
    monitor(1)
    monitor.unwatch(watcher)
    monitor.unwatch(watcher)
    monitor(2)
    assert told == [("step 1", 3)]
    assert list(monitor.checkpoints()) == ["step 1", "step 2"]


def test_checkpoints_are_a_copy() -> None:
    monitor = Monitor(still(), "digits", every=1, n=3)
    monitor.checkpoints()["step 9"] = Predictions.from_probabilities([[1.0, 0.0]])
    assert monitor.checkpoints() == {}


def test_images_that_go_bad_are_told_of_once_and_the_training_goes_on(tmp_path: Path) -> None:
    values = iter([0.5, 0.5, float("nan"), float("nan"), 0.5])
    draw = lambda count: torch.full((count, 1, 8, 8), next(values))  # noqa: E731 - as people write it
    monitor = Monitor(draw, "digits", every=1, path=tmp_path / "a.run", n=4)
    monitor(1)
    with pytest.warns(UserWarning, match=r"no checkpoint at step 2, and the training goes on: .*NaN") as caught:
        monitor(2)
    assert len(caught) == 1
    assert caught[0].filename == __file__  # the line of the training loop
    monitor(3)  # the same again: warnings are errors here
    monitor(4)
    assert list(monitor.checkpoints()) == list(load_run(tmp_path / "a.run")) == ["step 1", "step 4"]


def test_a_broken_generator_gets_its_mode_and_the_random_state_back() -> None:
    class Breaking(Noisy):
        broken = False

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            torch.rand(7)
            if self.broken:
                raise RuntimeError("CUDA error: out of luck")
            return super().forward(z)

    generator = Breaking()
    monitor = Monitor(generator, "digits", every=1, n=4, value_range=(-1, 1))
    generator.broken = True
    before = torch.get_rng_state()
    with pytest.warns(UserWarning, match="out of luck"):
        monitor(1)
    assert torch.equal(torch.get_rng_state(), before)
    assert generator.training
    assert not generator.layers[1].training


def test_a_run_file_that_can_no_longer_be_written_is_told_of_once(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    monitor = Monitor(still(), "digits", every=1, path=tmp_path / "runs" / "a.run", n=4)
    monitor(1)
    (tmp_path / "runs" / "a.run").unlink()
    (tmp_path / "runs").rmdir()
    with pytest.warns(UserWarning, match=r"the run file lacks a checkpoint at step 2.*does not exist") as caught:
        monitor(2)
    assert len(caught) == 1
    monitor(3)
    assert len(monitor.checkpoints()) == 3  # memory still has them


def test_a_failing_watcher_is_told_of_once_and_others_go_on() -> None:
    monitor = Monitor(still(), "digits", every=1, n=4)
    told: list[str] = []

    def fails(*_: object) -> None:
        raise ValueError("the browser is gone")

    monitor.watch(fails)
    monitor.watch(lambda name, _: told.append(name))
    with pytest.warns(UserWarning, match="can't be shown at step 1.*the browser is gone"):
        monitor(1)
    monitor(2)
    assert told == ["step 1", "step 2"]


def test_ctrl_c_still_ends_a_training() -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monitor = Monitor(still(), "digits", every=1, n=4)
    monitor.watch(interrupted)
    with pytest.raises(KeyboardInterrupt):
        monitor(1)


@pytest.mark.parametrize(
    ("generator", "options", "error", "why"),
    [
        (nn.Linear(4, 64), {}, ValueError, "does not say what its latents are"),
        (still(0.25), {"every": 0}, ValueError, "at least 1, not 0 and 256"),
        (still(0.25), {"n": 0}, ValueError, "at least 1, not 500 and 0"),
        (still(0.25), {"every": 2.5}, TypeError, "float"),
        (still(7.5), {"value_range": (-1, 1)}, RuntimeError, "outside the range"),
        (still(-0.3), {}, ValueError, "state the values of black and white"),
        (lambda count: torch.zeros(count + 1, 8, 8), {}, RuntimeError, "asked for 64 images and returned 65"),
        (still(0.25), {"path": "nowhere/a.run"}, FileNotFoundError, "nowhere does not exist"),
        (7, {}, ValueError, "n says how many"),
    ],
)
def test_what_is_wrong_from_the_start_is_raised_at_once(
    generator: Any, options: dict[str, Any], error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        Monitor(generator, "digits", **options)


def test_an_unknown_classifier_is_raised_at_once() -> None:
    with pytest.raises(ValueError, match="no classifier is named 'inception'"):
        Monitor(still(), "inception")


def test_a_classifier_without_a_linear_layer_gives_no_embeddings() -> None:
    monitor = Monitor(still(), nn.Sequential(nn.Conv2d(1, 5, 8), nn.Flatten()), every=1, n=4)
    monitor(1)
    assert monitor.checkpoints()["step 1"].embeddings is None


def test_conditional_generators_keep_their_labels() -> None:
    class Conditional(nn.Module):
        latent_dim = 4
        num_classes = 3

        def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return (z.sum(1) * y).sigmoid().view(-1, 1, 1, 1).expand(-1, 1, 8, 8)

    monitor = Monitor(Conditional(), "digits", every=1, n=7)
    monitor(1)
    assert monitor.checkpoints()["step 1"].labels == (0, 1, 2, 0, 1, 2, 0)


def test_only_the_first_of_several_processes_draws_and_waits_for_nobody(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TWO_PROCESSES, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "train.py"]
    done = subprocess.run(  # noqa: S603 - our own command
        command,
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == ["0:3", "1:0"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_it_works_where_the_generator_is() -> None:
    generator = Noisy().cuda()
    state = torch.cuda.get_rng_state()
    monitor = Monitor(generator, "digits", every=1, n=70, value_range=(-1, 1))
    monitor(1)
    assert torch.equal(torch.cuda.get_rng_state(), state)
    assert all(parameter.is_cuda for parameter in generator.parameters())
    assert monitor.checkpoints()["step 1"].provenance.device == "cuda:0"


def test_ignite_calls_it() -> None:
    engine = pytest.importorskip("ignite.engine")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ignite's own
        training = ix.demo.train_gan()
        monitor = Monitor(training.generator, "digits", every=5, n=8, value_range=(-1, 1))
        steps = training.steps(12)
        trainer = engine.Engine(lambda *_: next(steps))
        trainer.add_event_handler(engine.Events.ITERATION_COMPLETED, lambda engine: monitor(engine.state.iteration))
        trainer.run(range(6), max_epochs=2)
    assert list(monitor.checkpoints()) == ["step 5", "step 10"]


def test_the_demo_gan_learns_while_it_is_watched() -> None:
    training = ix.demo.train_gan()
    monitor = Monitor(training.generator, "digits", every=100, value_range=(-1, 1))
    for step in training.steps(300):
        monitor(step)
    scores = [ix.inception_score(p.probabilities, splits=1).overall for p in monitor.checkpoints().values()]
    assert len(scores) == 3
    assert scores[-1] > scores[0] + 1


class Keeping(nn.Module):
    """Keeps a tensor that it makes at its first call, as rotary embeddings do."""

    latent_dim = 8

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 64)
        self.scale: torch.Tensor | None = None

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        if self.scale is None:
            self.scale = torch.ones(64)
        images: torch.Tensor = (self.layer(z) * self.scale).tanh().view(-1, 1, 8, 8)
        return images


def test_what_a_generator_keeps_of_the_first_images_can_be_trained_through() -> None:
    generator = Keeping()
    Monitor(generator, "digits", every=1, n=4, value_range=(-1, 1))
    generator(torch.randn(4, 8)).sum().backward()
    assert generator.layer.weight.grad is not None
