"""`vecmill convert`: word vectors from one format to another."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.console.completion import format_names
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError
from vecmill.errors import OutputError


def convert_command(
    source: Annotated[Path, typer.Argument(metavar="IN", help="File or directory of word vectors.")],
    destination: Annotated[Path, typer.Argument(metavar="OUT", help="File or directory to write.")],
    name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="Of OUT.",
            show_default="by the ending of OUT",
            autocompletion=format_names,
        ),
    ] = None,
    source_name: Annotated[
        str | None,
        typer.Option(
            "--input-format",
            metavar="NAME",
            help="Of IN.",
            show_default="by the content and name of IN",
            autocompletion=format_names,
        ),
    ] = None,
    half: Annotated[bool, typer.Option("--float16", help="Write half as many bytes, where the format can.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print formats and size as JSON.")] = False,
) -> None:
    """Rewrite word vectors in another format.

    Names and content tell the formats: word2vec-text, word2vec-binary, word2vec-binary-newline, glove,
    fasttext-vec, npz, safetensors, parquet, arrow, csv, static-embedding, projector and model. Names that end in
    .gz or .zst are compressed.

    Example: vecmill convert GoogleNews-vectors.bin.gz vectors.parquet --float16
    """
    from embeddings import formats

    if destination.exists() and not force:
        raise OutputError(f"{destination} exists; add --force to replace it")
    dtype = "float16" if half else "float32"
    try:
        source_name = source_name or formats.guess_format(source)
        name = name or formats.format_of_name(destination)
        with interruptible("nothing was written"), make_progress().task(f"writing {destination}", None) as update:
            size = _size(source)
            formats.convert(
                source,
                destination,
                source_name,
                name,
                dtype,
                progress=lambda done: update(done, total=size),
                overwrite=force,
            )
    except formats.UnknownFormatError as error:
        raise ConfigError(f"{error} (options --format and --input-format)") from None
    if as_json:
        report = {"in": str(source), "in_format": source_name, "out": str(destination), "out_format": name}
        typer.echo(json.dumps({**report, "dtype": dtype, "bytes": _size(destination)}))
    else:
        results.print(f"{source} ({source_name}) -> {destination} ({name}): {_size(destination) / 1e6:,.1f} MB")


def _size(path: Path) -> int:
    return sum(entry.stat().st_size for entry in ([path] if path.is_file() else path.iterdir()))
