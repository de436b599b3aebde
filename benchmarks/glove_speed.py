"""GloVe against the program of its authors: time and quality on the same co-occurrences, taking turns in one run.

python -m benchmarks.glove_speed BUILD [--corpus SOURCE] [--megabytes 100] [--epochs 15] [--repeats 2]

BUILD is the folder of the compiled program, which is not a part of this project:

    git clone https://github.com/stanfordnlp/GloVe && make -C GloVe        # BUILD is GloVe/build
"""

import argparse
import subprocess
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import measuring, text
from benchmarks.word2vec_quality import scores
from embeddings import Vocabulary, WordVectors
from embeddings.formats import read
from embeddings.glove import GloVe, GloVeConfig, ShuffledPairs, count_pairs
from embeddings.threads import thread_count

DIMENSION, WINDOW = 100, 10
RECORD = np.dtype([("word1", "<i4"), ("word2", "<i4"), ("value", "<f8")])
AT_A_TIME = 1 << 20


def write_their_files(pairs: ShuffledPairs, vocabulary: Vocabulary, folder: Path) -> None:
    """Write the co-occurrences, in both directions and shuffled, and the vocabulary as the program reads them."""
    generator = np.random.default_rng(1)
    with (folder / "pairs.bin").open("wb") as file:
        for start in range(0, len(pairs.pairs), AT_A_TIME):
            part = pairs.pairs[start : start + AT_A_TIME]
            both = np.empty(2 * len(part), RECORD)
            both["word1"] = 1 + np.concatenate((part["word"], part["context"]))
            both["word2"] = 1 + np.concatenate((part["context"], part["word"]))
            both["value"] = np.tile(part["count"], 2)
            once = np.concatenate((np.full(len(part), True), part["word"] != part["context"]))
            file.write(generator.permutation(both[once]).tobytes())
    counts = zip(vocabulary.words, vocabulary.counts, strict=True)
    (folder / "vocab.txt").write_text("".join(f"{word} {count}\n" for word, count in counts), "utf-8")


def train_theirs(build: Path, folder: Path, epochs: int, threads: int, seed: int) -> None:
    """Run their program; it writes ``theirs.txt``, W + C of every word."""
    options = {
        "-input-file": folder / "pairs.bin",
        "-vocab-file": folder / "vocab.txt",
        "-save-file": folder / "theirs",
        "-vector-size": DIMENSION,
        "-iter": epochs,
        "-threads": threads,
        "-seed": seed,
        "-verbose": 0,
    }
    arguments = [str(part) for option in options.items() for part in option]
    subprocess.run([build / "glove", *arguments], check=True, stderr=subprocess.DEVNULL)


def their_vectors(folder: Path, vocabulary: Vocabulary) -> WordVectors:
    """Read ``theirs.txt`` in the order of our vocabulary."""
    found = read(folder / "theirs.txt", "glove")
    return WordVectors(vocabulary, found[list(vocabulary.words)])


def main() -> None:
    """Train both sides in turns, score both, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--megabytes", type=float, default=100.0)
    parser.add_argument("--data", type=Path, default=text.SHARED / "evaluation")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--repeats", type=int, default=2, help="turns, each with a seed of its own")
    options = parser.parse_args()
    threads = thread_count(None)
    seconds: dict[str, list[float]] = {"vecmill": [], "C": []}
    quality: dict[str, list[dict[str, float]]] = {"vecmill": [], "C": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vocabulary, corpus = text.encode(
            text.write_text(options.corpus, folder / "text.txt", options.megabytes), folder
        )
        pairs = count_pairs(corpus, len(vocabulary), folder, window=WINDOW, seed=1)
        write_their_files(pairs, vocabulary, folder)
        GloVe(GloVeConfig(dimension=DIMENSION, epochs=1)).fit(
            ShuffledPairs(len(vocabulary), pairs.pairs[:1000]), vocabulary
        )  # compiles
        for seed in range(1, options.repeats + 1):
            ours = GloVe(GloVeConfig(dimension=DIMENSION, window=WINDOW, epochs=options.epochs, seed=seed))
            turns = {
                "vecmill": lambda model=ours: model.fit(pairs, vocabulary),
                "C": lambda seed=seed: train_theirs(options.build, folder, options.epochs, threads, seed),
            }
            for side, taken in measuring.take_turns(turns, 1).items():
                seconds[side] += taken
            quality["vecmill"].append(scores(ours.vectors_, options.data))
            quality["C"].append(scores(their_vectors(folder, vocabulary), options.data))
    rows: list[dict[str, Any]] = []
    for side, results in quality.items():
        mean = {key: float(np.mean([result[key] for result in results])) for key in results[0]}
        cells = {key: f"{value:.1f}" for key, value in mean.items()}
        average = f"{np.mean(list(mean.values())):.2f}"
        rows.append({"trained by": side, "seconds": f"{median(seconds[side]):.1f}", **cells, "average": average})
    ratio = measuring.ratio_of_medians(seconds["vecmill"], seconds["C"])
    notes = [
        f"{Path(options.corpus).name}, {options.megabytes:g} MB, V = {len(vocabulary):,}, "
        f"{len(pairs.pairs) / 1e6:.1f} M pairs, each trained in both directions; d={DIMENSION}, window {WINDOW}, "
        f"x_max 100, {options.epochs} epochs, {threads} threads each; {options.repeats} turns, each with its own seed: "
        "median of the seconds, mean of the scores (Spearman's ρ and accuracy x 100); the time of the C program "
        "includes writing its vectors as text",
        f"{ratio:.1f} times as fast; bars: ≥ 3 times, and the average is no more than 0.5 points below theirs",
    ]
    measuring.write_results("glove_speed", "GloVe against the program of its authors", rows, notes)


if __name__ == "__main__":
    main()
