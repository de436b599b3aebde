"""Commands that use a trained language model: perplexity, score, generate, export-lm."""

import json
import logging
import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from corpora import open_corpus
from embeddings.errors import EmbeddingsError
from pipelines.commands.lines import batches_of_lines
from pipelines.commands.options import LM, Column, Field, ForceFile, refuse_existing, require_choice
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError
from pipelines.settings.sections import STANDARD_INPUT
from vecmill.files import require_writable, shown_size
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings.language_model.model import LanguageModel
    from embeddings.language_model.ngram_files import NgramModel
    from embeddings.language_model.scoring import ScoredText

logger = logging.getLogger(__name__)

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

_LINES_AT_A_TIME = 512

Interpolate = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Interpolate with an n-gram model: ARPA file, counts (w1 w2<TAB>count), or text."
    ),
]
Weight = Annotated[float, typer.Option(min=0.0, max=1.0, help="Weight of the n-gram model in the interpolation.")]


def perplexity_command(
    model: LM,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Text files, or - for stdin.")],
    sentences: Annotated[bool, typer.Option("--sentences", help="Also print the score of every line.")] = False,
    words: Annotated[bool, typer.Option("--words", help="Also print the score of every word.")] = False,
    independent: Annotated[
        bool, typer.Option("--independent", help="Reset the hidden state before every line.")
    ] = False,
    interpolate: Interpolate = None,
    weight: Weight = 0.5,
    field: Field = "text",
    column: Column = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per file.")] = False,
) -> None:
    """Print the perplexity of texts.

    Probabilities are normalized over the whole vocabulary; logarithms are to base 10. "perplexity" includes every word
    and every end of line; "-OOV" excludes unknown words (KenLM's "excluding OOVs", SRILM's ppl), "-<eos>" excludes
    the ends of lines; "ppl1" is SRILM's.

    Example: vecmill perplexity runs/pydocs-lm text.txt --words
    """
    from embeddings.language_model.model import LanguageModel
    from embeddings.language_model.scoring import score_text

    lm = LanguageModel.load(model)
    ngrams = _ngrams(lm, interpolate, weight)
    for number, file in enumerate(files):
        scored = score_text(lm, _read(file, field, column), independent=independent, ngrams=ngrams, weight=weight)
        if not any(scored.lines):
            raise EmbeddingsError(f"{file} contains no words; expected at least one line of text")
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
    model: LM,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Text, or - for stdin.")] = STANDARD_INPUT,
    interpolate: Interpolate = None,
    weight: Weight = 0.5,
    field: Field = "text",
    column: Column = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Print log10 P of every line of a text.

    Lines are scored independently of each other, so that candidates can be ranked. Lines on stdin are scored as they
    arrive.

    Example: vecmill score runs/pydocs-lm candidates.txt | sort -gr
    """
    from embeddings.language_model.model import LanguageModel
    from embeddings.language_model.scoring import score_text

    lm = LanguageModel.load(model)
    ngrams = _ngrams(lm, interpolate, weight)
    skipped: Counter[str] = Counter()
    for lines in batches_of_lines(file, "text> ", _LINES_AT_A_TIME, skipped, field=field, column=column):
        text = "".join(f"{line}\n" for line in lines)
        scored = score_text(lm, text, independent=True, ngrams=ngrams, weight=weight)
        parts = zip(lines, scored.lines, scored.ids, scored.log_likelihoods, strict=True)
        for shown, line, numbers, values in parts:
            total = math.fsum(values) / math.log(10)
            oov = int(np.sum(numbers == lm.unk))
            if as_json:
                record = {"text": shown, "log10": total, "words": len(line), "oov": oov}
                typer.echo(json.dumps(record, ensure_ascii=False))
            else:
                typer.echo(results.shown(f"{total:.4f}\t{shown}"))
    for reason, count in skipped.items():
        logger.warning("left out: %s: %s", reason, f"{count:,}")


def generate_command(
    model: LM,
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="Beginning of the text.")] = "",
    length: Annotated[int, typer.Option(min=1, help="Maximum number of words.")] = 50,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Number of texts.")] = 1,
    temperature: Annotated[float, typer.Option(min=0.0, help="Softmax temperature; 0 = greedy decoding.")] = 0.8,
    top_k: Annotated[
        int | None, typer.Option(min=1, help="Sample from the k most probable words.", show_default="all")
    ] = None,
    top_p: Annotated[
        float, typer.Option(help="Sample from the most probable words up to this total probability.")
    ] = 0.95,
    beam: Annotated[int | None, typer.Option(min=1, help="Use beam search of this width instead of sampling.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the sampling.", show_default="random")] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Continue after the end of a line.")] = False,
    unknown: Annotated[bool, typer.Option("--unknown", help="Allow <unk> in the output.")] = False,
    tokens: Annotated[bool, typer.Option("--tokens", help="Print tokens separated by spaces.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per text.")] = False,
) -> None:
    """Generate text with a language model.

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
        written = " ".join(text) if tokens else write_out(text)
        typer.echo(
            json.dumps({"text": written, "tokens": text}, ensure_ascii=False) if as_json else results.shown(written)
        )


def export_lm_command(
    model: LM,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="File to write.")],
    name: Annotated[
        str, typer.Option("--format", metavar="safetensors|torch|onnx", help="Format of the file.")
    ] = "safetensors",
    force: ForceFile = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print path and size as JSON.")] = False,
) -> None:
    """Export a language model for other tools.

    safetensors and torch store the weights under the names of torch.nn.Embedding, LSTM (GRU, RNN) and Linear (or
    AdaptiveLogSoftmaxWithLoss). onnx is a graph from ids and states to log-probabilities of all words and new states.

    Example: vecmill export-lm runs/pydocs-lm --format safetensors --out pydocs-lm.safetensors
    """
    from embeddings.language_model.export import EXPORTERS
    from embeddings.language_model.model import LanguageModel

    require_choice("--format", name, list(EXPORTERS))
    refuse_existing(out, force)
    require_writable(out)
    EXPORTERS[name](LanguageModel.load(model), out)
    size = out.stat().st_size
    results.print(json.dumps({"out": str(out), "bytes": size}) if as_json else f"{out}: {shown_size(size)}")


def _read(source: str, field: str, column: str) -> str:
    """Return the text of a file or of standard input; log what is left out."""
    from embeddings.text.misread import IF_OTHER_ENCODING

    corpus = open_corpus(source, field, column)
    data = b"".join(corpus.blocks())
    for what, number in corpus.warnings.items():
        logger.warning("%s: %d", what, number)
    text = data.decode("utf-8", "replace")
    if invalid := text.count("\ufffd") - data.count("\ufffd".encode()):
        logger.warning("%s: %s; %s", source, counted(invalid, "invalid UTF-8 sequence"), IF_OTHER_ENCODING)
    return text


def _ngrams(lm: "LanguageModel", interpolate: Path | None, weight: float) -> "NgramModel | None":
    """Return the n-gram model to interpolate with; None if there is none, or if it has no weight."""
    from embeddings.language_model.ngram_files import load_ngram_model

    used = interpolate if weight > 0 else None
    return load_ngram_model(used, lm.vocabulary, lm.make_tokenizer()) if used else None


def _sentences(scored: "ScoredText", words: bool) -> list[dict[str, Any]]:
    """Return a record of every line that contains words."""
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
