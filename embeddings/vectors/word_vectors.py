"""Word vectors and their queries.

Names and argument order are those of gensim's ``KeyedVectors`` where it has the same query.
"""

import logging
import os
from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.setting_types import require_flags, require_type
from embeddings.vectors.embedding_matrix import EmbeddingMatrix, Word, WordOrVector
from embeddings.vectors.model_directory import (
    StoredVectors,
    fill_model_directory,
    read_metrics,
    read_model_directory,
    read_phrases_file,
    read_tokenizer_settings,
    read_training_settings,
)
from embeddings.vectors.neighbors import nearest
from vecmill.arguments import (
    described,
    is_one_of,
    quoted,
    require_kind,
    require_list,
    require_path,
    require_place,
    require_words,
)
from vecmill.files import atomic_directory, writing

if TYPE_CHECKING:
    import pandas as pd
    from spacy.language import Language

logger = logging.getLogger(__name__)

Weighted: TypeAlias = WordOrVector | tuple[WordOrVector, float]
Terms: TypeAlias = Weighted | Sequence[Weighted] | None

_SMALLEST, _LARGEST = 1e-25, 1e25  # between them float32 holds the product of two rows
COSMUL_EPSILON = 1e-6  # keeps the quotient of 3CosMul finite; gensim's value


