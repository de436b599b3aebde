"""Megabytes, query times and scores of quantised, pruned and rotated vectors.

python -m benchmarks.small_vectors [--model MODEL] [--corpus SOURCE] [--data FOLDER]

Without MODEL, vectors are trained on the corpus with the defaults of `vecmill.train`.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import vecmill
from benchmarks import measuring, text
from benchmarks.word2vec_quality import scores
from embeddings import WordVectors
from embeddings.vectors.model_directory import ALL_FILES, VOCABULARY_FILE
from embeddings.vectors.small_vectors import make_smaller

CASES: dict[str, dict[str, Any]] = {
    "float32": {},
    "--quantize int8": {"quantization": "int8"},
    "--quantize pq": {"quantization": "pq"},
    "--prune 50000": {"words": 50_000},
    "--prune 30000": {"words": 30_000},
    "--prefix 64": {"dimension": 64},
    "--prefix 50": {"dimension": 50},
    "--prefix 64 --quantize int8": {"dimension": 64, "quantization": "int8"},
    "--prefix 64 --quantize pq": {"dimension": 64, "quantization": "pq"},
    "--prune 50000 --prefix 64 --quantize int8": {"words": 50_000, "dimension": 64, "quantization": "int8"},
}
QUERIES = 200


def megabytes(directory: Path) -> float:
    """Size of the vectors in a model directory, without the vocabulary."""
    names = [name for name in ALL_FILES if name != VOCABULARY_FILE and (directory / name).is_file()]
    return sum((directory / name).stat().st_size for name in names) / 1e6


def query_milliseconds(vectors: WordVectors) -> float:
    """Median time of `most_similar` for one word, ten neighbours."""
    vectors.most_similar(0)
    words = iter(range(QUERIES))
    return 1000 * median(measuring.take_turns({"query": lambda: vectors.most_similar(next(words))}, QUERIES)["query"])


def main() -> None:
    """Make every variant, score it and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--data", type=Path, default=text.SHARED / "evaluation")
    options = parser.parse_args()
    trained = vecmill.load(options.model) if options.model else vecmill.train(options.corpus)
    vectors = WordVectors(trained.vocabulary, trained.matrix)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        for case, changes in CASES.items():
            directory = Path(name) / f"{len(rows)}"
            make_smaller(vectors, **changes).save(directory)
            small = vecmill.load(directory)
            found = scores(small, options.data)
            rows.append(
                {
                    "vectors": case,
                    "MB": f"{megabytes(directory):.1f}",
                    "ms a query": f"{query_milliseconds(small):.2f}",
                    **{key: f"{value:.1f}" for key, value in found.items()},
                    "average": f"{np.mean(list(found.values())):.2f}",
                }
            )
    notes = [
        f"{Path(options.corpus).name}, {len(vectors):,} words, {vectors.dimension} dimensions; Spearman's ρ and "
        "accuracy x 100; pairs and questions with an unknown word are left out, of which pruned vectors have more",
    ]
    measuring.write_results("small_vectors", "Small vectors: size, time and scores", rows, notes)


if __name__ == "__main__":
    main()
