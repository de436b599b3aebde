"""How long a loaded language model takes to answer one prompt: `LanguageModel`, and the same network in torch.

python -m benchmarks.language_model_answers [--repeats 51]

The network is that of `make train-lm`, LSTM 2 × 200, tied, V = 10,000. Its weights are random, which take as long.
"""

import argparse
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from benchmarks import measuring
from embeddings.language_model import LanguageModel, LanguageModelConfig
from embeddings.language_model.adaptation import Adaptation
from embeddings.language_model.neural_cache import CacheSettings
from embeddings.text.vocabulary import EOS, UNK, Vocabulary

WORDS, HIDDEN, PROMPT, GENERATED, TOPN = 10_000, 200, 20, 10, 10
BAR = "< 20 ms"


def main() -> None:
    """Measure every call and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=51)
    repeats = parser.parse_args().repeats
    names = [UNK, EOS, *(f"word{number}" for number in range(WORDS - 2))]
    vocabulary = Vocabulary.from_words(names, range(WORDS, 0, -1))
    model = LanguageModel(LanguageModelConfig(hidden_size=HIDDEN), vocabulary, rng=np.random.default_rng(0))
    model.adaptation = Adaptation(cache=CacheSettings())
    ids = np.random.default_rng(1).integers(2, WORDS, PROMPT)
    prompt = " ".join(names[word] for word in ids)
    how = {"temperature": 1.0, "top_p": 1.0, "seed": 1, "stop_at_line_end": False}
    calls: dict[str, Callable[[], object]] = {
        f"next_words, {TOPN} words": lambda: model.next_words(prompt, TOPN),
        "score": lambda: model.score([prompt]),
        "hidden_states": lambda: model.hidden_states(prompt),
        f"generate, {GENERATED} words": lambda: model.generate(prompt, GENERATED, **how),
        f"generate, {GENERATED} words, cache": lambda: model.generate(prompt, GENERATED, cache=2000, **how),
        "torch: next words": _torch_next_words(np.append(1, ids)),
    }
    for call in calls.values():
        call()  # compiles
    seconds = measuring.take_turns(calls, repeats)
    theirs = seconds["torch: next words"]
    rows = [
        {
            "call": name,
            "ms, median": f"{1000 * median(times):.2f}",
            "ms, fastest": f"{1000 * min(times):.2f}",
            "bar": "" if name.startswith("torch") else BAR,
            "torch / vecmill": f"{measuring.ratio_of_medians(times, theirs):.2f}" if "next_words" in name else "",
        }
        for name, times in seconds.items()
    ]
    notes = [
        f"a prompt of {PROMPT} words, one at a time; the model is in memory; {repeats} calls in turns",
        "the fastest call is one that other programs of the machine do not delay",
    ]
    measuring.write_results("language_model_answers", "One prompt of 20 words", rows, notes)


def _torch_next_words(ids: np.ndarray) -> Callable[[], object]:
    """Return a call that finds the most probable next words in torch, of ids that are encoded already."""
    embedding, network = torch.nn.Embedding(WORDS, HIDDEN), torch.nn.LSTM(HIDDEN, HIDDEN, 2)
    decoder = torch.nn.Linear(HIDDEN, WORDS)
    decoder.weight = embedding.weight
    inputs = torch.from_numpy(ids)[:, None]

    @torch.inference_mode()
    def next_words() -> object:
        outputs, _ = network(embedding(inputs))
        return torch.log_softmax(decoder(outputs[-1]), -1).topk(TOPN)

    return next_words


if __name__ == "__main__":
    main()
