"""Transformers of scikit-learn: documents to the means of their word vectors.

>>> from sklearn.linear_model import LogisticRegression  # doctest: +SKIP
>>> from sklearn.pipeline import make_pipeline  # doctest: +SKIP
>>> make_pipeline(WordEmbeddingVectorizer("runs/wiki"), LogisticRegression()).fit(texts, labels)  # doctest: +SKIP
"""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from os import PathLike
from typing import Any, Self

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.setting_types import require_one_of, require_type
from embeddings.text.tokenizer.token_lists import require_documents
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.embedding_matrix import require_vectors
from embeddings.vectors.postprocessing import (
    common_component,
    inverse_frequencies,
    mean_sentence_vectors,
    remove_component,
    scaled_sentence_vectors,
)
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import python_values
from vecmill.document_vectors import document_words
from vecmill.extras import needs
from vecmill.loading import load
from vecmill.text_search import vectors_digest
from vecmill.training import train

with needs("sklearn", "vecmill.sklearn"):
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted

__all__ = ["Word2VecTransformer", "WordEmbeddingVectorizer"]

WEIGHTINGS = ("mean", "sif", "tfidf")


class _DocumentVectorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Documents to weighted means of word vectors; a subclass says where the word vectors come from."""

    weighting: str
    smoothing: float
    tokenizer: Any
    vectors_: WordVectors
    weights_: np.ndarray | None
    component_: np.ndarray | None

    def _word_vectors(self, documents: list[Any]) -> WordVectors:
        raise NotImplementedError

    def fit(self, X: Iterable[Any], y: Any = None) -> Self:
        """Take or train word vectors, and learn the weights of words.

        Parameters
        ----------
        X : iterable of str, or iterable of lists of str
            Documents.
        y : object
            Ignored.

        Returns
        -------
        Self

        Raises
        ------
        VecmillError
            The documents are no text, or the vectors cannot be read or trained.
        ValueError
            The weighting is unknown, or the smoothing is no number above 0.
        """
        require_one_of("weighting", self.weighting, WEIGHTINGS)
        if not 0 < require_type("smoothing", self.smoothing, float) < math.inf:
            raise ValueError(f"smoothing is {self.smoothing}; expected a number above 0")
        require_documents(X)
        documents = list(python_values(X))
        self.vectors_ = self._word_vectors(documents)
        self.weights_ = self._weights(documents)
        self.component_ = None
        if self.weighting == "sif":
            self.component_ = common_component(self._means(documents))
        return self

    def fit_transform(self, X: Iterable[Any], y: Any = None, **fit_params: Any) -> Any:
        """Fit, and return the vectors of the same documents, which may be an iterator.

        Parameters
        ----------
        X : iterable of str, or iterable of lists of str
            Documents.
        y : object
            Ignored.
        **fit_params : Any
            As scikit-learn passes them.

        Returns
        -------
        (n, d) float32
        """
        return super().fit_transform(list(X) if isinstance(X, Iterator) else X, y, **fit_params)

    def transform(self, X: Iterable[Any]) -> np.ndarray:
        """Return the vectors of documents.

        Parameters
        ----------
        X : iterable of str, or iterable of lists of str

        Returns
        -------
        (n, d) float32
            Zeros for a document without a known word.
        """
        check_is_fitted(self, "vectors_")
        means = self._means(X)
        return means if self.component_ is None else remove_component(means, self.component_)

    @property
    def _n_features_out(self) -> int:
        return self.vectors_.dimension

    def _words(self, documents: Iterable[Any]) -> Iterable[list[list[str]]]:
        return document_words(self.vectors_, documents, self.tokenizer)

    def _means(self, documents: Iterable[Any]) -> np.ndarray:
        found = [
            mean_sentence_vectors(self.vectors_, words)
            if self.weights_ is None
            else scaled_sentence_vectors(self.vectors_, words, self.weights_)
            for words in self._words(documents)
        ]
        return np.concatenate(found) if found else np.zeros((0, self.vectors_.dimension), np.float32)

    def _weights(self, documents: Iterable[Any]) -> np.ndarray | None:
        """Return the weight of every word of the vectors, (V,) float64; None for a mean of unit vectors."""
        if self.weighting == "sif":
            if not self.vectors_.vocabulary.counts.any():
                raise EmbeddingsError("these vectors have no counts of words, which sif needs; take weighting='tfidf'")
            return inverse_frequencies(self.vectors_, self.smoothing)
        return self._inverse_document_frequencies(documents) if self.weighting == "tfidf" else None

    def _inverse_document_frequencies(self, documents: Iterable[Any]) -> np.ndarray:
        """Return ln((1 + n) / (1 + documents with the word)) + 1, as scikit-learn has it."""
        seen, total = np.zeros(len(self.vectors_)), 0
        for words in self._words(documents):
            distinct = chain.from_iterable({self.vectors_.normalized(word) for word in set(found)} for found in words)
            ids = self.vectors_.vocabulary.ids(distinct, missing=-1)
            seen += np.bincount(ids[ids >= 0], minlength=len(seen))
            total += len(words)
        return np.log((1 + total) / (1 + seen)) + 1

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for a pickle: word vectors that were trained as arrays, given ones as they were given."""
        state = dict(super().__getstate__())
        vectors = state.pop("vectors_", None)
        given = getattr(self, "vectors", None)
        if vectors is not None and given is None:
            state["arrays"] = vectors.words, vectors.vocabulary.counts, np.array(vectors.matrix)
            state["tokenizer_settings"] = vectors.tokenizer_settings
        elif vectors is not None and isinstance(given, (str, PathLike)):
            state["digest"] = vectors_digest(vectors)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the word vectors again; those of a path must be the ones of `fit`."""
        arrays, settings = state.pop("arrays", None), state.pop("tokenizer_settings", {})
        digest = state.pop("digest", None)
        super().__setstate__(state)
        if arrays is not None:
            words, counts, matrix = arrays
            self.vectors_ = WordVectors(Vocabulary.from_words(words, counts), matrix)
            self.vectors_.tokenizer_settings = settings
        elif "weights_" in state:
            self.vectors_ = self._word_vectors([])
            if digest not in (None, vectors_digest(self.vectors_)):  # weights and later steps were fitted to others
                raise EmbeddingsError(f"{getattr(self, 'vectors', None)} holds other vectors than at fit; fit again")


class WordEmbeddingVectorizer(_DocumentVectorizer):
    """Documents to weighted means of word vectors of a model, or of vectors trained on the documents.

    Parameters
    ----------
    vectors : path or WordVectors, optional
        What `vecmill.load` opens. None trains on the documents of `fit`. A pickle holds the path and a digest of its
        vectors, not the vectors.
    weighting : {"mean", "sif", "tfidf"}
        Mean of unit vectors; smooth inverse frequency (Arora, Liang & Ma 2017), less the direction that the documents
        of `fit` share; or vectors weighted by the words' inverse document frequency in `fit`.
    smoothing : float
        a of smooth inverse frequency.
    tokenizer : str, callable or object with a method ``tokenize``, optional
        Splits documents that are str; by default as the text of the vectors was split.
    dimension : int
        Of training, see `vecmill.train`.
    epochs : int, optional
        Of training, see `vecmill.train`.
    min_count, seed : int
        Of training, see `vecmill.train`.
    threads : int, optional
        Of training; by default all processors.

    Attributes
    ----------
    vectors_ : WordVectors
    weights_ : (V,) float64 or None
        Weight of every word; None for the mean.
    component_ : (d,) float32 or None
        The direction that is removed.
    """

    def __init__(
        self,
        vectors: str | PathLike[str] | WordVectors | None = None,
        *,
        weighting: str = "mean",
        smoothing: float = 1e-3,
        tokenizer: str | Callable[[str], Iterable[str]] | Any = None,
        dimension: int = 100,
        epochs: int | None = None,
        min_count: int = 5,
        seed: int = 1,
        threads: int | None = None,
    ) -> None:
        self.vectors = vectors
        self.weighting = weighting
        self.smoothing = smoothing
        self.tokenizer = tokenizer
        self.dimension = dimension
        self.epochs = epochs
        self.min_count = min_count
        self.seed = seed
        self.threads = threads

    def _word_vectors(self, documents: list[Any]) -> WordVectors:
        if isinstance(self.vectors, (str, PathLike)):
            return load(self.vectors)
        if self.vectors is not None:
            require_vectors(self.vectors)
            return self.vectors
        names = ("tokenizer", "dimension", "epochs", "min_count", "seed", "threads")
        return train(documents, **{name: getattr(self, name) for name in names})


class Word2VecTransformer(_DocumentVectorizer):
    """Documents to weighted means of word vectors that word2vec learns from them.

    Parameters
    ----------
    architecture : {"skip-gram", "cbow"}
    dimension, window, negative : int
        See `vecmill.train`.
    sample : float, optional
        See `vecmill.train`.
    epochs : int, optional
        See `vecmill.train`.
    learning_rate : float, optional
        See `vecmill.train`.
    min_count : int
        See `vecmill.train`.
    weighting : {"mean", "sif", "tfidf"}
        See `WordEmbeddingVectorizer`.
    smoothing : float
        a of smooth inverse frequency.
    tokenizer : str, callable or object with a method ``tokenize``, optional
        Splits documents that are str.
    seed : int
        See `vecmill.train`.
    threads : int, optional
        By default all processors.

    Attributes
    ----------
    vectors_ : WordVectors
    weights_ : (V,) float64 or None
        Weight of every word; None for the mean.
    component_ : (d,) float32 or None
        The direction that is removed.
    """

    def __init__(
        self,
        *,
        architecture: str = "skip-gram",
        dimension: int = 100,
        window: int = 5,
        negative: int = 5,
        sample: float | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        min_count: int = 5,
        weighting: str = "mean",
        smoothing: float = 1e-3,
        tokenizer: str | Callable[[str], Iterable[str]] | Any = None,
        seed: int = 1,
        threads: int | None = None,
    ) -> None:
        self.architecture = architecture
        self.dimension = dimension
        self.window = window
        self.negative = negative
        self.sample = sample
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.min_count = min_count
        self.weighting = weighting
        self.smoothing = smoothing
        self.tokenizer = tokenizer
        self.seed = seed
        self.threads = threads

    def _word_vectors(self, documents: list[Any]) -> WordVectors:
        settings = self.get_params(deep=False)
        return train(documents, **{name: settings[name] for name in settings.keys() - {"weighting", "smoothing"}})
