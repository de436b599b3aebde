"""From the words of a tokenized text and their counts to its vocabulary."""

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.split import SplitText
from embeddings.text.tokenized_corpus import TokenizedCorpus
from embeddings.text.tokenizer.counted_words import CountedWords, Words
from embeddings.text.tokenizer.word_table import BUCKETS, WordTable
from embeddings.text.vocabulary import EOS, UNK, Vocabulary

_WORDS_A_PASS = 1 << 17  # words of all generations that are counted at a time, at 64 bytes each


def build_vocabulary(
    tokenized: TokenizedCorpus, min_count: int = 5, max_vocabulary: int | None = None, split: SplitText | None = None
) -> Vocabulary:
    """Make the vocabulary of a tokenized text, with exact counts.

    Words are counted in passes, each of which takes the words of some hash values from all generations, so that memory
    is bounded.

    Parameters
    ----------
    tokenized : TokenizedCorpus
    min_count : int
        Words seen less often are left out.
    max_vocabulary : int, optional
        Keep this many words at most, the most frequent; ``<unk>`` and ``<eos>`` count among them.
    split : SplitText, optional
        Count the words of its training part only. The vocabulary then begins with ``<unk>``, whose count is that of all
        words left out, and ``<eos>``, whose count is that of the lines.

    Returns
    -------
    Vocabulary
        By falling count, words of one count by code points; but for ``<unk>`` (id 0) and ``<eos>`` (id 1) of a split.

    Raises
    ------
    EmbeddingsError
        Fewer than two words are frequent enough.
    ValueError
        `min_count` is less than 1 or `max_vocabulary` less than 2 (3 with a split).
    """
    specials = 2 if split else 0
    if min_count < 1:
        raise ValueError(f"min_count={min_count}; expected at least 1")
    if max_vocabulary is not None and max_vocabulary < max(2, 1 + specials):
        raise ValueError(f"max_vocabulary={max_vocabulary}; expected at least {max(2, 1 + specials)} words")
    most = None if max_vocabulary is None else max_vocabulary - specials
    kept, distinct = _frequent_words(tokenized, min_count, None if most is None else most + specials, split)
    if split:
        kept, unknown, ends = _without_specials(kept, most)
        _require_words(len(kept.counts), distinct, 1, min_count, tokenized)
        unknown += split.tokens - int(kept.counts.sum()) - unknown - ends
        return Vocabulary.from_counted(_with_specials(kept, unknown, ends + split.lines["train"]))
    _require_words(len(kept.counts), distinct, 2, min_count, tokenized)
    return Vocabulary.from_counted(kept)


def _frequent_words(
    tokenized: TokenizedCorpus, min_count: int, most: int | None, split: SplitText | None
) -> tuple[CountedWords, int]:
    """Return the words that are frequent enough, the `most` most frequent, and the number of all distinct words."""
    places = tokenized.generations()
    generations = [tokenized.generation(*place) for place in places]
    in_train = [split.counts(*place) if split else None for place in places]
    buckets = max(1, BUCKETS * _WORDS_A_PASS // max(_WORDS_A_PASS, tokenized.word_count))
    frequent: list[CountedWords] = []
    distinct = 0
    for first in range(0, BUCKETS, buckets):
        table = WordTable()
        for generation, counts in zip(generations, in_train, strict=True):
            table.add(generation.words(first, min(first + buckets, BUCKETS), counts))
        distinct += len(table)
        frequent.append(table.export(min_count))
        if most is not None and sum(len(part.counts) for part in frequent) > 2 * most + _WORDS_A_PASS:
            frequent = [CountedWords.join(frequent).ranked(most)]
    return CountedWords.join(frequent).ranked(most), distinct


def _without_specials(kept: CountedWords, most: int | None) -> tuple[CountedWords, int, int]:
    """Take ``<unk>`` and ``<eos>`` out of the words of a text; return the others and the counts of the two."""
    lengths = kept.words.ends - kept.words.starts
    counts = {UNK: 0, EOS: 0}
    others = np.ones(len(lengths), bool)
    for place in np.flatnonzero(lengths == len(UNK)).tolist():
        word = kept.words.letters[kept.words.starts[place] : kept.words.ends[place]].tobytes().decode()
        if word in counts:
            counts[word] = int(kept.counts[place])
            others[place] = False
    chosen = np.flatnonzero(others)[:most]
    return CountedWords(kept.words.take(chosen), kept.counts[chosen]), counts[UNK], counts[EOS]


def _with_specials(kept: CountedWords, unknown: int, ends: int) -> CountedWords:
    specials = CountedWords(Words.from_bytes([UNK.encode(), EOS.encode()]), np.array([unknown, ends], np.int64))
    return CountedWords.join([specials, CountedWords(kept.words.compact(), kept.counts)])


def _require_words(kept: int, distinct: int, needed: int, min_count: int, tokenized: TokenizedCorpus) -> None:
    if not distinct:
        raise EmbeddingsError(f"the corpus has no words ({tokenized.byte_count:,} bytes were read); give it some text")
    if distinct < needed:
        raise EmbeddingsError("the corpus has one distinct word; training needs at least two")
    if kept < needed:
        reach = "only one word reaches" if kept else "no word reaches"
        raise EmbeddingsError(
            f"{reach} min_count={min_count}; {distinct:,} words would at min_count=1; "
            f"the corpus has {tokenized.token_count:,} words: lower min_count, or give it more text"
        )
