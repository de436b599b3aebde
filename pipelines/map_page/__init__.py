"""A map of words as one HTML file that opens without a network: Bokeh draws it, `page.js` brings it to life.

Everything is in the file: Bokeh's JavaScript and the words are compressed and unpacked by the browser.
"""

import base64
import gzip
import html
import importlib.util
import json
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embeddings.atomic_output import atomic_file
from embeddings.errors import EmbeddingsError

if TYPE_CHECKING:
    from embeddings.word_map import WordMap

MOST_WORDS = 1 << 16  # the numbers of neighbours are written in two bytes
UNBROKEN = str.maketrans({" ": "\u00a0", "-": "\u2011"})  # lines break between the facts only
SOURCES = Path(__file__).parent
SCRIPTS = ("data.js", "view.js", "labels.js", "search.js", "page.js")  # in this order they make one
PAPER, INK = "#fcfbf8", "#23241f"
LABEL_FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', sans-serif"


def require_bokeh() -> None:
    """Raise a one-line error if Bokeh is not installed.

    Raises
    ------
    EmbeddingsError
        It is not.
    """
    if importlib.util.find_spec("bokeh") is None:
        raise EmbeddingsError("a map is drawn with Bokeh, which is not installed; pip install 'vecmill[map]' brings it")


def write_map_page(path: Path, word_map: "WordMap", counts: np.ndarray, title: str, facts: Sequence[str]) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
    word_map : WordMap
        At most 65,536 words.
    counts : (n,) int64
        How often each word was seen; 0 where that is unknown.
    title : str
        Heading.
    facts : sequence of str
        What stands below it: "75,012 words", "100 dimensions", ...

    Raises
    ------
    EmbeddingsError
        Bokeh is not installed, there are too many words, or the file cannot be written.
    """
    require_bokeh()
    if len(word_map.words) > MOST_WORDS:
        raise EmbeddingsError(f"got {len(word_map.words):,} words; a map holds at most {MOST_WORDS:,}")
    from bokeh.resources import Resources

    library = "\n".join(Resources(mode="inline", components=["bokeh", "bokeh-gl"], log_level="warn").js_raw)
    page = string.Template(_source("page.html")).substitute(
        title=html.escape(title),
        facts=html.escape(" · ".join(fact.translate(UNBROKEN) for fact in facts)),
        style=_source("style.css"),
        script="\n".join(map(_source, SCRIPTS)),
        figure=json.dumps(_figure()).replace("<", "\\u003c"),
        library=_packed(library.encode()),
        data=_packed(_data(word_map, counts)),
    )
    with atomic_file(path) as file:
        file.write(page.encode())


def _source(name: str) -> str:
    return (SOURCES / name).read_text("utf-8")


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def _data(word_map: "WordMap", counts: np.ndarray) -> bytes:
    """Length of a JSON header in four bytes, the header, then arrays: each at a multiple of eight bytes."""
    low, high = word_map.positions.min(axis=0), word_map.positions.max(axis=0)
    span = max(float((high - low).max()), 1e-9)
    places = np.round((word_map.positions - low) / span * 65535)
    arrays = {
        "counts": counts.astype("<f8"),
        "x": places[:, 0].astype("<u2"),
        "y": places[:, 1].astype("<u2"),
        "clusters": word_map.clusters.astype("u1"),
        "neighbors": word_map.neighbors.astype("<u2"),
        "similarities": np.round(np.clip(word_map.similarities, 0, 1) * 255).astype("u1"),
    }
    header: dict[str, Any] = {"words": word_map.words, "clusterNames": word_map.cluster_names}
    header["arrays"] = {name: [array.dtype.name, array.size] for name, array in arrays.items()}
    text = json.dumps(header, ensure_ascii=False).encode("utf-8", "replace")
    parts = [len(text).to_bytes(4, "little"), text, bytes(-(4 + len(text)) % 8)]
    for array in arrays.values():
        parts += [array.tobytes(), bytes(-array.nbytes % 8)]
    return b"".join(parts)


def _figure() -> Mapping[str, Any]:
    """Bokeh's description of an empty figure; `page.js` fills its data sources `points`, `links`, `marks`, `labels`."""
    from bokeh.core.properties import value
    from bokeh.embed import json_item
    from bokeh.models import ColumnDataSource, Range1d
    from bokeh.plotting import figure

    plot = figure(
        name="map",
        x_range=Range1d(0, 1, name="x"),
        y_range=Range1d(0, 1, name="y"),
        sizing_mode="stretch_both",
        output_backend="webgl",
        tools="pan,wheel_zoom",
        active_scroll="wheel_zoom",
        toolbar_location=None,
        min_border=0,
        outline_line_color=None,
        background_fill_color=PAPER,
        border_fill_color=PAPER,
        lod_threshold=None,  # all points stay while one drags
        stylesheets=[":host { outline: none !important; }"],  # no frame around the page when it has the focus
    )
    plot.axis.visible = False
    plot.grid.visible = False
    columns = {
        "points": ("x", "y", "size", "color", "alpha"),
        "links": ("x0", "y0", "x1", "y1", "alpha"),
        "marks": ("x", "y", "size", "color"),
        "labels": ("x", "y", "text", "size", "color", "style", "offset"),
    }
    sources = {name: ColumnDataSource({column: [] for column in has}, name=name) for name, has in columns.items()}
    plot.scatter("x", "y", size="size", color="color", alpha="alpha", line_color=None, source=sources["points"])
    plot.segment("x0", "y0", "x1", "y1", line_color=INK, line_alpha="alpha", source=sources["links"])
    plot.scatter("x", "y", size="size", color="color", line_color=PAPER, line_width=1.5, source=sources["marks"])
    text: dict[str, Any] = {
        "text": "text",
        "text_font_size": "size",
        "text_font_style": "style",
        "y_offset": "offset",
        "text_align": "center",
        "text_baseline": "middle",
        "text_font": value(LABEL_FONT),
        "source": sources["labels"],
    }
    # an outline lies on the letters that it belongs to: so the halo is a text of its own, below
    plot.text("x", "y", text_color=PAPER, text_outline_color=PAPER, text_outline_width=3.5, **text)
    plot.text("x", "y", text_color="color", **text)
    return dict(json_item(plot))
