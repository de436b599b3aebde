"""Deterministic training with threads: the same vectors, bit for bit, for any number of threads.

The blocks of the corpus are trained in rounds of `WORKERS` blocks. In a round a *virtual worker* trains each block on
a private copy of the few rows that the block uses; then the changes of all workers are summed in the order of blocks:

1. draw the tokens that subsampling keeps, and a set of noise words; copy the rows of E and C of these words
2. train the block on the copy with the kernel of Hogwild threads; draw negatives from the set of noise words
3. when all workers have finished, add their changes to E and C

Steps 1 and 2 read E and C and write only data of the worker; step 3 computes every row independently. So the
assignment of blocks to threads has no effect, and the result is a function of the seed, the epoch and the block.
Threads wait for each other twice per round. A copy fits into a core's cache, where the kernel runs faster than on the
whole matrices, which compensates for most of the copying.
"""

import threading
from collections import deque
from collections.abc import Callable

import numpy as np

from embeddings.block_queue import Work
from embeddings.compilation import read_only
from embeddings.text.encoded_corpus import EncodedCorpus
from embeddings.word2vec import kernel_arguments as kernels
from embeddings.word2vec.architectures import KERNELS
from embeddings.word2vec.blocks import BlockTable
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.hogwild import empty_block, open_block
from embeddings.word2vec.replicas import (
    copied_extensions,
    copied_parameters,
    make_copies,
    make_owners,
    merge,
    take_block,
)

WORKERS = 8
"""Blocks per round, for any number of threads; more threads than this are not used."""

_BLOCK_TOKENS = 2000  # in larger blocks frequent words lag behind; in smaller ones copying takes longer than training
_FEWEST_BLOCK_TOKENS = 50
_FEWEST_ROUNDS = 250  # of an epoch: a short text would change the matrices too seldom
_TOKENS_PER_NOISE_WORD = 20  # for each of the K negatives: 500 noise words for 2,000 tokens and K = 5
_MOST_NOISE_WORDS = 10_000
_SMALLEST = 1e-30  # no change: 0 / 0


