"""`vecmill corpora`: the named corpora and where they are."""

from typing import Annotated

import typer
from rich.table import Table

from corpora import catalog, fetch, info
from pipelines.console import results
from pipelines.interruption import interruptible
from pipelines.progress import make_progress

corpora_app = typer.Typer(rich_markup_mode=None, invoke_without_command=True)

Name = Annotated[str, typer.Argument(help="Name in the catalog; see 'vecmill corpora list'.")]


@corpora_app.callback()
def _corpora(context: typer.Context) -> None:
    """List the named corpora, fetch one, or see where it comes from."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@corpora_app.command("list")
def list_command() -> None:
    """List the corpora that have a name.

    Example: vecmill corpora list
    """
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("name", "here", "size", "what it is", "licence"):
        table.add_column(title, justify="right" if title == "size" else "left")
    for entry in catalog():
        here = "yes" if info(entry.name).cached else "no"
        table.add_row(entry.name, here, _megabytes(entry.size), entry.title, entry.licence)
    results.print(table)


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
def info_command(name: Name) -> None:
    """Print licence, address, checksum and place of a corpus.

    Example: vecmill corpora info text8
    """
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


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:,.1f} MB"
