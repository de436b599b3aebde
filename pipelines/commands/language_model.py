"""Commands that use a trained language model: perplexity, score, generate, export-lm."""

import json
import logging
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpora import open_corpus
from embeddings.errors import EmbeddingsError
from pipelines.commands.lines import batches_of_lines, decoded
from pipelines.commands.options import (
    LM,
    Column,
    Field,
    FoldDigits,
    ForceFile,
    Lowercase,
    Normalize,
    Punctuation,
    TokenizerName,
    language_model_path,
    refuse_compression,
    refuse_existing,
    refuse_without_effect,
    require_choice,
)
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError
from pipelines.settings.sections import STANDARD_INPUT
from vecmill.files import require_writable, shown_size
from vecmill.plain_text import STDIN
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings.language_model.model import LanguageModel
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
LMOrNgrams = Annotated[
    Path,
    typer.Argument(
        metavar="LM", help="Directory that train-lm or 'vecmill run' wrote, or ARPA file.", callback=language_model_path
    ),
]
Weight = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Weight of the n-gram model in the interpolation.",
        show_default="learned by tune-lm, or 0.5",
    ),
]
Cache = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Adapt with a neural cache of the last N words.", show_default="no cache"),
]
Theta = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        help="Theta of the cache: how much more like states count.",
        show_default="found by tune-lm",
    ),
]
CacheWeight = Annotated[
    float | None,
    typer.Option(min=0.0, max=1.0, help="Weight lambda of the cache.", show_default="found by tune-lm"),
]
_ADAPTED_WIDTH = 13


def perplexity_command(
    context: typer.Context,
    model: LMOrNgrams,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Text files, or - for stdin.")],
    sentences: Annotated[bool, typer.Option("--sentences", help="Also print the score of every line.")] = False,
    words: Annotated[bool, typer.Option("--words", help="Also print the score of every word.")] = False,
    independent: Annotated[
        bool, typer.Option("--independent", help="Reset the hidden state before every line.")
    ] = False,
    cache: Cache = None,
    cache_theta: Theta = None,
    cache_weight: CacheWeight = None,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Adapt with dynamic evaluation, as tune-lm has set it.")
    ] = False,
    interpolate: Interpolate = None,
    weight: Weight = None,
    tokenizer: TokenizerName = "fast",
    lowercase: Lowercase = True,
    punctuation: Punctuation = True,
    fold_digits: FoldDigits = False,
    normalize: Normalize = "nfc",
    field: Field = "text",
    column: Column = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per file.")] = False,
) -> None:
    """Print the perplexity of texts.

    Probabilities are normalized over the whole vocabulary; logarithms are to base 10. "perplexity" includes every word
    and every end of line; "-OOV" excludes unknown words (KenLM's "excluding OOVs", SRILM's ppl), "-<eos>" excludes
    the ends of lines; "ppl1" is SRILM's. What the text would have with --cache, --dynamic and --interpolate stands in
    columns of its own, which count every word and every end of line; "interpolated" is all of them together. An ARPA
    file says nothing of its tokenizer: give that of its text.

    Example: vecmill perplexity runs/pydocs-lm text.txt --words
    """
    refuse_stdin_twice(*files)
    from embeddings.language_model.scoring import warn_if_foreign

    reading = _reading(
        context,
        model,
        mixture={
            "cache": cache,
            "cache_theta": cache_theta,
            "cache_weight": cache_weight,
            "dynamic": dynamic,
            "interpolate": interpolate,
            "weight": weight,
        },
        tokenizer={
            "tokenizer": tokenizer,
            "lowercase": lowercase,
            "punctuation": punctuation,
            "fold_digits": fold_digits,
            "normalize": normalize,
        },
    )
    for number, file in enumerate(files):
        scored = reading.score(read_text(file, field, column), independent=independent)
        if reading.diverged:
            logger.warning("%s: %s", shown_source(file), reading.diverged)
        if not any(scored.lines):
            raise EmbeddingsError(f"{shown_source(file)} contains no words; expected at least one line of text")
        found, adapted = scored.perplexity, scored.adapted_perplexities
        warn_if_foreign(found.words, found.oov)
        details = _sentences(scored, words) if sentences or words else []
        if as_json:
            extra: dict[str, Any] = {"lines": details} if details else {}
            if reading.columns:
                records = {name: adapted[name].to_dict() if name in adapted else None for name in reading.columns}
                extra = {"adapted": records, **extra}
            typer.echo(json.dumps({"file": file, **found.to_dict(), **extra}, ensure_ascii=False))
            continue
        for detail in details:
            _print_sentence(detail)
        counts = f"{found.sentences:,}", f"{found.words:,}", f"{found.oov:,}", f"{found.log10:,.2f}"
        values = found.perplexity, found.without_oov, found.without_eos, found.without_oov_and_eos, found.ppl1
        cells = [*counts, *(f"{value:,.2f}" for value in values)]
        cells += [f"{adapted[name].perplexity:,.2f}" if name in adapted else "diverged" for name in reading.columns]
        columns = [*COLUMNS, *((name, _ADAPTED_WIDTH) for name in reading.columns)]
        if details or number == 0:
            _print_row([title for title, _ in columns], columns, "file")
        _print_row(cells, columns, file)


