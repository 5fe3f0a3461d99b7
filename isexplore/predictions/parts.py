"""What lies beside the rows of predictions: names, thumbnails, embeddings …; how it is checked, and kept in a file."""

from __future__ import annotations

import json
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from isexplore.predictions.provenance import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

THUMBNAIL_SIDE = 64
# Of a BLAKE2b digest: with 16, two of a billion different images agree with a chance of 1e-21.
DIGEST_BYTES = 16
# Numbers that are looked at together: a few MB.
_BLOCK = 2**20


def check_names(what: str, names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """Return one printable name for each class or image; numbers where nobody gave names.

    Raises
    ------
    ValueError
        If the names are not as many.

    Examples
    --------
    >>> check_names("class_names", None, 2)
    ('class 0', 'class 1')
    """
    if names is None:
        width = len(str(count - 1))
        return tuple(f"{what.removesuffix('_names')} {i:0{width}d}" for i in range(count))
    if isinstance(names, str) or len(names) != count:
        found = f"the text {names!r}" if isinstance(names, str) else len(names)
        raise ValueError(f"{what} must be {count} names, one for each, not {found}")
    return tuple(clean_text(str(name)) for name in names)


def check_labels(labels: Any, count: int) -> tuple[int | str, ...] | None:
    """Return one label for each image, all integers or all text, from a sequence, array or tensor; None is none.

    Raises
    ------
    ValueError
        If the labels are not as many, or mix both, or are something else.

    Examples
    --------
    >>> check_labels(np.array([3, 1]), 2)
    (3, 1)
    """
    if labels is None:
        return None
    given = labels.tolist() if hasattr(labels, "tolist") else labels
    if isinstance(given, str) or not hasattr(given, "__len__") or len(given) != count:
        found = len(given) if hasattr(given, "__len__") and not isinstance(given, str) else repr(given)
        raise ValueError(f"labels must be {count} integers or strings, one for each image, not {found}")
    if all(isinstance(label, str) for label in given):
        return tuple(clean_text(label) for label in given)
    for label in given:
        if not hasattr(label, "__index__"):
            raise ValueError(f"labels must be all integers or all strings, not {label!r:.40}")
    return tuple(operator.index(label) for label in given)


def check_thumbnails(thumbnails: NDArray[np.uint8] | None, count: int) -> NDArray[np.uint8] | None:
    """Return the thumbnails with their channels last; a memory map stays one.

    Raises
    ------
    ValueError
        If they are not one small uint8 picture for each image, gray or in colour.

    Examples
    --------
    >>> check_thumbnails(np.zeros((2, 8, 8), np.uint8), 2).shape
    (2, 8, 8, 1)
    """
    if thumbnails is None:
        return None
    given = np.asanyarray(thumbnails)
    pictures: NDArray[np.uint8] = given[..., None] if given.ndim == 3 else given  # noqa: PLR2004
    shape = pictures.shape
    fits = pictures.dtype == np.uint8 and len(shape) == 4 and shape[0] == count and shape[3] in (1, 3)  # noqa: PLR2004
    if not fits or min(shape[1:3]) < 1 or max(shape[1:3]) > THUMBNAIL_SIDE:
        raise ValueError(
            f"thumbnails must be uint8 of shape ({count}, h, w, 1 or 3), at most {THUMBNAIL_SIDE} pixels a side; "
            f"these are {given.dtype} of shape {given.shape}"
        )
    return pictures


def check_embeddings(embeddings: Any, names: Sequence[str]) -> NDArray[np.float16] | None:
    """Return a row of float16 for each image, from an array or tensor of any floats; a memory map of float16 stays one.

    Parameters
    ----------
    embeddings : array-like of floats, shape (N, D), or None
    names : sequence of str, length N
        Of the images, for messages.

    Raises
    ------
    ValueError
        If it is another array, or the row of an image, which is named, holds what is not finite or beyond float16.

    Examples
    --------
    >>> check_embeddings([[0.5, 1.0], [70_000.0, 0.0]], ["a.png", "b.png"])
    Traceback (most recent call last):
        ...
    ValueError: the embedding of 'b.png' holds 70000, but it is kept as float16, which ends at 65504: ...
    """
    if embeddings is None:
        return None
    if hasattr(embeddings, "detach"):
        tensor = embeddings.detach().cpu()
        embeddings = (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
    given = np.asanyarray(embeddings)
    is_matrix = given.ndim == 2 and len(given) == len(names) and given.shape[1] > 0  # noqa: PLR2004 - a matrix
    if not is_matrix or given.dtype.kind != "f" or isinstance(given, np.ma.MaskedArray):
        raise ValueError(
            f"embeddings must be floats of shape ({len(names)}, D), a row for each image; "
            f"these are {type(given).__name__} of {given.dtype}, shape {given.shape}"
        )
    is_kept = isinstance(given, np.memmap) and given.dtype == np.float16
    halves: NDArray[np.float16] = given if is_kept else np.empty(given.shape, np.float16)
    step = max(1, _BLOCK // given.shape[1])
    for start in range(0, len(given), step):
        block = given[start : start + step]
        with np.errstate(over="ignore"):  # told of below
            rounded = block.astype(np.float16, copy=False)
        good = np.isfinite(rounded).all(axis=1)
        if not good.all():
            i = int(np.argmin(good))
            raise ValueError(_bad_embedding(block[i], names[start + i]))
        if not is_kept:
            halves[start : start + step] = rounded
    return halves


def _bad_embedding(row: NDArray[Any], name: str) -> str:
    if not np.isfinite(row).all():
        return f"the embedding of {name!r} holds {row[np.argmin(np.isfinite(row))]}: compute it again, or leave it out"
    return (
        f"the embedding of {name!r} holds {row[np.argmax(np.abs(row))]:.6g}, but it is kept as float16, which ends at "
        f"{np.finfo(np.float16).max:.0f}: scale all embeddings down"
    )


def check_digests(digests: NDArray[Any] | None, count: int) -> NDArray[np.uint8] | None:
    """Return one digest for each image, as they are.

    Raises
    ------
    ValueError
        If they are something else.

    Examples
    --------
    >>> check_digests(np.zeros((2, 8), np.uint8), 2)
    Traceback (most recent call last):
        ...
    ValueError: digests must be uint8 of shape (2, 16); these are uint8 of shape (2, 8)
    """
    if digests is not None and (digests.dtype != np.uint8 or digests.shape != (count, DIGEST_BYTES)):
        raise ValueError(
            f"digests must be uint8 of shape ({count}, {DIGEST_BYTES}); "
            f"these are {digests.dtype} of shape {digests.shape}"
        )
    return digests


def encode(values: tuple[int | str, ...]) -> NDArray[np.uint8]:
    """Write names or labels as JSON.

    Examples
    --------
    >>> encode(("a", "b")).tobytes()
    b'["a", "b"]'
    """
    return np.frombuffer(json.dumps(values).encode(), np.uint8)


def decode(data: NDArray[np.uint8]) -> list[Any]:
    """Read what `encode` wrote.

    Raises
    ------
    ValueError, TypeError
        If it is no JSON, or no list.
    """
    values = json.loads(data.tobytes().decode())
    if not isinstance(values, list):
        raise TypeError("its names or labels are not a list")
    return values


def decode_names(data: NDArray[np.uint8]) -> list[str]:
    """Read names that `encode` wrote.

    Raises
    ------
    ValueError, TypeError
        If it is no JSON, or no list of text.
    """
    names = decode(data)
    if not all(isinstance(name, str) for name in names):
        raise ValueError("its names are not a list of text")
    return names
