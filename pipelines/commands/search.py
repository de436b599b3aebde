"""`vecmill search`: the lines of a text that are most similar to a query."""

import json
import logging
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from embeddings.errors import EmbeddingsError
from pipelines.commands.embed import WEIGHTINGS, require_counts
from pipelines.commands.lines import arriving_lines, batches_of_lines
from pipelines.commands.options import Column, Encoding, Field, Model, refuse_without_effect, require_choice
from pipelines.console.interruption import AGAIN, interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError
from pipelines.settings.sections import STANDARD_INPUT
from vecmill.errors import OutputError
from vecmill.files import require_writable
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings import WordVectors
    from vecmill.text_search import FoundText, TextIndex

logger = logging.getLogger(__name__)

_LINES_AT_A_TIME = 4096


def search_command(
    context: typer.Context,
    model: Model,
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="Lines to search: text, a folder, CSV, Parquet, ...; - for stdin."),
    ],
    queries: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="One query or several; default: read them from stdin, one a line."),
    ] = None,
    topn: Annotated[int, typer.Option(min=1, help="Number of lines for each query.")] = 10,
    weighting: Annotated[
        str,
        typer.Option(
            metavar="mean|sif",
            help="Mean of the words' unit vectors, or smooth inverse frequency (Arora et al. 2017).",
        ),
    ] = "mean",
    index: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep the vectors of the lines in this file; read them from it if it exists.",
            show_default="none",
        ),
    ] = None,
    field: Field = "text",
    column: Column = "text",
    encoding: Encoding = "utf-8",
    force: Annotated[bool, typer.Option("--force", help="Make --index anew if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per query.")] = False,
) -> None:
    """Find the lines of a text that are most similar to a query (cosine of their vectors).

    Lines are tokenized as the training text of the model was. An --index of 200,000 lines or more holds a graph if
    usearch is installed (extra ann), which is searched faster and may miss some of the nearest lines.

    Example: vecmill search runs/wiki articles.txt "ships in a storm" --topn 5

    Kept: vecmill search runs/wiki articles.txt "ships in a storm" --index articles.index
    """
    require_choice("--weighting", weighting, WEIGHTINGS)
    if file == STANDARD_INPUT and not queries:
        raise ConfigError("the text is read from stdin, so that queries are not; give them as arguments")
    if index:
        _refuse_no_index(index, model, file, force)
    else:
        refuse_without_effect(context, ("force",), "without --index FILE")
    from embeddings import formats

    vectors, skipped = formats.read(model, encoding=encoding), Counter[str]()
    require_counts(vectors, model, weighting)
    with interruptible(AGAIN):
        batches = batches_of_lines(file, "text> ", _LINES_AT_A_TIME, skipped, field=field, column=column)
        lines = [line for batch in batches for line in batch]
        for reason, count in skipped.items():
            logger.warning("left out: %s: %s", reason, f"{count:,}")
        with make_progress().task("embedding lines", len(lines)):
            texts = _index(vectors, lines, weighting, index, force)
        failed = False
        for query in _asked(queries):
            try:
                _print(query, texts.search(query, topn), as_json)
            except KeyError as error:
                failed = True
                logger.error(error.args[0])
    if failed:
        raise typer.Exit(1)


def _refuse_no_index(path: Path, model: str | Path, file: str, force: bool) -> None:
    """Raise `OutputError` for a path that cannot be or become an index, or that is the model or the text."""
    if path.exists() and not path.is_file():
        raise OutputError(f"--index: {path} is a directory, a device or a pipe; expected the name of a file")
    if path.is_symlink() and not path.exists():
        raise OutputError(f"--index: {path} is a link to nothing; remove it or choose another name")
    if force or not path.exists():
        require_writable(path)
    if any(path.exists() and Path(given).exists() and path.samefile(given) for given in (model, file)):
        raise OutputError(f"--index: {path} is also read by this command and would be lost; choose another name")


def _index(vectors: "WordVectors", lines: list[str], weighting: str, path: Path | None, force: bool) -> "TextIndex":
    """Return the index of lines, from a file if there is one; write a new one to the file."""
    from vecmill.text_search import MANY, TextIndex

    if path and path.exists() and not force:
        try:
            return TextIndex.load(path, vectors, lines, weighting=weighting)
        except EmbeddingsError as error:
            raise EmbeddingsError(f"{error} (--force makes it anew)") from error
    many = path is not None and len(lines) >= MANY
    texts = TextIndex(vectors, lines, weighting=weighting, approximate=many and _has_usearch())
    if path:
        texts.save(path)
        logger.info("%s: %s", path, counted(len(lines), "line"))
    return texts


def _has_usearch() -> bool:
    from importlib.util import find_spec

    if find_spec("usearch"):
        return True
    logger.info("all lines are compared; with many queries a graph is faster: pip install 'vecmill[ann]'")
    return False


def _asked(queries: list[str] | None) -> Iterable[str]:
    if queries:
        return queries
    return (line for lines in arriving_lines("query> ") for line in lines if line.strip())


def _print(query: str, found: "list[FoundText]", as_json: bool) -> None:
    if as_json:
        rows = [{"line": text.number + 1, "similarity": round(text.similarity, 4), "text": text.text} for text in found]
        typer.echo(json.dumps({"query": query, "found": rows}, ensure_ascii=False))
        return
    results.print(query, style="bold")
    width = len(str(max(text.number + 1 for text in found)))
    for text in found:
        results.print(f"  {text.similarity:.3f}  {text.number + 1:>{width}}  {text.text}")
