"""Counting, selecting and joining phrases by the tasks of an executor, with the results of threads, bit for bit.

Tasks read the numbered text, and arrays that the leading process has saved once, from files; each writes its results to
files under a name of its own, so that any of them may run twice. Pairs are counted in two steps: a task for each part
of the text writes its counts in order of the ranges of keys, a task for each range adds them up.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from embeddings.array_files import read_items, save_array
from embeddings.executor import Executor
from embeddings.text.numbered_text import BETWEEN_PARTS, NumberedText, Stretch
from embeddings.text.phrase_counts import PIECE, Counts, KeyTable, keys_of
from embeddings.text.phrase_kernels import NO_CHAIN, Chain, Scorer, join_phrases, pair_keys, select_phrases
from embeddings.text.phrase_threads import Found
from embeddings.text.tokenized_corpus import ids_name
from vecmill.files import writing

_GROUPS = 4  # for each processor: the last ones end together
_LARGEST_GROUP = 1 << 23  # ids, whose pairs a task holds in memory
_ALL_KEYS = 1 << 64
_FOUND = ("places", "numbers", "scores")


class PhraseTasks:
    """The leading process's side of one pass.

    Parameters
    ----------
    text : NumberedText
        Its ids are in a file that all tasks see.
    delimiter : str
        Between the words of a phrase.
    directory : Path
        Empty directory for the files of tasks, which all of them see.
    executor : Executor
    """

    def __init__(self, text: NumberedText, delimiter: str, directory: Path, executor: Executor) -> None:
        self._text, self._delimiter, self._executor = text, delimiter.encode(), executor
        self._files = Files(directory, text.directory / ids_name(0))
        self._files.save(connector=text.connector, parts=text.hashes(BETWEEN_PARTS))
        self._groups = list(_grouped(text.stretches, min(_LARGEST_GROUP, len(text.ids) // (_GROUPS * executor.tasks))))

    def count(self, min_count: int) -> Counts:
        """Count words and pairs of words; see `phrase_counts.count_pairs`.

        Parameters
        ----------
        min_count : int

        Returns
        -------
        Counts
        """
        ranges = 1 << (_GROUPS * self._executor.tasks - 1).bit_length()
        strings = self._text.hashes(self._delimiter)
        self._files.save(strings=strings, counts=np.where(self._text.connector, 0, np.append(0, self._text.counts)))
        names = list(self._executor.map(partial(_count, self._files, ranges), self._groups))
        add = partial(_add_up, self._files, names, ranges, min_count)
        distinct, words = 0, np.zeros(len(self._text.counts) + 1, np.int64)
        frequent = []
        for name, number in self._executor.map(add, range(ranges)):
            ids, numbers = self._files.take(name, "words")
            words[ids] = numbers
            frequent.append(self._files.take(name, "frequent"))
            distinct += number
        self._files.remove(*(f"{name}-{kind}" for name in names for kind in ("counted", "ends")))
        table = KeyTable(2 * sum(map(len, frequent)))
        for entries in frequent:
            table.add(*_keys_and_numbers(entries))
        return Counts(distinct, words, table)

    def select(self, counts: Counts, scorer: Scorer) -> list[Found]:
        """Find the phrases, each at least once.

        Parameters
        ----------
        counts : Counts
        scorer : Scorer

        Returns
        -------
        list of (places, numbers, scores)
            See `phrase_kernels.select_phrases`; places are those in the whole text.
        """
        self._files.save(counts=counts.words, slots=counts.frequent.slots)
        names = self._executor.map(partial(_select, self._files, scorer), self._groups)
        found = []
        for name in names:
            places, numbers, scores = (self._files.take(name, kind) for kind in _FOUND)
            found.append((places, numbers, scores))
        return found

    def join(self, slots: np.ndarray, words: int) -> tuple[np.ndarray, np.ndarray]:
        """Join phrases in the ids of the text.

        Parameters
        ----------
        slots : (2 s,) uint64
            Table of the ids of phrases.
        words : int
            Number of words, phrases included.

        Returns
        -------
        sizes : (stretches, 2) int64
            Ids after joining, and ids that became part of a phrase.
        changes : (words + 1,) int64
            Of the counts, by id.
        """
        self._files.save(slots=slots)
        sizes, changes = [], np.zeros(words + 1, np.int64)
        joined = self._executor.map(partial(_join, self._files, words), self._groups)
        for group, name in zip(self._groups, joined, strict=True):
            ids, own = self._files.take(name, "joined"), self._files.take(name, "sizes")
            ends = np.cumsum(own[:, 0])
            for stretch, end, size in zip(group, ends, own[:, 0], strict=True):
                self._text.ids[stretch.first : stretch.first + size] = ids[end - size : end]
            sizes.append(own)
            changed, by = self._files.take(name, "changes")
            changes[changed] += by
        return np.concatenate(sizes), changes


@dataclass(frozen=True)
class Files:
    """The files of the tasks of one pass.

    Attributes
    ----------
    directory : Path
    ids : Path
        Of the text.
    """

    directory: Path
    ids: Path

    def save(self, name: str = "", **arrays: np.ndarray) -> None:
        """Save arrays; those of a task have its name."""
        with writing(self.directory):
            for kind, array in arrays.items():
                save_array(self._path(name, kind), array)

    def shared(self, *kinds: str) -> list[np.ndarray]:
        """Map arrays of the leading process into memory."""
        return [np.asarray(np.load(self._path("", kind), mmap_mode="c")) for kind in kinds]

    def mapped(self, name: str, kind: str) -> np.ndarray:
        """Map an array of a task into memory."""
        array: np.ndarray = np.load(self._path(name, kind), mmap_mode="c")
        return array

    def take(self, name: str, kind: str) -> Any:
        """Read an array of a task and remove its file."""
        array = np.load(self._path(name, kind))
        self._path(name, kind).unlink()
        return array

    def remove(self, *stems: str) -> None:
        """Remove files of tasks."""
        for stem in stems:
            (self.directory / f"{stem}.npy").unlink()

    def text(self, first: int, end: int) -> np.ndarray:
        """Read ids of the text, (end - first,) int32."""
        return read_items(self.ids, "<i4", end - first, first)

    def _path(self, name: str, kind: str) -> Path:
        return self.directory / (f"{name}-{kind}.npy" if name else f"{kind}.npy")


def _grouped(stretches: Sequence[Stretch], least: int) -> Iterator[list[Stretch]]:
    """Yield stretches that follow one another, so many ids or a little more together."""
    group: list[Stretch] = []
    for stretch in stretches:
        group.append(stretch)
        if stretch.end - group[0].first >= least:
            yield group
            group = []
    if group:
        yield group


def _count(files: Files, ranges: int, group: list[Stretch]) -> str:
    """Count the pairs of some stretches; write them in order of the ranges, and where each range ends."""
    name, (strings, connector) = uuid.uuid4().hex, files.shared("strings", "connector")
    found: list[list[np.ndarray]] = [[] for _ in range(ranges)]
    for stretch in group:
        for keys, sizes in _pairs(files.text(stretch.first, stretch.end), strings, connector, ranges):
            for number, size in enumerate(sizes):
                found[number].append(keys[number, :size].copy())
    counted = [_entries(np.concatenate(keys)) for keys in found]
    files.save(name, counted=np.concatenate(counted), ends=np.cumsum([len(entries) for entries in counted]))
    return name


def _pairs(
    ids: np.ndarray, strings: np.ndarray, connector: np.ndarray, ranges: int
) -> Iterator[tuple[np.ndarray, list[int]]]:
    """Yield the keys of the pairs of a stretch by their ranges, and how many each has; the array is used again."""
    bounds = np.tile(np.array([0, _ALL_KEYS - 1], np.uint64), (ranges, 1))
    keys, found, chain = np.empty((ranges, PIECE, 2), np.uint64), np.zeros(ranges, np.int64), NO_CHAIN
    for first in range(0, len(ids), PIECE):
        with np.errstate(over="ignore"):
            begun, *hashes = pair_keys(ids[first : first + PIECE], strings, connector, chain, bounds, keys, found)
        chain = Chain(begun, *map(np.uint64, hashes))
        yield keys, found.tolist()


def _entries(keys: np.ndarray) -> np.ndarray:
    """Return different keys and how often each is there, (n, 3) uint64."""
    table = KeyTable(len(keys))
    table.add(keys, np.ones(len(keys), np.int64))
    return _as_rows(table, 1)


def _as_rows(table: KeyTable, least: int) -> np.ndarray:
    rows = [np.column_stack([keys, numbers.astype(np.uint64)]) for keys, numbers in table.entries(least)]
    return np.concatenate([np.empty((0, 3), np.uint64), *rows])


def _keys_and_numbers(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.ascontiguousarray(rows[:, :2]), rows[:, 2].astype(np.int64)


def _add_up(files: Files, names: Sequence[str], ranges: int, min_count: int, number: int) -> tuple[str, int]:
    """Add up the counts of a range of keys; write its words and what is frequent, and return how many there are."""
    strings, counts = files.shared("strings", "counts")
    keys, width = keys_of(strings), _ALL_KEYS // ranges
    own = (keys[:, 0] >= np.uint64(width * number)) & (keys[:, 0] <= np.uint64(width * (number + 1) - 1))
    counted = [_keys_and_numbers(_of_range(files, name, number)) for name in names]
    there = np.flatnonzero(own & (counts > 0))
    table = KeyTable(len(there) + sum(len(numbers) for _, numbers in counted))
    table.add(keys[there], counts[there])
    for part in counted:
        table.add(*part)
    name, words = uuid.uuid4().hex, np.flatnonzero(own)
    files.save(name, words=np.stack([words, table.find(keys[words])]), frequent=_as_rows(table, min_count))
    return name, table.used


def _of_range(files: Files, name: str, number: int) -> np.ndarray:
    """Return what a task has counted of a range of keys."""
    ends = files.mapped(name, "ends")
    return files.mapped(name, "counted")[ends[number - 1] if number else 0 : ends[number]]


def _select(files: Files, scorer: Scorer, group: list[Stretch]) -> str:
    """Find the phrases of some stretches; write their places, counts and scores."""
    strings, parts, connector, counts, slots = files.shared("strings", "parts", "connector", "counts", "slots")
    name, seen, found = uuid.uuid4().hex, np.zeros(len(slots), np.uint64), []
    for stretch in group:
        ids = files.text(stretch.first, stretch.end)
        places, numbers, scores = np.empty((len(ids), 2), np.int64), np.empty(len(ids), np.int64), np.empty(len(ids))
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            size = select_phrases(
                ids, strings, parts, connector, counts, slots, seen, scorer, places, numbers, scores
            )  # fmt: skip
        found.append((stretch.first + places[:size], numbers[:size].copy(), scores[:size].copy()))
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    files.save(name, **dict(zip(_FOUND, columns, strict=True)))
    return name


def _join(files: Files, words: int, group: list[Stretch]) -> str:
    """Join the phrases of some stretches; write their ids, their sizes and the changes of the counts."""
    parts, connector, slots = files.shared("parts", "connector", "slots")
    name, changes, found, sizes = uuid.uuid4().hex, np.zeros(words + 1, np.int64), [], []
    for stretch in group:
        ids = files.text(stretch.first, stretch.end)
        with np.errstate(over="ignore"):
            written, joined = join_phrases(ids, parts, connector, slots, changes)
        found.append(ids[:written])
        sizes.append((written, joined))
    changed = np.flatnonzero(changes)
    files.save(
        name,
        joined=np.concatenate(found),
        sizes=np.array(sizes, np.int64),
        changes=np.stack([changed, changes[changed]]),
    )
    return name
