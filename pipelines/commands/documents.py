"""`vecmill train-documents` and `vecmill infer`: vectors of documents, and those of new ones."""

import dataclasses
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from embeddings.documents.config import ParagraphVectorsConfig
from embeddings.errors import EmbeddingsError
from embeddings.threads import MOST_THREADS
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
    fetched,
    given_settings,
    opened,
    refuse_existing,
    refuse_inputs,
    refuse_without_effect,
    vectors_format,
)
from pipelines.console.interruption import AGAIN, interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import program, results, shell
from pipelines.settings.config import build_sections, load_config
from pipelines.settings.sections import (
    STANDARD_INPUT,
    CheckpointSettings,
    CorpusSettings,
    TokenizerSettings,
    VocabularySettings,
)
from vecmill.files import require_writable
from vecmill.plain_text import OtherKindError, read_lines
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings.documents import DocumentVectors
    from pipelines.commands.embedded_lines import EmbeddedLines

logger = logging.getLogger(__name__)

MOST_EPOCHS = 1_000_000
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
    Path,
    typer.Argument(metavar="MODEL", help="Directory that train-documents wrote.", show_default=False, callback=fetched),
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
    negative: Annotated[
        int | None,
        typer.Option(help="Noise words per example.", show_default="5; 0 with --hierarchical-softmax"),
    ] = None,
    hierarchical_softmax: Annotated[
        bool,
        typer.Option("--hierarchical-softmax", help="Predict words by a Huffman tree instead of negative sampling."),
    ] = _DEFAULT.hierarchical_softmax,
    sample: Annotated[
        float | None, typer.Option(help="Frequent words are skipped more often the smaller this is.")
    ] = _DEFAULT.sample,
    epochs: Annotated[int | None, typer.Option(help="Passes over the text.")] = _DEFAULT.epochs,
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
    if architecture == "pv-dbow" and not train_words:
        refuse_without_effect(context, ("window",), "with pv-dbow, unless it has --train-words")
    refuse_inputs(out, *corpus, names)
    given = given_settings(context, "documents", _SETTING_OF_OPTION)
    config = load_config(options=given)
    documents = build_sections({"documents": ParagraphVectorsConfig}, given)["documents"]
    from pipelines.running.make import make_unless_finished
    from pipelines.stage_lists import document_stages
    from pipelines.stages.documents import TrainDocumentsStage

    training = TrainDocumentsStage(
        config=config, documents=documents.with_learning_rate(continued=False), names=_names(names)
    )
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
    neighbors = f"{program()} neighbors {shell(out / 'documents')} NAME"
    results.print(f"Next: {program()} infer {shell(out)} FILE, or {neighbors}")


def infer_command(
    context: typer.Context,
    model: Documents,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Text, a document a line; - for stdin.")] = STANDARD_INPUT,
    nearest: Annotated[
        int, typer.Option("--nearest", min=0, help="Print so many nearest documents of MODEL instead of vectors.")
    ] = 0,
    out: VectorsFile = None,
    name: VectorsFormat = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_EPOCHS, help="Passes over each document.", show_default="those of the training"),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=MOST_THREADS, help="Number of threads.", show_default="all cores")
    ] = None,
    field: Field = "text",
    column: Column = "text",
    force: ForceFile = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per document; with --out, the counts.")
    ] = False,
) -> None:
    """Infer the vectors of new documents, which are the lines of a text; equal lines have equal vectors.

    Example: vecmill infer runs/reviews new.txt --nearest 5

    In a file: vecmill infer runs/reviews new.txt --out new.npy
    """
    if nearest:
        refuse_without_effect(context, ("out", "name"), "with --nearest")
    chosen = vectors_format(name, out, as_json)
    if out:
        refuse_existing(out, force, model, file)
        require_writable(out)
    else:
        refuse_without_effect(context, ("force",), "without --out FILE")
    from embeddings.documents import DocumentVectors
    from pipelines.commands.embedded_lines import write

    vectors, tally = DocumentVectors.load(model), _Tally()
    batches = batches_of_lines(file, "text> ", _LINES_AT_A_TIME, tally.skipped, field=field, column=column)
    inferred = _inferred(vectors, batches, epochs, threads, tally)
    with interruptible(AGAIN):
        if nearest:
            _print_nearest(vectors, inferred, nearest, as_json)
        else:
            with opened(out) as stream:
                write(inferred, stream, chosen, vectors.words.dimension)
    for reason, number in tally.skipped.items():
        logger.warning("left out: %s: %s", reason, f"{number:,}")
    if tally.zeros:
        logger.warning("documents without a known word, whose vectors are zeros: %s", f"{tally.zeros:,}")
    if out:
        sizes = {"documents": tally.documents, "dimension": vectors.words.dimension}
        shown = " x ".join(counted(number, what.removesuffix("s")) for what, number in sizes.items())
        results.print(json.dumps({"out": str(out), **sizes}) if as_json else f"{out}: {shown}")


@dataclass(kw_only=True)
class _Tally:
    """Counts of documents, of those whose vectors are zeros, and of text that was left out, by reason."""

    documents: int = 0
    zeros: int = 0
    skipped: Counter[str] = dataclasses.field(default_factory=Counter)


def _names(path: Path | None) -> list[str] | None:
    """Return the names in a file, one a line."""
    if path is None:
        return None
    from embeddings.documents.names import checked_names

    try:
        return checked_names(read_lines(path))
    except OtherKindError as error:
        raise EmbeddingsError(f"cannot read the names: {error}") from error
    except OSError as error:
        raise EmbeddingsError(f"cannot read the names in {path}: {error.strerror or error}") from error


def _inferred(
    vectors: "DocumentVectors",
    batches: Iterable[list[str]],
    epochs: int | None,
    threads: int | None,
    tally: _Tally,
) -> "Iterator[EmbeddedLines]":
    from pipelines.commands.embedded_lines import EmbeddedLines

    for lines in batches:
        matrix = vectors.infer(lines, epochs=epochs, threads=threads)
        tally.documents += len(lines)
        tally.zeros += len(lines) - int(matrix.any(axis=1).sum())
        yield EmbeddedLines(lines, matrix)


def _print_nearest(
    vectors: "DocumentVectors", inferred: "Iterator[EmbeddedLines]", nearest: int, as_json: bool
) -> None:
    for lines, matrix in inferred:
        for line, vector in zip(lines, matrix, strict=True):
            found = vectors.documents.similar_by_vector(vector, nearest) if vector.any() else []
            if as_json:
                typer.echo(json.dumps({"text": line, "nearest": found}, ensure_ascii=False))
            else:
                typer.echo(results.shown("\t".join([line, *(f"{name} {cosine:.3f}" for name, cosine in found)])))
