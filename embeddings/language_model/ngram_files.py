"""n-gram models from files, to mix with a language model: ARPA files, counts of n-grams, and plain text.

Each gives ln P of the words of a sentence and of its end; sentences are independent.
"""

import io
import math
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.language_model.lines import encode_lines
from embeddings.language_model.ngram import KneserNey, discounts
from embeddings.text.tokenizer.tokenizers import Tokenizer
from embeddings.text.vocabulary import UNK, Vocabulary
from vecmill.compression import DAMAGE, decompressed
from vecmill.plain_text import OtherKindError, open_text

TEXT_ORDER = 5
_BEGIN, _END = "<s>", "</s>"
_LN10 = math.log(10)
_LINES_EXAMINED = 20
_KENLM_BINARY = b"mmap lm "

Gram = tuple[str, ...]


class NgramModel(ABC):
    """P(word | previous words) of the words of a sentence."""

    @abstractmethod
    def log_likelihoods(self, words: list[str]) -> np.ndarray:
        """Return ln P of each word of a sentence and of its end, (n + 1,) float64."""


class _BackOffModel(NgramModel):
    """A model of sentences between ``<s>`` and ``</s>``, whose unknown words are ``<unk>``."""

    order: int

    def log_likelihoods(self, words: list[str]) -> np.ndarray:
        """Return ln P of each word of a sentence and of its end, (n + 1,) float64."""
        sentence = [_BEGIN, *(word if self._knows(word) else UNK for word in words), _END]
        places = range(1, len(sentence))
        return np.array([self._ln(tuple(sentence[max(0, i - self.order + 1) : i]), sentence[i]) for i in places])

    @abstractmethod
    def _knows(self, word: str) -> bool: ...

    @abstractmethod
    def _ln(self, context: Gram, word: str) -> float: ...


class ArpaModel(_BackOffModel):
    """An n-gram model with back-off from an ARPA file.

    Parameters
    ----------
    path : str or Path
        ARPA file of KenLM, SRILM or another tool, also with ``.gz``: log10 of probabilities and back-off weights.

    Raises
    ------
    EmbeddingsError
        The file cannot be read, or is not an ARPA file.
    """

    def __init__(self, path: str | Path):
        self._entries: dict[Gram, tuple[float, float]] = {}
        self.order = 0
        for number, line in enumerate(_lines(Path(path)), start=1):
            self._read_line(line.strip(), f"{path}:{number}")
        if not self._entries:
            raise EmbeddingsError(f"{path} holds no n-grams: expected an ARPA file, which begins with \\data\\")

    def _read_line(self, line: str, place: str) -> None:
        if line.endswith("-grams:") and line.startswith("\\"):
            self.order = int(line[1:].partition("-")[0])
        elif line.startswith("\\") or not line or not self.order:
            return
        else:
            fields = line.split()
            try:
                weight = float(fields[self.order + 1]) if len(fields) > self.order + 1 else 0.0
                self._entries[tuple(fields[1 : self.order + 1])] = float(fields[0]), weight
            except (ValueError, IndexError):
                raise EmbeddingsError(f"{place}: not a line of an ARPA file: {line[:60]!r}") from None

    def _knows(self, word: str) -> bool:
        return (word,) in self._entries

    def _ln(self, context: Gram, word: str) -> float:
        return self._log10(context, word) * _LN10

    def _log10(self, context: Gram, word: str) -> float:
        entry = self._entries.get((*context, word))
        if entry is not None:
            return entry[0]
        if not context:
            return -math.inf
        return self._entries.get(context, (0.0, 0.0))[1] + self._log10(context[1:], word)


