"""Phrases of a tokenized text: found by counting adjacent words, and joined to words of their own.

Joining makes another tokenized text of a tokenized text, so that the vocabulary and the encoding know nothing of
phrases: new_york is a word like any other, and counts are exact. Phrases are found before the vocabulary is made, since
the words that it leaves out count too (Mikolov et al. 2013, "Distributed representations of words and phrases and their
compositionality"; the numbers are those of gensim's `Phrases` for the same tokens).

A pass reads the text three times, by threads (`phrase_threads`) or by tasks on a cluster (`phrase_tasks`):

    count     words and pairs of words (`phrase_counts`)
    select    scores every pair of adjacent words that is frequent enough
    join      replaces the phrases by their ids, in place

Memory: a mapped file of 4 bytes a token, about 250 bytes a distinct word, the tables of pairs, 256 MB at most, and 50
bytes a pair that reaches `min_count`.
"""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.executor import IN_PROCESS, Executor
from embeddings.text.encoded_stretches import scratch_directory
from embeddings.text.numbered_text import BETWEEN_PARTS, NumberedText, hash_spans, words_of
from embeddings.text.phrase_counts import KeyTable, keys_of
from embeddings.text.phrase_kernels import HASHES, Scorer
from embeddings.text.phrase_table import Phrase, PhraseSettings, PhraseTable
from embeddings.text.phrase_tasks import PhraseTasks
from embeddings.text.phrase_threads import PhraseThreads
from embeddings.text.tokenized_corpus import TokenizedCorpus, words_name
from embeddings.text.tokenizer.counted_words import CountedWords
from embeddings.text.tokenizer.spilled_counts import write_spilled_counts
from embeddings.text.tokenizer.word_table import WordTable
from embeddings.threads import thread_count
from vecmill.files import atomic_directory, temporary_directory, writing

logger = logging.getLogger(__name__)

TABLE_BYTES = 256 << 20
"""Largest size of the tables of pairs of all threads."""
_MOST_JOINED = 0.5  # share of the tokens above which a warning says so

Report = Callable[[str], None]
"""Called with what is done now: "pass 1: counting pairs"."""


def find_phrases(
    tokenized: TokenizedCorpus,
    settings: PhraseSettings,
    threads: int | None = None,
    report: Report | None = None,
    table_bytes: int = TABLE_BYTES,
) -> PhraseTable:
    """Find the phrases of a text.

    Parameters
    ----------
    tokenized : TokenizedCorpus
    settings : PhraseSettings
        With one pass or more.
    threads : int, optional
        By default one per processor core.
    report : callable, optional
        Called with what is done now.
    table_bytes : int
        Largest size of the tables of pairs of all threads; with a smaller one the text is read more often.

    Returns
    -------
    PhraseTable

    Raises
    ------
    EmbeddingsError
        The text has no words.
    OutputError
        There is no room for temporary files.
    """
    with temporary_directory() as folder, writing(folder):
        return _learn(tokenized, Path(folder), settings, thread_count(threads), report, table_bytes, joins_last=False)


def join_found_phrases(
    tokenized: TokenizedCorpus,
    directory: str | PathLike[str],
    settings: PhraseSettings,
    threads: int | None = None,
    report: Report | None = None,
    table_bytes: int = TABLE_BYTES,
    executor: Executor = IN_PROCESS,
) -> tuple[PhraseTable, TokenizedCorpus]:
    """Find the phrases of a text and write the text with its phrases joined.

    Parameters
    ----------
    tokenized : TokenizedCorpus
    directory : path
        Output directory, which must not exist or be empty.
    settings : PhraseSettings
        With one pass or more.
    threads : int, optional
        By default one per processor core.
    report : callable, optional
        Called with what is done now.
    table_bytes : int
        See `find_phrases`.
    executor : Executor
        Runs tasks that count and join, which see `directory`. Default: threads of this process do.

    Returns
    -------
    phrases : PhraseTable
    joined : TokenizedCorpus
        Its words are those that are left, and the phrases.

    Raises
    ------
    EmbeddingsError
        The text has no words, or every sentence became one word.
    OutputError
        `directory` exists or cannot be written.
    """
    with atomic_directory(directory, sync=False) as partial, writing(directory):
        table = _learn(
            tokenized, partial, settings, thread_count(threads), report, table_bytes, joins_last=True, executor=executor
        )
    return table, TokenizedCorpus.open(directory)


def join_given_phrases(
    tokenized: TokenizedCorpus,
    directory: str | PathLike[str],
    table: PhraseTable,
    threads: int | None = None,
    executor: Executor = IN_PROCESS,
) -> TokenizedCorpus:
    """Write a text with given phrases joined, such as those of a model whose training goes on.

    Parameters
    ----------
    tokenized : TokenizedCorpus
    directory : path
        Output directory, which must not exist or be empty.
    table : PhraseTable
        With one pass or more.
    threads : int, optional
        By default one per processor core.
    executor : Executor
        Runs tasks that join, which see `directory`. Default: threads of this process do.

    Returns
    -------
    TokenizedCorpus

    Raises
    ------
    EmbeddingsError
        The text has no words, or every sentence became one word.
    OutputError
        `directory` exists or cannot be written.
    """
    threads = thread_count(threads)
    with atomic_directory(directory, sync=False) as partial, writing(directory):
        for number, phrases in enumerate(table.passes, start=1):
            is_last = number == len(table.passes)
            text = NumberedText(tokenized, _place(partial, number, is_last), table.connectors, threads)
            with _means(text, table, TABLE_BYTES, executor) as means:
                tokenized = _join(text, means, phrases, table)
            _remove_earlier(partial, number)
    return TokenizedCorpus.open(directory)


