"""Text without end for measurements: words drawn by Zipf's law, with as many distinct ones as are asked for.

    python -m benchmarks.zipf --megabytes 1000 --types 8000000 --seed 1 > text.txt

A word of rank r has probability 1 / (r log N), N the number of distinct words: the exponential of a number drawn
evenly from 0 to log N, rounded down, is such a rank. Frequent words are short: a rank is written in syllables.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

CONSONANTS, VOWELS = b"bcdfghjklmnpqrstvwxz", b"aeiou"
SYLLABLES = np.array([[c, v] for c in CONSONANTS for v in VOWELS], np.uint8)
WORDS_AT_ONCE = 1 << 18
WORDS_A_LINE = 20


def spelled(ranks: np.ndarray) -> np.ndarray:
    """Write ranks from 1 on in bijective base 100 with syllables as digits: (n, letters) uint8, zeros after the end."""
    columns = []
    rest = ranks.astype(np.int64)
    while rest.any():
        digit = np.where(rest > 0, (rest - 1) % len(SYLLABLES), 0)
        columns.append(np.where((rest > 0)[:, None], SYLLABLES[digit], 0).astype(np.uint8))
        rest = (rest - 1) // len(SYLLABLES) * (rest > 0)
    return np.concatenate(columns, axis=1)


def blocks(size: int, types: int, seed: int) -> Iterator[bytes]:
    """Yield `size` bytes of text, a few megabytes at a time, in lines of `WORDS_A_LINE` words.

    Parameters
    ----------
    size
        In bytes; the last word may be cut off.
    types
        Number of distinct words that there are to draw from.
    seed
        The same text for the same three numbers.
    """
    generator = np.random.default_rng(seed)
    while size > 0:
        ranks = np.exp(generator.random(WORDS_AT_ONCE) * np.log(types + 1)).astype(np.int64)
        separators = np.full((len(ranks), 1), ord(" "), np.uint8)
        separators[::WORDS_A_LINE] = ord("\n")
        letters = np.concatenate([separators, spelled(np.minimum(ranks, types))], axis=1)
        text = letters[letters != 0][1:].tobytes() + b"\n"
        yield text[:size]
        size -= len(text)


def write(path: Path, megabytes: float, types: int = 8_000_000, seed: int = 1) -> Path:
    """Write so many million bytes of text to a file."""
    with path.open("wb") as file:
        file.writelines(blocks(round(megabytes * 1e6), types, seed))
    return path


def main() -> None:
    """Write text to standard output."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=10.0)
    parser.add_argument("--types", type=int, default=8_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for text in blocks(round(options.megabytes * 1e6), options.types, options.seed):
        sys.stdout.buffer.write(text)


if __name__ == "__main__":
    main()
