"""`vecmill train-count-based`: a count-based baseline from the text of a model."""

import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from embeddings.errors import EmbeddingsError
from pipelines.commands.options import ForceDirectory, OutDirectory, Threads, TrainedModel
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import program, results, shell
from pipelines.settings.config import (
    ConfigError,
    PipelineConfig,
    Setting,
    load_config,
    recorded_settings,
    with_present_keys,
)
from pipelines.settings.file_names import CONFIG_FILE
from vecmill.plurals import counted

logger = logging.getLogger(__name__)

TEXT_SECTIONS = ("corpus", "tokenizer", "phrases", "vocabulary")
SHARED = ("dimension", "window", "dynamic_window", "seed")  # settings of both word2vec and the counts


def train_count_based_command(
    model: TrainedModel,
    out: OutDirectory,
    dimension: Annotated[
        int | None, typer.Option(help="Dimension of the vectors.", show_default="that of MODEL")
    ] = None,
    window: Annotated[
        int | None, typer.Option(help="Number of context words on each side.", show_default="that of MODEL")
    ] = None,
    context_smoothing: Annotated[
        float, typer.Option(help="Exponent of the context distribution: P(c) is proportional to count^x.")
    ] = 0.75,
    shift: Annotated[float, typer.Option(help="Shift k of shifted PPMI: log k is subtracted from every PMI.")] = 1.0,
    eigenvalue_weighting: Annotated[
        float, typer.Option(help="Exponent p of the singular values: the vectors are U S^p.")
    ] = 0.5,
    threads: Threads = None,
    force: ForceDirectory = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the number and dimension of the vectors as JSON.")
    ] = False,
) -> None:
    """Train a count-based baseline: co-occurrence counts, positive PMI, truncated SVD.

    The method is that of Levy, Goldberg & Dagan (2015). Text, tokenizer, vocabulary, dimension and window are those of
    MODEL, so that 'vecmill compare' shows the difference that word2vec makes.

    Example: vecmill train-count-based runs/wiki --out runs/wiki-counts
    """
    config = _config_of(model, threads)
    from embeddings import WordVectors
    from embeddings.count_based import CountBasedConfig  # slow to import: SciPy, Numba
    from pipelines.running.make import make
    from pipelines.stage_lists import text_stages
    from pipelines.stages.count_based import CountBasedStage

    shared = {name: getattr(config.train, name) for name in SHARED}
    given = {name: value for name, value in (("dimension", dimension), ("window", window)) if value is not None}
    try:
        count_based = CountBasedConfig(
            **{**shared, **given},
            context_smoothing=context_smoothing,
            shift=shift,
            eigenvalue_weighting=eigenvalue_weighting,
        )
    except ValueError as error:
        raise ConfigError(f"--{str(error).partition(' ')[0].replace('_', '-')}: {error}") from None
    progress = make_progress()
    with interruptible("repeat the command to resume"):
        stage = CountBasedStage(config=config, count_based=count_based)
        make(out, [*text_stages(config), stage], stage.all_settings, force=force, progress=progress)
    vectors = WordVectors.load(out)
    if vectors.vocabulary != WordVectors.load(model).vocabulary:
        logger.warning(
            "the vocabulary differs from that of %s: the text has changed since the model was trained", model
        )
    if as_json:
        typer.echo(json.dumps({"out": str(out), "words": len(vectors), "dimension": vectors.dimension}))
        return
    results.print(f"{counted(len(vectors), 'word')} x {counted(vectors.dimension, 'dimension')}: {out}")
    results.print(f"Next: {program()} compare {shell(model, out)} --data FOLDER")


def _config_of(model: Path, threads: int | None) -> PipelineConfig:
    """Return the settings of a model directory that concern its text."""
    path = model / CONFIG_FILE
    if not model.exists():
        raise EmbeddingsError(f"there is no {model}; expected a directory that train-embeddings wrote")
    if not model.is_dir() or (model / "language_model.json").is_file():
        what = "a language model" if model.is_dir() else "a file"
        raise EmbeddingsError(
            f"{model} is {what}; expected a directory that train-embeddings wrote: train on a text first"
        )
    try:
        sections = with_present_keys(json.loads(path.read_text("utf-8")))
        chosen = {name: sections[name] for name in TEXT_SECTIONS} | {
            "train": {key: sections["train"][key] for key in SHARED}
        }
        config = load_config(options=recorded_settings(path, chosen) | {"train.threads": Setting(threads, "--threads")})
    except FileNotFoundError:
        raise EmbeddingsError(f"{model} has no config.json; expected a directory that train-embeddings wrote") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EmbeddingsError(
            f"{path} lacks settings of train-embeddings ({type(error).__name__}: {error}); "
            "expected a directory that train-embeddings wrote"
        ) from None
    if config.corpus.is_standard_input:
        raise EmbeddingsError(f"{model} was trained on standard input, which cannot be read again; train on a file")
    return config
