"""A corpus as ids of a vocabulary, in memory-mapped shards of whole sentences.

A directory of it holds ``encoded.json`` (totals, and size and SHA-256 of every file) and, for each shard,

    ids-<n>.npy        (tokens,) int32
    offsets-<n>.npy    (sentences + 1,) int64, where sentences begin and end in the ids

Sentences are the lines of the text that have a word of the vocabulary; none is cut. The shards do not depend on how
many threads tokenized or encoded the text, nor on the blocks in which it was read.
"""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from os import PathLike
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np

from embeddings.array_files import ArrayFile
from embeddings.errors import EmbeddingsError
from embeddings.text.encoding_kernels import encode_part
from embeddings.text.tokenized_corpus import TokenizedCorpus
from embeddings.text.tokenizer.counted_words import CountedWords
from embeddings.text.tokenizer.word_table import WordTable
from embeddings.text.vocabulary import Vocabulary
from embeddings.threads import thread_count
from vecmill.files import atomic_directory, file_digest, write_json, writing

SHARD_TOKENS = 1 << 22
_OPEN_SHARDS = 2  # of 16 MB each: the pages of a mapped file count as memory of the process
_FORMAT = 1


class Shard(NamedTuple):
    """Sentence i is ``ids[offsets[i]:offsets[i + 1]]``; no sentence is empty."""

    ids: np.ndarray  # (tokens,) int32, memory-mapped
    offsets: np.ndarray  # (sentences + 1,) int64, memory-mapped


@dataclass(frozen=True, kw_only=True)
class EncodedCorpus:
    """A directory that `encode_corpus` has written.

    Attributes
    ----------
    directory : Path
    token_count, sentence_count : int
    vocabulary_size : int
    vocabulary_sha256 : str
        `Vocabulary.fingerprint` of the vocabulary.
    dropped : dict of str to int
        What of the text is not in the shards: words outside of the vocabulary, invalid UTF-8, ...
    files : list of dict of str to str
        Name and SHA-256 of the files of each shard.
    """

    directory: Path
    token_count: int
    sentence_count: int
    vocabulary_size: int
    vocabulary_sha256: str
    dropped: dict[str, int]
    files: list[dict[str, str]]

    @classmethod
    def open(cls, directory: str | PathLike[str], verify: bool = True) -> "EncodedCorpus":
        """Open a directory.

        Parameters
        ----------
        directory : path
        verify : bool
            Read all files and compare their SHA-256.

        Raises
        ------
        EmbeddingsError
            It is not one of an encoded corpus, or damaged.
        """
        directory = Path(directory)
        try:
            about = json.loads((directory / "encoded.json").read_text("utf-8"))
            if about.pop("format") != _FORMAT:
                raise EmbeddingsError(f"{directory} is of another version; encode the corpus again")
            corpus = cls(directory=directory, **about)
        except FileNotFoundError:
            raise EmbeddingsError(f"{directory} has no encoded.json; expected an encoded corpus") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EmbeddingsError(f"{directory} is damaged ({error}); encode the corpus again") from error
        if verify:
            corpus.verify()
        return corpus

    def verify(self) -> None:
        """Compare the SHA-256 of every file.

        Raises
        ------
        EmbeddingsError
            A file is missing or damaged; the message names it.
        """
        for files in self.files:
            for name, expected in files.items():
                try:
                    found = file_digest(self.directory / name)
                except OSError as error:
                    raise EmbeddingsError(
                        f"cannot read {self.directory / name}: {error.strerror}; encode the corpus again"
                    ) from error
                except ValueError as error:  # no name that a file can have
                    raise EmbeddingsError(
                        f"{self.directory} is damaged (file {name!r}); encode the corpus again"
                    ) from error
                if found != expected:
                    raise EmbeddingsError(f"{self.directory / name} is damaged; encode the corpus again")

    @cached_property
    def shards(self) -> Sequence[Shard]:
        """The shards; each is mapped into memory when it is asked for."""
        return _Shards(self.directory, [tuple(files) for files in self.files])


class _Shards(Sequence[Shard]):
    """Opens shards as they are needed, and keeps a few open."""

    def __init__(self, directory: Path, names: list[tuple[str, ...]]) -> None:
        self._names = names

        @lru_cache(maxsize=_OPEN_SHARDS)
        def open_shard(index: int) -> Shard:
            # plain arrays: slices of numpy.memmap objects are slow
            return Shard(*(np.asarray(np.load(directory / name, mmap_mode="r")) for name in names[index]))

        self._open = open_shard

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> Shard: ...
    @overload
    def __getitem__(self, index: slice) -> list[Shard]: ...
    def __getitem__(self, index: int | slice) -> Shard | list[Shard]:
        chosen = range(len(self))[index]
        return self._open(chosen) if isinstance(chosen, int) else [self._open(number) for number in chosen]


