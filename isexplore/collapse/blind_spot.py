"""What the Inception Score cannot see, and whether the other checks have had what they need to look for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isexplore.collapse.finding import Finding
from isexplore.collapse.near import FEWEST as FEWEST_NEAR
from isexplore.collapse.near import near_images
from isexplore.collapse.spread import FEWEST as FEWEST_SPREAD
from isexplore.collapse.spread import spread_classes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isexplore.collapse.evidence import Evidence

__all__ = ["check_blind_spot"]


def check_blind_spot(evidence: Evidence) -> Iterator[Finding]:
    """Say that the score alone does not see copies inside a class, and what could not be looked for.

    Examples
    --------
    >>> from isexplore.collapse.evidence import Evidence, side_of
    >>> from isexplore.predictions import Predictions
    >>> drawn = side_of(Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]]))
    >>> print(next(check_blind_spot(Evidence(drawn))).sentence)
    The Inception Score alone cannot see memorised or repeated images inside a class. Not looked for: equal images ...
    """
    missing = list(_not_looked_for(evidence))
    said = "The Inception Score alone cannot see memorised or repeated images inside a class."
    rest = f"Not looked for: {'; '.join(missing)}." if missing else "Other checks looked for them here."
    yield Finding(
        key="blind-spot",
        title="What the score cannot see",
        severity="fine",
        value=len(missing),
        unit="things not looked for",
        sentence=f"{said} {rest}",
        source="Borji 2018, “Pros and Cons of GAN Evaluation Measures”",
    )


def _not_looked_for(evidence: Evidence) -> Iterator[str]:
    sample, reference = evidence.sample, evidence.reference
    if sample.predictions.digests is None and sample.predictions.thumbnails is None:
        yield "equal images (needs the images: use predict)"
    if sample.embeddings is None:
        yield "nearly equal images and a lack of variety inside a class (use predict(…, embeddings=True))"
    elif min(map(len, near_images(evidence))) < FEWEST_NEAR:
        yield f"nearly equal images (needs {FEWEST_NEAR} different images in each set)"
    if reference is None:
        yield "what a real set would have (use diagnose(…, reference=…))"
    elif sample.embeddings is not None and reference.embeddings is None:
        yield "the reference's own variety (use predict(…, embeddings=True) for it too)"
    elif sample.embeddings is not None and not len(spread_classes(evidence)):
        yield f"a lack of variety inside a class (needs {FEWEST_SPREAD} images of a class in both sets)"
