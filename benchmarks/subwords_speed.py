"""Skip-gram with subwords against fastText, and hierarchical softmax against gensim: trained words per second.

The sides take turns on the same file of tokens, with as many threads; each time is that of the whole call, from the
file to the trained model. ``pip install fasttext-community``

python -m benchmarks.subwords_speed [--corpus SOURCE] [--megabytes 25] [--repeats 3]
"""

import argparse
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import fasttext

import vecmill
from benchmarks import measuring, text
from benchmarks.word2vec_speed import THREADS, gensim_model

SAMPLE = 1e-4


def fasttext_model(tokens: Path, epochs: int, **settings: object) -> object:
    """Train the real fastText with its defaults of n-grams and buckets."""
    return fasttext.train_unsupervised(
        str(tokens), "skipgram", dim=100, ws=5, neg=5, minCount=1, t=SAMPLE, epoch=epochs, thread=THREADS, verbose=0,
        **settings,
    )  # fmt: skip


def our_model(tokens: Path, epochs: int, **settings: object) -> vecmill.WordVectors:
    """Train ours on the same tokens."""
    return vecmill.train(
        tokens, tokenizer="whitespace", lowercase=False, normalize="none", min_count=1, dimension=100, epochs=epochs,
        held_out=0.0, **settings,
    )  # fmt: skip


def row(case: str, peer: str, bar: float, words: int, sides: dict[str, Callable[[], object]], repeats: int) -> dict:
    """Return one line of the table, after one run of each side that is not counted."""
    sides["ours"]()
    seconds = measuring.take_turns(sides, repeats)
    speeds = [f"{words / median(seconds[side]) / 1e6:.3f} M words/s" for side in ("ours", "theirs")]
    ratio = measuring.ratio_of_medians(seconds["ours"], seconds["theirs"])
    return {
        "case": case, "vecmill": speeds[0], "peer": peer, "its speed": speeds[1], "ratio": f"{ratio:.1f}×",
        "bar": f"≥ {bar:g}×",
    }  # fmt: skip


def main() -> None:
    """Run the comparisons and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--megabytes", type=float, default=25.0, help="how much of it")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    logging.getLogger("gensim").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = text.write_text(options.corpus, folder / "text.txt", options.megabytes)
        vocabulary, corpus = text.encode(source, folder)
        tokens, epochs = text.write_tokens(vocabulary, corpus, folder / "tokens.txt"), options.epochs
        words = corpus.token_count * epochs
        rows = [
            row("skip-gram with subwords, d=100", "fastText", 6, words, {
                "ours": lambda: our_model(tokens, epochs, subwords="3-6", sample=SAMPLE),
                "theirs": lambda: fasttext_model(tokens, epochs),
            }, options.repeats),
            *(
                row(f"{architecture} with hierarchical softmax, d=100", "gensim", 5, words, {
                    "ours": lambda a=architecture: our_model(
                        tokens, epochs, architecture=a, hierarchical_softmax=True, sample=SAMPLE
                    ),
                    "theirs": lambda a=architecture: gensim_model(
                        {"architecture": a, "dimension": 100}, corpus_file=str(tokens), epochs=epochs, sample=SAMPLE,
                        hs=1, negative=0,
                    ),
                }, options.repeats)
                for architecture in ("skip-gram", "cbow")
            ),
        ]  # fmt: skip
        notes = [
            f"{Path(options.corpus).name}, {source.stat().st_size / 1e6:.0f} MB, {corpus.token_count / 1e6:.1f} M "
            f"words, V = {len(vocabulary):,}, {epochs} epochs, window 5, K=5, sample {SAMPLE:g}, n-grams of 3 to 6 "
            f"characters in 2,000,000 buckets; {THREADS} threads each; whole call from a file of tokens to the model; "
            f"median of {options.repeats} alternating runs",
        ]
    measuring.write_results("subwords_speed", "Subwords and hierarchical softmax: speed", rows, notes)


if __name__ == "__main__":
    main()
