"""All of Google's 19,544 analogies against gensim, on generated vectors that know every word of them.

python -m benchmarks.evaluation_speed [--repeats 3]
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import generated, measuring
from corpora import fetch
from embeddings.evaluation import Analogies, evaluate_analogies, read_analogies

WORDS, DIMENSION = 75_000, 100
SAMPLED = 20  # gensim is asked every so-manieth question; its time is taken times as many


def sample(questions: Analogies, folder: Path) -> Path:
    """Write every 20th question to a file that gensim reads."""
    path = folder / "sample.txt"
    with path.open("w") as file:
        for name, section in questions.sections.items():
            file.write(f": {name}\n" + "".join(" ".join(question) + "\n" for question in section[::SAMPLED]))
    return path


def main() -> None:
    """Measure both methods and gensim's, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    questions = read_analogies(fetch("google-analogies").text_files[0])
    asked = [word for section in questions.sections.values() for question in section for word in question]
    words = list(dict.fromkeys([*asked, *generated.generated_words(WORDS)]))[:WORDS]
    vectors = generated.generated_vectors(words, DIMENSION)
    theirs = generated.keyed_vectors(vectors)
    with tempfile.TemporaryDirectory() as folder:
        path = sample(questions, Path(folder))
        here = evaluate_analogies(vectors, read_analogies(path)).iloc[-1]["accuracy"]
        there = theirs.evaluate_word_analogies(str(path))[0]
        if abs(here - there) > 5e-5:
            raise AssertionError(f"accuracy {here} here, {there} there")
        seconds = measuring.take_turns(
            {
                "3CosAdd": lambda: evaluate_analogies(vectors, questions),
                "3CosMul": lambda: evaluate_analogies(vectors, questions, "3CosMul"),
                "gensim": lambda: theirs.evaluate_word_analogies(str(path)),
            },
            options.repeats,
        )
    gensim = median(seconds["gensim"]) * SAMPLED
    count = sum(map(len, questions.sections.values()))
    rows = [
        {
            "case": f"{count:,} analogies, {method}, V = {WORDS:,}, d = {DIMENSION}",
            "vecmill": f"{median(seconds[method]):.2f} s",
            "gensim": f"{gensim:.0f} s" if method == "3CosAdd" else "–",
            "ratio": f"{gensim / median(seconds[method]):.0f}×" if method == "3CosAdd" else "–",
            "bar": "< 3 s",
        }
        for method in ("3CosAdd", "3CosMul")
    ]
    notes = [
        f"generated vectors, all questions answerable; medians of {options.repeats} alternating runs; gensim was asked "
        f"every {SAMPLED}th question, its time taken times {SAMPLED}; both found the same accuracy on these",
    ]
    measuring.write_results("evaluation_speed", "Analogies", rows, notes)


if __name__ == "__main__":
    main()
