"""Word vectors as the starting point of a network: aligned with its vocabulary, projected to its dimension, scaled.

Skip-gram vectors have any length and a large common mean; a network whose output weights are tied to them would start
with huge logits. The rows that are found are therefore centred and scaled to a fixed root mean square. Where dimensions
differ they are projected: to fewer dimensions on the principal components, to more by a random isometry, which keeps
all angles and leaves the new dimensions to be learned.
"""

import logging
from dataclasses import dataclass, field

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.networks.initializers import orthogonal
from embeddings.text.tokenizer.character_tables import case_and_digit_folding
from embeddings.text.vocabulary import EOS, UNK, Vocabulary
from embeddings.vectors.word_vectors import WordVectors

logger = logging.getLogger(__name__)

RANDOM_STD = 0.1
"""Standard deviation of random entries of E."""
TRAINED_STD = 0.3
"""Root mean square of trained vectors, and of random ones beside them; the first steps would swamp smaller ones."""
_SHOWN = 8


@dataclass(frozen=True)
class Alignment:
    """The words of a network that have a vector in E.

    Attributes
    ----------
    rows : (V,) int64
        Row of E for each word, -1 for none.
    missing : list of str
        Words without a vector, the most frequent first.
    missing_share : float
        Their share of the tokens of the training text.
    by_ngrams : dict of int to str
        Words that E does not have, but that have a vector by their n-grams, as E would spell them; by their number.
    """

    rows: np.ndarray
    missing: list[str]
    missing_share: float
    by_ngrams: dict[int, str] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [word for word in self.missing if any(map(str.isalnum, word)) and word not in (UNK, EOS)]
        some = ", ".join(words[:_SHOWN]) + (", ..." if len(words) > _SHOWN else "")
        found = f"{len(self.rows) - len(self.missing):,} of {len(self.rows):,} words have a trained vector"
        if self.by_ngrams:
            found += f" ({len(self.by_ngrams):,} by their n-grams)"
        if not self.missing:
            return found
        return f"{found}; the others, {self.missing_share:.1%} of the text, start at random{': ' if some else ''}{some}"


class Spelling:
    """Spells a word as the training text of E had it.

    The word stays as it is if E has it. Else its digits become 0 if all digits in E are, and if E does not have that
    word either, it is converted to lower case.

    Parameters
    ----------
    vectors : WordVectors
        E.
    """

    def __init__(self, vectors: WordVectors) -> None:
        self._known = frozenset(vectors.words)
        digits = {character for character in set("".join(vectors.words)) if character.isdecimal()}
        self._folding = case_and_digit_folding(False, True) if digits == {"0"} else {}

    def __call__(self, word: str) -> str:
        """Return the word as E has it, or as E would have it."""
        folded = word.translate(self._folding)
        return word if word in self._known else folded if folded in self._known else folded.lower()


def align(vocabulary: Vocabulary, vectors: WordVectors) -> Alignment:
    """Find the vector of each word: under the same spelling, else under that of `Spelling`, else by its n-grams.

    Parameters
    ----------
    vocabulary : Vocabulary
        That of the network.
    vectors : WordVectors
        Trained word vectors.

    Returns
    -------
    Alignment

    Raises
    ------
    EmbeddingsError
        No word has a vector.
    """
    spelled = list(map(Spelling(vectors), vocabulary.words))
    rows = vectors.vocabulary.ids(spelled, missing=-1).astype(np.int64)
    lost = np.flatnonzero(rows < 0)
    by_ngrams = _by_ngrams(vectors, {number: spelled[number] for number in lost.tolist()})
    lost = np.setdiff1d(lost, list(by_ngrams))
    if len(lost) == len(rows):
        raise EmbeddingsError(
            f"none of the {len(rows):,} words of the text is among the {len(vectors):,} of the embeddings "
            f"(text: {', '.join(vocabulary.words[:3])}; embeddings: {', '.join(vectors.words[:3])}); "
            "train them on the same language with the same tokenizer"
        )
    share = float(vocabulary.counts[lost].sum() / max(1, vocabulary.counts.sum()))
    return Alignment(rows, [vocabulary.words[i] for i in lost.tolist()], share, by_ngrams)


def _by_ngrams(vectors: WordVectors, words: dict[int, str]) -> dict[int, str]:
    """Return the words that have a vector by their n-grams."""
    if vectors.subwords is None:
        return {}
    known = vectors.subwords.know(list(words.values()))
    pairs = zip(words.items(), known, strict=True)
    return {number: word for (number, word), is_known in pairs if is_known and word not in (UNK, EOS)}


def random_embedding(rng: np.random.Generator, words: int, dimension: int, std: float = RANDOM_STD) -> np.ndarray:
    """Draw an embedding matrix (V, d) float64 from N(0, std²)."""
    return rng.normal(0.0, std, (words, dimension))


def initial_embedding(
    vocabulary: Vocabulary, vectors: WordVectors, dimension: int, rng: np.random.Generator
) -> tuple[np.ndarray, Alignment]:
    """Make the embedding matrix of a language model from trained vectors.

    Parameters
    ----------
    vocabulary : Vocabulary
        That of the language model.
    vectors : WordVectors
        Trained word vectors of any dimension.
    dimension : int
        d of the language model.
    rng : Generator
        Draws the vectors of missing words, and the isometry.

    Returns
    -------
    E : (V, dimension) float64
    alignment : Alignment
        The words that have a trained vector.

    Raises
    ------
    EmbeddingsError
        No word is found, or a vector holds NaN or infinity.
    """
    alignment = align(vocabulary, vectors)
    found = np.flatnonzero(alignment.rows >= 0)
    known = np.asarray(vectors.matrix[alignment.rows[found]], np.float64)
    if alignment.by_ngrams:
        found = np.concatenate([found, np.array(list(alignment.by_ngrams))])
        known = np.concatenate([known, vectors[list(alignment.by_ngrams.values())]])
    if not np.isfinite(known).all():
        row = int(found[np.argmin(np.isfinite(known).all(axis=1))])
        word = vocabulary.words[row]
        raise EmbeddingsError(f"the vector of {word!r} holds NaN or infinity: train the embeddings again")
    known -= known.mean(axis=0)
    E = random_embedding(rng, len(vocabulary), dimension, TRAINED_STD)
    if dimension > vectors.dimension:
        known = known @ orthogonal(rng, (vectors.dimension, dimension))
    elif dimension < vectors.dimension:
        _, components = np.linalg.eigh(known.T @ known)
        known = known @ components[:, ::-1][:, :dimension]
    size = np.sqrt(np.mean(known**2))
    E[found] = known * (TRAINED_STD / size if size > 0 else 1.0)
    if dimension != vectors.dimension:
        logger.info("vectors are projected from %d to %d dimensions", vectors.dimension, dimension)
    logger.info("%s", alignment)
    return E, alignment
