"""The pictures in a zip or tar archive, read in place: nothing is ever unpacked to disk."""

from __future__ import annotations

import io
import os
import stat
import sys
import tarfile
import zipfile
from collections import Counter
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Self, TypeVar

from isexplore.images.decoding import IMAGE_ENDINGS, decode
from isexplore.images.folders import files_set, in_order, no_pictures
from isexplore.images.memory import available_memory
from isexplore.images.pixels import naming, plural, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from isexplore.images.image_set import ImageSet

Member = TypeVar("Member")

ARCHIVE_ENDINGS = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")
# The largest picture that Pillow reads has 90 million pixels; a file may claim anything.
_MOST_BYTES = 1 << 29
# Pictures are compressed already. An archive that unpacks to more than this is made to fill a disk.
_MOST_TIMES = 100
_SLACK_BYTES = 1 << 30
# What tarfile reads as a whole before it shows a member: long names, and records of PAX.
_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
_MOST_HEADER_BYTES = 1 << 20


def archive_set(path: Path, name: str, check: Callable[[], None]) -> ImageSet:
    """Open a zip or tar archive of pictures, at any depth, in the order that a folder of them has.

    A zip and an uncompressed tar are read piece by piece. A compressed tar has no random access: its picture files are
    read into memory once, as they are, not decoded.

    What is hidden is left out; links, devices, repeated names (the last is read, as when unpacking) and names that lead
    out of the archive are left out and counted.

    Parameters
    ----------
    path : Path
    name : str
        What to call the set.
    check : callable
        Called for each member; what it raises ends the look.

    Raises
    ------
    ValueError
        If the archive is damaged, encrypted, a bomb, larger than memory (a compressed tar), or has no pictures.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as folder:
    ...     Image.new("RGB", (6, 5)).save(f"{folder}/a.png")
    ...     with zipfile.ZipFile(f"{folder}/one.zip", "w") as archive:
    ...         archive.write(f"{folder}/a.png", "cat/a.png")
    ...     archive_set(Path(folder, "one.zip"), "one", check=lambda: None)
    one: 1 image (.png 1), first is 6×5 RGB
    """
    if path.name.lower().endswith(".zst") and sys.version_info < (3, 14):
        raise ValueError(
            f"{printable(path)} can't be read before Python 3.14: unpack it, or compress it with gzip or xz"
        )
    is_zip = path.name.lower().endswith(".zip")
    paths, fetch, notes = _open_zip(path, check) if is_zip else _open_tar(path, check)
    return files_set(name, paths, partial(_read_member, paths, fetch), notes)


def _read_member(paths: Sequence[str], fetch: Callable[[int], bytes], index: int) -> NDArray[np.uint8]:
    with naming(paths[index]):
        return decode(io.BytesIO(fetch(index)))


def _sorted_out(path: Path, members: Iterable[tuple[str, bool, Member]]) -> tuple[dict[str, Member], list[str]]:
    """Keep the pictures among (name, whether it is a regular file, member), in order, and say what was left out."""
    pictures: dict[str, Member] = {}
    arrays: list[str] = []
    left_out: Counter[str] = Counter()
    for written, is_file, member in members:
        name = PurePosixPath(written.replace("\\", "/"))  # as some Windows programs write them
        if any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in name.parts):
            continue
        if name.is_absolute() or ".." in name.parts or PureWindowsPath(str(name)).is_absolute():
            left_out["unsafe name"] += 1
        elif not is_file:
            left_out["link or special file"] += 1
        elif name.suffix.lower() not in IMAGE_ENDINGS:
            left_out["other file"] += 1
            arrays += [str(name)] if name.suffix.lower() in (".npy", ".npz") else []
        else:
            left_out["repeated name"] += str(name) in pictures
            pictures[str(name)] = member
    notes = [f"{plural(count, what)} ignored" for what, count in left_out.items() if count]
    if not pictures and arrays:
        raise ValueError(
            f"no images in {printable(path)}, but {printable(arrays[0])}: unpack that and open it"
            " (if NumPy wrote the archive, call it .npz)"
        )
    if not pictures:
        raise ValueError(no_pictures(path, notes))
    return {name: pictures[name] for name in in_order(pictures)}, notes


