"""Commands that use finished vectors: neighbors, export, evaluate."""

import json
import logging
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from embeddings.errors import EmbeddingsError
from pipelines.config import ConfigError
from pipelines.console import results
from pipelines.interruption import interruptible
from pipelines.output_directory import OutputError
from pipelines.progress import make_progress

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

Model = Annotated[Path, typer.Argument(help="Directory that train-embeddings wrote, or a file of word vectors.")]


def neighbors_command(
    model: Model,
    words: Annotated[list[str] | None, typer.Argument(metavar="WORD...", help="Words; if none, from stdin.")] = None,
    topn: Annotated[int, typer.Option(min=1, help="Neighbours of each word.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a word.")] = False,
) -> None:
    """Print the words with the most similar vectors (cosine).

    Example: vecmill neighbors runs/pydocs array dataframe --topn 5
    """
    from embeddings import WordVectors

    vectors = WordVectors.load(model)
    unknown = 0
    for word in words or (word for line in sys.stdin for word in line.split()):
        try:
            neighbors = vectors.most_similar(word, topn=topn)
        except KeyError as error:
            unknown += 1
            logger.error(error.args[0])
            continue
        if as_json:
            pairs = [{"word": neighbor, "similarity": round(similarity, 4)} for neighbor, similarity in neighbors]
            typer.echo(json.dumps({"word": word, "neighbors": pairs}, ensure_ascii=False))
        else:
            results.print(word, style="bold")
            for neighbor, similarity in neighbors:
                results.print(f"  {similarity:.3f}  {neighbor}")
    if unknown:
        raise typer.Exit(1)


def export_command(
    model: Model,
    out: Annotated[Path, typer.Option(help="File to write, or directory for formats that are one.")],
    name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="word2vec-text, word2vec-binary, glove, fasttext-vec, npz, safetensors, parquet, arrow, csv, "
            "static-embedding or projector.",
            show_default="by the ending of --out",
        ),
    ] = None,
    half: Annotated[bool, typer.Option("--float16", help="Write half as many bytes, where the format can.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace --out if it exists.")] = False,
) -> None:
    """Write vectors in a format that other tools read; .gz and .zst compress.

    Example: vecmill export runs/pydocs --format word2vec-text --out pydocs.txt
    """
    from embeddings import formats

    if out.exists() and not force:
        raise OutputError(f"{out} exists; add --force to replace it")
    with interruptible("nothing was written"), make_progress().task(f"writing {out}", _size(model)) as update:
        try:
            formats.convert(model, out, format=name, dtype="float16" if half else "float32", progress=update)
        except formats.UnknownFormatError as error:
            raise ConfigError(f"--format: {error}") from None
    results.print(f"{out}: {_size(out) / 1e6:,.1f} MB")


def evaluate_command(
    model: Model,
    data: Annotated[Path, typer.Option(help="File of word pairs, analogies or categories, or a folder of such files.")],
    out: Annotated[Path | None, typer.Option(help="Also write the table to this .csv or .json file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure vectors on word similarity, analogies and categories.

    Example: vecmill evaluate runs/wiki --data evaluation/
    """
    from embeddings import WordVectors
    from embeddings.evaluation import evaluate

    if out and out.suffix not in (".csv", ".json"):
        raise ConfigError(f"--out: {out} must end in .csv or .json")
    files = sorted(path for path in data.iterdir() if path.is_file()) if data.is_dir() else [data]
    if not files:
        raise EmbeddingsError(f"{data} holds no files; expected word pairs, analogies or categories")
    scores = evaluate(WordVectors.load(model), {path.stem: path for path in files})
    if out:
        _write_table(scores, out)
    if as_json:
        typer.echo(scores.to_json(orient="records"))
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in scores:
        table.add_column(str(column), justify="left" if column in ("set", "measure") else "right")
    for row in scores.itertuples(index=False):
        table.add_row(*(_cell(value) for value in row))
    results.print(table)


def _write_table(table: "pd.DataFrame", path: Path) -> None:
    partial = path.with_name(f".{path.name}.partial")
    if path.suffix == ".json":
        table.to_json(partial, orient="records", indent=1)
    else:
        table.to_csv(partial, index=False)
    partial.replace(path)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4f}"
    return str(value)


def _size(path: Path) -> int:
    return sum(entry.stat().st_size for entry in ([path] if path.is_file() else path.iterdir()))
