"""Look into zip and tar archives without trusting the names and links in them."""

import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, cast

from corpora.errors import CorpusError
from vecmill.compression import DAMAGE, decompressed

ARCHIVE_DAMAGE = (*DAMAGE, zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError)
"""What a damaged or encrypted archive raises, when it is opened or when a member is read."""


def members(path: Path, name: str) -> Iterator[tuple[PurePosixPath, BinaryIO]]:
    """Open the files in an archive one after the other.

    Nothing is written: where the contents go is for the caller to say. Names are checked all the same, so that an
    archive made to harm is refused before anything of it is used.

    Parameters
    ----------
    path : Path
        A zip or tar archive, the latter perhaps compressed; or a single file, perhaps compressed.
    name : str
        Name of the archive in messages, and of its only member if it is a single file.

    Yields
    ------
    name : PurePosixPath
        Relative and without ``..``.
    file : binary file
        The contents, valid until the next step.

    Raises
    ------
    CorpusError
        If a name leads out of the archive's folder, or a member is a link or a device.
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
        raise CorpusError(f"{archive_name} has a link or device in it, {name!r}; it is not to be trusted")


def _safe(name: str, archive_name: str) -> PurePosixPath:
    if not name:
        raise CorpusError(f"{archive_name} has a member without a name in it; it is not to be trusted")
    windows = PureWindowsPath(name)  # knows both separators and drive letters
    if windows.anchor or ".." in windows.parts or "\0" in name:
        raise CorpusError(f"{archive_name} would write outside its folder, to {name!r}; it is not to be trusted")
    return PurePosixPath(name)
