"""From words to the input vectors x<t> of a network: e_w = E o_w, and vectors of a word's ending and shape beside it.

The vector of a word is the concatenation of rows of several tables::

    x = [ E[word] ; S_k[last k characters] for each k ; F[shape] ]

where a shape says whether the word is capitalised, all capitals, holds digits or a hyphen (Collobert et al. 2011 use
such features of the spelling).  A word that is neither in the training text nor in E is ``<unk>``, whose vector is
learned from words that came once (Lample et al. 2016): such a word is replaced by it in half of the batches, unless
it has a trained vector.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.networks.batching import pad_sequences
from embeddings.networks.embedding import Embedding, RepeatedVectors
from embeddings.networks.initial_embedding import initial_embedding, random_embedding
from embeddings.networks.parameters import Parameter, Parameters
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.word_vectors import WordVectors

UNKNOWN = "<unk>"
DEFAULT_DIMENSION = 100
REPLACED = 0.5
"""Share of the batches in which a word that came once, and has no trained vector, is ``<unk>``."""
RAREST_ENDING = 3
"""Endings of fewer distinct words of the training text share one vector."""


@dataclass(frozen=True, kw_only=True)
class WordInputsConfig:
    """Which tables make up the vector of a word.

    Attributes
    ----------
    dimension
        d, columns of E; None takes that of the vectors given, or 100. Vectors of another dimension are projected.
    frozen
        Leave E as it is.
    endings
        Lengths k of the endings that have vectors; none by default.
    ending_dimension
        Columns of each table of endings.
    shape_dimension
        Columns of the table of shapes; 0 for no such table.
    """

    dimension: int | None = None
    frozen: bool = False
    endings: tuple[int, ...] = ()
    ending_dimension: int = 20
    shape_dimension: int = 0

    def __post_init__(self) -> None:
        if (self.dimension is not None and self.dimension < 1) or self.ending_dimension < 1 or self.shape_dimension < 0:
            raise ValueError("dimensions must be at least 1 (shape_dimension: 0)")
        if any(length < 1 for length in self.endings):
            raise ValueError(f"endings {self.endings}: expected numbers of characters, at least 1")


@dataclass(frozen=True)
class EncodedSequences:
    """Sequences of words as numbers.

    Attributes
    ----------
    ids : list[np.ndarray]
        A (T,) int64 a sequence: the distinct words, numbered as they came.
    features : np.ndarray
        (U, tables) int64: the rows of each distinct word in the tables.
    """

    ids: list[np.ndarray]
    features: np.ndarray

    def chosen(self, numbers: np.ndarray) -> "EncodedSequences":
        """Return some of the sequences, by their numbers."""
        return EncodedSequences([self.ids[number] for number in numbers], self.features)

    def batch(self, sequences: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lay some of the ``ids`` side by side.

        Returns
        -------
        features : np.ndarray
            (u, tables): of the distinct words of the batch.
        index : np.ndarray
            (T, B): which of them comes where.
        lengths : np.ndarray
            (B,)
        """
        padded, lengths = pad_sequences(sequences)
        distinct, index = np.unique(padded, return_inverse=True)
        return self.features[distinct], index.reshape(padded.shape), lengths


