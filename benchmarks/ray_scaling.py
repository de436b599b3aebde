"""Training word vectors by workers: efficiency on Ray, and quality by the number of workers.

python -m benchmarks.ray_scaling [--corpus SOURCE] [--megabytes 20] [--repeats 3] [--quality 1 2 4 8]

The first part trains a few rounds of a long text with 1 and 2 processes of Ray, of one thread each, in turns; it takes
less than five minutes with `--quality --repeats 2`. The second trains with each number of workers in this process,
which gives the vectors of as many machines, bit for bit. `ray_network` has what a network between the machines costs.
"""

import argparse
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import measuring, text
from benchmarks.word2vec_quality import SETS
from embeddings import EncodedCorpus, Vocabulary, Word2Vec, Word2VecConfig
from embeddings.evaluation import evaluate
from embeddings.word2vec import crew
from embeddings.word2vec.crew import ROUNDS
from pipelines.backends.local import LocalCrew
from pipelines.backends.opening import open_backend

MEASURED_ROUNDS = 8


def train(vocabulary: Vocabulary, corpus: EncodedCorpus, epochs: int, workers: crew.Crew, **settings: Any) -> Word2Vec:
    """Train with one thread a worker."""
    config = Word2VecConfig(threads=1, sample=1e-3, epochs=epochs, **settings)
    return Word2Vec(config).fit(corpus, vocabulary, crew=workers)


@contextlib.contextmanager
def rounds_of_an_epoch(rounds: int) -> Iterator[None]:
    """Have the leading process cut an epoch into so many rounds at most."""
    before, crew.ROUNDS = crew.ROUNDS, rounds
    try:
        yield
    finally:
        crew.ROUNDS = before


def efficiency(vocabulary: Vocabulary, corpus: EncodedCorpus, repeats: int, piece: float) -> list[dict[str, Any]]:
    """Words a second with one and two processes of one thread each, without the first epoch, in which they start."""
    found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for _ in range(repeats):
        for workers, measured in found.items():
            long = text.repeated(corpus, MEASURED_ROUNDS * workers * piece)
            with open_backend("ray", workers=workers, threads=1) as backend, rounds_of_an_epoch(MEASURED_ROUNDS):
                first, last = train(vocabulary, long, 2, backend.crew()).metrics_
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
    vocabulary: Vocabulary, corpus: EncodedCorpus, workers: list[int], epochs: int, data: Path, **settings: Any
) -> list[dict[str, Any]]:
    """Scores of the evaluation sets by the number of workers, in points of 100."""
    rows = []
    for number in workers:
        model = train(vocabulary, corpus, epochs, LocalCrew(number), **settings)
        table = evaluate(model.vectors_, {name: data / file for name, file in SETS.items()}).drop_duplicates("set")
        scores = {str(row["set"]): 100 * float(row["score"]) for _, row in table.iterrows() if row["set"] in SETS}
        cells = {name: f"{score:.1f}" for name, score in scores.items()}
        mean, loss = float(np.mean([*scores.values()])), model.metrics_[-1]["held_out_loss"]
        held_out = "–" if loss is None else f"{loss:.3f}"  # nothing is held out of a short text
        lengths = [
            float(np.linalg.norm(matrix.mean(axis=0))) for matrix in (model.vectors_.matrix, model.vectors_.context)
        ]
        means = {f"mean of {name}": f"{length:.2f}" for name, length in zip("EC", lengths, strict=True)}
        rows.append({"workers": number, **cells, "average": f"{mean:.2f}", "held-out loss": held_out, **means})
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--megabytes", type=float, default=20.0, help="how much of it")
    parser.add_argument("--data", type=Path, default=text.SHARED / "evaluation")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3, help="of the measurement of speed; 0 leaves it out")
    parser.add_argument(
        "--piece", type=float, default=2.5e6, help="words that a worker trains in a round, for the speed"
    )
    parser.add_argument("--quality", type=int, nargs="*", default=[1, 2, 4, 8], help="numbers of workers")
    parser.add_argument("--seed", type=int, default=1, help="of the trainings for the quality")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of an epoch at most, for the quality")
    parser.add_argument("--learning-rate", type=float, help="for the quality")
    options = parser.parse_args()
    what = f"{Path(options.corpus).name}, {options.megabytes:g} MB, skip-gram d=100, window 5, K=5"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = text.write_text(options.corpus, folder / "text.txt", options.megabytes)
        vocabulary, corpus = text.encode(source, folder)
        if options.repeats:
            notes = [
                f"{what}, V = {len(vocabulary):,}, again and again; pieces of {options.piece:,.0f} words, those of "
                f"{2 * ROUNDS * options.piece / 1e9:.1f} billion words; medians of {options.repeats}, in turns"
            ]
            rows = efficiency(vocabulary, corpus, options.repeats, options.piece)
            measuring.write_results("ray_efficiency", "Workers of one thread each, on Ray", rows, notes)
        if options.quality:
            how = f"sample 1e-3, {options.rounds} rounds an epoch at most, seed {options.seed}"
            notes = [f"{what}, {options.epochs} epochs, {how}; one run each"]
            settings = {"seed": options.seed, "learning_rate": options.learning_rate}
            with rounds_of_an_epoch(options.rounds):
                rows = quality(vocabulary, corpus, options.quality, options.epochs, options.data, **settings)
            measuring.write_results("ray_quality", "Quality by the number of workers", rows, notes)


if __name__ == "__main__":
    main()
