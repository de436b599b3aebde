"""Lines on standard input: answered as they arrive, with a prompt on a terminal."""

import codecs
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from io import BufferedReader
from typing import BinaryIO, cast

from pipelines.console.streams import messages
from pipelines.settings.sections import STANDARD_INPUT
from vecmill.errors import VecmillError

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")  # without white space, as tokenizers count them
_LINE_END = re.compile(r"\r\n|\n|\r")
DEFAULT_FIELD = DEFAULT_COLUMN = "text"
_CHUNK = 1 << 16  # bytes of stdin that are read at a time


def batches_of_lines(
    source: str,
    prompt: str,
    size: int,
    skipped: Counter[str],
    *,
    field: str = DEFAULT_FIELD,
    column: str = DEFAULT_COLUMN,
) -> Iterator[list[str]]:
    """Yield lines of a text in batches: those that have arrived on stdin, or those of a file.

    Parameters
    ----------
    source : str
        What `corpora.open_corpus` takes, or ``-``.
    prompt : str
        As `arriving_lines`.
    size : int
        Largest number of lines of a batch.
    skipped : Counter of str
        Counts what is left out, by reason, as the readers of training texts do.
    field, column : str
        Where JSON Lines, and CSV and Parquet files, hold their text.

    Yields
    ------
    list of str

    Raises
    ------
    VecmillError
        There is no text.
    """
    from corpora import open_corpus

    if source == STANDARD_INPUT and (field, column) != (DEFAULT_FIELD, DEFAULT_COLUMN):
        raise VecmillError("--field and --column have no effect on standard input, which is plain text; leave them out")
    empty = True
    corpus = None if source == STANDARD_INPUT else open_corpus(source, field, column)
    pieces = corpus.blocks(line_per_record=True) if corpus else _plain(_arriving(prompt))
    for lines in lines_of(pieces, skipped):
        for start in range(0, len(lines), size):
            empty = False
            yield lines[start : start + size]
    if corpus:
        skipped.update(corpus.warnings)
    if empty:
        raise VecmillError("standard input is empty; expected text, one sentence per line")


def arriving_lines(prompt: str) -> Iterator[list[str]]:
    """Yield the lines that have arrived: one at a time if they are typed, many if a file is read.

    Parameters
    ----------
    prompt : str
        Written to stderr before each line if stdin is a terminal.

    Yields
    ------
    list of str
        Without line ends.
    """
    yield from lines_of(_arriving(prompt))


def lines_of(pieces: Iterable[bytes], skipped: Counter[str] | None = None) -> Iterator[list[str]]:
    """Yield the lines of a text in pieces, those that a piece completes together.

    A line ends as in a text for training; the line breaks of Unicode alone become spaces, so that there is one answer
    for each line.

    Parameters
    ----------
    pieces : iterable of bytes
    skipped : Counter of str, optional
        Counts what `decoded` does.

    Yields
    ------
    list of str
        Without line ends.
    """
    rest: list[bytes] = []
    for piece in pieces:
        whole, newline, last = piece.rpartition(b"\n")
        if newline:
            yield _decoded(b"".join([*rest, whole]), skipped)
            rest = []
        rest.append(last)
    if last := b"".join(rest):
        yield _decoded(last, skipped)


def _arriving(prompt: str) -> Iterator[bytes]:
    """Yield what arrives on stdin, decompressed; raise an error for binary data and other encodings."""
    from vecmill.plain_text import HEAD, STDIN, require_utf8

    if sys.stdin is None or sys.stdin.closed:
        raise VecmillError("standard input is closed; expected text there, or a name of a file or words as arguments")
    chunks = _chunks(cast(BufferedReader, sys.stdin.buffer))
    typed, mark, seen = sys.stdin.isatty(), codecs.BOM_UTF8, 0
    while True:
        if typed:
            messages.print(prompt, end="", style="dim")
        chunk = next(chunks, b"")
        if not chunk:
            if typed:
                messages.print()
            return
        if mark or (b"\0" in chunk and seen < HEAD):  # a NUL farther on is counted, as in a file
            require_utf8(chunk[: HEAD - seen], STDIN)
        yield chunk.removeprefix(mark)
        mark, seen = b"", seen + len(chunk)


def _chunks(stdin: BufferedReader) -> Iterator[bytes]:
    """Yield what arrives on stdin; compressed data are decompressed, as those of files are."""
    from vecmill.compression import DAMAGE, Prefixed, decompressed, is_compressed
    from vecmill.plain_text import STDIN

    chunk = stdin.read1(_CHUNK)  # returns the bytes that a pipe holds; waits only while it holds none
    while _may_begin_compressed(chunk) and (more := stdin.read1(_CHUNK)):
        chunk += more
    if not is_compressed(chunk):
        while chunk:
            yield chunk
            chunk = stdin.read1(_CHUNK)
        return
    try:
        content = decompressed(cast(BinaryIO, BufferedReader(Prefixed(chunk, stdin))), STDIN)
        while chunk := content.read1(_CHUNK):
            yield chunk
    except (*DAMAGE, OSError) as error:
        raise VecmillError(f"standard input is damaged ({error}); send it again") from error


def _may_begin_compressed(chunk: bytes) -> bool:
    """Return whether more bytes may show that data are compressed: these are the first, and no line."""
    from vecmill.compression import MAGIC, START

    known = any(magic[: len(chunk)] == chunk[: len(magic)] for magic in MAGIC.values())
    return 0 < len(chunk) < START and known and b"\n" not in chunk


def _plain(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a text; raise an error for HTML, XML, JSON and models."""
    from vecmill.plain_text import STDIN, require_text

    for number, piece in enumerate(pieces):
        if number == 0:
            require_text(piece, STDIN)
        yield piece


def _decoded(lines: bytes, skipped: Counter[str] | None) -> list[str]:
    text = decoded(lines, Counter() if skipped is None else skipped)
    return [" ".join(line.splitlines()) for line in _LINE_END.split(text.removesuffix("\r"))]


def decoded(text: bytes, skipped: Counter[str]) -> str:
    """Return UTF-8 as str, and count what gives no words, as the tokenizers do in a text for training.

    Parameters
    ----------
    text : bytes
    skipped : Counter of str
        Counts invalid UTF-8 sequences, in whose place there is U+FFFD, and control characters.

    Returns
    -------
    str
    """
    found = text.decode("utf-8", "replace")
    counts = {
        "invalid UTF-8 sequences": found.count(_REPLACEMENT) - text.count(_REPLACEMENT.encode()),
        "control characters": len(_CONTROL.findall(found)),
    }
    skipped.update({what: count for what, count in counts.items() if count})
    return found
