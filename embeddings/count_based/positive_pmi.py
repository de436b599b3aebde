"""The count-based baseline: positive pointwise mutual information and a truncated singular value decomposition.

Skip-gram with k negative samples implicitly factorises the matrix PMI(w, c) − log k (Levy & Goldberg 2014,
"Neural Word Embedding as Implicit Matrix Factorization"). This module builds and factorises that matrix explicitly,
with the options of Levy, Goldberg & Dagan (2015), "Improving Distributional Similarity with Lessons Learned from Word
Embeddings".
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from embeddings.count_based.cooccurrence import Cooccurrences, window_weights
from embeddings.errors import EmbeddingsError
from embeddings.setting_types import require_setting_types
from embeddings.text.vocabulary import Vocabulary
from embeddings.training import Estimator, Pace, ProgressCallback, TrainingProgress
from embeddings.vectors.word_vectors import WordVectors
from vecmill.files import temporary_directory
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings.text.encoded_corpus import EncodedCorpus

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CountBasedConfig:
    """Settings of `CountBased`; section numbers are those of Levy, Goldberg & Dagan (2015).

    Attributes
    ----------
    dimension : int
        d, number of singular values kept.
    window : int
        Context words to each side.
    dynamic_window : bool
        Weight a context word at distance k by (window + 1 − k) / window (§3.1); otherwise every weight is 1.
    context_smoothing : float
        α: the context distribution is count^α (§3.2); 1 does not smooth it.
    shift : float
        k ≥ 1: subtract log k from every PMI (§3.2).
    eigenvalue_weighting : float
        p ≥ 0 in E = U Σ^p (§3.3).
    seed : int
        Seed of the initial vector of the decomposition.

    Raises
    ------
    ValueError
        A setting is out of its range.
    TypeError
        A setting has another type.
    """

    dimension: int = 100
    window: int = 5
    dynamic_window: bool = True
    context_smoothing: float = 0.75
    shift: float = 1.0
    eigenvalue_weighting: float = 0.5
    seed: int = 1

    def __post_init__(self) -> None:
        require_setting_types(self)
        lower_bounds = {
            "dimension": 1,
            "window": 1,
            "context_smoothing": 0,
            "shift": 1,
            "eigenvalue_weighting": 0,
            "seed": 0,
        }
        for name, bound in lower_bounds.items():
            value = getattr(self, name)
            if not bound <= value < float("inf"):
                raise ValueError(f"{name} is {value}; expected a number from {bound}")


class CountBased(Estimator):
    """Word vectors from co-occurrence counts.

    Parameters
    ----------
    config : CountBasedConfig, optional

    Attributes
    ----------
    vectors_ : WordVectors
        E = U Σ^p, and V Σ^p as context vectors, after `fit`. A word without a positive PMI has a zero vector.

    Examples
    --------
    >>> model = CountBased(CountBasedConfig(dimension=300)).fit(corpus, vocabulary)   # doctest: +SKIP
    >>> model.vectors_.most_similar("king")                                          # doctest: +SKIP
    """

    vectors_: WordVectors

    def __init__(self, config: CountBasedConfig | None = None) -> None:
        self.config = config or CountBasedConfig()

    def fit(self, corpus: "EncodedCorpus", vocabulary: Vocabulary, *, progress: ProgressCallback | None = None) -> Self:
        """Count co-occurrences, weight them and factorise the matrix.

        Parameters
        ----------
        corpus : EncodedCorpus
        vocabulary : Vocabulary
            The vocabulary that encoded the corpus.
        progress : callable, optional
            Called with a `TrainingProgress` of the counting: one epoch, with NaN as loss and learning rate.

        Returns
        -------
        CountBased
            Itself, with `vectors_`.

        Raises
        ------
        EmbeddingsError
            The vocabulary is another one or has no more words than `dimension`, or no entry of PMI is positive.
        """
        config = self.config
        from embeddings.text.encoded_corpus import require_encoded

        require_encoded(corpus, vocabulary)
        if config.dimension >= len(vocabulary):
            raise EmbeddingsError(
                f"dimension is {config.dimension} for {counted(len(vocabulary), 'word')}; "
                "expected fewer dimensions than words"
            )
        with temporary_directory() as directory:
            cooccurrences = Cooccurrences(
                corpus,
                len(vocabulary),
                weights=window_weights(config.window, dynamic=config.dynamic_window),
                directory=Path(directory),
                progress=_events(corpus.token_count, progress) if progress else None,
            )
            ppmi = positive_pmi(cooccurrences, config.context_smoothing, config.shift)
        logger.info("%d words, %d positive entries of PMI", len(vocabulary), ppmi.nnz)
        if ppmi.nnz == 0:
            raise EmbeddingsError("no two words occur together more often than by chance; is the corpus long enough?")
        words, contexts = factorize(ppmi, config.dimension, config.eigenvalue_weighting, config.seed)
        self.vectors_ = WordVectors(vocabulary, words, contexts)
        return self


def _events(total: int, progress: ProgressCallback) -> Callable[[int], None]:
    """Return a function of the number of tokens counted that reports it as a `TrainingProgress`."""
    pace = Pace(total)

    def report(done: int) -> None:
        pace.update(done)
        progress(
            TrainingProgress(
                epoch=1,
                epochs=1,
                done=done,
                total=total,
                unit="tokens",
                speed=pace.speed,
                loss=math.nan,
                learning_rate=math.nan,
                seconds_left=pace.seconds_left(done),
            )
        )

    return report


def positive_pmi(cooccurrences: Cooccurrences, context_smoothing: float = 0.75, shift: float = 1.0) -> sparse.csr_array:
    """Compute the matrix of max(0, PMI_α(w, c) − log k): Levy, Goldberg & Dagan (2015), equations 3 to 6.

    PMI_α(w, c) = log(#(w, c) Σ_c' #(c')^α / (#(w) #(c)^α)).

    Parameters
    ----------
    cooccurrences : Cooccurrences
    context_smoothing : float
        α.
    shift : float
        k.

    Returns
    -------
    (V, V) csr_array of float32
        Only positive entries are stored, 8 bytes each.
    """
    totals = cooccurrences.totals.astype(np.float64)
    smoothed = np.where(totals > 0, totals, 1.0) ** context_smoothing
    log_contexts = np.log(smoothed) - np.log(smoothed[totals > 0].sum() or 1.0) + np.log(shift)
    log_words = np.log(np.where(totals > 0, totals, 1.0))
    blocks = []
    for start, counts in cooccurrences.rows():
        row = np.repeat(np.arange(start, start + counts.shape[0]), np.diff(counts.indptr))
        pmi = np.log(counts.data) - log_words[row] - log_contexts[counts.indices]
        block = sparse.csr_array((np.maximum(pmi, 0).astype(np.float32), counts.indices, counts.indptr), counts.shape)
        block.eliminate_zeros()
        blocks.append(block)
    return sparse.vstack(blocks, format="csr")


def factorize(
    matrix: sparse.csr_array, dimension: int, eigenvalue_weighting: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the truncated singular value decomposition M ≈ U Σ Vᵀ, split into U Σ^p and V Σ^p.

    Parameters
    ----------
    matrix : (V, V) csr_array of float32
    dimension : int
        d < V.
    eigenvalue_weighting : float
        p.
    seed : int
        Seed of the initial vector.

    Returns
    -------
    words, contexts : (V, d) float32
        Columns by descending singular value; the arbitrary signs are chosen so that the entry of U with the largest
        magnitude in each column is positive.
    """
    start = np.random.default_rng(seed).standard_normal(matrix.shape[0]).astype(np.float32)
    U, singular_values, Vt = svds(matrix, k=dimension, v0=start)
    order = np.argsort(-singular_values)
    U, contexts = U[:, order], Vt[order].T
    signs = np.sign(U[np.abs(U).argmax(axis=0), np.arange(dimension)])
    weights = signs * np.maximum(singular_values[order], 0) ** eigenvalue_weighting
    return (U * weights).astype(np.float32), (contexts * weights).astype(np.float32)
