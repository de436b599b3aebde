"""Log-probabilities of sentences by a model with hierarchical softmax (Taddy 2015)."""

from collections.abc import Sequence

import numpy as np

from embeddings.compilation import read_only
from embeddings.errors import EmbeddingsError
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec import kernel_arguments as kernels
from embeddings.word2vec import padded_matrices as matrices
from embeddings.word2vec.architectures import KERNELS
from embeddings.word2vec.config import Word2VecConfig
from embeddings.word2vec.huffman import huffman_paths
from vecmill.arguments import require_list, require_words


class SentenceScorer:
    """Scores sentences by -log p summed over their words, each predicted as in training.

    Skip-gram sums log p(word | neighbour) over all pairs within the window, CBOW log p(word | mean of the neighbours)
    over all words, like gensim's ``Word2Vec.score``. Words outside of the vocabulary are left out.

    Parameters
    ----------
    vectors : WordVectors
        Trained with hierarchical softmax.

    Raises
    ------
    EmbeddingsError
        They were trained with negative sampling, whose scores are no probabilities, or with position weights.
    """

    def __init__(self, vectors: WordVectors) -> None:
        if vectors.nodes is None:
            raise EmbeddingsError(
                "sentences can be scored with hierarchical softmax only, and these vectors have no tree: they were "
                "trained without it (--hierarchical-softmax), or a conversion to other files left it out"
            )
        config = Word2VecConfig.from_dict(vectors.training_settings)
        if config.position_weights:
            raise EmbeddingsError("sentences cannot be scored with position weights, which a model does not keep")
        self._config, self._vectors = config, vectors
        words = len(vectors)
        self._parameters = kernels.Parameters(
            embedding=matrices.padded(vectors.matrix),
            context=matrices.padded(vectors.nodes),
            keep=np.full(words, 2**32 - 1, np.uint32),
            alias_threshold=np.zeros(words, np.uint32),
            alias_word=np.zeros(words, np.int32),
        )
        self._paths = huffman_paths(vectors.vocabulary.counts)
        self._kernel = KERNELS[config.architecture]

    def score(self, sentences: Sequence[Sequence[str]]) -> np.ndarray:
        """Return log p of every sentence.

        Parameters
        ----------
        sentences : sequence of sequence of str
            n lists of tokens.

        Returns
        -------
        (n,) float64
            In nats; 0 for a sentence without two known words.
        """
        require_list(sentences)
        known = [self._ids(sentence) for sentence in sentences]
        lengths = [len(row) for row in known]
        tokens, offsets = read_only(np.concatenate([*known, np.empty(0, np.int32)])), read_only(_offsets(lengths))
        step = self._step()
        scratch = kernels.scratch(
            self._parameters.embedding.shape[1],
            max([1, *lengths]),
            step.window,
            0,
            kernels.Extensions(paths=self._paths),
        )
        scores = np.zeros(len(sentences))
        for i in range(len(sentences)):
            block = kernels.Block(tokens, offsets, i, i + 1, int(offsets[i]), int(offsets[i + 1]))
            loss, _ = self._kernel(block, self._parameters, step, scratch, None, self._paths, None)
            scores[i] = 0.0 - loss  # and not -0
        return scores

    def _ids(self, sentence: Sequence[str]) -> np.ndarray:
        """Return the ids of the known words of a sentence, (n,) int32."""
        require_words(sentence)
        ids = self._vectors.vocabulary.ids(map(self._vectors.normalized, sentence), missing=-1)
        return ids[ids >= 0]

    def _step(self) -> kernels.Step:
        """Return the settings by which the loss of every word is measured and nothing is trained."""
        return kernels.Step(
            window=self._config.window,
            dynamic_window=False,
            negative=0,
            share_negatives=True,
            mean=self._config.cbow_mean,
            weighted=0,
            learning_rate=0.0,
            loss_interval=1,
            state=np.uint64(1),
        )


def _offsets(lengths: Sequence[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
