"""Look-up of the words of an evaluation set in a model."""

from collections.abc import Iterable

import numpy as np

from embeddings.setting_types import require_number
from embeddings.vectors.embedding_matrix import EmbeddingMatrix, require_vectors


def fold(word: str, case_insensitive: bool) -> str:
    """Return the form by which words are compared: upper case, as in the C tool and gensim, or the word itself."""
    return word.upper() if case_insensitive else word


class KnownWords:
    """The words that an evaluation may use: those of the vocabulary, and words that have a vector by their n-grams.

    The first, most frequent, of several words of the vocabulary with the same form represents all of them. A word that
    is not in the vocabulary is spelled in lower case if the vocabulary has no capital letters and case does not matter.

    Parameters
    ----------
    vectors : EmbeddingMatrix
    restrict_vocab : int or None
        Use only the first `restrict_vocab` words of the vocabulary; None uses all.
    case_insensitive : bool
        Compare upper-case forms.
    unseen : iterable of str
        Words for which n-grams are used if the vocabulary does not have them.

    Attributes
    ----------
    row_of : dict of str to int
        Row of each form: of E, and V, V + 1, ... for words by n-grams.
    """

    def __init__(
        self, vectors: EmbeddingMatrix, restrict_vocab: int | None, case_insensitive: bool, unseen: Iterable[str] = ()
    ) -> None:
        require_vectors(vectors)
        if restrict_vocab is not None:
            require_number("restrict_vocab", restrict_vocab, 1)
        self._vectors, self._case_insensitive = vectors, case_insensitive
        self.row_of: dict[str, int] = {}
        for row, word in enumerate(vectors.words[:restrict_vocab]):
            self.row_of.setdefault(fold(word, case_insensitive), row)
        self._by_ngrams: list[str] = []
        if vectors.subwords is not None:
            self._add(unseen, lower=case_insensitive and not any(map(_has_capital, vectors.words[:restrict_vocab])))

    def _add(self, unseen: Iterable[str], *, lower: bool) -> None:
        """Number the words that n-grams give a vector."""
        for word in unseen:
            word = self._vectors.normalized(word)
            spelled, form = word.lower() if lower else word, fold(word, self._case_insensitive)
            if form not in self.row_of and self._vectors.has_vector(spelled):
                self.row_of[form] = len(self._vectors) + len(self._by_ngrams)
                self._by_ngrams.append(spelled)

    def rows(self, words: Iterable[str]) -> np.ndarray:
        """Return the rows of words, (n,) int64; -1 for unknown words."""
        return np.array(
            [self.row_of.get(fold(word, self._case_insensitive), -1) for word in map(self._vectors.normalized, words)],
            np.int64,
        )

    def is_in_vocabulary(self, rows: np.ndarray) -> np.ndarray:
        """Return whether rows are rows of E, (n,) bool."""
        found: np.ndarray = (rows >= 0) & (rows < len(self._vectors))
        return found

    def unit_vectors(self, rows: np.ndarray) -> np.ndarray:
        """Return the unit vectors of rows, (n, d) float32."""
        seen = self.is_in_vocabulary(rows)
        units = np.empty((len(rows), self._vectors.dimension), np.float32)
        units[seen] = self._vectors.unit_vectors(rows[seen])
        numbers = (rows[~seen] - len(self._vectors)).tolist()
        units[~seen] = self._vectors.unit_vectors([self._by_ngrams[number] for number in numbers])
        return units


def _has_capital(word: str) -> bool:
    return word != word.lower()