def block_tokens(corpus: EncodedCorpus) -> int:
    """Return the number of tokens of a block, which depends on the length of the text alone."""
    return max(_FEWEST_BLOCK_TOKENS, min(_BLOCK_TOKENS, corpus.token_count // (WORKERS * _FEWEST_ROUNDS)))


class Rounds:
    """Trains blocks round by round.

    Parameters
    ----------
    config : Word2VecConfig
    corpus : EncodedCorpus
    parameters : kernels.Parameters
        Matrices to train.
    extensions : kernels.Extensions
        Position weights are trained.
    blocks : BlockTable
        All blocks to train.
    """

    def __init__(
        self,
        config: Word2VecConfig,
        corpus: EncodedCorpus,
        parameters: kernels.Parameters,
        extensions: kernels.Extensions,
        blocks: BlockTable,
    ) -> None:
        self.threads = min(config.thread_count, WORKERS)
        self._extensions = extensions
        self._corpus, self._parameters, self._negative = corpus, parameters, config.noise_words
        self._kernel = KERNELS[config.architecture]
        tokens = int(blocks.tokens.max(initial=1))
        sentences = int((blocks.last_sentence - blocks.first_sentence).max(initial=1))
        self._copies = make_copies(parameters, extensions, WORKERS, tokens, sentences, self._noise_words(tokens))
        weights = extensions.position_weights
        self._weight_changes = np.zeros((WORKERS, *(() if weights is None else weights.shape)), np.float32)
        self._owners = make_owners(parameters, self._copies)
        width = parameters.embedding.shape[1]
        self._scratches = [
            kernels.scratch(width, tokens, config.window, self._negative, extensions) for _ in range(self.threads)
        ]
        self._places = [np.full(len(parameters.embedding), -1, np.int32) for _ in range(self.threads)]

    def compile(self, step: kernels.Step) -> None:
        """Compile the kernels with an empty block, so that training time excludes compilation."""
        self.train_block(0, 0, empty_block(self._corpus), step)
        self.merge(0, 0)

    def start(self, work: Work, blocks: BlockTable, step: Callable[[int], kernels.Step]) -> Callable[[], None]:
        """Return the function for each of the `threads` threads; it trains blocks until none is left."""

        def train(worker: int, thread: int, number: int) -> tuple[float, int]:
            return self.train_block(worker, thread, open_block(self._corpus, blocks, number), step(number))

        return _Team(self.threads, work, blocks.tokens, train, self.merge).run

    def train_block(self, worker: int, thread: int, block: kernels.Block, step: kernels.Step) -> tuple[float, int]:
        """Train a block on a worker's copy; return the sum of losses and the number of examples."""
        copies, (subwords, paths, weights) = self._copies, self._extensions
        noise, place = self._noise_words(block.last - block.first), self._places[thread]
        tokens, state = take_block(block, self._parameters, subwords, paths, copies, worker, noise, place, step.state)
        sentences = block.last_sentence - block.first_sentence
        ids, offsets = read_only(copies.tokens[worker]), read_only(copies.offsets[worker])
        copied = kernels.Block(ids, offsets, 0, sentences, 0, tokens)
        on_copy, own = copied_parameters(copies, worker, noise), copied_extensions(self._extensions, copies, worker)
        drawn = step._replace(state=np.uint64(state))
        result: tuple[float, int] = self._kernel(copied, on_copy, drawn, self._scratches[thread], *own)
        if weights is not None and own.position_weights is not None:
            self._weight_changes[worker] = own.position_weights - weights
        return result

    def merge(self, blocks: int, thread: int) -> None:
        """Add the changes of the first `blocks` workers to the rows of E and C that a thread owns."""
        merge(self._parameters, self._copies, self._owners, blocks, thread, self.threads)
        weights = self._extensions.position_weights
        if thread == 0 and weights is not None:
            weights += merged(self._weight_changes[:blocks])

    def _noise_words(self, tokens: int) -> int:
        wanted = self._negative * max(1, tokens // _TOKENS_PER_NOISE_WORD)
        return min(wanted, max(_MOST_NOISE_WORDS, self._negative))


def merged(changes: np.ndarray) -> np.ndarray:
    """Return the sum of the changes of rows that all workers changed; where they agree, less than it, as `merge` does.

    Parameters
    ----------
    changes : (W, rows, d) float32

    Returns
    -------
    (rows, d) float32
    """
    total = changes.sum(axis=0)
    squares, square = np.square(changes).sum(axis=(0, 2)), np.square(total).sum(axis=1)
    diversity = squares / np.maximum(np.maximum(square, squares), _SMALLEST)
    result: np.ndarray = total * diversity[:, None].astype(np.float32)
    return result


class _Team:
    """Threads that run the rounds in step.

    Parameters
    ----------
    threads : int
    work : Work
    tokens : (n,) int64
        Tokens of every block.
    train : callable
        Takes a worker, a thread and a block; trains the block on the worker's copy; returns loss and examples.
    merge : callable
        Takes the number of blocks of this round and a thread; adds the changes to the rows that the thread owns.
    """

    def __init__(
        self,
        threads: int,
        work: Work,
        tokens: np.ndarray,
        train: Callable[[int, int, int], tuple[float, int]],
        merge: Callable[[int, int], None],
    ) -> None:
        self._work, self._tokens, self._train, self._merge = work, tokens, train, merge
        self._numbers = deque(range(threads))  # of the threads
        self._round = range(0)  # blocks
        self._results: list[tuple[float, int]] = []
        self._turns: deque[int] = deque()  # workers whose block has not begun yet
        self._ready = threading.Barrier(threads, self._next_round)
        self._trained = threading.Barrier(threads)

    def run(self) -> None:
        """Train rounds until no block is left; every thread runs this."""
        thread = self._numbers.popleft()
        try:
            while True:
                self._ready.wait()
                if not self._round:
                    return
                self._train_share(thread)
                self._trained.wait()
                self._merge(len(self._round), thread)
        except threading.BrokenBarrierError:
            return  # another thread has failed and raises its error
        except BaseException:
            self._ready.abort()
            self._trained.abort()
            raise

    def _train_share(self, thread: int) -> None:
        while True:
            try:
                worker = self._turns.popleft()
            except IndexError:
                return
            self._results[worker] = self._train(worker, thread, self._round[worker])

    def _next_round(self) -> None:
        """Add the results of the last round in the order of its blocks, and take the next blocks."""
        for (loss, examples), number in zip(self._results, self._round, strict=True):
            self._work.add(loss, examples, int(self._tokens[number]))
        self._work.hand_out(len(self._round))
        self._round = self._work.ahead(WORKERS)
        self._results = [(0.0, 0)] * len(self._round)
        self._turns.extend(range(len(self._round)))
