"""`FastText` with the parameters and methods of ``gensim.models.fasttext``, and models of fastText itself."""

import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from embeddings.formats.decoding import make_decoding
from embeddings.formats.fasttext_binary import (
    CBOW,
    HIERARCHICAL_SOFTMAX,
    NEGATIVE_SAMPLING,
    SKIP_GRAM,
    FastTextModel,
    Settings,
    read_model,
    write_model,
)
from embeddings.text.character_ngrams import CharacterNgrams
from embeddings.vectors.subwords import SubwordVectors
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec import Word2VecConfig
from vecmill.arguments import require_place
from vecmill.files import atomic_file
from vecmill.gensim.callbacks import CallbackAny2Vec
from vecmill.gensim.conventions import lock_of_each, with_locks
from vecmill.gensim.keyedvectors import REAL, KeyedVectors, random_rows
from vecmill.gensim.missing import require_there
from vecmill.gensim.numbers import whole
from vecmill.gensim.sentences import MAX_WORDS_IN_BATCH
from vecmill.gensim.trimming import TrimRule
from vecmill.gensim.word2vec import Word2Vec

logger = logging.getLogger("gensim.models.fasttext")

_OWN_ROWS = "vectors_vocab"
_DRAWS_OF_NGRAMS = 7  # added to the seed, so that n-grams do not begin as words do


