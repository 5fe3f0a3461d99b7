"""Rows that were computed before, found again by the pixels of their images: what makes a run resume where it was."""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from isexplore.classifiers.weights import cache_folder

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from isexplore.classifiers import Classifier
    from isexplore.inference.settings import Precision

__all__ = ["KnownRows", "RowCache", "open_cache"]

_FORMAT = 1
MOST_BYTES = 10 * 2**30
_TOLERANCE = 1e-3
_A_DAY = 86400


@dataclass(frozen=True, eq=False)
class KnownRows:
    """The rows p(y|x) of a batch.

    Attributes
    ----------
    rows : ndarray of float32, shape (B, C)
    precision : str
        How exactly they were computed, in words.
    exact : ndarray of float32, shape (B, C), or None
        The same in exact precision, where a fast run has looked how far it is off.
    embeddings : ndarray of float16, shape (B, D), or None
        What the network's last linear layer gets, where that was asked for.
    """

    rows: NDArray[np.float32]
    precision: str
    exact: NDArray[np.float32] | None = None
    embeddings: NDArray[np.float16] | None = None


@dataclass(frozen=True)
class RowCache:
    """A folder with one file a batch, named by the pixels of its images.

    A file is written under another name first, and its checksum is tested when it is read: a process that is killed,
    or a power cut, costs at most the batches that were not written yet.

    Attributes
    ----------
    folder : Path
        Of one classifier with its weights, preprocessing and precision.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     cache = RowCache(Path(folder))
    ...     cache.keep("0badcafe", KnownRows(np.full((2, 4), 0.25, np.float32), "float32"))
    ...     cache.find("0badcafe", n_images=2).rows
    array([[0.25, 0.25, 0.25, 0.25],
           [0.25, 0.25, 0.25, 0.25]], dtype=float32)
    """

    folder: Path

    def find(self, digest: str, n_images: int, *, twice: bool = False, embeddings: bool = False) -> KnownRows | None:
        """Return the rows of these images, if wanted only such as were computed twice, or have embeddings.

        None where they are not known, or the file is damaged.
        """
        file = self.folder / f"{digest}.npz"
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                features = arrays["embeddings"] if embeddings else None
                known = KnownRows(arrays["rows"], str(arrays["precision"]), arrays.get("exact"), features)
        except Exception:  # noqa: BLE001 - damage can look like anything, such as an encrypted file
            return None
        with suppress(OSError):  # a file of somebody else's
            os.utime(file)  # what was used last is kept longest
        if twice and known.exact is None:
            return None
        if features is not None and not _are_embeddings(features, n_images):
            return None
        return known if all(_fits(rows, n_images) for rows in (known.rows, known.exact) if rows is not None) else None

    def keep(self, digest: str, known: KnownRows) -> None:
        """Keep the rows of a batch. A full disk is no reason to stop: they are just not kept."""
        temporary = self.folder / f".isexplore-{uuid4().hex}.part"
        optional = {"exact": known.exact, "embeddings": known.embeddings}
        arrays = {"rows": known.rows, "precision": np.array(known.precision)}
        arrays |= {name: array for name, array in optional.items() if array is not None}
        try:
            with temporary.open("xb") as stream:
                np.savez(stream, **arrays)  # type: ignore[arg-type] # its stubs take each name for an option
            temporary.replace(self.folder / f"{digest}.npz")
        except OSError:
            temporary.unlink(missing_ok=True)

    def trim(self, most: int = MOST_BYTES) -> None:
        """Delete what was not used for longest, of all classifiers, until `most` bytes are left."""
        for part in self.folder.parent.glob("*/.isexplore-*.part"):  # of processes that were killed
            with suppress(OSError):
                if time.time() - part.stat().st_mtime > _A_DAY:
                    part.unlink()
        files = []
        for file in self.folder.parent.glob("*/*.npz"):
            try:
                status = file.stat()
            except OSError:  # another process was quicker
                continue
            files.append((status.st_mtime, status.st_size, file))
        total = sum(size for _, size, _ in files)
        for _, size, file in sorted(files):
            if total <= most:
                return
            file.unlink(missing_ok=True)
            total -= size


def open_cache(network: Classifier, precision: Precision, place: torch.device) -> RowCache | None:
    """Return where the rows of a classifier are kept.

    Parameters
    ----------
    network : Classifier
        Its name, its weights' SHA-256 and its preprocessing tell it from others.
    precision : {"exact", "fast"}
    place : torch.device
        Each kind of device rounds in its own way, as does each version of torch.

    Returns
    -------
    RowCache or None
        None where the weights have no SHA-256: the rows of a module whose code may change are not kept.

    Warns
    -----
    UserWarning
        If the folder can't be written to.

    Examples
    --------
    >>> import torch
    >>> from isexplore.classifiers import load_classifier
    >>> open_cache(load_classifier(torch.nn.Flatten()), "exact", torch.device("cpu")) is None
    True
    """
    weights = getattr(network, "weights_sha256", None)
    if weights is None:
        return None
    key: list[Any] = [_FORMAT, network.name, weights, network.preprocessing]
    key += [precision, place.type, version("torch")]
    folder = cache_folder() / "predictions" / hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"{folder} is not writable")
    except OSError as error:
        warnings.warn(f"what is computed can't be kept, so this run can't be resumed: {error}", stacklevel=2)
        return None
    cache = RowCache(folder)
    cache.trim()
    return cache


def _are_embeddings(array: NDArray[Any], n_images: int) -> bool:
    is_matrix = array.dtype == np.float16 and array.ndim == 2 and len(array) == n_images  # noqa: PLR2004 - a matrix
    return is_matrix and bool(np.isfinite(array).all())


def _fits(rows: NDArray[Any], n_images: int) -> bool:
    return (
        rows.dtype == np.float32
        and rows.ndim == 2  # noqa: PLR2004
        and len(rows) == n_images
        and bool(np.isfinite(rows).all())
        and bool((np.abs(rows.sum(axis=1, dtype=np.float64) - 1) <= _TOLERANCE).all())
    )