class WordInputs:
    """The tables: looks words up, and passes gradients on to them.

    Parameters
    ----------
    text
        Sequences of words that the network will be trained on.
    config
        Which tables.
    vectors
        Trained vectors E; all its words can be read then, also those that training does not meet.  Without them E
        starts at random.
    rng
        Draws what is not given.
    dtype
        float32, or float64 for gradient checks.

    Attributes
    ----------
    parameters, trainable : Parameters
        The tables, and those that are not frozen.
    size : int
        Columns of all tables together.
    missing_share : float
        Share of the text, in words, that has no trained vector; 1 without ``vectors``.

    Raises
    ------
    EmbeddingsError
        If no word of the text is among the ``vectors``, or one of them is not finite.
    """

    def __init__(
        self,
        text: Iterable[Sequence[str]],
        config: WordInputsConfig | None = None,
        *,
        vectors: WordVectors | None = None,
        rng: np.random.Generator,
        dtype: type = np.float32,
    ):
        self.config = config = config or WordInputsConfig()
        forms = Counter(word for sequence in text for word in sequence)
        self._has_vector = frozenset(vectors.words) if vectors is not None else frozenset()
        E = self._read_words(forms, vectors, rng)
        self._endings = [_frequent_endings(forms, length) for length in config.endings]
        spelled = [random_embedding(rng, len(endings) + 1, config.ending_dimension) for endings in self._endings] + (
            [random_embedding(rng, SHAPES, config.shape_dimension)] if config.shape_dimension else []
        )
        self._tables = [Embedding(Parameter(table.astype(dtype))) for table in (E, *spelled)]
        names = ["word", *(f"ending{length}" for length in config.endings), "shape"]
        self.parameters: Parameters = {
            f"inputs.{name}": table.weight for name, table in zip(names, self._tables, strict=False)
        }
        first = 1 if config.frozen else 0
        self.trainable = dict(list(self.parameters.items())[first:])
        self._ends = np.cumsum([table.weight.value.shape[1] for table in self._tables])
        self.size = int(self._ends[-1])
        self._looked_up: list[RepeatedVectors] = []

    def _read_words(self, forms: Counter[str], vectors: WordVectors | None, rng: np.random.Generator) -> np.ndarray:
        """Number the words of the text and of ``vectors``; return E."""
        counts: Counter[str] = Counter()
        for form, count in forms.items():
            counts[self._spelling(form)] += count
        del counts[UNKNOWN]
        total = sum(counts.values())
        lost = sum(count for word, count in counts.items() if word not in self._has_vector)
        self.missing_share = lost / total if total else 0.0
        if vectors is not None and lost == total:
            raise EmbeddingsError(
                f"none of the {len(counts):,} words of the text is among the {len(vectors):,} of the embeddings (text: "
                f"{', '.join(list(counts)[:3])}; embeddings: {', '.join(vectors.words[:3])}); "
                "take vectors of the same language"
            )
        seen = [word for word, _ in counts.most_common()]
        more = [word for word in vectors.words if word not in counts] if vectors is not None else []
        words = [UNKNOWN, *seen, *more]
        self._row = {word: row for row, word in enumerate(words)}
        self._rare = np.zeros(len(words), bool)
        self._rare[[self._row[word] for word in seen if counts[word] == 1 and word not in self._has_vector]] = True
        if vectors is None:
            return random_embedding(rng, len(words), self.config.dimension or DEFAULT_DIMENSION)
        vocabulary = Vocabulary.from_words(words, [1, *(counts[word] for word in words[1:])])
        return initial_embedding(vocabulary, vectors, self.config.dimension or vectors.dimension, rng)[0]

    def _spelling(self, word: str) -> str:
        """Return the word as E spells it: as it stands, else in lower case."""
        return word if word in self._has_vector else word.lower()

    def encode(self, sequences: Iterable[Sequence[str]]) -> EncodedSequences:
        """Turn words into numbers; words that are not known are ``<unk>``."""
        forms: dict[str, int] = {}
        ids = [np.array([forms.setdefault(word, len(forms)) for word in seq], np.int64) for seq in sequences]
        columns = [[self._row.get(self._spelling(word), 0) for word in forms]]
        for length, endings in zip(self.config.endings, self._endings, strict=True):
            columns.append([endings.get(word[-length:].lower(), 0) for word in forms])
        if self.config.shape_dimension:
            columns.append([_shape(word) for word in forms])
        return EncodedSequences(ids, np.array(columns, np.int64).T)

    def forward(
        self, features: np.ndarray, index: np.ndarray, rng: np.random.Generator | None = None
    ) -> RepeatedVectors:
        """Look up the vectors of a batch.

        Parameters
        ----------
        features, index
            As `EncodedSequences.batch` returns them.
        rng
            Draws the rare words that are replaced by ``<unk>``; none in evaluation.
        """
        if rng is not None:
            replaced = self._rare[features[:, 0]] & (rng.random(len(features)) < REPLACED)
            features = features.copy()
            features[replaced, 0] = 0
        self._looked_up = [table.forward(column) for table, column in zip(self._tables, features.T, strict=True)]
        return RepeatedVectors(np.concatenate([found.dense() for found in self._looked_up], axis=1), index)

    def backward(self, d_vectors: np.ndarray) -> None:
        """Add the gradients of the tables that are trained, given that of the last `forward`'s vectors (u, size)."""
        parts = np.split(d_vectors, self._ends[:-1], axis=1)
        for number, (table, found, part) in enumerate(zip(self._tables, self._looked_up, parts, strict=True)):
            if number or not self.config.frozen:
                table.backward(found.summed(part))


SHAPES = 16


def _shape(word: str) -> int:
    """Number the shape of a word: four yes or no questions."""
    capital, capitals = word[:1].isupper(), len(word) > 1 and word.isupper()
    return capital + 2 * capitals + 4 * any(map(str.isdigit, word)) + 8 * ("-" in word)


def _frequent_endings(forms: Counter[str], length: int) -> dict[str, int]:
    """Number the endings that several distinct words share, from 1 on; 0 stands for the others."""
    counts = Counter(word[-length:] for word in {form.lower() for form in forms})
    return {ending: i for i, ending in enumerate((e for e, n in counts.most_common() if n >= RAREST_ENDING), 1)}
