"""What a classifier says of a set of images: p(y|x), names, thumbnails, and where it all came from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from isexplore.arrays import check_probabilities
from isexplore.tensor_files import expand_home, open_tensors, save_tensors

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Predictions", "Provenance", "load"]

_FORMAT = "isexplore predictions 1"
THUMBNAIL_SIDE = 64


@dataclass(frozen=True)
class Provenance:
    """How predictions came about.

    Attributes
    ----------
    source : str
        The sample set's name.
    classifier, preprocessing, device, precision : str or None
        What turned images into probabilities; None where nobody said.
    versions : mapping of str to str
        Package names and versions.
    created : str or None
        Time in UTC, ISO 8601.
    skipped : tuple of (str, str)
        Images that could not be read, and why.

    Examples
    --------
    >>> Provenance(source="samples.npz", classifier="digits").classifier
    'digits'
    """

    source: str = "probabilities"
    classifier: str | None = None
    preprocessing: str | None = None
    device: str | None = None
    precision: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str | None = None
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Predictions:
    """The rows p(y|x) of N images over C classes.

    Build one with `isexplore.predict`, `from_probabilities` or `isexplore.load`.

    Attributes
    ----------
    probabilities : ndarray of float32, shape (N, C)
        One row an image; each sums to one. Memory-mapped when it was loaded from a file.
    class_names : tuple of str, length C
    image_names : tuple of str, length N
    thumbnails : ndarray of uint8, shape (N, h, w, 1 or 3), or None
        At most 64 pixels a side.
    provenance : Provenance

    Examples
    --------
    >>> predictions = Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]], class_names=["cat", "dog"])
    >>> predictions
    Predictions(2 images × 2 classes, probabilities)
    """

    probabilities: NDArray[np.float32]
    class_names: tuple[str, ...]
    image_names: tuple[str, ...]
    thumbnails: NDArray[np.uint8] | None = None
    provenance: Provenance = field(default_factory=Provenance)

    def __len__(self) -> int:
        return int(self.probabilities.shape[0])

    def __repr__(self) -> str:
        n, c = self.probabilities.shape
        classifier = self.provenance.classifier
        by = f", {classifier}" if classifier else ""
        return f"Predictions({n} images × {c} classes, {self.provenance.source}{by})"

    @classmethod
    def from_probabilities(
        cls,
        p: ArrayLike,
        class_names: Sequence[str] | None = None,
        image_names: Sequence[str] | None = None,
        thumbnails: NDArray[np.uint8] | None = None,
    ) -> Self:
        """Wrap a matrix of probabilities that exists already.

        Parameters
        ----------
        p : array-like, shape (N, C)
            Rows that sum to one within 1e-3; kept as they are, as float32. A torch tensor will do. The matrix is
            copied, unless it is a memory map of float32: leave that file as it is while the predictions are in use.
        class_names, image_names : sequence of str, optional
            C and N names; numbers where left out.
        thumbnails : ndarray of uint8, shape (N, h, w), (N, h, w, 1) or (N, h, w, 3), optional
            At most 64 pixels a side.

        Raises
        ------
        ValueError
            If a row is no distribution (the first bad one is named), or lengths disagree.

        Examples
        --------
        >>> Predictions.from_probabilities([[0.5, 0.6]])
        Traceback (most recent call last):
        ...
        ValueError: row 0 ...
        """
        check_probabilities(p)
        probabilities = _to_float32(p)
        n, c = probabilities.shape
        return cls(
            probabilities,
            _names("class_names", class_names, c, "class {:0{}d}"),
            _names("image_names", image_names, n, "image {:0{}d}"),
            _check_thumbnails(thumbnails, n),
        )

    def described(self, provenance: Provenance) -> Self:
        """Return the same predictions with another provenance.

        Examples
        --------
        >>> predictions = Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]])
        >>> predictions.described(Provenance(source="samples.npz", classifier="mine"))
        Predictions(2 images × 2 classes, samples.npz, mine)
        """
        return replace(self, provenance=provenance)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one safetensors file, whole or not at all.

        The file appears under its name only when it is complete: an interrupted save leaves what was there before.

        Raises
        ------
        OSError
            If the folder does not exist, or the file can't be written.

        Examples
        --------
        >>> import tempfile
        >>> predictions = Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     predictions.save(f"{folder}/run.safetensors")
        ...     load(f"{folder}/run.safetensors")
        Predictions(2 images × 2 classes, probabilities)
        """
        tensors: dict[str, NDArray[Any]] = {
            "probabilities": np.ascontiguousarray(self.probabilities),
            "class_names": _encode(self.class_names),
            "image_names": _encode(self.image_names),
        }
        if self.thumbnails is not None:
            tensors["thumbnails"] = np.ascontiguousarray(self.thumbnails)
        metadata = {"format": _FORMAT, "provenance": json.dumps(asdict(self.provenance))}
        save_tensors(path, tensors, metadata)


