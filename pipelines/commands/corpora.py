"""List the named corpora and evaluation sets, download one, or show its licence and source."""

import json
from typing import Annotated, Any

import typer

from corpora import CatalogEntry, catalog, evaluation_sets, fetch, info
from pipelines.commands.completion import corpus_names
from pipelines.console.help import Command, CommandGroup
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results
from pipelines.console.tables import print_columns
from vecmill.files import shown_size

corpora_app = typer.Typer(cls=CommandGroup, rich_markup_mode=None, invoke_without_command=True, add_completion=False)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Name in 'vecmill corpora list'.", autocompletion=corpus_names)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object per corpus or set.")]


@corpora_app.callback()
def _corpora(context: typer.Context) -> None:
    """List the named corpora and evaluation sets, download one, or show its licence and source.

    Example: vecmill corpora list
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@corpora_app.command("list", cls=Command)
def list_command(as_json: AsJson = False) -> None:
    """List the named corpora and evaluation sets.

    Example: vecmill corpora list
    """
    if as_json:
        for entry in (*catalog(), *evaluation_sets()):
            typer.echo(json.dumps(_facts(entry.name), ensure_ascii=False))
        return
    _print_entries("Texts, for train-embeddings", catalog())
    results.print()
    _print_entries("Evaluation sets, for evaluate and compare", evaluation_sets())


def _print_entries(title: str, entries: list[CatalogEntry]) -> None:
    results.print(title, style="bold")
    rows = [("name", "cached", "description", "licence", "size")]
    for entry in entries:
        cached = "yes" if info(entry.name).cached else "no"
        rows.append((entry.name, cached, entry.title, entry.licence, _megabytes(entry.size)))
    print_columns(rows, left=4)


@corpora_app.command("fetch", cls=Command)
def fetch_command(name: Name, as_json: AsJson = False) -> None:
    """Download a corpus, verify its checksum and unpack it.

    Example: vecmill corpora fetch text8
    """
    resumable = interruptible("repeat the command to resume")
    with resumable, make_progress().task(f"fetching {name}", None) as update:
        fetch(name, lambda done, total: update(done, total=total))
    info_command(name, as_json)


@corpora_app.command("info", cls=Command)
def info_command(name: Name, as_json: AsJson = False) -> None:
    """Print the licence, source, checksum and location of a corpus.

    Example: vecmill corpora info text8
    """
    if as_json:
        typer.echo(json.dumps(_facts(name), ensure_ascii=False))
        return
    found = info(name)
    entry, record = found.entry, found.record
    lines = {
        "name": entry.name,
        "description": f"{entry.title}: {entry.description}",
        "licence": entry.licence,
        "homepage": entry.homepage,
        "URL": ", ".join(entry.urls),
        "size": _megabytes(entry.size),
        "SHA-256": f"{entry.sha256} ({entry.sha256_source})" if entry.sha256 else "",
        "MD5": f"{entry.md5} ({entry.md5_source})" if entry.md5 else "",
        "downloaded": f"{record.downloaded} from {record.url}" if record else "",
        "SHA-256 of it": record.sha256 if record else "",
        "checked by": (record.checked_by or "nothing: no source publishes a checksum") if record else "",
        "files": ", ".join(str(path) for path in found.text_files) or f"none yet; run 'vecmill corpora fetch {name}'",
    }
    for title, value in lines.items():
        if value:
            results.print(f"{title:<13} {value}")


def _facts(name: str) -> dict[str, Any]:
    found = info(name)
    keys = ("name", "title", "description", "licence", "homepage", "urls", "size", "sha256", "md5")
    return {key: getattr(found.entry, key) for key in keys} | {"files": [str(path) for path in found.text_files]}


def _megabytes(size: int | None) -> str:
    return "" if size is None else shown_size(size)
