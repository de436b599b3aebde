"""Training word vectors by workers: efficiency on Ray, quality by the number of workers, and a model of the cost.

python -m benchmarks.ray_scaling [--corpus SOURCE] [--megabytes 20] [--quality 1 2 4 8] [--data FOLDER] [--epochs 5]

The first part trains with 1 and 2 processes of Ray, of one thread each, in turns. The second trains with each number
of workers in this process, which gives the vectors of as many machines, bit for bit. The third prints the prediction
for 8, 32 and 128 machines from the speed of one.
"""

import argparse
import math
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import measuring, text
from benchmarks.word2vec_quality import SETS
from embeddings import EncodedCorpus, Vocabulary, Word2Vec, Word2VecConfig
from embeddings.evaluation import evaluate
from embeddings.word2vec.crew import ROUNDS
from pipelines.backends.local import LocalCrew
from pipelines.backends.opening import open_backend

WORDS = 100e9
GIGABITS = (1, 10)


def train(vocabulary: Vocabulary, corpus: EncodedCorpus, epochs: int, crew: Any) -> Word2Vec:
    """Train with one thread a worker."""
    return Word2Vec(Word2VecConfig(threads=1, sample=1e-3, epochs=epochs)).fit(corpus, vocabulary, crew=crew)


def efficiency(vocabulary: Vocabulary, corpus: EncodedCorpus, repeats: int) -> list[dict[str, Any]]:
    """Words a second with one and two processes of one thread each, without the first epoch, in which they start."""
    found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for _ in range(repeats):
        for workers, measured in found.items():
            with open_backend("ray", workers=workers, threads=1) as backend:
                first, *_, last = train(vocabulary, corpus, 3, backend.crew()).metrics_
            words, seconds = last["words"] - first["words"], last["seconds"] - first["seconds"]
            measured.append({"speed": words / seconds, **last})
    one = median(result["speed"] for result in found[1])
    return [
        {
            "workers": workers,
            "words/s": f"{median(result['speed'] for result in measured):,.0f}",
            "speed-up": f"{median(result['speed'] for result in measured) / one:.2f}",
            "waiting and exchanging": f"{100 * median(result['exchange_share'] for result in measured):.0f} %",
            "MB a round": f"{measured[0]['exchanged_bytes'] / measured[0]['rounds'] / 1e6:.1f}",
        }
        for workers, measured in found.items()
    ]


def quality(
    vocabulary: Vocabulary, corpus: EncodedCorpus, workers: list[int], epochs: int, data: Path
) -> list[dict[str, Any]]:
    """Scores of the evaluation sets by the number of workers, in points of 100."""
    rows = []
    for number in workers:
        model = train(vocabulary, corpus, epochs, LocalCrew(number))
        table = evaluate(model.vectors_, {name: data / file for name, file in SETS.items()}).drop_duplicates("set")
        scores = {str(row["set"]): 100 * float(row["score"]) for _, row in table.iterrows() if row["set"] in SETS}
        cells = {name: f"{score:.1f}" for name, score in scores.items()}
        mean, loss = float(np.mean([*scores.values()])), model.metrics_[-1]["held_out_loss"]
        rows.append({"workers": number, **cells, "average": f"{mean:.2f}", "held-out loss": f"{loss:.3f}"})
        print(rows[-1], flush=True)
    return rows


def exchange_seconds(machines: int, matrix_bytes: float, gigabits: float) -> float:
    """Seconds of one exchange: log2 W messages up the tree, as many down, with all rows."""
    return 2 * math.ceil(math.log2(machines)) * matrix_bytes * 8 / (gigabits * 1e9)


def prediction(words_per_second: float, vocabulary: int, dimension: int) -> list[dict[str, Any]]:
    """Efficiency of one epoch of 100 billion words."""
    matrix_bytes = 2.0 * vocabulary * (4 * dimension + 12)
    rows = []
    for machines in (8, 32, 128):
        training = WORDS / machines / words_per_second
        cells = {}
        for gigabits in GIGABITS:
            exchanging = ROUNDS * exchange_seconds(machines, matrix_bytes, gigabits)
            cells[f"efficiency at {gigabits} Gb/s"] = f"{100 * training / (training + exchanging):.1f} %"
        words = WORDS / machines / ROUNDS
        rows.append(
            {"machines": machines, "words of a piece": f"{words:,.0f}", "hours": f"{training / 3600:.1f}", **cells}
        )
    return rows


def least_words(words_per_second: float, vocabulary: int, dimension: int) -> list[dict[str, Any]]:
    """How many words an epoch must have so that 80 % of the time is training."""
    matrix_bytes = 2.0 * vocabulary * (4 * dimension + 12)
    rows = []
    for machines in (8, 32, 128):
        pieces = machines * ROUNDS
        words = {
            gigabits: 4 * exchange_seconds(machines, matrix_bytes, gigabits) * words_per_second * pieces
            for gigabits in GIGABITS
        }
        cells = {f"at {gigabits} Gb/s": f"{number / 1e9:.2f} billion words" for gigabits, number in words.items()}
        rows.append({"machines": machines, **cells})
    return rows


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--megabytes", type=float, default=20.0, help="how much of it")
    parser.add_argument("--data", type=Path, default=text.SHARED / "evaluation")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3, help="of the measurement of speed; 0 leaves it out")
    parser.add_argument("--quality", type=int, nargs="*", default=[1, 2, 4, 8], help="numbers of workers")
    parser.add_argument("--words-per-second", type=float, default=2e6, help="of one machine, for the prediction")
    options = parser.parse_args()
    what = f"{Path(options.corpus).name}, {options.megabytes:g} MB, skip-gram d=100, window 5, K=5"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = text.write_text(options.corpus, folder / "text.txt", options.megabytes)
        vocabulary, corpus = text.encode(source, folder)
        if options.repeats:
            notes = [
                f"{what}, V = {len(vocabulary):,}, {ROUNDS} rounds an epoch; medians of {options.repeats}, in turns"
            ]
            rows = efficiency(vocabulary, corpus, options.repeats)
            measuring.write_results("ray_efficiency", "Workers of one thread each, on Ray", rows, notes)
        if options.quality:
            notes = [f"{what}, {options.epochs} epochs, sample 1e-3, {ROUNDS} rounds an epoch; one run each"]
            rows = quality(vocabulary, corpus, options.quality, options.epochs, options.data)
            measuring.write_results("ray_quality", "Quality by the number of workers", rows, notes)
    notes = [
        "V = 100,000, d = 100, all rows of E and C change in every round, a tree of messages up and one down, nothing "
        f"overlaps; a machine trains {options.words_per_second:,.0f} words/s; one epoch of {WORDS:,.0f} words"
    ]
    measuring.write_results(
        "ray_prediction", "Predicted: 100 billion words", prediction(options.words_per_second, 100_000, 100), notes
    )
    measuring.write_results(
        "ray_least_words",
        "Predicted: the shortest epoch of which 80 % is training",
        least_words(options.words_per_second, 100_000, 100),
        notes,
    )


if __name__ == "__main__":
    main()
