"""What reproducible training costs: time and quality of `deterministic = true` beside Hogwild threads, taking turns.

python -m benchmarks.word2vec_deterministic [--corpus SOURCE] [--data FOLDER] [--megabytes 25] [--repeats 5]
"""

import argparse
import hashlib
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import measuring, text
from benchmarks.word2vec_quality import SAMPLE, SETS, scores
from benchmarks.word2vec_speed import CASES, THREADS
from embeddings import EncodedCorpus, Vocabulary, Word2Vec, Word2VecConfig

BAR = 2.0  # times as long as Hogwild
SIDES = ("Hogwild", "deterministic")


def compare_times(
    settings: dict[str, Any], corpus: EncodedCorpus, vocabulary: Vocabulary, repeats: int
) -> dict[str, float]:
    """Median seconds of one epoch of each side."""
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}

    def train(side: str) -> None:
        config = Word2VecConfig(**settings, sample=1e-3, epochs=1, held_out=0.0, deterministic=side == "deterministic")
        model = Word2Vec(config)
        model.fit(corpus, vocabulary)
        seconds[side].append(model.metrics_[-1]["seconds"])  # without compilation and making the vectors

    measuring.take_turns({side: partial(train, side) for side in SIDES}, repeats)
    return {side: median(times) for side, times in seconds.items()}


def compare_quality(
    architecture: str, corpus: EncodedCorpus, vocabulary: Vocabulary, data: Path, epochs: int
) -> list[dict[str, str]]:
    """One row a side: its scores and its last held-out loss."""
    rows = []
    for side in SIDES:
        config = Word2VecConfig(
            architecture=architecture, sample=SAMPLE, epochs=epochs, deterministic=side == "deterministic"
        )
        model = Word2Vec(config)
        found = scores(model.fit(corpus, vocabulary).vectors_, data)
        row = {"architecture": architecture, "training": side, **{name: f"{found[name]:.1f}" for name in SETS}}
        average = float(np.mean(list(found.values())))
        rows.append(row | {"average": f"{average:.2f}", "held-out loss": f"{model.metrics_[-1]['held_out_loss']:.4f}"})
    return rows


def count_results(corpus: EncodedCorpus, vocabulary: Vocabulary) -> int:
    """How many different vectors come of 1, 2, 3 and 5 threads."""
    found = set()
    for threads in (1, 2, 3, 5):
        model = Word2Vec(Word2VecConfig(epochs=1, deterministic=True, threads=threads)).fit(corpus, vocabulary)
        found.add(hashlib.sha256(model.vectors_.matrix.tobytes()).hexdigest())
    return len(found)


def main() -> None:
    """Compare times on a part of the text, quality on all of it, and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--data", type=Path, default=text.SHARED / "evaluation")
    parser.add_argument("--megabytes", type=float, default=25.0, help="how much of it for times")
    parser.add_argument("--quality-megabytes", type=float, default=None, help="how much of it for quality: all")
    parser.add_argument("--epochs", type=int, default=5, help="for quality")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    name = Path(options.corpus).name
    with tempfile.TemporaryDirectory() as folder:
        part, whole = Path(folder) / "part", Path(folder) / "whole"
        part.mkdir()
        vocabulary, corpus = text.encode(text.write_text(options.corpus, part / "text.txt", options.megabytes), part)
        rows = []
        for case, settings, _ in CASES:
            seconds = compare_times(settings, corpus, vocabulary, options.repeats)
            figures = {side: f"{corpus.token_count / seconds[side] / 1e6:.2f} M words/s" for side in SIDES}
            ratio = seconds["deterministic"] / seconds["Hogwild"]
            rows.append(
                {"case": case, **figures, "deterministic / Hogwild time": f"{ratio:.2f}×", "bar": f"≤ {BAR:g}×"}
            )
        notes = [
            f"{name}, {options.megabytes:g} MB, {corpus.token_count / 1e6:.1f} M words, V = {len(vocabulary):,}; "
            f"sample 1e-3; {THREADS} threads; median of {options.repeats} alternating runs",
            f"1, 2, 3 and 5 threads give {count_results(corpus, vocabulary)} different result(s)",
        ]
        measuring.write_results("word2vec_deterministic", "Reproducible training: time", rows, notes)
        if not options.data.is_dir():
            return
        whole.mkdir()
        source = text.write_text(options.corpus, whole / "text.txt", options.quality_megabytes)
        vocabulary, corpus = text.encode(source, whole)
        quality = [
            row
            for architecture in ("skip-gram", "cbow")
            for row in compare_quality(architecture, corpus, vocabulary, options.data, options.epochs)
        ]
        notes = [
            f"{name}, {corpus.token_count / 1e6:.1f} M words, d=100, sample {SAMPLE:g}, {options.epochs} epochs, one "
            "seed; Spearman's ρ and accuracy x 100"
        ]
        measuring.write_results("word2vec_deterministic_quality", "Reproducible training: quality", quality, notes)


if __name__ == "__main__":
    main()
