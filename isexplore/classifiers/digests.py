"""The SHA-256 of a file of weights, and the eight digits of it that the file's name states."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path  # noqa: TC003 - its doctests use it


def verify_weights(path: Path) -> str:
    """Return the SHA-256 of a file, compared with what its name says of it, as ``…-6726825d.pth`` does.

    Raises
    ------
    ValueError
        If the file is not what its name says.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     damaged = Path(folder, "weights-6726825d.pth")
    ...     _ = damaged.write_bytes(b"")
    ...     verify_weights(damaged)
    Traceback (most recent call last):
        ...
    ValueError: ...weights-6726825d.pth is damaged or another file: its SHA-256 begins with e3b0c442 (delete it, ...)
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    compare(digest, path, "delete it, or put another in its place")
    return digest


def compare(digest: str, file: str | Path, remark: str) -> None:
    """Compare a SHA-256 with what a file's name says of it; `remark` ends the message.

    Raises
    ------
    ValueError
        If they differ.
    """
    stated = stated_digits(file)
    if stated and not digest.startswith(stated):
        raise ValueError(f"{file} is damaged or another file: its SHA-256 begins with {digest[:8]} ({remark})")


def stated_digits(file: str | Path) -> str | None:
    """Return the digits of its SHA-256 that a file's name states, if any.

    Examples
    --------
    >>> stated_digits("weights-6726825d.pth")
    '6726825d'
    """
    found = re.search(r"-([0-9a-f]{8})\.pth$", str(file))
    return found[1] if found else None
