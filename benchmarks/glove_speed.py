"""GloVe against the program of its authors: time and quality on the same co-occurrences, in one run.

python -m benchmarks.glove_speed [BUILD] [--corpus SOURCE] [--megabytes 50] [--epochs 15] [--repeats 3]

BUILD, or GLOVE_BUILD in the environment, is the folder of the compiled program, which is not a part of this project:

    git clone https://github.com/stanfordnlp/GloVe && make -C GloVe        # BUILD is GloVe/build
"""

import argparse
import os
import subprocess
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import measuring, text
from benchmarks.word2vec_quality import scores
from embeddings import Vocabulary, WordVectors
from embeddings.formats import read
from embeddings.glove import GloVe, GloVeConfig, ShuffledPairs, count_pairs
from embeddings.threads import thread_count

DIMENSION, WINDOW = 100, 10
THREADS = thread_count(None)
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


def compare_time(
    build: Path, pairs: ShuffledPairs, vocabulary: Vocabulary, folder: Path, epochs: int, repeats: int
) -> dict[str, list[float]]:
    """Seconds of a few epochs, ours and theirs, in turns."""
    ours = GloVe(GloVeConfig(dimension=DIMENSION, window=WINDOW, epochs=epochs))
    few = ShuffledPairs(len(vocabulary), pairs.pairs[:1000])
    GloVe(GloVeConfig(dimension=DIMENSION, epochs=1)).fit(few, vocabulary)  # compiles
    turns = {
        "vecmill": lambda: ours.fit(pairs, vocabulary),
        "C": lambda: train_theirs(build, folder, epochs, THREADS, 1),
    }
    return measuring.take_turns(turns, repeats)


def compare_quality(
    build: Path, pairs: ShuffledPairs, vocabulary: Vocabulary, folder: Path, epochs: int, seeds: int, data: Path
) -> dict[str, dict[str, float]]:
    """Mean scores over the seeds, ours and theirs."""
    found: dict[str, list[dict[str, float]]] = {"vecmill": [], "C": []}
    for seed in range(1, seeds + 1):
        config = GloVeConfig(dimension=DIMENSION, window=WINDOW, epochs=epochs, seed=seed)
        found["vecmill"].append(scores(GloVe(config).fit(pairs, vocabulary).vectors_, data))
        train_theirs(build, folder, epochs, THREADS, seed)
        found["C"].append(scores(their_vectors(folder, vocabulary), data))
    return {
        side: {key: float(np.mean([result[key] for result in results])) for key in results[0]}
        for side, results in found.items()
    }


def main() -> None:
    """Train both sides, score both, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, nargs="?", default=os.environ.get("GLOVE_BUILD"))
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--megabytes", type=float, default=50.0, help="how much of it")
    parser.add_argument("--data", type=Path, default=text.SHARED / "evaluation")
    parser.add_argument("--epochs", type=int, default=15, help="of the vectors that are scored")
    parser.add_argument("--seeds", type=int, default=1, help="of the vectors that are scored")
    parser.add_argument("--timed-epochs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="turns that are timed")
    options = parser.parse_args()
    if not (build := options.build):
        parser.exit(message="glove_speed is left out: give the folder of the compiled program, or set GLOVE_BUILD\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = text.write_text(options.corpus, folder / "text.txt", options.megabytes)
        vocabulary, corpus = text.encode(source, folder)
        pairs = count_pairs(corpus, len(vocabulary), folder, window=WINDOW, seed=1)
        write_their_files(pairs, vocabulary, folder)
        seconds = compare_time(build, pairs, vocabulary, folder, options.timed_epochs, options.repeats)
        quality = compare_quality(build, pairs, vocabulary, folder, options.epochs, options.seeds, options.data)
    examples = 2 * len(pairs.pairs) * options.timed_epochs / 1e6
    rows = [
        {
            "trained by": side,
            "M examples/s": f"{examples / median(seconds[side]):.2f}",
            **{key: f"{value:.1f}" for key, value in found.items()},
            "average": f"{np.mean(list(found.values())):.2f}",
        }
        for side, found in quality.items()
    ]
    notes = [
        f"{Path(options.corpus).name}, {options.megabytes:g} MB, V = {len(vocabulary):,}, "
        f"{len(pairs.pairs) / 1e6:.1f} M pairs, each an example in both directions; d={DIMENSION}, window {WINDOW}, "
        f"x_max 100, {THREADS} threads each",
        f"speed: epochs {options.timed_epochs}, median of {options.repeats} alternating runs; that of the C program "
        "includes writing its vectors as text",
        f"scores: epochs {options.epochs}, seeds {options.seeds}, means; Spearman's ρ and accuracy x 100",
        f"{measuring.ratio_of_medians(seconds['vecmill'], seconds['C']):.1f} times as fast; bars: ≥ 3 times, and the "
        "average is no more than 0.5 points below theirs",
    ]
    measuring.write_results("glove_speed", "GloVe against the program of its authors", rows, notes)


if __name__ == "__main__":
    main()
