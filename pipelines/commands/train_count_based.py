"""`vecmill train-count-based`: the baseline of a model, from counts on the same text."""

import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from embeddings.errors import EmbeddingsError
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError, Given, PipelineConfig, load_config, with_present_keys
from pipelines.settings.file_names import CONFIG_FILE

logger = logging.getLogger(__name__)

OF_THE_TEXT = ("corpus", "tokenizer", "vocabulary")
SHARED = ("dimension", "window", "dynamic_window", "seed")  # settings that word2vec and the counts both have


def train_count_based_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Directory that train-embeddings wrote.")],
    out: Annotated[Path, typer.Option(help="Directory to write; it appears when all is finished.")],
    dimension: Annotated[int | None, typer.Option(help="Numbers in a vector.", show_default="that of MODEL")] = None,
    window: Annotated[
        int | None, typer.Option(help="Words of context to each side.", show_default="that of MODEL")
    ] = None,
    context_smoothing: Annotated[
        float, typer.Option(help="Contexts are taken to be distributed as their count to this power.")
    ] = 0.75,
    shift: Annotated[float, typer.Option(help="Subtract the logarithm of this from every PMI.")] = 1.0,
    eigenvalue_weighting: Annotated[
        float, typer.Option(help="Vectors are U S^p of the decomposition U S V'; this is p.")
    ] = 0.5,
    threads: Annotated[int | None, typer.Option(help="Threads to use.", show_default="all cores")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a finished --out, and drop unfinished work of other settings.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,
) -> None:
    """Make the count-based baseline of a model.

    Counts of neighbouring words, positive PMI and a truncated SVD instead of word2vec (Levy, Goldberg & Dagan 2015).
    Text, tokenizer, vocabulary, dimension and window are those of MODEL, so that 'vecmill compare' of the two shows
    what word2vec buys.

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
    with interruptible("the same command goes on where this one stopped"):
        stage = CountBasedStage(config=config, count_based=count_based)
        make(out, [*text_stages(config), stage], stage.all_settings, force=force, progress=progress)
    vectors = WordVectors.load(out)
    if vectors.vocabulary != WordVectors.load(model).vocabulary:
        logger.warning("the vocabulary is not that of %s: its text has changed since it was trained", model)
    if as_json:
        typer.echo(json.dumps({"out": str(out), "words": len(vectors), "dimension": vectors.dimension}))
        return
    results.print(f"{len(vectors):,} words x {vectors.dimension} dimensions: {out}")
    results.print(f"Next: vecmill compare {model} {out} --data FOLDER")


def _config_of(model: Path, threads: int | None) -> PipelineConfig:
    """Settings of a model directory, as far as they bear on its text."""
    path = model / CONFIG_FILE
    try:
        sections = with_present_keys(json.loads(path.read_text("utf-8")))
        chosen = {name: sections[name] for name in OF_THE_TEXT} | {
            "train": {key: sections["train"][key] for key in SHARED}
        }
        given = {f"{name}.{key}": Given(value, str(path)) for name in chosen for key, value in chosen[name].items()}
        config = load_config(options=given | {"train.threads": Given(threads, "--threads")})
    except FileNotFoundError:
        raise EmbeddingsError(f"{model} has no config.json; expected a directory that train-embeddings wrote") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EmbeddingsError(
            f"{path}: lacks the settings of train-embeddings ({type(error).__name__}: {error})"
        ) from None
    if config.corpus.source == "-":
        raise EmbeddingsError(f"{model} was trained on standard input, which cannot be read again; train on a file")
    return config
