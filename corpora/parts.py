"""Texts that are already split: a folder with one file each for train, valid and test."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from corpora.errors import CorpusError

logger = logging.getLogger(__name__)

PARTS = ("train", "valid", "test")
"""Names of the parts of a text, in their order."""

_MOST_SHOWN = 5
_SAME_PART = {"training": "train", "validation": "valid", "val": "valid", "dev": "valid"}


def part_files(folder: Path) -> dict[str, Path] | None:
    """Find the file of each part of a text in a folder: ``train.txt``, ``ptb.valid.txt``, ``dev.jsonl.gz``, ...

    Files named by a part alone, such as ``train.txt``, come first, then those with a part among the words of their
    names, such as ``ptb.train.txt``, ``wiki.train.tokens`` and ``train-00000-of-00001.parquet``, and then folders, such
    as ``train/``. ``training`` is train; ``validation``, ``val`` and ``dev`` are valid. A warning names the part that
    `folder` lacks if it has the others; another one names what belongs to no part.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict of str to Path, or None
        None if `folder` is not a folder, or lacks a file for some of the parts.

    Raises
    ------
    CorpusError
        There are two files for one part.
    """
    return _parts_among(sorted(folder.iterdir()), str(folder)) if folder.is_dir() else None


def part_files_among(paths: Sequence[Path]) -> dict[str, Path] | None:
    """Return the file of each part if the files are exactly those, as ``folder/*`` of a shell gives them, or None."""
    return _parts_among(paths, "the corpus") if 1 < len(paths) <= len(PARTS) else None


def part_named(name: str) -> str:
    """Return the part that a name means, such as "valid" for "Dev" and "validation"; other names in lower case."""
    return _SAME_PART.get(name.lower(), name.lower())


def _parts_among(paths: Sequence[Path], source: str) -> dict[str, Path] | None:
    files, folders = [path for path in paths if path.is_file()], [path for path in paths if path.is_dir()]
    lacking = ""
    for among, part_of in ((files, _part_that_is_named), (files, _part_in_the_name), (folders, _part_that_is_named)):
        found = {part: [path for path in among if part_of(path) == part] for part in PARTS}
        absent = [part for part in PARTS if not found[part]]
        if not absent:
            parts = {part: _only_file(part, named, source) for part, named in found.items()}
            _tell_of_others([path.name for path in paths if path not in parts.values()], source)
            return parts
        if len(absent) == 1:
            lacking = f"{' and '.join(part for part in PARTS if found[part])}, but nothing for {absent[0]}"
    if lacking:
        logger.warning("%s has %s; all of it is split anew", source, lacking)
    return None


def _part_that_is_named(path: Path) -> str:
    return part_named(path.name.partition(".")[0])


def _part_in_the_name(path: Path) -> str:
    """Return the part that is a word of a name, as in ``ptb.train.txt``, or "" if there is none or more than one."""
    named = {part_named(word) for word in re.split(r"[._-]", path.name)}.intersection(PARTS)
    return named.pop() if len(named) == 1 else ""


def _only_file(part: str, files: Sequence[Path], source: str) -> Path:
    if len(files) > 1:
        names = f"{files[0].name} and {files[1].name}"
        raise CorpusError(f"{source} has {names}; expected one file for {part}: give the files themselves")
    return files[0]


def _tell_of_others(names: Sequence[str], source: str) -> None:
    """Name what else a folder has, but for hidden files, which no text has."""
    others = [name for name in names if not name.startswith(".")]
    if others:
        shown = ", ".join(others[:_MOST_SHOWN]) + (", ..." if len(others) > _MOST_SHOWN else "")
        logger.warning("%s is read as split into train, valid and test; the others are not read: %s", source, shown)
