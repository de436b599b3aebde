"""Reader of zip and tar archives that does not trust the names and links in them."""

import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, cast

from corpora.errors import CorpusError
from vecmill.compression import DAMAGE, decompressed

ARCHIVE_DAMAGE = (*DAMAGE, zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError)
"""Errors of damaged or encrypted archives, raised when an archive is opened or a member is read."""


def members(path: Path, name: str) -> Iterator[tuple[PurePosixPath, BinaryIO]]:
    """Open the files in an archive one after the other.

    The function writes nothing, but it checks all names first, so that a malicious archive is refused before any of its
    content is used.

    Parameters
    ----------
    path : Path
        A zip archive, a tar archive or a single file; the last two may be compressed.
    name : str
        Name of the archive in messages, and of its only member if it is a single file.

    Yields
    ------
    name : PurePosixPath
        Relative path without ``..``.
    file : binary file
        The contents, valid until the next iteration.

    Raises
    ------
    CorpusError
        A name leads out of the archive's folder, or a member is a link or a device.
    """
    if zipfile.is_zipfile(path):
        yield from _zip_members(path, name)
    elif tarfile.is_tarfile(path):
        yield from _tar_members(path, name)
    else:
        with path.open("rb") as stored:
            yield PurePosixPath(name), cast(BinaryIO, decompressed(stored, name))


def _zip_members(path: Path, archive_name: str) -> Iterator[tuple[PurePosixPath, BinaryIO]]:
    with zipfile.ZipFile(path) as archive:
        checked = []
        for member in archive.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            _refuse_other_than_files(kind in (0, stat.S_IFREG, stat.S_IFDIR), archive_name, member.filename)
            checked.append((_safe(member.filename, archive_name), member))
        for name, member in checked:
            if not member.is_dir():
                with archive.open(member) as file:
                    yield name, cast(BinaryIO, file)


def _tar_members(path: Path, archive_name: str) -> Iterator[tuple[PurePosixPath, BinaryIO]]:
    with tarfile.open(path) as archive:
        checked = []
        for member in archive.getmembers():
            _refuse_other_than_files(member.isfile() or member.isdir(), archive_name, member.name)
            checked.append((_safe(member.name, archive_name), member))
        for name, member in checked:
            file = archive.extractfile(member)
            if file is not None:
                with file:
                    yield name, cast(BinaryIO, file)


def _refuse_other_than_files(plain: bool, archive_name: str, name: str) -> None:
    if not plain:
        raise CorpusError(f"{archive_name} contains a link or device, {name!r}; do not trust it")


def _safe(name: str, archive_name: str) -> PurePosixPath:
    if not name:
        raise CorpusError(f"{archive_name} contains a member without a name; do not trust it")
    windows = PureWindowsPath(name)  # knows both separators and drive letters
    if windows.anchor or ".." in windows.parts or "\0" in name:
        raise CorpusError(f"{archive_name} would write outside its folder, to {name!r}; do not trust it")
    return PurePosixPath(name)
