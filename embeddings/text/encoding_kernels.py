"""Compiled loops over provisional ids: assign lines to parts, count the words of a part, encode with a vocabulary."""

# mypy: ignore-errors
# (Numba infers the types of what it compiles.)

from typing import NamedTuple

import numpy as np

from embeddings.compilation import exact, inlined
from embeddings.text.tokenizer.kernels import LINE_END_ID

OUTSIDE = -1
"""The final id of words that are omitted."""


class Deal(NamedTuple):
    """Assignment of lines to the parts of a text: blocks of lines, in a cycle.

    Attributes
    ----------
    block_lines : int
        Lines per block.
    cycle : (n,) int64
        Part of each block of a cycle.
    """

    block_lines: int
    cycle: np.ndarray


class Begin(NamedTuple):
    """Position in the lines at which a segment of provisional ids begins.

    Attributes
    ----------
    line : int
        Number of lines with a word that end before it.
    in_line : bool
        The line in which it begins has a word before it.
    """

    line: int
    in_line: bool


@inlined
def _part_of(line, deal):
    return deal.cycle[line // deal.block_lines % deal.cycle.size]


@exact
def count_lines(provisional):
    """Count the lines of a segment that have a word.

    Parameters
    ----------
    provisional : (n,) int32

    Returns
    -------
    has_end : bool
        A line ends in the segment.
    begins_with_word : bool
        A word precedes the first line end.
    lines : int
        Number of lines with a word that end in the segment, without the first line.
    ends_with_word : bool
        A word follows the last line end.
    """
    has_end, begins_with_word, in_line = False, False, False
    lines = 0
    for i in range(provisional.size):
        if provisional[i] != LINE_END_ID:
            in_line = True
        else:
            if has_end:
                lines += in_line
            else:
                begins_with_word = in_line
            has_end, in_line = True, False
    return has_end, in_line if not has_end else begins_with_word, lines, in_line


@exact
def count_words(provisional, begin, deal, part, counts):
    """Add the words of the lines of one part to `counts`.

    Parameters
    ----------
    provisional : (n,) int32
    begin : Begin
    deal : Deal
    part : int
    counts : (w + 1,) int64
        Counts by provisional id; updated.

    Returns
    -------
    bool
        False if a provisional id is out of range.
    """
    line, in_line = begin.line, begin.in_line
    wanted = _part_of(line, deal) == part
    for i in range(provisional.size):
        word = provisional[i]
        if word == LINE_END_ID:
            if in_line:
                line += 1
                in_line = False
                wanted = _part_of(line, deal) == part
        elif word < 0 or word >= counts.size:
            return False
        else:
            in_line = True
            counts[word] += wanted
    return True


@exact
def encode_part(provisional, final_ids, line_end, begin, deal, ids, ends, stretches):
    """Replace provisional ids by final ones, omit words without a final id, and record sentence ends.

    Parameters
    ----------
    provisional : (n,) int32
    final_ids : (w + 1,) int32
        Final ids by provisional id; `OUTSIDE` for words to omit.
    line_end : int
        Id appended to every line with a word; `OUTSIDE` for none.
    begin : Begin
    deal : Deal
    ids : (n,) int32
        Receives the final ids.
    ends : (n,) int64
        Receives the number of ids up to each sentence end, without repetitions; the first may be 0.
    stretches : (m, 3) int64
        Receives part, end in `ids` and end in `ends` of each run of lines of one part.

    Returns
    -------
    int
        Number of rows written to `stretches`; -1 if a provisional id is out of range.
    """
    written, sentences, found = np.int64(0), 0, 0
    last_end = -1
    line, in_line = begin.line, begin.in_line
    part = _part_of(line, deal)
    for i in range(provisional.size):
        word = provisional[i]
        if word == LINE_END_ID:
            if in_line and line_end != OUTSIDE:
                ids[written] = line_end
                written += 1
            if written != last_end:
                last_end = written
                ends[sentences] = last_end
                sentences += 1
            if in_line:
                line += 1
                in_line = False
                following = _part_of(line, deal)
                if following != part:
                    stretches[found, 0], stretches[found, 1], stretches[found, 2] = part, written, sentences
                    found += 1
                    part = following
        elif word < 0 or word >= final_ids.size:
            return -1
        else:
            in_line = True
            final = final_ids[word]
            ids[written] = final
            written += np.int64(final != OUTSIDE)
    stretches[found, 0], stretches[found, 1], stretches[found, 2] = part, written, sentences
    return found + 1
