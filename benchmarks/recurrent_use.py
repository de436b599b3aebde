"""Uses of a trained language model, ours and in torch: reading a text, writing one, scoring sentences.

Both sides get ids, and have the same network with random weights: LSTM of two layers, tied, float32, two threads.
`recurrent_speed` measures them side by side.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from embeddings.language_model import LanguageModel, LanguageModelConfig
from embeddings.language_model.generation import generate
from embeddings.language_model.perplexity import evaluate, sentence_log_likelihoods
from embeddings.text.vocabulary import EOS, UNK, Vocabulary

SENTENCE_WORDS = 20  # of a sentence, on average
WINDOW, SENTENCES_AT_ONCE = 64, 64  # in torch: time steps, and sentences sorted by length
Step = Callable[[Any], Any]


def our_use(use: str, hidden: int, words: int) -> Step:
    """Return a function that does a piece of work: of "evaluation", "generation" or "score"."""
    vocabulary = Vocabulary.from_words([UNK, EOS, *(f"w{number}" for number in range(words - 2))], range(words, 0, -1))
    model = LanguageModel(LanguageModelConfig(hidden_size=hidden), vocabulary, rng=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    uses: dict[str, Step] = {
        "evaluation": lambda ids: evaluate(model, ids),
        "generation": lambda length: generate(model, [], length, rng=rng, stop_at_eos=False),
        "score": lambda sentences: sentence_log_likelihoods(model, sentences),
    }
    return uses[use]


def torch_use(use: str, hidden: int, words: int) -> Step:
    """Return the same in torch: text in the same windows, sentences of like lengths in batches, a word at a time."""
    import torch
    from torch import nn

    torch.set_num_threads(2)
    embedding, network, decoder = nn.Embedding(words, hidden), nn.LSTM(hidden, hidden, 2), nn.Linear(hidden, words)
    decoder.weight = embedding.weight

    def log_likelihoods(inputs: Any, targets: Any, states: Any = None) -> tuple[Any, Any]:
        outputs, states = network(embedding(inputs), states)
        log_p = torch.log_softmax(decoder(outputs), -1)
        return log_p.gather(-1, targets[..., None])[..., 0], states

    def read(ids: np.ndarray) -> float:
        text, states, total = torch.from_numpy(np.append(1, ids))[:, None], None, 0.0
        for start in range(0, len(ids), WINDOW):
            window = text[start : start + WINDOW + 1]
            found, states = log_likelihoods(window[:-1], window[1:], states)
            total += found.double().sum().item()
        return total

    def write(length: int) -> list[int]:
        word, states, written = torch.ones(1, 1, dtype=torch.long), None, []
        for _ in range(length):
            outputs, states = network(embedding(word), states)
            word = torch.multinomial(torch.softmax(decoder(outputs[-1]), -1), 1)
            written.append(int(word))
        return written

    def score(sentences: Sequence[np.ndarray]) -> list[float]:
        scores = [0.0] * len(sentences)
        order = sorted(range(len(sentences)), key=lambda place: len(sentences[place]))
        for start in range(0, len(order), SENTENCES_AT_ONCE):
            places = order[start : start + SENTENCES_AT_ONCE]
            lengths = torch.tensor([len(sentences[place]) for place in places])
            batch = nn.utils.rnn.pad_sequence([torch.from_numpy(sentences[place]) for place in places])
            inputs = torch.cat([torch.ones(1, len(places), dtype=torch.long), batch[:-1]])
            found, _ = log_likelihoods(inputs, batch)
            counted = torch.arange(len(batch))[:, None] < lengths
            for place, total in zip(places, (found.double() * counted).sum(0).tolist(), strict=True):
                scores[place] = total
        return scores

    uses: dict[str, Step] = {"evaluation": read, "generation": write, "score": score}
    return torch.inference_mode()(uses[use])


def work_of(use: str, rng: np.random.Generator, words: int, amount: int) -> tuple[Any, int]:
    """Return a piece of work, of `amount` words or sentences, and the number of words in it."""
    if use == "generation":
        return amount, amount
    weights = 1.0 / (np.arange(words) + 2.7)
    lengths = [amount] if use == "evaluation" else rng.poisson(SENTENCE_WORDS, amount) + 1
    drawn = [rng.choice(words, size=length, p=weights / weights.sum()) for length in lengths]
    return (drawn[0] if use == "evaluation" else drawn), int(np.sum(lengths))
