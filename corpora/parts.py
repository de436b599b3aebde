"""Texts that are already split: a folder with one file each for train, valid and test."""

from collections.abc import Sequence
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
    if not folder.is_dir():
        return None
    found: dict[str, list[Path]] = {part: [] for part in parts}
    for path in sorted(folder.iterdir()):
        part = path.name.partition(".")[0]
        if path.is_file() and part in found:
            found[part].append(path)
    if not all(found.values()):
        return None
    for part, paths in found.items():
        if len(paths) > 1:
            raise CorpusError(f"{folder} has {paths[0].name} and {paths[1].name}; expected one file for {part}")
    return {part: paths[0] for part, paths in found.items()}
