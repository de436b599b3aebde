"""Commands that draw a model: map, plot."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.commands.options import Encoding, ForceFile, Model, TrainedModel, refuse_existing, require_choice
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from pipelines.console.streams import results
from pipelines.settings.config import ConfigError
from pipelines.settings.file_names import CONFIG_FILE
from vecmill.files import require_writable, shown_size
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings import WordVectors
    from embeddings.vectors.word_map import WordMap

LAYOUT_METHODS = {"auto": None, "umap": "UMAP", "pca": "PCA"}
ENDINGS = (".png", ".svg")


def map_command(
    model: Model,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="HTML file to write.")],
    words: Annotated[
        int, typer.Option(min=3, max=65_536, help="Number of words shown, the most frequent ones.")
    ] = 50_000,
    clusters: Annotated[int, typer.Option(min=1, max=100, help="Number of clusters, each shown in one colour.")] = 20,
    method: Annotated[
        str, typer.Option(metavar="auto|umap|pca", help="Layout; auto = UMAP if it is installed, else PCA.")
    ] = "auto",
    title: Annotated[str | None, typer.Option(help="Heading of the page.", show_default="name of MODEL")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of UMAP and of the clustering.")] = 1,
    encoding: Encoding = "utf-8",
    force: ForceFile = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print counts and size as JSON.")] = False,
) -> None:
    """Draw a map of the vocabulary as an HTML page.

    A .parquet file that 'vecmill embed' wrote gives a map of its texts. The page can be zoomed and searched, and opens
    without a network. UMAP, which keeps neighbours together, is the
    extra "map" (pip install "vecmill[map]"); without it, PCA lays the words out.

    Example: vecmill map runs/wiki --out wiki.html
    """
    require_choice("--method", method, list(LAYOUT_METHODS))
    if out.suffix not in (".html", ".htm"):
        raise ConfigError(f"--out: {out} must end in .html")
    refuse_existing(out, force, model)
    require_writable(out)
    from embeddings import formats
    from embeddings.formats.embedded_texts import holds_texts, read_texts
    from embeddings.vectors.word_map import make_word_map, require_umap
    from pipelines.map_page import write_map_page

    if method == "umap":
        require_umap()
    texts = holds_texts(model)
    vectors, noun = (read_texts(model), "text") if texts else (formats.read(model, encoding=encoding), "word")
    with interruptible("nothing was written"), make_progress().task(f"laying out {noun}s", None):
        layout = make_word_map(
            vectors, words=words, clusters=clusters, method=LAYOUT_METHODS[method], texts=texts, seed=seed
        )
        counts = vectors.vocabulary.counts[: len(layout.words)]
        write_map_page(out, layout, counts, title or _name(model), _facts(model, vectors, layout, noun), noun)
    size = out.stat().st_size
    if as_json:
        made = {f"{noun}s": len(layout.words), "clusters": len(layout.cluster_names), "method": layout.method}
        typer.echo(json.dumps({"out": str(out), **made, "bytes": size}))
        return
    results.print(
        f"{out}: {counted(len(layout.words), noun)} laid out by {layout.method}, {shown_size(size)}; "
        "open it in a browser"
    )
    if layout.method == "PCA" and method == "auto" and len(layout.words) > 1000:
        results.print("PCA separates few groups; UMAP shows more: pip install 'vecmill[map]'")


def plot_command(
    model: TrainedModel,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="File to write: .png or .svg.")],
    force: ForceFile = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics of every epoch as JSON.")] = False,
) -> None:
    """Plot losses, learning rate and word frequencies.

    The plot shows the training and held-out loss and the learning rate of every epoch, and word counts by rank (Zipf's
    law); of vectors that were saved without their training, the counts alone. It needs the extra "plot" (pip install
    "vecmill[plot]").

    Example: vecmill plot runs/wiki --out training.png
    """
    if out.suffix not in ENDINGS:
        raise ConfigError(f"--out: {out} must end in {' or '.join(ENDINGS)}")
    refuse_existing(out, force, model)
    require_writable(out)
    from embeddings import Vocabulary
    from embeddings.vectors.training_plot import write_training_plot
    from pipelines.reports.training_metrics import read_metrics
    from pipelines.running.verification import is_saved

    metrics = [] if is_saved(model) else read_metrics(model)
    vocabulary = Vocabulary.load(model / "vocabulary.tsv")
    write_training_plot(out, metrics, vocabulary, _name(model))
    if as_json:
        typer.echo(json.dumps({"out": str(out), "epochs": metrics}))
    else:
        results.print(f"{out}: {counted(len(metrics), 'epoch')}, {counted(len(vocabulary), 'word')}")


def _name(model: Path) -> str:
    """Return the name of a model; of a stage of a run, the name of the run."""
    place = model.resolve()
    return place.parent.name if place.name == "train-embeddings" else place.name


def _facts(model: Path, vectors: "WordVectors", layout: "WordMap", noun: str) -> list[str]:
    """Return the facts below the title: number of words, dimensions, architecture and layout."""
    shown, known = len(layout.words), len(vectors)
    facts = [
        f"{shown:,} of {known:,} {noun}s" if shown < known else counted(known, noun),
        counted(vectors.dimension, "dimension"),
    ]
    try:
        settings: dict[str, Any] = json.loads((model / CONFIG_FILE).read_text("utf-8"))
        facts.append(settings["train"]["architecture"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # vectors of another tool, or count-based ones
    caution = ", on which neighbours may lie apart" if layout.method == "PCA" else ""
    return [*facts, f"laid out by {layout.method}{caution}"]