class FastTextKeyedVectors(KeyedVectors):
    """Words, character n-grams and their vectors: a word that is not among the keys has the mean of its n-grams.

    Parameters
    ----------
    vector_size : int
    min_n, max_n : int
        Characters of the shortest and the longest n-gram; ``max_n=0``: none.
    bucket : int
        Number of hash values of the n-grams; 0: none.
    count : int
        Room for so many vectors.
    dtype : dtype
        Of `vectors`.

    Attributes
    ----------
    vectors : (n, d) array
        Means of the own row of each key and the rows of its n-grams.
    vectors_vocab : (n, d) float32
        The own rows.
    vectors_vocab_lockf, vectors_ngrams_lockf : (1,) or (n,) float32
        Share of its change that a row keeps in training.
    """

    compatible_hash = True

    def __init__(
        self,
        vector_size: int,
        min_n: int = 3,
        max_n: int = 6,
        bucket: int = 2_000_000,
        count: int = 0,
        dtype: Any = REAL,
    ) -> None:
        super().__init__(vector_size, count, dtype)
        self.min_n, self.max_n = whole("min_n", min_n, 0), whole("max_n", max_n, 0)
        self.bucket = whole("bucket", bucket, 0)
        self.vectors_vocab_lockf, self.vectors_ngrams_lockf = np.ones(1, REAL), np.ones(1, REAL)
        self.forget_vectors()

    @property
    def ngrams(self) -> CharacterNgrams | None:
        """The n-grams and their hashing; None without any."""
        shortest = max(1, self.min_n)
        if not self.bucket or self.max_n < shortest:
            return None
        return CharacterNgrams(min_length=shortest, max_length=self.max_n, buckets=self.bucket)

    @property
    def subwords(self) -> SubwordVectors | None:
        """The vectors of those n-grams that have one."""
        return self._subwords

    @subwords.setter
    def subwords(self, subwords: SubwordVectors | None) -> None:
        self._subwords = subwords
        self._word_vectors = None

    @property
    def vectors_ngrams(self) -> np.ndarray:
        """A copy of the vectors of all buckets, (bucket, d) float32; zeros for n-grams that no word has."""
        if self.subwords is None:
            return np.zeros((self.bucket, self.vector_size), REAL)
        return next(self.subwords.blocks(self.bucket))

    @vectors_ngrams.setter
    def vectors_ngrams(self, matrix: np.ndarray) -> None:
        if self.ngrams is None:
            raise ValueError("these vectors have no n-grams; make them with max_n=6 and bucket=2000000")
        buckets = np.flatnonzero(np.asarray(matrix).any(axis=1)).astype(np.int32)
        self.subwords = SubwordVectors(self.ngrams, buckets, np.asarray(matrix, REAL)[buckets])

    def forget_vectors(self) -> None:
        """Take all vectors from the keys and n-grams."""
        super().forget_vectors()
        self.vectors_vocab = np.empty((0, self.vector_size), REAL)
        ngrams = self.ngrams
        nothing = np.empty(0, np.int32), np.empty((0, self.vector_size), REAL)
        self.subwords = None if ngrams is None else SubwordVectors(ngrams, *nothing)

    def resize_vectors(self, seed: int = 0) -> None:
        """Give every key an own row, and every n-gram of the keys a vector: small random ones where there is none."""
        missing = len(self) - len(self.vectors_vocab)
        rows = random_rows(missing, self.vector_size, seed)
        self.vectors_vocab = np.concatenate([self.vectors_vocab, rows])
        if self.subwords is not None:
            before, ngrams = self.subwords, self.subwords.ngrams
            buckets = np.union1d(before.buckets, ngrams.table(self.index_to_key).buckets).astype(np.int32)
            matrix = random_rows(len(buckets), self.vector_size, seed + _DRAWS_OF_NGRAMS)
            matrix[np.searchsorted(buckets, before.buckets)] = before.matrix
            self.subwords = SubwordVectors(ngrams, buckets, matrix)
        self.adjust_vectors()

    def adjust_vectors(self) -> None:
        """Compute `vectors` again from the own rows and those of the n-grams."""
        own = self.vectors_vocab
        self.vectors = own.copy() if self.subwords is None else self.subwords.word_vectors(own, self.index_to_key)

    def take_rows(self, own: np.ndarray, subwords: SubwordVectors | None) -> None:
        """Take over trained rows, as far as they are not locked.

        Parameters
        ----------
        own : (n, d) float32
        subwords : SubwordVectors or None
            Some of the n-grams; the others stay as they are.
        """
        self.vectors_vocab = with_locks(self.vectors_vocab, own, self.vectors_vocab_lockf)
        if subwords is not None and self.subwords is not None:
            matrix = np.array(self.subwords.matrix)
            places = np.searchsorted(self.subwords.buckets, subwords.buckets)
            locks = lock_of_each(self.vectors_ngrams_lockf, self.bucket)[subwords.buckets]
            matrix[places] = with_locks(matrix[places], subwords.matrix, locks)
            self.subwords = SubwordVectors(subwords.ngrams, self.subwords.buckets, matrix)
        self.adjust_vectors()

    # ----------------------------------------------------------------------------------------------------- look-up

    def __contains__(self, key: object) -> bool:
        """Return whether a key has a vector: with n-grams every key has one."""
        return self.subwords is not None or super().__contains__(key)

    def get_vector(self, key: Any, norm: bool = False) -> np.ndarray:
        """Return the vector of a key, (d,), read-only; zeros for an unknown one without any n-gram."""
        if self.subwords is None or key in self.key_to_index or not isinstance(key, str):
            return super().get_vector(key, norm)
        vector = self.subwords.vector(key)
        vector = vector / (np.linalg.norm(vector) or 1) if norm else vector
        vector.flags.writeable = False
        return vector

    def get_sentence_vector(self, sentence: Sequence[str]) -> np.ndarray:
        """Return the mean of the unit vectors of words, (d,) float32."""
        return self.get_mean_vector(sentence)

    def similarity(self, w1: Any, w2: Any) -> float:
        """Return the cosine of two keys."""
        return self.word_vectors.similarity(w1, w2)

    # ------------------------------------------------------------------------------------------------------- files

    def attributes(self) -> dict[str, np.ndarray]:
        """Return what `save` writes beside vectors and counts."""
        own = {_OWN_ROWS: self.vectors_vocab} if len(self.vectors_vocab) == len(self) else {}
        locks = {"vectors_vocab_lockf": self.vectors_vocab_lockf, "vectors_ngrams_lockf": self.vectors_ngrams_lockf}
        return {**super().attributes(), **own, **locks}

    def set_attributes(self, attributes: dict[str, np.ndarray]) -> None:
        """Set what `save` has written beside vectors and counts."""
        attributes = dict(attributes)
        for name in (_OWN_ROWS, "vectors_vocab_lockf", "vectors_ngrams_lockf"):
            if name in attributes:
                setattr(self, name, attributes.pop(name))
        super().set_attributes(attributes)

    @classmethod
    def of(cls, vectors: WordVectors, dtype: Any = REAL) -> Self:
        """Return the words, counts, vectors and n-grams of `WordVectors`."""
        kv = super().of(vectors, dtype)
        subwords, words = vectors.subwords, kv.index_to_key
        kv.max_n, kv.bucket = 0, 0
        if subwords is not None:
            ngrams = subwords.ngrams
            kv.min_n, kv.max_n, kv.bucket = ngrams.min_length, ngrams.max_length, ngrams.buckets
        kv.subwords = subwords
        kv.vectors_vocab = kv.vectors.copy() if subwords is None else subwords.own_rows(kv.vectors, words)
        return kv


