"""The report of a run: text, word vectors, scores, exports, language model, and costs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.console.progress import count, duration, memory
from pipelines.reports.loss_curve import loss_curve
from pipelines.reports.report_document import Lines, Picture, Section, Table
from pipelines.running.manifest import Manifest
from pipelines.settings.file_names import METRICS_FILE, PERPLEXITY_FILE, SCORES_FILE
from vecmill.files import shown_size
from vecmill.plurals import counted

PLOTTED = {"trained": "loss", "held out": "held_out_loss"}
PLOT, LM_PLOT = "training.svg", "language-model.svg"
PAGES = (
    "More to look at, where DIR is the directory of this run: 'vecmill map DIR' draws a map of the words, "
    "'vecmill plot DIR' the learning rate and the frequencies of the words, 'vecmill serve DIR' opens a page to "
    "explore them."
)
"""Where a reader of the report finds the other pictures and pages."""


def run_sections(directories: Mapping[str, Path]) -> list[Section]:
    """Return the sections of the report on finished stages.

    Parameters
    ----------
    directories : mapping of str to Path
        Directories of the stages by name: all up to train-embeddings, and the optional ones that ran.

    Returns
    -------
    list of Section
    """
    manifests = {name: Manifest.read(directory) for name, directory in directories.items()}
    sections = [_text(manifests), *_vectors(directories["train-embeddings"], manifests)]
    if "evaluate" in directories:
        sections.append(_scores(directories["evaluate"]))
    if "export" in directories:
        sections.append(_exports(manifests["export"]))
    if "train-lm" in directories:
        sections += _language_model(directories["train-lm"], manifests)
    return [*sections, _costs(manifests)]


def _text(manifests: Mapping[str, Manifest]) -> Section:
    from pipelines.reports.vectors_report import kept_text

    encoded = manifests["encode"].summary
    left_out = {**manifests["tokenize"].summary["warnings"], **encoded["dropped"]}
    rows = [[what, f"{number:,}"] for what, number in left_out.items() if number]
    joined = manifests.get("phrases")
    return Section(
        "Text",
        [
            f"{manifests['fetch'].summary['corpus']}.",
            f"Kept: {kept_text(encoded, manifests['vocabulary'].summary)}",
            *([f"Joined: {counted(joined.summary['phrases'], 'phrase')}."] if joined else []),
            *([Table(["left out", "number"], rows)] if rows else []),
        ],
    )


def _vectors(directory: Path, manifests: Mapping[str, Manifest]) -> list[Section]:
    from embeddings import WordVectors
    from pipelines.reports.vectors_report import example_words, loss_notes, loss_text

    vectors = WordVectors.load(directory)
    settings, metrics = manifests["train-embeddings"].provenance.settings, _read_lines(directory / METRICS_FILE)
    shape = f"{counted(len(vectors), 'word')} x {counted(vectors.dimension, 'dimension')}, {settings['architecture']}, "
    made = f"window {settings['window']}, negatives {settings['negative']}, epochs {len(metrics)}."
    neighbors = [
        [word, ", ".join(neighbor for neighbor, _ in vectors.most_similar(word, topn=5))]
        for word in example_words(vectors)
    ]
    epochs = Table(
        ["epoch", "trained loss", "held-out loss", "words", "time"],
        [
            [
                str(entry["epoch"]),
                loss_text(entry["loss"]),
                loss_text(entry["held_out_loss"]),
                count(entry["words"]),
                duration(entry["seconds"]),
            ]
            for entry in metrics
        ],
        left=0,
    )
    return [
        Section("Word vectors", [shape + made, Table(["word", "nearest neighbours"], neighbors, left=2), PAGES]),
        Section("Training", [epochs, *loss_notes(metrics), *_picture(PLOT, metrics, PLOTTED)]),
    ]


def _picture(name: str, metrics: list[dict[str, Any]], keys: Mapping[str, str]) -> list[Picture]:
    """Return the curves of the losses with the `keys`, by label, if there are any and two epochs."""
    losses = {label: [entry[key] for entry in metrics] for label, key in keys.items()}
    svg = loss_curve([entry["epoch"] for entry in metrics], losses) if len(metrics) > 1 else ""
    return [Picture(name, svg, "Loss by epoch")] if svg else []


def _scores(directory: Path) -> Section:
    header = ["set", "measure", "score", "95 % interval", "used", "of", "oov"]
    rows = []
    for row in json.loads((directory / SCORES_FILE).read_text("utf-8")):
        interval = "" if row.get("low") is None else f"{row['low']:.3f} to {row['high']:.3f}"
        score = "-" if row["score"] is None else f"{row['score']:.4f}"
        oov = "-" if row["oov"] is None else f"{row['oov']:.1%}"
        rows.append([row["set"], row["measure"], score, interval, f"{row['used']:,}", f"{row['items']:,}", oov])
    return Section("Evaluation", [Table(header, rows, left=2)])


def _exports(manifest: Manifest) -> Section:
    rows = []
    for name, target in manifest.summary["files"].items():
        parts = [entry["bytes"] for file, entry in manifest.outputs.items() if Path(file).parts[0] == target]
        rows.append([name, f"export/{target}", shown_size(sum(parts))])
    return Section("Exports", [Table(["format", "file", "size"], rows, left=2)])


def _language_model(directory: Path, manifests: Mapping[str, Manifest]) -> list[Section]:
    from pipelines.reports.lm_report import (
        SAMPLED_NOTE,
        adapted_perplexities,
        is_sampled,
        kneser_ney_name,
        trained_loss,
    )

    found = json.loads((directory / PERPLEXITY_FILE).read_text("utf-8"))
    text, test = manifests["train-lm"].summary, found["test"]
    shares = ", ".join(
        f"{part} {text['tokens'][part]:,} ({text['unknown'][part]:.1%} <unk>)" for part in text["tokens"]
    )
    perplexity = Table(
        ["test perplexity", ""],
        [
            ["this model", f"{test['perplexity']:.2f}"],
            [kneser_ney_name(found["kneser_ney"], text["tokens"]["train"]), f"{found['kneser_ney']['perplexity']:.2f}"],
            ["unigram", f"{found['unigram']['perplexity']:.2f}"],
        ],
    )
    metrics = _read_lines(directory / METRICS_FILE)
    sampled = is_sampled(metrics)
    epochs = Table(
        ["epoch", "loss", "validation loss", "validation perplexity", "time"],
        [
            [
                str(entry["epoch"]),
                trained_loss(entry),
                f"{entry['valid_loss']:.3f}",
                f"{entry['valid_perplexity']:.1f}",
                duration(entry["seconds"]),
            ]
            for entry in metrics
        ],
        left=0,
    )
    sentences = found.get("sentences", [])
    adapted = [[name, f"{perplexity:.2f}"] for name, perplexity in adapted_perplexities(found)]
    summary = manifests["train-lm"].summary
    start = summary["embeddings"].rstrip(".")
    return [
        Section(
            "Language model",
            [
                f"{summary['parameters']:,} parameters, {text['words']:,} words. Initial word vectors: {start}.",
                f"Tokens: {shares}. Split: {text['split']}.",
                perplexity,
                *([Table(["as it adapts to the text, tuned on validation text", ""], adapted)] if adapted else []),
                epochs,
                *([SAMPLED_NOTE] if sampled else []),
                *_picture(LM_PLOT, metrics, {**({} if sampled else {"trained": "loss"}), "validation": "valid_loss"}),
            ],
        ),
        *([Section("Generated sentences", [Lines(sentences)])] if sentences else []),
    ]


def _costs(manifests: Mapping[str, Manifest]) -> Section:
    rows = []
    for name, manifest in manifests.items():
        cost = manifest.cost
        size = sum(entry["bytes"] for entry in manifest.outputs.values())
        rows.append(
            [
                name,
                f"{cost['wall_seconds']:.1f} s",
                f"{cost['cpu_seconds']:.1f} s",
                memory(cost["peak_memory_bytes"]),
                shown_size(size),
            ]
        )
    where = manifests["train-embeddings"].machine
    return Section(
        "Costs",
        [
            Table(["stage", "time", "CPU time", "peak memory so far", "on disk"], rows),
            f"{where['processor']}, {where['cores']} processors, {where['system']}.",
        ],
    )


def _read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
