"""Split of a tokenized text into train, valid and test.

Texts from three files named ``train``, ``valid`` and ``test`` keep these parts. Any other text is assigned to parts in
blocks of 50 lines: with fractions of 5 % each, the last two of every twenty blocks go to valid and test, so that every
region of the text is in every part. A text of fewer than 1,000 lines has fewer lines per block. Lines without a word do
not count, so the split depends neither on the blocks in which the text was read nor on the number of threads.

A directory contains

    split.json                     the fractions, the totals and the assignment of lines
    lines.npy                      (p, 2) int64 for each part of the tokenized ids: lines before it, and 1 if the line
                                   in which it begins has a word before it
    counts-<worker>-<n>.npy        (w,) int64: counts in train of the words of spill n of a worker, in the order of its
                                   file of words
"""

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from pathlib import Path

import numpy as np

from embeddings.array_files import read_array, save_array
from embeddings.errors import EmbeddingsError
from embeddings.text.encoding_kernels import Begin, Deal, count_lines, count_words
from embeddings.text.tokenized_corpus import TokenizedCorpus
from embeddings.threads import thread_count
from vecmill.arguments import require_path
from vecmill.files import atomic_directory, write_json, writing

TRAIN, VALID, TEST = PARTS = ("train", "valid", "test")
BLOCK_LINES = 50
WHOLE_TEXT = 1 << 62  # lines per block if all lines belong to one part
_LONGEST_CYCLE = 1000
_RECORD, _LINES = "split.json", "lines.npy"
_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class SplitText:
    """A directory that `split_text` has written.

    Attributes
    ----------
    directory : Path
    description : str
        Source of the parts: files, or blocks of lines.
    lines : dict of str to int
        Number of lines with a word, by part.
    tokens : int
        Number of words of train.
    block_lines : int
        Lines per block.
    cycle : tuple of int
        Part of each block of a cycle.
    begins : (p, 2) int64
        For each part of the tokenized ids: lines before it, and 1 if the line in which it begins has a word before it.
    """

    directory: Path
    description: str
    lines: dict[str, int]
    tokens: int
    block_lines: int
    cycle: tuple[int, ...]
    begins: np.ndarray

    @classmethod
    def open(cls, directory: str | PathLike[str]) -> "SplitText":
        """Open a directory.

        Parameters
        ----------
        directory : path

        Returns
        -------
        SplitText

        Raises
        ------
        EmbeddingsError
            The directory holds no split, or is damaged.
        """
        require_path("directory", directory)
        directory = Path(directory)
        try:
            about = json.loads((directory / _RECORD).read_text("utf-8"))
            if about.pop("format") != _FORMAT:
                raise EmbeddingsError(f"{directory} is of another version; split the text again")
            begins = read_array(directory / _LINES)
            if begins.dtype != np.int64 or begins.ndim != 2 or begins.shape[1] != 2 or begins.min(initial=0) < 0:
                raise ValueError(f"{_LINES} holds {begins.dtype} of shape {begins.shape}")
            about["cycle"] = tuple(about["cycle"])
            split = cls(directory=directory, begins=begins, **about)
            split._check()
            return split
        except FileNotFoundError as error:
            raise EmbeddingsError(f"{directory} has no {Path(error.filename).name}; expected a split text") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EmbeddingsError(f"{directory} is damaged ({error}); split the text again") from error

    def _check(self) -> None:
        numbers = [self.block_lines, self.tokens, *self.lines.values(), *self.cycle]
        if not all(type(number) is int and 0 <= number <= WHOLE_TEXT for number in numbers) or not self.block_lines:
            raise ValueError("a number is out of range")
        if set(self.lines) != {*PARTS} or not {*self.cycle} or max(self.cycle) >= len(PARTS):
            raise ValueError(f"the parts are not {', '.join(PARTS)}")

    def counts(self, worker: int, spill: int) -> np.ndarray:
        """Return the counts in train of the words of a spill, (w,) int64, in the order of its file."""
        path = self.directory / _counts_name(worker, spill)
        try:
            counts = read_array(path)
        except OSError as error:
            raise EmbeddingsError(f"cannot read {path}: {error.strerror}; split the text again") from error
        sound = counts.dtype == np.int64 and counts.ndim == 1
        if not sound or counts.min(initial=0) < 0 or counts.max(initial=0) > self.tokens:
            raise EmbeddingsError(f"{path} is damaged; split the text again")
        return counts

    def begin(self, tokenized: TokenizedCorpus, part: int) -> tuple[Begin, Deal]:
        """Return the position of a part of the tokenized ids, and the assignment of its lines."""
        if len(self.begins) != len(tokenized.parts):
            raise EmbeddingsError(f"{self.directory} is the split of another text; split this one")
        line, in_line = self.begins[part].tolist()
        return Begin(line, bool(in_line)), _deal(self, tokenized, part)


