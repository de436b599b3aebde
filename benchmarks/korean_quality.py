"""What settings bring in Korean: questions of particles that are made of the vocabulary, and the loss of held-out text.

Korean has no public sets as the English ones, but its nouns take particles in a regular way: "서울은 is to 서울이 as
미국은 is to 미국이". The most frequent nouns that stand with all particles of a section in the text make its questions,
in the format of word2vec's analogies; which form a particle has depends on the last letter of the noun.

python -m benchmarks.korean_quality [--corpus SOURCE] [--megabytes 20] [--ours 'epochs=5' 'learning_rate=0.025' ...]
    [--peers gensim fastText]
"""

import argparse
import tempfile
import time
import tomllib
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import vecmill
from benchmarks import measuring, text
from benchmarks.subwords_speed import fasttext_model
from benchmarks.word2vec_speed import gensim_model
from embeddings.evaluation import evaluate
from embeddings.formats import read

CORPUS = text.SHARED / "corpora" / "wiki-ko-20mb.txt.xz"
SAMPLE = 1e-4
NOUNS = 40  # of a section
PARTICLES = {
    "topic": ("는", "은"),
    "subject": ("가", "이"),
    "object": ("를", "을"),
    "with": ("와", "과"),
    "of": ("의", "의"),
}
SECTIONS = (("topic", "subject"), ("topic", "object"), ("subject", "object"), ("object", "with"), ("of", "topic"))
GRID = (
    "",
    *(f"learning_rate={rate}" for rate in (0.025, 0.05, 0.075)),
    *(f"epochs={epochs}" for epochs in (5, 15, 20)),
    "sample=1e-3",
    "window=10",
    "dimension=200",
    'architecture="cbow"',
    'subwords="3-6"',
    'subwords="1-3"',
)


def with_particle(noun: str, particle: str) -> str:
    """Join a noun and a particle; a syllable of Hangul with a final consonant takes its second form."""
    ends_in_consonant = (ord(noun[-1]) - ord("가")) % 28 > 0
    return noun + PARTICLES[particle][ends_in_consonant]


def write_questions(words: list[str], path: Path) -> Path:
    """Write the questions of all sections; `words` is in the order of frequency."""
    known = set(words)
    particles = {form for forms in PARTICLES.values() for form in forms}
    nouns = [word for word in words if len(word) > 1 and all("가" <= letter <= "힣" for letter in word)]
    nouns = [noun for noun in nouns if noun[-1] not in particles]
    with path.open("w", encoding="utf-8") as file:
        for first, second in SECTIONS:
            pairs = [(with_particle(noun, first), with_particle(noun, second)) for noun in nouns]
            pairs = [pair for pair in pairs if known.issuperset(pair)][:NOUNS]
            file.write(f": {first}-{second}\n")
            file.writelines(f"{a} {b} {c} {d}\n" for (a, b), (c, d) in permutations(pairs, 2))
    return path


def accuracy(vectors: vecmill.WordVectors, questions: Path) -> float:
    """Return the share of right answers x 100."""
    return 100 * float(evaluate(vectors, {"particles": questions})["score"].iloc[0])


def main() -> None:
    """Train every row, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default=str(CORPUS))
    parser.add_argument("--megabytes", type=float, default=20.0, help="how much of it")
    parser.add_argument("--ours", nargs="*", default=GRID, metavar="SETTINGS", help="rows of ours, as TOML")
    parser.add_argument("--peers", nargs="*", choices=("gensim", "fastText"), default=("gensim", "fastText"))
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = text.write_text(options.corpus, folder / "text.txt", options.megabytes)
        vocabulary, corpus = text.encode(source, folder)
        questions = write_questions(vocabulary.words, folder / "questions.txt")
        tokens = text.write_tokens(vocabulary, corpus, folder / "tokens.txt")

        def ours(settings: str) -> vecmill.WordVectors:
            return vecmill.train(source, **tomllib.loads(settings.replace(" ", "\n")))

        peers: dict[str, Callable[[], vecmill.WordVectors]] = {
            "gensim": lambda: _by_gensim(tokens, folder),
            "fastText": lambda: _by_fasttext(tokens, folder),
        }
        ours("epochs=1")  # compiles
        sides = [("vecmill", settings, lambda s=settings: ours(s)) for settings in options.ours]
        sides += [(peer, f"sample={SAMPLE:g} epochs=10", peers[peer]) for peer in options.peers]
        for side, settings, train in sides:
            start = time.perf_counter()
            vectors = train()
            seconds = time.perf_counter() - start
            rows.append(
                {
                    "trained by": side,
                    "settings": settings or "defaults",
                    "seconds": f"{seconds:.1f}",
                    "particles": f"{accuracy(vectors, questions):.1f}",
                }
            )
            print(rows[-1], flush=True)
        count = sum(not line.startswith(":") for line in questions.read_text(encoding="utf-8").splitlines())
    notes = [
        f"{Path(options.corpus).name}, {options.megabytes:g} MB, {corpus.token_count / 1e6:.1f} M words, V = "
        f"{len(vocabulary):,}, d=100, min_count 5, one run; seconds with kernels compiled before",
        f"particles: {count:,} questions such as 서울은 : 서울이 :: 미국은 : 미국이, accuracy x 100",
    ]
    measuring.write_results("korean_quality", "Korean", rows, notes)


def _by_gensim(tokens: Path, folder: Path) -> vecmill.WordVectors:
    settings = {"architecture": "skip-gram", "dimension": 100}
    model = gensim_model(settings, corpus_file=str(tokens), sample=SAMPLE, epochs=10, seed=1)
    model.wv.save_word2vec_format(str(folder / "theirs.txt"))
    return read(folder / "theirs.txt")


def _by_fasttext(tokens: Path, folder: Path) -> vecmill.WordVectors:
    fasttext_model(tokens, 10).save_model(str(folder / "theirs.bin"))
    return read(folder / "theirs.bin")


if __name__ == "__main__":
    main()
