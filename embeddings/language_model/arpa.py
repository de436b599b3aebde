r"""ARPA files: n-gram models with back-off as text, as SRILM, KenLM and others write and read them.

A file has the number of n-grams of each order, and a section for each order, whose lines are log10 p, the words, and
log10 γ if the n-gram is the context of others::

    \data\
    ngram 1=4
    \1-grams:
    -0.4	a	-0.25
    \end\
"""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.language_model import ngram_kernels as kernels
from embeddings.language_model.backoff import BackOffTable, Grams, NgramModel
from embeddings.language_model.ngram import KneserNeyEstimate
from embeddings.text.tokenizer.counted_words import CountedWords, Words
from embeddings.text.tokenizer.word_table import WordTable
from embeddings.text.vocabulary import UNK, Vocabulary
from vecmill.compression import DAMAGE, decompressed
from vecmill.files import atomic_file

BEGIN, END = "<s>", "</s>"
_UNKNOWN = (UNK, "<UNK>")
_NUMBER_BYTES = 24  # room for a number of a line, with the character beside it
_LONGEST_NUMBER = 40
_BLOCK_BYTES, _BLOCK_LINES = 1 << 24, 1 << 19
KENLM_BINARY = b"mmap lm "
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE_END = b"\n"
_SECTION = re.compile(rb"\\(\d{1,18})-grams:")
_COUNT = re.compile(rb"ngram\s+(\d{1,18})\s*=\s*(\d{1,18})")

Buffer: TypeAlias = bytes | memoryview


def write_arpa(estimate: KneserNeyEstimate, vocabulary: Vocabulary, eos: int, path: Path) -> None:
    """Write an n-gram model, compressed if the name ends with ``.gz``; the file appears when it is complete.

    Parameters
    ----------
    estimate : KneserNeyEstimate
    vocabulary : Vocabulary
        The words of its ids.
    eos : int
        Id of ``<eos>``.
    path : Path

    Raises
    ------
    EmbeddingsError
        The text has the words ``<s>`` or ``</s>``.
    OutputError
        The file cannot be written.
    """
    for word in (BEGIN, END):
        if word in vocabulary:
            raise EmbeddingsError(f"the text has the word {word}, which n-gram models put around sentences: remove it")
    words = _with_marks(vocabulary.encoded_words)
    lengths = words.ends - words.starts
    packed = _gzipped if path.suffix == ".gz" else memoryview

    def lines(grams: Grams) -> Buffer:
        has_gamma = grams.ids.shape[1] < estimate.order
        letters = int(lengths[grams.ids].sum()) + grams.ids.size * (1 + len(END))
        out = np.empty(letters + 2 * _NUMBER_BYTES * len(grams.ids), np.uint8)
        return packed(out[: kernels.write_lines(*grams, words, eos, has_gamma, out)].data)

    def words_and_begin(grams: Grams) -> Buffer:
        gammas, of_begin = grams.log_gamma.copy(), f"\t{grams.log_gamma[eos]:.{kernels.DECIMALS}f}"
        gammas[eos] = 0.0
        begin = f"-99\t{BEGIN}{of_begin if estimate.order > 1 else ''}\n"
        return b"".join([packed(begin.encode()), lines(grams._replace(log_gamma=gammas))])

    counts = [estimate.counts[0] + 1, *estimate.counts[1:]]
    heading = "".join(f"ngram {order}={count}\n" for order, count in enumerate(counts, start=1))
    with atomic_file(path) as file:
        file.write(packed(f"\\data\\\n{heading}".encode()))
        for order in range(1, estimate.order + 1):
            file.write(packed(f"\n\\{order}-grams:\n".encode()))
            for text in estimate.grams(order, words_and_begin if order == 1 else lines):
                file.write(text)
        file.write(packed(b"\n\\end\\\n"))


