"""`vecmill train-documents` and `vecmill infer`: vectors of documents, and those of new ones."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from embeddings.documents.config import ParagraphVectorsConfig
from pipelines.commands.lines import batches_of_lines
from pipelines.commands.options import (
    CheckpointEvery,
    Column,
    Corpus,
    Field,
    FoldDigits,
    ForceDirectory,
    ForceFile,
    Lowercase,
    Normalize,
    OutDirectory,
    Punctuation,
    Seed,
    SkipFinished,
    Threads,
    TokenizerName,
    VectorsFile,
    VectorsFormat,
    given_settings,
    opened,
    refuse_existing,
    vectors_format,
)
from pipelines.console.interruption import AGAIN, interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results
from pipelines.settings.config import build_sections, load_config
from pipelines.settings.sections import (
    STANDARD_INPUT,
    CheckpointSettings,
    CorpusSettings,
    TokenizerSettings,
    VocabularySettings,
)
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings.documents import DocumentVectors
    from pipelines.commands.embedded_lines import EmbeddedLines

_DEFAULT = ParagraphVectorsConfig()

# Settings of the options that belong neither to documents nor to the text.
_SETTING_OF_OPTION: dict[str, str | tuple[str, ...]] = {
    "min_count": "vocabulary.min_count",
    "max_vocabulary": "vocabulary.max_vocabulary",
    "checkpoint_every": "checkpoint.every",
    "threads": ("train.threads", "documents.threads"),
}
_LINES_AT_A_TIME = 4096

Documents = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Directory that train-documents wrote.", show_default=False)
]


def train_documents_command(
    context: typer.Context,
    corpus: Corpus,
    *,
    out: OutDirectory,
    names: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Names of the documents, one a line.", show_default="numbers from 1"),
    ] = None,
    architecture: Annotated[
        str,
        typer.Option(
            metavar="pv-dbow|pv-dm",
            help="Predict each word from its document alone, or from its document and the words nearby.",
        ),
    ] = _DEFAULT.architecture,
    train_words: Annotated[
        bool, typer.Option("--train-words", help="With pv-dbow: train the words' vectors too, by skip-gram.")
    ] = _DEFAULT.train_words,
    dimension: Annotated[int, typer.Option(help="Numbers in a vector.")] = _DEFAULT.dimension,
    window: Annotated[int, typer.Option(help="Largest distance of context words.")] = _DEFAULT.window,
    negative: Annotated[int, typer.Option(help="Noise words per example.")] = _DEFAULT.noise_words,
    sample: Annotated[
        float, typer.Option(help="Frequent words are skipped more often the smaller this is.")
    ] = _DEFAULT.sample,
    epochs: Annotated[int, typer.Option(help="Passes over the text.")] = _DEFAULT.epochs,
    learning_rate: Annotated[
        float | None, typer.Option(help="Learning rate at the start.", show_default="0.05 for pv-dbow, 0.1 for pv-dm")
    ] = None,
    min_count: Annotated[
        int, typer.Option(help="Leave out words that occur less often.")
    ] = VocabularySettings.min_count,
    max_vocabulary: Annotated[
        int | None, typer.Option(help="Keep only so many words, the most frequent.", show_default="all")
    ] = None,
    seed: Seed = _DEFAULT.seed,
    checkpoint_every: CheckpointEvery = str(CheckpointSettings.every),
    threads: Threads = None,
    tokenizer: TokenizerName = TokenizerSettings.name,
    lowercase: Lowercase = TokenizerSettings.lowercase,
    punctuation: Punctuation = TokenizerSettings.punctuation,
    fold_digits: FoldDigits = TokenizerSettings.fold_digits,
    normalize: Normalize = TokenizerSettings.normalize,
    field: Field = CorpusSettings.field,
    column: Column = CorpusSettings.column,
    force: ForceDirectory = False,
    skip_finished: SkipFinished = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers of documents and words as JSON.")] = False,
) -> None:
    """Train a vector for every document, which is a line of the text (Le & Mikolov 2014).

    The directory holds the words' vectors, from which those of new documents are inferred, and in DIR/documents those
    of the documents, which all commands for word vectors take too. An interrupted run resumes when the command is
    repeated.

    Example: vecmill train-documents reviews.txt --names titles.txt --out runs/reviews

    Then: vecmill neighbors runs/reviews/documents "Some title"
    """
    given = given_settings(context, "documents", _SETTING_OF_OPTION)
    config = load_config(options=given)
    documents = build_sections({"documents": ParagraphVectorsConfig}, given)["documents"]
    from pipelines.running.make import make_unless_finished
    from pipelines.stage_lists import document_stages
    from pipelines.stages.documents import TrainDocumentsStage

    training = TrainDocumentsStage(config=config, documents=documents.with_learning_rate(continued=False), names=names)
    stages, wanted = document_stages(training), training.all_settings
    made = make_unless_finished(out, stages, wanted, skip_finished=skip_finished, force=force, progress=make_progress())
    if not made and not as_json:
        typer.echo(f"nothing to do: {out} is finished and has these settings; add --force to make it again")
        return
    from embeddings.documents import DocumentVectors

    model = DocumentVectors.load(out)
    if as_json:
        about = {"documents": len(model), "words": len(model.words), "dimension": model.words.dimension}
        typer.echo(json.dumps({"out": str(out), **about}))
        return
    sizes = f"{counted(len(model), 'document')}, {counted(len(model.words), 'word')}"
    results.print(f"{sizes}, {counted(model.words.dimension, 'dimension')}: {out}")
    results.print(f"Next: vecmill infer {out} FILE, or vecmill neighbors {out}/documents NAME")


def infer_command(
    model: Documents,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Text, a document a line; - for stdin.")] = STANDARD_INPUT,
    nearest: Annotated[
        int, typer.Option("--nearest", min=0, help="Print so many nearest documents of MODEL instead of vectors.")
    ] = 0,
    out: VectorsFile = None,
    name: VectorsFormat = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over each document.", show_default="those of the training")
    ] = None,
    threads: Threads = None,
    force: ForceFile = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per document.")] = False,
) -> None:
    """Infer the vectors of new documents, which are the lines of a text; equal lines have equal vectors.

    Example: vecmill infer runs/reviews new.txt --nearest 5

    In a file: vecmill infer runs/reviews new.txt --out new.npy
    """
    chosen = vectors_format(name, out, as_json)
    if out:
        refuse_existing(out, force)
    from embeddings.documents import DocumentVectors
    from pipelines.commands.embedded_lines import write

    vectors = DocumentVectors.load(model)
    inferred = _inferred(vectors, file, epochs, threads)
    with interruptible(AGAIN):
        if nearest:
            _print_nearest(vectors, inferred, nearest, as_json)
            return
        with opened(out) as stream:
            write(inferred, stream, chosen, vectors.words.dimension)
    if out:
        results.print(f"{out}: {counted(vectors.words.dimension, 'dimension')}")


def _inferred(
    vectors: "DocumentVectors", file: str, epochs: int | None, threads: int | None
) -> "Iterator[EmbeddedLines]":
    from pipelines.commands.embedded_lines import EmbeddedLines

    for lines in batches_of_lines(file, "text> ", _LINES_AT_A_TIME, Counter()):
        yield EmbeddedLines(lines, vectors.infer(lines, epochs=epochs, threads=threads))


def _print_nearest(
    vectors: "DocumentVectors", inferred: "Iterator[EmbeddedLines]", nearest: int, as_json: bool
) -> None:
    for lines, matrix in inferred:
        for line, vector in zip(lines, matrix, strict=True):
            found = vectors.documents.similar_by_vector(vector, nearest)
            if as_json:
                typer.echo(json.dumps({"text": line, "nearest": found}, ensure_ascii=False))
            else:
                typer.echo(results.shown("\t".join([line, *(f"{name} {cosine:.3f}" for name, cosine in found)])))
