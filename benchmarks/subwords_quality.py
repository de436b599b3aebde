"""Equal quality with subwords: ours and fastText's vectors, trained on the same tokens for as many epochs.

Words outside of the vocabulary have the vectors of their n-grams on both sides, so that all items of a set count.
``pip install fasttext-community``

python -m benchmarks.subwords_quality [--corpus SOURCE] [--megabytes 100] [--data FOLDER] [--seeds 2] [--epochs 5]
"""

import argparse
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measuring, text
from benchmarks.subwords_speed import SAMPLE, fasttext_model
from benchmarks.word2vec_quality import SETS
from embeddings import EncodedCorpus, Vocabulary, Word2Vec, Word2VecConfig, WordVectors
from embeddings.evaluation import evaluate
from embeddings.evaluation.comparison import WITH_NGRAMS
from embeddings.formats import read


def scores(vectors: WordVectors, data: Path) -> dict[str, float]:
    """Spearman's correlation or accuracy of each set, in points of 100, with words outside of the vocabulary."""
    table = evaluate(vectors, {name: data / file for name, file in SETS.items()})
    table = table[table["measure"].str.endswith(WITH_NGRAMS)]
    return {str(row["set"]): 100 * float(row["score"]) for _, row in table.iterrows()}


def train_ours(
    settings: dict[str, Any], epochs: int, seed: int, corpus: EncodedCorpus, vocabulary: Vocabulary
) -> WordVectors:
    """Train ours with its default learning rate."""
    config = Word2VecConfig(**settings, subwords="3-6", sample=SAMPLE, epochs=epochs, seed=seed)
    return Word2Vec(config).fit(corpus, vocabulary).vectors_


def train_theirs(tokens: Path, epochs: int, folder: Path) -> WordVectors:
    """Train fastText with its default learning rate, and read its model; it takes another seed every time."""
    fasttext_model(tokens, epochs).save_model(str(folder / "model.bin"))
    return read(folder / "model.bin")


def main() -> None:
    """Train both sides for every seed and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--megabytes", type=float, default=100.0, help="how much of it")
    parser.add_argument("--data", type=Path, default=text.SHARED / "evaluation")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--ours", nargs="*", default=[], metavar="NAME=VALUE", help="other settings of ours, as TOML")
    parser.add_argument("--alone", action="store_true", help="print the scores of ours without fastText's")
    options = parser.parse_args()
    settings = tomllib.loads("\n".join(options.ours))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = text.write_text(options.corpus, folder / "text.txt", options.megabytes)
        vocabulary, corpus = text.encode(source, folder)
        tokens = text.write_tokens(vocabulary, corpus, folder / "tokens.txt")
        results: dict[str, list[dict[str, float]]] = {"vecmill": [], "fastText": []}
        for seed in range(1, options.seeds + 1):
            ours = train_ours(settings, options.epochs, seed, corpus, vocabulary)
            results["vecmill"].append(scores(ours, options.data))
            print(results["vecmill"][-1], flush=True)
            if options.alone:
                continue
            results["fastText"].append(scores(train_theirs(tokens, options.epochs, folder), options.data))
            print(results["fastText"][-1], flush=True)
        if options.alone:
            return
        for side, found in results.items():
            mean = {key: float(np.mean([result[key] for result in found])) for key in found[0]}
            others = float(np.mean([value for key, value in mean.items() if key != "RW"]))
            cells = {key: f"{value:.1f}" for key, value in mean.items()}
            rows.append({"trained by": side, **cells, "average but RW": f"{others:.2f}"})
    notes = [
        f"{Path(options.corpus).name}, {options.megabytes:g} MB, skip-gram d=100, window 5, K=5, n-grams of 3 to 6 "
        f"characters, sample {SAMPLE:g}, {options.epochs} epochs, each side's default learning rate; mean of "
        f"{options.seeds} runs; Spearman's ρ and accuracy x 100, all items counted",
        "bar: RW and the average of the other sets are no more than 0.5 points below fastText's",
    ]
    measuring.write_results("subwords_quality", "Quality with subwords against fastText", rows, notes)


if __name__ == "__main__":
    main()
