"""Word2vec from top to bottom: skip-gram with negative sampling in plain NumPy, then the same through the library.

V words, d dimensions. o_w is the one-hot vector of word w, e_w = o_w E its row of E (V, d), and θ_c the row of C (V, d)
that stands for c as a context. The loss of a word w that has c in its window, and K words n drawn as noise, is

    L = - log σ(θ_c · e_w) - Σ_n log σ(- θ_n · e_w)       (Mikolov et al. 2013, eq. 4)

Run with (half a minute)::

    python docs/examples/word2vec.py
"""

import re
from collections import Counter

import numpy as np

import vecmill

TOPICS = {
    "animal": "cat dog horse cow sheep goat rabbit hen".split(),
    "fruit": "apple pear plum cherry peach lemon melon fig".split(),
    "metal": "iron copper gold silver zinc tin lead nickel".split(),
    "city": "paris rome madrid berlin vienna lisbon prague athens".split(),
}
SENTENCES = [
    "The {animal} chases the {animal} and sleeps in the barn.",
    "She peels a ripe {fruit} and puts the {fruit} into the bowl.",
    "The smith melts {metal} and casts a ring of {metal}.",
    "A train leaves {city} at noon and reaches {city} by night.",
]
DIMENSION, WINDOW, NEGATIVE, EPOCHS, LEARNING_RATE = 16, 3, 5, 3, 0.1


def make_text(rng: np.random.Generator) -> list[str]:
    """Return 800 lines, each about one topic."""
    lines = []
    for _ in range(800):
        words = {topic: str(rng.choice(names)) for topic, names in TOPICS.items()}
        lines.append(str(rng.choice(SENTENCES)).format(**words))
    return lines


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return σ(x) = 1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def skip_gram(
    sentences: list[list[int]], counts: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, list[float]]:
    """Train E by stochastic gradient descent; return it and the mean loss of each epoch."""
    V = len(counts)
    E = (rng.random((V, DIMENSION)) - 0.5) / DIMENSION
    C = np.zeros((V, DIMENSION))
    noise = np.repeat(np.arange(V), np.round(counts**0.75).astype(int))  # P(n) ∝ count(n)^0.75
    label = np.array([1.0] + [0.0] * NEGATIVE)
    losses = []
    for epoch in range(EPOCHS):
        rate, total, pairs = LEARNING_RATE * (1 - epoch / EPOCHS), 0.0, 0
        for sentence in sentences:
            for i, w in enumerate(sentence):
                reach = rng.integers(1, WINDOW + 1)  # near words are pairs more often than far ones
                contexts = sentence[max(0, i - reach) : i] + sentence[i + 1 : i + 1 + reach]
                for c in contexts:
                    rows = np.append(c, noise[rng.integers(len(noise), size=NEGATIVE)])
                    e, theta = E[w].copy(), C[rows]
                    score = theta @ e  # θ_c · e_w, and θ_n · e_w
                    error = sigmoid(score) - label  # ∂L/∂score
                    E[w] -= rate * (error @ theta)  # ∂L/∂e_w = Σ error θ
                    np.subtract.at(C, rows, rate * np.outer(error, e))  # ∂L/∂θ = error e_w
                    total += np.sum(np.logaddexp(0, np.where(label, -score, score)))
                    pairs += 1
        losses.append(total / pairs)
    return E, losses


def nearest(E: np.ndarray, w: int, k: int) -> list[int]:
    """Return the k words whose vectors have the largest cosine with e_w."""
    unit = E / np.linalg.norm(E, axis=1, keepdims=True)
    return [int(other) for other in np.argsort(-unit @ unit[w]) if other != w][:k]


def by_hand(lines: list[str], rng: np.random.Generator) -> dict[str, list[str]]:
    """Return the three nearest words of each word that names a thing, found with NumPy alone."""
    tokens = [re.findall(r"\w+", line.lower()) for line in lines]  # text to words
    frequency = Counter(word for line in tokens for word in line)
    words = [word for word, _ in frequency.most_common()]  # words by falling count
    ids = {word: w for w, word in enumerate(words)}
    sentences = [[ids[word] for word in line] for line in tokens]

    E, losses = skip_gram(sentences, np.array([frequency[word] for word in words], float), rng)
    print("loss by epoch:", " ".join(f"{loss:.2f}" for loss in losses), f"(chance {(NEGATIVE + 1) * np.log(2):.2f})")

    one_hot = np.eye(len(words))[ids["cat"]]  # o_cat
    assert np.array_equal(one_hot @ E, E[ids["cat"]])  # e_cat = o_cat E: the product picks a row
    return {name: [words[w] for w in nearest(E, ids[name], 3)] for names in TOPICS.values() for name in names}


def by_library(lines: list[str]) -> dict[str, list[str]]:
    """Return the same, found by the library."""
    vectors = vecmill.train(
        lines, dimension=DIMENSION, window=WINDOW, epochs=30, learning_rate=0.1, sample=0, threads=1
    )
    return {
        name: [word for word, _ in vectors.most_similar(name, topn=3)] for names in TOPICS.values() for name in names
    }


def main() -> dict[str, float]:
    """Show neighbours, and return the share that belongs to the topic of its word."""
    lines = make_text(np.random.default_rng(0))
    found = {"NumPy": by_hand(lines, np.random.default_rng(1)), "vecmill": by_library(lines)}
    right = {}
    for name, neighbours in found.items():
        for word in ("cat", "lemon", "gold", "rome"):
            print(f"{name:8} {word:6} {' '.join(neighbours[word])}")
        right[name] = float(
            np.mean([near in topic for topic in TOPICS.values() for w in topic for near in neighbours[w]])
        )
        print(f"{name:8} {right[name]:.1%} of the neighbours are of the same kind")
    return right


if __name__ == "__main__":
    main()
