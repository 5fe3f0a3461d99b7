"""What a classifier says of a set of images: p(y|x), names, labels, thumbnails, and where it all came from."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from isexplore.matrices import check_probabilities
from isexplore.predictions.parts import (
    THUMBNAIL_SIDE,
    check_digests,
    check_embeddings,
    check_labels,
    check_names,
    check_thumbnails,
    decode,
    decode_names,
    encode,
)
from isexplore.predictions.provenance import Provenance
from isexplore.tensor_files import ArrayBlocks, expand_home, open_tensors, save_tensors

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["THUMBNAIL_SIDE", "Predictions", "Provenance", "load"]

_FORMAT = "isexplore predictions 1"
_FLOATS = {"probabilities": np.dtype(np.float32), "embeddings": np.dtype(np.float16)}


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
    labels : tuple of int or tuple of str, length N, or None
        A grouping of the images, such as their true classes or their folders: see `isexplore.group_sums`.
    embeddings : ndarray of float16, shape (N, D), or None
        What the network's last linear layer gets of each image; `isexplore.predict` keeps it where asked to.
        Memory-mapped when it was loaded from a file.
    digests : ndarray of uint8, shape (N, 16), or None
        BLAKE2b of each image's shape and pixels, as `isexplore.predict` read them: the same where images are.

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
    labels: tuple[int | str, ...] | None = None
    embeddings: NDArray[np.float16] | None = None
    digests: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return int(self.probabilities.shape[0])

    def __repr__(self) -> str:
        n, c = self.probabilities.shape
        classifier = self.provenance.classifier
        by = f", {classifier}" if classifier else ""
        return f"Predictions({n} images × {c} classes, {self.provenance.source}{by})"

    @classmethod
    def from_probabilities(  # noqa: PLR0913, PLR0917 - the parts of predictions
        cls,
        p: ArrayLike,
        class_names: Sequence[str] | None = None,
        image_names: Sequence[str] | None = None,
        thumbnails: NDArray[np.uint8] | None = None,
        labels: Sequence[int | str] | NDArray[Any] | None = None,
        embeddings: ArrayLike | None = None,
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
        labels : sequence of int or of str, optional
            N labels, a grouping of the images: their true classes, or folders.
        embeddings : array-like of floats, shape (N, D), optional
            What some network's last layer sees of each image; kept as float16. A torch tensor will do. Copied, unless
            it is a memory map of float16.

        Raises
        ------
        ValueError
            If a row is no distribution (the first bad one is named), lengths disagree, labels mix integers and text, or
            an embedding is not finite or beyond what float16 can hold.

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
        names = check_names("image_names", image_names, n)
        return cls(
            probabilities,
            check_names("class_names", class_names, c),
            names,
            check_thumbnails(thumbnails, n),
            labels=check_labels(labels, n),
            embeddings=check_embeddings(embeddings, names),
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
        write(path, **{part.name: getattr(self, part.name) for part in fields(self)})


def write(  # noqa: PLR0913 - the parts of predictions
    path: str | os.PathLike[str],
    *,
    probabilities: NDArray[np.float32] | ArrayBlocks,
    class_names: tuple[str, ...],
    image_names: tuple[str, ...],
    thumbnails: NDArray[np.uint8] | ArrayBlocks | None,
    labels: tuple[int | str, ...] | None,
    provenance: Provenance,
    embeddings: NDArray[np.float16] | ArrayBlocks | None = None,
    digests: NDArray[np.uint8] | ArrayBlocks | None = None,
) -> None:
    """Write the file of predictions that `load` reads, from parts that are checked already and may come in blocks.

    Raises
    ------
    OSError
        If the folder does not exist, or the file can't be written.
    """
    tensors: dict[str, NDArray[Any] | ArrayBlocks] = {
        "probabilities": probabilities,
        "class_names": encode(class_names),
        "image_names": encode(image_names),
    }
    optional = {"thumbnails": thumbnails, "embeddings": embeddings, "digests": digests}
    tensors |= {name: tensor for name, tensor in optional.items() if tensor is not None}
    if labels is not None:
        tensors["labels"] = encode(labels)
    save_tensors(path, tensors, {"format": _FORMAT, "provenance": provenance.to_json()})


def load(path: str | os.PathLike[str]) -> Predictions:
    """Open predictions that `Predictions.save` wrote; what is large in them is memory-mapped.

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
        If the file is damaged, is no file of predictions, or holds rows that are no distributions, or embeddings that
        are not finite.

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
    for name, dtype in _FLOATS.items():
        if name in tensors and tensors[name].dtype != dtype:
            raise ValueError(f"its {name} are {tensors[name].dtype}, not {dtype}")
    probabilities = tensors["probabilities"]
    check_probabilities(probabilities)
    n, c = probabilities.shape
    names = check_names("image_names", decode_names(tensors["image_names"]), n)
    return Predictions(
        probabilities,
        check_names("class_names", decode_names(tensors["class_names"]), c),
        names,
        check_thumbnails(tensors.get("thumbnails"), n),
        Provenance.from_json(metadata["provenance"]),
        check_labels(decode(tensors["labels"]), n) if "labels" in tensors else None,
        check_embeddings(tensors.get("embeddings"), names),
        check_digests(tensors.get("digests"), n),
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
