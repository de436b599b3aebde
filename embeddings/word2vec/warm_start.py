"""Warm start: extend the vocabulary of existing vectors with a new text, and copy the vectors to begin training."""

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.build_vocabulary import build_vocabulary
from embeddings.text.split import SplitText
from embeddings.text.tokenized_corpus import TokenizedCorpus
from embeddings.text.tokenizer.counted_words import CountedWords
from embeddings.text.tokenizer.word_table import WordTable
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.word_vectors import WordVectors
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


def require_dimension(initial_vectors: WordVectors, dimension: int) -> None:
    """Check that initial vectors have the dimension of the training.

    Parameters
    ----------
    initial_vectors : WordVectors
    dimension : int

    Raises
    ------
    EmbeddingsError
        They have another dimension.
    """
    found = initial_vectors.matrix.shape[1]
    if found != dimension:
        raise EmbeddingsError(
            f"the initial vectors have {counted(found, 'dimension')}, and dimension is {dimension}: "
            f"train with dimension {found}, or give other vectors"
        )


def copy_vectors(
    initial_vectors: WordVectors, vocabulary: Vocabulary, embedding: np.ndarray, context: np.ndarray
) -> None:
    """Copy the vectors of common words into the matrices of a training.

    Parameters
    ----------
    initial_vectors : WordVectors
        Without context vectors, `context` is unchanged.
    vocabulary : Vocabulary
        Vocabulary of the matrices.
    embedding, context : (V, padded d) float32
        Updated.

    Raises
    ------
    EmbeddingsError
        The vocabularies have no word in common.
    """
    dimension = initial_vectors.matrix.shape[1]
    rows = vocabulary.ids(initial_vectors.words, missing=-1)
    if (rows < 0).all():
        raise EmbeddingsError(
            f"none of the {len(rows):,} words of the initial vectors is in the vocabulary of {len(vocabulary):,} "
            "words; make it with extend_vocabulary"
        )
    for source, target in ((initial_vectors.matrix, embedding), (initial_vectors.context, context)):
        if source is None:
            continue
        for first in range(0, len(rows), _ROWS_AT_A_TIME):  # in parts, so that a memory map is not read as a whole
            part = slice(first, first + _ROWS_AT_A_TIME)
            kept = rows[part] >= 0
            target[rows[part][kept], :dimension] = source[part][kept]