def load(path: str | os.PathLike[str]) -> Predictions:
    """Open predictions that `Predictions.save` wrote; the matrix and thumbnails are memory-mapped.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Predictions

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, is no file of predictions, or holds rows that are no distributions.

    Examples
    --------
    >>> load("nothing.safetensors")
    Traceback (most recent call last):
    ...
    FileNotFoundError: there is no file nothing.safetensors
    """
    file = expand_home(path)
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    try:
        return _check(*open_tensors(file))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{file} is not a file of predictions: {reason}") from error


def _check(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> Predictions:
    if metadata.get("format") != _FORMAT:
        raise ValueError("it does not say that it holds predictions")
    probabilities = tensors["probabilities"]
    if probabilities.dtype != np.float32:
        raise ValueError(f"its probabilities are {probabilities.dtype}, not float32")
    check_probabilities(probabilities)
    n, c = probabilities.shape
    return Predictions(
        probabilities,
        _names("class_names", _decode(tensors["class_names"]), c, ""),
        _names("image_names", _decode(tensors["image_names"]), n, ""),
        _check_thumbnails(tensors.get("thumbnails"), n),
        _provenance(metadata["provenance"]),
    )


def _to_float32(p: Any) -> NDArray[np.float32]:
    """Bring a matrix, or a torch tensor of any device and precision, to NumPy."""
    if hasattr(p, "detach"):
        p = p.detach().cpu()
        p = (p if str(p.dtype) == "torch.float32" else p.double()).numpy()
    matrix = np.asarray(p)
    if matrix.dtype == np.float32:
        return matrix if isinstance(p, np.memmap) else matrix.copy()
    # What 16 bits have rounded away would miss the tolerance of the sum when the file is read again.
    rows: NDArray[np.float64] = matrix / matrix.sum(axis=1, keepdims=True, dtype=np.float64)
    return rows.astype(np.float32)


def _names(what: str, names: Sequence[str] | None, count: int, pattern: str) -> tuple[str, ...]:
    if names is None:
        width = len(str(count - 1))
        return tuple(pattern.format(i, width) for i in range(count))
    if isinstance(names, str) or len(names) != count:
        found = f"the text {names!r}" if isinstance(names, str) else len(names)
        raise ValueError(f"{what} must be {count} names, one for each, not {found}")
    return tuple(_text(str(name)) for name in names)


def _check_thumbnails(thumbnails: NDArray[np.uint8] | None, n: int) -> NDArray[np.uint8] | None:
    if thumbnails is None:
        return None
    given = np.asanyarray(thumbnails)  # a memory map stays one
    pictures: NDArray[np.uint8] = given[..., None] if given.ndim == 3 else given  # noqa: PLR2004
    shape = pictures.shape
    fits = pictures.dtype == np.uint8 and len(shape) == 4 and shape[0] == n and shape[3] in (1, 3)  # noqa: PLR2004
    if not fits or min(shape[1:3]) < 1 or max(shape[1:3]) > THUMBNAIL_SIDE:
        raise ValueError(
            f"thumbnails must be uint8 of shape ({n}, h, w, 1 or 3), at most {THUMBNAIL_SIDE} pixels a side; "
            f"these are {given.dtype} of shape {given.shape}"
        )
    return pictures


def _encode(names: tuple[str, ...]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(names).encode(), np.uint8)


def _decode(data: NDArray[np.uint8]) -> list[str]:
    names = json.loads(data.tobytes().decode())
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("its names are not a list of text")
    return names


def _provenance(text: str) -> Provenance:
    fields = json.loads(text)
    if not isinstance(fields, dict):
        raise TypeError("its provenance is not a table")
    versions, skipped = fields.pop("versions", {}), fields.pop("skipped", ())
    return Provenance(
        **{name: _text(value) for name, value in fields.items() if value is not None},
        versions={_text(package): _text(version) for package, version in versions.items()},
        skipped=tuple((_text(name), _text(reason)) for name, reason in skipped),
    )


def _text(value: object) -> str:
    """Refuse what is no text, and replace what can't be printed: halves of surrogate pairs."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is not text")
    return value.encode(errors="replace").decode()
