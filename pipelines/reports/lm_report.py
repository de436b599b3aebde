"""The report after training a language model: losses, test perplexity with baselines, and generated text."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embeddings.text.vocabulary import EOS, UNK, Vocabulary
from embeddings.vectors.model_directory import VOCABULARY_FILE
from pipelines.console.progress import count, duration, memory
from pipelines.console.streams import program, results, shell
from pipelines.console.tables import print_columns
from pipelines.running.manifest import Manifest
from pipelines.settings.file_names import METRICS_FILE, PERPLEXITY_FILE
from vecmill.plurals import counted

SAMPLED_NOTE = "* of the sampled softmax, over fewer words; all other figures are normalized over the whole vocabulary"


def print_lm_training(directory: Path, shown: str = "") -> None:
    """Print the report on a finished model directory, under another name if it is at a URL."""
    shown = shown or str(directory)
    manifest = Manifest.read(directory)
    found = json.loads((directory / PERPLEXITY_FILE).read_text("utf-8"))
    _print_epochs(directory / METRICS_FILE)
    _print_text(manifest)
    _print_perplexity(found, manifest.summary["tokens"]["train"])
    _print_sentences(found["sentences"])
    _print_budget(manifest)
    times = [f"{name} {stage['cost']['wall_seconds']:.1f} s" for name, stage in manifest.history.items()]
    times.append(f"train-lm {manifest.cost['wall_seconds']:.1f} s")
    results.print(
        f"\nTime: {', '.join(times)}. Peak memory: {memory(manifest.cost['peak_memory_bytes'])}. "
        f"{manifest.summary['parameters']:,} parameters: {shown}"
    )
    print_next(directory, shown)


def print_next(directory: Path, shown: str) -> None:
    """Print a command that continues the most frequent word of a finished model directory, under a name."""
    words = Vocabulary.load(directory / VOCABULARY_FILE).words
    prompt = next((word for word in words if word not in (UNK, EOS) and any(map(str.isalpha, word))), "")
    option = f" --prompt {shell(prompt)}" if prompt else ""
    results.print(f"Next: {program()} generate {shell(shown)}{option}")


def lm_training(directory: Path) -> dict[str, Any]:
    """Return the figures of a finished model directory as JSON values.

    Parameters
    ----------
    directory : Path

    Returns
    -------
    dict of str to Any
        Keys ``out``, ``words``, ``parameters``, ``tokens``, ``epochs`` (the metrics) and ``perplexity``.
    """
    summary = Manifest.read(directory).summary
    return {
        "out": str(directory),
        **{name: summary[name] for name in ("words", "parameters", "tokens")},
        "epochs": read_json_lines(directory / METRICS_FILE),
        "perplexity": json.loads((directory / PERPLEXITY_FILE).read_text("utf-8")),
    }


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file of JSON Lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _print_epochs(path: Path) -> None:
    epochs = read_json_lines(path)
    titles = ("epoch", "loss", "valid", "perplexity", "rate", "tokens/s", "time")
    results.print("\nLoss in nats per token, in training and on validation text")
    print_columns([titles, *map(_epoch_row, epochs)], left=0)
    if is_sampled(epochs):
        results.print(SAMPLED_NOTE)


def is_sampled(epochs: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether trained losses are those of a sampled softmax, which do not compare with validation losses."""
    return not all(metrics["perplexity"] for metrics in epochs)


def trained_loss(metrics: Mapping[str, Any]) -> str:
    """Return the trained loss of an epoch, with a star if it is that of a sampled softmax."""
    return f"{metrics['loss']:.3f}{'' if metrics['perplexity'] else '*'}"


def _epoch_row(metrics: Mapping[str, Any]) -> Sequence[str]:
    return (
        str(metrics["epoch"]),
        trained_loss(metrics),
        f"{metrics['valid_loss']:.3f}",
        f"{metrics['valid_perplexity']:.1f}",
        f"{metrics['learning_rate']:.3g}",
        count(metrics["tokens_per_second"]),
        duration(metrics["seconds"]),
    )


def kneser_ney_name(found: Mapping[str, Any], tokens: int) -> str:
    """Return the name of the n-gram baseline; it says so if the baseline counts only a part of the training text."""
    name = f"Kneser-Ney, modified, interpolated, {found['order']}-gram"
    return name if found["tokens"] == tokens else f"{name}, of the first {found['tokens']:,} training tokens"


def _print_perplexity(found: Mapping[str, Any], tokens: int) -> None:
    test = found["test"]
    kneser_ney, unigram = found["kneser_ney"], found["unigram"]
    results.print("\nTest perplexity")
    print_columns(
        [
            ("this model", _shown(test["perplexity"])),
            (kneser_ney_name(kneser_ney, tokens), f"{kneser_ney['perplexity']:.2f}"),
            ("unigram", f"{unigram['perplexity']:.2f}"),
        ],
        left=1,
    )
    results.print(
        f"over {test['words'] + test['sentences']:,} tokens, including {test['sentences']:,} <eos> and "
        f"{test['oov']:,} <unk>; {_shown(test['without_oov'])} without <unk>"
    )

    results.print("\nTest perplexity of the model as it adapts to the text, tuned on validation text")
    print_columns([(name, f"{perplexity:.2f}") for name, perplexity in adapted_perplexities(found)], left=1)


def adapted_perplexities(found: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return the names and the perplexities of the ways in which a model has adapted to the test text.

    Parameters
    ----------
    found : mapping of str to Any
        The contents of ``evaluation.json``.

    Returns
    -------
    list of (str, float)
        None of a model of an earlier version.
    """
    if "adapted" not in found:
        return []
    cache, interpolated = found["adapted"]["cache"], found["adapted"]["interpolated"]
    return [
        (f"cache of {cache['size']:,} words", cache["perplexity"]),
        (f"cache and Kneser-Ney, whose weight is {interpolated['weight']:.2f}", interpolated["perplexity"]),
    ]


def _shown(perplexity: float | None) -> str:
    return "not measurable" if perplexity is None else f"{perplexity:.2f}"


def _print_sentences(sentences: Sequence[str]) -> None:
    if sentences:
        results.print("\nGenerated")
    for sentence in sentences:
        results.print(f"  {sentence}")


def _print_budget(manifest: Manifest) -> None:
    if budget := manifest.summary.get("budget"):
        chosen = counted(budget["epochs"], "epoch")
        results.print(f"\nBudget: {duration(budget['seconds'])}; chosen for it: {chosen}")


def _print_text(manifest: Manifest) -> None:
    text = manifest.summary
    tokens, unknown = text["tokens"], text["unknown"]
    results.print(f"\nText: {manifest.history['fetch']['summary']['corpus']}")
    results.print(f"Split: {text['split']}")
    results.print(
        "Tokens: " + ", ".join(f"{part} {tokens[part]:,} ({unknown[part]:.1%} <unk>)" for part in tokens)
        + f"; {text['words']:,} words"
    )  # fmt: skip
    results.print(f"Initial word vectors: {manifest.summary['embeddings']}")
