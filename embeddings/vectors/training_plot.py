"""The plot of a training: loss and learning rate by epoch, and word counts by rank."""

import importlib.util
import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.text.vocabulary import Vocabulary
from embeddings.vectors.embedding_matrix import require_vectors
from embeddings.vectors.word_vectors import WordVectors
from vecmill.files import atomic_file
from vecmill.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRAINED, HELD_OUT, INK, SOFT = "#4c78a8", "#b5534e", "#23241f", "#77776d"
PLOT_STYLE = {
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": "#c9c6bb",
    "axes.labelcolor": SOFT,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#ecebe4",
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "figure.facecolor": "#fcfbf8",
    "axes.facecolor": "#fcfbf8",
    "svg.fonttype": "none",  # keep text as text
    "svg.hashsalt": "vecmill",  # equal plots are equal files
}
LINE: dict[str, Any] = {"marker": "o", "markersize": 4.5, "linewidth": 1.8}
CLOSE = 0.15  # of the height: labels at the ends of lines closer than this would touch
PLOTTED_RANKS = 2000  # points of Zipf's curve, equally spaced on its logarithmic axis
NAMED_RANKS = (1, 10, 100, 1000, 10_000, 100_000)


def plot_training(vectors: WordVectors, title: str = "") -> "Figure":
    """Draw loss and learning rate by epoch, and word counts by rank.

    Parameters
    ----------
    vectors : WordVectors
        With the record of their training: the result of `vecmill.train`, or loaded from the directory of a training.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
        Notebooks show it; its method ``savefig`` writes it.

    Raises
    ------
    EmbeddingsError
        Matplotlib is not installed, or the vectors have no record of their training.

    Examples
    --------
    >>> import vecmill
    >>> vectors = vecmill.train("corpus.txt")  # doctest: +SKIP
    >>> vecmill.plot_training(vectors).savefig("training.png")  # doctest: +SKIP
    """
    require_vectors(vectors)
    if not vectors.metrics:
        raise EmbeddingsError(
            "these vectors have no record of their training; expected the result of vecmill.train, or vectors loaded "
            "from the directory of a training"
        )
    return training_figure(vectors.metrics, vectors.vocabulary, title)


def plot_style() -> AbstractContextManager[None]:
    """Return the context in which all plots are drawn; an EmbeddingsError if Matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise EmbeddingsError("plots need matplotlib, which is not installed: pip install 'vecmill[plot]'")
    import matplotlib as mpl

    context: AbstractContextManager[None] = mpl.rc_context(PLOT_STYLE)
    return context


def new_figure(size: tuple[float, float], title: str) -> "Figure":
    """Return an empty figure, which a notebook shows without pyplot; called and drawn in within `plot_style`.

    Parameters
    ----------
    size : (float, float)
        Inches.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    class ShownFigure(Figure):
        """A figure that a notebook shows without pyplot."""

        def _repr_png_(self) -> bytes:
            return _png(self)

    picture = ShownFigure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.16, h_pad=0.12))
    style = {"fontsize": 16, "fontweight": "bold", "fontfamily": "serif", "parse_math": False}  # $ is a letter
    picture.suptitle(f"{visible(title)}  ", x=0.012, ha="left", **style)
    return picture


def training_figure(metrics: Sequence[dict[str, Any]], vocabulary: Vocabulary, title: str) -> "Figure":
    """Return the figure of a training with these metrics of its epochs; see `plot_training`."""
    with plot_style():
        picture = new_figure((13, 4.6), title)
        if metrics:
            loss, rate, zipf = picture.subplots(1, 3, width_ratios=(1.15, 0.8, 1.15))
            _plot_loss(loss, metrics)
            _plot_rate(rate, metrics)
        else:
            zipf = picture.subplots()
        _plot_zipf(zipf, vocabulary)
    return picture


