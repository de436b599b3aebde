"""A recurrent language model from top to bottom: BPTT by hand in NumPy, then the same through the library.

The network reads a sentence w<1> ... w<T>, whose last word is <eos>, and predicts each word from those before it:

    x<t> = E[w<t-1>], w<0> = <eos>       a<t> = tanh(W_aa a<t-1> + W_ax x<t> + b_a), a<0> = 0
    ŷ<t> = softmax(W_ya a<t> + b_y)      L = Σ_t - log ŷ<t>[w<t>]        perplexity = exp(L / T)

The sentences are of a small language in which the verb agrees with the first noun, however many words stand between:
"the dogs near the cat sleep". `BEST` is the perplexity for one who knows its rules; a model that forgets the number of
the first noun does not get below `FORGETFUL`. Run with (half a minute)::

    python docs/examples/language_model.py
"""

import math
import tempfile

import numpy as np

from embeddings import make_tokenizer, text_to_ids
from embeddings.language_model import LanguageModel, LanguageModelConfig, LMTrainer, LMTrainingConfig
from embeddings.language_model.generation import generate
from embeddings.language_model.perplexity import evaluate

EOS, NOUNS, VERBS = "<eos>", "cat dog hen fox".split(), "sleep run eat sing".split()
WORDS = [EOS, "the", "near", *NOUNS, *(f"{noun}s" for noun in NOUNS), *VERBS, *(f"{verb}s" for verb in VERBS)]
# Entropy of a sentence over its mean length: two nouns of 8, twice whether another one follows, a verb of 4.
BEST = math.exp((2 * math.log(8) + 2 * math.log(2) + math.log(4)) / 7)
FORGETFUL = math.exp((2 * math.log(8) + 2 * math.log(2) + math.log(8)) / 7)
DIMENSION, HIDDEN, EPOCHS, LEARNING_RATE, CLIP = 16, 32, 6, 0.1, 5.0

Parameters = dict[str, np.ndarray]


def make_sentence(rng: np.random.Generator) -> list[str]:
    """Return words such as: the dogs near the cat sleep <eos>."""
    noun = str(rng.choice(WORDS[3:11]))
    words = ["the", noun]
    while rng.random() < 0.5:
        words += ["near", "the", str(rng.choice(WORDS[3:11]))]
    verb = str(rng.choice(VERBS))
    return [*words, verb if noun.endswith("s") else f"{verb}s", EOS]


def make_parameters(rng: np.random.Generator) -> Parameters:
    """Draw weights with a variance of 1 / inputs; biases are zero."""
    V, d, H = len(WORDS), DIMENSION, HIDDEN
    return {
        "E": rng.normal(0, 1, (V, d)),
        "W_ax": rng.normal(0, d**-0.5, (H, d)),
        "W_aa": rng.normal(0, H**-0.5, (H, H)),
        "b_a": np.zeros(H),
        "W_ya": rng.normal(0, H**-0.5, (V, H)),
        "b_y": np.zeros(V),
    }


def softmax(z: np.ndarray) -> np.ndarray:
    """Return exp(z) / Σ exp(z)."""
    e = np.exp(z - z.max())
    return e / e.sum()


