"""The whole call ``Word2Vec(sentences=lists)``: vecmill.gensim beside gensim; bars: skip-gram 6×, CBOW 3×.

python -m benchmarks.gensim_layer_speed [--corpus SOURCE] [--tokens 4000000] [--threads 2] [--repeats 3]
"""

import argparse
import tempfile
from itertools import islice
from pathlib import Path
from statistics import median

import gensim.models

import vecmill.gensim
from benchmarks import measuring, text
from embeddings import make_tokenizer

SETTINGS = {"vector_size": 100, "window": 5, "negative": 5, "sample": 1e-3, "min_count": 5, "epochs": 5}
BARS = {"skip-gram": 6, "CBOW": 3}


def sentences_of(source: str, tokens: int) -> list[list[str]]:
    """Return the first sentences of a text that have so many tokens."""
    with tempfile.TemporaryDirectory() as name:
        path = text.write_text(source, Path(name) / "text.txt", tokens * 8 / 1e6)
        sentences = [line for line in make_tokenizer("fast").tokenize(path.read_text("utf-8")) if line]
    total = 0
    for number, sentence in enumerate(sentences):
        total += len(sentence)
        if total >= tokens:
            return list(islice(sentences, number + 1))
    return sentences


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--tokens", type=int, default=4_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    sentences = sentences_of(options.corpus, options.tokens)
    tokens = sum(map(len, sentences))
    rows = []
    for architecture, bar in BARS.items():
        settings = {**SETTINGS, "sg": int(architecture == "skip-gram"), "workers": options.threads}
        few = {**settings, "epochs": 1}
        vecmill.gensim.Word2Vec(sentences[:2000], **few)  # compile

        def ours(settings: dict = settings) -> None:
            vecmill.gensim.Word2Vec(sentences, **settings)

        def theirs(settings: dict = settings) -> None:
            gensim.models.Word2Vec(sentences, **settings)

        seconds = measuring.take_turns({"vecmill": ours, "gensim": theirs}, options.repeats)
        rows.append(
            {
                "case": f"{architecture}, {tokens / 1e6:.1f} M tokens in {len(sentences):,} lists, 5 epochs",
                "vecmill": f"{median(seconds['vecmill']):.1f} s",
                "gensim": f"{median(seconds['gensim']):.1f} s",
                "ratio": f"{measuring.ratio_of_medians(seconds['vecmill'], seconds['gensim']):.1f}×",
                "bar": f"≥ {bar}×",
            }
        )
    notes = [
        f"the first tokens of {Path(options.corpus).name}; d=100, window 5, 5 negatives, {options.threads} threads; "
        f"whole call, the sides in turns, median of {options.repeats}"
    ]
    measuring.write_results("gensim_layer_speed", "vecmill.gensim beside gensim", rows, notes)


if __name__ == "__main__":
    main()
