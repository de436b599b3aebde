"""Input vectors x<t> of a network: e_w = E o_w, beside vectors for the ending and the shape of the word.

The vector of a word is the concatenation of rows of several tables::

    x = [ E[word] ; S_k[last k characters] for each k ; F[shape] ]

where a shape says whether the word is capitalised, is all capitals, has a digit, or has a hyphen (Collobert et al. 2011
use such spelling features). A word that is neither in the training text nor in E is ``<unk>``. Its vector is learned
from words that occur once (Lample et al. 2016): unless such a word has a trained vector, ``<unk>`` replaces it in half
of the batches.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.networks.batching import pad_sequences
from embeddings.networks.embedding import Embedding, RepeatedVectors
from embeddings.networks.initial_embedding import Spelling, initial_embedding, random_embedding
from embeddings.networks.parameters import Parameter, Parameters
from embeddings.setting_types import require_setting_types
from embeddings.text.vocabulary import UNK, Vocabulary
from embeddings.vectors.word_vectors import WordVectors

DEFAULT_DIMENSION = 100
UNKNOWN_RATE = 0.5
"""Probability with which ``<unk>`` replaces a word that occurs once and has no trained vector, in each batch."""
MIN_ENDING_COUNT = 3
"""Endings that fewer distinct words of the training text have share one vector."""


@dataclass(frozen=True, kw_only=True)
class WordInputsConfig:
    """Tables that make up the vector of a word.

    Attributes
    ----------
    dimension : int, optional
        d, columns of E; None takes the dimension of the given vectors, or 100. Vectors of another dimension are
        projected.
    freeze_embedding : bool
        Do not train E.
    endings : tuple[int, ...]
        Lengths k, in characters, of the endings that have vectors; none by default.
    ending_dimension : int
        Columns of each table of endings.
    shape_dimension : int
        Columns of the table of shapes; 0 omits the table.
    """

    dimension: int | None = None
    freeze_embedding: bool = False
    endings: tuple[int, ...] = ()
    ending_dimension: int = 20
    shape_dimension: int = 0

    def __post_init__(self) -> None:
        require_setting_types(self)
        if (self.dimension is not None and self.dimension < 1) or self.ending_dimension < 1 or self.shape_dimension < 0:
            raise ValueError("dimensions must be at least 1 (shape_dimension: 0)")
        if any(length < 1 for length in self.endings):
            raise ValueError(f"endings {self.endings}: expected numbers of characters, at least 1")


@dataclass(frozen=True)
class EncodedSequences:
    """Sequences of words as numbers.

    Attributes
    ----------
    ids : list of (T,) int64
        One array per sequence; distinct words are numbered in the order in which they first occur.
    features : (U, tables) int64
        Row of each of the U distinct words in each table.
    """

    ids: list[np.ndarray]
    features: np.ndarray

    def chosen(self, numbers: np.ndarray) -> "EncodedSequences":
        """Return the sequences with the given numbers."""
        return EncodedSequences([self.ids[number] for number in numbers], self.features)

    def batch(self, sequences: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pad some elements of `ids` and lay them side by side.

        Parameters
        ----------
        sequences : sequence of (T,) int64
            Elements of `ids`, or parts of them.

        Returns
        -------
        features : (u, tables) int64
            Rows in the tables of the u distinct words of the batch.
        index : (T, B) int64
            Row of `features` at each step of each sequence.
        lengths : (B,) int64
            Words of each sequence.
        """
        padded, lengths = pad_sequences(sequences)
        distinct, index = np.unique(padded, return_inverse=True)
        return self.features[distinct], index.reshape(padded.shape), lengths


