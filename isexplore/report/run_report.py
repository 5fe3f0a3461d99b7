"""What the checks found in several sample sets, such as the checkpoints of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isexplore.collapse.words import listed, short
from isexplore.report.since import severe_from, since_in_words
from isexplore.report.text import as_html, basis_of, notes_of, said, scored, verdict_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import pandas as pd

    from isexplore.collapse.finding import Severity
    from isexplore.report.report import Report

__all__ = ["RunReport"]


@dataclass(frozen=True, eq=False, repr=False)
class RunReport:
    """What the checks found in several sample sets, in their order.

    Attributes
    ----------
    reports : mapping of str to Report
        By the sets' names, first to last; at least one.

    Examples
    --------
    >>> import isexplore as ix
    >>> steps = {step: ix.demo.gan("healthy", step=step) for step in (5000, 6000)}
    >>> run = {f"step {step}": ix.predict(s, "digits", device="cpu", progress=False) for step, s in steps.items()}
    >>> report = ix.diagnose(run)
    >>> list(report.reports), report.since
    (['step 5000', 'step 6000'], None)
    """

    reports: Mapping[str, Report]

    @property
    def severity(self) -> Severity:
        """The worst of all severities in the last set: what the run has come to."""
        return self._last.severity

    @property
    def since(self) -> str | None:
        """The first set from which on all are severe, to the last; None if the last one is not."""
        return next(iter(severe_from(self.reports)), None)

    def since_of(self, key: str) -> str | None:
        """Return the first set from which on a check is severe, to the last; None if it is not severe in the last.

        Parameters
        ----------
        key : str
            Of a `Finding`, such as "missing-classes".
        """
        return next(iter(severe_from(self.reports, key)), None)

    @property
    def _last(self) -> Report:
        return list(self.reports.values())[-1]

    @property
    def _title(self) -> str:
        names = [short(name) for name in self.reports]
        return names[0] if len(names) == 1 else f"{len(names)} sets, {names[0]} to {names[-1]}"

    @property
    def _verdict(self) -> str:
        if self.since is not None:
            return f"severe from {short(self.since)} on"
        earlier = [short(name) for name, report in self.reports.items() if report.severity == "severe"]
        return "; ".join([verdict_of(self._last), *([f"severe before that: {listed(earlier)}"] if earlier else [])])

    def __str__(self) -> str:
        last = list(self.reports)[-1]
        lines = [said(found, since_in_words(self.reports, last, found.key)) for found in self._last.findings]
        head = scored(last, self._last.evidence.sample)
        basis = [basis_of(self._last), *notes_of(self._last)]
        return "\n".join([f"{self._title}: {self._verdict}", head, *lines, *basis])

    def __repr__(self) -> str:
        return f"<RunReport: {self}>"

    def _repr_html_(self) -> str:
        return as_html(str(self))

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row a check of each set (needs pandas): the set's name, then as `Report.to_dataframe`."""
        import pandas as pd

        from isexplore.report.rows import COLUMNS, rows_of

        rows = [{"set": name} | row for name, report in self.reports.items() for row in rows_of(report)]
        return pd.DataFrame(rows, columns=["set", *COLUMNS])

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write one self-contained page of all sets, as `Report.to_html` does of one (needs plotly)."""
        from isexplore.report.page import write_page

        write_page(path, self._title, self._verdict, self.reports)
