"""`vecmill train-glove`: word vectors from the co-occurrences of a text.

As in `train-embeddings`, the body reads few parameters: `given_settings` takes those that the user gave.
"""

import json
from typing import Annotated

import typer

from embeddings.glove.config import GloVeConfig
from pipelines.commands.options import (
    CheckpointEvery,
    Column,
    Corpus,
    Field,
    ForceDirectory,
    Normalize,
    OutDirectory,
    Seed,
    SkipFinished,
    Threads,
    given_settings,
)
from pipelines.commands.setting_options import with_options_of
from pipelines.console.progress import make_progress
from pipelines.settings.config import PipelineConfig, build_sections, load_config

_DEFAULT = PipelineConfig()

# Settings of the options that belong neither to GloVe nor to the text.
_SETTING_OF_OPTION: dict[str, str | tuple[str, ...]] = {
    "min_count": "vocabulary.min_count",
    "max_vocabulary": "vocabulary.max_vocabulary",
    "checkpoint_every": "checkpoint.every",
    "threads": ("train.threads", "glove.threads"),
}


@with_options_of("glove", GloVeConfig)
def train_glove_command(
    context: typer.Context,
    corpus: Corpus = [*_DEFAULT.corpus.sources],  # noqa: B006 - not changed
    *,
    out: OutDirectory,
    min_count: Annotated[int, typer.Option(help="Drop words that occur less often.")] = _DEFAULT.vocabulary.min_count,
    max_vocabulary: Annotated[
        int | None, typer.Option(help="Keep at most this many of the most frequent words.", show_default="all")
    ] = _DEFAULT.vocabulary.max_vocabulary,
    seed: Seed = GloVeConfig.seed,
    checkpoint_every: CheckpointEvery = str(_DEFAULT.checkpoint.every),
    threads: Threads = None,
    tokenizer: Annotated[
        str, typer.Option(metavar="fast|whitespace|icu:zh|nltk:NAME", help="Tokenizer of the text.")
    ] = _DEFAULT.tokenizer.name,
    lowercase: Annotated[
        bool, typer.Option("--lowercase/--no-lowercase", help="Convert the text to lower case.")
    ] = _DEFAULT.tokenizer.lowercase,
    punctuation: Annotated[
        bool, typer.Option("--punctuation/--no-punctuation", help="Keep punctuation marks as tokens.")
    ] = _DEFAULT.tokenizer.punctuation,
    fold_digits: Annotated[
        bool, typer.Option("--fold-digits/--no-fold-digits", help="Replace every digit by 0.")
    ] = _DEFAULT.tokenizer.fold_digits,
    normalize: Normalize = _DEFAULT.tokenizer.normalize,
    field: Field = _DEFAULT.corpus.field,
    column: Column = _DEFAULT.corpus.column,
    force: ForceDirectory = False,
    skip_finished: SkipFinished = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics of every epoch as JSON.")] = False,
) -> None:
    """Train word vectors on co-occurrence counts with GloVe.

    The method is that of Pennington, Socher & Manning (2014): a weighted regression on the logarithms of the counts by
    AdaGrad; the vectors are the sums of word and context vectors. An interrupted run resumes when the command is
    repeated.

    Example: vecmill train-glove text.txt --out runs/glove --dimension 300 --epochs 25
    """
    given = given_settings(context, "glove", _SETTING_OF_OPTION)
    config, glove = load_config(options=given), build_sections({"glove": GloVeConfig}, given)["glove"]
    from pipelines.reports.vectors_report import print_training
    from pipelines.running.make import make_unless_finished
    from pipelines.stage_lists import glove_stages
    from pipelines.stages.glove import GloVeStage

    training = GloVeStage(config=config, glove=glove)
    stages, wanted = glove_stages(training), training.all_settings
    made = make_unless_finished(out, stages, wanted, skip_finished=skip_finished, force=force, progress=make_progress())
    if as_json:
        from embeddings import WordVectors

        vectors = WordVectors.load(out)
        found = {"out": str(out), "words": len(vectors), "dimension": vectors.dimension, "epochs": vectors.metrics}
        typer.echo(json.dumps(found))
    elif made:
        print_training(out)
    else:
        typer.echo(f"nothing to do: {out} is finished and has these settings; add --force to make it again")
