"""Run every check on a sample set, or on several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, overload

from isexplore.collapse.comparable import check_comparable
from isexplore.collapse.evidence import SPLITS, Evidence, Side, side_of
from isexplore.collapse.finding import SEVERITIES, Finding
from isexplore.predictions import Predictions
from isexplore.report.checks import CHECKS
from isexplore.report.embeddings import read_embeddings
from isexplore.report.report import Report
from isexplore.report.run_report import RunReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

__all__ = ["diagnose", "diagnose_run", "diagnose_sides", "sides_of"]


@overload
def diagnose(
    preds: Predictions, reference: Predictions | None = None, embeddings: ArrayLike | None = None
) -> Report: ...
@overload
def diagnose(preds: Mapping[str, Predictions], reference: Predictions | None = None) -> RunReport: ...
def diagnose(
    preds: Predictions | Mapping[str, Predictions],
    reference: Predictions | None = None,
    embeddings: ArrayLike | None = None,
) -> Report | RunReport:
    """Look for mode collapse, and for what makes an Inception Score unreliable.

    The score sees p(y|x) alone: a generator that draws one memorised image per class scores as high as the best. So
    the images are looked at, too: their pixels (copies), and what the network's last layer sees of them (embeddings,
    see `isexplore.predict`), where the predictions hold these. Each check says what it found, how sure that is, and
    which images show it; "fine" where it found nothing.

    Parameters
    ----------
    preds : Predictions or mapping of str to Predictions
        One sample set; or several by their names, such as the checkpoints of a run, first to last.
    reference : Predictions, optional
        Real images, seen by the same network. Without them the classes are held against equal shares, and what
        compares two sets is left out.
    embeddings : array-like of shape (N, D), optional
        Of one set, in place of those that its predictions hold.

    Returns
    -------
    Report or RunReport
        A `RunReport` of several sets.

    Raises
    ------
    TypeError
        If something else is given than predictions.
    ValueError
        If there is no set, sets have other classes or were seen by another network, or embeddings don't fit.

    Notes
    -----
    Each finding names its test in `source`. Among them: the false discovery rate of all classes together (Benjamini
    and Hochberg 1995); the number of different images behind repeats by the birthday
    paradox (Arora, Risteski and Zhang 2018, "Do GANs learn the distribution?"); number of statistically-different
    bins (Richardson and Weiss 2018, "On GANs and GMMs"); between- and within-class scores (Benny et al. 2021,
    "Evaluation Metrics for Conditional Image Generation"); precision and recall (Kynkäänniemi et al. 2019); density
    and coverage (Naeem et al. 2020); Fréchet distance (Heusel et al. 2017).

    Examples
    --------
    >>> import isexplore as ix
    >>> def digits(images):
    ...     return ix.predict(images, "digits", device="cpu", progress=False)
    >>> real = digits(ix.demo.real())
    >>> diagnose(digits(ix.demo.gan("collapsed")), reference=real).severity
    'severe'
    >>> run = {f"step {step}": digits(ix.demo.gan("collapsed", step=step)) for step in (2000, 4500, 30000)}
    >>> diagnose(run, reference=real).since
    'step 4500'
    """
    if isinstance(preds, Mapping):
        if embeddings is not None:
            raise TypeError("embeddings= belongs to one sample set; predictions of several bring their own")
        return diagnose_run(preds, reference)
    return diagnose_sides(*sides_of(preds, reference, embeddings))


def sides_of(
    preds: Predictions, reference: Predictions | None = None, embeddings: ArrayLike | None = None
) -> tuple[Side, Side | None]:
    """Return what the checks look at in a sample set and in its reference.

    Parameters
    ----------
    preds, reference, embeddings
        As of `diagnose`, of one set.

    Returns
    -------
    (Side, Side or None)

    Raises
    ------
    TypeError, ValueError
        As `diagnose`.

    Examples
    --------
    >>> sample, reference = sides_of(Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]]))
    >>> sample.class_counts, reference
    (array([1, 1]), None)
    """
    _check_type(preds, "preds")
    given = None if embeddings is None else read_embeddings(embeddings, len(preds))
    if reference is not None:
        _check_type(reference, "reference")
        check_comparable(preds, reference, "the set", "the reference")
    return side_of(preds, given), None if reference is None else side_of(reference)


def diagnose_run(
    sets: Mapping[str, Predictions], reference: Predictions | None = None, splits: int = SPLITS
) -> RunReport:
    """Run every check on several sets, as `diagnose` does, over another number of splits.

    Parameters
    ----------
    sets, reference
        As of `diagnose`.
    splits : int
        Of each score; what is said of too few images a split, and of their order, is of these splits.

    Returns
    -------
    RunReport

    Raises
    ------
    TypeError, ValueError
        As `diagnose`.

    Examples
    --------
    >>> two = {name: Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]]) for name in ("a", "b")}
    >>> diagnose_run(two, splits=1).reports["b"].evidence.sample.score.splits
    1
    """
    if not sets:
        raise ValueError("there is no set to diagnose: the mapping is empty")
    for name, each in sets.items():
        if not isinstance(name, str):
            raise TypeError(f"the sets' names must be text, not {name!r}")
        _check_type(each, f"the set {name!r}")
    first, *others = sets
    for name in others:  # before the work, not in the middle of it
        check_comparable(sets[first], sets[name], first, name)
    if reference is not None:
        _check_type(reference, "reference")
        for name, each in sets.items():  # each: nobody may have said of the first which network saw it
            check_comparable(each, reference, name, "the reference")
    real = None if reference is None else side_of(reference, splits=splits)
    return RunReport({name: diagnose_sides(side_of(each, splits=splits), real) for name, each in sets.items()})


def diagnose_sides(
    sample: Side, reference: Side | None = None, before: Callable[[int, int], None] = lambda _done, _total: None
) -> Report:
    """Run every check on a sample set whose score, classes and counts are known, as `diagnose` does.

    Who diagnoses many sets against one reference computes its side once.

    Parameters
    ----------
    sample : Side
    reference : Side, optional
        Of the same classes, seen by the same network: nobody looks after that here.
    before : callable, optional
        Called before each check with how many are done, and how many there are; what it raises ends the work.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If the embeddings of the two have other dimensions.

    Examples
    --------
    >>> two = [Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]]) for _ in range(2)]
    >>> diagnose_sides(*map(side_of, two)).evidence.reference.class_counts
    array([1, 1])
    """
    evidence, said = Evidence(sample, reference), list[Finding]()
    for done, check in enumerate(CHECKS):
        before(done, len(CHECKS))
        said += check(evidence)
    return Report(evidence, tuple(sorted(said, key=lambda finding: SEVERITIES.index(finding.severity))))


def _check_type(given: object, name: str) -> None:
    if not isinstance(given, Predictions):
        hint = "isexplore.predict and isexplore.load make them, and Predictions.from_probabilities of a matrix"
        raise TypeError(f"{name} must be Predictions, not {type(given).__name__}: {hint}")
