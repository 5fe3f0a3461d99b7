"""What the chooser's form says, and what of it is still missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from isexplore.inference.settings import Precision, Settings
from isexplore.tensor_files import expand_home

if TYPE_CHECKING:
    from collections.abc import Mapping


_NUMBER = r"([-−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+−]?\d+)?)"
_TWO_NUMBERS = re.compile(rf"[\[(]?\s*{_NUMBER}\s*(?:\s|,|;|to|and|[-−–—])\s*{_NUMBER}\s*[\])]?")


class NothingChosen(ValueError):  # noqa: N818 - it is a hint rather than an error
    """Says what a person can choose, where nothing is chosen yet."""


@dataclass(frozen=True)
class Choice:
    """What the form says, as text: each field is one control.

    Attributes
    ----------
    source : str
        ``"demo:NAME"``, ``"path"``, ``"upload"`` or ``"variable"``.
    step, path, variable, images, range, layout : str
        Which sample set; `images` is how many are taken from a generator or a stream.
    classifier : str
        A name, ``"variable:NAME"``, or ``"file"``, which `network` is the path of.
    device, precision, batch : str
        How it is computed; `batch` is the number of images a batch.

        All are empty where nothing is chosen or the value is inferred.

    Examples
    --------
    >>> Choice(source="path", path="samples.npz").classifier
    'digits'
    """

    source: str = "demo:real"
    step: str = ""
    path: str = ""
    variable: str = ""
    images: str = ""
    range: str = ""
    layout: str = ""
    classifier: str = "digits"
    network: str = ""
    device: str = "auto"
    precision: str = "exact"
    batch: str = ""


def read_settings(choice: Choice) -> Settings:
    """Return how a run is to be done.

    Raises
    ------
    NothingChosen
        If no network is chosen yet.
    ValueError
        If what is chosen is no way to run.

    Examples
    --------
    >>> read_settings(Choice(batch="64"))
    Settings(device='auto', precision='exact', batch_size=64, on_error='skip', out=None, embeddings=False)
    """
    if choice.classifier == "file":
        path = choice.network.strip()
        if not path:
            raise NothingChosen("type the path of a network file: it is a program that is run, so one that you trust")
        if not expand_home(path).is_file():
            raise ValueError(f"there is no network file {path}")
    batch = whole_number(choice.batch, "batch size") if choice.batch.strip() else None
    return Settings(choice.device, cast("Precision", choice.precision), batch)


def missing_settings(choice: Choice) -> Exception | None:
    """Return why a run can't be done so; None if it can.

    Examples
    --------
    >>> missing_settings(Choice(batch="none"))
    ValueError("batch size 'none': give a whole number from 1")
    """
    try:
        read_settings(choice)
    except (ValueError, OSError) as error:
        return error
    return None


def read_classifier(choice: Choice, namespace: Mapping[str, Any]) -> Any:
    """Return what `isexplore.classifiers.load_classifier` takes: a name, a path, or a variable of the notebook.

    Examples
    --------
    >>> read_classifier(Choice(classifier="file", network="mine.pt2"), {}).name
    'mine.pt2'
    """
    kind, _, name = choice.classifier.partition(":")
    if kind == "file":
        return expand_home(choice.network.strip())
    return namespace.get(name) if kind == "variable" else choice.classifier


def whole_number(text: str, what: str) -> int:
    """Return the number that a person has typed, such as “50,000”.

    Raises
    ------
    ValueError
        If it is none from 1 on.

    Examples
    --------
    >>> whole_number("50,000", "images")
    50000
    """
    digits = re.sub(r"(?<=\d)[,_ \u202f](?=\d{3})", "", text.strip())
    if not re.fullmatch(r"[0-9]{1,12}", digits) or int(digits) < 1:
        raise ValueError(f"{what} {text!r}: give a whole number from 1")
    return int(digits)


def two_numbers(text: str) -> tuple[float, float]:
    """Return the values of black and white that a person has typed.

    Raises
    ------
    ValueError
        If these are not two numbers.

    Examples
    --------
    >>> two_numbers("0–255")
    (0.0, 255.0)
    """
    found = _TWO_NUMBERS.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"values {text!r}: state black and white as two numbers, such as “0 255”")
    low, high = (float(number.replace("−", "-")) for number in found.groups())
    return low, high
