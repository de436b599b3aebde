"""Scores of sentences by hierarchical softmax: those of the definition, with probabilities that sum to 1."""

import numpy as np
import pytest

from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.word_vectors import WordVectors
from embeddings.word2vec.huffman import huffman_paths
from embeddings.word2vec.sentence_scores import sentence_log_probabilities

WORDS = ["a", "b", "c", "d", "e", "f"]


@pytest.fixture(scope="module")
def vectors():
    matrix, context = np.random.default_rng(2).standard_normal((2, 6, 4)).astype(np.float32)
    return WordVectors(Vocabulary.from_words(WORDS, [20, 9, 7, 3, 2, 1]), matrix, context)


def log_probability(vectors, word, hidden):
    """log p(word | hidden), node by node from the root."""
    paths = huffman_paths(vectors.vocabulary.counts)
    total = 0.0
    for place in range(paths.offsets[word], paths.offsets[word + 1]):
        score = float(vectors.context[paths.nodes[place]].astype(float) @ hidden)
        share = 1 / (1 + np.exp(-score))
        total += np.log(share if paths.labels[0, place] == 1 else 1 - share)
    return total


def reference(vectors, sentence, window, skip_gram, mean):
    ids = [WORDS.index(word) for word in sentence if word in WORDS]
    total = 0.0
    for place, word in enumerate(ids):
        around = ids[max(0, place - window) : place] + ids[place + 1 : place + 1 + window]
        rows = [vectors.matrix[other].astype(float) for other in around]
        if skip_gram:
            total += sum(log_probability(vectors, word, row) for row in rows)
        elif rows:
            total += log_probability(vectors, word, sum(rows) / (len(rows) if mean else 1))
    return total


def test_the_probabilities_of_all_words_sum_to_1(vectors):
    shares = [np.exp(log_probability(vectors, word, vectors.matrix[0])) for word in range(6)]
    assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize(("skip_gram", "mean"), [(True, True), (False, True), (False, False)])
@pytest.mark.parametrize("window", [1, 3])
def test_scores_are_those_of_the_definition(vectors, skip_gram, mean, window):
    sentences = [["a", "b", "unknown", "a", "c", "f"], ["d"], [], ["e", "e"]]
    expected = [reference(vectors, sentence, window, skip_gram, mean) for sentence in sentences]
    found = sentence_log_probabilities(
        vectors, vectors.context, sentences, window=window, skip_gram=skip_gram, mean=mean
    )
    assert found == pytest.approx(np.array(expected), rel=1e-5)
