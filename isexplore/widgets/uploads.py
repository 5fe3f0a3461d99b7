"""Files that came through the browser."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING

from isexplore.images.archives import ARCHIVE_ENDINGS
from isexplore.widgets.choice import NothingChosen

if TYPE_CHECKING:
    from collections.abc import Sequence

ALONE = (".npz", ".npy", ".safetensors", *ARCHIVE_ENDINGS)  # endings of files that are a sample set each


class Uploads:
    """Files that came through the browser, kept in a temporary folder until this is closed.

    Examples
    --------
    >>> uploads = Uploads()
    >>> uploads.put(["samples.npy"], [memoryview(b"")])
    >>> uploads.path().name
    'samples.npy'
    >>> uploads.close()
    """

    def __init__(self) -> None:
        self._folder: TemporaryDirectory[str] | None = None
        self._files: list[Path] = []

    def put(self, names: Sequence[str], contents: Sequence[memoryview]) -> None:
        """Replace the files.

        Raises
        ------
        ValueError
            If there is not one content for each name, or two files have the same name.
        """
        bases = [Path(str(name).replace("\\", "/")).name for name in names]  # a name must not leave the folder
        if len(bases) != len(contents) or {"", ".."} & set(bases):
            raise ValueError("the upload did not arrive whole: choose the files again")
        if len(set(bases)) != len(bases):
            raise ValueError("two of the files have the same name: rename one, or upload them apart")
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="isexplore-")
        folder = Path(mkdtemp(dir=self._folder.name))  # what was uploaded before may still be read
        files = [folder / base for base in bases]
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content)
        self._files = files

    def path(self) -> Path:
        """Return what to open: the one file that is a sample set, or the folder of images.

        Raises
        ------
        ValueError
            If nothing was uploaded.
        """
        if not self._files:
            raise NothingChosen("choose image files, or one .zip, .tar, .npz or .npy file, up to 8 MB together")
        if len(self._files) == 1 and self._files[0].name.lower().endswith(ALONE):
            return self._files[0]
        return self._files[0].parent

    def name(self) -> str:
        """Return the name of the one file; nothing where there are none or several."""
        return self._files[0].name if len(self._files) == 1 else ""

    def close(self) -> None:
        """Delete the files."""
        self._files = []
        if self._folder is not None:
            self._folder.cleanup()
