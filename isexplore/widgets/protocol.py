"""The score against the number of splits, the rules for them, and the order of the images."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from isexplore.order import split_loss
from isexplore.rules import RULES
from isexplore.splits import shuffled_order
from isexplore.uncertainty import FIRST_ORDER_LIMIT
from isexplore.widgets.frame import shuffled
from isexplore.widgets.panel import HERE, Panel
from isexplore.widgets.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from isexplore.widgets.frame import Frame, Order, Sample
    from isexplore.widgets.state import ExplorerState


class ProtocolPanel(Panel["Frame"]):
    """Shows what the number of splits, the rule for them and the order of the images do to the score."""

    _esm = HERE / "protocol.js"
    depends: ClassVar[tuple[str, ...]] = ("sample", "score", "order", "printed")
    state: ExplorerState

    splits = traitlets.Int(1).tag(sync=True)
    busy = traitlets.Unicode().tag(sync=True)

    def __init__(self, state: ExplorerState) -> None:
        self.worker = Worker()
        self._latest = 0  # number of the latest request for an order
        super().__init__(state)
        self.observe(self._slid, "splits")

    def picture(self, frame: Frame) -> dict[str, Any]:
        """Return the curve, the current point on it, and what the rules and the order make of it."""
        score, order, printed = frame.score, frame.order, frame.printed
        sizes, in_file_order = np.diff(printed.cuts), frame.sample.file_order.curve
        return {
            "counts": order.curve.counts.tolist(),
            "means": order.curve.mean.tolist(),
            "stds": order.curve.std.tolist(),
            "fileMeans": None if order.seed is None else in_file_order.mean.tolist(),
            "splits": score.splits,
            "mean": score.mean,
            "std": score.std,
            "overall": score.overall,
            "seed": order.seed,
            "order": _words(order),
            "before": float(in_file_order.at(score.splits).mean()),
            "rules": [[key, rule.title] for key, rule in RULES.items()],
            "rule": frame.rules.split_rule,
            "ofASample": frame.rules.of_a_sample,
            "printed": {
                "mean": printed.mean,
                "std": None if np.isnan(printed.std) else printed.std,
                "splits": printed.splits,
                "sizes": f"{sizes.min():,}" if sizes.min() == sizes.max() else f"{sizes.min():,}–{sizes.max():,}",
                "leftOut": printed.left_out,
            },
            "ruleUser": RULES[frame.rules.split_rule].user,
            "loss": asdict(split_loss(score)),
            # Where first order fails, its expectation would only mislead.
            "expects": score.bias_constant * score.splits <= 2 * FIRST_ORDER_LIMIT * score.n_images,
            "alarm": _alarm(order),
            "test": _verdict(order),
        }

    def redraw(self) -> None:
        """Send the current picture, and the split count with it."""
        with self.state.lock, self.hold_sync():
            if self.state.frame is not None:
                self.splits = self.state.frame.score.splits
            super().redraw()

    def act(self, kind: str, message: dict[str, Any], _: list[memoryview]) -> None:
        """Shuffle, go back to the order of the files, or print by other rules."""
        if kind == "shuffle":
            self._shuffle(message["seed"])
        elif kind == "rule":
            self.state.set_rule(str(message["value"]))
        elif kind == "spread":
            self.state.set_spread(of_a_sample=message["value"] == "sample")
        else:
            raise ValueError(f"the protocol has no action {kind!r}")

    def close(self) -> None:
        """Leave the page, and end the thread."""
        self._latest += 1
        self.worker.abandon()
        super().close()

    def _shuffle(self, given: Any) -> None:
        sample = self.state.shown().sample
        if given is not None:
            shuffled_order(1, int(given))  # says at once if it is no seed
        self._latest += 1
        if given is None:
            self.worker.cancel()
            self.busy = ""
            self.state.shuffle(None)
            return
        seed, request = int(given), self._latest
        self.busy = "shuffling …"
        self.worker.start(
            lambda _: shuffled(sample, seed),
            lambda order: self._finish(request, lambda: self._take(sample, order)),
            lambda problem: self._finish(request, lambda: self._give_up(problem)),
        )

    def _finish(self, request: int, act: Callable[[], None]) -> None:
        """Act on what the worker made of a request, unless there was another one since."""
        with self.state.lock:
            if request == self._latest:
                self.busy = ""
                act()

    def _take(self, sample: Sample, order: Order) -> None:
        if self.state.frame is not None and self.state.frame.sample is sample:  # else it is another set's order
            self.attempt(self.state.set_order, sample, order)

    def _give_up(self, problem: Exception) -> None:
        self.error = str(problem) or type(problem).__name__

    def _slid(self, change: dict[str, Any]) -> None:
        if self.state.frame is not None and change["new"] != self.state.frame.score.splits:
            self.attempt(self.state.set_splits, change["new"])


def _words(order: Order) -> str:
    return "file order" if order.seed is None else f"the order shuffled with seed {order.seed}"


def _alarm(order: Order) -> bool:
    # An order that was shuffled here is random, whatever one test in a thousand says.
    return order.seed is None and order.test is not None and order.test.alarm


def _verdict(order: Order) -> str:
    test = order.test
    if test is None:
        return "Too few images to test their order."
    used = "" if test.n_used == test.n_images else f", {test.n_used:,} images"
    if _alarm(order):
        share = f"{100 * test.loss:.2g} %"
        return f"Not in random order: {test.splits} splits lose {share} to it (p = {test.p_value:.2g}{used})."
    words = "No sign of an order" if order.seed is None else "In random order"
    return (
        f"{words}, tested with {test.splits} splits: p = {test.p_value:.2g} ({test.permutations} permutations{used})."
    )
