"""Texts that are already split: a folder with one file each for train, valid and test."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from corpora.errors import CorpusError


def part_files(folder: Path, parts: Sequence[str]) -> dict[str, Path] | None:
    """Find the file of each part of a text in a folder: ``train.txt``, ``valid.jsonl.gz``, ...

    Parameters
    ----------
    folder : Path
    parts : sequence of str
        Names of the parts.

    Returns
    -------
    dict of str to Path, or None
        None if `folder` is not a folder, or lacks a file for one of the parts.

    Raises
    ------
    CorpusError
        There are two files for one part.
    """
    return _parts_among(sorted(folder.iterdir()), str(folder), parts) if folder.is_dir() else None


def part_files_among(paths: Sequence[Path], parts: Sequence[str]) -> dict[str, Path] | None:
    """Return the file of each part if the files are exactly those, as ``folder/*`` of a shell gives them, or None."""
    return _parts_among(paths, "the corpus", parts) if len(paths) == len(parts) else None


def _parts_among(paths: Iterable[Path], source: str, parts: Sequence[str]) -> dict[str, Path] | None:
    found: dict[str, list[Path]] = {part: [] for part in parts}
    for path in paths:
        part = path.name.partition(".")[0]
        if path.is_file() and part in found:
            found[part].append(path)
    if not all(found.values()):
        return None
    for part, files in found.items():
        if len(files) > 1:
            raise CorpusError(f"{source} has {files[0].name} and {files[1].name}; expected one file for {part}")
    return {part: files[0] for part, files in found.items()}
