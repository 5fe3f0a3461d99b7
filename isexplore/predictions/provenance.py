"""How predictions came about: kept with them, in their file too."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Provenance:
    """How predictions came about.

    Attributes
    ----------
    source : str
        The sample set's name.
    classifier, preprocessing, device, precision : str or None
        What turned images into probabilities; None where nobody said.
    versions : mapping of str to str
        Package names and versions.
    created : str or None
        Time in UTC, ISO 8601.
    skipped : tuple of (str, str)
        Images that could not be read, and why.
    weights_sha256 : str or None
        Names the network's weights.

    Examples
    --------
    >>> Provenance(source="samples.npz", classifier="digits").classifier
    'digits'
    """

    source: str = "probabilities"
    classifier: str | None = None
    preprocessing: str | None = None
    device: str | None = None
    precision: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str | None = None
    skipped: tuple[tuple[str, str], ...] = ()
    weights_sha256: str | None = None

    def to_json(self) -> str:
        """Write it as JSON.

        Examples
        --------
        >>> Provenance.from_json(Provenance("samples.npz").to_json()) == Provenance("samples.npz")
        True
        """
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Provenance:
        """Read what `to_json` wrote, or another version: what it leaves out is unknown, and what is new is left out.

        Raises
        ------
        ValueError, TypeError
            If the text is no JSON, or holds something other than a provenance.

        Examples
        --------
        >>> Provenance.from_json('{"source": "samples.npz", "mood": "good"}').source
        'samples.npz'
        """
        given = json.loads(text)
        if not isinstance(given, dict):
            raise TypeError("its provenance is not a table")
        versions, skipped = given.pop("versions", {}), given.pop("skipped", ())
        known = {entry.name for entry in fields(cls)}
        return cls(
            **{name: clean_text(value) for name, value in given.items() if name in known and value is not None},
            versions={clean_text(package): clean_text(version) for package, version in versions.items()},
            skipped=tuple((clean_text(name), clean_text(reason)) for name, reason in skipped),
        )


def clean_text(value: object) -> str:
    r"""Refuse what is no text, and replace what can't be printed: halves of surrogate pairs.

    Raises
    ------
    TypeError
        If it is no text.

    Examples
    --------
    >>> clean_text("naïve \udcff.png")
    'naïve ?.png'
    """
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is not text")
    return value.encode(errors="replace").decode()