class ArpaModel(NgramModel):
    """An n-gram model with back-off from an ARPA file.

    Parameters
    ----------
    path : str or Path
        ARPA file of vecmill, KenLM, SRILM or another tool, also compressed: log10 of probabilities and of back-off
        weights.

    Raises
    ------
    EmbeddingsError
        The file cannot be read, is not an ARPA file, or is not complete.
    """

    def __init__(self, path: str | Path):
        self._words, self._path = WordTable(), path
        try:
            with Path(path).open("rb") as stored:
                self._read(_Lines(decompressed(stored, str(path)), path))
        except (*DAMAGE, OSError) as error:
            raise EmbeddingsError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error

    def ids(self, words: Words) -> np.ndarray:
        """Return the ids of words, (n,) int32; that of ``<unk>`` for unknown words, -1 in a model without it."""
        found = self._words.find(words) - 1
        return self._final[found]

    def _read(self, lines: "_Lines") -> None:
        counts: dict[int, int] = {}
        found: dict[int, int] = {}
        ended = False
        for line in iter(lines.next, None):
            if match := _COUNT.fullmatch(line):
                counts[int(match[1])] = int(match[2])
            elif match := _SECTION.fullmatch(line):
                order = int(match[1])
                if order != len(found) + 1 or order not in counts:
                    raise lines.error("expected the section of the next order that the heading counts")
                read = self._read_words(lines, max(counts)) if order == 1 else self._read_grams(lines, order)
                found[order] = read
                if read != counts[order]:
                    raise EmbeddingsError(
                        f"{self._path} is damaged: it holds {read:,} {order}-grams, by its heading {counts[order]:,}"
                    )
            elif line == b"\\end\\":
                ended = True
                break
        if not found:
            raise EmbeddingsError(f"{self._path} holds no n-grams: expected an ARPA file, which begins with \\data\\")
        if len(found) < len(counts):
            raise EmbeddingsError(f"{self._path} ends before the {len(found) + 1}-grams: it is not complete")
        if not ended:
            raise EmbeddingsError(f"{self._path} ends without the line \\end\\: it was cut short")
        if self._table.holds_duplicates():
            raise EmbeddingsError(f"{self._path} holds an n-gram twice: it is damaged")

    def _read_words(self, lines: "_Lines", order: int) -> int:
        """Number the words, and begin the table."""
        parts = []
        for words, log_p, log_gamma in lines.section(1):
            self._words.add(CountedWords(words, np.ones(len(log_p), np.int64)))
            parts.append((log_p, log_gamma))
        log_p, log_gamma = (np.concatenate(part) for part in zip(*parts, strict=True)) if parts else (np.empty(0),) * 2
        if len(self._words) != len(log_p):
            raise EmbeddingsError(f"{self._path} holds a word twice among its 1-grams: it is damaged")
        numbers = self._words.find(Words.from_bytes([word.encode() for word in (BEGIN, END, *_UNKNOWN)])) - 1
        begin, self.eos, self.unk = int(numbers[0]), int(numbers[1]), int(numbers[2:].max())
        if self.eos < 0:
            raise EmbeddingsError(f"{self._path} has no {END} among its 1-grams: expected a model of sentences")
        self._final = np.append(np.arange(len(log_p), dtype=np.int32), np.int32(self.unk))  # [-1]: unknown words
        if begin >= 0:
            self._final[begin] = self.eos
            log_gamma[self.eos] = log_gamma[begin]
        kept = np.arange(len(log_p)) != begin
        self._table = BackOffTable(self.eos, order)
        self._table.insert(Grams(self._final[:-1, None][kept], log_p[kept], log_gamma[kept]))
        return len(log_p)

    def _read_grams(self, lines: "_Lines", order: int) -> int:
        size = 0
        for words, log_p, log_gamma in lines.section(order):
            found = self._words.find(words) - 1
            if found.min(initial=0) < 0:
                word = next(words.take(np.flatnonzero(found < 0)[:1]).to_bytes()).decode("utf-8", "replace")
                raise EmbeddingsError(f"{self._path}: the word {word!r} of a {order}-gram is none of the 1-grams")
            self._table.insert(Grams(self._final[found].reshape(-1, order), log_p, log_gamma))
            size += len(log_p)
        return size


class _Fields(NamedTuple):
    """The fields of lines of a section: words, log10 p and log10 γ."""

    words: Words
    log_p: np.ndarray
    log_gamma: np.ndarray


