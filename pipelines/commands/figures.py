"""Commands that show a model: map, plot."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.commands.vectors import Model
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError
from pipelines.settings.file_names import CONFIG_FILE
from vecmill.errors import OutputError
from vecmill.hints import did_you_mean

if TYPE_CHECKING:
    from embeddings import WordVectors
    from embeddings.vectors.word_map import WordMap

LAYOUT_METHODS = {"auto": None, "umap": "UMAP", "pca": "PCA"}
ENDINGS = (".png", ".svg")


def map_command(
    model: Model,
    out: Annotated[Path, typer.Option(help="HTML file to write.", metavar="FILE.html")],
    words: Annotated[int, typer.Option(min=3, max=65_536, help="Show so many words, the most frequent ones.")] = 50_000,
    clusters: Annotated[int, typer.Option(min=1, max=100, help="Colours: groups of words that are alike.")] = 40,
    method: Annotated[
        str, typer.Option(metavar="auto|umap|pca", help="How to lay words out; auto: by UMAP where it is installed.")
    ] = "auto",
    title: Annotated[str | None, typer.Option(help="Heading.", show_default="name of MODEL")] = None,
    seed: Annotated[int, typer.Option(help="Of UMAP and of the clusters.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Replace --out if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,
) -> None:
    """Draw a map of the vocabulary.

    One HTML file to zoom and search in, which opens without a network. With the extra "map" (pip install
    "vecmill[map]") UMAP lays the words out, and neighbours are neighbours on the map; without it, PCA.

    Example: vecmill map runs/wiki --out wiki.html
    """
    if method not in LAYOUT_METHODS:
        raise ConfigError(
            f"--method: {method!r} is none of {', '.join(LAYOUT_METHODS)}{did_you_mean(method, LAYOUT_METHODS)}"
        )
    if out.suffix not in (".html", ".htm"):
        raise ConfigError(f"--out: {out} must end in .html")
    _refuse_existing(out, force)
    from embeddings import formats
    from embeddings.vectors.word_map import make_word_map, require_umap
    from pipelines.map_page import write_map_page

    if method == "umap":
        require_umap()
    vectors = formats.read(model)
    with interruptible("nothing was written"), make_progress().task("laying out words", None):
        layout = make_word_map(vectors, words=words, clusters=clusters, method=LAYOUT_METHODS[method], seed=seed)
        counts = vectors.vocabulary.counts[: len(layout.words)]
        write_map_page(out, layout, counts, title or model.resolve().name, _facts(model, vectors, layout))
    size = out.stat().st_size
    if as_json:
        made = {"words": len(layout.words), "clusters": len(layout.cluster_names), "method": layout.method}
        typer.echo(json.dumps({"out": str(out), **made, "bytes": size}))
        return
    results.print(
        f"{out}: {len(layout.words):,} words laid out by {layout.method}, {size / 1e6:.1f} MB; open it in a browser"
    )
    if layout.method == "PCA" and method == "auto" and len(layout.words) > 1000:
        results.print("UMAP makes a map that shows more: pip install 'vecmill[map]'")


def plot_command(
    model: Annotated[Path, typer.Argument(help="Directory that train-embeddings wrote.")],
    out: Annotated[Path, typer.Option(help="File to write, .png or .svg.")],
    force: Annotated[bool, typer.Option("--force", help="Replace --out if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers of every epoch as JSON, too.")] = False,
) -> None:
    """Plot losses and word frequencies.

    Training and held-out loss and the learning rate of every epoch, and how often words occur by their rank (Zipf's
    law). It needs the extra "plot": pip install "vecmill[plot]".

    Example: vecmill plot runs/wiki --out training.png
    """
    if out.suffix not in ENDINGS:
        raise ConfigError(f"--out: {out} must end in {' or '.join(ENDINGS)}")
    _refuse_existing(out, force)
    from embeddings import Vocabulary
    from pipelines.reports.training_plot import read_metrics, write_training_plot

    metrics = read_metrics(model)
    vocabulary = Vocabulary.load(model / "vocabulary.tsv")
    write_training_plot(out, metrics, vocabulary, model.resolve().name)
    if as_json:
        typer.echo(json.dumps({"out": str(out), "epochs": metrics}))
    else:
        results.print(f"{out}: {len(metrics)} epochs, {len(vocabulary):,} words")


def _refuse_existing(out: Path, force: bool) -> None:
    if out.exists() and not force:
        raise OutputError(f"{out} exists; add --force to replace it")


def _facts(model: Path, vectors: "WordVectors", layout: "WordMap") -> list[str]:
    """What stands below the title: how many words, of what model."""
    shown, known = len(layout.words), len(vectors)
    facts = [
        f"{shown:,} of {known:,} words" if shown < known else f"{known:,} words",
        f"{vectors.dimension} dimensions",
    ]
    try:
        settings: dict[str, Any] = json.loads((model / CONFIG_FILE).read_text("utf-8"))
        facts.append(settings["train"]["architecture"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # vectors of another program, or from counts
    caution = ", on which neighbours may lie apart" if layout.method == "PCA" else ""
    return [*facts, f"laid out by {layout.method}{caution}"]
