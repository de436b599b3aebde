"""`KeyedVectors` with the methods of ``gensim.models.keyedvectors``; `WordVectors` answers the queries."""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self, cast

import numpy as np

from embeddings import formats
from embeddings.errors import EmbeddingsError
from embeddings.text.vocabulary import UnknownWordError, Vocabulary
from embeddings.vectors.subwords import SubwordVectors
from embeddings.vectors.word_vectors import WordVectors, as_terms, with_weight
from vecmill.arguments import require_kind, require_place, require_words
from vecmill.files import atomic_file
from vecmill.gensim import saved
from vecmill.gensim.missing import require_there
from vecmill.gensim.numbers import whole, whole_or_none
from vecmill.gensim.renamed import ATTRIBUTES_OF_KEYED_VECTORS, no_attribute

logger = logging.getLogger("gensim.models.keyedvectors")

REAL = np.float32
_KIND = "KeyedVectors"


class KeyedVectors:
    """Words and their vectors, which may be changed.

    Parameters
    ----------
    vector_size : int
    count : int
        Room for so many vectors.
    dtype : dtype
        Of `vectors`; queries compute in float32.
    mapfile_path : object
        Not used, as in gensim.

    Attributes
    ----------
    vectors : (n, d) array
    index_to_key : list of str
    key_to_index : dict of str to int
    vectors_lockf : (1,) or (n,) float32
        Share of its change that a vector keeps in training: 0 locks it.
    expandos : dict of str to array
        Attributes of the words, such as ``count``; see `set_vecattr`.
    """

    def __init__(self, vector_size: int, count: int = 0, dtype: Any = REAL, mapfile_path: Any = None) -> None:
        self.vector_size, count = whole("vector_size", vector_size, 1), whole("count", count, 0)
        self.index_to_key: list[Any] = [None] * count
        self.key_to_index: dict[Any, int] = {}
        self.next_index = 0
        self.expandos: dict[str, np.ndarray] = {}
        self.vectors_lockf = np.ones(1, REAL)
        self.mapfile_path = mapfile_path
        self.vectors = np.zeros((count, self.vector_size), dtype)

    @classmethod
    def of(cls, vectors: WordVectors, dtype: Any = REAL) -> Self:
        """Return the words, counts and vectors of `WordVectors`, as arrays that may be changed."""
        kv = cls(vectors.dimension)
        kv.set_keys(vectors.words)
        kv.vectors = np.array(vectors.matrix, dtype)
        if vectors.vocabulary.counts.any():
            kv.expandos["count"] = vectors.vocabulary.counts.copy()
        return kv

    def set_keys(self, keys: Iterable[Any]) -> None:
        """Take keys in the order of their rows."""
        self.index_to_key = list(keys)
        self.key_to_index = {key: index for index, key in enumerate(self.index_to_key)}
        self.next_index = len(self)

    @property
    def vectors(self) -> np.ndarray:
        """The vectors, (n, d); after a change in place call ``fill_norms(force=True)``."""
        return self._vectors

    @vectors.setter
    def vectors(self, vectors: np.ndarray) -> None:
        self._vectors = vectors
        self._word_vectors: WordVectors | None = None

    @property
    def subwords(self) -> SubwordVectors | None:
        """The vectors of character n-grams, of which `KeyedVectors` have none."""
        return None

    @property
    def word_vectors(self) -> WordVectors:
        """The same vectors as vecmill's immutable `WordVectors`."""
        if self._word_vectors is None or len(self._word_vectors) != len(self):
            names = self._names
            bad = next((key for key in names if not isinstance(key, str)), "")
            if bad != "":
                raise TypeError(f"key {bad!r} is {type(bad).__name__}; expected a str: use str(key)")
            counts = self.expandos.get("count")
            vocabulary = Vocabulary.from_words(names, None if counts is None else counts.tolist())
            self._word_vectors = WordVectors(vocabulary, self.vectors, subwords=self.subwords)
        return self._word_vectors

    def __len__(self) -> int:
        return len(self.index_to_key)

    def __contains__(self, key: object) -> bool:
        return self.has_index_for(key)

    def __str__(self) -> str:
        return f"{type(self).__name__}<vector_size={self.vector_size}, {len(self)} keys>"

    def __getattr__(self, name: str) -> Any:
        raise no_attribute(self, name, ATTRIBUTES_OF_KEYED_VECTORS)

    # ----------------------------------------------------------------------------------------------------- look-up

    def has_index_for(self, key: Any) -> bool:
        """Return whether there is a vector of this key, or of this row."""
        return self.get_index(key, -1) >= 0

    def get_index(self, key: Any, default: int | None = None) -> int:
        """Return the index of a key, or `default`; an index is checked and returned."""
        if key in self.key_to_index:
            return self.key_to_index[key]
        if isinstance(key, (int, np.integer)) and 0 <= key < len(self):
            return int(key)
        if default is not None:
            return default
        if isinstance(key, (int, np.integer)):
            raise UnknownWordError(f"key {key} is not there; expected a key, or an index from 0 to {len(self) - 1}")
        return self.word_vectors.id(key)  # an error that names the closest keys

    def __getitem__(self, key_or_keys: Any) -> np.ndarray:
        """Return the vector of a key, (d,), or those of a list of keys, (n, d)."""
        if isinstance(key_or_keys, (str, int, np.integer)):
            return self.get_vector(key_or_keys)
        require_words(key_or_keys)
        return np.vstack([self.get_vector(key) for key in key_or_keys])

    def get_vector(self, key: Any, norm: bool = False) -> np.ndarray:
        """Return the vector of a key, (d,), read-only; with `norm` of unit length."""
        index = self.get_index(key)
        vector: np.ndarray = self.word_vectors.get_vector(index, norm=True) if norm else self.vectors[index]
        vector = vector.view()
        vector.flags.writeable = False
        return vector

    def word_vec(self, key: Any, norm: bool = False) -> np.ndarray:
        """Return what `get_vector` returns; deprecated in gensim."""
        return self.get_vector(key, norm)

    def get_mean_vector(
        self,
        keys: Sequence[Any],
        weights: Sequence[float] | np.ndarray | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> np.ndarray:
        """Return the weighted mean of keys and vectors; see `WordVectors.mean_vector`."""
        return self.word_vectors.mean_vector(keys, weights, pre_normalize, post_normalize, ignore_missing)

    def get_normed_vectors(self) -> np.ndarray:
        """Return the vectors scaled to unit length, (n, d) float32."""
        return self.word_vectors.unit_matrix

    def vectors_for_all(
        self, keys: Iterable[Any], allow_inference: bool = True, copy_vecattrs: bool = False
    ) -> "KeyedVectors":
        """Return the vectors of those keys that there are.

        Parameters
        ----------
        keys : iterable of str
            Of a mapping its keys.
        allow_inference : bool
            For vectors with subwords: compute those of unknown words.
        copy_vecattrs : bool
            Copy the attributes of the words.

        Returns
        -------
        KeyedVectors
        """
        keys = list(keys) if isinstance(keys, Mapping) else keys
        require_words(keys)
        known = self if allow_inference else self.key_to_index
        chosen = [key for key in dict.fromkeys(keys) if key in known]
        kv = KeyedVectors(self.vector_size, dtype=self.vectors.dtype)
        if chosen:
            kv.add_vectors(chosen, self[chosen])
        for attr, values in self.expandos.items() if copy_vecattrs else ():
            rows = [self.get_index(key, -1) for key in chosen]
            kv.expandos[attr] = np.array([values[row] if row >= 0 else 0 for row in rows], values.dtype)
        return kv

    # ------------------------------------------------------------------------------------------------------ changes

    def add_vector(self, key: Any, vector: np.ndarray) -> int:
        """Add one vector, in a place that was allocated or at the end; return its index."""
        require_kind("key", key, str, "a str: use str(key)")
        index = self.next_index
        if index < len(self) and self.index_to_key[index] is None:
            [row] = self._rows_for([key], [vector])
            self.index_to_key[index], self.key_to_index[key], self.vectors[index] = key, index, row
            self._word_vectors = None
        else:
            index = len(self)
            self.add_vectors([key], [vector])
        self.next_index = index + 1
        return index

    def add_vectors(
        self,
        keys: Any,
        weights: Any,
        extras: dict[str, np.ndarray] | None = None,
        replace: bool = False,
    ) -> None:
        """Append keys with their vectors.

        Parameters
        ----------
        keys : str or list of str
        weights : (d,) array or list of (d,) arrays or (n, d) array
        extras : dict of str to (n,) array, optional
            Attributes of the keys.
        replace : bool
            Replace vectors of keys that there are; otherwise they are kept.

        Raises
        ------
        ValueError
            There is not one vector of this dimension for each key, or a key twice; nothing is changed.
        """
        if isinstance(keys, (str, int, np.integer)):
            keys, weights = [keys], np.reshape(weights, (1, -1))
        require_words(keys)
        weights, extras = self._rows_for(keys, weights), extras or {}
        self.allocate_vecattrs(list(extras), [values.dtype for values in extras.values()])
        new = np.array([key not in self.key_to_index for key in keys], bool)
        for key in (key for key, is_new in zip(keys, new, strict=True) if is_new):
            self.key_to_index[key] = len(self.index_to_key)
            self.index_to_key.append(key)
        self.vectors = np.concatenate([self.vectors, weights[new]])
        self.allocate_vecattrs()
        changed = np.ones(len(keys), bool) if replace else new
        rows = np.array([self.key_to_index[key] for key in keys], np.int64)[changed]
        self.vectors[rows] = weights[changed]
        for attr, values in extras.items():
            self.expandos[attr][rows] = values[changed]

    def _rows_for(self, keys: Sequence[Any], weights: Any) -> np.ndarray:
        """Return one row for each key; raise a ValueError for other shapes, so that nothing is half added."""
        rows = np.asarray(weights, self.vectors.dtype)
        if rows.shape != (len(keys), self.vector_size):
            raise ValueError(
                f"got vectors of shape {rows.shape} for {len(keys)} keys; expected ({len(keys)}, {self.vector_size})"
            )
        if len(set(keys)) < len(keys):
            raise ValueError("a key is there twice; give each key once")
        return rows

    def __setitem__(self, keys: Any, weights: Any) -> None:
        """Set the vector of a key or the vectors of several; new keys are added."""
        self.add_vectors(keys, weights, replace=True)

    def allocate_vecattrs(self, attrs: Sequence[str] | None = None, types: Sequence[Any] | None = None) -> None:
        """Make room for attributes of all keys, by default for those that there are; new values are 0."""
        names = list(self.expandos) if attrs is None else attrs
        kinds = [self.expandos[name].dtype for name in names] if types is None else types
        for name, kind in zip(names, kinds, strict=True):
            before = self.expandos.get(name, np.empty(0, object if kind is str else kind))
            if not np.issubdtype(object if kind is str else kind, before.dtype):
                raise TypeError(f"attribute {name!r} holds {before.dtype}; {kind} does not fit")
            values = np.zeros(len(self), before.dtype)
            values[: len(before)] = before
            self.expandos[name] = values

    def set_vecattr(self, key: Any, attr: str, val: Any) -> None:
        """Set an attribute of a key, such as its ``count``."""
        self.allocate_vecattrs([attr], [type(val)])
        self.expandos[attr][self.get_index(key)] = val
        self._word_vectors = None

    def get_vecattr(self, key: Any, attr: str) -> Any:
        """Return an attribute of a key; None if no key has it. ``code`` and ``point``: its path in the Huffman tree."""
        if attr in ("code", "point") and "count" in self.expandos:
            from embeddings.word2vec.huffman import huffman_paths

            paths, row = huffman_paths(self.expandos["count"]), self.get_index(key)
            path = slice(paths.offsets[row], paths.offsets[row + 1])
            return 1 - paths.labels[0, path].astype(np.uint8) if attr == "code" else paths.nodes[path]
        values = self.expandos.get(attr)
        return None if values is None else values[self.get_index(key)]

    def forget_vectors(self) -> None:
        """Take all vectors from the keys, which stay."""
        self.vectors = np.empty((0, self.vector_size), self.vectors.dtype)

    def resize_vectors(self, seed: int = 0) -> None:
        """Give every key a vector: small random ones where there is none yet."""
        missing = len(self) - len(self.vectors)
        if missing > 0:
            rows = random_rows(missing, self.vector_size, seed).astype(self.vectors.dtype)
            self.vectors = np.concatenate([self.vectors, rows])

    def sort_by_descending_frequency(self) -> None:
        """Order the words by falling ``count``, before there are vectors to train."""
        if "count" not in self.expandos:
            return
        if len(self.vectors):
            raise RuntimeError("cannot sort words that have vectors: the rows would no longer be theirs")
        order = np.argsort(-self.expandos["count"], kind="stable")
        self.index_to_key = [self.index_to_key[row] for row in order]
        self.key_to_index = {key: index for index, key in enumerate(self.index_to_key)}
        self.expandos = {attr: values[order] for attr, values in self.expandos.items()}

    def fill_norms(self, force: bool = False) -> None:
        """Compute lengths again after `vectors` was changed in place; otherwise they are computed when needed."""
        if force:
            self._word_vectors = None

    @property
    def norms(self) -> np.ndarray:
        """Lengths of the vectors, (n,)."""
        lengths: np.ndarray = np.linalg.norm(self.vectors, axis=1)
        return lengths

    def unit_normalize_all(self) -> None:
        """Scale all vectors to unit length, for good."""
        self.vectors = np.array(self.word_vectors.unit_matrix, self.vectors.dtype)

    def init_sims(self, replace: bool = False) -> None:
        """Scale the vectors to unit length if `replace`; deprecated in gensim."""
        if replace:
            self.unit_normalize_all()

    # ------------------------------------------------------------------------------------------------------ queries

    def most_similar(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Any = None,
        *,
        among: Sequence[Any] | None = None,
    ) -> Any:
        """Find the keys closest to a weighted mean of unit vectors.

        Parameters
        ----------
        positive, negative : key, vector, or list of these and of (any of these, weight)
        topn : int or None
            None returns the cosines of all keys as an array.
        clip_start, clip_end : int
            Search only these rows, as in a slice.
        restrict_vocab : int, optional
            Search only the first rows.
        indexer : object, optional
            With ``most_similar(vector, topn)``: an approximate index.
        among : sequence of str, optional
            Search only these keys. (gensim has no such search.)

        Returns
        -------
        list of (str, float), or (n,) float32
        """
        topn = whole_or_none("topn", topn)
        terms, weights = _weighted(positive, negative)
        query = self.word_vectors.mean_vector(
            [self._unit(term) for term in terms], weights, post_normalize=True, ignore_missing=False
        )
        start, stop = whole("clip_start", clip_start), whole_or_none("clip_end", clip_end)
        start, stop = slice(start, stop).indices(len(self))[:2] if restrict_vocab is None else (0, restrict_vocab)
        given = self._given(terms)
        if topn is None:
            return self.word_vectors.unit_matrix[start:stop] @ query
        wanted = topn + len(given) if topn >= 1 else 0
        if indexer is not None:
            found = indexer.most_similar(query, wanted)
        else:
            if among is None and restrict_vocab is None and stop - start < len(self):
                among = range(start, stop)
            found = self.word_vectors.most_similar([query], None, wanted, restrict_vocab, among=among)
        return [(self._key_of(name), score) for name, score in found if name not in given][: max(topn, 0)]

    def most_similar_batch(
        self,
        positive: Sequence[Any],
        negative: Sequence[Any] | None = None,
        topn: int = 10,
        restrict_vocab: int | None = None,
    ) -> list[list[tuple[Any, float]]]:
        """Answer many queries of `most_similar` in one call, which gensim has not; a list of keys is a query a key.

        Parameters
        ----------
        positive : sequence
            One entry a query, each of them what `most_similar` takes.
        negative : sequence, optional
            As many entries; None where a query has no negative keys.
        topn : int
        restrict_vocab : int, optional
            Search only the first rows.

        Returns
        -------
        list of list of (key, float)
            The answers of the queries, in their order.

        Raises
        ------
        KeyError
            A key is unknown.
        ValueError
            There is not one entry of `negative` for each of `positive`.
        """
        if negative is not None and len(negative) != len(positive):
            raise ValueError(f"{len(negative)} negative entries for {len(positive)} queries; expected one for each")
        topn = whole("topn", topn)
        queries = [_weighted(*terms) for terms in zip(positive, negative or [None] * len(positive), strict=True)]
        given = [self._given(terms) for terms, _ in queries]
        units = [[(self._unit(term), weight) for term, weight in zip(*query, strict=True)] for query in queries]
        most = max(map(len, given), default=0)
        found = self.word_vectors.most_similar_batch(units, None, topn + most if topn >= 1 else 0, restrict_vocab)
        return [
            [(self._key_of(name), score) for name, score in answer if name not in own][: max(topn, 0)]
            for answer, own in zip(found, given, strict=True)
        ]

    def most_similar_cosmul(
        self, positive: Any = None, negative: Any = None, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Any:
        """Find keys by 3CosMul (Levy & Goldberg 2014); see `WordVectors.most_similar_cosmul`.

        Parameters
        ----------
        positive, negative : key, vector, or list of these
        topn : int or None
            None returns the scores of all keys as an array.
        restrict_vocab : int, optional
            Search only the first rows.

        Returns
        -------
        list of (str, float), or (n,) float32
        """
        topn = whole_or_none("topn", topn)
        above, below = _weighted(positive, None)[0], _weighted(negative, None)[0]
        given = self._given(above + below)
        wanted = len(self) if topn is None else max(topn, 0) + len(given)
        up, down = [self._unit(term) for term in above], [self._unit(term) for term in below]
        found = self.word_vectors.most_similar_cosmul(up, down, wanted, restrict_vocab)
        if topn is None:
            scores = dict(found)
            return np.array([scores[name] for name in self._names[:restrict_vocab]], REAL)
        return [(self._key_of(name), score) for name, score in found if name not in given][: max(topn, 0)]

    def similar_by_key(self, key: Any, topn: int | None = 10, restrict_vocab: int | None = None) -> Any:
        """Find the neighbours of a key."""
        return self.most_similar([key], topn=topn, restrict_vocab=restrict_vocab)

    similar_by_word = similar_by_key

    def similar_by_vector(self, vector: np.ndarray, topn: int | None = 10, restrict_vocab: int | None = None) -> Any:
        """Find the keys closest to a vector, (d,)."""
        return self.most_similar([np.asarray(vector, REAL)], topn=topn, restrict_vocab=restrict_vocab)

    def most_similar_to_given(self, key1: Any, keys_list: Sequence[Any]) -> Any:
        """Return the key of the list that is most similar to `key1`."""
        return max(keys_list, key=lambda key: self.similarity(key1, key))

    def similarity(self, w1: Any, w2: Any) -> float:
        """Return the cosine of two keys."""
        first, second = self.get_index(w1), self.get_index(w2)
        return 1.0 if first == second else self.n_similarity([first], [second])

    def distance(self, w1: Any, w2: Any) -> float:
        """Return 1 − cosine of two keys."""
        return 1 - self.similarity(w1, w2)

    def distances(self, word_or_vector: Any, other_words: Sequence[Any] = ()) -> np.ndarray:
        """Return 1 − cosine to each of the words, by default to all: (n,) float32."""
        return self.word_vectors.distances(word_or_vector, other_words)

    def n_similarity(self, ws1: Sequence[Any], ws2: Sequence[Any]) -> float:
        """Return the cosine of the means of two lists of keys; a ZeroDivisionError if one is empty."""
        if not (len(ws1) and len(ws2)):
            raise ZeroDivisionError("a list of words is empty; expected one or more in both")
        return self.word_vectors.n_similarity(ws1, ws2)

    def relative_cosine_similarity(self, wa: Any, wb: Any, topn: int = 10) -> float:
        """Return the cosine of two keys over the sum of those of the `topn` neighbours of the first."""
        return self.similarity(wa, wb) / sum(score for _, score in self.similar_by_key(wa, whole("topn", topn, 1)))

    def closer_than(self, key1: Any, key2: Any) -> list[str]:
        """Return the keys that are closer to `key1` than `key2` is."""
        return self.word_vectors.closer_than(key1, key2)

    words_closer_than = closer_than

    def rank(self, key1: Any, key2: Any) -> int:
        """Return the rank of `key2` among the neighbours of `key1`."""
        return self.word_vectors.rank(key1, key2)

    def doesnt_match(self, words: Sequence[Any]) -> Any:
        """Return the word farthest from the mean of all."""
        names = self._names
        texts = [word if isinstance(word, str) else names[self.get_index(word)] for word in words]
        return self._key_of(self.word_vectors.doesnt_match(texts))

    def rank_by_centrality(self, words: Sequence[str], use_norm: bool = True) -> list[tuple[float, str]]:
        """Return products with the mean of the words, and the words, largest first; unknown words are skipped."""
        known = [word for word in words if word in self]
        if not known:
            raise ValueError("cannot select a word from an empty list")
        mean = self.get_mean_vector(known, pre_normalize=use_norm, post_normalize=True)
        vectors = self.word_vectors.unit_vectors(known) if use_norm else self[known]
        return sorted(zip((vectors @ mean).tolist(), known, strict=True), reverse=True)

    @staticmethod
    def cosine_similarities(vector_1: np.ndarray, vectors_all: np.ndarray) -> np.ndarray:
        """Return the cosines of a vector, (d,), with each row of a matrix, (n, d)."""
        lengths = np.linalg.norm(vectors_all, axis=1) * np.linalg.norm(vector_1)
        cosines: np.ndarray = vectors_all @ vector_1 / lengths
        return cosines

    def wmdistance(self, document1: Sequence[str], document2: Sequence[str], norm: bool = True) -> float:
        """Return Word Mover's Distance between two lists of words; see `word_movers_distance`."""
        from embeddings.vectors.word_movers import word_movers_distance

        return word_movers_distance(self.word_vectors, document1, document2, normalize=norm)

    # --------------------------------------------------------------------------------------------------- evaluation

    def evaluate_word_analogies(
        self,
        analogies: str | os.PathLike[str],
        restrict_vocab: int = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
        similarity_function: str = "most_similar",
    ) -> tuple[float, list[dict[str, Any]]]:
        """Compute the accuracy on a file of analogies.

        Parameters
        ----------
        analogies : path
            In the form of ``questions-words.txt``.
        restrict_vocab : int
            Use only the first words.
        case_insensitive : bool
            Compare upper-case forms.
        dummy4unknown : bool
            Count questions with unknown words as wrong.
        similarity_function : {"most_similar", "most_similar_cosmul"}

        Returns
        -------
        accuracy : float
        sections : list of dict
            ``section``, ``correct`` and ``incorrect`` questions; the last is the total.
        """
        from embeddings.evaluation import read_analogies
        from embeddings.evaluation.analogies import answered
        from embeddings.evaluation.known_words import fold

        require_there("analogies", analogies, "the file of a set")
        methods = {"most_similar": "3CosAdd", "most_similar_cosmul": "3CosMul"}
        if similarity_function not in methods:
            raise ValueError(f"similarity_function is {similarity_function!r}; expected one of {', '.join(methods)}")
        questions = read_analogies(analogies)
        method = methods[similarity_function]
        answerable, correct = answered(self.word_vectors, questions, method, restrict_vocab, case_insensitive)
        sections: list[dict[str, Any]] = []
        first = 0
        for name, asked in questions.sections.items():
            section: dict[str, Any] = {"section": name, "correct": [], "incorrect": []}
            for place, question in enumerate(asked, first):
                if answerable[place] or dummy4unknown:
                    words = tuple(fold(word, case_insensitive) for word in question)
                    section["correct" if correct[place] else "incorrect"].append(words)
            first += len(asked)
            sections.append(section)
        total = {what: [words for part in sections for words in part[what]] for what in ("correct", "incorrect")}
        sections.append({"section": "Total accuracy", **total})
        right, wrong = len(total["correct"]), len(total["incorrect"])
        score = right / (right + wrong) if right + wrong else 0.0
        logger.info("Total accuracy: %.1f%% (%i/%i)", 100 * score, right, right + wrong)
        return score, sections

    def evaluate_word_pairs(
        self,
        pairs: str | os.PathLike[str],
        delimiter: str = "\t",
        encoding: str = "utf8",
        restrict_vocab: int = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
    ) -> tuple[Any, Any, float]:
        """Compute correlations of cosines with human scores.

        Parameters
        ----------
        pairs : path
            Lines of two words and a score.
        delimiter : str
            Not needed: tabs, commas and spaces are recognized.
        encoding : str
            "utf8"; convert other files.
        restrict_vocab : int
            Use only the first words.
        case_insensitive : bool
            Compare upper-case forms.
        dummy4unknown : bool
            Give pairs with unknown words the cosine 0; otherwise they are skipped.

        Returns
        -------
        pearson, spearman : results of scipy.stats, (correlation, p value)
        oov_ratio : float
            Per cent of the pairs that have an unknown word.
        """
        from scipy import stats

        from embeddings.evaluation import read_word_pairs
        from embeddings.evaluation.similarity import pair_cosines

        require_there("pairs", pairs, "the file of a set")
        asked = read_word_pairs(pairs)
        cosines, known = pair_cosines(self.word_vectors, asked, restrict_vocab, case_insensitive)
        used = known | dummy4unknown
        x, y = np.asarray(asked.scores)[used], cosines[used]
        if len(x) < 2:
            raise ValueError(f"{len(x)} pairs of {pairs} have two known words; expected at least 2")
        oov = 100 * float(1 - known.mean())
        pearson, spearman = stats.pearsonr(x, y), stats.spearmanr(x, y)
        logger.info("Pearson %.4f, Spearman %.4f, pairs with unknown words: %.1f%%", pearson[0], spearman[0], oov)
        return pearson, spearman, oov

    # -------------------------------------------------------------------------------------------------------- files

    def save(self, fname: str | os.PathLike[str], **kwargs: Any) -> None:
        """Write a directory that `load` and `vecmill.load` open; gensim's options about pickles have no meaning.

        Where a file is, write a file, which `load` opens.
        """
        about = {"vector_size": self.vector_size, **self._saved_keys()}
        saved.write(fname, _KIND, self.word_vectors, about, self.attributes())

    def _saved_keys(self) -> dict[str, list[Any]]:
        """Return what tells the keys from the words of a model directory: nothing, as they are the same."""
        return {}

    @classmethod
    def load(cls, fname: str | os.PathLike[str], mmap: str | None = None) -> Self:
        """Open a directory of `save`, or vectors in any format that `vecmill.load` reads.

        Those with n-grams are `FastTextKeyedVectors`; tags of documents that are numbers stay numbers.

        Parameters
        ----------
        fname : path
        mmap : str, optional
            "r" maps the vectors of a directory, which then cannot be changed; "c" and None read them.

        Returns
        -------
        KeyedVectors

        Raises
        ------
        VecmillError
            There are no vectors, or it is a pickle of gensim. (Also a FileNotFoundError if there is nothing.)
        ValueError
            `mmap` is another mode: changes of the arrays are not written to the files.
        """
        saved.require_mode(mmap)
        saved.require_no_pickle(fname)
        with saved.unpacked(fname) as place:
            vectors, keys = formats.read(place), saved.read_keys(place, _KIND)
            kv = cast(Self, _kind_for(vectors, keys, cls).of(vectors))
            if keys is not None:
                kv.set_keys(keys)
            if mmap == "r":
                kv.vectors = vectors.matrix
            if place.is_dir():
                kv.set_attributes(saved.read_attributes(place))
        return kv

    def attributes(self) -> dict[str, np.ndarray]:
        """Return what `save` writes beside vectors and counts."""
        return {"vectors_lockf": self.vectors_lockf, **{k: v for k, v in self.expandos.items() if k != "count"}}

    def set_attributes(self, attributes: dict[str, np.ndarray]) -> None:
        """Set what `save` has written beside vectors and counts."""
        attributes = dict(attributes)
        self.vectors_lockf = attributes.pop("vectors_lockf", self.vectors_lockf)
        self.expandos.update(attributes)

    def save_word2vec_format(
        self,
        fname: str | os.PathLike[str],
        fvocab: str | os.PathLike[str] | None = None,
        binary: bool = False,
        total_vec: int | None = None,
        write_header: bool = True,
        prefix: str = "",
        append: bool = False,
        sort_attr: str = "count",
    ) -> None:
        """Write a file of word2vec, with the most frequent words first.

        Parameters
        ----------
        fname : path
        fvocab : path, optional
            Also write lines ``word count`` there.
        binary : bool
            The binary format; otherwise text.
        total_vec : int, optional
            Not used: the header states the number of words.
        write_header : bool
            Text may be written without its first line.
        prefix : str
            Put before every word.
        append : bool
            Not supported.
        sort_attr : str
            The attribute by which words are sorted.

        Raises
        ------
        ValueError
            `append`, or a binary file without a header.
        """
        require_place("fname", fname)
        if append or (binary and not write_header):
            raise ValueError("append=True and a binary file without header are not supported; write a file of its own")
        values = self.expandos.get(sort_attr)
        order = np.arange(len(self)) if values is None else np.argsort(-values, kind="stable")
        names = self._names
        words = [prefix + names[row] for row in order]
        counts = self.expandos.get("count", np.zeros(len(self), np.int64))[order]
        if fvocab is not None:
            lines = (f"{word} {count}\n" for word, count in zip(words, counts.tolist(), strict=True))
            with atomic_file(fvocab) as file:
                file.write("".join(lines).encode())
        vectors = WordVectors(Vocabulary.from_words(words), np.asarray(self.vectors[order], REAL))
        logger.info("storing %sx%s projection weights into %s", len(self), self.vector_size, fname)
        formats.write(vectors, fname, "word2vec-binary" if binary else "word2vec-text" if write_header else "glove")

    @classmethod
    def load_word2vec_format(
        cls,
        fname: str | os.PathLike[str],
        fvocab: str | os.PathLike[str] | None = None,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
        limit: int | None = None,
        datatype: Any = REAL,
        no_header: bool = False,
    ) -> "KeyedVectors":
        """Read a file of word2vec.

        Parameters
        ----------
        fname : path
        fvocab : path, optional
            Lines ``word count``.
        binary : bool
            The binary format; otherwise text.
        encoding : str
            Of the words.
        unicode_errors : {"strict", "replace", "ignore"}
            What becomes of bytes of another encoding.
        limit : int, optional
            Read only the first words.
        datatype : dtype
            Of the vectors.
        no_header : bool
            Text without its first line, as GloVe writes it.

        Returns
        -------
        KeyedVectors

        Raises
        ------
        NothingThereError
            There is no file. (Also a FileNotFoundError.)
        EOFError
            The file ends before the words that its header states. (Also a VecmillError.)
        UnicodeDecodeError
            A word is not of the encoding.
        """
        return _load_word2vec_format(
            KeyedVectors, fname, fvocab, binary, encoding, unicode_errors, limit, datatype, no_header=no_header
        )

    def intersect_word2vec_format(
        self,
        fname: str | os.PathLike[str],
        lockf: float = 0.0,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
    ) -> None:
        """Take the vectors of known words from a file of word2vec.

        Parameters
        ----------
        fname : path
        lockf : float
            Their `vectors_lockf`: 0 locks them.
        binary : bool
            The binary format; otherwise text.
        encoding : str
            Of the words.
        unicode_errors : {"strict", "replace", "ignore"}
            What becomes of bytes of another encoding.

        Raises
        ------
        ValueError
            The vectors have another dimension.
        """
        other = self.load_word2vec_format(fname, None, binary, encoding, unicode_errors)
        if other.vector_size != self.vector_size:
            raise ValueError(f"{fname} has {other.vector_size} dimensions; expected {self.vector_size}")
        common = [key for key in other.index_to_key if key in self]
        if len(self.vectors_lockf) != len(self):
            self.vectors_lockf = np.ones(len(self), REAL)
        if common:
            self[common] = other[common]
        self.vectors_lockf[[self.key_to_index[key] for key in common]] = lockf
        logger.info("merged %d vectors from %s", len(common), fname)

    def _given(self, terms: Sequence[Any]) -> set[str]:
        """Return the names of the keys that are terms of a query, and have a row."""
        rows = [self.get_index(term, -1) for term in terms if not isinstance(term, np.ndarray)]
        return {self._names[row] for row in rows if row >= 0}

    @property
    def _names(self) -> list[str]:
        """The keys as words of `word_vectors`."""
        return self.index_to_key

    def _key_of(self, name: str) -> Any:
        """Return the key of a word of `word_vectors`."""
        return name

    def _unit(self, term: Any) -> np.ndarray:
        """Return the unit vector of a key; a vector unchanged."""
        return term if isinstance(term, np.ndarray) else self.get_vector(term, norm=True)


Word2VecKeyedVectors = Doc2VecKeyedVectors = EuclideanKeyedVectors = KeyedVectors  # names of gensim 3, kept in 4


def _weighted(positive: Any, negative: Any) -> tuple[list[Any], list[float]]:
    """Return the terms of a query and their weights."""
    pairs = [
        with_weight(term, weight) for terms, weight in ((positive, 1.0), (negative, -1.0)) for term in as_terms(terms)
    ]
    return [term for term, _ in pairs], [weight for _, weight in pairs]


def _kind_for(vectors: WordVectors, keys: list[Any] | None, wanted: type[KeyedVectors]) -> type[KeyedVectors]:
    """Return the class that holds all of some vectors: n-grams, and keys that are numbers."""
    if wanted is not KeyedVectors:
        return wanted
    from vecmill import gensim  # loads its modules, which stand on this one, when they are asked for

    if keys is not None:
        return gensim.doc2vec.DocumentKeyedVectors
    if vectors.subwords is not None:
        return gensim.FastTextKeyedVectors
    return KeyedVectors


def _load_word2vec_format(
    cls: type[KeyedVectors],
    fname: str | os.PathLike[str],
    fvocab: str | os.PathLike[str] | None = None,
    binary: bool = False,
    encoding: str = "utf8",
    unicode_errors: str = "strict",
    limit: int | None = None,
    datatype: Any = REAL,
    no_header: bool = False,
    binary_chunk_size: int | None = None,
) -> KeyedVectors:
    """Read a file of word2vec; see `KeyedVectors.load_word2vec_format`."""
    require_there("fname", fname, "a file of word2vec")
    if not np.issubdtype(datatype, np.floating):
        raise ValueError(f"datatype is {datatype!r}; expected one of floats, such as numpy.float32")
    name = "word2vec-binary" if binary else "glove" if no_header else "word2vec-text"
    logger.info("loading projection weights from %s", fname)
    try:
        vectors = formats.read(fname, name, encoding=encoding, errors=unicode_errors, counts=fvocab, limit=limit)
    except EmbeddingsError as error:
        if isinstance(error.__context__, UnicodeDecodeError):
            raise error.__context__ from error
        if "looks like word2vec-" in str(error):
            raise type(error)(f"{error}: give binary={not binary}") from error
        raise
    kv = cls.of(vectors, datatype)
    if "count" not in kv.expandos:  # as gensim: falling from the first word to the last, so that their order is kept
        kv.expandos["count"] = np.arange(len(kv), 0, -1)
    return kv


def random_rows(number: int, dimension: int, seed: int) -> np.ndarray:
    """Return small random vectors, (number, dimension) float32: what training begins with."""
    random: np.ndarray = np.random.default_rng(seed).random((number, dimension), REAL)
    return (2 * random - 1) / REAL(dimension)


def pseudorandom_weak_vector(size: int, seed_string: str | None = None, hashfxn: Any = hash) -> np.ndarray:
    """Return a small random vector, (size,) float32; the same one for the same text."""
    seed = None if seed_string is None else hashfxn(seed_string) & 0xFFFFFFFF
    random = np.random.default_rng(seed).random(size, REAL)
    vector: np.ndarray = (random - REAL(0.5)) / REAL(size)
    return vector
