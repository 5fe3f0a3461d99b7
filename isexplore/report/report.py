"""What the checks found in one sample set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isexplore.report.text import as_html, basis_of, notes_of, said, scored, verdict_of

if TYPE_CHECKING:
    import os

    import pandas as pd

    from isexplore.collapse.evidence import Evidence
    from isexplore.collapse.finding import Finding, Severity

__all__ = ["Report"]


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """What the checks found in one sample set.

    Attributes
    ----------
    evidence : Evidence
        What they looked at: the set, the reference, the level and the seed.
    checks : tuple of Finding
        What every check says, worst first; in the order of the checks where equally bad.

    Examples
    --------
    >>> import isexplore as ix
    >>> real = ix.predict(ix.demo.real(), "digits", device="cpu", progress=False)
    >>> ix.diagnose(real).severity
    'fine'
    """

    evidence: Evidence
    checks: tuple[Finding, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, worst first."""
        return tuple(check for check in self.checks if check.fires)

    @property
    def severity(self) -> Severity:
        """The worst of all severities; "fine" where nothing is wrong."""
        return self.checks[0].severity if self.checks else "fine"

    def __str__(self) -> str:
        sample = self.evidence.sample
        head = scored(sample.predictions.provenance.source, sample)
        return "\n".join([head, *map(said, self.findings), basis_of(self), *notes_of(self)])

    def __repr__(self) -> str:
        return f"<Report: {self}>"

    def _repr_html_(self) -> str:
        return as_html(str(self))

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row a check, worst first (needs pandas).

        Its columns are those of `Finding`, with the interval as low and high; images is how many, and classes are
        names.
        """
        import pandas as pd

        from isexplore.report.rows import COLUMNS, rows_of

        return pd.DataFrame(rows_of(self), columns=list(COLUMNS))

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write one self-contained page that opens offline, whole or not at all (needs plotly).

        It holds Plotly's JavaScript (4.8 MB), the numbers of all plots and a choice of thumbnails, and asks the
        network for nothing. Names are shown as text, whatever is in them.

        Parameters
        ----------
        path : path-like
            Must end in .html.

        Raises
        ------
        ValueError
            If the path does not end in .html.
        OSError
            If the folder does not exist, or the file can't be written.

        Examples
        --------
        >>> import isexplore as ix
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> preds = ix.Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]])
        >>> with TemporaryDirectory() as folder:
        ...     ix.diagnose(preds).to_html(f"{folder}/report.html")
        ...     Path(folder, "report.html").stat().st_size > 1_000_000
        True
        """
        from isexplore.report.page import write_page

        name = self.evidence.sample.predictions.provenance.source
        write_page(path, name, verdict_of(self), {name: self})