class _Lines:
    """Lines of a file, of which a block is in memory.

    Parameters
    ----------
    file : binary file
    path : str or Path
        Its name, for messages.

    Raises
    ------
    EmbeddingsError
        It is a binary file of KenLM.
    """

    def __init__(self, file: BinaryIO, path: str | Path) -> None:
        self._file, self._path = file, path
        self._block, self._place, self._lines_before = b"", 0, 0
        if self._fill():
            if self._block.startswith(KENLM_BINARY):
                raise EmbeddingsError(about_kenlm_binary(path))
            self._place = len(_BYTE_ORDER_MARK) if self._block.startswith(_BYTE_ORDER_MARK) else 0

    def next(self) -> bytes | None:
        """Return the next line, without white space at both ends; None after the last."""
        if self._place == len(self._block) and not self._fill():
            return None
        end = self._block.index(_LINE_END, self._place)
        line, self._place = self._block[self._place : end], end + 1
        return line.strip()

    def section(self, order: int) -> Iterator[_Fields]:
        """Yield the fields of the lines up to the next line with a backslash."""
        starts, ends = np.empty((2, _BLOCK_LINES, order + 2), np.int64)
        has_gamma = np.empty(_BLOCK_LINES, np.bool_)
        reason = kernels.BLOCK_ENDS
        while reason == kernels.BLOCK_ENDS and (self._place < len(self._block) or self._fill()):
            text = np.frombuffer(self._block, np.uint8)
            lines, self._place, reason = kernels.split_lines(text, self._place, order, starts, ends, has_gamma)
            if lines:
                yield self._fields(text, starts[:lines], ends[:lines], has_gamma[:lines])
        if reason == kernels.LINE_IS_BAD:
            raise self.error("not a line of an ARPA file")

    def error(self, what: str, place: int | None = None) -> EmbeddingsError:
        """Return an error about the line at a place, by default the next one."""
        place = self._place if place is None else place
        number = self._lines_before + self._block.count(_LINE_END, 0, place) + 1
        line = self._block[place : place + 200].partition(_LINE_END)[0].decode("utf-8", "replace")
        return EmbeddingsError(f"{self._path}:{number}: {what}: {line[:60]!r}")

    def _fill(self) -> bool:
        """Read the next block, which ends with a line; return whether there is one."""
        self._lines_before += self._block.count(_LINE_END)
        block = self._file.read(_BLOCK_BYTES)
        if block:
            block += self._file.readline()
        self._block, self._place = block if not block or block.endswith(_LINE_END) else block + _LINE_END, 0
        return bool(block)

    def _fields(self, text: np.ndarray, starts: np.ndarray, ends: np.ndarray, has_gamma: np.ndarray) -> _Fields:
        log_gamma = np.zeros(len(starts))
        log_gamma[has_gamma] = self._numbers(text, starts[has_gamma, -1], ends[has_gamma, -1])
        log_p = self._numbers(text, starts[:, 0], ends[:, 0])
        if (log_p > 0).any():
            raise self.error("log10 of a probability above 1", int(starts[np.argmax(log_p > 0), 0]))
        return _Fields(Words(text, starts[:, 1:-1].ravel(), ends[:, 1:-1].ravel()), log_p, log_gamma)

    def _numbers(self, text: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Return the numbers that are written at places of a text."""
        width = min(int((ends - starts).max(initial=1)), _LONGEST_NUMBER)
        places = starts[:, None] + np.arange(width)
        letters = np.where(places < ends[:, None], text[np.minimum(places, len(text) - 1)], 0).astype(np.uint8)
        written = letters.view(f"S{width}")[:, 0]
        try:
            numbers = written.astype(np.float64)
        except ValueError:
            numbers = np.array([_number(item) for item in written.tolist()])
        if (wrong := np.isnan(numbers) | (numbers == np.inf)).any():
            raise self.error("not a line of an ARPA file", int(starts[np.argmax(wrong)]))
        return numbers


def about_kenlm_binary(path: str | Path) -> str:
    """Return what to do with a binary file of KenLM."""
    return (
        f"{path} is a binary file of KenLM's build_binary: give the ARPA file that it was built from (lmplz writes it)"
    )


def _number(written: bytes) -> float:
    try:
        return float(written)
    except ValueError:
        return float("nan")


def _with_marks(words: Words) -> Words:
    """Return words with ``<s>`` and ``</s>`` after them."""
    marks = Words.from_bytes([BEGIN.encode(), END.encode()])
    size = len(words.letters)
    return Words(
        np.concatenate([words.letters, marks.letters]),
        np.append(words.starts, marks.starts + size),
        np.append(words.ends, marks.ends + size),
    )


def _gzipped(data: Buffer) -> bytes:
    """Return a member of a gzip file; the same data give the same bytes."""
    return gzip.compress(data, 6, mtime=0)
