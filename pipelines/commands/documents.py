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

from embeddings.errors import EmbeddingsError
from pipelines.commands.embed import FORMAT_OF_ENDING, format_of, opened
from pipelines.commands.lines import batches_of_lines
from pipelines.commands.options import (
    Column,
    Corpus,
    Field,
    ForceFile,
    Lowercase,
    Normalize,
    OutDirectory,
    Punctuation,
    Seed,
    Threads,
    TokenizerName,
    refuse_existing,
    refuse_foreign,
    refuse_without_effect,
)
from pipelines.console.interruption import AGAIN, interruptible
from pipelines.console.progress import Update, count, make_progress
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError
from pipelines.settings.sections import STANDARD_INPUT
from vecmill.files import require_writable, require_writable_directory
from vecmill.plain_text import OtherKindError, read_lines
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings.documents import DocumentVectors
    from embeddings.training import ProgressCallback, TrainingProgress
    from pipelines.commands.embedded_lines import EmbeddedLines

logger = logging.getLogger(__name__)

MOST_EPOCHS = 1_000_000
_LINES_AT_A_TIME = 4096

Documents = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Directory that train-documents wrote.", show_default=False)
]


def train_documents_command(
    context: typer.Context,
    corpus: Corpus,
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
    ] = "pv-dbow",
    train_words: Annotated[
        bool, typer.Option("--train-words", help="With pv-dbow: train the words' vectors too, by skip-gram.")
    ] = False,
    dimension: Annotated[int, typer.Option(help="Numbers in a vector.")] = 100,
    window: Annotated[int, typer.Option(help="Largest distance of context words.")] = 5,
    negative: Annotated[int, typer.Option(help="Noise words per example.")] = 5,
    sample: Annotated[float, typer.Option(help="Frequent words are skipped more often the smaller this is.")] = 1e-3,
    epochs: Annotated[int, typer.Option(help="Passes over the text.")] = 10,
    learning_rate: Annotated[
        float | None, typer.Option(help="Learning rate at the start.", show_default="0.05 for pv-dbow, 0.1 for pv-dm")
    ] = None,
    min_count: Annotated[int, typer.Option(help="Leave out words that occur less often.")] = 5,
    max_vocabulary: Annotated[
        int | None, typer.Option(help="Keep only so many words, the most frequent.", show_default="all")
    ] = None,
    seed: Seed = 1,
    threads: Threads = None,
    tokenizer: TokenizerName = "fast",
    lowercase: Lowercase = True,
    punctuation: Punctuation = False,
    normalize: Normalize = "nfc",
    field: Field = "text",
    column: Column = "text",
    force: Annotated[bool, typer.Option("--force", help="Replace --out if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers of documents and words as JSON.")] = False,
) -> None:
    """Train a vector for every document, which is a line of the text (Le & Mikolov 2014).

    The directory holds the words' vectors, from which those of new documents are inferred, and in DIR/documents those
    of the documents, which all commands for word vectors take too.

    Example: vecmill train-documents reviews.txt --names titles.txt --out runs/reviews

    Then: vecmill neighbors runs/reviews/documents "Some title"
    """
    if architecture == "pv-dbow" and not train_words:
        refuse_without_effect(context, ("window",), "with pv-dbow, unless it has --train-words")
    refuse_existing(out, force, *corpus, names)
    _refuse_foreign(out)
    require_writable_directory(out)
    from corpora import open_corpus
    from vecmill.document_training import train_documents

    lines = _names(names)
    with interruptible(AGAIN), make_progress().task(f"training {architecture}", None) as update:
        try:
            model = train_documents(
                open_corpus(corpus[0] if len(corpus) == 1 else corpus, field=field, column=column),
                lines,
                architecture=architecture,
                train_words=train_words,
                dimension=dimension,
                window=window,
                negative=negative,
                sample=sample,
                epochs=epochs,
                learning_rate=learning_rate,
                min_count=min_count,
                max_vocabulary=max_vocabulary,
                seed=seed,
                threads=threads,
                tokenizer=tokenizer,
                lowercase=lowercase,
                punctuation=punctuation,
                normalize=normalize,
                progress=_shown(update),
            )
        except ValueError as error:
            raise ConfigError(f"--{str(error).partition(' ')[0].replace('_', '-')}: {error}") from None
        model.save(out, overwrite=force)
    about = {"out": str(out), "documents": len(model), "words": len(model.words), "dimension": dimension}
    if as_json:
        typer.echo(json.dumps(about))
        return
    sizes = f"{counted(len(model), 'document')}, {counted(len(model.words), 'word')}"
    results.print(f"{sizes}, {counted(dimension, 'dimension')}: {out}")
    results.print(f"Next: vecmill infer {out} FILE, or vecmill neighbors {out}/documents NAME")


def infer_command(
    context: typer.Context,
    model: Documents,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Text, a document a line; - for stdin.")] = STANDARD_INPUT,
    nearest: Annotated[
        int, typer.Option("--nearest", min=0, help="Print so many nearest documents of MODEL instead of vectors.")
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help=f"File to write: {', '.join(FORMAT_OF_ENDING)}.",
            show_default="stdout",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="text|tsv|csv|jsonl|npy|parquet",
            help="As of vecmill embed.",
            show_default="by the extension of --out, else text",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_EPOCHS, help="Passes over each document.", show_default="those of the training"),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Number of threads.", show_default="all cores")] = None,
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
    chosen = format_of(name, out, as_json)
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


def _refuse_foreign(out: Path) -> None:
    """Raise `OutputError` for a directory that holds what train-documents does not write."""
    from embeddings.documents.vectors import DOCUMENTS_DIRECTORY
    from embeddings.formats import FORMATS

    files = FORMATS["model"].files
    refuse_foreign(out, {*files, DOCUMENTS_DIRECTORY})
    refuse_foreign(out / DOCUMENTS_DIRECTORY, files)


def _names(path: Path | None) -> list[str] | None:
    """Return the lines of a file of names."""
    if path is None:
        return None
    try:
        return read_lines(path)
    except (OSError, OtherKindError) as error:
        raise EmbeddingsError(f"cannot read the names: {error}") from error


def _shown(update: Update) -> "ProgressCallback":
    def show(progress: "TrainingProgress") -> None:
        note = f"epoch {progress.epoch} of {progress.epochs}, {count(progress.speed)} words/s"
        update(progress.done, note, progress.seconds_left, progress.total)

    return show


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
