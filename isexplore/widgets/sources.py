"""Where the chooser finds sample sets: the embedded ones, paths, uploads, and variables of the notebook."""

from __future__ import annotations

import heapq
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from isexplore import demo
from isexplore.images import ImageSet, open_interruptibly
from isexplore.predictions import Predictions, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_MOST_COMPLETIONS = 50
_FILES = (".npz", ".npy", ".safetensors")


class NothingChosen(ValueError):  # noqa: N818 - it is a hint rather than an error
    """Says what a person can choose, where nothing is chosen yet."""


@dataclass(frozen=True)
class Choice:
    """What the form says, as text: each field is one control.

    Attributes
    ----------
    source : str
        ``"demo:NAME"``, ``"path"``, ``"upload"`` or ``"variable"``.
    step, path, variable, range, layout, classifier, device : str
        Empty where nothing is chosen or the value is inferred.

    Examples
    --------
    >>> Choice(source="path", path="samples.npz").classifier
    'digits'
    """

    source: str = "demo:real"
    step: str = ""
    path: str = ""
    variable: str = ""
    range: str = ""
    layout: str = ""
    classifier: str = "digits"
    device: str = "auto"


def open_choice(
    choice: Choice, uploads: Uploads, namespace: Mapping[str, Any], check: Callable[[], None]
) -> ImageSet | Predictions:
    """Open the chosen sample set; `check` is called now and then, and what it raises ends the work.

    Raises
    ------
    ValueError
        If nothing is chosen yet, or what is chosen can't be opened.
    OSError
        If a path can't be read.

    Examples
    --------
    >>> images = np.zeros((5, 8, 8), np.uint8)
    >>> open_choice(Choice(source="variable", variable="images"), Uploads(), {"images": images}, check=lambda: None)
    images: 5 images, 8×8 gray, uint8, 0–255
    """
    kind, _, name = choice.source.partition(":")
    if kind == "demo":
        return demo.open_set(f"{name}@{choice.step}" if choice.step else name)
    value_range = _two_numbers(choice.range) if choice.range else None
    layout = cast('Literal["HWC", "CHW"]', choice.layout) if choice.layout else None

    def open_file(path: str | Path, name: str | None = None) -> ImageSet | Predictions:
        if str(path).endswith(".safetensors"):
            return load(path)
        return open_interruptibly(path, value_range, layout, name, check)

    if kind == "path":
        path = choice.path.strip()
        if not path:
            raise NothingChosen(
                "type the path of a folder of images, an .npz, an .npy, or saved predictions (.safetensors)"
            )
        return open_file(path)
    if kind == "upload":
        return _open_upload(uploads.path(), open_file)
    if kind == "variable":
        if choice.variable not in namespace:
            raise NothingChosen("choose a variable: an array or tensor of images, or predictions")
        value = namespace[choice.variable]
        if isinstance(value, Predictions):
            return value
        return open_interruptibly(value, value_range, layout, choice.variable, check)
    raise ValueError(f"there is no source {choice.source!r}")


def completions(text: str) -> list[str]:
    """Return up to 50 paths that begin with a text: folders, and files that may hold a sample set.

    Examples
    --------
    >>> completions("/no/such/place/")
    []
    """
    folder, slash, start = text.rpartition("/")
    try:
        with os.scandir(Path(folder + slash).expanduser()) as entries:
            fitting = (entry for entry in entries if entry.name.startswith(start) and _is_offered(entry, start))
            first = heapq.nsmallest(_MOST_COMPLETIONS, fitting, key=lambda entry: entry.name.lower())
    except (OSError, RuntimeError, ValueError):  # no such folder, no such ~user, no path at all
        return []
    return [f"{folder}{slash}{entry.name}{'/' if _is_folder(entry) else ''}" for entry in first]


def image_variables(namespace: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, description) of each variable that may hold a sample set.

    Examples
    --------
    >>> image_variables({"images": np.zeros((5, 8, 8), np.uint8), "epochs": 7})
    [('images', 'images: 5×8×8 uint8')]
    """
    found = []
    for name, value in list(namespace.items()):
        if name.startswith("_"):
            continue
        if isinstance(value, (Predictions, ImageSet)):
            found.append((name, f"{name}: {len(value)} images"))
        elif _is_picture_array(value):
            kind = str(value.dtype).removeprefix("torch.")
            found.append((name, f"{name}: {'×'.join(map(str, value.shape))} {kind}"))
    return found


def module_variables(namespace: Mapping[str, Any]) -> list[str]:
    """Return the names of the variables that are torch modules.

    Examples
    --------
    >>> import torch
    >>> module_variables({"network": torch.nn.Flatten(), "epochs": 7})
    ['network']
    """
    module = getattr(_torch("nn"), "Module", None)
    if module is None:
        return []
    return [name for name, value in list(namespace.items()) if not name.startswith("_") and isinstance(value, module)]


def notebook_namespace() -> Mapping[str, Any]:
    """Return the variables of the notebook that this runs in; none elsewhere."""
    from IPython import get_ipython

    shell = get_ipython()
    return {} if shell is None else cast("Mapping[str, Any]", shell.user_ns)


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
        """Return what to open: the one array file, or the folder of images.

        Raises
        ------
        ValueError
            If nothing was uploaded.
        """
        if not self._files:
            raise NothingChosen("choose image files, or one .npz or .npy file, up to 8 MB together")
        if len(self._files) == 1 and self._files[0].suffix in _FILES:
            return self._files[0]
        return self._files[0].parent

    def close(self) -> None:
        """Delete the files."""
        self._files = []
        if self._folder is not None:
            self._folder.cleanup()


def _open_upload(path: Path, open_file: Callable[[Path, str], ImageSet | Predictions]) -> ImageSet | Predictions:
    folder = path.parent if path.suffix in _FILES else path
    try:
        return open_file(path, "uploaded files")
    except (OSError, ValueError) as error:  # nobody has to know where an upload lies
        shown = str(error).replace(f"{folder}{os.sep}", "").replace(str(folder), "the uploaded files")
        raise ValueError(shown) from error


def _is_offered(entry: os.DirEntry[str], start: str) -> bool:
    hidden = entry.name.startswith(".") and not start
    return not hidden and (entry.name.endswith(_FILES) or _is_folder(entry))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False


def _is_picture_array(value: object) -> bool:
    tensor = _torch("Tensor")
    is_array = isinstance(value, np.ndarray) or (tensor is not None and isinstance(value, tensor))
    return is_array and cast("np.ndarray[Any, Any]", value).ndim in (3, 4)


def _torch(name: str) -> Any:
    """Return a part of torch; None if nobody has imported it yet, or another thread is still doing so."""
    return getattr(sys.modules.get("torch"), name, None)


def _two_numbers(text: str) -> tuple[float, float]:
    numbers = re.findall(r"(?<!\d)[-−]?\d*\.?\d+", text)  # “0-255” is no negative number
    if len(numbers) != 2:  # noqa: PLR2004
        raise ValueError(f"values {text!r}: state black and white as two numbers, such as “0 255”")
    low, high = (float(number.replace("−", "-")) for number in numbers)
    return low, high