def _learn(
    tokenized: TokenizedCorpus,
    directory: Path,
    settings: PhraseSettings,
    threads: int,
    report: Report | None,
    table_bytes: int,
    *,
    joins_last: bool,
    executor: Executor = IN_PROCESS,
) -> PhraseTable:
    """Find the phrases of every pass; join them, those of the last pass only on demand."""
    table = PhraseTable(
        passes=(),
        delimiter=settings.delimiter,
        connectors=settings.connectors,
        scorer=settings.scorer,
        threshold=settings.lowest_score,
        min_count=settings.min_count,
    )
    tell = report or (lambda _: None)
    for number in range(1, settings.passes + 1):
        is_last = number == settings.passes
        text = NumberedText(tokenized, _place(directory, number, is_last), table.connectors, threads)
        with _means(text, table, table_bytes, executor) as means:
            tell(f"pass {number}: counting pairs of words")
            phrases = _found(text, means, table)
            table = replace(table, passes=(*table.passes, phrases))
            logger.info("pass %d: %s phrases", number, f"{len(phrases):,}")
            if joins_last or not is_last:
                tell(f"pass {number}: joining {len(phrases):,} phrases")
                tokenized = _join(text, means, phrases, table)
                _remove_earlier(directory, number)
    return table


@contextmanager
def _means(
    text: NumberedText, table: PhraseTable, table_bytes: int, executor: Executor
) -> Iterator[PhraseThreads | PhraseTasks]:
    """Choose what goes over the text: threads of this process, or tasks."""
    if executor.tasks == 1:
        yield PhraseThreads(text, table.delimiter, table_bytes)
        return
    with scratch_directory(text.directory) as scratch:
        text.flush()
        yield PhraseTasks(text, table.delimiter, scratch, executor)
        text.flush()


def _place(directory: Path, number: int, is_last: bool) -> Path:
    """Return the directory of the text that a pass writes."""
    return directory if is_last else directory / f"pass-{number}"


def _remove_earlier(directory: Path, number: int) -> None:
    if number > 1:
        shutil.rmtree(_place(directory, number - 1, False))


def _found(text: NumberedText, means: PhraseThreads | PhraseTasks, table: PhraseTable) -> tuple[Phrase, ...]:
    """Return the phrases of a pass, by falling score."""
    counts = means.count(table.min_count)
    scorer = Scorer(
        table.scorer == "npmi", table.min_count, counts.distinct, float(text.counts.sum()), float(table.threshold)
    )
    places, numbers, scores = map(np.concatenate, zip(*means.select(counts, scorer), strict=True))
    found = zip((-scores).tolist(), (-numbers).tolist(), text.sequences(places), strict=True)
    return tuple(Phrase(parts, -count, -score) for score, count, parts in sorted(set(found)))  # each once


def _join(
    text: NumberedText, means: PhraseThreads | PhraseTasks, phrases: Iterable[Phrase], table: PhraseTable
) -> TokenizedCorpus:
    """Join phrases in the ids of a text, and write its other files."""
    joined = {phrase.parts: table.delimiter.join(phrase.parts) for phrase in phrases}
    slots, words = _phrase_slots(text, joined)
    sizes, changes = means.join(slots, len(words.counts))
    counts = words.counts + changes[1:]
    _require_context(text, sizes, int(counts.sum()))
    numbers = np.append(0, np.where(counts > 0, np.cumsum(counts > 0), 0)).astype(np.int32)

    def renumber(number: int) -> None:
        first = text.stretches[number].first
        ids = text.ids[first : first + sizes[number, 0]]
        ids[:] = numbers[ids]

    text.each(renumber, range(len(text.stretches)))
    left = WordTable()
    left.add(CountedWords(words.words.take(counts > 0), counts[counts > 0]))
    write_spilled_counts(text.directory / words_name(0, 0), left)
    rows = [(0, 0, place.first, size, place.source) for place, size in zip(text.stretches, sizes[:, 0], strict=True)]
    corpus = replace(
        text.tokenized,
        directory=text.directory,
        token_count=int(counts.sum()),
        word_count=len(left),
        parts=np.array(rows, np.int64),
    )
    corpus.write_record(text.directory)
    return corpus


def _phrase_slots(text: NumberedText, joined: dict[tuple[str, ...], str]) -> tuple[np.ndarray, CountedWords]:
    """Return a table of the ids of phrases, and the words of the text with those of the phrases."""
    targets = text.table.add(CountedWords(words_of(map(str.encode, joined.values())), np.zeros(len(joined), np.int64)))
    hashes = np.empty((len(joined), HASHES), np.uint64)
    hash_spans(words_of(BETWEEN_PARTS.join(map(str.encode, parts)) for parts in joined), BETWEEN_PARTS, hashes)
    ids = KeyTable(2 * len(joined))
    ids.add(keys_of(hashes), targets.astype(np.int64))
    return ids.slots, text.table.export(min_count=0)


def _require_context(text: NumberedText, sizes: np.ndarray, tokens: int) -> None:
    """Raise an error if no sentence has two words any more; warn if most words are parts of phrases."""
    before = int(text.counts.sum())
    sentences = int(sizes[:, 0].sum()) - tokens
    share = sizes[:, 1].sum() / before
    if share and tokens <= sentences + 1:
        raise EmbeddingsError(
            f"phrases leave one word in every sentence: {share:.0%} of the {before:,} words are parts of phrases; "
            "raise the threshold or min_count of phrases"
        )
    if share > _MOST_JOINED:
        logger.warning(
            "%.0f %% of the %s words are parts of phrases; raise the threshold of phrases", 100 * share, f"{before:,}"
        )