class WordVectors(EmbeddingMatrix):
    """Embedding matrix E with its vocabulary and queries.

    Similarity is the cosine everywhere. Every method that takes a word also takes its id. A word that is not in the
    vocabulary has the vector of its n-grams if there are `subwords`, and else raises a `KeyError` that suggests the
    closest spellings. See `EmbeddingMatrix` for the parameters.

    Examples
    --------
    >>> from embeddings.text.vocabulary import Vocabulary
    >>> vocabulary = Vocabulary.from_words(["king", "queen", "man", "woman"])
    >>> vectors = WordVectors(vocabulary, np.float32([[1, 1, 0], [1, 0, 1], [0, 1, 0], [0, 0, 1]]))
    >>> [word for word, _ in vectors.most_similar(["king", "woman"], ["man"], topn=1)]
    ['queen']
    >>> vectors = WordVectors.load("runs/wiki/model")  # doctest: +SKIP
    """

    @staticmethod
    def load(directory: str | os.PathLike[str]) -> "WordVectors":
        """Open a model directory, as training and `save` write it; `embeddings.formats.read` reads other formats.

        The arrays are memory-mapped: opening reads neither ``vectors.npy`` nor ``context.npy``.

        Parameters
        ----------
        directory : path

        Returns
        -------
        WordVectors

        Raises
        ------
        EmbeddingsError
            There is no model directory, or one of its files is missing or damaged.
        """
        require_path("directory", directory)
        stored = read_model_directory(directory)
        vectors = WordVectors(stored.vocabulary, stored.matrix, stored.context, stored.subwords)
        vectors.nodes, vectors.training_settings = stored.nodes, read_training_settings(directory)
        vectors.tokenizer_settings, vectors.metrics = read_tokenizer_settings(directory), read_metrics(directory)
        vectors.phrases_file = read_phrases_file(directory)
        return vectors

    def save(self, directory: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write a model directory: ``vectors.npy``, ``vocabulary.tsv``, and files of context and n-grams if there are.

        If they are known, ``config.json`` records the settings of the tokenizer and of the training; ``phrases.tsv``
        holds the phrases.

        The write is atomic: a temporary directory is renamed when it is complete.

        Parameters
        ----------
        directory : path
        overwrite : bool
            Replace an existing directory with all its content.

        Raises
        ------
        OutputError
            `directory` exists and is not empty (without `overwrite`), or cannot be written.
        """
        require_place("directory", directory)
        require_flags(overwrite=overwrite)
        with atomic_directory(directory, replace=overwrite) as new, writing(directory):
            self.fill(new)

    def fill(self, directory: Path) -> None:
        """Write the files of `save` into a directory.

        Parameters
        ----------
        directory : Path
            Is there, and has none of them.

        Raises
        ------
        OSError
            A file cannot be written.
        """
        stored = StoredVectors(self.vocabulary, self.matrix, self.context, self.subwords, self.nodes)
        tokenizer, training = self.tokenizer_settings, self.training_settings
        fill_model_directory(directory, stored, tokenizer, self.phrases, training=training)

    def to_spacy(self, lang: str = "xx") -> "Language":
        """Return a spaCy pipeline without components whose tokens have these vectors.

        With floret's n-grams every token has a vector, and the words are not needed. If the training text was converted
        to lower case, so are tokens when they are looked up; ``vecmill export --format spacy`` writes that too, while
        spaCy's ``pipeline.to_disk`` forgets it.

        Parameters
        ----------
        lang : str
            Language of spaCy's tokenizer: ``"en"``, ``"de"``, or ``"xx"`` for any.

        Returns
        -------
        spacy.language.Language

        Raises
        ------
        EmbeddingsError
            spaCy has no such language, or needs another package for it.
        MissingExtraError
            spaCy is not installed.
        """
        from embeddings.vectors.spacy_pipeline import spacy_pipeline

        require_type("lang", lang, str)
        return spacy_pipeline(self, lang)

    def similarity(self, w1: Word, w2: Word) -> float:
        """Return the cosine of two words, from -1 to 1."""
        if not (self.is_seen(w1) and self.is_seen(w2)):
            first, second = self.unit_vectors([w1, w2])
            return _in_range(float(first @ second))
        row1, row2 = self.id(w1), self.id(w2)
        lengths = self._length(row1) * self._length(row2)
        if _SMALLEST < lengths < _LARGEST:
            return _in_range(float(self.matrix[row1] @ self.matrix[row2]) / lengths)
        first, second = self.unit_vectors([row1, row2])
        return _in_range(float(first @ second))

    def distance(self, w1: Word, w2: Word) -> float:
        """Return 1 − similarity, from 0 to 2."""
        return 1 - self.similarity(w1, w2)

    def distances(self, word_or_vector: WordOrVector, other_words: Sequence[Word] = ()) -> np.ndarray:
        """Return 1 − cosine to each of `other_words`, by default to all words in row order: (n,) float32."""
        require_list(other_words)
        query = self.mean_vector([word_or_vector], post_normalize=True, ignore_missing=False)
        others = self.unit_vectors(other_words) if len(other_words) else self.unit_matrix
        distances: np.ndarray = 1 - np.clip(others @ query, -1, 1)
        return distances

    def n_similarity(self, ws1: Sequence[Word], ws2: Sequence[Word]) -> float:
        """Return the cosine of the means of two sets of words, from -1 to 1; unknown words are skipped.

        Parameters
        ----------
        ws1, ws2 : sequence of str or int

        Returns
        -------
        float

        Raises
        ------
        ValueError
            A set is empty.
        """
        mean1, mean2 = (self.mean_vector(ws, pre_normalize=False, post_normalize=True) for ws in (ws1, ws2))
        return _in_range(float(mean1 @ mean2))

    def most_similar(
        self,
        positive: Terms = None,
        negative: Terms = None,
        topn: int = 10,
        restrict_vocab: int | None = None,
        *,
        among: Sequence[Word] | np.ndarray | None = None,
    ) -> list[tuple[str, float]]:
        """Find the words whose vectors are closest to a weighted mean of unit vectors.

        Parameters
        ----------
        positive, negative : word, id, vector, or a sequence of these and of (any of these, weight)
            Weights default to 1 and -1. Words enter as unit vectors, vectors unchanged.
        topn : int
            Number of words to return.
        restrict_vocab : int, optional
            Search only the first, most frequent, `restrict_vocab` words.
        among : sequence of str or int, optional
            Search only these words; `restrict_vocab` is then ignored.

        Returns
        -------
        list of (word, cosine)
            Best first, without the words of the query.

        Raises
        ------
        KeyError
            A word is unknown; the message suggests the closest spellings.
        ValueError
            There is neither a positive nor a negative word.
        """
        query, given = self._query(positive, negative)
        candidates, topn = self._candidates(topn, restrict_vocab)
        rows = None if among is None else np.setdiff1d(self.ids(among), given)
        if topn < 1 or (rows is not None and not len(rows)):
            return []
        if rows is not None:
            ids, similarities = nearest(self.unit_vectors(rows), query[None], topn)
            return self._named(rows[ids[0]], similarities[0])
        ids, similarities = nearest(candidates, query[None], topn, given[None])
        return self._named(ids[0], similarities[0])

    def most_similar_batch(
        self,
        positive: Sequence[Terms],
        negative: Sequence[Terms] | None = None,
        topn: int = 10,
        restrict_vocab: int | None = None,
    ) -> list[list[tuple[str, float]]]:
        """Answer many queries of `most_similar` in one call, which reads E once for all of them.

        Parameters
        ----------
        positive : sequence
            One entry a query, each of them what `most_similar` takes: a list of words is a query a word, a list of
            lists one a list.
        negative : sequence, optional
            As many entries; None where a query has no negative words.
        topn : int
            Number of words for each query.
        restrict_vocab : int, optional
            Search only the first, most frequent, `restrict_vocab` words.

        Returns
        -------
        list of list of (word, cosine)
            The answers of the queries, in their order.

        Raises
        ------
        KeyError
            A word is unknown; the message suggests the closest spellings.
        ValueError
            A query is empty, or there is not one entry of `negative` for each of `positive`.

        Examples
        --------
        >>> from embeddings.text.vocabulary import Vocabulary
        >>> vocabulary = Vocabulary.from_words(["king", "queen", "man", "woman"])
        >>> vectors = WordVectors(vocabulary, np.float32([[1, 1, 0], [1, 0, 1], [0, 1, 0], [0, 0, 1]]))
        >>> [found[0][0] for found in vectors.most_similar_batch(["man", ["king", "woman"]], [None, ["man"]], topn=1)]
        ['king', 'queen']
        """
        require_list(positive)
        if negative is not None:
            require_list(negative)
        positives = list(positive)
        negatives = [None] * len(positives) if negative is None else list(negative)
        if len(negatives) != len(positives):
            raise ValueError(
                f"there are {len(negatives):,} negative entries for {len(positives):,} queries; expected one for each, "
                "None for none"
            )
        queries = [self._query(*terms) for terms in zip(positives, negatives, strict=True)]
        candidates, topn = self._candidates(topn, restrict_vocab)
        if topn < 1 or not queries:
            return [[] for _ in queries]
        excluded = np.full((len(queries), max(len(given) for _, given in queries)), -1, np.int64)
        for place, (_, given) in enumerate(queries):
            excluded[place, : len(given)] = given
        found = nearest(candidates, np.stack([query for query, _ in queries]), topn, excluded)
        return [self._named(ids, similarities) for ids, similarities in zip(*found, strict=True)]

    def _query(self, positive: Terms, negative: Terms) -> tuple[np.ndarray, np.ndarray]:
        """Return the unit vector of a query, (d,) float32, and the rows of its words."""
        weighted = [with_weight(term, 1.0) for term in as_terms(positive)]
        weighted += [with_weight(term, -1.0) for term in as_terms(negative)]
        words, weights = self._terms([word for word, _ in weighted], unit=True), [weight for _, weight in weighted]
        return self.mean_vector(words, weights, post_normalize=True, ignore_missing=False), self._rows(words)

    def most_likely_word(
        self, context: Sequence[Word], topn: int = 10, *, mean: bool = True
    ) -> list[tuple[str, float]]:
        """Predict the word between the words of a context: P(w) ∝ exp(C_w · h), h their mean.

        The softmax over all words, which negative sampling approximates (Mikolov et al. 2013, equation 2); with CBOW,
        h is what the model was trained with.

        Parameters
        ----------
        context : sequence of str or int
        topn : int
            Number of words to return.
        mean : bool
            h is the mean of the words' vectors; False takes their sum.

        Returns
        -------
        list of (word, probability)
            Best first.

        Raises
        ------
        EmbeddingsError
            These vectors have no context matrix.
        KeyError
            A word is unknown.
        ValueError
            The context is empty.
        """
        if self.context is None:
            raise EmbeddingsError("these vectors have no context matrix; predict with the directory of a trained model")
        require_list(context)
        topn = require_type("topn", topn, int)
        require_flags(mean=mean)
        hidden = self.mean_vector(context, pre_normalize=False, ignore_missing=False)
        scores = (self.context @ (hidden if mean else hidden * len(context))).astype(np.float64)
        probabilities = np.exp(scores - scores.max())
        probabilities /= probabilities.sum()
        best = np.lexsort((np.arange(len(scores)), -probabilities))[: max(topn, 0)]
        return self._named(best, probabilities[best])

    def most_similar_cosmul(
        self, positive: Terms = None, negative: Terms = None, topn: int = 10, restrict_vocab: int | None = None
    ) -> list[tuple[str, float]]:
        """Find the words w with the largest Π cos'(w, positive) / (Π cos'(w, negative) + ε), cos' = (1 + cos) / 2.

        3CosMul: equation 4 of Levy & Goldberg (2014), "Linguistic Regularities in Sparse and Explicit Word
        Representations". Parameters, result and errors are those of `most_similar`, but there are no weights, and at
        least one positive word is required.
        """
        ups, downs = (self._terms(as_terms(terms), unit=True) for terms in (positive, negative))
        if not ups:
            raise ValueError("got no positive words; expected at least one")
        candidates, topn = self._candidates(topn, restrict_vocab)
        scores = np.ones(len(candidates), np.float32)
        for term in ups:
            scores *= self._cosines(candidates, term) / 2 + 0.5
        below = np.ones(len(candidates), np.float32)
        for term in downs:
            below *= self._cosines(candidates, term) / 2 + 0.5
        scores /= below + np.float32(COSMUL_EPSILON)
        given = self._rows([*ups, *downs])
        scores[given[given < len(scores)]] = -np.inf
        k = min(max(topn, 0), len(scores))
        best = np.argpartition(scores, len(scores) - k)[len(scores) - k :] if k else np.empty(0, np.int64)
        best = best[np.lexsort((best, -scores[best]))]
        return self._named(best, scores[best])

    def analogy(
        self, a: Word, b: Word, c: Word, topn: int = 10, method: str = "3CosAdd", restrict_vocab: int | None = None
    ) -> list[tuple[str, float]]:
        """Answer "a is to b as c is to ?".

        Parameters
        ----------
        a, b, c : str or int
            ``analogy("man", "king", "woman")`` asks for "queen".
        topn : int
            Number of answers.
        method : {"3CosAdd", "3CosMul"}
            ``most_similar([b, c], [a])`` or ``most_similar_cosmul([b, c], [a])``.
        restrict_vocab : int, optional
            Search only the first, most frequent, `restrict_vocab` words.

        Returns
        -------
        list of (word, score)
            Best first.

        Raises
        ------
        KeyError
            A word is unknown.
        ValueError
            The method is unknown.
        """
        queries = {"3CosAdd": self.most_similar, "3CosMul": self.most_similar_cosmul}
        if not is_one_of(method, queries):
            raise ValueError(f"method is {quoted(method)}; expected one of {', '.join(queries)}")
        return queries[method]([b, c], [a], topn, restrict_vocab)

    def similar_by_word(self, word: Word, topn: int = 10, restrict_vocab: int | None = None) -> list[tuple[str, float]]:
        """Find the neighbours of one word: ``most_similar([word])``."""
        return self.most_similar([word], None, topn, restrict_vocab)

    def similar_by_vector(
        self, vector: np.ndarray, topn: int = 10, restrict_vocab: int | None = None
    ) -> list[tuple[str, float]]:
        """Find the words closest to a vector (d,): ``most_similar([vector])``."""
        return self.most_similar([vector], None, topn, restrict_vocab)

    def neighbors(
        self, words: Sequence[Word], topn: int = 10, restrict_vocab: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the neighbours of many words with one blocked matrix product.

        Parameters
        ----------
        words : sequence of str or int
            n words or ids.
        topn : int
            Neighbours per word, at least 1.
        restrict_vocab : int, optional
            Search only the first, most frequent, `restrict_vocab` words.

        Returns
        -------
        ids : (n, k) int32
            Rows of the neighbours, best first, without the word itself; k is `topn`, or fewer in a small vocabulary.
        similarities : (n, k) float32
            Cosines.
        """
        candidates, topn = self._candidates(topn, restrict_vocab)
        rows = self.places(words)
        units = self.unit_matrix[rows] if rows.min(initial=0) >= 0 else self.unit_vectors(words)
        ids, similarities = nearest(candidates, units, topn, rows[:, None])
        k = min(topn, len(candidates) - 1)
        return ids[:, :k], similarities[:, :k]

    def neighbors_frame(
        self, words: Sequence[Word], topn: int = 10, restrict_vocab: int | None = None
    ) -> "pd.DataFrame":
        """Return `neighbors` as a table: columns word, rank (from 1), neighbor, similarity; one row per neighbour."""
        import pandas as pd  # imported here: it takes half a second, which other methods do not need

        ids, similarities = self.neighbors(words, topn, restrict_vocab)
        n, k = ids.shape
        return pd.DataFrame(
            {
                "word": np.repeat([word if isinstance(word, str) else self.words[int(word)] for word in words], k),
                "rank": np.tile(np.arange(1, k + 1), n),
                "neighbor": [self.words[row] for row in ids.ravel()],
                "similarity": similarities.ravel(),
            }
        )

    def doesnt_match(self, words: Sequence[str]) -> str:
        """Find the word farthest from the mean of all; unknown words are skipped with a warning.

        Parameters
        ----------
        words : sequence of str

        Returns
        -------
        str

        Raises
        ------
        ValueError
            No word is known.
        TypeError
            `words` is a str.
        """
        require_words(words)
        words = list(words)
        for word in words:
            require_kind("a word", word, str, "a str")
        known = [word for word in words if self.has_vector(word)]
        if len(known) < len(words):
            unknown = [word for word in words if not self.has_vector(word)]
            logger.warning("not in the vocabulary, skipped: %s", ", ".join(unknown))
        if not known:
            raise ValueError("got no words of the vocabulary; expected at least one")
        words, units = known, self.unit_vectors(known)
        return words[int(np.argmin(units @ units.mean(axis=0)))]

    def closer_than(self, w1: Word, w2: Word) -> list[str]:
        """Return the words closer to `w1` than `w2` is, in the order of the rows, without `w1`."""
        distances = self.distances(w1)
        closer = distances < (distances[self.id(w2)] if self.is_seen(w2) else self.distance(w1, w2))
        if self.is_seen(w1):
            closer[self.id(w1)] = False
        return [self.words[row] for row in np.flatnonzero(closer).tolist()]

    def rank(self, w1: Word, w2: Word) -> int:
        """Return the rank of `w2` among the neighbours of `w1`; the nearest has rank 1."""
        return len(self.closer_than(w1, w2)) + 1

    def _candidates(self, topn: int, restrict_vocab: int | None) -> tuple[np.ndarray, int]:
        """Return the unit vectors of the words that a query searches, and `topn`; raise for numbers that are none."""
        given = {"topn": topn} if restrict_vocab is None else {"topn": topn, "restrict_vocab": restrict_vocab}
        for name, number in given.items():
            if not isinstance(number, (int, np.integer)) or isinstance(number, bool):
                raise TypeError(f"{name} is {described(number)}; expected a whole number")
        if restrict_vocab is not None and restrict_vocab < 1:
            raise ValueError(f"restrict_vocab is {restrict_vocab}; expected 1 or more")
        return self.unit_matrix[:restrict_vocab], int(topn)

    def _cosines(self, candidates: np.ndarray, term: WordOrVector) -> np.ndarray:
        cosines: np.ndarray = candidates @ self.mean_vector([term], post_normalize=True, ignore_missing=False)
        return cosines

    def _rows(self, terms: Sequence[WordOrVector]) -> np.ndarray:
        """Return the rows of the terms that are words or ids."""
        return self.ids([term for term in terms if not isinstance(term, np.ndarray)])

    def _named(self, ids: np.ndarray, scores: np.ndarray) -> list[tuple[str, float]]:
        """Return words and scores, without the rows excluded from the search."""
        return [(self.words[row], float(score)) for row, score in zip(ids, scores, strict=True) if score > -np.inf]