def score_command(
    context: typer.Context,
    model: LMOrNgrams,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Text, or - for stdin.")] = STANDARD_INPUT,
    cache: Cache = None,
    cache_theta: Theta = None,
    cache_weight: CacheWeight = None,
    interpolate: Interpolate = None,
    weight: Weight = None,
    tokenizer: TokenizerName = "fast",
    lowercase: Lowercase = True,
    punctuation: Punctuation = True,
    fold_digits: FoldDigits = False,
    normalize: Normalize = "nfc",
    field: Field = "text",
    column: Column = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Print log10 P of every line of a text.

    Lines are scored independently of each other, so that candidates can be ranked. Lines on stdin are scored as they
    arrive. With --cache every line is scored after the lines before it: words that they hold are more probable. An ARPA
    file says nothing of its tokenizer: give that of its text.

    Example: vecmill score runs/pydocs-lm candidates.txt | sort -gr
    """
    import numpy as np

    from embeddings.language_model.scoring import warn_if_foreign

    reading = _reading(
        context,
        model,
        mixture={
            "cache": cache,
            "cache_theta": cache_theta,
            "cache_weight": cache_weight,
            "interpolate": interpolate,
            "weight": weight,
        },
        tokenizer={
            "tokenizer": tokenizer,
            "lowercase": lowercase,
            "punctuation": punctuation,
            "fold_digits": fold_digits,
            "normalize": normalize,
        },
    )
    skipped: Counter[str] = Counter()
    words = unknown = 0
    for lines in batches_of_lines(file, "text> ", _LINES_AT_A_TIME, skipped, field=field, column=column):
        text = "".join(f"{line}\n" for line in lines)
        scored = reading.score_next(text)
        parts = zip(lines, scored.lines, scored.ids, scored.asked_for, strict=True)
        for shown, line, numbers, values in parts:
            total = math.fsum(values) / math.log(10)
            oov = int(np.sum(numbers == scored.unk))
            words, unknown = words + len(line), unknown + oov
            if as_json:
                record = {"text": shown, "log10": total, "words": len(line), "oov": oov}
                typer.echo(json.dumps(record, ensure_ascii=False))
            else:
                typer.echo(results.shown(f"{total:.4f}\t{shown}"))
    warn_if_foreign(words, unknown)
    for reason, count in skipped.items():
        logger.warning("left out: %s: %s", reason, f"{count:,}")


def generate_command(
    context: typer.Context,
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
    cache: Cache = None,
    cache_theta: Theta = None,
    cache_weight: CacheWeight = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the sampling.", show_default="random")] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Continue after the end of a line.")] = False,
    unknown: Annotated[bool, typer.Option("--unknown", help="Allow <unk> in the output.")] = False,
    tokens: Annotated[bool, typer.Option("--tokens", help="Print tokens separated by spaces.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per text.")] = False,
) -> None:
    """Generate text with a language model.

    Example: vecmill generate runs/pydocs-lm --prompt "Return the" --temperature 0.7
    """
    if beam is not None:
        refuse_without_effect(context, ("temperature", "top_k", "top_p", "lines"), "with --beam")
    elif temperature == 0:
        refuse_without_effect(context, ("top_k", "top_p"), "with --temperature 0")
    from embeddings.language_model.generation import MOST_BEAMS, continue_text, write_out
    from embeddings.language_model.model import LanguageModel
    from embeddings.language_model.sampling import SamplingConfig

    if beam is not None and max(beam, number) > MOST_BEAMS:
        raise ConfigError(f"--beam and, with it, --number are at most {MOST_BEAMS:,}")

    try:
        config = SamplingConfig(temperature=temperature, top_k=top_k, top_p=top_p, allow_unknown=unknown)
    except ValueError as error:
        raise ConfigError(f"--{error}".replace("_", "-", 1)) from None
    lm = LanguageModel.load(model)
    with _checked_cache(cache, cache_theta, cache_weight):
        neural_cache = None if cache is None else lm.adaptation.cache_settings(cache, cache_theta, cache_weight)
    settings: dict[str, Any] = {"number": number, "config": config, "beam": beam, "cache": neural_cache, "seed": seed}
    for text in continue_text(lm, prompt, length, stop_at_eos=not lines, **settings):
        written = " ".join(text) if tokens else write_out(text)
        typer.echo(
            json.dumps({"text": written, "tokens": text}, ensure_ascii=False) if as_json else results.shown(written)
        )


def export_lm_command(
    model: LM,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="File to write.")],
    name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="safetensors|torch|onnx",
            help="Format of the file.",
            show_default="by the extension of --out, .onnx, .pt or .pth, else safetensors",
        ),
    ] = None,
    force: ForceFile = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print path and size as JSON.")] = False,
) -> None:
    """Export a language model for other tools.

    safetensors and torch store the weights under the names of torch.nn.Embedding, LSTM (GRU, RNN) and Linear (or
    AdaptiveLogSoftmaxWithLoss). onnx is a graph from ids and states to log-probabilities of all words and new states.

    Example: vecmill export-lm runs/pydocs-lm --format safetensors --out pydocs-lm.safetensors
    """
    from embeddings.language_model.export import EXPORTERS, FORMAT_OF_EXTENSION
    from embeddings.language_model.model import LanguageModel

    if name is None:
        name = FORMAT_OF_EXTENSION.get(out.suffix.lower(), "safetensors")
    require_choice("--format", name, list(EXPORTERS))
    refuse_compression(out, ())
    refuse_existing(out, force, model)
    require_writable(out)
    EXPORTERS[name](LanguageModel.load(model), out)
    size = out.stat().st_size
    results.print(json.dumps({"out": str(out), "bytes": size}) if as_json else f"{out}: {shown_size(size)}")


def refuse_stdin_twice(*sources: str | None) -> None:
    """Raise `ConfigError` for texts of which two are standard input, which can be read once."""
    if sources.count(STANDARD_INPUT) > 1:
        raise ConfigError("'-' (standard input) is given twice and can be read once; save its text to a file first")


def shown_source(source: str) -> str:
    """Return the name of a text in messages."""
    return STDIN if source == STANDARD_INPUT else source


def read_text(source: str, field: str = "text", column: str = "text") -> str:
    """Return the text of a file or of standard input; log what is left out."""
    from embeddings.text.misread import IF_OTHER_ENCODING
    from embeddings.text.tokenizer.word_counters import INVALID_SEQUENCES

    corpus = open_corpus(source, field, column)
    skipped: Counter[str] = Counter()
    text = decoded(b"".join(corpus.blocks()), skipped)
    invalid = skipped.pop(INVALID_SEQUENCES, 0)
    for what, number in (corpus.warnings | skipped).items():
        logger.warning("%s: %d", what, number)
    if invalid:
        found = counted(invalid, "invalid UTF-8 sequence")
        logger.warning("%s: %s; %s", shown_source(source), found, IF_OTHER_ENCODING)
    return text


def _reading(
    context: typer.Context, model: Path, *, mixture: Mapping[str, Any], tokenizer: Mapping[str, Any]
) -> "_ArpaFile | _Mixture":
    """Return what reads the texts; raise a `ConfigError` for a given option, by its name, that it would not heed."""
    if model.is_file():
        refuse_without_effect(context, mixture, f"on an ARPA file ({model}), which is read plainly")
        return _ArpaFile(model, **tokenizer)
    refuse_without_effect(context, tokenizer, "on a model of train-lm, which has its own tokenizer")
    if mixture["interpolate"] is None:
        refuse_without_effect(context, ("weight",), "without --interpolate FILE")
    from embeddings.language_model.model import LanguageModel

    return _Mixture(LanguageModel.load(model), **mixture)


class _Mixture:
    """What a text is read with besides the model as it is: a cache, dynamic evaluation, an n-gram model.

    Parameters
    ----------
    lm : LanguageModel
    cache : int or None
        Words in the cache.
    cache_theta, cache_weight : float or None
        Settings of the cache; None as tuned.
    dynamic : bool
        Read with dynamic evaluation.
    interpolate : Path or None
        File of the n-gram model.
    weight : float or None
        Its weight; None as tuned.

    Attributes
    ----------
    columns : list of str
        Names of the results that stand beside the plain one.
    ngrams : dict of str to Any
        The n-gram model and its weight, for `score_text`.
    """

    def __init__(
        self,
        lm: "LanguageModel",
        *,
        cache: int | None,
        cache_theta: float | None,
        cache_weight: float | None,
        dynamic: bool = False,
        interpolate: Path | None,
        weight: float | None,
    ):
        from embeddings.language_model.adaptation import INTERPOLATED, PLAIN
        from embeddings.language_model.ngram_files import load_ngram_model

        self._lm = lm
        if weight is not None and interpolate is None:
            raise ConfigError("--weight is that of an n-gram model: add --interpolate FILE")
        with _checked_cache(cache, cache_theta, cache_weight):
            self._reader = lm.adapted_reader(cache=cache, theta=cache_theta, cache_weight=cache_weight, dynamic=dynamic)
        columns = self._reader.columns if self._reader else (PLAIN,)
        self.columns = list(columns[1:])
        self.diverged: Exception | None = None
        self.ngrams: dict[str, Any] = {}
        if interpolate is not None and weight != 0:
            ngrams = load_ngram_model(interpolate, lm.vocabulary, lm.make_tokenizer())
            weight = lm.adaptation.ngram_weight(interpolate, columns[-1]) if weight is None else weight
            self.ngrams = {"ngrams": ngrams, "weight": weight}
            self.columns.append(INTERPOLATED)

    def score(self, text: str, *, independent: bool) -> "ScoredText":
        """Score a text; `diverged` then says whether dynamic evaluation has diverged on it."""
        from embeddings.language_model.scoring import score_text

        reader = self._reader.anew() if self._reader else None
        scored = score_text(self._lm, text, independent=independent, reader=reader, **self.ngrams)
        self.diverged = reader.diverged if reader else None
        return scored

    def score_next(self, text: str) -> "ScoredText":
        """Score the next lines, each from the initial state; a cache holds the words of those before."""
        from embeddings.language_model.scoring import score_text

        return score_text(self._lm, text, independent=True, reader=self._reader, **self.ngrams)


@contextmanager
def _checked_cache(cache: int | None, theta: float | None, weight: float | None) -> Iterator[None]:
    """Turn errors of the settings of a cache into those of the options."""
    if cache is None and (theta is not None or weight is not None):
        raise ConfigError("--cache-theta and --cache-weight are settings of a cache: add --cache N")
    try:
        yield
    except ValueError as error:
        raise ConfigError(f"--{error}".replace(" ", "-", 1)) from None


class _ArpaFile:
    """An n-gram model, which reads a text plainly."""

    columns: tuple[str, ...] = ()
    diverged: Exception | None = None

    def __init__(self, path: Path, tokenizer: str, **settings: Any):
        from embeddings import make_tokenizer
        from embeddings.language_model.arpa import ArpaModel

        self._ngrams, self._tokenizer = ArpaModel(path), make_tokenizer(tokenizer, **settings)

    def score(self, text: str, *, independent: bool) -> "ScoredText":
        """Score the lines of a text, each by itself in any case."""
        from embeddings.language_model.scoring import score_with_ngrams

        return score_with_ngrams(self._ngrams, self._tokenizer.tokenize(text))

    def score_next(self, text: str) -> "ScoredText":
        """Score the next lines of a text."""
        return self.score(text, independent=True)


def _sentences(scored: "ScoredText", words: bool) -> list[dict[str, Any]]:
    """Return a record of every line that contains words."""
    from embeddings.language_model.perplexity import Perplexity
    from embeddings.text.vocabulary import EOS

    records = []
    parts = zip(scored.lines, scored.ids, scored.log_likelihoods, strict=True)
    for place, (line, ids, log_p) in enumerate(parts):
        if not line:
            continue
        found = Perplexity.of(ids, log_p, scored.eos, scored.unk)
        adapted = {name: values[place] for name, values in scored.adapted.items()}
        record: dict[str, Any] = {"text": " ".join(line), **found.to_dict()}
        if adapted:
            each = {name: Perplexity.of(ids, values, scored.eos, scored.unk) for name, values in adapted.items()}
            record["adapted"] = {name: perplexity.to_dict() for name, perplexity in each.items()}
        if words:
            columns = {"log10": log_p, **adapted}
            record["tokens"] = [
                {"word": word, "oov": number == scored.unk}
                | {name: float(values[i]) / math.log(10) for name, values in columns.items()}
                for i, (word, number) in enumerate(zip([*line, EOS], ids.tolist(), strict=True))
            ]
        records.append(record)
    return records


def _print_row(cells: Sequence[str], columns: Sequence[tuple[str, int]], file: str) -> None:
    padded = [cell.rjust(width) for cell, (_, width) in zip(cells, columns, strict=True)]
    results.print(" ".join(padded) + f"  {file}")


def _print_sentence(record: dict[str, Any]) -> None:
    adapted = "".join(f"  {name} {found['perplexity']:.2f}" for name, found in record.get("adapted", {}).items())
    results.print(f"{record['log10']:.4f}\tperplexity {record['perplexity']:.2f}{adapted}\t{record['text']}")
    for token in record.get("tokens", ()):
        values = "".join(f"  {token[name]:9.4f}" for name in ("log10", *record.get("adapted", ())))
        results.print(f"{values}  {token['word']}{'  OOV' if token['oov'] else ''}")
