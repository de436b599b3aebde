"""A map of words as one HTML file, which needs no network: `points.js` draws it, `page.js` handles events.

The file contains the scripts and the compressed words, which the browser decompresses.
"""

import base64
import gzip
import html
import json
import string
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embeddings.errors import EmbeddingsError
from vecmill.files import atomic_file

if TYPE_CHECKING:
    from embeddings.vectors.word_map import WordMap

MOST_WORDS = 1 << 16  # neighbours are stored as uint16
UNBROKEN = str.maketrans({" ": "\u00a0", "-": "\u2011"})  # lines break between short facts, not within
SHORT_FACT = 24  # characters
GENERATOR = '<meta name="generator" content="vecmill">'
SOURCES = Path(__file__).parent
# in the order in which they are joined
SHARED_SCRIPTS = ("data.js", "view.js", "points.js", "labels.js", "search.js", "card.js", "page.js")
"""The map, which the page of `vecmill serve` shows too."""
SCRIPTS = (*SHARED_SCRIPTS, "start.js")


def write_map_page(
    path: Path, word_map: "WordMap", counts: np.ndarray, title: str, facts: Sequence[str], noun: str = "word"
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
        style=source("style.css"),
        script="\n".join(map(source, SCRIPTS)),
        data=base64.b64encode(packed_map(word_map, counts, noun)).decode(),
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


def packed_map(word_map: "WordMap", counts: np.ndarray, noun: str = "word") -> bytes:
    """Return the data of the page, compressed; the parameters are those of `write_map_page`."""
    return gzip.compress(_data(word_map, counts, noun), 9, mtime=0)


def _data(word_map: "WordMap", counts: np.ndarray, noun: str) -> bytes:
    """Return the data of the page: length of a JSON header (uint32), the header, and arrays aligned to eight bytes."""
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
    header |= {"distinct": word_map.distinct.tolist(), "noun": noun}
    header["arrays"] = {name: [array.dtype.name, array.size] for name, array in arrays.items()}
    text = json.dumps(header, ensure_ascii=False).encode("utf-8", "replace")
    parts = [len(text).to_bytes(4, "little"), text, bytes(-(4 + len(text)) % 8)]
    for array in arrays.values():
        parts += [array.tobytes(), bytes(-array.nbytes % 8)]
    return b"".join(parts)
