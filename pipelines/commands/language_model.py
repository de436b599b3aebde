"""Commands that use a finished language model: perplexity, score, generate, export-lm."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from corpora import open_corpus
from embeddings.errors import EmbeddingsError
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError
from vecmill.errors import OutputError

if TYPE_CHECKING:
    from embeddings.language_model.model import LanguageModel
    from embeddings.language_model.scoring import ScoredText

COLUMNS = (
    ("lines", 7),
    ("words", 9),
    ("OOV", 7),
    ("log10", 12),
    ("perplexity", 10),
    ("-OOV", 9),
    ("-<eos>", 9),
    ("-OOV-<eos>", 10),
    ("ppl1", 9),
)

Model = Annotated[Path, typer.Argument(metavar="LM", help="Directory that train-lm wrote.")]
Interpolate = Annotated[
    Path | None,
    typer.Option(help="Mix with an n-gram model: an ARPA file, counts (w1 w2<TAB>count), or a text.", metavar="FILE"),
]
Weight = Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the n-gram model in the mixture.")]


def perplexity_command(
    model: Model,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Texts, or - for stdin.")],
    sentences: Annotated[bool, typer.Option("--sentences", help="Also print every sentence.")] = False,
    words: Annotated[bool, typer.Option("--words", help="Also print every word.")] = False,
    independent: Annotated[
        bool, typer.Option("--independent", help="Begin every line anew, as n-gram models do; default: read on.")
    ] = False,
    interpolate: Interpolate = None,
    weight: Weight = 0.5,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file.")] = False,
) -> None:
    """Print the perplexity of texts, normalised over the whole vocabulary; logarithms are to base 10.

    perplexity counts every word and every end of a line; -OOV leaves out words that the model does not know (KenLM's
    "excluding OOVs", SRILM's ppl), -<eos> the ends of lines; ppl1 is SRILM's.

    Example: vecmill perplexity runs/pydocs-lm text.txt --words
    """
    from embeddings.language_model.model import LanguageModel

    lm = LanguageModel.load(model)
    for number, file in enumerate(files):
        scored = _scored(lm, _read(file), independent, interpolate, weight)
        if not any(scored.lines):
            raise EmbeddingsError(f"{file} holds no words: expected at least one line of text")
        found = scored.perplexity
        details = _sentences(scored, words) if sentences or words else []
        if as_json:
            extra = {"lines": details} if details else {}
            typer.echo(json.dumps({"file": file, **found.to_dict(), **extra}, ensure_ascii=False))
            continue
        for detail in details:
            _print_sentence(detail)
        counts = f"{found.sentences:,}", f"{found.words:,}", f"{found.oov:,}", f"{found.log10:,.2f}"
        values = found.perplexity, found.without_oov, found.without_eos, found.without_oov_and_eos, found.ppl1
        cells = [*counts, *(f"{value:,.2f}" for value in values)]
        if details or number == 0:
            _print_row([title for title, _ in COLUMNS], "file")
        results.print(
            " ".join(cell.rjust(width) for cell, (_, width) in zip(cells, COLUMNS, strict=True)) + f"  {file}"
        )


def score_command(
    model: Model,
    interpolate: Interpolate = None,
    weight: Weight = 0.5,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print log10 P of every line of stdin, each on its own, before the line: for choosing among candidates.

    Example: vecmill score runs/pydocs-lm < candidates.txt | sort -gr
    """
    from embeddings.language_model.model import LanguageModel

    lm = LanguageModel.load(model)
    text = _read("-")
    scored = _scored(lm, text, True, interpolate, weight)
    parts = zip(text.split("\n"), scored.lines, scored.ids, scored.log_likelihoods, strict=False)
    for shown, line, numbers, values in parts:
        total = math.fsum(values) / math.log(10)
        oov = int(np.sum(numbers == lm.unk))
        if as_json:
            record = {"text": shown, "log10": total, "words": len(line), "oov": oov}
            typer.echo(json.dumps(record, ensure_ascii=False))
        else:
            typer.echo(f"{total:.4f}\t{shown}")


def generate_command(
    model: Model,
    prompt: Annotated[str, typer.Option(help="What the text begins with.")] = "",
    length: Annotated[int, typer.Option(min=1, help="Words, at most.")] = 50,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many texts.")] = 1,
    temperature: Annotated[float, typer.Option(min=0.0, help="Under 1: more probable; 0: the most probable.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(min=1, help="Draw from so many words.", show_default="all")] = None,
    top_p: Annotated[float, typer.Option(help="Draw from the words that have this probability together.")] = 0.95,
    beam: Annotated[int | None, typer.Option(min=1, help="Search for the most probable with this width.")] = None,
    seed: Annotated[int | None, typer.Option(help="For the same text again.", show_default="random")] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Go on after the end of a line.")] = False,
    unknown: Annotated[bool, typer.Option("--unknown", help="Let <unk> come.")] = False,
    tokens: Annotated[bool, typer.Option("--tokens", help="Print tokens with spaces between them.")] = False,
) -> None:
    """Write text.

    Example: vecmill generate runs/pydocs-lm --prompt "Return the" --temperature 0.7
    """
    from embeddings.language_model.generation import SamplingConfig, continue_text, write_out
    from embeddings.language_model.model import LanguageModel

    try:
        config = SamplingConfig(temperature=temperature, top_k=top_k, top_p=top_p, allow_unknown=unknown)
    except ValueError as error:
        raise ConfigError(f"--{error}".replace("_", "-", 1)) from None
    lm = LanguageModel.load(model)
    settings: dict[str, Any] = {"number": number, "config": config, "beam": beam, "seed": seed}
    for text in continue_text(lm, prompt, length, stop_at_eos=not lines, **settings):
        typer.echo(" ".join(text) if tokens else write_out(text))


def export_lm_command(
    model: Model,
    out: Annotated[Path, typer.Option(help="File to write.")],
    name: Annotated[
        str, typer.Option("--format", metavar="safetensors|torch|onnx", help="What reads it.")
    ] = "safetensors",
    force: Annotated[bool, typer.Option("--force", help="Replace --out if it exists.")] = False,
) -> None:
    """Write the model for other tools.

    safetensors and torch hold the weights under the names of torch.nn.Embedding, LSTM (GRU, RNN) and Linear (or
    AdaptiveLogSoftmaxWithLoss). onnx is a graph: ids and states in, log-probabilities of all words and states out.

    Example: vecmill export-lm runs/pydocs-lm --format safetensors --out pydocs-lm.safetensors
    """
    from embeddings.language_model.export import EXPORTERS
    from embeddings.language_model.model import LanguageModel

    if name not in EXPORTERS:
        raise ConfigError(f"--format: {name!r} is none of {', '.join(EXPORTERS)}")
    if out.exists() and not force:
        raise OutputError(f"{out} exists; add --force to replace it")
    EXPORTERS[name](LanguageModel.load(model), out)
    results.print(f"{out}: {out.stat().st_size / 1e6:,.1f} MB")


def _read(source: str) -> str:
    return b"".join(open_corpus(source).blocks()).decode("utf-8", "replace")


def _scored(lm: "LanguageModel", text: str, independent: bool, interpolate: Path | None, weight: float) -> "ScoredText":
    from embeddings.language_model.ngram_files import load_ngram_model
    from embeddings.language_model.scoring import score_text

    used = interpolate if weight > 0 else None
    ngrams = load_ngram_model(used, lm.vocabulary, lm.make_tokenizer()) if used else None
    return score_text(lm, text, independent=independent, ngrams=ngrams, weight=weight)


def _sentences(scored: "ScoredText", words: bool) -> list[dict[str, Any]]:
    """Return a record for every line that has words."""
    from embeddings.language_model.perplexity import Perplexity
    from embeddings.text.vocabulary import EOS

    records = []
    for line, ids, log_p in zip(scored.lines, scored.ids, scored.log_likelihoods, strict=True):
        if not line:
            continue
        found = Perplexity.of(ids, log_p, scored.eos, scored.unk)
        record: dict[str, Any] = {"text": " ".join(line), **found.to_dict()}
        if words:
            record["tokens"] = [
                {"word": word, "log10": value / math.log(10), "oov": number == scored.unk}
                for word, number, value in zip([*line, EOS], ids.tolist(), log_p.tolist(), strict=True)
            ]
        records.append(record)
    return records


def _print_row(cells: list[str], file: str) -> None:
    padded = [cell.rjust(width) for cell, (_, width) in zip(cells, COLUMNS, strict=True)]
    results.print(" ".join([*padded, "", file]))


def _print_sentence(record: dict[str, Any]) -> None:
    results.print(f"{record['log10']:.4f}\tperplexity {record['perplexity']:.2f}\t{record['text']}")
    for token in record.get("tokens", ()):
        results.print(f"  {token['log10']:9.4f}  {token['word']}{'  OOV' if token['oov'] else ''}")
