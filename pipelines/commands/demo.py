"""The command `demo`."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import Corpus
from pipelines.console.interruption import expect_output
from pipelines.console.progress import make_progress
from pipelines.settings.config import ConfigError, PipelineConfig, Setting, load_config
from vecmill.errors import OutputError

_DEFAULT = PipelineConfig()


def demo_command(
    corpus: Corpus = [*_DEFAULT.corpus.sources],  # noqa: B006 - not changed
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Directory of the model; the map stands beside it.")
    ] = Path("runs/demo"),
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the map in a browser.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the path and the counts of the map as JSON.")] = False,
) -> None:
    """Train on the built-in corpus, print what was learned, draw a map of the words and open it.

    It takes a minute or two; a repeated call trains nothing. Any other text may take the place of the built-in one.

    Example: vecmill demo
    """
    settings = load_config(options={"corpus.source": Setting(corpus[0] if len(corpus) == 1 else corpus, "CORPUS")})
    from pipelines.commands.figures import map_command
    from pipelines.map_page import is_map_page
    from pipelines.reports.vectors_report import print_training
    from pipelines.running.make import make_unless_finished
    from pipelines.stage_lists import embedding_stages

    if not out.name:
        raise ConfigError(f"--out: {out} has no name; expected the name of a directory")
    page = out.with_name(f"{out.name}.html")
    if os.path.lexists(page) and not is_map_page(page):
        raise OutputError(f"{page} is no map of vecmill and would be lost; choose another --out")
    expect_output(page)
    stages, wanted = embedding_stages(settings), settings.result_settings()
    make_unless_finished(out, stages, wanted, skip_finished=True, force=False, progress=make_progress())
    if not as_json:
        print_training(out)
    map_command(out, page, force=True, as_json=as_json)
    if browser and _has_screen():
        webbrowser.open(page.resolve().as_uri())


def _has_screen() -> bool:
    """Return whether a person sits here: a terminal, and a screen on systems that may have none."""
    return sys.stderr.isatty() and (os.name == "nt" or sys.platform == "darwin" or bool(os.environ.get("DISPLAY")))
