"""Where the chooser finds sample sets: the embedded ones, paths, uploads, and variables of the notebook."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from isexplore import demo
from isexplore.images import ImageSet, open_images
from isexplore.predictions import Predictions, load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_COMPLETIONS = 50
_FILES = (".npz", ".npy", ".safetensors")


@dataclass(frozen=True)
class Choice:
    """What the form says, as text: each field is one control.

    Attributes
    ----------
    source : str
        ``"demo:NAME"``, ``"path"``, ``"upload"`` or ``"variable"``.
    step, path, variable, range, layout, classifier, device : str
        Empty where nothing is chosen or the value is inferred.
    """

    source: str = "demo:real"
    step: str = ""
    path: str = ""
    variable: str = ""
    range: str = ""
    layout: str = ""
    classifier: str = "digits"
    device: str = "auto"


def open_choice(choice: Choice, uploads: Uploads, namespace: Mapping[str, Any]) -> ImageSet | Predictions:
    """Open the chosen sample set.

    Raises
    ------
    ValueError
        If nothing is chosen yet, or what is chosen can't be opened.
    OSError
        If a path can't be read.
    """
    kind, _, name = choice.source.partition(":")
    if kind == "demo":
        return demo.real() if name == "real" else demo.gan(name, int(choice.step) if choice.step else None)
    stated: dict[str, Any] = {}
    if choice.range:
        stated["value_range"] = _two_numbers(choice.range)
    if choice.layout:
        stated["layout"] = cast('Literal["HWC", "CHW"]', choice.layout)
    if kind == "path":
        path = choice.path.strip()
        if not path:
            raise ValueError(
                "type the path of a folder of images, an .npz, an .npy, or saved predictions (.safetensors)"
            )
        return load(path) if path.endswith(".safetensors") else open_images(path, **stated)
    if kind == "upload":
        return _open_upload(uploads.path(), stated)
    if kind == "variable":
        if choice.variable not in namespace:
            raise ValueError("choose a variable: an array or tensor of images, or predictions")
        value = namespace[choice.variable]
        return value if isinstance(value, Predictions) else open_images(value, **stated, name=choice.variable)
    raise ValueError(f"there is no source {choice.source!r}")


def completions(text: str) -> list[str]:
    """Return up to 50 paths that begin with a text: folders, and files that may hold a sample set.

    Examples
    --------
    >>> completions("/no/such/place/")
    []
    """
    folder, _, start = text.rpartition("/")
    try:
        base = Path(folder + "/").expanduser() if "/" in text else Path()
        found = sorted(base.iterdir(), key=lambda entry: entry.name.lower())
    except (OSError, RuntimeError, ValueError):  # no such folder, no such ~user, no path at all
        return []
    prefix = f"{folder}/" if "/" in text else ""
    fitting = (
        f"{prefix}{entry.name}/" if entry.is_dir() else f"{prefix}{entry.name}"
        for entry in found
        if entry.name.startswith(start)
        and (start.startswith(".") or not entry.name.startswith("."))
        and (entry.suffix in _FILES or entry.is_dir())
    )
    return list(islice(fitting, _MOST_COMPLETIONS))


def image_variables(namespace: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, description) of each variable that may hold a sample set."""
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
    """Return the names of the variables that are torch modules."""
    torch = sys.modules.get("torch")  # nobody has a module without having imported torch
    if torch is None:
        return []
    return [
        name
        for name, value in list(namespace.items())
        if not name.startswith("_") and isinstance(value, torch.nn.Module)
    ]


def notebook_namespace() -> Mapping[str, Any]:
    """Return the variables of the notebook that this runs in; none elsewhere."""
    from IPython import get_ipython

    shell = get_ipython()
    return {} if shell is None else cast("Mapping[str, Any]", shell.user_ns)


class Uploads:
    """Files that came through the browser, kept in a temporary folder until this is closed."""

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
            raise ValueError("choose image files, or one .npz or .npy file, up to 8 MB together")
        if len(self._files) == 1 and self._files[0].suffix in _FILES:
            return self._files[0]
        return self._files[0].parent

    def close(self) -> None:
        """Delete the files."""
        self._files = []
        if self._folder is not None:
            self._folder.cleanup()


def _open_upload(path: Path, stated: dict[str, Any]) -> ImageSet | Predictions:
    try:
        return load(path) if path.suffix == ".safetensors" else open_images(path, **stated, name="uploaded files")
    except ValueError as error:  # nobody has to know where an upload lies
        raise ValueError(str(error).replace(f"{path.parent}/", "")) from error


def _is_picture_array(value: object) -> bool:
    torch = sys.modules.get("torch")
    is_array = isinstance(value, np.ndarray) or (torch is not None and isinstance(value, torch.Tensor))
    return is_array and cast("np.ndarray[Any, Any]", value).ndim in (3, 4)


def _two_numbers(text: str) -> tuple[float, float]:
    numbers = re.findall(r"(?<!\d)[-−]?\d*\.?\d+", text)  # “0-255” is no negative number
    if len(numbers) != 2:  # noqa: PLR2004
        raise ValueError(f"values {text!r}: state black and white as two numbers, such as “0 255”")
    low, high = (float(number.replace("−", "-")) for number in numbers)
    return low, high
