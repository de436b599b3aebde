"""`vecmill train-lm`: text, and word vectors, in; a directory of a recurrent language model out."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.console.completion import corpus_names
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.settings.config import Given
from pipelines.settings.sections import OWN_EMBEDDINGS

# Where the options that are not settings of [lm_training] belong.
_SETTING_OF_OPTION = {
    "corpus": "corpus.source",
    "field": "corpus.field",
    "column": "corpus.column",
    "tokenizer": "tokenizer.name",
    "lowercase": "tokenizer.lowercase",
    "preset": "lm.preset",
    "min_count": "lm.min_count",
    "max_vocabulary": "lm.max_vocabulary",
    "seed": "lm.seed",
    "embeddings": "lm.embeddings",
    "threads": "lm.threads",
    "cell": "lm_network.cell",
    "layers": "lm_network.layers",
    "hidden_size": "lm_network.hidden_size",
    "dimension": "lm_network.dimension",
    "tie_weights": "lm_network.tie_weights",
    "tied": "lm_network.tie_weights",
    "output": "lm_network.output",
    "freeze_embedding": "lm_network.freeze_embedding",
    "frozen": "lm_network.freeze_embedding",
}
_NO_SETTINGS = ("out", "config", "force", "skip_finished", "dropout")
DROPOUTS = ("dropout_input", "dropout_hidden", "dropout_output")
OF_PRESET = "that of the preset"


def train_lm_command(
    context: typer.Context,
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="CORPUS",
            help="Directory with train.txt, valid.txt and test.txt, or any text that train-embeddings takes.",
            autocompletion=corpus_names,
        ),
    ] = "pydocs",
    *,
    out: Annotated[Path, typer.Option(help="Directory to write; it appears when all is finished.")],
    embeddings: Annotated[
        str,
        typer.Option(
            help="Word vectors to start from: a model directory or file, or none for a random start.",
            metavar="MODEL|none",
            show_default="trained on the training part first",
        ),
    ] = OWN_EMBEDDINGS,
    preset: Annotated[
        str,
        typer.Option(
            help="Defaults of all settings: minutes, 2x200, 2x650, AWD-LSTM.", metavar="quick|small|medium|awd"
        ),
    ] = "quick",
    cell: Annotated[str | None, typer.Option(metavar="lstm|gru|rnn", show_default=OF_PRESET)] = None,
    layers: Annotated[int | None, typer.Option(help="Recurrent layers.", show_default=OF_PRESET)] = None,
    hidden_size: Annotated[int | None, typer.Option(help="Units of a layer.", show_default=OF_PRESET)] = None,
    dimension: Annotated[int | None, typer.Option(help="Numbers in a vector.", show_default="hidden size")] = None,
    tie_weights: Annotated[
        bool | None,
        typer.Option("--tie-weights/--no-tie-weights", help="Share E with the softmax.", show_default=OF_PRESET),
    ] = None,
    freeze_embedding: Annotated[
        bool | None,
        typer.Option("--freeze-embedding/--no-freeze-embedding", help="Do not train E.", show_default="train E"),
    ] = None,
    tied: Annotated[bool | None, typer.Option("--tied/--untied", hidden=True)] = None,  # former name
    frozen: Annotated[bool | None, typer.Option("--frozen/--fine-tuned", hidden=True)] = None,  # former name
    output: Annotated[
        str | None,
        typer.Option(help="Softmax in training.", metavar="full|sampled|adaptive", show_default=OF_PRESET),
    ] = None,
    dropout: Annotated[
        float | None, typer.Option(help="Of input, between layers and of output.", show_default=OF_PRESET)
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the text.", show_default=OF_PRESET)] = None,
    batch_size: Annotated[int | None, typer.Option(help="Columns read side by side.", show_default=OF_PRESET)] = None,
    bptt: Annotated[int | None, typer.Option(help="Time steps of a window.", show_default=OF_PRESET)] = None,
    optimizer: Annotated[
        str | None, typer.Option(metavar="sgd|momentum|adam|adamw|averaged-sgd|...", show_default=OF_PRESET)
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(show_default="what suits the optimizer")] = None,
    schedule: Annotated[str | None, typer.Option(metavar="plateau|step|cosine|...", show_default=OF_PRESET)] = None,
    clip: Annotated[float | None, typer.Option(help="Largest norm of the gradient.", show_default=OF_PRESET)] = None,
    min_count: Annotated[int | None, typer.Option(help="Rarer words are <unk>.", show_default="1")] = None,
    max_vocabulary: Annotated[
        int | None, typer.Option(help="Keep at most this many words.", show_default=OF_PRESET)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything drawn at random.")] = 1,
    threads: Annotated[int | None, typer.Option(help="Threads to use.", show_default="all cores")] = None,
    tokenizer: Annotated[
        str, typer.Option(help="What cuts lines of raw text into words.", metavar="fast|whitespace|nltk:NAME")
    ] = "fast",
    lowercase: Annotated[
        bool, typer.Option("--lowercase/--no-lowercase", help="Fold upper and lower case of raw text.")
    ] = True,
    field: Annotated[str, typer.Option(help="Field of JSON Lines records that holds the text.")] = "text",
    column: Annotated[str, typer.Option(help="Column of CSV and Parquet files that holds the text.")] = "text",
    config: Annotated[
        Path | None, typer.Option(help="TOML file of settings; options given here win over it.", metavar="FILE.toml")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a finished --out, and drop unfinished work of other settings.")
    ] = False,
    skip_finished: Annotated[
        bool, typer.Option("--skip-finished", help="Be content if --out is finished and has the same settings.")
    ] = False,
) -> None:
    """Train a recurrent language model with backpropagation through time.

    The output directory holds model.safetensors, language_model.json, vocabulary.tsv, config.json, metrics.jsonl,
    evaluation.json and manifest.json. An interrupted run goes on when the same command is given again.

    Example: vecmill train-lm pydocs --out runs/pydocs-lm
    """
    from pipelines.reports.lm_report import print_lm_training
    from pipelines.running.make import is_made, make
    from pipelines.running.output_directory import tidy
    from pipelines.settings.lm_config import load_lm_config
    from pipelines.stage_lists import language_model_stages

    settings = load_lm_config(config, _given(context))
    stages, decisive = language_model_stages(settings), settings.to_dict()
    if skip_finished and not force and is_made(out, stages, decisive):
        tidy(out)
        typer.echo(f"{out} is finished and has these settings: nothing to do; --force makes it anew")
        return
    with interruptible("the same command goes on where this one stopped"):
        make(out, stages, decisive, force=force, progress=make_progress())
    print_lm_training(out)


def _given(context: typer.Context) -> dict[str, Given]:
    """Return the settings that the user gave, not those that an option has by default."""
    given: dict[str, Given] = {}
    for option, value in context.params.items():
        source = context.get_parameter_source(option)
        if source is None or source.name != "COMMANDLINE":
            continue
        if option == "dropout":
            given |= {f"lm_network.{name}": Given(value, "--dropout") for name in DROPOUTS}
        elif option not in _NO_SETTINGS:
            origin = "CORPUS" if option == "corpus" else f"--{option.replace('_', '-')}"
            given[_SETTING_OF_OPTION.get(option, f"lm_training.{option}")] = Given(value, origin)
    return given
