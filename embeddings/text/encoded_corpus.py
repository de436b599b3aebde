"""A corpus as ids of a vocabulary, in memory-mapped shards of whole sentences.

A directory contains ``encoded.json`` (totals, and the SHA-256 of every file) and, for each shard of each part,

    <part>-ids-<n>.npy        (tokens,) int32
    <part>-offsets-<n>.npy    (sentences + 1,) int64, bounds of the sentences in the ids

A text that is not split is all ``train``: its sentences are the lines with a word of the vocabulary, and other words
are omitted. A split text has the parts ``train``, ``valid`` and ``test``: no word is omitted, words outside of the
vocabulary are ``<unk>``, and every sentence ends with ``<eos>``, so that the concatenated ids of a part are the stream
that a language model reads. No sentence is cut. The shards depend neither on the number of threads nor on the blocks in
which the text was read.
"""

import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np

from embeddings.array_files import ArrayFile
from embeddings.errors import EmbeddingsError
from embeddings.executor import IN_PROCESS, Executor
from embeddings.text.encoded_stretches import Encoding, encoded_stretches, scratch_directory, stretches_of_tasks
from embeddings.text.encoding_kernels import OUTSIDE
from embeddings.text.id_stream import IdStream, open_ids, require_ids
from embeddings.text.split import PARTS, TRAIN, SplitText
from embeddings.text.tokenized_corpus import TokenizedCorpus
from embeddings.text.vocabulary import Vocabulary
from embeddings.threads import thread_count
from vecmill.arguments import require_kind, require_path
from vecmill.files import atomic_directory, file_digest, write_json, writing
from vecmill.records import require_types

SHARD_TOKENS = 1 << 22
_OPEN_SHARDS = 2  # shards of 16 MB: the pages of a mapped file count as memory of the process
_FORMAT = 2


class NoKnownWordsError(EmbeddingsError):
    """No word of a text is in the vocabulary."""


class Shard(NamedTuple):
    """Consecutive sentences as memory maps: sentence i is ``ids[offsets[i] : offsets[i + 1]]``; none is empty.

    Attributes
    ----------
    ids : (tokens,) int32
    offsets : (sentences + 1,) int64
    """

    ids: np.ndarray
    offsets: np.ndarray


