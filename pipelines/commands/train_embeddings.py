"""`vecmill train-embeddings`: raw text in, a directory of word vectors out."""

import json
from pathlib import Path
from typing import Annotated

import typer

from embeddings.word2vec.config import CONTINUED_LEARNING_RATE, DEFAULT_LEARNING_RATE
from pipelines.console.completion import corpus_names
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.settings.config import Given, PipelineConfig, load_config

DEFAULT = PipelineConfig()
DEFAULT_RATES = ", ".join(
    f"{rate} for {architecture}, {CONTINUED_LEARNING_RATE[architecture]} with --start-from"
    for architecture, rate in DEFAULT_LEARNING_RATE.items()
)

# Where the options that are not settings of [train] belong.
_SETTING_OF_OPTION = {
    "corpus": "corpus.source",
    "field": "corpus.field",
    "column": "corpus.column",
    "tokenizer": "tokenizer.name",
    "lowercase": "tokenizer.lowercase",
    "punctuation": "tokenizer.punctuation",
    "fold_digits": "tokenizer.fold_digits",
    "min_count": "vocabulary.min_count",
    "max_vocabulary": "vocabulary.max_vocabulary",
    "start_from": "start.model",
    "checkpoint_every": "checkpoint.every",
}
_NO_SETTINGS = ("out", "config", "force", "skip_finished", "as_json")


def train_embeddings_command(
    context: typer.Context,
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="CORPUS",
            help="Name (see 'vecmill corpora list'), file, directory, glob, URL, or - for stdin.",
            autocompletion=corpus_names,
        ),
    ] = DEFAULT.corpus.source,
    *,
    out: Annotated[Path, typer.Option(help="Directory to write; it appears when all is finished.")],
    architecture: Annotated[
        str,
        typer.Option(help="Predict context from word, or word from context.", metavar="skip-gram|cbow"),
    ] = DEFAULT.train.architecture,
    dimension: Annotated[int, typer.Option(help="Numbers in a vector.")] = DEFAULT.train.dimension,
    window: Annotated[
        int, typer.Option(help="Most words of context to each side; drawn from 1 to this for every word.")
    ] = DEFAULT.train.window,
    negative: Annotated[int, typer.Option(help="Noise words drawn against each true one.")] = DEFAULT.train.negative,
    noise_exponent: Annotated[
        float, typer.Option(help="Noise words are drawn by their count to this power.")
    ] = DEFAULT.train.noise_exponent,
    sample: Annotated[
        float, typer.Option(help="Words above this share of the text are passed over at random; 0 passes over none.")
    ] = DEFAULT.train.sample,
    negative_sharing: Annotated[
        str,
        typer.Option(
            help="Draw noise words once for a window (fast) or for every pair (the textbook).", metavar="window|pair"
        ),
    ] = DEFAULT.train.negative_sharing,
    min_count: Annotated[
        int, typer.Option(help="Leave out words that occur less often.")
    ] = DEFAULT.vocabulary.min_count,
    max_vocabulary: Annotated[
        int | None, typer.Option(help="Keep at most this many words, the most frequent ones.", show_default="all")
    ] = DEFAULT.vocabulary.max_vocabulary,
    epochs: Annotated[int, typer.Option(help="Passes over the text.")] = DEFAULT.train.epochs,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="At the start; falls linearly.", show_default=DEFAULT_RATES),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything drawn at random.")] = DEFAULT.train.seed,
    start_from: Annotated[
        str | None,
        typer.Option(
            help="Go on from this model: keep its words and vectors, add the new words of CORPUS.",
            metavar="MODEL",
            show_default="start at random",
        ),
    ] = DEFAULT.start.model,
    checkpoint_every: Annotated[
        str,
        typer.Option(help="Save training so often, to go on from after an interruption.", metavar="SECONDS|90s|5m|1h"),
    ] = str(DEFAULT.checkpoint.every),
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic/--no-deterministic", help="The same vectors, bit for bit, for any number of threads."
        ),
    ] = DEFAULT.train.deterministic,
    threads: Annotated[int | None, typer.Option(help="Threads to use.", show_default="all cores")] = None,
    tokenizer: Annotated[
        str, typer.Option(help="What cuts lines into words.", metavar="fast|whitespace|nltk:NAME")
    ] = DEFAULT.tokenizer.name,
    lowercase: Annotated[
        bool, typer.Option("--lowercase/--no-lowercase", help="Fold upper and lower case.")
    ] = DEFAULT.tokenizer.lowercase,
    punctuation: Annotated[
        bool, typer.Option("--punctuation/--no-punctuation", help="Keep punctuation marks as words.")
    ] = DEFAULT.tokenizer.punctuation,
    fold_digits: Annotated[
        bool, typer.Option("--fold-digits/--no-fold-digits", help="Write every digit as 0.")
    ] = DEFAULT.tokenizer.fold_digits,
    field: Annotated[str, typer.Option(help="Field of JSON Lines records that holds the text.")] = DEFAULT.corpus.field,
    column: Annotated[
        str, typer.Option(help="Column of CSV and Parquet files that holds the text.")
    ] = DEFAULT.corpus.column,
    config: Annotated[
        Path | None, typer.Option(help="TOML file of settings; options given here win over it.", metavar="FILE.toml")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a finished --out, and drop unfinished work of other settings.")
    ] = False,
    skip_finished: Annotated[
        bool, typer.Option("--skip-finished", help="Be content if --out is finished and has the same settings.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,
) -> None:
    """Train word vectors on raw text with skip-gram or CBOW.

    The output directory holds vectors.npy, context.npy, vocabulary.tsv, config.json, metrics.jsonl and manifest.json.
    An interrupted run goes on when the same command is given again.

    Example: vecmill train-embeddings text.txt --out runs/mine --epochs 10

    More text later: vecmill train-embeddings more.txt --start-from runs/mine --out runs/more
    """
    settings = load_config(config, _given(context))
    from pipelines.reports.vectors_report import print_training
    from pipelines.running.make import is_made, make
    from pipelines.running.output_directory import tidy
    from pipelines.stage_lists import embedding_stages

    stages, decisive = embedding_stages(settings), settings.decisive()
    if skip_finished and not force and is_made(out, stages, decisive):
        tidy(out)
        if not as_json:
            typer.echo(f"{out} is finished and has these settings: nothing to do; --force makes it anew")
            return
    else:
        with interruptible("the same command goes on where this one stopped"):
            make(out, stages, decisive, force=force, progress=make_progress())
    if as_json:
        _print_json(out)
    else:
        print_training(out)


def _print_json(out: Path) -> None:
    from embeddings import WordVectors
    from pipelines.reports.training_plot import read_metrics

    vectors = WordVectors.load(out)
    made = {"out": str(out), "words": len(vectors), "dimension": vectors.dimension, "epochs": read_metrics(out)}
    typer.echo(json.dumps(made))


def _given(context: typer.Context) -> dict[str, Given]:
    """Return the settings that the user gave, not those that an option has by default."""
    given = {}
    for option, value in context.params.items():
        source = context.get_parameter_source(option)
        if option not in _NO_SETTINGS and source is not None and source.name == "COMMANDLINE":
            origin = "CORPUS" if option == "corpus" else f"--{option.replace('_', '-')}"
            given[_SETTING_OF_OPTION.get(option, f"train.{option}")] = Given(value, origin)
    return given
