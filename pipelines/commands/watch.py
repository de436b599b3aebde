"""The history of a training, kept and watched, as the options of training commands ask for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from pipelines.commands.options import refuse_without_effect
from pipelines.console.progress import Progress
from pipelines.running.watching import MOMENTS, Watching


def refuse_unwatched(context: typer.Context, history: int | None, *, watch: bool) -> None:
    """Raise `ConfigError` for options that say how to watch a training that is not watched."""
    if watch:
        return
    refuse_without_effect(context, ("port",), "without --watch")
    if history is None:
        refuse_without_effect(context, ("history_words",), "without --history or --watch")


@contextmanager
def watched(
    out: Path, progress: Progress, history: int | None, words: int, port: int | None
) -> Iterator[tuple[Progress, Watching | None]]:
    """Show a training on a page while the context lasts.

    Parameters
    ----------
    out : Path
        What is trained; its name is the title of the page.
    progress : Progress
        Shows the progress of all stages.
    history : int, optional
        Number of moments to keep.
    words : int
        Number of frequent words.
    port : int, optional
        Port of the page, 0 for a free one; without it there is no page.

    Yields
    ------
    progress : Progress
        The given one, which the page follows.
    watching : Watching or None
        None if neither a history nor a page is wanted.

    Raises
    ------
    VecmillError
        The extra "serve" is not installed, or the port cannot be used.
    """
    if port is None:
        yield progress, Watching(history, words) if history else None
        return
    from vecmill.extras import needs

    with needs("serve", "--watch"):
        import starlette  # noqa: F401

        from pipelines.service.watch_page import WatchPage
    with WatchPage(out, port) as page:
        yield page.following(progress), Watching(history or MOMENTS, words, page)
