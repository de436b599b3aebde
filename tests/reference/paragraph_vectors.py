"""PV-DM and PV-DBOW as the equations have them: float64, one loop inside the other (Le & Mikolov 2014).

The oracle of `embeddings.word2vec.document_architectures`; it draws from the same random stream.
"""

import numpy as np

from embeddings.word2vec.kernel_arguments import NO_EXTENSIONS
from tests.reference.word2vec import RandomStream, Reference

SPAN = 4
MASK = 2**64 - 1


class ParagraphVectors(Reference):
    """E, with a row for each document after those of the words, and C."""

    def window_of(self, position, n):
        if self.step.window == 0:
            if self.step.dynamic_window:
                self.random.bits()
            return []
        return self.window(position, n)

    def rows_and_share(self, window, tokens):
        rows = [tokens[i] for i in window]
        return rows, 1 / (len(rows) + 1) if self.step.mean else 1.0

    def train(self, documents, first_document):
        for number, words in enumerate(documents):
            tokens, document = self.subsample(words), first_document + number
            for first in range(0, len(tokens), SPAN):
                self.train_span(tokens, range(first, min(first + SPAN, len(tokens))), document)

    def train_span(self, tokens, positions, document):
        """The hidden vectors of a few words first, then one gradient step a word, then the input rows."""
        hidden, changes = [], []
        for position in positions:
            negatives = self.negatives() if self.step.negative else []
            rows, share = self.rows_and_share(self.window_of(position, len(tokens)), tokens)
            rows = [*rows, document]
            hidden.append((rows, share, share * self.E[rows].sum(axis=0), negatives))
        for position, (rows, share, h, negatives) in zip(positions, hidden, strict=True):
            if self.is_measured():
                self.measure(h, tokens[position], negatives)
            changes.append((rows, share * self.step_of(h, tokens[position], negatives)))
        for rows, change in changes:
            for row in rows:
                self.E[row] += change

    def step_of(self, h, word, negatives):
        """One gradient step of C for a hidden vector; return what is to be added to it."""
        words, labels, counts = self.outputs(word, negatives)
        gradient, change = self.gradient(self.C[words] @ h, labels, counts), np.zeros_like(h)
        for output, g in zip(words, gradient, strict=True):
            change += g * self.C[output]
            self.C[output] += g * h
        return change


def infer(parameters, step, document, dimension, epochs, last_rate, extensions=NO_EXTENSIONS):
    """Return the vector of a new document; the words' vectors stay."""
    state = 0xCBF29CE484222325 ^ int(step.state)
    for word in document:
        state = (state ^ word) * 0x100000001B3 & MASK
    state = (state ^ state >> 31) | 1
    oracle = ParagraphVectors(parameters, step, extensions)
    oracle.random = RandomStream(state)
    x = np.array([((oracle.random.bits() >> 40) / 2**24 - 0.5) / dimension for _ in range(dimension)])
    E, C = oracle.E[:, :dimension], oracle.C[:, :dimension]
    for epoch in range(epochs):
        oracle.step = step._replace(
            learning_rate=step.learning_rate + (last_rate - step.learning_rate) * epoch / epochs
        )
        tokens = oracle.subsample(document)
        following = oracle.negatives() if step.negative else []
        for first in range(0, len(tokens), SPAN):
            negatives, following = following, oracle.negatives() if step.negative else []
            change = np.zeros(dimension)
            for position in range(first, min(first + SPAN, len(tokens))):
                window = oracle.window_of(position, len(tokens)) if step.window or not step.negative else []
                rows, share = oracle.rows_and_share(window, tokens)
                hidden = share * (E[rows].sum(axis=0) + x)
                words, labels, counts = oracle.outputs(tokens[position], negatives)
                change += share * oracle.gradient(C[words] @ hidden, labels, counts) @ C[words]
            x = x + change
    return x
