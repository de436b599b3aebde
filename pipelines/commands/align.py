"""`vecmill align`: two models in one space, and the words that moved most between them."""

import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.compare import ModelA, ModelB
from pipelines.commands.options import (
    Encoding,
    ForceFile,
    refuse_existing,
    refuse_foreign,
    refuse_without_effect,
)
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError
from vecmill.files import require_writable_directory
from vecmill.plain_text import OtherKindError, read_lines
from vecmill.plurals import counted

logger = logging.getLogger(__name__)


def align_command(
    context: typer.Context,
    a: ModelA,
    b: ModelB,
    anchors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Words whose use is the same in both, one a line.", show_default="all common"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Model directory to write: B in the space of A."),
    ] = None,
    words: Annotated[int, typer.Option(min=0, help="Number of words to show, those that moved farthest.")] = 10,
    topn: Annotated[int, typer.Option(min=1, help="Number of neighbours of each word to show.")] = 5,
    encoding: Encoding = "utf-8",
    force: ForceFile = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Align two models and list the words that moved most.

    Orthogonal Procrustes rotates B into the space of A. The fit is measured on words that did not take part in it,
    and beside it the fit by chance, of shuffled words.

    Example: vecmill align runs/2010 runs/2020 --words 20
    """
    from embeddings import formats
    from embeddings.vectors.alignment import align

    if out:
        refuse_existing(out, force, a, b, anchors)
        refuse_foreign(out, formats.FORMATS["model"].files)
        require_writable_directory(out)
    else:
        refuse_without_effect(context, ("force",), "without --out DIR")
    given = _words_of(anchors) if anchors else None
    first, second = (formats.read(model, encoding=encoding) for model in (a, b))
    found = align(first, second, anchors=given)
    if given and len(found.anchors) < len(set(given)):
        logger.warning("anchors that one model lacks, left out: %s", f"{len(set(given)) - len(found.anchors):,}")
    fit, moved = found.fit(), found.moved(words, topn=topn)
    if out:
        found.aligned().save(out, overwrite=force)
    if as_json:
        counts = {"common": len(found.words), "anchors": len(found.anchors), "fit": fit._asdict()}
        made = {"out": str(out)} if out else {}
        typer.echo(json.dumps({**counts, "moved": [word._asdict() for word in moved], **made}, ensure_ascii=False))
        return
    results.print(f"A  {a}\nB  {b}")
    results.print(
        f"{counted(len(found.words), 'common word')}, {counted(len(found.anchors), 'anchor')}; mean cosine of words "
        f"left out of the fit {fit.similarity:.3f}, by chance {fit.chance:.3f} (p = {fit.p:.2g})"
    )
    for word in moved:
        results.print(f"{word.word}  cosine {word.similarity:.3f}, p = {word.p:.2g}", style="bold")
        results.print(f"  A  {', '.join(word.neighbors_a)}")
        results.print(f"  B  {', '.join(word.neighbors_b)}")
    if out:
        results.print(f"{out}: {counted(len(second), 'word')} in the space of A")


def _words_of(path: Path) -> list[str]:
    try:
        return [word for line in read_lines(path) if (word := line.strip())]
    except OtherKindError as error:
        raise ConfigError(f"--anchors: {error}") from error
    except OSError as error:
        raise ConfigError(f"--anchors: cannot read {path}: {error.strerror or error}") from error
