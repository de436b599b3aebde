"""`vecmill train-lm`: a recurrent language model from raw text.

As in `train_embeddings`, most parameters are there for Typer alone: `given_settings` takes those that the user gave
from the context, and they override the preset and the settings file.
"""

import json
from typing import Annotated, get_args

import typer

from embeddings.language_model.config import LanguageModelConfig
from embeddings.language_model.presets import BUDGETS, PresetName
from embeddings.language_model.training_config import DEFAULT_LEARNING_RATES, LMTrainingConfig, Schedule
from pipelines.commands.options import (
    Address,
    BackendName,
    CheckpointEvery,
    Column,
    Config,
    Corpus,
    Field,
    ForceDirectory,
    Normalize,
    OutPlace,
    Seed,
    SkipFinished,
    Threads,
    Work,
    Workers,
    chosen_backend,
    given_settings,
    optional_vectors_path,
)
from pipelines.commands.setting_options import with_options_of
from pipelines.console.help import grouped
from pipelines.console.progress import make_progress
from pipelines.settings.config import ConfigError, Setting
from pipelines.settings.lm_config import AUTO
from pipelines.settings.lm_settings import LMSettings
from pipelines.settings.sections import OWN_EMBEDDINGS, CheckpointSettings, SplitSettings, TokenizerSettings

# Settings of the options that belong neither to [lm_training] nor to the text.
_SETTING_OF_OPTION: dict[str, str | tuple[str, ...]] = {
    "preset": "lm.preset",
    "budget": "lm.budget",
    "min_count": "lm.min_count",
    "max_vocabulary": "lm.max_vocabulary",
    "seed": "lm.seed",
    "embeddings": "lm.embeddings",
    "threads": "lm.threads",
    "checkpoint_every": "checkpoint.every",
    "cell": "lm_network.cell",
    "layers": "lm_network.layers",
    "hidden_size": "lm_network.hidden_size",
    "dimension": "lm_network.dimension",
    "tie_weights": "lm_network.tie_weights",
    "tied": "lm_network.tie_weights",
    "output": "lm_network.output",
    "freeze_embedding": "lm_network.freeze_embedding",
    "frozen": "lm_network.freeze_embedding",
    "dropout": ("lm_network.dropout_input", "lm_network.dropout_hidden", "lm_network.dropout_output"),
}
OF_PRESET = "that of the preset"

_OPTION_GROUPS = {
    "Output": ("out", "work", "force", "skip_finished", "as_json", "config"),
    "Network": (
        "preset",
        "budget",
        "cell",
        "lm_network__mogrifier",
        "layers",
        "hidden_size",
        "lm_network__last_hidden_size",
        "dimension",
        "embeddings",
        "freeze_embedding",
        "tie_weights",
        "output",
        "lm_network__num_sampled",
    ),
    "Regularization": (
        "dropout",
        "lm_network__dropout_input",
        "lm_network__dropout_hidden",
        "lm_network__dropout_output",
        "lm_network__variational",
        "lm_network__embedding_dropout",
        "lm_network__weight_drop",
        "lm_network__activation_regularization",
        "lm_network__temporal_activation_regularization",
        "lm_training__weight_decay",
    ),
    "Training": (
        "epochs",
        "batch_size",
        "bptt",
        "lm_training__variable_windows",
        "lm_training__full_softmax_epochs",
        "optimizer",
        "learning_rate",
        "schedule",
        "lm_training__anneal",
        "lm_training__anneal_after",
        "lm_training__patience",
        "lm_training__validation_tokens",
        "clip",
        "seed",
        "lm_training__average",
        "lm_training__precision",
        "threads",
        "backend",
        "address",
        "workers",
        "checkpoint_every",
    ),
    "Vocabulary and text": (
        "min_count",
        "max_vocabulary",
        "field",
        "column",
        "tokenizer",
        "lowercase",
        "lm__punctuation",
        "tokenizer__fold_digits",
        "normalize",
        "split__valid",
        "split__test",
    ),
}


