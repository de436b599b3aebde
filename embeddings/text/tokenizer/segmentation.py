"""Words of scripts without spaces: ICU puts a space between them, and the fast tokenizer does the rest."""

import re
import weakref
from collections.abc import Iterator

import numpy as np

from embeddings.text.tokenizer.word_counters import KernelCounter
from embeddings.text.tokenizer.word_table import WordTable
from vecmill.workers import WorkerProcess

_INVALID = re.compile("([\udc80-\udcff]+)")  # bytes as `surrogateescape` decodes them
_AT_ONCE = 1 << 16  # bytes; longer blocks are segmented in a process of their own


def segment(request: bytes) -> bytes:
    """Put a space between the words of a text.

    Parameters
    ----------
    request : bytes
        Language, a NUL and the text in UTF-8. Bytes that are not valid UTF-8 stay where they are.

    Returns
    -------
    bytes
        The text with spaces between its words, marks and runs of white space.
    """
    from icu4py.breakers import WordBreaker

    language, _, text = request.partition(b"\0")
    locale = language.decode()
    parts = _INVALID.split(text.decode("utf-8", "surrogateescape"))
    parts[::2] = [" ".join(WordBreaker(part, locale)) for part in parts[::2]]
    return "".join(parts).encode("utf-8", "surrogateescape")


class SegmentingCounter:
    """Counts the words of segmented text; a process of its own segments it, so that threads count at the same time.

    Parameters
    ----------
    counter : KernelCounter
    language : str
        As ICU names it: "zh", "ja", "th".
    """

    def __init__(self, counter: KernelCounter, language: str) -> None:
        self._counter = counter
        self._language = language.encode() + b"\0"
        self._process = WorkerProcess(segment)
        weakref.finalize(self, self._process.close)

    @property
    def skipped(self) -> dict[str, int]:
        """Counts of text that gave no token, by kind."""
        return self._counter.skipped

    @property
    def is_full(self) -> bool:
        """True if `take_words` must be called before the next `ids`."""
        return self._counter.is_full

    def ids(self, block: bytes) -> Iterator[np.ndarray]:
        """Yield the ids of a block in parts."""
        request = self._language + block
        yield from self._counter.ids(segment(request) if len(block) < _AT_ONCE else self._process.call(request))

    def last_ids(self) -> Iterator[np.ndarray]:
        """Yield nothing: no text is kept back."""
        return self._counter.last_ids()

    def take_words(self) -> WordTable:
        """Return the words of the ids so far, and reset the counter."""
        return self._counter.take_words()
