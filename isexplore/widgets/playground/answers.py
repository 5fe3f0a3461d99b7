"""The answers that learners gave before they saw a score: one list a kernel, for all of its playgrounds."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, ClassVar

from traitlets import HasTraits, Tuple, Unicode

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LONGEST_NAME", "AnswerBook", "Answered", "checked_name"]

CLOSE = 10  # per cent
LONGEST_NAME = 60
_BEGINS_A_FORMULA = "=+-@\t\r\n＝＋－＠"  # in spreadsheets, the wide ones in those that read Japanese


@dataclass(frozen=True)
class Answered:
    """One answer, as a row of the list.

    Attributes
    ----------
    time : str
        ISO 8601, UTC.
    learner : str
        A name, or nothing.
    state : str
        What was set up, as `isexplore.playground` reads it.
    guess, answer : float
        The predicted score, and the score, to 6 digits.
    off_percent : float
        How far the guess is from the answer; negative if it is too low.
    close : bool
        Whether that is 10 % at most.
    """

    time: str
    learner: str
    state: str
    guess: float
    answer: float
    off_percent: float
    close: bool


class AnswerBook(HasTraits):
    """A list of answers that grows, from any thread.

    Attributes
    ----------
    rows : tuple of Answered
        Replaced whole at each answer.
    learner : str
        Who answered last.

    Examples
    --------
    >>> book = AnswerBook()
    >>> book.add("Ada", "uniform-mix share=0.25", guess=3.5, answer=3.579)
    >>> book.add("Bob", "uniform-mix share=0.25", guess=8, answer=3.579)
    >>> book.tally
    '2 answers, 1 close'
    """

    rows = Tuple()
    learner = Unicode()

    _shared: ClassVar[AnswerBook | None] = None
    _making: ClassVar[Lock] = Lock()

    def __init__(self) -> None:
        super().__init__()
        self._adding = Lock()

    @classmethod
    def shared(cls) -> AnswerBook:
        """Return the kernel's one list."""
        with cls._making:
            if cls._shared is None:
                cls._shared = cls()
            return cls._shared

    @property
    def tally(self) -> str:
        """How many answers there are, and how many of them are close."""
        rows: tuple[Answered, ...] = self.rows
        answers = "answer" if len(rows) == 1 else "answers"
        return f"{len(rows)} {answers}, {sum(row.close for row in rows)} close"

    def add(self, learner: str, state: str, guess: float, answer: float) -> None:
        """Keep an answer.

        Parameters
        ----------
        learner
            A name of at most 60 characters, or nothing.
        state
            What was set up, as a text.
        guess, answer
            The predicted score, and the score.

        Raises
        ------
        ValueError
            If the name is too long, or a number is none.
        """
        if not (math.isfinite(guess) and math.isfinite(answer) and answer > 0):
            raise ValueError(f"a guess of {guess:g} for {answer:g} can't be kept: both must be numbers, and scores")
        learner, guess, answer = checked_name(learner), _rounded(guess), _rounded(answer)
        off = _rounded(100 * (guess - answer) / answer)
        time = datetime.now(UTC).isoformat(timespec="seconds")
        with self._adding:
            self.rows = (*self.rows, Answered(time, learner, state, guess, answer, off, abs(off) <= CLOSE))
            self.learner = learner

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row an answer, with the columns that `Answered` lists."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows], columns=[field.name for field in fields(Answered)])

    def to_csv(self) -> str:
        """Return the list as CSV text that a spreadsheet reads as words and numbers, never as a formula.

        A word that a spreadsheet would take for a formula gets an apostrophe in front.

        Examples
        --------
        >>> book = AnswerBook()
        >>> book.add("=1+1", "uniform-mix", guess=5, answer=4)
        >>> print(book.to_csv().splitlines()[1].split(",", 1)[1])
        '=1+1,uniform-mix,5.0,4.0,25.0,False
        """
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow([field.name for field in fields(Answered)])
        for row in self.rows:
            table.writerow([_harmless(cell) for cell in asdict(row).values()])
        return text.getvalue()


def checked_name(name: str) -> str:
    """Return a name on one line, without what surrounds it.

    Raises
    ------
    ValueError
        If it is longer than 60 characters.

    Examples
    --------
    >>> checked_name("  Ada   Lovelace ")
    'Ada Lovelace'
    """
    words = " ".join(name.split())
    if len(words) > LONGEST_NAME:
        raise ValueError(f"the name {words[:20]}… has {len(words)} characters: give at most {LONGEST_NAME}")
    return words


def _rounded(number: float) -> float:
    """Return a number with 6 digits: more would be rounding errors, or nothing that anybody guesses."""
    return float(f"{number:.6g}")


def _harmless(cell: object) -> object:
    """Put an apostrophe before a word that begins like a formula; a number stays a number."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(tuple(_BEGINS_A_FORMULA)) else cell
