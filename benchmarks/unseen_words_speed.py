"""Character n-grams against gensim: hashing, vectors of unseen words, and reading fastText's .bin; on generated words.

python -m benchmarks.unseen_words_speed [--repeats 3]
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import generated, measuring
from embeddings import Vocabulary, WordVectors, formats
from embeddings.text.character_ngrams import CharacterNgrams
from embeddings.vectors.subwords import SubwordVectors

WORDS, DIMENSION, UNSEEN, CALLS = 50_000, 100, 10_000, 2000
NGRAMS = CharacterNgrams(buckets=200_000)


def generated_model() -> WordVectors:
    """Words with random vectors, and random vectors of their n-grams."""
    words, rng = generated.generated_words(WORDS), np.random.default_rng(1)
    vocabulary = Vocabulary.from_words(words, range(WORDS, 0, -1))
    table = NGRAMS.table(vocabulary.encoded_words)
    matrix = rng.standard_normal((len(table.buckets), DIMENSION), np.float32)
    subwords = SubwordVectors(NGRAMS, table.buckets, matrix)
    own = rng.standard_normal((WORDS, DIMENSION), np.float32)
    return WordVectors(vocabulary, subwords.word_vectors(own, vocabulary.encoded_words), subwords=subwords)


def compare(path: Path, repeats: int) -> list[dict[str, str]]:
    """Time both sides in turns; the buckets and vectors must be the same."""
    from gensim.models.fasttext import load_facebook_vectors
    from gensim.models.fasttext_inner import compute_ngrams_bytes, ft_hash_bytes

    ours, theirs = formats.read(path), load_facebook_vectors(path)
    words = list(ours.words)
    unseen = [word for word in (f"{word}ly" for word in words[:UNSEEN]) if word not in ours]

    def their_buckets() -> list[int]:
        lengths = NGRAMS.min_length, NGRAMS.max_length
        return [ft_hash_bytes(gram) % NGRAMS.buckets for word in words for gram in compute_ngrams_bytes(word, *lengths)]

    if NGRAMS.buckets_of(ours.vocabulary.encoded_words).buckets.tolist() != their_buckets():
        raise AssertionError("other buckets than gensim's")
    np.testing.assert_allclose(ours[unseen], [theirs[word] for word in unseen], atol=1e-5)
    cases = [
        (
            f"buckets of the n-grams of {WORDS:,} words",
            lambda: NGRAMS.buckets_of(ours.vocabulary.encoded_words),
            their_buckets,
            "≥ 10×",
        ),
        (
            f"vectors of {len(unseen):,} unseen words in one call",
            lambda: ours[unseen],
            lambda: [theirs[word] for word in unseen],
            "≥ 3×",
        ),
        (
            f"vectors of {CALLS:,} unseen words, one by one",
            lambda: [ours[word] for word in unseen[:CALLS]],
            lambda: [theirs[word] for word in unseen[:CALLS]],
            "≥ 1×",
        ),
        (
            f"read fastText's .bin of {path.stat().st_size / 1e6:,.0f} MB",
            lambda: formats.read(path),
            lambda: load_facebook_vectors(path),
            "≥ 5×",
        ),
    ]
    rows = []
    for name, here, there, bar in cases:
        seconds = measuring.take_turns({"ours": here, "gensim": there}, repeats)
        rows.append(
            {
                "case": name,
                "vecmill": f"{median(seconds['ours']):.3f} s",
                "gensim": f"{median(seconds['gensim']):.3f} s",
                "ratio": f"{measuring.ratio_of_medians(seconds['ours'], seconds['gensim']):.1f}×",
                "bar": bar,
            }
        )
    return rows


def main() -> None:
    """Write a model in fastText's format, compare both readers, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "model.bin"
        formats.write(generated_model(), path)
        rows = compare(path, options.repeats)
    notes = [
        f"generated words and vectors, d = {DIMENSION}, n-grams of {NGRAMS.range} characters; medians of "
        f"{options.repeats} alternating runs; the same buckets and vectors were checked",
    ]
    measuring.write_results("unseen_words_speed", "Unseen words", rows, notes)


if __name__ == "__main__":
    main()
