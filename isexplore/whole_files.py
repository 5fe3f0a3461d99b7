"""Files that appear under their names only when they are complete."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["writing_whole"]


@contextmanager
def writing_whole(target: Path) -> Iterator[BinaryIO]:
    """Open a file to be written beside its place, and put it there once everything is written and on the disk.

    Parameters
    ----------
    target : Path
        What was there before stays until then, and after any error.

    Raises
    ------
    OSError
        If it can't be written, such as on a full disk; the message names the target.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with writing_whole(Path(folder, "a.txt")) as stream:
    ...         _ = stream.write(b"whole")
    ...     [(path.name, path.read_bytes()) for path in Path(folder).iterdir()]
    [('a.txt', b'whole')]
    """
    temporary = target.with_name(f".isexplore-{uuid4().hex}.part")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())  # else a power cut could leave the name on an incomplete file
        temporary.replace(target)
    except OSError as error:
        raise OSError(f"cannot save {target}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
