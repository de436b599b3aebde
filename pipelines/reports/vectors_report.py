"""The report after training word vectors: neighbours, losses, costs, and the counts of the text."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from embeddings import WordVectors
from pipelines.console.progress import count, duration, memory
from pipelines.console.streams import program, results, shell
from pipelines.console.tables import print_columns
from pipelines.running.manifest import Manifest
from pipelines.settings.file_names import METRICS_FILE
from vecmill.plurals import counted

FIRST_RANK, LAST_RANK = 60, 1500  # more frequent words occur in all contexts, rarer ones in too few
BANDS, WORDS_OF_BAND = 4, 2
NEIGHBOURHOOD = 10_000  # the most frequent words, among which neighbours are searched
SHORTEST = 4  # bytes of UTF-8: two Chinese characters can be a word
OUTSIDE = "words not in the vocabulary"
LOSS_NOTE = (
    "The trained loss is measured word by word, just after the words before were learned, which lowers it; this fades "
    "as the learning rate falls, so that it may rise at the end while the held-out loss falls."
)


def print_training(directory: Path, shown: str = "") -> None:
    """Print the report on a finished model directory, under another name if it is at a URL."""
    shown = shown or str(directory)
    manifest = Manifest.read(directory)
    vectors = WordVectors.load(directory)
    words = example_words(vectors)
    _print_neighbors(vectors, words)
    _print_epochs(directory / METRICS_FILE)
    _print_costs({**manifest.history, manifest.provenance.stage: manifest.to_dict()})
    _print_text(manifest)
    results.print(f"\n{counted(len(vectors), 'word')} x {counted(vectors.dimension, 'dimension')}: {shown}")
    shown_words = words or [word for word in vectors.words if not word.startswith("-")]  # which would be an option
    results.print(f"Next: {program()} neighbors {shell(shown, *shown_words[:2])}")


def example_words(vectors: WordVectors) -> list[str]:
    """Choose words whose neighbours characterize the text, in descending order of frequency.

    The score of a word is the norm of its vector times its mean cosine to its five nearest neighbours. Words with long
    vectors occur in specific contexts (Schakel & Wilson 2015, "Measuring Word Significance using Distributed
    Representations of Words"). The ranks from `FIRST_RANK` to `LAST_RANK` are divided into `PARTS` parts of equal width
    on the logarithmic scale; each part contributes the `WORDS_OF_PART` most frequent words of its best-scored tenth.
    """
    words = vectors.vocabulary.words
    last = min(LAST_RANK, len(words))
    edges = np.geomspace(min(FIRST_RANK, last // 10 + 1), last + 1, BANDS + 1).astype(int) - 1
    chosen: list[str] = []
    for low, high in pairwise(edges.tolist()):
        candidates = [rank for rank in range(low, high) if _is_content_word(words[rank])]
        cosines = vectors.unit_matrix[candidates] @ vectors.unit_matrix[:NEIGHBOURHOOD].T
        nearness = np.sort(cosines, axis=1)[:, -6:-1].mean(axis=1)  # without the word itself
        score = np.linalg.norm(vectors.matrix[candidates], axis=1) * nearness
        tenth = np.argsort(-score, kind="stable")[: max(WORDS_OF_BAND, len(score) // 10)]
        chosen += [words[candidates[best]] for best in sorted(tenth.tolist())[:WORDS_OF_BAND]]
    return chosen


def _is_content_word(word: str) -> bool:
    return word.isalpha() and len(word.encode()) >= SHORTEST


def _print_neighbors(vectors: WordVectors, words: list[str]) -> None:
    if not words:
        return
    results.print("\nNearest neighbours")
    near = {word: (neighbor for neighbor, _ in vectors.most_similar(word, topn=5)) for word in words}
    print_columns([(word, ", ".join(neighbors)) for word, neighbors in near.items()], left=2)


def _print_epochs(path: Path) -> None:
    results.print("\nLoss per example, in training and on held-out text")
    epochs = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    unit = "words" if "words" in epochs[0] else "pairs"
    rows = [("epoch", "trained", "held out", unit, "time")]
    for metrics in epochs:
        losses = loss_text(metrics["loss"]), loss_text(metrics["held_out_loss"])
        rows.append((str(metrics["epoch"]), *losses, count(metrics[unit]), duration(metrics["seconds"])))
    print_columns(rows, left=0)
    for note in loss_notes(epochs):
        results.print(note)


def loss_notes(epochs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return why trained and held-out loss differ, in a list that is empty where no text was held out."""
    return [LOSS_NOTE] if any(metrics["held_out_loss"] is not None for metrics in epochs) else []


def kept_text(encoded: Mapping[str, Any], vocabulary: Mapping[str, Any]) -> str:
    """Return the counts of a text, from the summaries of the stages; words of a model that it extends do not count."""
    distinct = vocabulary.get("distinct words", vocabulary["words"])
    lines, words = counted(encoded["sentences"], "line"), counted(distinct, "distinct word")
    return f"{counted(encoded['tokens'], 'token')} in {lines}, {words}."


def loss_text(value: float | None) -> str:
    """Return a loss, or a dash if it could not be measured."""
    return "-" if value is None else f"{value:.4f}"


def _print_costs(stages: Mapping[str, Mapping[str, Any]]) -> None:
    times = [f"{name} {stage['cost']['wall_seconds']:.1f} s" for name, stage in stages.items()]
    peak = max(stage["cost"]["peak_memory_bytes"] for stage in stages.values())
    results.print(f"\nTime: {', '.join(times)}. Peak memory: {memory(peak)}.")


def _print_text(manifest: Manifest) -> None:
    """Print the counts of the text; what its reading left out was logged then, before the training."""
    summary = {name: stage["summary"] for name, stage in manifest.history.items()}
    results.print(f"Text: {summary['fetch']['corpus']}")
    results.print(f"Kept: {kept_text(summary['encode'], summary['vocabulary'])}")
    if "phrases" in summary:
        results.print(f"Joined: {counted(summary['phrases']['phrases'], 'phrase')}, listed in phrases.tsv.")
    if outside := summary["encode"]["dropped"].get(OUTSIDE):
        results.print(f"Left out: {OUTSIDE}: {outside:,}")
