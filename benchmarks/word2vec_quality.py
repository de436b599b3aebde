"""Equal quality: word similarity and analogies of our vectors and gensim's, trained on the same tokens.

python -m benchmarks.word2vec_quality [--corpus SOURCE] [--data FOLDER] [--seeds 2] [--epochs 5]
"""

import argparse
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measuring, text
from benchmarks.word2vec_speed import gensim_model
from embeddings import EncodedCorpus, Vocabulary, Word2Vec, Word2VecConfig, WordVectors
from embeddings.evaluation import evaluate

SAMPLE = 1e-4
SETS = {
    "WordSim-353": "EN-WS-353-ALL.txt",
    "SimLex-999": "EN-SIMLEX-999.txt",
    "RW": "EN-RW-STANFORD.txt",
    "MTurk-771": "EN-MTurk-771.txt",
    "analogies": "questions-words.txt",
}


def train_ours(
    settings: dict[str, Any], epochs: int, seed: int, corpus: EncodedCorpus, vocabulary: Vocabulary
) -> WordVectors:
    """Train ours with its default learning rate."""
    config = Word2VecConfig(**settings, sample=SAMPLE, epochs=epochs, seed=seed)
    return Word2Vec(config).fit(corpus, vocabulary).vectors_


def train_theirs(settings: dict[str, Any], epochs: int, seed: int, tokens: Path, vocabulary: Vocabulary) -> WordVectors:
    """Train gensim with its default learning rate; put its vectors in the order of our vocabulary."""
    model = gensim_model(settings, corpus_file=str(tokens), sample=SAMPLE, epochs=epochs, seed=seed)
    rows = [model.wv.key_to_index[word] for word in vocabulary.words]
    return WordVectors(vocabulary, model.wv.vectors[rows])


def scores(vectors: WordVectors, data: Path) -> dict[str, float]:
    """Spearman's correlation or accuracy of each set, in points of 100."""
    table = evaluate(vectors, {name: data / file for name, file in SETS.items()})
    return {str(row["set"]): 100 * float(row["score"]) for _, row in table.iterrows()}


def main() -> None:
    """Train both sides for every seed and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--data", type=Path, default=text.SHARED / "evaluation")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    logging.getLogger("gensim").setLevel(logging.ERROR)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = text.write_text(options.corpus, folder / "text.txt")
        vocabulary, corpus = text.encode(source, folder)
        tokens = text.write_tokens(vocabulary, corpus, folder / "tokens.txt")
        for architecture in ("skip-gram", "cbow"):
            settings = {"architecture": architecture, "dimension": 100}
            ours, theirs = [], []
            for seed in range(1, options.seeds + 1):
                ours.append(scores(train_ours(settings, options.epochs, seed, corpus, vocabulary), options.data))
                theirs.append(scores(train_theirs(settings, options.epochs, seed, tokens, vocabulary), options.data))
            for side, results in (("vecmill", ours), ("gensim", theirs)):
                mean = {key: float(np.mean([result[key] for result in results])) for key in results[0]}
                average = float(np.mean(list(mean.values())))
                cells = {key: f"{value:.1f}" for key, value in mean.items()}
                rows.append({"architecture": architecture, "trained by": side, **cells, "average": f"{average:.2f}"})
    notes = [
        f"{Path(options.corpus).name}, d=100, window 5, K=5, sample {SAMPLE:g}, min_count 5, {options.epochs} epochs, "
        f"each side's default learning rate; mean of {options.seeds} seeds; Spearman's ρ and accuracy x 100",
        "bar: the average is no more than 0.5 points below gensim's",
    ]
    measuring.write_results("word2vec_quality", "Quality against gensim", rows, notes)


if __name__ == "__main__":
    main()
