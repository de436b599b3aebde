"""The curve of losses by epoch as SVG, drawn without a library, so that every report has it."""

import html
from collections.abc import Mapping, Sequence

import numpy as np

from embeddings.vectors.training_plot import HELD_OUT, TRAINED

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 150, 14, 34  # room for the labels around the curves
LINE_HEIGHT = 16
MOST_TICKS = 8


def loss_curve(epochs: Sequence[int], losses: Mapping[str, Sequence[float | None]]) -> str:
    """Draw losses by epoch.

    Parameters
    ----------
    epochs : sequence of int
    losses : mapping of str to sequence of float or None
        Loss after each epoch, None where there is none, by the label at the end of its line; at most two.

    Returns
    -------
    str
        An SVG element, or "" if there is no loss.
    """
    known = [loss for values in losses.values() for loss in values if loss is not None]
    if not known:
        return ""
    heights = _ticks(min(known), max(known))
    low, high = min(*known, *heights), max(*known, *heights)

    def x(epoch: float) -> float:
        return LEFT + (epoch - epochs[0]) / max(epochs[-1] - epochs[0], 1) * (WIDTH - LEFT - RIGHT)

    def y(loss: float) -> float:
        return TOP + (high - loss) / max(high - low, 1e-9) * (HEIGHT - TOP - BOTTOM)

    parts = [_height(y(height), f"{height:g}") for height in heights]
    step = -(-len(epochs) // MOST_TICKS)
    parts += [_text(x(epoch), HEIGHT - 14, str(epoch), "middle") for epoch in epochs[::step]]
    parts.append(_text(WIDTH - RIGHT + 10, HEIGHT - 14, "epoch", "start"))
    ends = []
    for (label, values), colour in zip(losses.items(), (TRAINED, HELD_OUT), strict=False):
        places = [(x(epoch), y(loss)) for epoch, loss in zip(epochs, values, strict=True) if loss is not None]
        if not places:
            continue
        parts.append(_line(places, colour))
        last = next(loss for loss in reversed(values) if loss is not None)
        ends.append((places[-1][1], places[-1][0] + 10, f"{label} {last:.3f}", colour))
    return _svg(parts + _labels(sorted(ends)))


def _ticks(low: float, high: float) -> list[float]:
    """Return round heights, some three to eight, between which all losses lie but for their last digits."""
    span = max(high - low, 1e-2)
    step = 10 ** np.floor(np.log10(span))
    step = next(part * step for part in (0.2, 0.5, 1, 2) if span / (part * step) <= MOST_TICKS)
    first, last = np.floor(low / step), np.ceil(high / step)
    return [round(float(step * k), 9) for k in np.arange(first, max(last, first + 1) + 1)]


def _labels(ends: Sequence[tuple[float, float, str, str]]) -> list[str]:
    """Write the labels at the ends of the lines, one below the other where they would touch."""
    parts, free = [], 0.0
    for y, x, text, colour in ends:
        free = max(y, free)
        parts.append(_text(x, free + 4, text, "start", colour))
        free += LINE_HEIGHT
    return parts


def _line(places: Sequence[tuple[float, float]], colour: str) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'


def _height(y: float, text: str) -> str:
    line = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#88888833"/>'
    return line + _text(LEFT - 8, y + 4, text, "end")


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#808078") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{html.escape(text)}</text>'


def _svg(parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="system-ui, sans-serif" font-size="13">\n{body}\n</svg>\n'
    )
