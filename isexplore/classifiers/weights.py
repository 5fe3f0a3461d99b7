"""Where the weights of the Inception networks lie, and how they get there."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.request import urlopen
from uuid import uuid4

from isexplore.classifiers.digests import compare, stated_digits, verify_weights
from isexplore.tensor_files import expand_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Report = Callable[[int, int | None], None]

VARIABLE = "ISEXPLORE_WEIGHTS"
_CHUNK = 2**20
_PATIENCE = 30  # seconds without an answer from the server


@dataclass(frozen=True)
class Published:
    """A file of weights as its authors publish it.

    Eight hexadecimal digits of its SHA-256 are public, in the file's name: they catch damage, not a forger.

    Attributes
    ----------
    file, url : str
        Its name, and where it is.
    also : tuple of str
        Other names of files with the same tensors.

    Examples
    --------
    >>> PUBLISHED["inception-2015"].file
    'weights-inception-2015-12-05-6726825d.pth'
    """

    file: str
    url: str
    also: tuple[str, ...]


PUBLISHED = {
    "inception-2015": Published(
        "weights-inception-2015-12-05-6726825d.pth",
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
        ("pt_inception-2015-12-05-6726825d.pth", "inception-2015.safetensors"),
    ),
    "inception-v3": Published(
        "inception_v3_google-0cc3c7bd.pth",
        "https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
        ("inception-v3.safetensors",),
    ),
}


def cache_folder() -> Path:
    """Return the folder that downloads go to: ``isexplore`` in $XDG_CACHE_HOME, or else in ``~/.cache``.

    Examples
    --------
    >>> cache_folder().name
    'isexplore'
    """
    return _caches() / "isexplore"


def places() -> dict[str, Path]:
    """Return where weights are looked for, in this order, each with its description.

    Examples
    --------
    >>> list(places())[-2:]
    ['the cache of isexplore', "the cache of torch.hub, which torchvision's and torch-fidelity's downloads go to"]
    """
    named = os.environ.get(VARIABLE)
    home = os.environ.get("TORCH_HOME")
    hub = expand_home(home) if home else _caches() / "torch"
    return {
        **({f"${VARIABLE}": expand_home(named)} if named else {}),
        "the cache of isexplore": cache_folder(),
        "the cache of torch.hub, which torchvision's and torch-fidelity's downloads go to": hub / "hub" / "checkpoints",
    }


def find_weights(name: str) -> Path | None:
    """Return the file with the weights of a network, or None where there is none.

    Examples
    --------
    >>> find_weights("inception-2016")
    Traceback (most recent call last):
        ...
    ValueError: no published weights belong to 'inception-2016'; known are: 'inception-2015', 'inception-v3'
    """
    published = _published(name)
    for place in places().values():
        if _is_file(place) and not _belongs_to_another(place, name):
            return place
        for file in (published.file, *published.also):
            if _is_file(place / file):
                return place / file
    return None


def get_weights(name: str, weights: str | os.PathLike[str] | None = None, report: Report | None = None) -> Path:
    """Return the file with the weights of a network: the one that is stated, else found, else downloaded.

    Parameters
    ----------
    name : str
        ``"inception-2015"`` or ``"inception-v3"``.
    weights : path, optional
        A file, whatever its name, or a folder with the published file.
    report : callable, optional
        As for `fetch_weights`.

    Raises
    ------
    FileNotFoundError
        If `weights` or what $ISEXPLORE_WEIGHTS names does not exist.
    OSError
        If the file has to be downloaded and can't be: the message says what to put where.

    Examples
    --------
    >>> get_weights("inception-v3", "nowhere.pth")
    Traceback (most recent call last):
        ...
    FileNotFoundError: there is no file nowhere.pth with the weights of inception-v3
    """
    if weights is None:
        named = os.environ.get(VARIABLE)
        if named and not expand_home(named).exists():
            raise FileNotFoundError(f"${VARIABLE} names {named}, which does not exist")
        return find_weights(name) or fetch_weights(name, report)
    published, path = _published(name), expand_home(weights)
    for file in (path, *(path / known for known in (published.file, *published.also))):
        if _is_file(file):
            return file
    if path.is_dir():
        raise FileNotFoundError(f"the folder {path} holds no {published.file}")
    raise FileNotFoundError(f"there is no file {path} with the weights of {name}")


def fetch_weights(name: str, report: Report | None = None) -> Path:
    """Download the weights of a network into the cache, and check their SHA-256; nothing stays where this fails.

    Parameters
    ----------
    name : str
        ``"inception-2015"`` or ``"inception-v3"``.
    report : callable, optional
        Called with (bytes done, bytes in all or None) at the start and after each piece, in the place of a progress
        bar. What it raises ends the download.

    Raises
    ------
    OSError
        If it can't be downloaded, or does not arrive whole.
    """
    published = _published(name)
    folder = cache_folder()
    temporary = folder / f".isexplore-{uuid4().hex}.part"
    digest, size = hashlib.sha256(), 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with urlopen(published.url, timeout=_PATIENCE) as answer, temporary.open("xb") as file:  # noqa: S310 - URLs are ours
            expected = int(answer.headers.get("Content-Length") or 0) or None
            with _progress_bar(name) if report is None else nullcontext(report) as tell:
                tell(0, expected)
                while chunk := answer.read(_CHUNK):
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                    tell(size, expected)
            file.flush()
            os.fsync(file.fileno())  # else a power cut could leave the name on an incomplete file
        compare(digest.hexdigest(), published.file, f"{size} bytes of {expected or 'unknown'}")
        temporary.replace(folder / published.file)
    except (OSError, ValueError, HTTPException) as error:
        raise OSError(
            f"the weights of {name} are not on this machine, and cannot be downloaded: {error}. "
            f"Download {published.url} elsewhere, and put it into {folder}; or state where it is: weights=…, "
            f"or the environment variable {VARIABLE}"
        ) from error
    finally:
        if _is_file(temporary):
            temporary.unlink()
    return folder / published.file


@contextmanager
def _progress_bar(name: str) -> Iterator[Report]:
    from tqdm.auto import tqdm

    with tqdm(unit="B", unit_scale=True, desc=f"weights of {name}") as bar:

        def report(done: int, expected: int | None) -> None:
            bar.total = expected
            bar.update(done - bar.n)

        yield report


def ensure_weights(name: str, report: Report | None = None) -> Path:
    """Return the file with the weights of a network, downloaded if there is none or a cache holds a damaged one.

    Its `report` is that of `fetch_weights`.

    Raises
    ------
    OSError
        If it can't be downloaded.
    ValueError
        If what $ISEXPLORE_WEIGHTS names is damaged.
    """
    path = get_weights(name, report=report)
    try:
        verify_weights(path)
    except ValueError:
        if os.environ.get(VARIABLE):
            raise
        return fetch_weights(name, report)
    return path


def weights_note(name: str, digest: str) -> str:
    """Say beside a network's name that its weights are not the published file, as the digits in that one's name tell.

    Examples
    --------
    >>> weights_note("inception-2015", "6726825d" + 56 * "0"), weights_note("inception-2015", 64 * "0")
    ('', ', weights 00000000… of your own')
    """
    return (
        "" if digest.startswith(stated_digits(_published(name).file) or "?") else f", weights {digest[:8]}… of your own"
    )


def _published(name: str) -> Published:
    if name not in PUBLISHED:
        raise ValueError(f"no published weights belong to {name!r}; known are: {', '.join(map(repr, PUBLISHED))}")
    return PUBLISHED[name]


def _belongs_to_another(path: Path, name: str) -> bool:
    return any(path.name in (other.file, *other.also) for key, other in PUBLISHED.items() if key != name)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that may not be read
        return False


def _caches() -> Path:
    named = os.environ.get("XDG_CACHE_HOME")
    return expand_home(named) if named else expand_home("~/.cache")
