"""Watches a training: draws from the generator every few hundred steps, classifies, keeps, and tells who looks on."""

from __future__ import annotations

import warnings
from dataclasses import replace
from operator import index as whole
from threading import Lock
from typing import TYPE_CHECKING, Any, SupportsIndex

from isexplore.random_states import kept_random_states
from isexplore.runs.checkpoint import classify_here, device_of
from isexplore.runs.run_file import append, create, step_name

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import torch

    from isexplore.classifiers import Classifier
    from isexplore.images import ImageSet
    from isexplore.predictions import Predictions

__all__ = ["Monitor"]


class Monitor:
    """Watches a generator while it is trained: call it after each step.

    Every `every` steps it draws n images, always from the same latents, classifies them, keeps the predictions in
    memory, appends them to a run file, and tells whoever watches, as each widget of ``isexplore.explore(monitor)`` does
    until its ``close()``, also where one is shown again.
    Steps in between cost next to nothing.

    The training is left as it is: the generator gets its mode back, there are no gradients, and the global random
    states of Python, NumPy and torch are put back, so that the weights come out the same bit for bit. An error at the
    start is raised. Later nothing that goes wrong here, such as an image with NaN or a full disk, ends the training:
    there is one warning for each kind of trouble, and the next checkpoint is tried again. Only where warnings are made
    errors, as by ``python -W error``, that warning does.

    Parameters
    ----------
    generator : torch.nn.Module or callable
        As for `isexplore.open_images`: a module that says ``latent_dim``, ``latent_shape``, ``z_dim`` or ``nz``, or a
        function of a number of images. The function is called with the random states seeded, and puts what it calls
        into eval mode itself. Of a module that is wrapped for several processes, give the inner one
        (``wrapped.module``): only the first process draws.
    classifier : str, path, torch.nn.Module or Classifier
        As for `isexplore.predict`. It runs where the generator is.
    every : int
        Steps from one checkpoint to the next.
    path : path-like, optional
        The run file, such as ``"gan.run"``: `isexplore.explore` opens it, during the training and afterwards. What it
        has of this step or later ones, from a training before, is replaced.
    n : int
        Images a checkpoint.
    value_range : tuple of two floats, optional
        The values of black and white in what the generator returns, (-1, 1) behind a tanh. Needed where it returns
        floats that don't tell yet, as before the first step.

    Raises
    ------
    ValueError
        If the generator, the classifier, the numbers or the run file are none that can be worked with.
    RuntimeError
        If the generator fails at its first images.
    OSError
        If the run file or the classifier's weights can't be had.

    Notes
    -----
    In PyTorch-Ignite::

        trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: monitor(engine.state.iteration))

    and in Lightning, whose `global_step` counts the steps of all optimizers together::

        LambdaCallback(on_train_batch_end=lambda trainer, *_: monitor(trainer.global_step))

    Examples
    --------
    >>> import torch
    >>> generator = torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.Tanh(), torch.nn.Unflatten(1, (1, 8, 8)))
    >>> generator.latent_dim = 32
    >>> monitor = Monitor(generator, "digits", every=100, n=50, value_range=(-1, 1))
    >>> for step in range(1, 301):
    ...     monitor(step)  # after a step of the training
    >>> monitor.checkpoints()["step 300"]
    Predictions(50 images × 10 classes, Sequential, step 300, digits)
    """

    def __init__(  # noqa: PLR0913 - what is drawn, by what it is judged, how often, and where it goes
        self,
        generator: torch.nn.Module | Callable[[int], Any],
        classifier: str | os.PathLike[str] | torch.nn.Module | Classifier,
        *,
        every: int = 500,
        path: str | os.PathLike[str] | None = None,
        n: int = 256,
        value_range: tuple[float, float] | None = None,
    ) -> None:
        from isexplore.classifiers import load_classifier
        from isexplore.inference.features import check_has_features

        self._every, self._n = whole(every), whole(n)
        if self._every < 1 or self._n < 1:
            raise ValueError(f"every and n must be at least 1, not {self._every} and {self._n}")
        self._generator, self._value_range, self._path = generator, value_range, path
        with kept_random_states():  # a network's first weights are drawn, too
            self._network = load_classifier(classifier)
            self._open()
        try:
            check_has_features(self._network)
        except ValueError:  # then findings that need embeddings are left out
            self._embeddings = False
        else:
            self._embeddings = True
        if path is not None:
            create(path)
        self._last: int | None = None  # the step of the last call
        self._kept: dict[int, Predictions] = {}
        self._watchers: list[Callable[[str, Predictions], object]] = []
        self._lock = Lock()  # who looks on may do so from another thread
        self._warned: set[str] = set()

    def __repr__(self) -> str:
        return f"Monitor({self._n} images every {self._every} steps, {self._network.name})"

    def __call__(self, step: SupportsIndex) -> None:
        """Tell that a step of the training is done.

        A checkpoint is due when steps have reached or passed a multiple of `every` since the last call, so that not
        every step need be told; and at step 0, before the first one.

        Parameters
        ----------
        step : int, or what is like one
            How many steps are done. The same number told again counts once. Where it is lower than before, the training
            has gone back: the next checkpoint that is due replaces what was kept of its own step and of later ones.

        Raises
        ------
        TypeError, ValueError
            If the step is no whole number from 0 on.

        Warns
        -----
        UserWarning
            If a checkpoint can't be had, written or shown; once for each.
        """
        number = whole(step)
        if number < 0:
            raise ValueError(f"a step must be a number from 0 on, not {number}")
        before = number - 1 if self._last is None or number < self._last else self._last
        self._last = number
        if number // self._every == before // self._every or not _is_first_process():
            return
        with kept_random_states():
            self._take(number)

    def checkpoints(self) -> dict[str, Predictions]:
        """Return the checkpoints that this monitor has made, by "step 500" …, in the order of the steps."""
        with self._lock:
            return {step_name(step): predictions for step, predictions in self._kept.items()}

    def watch(self, callback: Callable[[str, Predictions], object]) -> None:
        """Call ``callback(name, predictions)`` with each new checkpoint, in the thread of the training.

        After the training has gone back a name may come again.
        """
        with self._lock:
            self._watchers.append(callback)

    def unwatch(self, callback: Callable[[str, Predictions], object]) -> None:
        """Call a callback no more; one that isn't called is no error."""
        with self._lock:
            self._watchers = [watcher for watcher in self._watchers if watcher != callback]

    def _open(self) -> ImageSet:
        """Draw the first images; the rest is drawn when it is read."""
        from isexplore.images import open_images

        return open_images(self._generator, n=self._n, value_range=self._value_range)

    def _take(self, step: int) -> None:
        """Make a checkpoint, keep it, and tell of it; whatever fails, the training goes on."""
        name = step_name(step)
        try:
            sample = self._open()
            sample = replace(sample, name=f"{sample.name}, {name}")
            place = device_of(self._generator)
            predictions = classify_here(sample, self._network, place, embeddings=self._embeddings)
        except Exception as error:  # noqa: BLE001 - a training of days must not end for it
            self._warn("there is no checkpoint", name, error)
            return
        with self._lock:
            self._kept = {other: kept for other, kept in self._kept.items() if other < step} | {step: predictions}
            watchers = tuple(self._watchers)
        if self._path is not None:
            try:
                append(self._path, step, predictions)
            except Exception as error:  # noqa: BLE001 - as above
                self._warn("the run file lacks a checkpoint", name, error)
        for watcher in watchers:
            try:
                watcher(name, predictions)
            except Exception as error:  # noqa: BLE001 - as above
                self._warn("a checkpoint can't be shown", name, error)

    def _warn(self, what: str, name: str, error: Exception) -> None:
        if what not in self._warned:
            self._warned.add(what)
            why = str(error) or type(error).__name__
            warnings.warn(f"{what} at {name}, and the training goes on: {why}", stacklevel=4)


def _is_first_process() -> bool:
    """Say whether this is the first of the processes that train together, or the only one."""
    from torch import distributed

    return not (distributed.is_available() and distributed.is_initialized()) or distributed.get_rank() == 0
