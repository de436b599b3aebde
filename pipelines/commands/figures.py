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
from vecmill.files import require_writable, shown_size
from vecmill.plurals import counted

if TYPE_CHECKING:
    from embeddings import WordVectors
    from embeddings.vectors.history import TrainingHistory
    from embeddings.vectors.word_map import WordMap

LAYOUT_METHODS = {"auto": None, "umap": "UMAP", "pca": "PCA"}
ENDINGS = (".png", ".svg")
PAGE_ENDINGS, FILMS = (".html", ".htm"), (".gif", ".mp4")


def map_command(
    model: Model,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="HTML file to write; with --history also .gif or .mp4.")
    ],
    words: Annotated[
        int, typer.Option(min=3, max=65_536, help="Number of words shown, the most frequent ones.")
    ] = 50_000,
    clusters: Annotated[int, typer.Option(min=1, max=100, help="Number of clusters, each shown in one colour.")] = 20,
    method: Annotated[
        str, typer.Option(metavar="auto|umap|pca", help="Layout; auto = UMAP if it is installed, else PCA.")
    ] = "auto",
    title: Annotated[str | None, typer.Option(help="Heading of the page.", show_default="name of MODEL")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of UMAP and of the clustering.")] = 1,
    history: Annotated[
        bool,
        typer.Option(
            "--history", help="Show how the words came to their places while they were trained: a time-lapse."
        ),
    ] = False,
    encoding: Encoding = "utf-8",
    force: ForceFile = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print counts and size as JSON.")] = False,
) -> None:
    """Draw a map of the vocabulary as an HTML page.

    A .parquet file that 'vecmill embed' wrote gives a map of its texts. The page can be zoomed and searched, and opens
    without a network. UMAP, which keeps neighbours together, is the
    extra "map" (pip install "vecmill[map]"); without it, PCA lays the words out. With --history, the page has a slider
    that plays the training, which must have been told --history or --watch; .gif and .mp4 files are films of it, which
    need the extra "plot".

    Example: vecmill map runs/wiki --out wiki.html
    """
    require_choice("--method", method, list(LAYOUT_METHODS))
    if out.suffix not in (*PAGE_ENDINGS, *(FILMS if history else ())):
        films = "" if history else "; films, .gif and .mp4, need --history"
        raise ConfigError(f"--out: {out} must end in .html{', .gif or .mp4' if history else films}")
    refuse_existing(out, force, model)
    require_writable(out)
    from embeddings import formats
    from embeddings.formats.embedded_texts import holds_texts, read_texts
    from embeddings.vectors.word_map import make_word_map, require_umap
    from pipelines.map_page import write_map_page

    if method == "umap":
        require_umap()
    kept = _history(model, out) if history else None
    texts = holds_texts(model)
    vectors, noun = (read_texts(model), "text") if texts else (formats.read(model, encoding=encoding), "word")
    wanted: dict[str, Any] = {"words": words, "clusters": clusters, "method": LAYOUT_METHODS[method], "seed": seed}
    lapse, heading = None, title or _name(model)
    with interruptible("nothing was written"), make_progress().task(f"laying out {noun}s", None) as update:
        if kept:
            from embeddings.vectors.time_lapse import make_time_lapse

            lapse = make_time_lapse(vectors, kept, **wanted, report=lambda done, total: update(done, total=total))
        layout = lapse.last if lapse else make_word_map(vectors, **wanted, texts=texts)
        if lapse and out.suffix in FILMS:
            from embeddings.vectors.training_film import write_film

            write_film(out, lapse, heading, lambda done, total: update(done, "drawing", total=total))
        else:
            counts = vectors.vocabulary.counts[: len(layout.words)]
            facts = _facts(vectors, layout, noun)
            write_map_page(out, layout, counts, heading, facts, noun, lapse, _metrics(model) if lapse else ())
    size = out.stat().st_size
    if as_json:
        made = {f"{noun}s": len(layout.words), "clusters": len(layout.cluster_names), "method": layout.method}
        moments = {"moments": len(lapse)} if lapse else {}
        typer.echo(json.dumps({"out": str(out), **made, **moments, "bytes": size}))
        return
    at = f" at {counted(len(lapse), 'moment')}" if lapse else ""
    results.print(
        f"{out}: {counted(len(layout.words), noun)}{at} laid out by {layout.method}, {shown_size(size)}"
        + ("; open it in a browser" if out.suffix in PAGE_ENDINGS else "")
    )
    if layout.method == "PCA" and method == "auto" and len(layout.words) > 1000:
        results.print("PCA separates few groups; UMAP shows more: pip install 'vecmill[map]'")


def _history(model: Path, out: Path) -> "TrainingHistory":
    """Return the history of a training, from which the file can be made."""
    from embeddings.vectors.history import TrainingHistory

    if out.suffix in FILMS:
        from embeddings.vectors.training_film import require_film

        require_film(out)
    return TrainingHistory.read(model)


def _metrics(model: Path) -> list[dict[str, Any]]:
    from pipelines.reports.training_metrics import read_metrics

    return read_metrics(model)


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
    from embeddings.vectors.model_directory import VOCABULARY_FILE, require_unchanged
    from embeddings.vectors.training_plot import write_training_plot
    from pipelines.reports.training_metrics import read_metrics
    from pipelines.running.verification import is_saved

    metrics = [] if is_saved(model) else read_metrics(model)
    require_unchanged(model, [VOCABULARY_FILE])
    vocabulary = Vocabulary.load(model / VOCABULARY_FILE)
    write_training_plot(out, metrics, vocabulary, _name(model))
    if as_json:
        typer.echo(json.dumps({"out": str(out), "epochs": metrics}))
    else:
        results.print(f"{out}: {counted(len(metrics), 'epoch')}, {counted(len(vocabulary), 'word')}")


def _name(model: Path) -> str:
    """Return the name of a model; of a stage of a run, the name of the run."""
    place = model.resolve()
    return place.parent.name if place.name == "train-embeddings" else place.name


def _facts(vectors: "WordVectors", layout: "WordMap", noun: str) -> list[str]:
    """Return the facts below the title: number of words, dimensions, architecture and layout."""
    shown, known = len(layout.words), len(vectors)
    facts = [
        f"{shown:,} of {known:,} {noun}s" if shown < known else counted(known, noun),
        counted(vectors.dimension, "dimension"),
    ]
    architecture = vectors.training_settings.get("architecture")
    if isinstance(architecture, str):  # else vectors of another tool, or count-based ones
        facts.append(architecture)
    caution = ", on which neighbours may lie apart" if layout.method == "PCA" else ""
    return [*facts, f"laid out by {layout.method}{caution}"]
