"""Trained words per second against gensim, on the same tokens, taking turns in one run.

python -m benchmarks.word2vec_speed [--corpus SOURCE] [--megabytes 25] [--repeats 3]
"""

import argparse
import logging
import os
import shutil
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import gensim
from gensim.models import Word2Vec as GensimWord2Vec
from gensim.utils import simple_preprocess

import vecmill
from benchmarks import measuring, text
from embeddings import EncodedCorpus, Vocabulary, Word2Vec, Word2VecConfig

CASES = [
    ("skip-gram, d=100", {"architecture": "skip-gram", "dimension": 100}, 8.0),
    ("skip-gram, d=300", {"architecture": "skip-gram", "dimension": 300}, 5.0),
    ("CBOW, d=100", {"architecture": "cbow", "dimension": 100}, 3.0),
]
SAMPLE = 1e-3  # gensim's default; ours is smaller
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gensim_model(settings: dict[str, Any], **more: Any) -> GensimWord2Vec:
    """Make gensim's model of the same settings."""
    return GensimWord2Vec(
        vector_size=settings["dimension"],
        sg=int(settings["architecture"] == "skip-gram"),
        window=5,
        workers=THREADS,
        **{"negative": 5, "sample": SAMPLE, "min_count": 1, "seed": 1, **more},
    )


def compare_training(
    settings: dict[str, Any], corpus: EncodedCorpus, vocabulary: Vocabulary, tokens: Path, repeats: int
) -> dict[str, list[float]]:
    """Seconds of one epoch, ours and gensim's (`corpus_file` mode), in turns."""
    theirs = gensim_model(settings)
    theirs.build_vocab(corpus_file=str(tokens))
    ours = Word2Vec(Word2VecConfig(**settings, sample=SAMPLE, epochs=1, held_out=0.0))
    ours.fit(corpus, vocabulary)  # compile

    def train_theirs() -> None:
        theirs.train(
            corpus_file=str(tokens), total_words=theirs.corpus_total_words, total_examples=theirs.corpus_count, epochs=1
        )

    return measuring.take_turns({"ours": lambda: ours.fit(corpus, vocabulary), "gensim": train_theirs}, repeats)


def speed_of_threads(corpus: EncodedCorpus, vocabulary: Vocabulary) -> dict[int, dict[str, float]]:
    """Words per second and useful floating-point operations per second of skip-gram for 1 thread and for all."""
    results = {}
    for threads in sorted({1, THREADS}):
        model = Word2Vec(Word2VecConfig(dimension=100, sample=SAMPLE, epochs=1, threads=threads, held_out=0.0))
        seconds = median(measuring.take_turns({"ours": lambda m=model: m.fit(corpus, vocabulary)}, 3)["ours"])
        pairs = model.metrics_[-1]["examples"]
        operations = pairs * (model.config.noise_words + 1) * 3 * 2 * model.config.dimension
        results[threads] = {"words": corpus.token_count / seconds, "operations": operations / seconds}
    return results


def compare_whole_way(source: Path, folder: Path, repeats: int) -> dict[str, list[float]]:
    """Seconds from raw text to saved vectors, 5 epochs, d=100; gensim is fed by its own `simple_preprocess`."""

    def ours() -> None:
        shutil.rmtree(folder / "ours", ignore_errors=True)
        vecmill.train(source, dimension=100, sample=SAMPLE, epochs=5).save(folder / "ours")

    def theirs() -> None:
        with source.open(encoding="utf-8") as file:
            sentences = [simple_preprocess(line) for line in file]
        model = gensim_model(
            {"architecture": "skip-gram", "dimension": 100}, min_count=5, sentences=sentences, epochs=5
        )
        model.wv.save_word2vec_format(str(folder / "gensim.bin"), binary=True)

    return measuring.take_turns({"ours": ours, "gensim": theirs}, repeats)


def row(case: str, bar: float, words: int | None, seconds: dict[str, list[float]]) -> dict[str, str]:
    """One line of the table."""
    ours, theirs = median(seconds["ours"]), median(seconds["gensim"])
    figures = (
        (f"{ours:.1f} s", f"{theirs:.1f} s")
        if words is None
        else (f"{words / ours / 1e6:.2f} M words/s", f"{words / theirs / 1e6:.3f} M words/s")
    )
    ratio = measuring.ratio_of_medians(seconds["ours"], seconds["gensim"])
    return {"case": case, "vecmill": figures[0], "gensim": figures[1], "ratio": f"{ratio:.1f}×", "bar": f"≥ {bar:g}×"}


def main() -> None:
    """Run all comparisons and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--megabytes", type=float, default=25.0, help="how much of it")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    logging.getLogger("gensim").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = text.write_text(options.corpus, folder / "text.txt", options.megabytes)
        vocabulary, corpus = text.encode(source, folder)
        tokens = text.write_tokens(vocabulary, corpus, folder / "tokens.txt")
        words = corpus.token_count
        rows = [
            row(case, bar, words, compare_training(settings, corpus, vocabulary, tokens, options.repeats))
            for case, settings, bar in CASES
        ]
        threads = speed_of_threads(corpus, vocabulary)
        rate = measuring.sgemm_rate()
        rows.append(
            row("raw text to saved vectors, 5 epochs", 8.0, None, compare_whole_way(source, folder, options.repeats))
        )
        notes = [
            f"{Path(options.corpus).name}, {source.stat().st_size / 1e6:.0f} MB, {words / 1e6:.1f} M words, V = "
            f"{len(vocabulary):,}; window 5, K=5, sample 1e-3; {THREADS} threads each; gensim {gensim.__version__} in "
            f"`corpus_file` mode; median of {options.repeats} alternating runs",
            *(
                f"skip-gram d=100 with {n} thread{'s' * (n > 1)}: {speed['words'] / 1e6:.2f} M words/s; useful "
                f"{speed['operations'] / 1e9:.0f} GFLOP/s, {speed['operations'] / rate:.0%} of NumPy's sgemm on all "
                f"processors ({rate / 1e9:.0f} GFLOP/s)"
                for n, speed in threads.items()
            ),
        ]
    measuring.write_results("word2vec_speed", "Training speed against gensim", rows, notes)


if __name__ == "__main__":
    main()
