"""GloVe as the paper has it: float64, one loop inside the other.

The oracle of `embeddings.glove.kernels`, pair by pair in the same order.
"""

import numpy as np


def cooccurrences(sentences, vocabulary_size, window):
    """X(w, c): the sum of 1 / distance over all pairs at most `window` apart."""
    X = np.zeros((vocabulary_size, vocabulary_size))
    for sentence in sentences:
        for i, word in enumerate(sentence):
            for j, context in enumerate(sentence):
                if 1 <= abs(i - j) <= window:
                    X[word, context] += 1 / abs(i - j)
    return X


def weight(count, x_max, alpha):
    """f(X), equation 9."""
    return (count / x_max) ** alpha if count < x_max else 1.0


def loss(w, c, b, b_context, count, x_max, alpha):
    """Half a term of equation 8."""
    return weight(count, x_max, alpha) * (w @ c + b + b_context - np.log(count)) ** 2 / 2


def gradients(w, c, b, b_context, count, x_max, alpha):
    """Derivatives of `loss` with respect to w, c and each of the biases."""
    slope = weight(count, x_max, alpha) * (w @ c + b + b_context - np.log(count))
    return slope * c, slope * w, slope


class Reference:
    """W, C (V, d), b, b̃ (V,) and AdaGrad's sums of the squares of steps, which begin at 1."""

    def __init__(self, W, C, b, b_context, *, learning_rate, x_max=100.0, alpha=0.75):
        self.W, self.C, self.b, self.b_context = (np.array(part, np.float64) for part in (W, C, b, b_context))
        self.squares = [np.ones_like(part) for part in (self.W, self.C, self.b, self.b_context)]
        self.learning_rate, self.x_max, self.alpha = learning_rate, x_max, alpha
        self.loss, self.examples = 0.0, 0

    def train(self, pairs):
        """Train (word, context, count) in both directions, a word beside itself in one."""
        for word, context, count in pairs:
            self.step(word, context, count)
            if word != context:
                self.step(context, word, count)

    def step(self, word, context, count):
        terms = self.W[word], self.C[context], self.b[word], self.b_context[context], count, self.x_max, self.alpha
        self.loss += loss(*terms)
        self.examples += 1
        for_w, for_c, for_bias = gradients(*terms)
        steps = self.learning_rate * for_w, self.learning_rate * for_c, for_bias, for_bias
        parameters = self.W, self.C, self.b, self.b_context
        for parameter, squares, row, size in zip(
            parameters, self.squares, (word, context, word, context), steps, strict=True
        ):
            parameter[row] -= size / np.sqrt(squares[row])
            squares[row] += size**2
