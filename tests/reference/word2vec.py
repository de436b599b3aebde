"""Skip-gram and CBOW with both output layers as the equations have them: float64, one loop inside the other.

The oracle of `embeddings.word2vec.architectures`. It draws from the same random stream, so that results can be compared
number by number.
"""

import numpy as np

from embeddings.word2vec.kernel_arguments import Extensions

GROUP = 6
SPAN = 8


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def logistic_loss(x, outputs, labels):
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


class Sentence:
    """The input vectors of a sentence's tokens: rows of E, or with subwords means of rows, made when they are near."""

    def __init__(self, oracle, tokens):
        self.oracle, self.tokens, self.made, self.changed = oracle, tokens, 0, 0
        table = oracle.subwords
        self.rows_of = table and [table.rows[table.offsets[w] : table.offsets[w + 1]] for w in tokens]
        d = oracle.E.shape[1]
        self.X = oracle.E if self.rows_of is None else np.zeros((len(tokens), d))
        self.rows = tokens if self.rows_of is None else list(range(len(tokens)))
        self.before = self.X.copy()

    def make(self, last):
        """Make the vectors of the tokens before `last`."""
        last = min(last, len(self.tokens))
        for i in range(self.made, last) if self.rows_of else ():
            self.X[i] = self.oracle.E[self.rows_of[i]].mean(axis=0)
            self.before[i] = self.X[i]
        self.made = last

    def change_rows(self, last):
        """Add the changes of the vectors of the tokens before `last` to all of their rows."""
        last = max(0, last)
        for i in range(self.changed, last) if self.rows_of else ():
            for row in self.rows_of[i]:
                self.oracle.E[row] += self.X[i] - self.before[i]
        self.changed = last


class Reference:
    """E and C in float64, and the loops over sentences, positions and windows."""

    def __init__(self, parameters, step, extensions=Extensions()):  # noqa: B008 - never changed
        self.E, self.C = np.array(parameters.embedding, np.float64), np.array(parameters.context, np.float64)
        self.keep, self.subwords, self.paths = parameters.keep, extensions.subwords, extensions.paths
        self.alias_threshold, self.alias_word = parameters.alias_threshold, parameters.alias_word
        weights = extensions.position_weights
        self.position_weights = None if weights is None else np.array(weights, np.float64)
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

    def outputs(self, centre, negatives):
        """Rows of C that stand for a word, their labels, and whether they count."""
        if self.step.negative == 0:
            path = slice(self.paths.offsets[centre], self.paths.offsets[centre + 1])
            nodes, labels = self.paths.nodes[path].tolist(), self.paths.labels[0, path].astype(np.float64)
            return nodes, labels, np.ones(len(nodes), bool)
        labels = np.array([1.0] + [0.0] * len(negatives))
        return [centre, *negatives], labels, np.array([True] + [word != centre for word in negatives])

    def groups(self, centre, negatives):
        """Outputs of a word, six at a time."""
        words, labels, counts = self.outputs(centre, negatives)
        for k in range(0, len(words), GROUP):
            yield words[k : k + GROUP], labels[k : k + GROUP], counts[k : k + GROUP]

    def gradient(self, scores, labels, counts):
        return self.step.learning_rate * (labels - sigmoid(scores)) * counts

    def measure(self, x, centre, negatives):
        words, labels, counts = self.outputs(centre, negatives)
        self.loss += logistic_loss(x, self.C[words][counts], labels[counts])
        self.examples += 1

    def is_measured(self):
        self.countdown -= 1
        if self.countdown == 0:
            self.countdown = self.step.loss_interval
            return True
        return False

    def train_window(self, X, contexts, centre, negatives):
        C = self.C
        for words, labels, counts in self.groups(centre, negatives):
            G = self.gradient(X[contexts] @ C[words].T, labels, counts)
            change = np.zeros((len(words), C.shape[1]))
            for i, context in enumerate(contexts):
                change += np.outer(G[i], X[context])
                X[context] += G[i] @ C[words]
            for k, word in enumerate(words):
                C[word] += change[k]

    def train_path(self, h, word):
        """One step along the whole path of a word, on which no node stands twice."""
        nodes, labels, counts = self.outputs(word, [])
        gradient, before = self.gradient(self.C[nodes] @ h, labels, counts), h.copy()
        h += gradient @ self.C[nodes]
        self.C[nodes] += np.outer(gradient, before)

    def skip_gram(self, sentences):
        for words in sentences:
            tokens = self.subsample(words)
            sentence = Sentence(self, tokens)
            following = self.negatives()
            for position, centre in enumerate(tokens):
                sentence.make(position + self.step.window + 1)
                contexts = [sentence.rows[i] for i in self.window(position, len(tokens))]
                negatives, following = following, self.negatives()
                if self.is_measured():
                    for context in contexts:
                        self.measure(sentence.X[context], centre, negatives)
                if self.step.share_negatives or self.step.negative == 0:
                    self.train_window(sentence.X, contexts, centre, negatives)
                else:
                    for i, context in enumerate(contexts):
                        if i > 0:
                            negatives = self.negatives()
                        self.train_window(sentence.X, [context], centre, negatives)
                sentence.change_rows(position + 1 - self.step.window)
            sentence.change_rows(len(tokens))

    def cbow(self, sentences):
        span = SPAN if self.step.share_negatives or self.step.negative == 0 else 1
        for words in sentences:
            tokens = self.subsample(words)
            if len(tokens) < 2:
                continue
            sentence = Sentence(self, tokens)
            following = self.negatives()
            for first in range(0, len(tokens), span):
                negatives, following = following, self.negatives()
                centres = range(first, min(first + span, len(tokens)))
                sentence.make(first + len(centres) + self.step.window)
                windows = []
                for position in centres:
                    windows.append(self.window(position, len(tokens)))
                    if self.is_measured():
                        hidden = self.hidden(sentence, position, windows[-1])
                        self.measure(hidden, tokens[position], negatives)
                self.train_span(sentence, centres, windows, negatives)
                sentence.change_rows(first + len(centres) - self.step.window)
            sentence.change_rows(len(tokens))

    def weight_of(self, position, i):
        """Number of the weight of a context position."""
        return i - position + self.step.window - (i > position)

    def weights(self, position, contexts):
        if self.position_weights is None:
            return np.ones((len(contexts), 1))
        return self.position_weights[[self.weight_of(position, i) for i in contexts]]

    def hidden(self, sentence, position, contexts):
        weighted = sentence.X[[sentence.rows[i] for i in contexts]] * self.weights(position, contexts)
        return weighted.mean(axis=0) if self.step.mean else weighted.sum(axis=0)

    def train_span(self, sentence, centres, windows, negatives):
        hidden = np.array([self.hidden(sentence, p, window) for p, window in zip(centres, windows, strict=True)])
        before = hidden.copy()
        words = [sentence.tokens[position] for position in centres]
        if self.step.negative == 0:
            for h, word in zip(hidden, words, strict=True):
                self.train_path(h, word)
        else:
            self.train_shared(hidden, words, negatives)
        for position, window, change in zip(centres, windows, hidden - before, strict=True):
            scale = len(window) if self.step.mean else 1
            for i in window:
                x, weight = sentence.X[sentence.rows[i]], self.weights(position, [i])[0]
                old = x.copy()
                x += weight * change / scale
                if self.position_weights is not None:
                    weighted = slice(self.step.weighted)
                    weight[weighted] += (old * change / scale)[weighted]
                    self.position_weights[self.weight_of(position, i)] = weight

    def train_shared(self, hidden, centres, negatives):
        C = self.C
        groups = [list(self.groups(centre, negatives)) for centre in centres]
        for g in range(len(groups[0])):
            G = [
                self.gradient(C[words] @ hidden[i], labels, counts)
                for i, (words, labels, counts) in enumerate(group[g] for group in groups)
            ]
            old, change = C.copy(), np.zeros_like(C)
            for i, group in enumerate(groups):
                h = hidden[i].copy()
                for k, word in enumerate(group[g][0]):
                    if k == 0:  # its row is seen as the centres before it left it
                        hidden[i] += G[i][k] * C[word]
                        C[word] += G[i][k] * h
                    else:
                        hidden[i] += G[i][k] * old[word]
                        change[word] += G[i][k] * h
            C += change


