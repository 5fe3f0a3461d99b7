"""What the chosen sample set is, found out away from the kernel's own threads: a folder may be large."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from isexplore.predictions import Predictions
from isexplore.widgets.choice import NothingChosen
from isexplore.widgets.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from isexplore.images import ImageSet

    Opened = ImageSet | Predictions


class Preview:
    """The latest look at a sample set; what an older one finds has no say.

    Parameters
    ----------
    changed : callable
        Called in the worker's thread when a look is over.

    Attributes
    ----------
    opened : ImageSet, Predictions or None
        None while it is looked for, and where nothing was found.
    text : str
        The set in one line, or why there is none.
    trouble : bool
        Whether that is an error.
    is_saved : bool
        Whether the last set that was found is predictions, which need no network.

    Examples
    --------
    >>> preview = Preview(changed=lambda: None)
    >>> preview.look(lambda check: Predictions.from_probabilities([[0.5, 0.5]]))
    >>> preview.close()
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.opened: Opened | None = None
        self.text, self.trouble, self.is_saved = "", False, False
        self._changed = changed
        self._latest: object = None
        self._lock = Lock()
        self._worker = Worker()

    def look(self, open_set: Callable[[Callable[[], None]], Opened], *, elsewhere: bool = True) -> None:
        """Open a set in the worker's thread; `open_set` gets a function to call now and then, which may end it.

        A look `elsewhere` waits for no other: a generator may draw for minutes before it hears that it is in vain.
        Another look at the same does wait, so that what draws is never asked twice at once.
        """

        def tell(text: str, opened: Opened | None, *, trouble: bool = False) -> None:
            with self._lock:
                if self._latest is not open_set:
                    return
                self.opened, self.text, self.trouble = opened, text, trouble
                self.is_saved = isinstance(opened, Predictions)
            self._changed()

        def found(opened: Opened) -> None:
            tell(f"{opened!r}: ready to show" if isinstance(opened, Predictions) else repr(opened), opened)

        def failed(error: Exception) -> None:
            tell(str(error) or type(error).__name__, None, trouble=not isinstance(error, NothingChosen))

        with self._lock:
            if elsewhere:
                self._worker.abandon()
                self._worker = Worker()
            self._latest = open_set
            self.opened, self.text, self.trouble = None, "looking …", False
            self._worker.start(open_set, found, failed)

    def close(self, last: Callable[[], None] = lambda: None) -> None:
        """Stop looking, without waiting for it; `last` is called in the thread when it is over."""
        self._worker.abandon(last)
