"""Warm start: extend the vocabulary of existing vectors with a new text, and copy the vectors to begin training."""

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.build_vocabulary import build_vocabulary
from embeddings.text.character_ngrams import CharacterNgrams, NgramTable
from embeddings.text.split import SplitText
from embeddings.text.tokenized_corpus import TokenizedCorpus
from embeddings.text.tokenizer.counted_words import CountedWords
from embeddings.text.tokenizer.word_table import WordTable
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.kernel_arguments import Parameters
from vecmill.plurals import counted

_ROWS_AT_A_TIME = 4096


def extend_vocabulary(
    old: Vocabulary,
    tokenized: TokenizedCorpus,
    min_count: int = 5,
    max_vocabulary: int | None = None,
    split: SplitText | None = None,
) -> Vocabulary:
    """Add the words of a new text to a vocabulary.

    Counts are the sums of the old vocabulary and the new text. They determine subsampling and the noise distribution.
    So old words that do not occur in the new text remain noise words, and negatives represent the whole language, not
    only the new text.

    Parameters
    ----------
    old : Vocabulary
        All of its words are kept.
    tokenized : TokenizedCorpus
        The new text.
    min_count : int
        Omit new words that occur less often in the new text.
    max_vocabulary : int, optional
        Add only the most frequent new words, up to this total size.
    split : SplitText, optional
        Count only the words of its training part, and begin with ``<unk>`` and ``<eos>``; see `build_vocabulary`.

    Returns
    -------
    Vocabulary
        Words by descending count; ids differ from those in `old`.

    Raises
    ------
    EmbeddingsError
        The text has fewer than two distinct words.
    """
    table = WordTable()
    table.add(CountedWords(old.encoded_words, old.counts))
    found = build_vocabulary(tokenized, min_count=1, split=split)
    specials = found.prefix(2) if split else None
    found = found.select(np.arange(2, len(found))) if split else found
    words, counts = found.encoded_words, found.counts
    known = table.find(words) > 0
    new = np.flatnonzero(~known & (counts >= min_count))  # the most frequent first
    room = len(new) if max_vocabulary is None else max(0, max_vocabulary - len(old))
    chosen = np.concatenate([np.flatnonzero(known), new[:room]])
    table.add(CountedWords(words.take(chosen), counts[chosen]))
    extended = Vocabulary.from_counted(table.export(min_count=0).ranked())
    if specials is None:
        return extended
    unknown = int(counts.sum() - counts[chosen].sum())
    return Vocabulary.from_words([*specials.words, *extended.words], [unknown, specials.counts[1], *extended.counts])


def require_continuable(initial_vectors: WordVectors, config: Word2VecConfig) -> None:
    """Check that initial vectors have the dimension and the subwords of the training.

    Parameters
    ----------
    initial_vectors : WordVectors
    config : Word2VecConfig

    Raises
    ------
    EmbeddingsError
        They have others.
    """
    found = initial_vectors.matrix.shape[1]
    if found != config.dimension:
        raise EmbeddingsError(
            f"the initial vectors have {counted(found, 'dimension')}, and dimension is {config.dimension}: "
            f"train with dimension {found} (--dimension {found}), or give other vectors"
        )
    had = initial_vectors.subwords.ngrams if initial_vectors.subwords is not None else None
    if had != config.ngrams:
        remedy = "leave out subwords"
        if had is not None:
            options = f"--subwords {had.range} --buckets {had.buckets}"
            remedy = f"set subwords to {had.range!r} and buckets to {had.buckets}"
            if had.floret_hashes:
                options += f" --floret-hashes {had.floret_hashes}"
                remedy += f", floret_hashes to {had.floret_hashes}"
            remedy = f"{remedy} ({options})"
        raise EmbeddingsError(
            f"the initial vectors have {_described(had)}, and the training {_described(config.ngrams)}: {remedy}, or "
            "give other vectors"
        )


def _described(ngrams: CharacterNgrams | None) -> str:
    if ngrams is None:
        return "no subwords"
    hashes = f" of floret, {ngrams.floret_hashes} for each" if ngrams.floret_hashes else ""
    return f"subwords of {ngrams.range} characters in {ngrams.buckets:,} buckets{hashes}"


def copy_vectors(
    initial_vectors: WordVectors, vocabulary: Vocabulary, parameters: Parameters, ngrams: NgramTable | None
) -> None:
    """Copy the vectors of common words and n-grams into the matrices of a training.

    Parameters
    ----------
    initial_vectors : WordVectors
        Without context vectors, C is unchanged.
    vocabulary : Vocabulary
        Vocabulary of the matrices.
    parameters : Parameters
        E and C are updated.
    ngrams : NgramTable, optional
        The n-grams of the training, with subwords.

    Raises
    ------
    EmbeddingsError
        The vocabularies have no word in common.
    """
    rows = vocabulary.ids(initial_vectors.words, missing=-1)
    if (rows < 0).all():
        raise EmbeddingsError(
            f"none of the {len(rows):,} words of the initial vectors is in the vocabulary of {len(vocabulary):,} "
            "words; make it with extend_vocabulary"
        )
    subwords, embedding = initial_vectors.subwords, parameters.embedding
    own = initial_vectors.matrix
    if subwords is not None and ngrams is not None:
        own = subwords.own_rows(own, initial_vectors.vocabulary.encoded_words)
        place = np.searchsorted(ngrams.buckets, subwords.buckets)
        place[place == len(ngrams.buckets)] = 0
        common = ngrams.buckets[place] == subwords.buckets
        _copy_rows(subwords.matrix, np.where(common, len(vocabulary) + place, -1), embedding)
    _copy_rows(own, rows, embedding)
    if initial_vectors.context is not None:
        _copy_rows(initial_vectors.context, rows, parameters.context)


def _copy_rows(source: np.ndarray, rows: np.ndarray, target: np.ndarray) -> None:
    """Copy each row of a matrix to the row of another that `rows` states, unless that is -1."""
    for first in range(0, len(rows), _ROWS_AT_A_TIME):  # in parts, so that a memory map is not read as a whole
        part = slice(first, first + _ROWS_AT_A_TIME)
        kept = rows[part] >= 0
        target[rows[part][kept], : source.shape[1]] = source[part][kept]
