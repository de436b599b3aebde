"""Threads that update the same matrices without locks (Hogwild; Recht et al. 2011)."""

import threading
from collections import deque
from collections.abc import Callable

import numpy as np

from embeddings.block_queue import Work
from embeddings.text.encoded_corpus import EncodedCorpus
from embeddings.word2vec import kernel_arguments as kernels
from embeddings.word2vec.architectures import KERNELS
from embeddings.word2vec.blocks import BlockTable
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.document_architectures import DOCUMENT_KERNELS
from embeddings.word2vec.huffman import top_nodes


class Hogwild:
    """Trains blocks in place; each thread takes the next block of the queue.

    Parameters
    ----------
    config : Word2VecConfig
    corpus : EncodedCorpus
    parameters : kernels.Parameters
        Matrices to train.
    extensions : kernels.Extensions
        Position weights are trained.
    block_tokens : int
        Tokens of the longest block.
    """

    def __init__(
        self,
        config: Word2VecConfig,
        corpus: EncodedCorpus,
        parameters: kernels.Parameters,
        extensions: kernels.Extensions,
        block_tokens: int,
    ) -> None:
        self.threads = config.thread_count
        self._config, self._corpus, self._block_tokens = config, corpus, block_tokens
        self._parameters, self._extensions = parameters, extensions
        self._kernel = {**KERNELS, **DOCUMENT_KERNELS}[config.kernel]
        self._first_documents = _first_rows(config, corpus, parameters)
        self._whole_weights = threading.Lock()

    def compile(self, step: kernels.Step) -> None:
        """Compile the kernel by training an empty block, so that training time excludes compilation."""
        self._train(empty_block(self._corpus), step, self._scratch())

    def start(self, work: Work, blocks: BlockTable, step: Callable[[int], kernels.Step]) -> Callable[[], None]:
        """Return the function for each of the `threads` threads; it trains blocks until none is left."""
        numbers = deque(range(self.threads))

        def run() -> None:
            scratch, top = self._scratch(), self._top_nodes(numbers.popleft())
            while (number := work.next()) is not None:
                block = open_block(self._corpus, blocks, number)
                block = block._replace(first_document=self._first_documents[blocks.shard[number]])
                loss, examples = self._train(block, step(number)._replace(top=top), scratch)
                work.add(loss, examples, block.last - block.first)

        return run

    def _train(self, block: kernels.Block, step: kernels.Step, scratch: kernels.Scratch) -> tuple[float, int]:
        """Train a block; its changes of the few position weights, which all threads use, come at its end."""
        shared = self._extensions.position_weights
        if shared is None:
            result: tuple[float, int] = self._kernel(block, self._parameters, step, scratch, *self._extensions)
            return result
        with self._whole_weights:
            before = shared.copy()
        own = self._extensions._replace(position_weights=before.copy())
        result = self._kernel(block, self._parameters, step, scratch, *own)
        with self._whole_weights:
            shared += own.position_weights - before
        return result

    def _top_nodes(self, thread: int) -> kernels.TopNodes:
        """Return the top nodes of the tree and where in C a thread trains them."""
        if self._extensions.paths is None:
            return kernels.TopNodes()
        nodes, number = top_nodes(self._extensions.paths)
        rows = len(self._parameters.context) - 2 * number * self.threads
        return kernels.TopNodes(nodes, number, rows + 2 * number * thread)

    def _scratch(self) -> kernels.Scratch:
        width, config = self._parameters.embedding.shape[1], self._config
        return kernels.scratch(width, self._block_tokens, config.window, config.noise_words, self._extensions)


def _first_rows(config: Word2VecConfig, corpus: EncodedCorpus, parameters: kernels.Parameters) -> list[int]:
    """Return the row of E of the first sentence of each shard, where sentences are documents, else 0."""
    if not config.trains_documents:
        return [0] * len(corpus.shards)
    sentences = [len(shard.offsets) - 1 for shard in corpus.shards]
    first = np.cumsum([len(parameters.keep), *sentences[:-1]])
    rows: list[int] = first.tolist()
    return rows


def open_block(corpus: EncodedCorpus, blocks: BlockTable, number: int) -> kernels.Block:
    """Return a block with the ids of its shard."""
    shard, first_sentence, last_sentence, first, last = (int(column[number]) for column in blocks)
    ids, offsets = corpus.shards[shard]
    return kernels.Block(ids, offsets, first_sentence, last_sentence, first, last)


def empty_block(corpus: EncodedCorpus) -> kernels.Block:
    """Return a block without tokens."""
    return kernels.Block(*corpus.shards[0], 0, 0, 0, 0)
