"""The embedding matrix E with its vocabulary: look-up, norms and means; `WordVectors` adds the queries."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.vocabulary import Vocabulary, require_list
from vecmill.plurals import counted

Word: TypeAlias = str | int | np.integer
"""A word, or its id: the row of E."""

WordOrVector: TypeAlias = Word | np.ndarray

BLOCK = 1 << 12  # rows processed at a time: 4,096 × 300 float64 = 10 MB


class EmbeddingMatrix:
    """Embedding matrix E of shape (V, d), one row per word.

    Parameters
    ----------
    vocabulary : Vocabulary
        V words; the id of a word is its row.
    matrix : (V, d) array
        E. A float32 array is kept without a copy (a memory map stays one), others are copied to float32.
    context : (V, d) array, optional
        Context (output) vectors of the same words.

    Attributes
    ----------
    metrics : list of dict
        Loss, learning rate and time of every epoch, if `vecmill.train` trained these vectors; see `Word2Vec`.
    dropped : dict of str to int
        Counts of text that training skipped, by reason: rare words, invalid UTF-8, unreadable files, ...

    Raises
    ------
    EmbeddingsError
        An array is not two-dimensional or not numeric, has not one row per word, or holds NaN or infinity. Memory maps
        are not read here; NaN and infinity in them are found when norms are first computed.
    """

    def __init__(self, vocabulary: Vocabulary, matrix: np.ndarray, context: np.ndarray | None = None) -> None:
        self.metrics: list[dict[str, Any]] = []
        self.dropped: dict[str, int] = {}
        self.vocabulary = vocabulary
        self.matrix = _checked(matrix, vocabulary, "matrix")
        self.context = None if context is None else _checked(context, vocabulary, "context")
        if self.context is not None and self.context.shape != self.matrix.shape:
            raise EmbeddingsError(
                f"matrix has the shape {self.matrix.shape} and context {self.context.shape}; expected the same shape"
            )

    @property
    def words(self) -> Sequence[str]:
        """The words in the order of the rows."""
        return self.vocabulary.words

    @property
    def dimension(self) -> int:
        """Number of dimensions d."""
        return int(self.matrix.shape[1])

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __contains__(self, word: object) -> bool:
        return word in self.vocabulary

    def __repr__(self) -> str:
        return f"{type(self).__name__}({counted(len(self), 'word')}, {counted(self.dimension, 'dimension')})"

    def __getitem__(self, words: Word | Sequence[Word]) -> np.ndarray:
        """Return the vector (d,) of one word, or the vectors (n, d) of several."""
        if isinstance(words, (str, int, np.integer)):
            return self.get_vector(words)
        vectors: np.ndarray = self.matrix[self.ids(words)]
        return vectors

    @cached_property
    def unit_matrix(self) -> np.ndarray:
        """Rows of E scaled to unit length, (V, d) float32; computed at the first access.

        Zero rows stay zero. An EmbeddingsError names a row that holds NaN or infinity.
        """
        unit = np.empty(self.matrix.shape, np.float32)
        for start in range(0, len(unit), BLOCK):
            rows = range(start, min(start + BLOCK, len(unit)))
            unit[rows.start : rows.stop] = self._unit_rows(self.matrix[rows.start : rows.stop], rows)
        unit.flags.writeable = False
        return unit

    def id(self, word: Word) -> int:
        """Return the row of a word; an id is checked and returned.

        Parameters
        ----------
        word : str or int

        Returns
        -------
        int

        Raises
        ------
        KeyError
            The word is not in the vocabulary; the message suggests the closest spellings.
        IndexError
            The number is not a row.
        """
        if isinstance(word, str):
            return self.vocabulary.id(word)
        if not 0 <= word < len(self):
            raise IndexError(f"word id {word} is not a row; expected 0 to {len(self) - 1}")
        return int(word)

    def ids(self, words: Sequence[Word] | np.ndarray) -> np.ndarray:
        """Return the rows of several words, (n,) int64; raise as `id`, and a TypeError for a str instead of a list."""
        require_list(words)
        return np.fromiter((self.id(word) for word in words), np.int64, len(words))

    def get_vector(self, word: Word, norm: bool = False) -> np.ndarray:
        """Return the vector of one word, (d,) float32, read-only.

        Parameters
        ----------
        word : str or int
            A word or its id.
        norm : bool
            Scale the vector to unit length; only this row is read.

        Returns
        -------
        (d,) float32

        Raises
        ------
        KeyError, IndexError
            As `id`.
        """
        vector: np.ndarray = self.unit_vectors([word])[0] if norm else self.matrix[self.id(word)]
        return vector

    def unit_vectors(self, words: Sequence[Word] | np.ndarray) -> np.ndarray:
        """Return the unit vectors of words or ids, (n, d) float32; only their rows of E are read.

        Parameters
        ----------
        words : sequence of str or int

        Returns
        -------
        (n, d) float32

        Raises
        ------
        KeyError, IndexError
            As `id`.
        EmbeddingsError
            A row holds NaN or infinity.
        """
        ids = self.ids(words)
        return self._unit_rows(self.matrix[ids], ids)

    def mean_vector(
        self,
        words: Sequence[WordOrVector],
        weights: Sequence[float] | np.ndarray | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> np.ndarray:
        """Compute a weighted mean of vectors: Σ wᵢ vᵢ / Σ |wᵢ|.

        Parameters
        ----------
        words : sequence of str, int or (d,) array
            Words, ids and vectors may be mixed. Vectors enter unchanged, regardless of `pre_normalize`.
        weights : sequence of float, optional
            One weight per word; by default all are 1.
        pre_normalize : bool
            Scale the vectors of words to unit length first.
        post_normalize : bool
            Scale the mean to unit length.
        ignore_missing : bool
            Skip unknown words instead of raising an error.

        Returns
        -------
        (d,) float32
            Zeros if every word was skipped.

        Raises
        ------
        ValueError
            There are no words, the number of weights differs, or a vector has another dimension.
        KeyError
            A word is unknown, with ``ignore_missing=False``.
        TypeError
            `words` is a str.
        """
        require_list(words)
        if len(words) == 0:
            raise ValueError("got no words; expected at least one word or vector")
        factors = np.ones(len(words)) if weights is None else np.asarray(weights, np.float64)
        if factors.shape != (len(words),):
            raise ValueError(f"got {len(words)} words and weights of shape {factors.shape}; expected one weight a word")
        total, mean = 0.0, np.zeros(self.dimension)
        for word, factor in zip(words, factors, strict=True):
            if isinstance(word, np.ndarray):
                vector = self._check_vector(word)
            elif ignore_missing and isinstance(word, str) and word not in self:
                continue
            else:
                vector = self.get_vector(word, norm=pre_normalize)
            mean += factor * vector
            total += abs(factor)
        if total > 0:
            mean /= total
        return _unit(mean) if post_normalize else mean.astype(np.float32)

    def _unit_rows(self, rows: np.ndarray, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return rows of E scaled to unit length, float32; `ids` names them in errors."""
        unit, norms = _scaled(rows)
        _require_finite(norms, ids, self.vocabulary, "matrix")
        return unit.astype(np.float32)

    def _check_vector(self, vector: np.ndarray) -> np.ndarray:
        if vector.shape != (self.dimension,) or not np.isfinite(vector).all():
            raise ValueError(f"got a vector of shape {vector.shape}; expected ({self.dimension},) of finite numbers")
        return vector


