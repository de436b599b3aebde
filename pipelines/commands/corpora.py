"""`vecmill corpora`: the named corpora and where they are."""

import json
from typing import Annotated, Any

import typer

from corpora import CatalogEntry, catalog, evaluation_sets, fetch, info
from pipelines.console.completion import corpus_names
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results
from pipelines.console.tables import print_columns

corpora_app = typer.Typer(rich_markup_mode=None, invoke_without_command=True)

Name = Annotated[
    str, typer.Argument(help="Name in the catalog; see 'vecmill corpora list'.", autocompletion=corpus_names)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a corpus or set.")]


@corpora_app.callback()
def _corpora(context: typer.Context) -> None:
    """List the named corpora, fetch one, or see where it comes from."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@corpora_app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the corpora and the evaluation sets that have a name.

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
    rows = [("name", "here", "what it is", "licence", "size")]
    for entry in entries:
        here = "yes" if info(entry.name).cached else "no"
        rows.append((entry.name, here, entry.title, entry.licence, _megabytes(entry.size)))
    print_columns(rows, left=4)


@corpora_app.command("fetch")
def fetch_command(name: Name) -> None:
    """Download a corpus into the cache, check it and unpack it.

    Example: vecmill corpora fetch text8
    """
    go_on = interruptible("the same command goes on where this one stopped")
    with go_on, make_progress().task(f"fetching {name}", None) as update:
        fetch(name, lambda done, total: update(done, total=total))
    info_command(name)


@corpora_app.command("info")
def info_command(name: Name, as_json: AsJson = False) -> None:
    """Print licence, address, checksum and place of a corpus.

    Example: vecmill corpora info text8
    """
    if as_json:
        typer.echo(json.dumps(_facts(name), ensure_ascii=False))
        return
    found = info(name)
    entry, record = found.entry, found.record
    lines = {
        "name": entry.name,
        "what it is": f"{entry.title}: {entry.description}",
        "licence": entry.licence,
        "home page": entry.homepage,
        "address": ", ".join(entry.urls),
        "size": _megabytes(entry.size),
        "SHA-256": f"{entry.sha256} ({entry.sha256_source})" if entry.sha256 else "",
        "MD5": f"{entry.md5} ({entry.md5_source})" if entry.md5 else "",
        "downloaded": f"{record.downloaded} from {record.url}" if record else "",
        "its SHA-256": record.sha256 if record else "",
        "checked by": (record.checked_by or "nobody: no source gives a checksum to compare it with") if record else "",
        "here": ", ".join(str(path) for path in found.text_files) or "no; 'vecmill corpora fetch' brings it",
    }
    for title, value in lines.items():
        if value:
            results.print(f"{title:<11} {value}")


def _facts(name: str) -> dict[str, Any]:
    found = info(name)
    keys = ("name", "title", "description", "licence", "homepage", "urls", "size", "sha256", "md5")
    return {key: getattr(found.entry, key) for key in keys} | {"files": [str(path) for path in found.text_files]}


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:,.{1 if size >= 1e6 else 2}f} MB"
