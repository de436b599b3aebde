"""What a user sees at the end of a training: neighbours, losses, what was dropped, and where everything is."""

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from embeddings import WordVectors
from pipelines.console.progress import count, duration, memory
from pipelines.console.streams import program, results
from pipelines.console.tables import print_columns
from pipelines.running.manifest import Manifest
from pipelines.settings.file_names import METRICS_FILE

FIRST_RANK, LAST_RANK = 60, 1500  # above: words that go with everything; below: words seen too seldom
BANDS, WORDS_OF_BAND = 4, 2
NEIGHBOURHOOD = 10_000  # most frequent words, of which near neighbours are looked for
SHORTEST = 4  # bytes of UTF-8: two characters can be a word in Chinese


def print_training(directory: Path) -> None:
    """Print the report on a finished model directory."""
    manifest = Manifest.read(directory)
    vectors = WordVectors.load(directory)
    words = example_words(vectors)
    _print_neighbors(vectors, words)
    _print_epochs(directory / METRICS_FILE)
    _print_costs({**manifest.history, manifest.basis.stage: manifest.to_dict()})
    _print_text(manifest)
    results.print(f"\n{len(vectors):,} words x {vectors.matrix.shape[1]} dimensions: {directory}")
    results.print(f"Next: {program()} neighbors {directory} {' '.join((words or vectors.words)[:2])}")


def example_words(vectors: WordVectors) -> list[str]:
    """Choose words whose neighbours say something about the text, from the frequent to the less frequent.

    A word with a long vector is used in specific contexts (Schakel & Wilson 2015, "Measuring Word Significance using
    Distributed Representations of Words"), and one with near neighbours has its like. So the band of ranks is cut
    into parts of equal width on the logarithmic scale, and each gives the most frequent words of the tenth in which
    the product of the two is largest.
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
    rows = [("epoch", "trained", "held out", "words", "time")]
    for line in path.read_text("utf-8").splitlines():
        metrics = json.loads(line)
        losses = loss_text(metrics["loss"]), loss_text(metrics["held_out_loss"])
        rows.append((str(metrics["epoch"]), *losses, count(metrics["words"]), duration(metrics["seconds"])))
    print_columns(rows, left=0)


def loss_text(value: float | None) -> str:
    """Return a loss, or a dash where none could be measured."""
    return "-" if value is None else f"{value:.4f}"


def _print_costs(stages: Mapping[str, Mapping[str, Any]]) -> None:
    times = [f"{name} {stage['cost']['wall_seconds']:.1f} s" for name, stage in stages.items()]
    peak = max(stage["cost"]["peak_memory_bytes"] for stage in stages.values())
    results.print(f"\nTime: {', '.join(times)}. Peak memory: {memory(peak)}.")


def _print_text(manifest: Manifest) -> None:
    """Print what was read, and everything that was left out of it."""
    summary = {name: stage["summary"] for name, stage in manifest.history.items()}
    results.print(f"Text: {summary['fetch']['corpus']}")
    results.print(
        f"Kept: {summary['encode']['tokens']:,} tokens in {summary['encode']['sentences']:,} lines, "
        f"{summary['vocabulary']['words']:,} distinct words."
    )
    left_out = {**summary["tokenize"]["warnings"], **summary["encode"]["dropped"]}
    for what, number in left_out.items():
        if number:
            results.print(f"Left out: {what}: {number:,}")
