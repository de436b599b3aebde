"""The time-lapse of a training as an animation for slides: GIF, or MP4 where ffmpeg is installed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.vectors.time_lapse import TimeLapse
from embeddings.vectors.training_plot import HELD_OUT, INK, SOFT, new_figure, plot_style
from vecmill.files import atomic_file, temporary_directory
from vecmill.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURES_PER_SECOND = 12
BETWEEN = 2  # pictures from one moment to the next
HELD = 18  # pictures of the last moment
SIZE = (8.0, 6.0)  # inches
DPI = 100
LABELS = 45  # frequent words that are written out
ROOM = (0.11, 0.035)  # shares of width and height that a label keeps free
SHOWN = (0.4, 99.6)  # percentiles of the places; words further out are cut off


def require_film(path: Path) -> None:
    """Raise an `EmbeddingsError` of one line if a film cannot be made here.

    Parameters
    ----------
    path : Path
        Of the film.

    Raises
    ------
    EmbeddingsError
        Matplotlib is not installed, or ffmpeg, which MP4 needs.
    """
    with plot_style():
        if path.suffix == ".mp4" and shutil.which("ffmpeg") is None:
            raise EmbeddingsError(
                "MP4 needs the program ffmpeg, which is not installed; install it, or choose a file that ends in .gif"
            )


def write_film(
    path: Path, lapse: TimeLapse, title: str, report: Callable[[int, int], object] = lambda done, total: None
) -> None:
    """Write the film of a training, by the ending of the file.

    Parameters
    ----------
    path : Path
        It ends in ``.gif`` or ``.mp4``.
    lapse : TimeLapse
    title : str
    report : callable
        Called with the number of pictures that are drawn, and of all.

    Raises
    ------
    EmbeddingsError
        See `require_film`; or the file cannot be written.
    """
    require_film(path)
    from matplotlib import animation

    film = animation.PillowWriter if path.suffix == ".gif" else animation.FFMpegWriter
    times = [*np.linspace(0, len(lapse) - 1, BETWEEN * (len(lapse) - 1) + 1), *[len(lapse) - 1.0] * HELD]
    with plot_style(), temporary_directory() as folder:
        picture = new_figure(SIZE, title)
        show = _scene(picture, lapse)
        picture.draw_without_rendering()
        picture.set_layout_engine("none")  # labels that move must not move the axes
        whole, writer = Path(folder) / path.name, film(fps=PICTURES_PER_SECOND)
        with writer.saving(picture, str(whole), DPI):
            for done, time in enumerate(times, 1):
                show(time)
                writer.grab_frame()
                report(done, len(times))
        with atomic_file(path) as file:
            file.write(whole.read_bytes())


def _scene(picture: "Figure", lapse: TimeLapse) -> Callable[[float], None]:
    """Draw words and loss; return the function that moves them to a time: a number of moments from the first."""
    axes, below = picture.subplots(2, 1, height_ratios=(6, 1))
    last = lapse.last
    low, high = np.percentile(last.positions, SHOWN, axis=0)
    margin = 0.06 * (high - low)
    axes.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    sizes = 3 + 26 * np.linspace(1, 0, len(last.words)) ** 8
    colours: dict[str, Any] = {"c": last.clusters % 20, "cmap": "tab20", "vmin": 0, "vmax": 19, "linewidths": 0}
    dots = axes.scatter(*last.positions.T, s=sizes, alpha=0.75, **colours)
    style: dict[str, Any] = {"fontsize": 8, "color": INK, "ha": "center", "va": "bottom", "parse_math": False}
    style |= {"in_layout": False}
    named = _with_room(last.positions, (low, high))
    texts = [axes.text(*last.positions[word], visible(last.words[word]), clip_on=True, **style) for word in named]
    note = axes.text(0.99, 0.015, "", transform=axes.transAxes, ha="right", color=SOFT, fontsize=9)
    marker = _draw_losses(below, lapse)

    def show(time: float) -> None:
        before = min(int(time), len(lapse) - 1)
        after, share = min(before + 1, len(lapse) - 1), time - before
        places = (1 - share) * lapse.positions[before] + share * lapse.positions[after]
        dots.set_offsets(places)
        for word, text in zip(named, texts, strict=True):
            text.set_position(places[word])
        trained = (1 - share) * lapse.trained[before] + share * lapse.trained[after]
        note.set_text(f"{trained / 1e6:.2f} M of {lapse.trained[-1] / 1e6:.2f} M words trained")
        marker.set_xdata([trained / 1e6] * 2)

    return show


def _draw_losses(axes: "Axes", lapse: TimeLapse) -> Any:
    """Draw the loss by the number of trained words; return the line that marks the time."""
    axes.plot(lapse.trained / 1e6, lapse.losses, color=HELD_OUT, linewidth=1.6)
    axes.set_xlim(0, max(lapse.trained[-1] / 1e6, 1e-9))
    axes.set_xlabel("million words trained", fontsize=8)
    axes.set_ylabel("loss", fontsize=8)
    axes.tick_params(labelsize=7)
    return axes.axvline(0, color=INK, linewidth=1)


def _with_room(positions: np.ndarray, shown: tuple[np.ndarray, np.ndarray]) -> list[int]:
    """Return the most frequent words whose labels do not cover each other at the last moment."""
    low, high = shown
    places = (positions - low) / np.maximum(high - low, 1e-9)
    chosen: list[int] = []
    for word in np.flatnonzero(((places > 0) & (places < 1)).all(axis=1)).tolist():
        away = np.abs(places[chosen] - places[word])
        if ((away[:, 0] > ROOM[0]) | (away[:, 1] > ROOM[1])).all():
            chosen.append(word)
        if len(chosen) == LABELS:
            break
    return chosen