class FastText(Word2Vec):
    """Skip-gram or CBOW with character n-grams (Bojanowski et al. 2017) and gensim's names.

    Parameters
    ----------
    sentences : iterable of lists of str, optional
        Train on these at once. A generator is read once.
    corpus_file : path, optional
        Instead of `sentences`: a sentence a line, words separated by white space.
    sg : {0, 1}
        1 for skip-gram, 0 for CBOW.
    hs : {0, 1}
        Hierarchical softmax in the place of negative sampling.
    vector_size : int
        Dimension.
    alpha : float
        Learning rate at the start.
    window : int
        Largest distance of context words.
    min_count : int
        Leave out words that occur less often.
    max_vocab_size : int, optional
        Keep only so many words, the most frequent.
    word_ngrams : {0, 1}
        0 for words without n-grams.
    sample : float
        Threshold of subsampling; from 1 on, a count.
    seed : int
        Of vectors and draws.
    workers : int
        Threads.
    min_alpha : float
        Learning rate at the end.
    negative : int
        Noise words.
    ns_exponent : float
        Noise words are drawn from count^`ns_exponent`.
    cbow_mean : {0, 1}
        1 for the mean of the context, 0 for its sum.
    hashfxn : callable
        Not used: n-grams have fastText's hash.
    epochs : int
        Passes over the text.
    null_word : int
        Not used.
    min_n, max_n : int
        Characters of the shortest and the longest n-gram; ``max_n=0``: none.
    sorted_vocab : {0, 1}
        Words are sorted by falling count in any case.
    bucket : int
        Number of hash values of the n-grams; 0: none. Only those in use take memory.
    trim_rule : callable, optional
        See `Word2Vec`.
    batch_words : int
        Not used: threads take blocks of the text.
    callbacks : iterable of CallbackAny2Vec
        Called during this training.
    max_final_vocab : int, optional
        Raise the least count until at most so many words remain.
    shrink_windows : bool
        Draw each window from 1..`window`.
    **kept : Any
        `compute_loss`, `comment` and `patience` of `Word2Vec`.

    Attributes
    ----------
    wv : FastTextKeyedVectors
    syn1neg, syn1 : (V, d) float32
        See `Word2Vec`.

    Raises
    ------
    ValueError
        Neither `hs` nor `negative` is set, or a setting is out of range.
    RuntimeError
        No word of the text stays in the vocabulary.

    Examples
    --------
    >>> model = FastText([["night", "nights"], ["day", "days"]] * 50, vector_size=16, min_count=1, workers=1)
    >>> "nightly" in model.wv, model.wv["nightly"].shape
    (True, (16,))
    """

    wv: FastTextKeyedVectors
    _settings: ClassVar[tuple[str, ...]] = (*Word2Vec._settings, "word_ngrams", "min_n", "max_n", "bucket")

    def __init__(
        self,
        sentences: Iterable[Any] | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        sg: int = 0,
        hs: int = 0,
        vector_size: int = 100,
        alpha: float = 0.025,
        window: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        word_ngrams: int = 1,
        sample: float = 1e-3,
        seed: int = 1,
        workers: int = 3,
        min_alpha: float = 0.0001,
        negative: int = 5,
        ns_exponent: float = 0.75,
        cbow_mean: int = 1,
        hashfxn: Any = hash,
        epochs: int = 5,
        null_word: int = 0,
        min_n: int = 3,
        max_n: int = 6,
        sorted_vocab: int = 1,
        bucket: int = 2_000_000,
        trim_rule: TrimRule | None = None,
        batch_words: int = MAX_WORDS_IN_BATCH,
        callbacks: Iterable[CallbackAny2Vec] = (),
        max_final_vocab: int | None = None,
        shrink_windows: bool = True,
        **kept: Any,
    ) -> None:
        self.word_ngrams = whole("word_ngrams", word_ngrams)
        self.min_n, self.max_n = whole("min_n", min_n, 0), whole("max_n", max_n, 0)
        self.bucket = whole("bucket", bucket, 0) if self.word_ngrams and self.max_n else 0
        super().__init__(
            sentences=sentences,
            corpus_file=corpus_file,
            vector_size=vector_size,
            alpha=alpha,
            window=window,
            min_count=min_count,
            max_vocab_size=max_vocab_size,
            sample=sample,
            seed=seed,
            workers=workers,
            min_alpha=min_alpha,
            sg=sg,
            hs=hs,
            negative=negative,
            ns_exponent=ns_exponent,
            cbow_mean=cbow_mean,
            hashfxn=hashfxn,
            epochs=epochs,
            null_word=null_word,
            trim_rule=trim_rule,
            sorted_vocab=sorted_vocab,
            batch_words=batch_words,
            callbacks=callbacks,
            max_final_vocab=max_final_vocab,
            shrink_windows=shrink_windows,
            **kept,
        )

    def _new_vectors(self) -> FastTextKeyedVectors:
        return FastTextKeyedVectors(self.vector_size, self.min_n, self.max_n, self.bucket)

    def _config(self, epochs: int, start: float, end: float, seed: int) -> Word2VecConfig:
        config, ngrams = super()._config(epochs, start, end, seed), self.wv.ngrams
        return config if ngrams is None else replace(config, subwords=ngrams.range, buckets=ngrams.buckets)

    def estimate_memory(self, vocab_size: int | None = None, report: dict[str, int] | None = None) -> dict[str, int]:
        """Return bytes of the vocabulary, of each matrix, and in total; of the n-grams those in use."""
        ngrams = {} if self.wv.subwords is None else {"syn0_ngrams": self.wv.subwords.matrix.nbytes}
        return super().estimate_memory(vocab_size, {**(report or {}), **ngrams})

    def _is_locked(self) -> bool:
        return any(bool((lockf != 1).any()) for lockf in (self.wv.vectors_vocab_lockf, self.wv.vectors_ngrams_lockf))

    def _take_vectors(self, trained: WordVectors, scale: float) -> None:
        """Take over trained rows times a number; `vectors` follow from them."""
        subwords, words = trained.subwords, trained.vocabulary.encoded_words
        if subwords is None:
            self.wv.take_rows(trained.matrix * REAL(scale), None)
        else:
            scaled = SubwordVectors(subwords.ngrams, subwords.buckets, subwords.matrix * REAL(scale))
            self.wv.take_rows(subwords.own_rows(trained.matrix, words) * REAL(scale), scaled)