def encode_corpus(
    tokenized: TokenizedCorpus,
    vocabulary: Vocabulary,
    directory: str | PathLike[str],
    threads: int | None = None,
    shard_tokens: int = SHARD_TOKENS,
) -> EncodedCorpus:
    """Write a tokenized text as ids of a vocabulary; words that are not in it are left out and counted.

    Parameters
    ----------
    tokenized : TokenizedCorpus
    vocabulary : Vocabulary
        Of this text or of another one.
    directory : path
        Where to write; it must not exist, or be empty.
    threads : int, optional
        Default: one a processor core.
    shard_tokens : int
        A shard ends with the sentence that makes it at least as long.

    Raises
    ------
    EmbeddingsError
        No word of the text is in the vocabulary.
    OutputError
        `directory` exists or cannot be written.
    """
    threads = thread_count(threads)
    table = WordTable()
    table.add(CountedWords(vocabulary.encoded_words, vocabulary.counts))
    with (
        atomic_directory(directory, sync=False) as partial,  # damage is noticed when it is opened
        ThreadPoolExecutor(threads, "encoder") as pool,
        writing(directory),
    ):
        writer = _ShardWriter(partial, shard_tokens, pool)
        try:
            for ids, ends in _encoded_parts(tokenized, table, pool, threads):
                writer.append(ids, ends)
            files = writer.finish()
        finally:
            writer.close()
        if not writer.token_count:
            raise EmbeddingsError(
                f"none of the {tokenized.token_count:,} words of the corpus is in the vocabulary of "
                f"{len(vocabulary):,} words; build the vocabulary from this corpus"
            )
        corpus = EncodedCorpus(
            directory=Path(directory),
            token_count=writer.token_count,
            sentence_count=writer.sentence_count,
            vocabulary_size=len(vocabulary),
            vocabulary_sha256=vocabulary.fingerprint(),
            dropped=_dropped(tokenized, writer.token_count),
            files=files,
        )
        about = {**asdict(corpus), "format": _FORMAT}
        del about["directory"]
        write_json(partial / "encoded.json", about)
    return corpus


def _dropped(tokenized: TokenizedCorpus, token_count: int) -> dict[str, int]:
    outside = tokenized.token_count - token_count
    return {**({"words not in the vocabulary": outside} if outside else {}), **tokenized.passed_over}


def _encoded_parts(
    tokenized: TokenizedCorpus, table: WordTable, pool: ThreadPoolExecutor, threads: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield ids and ends of sentences part by part, encoded in parallel a few parts ahead.

    The generations of a worker follow one another, so that one table of final ids a worker is enough.
    """
    final_ids: dict[int, tuple[int, Future[np.ndarray]]] = {}
    ahead: deque[Future[tuple[np.ndarray, np.ndarray]]] = deque()

    def find(worker: int, generation: int) -> np.ndarray:
        words = tokenized.generation(worker, generation)
        final = np.empty(words.size + 1, np.int32)
        final[words.ids()] = table.find(words.words().words) - 1  # ids of the table begin at 1
        return final

    def encode(part: int, final: Future[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        provisional = tokenized.ids(part)
        ids, ends = np.empty(len(provisional), np.int32), np.empty(len(provisional), np.int64)
        written, sentences = encode_part(provisional, final.result(), ids, ends)
        if written < 0:
            raise EmbeddingsError(f"{tokenized.directory} is damaged; tokenize the corpus again")
        return ids[:written], ends[:sentences]

    for part, (worker, generation) in enumerate(tokenized.parts[:, :2].tolist()):
        if final_ids.get(worker, (None,))[0] != generation:
            final_ids[worker] = (generation, pool.submit(find, worker, generation))
        ahead.append(pool.submit(encode, part, final_ids[worker][1]))
        if len(ahead) > threads:
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()


class _ShardWriter:
    """Writes ids and sentence offsets shard by shard."""

    def __init__(self, directory: Path, shard_tokens: int, pool: ThreadPoolExecutor) -> None:
        self.token_count = self.sentence_count = 0
        self._directory = directory
        self._shard_tokens = shard_tokens
        self._pool = pool
        self._hashes: list[dict[str, Future[str]]] = []
        self._shard: tuple[ArrayFile, ArrayFile] | None = None
        self._last_end = 0  # in the shard

    def append(self, ids: np.ndarray, ends: np.ndarray) -> None:
        """Append ids; `ends` says how many of them come before each sentence's end."""
        while ids.size or (ends.size and self._shard is not None):
            file, _ = self._shard or self._begin_shard()
            last = np.searchsorted(ends, self._shard_tokens - len(file))
            size = ends[last] if last < len(ends) else ids.size
            self._write(ids[:size], ends[: last + 1])
            if last < len(ends):
                self._finish_shard()
            ids, ends = ids[size:], ends[last + 1 :] - size

    def finish(self) -> list[dict[str, str]]:
        """End the last sentence and shard. Return names and SHA-256 of all files, shard by shard."""
        if self._shard is not None:
            self._write(np.empty(0, np.int32), np.zeros(1, np.int64))
            self._finish_shard()
        return [{name: digest.result() for name, digest in files.items()} for files in self._hashes]

    def close(self) -> None:
        """Close open files."""
        for file in self._shard or ():
            file.close()

    def _begin_shard(self) -> tuple[ArrayFile, ArrayFile]:
        number = len(self._hashes)
        ids = ArrayFile(self._directory / f"ids-{number}.npy", np.int32)
        offsets = ArrayFile(self._directory / f"offsets-{number}.npy", np.int64)
        self._shard = ids, offsets
        self._last_end = 0
        offsets.append(np.zeros(1, np.int64))
        return self._shard

    def _write(self, ids: np.ndarray, ends: np.ndarray) -> None:
        assert self._shard is not None
        file, offsets = self._shard
        ends = ends + len(file)
        if ends.size and ends[0] == self._last_end:  # the end of a sentence without words
            ends = ends[1:]
        file.append(ids)
        offsets.append(ends)
        self.token_count += ids.size
        self.sentence_count += ends.size
        if ends.size:
            self._last_end = int(ends[-1])

    def _finish_shard(self) -> None:
        assert self._shard is not None
        hashes = {}
        for file in self._shard:
            file.finish()
            hashes[file.path.name] = self._pool.submit(file_digest, file.path)
        self._hashes.append(hashes)
        self._shard = None