def whole_text(_: TokenizedCorpus, __: int) -> tuple[Begin, Deal]:
    """Return the result of `SplitText.begin` for a text that is all train."""
    return Begin(0, False), Deal(WHOLE_TEXT, np.zeros(1, np.int64))


def _deal(split: "SplitText", tokenized: TokenizedCorpus, part: int) -> Deal:
    if tokenized.sources:
        return Deal(WHOLE_TEXT, tokenized.parts[part, 4:])
    return Deal(split.block_lines, np.array(split.cycle, np.int64))


def split_text(
    tokenized: TokenizedCorpus,
    directory: str | PathLike[str],
    *,
    valid: float = 0.05,
    test: float = 0.05,
    threads: int | None = None,
) -> SplitText:
    """Assign lines to train, valid and test, and count the words of train.

    Parameters
    ----------
    tokenized : TokenizedCorpus
        One text, or three named train, valid and test.
    directory : path
        Output directory, which must not exist or be empty.
    valid, test : float
        Fractions of the lines; without effect for three texts.
    threads : int, optional
        By default one per processor core.

    Returns
    -------
    SplitText

    Raises
    ------
    EmbeddingsError
        A part has no line of words, or `directory` exists.
    ValueError
        The fractions leave nothing for train, or no cycle of at most 1,000 blocks has these fractions.
    """
    if tokenized.sources and tuple(tokenized.sources) != PARTS:
        raise ValueError(f"texts named {', '.join(tokenized.sources)}; expected {', '.join(PARTS)}")
    return _split(tokenized, directory, dealing_cycle(valid, test), threads)


def train_on_all(tokenized: TokenizedCorpus, directory: str | PathLike[str], threads: int | None = None) -> SplitText:
    """Assign all lines to train: the vocabulary of the text then has ``<unk>`` and ``<eos>``, as that of a split text.

    Parameters
    ----------
    tokenized : TokenizedCorpus
        One text.
    directory : path
        Output directory, which must not exist or be empty.
    threads : int, optional
        By default one per processor core.

    Returns
    -------
    SplitText

    Raises
    ------
    EmbeddingsError
        `directory` exists.
    """
    return _split(tokenized, directory, (PARTS.index(TRAIN),), threads)