def step(p: Parameters, word: int, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Read a word; return the new hidden state a<t> and the probabilities ŷ<t> of the next word."""
    a = np.tanh(p["W_aa"] @ a + p["W_ax"] @ p["E"][word] + p["b_a"])  # a<t> = tanh(W_aa a<t-1> + W_ax x<t> + b_a)
    return a, softmax(p["W_ya"] @ a + p["b_y"])  # ŷ<t> = softmax(W_ya a<t> + b_y)


def forward(p: Parameters, sentence: list[int]) -> tuple[float, list[np.ndarray], list[np.ndarray]]:
    """Return the loss L of a sentence, a<0> ... a<T>, and ŷ<1> ... ŷ<T>."""
    a, y, loss = [np.zeros(HIDDEN)], [], 0.0
    for before, word in zip([0, *sentence], sentence, strict=False):
        state, predicted = step(p, before, a[-1])
        a.append(state)
        y.append(predicted)
        loss -= math.log(predicted[word])  # L = Σ_t - log ŷ<t>[w<t>]
    return loss, a, y


def backward(p: Parameters, sentence: list[int], a: list[np.ndarray], y: list[np.ndarray]) -> Parameters:
    """Return ∂L/∂W of every parameter by backpropagation through time: ∂L/∂W = Σ_t ∂L<t>/∂W |_t."""
    grad = {name: np.zeros_like(value) for name, value in p.items()}
    da_later = np.zeros(HIDDEN)  # ∂L/∂a<t> by way of a<t+1>
    for t in range(len(sentence), 0, -1):
        before, word = [0, *sentence][t - 1], sentence[t - 1]
        dz = y[t - 1].copy()
        dz[word] -= 1  # ŷ<t> - o<t>: derivative of softmax and cross-entropy
        grad["W_ya"] += np.outer(dz, a[t])
        grad["b_y"] += dz
        da = p["W_ya"].T @ dz + da_later  # ∂L/∂a<t>
        delta = (1 - a[t] ** 2) * da  # tanh' = 1 - a²
        grad["W_aa"] += np.outer(delta, a[t - 1])
        grad["W_ax"] += np.outer(delta, p["E"][before])
        grad["b_a"] += delta
        grad["E"][before] += p["W_ax"].T @ delta
        da_later = p["W_aa"].T @ delta  # one step back in time
    return grad


def gradient_error(p: Parameters, sentence: list[int], epsilon: float = 1e-5) -> float:
    """Return the largest difference between BPTT and (L(w + ε) - L(w - ε)) / 2ε over all weights."""
    _, a, y = forward(p, sentence)
    grad, worst = backward(p, sentence, a, y), 0.0
    for name, value in p.items():
        for place in np.ndindex(value.shape):
            kept, losses = value[place], []
            for value[place] in (kept + epsilon, kept - epsilon):
                losses.append(forward(p, sentence)[0])
            value[place] = kept
            worst = max(worst, abs(grad[name][place] - (losses[0] - losses[1]) / (2 * epsilon)))
    return worst


def train(p: Parameters, sentences: list[list[int]]) -> None:
    """Train by stochastic gradient descent, a sentence a step; a long gradient is shortened to the norm `CLIP`."""
    for epoch in range(EPOCHS):
        rate = LEARNING_RATE * (1 - epoch / EPOCHS)
        for sentence in sentences:
            _, a, y = forward(p, sentence)
            grad = backward(p, sentence, a, y)
            norm = math.sqrt(sum(float(np.sum(g**2)) for g in grad.values()))
            for name in p:
                p[name] -= rate * min(1.0, CLIP / norm) * grad[name]


def perplexity(p: Parameters, sentences: list[list[int]]) -> float:
    """Return exp of the mean loss of a word, <eos> included."""
    return math.exp(sum(forward(p, sentence)[0] for sentence in sentences) / sum(map(len, sentences)))


def sample(p: Parameters, rng: np.random.Generator) -> str:
    """Draw a sentence word by word, 15 words at most."""
    a, word, words = np.zeros(HIDDEN), 0, []
    while len(words) < 15:
        a, y = step(p, word, a)
        word = int(rng.choice(len(WORDS), p=y))
        if word == 0:
            break
        words.append(WORDS[word])
    return " ".join(words)


def by_hand(train_text: list[list[str]], test_text: list[list[str]]) -> float:
    """Train the network above; return its perplexity on the test sentences."""
    rng = np.random.default_rng(1)
    ids = {word: i for i, word in enumerate(WORDS)}
    known, unseen = ([[ids[word] for word in sentence] for sentence in text] for text in (train_text, test_text))
    p = make_parameters(rng)
    print(f"largest error of a gradient: {gradient_error(p, known[0]):.1e}")
    print(f"before: perplexity {perplexity(p, unseen):5.2f}  {sample(p, rng)}")
    train(p, known)
    print(f"after:  perplexity {perplexity(p, unseen):5.2f}  {sample(p, rng)}")
    return perplexity(p, unseen)


def by_library(train_text: list[list[str]], test_text: list[list[str]]) -> float:
    """Train such a network through the library; return its perplexity on the test sentences."""
    rng = np.random.default_rng(1)
    part = {"train": train_text[:-100], "valid": train_text[-100:], "test": test_text}
    blocks = {name: ["".join(" ".join(words[:-1]) + "\n" for words in text).encode()] for name, text in part.items()}
    with tempfile.TemporaryDirectory() as folder:
        vocabulary, corpus = text_to_ids(blocks, make_tokenizer("whitespace"), folder, min_count=1, split=True)
        ids = {name: corpus.part(name).stream()[:] for name in part}
    config = LanguageModelConfig(cell="rnn", layers=1, hidden_size=HIDDEN, dimension=DIMENSION, tie_weights=False)
    model = LanguageModel(config, vocabulary, rng=rng)
    training = LMTrainingConfig(epochs=10, batch_size=10, bptt=20, optimizer="adam", learning_rate=0.01)
    LMTrainer(model, training, seed=1).fit(ids["train"], ids["valid"])

    found = evaluate(model, ids["test"]).perplexity
    words = vocabulary.words
    print(f"vecmill perplexity {found:5.2f}  {' '.join(words[i] for i in generate(model, [], 15, rng=rng))}")
    return found


def main() -> dict[str, float]:
    """Return the perplexity of each network on sentences that it has not seen."""
    rng = np.random.default_rng(0)
    text = [make_sentence(rng) for _ in range(2200)]
    found = {"NumPy": by_hand(text[:2000], text[2000:]), "vecmill": by_library(text[:2000], text[2000:])}
    print(f"best possible {BEST:.2f}; for one who forgets the first noun {FORGETFUL:.2f}")
    return found


if __name__ == "__main__":
    main()