def _open_zip(path: Path, check: Callable[[], None]) -> tuple[list[str], Callable[[int], bytes], list[str]]:
    with naming(path), zipfile.ZipFile(path) as archive:
        infos = archive.infolist()

    def members() -> Iterator[tuple[str, bool, zipfile.ZipInfo]]:
        for info in infos:
            check()
            if not info.is_dir():
                kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the archive was not made on Unix
                yield info.filename, kind in (0, stat.S_IFREG), info

    pictures, notes = _sorted_out(path, members())
    if any(info.flag_bits & 1 for info in pictures.values()):
        raise ValueError(f"{printable(path)} is encrypted: unpack it with its password and open the folder")
    return list(pictures), _ZipReader(path.absolute(), list(pictures.values())), notes


class _ZipReader:
    """Reads members of a zip, in each process through a file of its own: a forked process would share the position."""

    def __init__(self, path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
        self._path, self._members = path, members
        self._opened: tuple[int, zipfile.ZipFile] | None = None

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_opened": None}

    def __call__(self, index: int) -> bytes:
        opened = self._opened
        if opened is None or opened[0] != os.getpid():
            opened = self._opened = os.getpid(), zipfile.ZipFile(self._path)
        _refuse_huge(self._members[index].file_size)
        return opened[1].read(self._members[index])


def _open_tar(path: Path, check: Callable[[], None]) -> tuple[list[str], Callable[[int], bytes], list[str]]:
    plain = _is_plain(path)
    held: bytearray | None = None if plain else bytearray()
    pictures, notes = _sorted_out(path, _tar_members(path, held, check))
    places = list(pictures.values())
    fetch = partial(_read_part, path.absolute(), places) if held is None else partial(_held_part, held, places)
    return list(pictures), fetch, notes


def _is_plain(path: Path) -> bool:
    try:
        with naming(path), tarfile.open(path, "r:", tarinfo=_Member):
            return True
    except ValueError as error:
        if not isinstance(error.__cause__, tarfile.ReadError):
            raise
        return False


class _Member(tarfile.TarInfo):
    """A member of a tar whose sizes are looked at before tarfile goes by them."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        _refuse_negative(member.size)
        if member.type in _HEADERS and member.size > _MOST_HEADER_BYTES:
            raise ValueError(f"it has a name or header of {member.size:,} bytes, it may be a decompression bomb")
        return member


def _refuse_negative(size: int) -> None:
    if size < 0:
        raise ValueError(f"it claims {size:,} bytes for a member")


def _tar_members(
    path: Path, held: bytearray | None, check: Callable[[], None]
) -> Iterator[tuple[str, bool, tuple[int, int]]]:
    """Yield (name, whether it is a regular file, (where its bytes start, how many)), and keep them if they are held."""
    most = path.stat().st_size * (1 if held is None else _MOST_TIMES) + _SLACK_BYTES
    with naming(path):
        try:
            archive = tarfile.open(path, "r:" if held is None else "r:*", tarinfo=_Member)  # noqa: SIM115 - closed below
        except tarfile.ReadError as error:  # its words list every kind of compression, in lines
            raise ValueError("it is no tar archive, or a damaged one") from error
    with archive:
        while True:
            check()
            with naming(path):
                member = archive.next()
                if member is None:
                    break
                _refuse_negative(member.size)  # which records of PAX may change
            if member.offset_data + member.size > most:
                raise ValueError(f"{printable(path)} claims {member.size:,} bytes for a member: it may be a bomb")
            place = member.offset_data, member.size
            is_file = member.isreg() and not member.issparse()
            if held is not None and is_file and Path(member.name).suffix.lower() in IMAGE_ENDINGS:
                with naming(path):
                    place = _hold(held, archive, member)
            if not member.isdir():
                yield member.name, is_file, place
        with naming(path):
            archive.fileobj.seek(archive.offset)
            # tarfile takes what is no member, and a cut between two members, for the end.
            if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                raise ValueError("it is damaged or cut off")


def _hold(held: bytearray, archive: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[int, int]:
    _refuse_huge(member.size)
    memory = available_memory()
    if memory is not None and member.size > memory:
        raise ValueError("its pictures don't fit into memory, and a compressed tar has no random access: uncompress it")
    start, stream = len(held), archive.extractfile(member)
    held += stream.read() if stream else b""
    return start, member.size


def _held_part(held: bytearray, places: Sequence[tuple[int, int]], index: int) -> bytes:
    start, size = places[index]
    return bytes(held[start : start + size])


def _read_part(path: Path, places: Sequence[tuple[int, int]], index: int) -> bytes:
    start, size = places[index]
    _refuse_huge(size)
    with path.open("rb") as file:  # anew each time, so that processes and threads don't share a position
        file.seek(start)
        return file.read(size)


def _refuse_huge(size: int) -> None:
    if size > _MOST_BYTES:
        raise ValueError(f"it claims {size:,} bytes, it may be a decompression bomb")