def train_round(parameters, extensions, architecture, blocks, steps, noise):
    """One round of reproducible training: blocks from the same E and C, and their changes added up (`deterministic`).

    `blocks` are lists of sentences, and `noise` is how many noise words each of them draws. Returns E, C and the
    (loss, examples) of every block.
    """
    results, changes = [], []
    for sentences, step in zip(blocks, steps, strict=True):
        draw = Reference(parameters, step)
        kept = [draw.subsample(sentence) for sentence in sentences]
        draw.step = step._replace(negative=noise)
        words = draw.negatives()
        on_copy = step._replace(state=draw.random.state)
        given = parameters._replace(
            keep=np.full_like(parameters.keep, 2**32 - 1), alias_threshold=[0] * noise, alias_word=words
        )
        worker = Reference(given, on_copy, extensions)
        {"skip-gram": worker.skip_gram, "cbow": worker.cbow}[architecture](kept)
        results.append((worker.loss, worker.examples))
        tokens = {word for sentence in kept for word in sentence}
        inputs, outputs = entries(extensions.subwords, tokens), entries(extensions.paths, tokens) | set(words)
        changes.append((worker.E - draw.E, worker.C - draw.C, inputs, outputs))
    E, C = np.array(parameters.embedding, np.float64), np.array(parameters.context, np.float64)
    for row in range(len(E)):
        E[row] += merged([change[row] for change, _, touched, _ in changes if row in touched], len(changes))
    for row in range(len(C)):
        C[row] += merged([change[row] for _, change, _, touched in changes if row in touched], len(changes))
    return E, C, results


def entries(table, words):
    """Rows that words have in a table; without a table, their own."""
    if table is None:
        return set(words)
    return {int(row) for word in words for row in table[1][table.offsets[word] : table.offsets[word + 1]]}


def merged(changes, workers):
    """Sum of a row's changes, scaled by the diversity of the changes where most workers have one."""
    total = np.sum(changes, axis=0)
    squares, square = sum(change @ change for change in changes), np.sum(np.square(total))
    if len(changes) < 2 or square <= squares:
        return total
    kappa = ((len(changes) - 1) / (workers - 1)) ** 2
    return total * (1 - kappa * (1 - squares / square))