@dataclass(frozen=True, kw_only=True)
class CorpusPart:
    """Totals and files of one part of an encoded corpus.

    Attributes
    ----------
    token_count, sentence_count : int
    unknown_count : int
        Number of ``<unk>`` tokens.
    files : list of dict of str to str
        Name and SHA-256 of the files of each shard.
    """

    token_count: int
    sentence_count: int
    unknown_count: int
    files: list[dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class EncodedCorpus:
    """A directory that `encode_corpus` has written, or some of its parts.

    Attributes
    ----------
    directory : Path
    vocabulary_size : int
    vocabulary_sha256 : str
        `Vocabulary.fingerprint` of the vocabulary.
    dropped : dict of str to int
        Counts of text that is not in the shards, by kind: words outside of the vocabulary, invalid UTF-8, ...
    split : str
        `SplitText.description`; empty for a text that is not split.
    parts : dict of str to CorpusPart
        ``train``; for a split text also ``valid`` and ``test``.
    """

    directory: Path
    vocabulary_size: int
    vocabulary_sha256: str
    dropped: dict[str, int]
    split: str
    parts: dict[str, CorpusPart]

    @classmethod
    def open(cls, directory: str | PathLike[str], verify: bool = True) -> "EncodedCorpus":
        """Open a directory.

        Parameters
        ----------
        directory : path
        verify : bool
            Read all files and compare their SHA-256.

        Returns
        -------
        EncodedCorpus

        Raises
        ------
        EmbeddingsError
            The directory holds no encoded corpus, or is damaged.
        """
        require_path("directory", directory)
        directory = Path(directory)
        try:
            about = json.loads((directory / "encoded.json").read_text("utf-8"))
            if about.pop("format") != _FORMAT:
                raise EmbeddingsError(f"{directory} is of another version; encode the corpus again")
            parts = {name: CorpusPart(**part) for name, part in about.pop("parts").items()}
            corpus = cls(directory=directory, parts=parts, **about)
            for record in (corpus, *parts.values()):
                require_types(record)
            if any(len(files) != 2 for files in corpus.files):
                raise TypeError("a shard has ids and offsets")
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
                except ValueError as error:  # not a valid file name
                    raise EmbeddingsError(
                        f"{self.directory} is damaged (file {name!r}); encode the corpus again"
                    ) from error
                if found != expected:
                    raise EmbeddingsError(f"{self.directory / name} is damaged; encode the corpus again")

    def require_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Check that a vocabulary is the one that encoded the corpus: compiled code uses the ids unchecked.

        Parameters
        ----------
        vocabulary : Vocabulary

        Raises
        ------
        EmbeddingsError
            It is another one.
        """
        if (self.vocabulary_size, self.vocabulary_sha256) != (len(vocabulary), vocabulary.fingerprint()):
            raise EmbeddingsError("this vocabulary is not the one that encoded the corpus; encode it again")

    @property
    def token_count(self) -> int:
        """Number of tokens of all parts."""
        return sum(part.token_count for part in self.parts.values())

    @property
    def sentence_count(self) -> int:
        """Number of sentences of all parts."""
        return sum(part.sentence_count for part in self.parts.values())

    @property
    def files(self) -> list[dict[str, str]]:
        """Name and SHA-256 of the files of each shard, part by part."""
        return [files for part in self.parts.values() for files in part.files]

    def part(self, name: str) -> "EncodedCorpus":
        """Return one part as a corpus.

        Parameters
        ----------
        name : {"train", "valid", "test"}

        Returns
        -------
        EncodedCorpus

        Raises
        ------
        EmbeddingsError
            The corpus has no such part.
        """
        if name not in self.parts:
            known = ", ".join(self.parts)
            raise EmbeddingsError(f"{self.directory} has no part {name!r} (parts: {known}); encode a split text")
        return replace(self, parts={name: self.parts[name]})

    @cached_property
    def shards(self) -> Sequence[Shard]:
        """The shards; each is memory-mapped on demand."""
        return _Shards(self.directory, [tuple(files) for files in self.files], self.vocabulary_size)

    def stream(self, vocabulary_size: int | None = None, unknown: int = 0) -> IdStream:
        """Return the concatenated ids of all shards.

        Parameters
        ----------
        vocabulary_size : int, optional
            Ids from this one on are read as `unknown`, which is the encoding by `Vocabulary.prefix` of that size. By
            default all ids are unchanged.
        unknown : int
            Id of ``<unk>``.

        Returns
        -------
        IdStream
        """
        paths = [self.directory / next(iter(files)) for files in self.files]
        return IdStream(
            paths, [next(iter(files.values())) for files in self.files], self.vocabulary_size, vocabulary_size, unknown
        )


class _Shards(Sequence[Shard]):
    """Sequence of shards that are opened on demand; the last few stay open."""

    def __init__(self, directory: Path, names: list[tuple[str, ...]], vocabulary_size: int) -> None:
        self._names = names

        @lru_cache(maxsize=_OPEN_SHARDS)
        def open_shard(index: int) -> Shard:
            ids, offsets = (open_ids(directory / name) for name in names[index])
            require_ids(ids, vocabulary_size, directory / names[index][0])
            sound = offsets.dtype == np.int64 and offsets.ndim == 1 and offsets.size
            if not sound or offsets[0] != 0 or offsets[-1] != ids.size or (np.diff(offsets) < 1).any():
                raise EmbeddingsError(f"{directory / names[index][1]} is damaged; encode the corpus again")
            return Shard(ids, offsets)

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
    split: SplitText | None = None,
    executor: Executor = IN_PROCESS,
) -> EncodedCorpus:
    """Encode a tokenized text with a vocabulary.

    Words outside of the vocabulary are omitted and counted; in a split text they are ``<unk>``.

    Parameters
    ----------
    tokenized : TokenizedCorpus
    vocabulary : Vocabulary
        Vocabulary of this or of another text.
    directory : path
        Output directory, which must not exist or be empty.
    threads : int, optional
        By default one per processor core.
    shard_tokens : int
        A shard ends with the sentence that reaches this length.
    split : SplitText, optional
        Split of this text. By default all is ``train``, without ``<unk>`` and ``<eos>``.
    executor : Executor
        Runs tasks that encode the text, which see `directory`. Default: threads of this process encode it.

    Returns
    -------
    EncodedCorpus

    Raises
    ------
    NoKnownWordsError
        No word of the text is in the vocabulary.
    OutputError
        `directory` exists or cannot be written.
    """
    threads = thread_count(threads)
    encoding = Encoding(tokenized, vocabulary, split)
    with (
        atomic_directory(directory, sync=False) as partial,  # no sync: opening detects damage
        ThreadPoolExecutor(threads, "encoder") as pool,
        writing(directory),
    ):
        names = PARTS if split else (TRAIN,)
        writers = {name: _ShardWriter(partial, name, shard_tokens, encoding.unknown, pool) for name in names}
        with ExitStack() as stack:
            for writer in writers.values():
                stack.callback(writer.close)
            if executor.tasks > 1:
                stretches = stretches_of_tasks(encoding, executor, stack.enter_context(scratch_directory(partial)))
            else:
                stretches = encoded_stretches(encoding, range(len(tokenized.parts)), pool, threads)
            for part, ids, ends in stretches:
                writers[names[part]].append(ids, ends)
            parts = {name: writer.finish() for name, writer in writers.items()}
        if not any(part.token_count for part in parts.values()):
            raise NoKnownWordsError(
                f"none of the {tokenized.token_count:,} words of the corpus is in the vocabulary of "
                f"{len(vocabulary):,} words; build the vocabulary from this corpus"
            )
        corpus = EncodedCorpus(
            directory=Path(directory),
            vocabulary_size=len(vocabulary),
            vocabulary_sha256=vocabulary.fingerprint(),
            dropped=tokenized.skipped if split else _dropped(tokenized, parts[TRAIN].token_count),
            split=split.description if split else "",
            parts=parts,
        )
        about = {**asdict(corpus), "format": _FORMAT}
        del about["directory"]
        write_json(partial / "encoded.json", about)
    return corpus


def _dropped(tokenized: TokenizedCorpus, token_count: int) -> dict[str, int]:
    outside = tokenized.token_count - token_count
    return {**({"words not in the vocabulary": outside} if outside else {}), **tokenized.skipped}


class _ShardWriter:
    """Writer of the ids and sentence offsets of one part of the text, shard by shard."""

    def __init__(self, directory: Path, part: str, shard_tokens: int, unknown: int, pool: ThreadPoolExecutor) -> None:
        self._token_count = self._sentence_count = self._unknown_count = 0
        self._directory = directory
        self._part = part
        self._unknown = unknown
        self._shard_tokens = shard_tokens
        self._pool = pool
        self._hashes: list[dict[str, Future[str]]] = []
        self._shard: tuple[ArrayFile, ArrayFile] | None = None
        self._last_end = 0  # in the shard

    def append(self, ids: np.ndarray, ends: np.ndarray) -> None:
        """Append ids; `ends` holds the number of these ids up to each sentence end."""
        while ids.size or (ends.size and self._shard is not None):
            file, _ = self._shard or self._begin_shard()
            last = np.searchsorted(ends, self._shard_tokens - len(file))
            size = ends[last] if last < len(ends) else ids.size
            self._write(ids[:size], ends[: last + 1])
            if last < len(ends):
                self._finish_shard()
            ids, ends = ids[size:], ends[last + 1 :] - size

    def finish(self) -> CorpusPart:
        """End the last sentence and shard; return totals and files."""
        if self._shard is not None:
            self._write(np.empty(0, np.int32), np.zeros(1, np.int64))
            self._finish_shard()
        return CorpusPart(
            token_count=self._token_count,
            sentence_count=self._sentence_count,
            unknown_count=self._unknown_count,
            files=[{name: digest.result() for name, digest in files.items()} for files in self._hashes],
        )

    def close(self) -> None:
        """Close open files, all of them if one cannot be closed."""
        with ExitStack() as stack:
            for file in self._shard or ():
                stack.callback(file.close)

    def _begin_shard(self) -> tuple[ArrayFile, ArrayFile]:
        number = len(self._hashes)
        ids = ArrayFile(self._directory / f"{self._part}-ids-{number}.npy", np.int32)
        offsets = ArrayFile(self._directory / f"{self._part}-offsets-{number}.npy", np.int64)
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
        self._token_count += ids.size
        self._sentence_count += ends.size
        if self._unknown != OUTSIDE:
            self._unknown_count += int(np.count_nonzero(ids == self._unknown))
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


def require_encoded(corpus: Any, vocabulary: Any) -> None:
    """Check that a corpus is encoded, and by which vocabulary.

    Parameters
    ----------
    corpus : EncodedCorpus
    vocabulary : Vocabulary

    Raises
    ------
    TypeError
        One of them is something else, such as a text.
    EmbeddingsError
        The vocabulary is another one.
    """
    if not hasattr(corpus, "require_vocabulary"):
        require_kind("corpus", corpus, EncodedCorpus, "an EncodedCorpus; vecmill.train trains on text")
    require_kind("vocabulary", vocabulary, Vocabulary, "the Vocabulary that encoded the corpus")
    corpus.require_vocabulary(vocabulary)
