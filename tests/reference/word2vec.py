"""Skip-gram and CBOW with negative sampling as the equations have them: float64, one loop inside the other.

The oracle of `embeddings.word2vec.kernels`. It draws from the same random stream, so that results can be compared
number by number.
"""

import numpy as np

GROUP = 6
SPAN = 8


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def negative_sampling_loss(x, outputs, labels):
    """-Σ_k [y_k log σ(o_k·x) + (1 - y_k) log σ(-o_k·x)] for one input vector x and output rows o_k."""
    scores = outputs @ x
    return -np.sum(np.log(sigmoid(np.where(labels == 1, scores, -scores))))


class RandomStream:
    """xorshift64."""

    def __init__(self, state):
        self.state = state

    def bits(self):
        s = self.state
        s ^= s << 13 & 2**64 - 1
        s ^= s >> 7
        s ^= s << 17 & 2**64 - 1
        self.state = s
        return s

    def below(self, n):
        return (self.bits() >> 32) * n >> 32


class Reference:
    """E and C in float64, and the loops over sentences, positions and windows."""

    def __init__(self, E, C, keep, alias_threshold, alias_word, step):
        self.E, self.C = np.array(E, np.float64), np.array(C, np.float64)
        self.keep, self.alias_threshold, self.alias_word = keep, alias_threshold, alias_word
        self.step, self.random = step, RandomStream(int(step.state))
        self.loss, self.examples = 0.0, 0
        self.countdown = 1 + int(step.state) % step.loss_interval

    def subsample(self, sentence):
        return [word for word in sentence if self.random.bits() >> 32 <= self.keep[word]]

    def negatives(self):
        words = []
        for _ in range(self.step.negative):
            word = self.random.below(len(self.alias_word))
            if self.random.state & 2**32 - 1 >= self.alias_threshold[word]:
                word = self.alias_word[word]
            words.append(int(word))
        return words

    def window(self, position, n):
        reach = self.step.window
        if self.step.dynamic_window:
            reach -= self.random.below(self.step.window)
        return [i for i in range(max(0, position - reach), min(n, position + reach + 1)) if i != position]

    def groups(self, centre, negatives):
        """Output words, their labels and whether they count, six at a time."""
        words = [centre, *negatives]
        labels = np.array([1.0] + [0.0] * len(negatives))
        counts = np.array([True] + [word != centre for word in negatives])
        for k in range(0, len(words), GROUP):
            yield words[k : k + GROUP], labels[k : k + GROUP], counts[k : k + GROUP]

    def gradient(self, scores, labels, counts):
        return self.step.learning_rate * (labels - sigmoid(scores)) * counts

    def measure(self, x, centre, negatives):
        words = [centre] + [word for word in negatives if word != centre]
        labels = np.array([1] + [0] * (len(words) - 1))
        self.loss += negative_sampling_loss(x, self.C[words], labels)
        self.examples += 1

    def is_measured(self):
        self.countdown -= 1
        if self.countdown == 0:
            self.countdown = self.step.loss_interval
            return True
        return False

    def train_window(self, contexts, centre, negatives):
        E, C = self.E, self.C
        for words, labels, counts in self.groups(centre, negatives):
            G = self.gradient(E[contexts] @ C[words].T, labels, counts)
            change = np.zeros((len(words), C.shape[1]))
            for i, context in enumerate(contexts):
                change += np.outer(G[i], E[context])
                E[context] += G[i] @ C[words]
            for k, word in enumerate(words):
                C[word] += change[k]

    def skip_gram(self, sentences):
        for sentence in sentences:
            tokens = self.subsample(sentence)
            following = self.negatives()
            for position, centre in enumerate(tokens):
                contexts = [tokens[i] for i in self.window(position, len(tokens))]
                negatives, following = following, self.negatives()
                if self.is_measured():
                    for context in contexts:
                        self.measure(self.E[context], centre, negatives)
                if self.step.share_negatives:
                    self.train_window(contexts, centre, negatives)
                    continue
                for i, context in enumerate(contexts):
                    if i > 0:
                        negatives = self.negatives()
                    self.train_window([context], centre, negatives)

    def cbow(self, sentences):
        span = SPAN if self.step.share_negatives else 1
        for sentence in sentences:
            tokens = self.subsample(sentence)
            if len(tokens) < 2:
                continue
            following = self.negatives()
            for first in range(0, len(tokens), span):
                negatives, following = following, self.negatives()
                centres = tokens[first : first + span]
                windows = []
                for position in range(first, first + len(centres)):
                    windows.append([tokens[i] for i in self.window(position, len(tokens))])
                    if self.is_measured():
                        self.measure(self.hidden(windows[-1]), tokens[position], negatives)
                self.train_span(centres, windows, negatives)

    def hidden(self, contexts):
        return self.E[contexts].mean(axis=0) if self.step.mean else self.E[contexts].sum(axis=0)

    def train_span(self, centres, windows, negatives):
        C = self.C
        hidden = np.array([self.hidden(contexts) for contexts in windows])
        errors = np.zeros_like(hidden)
        groups = [list(self.groups(centre, negatives)) for centre in centres]
        for g in range(len(groups[0])):
            G = [
                self.gradient(C[words] @ hidden[i], labels, counts)
                for i, (words, labels, counts) in enumerate(group[g] for group in groups)
            ]
            old = C.copy()
            change = np.zeros_like(C)
            for i, group in enumerate(groups):
                for k, word in enumerate(group[g][0]):
                    if k == 0:  # its row is seen as the centres before it left it
                        errors[i] += G[i][k] * C[word]
                        C[word] += G[i][k] * hidden[i]
                    else:
                        errors[i] += G[i][k] * old[word]
                        change[word] += G[i][k] * hidden[i]
            C += change
        for contexts, error in zip(windows, errors, strict=True):
            for word in contexts:
                self.E[word] += error / len(contexts) if self.step.mean else error


def train_round(parameters, architecture, blocks, steps, noise):
    """One round of reproducible training: blocks from the same E and C, and their changes added up (`rounds`).

    `blocks` are lists of sentences, and `noise` is how many noise words each of them draws. Returns E, C and the
    (loss, examples) of every block.
    """
    results, changes = [], []
    for sentences, step in zip(blocks, steps, strict=True):
        draw = Reference(*parameters, step)
        kept = [draw.subsample(sentence) for sentence in sentences]
        draw.step = step._replace(negative=noise)
        words = draw.negatives()
        on_copy = step._replace(state=draw.random.state)
        worker = Reference(*parameters[:2], np.full_like(parameters.keep, 2**32 - 1), [0] * noise, words, on_copy)
        {"skip-gram": worker.skip_gram, "cbow": worker.cbow}[architecture](kept)
        results.append((worker.loss, worker.examples))
        tokens = {word for sentence in kept for word in sentence}
        changes.append((worker.E - draw.E, worker.C - draw.C, tokens, tokens | set(words)))
    E, C = np.array(parameters.embedding, np.float64), np.array(parameters.context, np.float64)
    for word in range(len(E)):
        E[word] += merged([change[word] for change, _, touched, _ in changes if word in touched], len(changes))
        C[word] += merged([change[word] for _, change, _, touched in changes if word in touched], len(changes))
    return E, C, results


def merged(changes, workers):
    """Sum of a row's changes, scaled by the diversity of the changes where most workers have one."""
    total = np.sum(changes, axis=0)
    squares, square = sum(change @ change for change in changes), np.sum(np.square(total))
    if len(changes) < 2 or square <= squares:
        return total
    kappa = ((len(changes) - 1) / (workers - 1)) ** 2
    return total * (1 - kappa * (1 - squares / square))
