"""n-gram models from files, to score texts or to mix with a language model: ARPA files, counts of n-grams, plain text.

Each gives ln P of the words of a sentence and of its end; sentences are independent.
"""

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from embeddings.errors import EmbeddingsError
from embeddings.language_model.arpa import BEGIN, END, KENLM_BINARY, ArpaModel, about_kenlm_binary
from embeddings.language_model.backoff import BackOffTable, NgramModel
from embeddings.language_model.lines import encode_lines
from embeddings.language_model.ngram import CountedGrams, KneserNeyEstimate
from embeddings.text.id_stream import Ids
from embeddings.text.misread import IF_OTHER_ENCODING
from embeddings.text.tokenizer.counted_words import Words
from embeddings.text.tokenizer.tokenizers import Tokenizer
from embeddings.text.vocabulary import UNK, Vocabulary
from vecmill.compression import DAMAGE, decompressed
from vecmill.files import temporary_directory
from vecmill.plain_text import OtherKindError, open_text, suffix_of

TEXT_ORDER = 5
_LINES_EXAMINED = 20
_TABLES = (".csv", ".tsv")
_HIGHEST_COUNT = 1 << 50

Gram = tuple[str, ...]


class CountsModel(NgramModel):
    """Interpolated modified Kneser-Ney (see `ngram`) from a file of counts, ``w1 w2 w3<TAB>count`` per line.

    Parameters
    ----------
    path : str or Path
        Output of SRILM's ``ngram-count -write``, also compressed: n-grams of all orders up to the highest, with
        ``<s>`` and ``</s>`` around sentences. V counts all words but ``<s>``, and ``<unk>``.

    Raises
    ------
    EmbeddingsError
        The file cannot be read, is not of this format, or lacks an order.
    """

    def __init__(self, path: str | Path):
        counts: dict[Gram, int] = {}
        for number, line in enumerate(_lines(Path(path)), start=1):
            if line.strip():
                gram, count = _counted(line, f"{path}:{number}")
                counts[gram] = counts.get(gram, 0) + count
        orders = sorted({len(gram) for gram in counts})
        if not orders or orders != list(range(1, len(orders) + 1)):
            raise EmbeddingsError(
                f"{path} holds n-grams of the orders {orders}: expected all orders from 1 to the highest"
            )
        self._ids = {UNK: 0, END: 1, BEGIN: 1}
        for gram in counts:
            self._ids.setdefault(gram[-1], len(self._ids) - 1)
        self.unk, self.eos = 0, 1
        self._table = _estimated(_highest(counts, orders[-1], self._ids, path), len(self._ids) - 1, 1, orders[-1])

    def ids(self, words: Words) -> np.ndarray:
        """Return the ids of words, (n,) int32; `unk` for unknown words."""
        found = (self._ids.get(word.decode(), self.unk) for word in words.to_bytes())
        return np.fromiter(found, np.int32, len(words.starts))


class TextModel(NgramModel):
    """Kneser-Ney model of a plain text, with the tokenizer and the vocabulary of a language model.

    Parameters
    ----------
    path : str or Path
        UTF-8 text, one sentence per line, also compressed.
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
        if suffix_of(str(path)) in _TABLES:
            raise EmbeddingsError(f"{path} is a table, expected plain text; write its column of text to a file first")
        lines, ids = encode_lines("".join(_lines(Path(path))), vocabulary, tokenizer)
        kept = [numbers for line, numbers in zip(lines, ids, strict=True) if line]
        if not kept:
            raise EmbeddingsError(f"{path} holds no words: expected a text, an ARPA file or counts of n-grams")
        self._vocabulary, self.unk, self.eos = vocabulary, vocabulary.id(UNK), int(kept[0][-1])
        self._table = _estimated(np.concatenate(kept), len(vocabulary), self.eos, TEXT_ORDER)

    def ids(self, words: Words) -> np.ndarray:
        """Return the ids of words, (n,) int32; `unk` for unknown words."""
        return self._vocabulary.ids((word.decode() for word in words.to_bytes()), missing=self.unk)


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
        The file cannot be read, or is a pipe, which cannot be read again.
    """
    if Path(path).is_fifo():
        raise EmbeddingsError(f"{path} is a pipe, which cannot be read twice; save it to a file first")
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
    if not gram or not 0 <= number <= _HIGHEST_COUNT:
        raise EmbeddingsError(f"{place}: got {line.strip()[:60]!r}; expected an n-gram, a tab and its count")
    return gram, number


def _highest(counts: dict[Gram, int], order: int, ids: dict[str, int], path: str | Path) -> CountedGrams:
    """Return the n-grams of the highest order, and shorter ones that begin a sentence."""
    grams, numbers = [], []
    for gram, count in counts.items():
        if count and gram[-1] != BEGIN and (len(gram) == order or (len(gram) > 1 and gram[0] == BEGIN)):
            if any(word not in ids for word in gram):
                raise EmbeddingsError(f"{path}: a word of {' '.join(gram)!r} has no count of its own")
            grams.append([-1] * (order - len(gram)) + [ids[word] for word in gram])
            numbers.append(count)
    return CountedGrams(np.array(grams, np.int32).reshape(-1, order), np.array(numbers, np.int64))


def _estimated(text: Ids | CountedGrams, words: int, eos: int, order: int) -> BackOffTable:
    with temporary_directory() as folder:
        return KneserNeyEstimate(text, words, eos, Path(folder), order=order).table()


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file of text, without a byte-order mark."""
    try:
        with path.open("rb") as stored:
            if decompressed(stored, str(path)).read(len(KENLM_BINARY)) == KENLM_BINARY:
                raise EmbeddingsError(about_kenlm_binary(path))
        with open_text(path) as file:
            yield from io.TextIOWrapper(file, encoding="utf-8")
    except OtherKindError as error:
        raise EmbeddingsError(str(error)) from error.__cause__
    except UnicodeDecodeError as error:
        raise EmbeddingsError(f"{path} is not UTF-8 ({error.reason}); {IF_OTHER_ENCODING}") from error
    except (*DAMAGE, OSError) as error:
        raise EmbeddingsError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
