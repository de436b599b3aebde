"""Division of a stream of text into blocks that end in white space, so that no word spans two blocks."""

from collections.abc import Iterable, Iterator

from corpora.errors import CorpusError

WHITE_SPACE = b" \t\n\r\v\f"
WORD_LIMIT = 1 << 28
"""Number of bytes without white space from which on the input is not text."""


def cut_blocks(pieces: Iterable[bytes], block_size: int) -> Iterator[bytes]:
    """Regroup `pieces` into blocks of about `block_size` bytes that end in ASCII white space, not within CR LF.

    Parameters
    ----------
    pieces : iterable of bytes
        The text, cut anywhere. The last piece must end in white space.
    block_size : int
        Largest length of a block in bytes, unless a word is longer.

    Yields
    ------
    bytes
        Blocks; their concatenation is that of the pieces.

    Raises
    ------
    CorpusError
        More than `WORD_LIMIT` bytes have no white space.
    """
    ready: list[bytes | memoryview] = []  # whole words
    word: list[bytes | memoryview] = []  # the beginning of an incomplete word
    ready_length = word_length = 0
    for piece in pieces:
        view = memoryview(piece)
        start = 0
        while start < len(piece):
            room = block_size - (ready_length + word_length) % block_size
            end = min(start + room, len(piece))
            cut = _last_cut(piece, start, end)
            if cut:
                ready += word
                ready.append(view[start:cut])
                ready_length += word_length + cut - start
                word, word_length, start = [], 0, cut
            if start < end:
                word.append(view[start:end])
                word_length += end - start
            start = end
            if ready and ready_length + word_length >= block_size:
                yield b"".join(ready)
                ready, ready_length = [], 0
            if word_length > WORD_LIMIT:
                raise CorpusError(f"{word_length:,} bytes without any white space: this is not text split into words")
    if ready:
        yield b"".join(ready)


def _last_cut(piece: bytes, start: int, end: int) -> int:
    """Return the last position of ``piece[start:end]`` where a block may end, or 0.

    CR LF ends one line: cut in two, it would end two. So a CR at the end of a piece waits for what follows it.
    """
    cut = _after_last_white_space(piece, start, end)
    while cut and piece[cut - 1 : cut] == b"\r" and piece[cut : cut + 1] in (b"", b"\n"):
        cut = _after_last_white_space(piece, start, cut - 1) if cut - 1 > start else 0
    return cut


def _after_last_white_space(piece: bytes, start: int, end: int) -> int:
    """Return the position after the last white space of ``piece[start:end]``, or 0; search from the end."""
    if piece[end - 1] in WHITE_SPACE:
        return end
    window = 64
    while True:
        low = max(start, end - window)
        cut = max(piece.rfind(mark, low, end) for mark in _MARKS) + 1
        if cut or low == start:
            return cut
        window *= 16


_MARKS = [WHITE_SPACE[i : i + 1] for i in range(len(WHITE_SPACE))]