class WordInputs:
    """Look-up tables of word vectors, endings and shapes, with their gradients.

    Parameters
    ----------
    text : iterable of sequence of str
        Sequences of words that the network will be trained on.
    config : WordInputsConfig, optional
        Choice of the tables.
    vectors : WordVectors, optional
        Trained vectors E; the network then knows all of their words, also those that do not occur in training.
        Without them E is initialised at random.
    rng : np.random.Generator
        Draws the initial values.
    dtype : type
        float32, or float64 for gradient checks.

    Attributes
    ----------
    parameters, trainable_parameters : Parameters
        All tables, and those that are not frozen.
    size : int
        Columns of all tables together.
    missing_share : float
        Fraction of the words of the text that have no trained vector; 1 without `vectors`.

    Raises
    ------
    EmbeddingsError
        No word of the text is among the `vectors`, or one of the vectors is not finite.
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
        self._spelling = str.lower if vectors is None else Spelling(vectors)
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
        first = 1 if config.freeze_embedding else 0
        self.trainable_parameters = dict(list(self.parameters.items())[first:])
        self._ends = np.cumsum([table.weight.value.shape[1] for table in self._tables])
        self.size = int(self._ends[-1])
        self._looked_up: list[RepeatedVectors] = []

    def _read_words(self, forms: Counter[str], vectors: WordVectors | None, rng: np.random.Generator) -> np.ndarray:
        """Number the words of the text and of `vectors`; return E, (V, d)."""
        counts: Counter[str] = Counter()
        for form, count in forms.items():
            counts[self._spelling(form)] += count
        del counts[UNK]
        if vectors is not None and vectors.subwords is not None:
            by_ngrams = vectors.subwords.know(list(counts))
            self._has_vector |= {word for word, is_known in zip(counts, by_ngrams, strict=True) if is_known}
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
        words = [UNK, *seen, *more]
        self._row = {word: row for row, word in enumerate(words)}
        self._rare = np.zeros(len(words), bool)
        self._rare[[self._row[word] for word in seen if counts[word] == 1 and word not in self._has_vector]] = True
        if vectors is None:
            return random_embedding(rng, len(words), self.config.dimension or DEFAULT_DIMENSION)
        vocabulary = Vocabulary.from_words(words, [1, *(counts[word] for word in words[1:])])
        return initial_embedding(vocabulary, vectors, self.config.dimension or vectors.dimension, rng)[0]

    def encode(self, sequences: Iterable[Sequence[str]]) -> EncodedSequences:
        """Turn words into numbers; unknown words become ``<unk>``."""
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
        features : (u, tables) int64
            As `EncodedSequences.batch` returns it.
        index : (T, B) int64
            As `EncodedSequences.batch` returns it.
        rng : np.random.Generator, optional
            Draws the rare words that ``<unk>`` replaces; without it (evaluation) no word is replaced.

        Returns
        -------
        RepeatedVectors
            Vectors (u, size) of the distinct words, and their index (T, B).
        """
        if rng is not None:
            replaced = self._rare[features[:, 0]] & (rng.random(len(features)) < UNKNOWN_RATE)
            features = features.copy()
            features[replaced, 0] = 0
        self._looked_up = [table.forward(column) for table, column in zip(self._tables, features.T, strict=True)]
        return RepeatedVectors(np.concatenate([found.dense() for found in self._looked_up], axis=1), index)

    def backward(self, d_vectors: np.ndarray) -> None:
        """Add to the gradients of the trained tables, given ∂L/∂(vectors of the last `forward`), (u, size)."""
        parts = np.split(d_vectors, self._ends[:-1], axis=1)
        for number, (table, found, part) in enumerate(zip(self._tables, self._looked_up, parts, strict=True)):
            if number or not self.config.freeze_embedding:
                table.backward(found.summed(part))


SHAPES = 16


def _shape(word: str) -> int:
    """Return the number of a word's shape, 0 to 15: one bit for each of four features."""
    capital, capitals = word[:1].isupper(), len(word) > 1 and word.isupper()
    return capital + 2 * capitals + 4 * any(map(str.isdigit, word)) + 8 * ("-" in word)


def _frequent_endings(forms: Counter[str], length: int) -> dict[str, int]:
    """Number the endings that at least `MIN_ENDING_COUNT` distinct words share, from 1; 0 stands for the others."""
    counts = Counter(word[-length:] for word in {form.lower() for form in forms})
    return {ending: i for i, ending in enumerate((e for e, n in counts.most_common() if n >= MIN_ENDING_COUNT), 1)}