def load_facebook_model(path: str | os.PathLike[str], encoding: str = "utf-8") -> FastText:
    """Read a ``.bin`` of fastText as a model whose training can go on.

    Parameters
    ----------
    path : path
    encoding : str
        Of the words.

    Returns
    -------
    FastText

    Raises
    ------
    FormatError
        It is no such file, or it is damaged; a NotImplementedError if its model was trained to tell labels apart.
    """
    require_there("path", path, "a .bin of fastText")
    file = read_model(Path(path), make_decoding(encoding, "strict"))
    settings = file.settings
    model = FastText(
        sg=int(settings.architecture == SKIP_GRAM),
        hs=int(settings.loss == HIERARCHICAL_SOFTMAX),
        negative=0 if settings.loss == HIERARCHICAL_SOFTMAX else settings.negatives,
        vector_size=settings.dimension,
        window=settings.window,
        epochs=settings.epochs,
        min_count=settings.min_count,
        sample=settings.sample,
        min_n=settings.min_length,
        max_n=settings.max_length,
        bucket=settings.buckets,
    )
    model.raw_vocab = dict(zip(file.words, file.counts.tolist(), strict=True))
    model._replace_words(file.words)
    model.raw_vocab = None
    model.corpus_total_words = int(file.counts.sum())
    model.wv.vectors_vocab, model.wv.subwords = np.array(file.own, REAL), file.subwords
    model.wv.adjust_vectors()
    model._set_contexts(np.array(file.output, REAL))
    return model


def load_facebook_vectors(path: str | os.PathLike[str], encoding: str = "utf-8") -> FastTextKeyedVectors:
    """Read the vectors of a ``.bin`` of fastText; see `load_facebook_model`."""
    return load_facebook_model(path, encoding).wv


def save_facebook_model(
    model: FastText,
    path: str | os.PathLike[str],
    encoding: str = "utf-8",
    lr_update_rate: int = 100,
    word_ngrams: int = 1,
) -> None:
    """Write a ``.bin`` that fastText loads.

    Parameters
    ----------
    model : FastText
    path : path
    encoding : str
        "utf-8", the only one that fastText hashes.
    lr_update_rate, word_ngrams : int
        Written as they are; fastText's own training has them.

    Raises
    ------
    ValueError
        Another encoding is asked for.
    FormatError
        A word holds white space or a zero byte.
    """
    if encoding.replace("-", "").lower() != "utf8":
        raise ValueError(f"encoding is {encoding!r}; expected utf-8")
    require_place("path", path)
    wv = model.wv
    settings = Settings(
        dimension=model.vector_size,
        window=model.window,
        epochs=model.epochs,
        min_count=model.min_count,
        negatives=model.negative,
        word_ngrams=word_ngrams,
        loss=HIERARCHICAL_SOFTMAX if model.hs else NEGATIVE_SAMPLING,
        architecture=SKIP_GRAM if model.sg else CBOW,
        buckets=wv.bucket,
        min_length=wv.min_n,
        max_length=wv.max_n,
        rate_updates=lr_update_rate,
        sample=model.sample,
    )
    counts = wv.expandos["count"]
    with atomic_file(path) as file:
        write_model(
            FastTextModel(settings, wv.index_to_key, counts, wv.vectors_vocab, wv.subwords, model._contexts()), file
        )
