"""One run of `GloVe.fit`: blocks of pairs and their order, initial parameters. The arithmetic is in `kernels`."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Any

import numpy as np

from embeddings.block_queue import Work
from embeddings.block_training import BlockTraining
from embeddings.glove import kernels
from embeddings.glove.config import GloVeConfig
from embeddings.glove.shuffled_pairs import ShuffledPairs
from embeddings.training import Checkpoints, ProgressCallback
from embeddings.word2vec import padded_matrices as matrices

BLOCK_PAIRS = 1 << 16
_ROWS_AT_A_TIME = 4096


class TrainingRun(BlockTraining):
    """Trains all parameters on shuffled pairs with threads that update the same rows without locks (Hogwild).

    A thread takes the next block of pairs; every epoch has its own order of the blocks, which depends on the seed
    alone. With one thread the result is deterministic.

    Parameters
    ----------
    config : GloVeConfig
    pairs : ShuffledPairs
    progress : callable, optional
        Called several times a second with a `TrainingProgress`.
    checkpoints : Checkpoints, optional

    Attributes
    ----------
    rows : (V, 4 · padded d + BIASES) float32
        All parameters; see `kernels`.
    metrics : list of dict
        See `GloVe`.
    """

    unit = "pairs"

    def __init__(
        self,
        config: GloVeConfig,
        pairs: ShuffledPairs,
        progress: ProgressCallback | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        blocks = -(-len(pairs.pairs) // BLOCK_PAIRS)
        super().__init__(config.epochs, blocks, len(pairs.pairs), progress, checkpoints)
        self.config = config
        self.rows = initial_rows(pairs.vocabulary_size, config.dimension, np.random.default_rng(config.seed))
        self._pairs = pairs.pairs

    @property
    def threads(self) -> int:
        """Number of threads that train."""
        return self.config.thread_count

    def compile(self) -> None:
        """Compile the kernel by training no pair, so that training time excludes compilation."""
        kernels.train_pairs(self._block(slice(0)), self.rows, self.config.learning_rate)

    def state(self) -> Mapping[str, np.ndarray]:
        """Return everything that the next step depends on, by its name in checkpoints."""
        return {"rows": self.rows}

    def _identity(self) -> dict[str, dict[str, Any]]:
        """Return settings and pairs; the number of threads may change."""
        settings = {name: value for name, value in asdict(self.config).items() if name != "threads"}
        return {"settings": settings, "pairs": {"text": self._text}}

    @cached_property
    def _text(self) -> str:
        """What tells the pairs from those of another text: how many they are, their counts together, the first ones."""
        total = self._pairs["count"].sum(dtype=np.float64)
        first = hashlib.sha256(self._pairs[:BLOCK_PAIRS].tobytes()).hexdigest()
        return f"{len(self._pairs)} pairs with counts of {total:.9g}, the first ones {first[:12]}"

    def _start(self, epoch: int, work: Work) -> Callable[[], None]:
        order = self._order(epoch)

        def run() -> None:
            while (number := work.next()) is not None:
                start = int(order[number]) * BLOCK_PAIRS
                block = self._block(slice(start, start + BLOCK_PAIRS))
                loss, examples = kernels.train_pairs(block, self.rows, self.config.learning_rate)
                work.add(loss, examples, len(block.words))

        return run

    def _block(self, part: slice) -> kernels.Pairs:
        """Return some of the pairs, with log X and f(X) = min(1, (X / x_max)^α) (Pennington et al. 2014, eq. 9)."""
        pairs = self._pairs[part]
        counts = np.ascontiguousarray(pairs["count"])
        weights = np.minimum(1, (counts / np.float32(self.config.x_max)) ** np.float32(self.config.alpha))
        words, contexts = np.ascontiguousarray(pairs["word"]), np.ascontiguousarray(pairs["context"])
        return kernels.Pairs(words, contexts, np.log(counts), weights.astype(np.float32))

    def _order(self, epoch: int) -> np.ndarray:
        return np.random.default_rng((self.config.seed, epoch)).permutation(self._block_count)

    def _units_before(self, epoch: int, position: int) -> int:
        whole = self._order(epoch)[:position]
        last = len(self._pairs) - (self._block_count - 1) * BLOCK_PAIRS
        return len(whole) * BLOCK_PAIRS - (BLOCK_PAIRS - last) * int(self._block_count - 1 in whole)

    def _rate_after(self, done: int) -> float:
        return self.config.learning_rate


def initial_rows(vocabulary_size: int, dimension: int, generator: np.random.Generator) -> np.ndarray:
    """Allocate all parameters: vectors and biases uniform in ±1/(2d), sums of squares 1, padding 0.

    Parameters
    ----------
    vocabulary_size : int
    dimension : int
    generator : np.random.Generator

    Returns
    -------
    (V, 4 · padded d + BIASES) float32
    """
    width = matrices.padded_dimension(dimension)
    rows = matrices.zeros(vocabulary_size, 4 * width + kernels.BIASES)
    for first in range(0, vocabulary_size, _ROWS_AT_A_TIME):
        part = rows[first : first + _ROWS_AT_A_TIME]
        drawn = (generator.random((len(part), 2 * dimension + 2), dtype=np.float32) - np.float32(0.5)) / dimension
        part[:, :dimension], part[:, width : width + dimension] = drawn[:, 2 : dimension + 2], drawn[:, dimension + 2 :]
        part[:, 4 * width : 4 * width + 2] = drawn[:, :2]
        part[:, 2 * width : 4 * width] = 1
        part[:, 4 * width + 2 : 4 * width + 4] = 1
    return rows


def summed_vectors(rows: np.ndarray, dimension: int) -> np.ndarray:
    """Return W + C of all words, (V, d) float32."""
    width = (rows.shape[1] - kernels.BIASES) // 4
    return rows[:, :dimension] + rows[:, width : width + dimension]
