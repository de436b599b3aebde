"""Construction of the vocabulary of a tokenized text from its spilled word counts."""

from functools import partial

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.executor import IN_PROCESS, Executor
from embeddings.setting_types import require_type
from embeddings.text.misread import without_words
from embeddings.text.split import SplitText
from embeddings.text.tokenized_corpus import TokenizedCorpus
from embeddings.text.tokenizer.counted_words import CountedWords, Words
from embeddings.text.tokenizer.word_table import BUCKETS, WordTable
from embeddings.text.vocabulary import EOS, UNK, Vocabulary
from vecmill.plurals import counted

_WORDS_PER_PASS = 1 << 17  # words of all spills that one pass merges, at 64 bytes each


def build_vocabulary(
    tokenized: TokenizedCorpus,
    min_count: int = 5,
    max_vocabulary: int | None = None,
    split: SplitText | None = None,
    executor: Executor = IN_PROCESS,
) -> Vocabulary:
    """Make the vocabulary of a tokenized text, with exact counts.

    Counts are merged in passes over ranges of hash values, each with the words of all spills, which bounds memory.

    Parameters
    ----------
    tokenized : TokenizedCorpus
    min_count : int
        Omit words that occur less often.
    max_vocabulary : int, optional
        Keep only this many of the most frequent words, including ``<unk>`` and ``<eos>``.
    split : SplitText, optional
        Count only the words of its training part. The vocabulary then begins with ``<unk>``, which has the count of all
        omitted words, and ``<eos>``, which has the count of the lines.
    executor : Executor
        Runs the passes. Default: one after the other.

    Returns
    -------
    Vocabulary
        Words by descending count, then by code points; with a split after ``<unk>`` (id 0) and ``<eos>`` (id 1).

    Raises
    ------
    EmbeddingsError
        Fewer than two words are frequent enough.
    ValueError
        `min_count` is less than 1 or `max_vocabulary` less than 2 (3 with a split).
    """
    min_count = require_type("min_count", min_count, int)
    max_vocabulary = require_type("max_vocabulary", max_vocabulary, int | None)
    specials = 2 if split else 0
    if min_count < 1:
        raise ValueError(f"min_count={min_count}; expected at least 1")
    if max_vocabulary is not None and max_vocabulary < max(2, 1 + specials):
        raise ValueError(f"max_vocabulary={max_vocabulary}; expected at least {max(2, 1 + specials)} words")
    most = None if max_vocabulary is None else max_vocabulary - specials
    ranked = None if most is None else most + specials
    kept, distinct, ends = _frequent_words(tokenized, min_count, ranked, split, executor)
    if split:
        kept = _without_specials(kept, most)
        _require_words(len(kept.counts), distinct, 1, min_count, tokenized)
        unknown = split.tokens - int(kept.counts.sum()) - ends
        return Vocabulary.from_counted(_with_specials(kept, unknown, ends + split.lines["train"]))
    _require_words(len(kept.counts), distinct, 2, min_count, tokenized)
    return Vocabulary.from_counted(kept)


def count_words(tokenized: TokenizedCorpus) -> Vocabulary:
    """Count the words of a tokenized text, without the least number of words that a training needs.

    Parameters
    ----------
    tokenized : TokenizedCorpus

    Returns
    -------
    Vocabulary
        All words by descending count, then by code points.
    """
    return Vocabulary.from_counted(_frequent_words(tokenized, 1, None, None)[0])


def _frequent_words(
    tokenized: TokenizedCorpus,
    min_count: int,
    most: int | None,
    split: SplitText | None,
    executor: Executor = IN_PROCESS,
) -> tuple[CountedWords, int, int]:
    """Return the at most `most` words that reach `min_count`, the number of distinct words, and the count of <eos>."""
    passes = max(executor.tasks, -(-tokenized.word_count // _WORDS_PER_PASS))
    buckets = max(1, BUCKETS // passes)
    ranges = [(first, min(first + buckets, BUCKETS)) for first in range(0, BUCKETS, buckets)]
    frequent: list[CountedWords] = []
    distinct = ends = 0
    for found, words, ends_found in executor.map(partial(_words_of_buckets, tokenized, split, min_count), ranges):
        distinct += words
        ends += ends_found
        frequent.append(found)
        if most is not None and sum(len(part.counts) for part in frequent) > 2 * most + _WORDS_PER_PASS:
            frequent = [CountedWords.join(frequent).ranked(most)]
    return CountedWords.join(frequent).ranked(most), distinct, ends


def _words_of_buckets(
    tokenized: TokenizedCorpus, split: SplitText | None, min_count: int, buckets: tuple[int, int]
) -> tuple[CountedWords, int, int]:
    """Count the words of a range of hash values in all spills.

    Return the frequent ones, how many there are, and the count of ``<eos>``, however rare it is.
    """
    table = WordTable()
    for place in tokenized.spills():
        table.add(tokenized.spilled_counts(*place).words(*buckets, split.counts(*place) if split else None))
    found = table.export(min_count)
    [ends] = table.counts_of(Words.from_bytes([EOS.encode()])).tolist()
    return CountedWords(found.words.compact(), found.counts), len(table), ends


def _without_specials(kept: CountedWords, most: int | None) -> CountedWords:
    """Remove ``<unk>`` and ``<eos>`` from the words of a text."""
    lengths = kept.words.ends - kept.words.starts
    others = np.ones(len(lengths), bool)
    for place in np.flatnonzero(lengths == len(UNK)).tolist():
        word = kept.words.letters[kept.words.starts[place] : kept.words.ends[place]].tobytes().decode()
        others[place] = word not in (UNK, EOS)
    chosen = np.flatnonzero(others)[:most]
    return CountedWords(kept.words.take(chosen), kept.counts[chosen])


def _with_specials(kept: CountedWords, unknown: int, ends: int) -> CountedWords:
    specials = CountedWords(Words.from_bytes([UNK.encode(), EOS.encode()]), np.array([unknown, ends], np.int64))
    return CountedWords.join([specials, CountedWords(kept.words.compact(), kept.counts)])


def _require_words(kept: int, distinct: int, needed: int, min_count: int, tokenized: TokenizedCorpus) -> None:
    if not distinct:
        raise without_words(tokenized.skipped)
    if distinct < needed:
        raise EmbeddingsError("the corpus has one distinct word; training needs at least two")
    if kept < needed:
        reach = "only one word reaches" if kept else "no word reaches"
        raise EmbeddingsError(
            f"{reach} min_count={min_count}; {counted(distinct, 'word')} would at min_count=1; "
            f"the corpus has {counted(tokenized.token_count, 'word')}: lower min_count, or give it more text"
        )
