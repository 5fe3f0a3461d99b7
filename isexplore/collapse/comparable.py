"""Whether the scores of two sample sets may be compared at all: the same classes, network and preprocessing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isexplore.collapse.words import short

if TYPE_CHECKING:
    from isexplore.predictions import Predictions

__all__ = ["check_comparable", "comparison_notes"]

_WHAT = {"classifier": "classifiers", "preprocessing": "preprocessings", "weights_sha256": "weights (SHA-256)"}


def check_comparable(a: Predictions, b: Predictions, name_a: str = "A", name_b: str = "B") -> None:
    """Refuse to compare two sample sets that were not seen by the same network in the same way.

    The score depends on the network as much as on the images: on the same images, other weights print 9.7 in place of
    11.2 (Barratt & Sharma 2018, "A Note on the Inception Score"). What nobody said, as of bare probabilities, is no
    reason to refuse, and neither is the precision, which changes a score by less than its standard error:
    `comparison_notes` says so.

    Parameters
    ----------
    a, b : Predictions
    name_a, name_b : str
        What the message calls them.

    Raises
    ------
    ValueError
        If the class names differ, or what is known of the classifiers, of their weights or of the preprocessing. The
        message says each of these, and what to do.

    Examples
    --------
    >>> from isexplore.predictions import Predictions
    >>> two, three = (Predictions.from_probabilities([[1.0, *[0.0] * zeros]]) for zeros in (1, 2))
    >>> check_comparable(two, two)
    >>> check_comparable(two, three, "step 1", "step 2")
    Traceback (most recent call last):
    ValueError: step 1 and step 2 can't be compared: ...
    """
    different = list(filter(None, [_classes(a, b)]))
    for key, words in _WHAT.items():
        one, other = getattr(a.provenance, key), getattr(b.provenance, key)
        if None not in (one, other) and one != other:
            different.append(f"their {words} differ ({short(one)} against {short(other)})")
    if different:
        raise ValueError(
            f"{short(name_a)} and {short(name_b)} can't be compared: {'; '.join(different)}. A score says something "
            "about images only next to one of the same network: predict both sets with the same classifier, such as "
            'isexplore.predict(images, classifier="inception-2015")'
        )


def comparison_notes(a: Predictions, b: Predictions, name_a: str = "A", name_b: str = "B") -> tuple[str, ...]:
    """Say in sentences what is unlike, or unknown, of two sample sets that may be compared.

    Parameters
    ----------
    a, b, name_a, name_b
        As for `check_comparable`.

    Examples
    --------
    >>> from isexplore.predictions import Predictions, Provenance
    >>> bare = Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]])
    >>> comparison_notes(bare, bare)
    ()
    >>> comparison_notes(bare, bare.described(Provenance(classifier="digits")))
    ('Nobody said which classifier A comes from; B comes from digits.',)
    """
    notes = []
    one, other = a.provenance, b.provenance
    if (one.classifier is None) != (other.classifier is None):
        (unknown, known), name = ((name_a, name_b), other) if one.classifier is None else ((name_b, name_a), one)
        notes.append(
            f"Nobody said which classifier {short(unknown)} comes from; {short(known)} comes from "
            f"{short(str(name.classifier))}."
        )
    if None not in (one.precision, other.precision) and one.precision != other.precision:
        notes.append(
            f"{short(name_a)} was computed in {short(str(one.precision))}, {short(name_b)} in "
            f"{short(str(other.precision))}: this changes a score a little."
        )
    return tuple(notes)


def _classes(a: Predictions, b: Predictions) -> str:
    """Say how the classes differ; nothing where they are the same."""
    one, other = a.class_names, b.class_names
    if one == other:
        return ""
    if len(one) != len(other):
        return f"they have {len(one):,} and {len(other):,} classes"
    if sorted(one) == sorted(other):
        return "they have the same classes in another order"
    first = next(i for i, names in enumerate(zip(one, other, strict=True)) if names[0] != names[1])
    return (
        f"their classes differ, first number {first} ({short(one[first])} against {short(other[first])}; if only the "
        "names do, give both the same class_names)"
    )
