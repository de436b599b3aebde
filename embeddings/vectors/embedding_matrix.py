"""The embedding matrix E with its vocabulary: look-up, norms and means; `WordVectors` adds the queries."""

import html
import math
import unicodedata
from collections.abc import Sequence
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.setting_types import require_flags
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.quantized_matrix import QuantizedMatrix
from vecmill.arguments import described, require_kind, require_list, require_words
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings.text.phrase_table import PhraseFile, PhraseTable
    from embeddings.text.tokenizer.tokenizers import Tokenizer
    from embeddings.vectors.subwords import SubwordVectors

Word: TypeAlias = str | int | np.integer
"""A word, or its id: the row of E."""

WordOrVector: TypeAlias = Word | np.ndarray

_UNKNOWN, _VECTOR = -1, -2  # in place of an id
_NOISE = 1e-6  # share of the largest term that float32 numbers leave of a sum of terms that cancel out
_CALLS_PER_PASS = 256  # the lengths of V rows take about as long as those of V / 256 rows computed one by one
_SHOWN_WORDS = 10
NFC = "nfc"  # value of the setting normalize of a tokenizer; tokenizer.normalization is slow to import: Numba
BLOCK = 1 << 12  # rows processed at a time: 4,096 × 300 float64 = 10 MB


class EmbeddingMatrix:
    """Embedding matrix E of shape (V, d), one row per word.

    Parameters
    ----------
    vocabulary : Vocabulary
        V words; the id of a word is its row.
    matrix : (V, d) array
        E. A float32 array is kept without a copy (a memory map stays one), as a `QuantizedMatrix` is; others are copied
        to float32.
    context : (V, d) array, optional
        Context (output) vectors of the same words.
    subwords : SubwordVectors, optional
        Vectors of character n-grams: words outside of the vocabulary then have vectors too. E holds the means of the
        words' own rows and their n-grams.

    Attributes
    ----------
    metrics : list of dict
        Loss, learning rate and time of every epoch, if `vecmill.train` or a command trained these vectors; see
        `Word2Vec`.
    dropped : dict of str to int
        Counts of text that training skipped, by reason: rare words, invalid UTF-8, unreadable files, ...
    tokenizer_settings : dict of str to Any
        Arguments of `make_tokenizer` for the tokenizer of the text; empty if it is not known.
    training_settings : dict of str to Any
        Settings of `Word2VecConfig` that the vectors were trained with; empty if they are not known.
    nodes : (V, d) float32 or None
        With hierarchical softmax, vectors of the nodes of the Huffman tree, by which sentences are scored.
    phrases : PhraseTable or None
        Phrases that are joined in text, such as new_york; those of a model directory are parsed when they are needed.

    Raises
    ------
    EmbeddingsError
        An array is not two-dimensional or not numeric, has not one row per word, or holds NaN or infinity. Memory maps
        are not read here; NaN and infinity in them are found when norms are first computed.
    TypeError
        `vocabulary` is no Vocabulary, or a matrix no array.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        matrix: np.ndarray,
        context: np.ndarray | None = None,
        subwords: "SubwordVectors | None" = None,
    ) -> None:
        require_kind("vocabulary", vocabulary, Vocabulary, "a Vocabulary: Vocabulary.from_words(words)")
        self._lengths_asked = 0
        self.metrics: list[dict[str, Any]] = []
        self.dropped: dict[str, int] = {}
        self.tokenizer_settings: dict[str, Any] = {}
        self.training_settings: dict[str, Any] = {}
        self.nodes: np.ndarray | None = None
        self.phrases_file: PhraseFile | None = None
        self.vocabulary = vocabulary
        self.matrix = _checked(matrix, vocabulary, "matrix")
        self.context = None if context is None else _checked(context, vocabulary, "context")
        if self.context is not None and self.context.shape != self.matrix.shape:
            raise EmbeddingsError(
                f"matrix has the shape {self.matrix.shape} and context {self.context.shape}; expected the same shape"
            )
        self.subwords = subwords
        if subwords is not None and subwords.dimension != self.dimension:
            raise EmbeddingsError(
                f"the vectors of words have {counted(self.dimension, 'dimension')}, those of n-grams "
                f"{subwords.dimension}; expected as many: are they of the same model?"
            )

    @cached_property
    def phrases(self) -> "PhraseTable | None":
        """Phrases that are joined in text; those of a file are parsed when they are first needed."""
        return None if self.phrases_file is None else self.phrases_file.table()

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
        return word in self.vocabulary or self._other_form(word) in self.vocabulary

    def normalized(self, word: str) -> str:
        """Return a word in the Unicode normalization form of the text that the vectors were trained on."""
        return self._other_form(word) or word

    def _other_form(self, word: object) -> str | None:
        """Return the normalization form of a word in the text of training if it is another one."""
        if not isinstance(word, str) or word.isascii() or self.tokenizer_settings.get("normalize") != NFC:
            return None
        form = unicodedata.normalize("NFC", word)
        return None if form == word else form

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return copy(self)  # the arrays are read-only; scikit-learn copies what an estimator is given

    def __repr__(self) -> str:
        return f"{type(self).__name__}({counted(len(self), 'word')}, {counted(self.dimension, 'dimension')})"

    def _repr_html_(self) -> str:
        """Return the size and the first words, as a notebook shows them."""
        words = ", ".join(html.escape(word) for word in self.words[:_SHOWN_WORDS])
        more = ", …" if len(self) > _SHOWN_WORDS else ""
        size = f"{len(self):,} words × {self.dimension} dimensions"
        return f"<div><b>{type(self).__name__}</b>: {size}<br><small>{words}{more}</small></div>"

    def make_tokenizer(self) -> "Tokenizer":
        """Return the tokenizer of the text that the vectors were trained on, or the fast one if it is not recorded.

        It joins the phrases that were joined in that text.

        Returns
        -------
        Tokenizer

        Raises
        ------
        UnknownTokenizerError
            The tokenizer was a function or an object, which has no name to make it by.
        """
        from embeddings.text.phrase_tokenizer import PhraseTokenizer
        from embeddings.text.tokenizer.tokenizers import (  # slow to import: Numba
            UnknownTokenizerError,
            make_tokenizer,
            tokenizer_of,
        )

        try:
            tokenizer = tokenizer_of(self.tokenizer_settings) if self.tokenizer_settings else make_tokenizer()
            return PhraseTokenizer(tokenizer, self.phrases) if self.phrases else tokenizer
        except UnknownTokenizerError as error:
            raise UnknownTokenizerError(
                f"the tokenizer of these vectors has to be given, for it has no name: {error}"
            ) from None
        except (TypeError, ValueError) as error:
            raise EmbeddingsError(f"these vectors record no usable tokenizer ({error}); give one") from error

    def __getitem__(self, words: Word | Sequence[Word] | np.ndarray) -> np.ndarray:
        """Return the vector (d,) of one word, or the vectors (n, d) of several."""
        if isinstance(words, (str, int, np.integer)):
            return self.get_vector(words)
        if isinstance(words, slice):
            raise TypeError(f"got {words}; expected a word, its id, or a list of these; matrix[start:stop] has rows")
        return self._vectors(words, self.places(words))

    @cached_property
    def unit_matrix(self) -> np.ndarray:
        """Rows of E scaled to unit length, (V, d) float32; computed at the first access.

        Zero rows stay zero. An EmbeddingsError names a row that holds NaN or infinity. Quantised rows stay quantised.
        """
        if isinstance(self.matrix, QuantizedMatrix):
            _require_finite(self._all_lengths, range(len(self)), self.vocabulary, "matrix")
            return self.matrix.divided_by(self._all_lengths)
        unit = np.empty(self.matrix.shape, np.float32)
        for start in range(0, len(unit), BLOCK):
            rows = range(start, min(start + BLOCK, len(unit)))
            block = self.matrix[rows.start : rows.stop]
            lengths = _lengths(block)
            _require_finite(lengths, rows, self.vocabulary, "matrix")
            unit[rows.start : rows.stop] = block / lengths[:, None]
        unit.flags.writeable = False
        return unit

    @cached_property
    def _all_lengths(self) -> np.ndarray:
        """Lengths of the rows of E, (V,) float64; 1 for zero rows, by which they can be divided."""
        lengths = np.empty(len(self.matrix))
        for start in range(0, len(lengths), BLOCK):
            lengths[start : start + BLOCK] = _lengths(self.matrix[start : start + BLOCK])
        return lengths

    def _lengths_of(self, ids: Sequence[int] | np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the lengths of rows of E, (n,) float64; 1 for zero rows."""
        lengths = self._all_lengths[ids] if self._is_often_asked(len(ids)) else _lengths(rows)
        if not math.isfinite(lengths.sum()):
            _require_finite(lengths, ids, self.vocabulary, "matrix")
        return lengths

    def _length(self, row: int) -> float:
        """Return the length of one row of E; 1 for a zero row."""
        if self._is_often_asked(1):
            length: float = self._all_lengths.item(row)
        else:
            vector = self.matrix[row].astype(np.float64)
            length = math.sqrt(vector @ vector) or 1.0
        if not length < math.inf:  # NaN is not less either
            _require_finite(np.array([length]), [row], self.vocabulary, "matrix")
        return length

    @cached_property
    def _float32_lengths(self) -> np.ndarray | None:
        """`_all_lengths` as NumPy divides rows by them fastest; None if one of them is not finite."""
        with np.errstate(over="ignore"):
            lengths = self._all_lengths.astype(np.float32)
        return lengths if np.isfinite(lengths).all() else None

    def _is_often_asked(self, rows: int) -> bool:
        """Return whether a pass over all rows is worth its time; the first queries of a mapped file read few rows."""
        if "_all_lengths" in self.__dict__:
            return True
        self._lengths_asked += rows
        return self._lengths_asked * _CALLS_PER_PASS > len(self)

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
        TypeError
            `word` is neither a word nor an id.
        """
        if isinstance(word, str):
            if not word.isascii() and (form := self._other_form(word)) in self.vocabulary:
                word = str(form)
            return self.vocabulary.id(word)
        if not isinstance(word, (int, np.integer)) or isinstance(word, bool):
            raise TypeError(f"got {described(word)}; expected a word or its id")
        if not 0 <= word < len(self):
            raise IndexError(f"word id {word} is not a row; expected 0 to {len(self) - 1}")
        return int(word)

    def ids(self, words: Sequence[Word] | np.ndarray) -> np.ndarray:
        """Return the rows of several words, (n,) int64; raise as `id`, and a TypeError for a str instead of a list."""
        require_list(words)
        if isinstance(words, np.ndarray) and words.ndim != 1:
            raise TypeError(f"got an array of shape {words.shape}; expected a list of words or ids")
        if isinstance(words, np.ndarray) and words.dtype.kind in "iu" and words.size:
            for row in (words.min(), words.max()):
                self.id(row)
            return words.astype(np.int64)
        try:
            found = np.array(self.vocabulary.find(words, _UNKNOWN), np.int64)  # type: ignore[arg-type]
        except TypeError:  # not hashable
            found = np.array([_UNKNOWN])
        if _UNKNOWN in found:  # an id, an unknown word, or no word at all
            found = np.fromiter((self.id(word) for word in words), np.int64, len(words))
        return found

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
            With `subwords`, the mean of the n-grams of a word that is not in the vocabulary.

        Raises
        ------
        KeyError, IndexError
            As `id`.
        """
        vector: np.ndarray
        if norm is False and type(word) is str and word.isascii():  # most calls: as little Python as possible
            known = self.vocabulary.known_ids.get(word)
            if known is not None:
                vector = self.matrix[known]
                return vector
        require_flags(norm=norm)
        if not self.is_seen(word):
            return self._unseen_vector(str(word), norm)
        row = self.id(word)
        vector = self.matrix[row]
        if not norm:
            return vector
        if self._is_often_asked(1) and self._float32_lengths is not None:
            return vector / self._float32_lengths[row]
        return vector / self._length(row)

    def _unseen_vector(self, word: str, norm: bool) -> np.ndarray:
        """Return the vector of a word by its n-grams, (d,) float32; raise as `id` if it has none."""
        if self.subwords is not None:
            vectors, known = self.subwords.look_up([self.normalized(word)])
            if known[0]:
                vector: np.ndarray = vectors[0]
                if norm:
                    vector /= _lengths(vectors)[0]
                vector.flags.writeable = False
                return vector
        raise self.vocabulary.unknown_word(word)

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
            As `places`.
        EmbeddingsError
            A row holds NaN or infinity.
        """
        ids = self.places(words)
        rows = self._vectors(words, ids)
        lengths = self._lengths_of(ids, rows) if ids.min(initial=0) >= 0 else _lengths(rows)
        unit: np.ndarray = (rows / lengths[:, None]).astype(np.float32)
        return unit

    def is_seen(self, word: Word) -> bool:
        """Return whether a word is looked up in E: every id and word but those that only n-grams can know."""
        return self.subwords is None or not isinstance(word, str) or word in self

    def has_vector(self, word: str) -> bool:
        """Return whether a word is in the vocabulary, or n-grams give it a vector."""
        if word in self or self.subwords is None or not isinstance(word, str):
            return word in self
        return bool(self.subwords.know([self.normalized(word)])[0])

    def places(self, words: Sequence[Word] | np.ndarray) -> np.ndarray:
        """Return the rows of several words, (n,) int64; -1 for words that have a vector by their n-grams only.

        Parameters
        ----------
        words : sequence of str or int

        Returns
        -------
        (n,) int64

        Raises
        ------
        KeyError
            A word is not in the vocabulary, and n-grams give it no vector.
        IndexError
            A number is not a row.
        TypeError
            `words` is a str.
        """
        require_list(words)
        if self.subwords is None or (isinstance(words, np.ndarray) and words.dtype.kind in "iu"):
            return self.ids(words)
        by_ngrams = set(self._known_by_ngrams(words))
        found = (_UNKNOWN if place in by_ngrams else self.id(word) for place, word in enumerate(words))
        return np.fromiter(found, np.int64, len(words))

    def _known_by_ngrams(self, terms: Sequence[WordOrVector] | np.ndarray) -> list[int]:
        """Return the places of words that have a vector by their n-grams only."""
        if self.subwords is None:
            return []
        words = {place: term for place, term in enumerate(terms) if isinstance(term, str) and term not in self}
        unseen = {place: self.normalized(word) for place, word in words.items()}
        known = self.subwords.know(list(unseen.values()))
        return [place for place, is_known in zip(unseen, known, strict=True) if is_known]

    def _vectors(self, words: Sequence[Word] | np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return the vectors of words whose rows are known, -1 for those by n-grams, (n, d) float32."""
        vectors: np.ndarray = self.matrix[places]
        unseen = np.flatnonzero(places < 0).tolist()
        if self.subwords is not None and unseen:
            vectors[unseen] = self.subwords.vectors([self.normalized(str(words[place])) for place in unseen])
        return vectors

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
            There are no words, the number of weights differs, one of them is not finite, or a vector has another
            dimension.
        KeyError
            A word is unknown, with ``ignore_missing=False``.
        TypeError
            `words` is a str.
        """
        require_words(words)
        require_flags(pre_normalize=pre_normalize, post_normalize=post_normalize, ignore_missing=ignore_missing)
        if not isinstance(words, (list, tuple, np.ndarray)):
            words = list(words)
        if len(words) == 0:
            raise ValueError("got no words; expected at least one word or vector")
        factors = None if weights is None else _numbers("weights", weights)
        if factors is not None and factors.shape != (len(words),):
            raise ValueError(f"got {len(words)} words and weights of shape {factors.shape}; expected one weight a word")
        if factors is not None and not np.isfinite(factors).all():
            raise ValueError("a weight is NaN or infinite; expected finite numbers")
        words = self._terms(words, unit=pre_normalize)
        ids = self._ids_of_terms(words, ignore_missing=ignore_missing)
        if factors is None and len(ids) == 1 and ids[0] >= 0:
            mean = self.matrix[ids[0]].astype(np.float64)
            if pre_normalize:
                mean /= self._length(ids[0])
        else:
            mean = self._weighted_mean(words, ids, np.ones(len(ids)) if factors is None else factors, pre_normalize)
        return _unit(mean) if post_normalize else mean.astype(np.float32)

    def _weighted_mean(
        self, words: Sequence[WordOrVector], ids: list[int], factors: np.ndarray, pre_normalize: bool
    ) -> np.ndarray:
        """Return Σ wᵢ vᵢ / Σ |wᵢ| over the words that are not skipped, (d,) float64; zeros if they cancel out."""
        total = float(np.abs(factors).sum())
        mean, largest = np.zeros(self.dimension), 0.0
        may_cancel = _VECTOR in ids or bool((factors < 0).any())
        if _UNKNOWN in ids or _VECTOR in ids:
            for place, row in enumerate(ids):
                if row == _VECTOR:
                    term = factors[place] * self._check_vector(words[place])  # type: ignore[arg-type]
                    mean, largest = mean + term, max(largest, float(np.abs(term).max()))
                elif row == _UNKNOWN:
                    total -= abs(factors[place])
            known = np.array(ids) >= 0
            ids, factors = [row for row in ids if row >= 0], factors[known]
        if ids:
            rows = self.matrix.take(ids, axis=0)
            scales = factors / self._lengths_of(ids, rows) if pre_normalize else factors
            mean += scales @ rows
            if may_cancel:
                largest = max(largest, float(np.abs(scales[:, None] * rows).max()))
        if may_cancel and float(np.abs(mean).max()) <= _NOISE * largest:
            return np.zeros(self.dimension)  # whose neighbours are those of rounding errors
        return mean / total if total > 0 else mean

    def _terms(self, terms: Sequence[WordOrVector], *, unit: bool) -> Sequence[WordOrVector]:
        """Return the terms with vectors in the place of words that have one by their n-grams only."""
        if self.subwords is None:
            return terms
        replaced = list(terms)
        for place in self._known_by_ngrams(terms):
            replaced[place] = self.get_vector(str(terms[place]), norm=unit)
        return replaced

    def _ids_of_terms(self, terms: Sequence[WordOrVector], *, ignore_missing: bool) -> list[int]:
        """Return the rows of words and ids; `_VECTOR` for vectors, `_UNKNOWN` for words to be skipped."""
        try:
            ids = self.vocabulary.find(terms, missing=_UNKNOWN)  # type: ignore[arg-type]
        except TypeError:  # a vector is not hashable
            ids = [_UNKNOWN]
        if _UNKNOWN in ids:  # not a word of the vocabulary
            ids = [self._id_of_term(term, ignore_missing) for term in terms]
        return ids

    def _id_of_term(self, term: WordOrVector, ignore_missing: bool) -> int:
        if isinstance(term, np.ndarray):
            return _VECTOR
        if ignore_missing and isinstance(term, str) and term not in self:
            return _UNKNOWN
        return self.id(term)

    def _check_vector(self, vector: np.ndarray) -> np.ndarray:
        if vector.dtype.kind in "cmMOSU" or np.ma.is_masked(vector):  # complex numbers, times, objects and text
            what = "masked numbers" if np.ma.is_masked(vector) else vector.dtype
            raise TypeError(f"got a vector of {what}; expected ({self.dimension},) of finite numbers")
        if vector.shape != (self.dimension,) or not np.isfinite(vector).all():
            raise ValueError(f"got a vector of shape {vector.shape}; expected ({self.dimension},) of finite numbers")
        return vector


def require_vectors(vectors: Any) -> None:
    """Raise a TypeError for what are no word vectors, such as their path."""
    inside = "; these are vectors.word_vectors" if hasattr(vectors, "word_vectors") else ""  # KeyedVectors
    require_kind("vectors", vectors, EmbeddingMatrix, f"WordVectors, as vecmill.load(path) returns them{inside}")


def _numbers(name: str, values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return values as an array of float64; raise a TypeError for what is no numbers."""
    try:
        found = np.asarray(values)
        if found.dtype.kind in "biufO":  # no times, no complex numbers
            return found.astype(np.float64)
    except (TypeError, ValueError):
        pass
    raise TypeError(f"{name} is {described(values)}; expected numbers")


