"""The report of `vecmill probe`: a table per task, significance tests, and learning curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embeddings.evaluation.probing.tasks import BASELINE, CONTINUED, FROZEN, INITIALISATIONS, RANDOM, TUNED
from pipelines.console.progress import duration
from pipelines.console.streams import results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVES = ("learning_curves.png", "learning_curves.svg")
COLOURS = {FROZEN: "#4c78a8", TUNED: "#2f4b7c", CONTINUED: "#3a8f7b", RANDOM: "#b5534e", BASELINE: "#77776d"}
MARKS = {FROZEN: "s", TUNED: "o", CONTINUED: "^", RANDOM: "D", BASELINE: ""}


def print_report(found: Mapping[str, Any]) -> None:
    """Print the table and the significance tests of every task."""
    for about in found["tasks"]:
        task, unit = about["task"], about["unit"]
        results.print(
            f"\n{about['title']}: {about['train_examples']:,} {unit}s for training, "
            f"{about['test_examples']:,} for testing ({about['test_labels']:,} answers, {len(about['labels'])} labels)"
        )
        rows = [row for row in found["scores"] if row["task"] == task]
        _print_row(
            "vectors", "trained on", "accuracy", "95 % interval", "macro-F1", "95 % interval", "no vector", "time"
        )
        for row in rows:
            learned = f"{row['fraction']:.0%} ({_times(row['draws'])}{row['examples']:,})"
            missing = "" if row["oov"] is None else f"{row['oov']:.1%}"
            figures = (*_with_interval(row, "accuracy"), *_with_interval(row, "macro_f1"))
            _print_row(row["initialisation"], learned, *figures, missing, duration(row["seconds"]))
        for row in found["comparisons"]:
            if row["task"] == task:
                results.print(_sentence(row))
        if any(row["draws"] > 1 for row in rows):
            results.print(
                "If networks were trained on several samples of the examples (5 x ...), figures are means over them."
            )
        results.print(f"CPU time of all networks: {duration(sum(row['seconds'] for row in rows))}.")


def _print_row(initialisation: str, *cells: str) -> None:
    widths = (15, 9, 15, 9, 15, 10, 12)
    results.print(
        initialisation.ljust(11) + "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    )


def _times(draws: int) -> str:
    return f"{draws} x " if draws > 1 else ""


def _with_interval(row: Mapping[str, Any], name: str) -> tuple[str, str]:
    return f"{row[name]:.4f}", f"{row[f'{name}_low']:.4f}–{row[f'{name}_high']:.4f}"


def _sentence(row: Mapping[str, Any]) -> str:
    """Return one line about the difference between two starts."""
    verdict = "no significant difference"
    if row["p"] < 0.05:
        verdict = "significantly better" if row["difference"] > 0 else "significantly worse"
    chance = "p < 0.001" if row["p"] < 0.001 else f"p = {row['p']:.3f}"
    return (
        f"With {row['fraction']:.0%}: {row['first']} minus {row['second']}: {100 * row['difference']:+.2f} points "
        f"({100 * row['low']:+.2f} to {100 * row['high']:+.2f}): {verdict}, {chance}"
    )


def draw_learning_curves(found: Mapping[str, Any], directory: Path) -> None:
    """Draw the accuracy of every initialisation against the number of examples, a panel per task, as PNG and SVG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    from embeddings.vectors.training_plot import PLOT_STYLE

    tasks = found["tasks"]
    with mpl.rc_context(PLOT_STYLE):
        picture = Figure(figsize=(5.2 * len(tasks) + 0.6, 4.8), layout=ConstrainedLayoutEngine(w_pad=0.16, h_pad=0.12))
        panels = picture.subplots(1, len(tasks), squeeze=False)[0]
        for axes, about in zip(panels, tasks, strict=True):
            rows = [row for row in found["scores"] if row["task"] == about["task"]]
            _draw_task(axes, about, rows)
        panels[0].set_ylabel("test accuracy in %, with 95 % interval")
        handles, names = panels[0].get_legend_handles_labels()
        picture.legend(handles, names, loc="outside lower center", ncols=5 if len(tasks) > 1 else 3, frameon=False)
        for name in CURVES:
            metadata = {"Date": None} if name.endswith("svg") else None
            picture.savefig(directory / name, dpi=160, metadata=metadata)


def _draw_task(axes: "Axes", about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw accuracy against the number of examples, with its interval."""
    for initialisation in INITIALISATIONS:
        own = [row for row in rows if row["initialisation"] == initialisation]
        counts = [row["examples"] for row in own]
        values, low, high = ([100 * row[key] for row in own] for key in ("accuracy", "accuracy_low", "accuracy_high"))
        style = {"linestyle": (0, (4, 3)), "linewidth": 1.2} if initialisation == BASELINE else {"linewidth": 1.8}
        axes.plot(
            _beside(counts, initialisation),
            values,
            color=COLOURS[initialisation],
            marker=MARKS[initialisation],
            markersize=5,
            label=initialisation,
            **style,
        )
        if initialisation != BASELINE:
            axes.vlines(
                _beside(counts, initialisation), low, high, color=COLOURS[initialisation], linewidth=1.4, alpha=0.55
            )
    counts = sorted({row["examples"] for row in rows})
    axes.set_xscale("log")
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.set(title=about["title"], xlabel=f"training {about['unit']}s")


def _beside(counts: Sequence[int], initialisation: str) -> list[float]:
    """Return x values shifted a little for each initialisation, on a logarithmic axis: intervals do not overlap."""
    shift = 1.0 if initialisation == BASELINE else 1.035 ** (INITIALISATIONS.index(initialisation) - 1.5)
    return [count * shift for count in counts]