def write_training_plot(path: Path, metrics: Sequence[dict[str, Any]], vocabulary: Vocabulary, title: str) -> None:
    """Write the plot as PNG or SVG, by the extension of the file.

    Parameters
    ----------
    path : Path
    metrics : sequence of dict of str to Any
        Empty: draw the word frequencies alone.
    vocabulary : Vocabulary
    title : str

    Raises
    ------
    EmbeddingsError
        Matplotlib is not installed, or the file cannot be written.
    """
    picture = training_figure(metrics, vocabulary, title)
    with plot_style(), atomic_file(path) as file:
        metadata = {"Date": None} if path.suffix == ".svg" else None
        picture.savefig(file, format=path.suffix[1:], dpi=160, metadata=metadata)


def _png(picture: "Figure") -> bytes:
    """Return a figure as PNG of half the resolution of a file."""
    file = io.BytesIO()
    picture.savefig(file, format="png", dpi=80)
    return file.getvalue()


def _plot_loss(axes: "Axes", metrics: Sequence[dict[str, Any]]) -> None:
    epochs = [record["epoch"] for record in metrics]
    ends = []
    for key, label, colour in (("loss", "training", TRAINED), ("held_out_loss", "held out", HELD_OUT)):
        values = [np.nan if record[key] is None else record[key] for record in metrics]
        if np.isnan(values).all():
            continue
        axes.plot(epochs, values, color=colour, **LINE)
        last = np.flatnonzero(~np.isnan(values))[-1]
        ends.append((values[last], epochs[last], f"{label}\n{values[last]:.3f}", colour))
    axes.set(title="Loss per example", xlabel="epoch")
    _whole_epochs(axes, epochs)
    low, high = axes.get_ylim()
    close = len(ends) == 2 and abs(ends[0][0] - ends[1][0]) < CLOSE * (high - low)
    for (loss, epoch, text, colour), aligned in zip(sorted(ends), ("top", "bottom"), strict=False):
        va = aligned if close else "center"
        axes.annotate(text, (epoch, loss), (9, 0), textcoords="offset points", color=colour, va=va)


def _plot_rate(axes: "Axes", metrics: Sequence[dict[str, Any]]) -> None:
    epochs = [record["epoch"] for record in metrics]
    axes.plot(epochs, [record["learning_rate"] for record in metrics], color=INK, clip_on=False, zorder=3, **LINE)
    axes.set(title="Learning rate", xlabel="end of epoch")
    axes.set_ylim(bottom=0)
    _whole_epochs(axes, epochs)


def _whole_epochs(axes: "Axes", epochs: Sequence[int]) -> None:
    axes.set_xticks(epochs[:: max(1, len(epochs) // 8)])
    room = max(0.25 * (epochs[-1] - epochs[0]), 0.6)  # for the labels at the ends of the lines
    axes.set_xlim(epochs[0] - 0.2 * room, epochs[-1] + room)


def _plot_zipf(axes: "Axes", vocabulary: Vocabulary) -> None:
    """Draw counts by rank on logarithmic axes, with Zipf's law count ∝ 1 / rank (Zipf 1949)."""
    counts, words = vocabulary.counts, vocabulary.words
    axes.set(title="Words by frequency", xlabel="rank", ylabel="count")
    if not counts.any():
        return
    ranks = np.unique(np.geomspace(1, len(counts), PLOTTED_RANKS).astype(int))
    axes.loglog(ranks, counts[ranks - 1], color=TRAINED, linewidth=2.2, solid_capstyle="round")
    middle = ranks[len(ranks) // 2]
    line = counts[middle - 1] * middle / ranks
    axes.loglog(ranks, line, color=SOFT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate("1 / rank", (4, counts[middle - 1] * middle / 4), (8, 3), textcoords="offset points", color=SOFT)
    for rank in NAMED_RANKS:
        if rank <= len(counts):
            place = (rank, counts[rank - 1])
            axes.plot(*place, "o", color=TRAINED, markersize=4.5)
            word = visible(words[rank - 1])
            axes.annotate(word, place, (6, 5), textcoords="offset points", fontsize=9.5, parse_math=False)