def _checked(matrix: np.ndarray, vocabulary: Vocabulary, name: str) -> np.ndarray:
    """Return a read-only float32 view of `matrix`; raise an EmbeddingsError if it is not a finite (V, d) array."""
    require_kind(name, matrix, (np.ndarray, QuantizedMatrix), "an array of shape (V, d): np.array(rows)")
    if np.ma.is_masked(matrix):
        raise EmbeddingsError(f"{name} has masked numbers; expected all of them: give matrix.filled(0)")
    if matrix.ndim != 2 or matrix.shape[1] == 0 or matrix.dtype.kind not in "fiu":
        raise EmbeddingsError(
            f"{name} has the shape {matrix.shape} and the type {matrix.dtype}; expected numbers of shape (V, d)"
        )
    if len(matrix) != len(vocabulary):
        raise EmbeddingsError(
            f"{name} has {counted(len(matrix), 'row')} for {counted(len(vocabulary), 'word')}; "
            "expected one row per word: are the vectors and the vocabulary of the same model?"
        )
    if isinstance(matrix, QuantizedMatrix):
        return matrix
    with np.errstate(over="ignore"):  # infinity is refused below
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


def _lengths(rows: np.ndarray) -> np.ndarray:
    """Return the lengths of rows as float64 (squares may overflow float32); 1 for zero rows."""
    rows = rows.astype(np.float64)
    lengths: np.ndarray = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    lengths[lengths == 0] = 1.0
    return lengths


def _unit(vector: np.ndarray) -> np.ndarray:
    """Scale a float64 vector to unit length, float32; a zero vector stays zero."""
    length = math.sqrt(vector @ vector)
    return (vector / length if length else vector).astype(np.float32)