def _checked(matrix: np.ndarray, vocabulary: Vocabulary, name: str) -> np.ndarray:
    """Return a read-only float32 view of `matrix`; raise an EmbeddingsError if it is not a finite (V, d) array."""
    if matrix.ndim != 2 or matrix.shape[1] == 0 or matrix.dtype.kind not in "fiu":
        raise EmbeddingsError(
            f"{name} has the shape {matrix.shape} and the type {matrix.dtype}; expected numbers of shape (V, d)"
        )
    if len(matrix) != len(vocabulary):
        raise EmbeddingsError(
            f"{name} has {counted(len(matrix), 'row')} for {counted(len(vocabulary), 'word')}; "
            "expected one row per word: are the vectors and the vocabulary of the same model?"
        )
    view = np.asarray(matrix, np.float32).view()
    view.flags.writeable = False
    if not isinstance(matrix, np.memmap):
        with np.errstate(over="ignore", invalid="ignore"):
            sums = view @ np.ones(view.shape[1], np.float32)
        doubtful = np.flatnonzero(~np.isfinite(sums))  # sums of large finite numbers overflow too
        _require_finite(view[doubtful].astype(np.float64).sum(axis=1), doubtful, vocabulary, name)
    return view


def _require_finite(of_rows: np.ndarray, rows: Sequence[int] | np.ndarray, vocabulary: Vocabulary, name: str) -> None:
    """Raise an EmbeddingsError that names the first row for which the number in `of_rows` is NaN or infinite."""
    bad = np.flatnonzero(~np.isfinite(of_rows))
    if len(bad):
        row = int(rows[bad[0]])
        raise EmbeddingsError(
            f"{name} holds NaN or infinity in row {row} ({vocabulary.words[row]!r}); expected finite numbers: "
            "was training interrupted, or its learning rate too high?"
        )


def _scaled(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows scaled to unit length, and norms, as float64 (squares may overflow float32); zero rows stay zero."""
    rows = np.array(rows, np.float64)
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    with np.errstate(invalid="ignore"):  # infinite rows; the caller checks the norms
        rows /= np.where(norms > 0, norms, 1.0)[:, None]
    return rows, norms


def _unit(vector: np.ndarray) -> np.ndarray:
    """Scale a vector to unit length, float32; a zero vector stays zero."""
    unit: np.ndarray = _scaled(vector[None])[0][0].astype(np.float32)
    return unit
