"""Training goes on from vectors that there are already: which words there will be, and where each starts."""

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.build_vocabulary import build_vocabulary
from embeddings.text.split import SplitText
from embeddings.text.tokenized_corpus import TokenizedCorpus
from embeddings.text.tokenizer.counted_words import CountedWords
from embeddings.text.tokenizer.word_table import WordTable
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.word_vectors import WordVectors

_ROWS_AT_A_TIME = 4096


def extend_vocabulary(
    old: Vocabulary,
    tokenized: TokenizedCorpus,
    min_count: int = 5,
    max_vocabulary: int | None = None,
    split: SplitText | None = None,
) -> Vocabulary:
    """Add the words of a new text to a vocabulary.

    Counts are those of the old vocabulary and of the new text together. They decide which tokens are passed over and
    which words are noise, and so the old words stay in the noise though the new text does not have them: what the new
    words are told from is the language, not the new text alone.

    Parameters
    ----------
    old : Vocabulary
        All its words are kept.
    tokenized : TokenizedCorpus
        The new text.
    min_count : int
        New words that it has less often are left out.
    max_vocabulary : int, optional
        Add the most frequent new words only, up to this many words in all.
    split : SplitText, optional
        Count the words of its training part only, and begin with ``<unk>`` and ``<eos>``; see `build_vocabulary`.

    Returns
    -------
    Vocabulary
        By falling count, as always; ids are others than in `old`.

    Raises
    ------
    EmbeddingsError
        If the text has fewer than two distinct words.
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
    """Raise an error unless training of vectors of a dimension can start from these.

    Parameters
    ----------
    initial_vectors : WordVectors
    dimension : int

    Raises
    ------
    EmbeddingsError
        If they have another dimension.
    """
    found = initial_vectors.matrix.shape[1]
    if found != dimension:
        raise EmbeddingsError(
            f"the vectors to start from have {found} dimensions, and dimension is {dimension}: train with "
            f"dimension {found}, or start from others"
        )


def copy_vectors(
    initial_vectors: WordVectors, vocabulary: Vocabulary, embedding: np.ndarray, context: np.ndarray
) -> None:
    """Write the vectors of the words that both have into the matrices of a training.

    Parameters
    ----------
    initial_vectors : WordVectors
        (V', d); without context vectors, those of the matrix stay as they are.
    vocabulary : Vocabulary
        Of the matrices.
    embedding, context : (V, padded d) float32
        Changed in place.

    Raises
    ------
    EmbeddingsError
        If no word is in both vocabularies.
    """
    dimension = initial_vectors.matrix.shape[1]
    rows = vocabulary.ids(initial_vectors.words, missing=-1)
    if (rows < 0).all():
        raise EmbeddingsError(
            f"none of the {len(rows):,} words to start from is in the vocabulary of {len(vocabulary):,} words; make it "
            "with extend_vocabulary"
        )
    for source, target in ((initial_vectors.matrix, embedding), (initial_vectors.context, context)):
        if source is None:
            continue
        for first in range(0, len(rows), _ROWS_AT_A_TIME):  # a memory map is not read as a whole
            part = slice(first, first + _ROWS_AT_A_TIME)
            kept = rows[part] >= 0
            target[rows[part][kept], :dimension] = source[part][kept]