def _split(
    tokenized: TokenizedCorpus, directory: str | PathLike[str], cycle: tuple[int, ...], threads: int | None
) -> SplitText:
    given = bool(tokenized.sources)
    with ThreadPoolExecutor(thread_count(threads), "split") as pool, atomic_directory(directory) as partial:
        counted = pool.map(lambda part: count_lines(tokenized.ids(part)), range(len(tokenized.parts)))
        begins, total = _begins(list(counted))
        block_lines = max(1, min(BLOCK_LINES, total // len(cycle)))
        lines = _lines_of_files(tokenized, begins, total) if given else _lines_of_blocks(total, block_lines, cycle)
        for part, number in lines.items():
            if not number and (given or len(cycle) > 1):
                more = "" if given else f", and {len(cycle)} or more in all; or give three files"
                raise EmbeddingsError(f"no text for {part}: expected at least one line of words{more}")
        split = SplitText(
            directory=partial,
            description="as given: train, valid, test" if given else describe_cycle(block_lines, cycle),
            lines=lines,
            tokens=0,
            block_lines=block_lines,
            cycle=cycle,
            begins=begins,
        )
        workers = np.unique(tokenized.parts[:, 0]).tolist()
        tokens = sum(pool.map(lambda worker: _count_train(tokenized, split, worker), workers))
        record = {
            "format": _FORMAT,
            "description": split.description,
            "lines": lines,
            "tokens": tokens,
            "block_lines": block_lines,
            "cycle": list(cycle),
        }
        with writing(directory):
            save_array(partial / _LINES, begins)
            write_json(partial / _RECORD, record)
    return SplitText.open(directory)


def dealing_cycle(valid: float, test: float) -> tuple[int, ...]:
    """Return the part of each block of the shortest cycle with these fractions: ``(0, 0, ..., 1, ..., 2, ...)``.

    Parameters
    ----------
    valid, test : float
        Fractions of the lines.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        A fraction is not above 0, they leave nothing for train, or no cycle of at most 1,000 blocks has them.
    """
    for name, share in (("valid", valid), ("test", test)):
        if not 0 < share < 1:
            raise ValueError(f"{name} is {share}; it must be a share above 0 and below 1")
    if valid + test >= 1:
        raise ValueError(f"valid and test are {valid} and {test}; together they must be below 1")
    shares = [Fraction(str(valid)), Fraction(str(test))]
    length = math.lcm(*(share.denominator for share in shares))
    if length > _LONGEST_CYCLE:
        raise ValueError(f"valid and test are {valid} and {test}; give them at most three decimals")
    numbers = [int(share * length) for share in shares]
    return (0,) * (length - sum(numbers)) + (1,) * numbers[0] + (2,) * numbers[1]


def describe_cycle(block_lines: int, cycle: tuple[int, ...]) -> str:
    """Describe the assignment of blocks of lines in words."""
    numbers = np.bincount(cycle, minlength=len(PARTS)).tolist()
    shares = ", ".join(f"{number} for {part}" for part, number in zip(PARTS, numbers, strict=True))
    return f"blocks of {block_lines} lines; of every {len(cycle)} blocks, {shares}"


def _begins(counted: list[tuple[bool, bool, int, bool]]) -> tuple[np.ndarray, int]:
    """Sum the results of `count_lines`; return the begin of each part of the tokenized ids, and the number of lines."""
    begins = np.empty((len(counted), 2), np.int64)
    line, in_line = 0, False
    for part, (has_end, begins_with_word, lines, ends_with_word) in enumerate(counted):
        begins[part] = line, in_line
        in_line = in_line or begins_with_word
        if has_end:
            line += in_line + lines
            in_line = ends_with_word
    return begins, line


def _lines_of_blocks(total: int, block_lines: int, cycle: tuple[int, ...]) -> dict[str, int]:
    blocks = np.diff(np.minimum(np.arange(0, total + block_lines, block_lines), total))
    parts = np.resize(np.array(cycle), len(blocks))
    return {name: int(blocks[parts == part].sum()) for part, name in enumerate(PARTS)}


def _lines_of_files(tokenized: TokenizedCorpus, begins: np.ndarray, total: int) -> dict[str, int]:
    """Count the lines of each source; every source ends its last line."""
    first = [np.flatnonzero(tokenized.parts[:, 4] >= source) for source in range(len(PARTS) + 1)]
    bounds = [int(begins[found[0], 0]) if len(found) else total for found in first]
    return {name: bounds[part + 1] - bounds[part] for part, name in enumerate(PARTS)}


def _count_train(tokenized: TokenizedCorpus, split: SplitText, worker: int) -> int:
    """Write the counts of all spills of a worker; return their sum."""
    tokens = 0
    for spill, parts in _parts_by_spill(tokenized, worker):
        words = tokenized.spilled_counts(worker, spill)
        counts = np.zeros(words.size + 1, np.int64)
        for part in parts:
            if not count_words(tokenized.ids(part), *split.begin(tokenized, part), 0, counts):
                raise EmbeddingsError(f"{tokenized.directory} is damaged; tokenize the corpus again")
        path = split.directory / _counts_name(worker, spill)
        with writing(path):
            save_array(path, counts[words.ids()])
        tokens += int(counts.sum())
    return tokens


def _parts_by_spill(tokenized: TokenizedCorpus, worker: int) -> Iterator[tuple[int, list[int]]]:
    own = np.flatnonzero(tokenized.parts[:, 0] == worker)
    for spill in np.unique(tokenized.parts[own, 1]).tolist():
        yield spill, own[tokenized.parts[own, 1] == spill].tolist()


def _counts_name(worker: int, spill: int) -> str:
    return f"counts-{worker}-{spill}.npy"
