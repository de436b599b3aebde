"""`Doc2Vec` with the parameters and methods of ``gensim.models.doc2vec``; vecmill trains."""

import logging
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from embeddings.documents import DocumentVectors, ParagraphVectors, ParagraphVectorsConfig, lines_with_words
from embeddings.text.encoded_corpus import EncodedCorpus
from embeddings.vectors.word_vectors import WordVectors
from vecmill.arguments import described
from vecmill.gensim import saved
from vecmill.gensim.callbacks import CallbackAny2Vec
from vecmill.gensim.conventions import input_scale, lock_of_each, mean_contexts, with_locks
from vecmill.gensim.corpus import Corpus, open_sentences, require_unread
from vecmill.gensim.keyedvectors import REAL, KeyedVectors
from vecmill.gensim.numbers import real, whole, whole_or_none
from vecmill.gensim.sentences import lines_of
from vecmill.gensim.trimming import TrimRule
from vecmill.gensim.word2vec import Word2Vec

logger = logging.getLogger("gensim.models.doc2vec")

_DOCUMENTS = "documents"
_ATTRIBUTES = "document_attributes"


class TaggedDocument(NamedTuple):
    """The words of a document and its tags: names, or numbers from 0.

    Attributes
    ----------
    words : list of str
    tags : list of str or int
    """

    words: list[str]
    tags: list[Any]

    def __str__(self) -> str:
        return f"{type(self).__name__}<{self.words}, {self.tags}>"


class TaggedLineDocument:
    """The lines of a file as documents whose tags are their numbers, from 0; empty lines are counted.

    Parameters
    ----------
    source : path or file
    """

    def __init__(self, source: Any) -> None:
        self.source = source

    def __iter__(self) -> Iterator[TaggedDocument]:
        for number, line in enumerate(lines_of(self.source)):
            yield TaggedDocument(line.split(), [number])


class DocumentKeyedVectors(KeyedVectors):
    """Vectors of documents by their tags; an int is the number of a row."""

    @property
    def _names(self) -> list[str]:
        return [str(key) for key in self.index_to_key]

    def _key_of(self, name: str) -> Any:
        return name if name in self.key_to_index else int(name)

    def resize_vectors(self, seed: int = 0) -> None:
        """Give every key a vector: random ones from -1/√d to 1/√d, with which documents learn faster than from ±1/d."""
        known = len(self.vectors)
        super().resize_vectors(seed)
        self.vectors[known:] *= REAL(math.sqrt(self.vector_size))

    def _saved_keys(self) -> dict[str, list[Any]]:
        """Return the tags, of which a model directory holds the names alone."""
        return {saved.KEYS: self.index_to_key}

    def set_keys(self, tags: Iterable[Any]) -> None:
        """Take tags as keys: the numbers first, then the names in the order of the text."""
        names = dict.fromkeys(tags)
        numbers = 1 + max((int(tag) for tag in names if not isinstance(tag, str)), default=-1)
        texts = [tag for tag in names if isinstance(tag, str)]
        self.index_to_key = [*range(numbers), *texts]
        self.key_to_index = {tag: numbers + place for place, tag in enumerate(texts)}
        self.next_index = len(self)

    def add_tags(self, tags: Iterable[Any], seed: int) -> None:
        """Take further tags as keys; those that are there keep what they have, also where new numbers move names."""
        before = self.index_to_key
        self.set_keys([*before, *tags])
        self.resize_vectors(seed)
        self.allocate_vecattrs()
        rows = np.array([self.get_index(tag) for tag in before], np.int64)
        order = np.argsort(np.concatenate([rows, np.setdiff1d(np.arange(len(self)), rows)]))
        self.vectors = self.vectors[order]
        self.expandos = {attr: values[order] for attr, values in self.expandos.items()}
        if len(self.vectors_lockf) > 1:
            self.vectors_lockf = lock_of_each(self.vectors_lockf, len(self))[order]


def _checked(tag: Any) -> Any:
    """Return a tag; raise a TypeError or a ValueError for what is neither a name nor the number of a row."""
    if not isinstance(tag, (str, Integral)):
        raise TypeError(f"the tag of a document is {described(tag)}; expected a str or an int: use str(tag)")
    if not isinstance(tag, str) and tag < 0:
        raise ValueError(f"the tag of a document is {tag}; expected a str, or an int from 0 on: use str(tag)")
    return tag


