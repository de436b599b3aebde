"""`vecmill phrases`: the phrases of a text, to look at before they are joined in training."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.options import (
    Column,
    Config,
    ConnectorWords,
    Corpus,
    Field,
    FoldDigits,
    ForceFile,
    Lowercase,
    Normalize,
    PhraseDelimiter,
    PhraseMinCount,
    PhrasePasses,
    PhraseScorer,
    PhraseThreshold,
    Punctuation,
    Threads,
    TokenizerName,
    given_settings,
    refuse_existing,
    refuse_without_effect,
)
from pipelines.commands.train_embeddings import DEFAULT
from pipelines.console.interruption import AGAIN, interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError, PipelineConfig, Setting, load_config
from vecmill.files import require_writable, temporary_directory
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings.text.phrase_table import PhraseTable

TABLE_ENDINGS = (".tsv", ".parquet")
_SETTING_OF_OPTION = {"threads": "train.threads"}


def phrases_command(
    context: typer.Context,
    corpus: Corpus,
    passes: PhrasePasses = 1,
    threshold: PhraseThreshold = None,
    scorer: PhraseScorer = DEFAULT.phrases.scorer,
    min_count: PhraseMinCount = DEFAULT.phrases.min_count,
    connector_words: ConnectorWords = "",
    delimiter: PhraseDelimiter = DEFAULT.phrases.delimiter,
    top: Annotated[int, typer.Option(min=1, help="Number of phrases to print.")] = 50,
    threads: Threads = None,
    tokenizer: TokenizerName = DEFAULT.tokenizer.name,
    lowercase: Lowercase = DEFAULT.tokenizer.lowercase,
    punctuation: Punctuation = DEFAULT.tokenizer.punctuation,
    fold_digits: FoldDigits = DEFAULT.tokenizer.fold_digits,
    normalize: Normalize = DEFAULT.tokenizer.normalize,
    field: Field = DEFAULT.corpus.field,
    column: Column = DEFAULT.corpus.column,
    config: Config = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help=f"File for all phrases: {' or '.join(TABLE_ENDINGS)}.",
            show_default="none",
        ),
    ] = None,
    force: ForceFile = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per phrase, all of them.")] = False,
) -> None:
    """Print the phrases of a text that --phrases would join, by falling score.

    Example: vecmill phrases text.txt --connector-words english --out phrases.tsv
    """
    given = given_settings(context, "phrases", _SETTING_OF_OPTION)
    settings = load_config(config, {"phrases.passes": Setting(passes, "--passes"), **given})
    if settings.phrases.passes < 1:
        raise ConfigError("--passes: passes must be at least 1 to find phrases")
    if out and out.suffix not in TABLE_ENDINGS:
        raise ConfigError(f"--out: {out} must end in {' or '.join(TABLE_ENDINGS)}")
    if out and out.suffix == ".parquet":
        _require_parquet(out)
    if out:
        refuse_existing(out, force, *settings.corpus.sources)
        require_writable(out)
    else:
        refuse_without_effect(context, ("force",), "without --out FILE")
    if as_json:
        refuse_without_effect(context, ("top",), "with --json, which prints all phrases")
    with interruptible(AGAIN):
        table = _found(settings)
    if out:
        _write(table, out)
    _print(table, top, as_json, out)


def _found(settings: PipelineConfig) -> "PhraseTable":
    from embeddings import TokenizedCorpus
    from embeddings.text.phrases import find_phrases
    from pipelines.running.runner import Runner
    from pipelines.stage_lists import text_stages
    from pipelines.stages.tokenize import TokenizeStage

    progress = make_progress()
    with temporary_directory() as folder:
        stages = text_stages(settings)
        tokenize = [stage.name for stage in stages].index(TokenizeStage.name)
        Runner(Path(folder), stages[: tokenize + 1], progress).run()
        tokenized = TokenizedCorpus.open(Path(folder) / TokenizeStage.name)
        with progress.task("finding phrases", None) as update:
            return find_phrases(
                tokenized, settings.phrases, settings.train.threads, report=lambda what: update(0, what)
            )


def _require_parquet(out: Path) -> None:
    """Raise `MissingExtraError` if Parquet files cannot be written."""
    from vecmill.extras import needs

    with needs("parquet", str(out)):
        import pyarrow  # noqa: F401


def _write(table: "PhraseTable", out: Path) -> None:
    """Write a table that `PhraseTable.load` reads, or a Parquet file."""
    if out.suffix == ".tsv":
        table.save(out)
        return
    from vecmill.files import atomic_file

    with atomic_file(out) as file:
        table.to_frame().sort_values("score", ascending=False, kind="stable").to_parquet(file, index=False)


def _print(table: "PhraseTable", top: int, as_json: bool, out: Path | None) -> None:
    from pipelines.console.tables import print_columns

    rows = sorted(table, key=lambda row: -row[2].score)
    if as_json:
        for number, joined, phrase in rows:
            about = {"phrase": joined, "count": phrase.count, "score": phrase.score, "pass": number}
            typer.echo(json.dumps(about, ensure_ascii=False))
        return
    digits = 3 if table.scorer == "npmi" else 1
    shown = [
        [joined, *([str(number)] if len(table.passes) > 1 else []), f"{phrase.count:,}", f"{phrase.score:,.{digits}f}"]
        for number, joined, phrase in rows[:top]
    ]
    if shown:
        print_columns([["phrase", *(["pass"] if len(table.passes) > 1 else []), "count", "score"], *shown], left=1)
    written = f", all of them in {out}" if out else ""
    results.print(f"{counted(len(table), 'phrase')} above {table.threshold:g}{written}")
    if not rows:
        results.print("Lower --threshold or --min-count, or give more text.")
