"""The ids of a tokenized text in its order: encoded by threads, or by tasks of an executor that write files."""

import shutil
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from embeddings.array_files import read_array, save_array
from embeddings.errors import EmbeddingsError
from embeddings.executor import Executor
from embeddings.text.encoding_kernels import OUTSIDE, encode_part
from embeddings.text.split import SplitText, whole_text
from embeddings.text.tokenized_corpus import TokenizedCorpus
from embeddings.text.tokenizer.counted_words import CountedWords
from embeddings.text.tokenizer.word_table import WordTable
from embeddings.text.vocabulary import EOS, UNK, Vocabulary
from vecmill.files import writing

_RANGES = 4  # tasks for each processor: the last ones end together
_LARGEST_RANGE = 1 << 23  # ids, which a task holds in memory

Stretch = tuple[int, np.ndarray, np.ndarray]
"""Part of the text, ids, ends of sentences in them."""


@dataclass(frozen=True)
class Encoding:
    """How a tokenized text is encoded; it can be sent to another process.

    Attributes
    ----------
    tokenized : TokenizedCorpus
    vocabulary : Vocabulary
    split : SplitText or None
        Split of the text; None to omit words that are not in the vocabulary.
    """

    tokenized: TokenizedCorpus
    vocabulary: Vocabulary
    split: SplitText | None = None

    @property
    def unknown(self) -> int:
        """Id of words that are not in the vocabulary."""
        return self.vocabulary.id(UNK) if self.split else OUTSIDE

    def table(self) -> WordTable:
        """Return the words of the vocabulary; their ids in the table begin at 1."""
        table = WordTable()
        table.add(CountedWords(self.vocabulary.encoded_words, self.vocabulary.counts))
        return table


def encoded_stretches(encoding: Encoding, parts: range, pool: ThreadPoolExecutor, threads: int) -> Iterator[Stretch]:
    """Encode some parts of the provisional ids, in parallel and slightly ahead.

    The spills of a worker are consecutive, so that one table of final ids per worker is enough.

    Parameters
    ----------
    encoding : Encoding
    parts : range
        Rows of `TokenizedCorpus.parts`.
    pool : ThreadPoolExecutor
    threads : int
        Of the pool.

    Yields
    ------
    Stretch
        In the order of the text.

    Raises
    ------
    EmbeddingsError
        The tokenized text is damaged.
    """
    tokenized, split, unknown, table = encoding.tokenized, encoding.split, encoding.unknown, encoding.table()
    line_end = encoding.vocabulary.id(EOS) if split else OUTSIDE
    final_ids: dict[int, tuple[int, Future[np.ndarray]]] = {}
    ahead: deque[Future[list[Stretch]]] = deque()
    begin_of = split.begin if split else whole_text

    def find(worker: int, spill: int) -> np.ndarray:
        words = tokenized.spilled_counts(worker, spill)
        final = np.empty(words.size + 1, np.int32)
        found = table.find(words.words().words) - 1
        final[words.ids()] = found if unknown == OUTSIDE else np.where(found < 0, unknown, found)
        return final

    def encode(part: int, final: Future[np.ndarray]) -> list[Stretch]:
        provisional, (begin, deal) = tokenized.ids(part), begin_of(tokenized, part)
        ids, ends = np.empty(len(provisional), np.int32), np.empty(len(provisional), np.int64)
        stretches = np.empty((len(provisional) // (2 * deal.block_lines) + 2, 3), np.int64)
        number = encode_part(provisional, final.result(), line_end, begin, deal, ids, ends, stretches)
        if number < 0:
            raise EmbeddingsError(f"{tokenized.directory} is damaged; tokenize the corpus again")
        found, first, first_end = [], 0, 0
        for which, last, last_end in stretches[:number].tolist():
            found.append((which, ids[first:last], ends[first_end:last_end] - first))
            first, first_end = last, last_end
        return found

    for part in parts:
        worker, spill = tokenized.parts[part, :2].tolist()
        if final_ids.get(worker, (None,))[0] != spill:
            final_ids[worker] = (spill, pool.submit(find, worker, spill))
        ahead.append(pool.submit(encode, part, final_ids[worker][1]))
        if len(ahead) > threads:
            yield from ahead.popleft().result()
    while ahead:
        yield from ahead.popleft().result()


@contextmanager
def scratch_directory(directory: Path) -> Iterator[Path]:
    """Make a directory for the files of tasks; it is removed at the end, with what attempts have left that were lost.

    Parameters
    ----------
    directory : Path

    Yields
    ------
    Path
    """
    scratch = directory / ".tasks"
    scratch.mkdir()
    yield scratch
    shutil.rmtree(scratch)


def stretches_of_tasks(encoding: Encoding, executor: Executor, directory: Path) -> Iterator[Stretch]:
    """Encode all parts by tasks; each writes its stretches to files, which are removed when they were read.

    Parameters
    ----------
    encoding : Encoding
    executor : Executor
    directory : Path
        Existing directory for the files, which all tasks see.

    Yields
    ------
    Stretch
        In the order of the text.

    Raises
    ------
    EmbeddingsError
        The tokenized text is damaged.
    """
    sizes = encoding.tokenized.parts[:, 3]
    number = max(_RANGES * executor.tasks, int(sizes.sum()) // _LARGEST_RANGE)
    ranges = [(int(few[0]), int(few[-1]) + 1) for few in np.array_split(np.arange(len(sizes)), number) if len(few)]
    for name in executor.map(partial(_write_range, encoding, directory), ranges):
        paths = [directory / f"{name}-{kind}.npy" for kind in ("table", "ids", "ends")]
        table, ids, ends = (read_array(path, mapped=kind > 0) for kind, path in enumerate(paths))
        first = first_end = 0
        for which, size, sentences in table.tolist():
            yield which, ids[first : first + size], ends[first_end : first_end + sentences]
            first, first_end = first + size, first_end + sentences
        for path in paths:
            path.unlink()


def _write_range(encoding: Encoding, directory: Path, parts: tuple[int, int]) -> str:
    """Encode some parts with one thread and write their stretches; return the beginning of the names of the files."""
    name = uuid.uuid4().hex  # another attempt may write at the same time
    with ThreadPoolExecutor(1) as pool, writing(directory):
        found = list(encoded_stretches(encoding, range(*parts), pool, 1))
        table = [(which, len(ids), len(ends)) for which, ids, ends in found]
        save_array(directory / f"{name}-table.npy", np.array(table, np.int64).reshape(-1, 3))
        save_array(
            directory / f"{name}-ids.npy", np.concatenate([np.empty(0, np.int32), *(ids for _, ids, _ in found)])
        )
        save_array(
            directory / f"{name}-ends.npy", np.concatenate([np.empty(0, np.int64), *(ends for *_, ends in found)])
        )
    return name
