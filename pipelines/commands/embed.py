"""`vecmill embed`: one vector for each line of text."""

import dataclasses
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from embeddings.errors import EmbeddingsError
from pipelines.commands.lines import batches_of_lines
from pipelines.commands.options import (
    Column,
    Encoding,
    Field,
    ForceFile,
    Model,
    VectorsFile,
    VectorsFormat,
    opened,
    refuse_existing,
    refuse_without_effect,
    require_choice,
    vectors_format,
)
from pipelines.console.interruption import interruptible
from pipelines.console.progress import Update, make_progress
from pipelines.console.streams import results
from pipelines.settings.sections import STANDARD_INPUT
from vecmill.files import require_writable
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings import Tokenizer, WordVectors
    from pipelines.commands.embedded_lines import EmbeddedLines

logger = logging.getLogger(__name__)

_LINES_AT_A_TIME = 4096  # lines embedded at a time
WEIGHTINGS = ["mean", "sif"]


@dataclass(kw_only=True)
class Tally:
    """Counts of lines and words, and of text that was skipped, by reason."""

    lines: int = 0
    lines_without_known_word: int = 0
    words: int = 0
    unknown_words: int = 0
    words_by_ngrams: int = 0
    skipped: Counter[str] = dataclasses.field(default_factory=Counter)


def require_counts(vectors: "WordVectors", model: str | Path, weighting: str) -> None:
    """Raise an EmbeddingsError if the weights ask for counts of words and the model has none.

    Parameters
    ----------
    vectors : WordVectors
    model : path
        For the message.
    weighting : {"mean", "sif"}

    Raises
    ------
    EmbeddingsError
    """
    if weighting == "sif" and not vectors.vocabulary.counts.any():
        raise EmbeddingsError(f"{model} has no word counts, which --weighting sif needs; use --weighting mean")


def embed_command(
    context: typer.Context,
    model: Model,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Text, one vector a line; - for stdin.")] = STANDARD_INPUT,
    out: VectorsFile = None,
    name: VectorsFormat = None,
    weighting: Annotated[
        str,
        typer.Option(
            metavar="mean|sif",
            help="Mean of the words' unit vectors, or smooth inverse frequency (Arora et al. 2017).",
        ),
    ] = "mean",
    field: Field = "text",
    column: Column = "text",
    encoding: Encoding = "utf-8",
    force: ForceFile = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the counts as JSON; without --out, as --format jsonl.")
    ] = False,
) -> None:
    """Embed lines of text, one vector per line.

    Lines are tokenized as the training text of the model was. Unknown words have the vectors of their n-grams if the
    model has n-grams, else they are left out and counted; a line without known words gets a vector of zeros. Lines on
    stdin are answered as they arrive, except with sif, which needs all.

    Example: vecmill embed runs/wiki sentences.txt > vectors.txt

    In a file: vecmill embed runs/wiki sentences.txt --out sentences.npy
    """
    chosen = vectors_format(name, out, as_json)
    require_choice("--weighting", weighting, WEIGHTINGS)
    if out:
        refuse_existing(out, force, model, file)
        require_writable(out)
    else:
        refuse_without_effect(context, ("force",), "without --out FILE")
    from embeddings import formats
    from embeddings.text.misread import warn_if_misread
    from pipelines.commands.embedded_lines import common_component_removed, write

    vectors, tally = formats.read(model, encoding=encoding), Tally()
    tokenizer = vectors.make_tokenizer()
    require_counts(vectors, model, weighting)
    advice = "nothing was written" if out else "the output is not complete"
    with interruptible(advice), _progress(file, out) as update, opened(out) as stream:
        batches = batches_of_lines(file, "text> ", _LINES_AT_A_TIME, tally.skipped, field=field, column=column)
        embedded = _embedded(vectors, tokenizer, batches, weighting, tally, update)
        if weighting == "sif":
            embedded = common_component_removed(embedded)
        write(embedded, stream, chosen, vectors.dimension)
    if not vectors.tokenizer_settings:
        logger.warning("%s records no tokenizer: lines were split by the fast one, in lower case", model)
    warn_if_misread(tally.words, tally.skipped, Counter())
    if out and as_json:
        typer.echo(json.dumps({"out": str(out), "dimension": vectors.dimension, **vars(tally)}))
    else:
        _report(tally, out, vectors.dimension)


def _progress(file: str, out: Path | None) -> AbstractContextManager[Update]:
    typed = file == STANDARD_INPUT and sys.stdin is not None and sys.stdin.isatty()
    shown = out is None and sys.stdout.isatty()
    if typed or shown:  # the terminal has no room for a bar
        return nullcontext(lambda done, *_, **__: None)
    return make_progress().task("embedding lines", None)


def _embedded(
    vectors: "WordVectors",
    tokenizer: "Tokenizer",
    batches: Iterable[list[str]],
    weighting: str,
    tally: Tally,
    update: Update,
) -> "Iterator[EmbeddedLines]":
    """Yield lines with their vectors, (n, d) float32; for sif, before the common component is removed."""
    import numpy as np

    from embeddings.vectors.postprocessing import known_words, mean_sentence_vectors, weighted_sentence_vectors
    from pipelines.commands.embedded_lines import EmbeddedLines

    embed = weighted_sentence_vectors if weighting == "sif" else mean_sentence_vectors
    for lines in batches:
        sentences = tokenizer.tokenize("".join(f"{line}\n" for line in lines))
        known = known_words(vectors, sentences)
        words = sum(map(len, sentences))
        tally.lines += len(lines)
        tally.words += words
        tally.unknown_words += words - len(known.ids)
        tally.words_by_ngrams += int(np.count_nonzero(known.ids >= len(vectors)))
        tally.lines_without_known_word += int(np.count_nonzero(np.diff(known.ends) == 0))
        yield EmbeddedLines(lines, embed(vectors, known))
        update(tally.lines, counted(tally.lines, "line"))


def _report(tally: Tally, out: Path | None, dimension: int) -> None:
    """Print the counts; as log lines if stdout has the vectors."""
    share = tally.unknown_words / max(tally.words, 1)
    unknown = "Words without a vector" if tally.words_by_ngrams else "Words not in the vocabulary"
    report = [f"{unknown}: {tally.unknown_words:,} of {tally.words:,} ({share:.1%})."]
    if tally.words_by_ngrams:
        report.append(f"Words not in the vocabulary with a vector by their n-grams: {tally.words_by_ngrams:,}.")
    if tally.lines_without_known_word:
        report.append(f"Lines without known words (vectors of zeros): {tally.lines_without_known_word:,}.")
    report += [f"Left out: {reason}: {count:,}." for reason, count in tally.skipped.items()]
    if out:
        report.insert(0, f"{out}: {counted(tally.lines, 'line')} x {counted(dimension, 'dimension')}")
    for line in report:
        if out:
            results.print(line)
        else:
            logger.info(line)
