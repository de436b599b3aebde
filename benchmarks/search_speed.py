"""Search among texts by the mean of their words' vectors, beside a loop in NumPy and scikit-learn.

The peers get the vectors of texts and queries that vecmill computes; all find the same texts.

python -m benchmarks.search_speed [--texts 50000] [--queries 500] [--repeats 3]
"""

import argparse
from statistics import median

import numpy as np
from sklearn.neighbors import NearestNeighbors

import vecmill
from benchmarks import generated, measuring

WORDS, DIMENSION, TEXT_WORDS, QUERY_WORDS, TOPN = 20_000, 100, 40, 4, 10
_SAME = 0.99  # of the places: texts that are equally near may change theirs


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    words = generated.generated_words(WORDS)
    vectors, generator = generated.generated_vectors(words, DIMENSION), np.random.default_rng(3)
    drawn = np.array(words)[generator.integers(0, WORDS, (options.texts, TEXT_WORDS))].tolist()
    asked = np.array(words)[generator.integers(0, WORDS, (options.queries, QUERY_WORDS))].tolist()
    index = vecmill.TextIndex(vectors, drawn)
    matrix, queries = vecmill.sentence_vectors(vectors, drawn), vecmill.sentence_vectors(vectors, asked)
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    sklearn = NearestNeighbors(n_neighbors=TOPN, metric="cosine", algorithm="brute").fit(matrix)

    def plain(query: np.ndarray) -> np.ndarray:
        cosines = unit @ (query / np.linalg.norm(query))
        best = np.argpartition(-cosines, TOPN)[:TOPN]
        return best[np.argsort(-cosines[best])]

    found = [[text.number for text in texts] for texts in index.search_many(asked, TOPN)]
    for peer in (sklearn.kneighbors(queries)[1], np.array([plain(query) for query in queries])):
        if (peer == found).mean() < _SAME:
            raise AssertionError("the sides find other texts")
    cases = {
        f"{options.queries} queries in one call": {
            "vecmill": lambda: index.search_many(asked, TOPN),
            "NumPy": lambda: [plain(query) for query in queries],
            "scikit-learn": lambda: sklearn.kneighbors(queries),
        },
        f"{options.queries} calls of one query": {
            "vecmill": lambda: [index.search(query, TOPN) for query in asked],
            "NumPy": lambda: [plain(query) for query in queries],
            "scikit-learn": lambda: [sklearn.kneighbors(query[None]) for query in queries],
        },
    }
    rows = []
    for case, sides in cases.items():
        seconds = measuring.take_turns(sides, options.repeats)
        peers = [measuring.ratio_of_medians(seconds["vecmill"], seconds[side]) for side in list(sides)[1:]]
        times = {side: f"{median(values):.2f} s" for side, values in seconds.items()}
        rows.append({"case": case, **times, "ratio": ", ".join(f"{ratio:.1f}×" for ratio in peers)})
    notes = [
        f"{options.texts:,} texts of {TEXT_WORDS} words, queries of {QUERY_WORDS}, d={DIMENSION}, the best {TOPN}; "
        f"only vecmill's time includes the vectors of the queries; the sides in turns, median of {options.repeats}"
    ]
    measuring.write_results("search_speed", "Search among texts beside NumPy and scikit-learn", rows, notes)


if __name__ == "__main__":
    main()
