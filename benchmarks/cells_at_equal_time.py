"""Kinds of recurrent networks at equal processor time: one pass over as much text as the time allows, then perplexity.

python -m benchmarks.cells_at_equal_time [--corpus SOURCE] [--megabytes 12] [--seconds 60]

All have the settings of the preset `quick` but one pass, and one thread: processor time is the same on a busy machine.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measuring, text
from corpora import open_corpus
from embeddings import Vocabulary, make_tokenizer, text_to_ids
from embeddings.language_model import LanguageModel, LanguageModelConfig, LMTrainer, LMTrainingConfig
from embeddings.language_model.perplexity import evaluate
from embeddings.language_model.presets import PRESETS
from embeddings.parallel import using_threads

NETWORKS: dict[str, dict[str, Any]] = {
    "LSTM 2 x 200": {},
    "Mogrifier LSTM 2 x 200, 5 rounds": {"mogrifier": 5},
    "GRU 2 x 200": {"cell": "gru"},
    "minGRU 2 x 200": {"cell": "mingru"},
    "minGRU 3 x 400": {"cell": "mingru", "layers": 3, "hidden_size": 400, "dimension": 200, "last_hidden_size": 200},
}
TRIED, VALIDATED = 7_000, 40_000  # tokens


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--megabytes", type=float, default=12)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        source = text.write_text(options.corpus, Path(name) / "text.txt", options.megabytes)
        tokenizer, words = make_tokenizer("fast", punctuation=True), PRESETS["quick"].max_vocabulary
        vocabulary, corpus = text_to_ids(
            open_corpus(str(source)).blocks(), tokenizer, name, min_count=1, max_vocabulary=words, split=True
        )
        train, valid = corpus.part("train").stream()[:], corpus.part("valid").stream()[:VALIDATED]
    rows = [_row(name, vocabulary, train, valid, options.seconds) for name in NETWORKS]
    notes = [
        f"{options.megabytes:g} MB of {Path(options.corpus).name}, V = {len(vocabulary):,}, sampled softmax, AdamW"
    ]
    measuring.write_results("cells_at_equal_time", "Cells at equal processor time", rows, notes)


def _row(name: str, vocabulary: Vocabulary, train: np.ndarray, valid: np.ndarray, seconds: float) -> dict[str, str]:
    _fit(name, vocabulary, train[:TRIED], valid[:200])  # compile
    _, taken = _fit(name, vocabulary, train[:TRIED], valid[:200])
    tokens = min(len(train), int(seconds * TRIED / taken))
    model, taken = _fit(name, vocabulary, train[:tokens], valid[:500])
    with using_threads(1):
        perplexity = evaluate(model, valid).perplexity
    return {
        "network": name,
        "tokens": f"{tokens / 1e3:,.0f} k",
        "processor seconds": f"{taken:.1f}",
        "validation perplexity": f"{perplexity:.1f}",
    }


def _fit(name: str, vocabulary: Vocabulary, train: np.ndarray, valid: np.ndarray) -> tuple[LanguageModel, float]:
    """Train for one pass; return the model and the processor time."""
    preset = PRESETS["quick"]
    network = LanguageModelConfig(**{**preset.network, **NETWORKS[name]})
    model = LanguageModel(network, vocabulary, rng=np.random.default_rng(1))
    trainer = LMTrainer(model, LMTrainingConfig(**{**preset.training, "epochs": 1}), threads=1)
    start = time.process_time()
    trainer.fit(train, valid)
    return model, time.process_time() - start


if __name__ == "__main__":
    main()
