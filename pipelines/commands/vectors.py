"""Commands that use finished vectors: neighbors, export, evaluate."""

import json
import logging
import math
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.console.completion import format_names
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results
from pipelines.console.tables import print_columns
from pipelines.settings.config import ConfigError
from vecmill.errors import OutputError
from vecmill.hints import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from embeddings import WordVectors

logger = logging.getLogger(__name__)

ANALOGY_METHODS = ["3CosAdd", "3CosMul"]
_WORDS_AT_A_TIME = 256  # words whose neighbours are looked for at a time

Model = Annotated[Path, typer.Argument(help="Directory that train-embeddings wrote, or a file of word vectors.")]
Data = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SET|FILE|FOLDER",
        help="Named evaluation set, file of word pairs, analogies or categories, or folder of such; may be repeated.",
        show_default="all named sets",
    ),
]


def neighbors_command(
    model: Model,
    words: Annotated[list[str] | None, typer.Argument(metavar="WORD...", help="Words; if none, from stdin.")] = None,
    topn: Annotated[int, typer.Option(min=1, help="Neighbours of each word.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a word.")] = False,
) -> None:
    """Print the words with the most similar vectors (cosine).

    Example: vecmill neighbors runs/pydocs array dataframe --topn 5
    """
    from embeddings import formats

    vectors = formats.read(model)
    failed = False
    for batch in _batches(words):
        known = []
        for word in batch:
            try:
                vectors.id(word)
            except KeyError as error:
                failed = True
                logger.error(error.args[0])
            else:
                known.append(word)
        if known:
            _print_neighbors(vectors, known, topn, as_json)
    if failed:
        raise typer.Exit(1)


def _batches(words: list[str] | None) -> Iterator[list[str]]:
    """Yield words as given, or from stdin: many at a time, but one by one where somebody types them."""
    if words:
        yield words
        return
    typed = (word for line in sys.stdin for word in line.split())
    while batch := list(islice(typed, 1 if sys.stdin.isatty() else _WORDS_AT_A_TIME)):
        yield batch


def _print_neighbors(vectors: "WordVectors", words: list[str], topn: int, as_json: bool) -> None:
    for word, ids, similarities in zip(words, *vectors.neighbors(words, topn), strict=True):
        found = [(vectors.words[row], float(similarity)) for row, similarity in zip(ids, similarities, strict=True)]
        if as_json:
            pairs = [{"word": neighbor, "similarity": round(similarity, 4)} for neighbor, similarity in found]
            typer.echo(json.dumps({"word": word, "neighbors": pairs}, ensure_ascii=False))
            continue
        results.print(word, style="bold")
        for neighbor, similarity in found:
            results.print(f"  {similarity:.3f}  {neighbor}")


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
            autocompletion=format_names,
        ),
    ] = None,
    half: Annotated[bool, typer.Option("--float16", help="Write half as many bytes, where the format can.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace --out if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write vectors in a format that other tools read; .gz and .zst compress.

    Example: vecmill export runs/pydocs --format word2vec-text --out pydocs.txt
    """
    from embeddings import formats

    if out.exists() and not force:
        raise OutputError(f"{out} exists; add --force to replace it")
    with interruptible("nothing was written"), make_progress().task(f"writing {out}", _size(model)) as update:
        try:
            formats.convert(
                model, out, format=name, dtype="float16" if half else "float32", progress=update, overwrite=force
            )
        except formats.UnknownFormatError as error:
            raise ConfigError(f"--format: {error}") from None
    if as_json:
        typer.echo(json.dumps({"out": str(out), "bytes": _size(out)}))
    else:
        results.print(f"{out}: {_size(out) / 1e6:,.1f} MB")


def evaluate_command(
    model: Model,
    data: Data = None,
    method: Annotated[
        str, typer.Option(metavar="3CosAdd|3CosMul", help="Of analogies: add up similarities, or multiply them.")
    ] = "3CosAdd",
    sections: Annotated[
        bool, typer.Option("--sections", help="Also the sections of analogies and the topics of odd-one-out sets.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the table to this .csv or .json file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure vectors on word similarity, analogies and categories.

    Without --data on the evaluation sets that have a name ('vecmill corpora list'), which are downloaded once. "low"
    and "high" are the ends of a 95 % interval; "oov" is the share of items with a word that the model does not know.

    Example: vecmill evaluate runs/wiki --data wordsim-353 --data my-pairs.tsv
    """
    if out and out.suffix not in (".csv", ".json"):
        raise ConfigError(f"--out: {out} must end in .csv or .json")
    if method not in ANALOGY_METHODS:
        raise ConfigError(
            f"--method: {method!r} is none of {', '.join(ANALOGY_METHODS)}{did_you_mean(method, ANALOGY_METHODS)}"
        )
    from embeddings import formats
    from embeddings.evaluation import evaluate
    from pipelines.stages.evaluation_sets import find_sets

    scores = evaluate(formats.read(model), find_sets(data), method, sections=sections)
    if out:
        _write_table(scores, out)
    if as_json:
        typer.echo(scores.to_json(orient="records", double_precision=6, force_ascii=False))
        return
    rows = [[_cell(value) for value in row] for row in scores.itertuples(index=False)]
    print_columns([list(scores.columns), *rows], left=list(scores.columns).index("score"))


def _write_table(table: "pd.DataFrame", path: Path) -> None:
    from vecmill.files import atomic_file

    with atomic_file(path) as file:
        if path.suffix == ".json":
            file.write(table.to_json(orient="records", indent=1, force_ascii=False).encode() + b"\n")
        else:
            file.write(table.to_csv(index=False, lineterminator="\n").encode())


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4f}"
    return str(value)


def _size(path: Path) -> int:
    return sum(entry.stat().st_size for entry in ([path] if path.is_file() else path.iterdir()))
