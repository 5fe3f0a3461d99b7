"""What the score sees of each alteration of the digits, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isexplore.widgets.playground.digits_state import DigitsFrame

__all__ = ["lessons"]

_SURE = 1.0  # the temperature of the network as it was trained


def lessons(frame: DigitsFrame) -> list[str]:
    """Return a sentence on each alteration that is shown; first of all, what they did to the score together.

    Examples
    --------
    >>> from isexplore.widgets.playground.digits_state import DigitsState
    >>> state = DigitsState()
    >>> lessons(state.frame)
    ['The digits as they are: nearly all are sure, and all ten are as frequent, so the score is near 10.']
    >>> state.close()
    """
    shown, score, real = frame.shown, frame.score, frame.real
    left = score.n_classes - len(shown.drop)
    told = {
        f"Without {_listed(shown.drop)} the score is at most about {left}: it does see classes that are missing.": bool(
            shown.drop
        ),
        f"Only {left} different images are left, and that takes nothing off the score: it can't see that a generator"
        " repeats itself within a class, nor that it memorised its images.": shown.kept == "one",
        "Copies change nothing in the whole set: every image counts by its p(y|x) alone."
        + (" Only the corrected score believes that there are more images." if shown.order == "file" else ""): (
            shown.copies > 1
        ),
        "A person can still read digits so blurred that the network takes them all for a few classes:"
        " the score measures how like they are to what this network was trained on.": shown.blur > 0,
        "With noise the network still sees digits where there are hardly any: the score falls, and yet stays"
        " above 1, as confident mistakes count as much as confident hits.": shown.noise > 0,
        f"Sorted by class, each of {score.splits} splits holds a few classes only, so their mean score"
        f" is {score.mean:.2f}, with the very same images: {score.overall:.2f} as one split.": (
            shown.order == "sorted" and score.splits > 1
        ),
        f"In random order, the mean of {score.splits} splits is {score.mean:.2f}: the file itself goes through the"
        " ten digits in turn, which flatters small splits a little.": shown.order == "shuffled" and score.splits > 1,
        f"Divided by T = {shown.temperature:g}, the logits name the same classes as before, only"
        f" {'less' if shown.temperature > _SURE else 'more'} surely:"
        " the score judges the network's confidence as much as the images.": shown.temperature != _SURE,
    }
    sentences = [sentence for sentence, holds in told.items() if holds]
    if not sentences:
        return ["The digits as they are: nearly all are sure, and all ten are as frequent, so the score is near 10."]
    change = (
        f"Whole set {real.overall:.2f} → {score.overall:.2f}: variety H(y) {real.marginal_entropy:.2f} →"
        f" {score.marginal_entropy:.2f}, doubt H(y|x) {real.conditional_entropy.mean():.2f} →"
        f" {score.conditional_entropy.mean():.2f} nats."
    )
    return [change, *sentences]


def _listed(drop: tuple[int, ...]) -> str:
    *most, last = map(str, drop or ("any",))
    return f"{', '.join(most)} and {last}" if most else last
