"""Paragraph vectors beside gensim's Doc2Vec: training (bar 5×), inference (bar 20×), at equal quality of retrieval.

The paragraphs of the Brown corpus are the documents. One of five is kept apart; its vector is inferred, and the nearest
of the trained paragraphs counts as right if it is of the same text of the corpus (one of 500), or of its category.

python -m benchmarks.documents [--texts 500] [--epochs 20] [--threads 2] [--repeats 3]
"""

import argparse
from collections.abc import Callable
from statistics import median
from typing import Any

import nltk
import numpy as np
from gensim.models.doc2vec import Doc2Vec, TaggedDocument

import vecmill
from benchmarks import measuring

ARCHITECTURES = {"pv-dbow": 0, "pv-dm": 1}
RATES = {"pv-dbow": 0.05, "pv-dm": 0.025}
"""Learning rates of gensim: that of vecmill; of PV-DM a quarter, since gensim does not divide the mean's gradient."""
DIMENSION, MIN_COUNT, WINDOW = 100, 2, 5
BARS = {"training": 5, "inference": 20}
_FEWEST_WORDS = 20


def paragraphs(texts: int) -> tuple[list[list[str]], list[str], list[str]]:
    """Return the words of paragraphs, and the text and the category of each."""
    brown = nltk.corpus.brown
    words, files, categories = [], [], []
    for name in brown.fileids()[:: max(1, 500 // texts)]:
        for paragraph in brown.paras(name):
            found = [word.lower() for sentence in paragraph for word in sentence if word[0].isalpha()]
            if len(found) >= _FEWEST_WORDS:
                words.append(found)
                files.append(name)
                categories.append(brown.categories(name)[0])
    return words, files, categories


def share_found(trained: np.ndarray, inferred: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> float:
    """Return how many of the inferred vectors have a nearest trained vector of their own label."""
    trained = trained / np.maximum(np.linalg.norm(trained, axis=1, keepdims=True), 1e-12)
    nearest = (inferred @ trained.T).argmax(axis=1)
    return float((labels[nearest] == asked).mean())


def compared(architecture: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure one architecture."""
    words, files, categories = paragraphs(options.texts)
    kept = np.arange(len(words)) % 5 == 0
    train = [document for document, apart in zip(words, kept, strict=True) if not apart]
    new = [document for document, apart in zip(words, kept, strict=True) if apart]
    tagged = [TaggedDocument(document, [number]) for number, document in enumerate(train)]
    models: dict[str, Any] = {}
    vectors: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def ours() -> None:
        models["vecmill"] = vecmill.train_documents(
            train,
            architecture=architecture,
            dimension=DIMENSION,
            window=WINDOW,
            min_count=MIN_COUNT,
            epochs=options.epochs,
            threads=options.threads,
            progress=False,
        )

    def theirs() -> None:
        models["gensim"] = Doc2Vec(
            tagged,
            dm=ARCHITECTURES[architecture],
            vector_size=DIMENSION,
            window=WINDOW,
            min_count=MIN_COUNT,
            sample=1e-3,
            epochs=options.epochs,
            alpha=RATES[architecture],
            workers=options.threads,
        )

    def infer_ours() -> None:
        model = models["vecmill"]
        vectors["vecmill"] = model.matrix, model.infer(new, threads=options.threads)

    def infer_theirs() -> None:
        model = models["gensim"]
        vectors["gensim"] = model.dv.vectors, np.array([model.infer_vector(document) for document in new])

    vecmill.train_documents(train[:100], architecture=architecture, dimension=DIMENSION, progress=False).infer(
        new[:2]
    )  # compile
    kinds = {
        "training": (f"{len(train):,} paragraphs", {"vecmill": ours, "gensim": theirs}),
        "inference": (f"{len(new):,} paragraphs", {"vecmill": infer_ours, "gensim": infer_theirs}),
    }
    rows = [
        _measured(f"{architecture}: {what}, {size}", sides, BARS[what], options.repeats)
        for what, (size, sides) in kinds.items()
    ]
    for what, labels in (("text", files), ("category", categories)):
        of = np.array(labels)
        found = {side: share_found(*vectors[side], of[~kept], of[kept]) for side in vectors}
        shares = {side: f"{share:.1%}" for side, share in found.items()}
        rows.append({"case": f"{architecture}: nearest paragraph of the same {what}", **shares, "ratio": "", "bar": ""})
    return rows


def _measured(case: str, sides: dict[str, Callable[[], Any]], bar: int, repeats: int) -> dict[str, Any]:
    """Run both sides in turns; return their times, and those of all processors, which other work does not change."""
    seconds, processors = measuring.take_turns_and_count(sides, repeats)
    times = {side: f"{median(seconds[side]):.2f} s ({median(processors[side]):.2f} s)" for side in sides}
    ratios = [measuring.ratio_of_medians(found["vecmill"], found["gensim"]) for found in (seconds, processors)]
    return {"case": case, **times, "ratio": f"{ratios[0]:.1f}× ({ratios[1]:.1f}×)", "bar": f"≥ {bar}×"}


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rows = [row for architecture in ARCHITECTURES for row in compared(architecture, options)]
    notes = [
        f"Brown, {options.texts} texts; d={DIMENSION}, window {WINDOW}, 5 negatives, {options.epochs} epochs, also of "
        f"inference, min_count {MIN_COUNT}, {options.threads} threads; whole calls from lists of tokens, the sides in "
        f"turns, median of {options.repeats}; in brackets seconds of processor; gensim infers one document a call"
    ]
    measuring.write_results("documents", "Paragraph vectors beside gensim's Doc2Vec", rows, notes)


if __name__ == "__main__":
    main()