def _require_distinct_names(tags: Sequence[Any]) -> None:
    """Raise a ValueError for a str that is the number of a row: queries and files could not tell both apart."""
    rows = 1 + max((int(tag) for tag in tags if not isinstance(tag, str)), default=-1)
    for tag in tags:
        is_number = isinstance(tag, str) and tag.isdecimal() and len(tag) <= len(str(rows)) and tag == str(int(tag))
        if is_number and int(tag) < rows:
            raise ValueError(f"the tag {tag!r} of a document is a str, and {tag} is a row: give all numbers as int")


class Doc2Vec(Word2Vec):
    """PV-DM or PV-DBOW (Le & Mikolov 2014) with gensim's names.

    Parameters
    ----------
    documents : iterable of TaggedDocument, optional
        Train on these at once.
    corpus_file : path, optional
        Instead of `documents`: a document a line, whose tag is its number.
    vector_size : int
        Dimension.
    dm_mean : {0, 1}, optional
        PV-DM with the mean (default) or the sum of document and context.
    dm : {0, 1}
        1 for PV-DM, 0 for PV-DBOW.
    dbow_words : {0, 1}
        With PV-DBOW train words too, by skip-gram.
    dm_concat : {0}
        Concatenation is not supported: it has vectors of outputs of another dimension, and seldom finds more.
    dm_tag_count : int
        Not used.
    dv : object, optional
        Not used.
    dv_mapfile : path, optional
        Not used.
    comment : str, optional
        Kept with the model.
    trim_rule : callable, optional
        See `Word2Vec`.
    callbacks : iterable of CallbackAny2Vec
        Called during this training.
    window : int
        Largest distance of context words.
    epochs : int
        Passes over the text.
    shrink_windows : bool
        Draw each window from 1..`window`.
    **settings : Any
        Those of `Word2Vec` but `patience`.

    Attributes
    ----------
    wv : KeyedVectors
        Words.
    dv : KeyedVectors
        Documents by their tags.

    Raises
    ------
    ValueError
        `dm_concat` or `patience` is set, or a setting is out of range.
    RuntimeError
        No word of the text stays in the vocabulary.

    Notes
    -----
    Documents with the same tag are trained as one, and a document with several tags once for each.

    Examples
    --------
    >>> documents = [TaggedDocument(["night", "moon"], ["a"]), TaggedDocument(["day", "sun"], ["b"])] * 50
    >>> model = Doc2Vec(documents, vector_size=16, min_count=1, workers=1)
    >>> len(model.dv), model.infer_vector(["moon"]).shape
    (2, (16,))
    """

    _settings: ClassVar[tuple[str, ...]] = (*Word2Vec._settings, "dm", "dm_mean", "dbow_words")

    def __init__(
        self,
        documents: Iterable[Any] | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        vector_size: int = 100,
        dm_mean: int | None = None,
        dm: int = 1,
        dbow_words: int = 0,
        dm_concat: int = 0,
        dm_tag_count: int = 1,
        dv: Any = None,
        dv_mapfile: Any = None,
        comment: str | None = None,
        trim_rule: TrimRule | None = None,
        callbacks: Iterable[CallbackAny2Vec] = (),
        window: int = 5,
        epochs: int = 10,
        shrink_windows: bool = True,
        **settings: Any,
    ) -> None:
        if dm_concat:
            raise ValueError(
                "dm_concat=1 is not supported: vectors of outputs would be 2 window + 1 times as long as those of "
                "words; leave it out, for the mean, or set dm_mean=0, for the sum"
            )
        if settings.get("patience") is not None:
            raise ValueError("patience waits for the loss of held-out words, and no document is held out; leave it out")
        self.dm, self.dbow_words = whole("dm", dm), whole("dbow_words", dbow_words)
        self.dm_mean = dm_mean = whole_or_none("dm_mean", dm_mean)
        given = {"cbow_mean": 0 if dm_mean == 0 else 1, **settings, "sg": 1 - self.dm}
        super().__init__(
            vector_size=vector_size,
            comment=comment,
            window=window,
            epochs=epochs,
            shrink_windows=shrink_windows,
            **given,
        )
        self.dv = DocumentKeyedVectors(self.vector_size)
        self._inference: tuple[DocumentVectors, float] | None = None
        if documents is not None or corpus_file is not None:
            found = _listed(documents, corpus_file)
            self.build_vocab(found, trim_rule=trim_rule)
            total = self.corpus_count
            self.train(found, total_examples=total, epochs=self.epochs, callbacks=callbacks)
            self.add_lifecycle_event("created", params=str(self))

    @property
    def dbow(self) -> bool:
        """Whether this is PV-DBOW."""
        return not self.dm

    @property
    def docvecs(self) -> KeyedVectors:
        """The documents, `dv`; deprecated in gensim."""
        return self.dv

    def __str__(self) -> str:
        words = bool(self.dm or self.dbow_words)
        parts = {
            f'"{self.comment}"': self.comment,
            ("dm/s" if self.dm_mean == 0 else "dm/m") if self.dm else "dbow+w" if self.dbow_words else "dbow": True,
            f"d{self.vector_size}": True,
            f"n{self.negative}": self.negative,
            "hs": self.hs,
            f"w{self.window}": words,
            f"mc{self.min_count}": self.min_count > 1,
            f"s{self.sample:g}": self.sample > 0,
            f"t{self.workers}": self.workers > 1,
        }
        return f"{type(self).__name__}<{','.join(part for part, is_there in parts.items() if is_there)}>"

    def estimate_memory(self, vocab_size: int | None = None, report: dict[str, int] | None = None) -> dict[str, int]:
        """Return bytes of the vocabulary, the tags, each matrix, and in total."""
        tags = {"doctag_lookup": 200 * len(self.dv), "doctag_syn0": 4 * len(self.dv) * self.vector_size}
        return super().estimate_memory(vocab_size, {**(report or {}), **tags})

    def __getitem__(self, tag: Any) -> np.ndarray:
        """Return the vector of a word, or else of a tag, (d,)."""
        return self.wv[tag] if isinstance(tag, str) and tag in self.wv else self.dv[tag]

    def build_vocab(
        self,
        corpus_iterable: Iterable[Any] | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        update: bool = False,
        progress_per: int = 10_000,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        min_count: int | None = None,
        sample: float | None = None,
    ) -> None:
        """Count words and tags, and make initial vectors; see `Word2Vec.build_vocab`.

        Parameters
        ----------
        corpus_iterable : iterable of TaggedDocument, optional
        corpus_file : path, optional
        update : bool
            Add new words and tags.
        progress_per : int
            Not used.
        keep_raw_vocab : bool
            Keep the counts of all words as `raw_vocab`.
        trim_rule : callable, optional
            See `Word2Vec`.
        min_count, sample : number, optional
            Other ones than those of the constructor.
        """
        documents = _listed(corpus_iterable, corpus_file)
        if any(isinstance(document.words, str) for document in documents):
            logger.warning("Each 'words' should be a list of words (usually unicode strings).")
        if any(isinstance(document.tags, str) for document in documents):
            logger.warning("Each 'tags' should be a list of tags: the characters of a str are read as tags.")
        tags = [_checked(tag) for document in documents for tag in document.tags]
        _require_distinct_names([*self.dv.index_to_key, *tags] if update else tags)
        with open_sentences((list(document.words) for document in documents), None) as corpus:
            self._build_vocab(corpus, trim_rule, update, keep_raw_vocab, min_count, sample)
        self.corpus_count = len(documents)
        known = self.dv if update else DocumentKeyedVectors(self.vector_size)
        known.add_tags(tags, self.seed + 1)
        self.dv, self._inference = known, None

    def train(
        self,
        corpus_iterable: Iterable[Any] | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        word_count: int = 0,
        queue_factor: int = 2,
        report_delay: float = 1.0,
        compute_loss: bool | None = None,
        callbacks: Iterable[CallbackAny2Vec] = (),
    ) -> tuple[int, int]:
        """Train on documents, from the vectors as they are; see `Word2Vec.train`.

        Parameters
        ----------
        corpus_iterable : iterable of TaggedDocument, optional
            Tags that `build_vocab` has not seen are left out.
        corpus_file : path, optional
        total_examples, total_words : int
            One of them must be given, as in gensim.
        epochs : int
            Must be given.
        start_alpha, end_alpha : float, optional
            Learning rates; by default `alpha` and `min_alpha`.
        word_count : int
            Not used.
        queue_factor : int
            Not used.
        report_delay : float
            Not used.
        compute_loss : bool, optional
            See `Word2Vec`.
        callbacks : iterable of CallbackAny2Vec

        Returns
        -------
        trained_words, raw_words : int
            Over all epochs; of the words of the vocabulary as many as subsampling leaves on average.

        Raises
        ------
        RuntimeError
            There is no vocabulary yet.
        ValueError
            A number that must be given is missing.
        """
        documents = _listed(corpus_iterable, corpus_file)
        require_unread(corpus_iterable, len(documents))
        texts: list[list[str]] = [[] for _ in range(len(self.dv))]
        for document in documents:
            for tag in document.tags:
                row = self.dv.get_index(tag, -1)
                if row >= 0:
                    texts[row].extend(document.words)
        self._inference = None
        return super().train(
            texts,
            total_examples=total_examples,
            total_words=total_words,
            epochs=epochs,
            start_alpha=start_alpha,
            end_alpha=end_alpha,
            compute_loss=compute_loss,
            callbacks=callbacks,
        )

    def _train(self, corpus: Corpus, *settings: Any) -> tuple[int, int]:
        self._require_vocabulary()
        self._rows, _ = lines_with_words(corpus.tokenized, self.wv.word_vectors.vocabulary)
        return super()._train(corpus, *settings)

    def _is_locked(self) -> bool:
        return super()._is_locked() or bool((self.dv.vectors_lockf != 1).any())

    def _fit(self, encoded: EncodedCorpus, epochs: int, start: float, end: float, first_epoch: int) -> int:
        nearby = mean_contexts(self.window, self.shrink_windows, encoded.token_count / encoded.sentence_count)
        self._scale = 1.0 if self.dbow else input_scale(nearby + 1, cbow_mean=bool(self.cbow_mean))
        seed = self._seed(first_epoch)
        engine = ParagraphVectors(self._config(epochs, start * self._scale**2, end * self._scale**2, seed))
        engine.fit(
            encoded,
            self.wv.word_vectors.vocabulary,
            initial_vectors=self._initial(self._scale),
            initial_documents=self.dv.vectors[self._rows] / REAL(self._scale),
            kept=self._kept(),
        )
        for metrics in engine.metrics_:
            if self.compute_loss and metrics["loss"] is not None:
                self.running_training_loss += metrics["loss"] * metrics["examples"]
        context = engine.vectors_.nodes if self.hs else engine.vectors_.context
        assert context is not None
        self._take_vectors(engine.vectors_, self._scale)
        self._set_contexts(context / REAL(self._scale))
        matrix = np.array(self.dv.vectors)
        matrix[self._rows] = engine.documents_ * REAL(self._scale)
        matrix = with_locks(self.dv.vectors, matrix, self.dv.vectors_lockf)
        self.dv.vectors, self._inference = matrix, None
        return len(engine.metrics_)

    def _config(self, epochs: int, start: float, end: float, seed: int) -> ParagraphVectorsConfig:
        shared = super()._config(epochs, start, end, seed).to_dict()
        architecture = "pv-dm" if self.dm else "pv-dbow"
        return ParagraphVectorsConfig(
            **{**shared, "architecture": architecture, "train_words": bool(self.dbow and self.dbow_words)}
        )

    # ------------------------------------------------------------------------------------------------------- queries

    def infer_vector(
        self,
        doc_words: Sequence[str],
        alpha: float | None = None,
        min_alpha: float | None = None,
        epochs: int | None = None,
    ) -> np.ndarray:
        """Return the vector of a new document, (d,) float32; the same for the same words."""
        vector: np.ndarray = self.infer_vectors([doc_words], alpha, min_alpha, epochs)[0]
        return vector

    def infer_vectors(
        self,
        documents: Iterable[Sequence[str]],
        alpha: float | None = None,
        min_alpha: float | None = None,
        epochs: int | None = None,
    ) -> np.ndarray:
        """Return the vectors of new documents in one call, which gensim has not.

        Parameters
        ----------
        documents : iterable of lists of str
        alpha, min_alpha : float, optional
            Learning rates; by default those of the model. `min_alpha` is not used.
        epochs : int, optional
            By default that of the model.

        Returns
        -------
        (n, d) float32

        Raises
        ------
        TypeError
            A document is a str.
        """
        tokens = list(documents)
        if any(isinstance(document, str) for document in tokens):
            raise TypeError("a document is a str; expected a list of words: infer_vector(text.split())")
        if self._inference is None:
            scale = getattr(self, "_scale", 1.0)
            words = self._initial(scale)
            if self.hs:
                words.nodes, words.context = words.context, None
            rates = self.alpha * scale**2, self.min_alpha * scale**2
            words.training_settings = self._config(self.epochs, *rates, self.seed).to_dict()
            self._inference = DocumentVectors(words, [], np.empty((0, self.vector_size), REAL)), scale
        model, scale = self._inference
        epochs = whole_or_none("epochs", epochs)
        rate = None if alpha is None else real("alpha", alpha) * scale**2
        return model.infer(tokens, epochs=epochs, learning_rate=rate, threads=self.workers) * REAL(scale)

    def similarity_unseen_docs(
        self,
        doc_words1: Sequence[str],
        doc_words2: Sequence[str],
        alpha: float | None = None,
        min_alpha: float | None = None,
        epochs: int | None = None,
    ) -> float:
        """Return the cosine of the vectors of two new documents."""
        first, second = self.infer_vectors([doc_words1, doc_words2], alpha, min_alpha, epochs)
        lengths = np.linalg.norm(first) * np.linalg.norm(second)
        return float(first @ second / lengths) if lengths else 0.0

    # --------------------------------------------------------------------------------------------------------- files

    def save(self, fname: str | os.PathLike[str], **kwargs: Any) -> None:
        """Write a directory that `load` and `vecmill.DocumentVectors.load` open; see `Word2Vec.save`."""
        about = {name: getattr(self, name) for name in (*self._settings, *self._saved_state)}
        self.add_lifecycle_event("saving", fname=str(fname))
        about |= {"lifecycle_events": self._saved_events()}
        about |= {"tags": self.dv.index_to_key, "scale": getattr(self, "_scale", 1.0)}
        attributes = self.dv.attributes().items()
        about[_ATTRIBUTES] = {name: [values.dtype.str, values.tolist()] for name, values in attributes}
        words = self._trained()
        if "count" in self.wv.expandos:  # it has a vocabulary; inference has no use for settings without one
            words.training_settings = self._config(self.epochs, self.alpha, self.min_alpha, self.seed).to_dict()
        inside = {_DOCUMENTS: self.dv.word_vectors} if len(self.dv) else {}
        saved.write(fname, type(self).__name__, words, about, self.wv.attributes(), inside)

    def _read(self, directory: Path, about: Mapping[str, Any], mmap: str | None) -> None:
        super()._read(directory, about, mmap)
        self._scale = about["scale"]
        self.dv.set_keys(about["tags"])
        if len(self.dv):
            stored = WordVectors.load(directory / _DOCUMENTS)
            self.dv.vectors = np.array(stored.matrix)
            if stored.vocabulary.counts.any():
                self.dv.expandos["count"] = stored.vocabulary.counts.copy()
        attributes = about.get(_ATTRIBUTES, {}).items()  # which earlier versions did not write
        self.dv.set_attributes({name: np.array(values, kind) for name, (kind, values) in attributes})

    def save_word2vec_format(
        self,
        fname: str | os.PathLike[str],
        doctag_vec: bool = False,
        word_vec: bool = True,
        prefix: str = "*dt_",
        fvocab: str | os.PathLike[str] | None = None,
        binary: bool = False,
    ) -> None:
        """Write words, documents, or both as a file of word2vec.

        Parameters
        ----------
        fname : path
        doctag_vec, word_vec : bool
            What to write.
        prefix : str
            Put before the tags.
        fvocab : path, optional
            Also write lines ``word count`` there.
        binary : bool
            The binary format; otherwise text.
        """
        both = KeyedVectors(self.vector_size)
        if word_vec:
            both.add_vectors(self.wv.index_to_key, self.wv.vectors)
        if doctag_vec:
            both.add_vectors([prefix + name for name in self.dv._names], self.dv.vectors)
        both.save_word2vec_format(fname, fvocab, binary)


def _listed(documents: Iterable[Any] | None, corpus_file: Any) -> list[Any]:
    """Return documents in a list, which can be read again."""
    if (documents is None) == (corpus_file is None):
        raise TypeError("give either documents (corpus_iterable) or corpus_file")
    if corpus_file is not None and not isinstance(corpus_file, (str, os.PathLike)):
        raise TypeError(f"corpus_file is {type(corpus_file).__name__}; expected a path")
    if documents is not None and (isinstance(documents, str) or not isinstance(documents, Iterable)):
        raise TypeError(f"documents are {type(documents).__name__}; expected an iterable of TaggedDocument")
    return list(TaggedLineDocument(corpus_file) if documents is None else documents)