class CountsModel(_BackOffModel):
    """Interpolated modified Kneser-Ney (see `ngram`) from a file of counts, ``w1 w2 w3<TAB>count`` per line.

    Parameters
    ----------
    path : str or Path
        Output of SRILM's ``ngram-count -write``, also with ``.gz``: n-grams of all orders up to the highest, with
        ``<s>`` and ``</s>`` around sentences. V counts all words but ``<s>``, and ``<unk>``.

    Raises
    ------
    EmbeddingsError
        The file cannot be read, is not of this format, or lacks an order.
    """

    def __init__(self, path: str | Path):
        raw: defaultdict[int, Counter[Gram]] = defaultdict(Counter)
        for number, line in enumerate(_lines(Path(path)), start=1):
            if line.strip():
                gram, count = _counted(line, f"{path}:{number}")
                raw[len(gram)][gram] += count
        self.order = max(raw, default=0)
        if not self.order or sorted(raw) != list(range(1, self.order + 1)):
            raise EmbeddingsError(
                f"{path} holds n-grams of the orders {sorted(raw)}: expected all orders from 1 to the highest"
            )
        self._counts: list[dict[Gram, int]] = [{}]
        for k in range(1, self.order + 1):
            before = Counter(gram[1:] for gram in raw[k + 1]) if k < self.order else Counter[Gram]()
            whole = k == self.order
            adjusted = {g: n if whole or (k > 1 and g[0] == _BEGIN) else before[g] for g, n in raw[k].items()}
            self._counts.append({gram: count for gram, count in adjusted.items() if gram != (_BEGIN,)})
        self._words = len(self._counts[1].keys() | {(UNK,)})
        self._discounts = [discounts(np.array(list(counts.values()), np.int64)) for counts in self._counts]
        self._contexts: defaultdict[Gram, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for counts, discount in zip(self._counts, self._discounts, strict=True):
            for gram, count in counts.items():
                sums = self._contexts[gram[:-1]]
                sums[0] += count
                sums[1] += discount[min(count, 3)]

    def _knows(self, word: str) -> bool:
        return (word,) in self._counts[1]

    def _ln(self, context: Gram, word: str) -> float:
        return math.log(self._probability(context, word))

    def _probability(self, context: Gram, word: str) -> float:
        lower = self._probability(context[1:], word) if context else 1.0 / self._words
        total, left = self._contexts.get(context, (0.0, 0.0))
        if not total:
            return lower
        count = self._counts[len(context) + 1].get((*context, word), 0)
        return float((count - self._discounts[len(context) + 1][min(count, 3)] + left * lower) / total)


class TextModel(NgramModel):
    """Kneser-Ney model of a plain text, with the tokenizer and the vocabulary of a language model.

    Parameters
    ----------
    path : str or Path
        UTF-8 text, one sentence per line, also with ``.gz``.
    vocabulary : Vocabulary
        That of the language model.
    tokenizer : Tokenizer
        That of the language model.

    Raises
    ------
    EmbeddingsError
        The file cannot be read, or has no words.
    """

    def __init__(self, path: str | Path, vocabulary: Vocabulary, tokenizer: Tokenizer):
        lines, ids = encode_lines("".join(_lines(Path(path))), vocabulary, tokenizer)
        kept = [numbers for line, numbers in zip(lines, ids, strict=True) if line]
        if not kept:
            raise EmbeddingsError(f"{path} holds no words: expected a text, an ARPA file or counts of n-grams")
        self._vocabulary, eos = vocabulary, int(kept[0][-1])
        self._eos = np.int32(eos)
        self._model = KneserNey(np.concatenate(kept), len(vocabulary), eos, TEXT_ORDER)

    def log_likelihoods(self, words: list[str]) -> np.ndarray:
        """Return ln P of each word of a sentence and of its end, (n + 1,) float64."""
        ids = self._vocabulary.ids(words, missing=self._vocabulary.id(UNK))
        return self._model.log_likelihoods(np.append(ids, self._eos))


def load_ngram_model(path: str | Path, vocabulary: Vocabulary, tokenizer: Tokenizer) -> NgramModel:
    r"""Read an n-gram model: an ARPA file, counts of n-grams, or a text.

    Parameters
    ----------
    path : str or Path
        An ARPA file begins with ``\data\``, counts have lines ``w1 w2<TAB>count``; any other file is a text.
    vocabulary : Vocabulary
        That of the language model.
    tokenizer : Tokenizer
        That of the language model.

    Returns
    -------
    NgramModel

    Raises
    ------
    EmbeddingsError
        The file cannot be read.
    """
    first = [line for line in islice(_lines(Path(path)), _LINES_EXAMINED) if line.strip()]
    if any(line.strip() == "\\data\\" for line in first):
        return ArpaModel(path)
    if first and all(line.rstrip().rpartition("\t")[2].isdigit() and "\t" in line for line in first):
        return CountsModel(path)
    return TextModel(path, vocabulary, tokenizer)


def _counted(line: str, place: str) -> tuple[Gram, int]:
    words, _, count = line.rpartition("\t")
    try:
        gram, number = tuple(words.split()), int(count)
    except ValueError:
        gram, number = (), 0
    if not gram or number < 0:
        raise EmbeddingsError(f"{place}: got {line.strip()[:60]!r}; expected an n-gram, a tab and its count")
    return gram, number


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file of text, without a byte-order mark."""
    try:
        with path.open("rb") as raw:
            if decompressed(raw, str(path)).read(len(_KENLM_BINARY)) == _KENLM_BINARY:
                raise EmbeddingsError(
                    f"{path} is a binary file of KenLM's build_binary: give the ARPA file that it was built from "
                    "(lmplz writes it)"
                )
        with open_text(path) as file:
            yield from io.TextIOWrapper(file, encoding="utf-8")
    except OtherKindError as error:
        raise EmbeddingsError(str(error)) from error.__cause__
    except (*DAMAGE, OSError, UnicodeDecodeError) as error:
        raise EmbeddingsError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
