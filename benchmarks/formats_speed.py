"""Reading and writing word2vec's formats against gensim, on generated vectors.

python -m benchmarks.formats_speed [--repeats 3]
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from gensim.models import KeyedVectors

from benchmarks import generated, measuring
from embeddings import formats

DIMENSION = 300
CASES = [("word2vec-binary", 400_000, 3.0, 3.0), ("word2vec-text", 50_000, 5.0, 3.0)]  # bars of reading and writing


def compare(name: str, words: int, folder: Path, repeats: int) -> dict[str, dict[str, list[float]]]:
    """Seconds of reading and of writing, ours and gensim's, in turns."""
    binary = name == "word2vec-binary"
    vectors = generated.generated_vectors(generated.generated_words(words), DIMENSION)
    theirs = generated.keyed_vectors(vectors)
    source, ours_path, theirs_path = (folder / f"{file}.{name}" for file in ("source", "ours", "theirs"))
    formats.write(vectors, source, name)
    read = KeyedVectors.load_word2vec_format(str(source), binary=binary)
    here = formats.read(source, name)  # also compiles
    if list(here.words) != read.index_to_key or not np.array_equal(here.matrix, read.vectors):
        raise AssertionError(f"{name}: gensim reads other words or numbers than we do")
    del read, here

    def write_theirs() -> None:
        theirs.save_word2vec_format(str(theirs_path), binary=binary)

    return {
        "read": measuring.take_turns(
            {
                "ours": lambda: formats.read(source, name),
                "gensim": lambda: KeyedVectors.load_word2vec_format(str(source), binary=binary),
            },
            repeats,
        ),
        "write": measuring.take_turns(
            {"ours": lambda: formats.write(vectors, ours_path, name), "gensim": write_theirs}, repeats
        ),
    }


def main() -> None:
    """Run all cases and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rows = []
    for name, words, *bars in CASES:
        with tempfile.TemporaryDirectory() as folder:
            found = compare(name, words, Path(folder), options.repeats)
        for (what, seconds), bar in zip(found.items(), bars, strict=True):
            rows.append(
                {
                    "case": f"{what} {name}, V = {words:,}, d = {DIMENSION}",
                    "vecmill": f"{median(seconds['ours']):.2f} s",
                    "gensim": f"{median(seconds['gensim']):.2f} s",
                    "ratio": f"{measuring.ratio_of_medians(seconds['ours'], seconds['gensim']):.1f}×",
                    "bar": f"≥ {bar:g}×",
                }
            )
    notes = [
        f"generated vectors; medians of {options.repeats} alternating runs; files in the page cache; both read the "
        "same words and the same numbers",
        "in text we write the fewest digits that read back as the same float32, gensim what NumPy prints",
    ]
    measuring.write_results("formats_speed", "Reading and writing", rows, notes)


if __name__ == "__main__":
    main()
