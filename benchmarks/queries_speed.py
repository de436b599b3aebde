"""Neighbours of many words against gensim's loop, and opening a large model; on generated vectors.

python -m benchmarks.queries_speed [--repeats 3]
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import generated, measuring
from embeddings.vectors.postprocessing import mean_sentence_vectors

WORDS, DIMENSION, ASKED, TOPN = 100_000, 100, 10_000, 10
LOOPED = 1000  # words that gensim is asked for; its time is taken times ASKED / LOOPED
CALLS, DOCUMENTS, DOCUMENT_WORDS = 10_000, 2000, 180
LARGE = (1_000_000, 300)


def compare_neighbors(repeats: int) -> dict[str, str]:
    """Neighbours of 10,000 words: one batch here, one word after the other there; the results must be the same."""
    ours = generated.generated_vectors(generated.generated_words(WORDS), DIMENSION)
    theirs = generated.keyed_vectors(ours)
    asked = [ours.words[row] for row in np.random.default_rng(1).choice(WORDS, ASKED, replace=False)]
    ids, similarities = ours.neighbors(asked, TOPN)  # also computes unit vectors once, as the next line does
    for row, word in enumerate(asked[:100]):
        found = theirs.most_similar(word, topn=TOPN)
        same = [ours.words[place] == name for place, (name, _) in zip(ids[row], found, strict=True)]
        apart = np.abs(similarities[row] - [similarity for _, similarity in found])
        if not (apart < 1e-5).all() or sum(same) < TOPN - 2:  # the order of equals may differ
            raise AssertionError(f"{word}: {found} there, {[ours.words[place] for place in ids[row]]} here")
    seconds = measuring.take_turns(
        {
            "ours": lambda: ours.neighbors(asked, TOPN),
            "gensim": lambda: [theirs.most_similar(word, topn=TOPN) for word in asked[:LOOPED]],
        },
        repeats,
    )
    here, there = median(seconds["ours"]), median(seconds["gensim"]) * ASKED / LOOPED
    return {
        "case": f"neighbours of {ASKED:,} words, V = {WORDS:,}, d = {DIMENSION}",
        "vecmill": f"{here:.2f} s",
        "gensim": f"{there:.1f} s",
        "ratio": f"{there / here:.1f}×",
        "bar": "≥ 10×",
    }


def compare_single_calls(repeats: int) -> list[dict[str, str]]:
    """Loops over calls that ask for one word, one pair or one document, here and there, with the same answers."""
    ours = generated.generated_vectors(generated.generated_words(WORDS), DIMENSION)
    theirs = generated.keyed_vectors(ours)
    rng = np.random.default_rng(1)

    def words(count: int, length: int) -> list[list[str]]:
        return [[ours.words[row] for row in rows] for rows in rng.integers(0, WORDS, (count, length))]

    pairs, lists, documents = words(CALLS, 2), words(CALLS, 5), words(DOCUMENTS, DOCUMENT_WORDS)
    cases: list[tuple[str, float, Callable[[], Any], Callable[[], Any]]] = [
        (
            "similarity",
            1,
            lambda: [ours.similarity(a, b) for a, b in pairs],
            lambda: [theirs.similarity(a, b) for a, b in pairs],
        ),
        (
            "get_vector",
            1,
            lambda: [ours.get_vector(a) for a, _ in pairs],
            lambda: [theirs.get_vector(a) for a, _ in pairs],
        ),
        (
            "get_vector, unit length",
            1,
            lambda: [ours.get_vector(a, norm=True) for a, _ in pairs],
            lambda: [theirs.get_vector(a, norm=True) for a, _ in pairs],
        ),
        (
            "mean of one word",
            1,
            lambda: [ours.mean_vector([a]) for a, _ in pairs],
            lambda: [theirs.get_mean_vector([a]) for a, _ in pairs],
        ),
        (
            "mean of 5 words",
            1,
            lambda: [ours.mean_vector(some) for some in lists],
            lambda: [theirs.get_mean_vector(some) for some in lists],
        ),
        (
            f"mean of {DOCUMENT_WORDS} words",
            3,
            lambda: [ours.mean_vector(some) for some in documents],
            lambda: [theirs.get_mean_vector(some) for some in documents],
        ),
        (
            f"{DOCUMENTS:,} sentence vectors in one call",
            3,
            lambda: mean_sentence_vectors(ours, documents),
            lambda: [theirs.get_mean_vector(some) for some in documents],
        ),
        (
            "most_similar",
            1,
            lambda: [ours.most_similar(a) for a, _ in pairs[:100]],
            lambda: [theirs.most_similar(a) for a, _ in pairs[:100]],
        ),
    ]
    rows = []
    for name, bar, here, there in cases:
        if name != "most_similar" and not np.allclose(np.array(here()), np.array(there()), atol=1e-5):
            raise AssertionError(f"{name}: other answers than gensim's")
        seconds = measuring.take_turns({"ours": here, "gensim": there}, repeats)
        ratio = median(seconds["gensim"]) / median(seconds["ours"])
        rows.append(
            {
                "case": f"{name}, V = {WORDS:,}, d = {DIMENSION}",
                "vecmill": f"{median(seconds['ours']):.3f} s",
                "gensim": f"{median(seconds['gensim']):.3f} s",
                "ratio": f"{ratio:.1f}×",
                "bar": f"≥ {bar}×",
            }
        )
    return rows


def open_large(repeats: int) -> tuple[dict[str, str], str]:
    """Open a model directory and ask for one vector, in a process of its own each time."""
    count, dimension = LARGE
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shape = (count, dimension)
        matrix = np.lib.format.open_memmap(folder / "vectors.npy", "w+", np.float32, shape)  # a sparse file of zeros
        matrix[count // 2] = 1
        del matrix
        words = generated.generated_words(count)
        (folder / "vocabulary.tsv").write_text("".join(f"{word}\t1\n" for word in words))
        runs = [
            measuring.run_alone("benchmarks.queries_speed", "--open", name, words[count // 2]) for _ in range(repeats)
        ]
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    row = {
        "case": f"open a model of {count:,} x {dimension} and ask for one vector",
        "vecmill": f"{median(run['seconds'] for run in runs):.3f} s",
        "gensim": "–",
        "ratio": "–",
        "bar": "< 0.2 s",
    }
    grown = median(run["grown"] for run in runs) / 1e6
    return row, f"opening the model of {size:,.0f} MB took {grown:.0f} MB of memory: the vectors are mapped, not read"


def open_one(folder: str, word: str) -> None:
    """Open a model and ask for one vector; print seconds and how much memory the process has grown by, as JSON."""
    from embeddings import WordVectors

    before = resident_bytes()
    start = time.perf_counter()
    vector = WordVectors.load(folder)[word]
    seconds = time.perf_counter() - start
    grown = resident_bytes() - before
    if not (vector == 1).all():
        raise AssertionError("another vector than was written")
    print(json.dumps({"seconds": seconds, "grown": grown}))


def resident_bytes() -> int:
    """Memory of this process, mapped files that were looked at among it (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def main() -> None:
    """Run both comparisons and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    opened, note = open_large(options.repeats)
    rows = [compare_neighbors(options.repeats), *compare_single_calls(options.repeats), opened]
    notes = [
        f"generated vectors; medians of {options.repeats} alternating runs; topn={TOPN}; the same results were checked",
        f"gensim's loop was run on {LOOPED:,} of the words, its time taken times {ASKED // LOOPED}",
        note,
    ]
    measuring.write_results("queries_speed", "Queries", rows, notes)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--open"]:
        open_one(*sys.argv[2:])
    else:
        main()
