"""A map of words as one HTML file, which needs no network: `points.js` draws it, `page.js` handles events.

The file contains the scripts and the compressed words, which the browser decompresses.
"""

import base64
import gzip
import html
import json
import math
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embeddings.errors import EmbeddingsError
from vecmill.files import atomic_file

if TYPE_CHECKING:
    from embeddings.vectors.time_lapse import TimeLapse
    from embeddings.vectors.word_map import WordMap

MOST_WORDS = 1 << 16  # neighbours are stored as uint16
UNBROKEN = str.maketrans({" ": "\u00a0", "-": "\u2011"})  # lines break between short facts, not within
SHORT_FACT = 24  # characters
GENERATOR = '<meta name="generator" content="vecmill">'
SOURCES = Path(__file__).parent
# in the order in which they are joined
SHARED_SCRIPTS = ("data.js", "view.js", "points.js", "labels.js", "search.js", "card.js", "page.js")
"""The map, which the page of `vecmill serve` shows too."""
TIME_SCRIPTS = ("losses.js", "time.js")
"""The moments of a training, which the page of `--watch` shows too."""


def write_map_page(
    path: Path,
    word_map: "WordMap",
    counts: np.ndarray,
    title: str,
    facts: Sequence[str],
    noun: str = "word",
    lapse: "TimeLapse | None" = None,
    metrics: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
    word_map : WordMap
        At most 65,536 words.
    counts : (n,) int64
        Count of each word; 0 if unknown.
    title : str
        Heading.
    facts : sequence of str
        Facts below the heading: "75,012 words", "100 dimensions", ...
    noun : str
        What a point is: "word" or "text".
    lapse : TimeLapse, optional
        The moments of the training, whose last one `word_map` is; the page then plays them.
    metrics : sequence of mapping of str to Any
        Of the epochs of that training.

    Raises
    ------
    EmbeddingsError
        The map has too many words, or the file cannot be written.
    """
    if len(word_map.words) > MOST_WORDS:
        raise EmbeddingsError(f"got {len(word_map.words):,} words; a map holds at most {MOST_WORDS:,}")
    page = string.Template(source("page.html")).substitute(
        title=html.escape(title),
        facts=html.escape(" · ".join(fact.translate(UNBROKEN) if len(fact) <= SHORT_FACT else fact for fact in facts)),
        noun=noun,
        style=source("style.css") + (source("time.css") if lapse else ""),
        time=source("time.html") if lapse else "",
        script="\n".join(map(source, (*SHARED_SCRIPTS, *(TIME_SCRIPTS if lapse else ()), "start.js"))),
        data=base64.b64encode(packed_map(word_map, counts, noun, lapse, metrics)).decode(),
    )
    with atomic_file(path) as file:
        file.write(page.encode("utf-8", "backslashreplace"))  # a file name that is not UTF-8


def is_map_page(path: Path) -> bool:
    """Return whether a file is a page of `write_map_page`."""
    try:
        with path.open("rb") as file:
            return GENERATOR.encode() in file.read(4096)
    except OSError:
        return False


def source(name: str) -> str:
    """Return the text of a script, style or page."""
    return (SOURCES / name).read_text("utf-8")


def packed_map(
    word_map: "WordMap",
    counts: np.ndarray,
    noun: str = "word",
    lapse: "TimeLapse | None" = None,
    metrics: Sequence[Mapping[str, Any]] = (),
) -> bytes:
    """Return the data of the page, compressed; the parameters are those of `write_map_page`.

    Before compression: the length of a JSON header (uint32), the header, and arrays aligned to eight bytes.
    """
    positions = word_map.positions if lapse is None else lapse.positions.reshape(-1, 2)
    low, high = positions.min(axis=0), positions.max(axis=0)
    box = low, max(float((high - low).max()), 1e-9)
    arrays = {"counts": counts.astype("<f8"), "clusters": word_map.clusters.astype("u1")}
    arrays |= _places("", word_map.positions, word_map.neighbors, word_map.similarities, box)
    header: dict[str, Any] = {"words": word_map.words, "clusterNames": word_map.cluster_names}
    header |= {"distinct": word_map.distinct.tolist(), "noun": noun}
    if lapse:
        arrays |= _places("moment", lapse.positions, lapse.neighbors, lapse.similarities, box)
        header["moments"] = _moments(lapse, metrics)
    header["arrays"] = {name: [array.dtype.name, array.size] for name, array in arrays.items()}
    text = json.dumps(header, ensure_ascii=False).encode("utf-8", "replace")
    parts = [len(text).to_bytes(4, "little"), text, bytes(-(4 + len(text)) % 8)]
    for array in arrays.values():
        parts += [array.tobytes(), bytes(-array.nbytes % 8)]
    return gzip.compress(b"".join(parts), 9, mtime=0)


def _places(
    moment: str, positions: np.ndarray, neighbors: np.ndarray, similarities: np.ndarray, box: tuple[np.ndarray, float]
) -> dict[str, np.ndarray]:
    """Return positions in a box (lower left corner, width) and neighbours as small numbers, by name in the page."""
    low, span = box
    places = np.round((positions - low) / span * 65535)
    arrays = {
        "x": places[..., 0].astype("<u2"),
        "y": places[..., 1].astype("<u2"),
        "neighbors": neighbors.astype("<u2"),
        "similarities": np.round(np.clip(similarities, 0, 1) * 255).astype("u1"),
    }
    return {f"{moment}{name.capitalize()}" if moment else name: array for name, array in arrays.items()}


def _moments(lapse: "TimeLapse", metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the loss by trained words: since the moment before, and held out at the ends of the epochs."""
    epoch = int(lapse.trained[-1]) / max(len(metrics), 1)  # words of one
    held_out = [[epoch * record["epoch"], record["held_out_loss"]] for record in metrics if record["held_out_loss"]]
    return {
        "trained": lapse.trained.tolist(),
        "losses": [loss if math.isfinite(loss) else None for loss in lapse.losses.tolist()],
        "heldOut": held_out,
        "epochs": len(metrics),
    }
