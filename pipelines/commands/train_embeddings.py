"""`vecmill train-embeddings`: word vectors from raw text.

The command has many parameters because Typer makes one option of each: `--help` shows it with its default, Typer checks
its type and the shell completes it. The body never reads most of them: `given_settings` takes those that the user gave
from the context, and they override the settings file. Settings of [train] that the command does not name have options
as well (`with_options_of`).
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from embeddings.word2vec.config import (
    CONTINUED_LEARNING_RATE,
    DEFAULT_LEARNING_RATE,
    SUBWORD_LEARNING_RATE,
    Word2VecConfig,
)
from pipelines.commands.options import (
    Address,
    BackendName,
    CheckpointEvery,
    Column,
    Config,
    ConnectorWords,
    Corpus,
    Field,
    FoldDigits,
    ForceDirectory,
    History,
    HistoryWords,
    Lowercase,
    Normalize,
    OutPlace,
    PhraseDelimiter,
    PhraseMinCount,
    PhrasePasses,
    PhraseScorer,
    PhraseThreshold,
    Punctuation,
    Seed,
    SkipFinished,
    Threads,
    TokenizerName,
    Watch,
    WatchPort,
    Work,
    Workers,
    chosen_backend,
    given_settings,
    optional_vectors_path,
)
from pipelines.commands.setting_options import with_options_of
from pipelines.commands.watch import refuse_unwatched, watched
from pipelines.console.help import grouped
from pipelines.console.progress import make_progress
from pipelines.running.watching import HISTORY_WORDS
from pipelines.settings.config import ConfigError, PipelineConfig, Setting, load_config

if TYPE_CHECKING:
    from pipelines.running.publishing import Directory

DEFAULT = PipelineConfig()
DEFAULT_RATES = ", ".join(
    f"{rate} for {architecture}, {SUBWORD_LEARNING_RATE[architecture]} with --subwords, "
    f"{CONTINUED_LEARNING_RATE[architecture]} with --start-from"
    for architecture, rate in DEFAULT_LEARNING_RATE.items()
)

DEFAULT_EPOCHS_TEXT = "15 below a million tokens, 10 below ten millions, else 5; twice as many for cbow"

# Settings of the options that belong neither to [train] nor to the text.
_SETTING_OF_OPTION = {
    "min_count": "vocabulary.min_count",
    "max_vocabulary": "vocabulary.max_vocabulary",
    "phrases": "phrases.passes",
    "phrase_threshold": "phrases.threshold",
    "phrase_scorer": "phrases.scorer",
    "phrase_min_count": "phrases.min_count",
    "connector_words": "phrases.connector_words",
    "phrase_delimiter": "phrases.delimiter",
    "start_from": "start.model",
    "checkpoint_every": "checkpoint.every",
}

_OPTION_GROUPS = {
    "Output": (
        *("out", "work", "force", "skip_finished", "history", "history_words", "watch", "port", "as_json", "config"),
    ),
    "Model": (
        "architecture",
        "dimension",
        "window",
        "train__dynamic_window",
        "negative",
        "noise_exponent",
        "negative_sharing",
        "train__hierarchical_softmax",
        "train__subwords",
        "train__buckets",
        "train__floret_hashes",
        "train__position_weights",
        "train__cbow_mean",
    ),
    "Training": (
        "epochs",
        "learning_rate",
        "train__min_learning_rate",
        "sample",
        "start_from",
        "train__held_out",
        "train__patience",
        "seed",
        "deterministic",
        "threads",
        "backend",
        "address",
        "workers",
        "checkpoint_every",
    ),
    "Vocabulary and phrases": (
        "min_count",
        "max_vocabulary",
        "phrases",
        "phrase_threshold",
        "phrase_scorer",
        "phrase_min_count",
        "connector_words",
        "phrase_delimiter",
    ),
    "Text": ("field", "column", "tokenizer", "lowercase", "punctuation", "fold_digits", "normalize"),
}


@grouped(_OPTION_GROUPS)
@with_options_of("train", Word2VecConfig)
def train_embeddings_command(
    context: typer.Context,
    corpus: Corpus = [*DEFAULT.corpus.sources],  # noqa: B006 - not changed
    *,
    out: OutPlace,
    architecture: Annotated[
        str,
        typer.Option(
            metavar="skip-gram|cbow", help="Predict context from word (skip-gram) or word from context (CBOW)."
        ),
    ] = DEFAULT.train.architecture,
    dimension: Annotated[int, typer.Option(help="Dimension of the vectors.")] = DEFAULT.train.dimension,
    window: Annotated[
        int, typer.Option(help="Maximum number of context words on each side; drawn from 1 to this for every word.")
    ] = DEFAULT.train.window,
    negative: Annotated[
        int | None,
        typer.Option(help="Negative samples per example.", show_default="5; 0 with --hierarchical-softmax"),
    ] = DEFAULT.train.negative,
    noise_exponent: Annotated[
        float, typer.Option(help="Exponent of the noise distribution: P(w) is proportional to count^x.")
    ] = DEFAULT.train.noise_exponent,
    sample: Annotated[
        float | None,
        typer.Option(
            help="Subsampling threshold t of frequent words (word2vec's -sample); 0 disables.",
            show_default="1e-4, or 1 / V with fewer than 10,000 words",
        ),
    ] = DEFAULT.train.sample,
    negative_sharing: Annotated[
        str,
        typer.Option(
            metavar="window|pair", help="Draw negative samples once per window (fast) or for every pair (textbook)."
        ),
    ] = DEFAULT.train.negative_sharing,
    min_count: Annotated[int, typer.Option(help="Drop words that occur less often.")] = DEFAULT.vocabulary.min_count,
    max_vocabulary: Annotated[
        int | None, typer.Option(help="Keep at most this many of the most frequent words.", show_default="all")
    ] = DEFAULT.vocabulary.max_vocabulary,
    phrases: PhrasePasses = DEFAULT.phrases.passes,
    phrase_threshold: PhraseThreshold = None,
    phrase_scorer: PhraseScorer = DEFAULT.phrases.scorer,
    phrase_min_count: PhraseMinCount = DEFAULT.phrases.min_count,
    connector_words: ConnectorWords = "",
    phrase_delimiter: PhraseDelimiter = DEFAULT.phrases.delimiter,
    epochs: Annotated[
        int | None, typer.Option(help="Number of passes over the text.", show_default=DEFAULT_EPOCHS_TEXT)
    ] = DEFAULT.train.epochs,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Initial learning rate; decays linearly.", show_default=DEFAULT_RATES),
    ] = None,
    seed: Seed = DEFAULT.train.seed,
    start_from: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Continue training this model: keep its words and vectors, add the new words of CORPUS.",
            show_default="random vectors",
            callback=optional_vectors_path,
        ),
    ] = DEFAULT.start.model,
    checkpoint_every: CheckpointEvery = str(DEFAULT.checkpoint.every),
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic/--no-deterministic", help="Make the same vectors, bit for bit, with any number of threads."
        ),
    ] = DEFAULT.train.deterministic,
    threads: Threads = None,
    tokenizer: TokenizerName = DEFAULT.tokenizer.name,
    lowercase: Lowercase = DEFAULT.tokenizer.lowercase,
    punctuation: Punctuation = DEFAULT.tokenizer.punctuation,
    fold_digits: FoldDigits = DEFAULT.tokenizer.fold_digits,
    normalize: Normalize = DEFAULT.tokenizer.normalize,
    field: Field = DEFAULT.corpus.field,
    column: Column = DEFAULT.corpus.column,
    config: Config = None,
    backend: BackendName = "local",
    address: Address = None,
    workers: Workers = None,
    work: Work = None,
    force: ForceDirectory = False,
    skip_finished: SkipFinished = False,
    history: History = None,
    history_words: HistoryWords = HISTORY_WORDS,
    watch: Watch = False,
    port: WatchPort = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics of every epoch as JSON.")] = False,
) -> None:
    """Train word vectors on raw text with skip-gram or CBOW.

    The output directory holds vectors.npy, context.npy, vocabulary.tsv, config.json, metrics.jsonl and manifest.json.
    An interrupted run resumes when the command is repeated.

    Example: vecmill train-embeddings text.txt --out runs/mine --epochs 10

    With more text: vecmill train-embeddings more.txt --start-from runs/mine --out runs/more
    """
    given = given_settings(context, "train", _SETTING_OF_OPTION)
    settings = load_config(config, given)
    _require_effect(given, settings)
    refuse_unwatched(context, history, watch=watch)
    from pipelines.reports.vectors_report import print_training
    from pipelines.running.publishing import output_of
    from pipelines.stage_lists import embedding_stages

    with output_of(out, work) as place:
        with (
            chosen_backend(backend, address, workers, settings.train.threads) as machines,
            watched(place.directory, make_progress(), history, history_words, port if watch else None) as (
                progress,
                watching,
            ),
        ):
            made = place.make(
                embedding_stages(settings, workers=machines.workers, watching=watching),
                settings.result_settings(),
                skip_finished=skip_finished,
                force=force,
                progress=progress,
                backend=machines,
            )
        if as_json:
            _print_json(place)
        elif made:
            print_training(place.directory, place.shown)
    if not made and not as_json:
        typer.echo(f"nothing to do: {place.shown} is finished and has these settings; add --force to make it again")


def _require_effect(given: Mapping[str, Setting], settings: PipelineConfig) -> None:
    """Raise `ConfigError` for an option that has no effect without another one."""
    joins = settings.phrases.passes > 0
    effect = {name: (joins, "--phrases 2") for name in given if name.startswith("phrases.")}
    effect["train.buckets"] = settings.train.subwords is not None, "--subwords 3-6"
    effect["train.cbow_mean"] = settings.train.architecture == "cbow", "--architecture cbow"
    effect["train.noise_exponent"] = not settings.train.hierarchical_softmax, "--no-hierarchical-softmax"
    effect["train.negative_sharing"] = not settings.train.hierarchical_softmax, "--no-hierarchical-softmax"
    for name, setting in given.items():
        has_effect, needed = effect.get(name, (True, ""))
        if not has_effect and name != "phrases.passes":
            raise ConfigError(f"{setting.origin} has no effect without {needed}; add that, or leave it out")


def _print_json(place: "Directory") -> None:
    from pipelines.reports.training_metrics import read_metrics
    from pipelines.running.manifest import Manifest

    summary, epochs = Manifest.read(place.directory).summary, read_metrics(place.directory)
    made = {"out": place.shown, "words": summary["words"], "dimension": summary["dimension"], "epochs": epochs}
    typer.echo(json.dumps(made))