@grouped(_OPTION_GROUPS)
@with_options_of("split", SplitSettings)
@with_options_of("tokenizer", TokenizerSettings, but=["name", "punctuation"])
@with_options_of("lm", LMSettings, but=["enabled"])
@with_options_of("lm_network", LanguageModelConfig, show_default=OF_PRESET)
@with_options_of("lm_training", LMTrainingConfig, show_default=OF_PRESET)
def train_lm_command(
    context: typer.Context,
    corpus: Corpus = ["pydocs"],  # noqa: B006 - not changed
    *,
    out: OutPlace,
    embeddings: Annotated[
        str,
        typer.Option(
            metavar="MODEL|none",
            help="Initial word vectors: those of a model, or none for random ones.",
            show_default="word2vec, trained on the training part first",
            callback=optional_vectors_path,
        ),
    ] = OWN_EMBEDDINGS,
    preset: Annotated[
        str,
        typer.Option(
            metavar="|".join(get_args(PresetName)),
            help="Defaults of other settings: a model for minutes of training, 2 x 200 units, 2 x 650, AWD-LSTM; 10m, "
            "1h and 3h are those of budgets.",
        ),
    ] = "quick",
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(BUDGETS),
            help="Time for word vectors and training, also others such as 45m: chooses preset and number of epochs.",
            show_default="no limit",
        ),
    ] = None,
    cell: Annotated[
        str | None, typer.Option(metavar="lstm|gru|rnn|mingru", help="Recurrent cell.", show_default=OF_PRESET)
    ] = None,
    layers: Annotated[int | None, typer.Option(help="Number of recurrent layers.", show_default=OF_PRESET)] = None,
    hidden_size: Annotated[int | None, typer.Option(help="Units per layer.", show_default=OF_PRESET)] = None,
    dimension: Annotated[
        int | None, typer.Option(help="Dimension of the word vectors.", show_default="hidden size")
    ] = None,
    tie_weights: Annotated[
        bool | None,
        typer.Option("--tie-weights/--no-tie-weights", help="Use E as the output weights.", show_default=OF_PRESET),
    ] = None,
    freeze_embedding: Annotated[
        bool | None,
        typer.Option("--freeze-embedding/--no-freeze-embedding", help="Do not train E.", show_default="train E"),
    ] = None,
    tied: Annotated[bool | None, typer.Option("--tied/--untied", hidden=True)] = None,  # former name
    frozen: Annotated[bool | None, typer.Option("--frozen/--fine-tuned", hidden=True)] = None,  # former name
    output: Annotated[
        str | None,
        typer.Option(metavar="full|sampled|adaptive", help="Softmax used in training.", show_default=OF_PRESET),
    ] = None,
    dropout: Annotated[
        float | None, typer.Option(help="Dropout of input, between layers and of output.", show_default=OF_PRESET)
    ] = None,
    epochs: Annotated[
        str | None,
        typer.Option(
            metavar="N|auto",
            help="Maximum number of passes over the text; auto: until four validations in a row bring no improvement, "
            "with the plateau schedule.",
            show_default=OF_PRESET,
        ),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Sequences per batch.", show_default=OF_PRESET)] = None,
    bptt: Annotated[
        int | None, typer.Option(help="Time steps of truncated backpropagation.", show_default=OF_PRESET)
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(metavar="|".join(DEFAULT_LEARNING_RATES), help="Optimizer.", show_default=OF_PRESET),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Initial or highest learning rate.", show_default="depends on the optimizer")
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(metavar="|".join(get_args(Schedule)), help="Learning-rate schedule.", show_default=OF_PRESET),
    ] = None,
    clip: Annotated[float | None, typer.Option(help="Maximum gradient norm.", show_default=OF_PRESET)] = None,
    min_count: Annotated[
        int | None, typer.Option(help="Replace words that occur less often by <unk>.", show_default="1")
    ] = None,
    max_vocabulary: Annotated[
        int | None, typer.Option(help="Keep at most this many of the most frequent words.", show_default=OF_PRESET)
    ] = None,
    seed: Seed = 1,
    checkpoint_every: CheckpointEvery = str(CheckpointSettings.every),
    threads: Threads = None,
    tokenizer: Annotated[
        str, typer.Option(metavar="fast|whitespace|icu:zh|nltk:NAME", help="Tokenizer of raw text.")
    ] = "fast",
    lowercase: Annotated[
        bool, typer.Option("--lowercase/--no-lowercase", help="Convert raw text to lower case.")
    ] = True,
    normalize: Normalize = "nfc",
    field: Field = "text",
    column: Column = "text",
    config: Config = None,
    backend: BackendName = "local",
    address: Address = None,
    workers: Workers = None,
    work: Work = None,
    force: ForceDirectory = False,
    skip_finished: SkipFinished = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the metrics of every epoch and the perplexity as JSON.")
    ] = False,
) -> None:
    """Train a recurrent language model with truncated backpropagation through time.

    The text is split into training, validation and test parts; a folder with a file for each, such as ptb.train.txt,
    is used as it is. The test part is used for the final perplexity alone.
    The output directory holds model.safetensors, language_model.json, vocabulary.tsv, config.json, metrics.jsonl,
    evaluation.json and manifest.json. An interrupted run resumes when the command is repeated.

    Example: vecmill train-lm pydocs --out runs/pydocs-lm
    """
    from pipelines.reports.lm_report import lm_training, print_lm_training
    from pipelines.running.publishing import output_of
    from pipelines.settings.lm_config import load_lm_config
    from pipelines.stage_lists import language_model_stages

    given = given_settings(context, "lm_training", _SETTING_OF_OPTION)
    if "lm_training.epochs" in given:
        given["lm_training.epochs"] = _epochs(given["lm_training.epochs"])
    settings = load_lm_config(config, given)
    with output_of(out, work) as place:
        with chosen_backend(backend, address, workers, settings.lm.threads or settings.train.threads) as machines:
            made = place.make(
                language_model_stages(settings, workers=machines.workers),
                settings.to_dict(),
                skip_finished=skip_finished,
                force=force,
                progress=make_progress(),
                backend=machines,
            )
        if as_json:
            typer.echo(json.dumps({**lm_training(place.directory), "out": place.shown}))
        elif made:
            print_lm_training(place.directory, place.shown)
    if not made and not as_json:
        typer.echo(f"nothing to do: {place.shown} is finished and has these settings; add --force to make it again")


def _epochs(given: Setting) -> Setting:
    """Return the setting with a number for the text of the option, unless it is "auto"."""
    if given.value == AUTO:
        return given
    try:
        return given._replace(value=int(str(given.value)))
    except ValueError:
        raise ConfigError(f"--epochs: {given.value!r} is neither a whole number nor {AUTO}") from None
