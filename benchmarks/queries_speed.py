"""Neighbours of many words against gensim's loop, and opening a large model; on generated vectors.

python -m benchmarks.queries_speed [--repeats 3]
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import generated, measuring

WORDS, DIMENSION, ASKED, TOPN = 100_000, 100, 10_000, 10
LOOPED = 1000  # words that gensim is asked for; its time is taken times ASKED / LOOPED
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
    rows = [compare_neighbors(options.repeats), opened]
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