def _in_range(cosine: float) -> float:
    """Return a cosine without the rounding error that takes it beyond -1 or 1; NaN stays NaN."""
    return max(min(cosine, 1.0), -1.0)


def as_terms(terms: Terms) -> list[Any]:
    """Return one word, id or vector as a list of one; a sequence as a list; a TypeError for anything else."""
    if terms is None:
        return []
    if isinstance(terms, (str, int, np.integer)):
        return [terms]
    if isinstance(terms, np.ndarray) and terms.ndim == 1 and terms.dtype.kind not in "OU":
        return [terms]
    require_words(terms)
    return list(terms)


def with_weight(term: Any, weight: float) -> tuple[Any, float]:
    """Return a term of a query and its weight; a TypeError for a pair that has none."""
    if not isinstance(term, tuple):
        return term, weight
    if len(term) != 2 or not isinstance(term[1], Real):
        raise TypeError(f"got {described(term)}; expected a word, or a pair (word, weight)")
    return term[0], float(term[1])


def made_from(old: WordVectors, new: WordVectors) -> WordVectors:
    """Return new vectors with what is known of the text of old ones: tokenizer, phrases, settings of the training.

    Parameters
    ----------
    old : WordVectors
    new : WordVectors
        Made from them.

    Returns
    -------
    WordVectors
        `new`.
    """
    new.tokenizer_settings, new.training_settings = old.tokenizer_settings, old.training_settings
    new.phrases_file = old.phrases_file
    return new
