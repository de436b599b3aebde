"""What a second of training buys: average scores of whole commands and their seconds, gensim and fastText beside.

Every row of ours is the command ``vecmill train-embeddings``, tokenizing included, in a process of its own; gensim and
fastText, likewise whole processes, read the same text already cut into tokens, "gensim from text" the text itself,
which its `simple_preprocess` cuts into tokens. A first training is one with an empty cache: it compiles the kernels.
``pip install gensim fasttext-community``

python -m benchmarks.quality_for_time [--corpus SOURCE] [--megabytes 100] [--data FOLDER] [--grid settings|epochs]
    [--ours 'epochs=3 window=8' ...] [--peers gensim fastText] [--plot FILE.svg]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import measuring, text
from benchmarks.word2vec_quality import SAMPLE, scores
from embeddings import WordVectors
from embeddings.formats import read

GRIDS = {
    "settings": [
        "",
        *(f"sample={sample}" for sample in ("1e-3", "3e-4", "3e-5")),
        *(f"learning_rate={rate}" for rate in (0.025, 0.035, 0.05, 0.075)),
        *(f"window={window}" for window in (3, 8, 10)),
        "window=4 fixed_window=",
        *(f"noise_exponent={exponent}" for exponent in (0.5, 1)),
        "subwords=3-6",
        *(f"architecture=cbow learning_rate={rate}" for rate in (0.05, 0.1, 0.2)),
    ],
    "epochs": ["", *(f"epochs={epochs}" for epochs in (1, 2, 3, 4, 6, 10, 20))],
}
PEERS = ("gensim", "fastText", "gensim from text")
FIRST = "vecmill, a first training"


def run_ours(settings: str, source: Path, folder: Path, *, first: bool = False) -> WordVectors:
    """Train by the command; a first training finds no kernels in the cache."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "kernels")} if first else None
    options = [part for setting in settings.split() for part in _option(*setting.split("=", 1))]
    command = [sys.executable, "-m", "vecmill", "--quiet", "train-embeddings", str(source), "--force"]
    command += ["--out", str(folder / "ours"), *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return WordVectors.load(folder / "ours")


def _option(name: str, value: str) -> list[str]:
    return [f"--{name.replace('_', '-')}", *([value] if value else [])]


def run_peer(peer: str, source: Path, folder: Path) -> WordVectors:
    """Train by another library, five epochs with its defaults, in a process of its own; read its file."""
    out = folder / ("theirs.bin" if peer == "fastText" else "theirs.txt")
    subprocess.run([sys.executable, "-m", "benchmarks.quality_for_time", "--train", peer, source, out], check=True)
    return read(out)


def train_peer(peer: str, source: str, out: str) -> None:
    """Train skip-gram with d=100, window 5, K=5 and the sample of the comparison, and save it."""
    if peer == "fastText":
        import fasttext

        options = {"dim": 100, "ws": 5, "neg": 5, "epoch": 5, "t": SAMPLE, "minCount": 5, "thread": 2, "verbose": 0}
        fasttext.train_unsupervised(source, "skipgram", maxn=0, **options).save_model(out)
        return
    from benchmarks.word2vec_speed import gensim_model

    if peer == "gensim from text":
        source = _preprocessed(source, Path(out).with_suffix(".tokens"))
    settings = {"architecture": "skip-gram", "dimension": 100}
    model = gensim_model(settings, corpus_file=source, sample=SAMPLE, epochs=5, min_count=5, seed=1)
    model.wv.save_word2vec_format(out)


def _preprocessed(source: str, tokens: Path) -> str:
    """Cut a text into tokens as gensim's users do, into a file, which trains faster than lists of tokens."""
    from gensim.utils import simple_preprocess

    with Path(source).open(encoding="utf-8") as lines, tokens.open("w", encoding="utf-8") as file:
        file.writelines(" ".join(simple_preprocess(line)) + "\n" for line in lines)
    return str(tokens)


def main() -> None:
    """Train every row, and write the table and the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--megabytes", type=float, default=100.0, help="how much of it")
    parser.add_argument("--data", type=Path, default=text.SHARED / "evaluation")
    parser.add_argument("--grid", choices=GRIDS, default="epochs")
    parser.add_argument("--ours", nargs="*", metavar="SETTINGS", help="rows of ours in the place of a grid")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--train", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        train_peer(*options.train)
        return
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = text.write_text(options.corpus, folder / "text.txt", options.megabytes)
        run_ours("epochs=1", text.write_text(options.corpus, folder / "start.txt", 1.0), folder)  # compiles
        sides = [("vecmill", settings) for settings in (GRIDS[options.grid] if options.ours is None else options.ours)]
        sides += [(FIRST, "")] if options.ours is None else []
        sides += [(peer, f"sample={SAMPLE:g} epochs=5") for peer in options.peers]
        read_by = dict.fromkeys(PEERS, source)
        if options.peers:
            tokens = text.write_tokens(*text.encode(source, folder), folder / "tokens.txt")
            read_by |= {"gensim": tokens, "fastText": tokens}
        for side, settings in sides:
            start = time.perf_counter()
            if side in PEERS:
                vectors = run_peer(side, read_by[side], folder)
            else:
                vectors = run_ours(settings, source, folder, first=side == FIRST)
            seconds = time.perf_counter() - start
            found = scores(vectors, options.data)
            cells = {key: f"{value:.1f}" for key, value in found.items()}
            average = sum(found.values()) / len(found)
            row = {"trained by": side, "settings": settings or "defaults", "seconds": f"{seconds:.1f}", **cells}
            rows.append(row | {"average": f"{average:.2f}"})
            print(rows[-1], flush=True)
    notes = [
        f"{Path(options.corpus).name}, {options.megabytes:g} MB, d=100, K=5, min_count 5, one run; Spearman's ρ and "
        "accuracy x 100; seconds of the whole process, with kernels compiled before except in the first training",
        "bar: the average of gensim in a twelfth of its seconds, with the defaults",
    ]
    measuring.write_results("quality_for_time", "Quality for time", rows, notes)
    if options.plot:
        plot(rows, options.plot)


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw the average score of every row over its seconds."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for side, marker in zip(("vecmill", *PEERS), "os^v", strict=True):
        chosen = [row for row in rows if row["trained by"] == side]
        axes.plot(
            [float(row["seconds"]) for row in chosen], [float(row["average"]) for row in chosen], marker, label=side
        )
    axes.set(xscale="log", xlabel="seconds of the whole process", ylabel="average of five evaluation sets")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


if __name__ == "__main__":
    main()
