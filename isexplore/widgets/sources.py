"""From what the chooser's form says to a sample set: an embedded one, a path, an upload, a variable of the notebook."""

from __future__ import annotations

import heapq
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from isexplore import demo
from isexplore.images import ImageSet, open_interruptibly
from isexplore.images.streams import is_stream
from isexplore.predictions import Predictions, load
from isexplore.widgets.choice import Choice, NothingChosen, two_numbers, whole_number
from isexplore.widgets.notebook import may_generate
from isexplore.widgets.uploads import ALONE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from isexplore.widgets.uploads import Uploads

USUALLY_DRAWN = 10_000  # images of a generator
_MOST_COMPLETIONS = 50
_ARRAYS = (".npz", ".npy")


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
    >>> import numpy as np
    >>> from isexplore.widgets.uploads import Uploads
    >>> images = np.zeros((5, 8, 8), np.uint8)
    >>> open_choice(Choice(source="variable", variable="images"), Uploads(), {"images": images}, check=lambda: None)
    images: 5 images, 8×8 gray, uint8, 0–255
    """
    kind, _, name = choice.source.partition(":")
    if kind == "demo":
        return demo.open_set(f"{name}@{choice.step}" if choice.step else name)

    def open_any(source: Any, name: str | None = None, n: int | None = None) -> ImageSet | Predictions:
        if isinstance(source, Predictions):
            return source
        if isinstance(source, str | Path) and str(source).endswith(".safetensors"):
            return load(source)
        value_range = two_numbers(choice.range) if choice.range.strip() else None
        layout = cast('Literal["HWC", "CHW"]', choice.layout) if choice.layout else None
        return open_interruptibly(source, value_range, layout, name, check, n=n)

    if kind == "path":
        path = choice.path.strip()
        if not path:
            raise NothingChosen(
                "type the path of a folder of images, a .zip, .tar, .npz or .npy file, or saved predictions"
                " (.safetensors)"
            )
        return open_any(path)
    if kind == "upload":
        return _open_upload(uploads.path(), open_any)
    if kind == "variable":
        if choice.variable not in namespace:
            raise NothingChosen("choose a variable: images as an array, tensor or dataset, a generator, or predictions")
        return open_any(namespace[choice.variable], choice.variable, _wanted(choice, namespace[choice.variable]))
    raise ValueError(f"there is no source {choice.source!r}")


def offered() -> list[list[str]]:
    """Return the value and the name of each source, as a `Choice` has it.

    Examples
    --------
    >>> offered()[0]
    ['demo:real', 'embedded: real digits']
    """
    return [
        ["demo:real", "embedded: real digits"],
        *([f"demo:{name}", f"embedded: {name} GAN"] for name in demo.names()),
        ["path", "a path on this machine"],
        ["upload", "files from your computer"],
        ["variable", "a variable of this notebook"],
    ]


def controls(choice: Choice, uploads: Uploads, namespace: Mapping[str, Any]) -> list[str]:
    """Return the fields of a `Choice` that the chosen source has a use for.

    Examples
    --------
    >>> from isexplore.widgets.uploads import Uploads
    >>> controls(Choice("path", path="samples.npz"), Uploads(), {}), controls(Choice("path", path="."), Uploads(), {})
    (['path', 'range', 'layout'], ['path'])
    """
    kind, _, name = choice.source.partition(":")
    arrays = ["range", "layout"]
    if kind == "demo":
        return ["step"] if name != "real" else []
    if kind == "path":
        return ["path", *(arrays if choice.path.strip().lower().endswith(_ARRAYS) else [])]
    if kind == "upload":
        return ["upload", *(arrays if uploads.name().lower().endswith(_ARRAYS) else [])]
    value = namespace.get(choice.variable)
    if value is None or isinstance(value, ImageSet | Predictions):
        return ["variable"]
    return ["variable", *(["images"] if may_generate(value) or is_stream(value) else []), *arrays]


def images_hint(choice: Choice, namespace: Mapping[str, Any]) -> str:
    """Say how many images are taken from a generator or a stream if nobody states it.

    Examples
    --------
    >>> images_hint(Choice("variable", variable="draw"), {"draw": lambda n: None})
    '10,000'
    """
    return f"{USUALLY_DRAWN:,}" if may_generate(namespace.get(choice.variable)) else "all"


def completions(text: str, endings: Sequence[str] = ALONE) -> list[str]:
    """Return up to 50 paths that begin with a text: folders, and files with one of these endings.

    Examples
    --------
    >>> completions("/no/such/place/")
    []
    """
    folder, slash, start = text.rpartition("/")
    try:
        with os.scandir(Path(folder + slash).expanduser()) as entries:
            fitting = (e for e in entries if e.name.startswith(start) and _is_offered(e, start, tuple(endings)))
            first = heapq.nsmallest(_MOST_COMPLETIONS, fitting, key=lambda entry: entry.name.lower())
    except (OSError, RuntimeError, ValueError):  # no such folder, no such ~user, no path at all
        return []
    return [f"{folder}{slash}{entry.name}{'/' if _is_folder(entry) else ''}" for entry in first]


def _wanted(choice: Choice, value: object) -> int | None:
    """Return how many images to take from a generator or a stream; None elsewhere, and for all of a stream."""
    if may_generate(value):
        return whole_number(choice.images or str(USUALLY_DRAWN), "images")
    return whole_number(choice.images, "images") if is_stream(value) and choice.images.strip() else None


def _open_upload(path: Path, open_any: Callable[[Path, str], ImageSet | Predictions]) -> ImageSet | Predictions:
    folder = path if path.is_dir() else path.parent
    try:
        return open_any(path, "uploaded files")
    except (OSError, ValueError) as error:  # nobody has to know where an upload lies
        shown = str(error).replace(f"{folder}{os.sep}", "").replace(str(folder), "the uploaded files")
        raise ValueError(shown) from error


def _is_offered(entry: os.DirEntry[str], start: str, endings: tuple[str, ...]) -> bool:
    hidden = entry.name.startswith(".") and not start
    return not hidden and (entry.name.lower().endswith(endings) or _is_folder(entry))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False
